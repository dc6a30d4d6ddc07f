"""What a change of one line costs by the size of the cart: bytes in Kafka, by topic, and time.

python3 bench/cart_growth.py [--lines 1,1000] [--runs 50]     a shop of its own, with a few baskets of the real data
"""

import argparse
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import shop  # noqa: E402
from customer import Customer  # noqa: E402


def topic_bytes(place):
    """Bytes of each topic's segments: what was written, markers and batch headers included."""
    sizes = {}
    for folder in (place.home / "kafka" / "log").glob("*-*"):
        topic = folder.name.rpartition("-")[0]
        if topic.startswith("__"):   # Written to at all times.
            continue
        written = sum(file.stat().st_size for file in folder.glob("*.log"))
        sizes[topic] = sizes.get(topic, 0) + written
    return sizes


def products(place, count):
    found, path = [], "/v1/products?limit=100"
    while path and len(found) < count:
        page = place.get(path).json
        found += [item["product_id"] for item in page["items"]]
        path = page["page"].get("next")
    return found[:count]


def settle(place):
    """Until nothing more is written."""
    before = None
    while (now := topic_bytes(place)) != before:
        before = now
        time.sleep(1.0)
    return now


def measure(place, ids, lines, runs):
    customer = Customer(place)
    for number, product in enumerate(ids[:lines]):
        last = number == lines - 1
        answer = customer.put(f"/v1/cart/items/{product}", {"quantity": 1},
                              headers={} if last or number % 50 == 0 else {"Prefer": "respond-async"})
        assert answer.status in (200, 202), answer
    before = settle(place)
    took, body = [], 0
    for number in range(runs):
        began = time.monotonic()
        answer = customer.put(f"/v1/cart/items/{ids[0]}", {"quantity": 2 + number})
        took.append((time.monotonic() - began) * 1000)
        assert answer.status == 200, answer
        body = len(answer.body)
    after = settle(place)
    growth = {topic: (after[topic] - before.get(topic, 0)) / runs for topic in after}
    print(f"{lines:>5} lines: {statistics.median(took):6.1f} ms p50, answer {body:>7} bytes, "
          f"Kafka {sum(growth.values()):9.0f} bytes a change")
    for topic, grown in sorted(growth.items(), key=lambda item: -item[1])[:6]:
        if grown >= 1:
            print(f"             {topic:<36} {grown:9.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", default="1,1000")
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    place = shop.Shop()
    try:
        place.up(orders="5")
        sizes = [int(size) for size in options.lines.split(",")]
        ids = products(place, max(sizes))
        for lines in sizes:
            measure(place, ids, lines, options.runs)
    finally:
        place.close()


if __name__ == "__main__":
    main()
