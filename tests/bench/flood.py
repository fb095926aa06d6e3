"""What it costs a thread when each of its calls is sent to user space, and how many can be sent.

The same loop of getppid filtered in the kernel, with the clock read at both ends of the call as a
floor below 10 ms asks for, and sent: to `kernelsight run`, which counts them for a rule that never
fires, without a pause and in bursts that find the reader asleep; and to `kernelsight events`, which
prints them.
"""
import json
import re
import time

from evaluation import median, wanted
from harness import call_cost_ns, cpu_time_ns, kernelsight

NAME = "flood"
TITLE = "Cost of a record"

FILTERED = "syscall_name == 'getppid' and latency_ms > 9ms"
SENT = "syscall_name == 'getppid' and latency_ms > 1ns"
BURST = 2000
PAUSE_US = 20000


def counting(bench, where):
    """`kernelsight run` with one rule, whose limit is out of reach."""
    rule = {"name": "flood", "why": "benchmark", "on": "syscall", "where": where, "by": ["pid"],
            "when": {"value": "count()", "window": "10s", "above": 1e12}}
    path = bench.directory / "flood.json"
    path.write_text(json.dumps({"version": 1, "rules": [rule]}))
    return kernelsight(bench, "run", "--event-limit", "off", "-r", path)


def printing(bench, where):
    return kernelsight(bench, "events", "syscall", "--where", where, "--stats")


def ledger(said):
    """(emitted, lost), as the program says at its end."""
    found = re.search(r"(\d+) events, .*; (\d+) events lost|emitted (\d+) \+ lost (\d+)", said)
    emitted, lost = filter(None, found.groups())
    return int(emitted), int(lost)


def measure(bench, reader, where, calls, burst):
    with reader(bench, where) as program:
        own_ns = cpu_time_ns(program.pid)
        began = time.monotonic()
        ns = call_cost_ns(bench, calls, burst, PAUSE_US)
        took_s = time.monotonic() - began
        time.sleep(0.1)  # for what is still in the ring
        own_ns = cpu_time_ns(program.pid) - own_ns
        emitted, lost = ledger(program.stop())
    return {"ns": ns, "lost_share": lost / (emitted + lost or 1), "sent_per_s": emitted / took_s,
            "reader_ns": own_ns / (emitted or 1)}


def compare(bench, reader, calls, burst=None):
    filtered = measure(bench, reader, FILTERED, calls, burst)
    sent = measure(bench, reader, SENT, calls, burst)
    return {**sent, "filtered_ns": filtered["ns"], "added_ns": sent["ns"] - filtered["ns"]}


def run(bench):
    calls = bench.scaled(1_000_000, 300_000)
    rounds = [{
        "run, no pause": compare(bench, counting, calls),
        "run, bursts": compare(bench, counting, calls // 5, BURST),
        "events, no pause": compare(bench, printing, calls),
    } for _ in range(bench.scaled(7, 3))]
    cases = {case: {value: median([r[case][value] for r in rounds]) for value in rows}
             for case, rows in rounds[0].items()}
    steady = cases["run, no pause"]
    return {"rounds": len(rounds), "cases": cases, "wanted": [
        wanted("added to a call by its record, in a flood", steady["added_ns"], 100, " ns"),
    ]}


def table(result):
    yield f"{'':18}{'filtered ns':>12}{'sent ns':>10}{'added ns':>10}{'sent a second':>15}" \
          f"{'lost':>8}{'reader ns':>11}"
    for name, r in result["cases"].items():
        yield f"{name:18}{r['filtered_ns']:12.0f}{r['ns']:10.0f}{r['added_ns']:10.0f}" \
              f"{r['sent_per_s']:15,.0f}{r['lost_share']:8.1%}{r['reader_ns']:11.0f}"
