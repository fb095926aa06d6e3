# SPDX-License-Identifier: BSD-2-Clause
"""What kernelsight takes of a busy machine: all six sources, with the shipped rules and one more for each
source that those leave out.

A fixed amount of work of stress-ng, of seven kinds side by side, is done with and without kernelsight in
turn. Each kind counts with the least CPU time that its work took in the rounds of a repetition, which is
when other things disturbed it least; the repetitions say how sure the figure is. The CPU time of
kernelsight's own process is added.
"""
import json
import os
import shutil
import subprocess

from evaluation import estimate, median, wanted
from harness import RULES, Missing, cpu_time_ns, kernelsight

NAME = "busy"
TITLE = "A busy machine: all six sources (stress-ng)"
REPETITIONS = 6

WORK = {
    "cpu": ["--cpu-method", "matrixprod", "--cpu-ops", "1000"],
    "vm": ["--vm-bytes", "64M", "--vm-method", "flip", "--vm-ops", "50000"],
    "hdd": ["--hdd-bytes", "64M", "--hdd-ops", "7000"],
    "sock": ["--sock-ops", "170"],
    "fork": ["--fork-ops", "500"],
    "switch": ["--switch-ops", "70000"],
    "malloc": ["--malloc-ops", "7000"],
}

MORE_RULES = {
    "page_fault": {"value": "rate(major_faults)", "window": "5s", "above": 1000},
    "io": {"value": "max(device_p99_ms)", "window": "5s", "above": "10s"},
    "net": {"value": "rate(tx_bytes)", "window": "5s", "above": "100GB/s"},
    "tcp": {"value": "sum(retransmits)", "window": "10s", "above": 100000},
}


def sources(bench):
    done = subprocess.run([bench.kernelsight, "fields", "--json"], capture_output=True, text=True,
                          check=True)
    return {json.loads(line)["source"] for line in done.stdout.splitlines()}


def write_rules(bench):
    known = sources(bench)
    rules = [{"name": f"bench-{on}", "why": "benchmark", "on": on, "when": when}
             for on, when in MORE_RULES.items() if on in known]
    path = bench.directory / "more.json"
    path.write_text(json.dumps({"version": 1, "rules": rules}))
    return path


def start_work(bench, kind):
    argv = [shutil.which("stress-ng", path="/usr/bin:/bin"), f"--{kind}", "1", *WORK[kind],
            "--temp-path", bench.directory, "--timeout", "60", "--quiet"]
    return subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cpu_ns_of(child):
    """CPU time of a process that ends, and of all that it started."""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        raise Missing("stress-ng failed")
    return (used.ru_utime + used.ru_stime) * 1e9


def do_work(bench):
    """CPU time in ns, by kind of work."""
    children = {kind: start_work(bench, kind) for kind in WORK}
    return {kind: cpu_ns_of(child) for kind, child in children.items()}


def watched_work(bench, rules):
    """The same beside kernelsight, whose own CPU time meanwhile is "own"."""
    with kernelsight(bench, "run", "--cpu-budget", "off", "-r", RULES, "-r", rules) as program:
        own_ns = cpu_time_ns(program.pid)
        took = do_work(bench)
        return {**took, "own": cpu_time_ns(program.pid) - own_ns}


def repeat(bench, rules):
    """One repetition: (CPU time without, CPU time with), each by kind of work."""
    rounds = [(do_work(bench), watched_work(bench, rules)) for _ in range(bench.scaled(5, 2))]
    bare = {kind: min(r[0][kind] for r in rounds) for kind in WORK}
    watched = {kind: min(r[1][kind] for r in rounds) for kind in WORK}
    return bare, {**watched, "own": median([r[1]["own"] for r in rounds])}


def evaluate(repetitions):
    """Shares of the CPU time of the work: of all, of each kind of work, of the own process."""
    def share(of):
        return estimate([of(bare, watched) * 100 for bare, watched in repetitions])

    added = share(lambda bare, watched: sum(watched.values()) / sum(bare.values()) - 1)
    return {
        "repetitions": len(repetitions),
        "bare_s": median([sum(bare.values()) for bare, _ in repetitions]) / 1e9,
        "added": added,
        "own": share(lambda bare, watched: watched["own"] / sum(bare.values())),
        "kinds": {kind: {
            "bare_s": median([bare[kind] for bare, _ in repetitions]) / 1e9,
            "added": share(lambda bare, watched, k=kind: watched[k] / bare[k] - 1),
        } for kind in WORK},
        "wanted": [wanted("CPU time that kernelsight adds", added, 2, " %")],
    }


def run(bench):
    if not shutil.which("stress-ng", path="/usr/bin:/bin"):
        raise Missing("stress-ng is not installed")
    rules = write_rules(bench)
    do_work(bench)  # warms up
    return evaluate([repeat(bench, rules) for _ in range(bench.scaled(REPETITIONS, 3))])


def table(result):
    def row(name, seconds, added):
        spent = f"{seconds:8.2f}" if seconds is not None else f"{'':8}"
        return f"{name:24}{spent}{added['value']:10.2f}   ({added['from']:.2f} to {added['to']:.2f})"

    yield f"{'':24}{'CPU s':>8}{'added %':>10}"
    for kind, k in result["kinds"].items():
        yield row(kind, k["bare_s"], k["added"])
    yield row("its own process", None, result["own"])
    yield row("all", result["bare_s"], result["added"])
    yield f"{result['repetitions']} repetitions; intervals have {result['added']['confidence']:.0%} confidence"
