"""What a tracer adds to a request to a block device: reads of 4 KiB past the page cache, from a loop
device whose file is in the page cache.

The CPU time of the reader and of all threads of the kernel counts, as the device's worker completes
the requests. Each measurement with a tracer has one without right before it.
"""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness import Attached, Missing, Program, alone, cpu_time_ns, kernelsight, median, wanted
from disks import LoopDisk  # in tests/lib, which harness puts on the path

NAME = "block"
TITLE = "CPU time of a request to a block device (4 KiB read from a loop device)"

BPFTRACE = """
tracepoint:block:block_rq_issue { @start[args->dev, args->sector] = nsecs; }
tracepoint:block:block_rq_complete /@start[args->dev, args->sector]/ {
	@us = hist((nsecs - @start[args->dev, args->sector]) / 1000);
	delete(@start[args->dev, args->sector]);
}
"""

SAMPLES = {"name": "slow-disk", "why": "benchmark", "on": "io", "by": ["device", "op"],
           "when": {"value": "max(device_p99_ms)", "window": "10s", "above": "1h"}}
REQUESTS = {"name": "slow-request", "why": "benchmark", "on": "io_request", "by": ["comm"],
            "when": {"value": "latency_ms", "above": "100ms"}}


def tracers(bench):
    """name: function that gives the Program."""
    def tool(name, *args):
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not path:
            raise Missing(f"{name} is not installed")
        return Program([path, *args], Attached(), signal.SIGINT)

    def ours(name, *rules):
        path = bench.directory / f"block-{name}.json"
        path.write_text(json.dumps({"version": 1, "rules": rules}))
        return kernelsight(bench, "run", "--cpu-budget", "off", "-r", path)

    return {
        "empty program": lambda: Program(
            [bench.tool("attach_bpf"), bench.build / "tests/bench/floor_block.bpf.o"], Attached()),
        "kernelsight, samples": lambda: ours("samples", SAMPLES),
        "and slow requests": lambda: ours("both", SAMPLES, REQUESTS),
        "biolatency -D": lambda: tool("biolatency", "-D"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
    }


def kernel_threads_ns():
    """CPU time so far of each thread of the kernel."""
    times = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if not os.readlink(f"/proc/{pid}/exe"):
                raise FileNotFoundError
        except FileNotFoundError:  # those have no program
            try:
                times[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
            except (OSError, ProcessLookupError):
                pass
        except OSError:
            pass
    return times


def request_cost_ns(bench, disk, n):
    before = kernel_threads_ns()
    done = subprocess.run([bench.tool("block_reads"), disk.path, str(n)], capture_output=True,
                          text=True, timeout=120, check=True)
    after = kernel_threads_ns()
    return (int(done.stdout) + sum(ns - before.get(pid, 0) for pid, ns in after.items())) / n


def measure(bench, disk, start, n):
    undisturbed = alone(wait_s=2)
    bare_ns = request_cost_ns(bench, disk, n)
    with start() as program:
        before_ns = cpu_time_ns(program.pid)
        ns = request_cost_ns(bench, disk, n)
        own_ns = (cpu_time_ns(program.pid) - before_ns) / n
    return {"bare_ns": bare_ns, "ns": ns, "own_ns": own_ns,
            "undisturbed": undisturbed and alone(wait_s=0)}


def measure_all(bench, disk, starts, missing):
    """One round: a row for each tracer that can be started; the others go into `missing`."""
    rows = {}
    for name, start in starts.items():
        try:
            rows[name] = measure(bench, disk, start, bench.scaled(40_000, 20_000))
        except (Missing, AssertionError) as error:
            missing[name] = str(error).splitlines()[0]
    return rows


def run(bench):
    n = bench.scaled(7, 3)
    starts = tracers(bench)
    missing = {}
    rounds = []
    with LoopDisk() as disk:
        disk.set("rq_affinity", 0)  # completed by the worker, so that its time is all there is
        request_cost_ns(bench, disk, 1000)
        for _ in range(n):
            rounds.append(measure_all(bench, disk, starts, missing))
            for name in missing:
                starts.pop(name, None)
    clean = [r for r in rounds if all(row["undisturbed"] for row in r.values())]
    used = clean if len(clean) >= min(n, 3) else rounds
    return {"rounds": n, "undisturbed_rounds": len(clean), "used_rounds": len(used),
            "missing": missing, **evaluate({name: [r[name] for r in used] for name in starts})}


def evaluate(seen):
    """The costs and, round by round, the ratios to the floor and to biolatency."""
    added = {name: [r["ns"] - r["bare_ns"] for r in rows] for name, rows in seen.items()}

    def ratio(name, other):
        if name not in added or other not in added:
            return None
        return median(added[name]) / median(added[other])

    return {
        "bare_ns": median([r["bare_ns"] for rows in seen.values() for r in rows]),
        "tracers": {name: {
            "ns": median([r["ns"] for r in rows]),
            "added_ns": median(added[name]),
            "added_ns_from": min(added[name]),
            "added_ns_to": max(added[name]),
            "of_biolatency": ratio(name, "biolatency -D"),
            "of_floor": ratio(name, "empty program"),
            "own_ns": median([r["own_ns"] for r in rows]),
        } for name, rows in seen.items()},
        "wanted": [wanted("what kernelsight adds for samples, of what biolatency adds",
                          ratio("kernelsight, samples", "biolatency -D"), 0.5)],
    }


def table(result):
    def cell(value):
        return f"{value:15.2f}" if value is not None else f"{'-':>15}"

    yield f"{'':22}{'ns a request':>14}{'added ns':>10}{'(range)':>14}" \
          f"{'of biolatency':>15}{'of floor':>15}{'own CPU ns':>12}"
    yield f"{'no tracer':22}{result['bare_ns']:14.0f}"
    for name, t in result["tracers"].items():
        spread = f"{t['added_ns_from']:.0f}..{t['added_ns_to']:.0f}"
        yield f"{name:22}{t['ns']:14.0f}{t['added_ns']:10.0f}{spread:>14}" \
              f"{cell(t['of_biolatency'])}{cell(t['of_floor'])}{t['own_ns']:12.1f}"
    for name, reason in result["missing"].items():
        yield f"{name:22}missing: {reason}"
    if result["undisturbed_rounds"] < result["rounds"]:
        disturbed = result["rounds"] - result["undisturbed_rounds"]
        yield f"in {disturbed} of {result['rounds']} rounds something else traced this kernel " \
              f"too; {result['used_rounds']} rounds are used"
