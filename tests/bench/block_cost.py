# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer adds to a request to a block device: reads of 4 KiB past the page cache, from a loop
device whose file is in memory.

A thread of the kernel serves the requests. Such threads are kept on the CPU of the reader meanwhile, by
their setting for the whole machine: so one CPU does all the work of a request and is never idle, and
time by the clock is CPU time.
"""
import json
import os
from contextlib import contextmanager
from pathlib import Path

import comparison
from comparison import Comparison, floor, ours, told, tool
from disks import LoopDisk  # in tests/lib, which harness puts on the path
from evaluation import wanted
from harness import Missing

NAME = "block"
TITLE = "CPU time of a request to a block device (4 KiB read from a loop device)"
WORKERS = Path("/sys/devices/virtual/workqueue/cpumask")

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
    def with_rules(name, *rules):
        path = bench.directory / f"block-{name}.json"
        path.write_text(json.dumps({"version": 1, "rules": rules}))
        return ours(bench, path)

    return {
        "empty program": lambda: floor(bench, "floor_block"),
        "kernelsight, a rule on io": lambda: with_rules("samples", SAMPLES),
        "and one on io_request by comm": lambda: with_rules("both", SAMPLES, REQUESTS),
        "biolatency -D": lambda: tool("biolatency", "-D"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
    }


@contextmanager
def workers_on_last_cpu():
    """Where load_stay_on_one_cpu() puts the reader."""
    try:
        before = WORKERS.read_text()
        WORKERS.write_text(f"{1 << max(os.sched_getaffinity(0)):x}")
    except OSError as error:
        raise Missing(f"{WORKERS}: {error.strerror}") from error
    try:
        yield
    finally:
        WORKERS.write_text(before)


def run(bench):
    with LoopDisk() as disk, workers_on_last_cpu():
        done = Comparison(bench, [bench.tool("block_reads"), disk.path, 0], 1, tracers(bench))
        result = done.run(floor="empty program", peer="biolatency -D")
    return {**result, "wanted": [
        wanted("what a rule on io adds, of what biolatency adds",
               told(result, "kernelsight, a rule on io", "of_peer"), 0.5)]}


def table(result):
    return comparison.table(result, "request")
