"""What kernelsight takes of a busy machine: all six sources, with the shipped rules and one more for each
source that those leave out.

A fixed amount of work of stress-ng (arithmetic, memory, disk, sockets, forks, switches, allocation) is done
with and without kernelsight, in pairs; what more CPU time it takes, with that of kernelsight itself, is
the cost.
"""
import json
import os
import shutil
import subprocess
import time

from harness import RULES, Missing, cpu_time_ns, kernelsight, median, wanted

NAME = "busy"
TITLE = "A busy machine: all six sources (stress-ng)"

WORK = {
    "cpu": ["--cpu", "1", "--cpu-method", "matrixprod", "--cpu-ops", "3000"],
    "vm": ["--vm", "1", "--vm-bytes", "64M", "--vm-method", "flip", "--vm-ops", "150000"],
    "hdd": ["--hdd", "1", "--hdd-bytes", "64M", "--hdd-ops", "20000"],
    "sock": ["--sock", "1", "--sock-ops", "500"],
    "fork": ["--fork", "1", "--fork-ops", "1500"],
    "switch": ["--switch", "1", "--switch-ops", "200000"],
    "malloc": ["--malloc", "1", "--malloc-ops", "20000"],
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


def do_work(bench):
    """CPU time of the work and of everything it started, and how long it took, in ns."""
    argv = [shutil.which("stress-ng", path="/usr/bin:/bin") or "stress-ng",
            *(word for words in WORK.values() for word in words),
            "--temp-path", bench.directory, "--timeout", "60", "--quiet"]
    began = time.monotonic()
    child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        raise Missing("stress-ng failed")
    return (used.ru_utime + used.ru_stime) * 1e9, (time.monotonic() - began) * 1e9


def pair(bench, rules):
    bare_ns, bare_took_ns = do_work(bench)
    with kernelsight(bench, "run", "--cpu-budget", "off", "-r", RULES, "-r", rules) as program:
        own_ns = cpu_time_ns(program.pid)
        ns, _ = do_work(bench)
        own_ns = cpu_time_ns(program.pid) - own_ns
        attached = program.said().count(" attached: ")
    return {"bare_ns": bare_ns, "ns": ns, "own_ns": own_ns, "attached": attached,
            "share": (ns + own_ns - bare_ns) / bare_ns,
            "busy": bare_ns / bare_took_ns / os.cpu_count()}


def run(bench):
    if not shutil.which("stress-ng", path="/usr/bin:/bin"):
        raise Missing("stress-ng is not installed")
    rules = write_rules(bench)
    do_work(bench)  # warms up
    pairs = [pair(bench, rules) for _ in range(bench.scaled(9, 3))]
    share = median([p["share"] for p in pairs])
    return {"pairs": len(pairs), "attached": pairs[0]["attached"],
            "bare_s": median([p["bare_ns"] for p in pairs]) / 1e9,
            "own_share": median([p["own_ns"] / p["bare_ns"] for p in pairs]),
            "busy": median([p["busy"] for p in pairs]), "share": share,
            "share_from": min(p["share"] for p in pairs),
            "share_to": max(p["share"] for p in pairs),
            "wanted": [wanted("CPU time that kernelsight adds", share * 100, 2, " %")]}


def table(result):
    yield f"event types attached     {result['attached']}"
    yield f"CPU time of the work     {result['bare_s']:.2f} s, CPUs {result['busy'] * 100:.0f} % busy"
    yield f"added by kernelsight     {result['share'] * 100:.2f} % (from {result['share_from'] * 100:.2f} " \
          f"to {result['share_to'] * 100:.2f}, {result['pairs']} pairs)"
    yield f"  of that, its process   {result['own_share'] * 100:.2f} %"
