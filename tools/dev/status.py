"""tools/status: the processes of a shop, their addresses and states. Exit code 0: all are ready; 1: some are not;
3: no shop is running."""

import argparse
import json

import usage
from home import Home
from terminal import run_main, say


def state_of(record):
    return record.fields["state"] if record.alive() else "dead"


def describe(home):
    supervisor = home.supervisor()
    processes = [
        {"name": r.fields["name"], "pid": r.pid, "address": r.fields["address"], "state": state_of(r),
         "restarts": r.fields["restarts"],
         "user": usage.user_of(r.pid) if r.alive() else None, **usage.of(r.pid if r.alive() else 0)}
        for r in home.records()]
    facts = supervisor.fields if supervisor else {}
    return {
        "home": str(home.path),
        "state": facts.get("state", "stopped"),
        "supervisor": supervisor.pid if supervisor else None,
        "broker": facts.get("broker"),
        "gateway": facts.get("gateway"),
        "processes": processes,
    }


def exit_code(status):
    if status["state"] == "stopped":
        return 3
    ready = status["state"] == "ready" and all(p["state"] == "ready" for p in status["processes"])
    return 0 if ready else 1


def main(argv):
    parser = argparse.ArgumentParser(
        prog="tools/status", description="Shows the processes of the shop of MILLRACE_HOME.",
        epilog="Exit code 0: all are ready; 1: some are not; 3: no shop is running.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    status = describe(Home())
    if options.json:
        say(json.dumps(status, indent=2))
        return exit_code(status)
    say(f"{status['state']}  gateway {status['gateway'] or '-'}  Kafka {status['broker'] or '-'}  in {status['home']}")
    for process in status["processes"]:
        restarts = f"  restarts {process['restarts']}" if process["restarts"] else ""
        say(f"  {process['name']:<12} {process['state']:<10} pid {process['pid']:<8} {process['address']:<21}  "
            f"{process['user'] or '-':<8}  {usage.line(process)}{restarts}")
    return exit_code(status)


if __name__ == "__main__":
    run_main(main)
