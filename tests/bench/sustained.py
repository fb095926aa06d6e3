"""Are a million system calls and 200,000 context switches a second followed without a loss?

Exact latency of every call, and run-queue latency of every switch; the ledger says what was lost.
"""
import json
import re
import signal
import subprocess
import time

from evaluation import wanted
from harness import Missing, Program, cpu_time_ns

NAME = "sustained"
TITLE = "Sustained rates, nothing lost"

RULES = [
    {"name": "calls", "why": "benchmark", "on": "syscall",
     "when": {"value": "latency_ms", "above": "1h"}},
    {"name": "switches", "why": "benchmark", "on": "sched",
     "when": {"value": "max(runq_p99_us)", "window": "10s", "above": "1h"}},
]


def switches():
    """Context switches of all CPUs so far."""
    with open("/proc/stat", encoding="ascii") as f:
        return int(re.search(r"^ctxt (\d+)", f.read(), re.M).group(1))


def ledger(bench, socket, source):
    """What the daemon says that a source has seen and lost so far."""
    done = subprocess.run([bench.kernelsight, "status", "--json", "--socket", socket],
                          capture_output=True, text=True, check=True)
    for entry in json.loads(done.stdout)["sources"]:
        if entry["name"] == source:
            return entry["ledger"]
    raise Missing(f"{source} is not attached")


def follow(bench, seconds):
    rules = bench.directory / "sustained.json"
    rules.write_text(json.dumps({"version": 1, "rules": RULES}))
    socket = bench.directory / "socket"
    argv = [bench.kernelsight, "run", "--cpu-budget", "off", "--socket", socket, "-r", rules]
    calls = [bench.tool("syscall_loop"), "1000000000000"]
    pairs = ["taskset", "-c", "0", "perf", "bench", "sched", "pipe", "-l", "1000000000"]
    with Program(argv, lambda p: "watching" in p.said()) as program, \
            Program(calls, lambda p: True, signal.SIGKILL), \
            Program(pairs, lambda p: True):
        time.sleep(1)
        began, before, own_ns = time.monotonic(), switches(), cpu_time_ns(program.pid)
        seen = ledger(bench, socket, "syscall")["seen"]
        time.sleep(seconds)
        seen = ledger(bench, socket, "syscall")["seen"] - seen
        took_s = time.monotonic() - began
        switched = switches() - before
        own_ns = cpu_time_ns(program.pid) - own_ns
        said = program.stop()
    lost = re.search(r"(\d+) events lost", said)
    return {"calls_per_s": seen / took_s, "switches_per_s": switched / took_s,
            "lost": int(lost.group(1)), "own_share": own_ns / took_s / 1e9}


def run(bench):
    result = follow(bench, bench.scaled(10, 4))
    result["wanted"] = [
        wanted("events lost", result["lost"], 1),
        wanted("a million calls a second, of those reached", 1e6 / result["calls_per_s"], 1),
        wanted("200,000 switches a second, of those reached", 2e5 / result["switches_per_s"], 1),
    ]
    return result


def table(result):
    yield f"system calls      {result['calls_per_s']:12,.0f} a second"
    yield f"context switches  {result['switches_per_s']:12,.0f} a second"
    yield f"events lost       {result['lost']:12d}"
    yield f"CPU of kernelsight's own process {result['own_share'] * 100:.2f} % of one core"
