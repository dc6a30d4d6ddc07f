"""tools/bench: measures ours beside a peer or a limit, in turn, on a broker or a shop of its own."""

import argparse
import collections
import contextlib
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev"))

import broker  # noqa: E402
import carts  # noqa: E402
import house  # noqa: E402
import machine  # noqa: E402
import query  # noqa: E402
from terminal import run_main, say  # noqa: E402

DESCRIPTION = """\
Measures ours beside a peer or a limit, in turn, n times.

Beside Kafka Streams (bench/peer), on a broker of its own. What both wrote is compared record by record with the
fold it must be: outputs, and state.
  fold      a million cart events into a store with a changelog, one output each, exactly-once

In a whole shop, which tools/up starts (or --home: one that is up):
  query     GET of a product, an order, a cart, a page asked again and new pages from query-api, beside libmicrohttpd
            alone with the same bytes and headers, made for each answer (bare) or once (bare-prebuilt)
"""
Workload = collections.namedtuple("Workload", "measure place control")
WORKLOADS = {
    "fold": Workload(carts.fold, "broker", carts.control),
    "query": Workload(query.query, "shop", query.control),
}
# More of these is better; of the other figures, less.
MORE_IS_BETTER = {"records_per_s", "requests_per_s"}
NOT_COMPARED = {"others_cpu_s", "span_s", "changelog_records"}


def ratios(found):
    """How many times better ours is than the peer with as many threads: above 1 it wins, below 1 it loses."""
    pairs = {}
    for side, figures in found.items():
        mine = side_of_ours(side)
        if mine:
            ours = found.get(mine, {})
            pairs[f"{mine} against {side}"] = {
                name: round(better(name, ours[name]["median"], figures[name]["median"]), 2)
                for name in ours if name not in NOT_COMPARED and figures[name]["median"]}
    return pairs


def side_of_ours(side):
    if side.startswith("bare"):
        return f"ours {side.partition(' ')[2]}"
    if side.startswith("peer"):
        return "ours-2-workers" if side == "peer-2-threads" else "ours"
    return None


def better(name, ours, theirs):
    high, low = (ours, theirs) if name in MORE_IS_BETTER else (theirs, ours)
    return high / low if low else 0.0


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def show(workload, result):
    """The table as docs/benchmarks.md has it."""
    say(f"\n{workload}, n = {result['n']}: median (min to max)\n")
    sides = result["sides"]
    figures = list(next(iter(sides.values())))
    say("| | " + " | ".join(figures) + " |")
    say("|--" * (len(figures) + 1) + "|")
    for side, values in sides.items():
        cells = [f"{number(values[name]['median'])} ({number(values[name]['min'])} to {number(values[name]['max'])})"
                 for name in figures]
        say(f"| {side} | " + " | ".join(cells) + " |")
    for side, times in result["ratios"].items():
        say(f"{side}: " + ", ".join(f"{name} {value}x" for name, value in times.items()))


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=WORKLOADS, metavar="WORKLOAD")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="each side so often, in turn (3)")
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N", help="cart events (1000000)")
    parser.add_argument("--sides", nargs="+", choices=carts.SIDES, metavar="SIDE",
                        help="only these of " + ", ".join(carts.SIDES))
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="query: each load so long (5)")
    parser.add_argument("--orders", default="2000", metavar="N", help="orders of the real data in the shop (2000)")
    parser.add_argument("--home", metavar="DIR", help="the MILLRACE_HOME of a shop that is up, instead of a new one")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="also as JSON: medians, ranges, ratios and n")
    parser.add_argument("--quick", action="store_true",
                        help="does it run, and can the comparison fail? Few events, one run: no figure to quote")
    parser.add_argument("--preset", default="release", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.quick:
        options.runs, options.records, options.seconds, options.orders = 1, 20_000, 1, "20"
    return options


@contextlib.contextmanager
def start_broker(options, folder):
    carts.build_ours(options.preset, folder / "build.log")
    peer = carts.build_peer(folder / "maven.log")
    node = broker.Node(1, folder / "kafka", folder / "broker.log", broker.free_port(), broker.free_port())
    [process] = broker.prepare([node], folder)
    process.start()
    try:
        process.wait_ready(broker.READY_TIMEOUT_S)
        yield carts.Run(options, process.address, process.popen.pid, folder, peer)
    finally:
        process.stop()


class ShopRun:
    def __init__(self, options, folder, place):
        self.options = options
        self.folder = folder
        self.house = place


@contextlib.contextmanager
def start_shop(options, folder):
    place = house.House(options, folder)
    try:
        yield ShopRun(options, folder, place)
    finally:
        place.close()


PLACES = {"broker": start_broker, "shop": start_shop}


def measure(run, name, results):
    options = run.options
    say(f"{name}: {options.runs} in turn")
    found = {side: {figure: machine.spread(values) for figure, values in figures.items()}
             for side, figures in WORKLOADS[name].measure(run).items()}
    results[name] = {"n": options.runs, "sides": found, "ratios": ratios(found)}
    show(name, results[name])
    if options.quick:
        WORKLOADS[name].control(run)


def main(argv):
    options = parse(argv)
    results = {"machine": machine.describe(), "command": "tools/bench " + " ".join(argv), "quick": options.quick}
    for place, start in PLACES.items():
        names = [name for name in options.workloads if WORKLOADS[name].place == place]
        if names:
            with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, \
                    start(options, pathlib.Path(folder)) as run:
                for name in names:
                    measure(run, name, results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    run_main(main)
