# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer adds to a system call that is of no interest to it: a loop of getppid."""
import json

import comparison
from comparison import Comparison, floor, ours, told, tool
from evaluation import wanted
from harness import RULES

NAME = "syscall"
TITLE = "CPU time of a system call (getppid)"

# the same job as simply as the language allows: calls of more than 10 ms, by thread
BPFTRACE = """
tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; }
tracepoint:raw_syscalls:sys_exit /@start[tid]/ {
	$ns = nsecs - @start[tid];
	if ($ns > 10000000) { printf("%d %s %d\\n", tid, comm, $ns); }
	delete(@start[tid]);
}
"""


def waits_rule(bench):
    """A rule file for which no call needs to be looked at."""
    path = bench.directory / "waits.json"
    path.write_text(json.dumps({"version": 1, "rules": [
        {"name": "never", "on": "syscall", "by": ["pid"],
         "when": {"value": "blocked_ms", "above": "1h"}}]}))
    return path


def tracers(bench):
    """name: function that gives the Program."""
    return {
        "two empty programs": lambda: floor(bench, "floor"),
        "kernelsight, shipped rules": lambda: ours(bench, RULES),
        "kernelsight, rules on waits alone": lambda: ours(bench, waits_rule(bench)),
        "syscount -L": lambda: tool("syscount", "-L"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
        "perf trace": lambda: tool("perf", "trace", "--duration", "10", "-a", "-o", "/dev/null"),
    }


def run(bench):
    done = Comparison(bench, [bench.tool("syscall_loop"), 0], 1, tracers(bench))
    result = done.run(floor="two empty programs", peer="syscount -L")
    shipped, waits = "kernelsight, shipped rules", "kernelsight, rules on waits alone"
    return {**result, "wanted": [
        wanted("what kernelsight adds, of what syscount adds", told(result, shipped, "of_peer"), 0.5),
        wanted("the same, of what the empty programs add", told(result, shipped, "of_floor"), 2.0),
        wanted("a call where rules only ask for waits, of a bare one",
               told(result, waits, "of_bare"), 1.02)]}


def table(result):
    return comparison.table(result, "call")
