"""What a tracer adds to a context switch: two processes on one CPU that hand a byte to and fro.

Measured like the system call (syscall_cost): each tracer right after none, medians over the rounds.
"""
import json
import shutil
import signal
import subprocess

from harness import (Attached, Missing, Program, alone, cpu_time_ns, kernelsight, median, wanted)

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
    "kernelsight, run-queue latency": ("sched", "runq_p99_us"),
    "kernelsight, and by state": ("sched", "uninterruptible_ms"),
    "kernelsight, counts only": ("sched", "context_switches"),
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
    def tool(name, *args):
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not path:
            raise Missing(f"{name} is not installed")
        return Program([path, *args], Attached(), signal.SIGINT)

    def ours(source, value):
        return lambda: kernelsight(bench, "run", "-r", rule_file(bench, source, value))

    return {
        "empty program": lambda: Program(
            [bench.tool("attach_bpf"), bench.build / "tests/bench/floor_switch.bpf.o"],
            Attached()),
        **{name: ours(*rule) for name, rule in RULES.items()},
        "runqlat": lambda: tool("runqlat"),
        "cpudist": lambda: tool("cpudist"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
        "perf sched": lambda: tool("perf", "sched", "record", "-o", "/dev/null"),
    }


def switch_cost_ns(bench, trips):
    done = subprocess.run([bench.tool("switch_loop"), str(trips)], capture_output=True, text=True,
                          timeout=120, check=True)
    return int(done.stdout) / trips / 2


def measure(bench, start, trips):
    undisturbed = alone(wait_s=2)
    bare_ns = switch_cost_ns(bench, trips)
    with start() as program:
        before_ns = cpu_time_ns(program.pid)
        ns = switch_cost_ns(bench, trips)
        own_ns = (cpu_time_ns(program.pid) - before_ns) / trips / 2
    return {"bare_ns": bare_ns, "ns": ns, "own_ns": own_ns,
            "undisturbed": undisturbed and alone(wait_s=0)}


def run(bench):
    n = bench.scaled(5, 3)
    trips = bench.scaled(60_000, 20_000)
    starts, missing, seen = tracers(bench), {}, {}
    for _ in range(n):
        for name, start in list(starts.items()):
            try:
                seen.setdefault(name, []).append(measure(bench, start, trips))
            except (Missing, AssertionError) as error:
                missing[name] = str(error).splitlines()[0]
                del starts[name]
    return {"rounds": n, "missing": missing,
            "undisturbed": sum(r["undisturbed"] for rows in seen.values() for r in rows),
            **evaluate(seen)}


def evaluate(seen):
    seen = {name: rows for name, rows in seen.items() if rows}
    added = {name: [r["ns"] - r["bare_ns"] for r in rows] for name, rows in seen.items()}

    def ratio(name, other):
        if name not in added or other not in added or median(added[other]) <= 0:
            return None  # or the machine is too busy to tell
        return median(added[name]) / median(added[other])

    return {
        "bare_ns": median([r["bare_ns"] for rows in seen.values() for r in rows]),
        "tracers": {name: {
            "ns": median([r["ns"] for r in rows]),
            "added_ns": median(added[name]),
            "added_ns_from": min(added[name]),
            "added_ns_to": max(added[name]),
            "of_floor": ratio(name, "empty program"),
            "own_ns": median([r["own_ns"] for r in rows]),
        } for name, rows in seen.items()},
        "wanted": [wanted("what run-queue latency adds, of what an empty program adds",
                          ratio("kernelsight, run-queue latency", "empty program"), 1.25)],
    }


def table(result):
    yield f"{'':32}{'ns a switch':>12}{'added ns':>10}{'(range)':>16}{'of floor':>10}{'own CPU ns':>12}"
    yield f"{'no tracer':32}{result['bare_ns']:12.0f}"
    for name, t in result["tracers"].items():
        spread = f"{t['added_ns_from']:.0f}..{t['added_ns_to']:.0f}"
        of_floor = f"{t['of_floor']:10.2f}" if t["of_floor"] is not None else f"{'-':>10}"
        yield f"{name:32}{t['ns']:12.0f}{t['added_ns']:10.0f}{spread:>16}{of_floor}" \
              f"{t['own_ns']:12.1f}"
    for name, reason in result["missing"].items():
        yield f"{name:32}missing: {reason}"
