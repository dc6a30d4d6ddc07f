"""The import: any file of the form comes out exactly, also when it or a program is killed half way."""

import lzma
import pathlib
import tempfile
import unittest

import customer
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

    def test_fewer_baskets_than_the_shop_has_change_nothing(self):
        path = retail_file.make(self.path("fewer.csv"), 40, seed=9, tag="79")
        expected = retail_file.expect(path, 30)
        for orders, said in (("30", None), ("10", "beyond the first 10: the first 30"), ("0", "beyond the first 0")):
            with self.subTest(orders):
                code, output = self.run_import(path, "--orders", orders)
                self.assertEqual(code, 0, output)
                assert_exact(self, output, expected)
                self.assertIn(said or "", output)
        self.assertIn("nothing was imported", output)

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

    def test_a_further_file_that_was_killed_is_completed_and_both_stay_exact(self):
        first = retail_file.make(self.path("first.csv"), 25, seed=8, tag="78")
        further = retail_file.make(self.path("further.csv"), 50, seed=9, tag="78", number=25)
        self.assertEqual(self.run_import(first, "--orders", "10")[0], 0)
        expected = retail_file.expect(further)
        run = Import(self.shop, further, "--in-flight", "4")
        self.assertTrue(run.read_until(lambda _: run.orders_ended() >= 0.4 * expected.baskets), run.output)
        code, output = self.run_import(further)
        self.assertEqual(code, 1)
        self.assertIn("another import with the keys of", output)
        run.kill()
        for path, wanted in ((further, expected), (first, retail_file.expect(first))):
            code, output = self.run_import(path)
            self.assertEqual(code, 0, output)
            assert_exact(self, output, wanted)
        # Both in one file: all of it is there, though the stock of the first was brought before its orders.
        both = self.path("both.csv")
        both.write_text(first.read_text() + further.read_text().split("\n", 1)[1])
        code, output = self.run_import(both)
        self.assertEqual(code, 0, output)
        self.assertIn("nothing was imported", output)

    def test_what_another_file_ordered_of_a_stock_is_accounted_for(self):
        def row(invoice, quantity):
            return f"{invoice},Q1,QUILL,{quantity},05/03/2011 10:00,1.00,44001,France"

        part = self.path("quills.csv")
        part.write_text("\n".join([",".join(retail_file.COLUMNS), row(743001, 2), row(743002, 3)]) + "\n")
        self.assertEqual(self.run_import(part, "--orders", "1")[0], 0)
        self.assertEqual(
            self.import_rows("more.csv", row(743001, 2), row(743002, 3), row(743003, 4))[1], ("2", "7", "7.00"))
        code, output = self.run_import(part)
        self.assertEqual(code, 0, output)
        self.assertIn("nothing was imported", output)

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
                         'line 5: Quantity "one" is not a whole number'),
            "price": ("\n".join([*good[:4], row.replace("1.00", "1,00")]).encode(), "line 5: 9 columns, want 8"),
            "decimal": ("\n".join([*good[:4], row.replace("1.00", "1.0.0")]).encode(),
                        'line 5: UnitPrice "1.0.0" is not a decimal number'),
            "nothing": ("\n".join([good[0], row.replace(",1,", ",-1,")]).encode(), "no line qualifies"),
            "excel": (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
            "case": ("\n".join([good[0], row.replace(",,", ",ab,"),
                               row.replace(",,", ",AB,").replace("750001", "750002")]).encode(), "line 3: CustomerID"),
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
                self.assertLessEqual(output.count("\n"), 2, output)
        self.assertEqual(self.shop.get("/v1/products?limit=100").body, before)

    def import_rows(self, name, *rows, header="InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,"
                    "CustomerID,Country"):
        path = self.path(name)
        path.write_text("\n".join([header, *rows]) + "\n")
        code, output = self.run_import(path)
        rows = table(output)
        self.assertEqual(code, 0, output)
        self.assertIn("the shop and the file agree", output)
        return output, tuple(rows[name][0] for name in ("orders confirmed", "units sold", "captured (GBP)"))

    def test_further_files_with_the_same_products_add_what_they_say(self):
        def row(invoice, sku, quantity, price, customer):
            return f"{invoice},{sku},COPPER PAN,{quantity},05/03/2011 10:00,{price},{customer},France"

        first = row(740001, "D1", 5, "4.00", 42001)
        self.assertEqual(self.import_rows("a.csv", first)[1], ("1", "5", "20.00"))
        # More of it; at another price; as many units as before; and together with a new product.
        self.assertEqual(self.import_rows("b.csv", row(740101, "D1", 7, "4.00", 42001))[1], ("1", "7", "28.00"))
        self.assertEqual(self.import_rows("c.csv", row(740201, "D1", 2, "4.50", 42001))[1], ("1", "2", "9.00"))
        self.assertEqual(self.import_rows("d.csv", row(740301, "D1", 5, "4.00", 42002))[1], ("1", "5", "20.00"))
        self.assertEqual(self.import_rows(
            "e.csv", row(740401, "D1", 1, "4.00", ""), row(740401, "D2", 3, "1.00", ""))[1], ("1", "4", "7.00"))
        product = next(item for item in self.shop.get("/v1/products?q=copper").json["items"] if item["sku"] == "D1")
        self.assertEqual(product["price"]["amount_minor"], 400)
        available = self.shop.get(f"/v1/products/{product['product_id']}/availability").json
        self.assertEqual(available["available"], 0)
        # An export that repeats what it had before, and goes on: only what is new is imported.
        output, sums = self.import_rows("f.csv", first, row(740501, "D1", 6, "4.00", 42001))
        self.assertEqual(sums, ("1", "6", "24.00"))
        self.assertIn("1 of 2 baskets came with another file before", output)
        # An invoice that has grown is ordered by what is new of it.
        output, sums = self.import_rows("g.csv", first, row(740001, "D3", 4, "2.00", 42001))
        self.assertEqual(sums, ("1", "4", "8.00"))
        # The same file again, in another form.
        again = [line + "\r" for line in (first, row(740001, "D3", 4, "2.00", 42001))]
        output, sums = self.import_rows("h.csv", *again)
        self.assertEqual(sums, ("1", "4", "8.00"))
        self.assertIn("nothing was imported: the shop had every basket of this file", output)

    def refuse_rows(self, name, *rows):
        path = self.path(name)
        path.write_text("\n".join([",".join(retail_file.COLUMNS), *rows]) + "\n")
        code, output = self.run_import(path)
        self.assertEqual(code, 1, output)
        self.assertNotIn("agree", output)
        return output

    def test_an_invoice_that_contradicts_the_shops_is_refused_with_its_line(self):
        def row(invoice, sku, quantity, customer=43001):
            return f"{invoice},{sku},TIN KETTLE,{quantity},05/03/2011 10:00,4.00,{customer},France"

        known = [row(741001, "K1", 5), row(741001, "K2", 2)]
        self.assertEqual(self.import_rows("known.csv", *known)[1], ("1", "7", "28.00"))
        before = self.shop.get("/v1/products?q=tin").body
        new = row(741002, "K8", 1)
        for name, rows, reason in (
                ("fewer.csv", [row(741001, "K1", 3), known[1]], "an invoice 741001 with more units of K1"),
                ("other.csv", [known[0], row(741001, "K9", 1)], "an invoice 741001 with other lines"),
                ("whose.csv", [row(741001, "K1", 5, 43009)], "an invoice 741001 of another customer"),
                ("guest.csv", [row(741001, "K1", 5, "")], "an invoice 741001 of another customer")):
            with self.subTest(name):
                self.assertIn(f"line 3: the shop has {reason}", self.refuse_rows(name, new, *rows))
        self.assertEqual(self.shop.get("/v1/products?q=tin").body, before)
        # A part of it is known; what has no line in common with it is the rest of an invoice that was split.
        output, _ = self.import_rows("part.csv", known[1])
        self.assertIn("nothing was imported", output)
        self.assertEqual(self.import_rows("rest.csv", row(741001, "K3", 4), new)[1], ("2", "5", "20.00"))

    def test_a_cart_that_a_failed_order_left_open_does_not_stop_later_files(self):
        def row(invoice, sku, quantity):
            return f"{invoice},{sku},LEAD SOLDIER,{quantity},05/03/2011 10:00,3.00,Ab43,France"

        path = self.path("stocked.csv")
        path.write_text("\n".join([",".join(retail_file.COLUMNS), row(742001, "L1", 5)]) + "\n")
        self.assertEqual(self.run_import(path, "--orders", "0")[0], 0)
        shop.wait_until(lambda: self.shop.get("/v1/products?q=lead").json["items"], 10, lambda: "no product")
        product = self.shop.get("/v1/products?q=lead").json["items"][0]["product_id"]
        buyer = customer.Customer(self.shop)
        order = buyer.order(buyer.add(product, 5).json, "pm_approve").json["order_id"]
        buyer.wait_for_status(order, "CONFIRMED")
        code, output = self.run_import(path)
        self.assertEqual(code, 1, output)
        self.assertRegex(output, "orders confirmed +0 +1   DIFFERS")
        # The same customer, also when a file writes the ID in other letters.
        self.assertEqual(self.import_rows("soldier.csv", row(742002, "L2", 3))[1], ("1", "3", "9.00"))
        self.assertEqual(
            self.import_rows("again.csv", row(742003, "L2", 2).replace("Ab43", "aB43"))[1], ("1", "2", "6.00"))

    def test_a_file_can_be_checked_without_a_shop(self):
        path = retail_file.make(self.path("checked.csv"), 5, seed=7, tag="77")
        before = self.shop.get("/v1/products?limit=100").body
        code, output = self.run_import(path, "--check")
        self.assertEqual(code, 0, output)
        self.assertIn("the file can be imported\n", output)
        path.write_text(path.read_text() + "770009,77X,x,one,,1,,\n")
        code, output = self.run_import(path, "--check")
        self.assertEqual(code, 1, output)
        self.assertIn('Quantity "one" is not a whole number', output)
        self.assertEqual(self.shop.get("/v1/products?limit=100").body, before)

    def test_long_customer_ids_are_imported(self):
        ids = ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "a" * 55, "b" * 56)
        output, sums = self.import_rows("ids.csv", *[
            f"73000{number},S{number},BRASS BELL,3,05/03/2011 10:00,2.50,{name},France"
            for number, name in enumerate(ids)])
        self.assertEqual(sums, ("3", "9", "22.50"))
        self.assertEqual(table(output)["customers"], ("3", "3"))

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
