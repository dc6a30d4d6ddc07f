"""The storefront in a real browser over the whole shop: what a shopper does, and what goes wrong meanwhile."""

import unittest

import shop
from browsing import BrowserTest


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

        page.get_by_role("searchbox").fill("white hang")
        page.get_by_role("searchbox").press("Enter")
        page.wait_for_url("**/?q=white%20hang")
        self.expect_text("h1", "white hang")
        page.wait_for_selector(".card")
        self.assertTrue(all(title.lower().startswith("white hang") for title in self.titles()), self.titles())
        page.go_back()
        page.wait_for_url("**price_max=200*")
        page.goto("/?q=zzzz")
        self.expect_text("h2", "Nothing begins with “zzzz”")

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
        self.expect_text("#total", f"£{2 * price / 100:,.2f}")

        page.get_by_role("spinbutton").fill("5")
        page.get_by_role("spinbutton").press("Enter")
        self.expect_text("#total", f"£{5 * price / 100:,.2f}")
        page.reload()
        self.expect_text("#total", f"£{5 * price / 100:,.2f}")
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


if __name__ == "__main__":
    unittest.main()
