"""Takes an instance of an API that is not ready out of the gateway, and puts it back when it is.

    used -> away   it says that it is not ready, or it was silent twice running
    away -> used   it was ready twice running

nginx itself only learns from the requests that fail, and those are customers'. While no instance of an API is
ready all stay: the API's own 503 says more than a 502 of the gateway.
"""

import threading
import time

import probes
from terminal import say

PROBE_EVERY_S = 0.25
PROBE_TIMEOUT_S = 1.0   # A frozen instance is away after twice this.
IN_A_ROW = 2
PAUSE_S = 1.0           # Between reloads: the workers of the one before still end their requests.


class Instance:
    def __init__(self, side, address):
        self.side = side
        self.address = address
        self.away = False
        self._in_a_row = 0   # Probes that spoke for the other state.

    def judge(self, status):
        """`status` is that of /readyz; 0: it was silent, or refused."""
        ready = status == 200
        self._in_a_row = self._in_a_row + 1 if ready == self.away else 0
        needed = 1 if status > 0 and not ready else IN_A_ROW
        if self._in_a_row >= needed:
            self.away = not ready
            self._in_a_row = 0
            say(f"{self.side} at {self.address} is {'ready' if ready else 'not ready'}")


class Watch:
    """`sides` has the addresses of each API. `apply(addresses)` gives the gateway those that get no requests, from
    a thread of its own; False: the gateway could not take them now."""

    def __init__(self, sides, apply):
        self._instances = [Instance(side, address) for side, addresses in sides.items()
                           if len(addresses) > 1 for address in addresses]
        self._apply = apply
        self._applied = frozenset()
        self._stopped = threading.Event()
        self._threads = []

    def __enter__(self):
        if self._instances:
            self._threads = [threading.Thread(target=self._follow, args=(each,)) for each in self._instances]
            self._threads.append(threading.Thread(target=self._settle))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def away(self):
        """The addresses that are to get no requests."""
        serving = {each.side for each in self._instances if not each.away}
        return frozenset(each.address for each in self._instances if each.away and each.side in serving)

    def _follow(self, instance):
        while not self._stopped.wait(PROBE_EVERY_S):
            instance.judge(probes.get(instance.address, "/readyz", PROBE_TIMEOUT_S)[0])

    def _settle(self):
        last = 0.0
        while not self._stopped.wait(PROBE_EVERY_S / 5):
            away = self.away()
            if away != self._applied and time.monotonic() - last >= PAUSE_S and self._apply(away):
                self._applied = away
                last = time.monotonic()
