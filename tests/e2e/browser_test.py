"""The storefront in a real browser over the whole shop: what a shopper does, and what goes wrong meanwhile."""

import json
import unittest

import catalog_commands
import shop
from browsing import BrowserTest, browser, pounds
from customer import PASSWORD, Customer

# As Chromium's developer tools and Lighthouse have it: 1.6 Mbit/s down, 150 ms.
FAST_3G = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}


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


class OrderSteps(BrowserTest):
    """Steps on the way to an order."""

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


class OrderTest(OrderSteps):
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

        self.button("Log out", exact=True).click()
        page.get_by_role("link", name="Log in").click()
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill("something else")
        self.button("Log in").click()
        self.expect_text(".notice", "The e-mail address or the password is wrong")
        page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.expect_text("main", email)

    def test_a_session_lasts_and_no_script_can_read_what_renews_it(self):
        page, customer = self.page, Customer(self.shop)
        page.goto("/login")
        page.get_by_label("E-mail address").fill(customer.email)
        page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.expect_text("main", customer.email)
        cookie, = self.context.cookies(f"{self.url}/v1/sessions")
        self.assertTrue(cookie["httpOnly"] and cookie["secure"], cookie)
        kept = page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})")
        self.assertNotIn(cookie["value"], kept)
        self.assertNotIn("eyJ", kept)   # How an access token begins.

        page.reload()
        page.get_by_role("link", name="Account").wait_for()
        other = self.new_page(self.context)
        other.goto("/account")
        self.expect(other.locator(".session")).to_have_count(2)   # The customer's own, and this browser's.
        self.expect(other.locator("main")).to_contain_text("This browser")
        page.evaluate("import('/assets/js/state.js').then((state) => { state.session.access = 'expired' })")
        page.get_by_role("link", name="Account").click()
        self.expect(page.locator(".session")).to_have_count(2)
        page.get_by_role("button", name="Log out there").click()
        self.expect(page.locator(".session")).to_have_count(1)
        self.assertEqual(customer.get("/v1/orders").status, 401)

        page.get_by_label("Password of now").fill("something else")
        page.get_by_label("New password").fill("a quite new password")
        page.get_by_role("button", name="Change the password").click()
        self.expect_text(".field:has([name=current])", "This is not your password")
        page.get_by_label("Password of now").fill(PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        self.expect_text(".toast", "The password is changed")
        self.assertEqual(customer.log_in("a quite new password").status, 201)

        self.button("Log out", exact=True).click()
        other.get_by_role("link", name="Log in").wait_for()   # By itself.
        self.assertEqual(self.context.cookies(f"{self.url}/v1/sessions"), [])
        page.reload()
        page.get_by_role("link", name="Log in").wait_for()


class MergeTest(OrderSteps):
    def test_a_guests_cart_is_merged_at_login_and_ordered(self):
        page, customer = self.page, Customer(self.shop)
        mine, both = self.product(10), self.product(11)
        customer.add(both["product_id"], 1)
        self.fill_cart(mine)
        self.fill_cart(both, 2)
        page.goto("/checkout")
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        page.get_by_label("E-mail address").fill(customer.email)
        page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.expect_text("h1", "Checkout")   # The address of the login ends with "/checkout", too.
        page.get_by_role("link", name="Cart, 4 items").click()
        self.expect(page.locator(".line")).to_have_count(2)
        self.assertEqual(page.locator(f"#line-{both['product_id']} input").input_value(), "3")
        self.check_out()
        self.expect_head("your order is confirmed")
        order, = customer.get("/v1/orders").json["items"]
        self.assertTrue(page.url.endswith(order["order_id"]))
        self.assertEqual(self.orders_of(), [])   # The guest has ordered nothing, and has nothing any more.
        page.get_by_role("link", name="Account").click()
        self.button("Log out", exact=True).click()
        page.goto("/cart")
        self.expect_text("h2", "Your cart is empty")


class EverybodyTest(OrderSteps):
    """For people who see little, use no mouse, or have a slow connection."""

    def assert_accessible(self, name):
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
            serious = [(f"{name}, {scheme}", one["id"], [node["target"] for node in one["nodes"]])
                       for one in found if one["impact"] in ("serious", "critical")]
            self.assertEqual(serious, [])

    def visit(self, name, path, selector):
        self.page.goto(path)
        self.page.wait_for_selector(selector)
        self.page.evaluate(browser.axe())
        self.assert_accessible(name)

    def test_axe_finds_nothing_serious_on_any_page(self):
        self.visit("listing", "/", ".card")
        self.page.set_viewport_size({"width": 390, "height": 780})
        self.assert_accessible("listing on a phone")
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.visit("no result", "/?q=zzzz", ".empty")
        self.visit("missing", "/products/prd_none", ".empty")
        self.visit("login", "/login", "form.form")
        self.visit("registration", "/register", "form.form")
        product = self.product(7)
        self.visit("product", f"/products/{product['product_id']}", "article.product")
        self.fill_cart(product)
        self.visit("cart", "/cart", ".line")
        self.visit("checkout", "/checkout", "form.form")
        self.button("Pay").click()
        self.assert_accessible("checkout with mistakes")
        self.check_out("Decline")
        self.expect_head("The payment was declined")
        self.page.evaluate(browser.axe())
        self.assert_accessible("declined")
        self.page.get_by_role("radio", name="Accept").first.check()
        self.button("Pay").click()
        self.page.wait_for_selector(".facts-list")
        self.assert_accessible("confirmed")
        self.visit("orders", "/orders", ".orders li")
        customer = Customer(self.shop)
        self.page.goto("/login")
        self.page.get_by_label("E-mail address").fill(customer.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.page.wait_for_selector(".session")
        self.page.evaluate(browser.axe())
        self.assert_accessible("account")

    def test_an_order_is_made_with_the_keyboard_alone(self):
        page, product = self.page, self.product(8)
        page.goto(f"/products/{product['product_id']}")
        page.wait_for_selector("article.product")
        self.tab_to("Skip to the content")
        page.keyboard.press("Enter")
        self.tab_to("Add to cart")
        page.keyboard.press("Enter")
        self.expect_text(".toast", "in your cart")
        page.goto("/cart")
        page.wait_for_selector(".line")
        self.tab_to("To checkout")
        page.keyboard.press("Enter")
        page.wait_for_selector("form.form")
        for text in ("ada@shop.example", "Ada Lovelace", "12 St James's Square", "SW1Y 4JH", "London", "United Kingdom"):
            self.tab_to(None, tag="INPUT", type_name=("email", "text"))
            page.keyboard.type(text)
        self.tab_to("Pay £")
        page.keyboard.press("Enter")
        self.expect_head("your order is confirmed")

    def tab_to(self, text, tag=None, type_name=None):
        """Presses Tab until the focus is there."""
        for _ in range(40):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(
                "({text: document.activeElement.textContent, tag: document.activeElement.tagName,"
                " type: document.activeElement.type, search: document.activeElement.type === 'search'})")
            if (text and text in at["text"]) or (tag == at["tag"] and at["type"] in (type_name or ())):
                return
        self.fail(f"no way to {text or tag} by Tab")

    def test_a_phone_shows_the_whole_width(self):
        for language in ("en", "de"):
            self.page.set_viewport_size({"width": 360, "height": 740})
            self.page.goto("/")
            self.page.evaluate(f"localStorage.setItem('millrace.language', '{language}')")
            self.fill_cart_of_two_languages(language)
            for path, selector in (("/", ".card"), ("/cart", ".line"), ("/checkout", "form.form"), ("/login", "form.form")):
                self.page.goto(path)
                self.page.wait_for_selector(selector)
                over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                self.assertEqual(over, 0, (path, language))

    def fill_cart_of_two_languages(self, language):
        self.page.goto(f"/products/{self.product(9)['product_id']}")
        self.button({"en": "Add to cart", "de": "In den Warenkorb"}[language]).click()
        self.page.locator(".toast").wait_for()

    def test_the_first_listing_is_light(self):
        """The time is printed, not judged: it depends on the machine."""
        session = self.context.new_cdp_session(self.page)
        sizes = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", FAST_3G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        self.page.goto("/", wait_until="commit")
        self.page.wait_for_selector(".card")
        shown_ms = self.page.evaluate("performance.now()")
        self.page.wait_for_load_state("networkidle")
        print(f"first listing: {shown_ms:.0f} ms on Fast 3G with a CPU four times slower, "
              f"{sum(sizes) / 1000:.0f} kB in {len(sizes)} answers")
        self.assertLess(sum(sizes), 150_000)


if __name__ == "__main__":
    unittest.main()
