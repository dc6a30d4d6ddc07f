"""tools/bench: measures ours and the peer in turn, on a broker of its own."""

import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev"))

import broker  # noqa: E402
import carts  # noqa: E402
import machine  # noqa: E402
from terminal import run_main, say  # noqa: E402

DESCRIPTION = """\
Measures ours and the peer (Kafka Streams, of bench/peer) in turn, n times, on one broker of its own.
What both wrote is compared record by record with the fold it must be: outputs, and state.

  fold      a million cart events into a store with a changelog, one output each, exactly-once
"""
WORKLOADS = {"fold": carts.fold}
# More of these is better; of the other figures, less.
MORE_IS_BETTER = {"records_per_s"}
NOT_COMPARED = {"others_cpu_s", "span_s", "changelog_records"}


def ratios(found):
    """How many times better ours is than the peer with as many threads: above 1 it wins, below 1 it loses."""
    pairs = {}
    for side, figures in found.items():
        if side.startswith("peer"):
            mine = "ours-2-workers" if side == "peer-2-threads" else "ours"
            ours = found.get(mine, {})
            pairs[f"{mine} against {side}"] = {
                name: round(better(name, ours[name]["median"], figures[name]["median"]), 2)
                for name in ours if name not in NOT_COMPARED and figures[name]["median"]}
    return pairs


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
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="also as JSON: medians, ranges, ratios and n")
    parser.add_argument("--quick", action="store_true",
                        help="does it run, and can the comparison fail? Few events, one run: no figure to quote")
    parser.add_argument("--preset", default="release", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.quick:
        options.runs, options.records = 1, 20_000
    return options


def main(argv):
    options = parse(argv)
    results = {"machine": machine.describe(), "command": "tools/bench " + " ".join(argv), "quick": options.quick}
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        folder = pathlib.Path(name)
        carts.build_ours(options.preset, folder / "build.log")
        peer = carts.build_peer(folder / "maven.log")
        node = broker.Node(1, folder / "kafka", folder / "broker.log", broker.free_port(), broker.free_port())
        [process] = broker.prepare([node], folder)
        process.start()
        try:
            process.wait_ready(broker.READY_TIMEOUT_S)
            run = carts.Run(options, process.address, process.popen.pid, folder, peer)
            for workload in options.workloads:
                say(f"{workload}: {options.runs} in turn")
                found = {side: {figure: machine.spread(values) for figure, values in figures.items()}
                         for side, figures in WORKLOADS[workload](run).items()}
                results[workload] = {"n": options.runs, "sides": found, "ratios": ratios(found)}
                show(workload, results[workload])
            if options.quick:
                carts.control(run)
        finally:
            process.stop()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    run_main(main)
