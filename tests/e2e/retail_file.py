"""Makes files of the form of Online Retail, and works out by the rules what an import must come to."""

import collections
import csv
import decimal
import random

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
# Half pennies go up; one is worth less than half a penny, and is sold for nothing.
PRICES = ["0.85", "2.55", "2.545", "1.005", "0.125", "12", "7.5", "0.004", "0.005", "649.5"]
NOT_SOLD = ["0", "0.00", "-11062.06"]
TITLES = ["Plain", 'With "quotes", and a comma', "Café crème", "", "   ", "Another"]


def make(path, invoices, seed, tag, number=0):
    """A file of its own SKUs, customers and invoice numbers: `tag` is a digit that no other file has. A further
    file of the same tag has the same products and customers, and its invoices begin behind `number`."""
    dice = random.Random(seed)
    open_invoices = []
    last = number + invoices
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        while number < last or open_invoices:
            if number < last and (len(open_invoices) < 3 or dice.random() < 0.2):
                number += 1
                customer = dice.choice(["", f"{tag}{dice.randrange(8)}", f"{tag}{dice.randrange(8)}.0"])
                open_invoices.append([f"{tag}{number:05}", customer, dice.randrange(1, 9)])
            invoice = dice.choice(open_invoices)
            writer.writerow(_line(dice, invoice[0], invoice[1], tag))
            invoice[2] -= 1
            if invoice[2] == 0:
                open_invoices.remove(invoice)
    return path


def _line(dice, invoice, customer, tag):
    sku = f"{tag}{dice.randrange(20)}{dice.choice(['a', 'A', ''])}"
    quantity, price = dice.choice([1, 2, 6, 12, 74215]), dice.choice(PRICES)
    kind = dice.random()
    if kind < 0.05:
        invoice = f"C{invoice}"
    elif kind < 0.1:
        quantity = -quantity
    elif kind < 0.15:
        price = dice.choice(NOT_SOLD)
    elif kind < 0.17:
        quantity = 0
    return [invoice, sku, dice.choice(TITLES), quantity, "2011-01-04 10:00:00", price, customer, "United Kingdom"]


def _minor(price):
    return int((decimal.Decimal(price) * 100).quantize(decimal.Decimal(1), decimal.ROUND_HALF_UP))


Expected = collections.namedtuple(
    "Expected", "lines qualifying skipped products customers baskets cart_lines units captured left")
Product = collections.namedtuple("Product", "title price units left")


def expect(path, orders=None):
    """What the first `orders` baskets of the file must come to, straight from the rules. Independent of the
    importer: it shares no code with it."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    skipped = collections.Counter()
    sold = []
    for row in rows:
        if not row["InvoiceNo"].isdigit():
            skipped["an InvoiceNo that is not all digits"] += 1
        elif int(row["Quantity"]) <= 0:
            skipped["a Quantity not above 0"] += 1
        elif decimal.Decimal(row["UnitPrice"]) <= 0:
            skipped["a UnitPrice not above 0"] += 1
        else:
            sold.append((row["InvoiceNo"], row["StockCode"].upper(), row["Description"],
                         int(row["Quantity"]), _minor(row["UnitPrice"]), row["CustomerID"].removesuffix(".0")))
    baskets = list(dict.fromkeys(line[0] for line in sold))[:orders]
    chosen = set(baskets)
    prices, titles, units, left = {}, {}, collections.Counter(), collections.Counter()
    for invoice, sku, title, quantity, price, _ in sold:
        prices.setdefault(sku, collections.Counter())[price] += 1
        titles[sku] = title if title.strip() else titles.get(sku, sku)
        units[sku] += quantity
        left[sku] += 0 if invoice in chosen else quantity
    products = {
        sku: Product(titles[sku], min(counts, key=lambda minor: (-counts[minor], minor)), units[sku], left[sku])
        for sku, counts in prices.items()}
    lines = [line for line in sold if line[0] in chosen]
    return Expected(
        len(rows), len(sold), skipped, products, {line[5] for line in sold if line[5]}, len(baskets), len(lines),
        sum(line[3] for line in lines), sum(line[3] * products[line[1]].price for line in lines),
        sum(left.values()))
