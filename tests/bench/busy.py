# SPDX-License-Identifier: BSD-2-Clause
"""What kernelsight takes of a busy machine: all six sources, with the shipped rules and one more for each
source that those leave out.

A fixed amount of work of stress-ng, of seven kinds side by side, is done with and without kernelsight in
turn. Each kind counts with the least CPU time that its work took in the rounds of a repetition, which is
when other things disturbed it least; the repetitions say how sure the figure is. The CPU time of
kernelsight's own process is added.

The same is told a second time in another way, which scatters less and names the programs: once in each
repetition the kernel itself counts the time that they run. That has the reading of its clock in it, but
not the way to the program and back; the two are about alike.

Both are without the budget that kernelsight keeps to. With it, it gives up what is dear after some seconds;
what it costs from then on is accounted apart.
"""
import json
import os
import shutil
import subprocess
import time

from evaluation import estimate, median, wanted
from harness import RULES, Missing, bpf_stats, cpu_time_ns, kernelsight, program_times

NAME = "busy"
TITLE = "A busy machine: all six sources (stress-ng)"
REPETITIONS = 6
SETTLED_S = 25  # of work, after which the governor has done what it can

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


def watch(bench, rules, *options):
    return kernelsight(bench, "run", "--socket", bench.directory / "busy.sock", "-r", RULES, "-r", rules,
                       *options)


def watched_work(bench, pid):
    """(CPU time of the same and of kernelsight's process as "own", (ns, runs) of each of its programs)."""
    before, own_ns = program_times(pid), cpu_time_ns(pid)
    took = do_work(bench)
    took["own"] = cpu_time_ns(pid) - own_ns
    after = program_times(pid)
    return took, {name: [now - then for now, then in zip(after[name], before[name])] for name in before}


def watched_without_budget(bench, rules):
    with watch(bench, rules, "--cpu-budget", "off") as program:
        return watched_work(bench, program.pid)


def share_within_budget(bench, rules):
    """What the kernel accounts, as a share of the CPU time of the work, once kernelsight keeps to its
    budget."""
    with watch(bench, rules) as program:
        settled = time.monotonic() + SETTLED_S
        while time.monotonic() < settled:
            do_work(bench)
        with bpf_stats():
            took, programs = watched_work(bench, program.pid)
    return (took["own"] + sum(ns for ns, _ in programs.values())) / sum(took[kind] for kind in WORK)


def repeat(bench, rules):
    """One repetition: CPU time by kind of work, without and with, and what the kernel accounts."""
    rounds = [(do_work(bench), watched_without_budget(bench, rules)[0])
              for _ in range(bench.scaled(5, 1))]
    with bpf_stats():
        accounted_work, programs = watched_without_budget(bench, rules)
    return {"bare": {kind: min(bare[kind] for bare, _ in rounds) for kind in WORK},
            "watched": {kind: min(watched[kind] for _, watched in rounds) for kind in WORK},
            "own": median([watched["own"] for _, watched in rounds]),
            "accounted_work": sum(accounted_work[kind] for kind in WORK), "programs": programs,
            "within_budget": share_within_budget(bench, rules)}


def evaluate(repetitions):
    """Shares, in percent of the CPU time of the work."""
    def share(of):
        return estimate([of(r) * 100 for r in repetitions])

    def own(r):
        return r["own"] / sum(r["bare"].values())

    def accounted(r, name):
        return r["programs"][name][0] / r["accounted_work"]

    names = repetitions[0]["programs"]
    added = share(lambda r: sum(r["watched"].values()) / sum(r["bare"].values()) - 1 + own(r))
    account = share(lambda r: sum(accounted(r, name) for name in names) + own(r))
    within_budget = share(lambda r: r["within_budget"])
    return {
        "repetitions": len(repetitions),
        "bare_s": median([sum(r["bare"].values()) for r in repetitions]) / 1e9,
        "added": added, "accounted": account, "within_budget": within_budget, "own": share(own),
        "kinds": {kind: {
            "bare_s": median([r["bare"][kind] for r in repetitions]) / 1e9,
            "added": share(lambda r, k=kind: r["watched"][k] / r["bare"][k] - 1),
        } for kind in WORK},
        "programs": {name: {
            "share": share(lambda r, n=name: accounted(r, n)),
            "runs": median([r["programs"][name][1] for r in repetitions]),
        } for name in names},
        "wanted": [wanted("CPU time that kernelsight adds", added, 2, " %"),
                   wanted("the same as the kernel accounts it", account, 2, " %"),
                   wanted("the same once it keeps to its budget of 2 %", within_budget, 2, " %")],
    }


def run(bench):
    if not shutil.which("stress-ng", path="/usr/bin:/bin"):
        raise Missing("stress-ng is not installed")
    rules = write_rules(bench)
    do_work(bench)  # warms up
    return evaluate([repeat(bench, rules) for _ in range(bench.scaled(REPETITIONS, 3))])


def table(result):
    def row(name, middle, share):
        return f"{name:32}{middle:>12}{share['value']:10.2f}   ({share['from']:.2f} to {share['to']:.2f})"

    def dearest(programs):
        shown = sorted(programs.items(), key=lambda p: p[1]["share"]["value"], reverse=True)
        return [p for p in shown if p[1]["share"]["value"] >= 0.05]

    yield f"{'':32}{'CPU s':>12}{'added %':>10}"
    for kind, k in result["kinds"].items():
        yield row(kind, f"{k['bare_s']:.2f}", k["added"])
    yield row("kernelsight's own process", "", result["own"])
    yield row("all", f"{result['bare_s']:.2f}", result["added"])
    yield f"{'as the kernel accounts it':32}{'runs':>12}{'%':>10}"
    for name, p in dearest(result["programs"]):
        yield row(name, f"{p['runs']:.0f}", p["share"])
    yield row("all, with the own process", "", result["accounted"])
    yield row("all, within the budget", "", result["within_budget"])
    yield f"{result['repetitions']} repetitions; intervals have {result['added']['confidence']:.0%} confidence"
