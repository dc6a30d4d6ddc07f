"""The storefront in a real browser over the whole shop: what a shopper does, and what goes wrong meanwhile."""

import json
import unittest

import catalog_commands
import shop
from browsing import BrowserTest, pounds
from customer import PASSWORD, Customer


class BrowseTest(BrowserTest):
    def test_the_listing_is_searched_filtered_sorted_and_continued(self):
        page = self.page
        page.goto("/")
        page.wait_for_selector(".card")
        self.assertEqual(len(self.titles()), 24)
        self.button("Show more").click()
        self.expect_cards(48)
        self.assertEqual(len(set(page.locator(".card a").evaluate_all("all => all.map(one => one.href)"))), 48)

        page.get_by_label("Sort by").select_option("-price")
        page.wait_for_url("**/?sort=-price")
        page.wait_for_selector(".card")
        dearest = page.locator(".card .price").all_inner_texts()
        amounts = [float(text.strip("£").replace(",", "")) for text in dearest]
        self.assertEqual(amounts, sorted(amounts, reverse=True))
        page.get_by_label("Highest price").fill("2")
        page.get_by_label("Highest price").press("Enter")
        page.wait_for_url("**price_max=200*")
        page.wait_for_selector(".card")
        self.assertTrue(page.locator(".card .price").first.inner_text() <= "£2.00")

        page.get_by_role("searchbox").fill("hanging white")
        page.get_by_role("searchbox").press("Enter")
        page.wait_for_url("**/?q=hanging%20white")
        self.expect_text("h1", "hanging white")
        page.wait_for_selector(".card")
        found = [title.lower() for title in self.titles()]
        self.assertTrue(all("hanging" in title and "white" in title for title in found), found)
        page.go_back()
        page.wait_for_url("**price_max=200*")
        page.goto("/?q=zzzz")
        self.expect_text("h2", "Nothing found for “zzzz”")

    def test_back_from_a_product_shows_the_listing_as_it_was(self):
        page = self.page
        page.goto("/")
        page.wait_for_selector(".card")
        self.button("Show more").click()
        self.expect_cards(48)
        page.locator(".card a").nth(40).click()
        page.wait_for_selector("article.product")
        page.go_back()
        self.expect_cards(48)
        shop.wait_until(lambda: page.evaluate("scrollY") > 500, 10, lambda: page.evaluate("scrollY"))

    def test_a_guest_fills_a_cart_and_changes_it(self):
        page, product = self.page, self.product()
        page.goto(f"/products/{product['product_id']}")
        self.expect_text(".stock", "In stock")
        page.get_by_role("button", name="one more").click()
        self.button("Add to cart").dblclick()   # One click: the second finds the button at work.
        self.expect_text(".toast", "2 ×")
        page.get_by_role("link", name="Cart, 2 items").click()
        price = product["price"]["amount_minor"]
        self.expect_text("#total", pounds(2 * price))

        page.get_by_role("spinbutton").fill("5")
        page.get_by_role("spinbutton").press("Enter")
        self.expect_text("#total", pounds(5 * price))
        page.reload()
        self.expect_text("#total", pounds(5 * price))
        self.button("Remove").click()
        self.expect_text("h2", "Your cart is empty")
        page.get_by_role("link", name="Cart, 0 items").wait_for()

    def test_the_language_is_chosen_and_kept(self):
        page = self.page
        page.goto("/cart")
        self.expect_text("h2", "Your cart is empty")
        self.button("Deutsch").click()
        self.expect_text("h2", "Ihr Warenkorb ist leer")
        page.reload()
        self.expect_text("h2", "Ihr Warenkorb ist leer")
        self.assertEqual(page.locator("html").get_attribute("lang"), "de")

    def test_what_is_not_there_is_a_sentence_with_a_way_on(self):
        self.page.goto("/products/prd_none")
        self.expect_text("h2", "This product does not exist")
        self.page.goto("/orders/none/at/all")   # The gateway's, not the storefront's.
        self.page.goto("/cart")
        self.page.get_by_role("link", name="All products").click()
        self.page.wait_for_selector(".card")


class OrderTest(BrowserTest):
    def fill_cart(self, product, quantity=1, page=None):
        page = page or self.page
        page.goto(f"/products/{product['product_id']}")
        page.get_by_role("spinbutton").fill(str(quantity))
        page.get_by_role("button", name="Add to cart").click()
        self.expect(page.locator(".toast")).to_contain_text("in your cart")

    def fill_address(self, page=None):
        page = page or self.page
        for label, text in (("E-mail address", "ada@shop.example"), ("Name", "Ada Lovelace"), ("Street", "12 St James's Square"),
                            ("Postal code", "SW1Y 4JH"), ("City", "London"), ("Country", "United Kingdom")):
            page.get_by_label(label).fill(text)

    def check_out(self, method="Accept", page=None):
        """From the cart to the page of the order."""
        page = page or self.page
        page.goto("/checkout")
        self.fill_address(page)
        page.get_by_role("radio", name=method).first.check()
        page.get_by_role("button", name="Pay").click()
        page.wait_for_url("**/orders/ord_*")

    def expect_head(self, text, page=None):
        self.expect((page or self.page).locator(".order-head h2")).to_contain_text(text)

    def orders_of(self, page=None):
        """The orders of this browser, as the shop has them."""
        guest = (page or self.page).evaluate("localStorage.getItem('millrace.guest')")
        return self.shop.get("/v1/orders", headers={"Cart-Token": guest}).json["items"]

    def test_a_guest_orders_and_sees_it_confirmed(self):
        page = self.page
        self.fill_cart(self.product(), 2)
        page.get_by_role("link", name="Cart, 2 items").click()
        page.get_by_role("link", name="To checkout").click()
        pay = page.get_by_role("button", name="Pay")
        pay.click()
        self.expect(page.locator(".mistake:not(:empty)")).to_have_count(6)
        self.expect(page.get_by_label("E-mail address")).to_be_focused()
        self.fill_address()
        page.get_by_label("Street").fill("4111 1111 1111 1111")
        pay.click()
        self.expect_text(".field:has([name='shipping_address/street'])", "card number")
        page.get_by_label("Street").fill("12 St James's Square")
        pay.dblclick()
        self.expect_head("your order is confirmed")
        self.expect_text(".proof", "Confirmed")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the confirmation").click()
        proof = json.loads(download.value.path().read_text())
        self.assertEqual(proof["order_id"], page.url.rsplit("/", 1)[1])
        self.assertEqual(len(self.orders_of()), 1)

        page.go_back()
        self.expect_text("h2", "Your cart is empty")
        page.goto("/orders")
        page.get_by_role("link", name=proof["confirmation_no"]).click()
        self.expect_head("your order is confirmed")

    def test_a_declined_payment_is_repeated_with_another_method(self):
        self.fill_cart(self.product(1))
        self.check_out("Decline")
        self.expect_head("The payment was declined")
        self.page.get_by_role("radio", name="Accept").first.check()
        self.button("Pay").click()
        self.expect_head("your order is confirmed")

    def test_an_order_that_waits_is_cancelled(self):
        self.fill_cart(self.product(1))
        self.check_out("No answer")
        self.button("Cancel the order").click()
        self.expect_head("cancelled")
        self.expect_text(".order-head", "You cancelled it")

    def test_the_connection_is_cut_between_request_and_answer(self):
        """Every answer to the order is lost at first; then the shopper presses again. The shop has one order."""
        page, sent = self.page, []
        self.fill_cart(self.product(2))
        page.goto("/checkout")
        self.fill_address()

        def cut(route):
            sent.append(route.request.headers["idempotency-key"])
            if len(sent) <= 4:
                route.fetch()
                route.abort()
            else:
                route.continue_()

        page.route("**/v1/orders", cut)
        self.button("Pay").click()
        self.expect_text(".notice", "The shop does not answer")
        self.button("Pay").click()
        self.expect_head("your order is confirmed")
        self.assertEqual((len(sent), len(set(sent))), (5, 1))
        self.assertEqual(len(self.orders_of()), 1)

    def test_two_tabs_have_one_cart_and_make_one_order(self):
        first, second = self.page, self.new_page(self.context)
        self.fill_cart(self.product(3))
        second.goto("/cart")
        self.expect(second.locator(".line")).to_have_count(1)
        self.fill_cart(self.product(4), page=first)
        self.expect(second.locator(".line")).to_have_count(2)   # By itself.
        for page in (first, second):
            page.goto("/checkout")
            self.fill_address(page)
        for page in (first, second):
            page.get_by_role("button", name="Pay").click()
        self.expect_head("your order is confirmed", first)
        second.wait_for_url("**/orders/ord_*")
        self.assertEqual(first.url, second.url)
        self.assertEqual(len(self.orders_of()), 1)

    def test_a_price_changes_while_it_is_in_the_cart(self):
        page, product = self.page, self.product(5)
        price = product["price"]["amount_minor"]
        self.fill_cart(product)
        page.goto("/checkout")
        self.fill_address()
        catalog_commands.change_price(self.shop, product, price + 100)
        self.button("Pay").click()
        self.expect_text(".order-head", "A price changed")   # Nothing is sold at a price that was not seen.
        page.get_by_role("link", name="To the cart").click()
        self.expect_text("#total", pounds(price + 100))
        catalog_commands.change_price(self.shop, product, price)
        page.reload()
        self.expect_text(".line", f"The price was {pounds(price + 100)} when you added it, and is {pounds(price)} now")
        self.button("Accept").click()
        self.expect_text("#total", pounds(price))

    def test_a_product_sells_out_while_it_is_in_the_cart(self):
        page, product = self.page, self.product(6)
        self.fill_cart(product)
        self.buy_all(product["product_id"])
        page.goto("/cart")
        self.expect_text(".line", "Sold out since you added it")
        self.check_out()
        self.expect_text(".order-head", "there are 0")
        page.get_by_role("link", name="To the cart").click()
        self.button("Remove").click()
        self.expect_text("h2", "Your cart is empty")
        page.goto(f"/products/{product['product_id']}")
        self.expect_text(".stock", "Sold out")
        self.expect(self.button("Add to cart")).to_be_disabled()

    def buy_all(self, product_id):
        """Another customer learns from a refusal how many there are, and takes them."""
        other = Customer(self.shop)
        refused = other.order(other.add(product_id, 900000).json, "pm_approve").json["order_id"]
        available = other.wait_for_status(refused, "CANCELLED")["short_lines"][0]["available"]
        cart = other.put(f"/v1/cart/items/{product_id}", {"quantity": available})
        other.wait_for_status(other.order(cart.json, "pm_approve").json["order_id"], "CONFIRMED")


class AccountTest(BrowserTest):
    def test_an_account_is_made_left_and_entered(self):
        page, email = self.page, f"{shop.new_key()}@shop.example"
        page.goto("/orders")
        page.get_by_role("link", name="Log in").first.click()
        page.get_by_role("link", name="Create an account").click()
        page.get_by_label("E-mail address").fill("nobody")
        page.get_by_label("Password").fill("password")
        self.button("Create account").click()
        self.expect_text(".field:has([type=email])", "not an e-mail address")
        page.get_by_label("E-mail address").fill(email)
        self.button("Create account").click()
        self.expect_text(".field:has([type=password])", "too easy to guess")
        page.get_by_label("Password").fill(PASSWORD)
        self.button("Create account").click()
        page.get_by_role("link", name="Account").click()
        self.expect_text("main", email)

        self.button("Log out").click()
        page.get_by_role("link", name="Log in").click()
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill("something else")
        self.button("Log in").click()
        self.expect_text(".notice", "The e-mail address or the password is wrong")
        page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.expect_text("main", email)


if __name__ == "__main__":
    unittest.main()
