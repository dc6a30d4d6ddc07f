#!/usr/bin/env python3
"""pictures.py URL - makes the pictures of the storefront in docs/pictures/ again, in the shop that runs at URL.

It orders as a guest. Whoever changes how a page looks runs it and looks at what it made.
"""

import argparse
import base64
import sys

import browser
import build

FOLDER = build.ROOT / "docs" / "pictures"
QUALITY = 78
ADDRESS = {"E-mail address": "ada@shop.example", "Name": "Ada Lovelace", "Street": "12 St James's Square",
           "Postal code": "SW1Y 4JH", "City": "London", "Country": "United Kingdom"}


class Shopper:
    def __init__(self, chromium, url, prefix="", **look):
        self.context = chromium.new_context(base_url=url, locale="en-GB", **look)
        self.page = self.context.new_page()
        self.screen = self.context.new_cdp_session(self.page)
        self.prefix = prefix

    def go(self, path, selector):
        self.page.goto(path)
        self.page.wait_for_selector(selector)

    def keep(self, name):
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(400)   # For what fades in.
        taken = self.screen.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        (FOLDER / f"{self.prefix}{name}.webp").write_bytes(base64.b64decode(taken["data"]))

    def add(self, words, quantity):
        self.go(f"/?q={words}&in_stock=true", ".card")
        self.page.locator(".card a").first.click()
        self.page.wait_for_selector("article.product")
        self.page.get_by_role("spinbutton").fill(str(quantity))
        self.page.get_by_role("button", name="Add to cart").click()
        self.page.wait_for_selector(".toast")

    def fill_cart(self):
        for words, quantity in (("metal+lantern", 2), ("heart", 1), ("alarm+clock", 1)):
            self.add(words, quantity)

    def check_out(self, method):
        self.go("/checkout", "form.form")
        for label, text in ADDRESS.items():
            self.page.get_by_label(label).fill(text)
        self.page.get_by_role("radio", name=method).first.check()
        self.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")

    def pay(self, selector):
        self.page.get_by_role("button", name="Pay").click()
        self.page.wait_for_selector(selector)
        self.page.evaluate("scrollTo(0, 0)")


def desktop(chromium, url):
    shopper = Shopper(chromium, url, viewport={"width": 1280, "height": 800})
    shopper.go("/", ".card")
    shopper.go("/?q=heart", ".card")
    shopper.keep("listing")
    shopper.add("union+jack", 1)
    shopper.keep("product")
    shopper.fill_cart()
    shopper.go("/cart", ".line")
    shopper.keep("cart")
    shopper.check_out("Accept")
    shopper.keep("checkout")
    shopper.pay(".facts-list")
    shopper.keep("confirmed")
    shopper.go("/register", "form.form")
    shopper.keep("register")


def in_the_dark(chromium, url):
    shopper = Shopper(chromium, url, viewport={"width": 1280, "height": 800}, color_scheme="dark")
    shopper.fill_cart()
    shopper.check_out("Decline")
    shopper.pay(".order-head h2:has-text('declined')")
    shopper.keep("declined")


def phone(chromium, url):
    shopper = Shopper(chromium, url, "phone-", viewport={"width": 390, "height": 780}, is_mobile=True, has_touch=True)
    shopper.go("/?q=heart", ".card")
    shopper.keep("listing")
    shopper.fill_cart()
    shopper.keep("product")
    shopper.go("/cart", ".line")
    shopper.keep("cart")
    shopper.check_out("Accept")
    shopper.keep("checkout")
    shopper.pay(".facts-list")
    shopper.keep("confirmed")


def main(argv):
    parser = argparse.ArgumentParser(prog="pictures.py", description="Makes the pictures of the storefront again.")
    parser.add_argument("url", help="of the gateway, such as http://127.0.0.1:8080")
    url = parser.parse_args(argv).url.rstrip("/")
    FOLDER.mkdir(exist_ok=True)
    with browser.playwright().sync_playwright() as running:
        chromium = browser.launch(running)
        for make in (desktop, in_the_dark, phone):
            make(chromium, url)
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
