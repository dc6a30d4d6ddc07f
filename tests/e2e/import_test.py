"""The import: any file of the form comes out exactly, also when it or a program is killed half way."""

import lzma
import pathlib
import tempfile
import unittest

import retail_file
import shop
from importing import Import, assert_exact, table

class ImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="millrace-import-")
        cls.addClassCleanup(cls.folder.cleanup)
        path = retail_file.make(pathlib.Path(cls.folder.name) / "made.csv", 150, seed=1, tag="71")
        cls.made = retail_file.expect(path)
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        cls.output = cls.shop.up("--data", str(path), orders="all")

    def path(self, name):
        return pathlib.Path(self.folder.name) / name

    def run_import(self, path, *options):
        run = Import(self.shop, path, *options)
        return run.run(), run.output

    def assert_shop_has(self, expected):
        """What the query side says of each product."""
        items, path = {}, "/v1/products?limit=100"
        while path:
            page = self.shop.get(path).json
            items.update((item["sku"], item) for item in page["items"])
            path = page["page"].get("next")
        for sku, product in expected.products.items():
            self.assertEqual(items[sku]["title"], product.title)
            self.assertEqual(items[sku]["price"]["amount_minor"], product.price)
            available = self.shop.get(f"/v1/products/{items[sku]['product_id']}/availability").json
            self.assertEqual(available["available"], min(product.left, 10))

    def test_a_file_made_by_hand_comes_out_exactly(self):
        expected = self.made
        self.assertEqual(expected.left, 0)
        self.assertEqual(len(expected.skipped), 3)
        assert_exact(self, self.output, expected)
        self.assert_shop_has(expected)
        # Real records: a command per line and one per order, and no transaction marker among them.
        rows = table(self.output)
        self.assertEqual(rows["sales.commands"][0], str(expected.cart_lines + expected.baskets))
        self.assertEqual(rows["catalog.product.commands"][0], str(len(expected.products)))

    def test_some_baskets_first_and_the_rest_later(self):
        plain = retail_file.make(self.path("part.csv"), 60, seed=2, tag="72")
        path = self.path("part.csv.xz")
        path.write_bytes(lzma.compress(plain.read_bytes()))
        for orders in ("0", "25", "25", "all"):
            with self.subTest(orders):
                expected = retail_file.expect(plain, None if orders == "all" else int(orders))
                code, output = self.run_import(path, "--orders", orders)
                self.assertEqual(code, 0, output)
                assert_exact(self, output, expected)
        self.assert_shop_has(expected)

    def test_a_killed_import_is_completed_by_the_next(self):
        path = retail_file.make(self.path("killed.csv"), 120, seed=3, tag="73")
        expected = retail_file.expect(path)
        first = Import(self.shop, path)
        self.assertTrue(first.read_until(lambda output: "catalogue" in output), first.output)
        first.kill()
        for share in (0.2, 0.6):
            run = Import(self.shop, path, "--in-flight", "4")
            half_way = run.read_until(lambda _: run.orders_ended() >= share * expected.baskets)
            self.assertTrue(half_way, run.output)
            run.kill()
            self.assertLess(run.orders_ended(), expected.baskets)
        code, output = self.run_import(path)
        self.assertEqual(code, 0, output)
        assert_exact(self, output, expected)
        self.assert_shop_has(expected)

    def test_an_import_survives_every_program(self):
        path = retail_file.make(self.path("programs.csv"), 160, seed=4, tag="74")
        expected = retail_file.expect(path)
        run = Import(self.shop, path, "--in-flight", "4")
        programs = ["processors", "payments", "query-api", "broker", "command-api", "processors"]
        for number, program in enumerate(programs, start=1):
            reached = number * expected.baskets / (len(programs) + 2)
            self.assertTrue(run.read_until(lambda _: run.orders_ended() >= reached), run.output)
            self.shop.kill(program)
        code = run.run()
        self.assertEqual(code, 0, run.output)
        assert_exact(self, run.output, expected)
        self.shop.wait_until_ready()
        self.assert_shop_has(expected)

    def test_a_file_that_is_not_well_formed_changes_nothing(self):
        good = retail_file.make(self.path("good.csv"), 5, seed=5, tag="75").read_text().splitlines()
        whole = lzma.compress("\n".join(good).encode())
        row = '750001,75X,Title,1,2011-01-04,1.00,,United Kingdom'
        cases = {
            "empty": (b"", "line 1: the file is empty"),
            "column": ("\n".join([good[0].replace("UnitPrice", "Price"), row]).encode(),
                       "line 1: the column UnitPrice is missing"),
            "quantity": ("\n".join([*good[:4], row.replace(",1,", ",one,")]).encode(),
                         'line 5: Quantity "one" is no whole number'),
            "price": ("\n".join([*good[:4], row.replace("1.00", "1,00")]).encode(), "line 5: 9 columns, want 8"),
            "decimal": ("\n".join([*good[:4], row.replace("1.00", "1.0.0")]).encode(),
                        'line 5: UnitPrice "1.0.0" is no decimal number'),
            "quote": ("\n".join([*good[:4], row.replace("Title", '"Title')]).encode(), "line 5: "),
            "cut.xz": (whole[:-20], "line "),
            "no.xz": (b"not xz at all", ""),
        }
        before = self.shop.get("/v1/products?limit=100").body
        for name, (content, reason) in cases.items():
            with self.subTest(name):
                path = self.path(f"bad-{name}" if name.endswith("xz") else f"bad-{name}.csv")
                path = path.with_name(path.name.replace(".xz", ".csv.xz"))
                path.write_bytes(content)
                code, output = self.run_import(path)
                self.assertEqual(code, 1, output)
                self.assertIn(reason, output)
                self.assertEqual(output.count("\n"), 1, output)
        self.assertEqual(self.shop.get("/v1/products?limit=100").body, before)

    def test_nonsense_is_refused_before_anything_is_done(self):
        path = retail_file.make(self.path("nonsense.csv"), 2, seed=6, tag="76")
        for options in (["--orders", "-1"], ["--orders", "some"], ["--in-flight", "0"], ["--no-such"], ["more"]):
            with self.subTest(options):
                code, output = self.run_import(path, *options)
                self.assertIn(code, (1, 2), output)
                self.assertEqual(output.count("\n"), 1, output)
        code, output = self.run_import(self.path("nowhere.csv"))
        self.assertEqual(code, 1)
        self.assertIn("nowhere.csv", output)


if __name__ == "__main__":
    unittest.main()
