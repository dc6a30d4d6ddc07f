"""A shopper with a browser: Debian's Chromium, driven by Playwright, before the gateway of the shop under test."""

import sys
import unittest

import shop

sys.path.insert(0, str(shop.ROOT / "tools" / "dev"))
import browser  # noqa: E402 (of tools/dev)

TIMEOUT_MS = 15000


def pounds(minor):
    return f"£{minor / 100:,.2f}"


class BrowserTest(unittest.TestCase):
    """One browser for a class; each test has a context of its own, so that nothing is left from another."""

    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.url = f"http://127.0.0.1:{cls.shop.port}"
        api = browser.playwright()
        api.expect.set_options(timeout=TIMEOUT_MS)
        cls.expect = staticmethod(api.expect)
        cls.playwright = api.sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = browser.launch(cls.playwright)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.complaints = []
        self.context = self.new_context()
        self.page = self.new_page(self.context)

    def tearDown(self):
        """A script that failed, or something that the content security policy refused, is a failure of any test."""
        self.context.close()
        self.assertEqual(self.complaints, [])

    def new_context(self, **more):
        options = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **more}
        context = self.browser.new_context(base_url=self.url, **options)
        context.set_default_timeout(TIMEOUT_MS)
        return context

    def new_page(self, context):
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.note(line.type, line.text))
        return page

    def note(self, kind, text):
        """The console names each answer that is not a success; those are the shop's and no mistake of the page."""
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")

    def expect_cards(self, count):
        self.expect(self.page.locator(".card")).to_have_count(count)

    def titles(self):
        return self.page.locator(".card .name").all_inner_texts()

    def button(self, name, **more):
        return self.page.get_by_role("button", name=name, **more)

    def expect_text(self, selector, text):
        self.expect(self.page.locator(selector).first).to_contain_text(text)

    def product(self, number=0):
        """One of the dearest products of which there are many."""
        items = self.shop.get("/v1/products?limit=100&in_stock=true&sort=-price").json["items"]
        return items[10 + number]
