"""tools/bench works in a shop that is up. It holds no figure to a bound."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import shop


class BenchTest(unittest.TestCase):
    def test_query_compares_every_route_with_the_bare_library_and_sees_another_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            figures = pathlib.Path(folder) / "query.json"
            done = subprocess.run(
                [str(shop.ROOT / "tools" / "bench"), "query", "--quick", "--home", str(shop.shared().home),
                 "--json", str(figures)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("an answer with another byte is seen", done.stdout)
            result = json.loads(figures.read_text())["query"]
        self.assertEqual(
            sorted(result["sides"]),
            sorted(f"{server} {route}" for server in ("ours", "bare", "bare-prebuilt")
                   for route in ("product", "order", "cart", "page", "new-page")))
        for pair, times in result["ratios"].items():
            self.assertGreater(times["requests_per_s"], 0, pair)


if __name__ == "__main__":
    unittest.main()
