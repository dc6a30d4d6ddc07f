"""Fills an empty shop, and goes on with an import that was cut short.

    no mark --the file is accepted--> mark --the import ends--> no mark

The mark, import.json in the home, is written only for a file that was judged whole and accepted: one that was
refused leaves nothing behind. An import waits for programs that died, so they are started again meanwhile.
"""

import shlex
import subprocess

import build
import probes
from processes import read_json, run_to_end, write_json
from terminal import Failure, say

DEFAULT = {"data": build.ROOT / "data" / "online-retail.csv.xz", "orders": "2000"}
GO_ON = ("the next tools/up goes on with it, tools/up --data FILE takes another file, "
         "and tools/up --fresh starts from an empty broker")


def refusal(command):
    """Why `millrace import retail --check` refuses a file; None when it accepts it."""
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace", check=False)
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines() or [f"the check ended with exit code {done.returncode}"]
    return lines[-1].removeprefix("millrace import retail: ")


def fill(home, shop, data, orders, meanwhile):
    """`data` and `orders` are what was asked for, or None. Returns whether anything was imported; raises Failure."""
    mark = home.import_mark
    empty = probes.shop_is_empty(shop.query_api())
    begun = _usable_mark(shop, mark, empty, data)
    if not begun and not empty:
        _say_not_imported(shop, data, orders)
        return False
    known = begun or DEFAULT
    data, orders = str(data or known["data"]), str(orders or known["orders"])
    if data != str(DEFAULT["data"]) and (why := refusal(shop.check_command(data, orders))):
        raise Failure(f"nothing is imported from {data}: {why}")
    say(f"\nThe shop is {'half filled' if begun else 'empty'}: importing {data} (--orders {orders})")
    write_json(mark, {"data": data, "orders": orders})
    try:
        run_to_end("the import", shop.import_command(data, orders), log=None, meanwhile=meanwhile)
    except Failure as failure:
        raise Failure(f"{failure}; {GO_ON}") from failure
    mark.unlink()
    return True


def _say_not_imported(shop, data, orders):
    if data:
        command = shlex.join(map(str, shop.import_command(data, orders or "all")))
        say(f"\nThe shop has products already: {data} is not imported. This adds it to them:\n  {command}")
    elif orders:
        say(f"\nThe shop has products already: --orders {orders} is for an empty one, and nothing is imported")


def _usable_mark(shop, mark, empty, data):
    """What an import that was cut short had begun with. A mark whose file is refused now counts for nothing while
    the shop is empty; with a half filled shop only the user knows what to do."""
    begun = read_json(mark)
    if not begun or data:
        return begun
    why = refusal(shop.check_command(begun["data"], begun["orders"]))
    if not why:
        return begun
    if not empty:
        raise Failure(f"the shop is half filled from {begun['data']}, and that file cannot be read to its end any "
                      f"more: {why}. tools/up --data FILE takes another file, tools/up --fresh starts from an "
                      "empty broker")
    say(f"\n{begun['data']} was not imported and is not tried again: {why}")
    mark.unlink()
    return None
