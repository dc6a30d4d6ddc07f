"""A program started beside those of tools/up, as an operator would."""

import subprocess

import shop

# Kafka takes a member that was killed for gone after 10 s.
MOVE_TIMEOUT_S = 120
STATELESS = ("payments",)


class Instance:
    def __init__(self, test, place, program, instance, port_flag, *options, port=None):
        self.port = port or shop.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.name = f"{program}-{instance}"
        self.log = place.home / "logs" / f"{self.name}.log"
        self._environment = place.environment
        state = [] if program in STATELESS else ["--state-dir", place.home / "state" / self.name]
        self._argv = [shop.binary(f"millrace-{program}"), "--brokers", place.status()["broker"],
                      "--instance", instance, *state, port_flag, self.port, *options]
        self.start()
        test.addCleanup(self.stop)
        shop.wait_until(self.ready, MOVE_TIMEOUT_S, self.log.read_text)

    def start(self):
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                [str(part) for part in self._argv], env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)

    def ready(self):
        return ready(self.address)[0]

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.popen.wait(60)

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def ready(address):
    """(whether it is ready, what it says of its services)."""
    try:
        answer = shop.ask(address, "GET", "/readyz")
    except OSError:
        return False, {}
    return answer.status == 200, answer.json


def tasks(address, service):
    """The partitions of the service's tasks that run there, one per sub-topology and partition."""
    said = ready(address)[1].get(service, {"tasks": []})
    return [(task["name"], task["partition"]) for task in said["tasks"]
            if task["state"] == "running" and not task["global"]]
