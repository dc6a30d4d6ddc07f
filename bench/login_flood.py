#!/usr/bin/env python3
"""login_flood.py - a shopper's waiting time while strangers try passwords, and whether an account's existence shows.

Runs against a shop that is up and takes a client's address from us, for the flood comes from many networks (one alone is
held off by the login's delay):

    MILLRACE_TRUSTED_PROXIES=127.0.0.1 tools/up --detach --load-test
    bench/login_flood.py [--url http://127.0.0.1:8080] [--seconds 20] [--clients 32]

Prints milliseconds from POST item to the cart that shows it, p50 and p99, without and with the flood, and what the flood
was answered with; then the median login with a wrong password, in turn for accounts that exist and that do not.
"""
import argparse
import collections
import multiprocessing
import random
import statistics
import sys
import time
import uuid

from shop_latency import Shop, add_and_read_back, product_in_stock, quantile, register_and_log_in

PAIRS = 100


def other_network():
    return {"X-Forwarded-For": ".".join(str(random.randint(1, 254)) for _ in range(4))}


def wrong_login(shop, email):
    body = {"email": email, "password": str(uuid.uuid4())}
    took, _, (status, _) = shop.call("POST", "/v1/sessions", body, headers=other_network(), expect=None)
    return took, status


def flood(url, seconds, answers):
    random.seed()
    shop, counts, until = Shop(url), collections.Counter(), time.monotonic() + seconds
    while time.monotonic() < until:
        counts[wrong_login(shop, f"{uuid.uuid4()}@shop.example")[1]] += 1
    answers.put(counts)


def measure(shop, product, seconds, label):
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        took.append(add_and_read_back(shop, product))
        shop.call("PUT", f"/v1/cart/items/{product}", {"quantity": 0})
    took.sort()
    print(f"{label:<24}p50 {quantile(took, 0.5):7.2f} ms   p99 {quantile(took, 0.99):7.2f} ms   n {len(took)}")


def compare_accounts(shop, url):
    """The medians of wrong logins, in turn, each from a network of its own."""
    known = f"bench-{uuid.uuid4()}@shop.example"
    shop.call("POST", "/v1/users", {"email": known, "password": str(uuid.uuid4())})
    stranger, times = Shop(url), {"exists": [], "does not": []}
    for _ in range(PAIRS):
        times["exists"].append(wrong_login(stranger, known))
        times["does not"].append(wrong_login(stranger, f"{uuid.uuid4()}@shop.example"))
    for label, answers in times.items():
        judged = [took for took, status in answers if status == 401]
        if len(judged) < PAIRS // 2:
            sys.exit(f"only {len(judged)} of {PAIRS} logins were judged: is MILLRACE_TRUSTED_PROXIES set?")
        spread = statistics.quantiles(judged, n=4)
        print(f"the account {label:<12}median {spread[1]:7.2f} ms   quartiles {spread[0]:.2f} to {spread[2]:.2f}   n {len(judged)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the gateway")
    parser.add_argument("--seconds", type=int, default=20, help="of each of the two measurements")
    parser.add_argument("--clients", type=int, default=32, help="how many try passwords at once")
    options = parser.parse_args()
    shop = Shop(options.url)
    register_and_log_in(shop)
    product = product_in_stock(shop)
    measure(shop, product, options.seconds, "quiet")
    answers = multiprocessing.Queue()
    flooders = [multiprocessing.Process(target=flood, args=(options.url, options.seconds + 2, answers))
                for _ in range(options.clients)]
    for process in flooders:
        process.start()
    time.sleep(1)
    measure(shop, product, options.seconds, "with the flood")
    counts = sum((answers.get(timeout=60) for _ in flooders), collections.Counter())
    for process in flooders:
        process.join()
    print(f"the flood had {sum(counts.values())} answers: {dict(sorted(counts.items()))}")
    compare_accounts(shop, options.url)


if __name__ == "__main__":
    main()
