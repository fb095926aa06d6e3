# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer adds to a context switch: two processes on one CPU that hand a byte to and fro."""
import json

import comparison
from comparison import Comparison, floor, ours, told, tool
from evaluation import wanted

NAME = "switch"
TITLE = "CPU time of a context switch (pipe)"

# the job of runqlat, as simply as the language allows
BPFTRACE = """
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @ready[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
	if (args->prev_state == 0) { @ready[args->prev_pid] = nsecs; }
	$ns = @ready[args->next_pid];
	if ($ns) { @us = hist((nsecs - $ns) / 1000); }
	delete(@ready[args->next_pid]);
}
"""

RULES = {
    "kernelsight, counts only": ("sched", "context_switches"),
    "kernelsight, run-queue latency": ("sched", "runq_p99_us"),
    "kernelsight, and by state": ("sched", "uninterruptible_ms"),
    "kernelsight, waits in calls": ("syscall", "blocked_ms"),
}


def rule_file(bench, source, value):
    path = bench.directory / f"{value}.json"
    limit = "1h" if value.endswith(("_us", "_ms")) else 1e12
    path.write_text(json.dumps({"version": 1, "rules": [
        {"name": "never", "on": source, "by": ["pid"], "when": {"value": value, "above": limit}}]}))
    return path


def tracers(bench):
    """name: function that gives the Program."""
    def with_rule(source, value):
        return lambda: ours(bench, rule_file(bench, source, value))

    return {
        "empty program": lambda: floor(bench, "floor_switch"),
        **{name: with_rule(*rule) for name, rule in RULES.items()},
        "runqlat": lambda: tool("runqlat"),
        "cpudist": lambda: tool("cpudist"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
        "perf sched": lambda: tool("perf", "sched", "record", "-o", "/dev/null"),
    }


def run(bench):
    done = Comparison(bench, [bench.tool("switch_loop"), 0], 2, tracers(bench))
    result = done.run(floor="empty program", peer="runqlat")
    return {**result, "wanted": [
        wanted("what run-queue latency adds, of what an empty program adds",
               told(result, "kernelsight, run-queue latency", "of_floor"), 1.25)]}


def table(result):
    return comparison.table(result, "switch")
