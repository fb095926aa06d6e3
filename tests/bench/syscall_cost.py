"""What a tracer adds to a system call that is of no interest to it: a loop of getppid.

Every measurement of a tracer has one without any tracer right before it, so that what else goes on
in the machine is in both; the figures are medians over the rounds.
"""
import json
import shutil
import signal

from harness import (RULES, Attached, Missing, Program, alone, call_cost_ns, cpu_time_ns,
                     kernelsight, median, wanted)

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
    def tool(name, *args):
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not path:
            raise Missing(f"{name} is not installed")
        return Program([path, *args], Attached(), signal.SIGINT)

    return {
        "empty programs": lambda: Program(
            [bench.tool("attach_bpf"), bench.build / "tests/bench/floor.bpf.o"], Attached()),
        "kernelsight run": lambda: kernelsight(bench, "run", "-r", RULES),
        "waits only": lambda: kernelsight(bench, "run", "-r", waits_rule(bench)),
        "syscount -L": lambda: tool("syscount", "-L"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
        "perf trace": lambda: tool("perf", "trace", "--duration", "10", "-a", "-o", "/dev/null"),
    }


def measure(bench, start, calls):
    undisturbed = alone(wait_s=2)
    bare_ns = call_cost_ns(bench, calls)
    with start() as program:
        before_ns = cpu_time_ns(program.pid)
        ns = call_cost_ns(bench, calls)
        own_ns = (cpu_time_ns(program.pid) - before_ns) / calls
    return {"bare_ns": bare_ns, "ns": ns, "own_ns": own_ns,
            "undisturbed": undisturbed and alone(wait_s=0)}


def measure_all(bench, starts, missing):
    """One round: a row for each tracer that can be started; the others go into `missing`."""
    calls = bench.scaled(1_000_000, 300_000)
    rows = {}
    for name, start in starts.items():
        try:
            # perf trace adds so much to each call that a twentieth of them takes as long
            rows[name] = measure(bench, start, calls // 20 if name == "perf trace" else calls)
        except (Missing, AssertionError) as error:
            missing[name] = str(error).splitlines()[0]
    return rows


def run(bench):
    n = bench.scaled(9, 3)
    starts = tracers(bench)
    missing = {}
    rounds = []
    for _ in range(n):
        rounds.append(measure_all(bench, starts, missing))
        for name in missing:
            starts.pop(name, None)
    clean = [r for r in rounds if all(row["undisturbed"] for row in r.values())]
    used = clean if len(clean) >= min(n, 3) else rounds
    return {"rounds": n, "undisturbed_rounds": len(clean), "used_rounds": len(used),
            "missing": missing, **evaluate({name: [r[name] for r in used] for name in starts})}


def of_bare(seen, name):
    rows = seen.get(name)
    return median([r["ns"] / r["bare_ns"] for r in rows]) if rows else None


def evaluate(seen):
    """The costs and, round by round, the ratios to the floor and to syscount."""
    added = {name: [r["ns"] - r["bare_ns"] for r in rows] for name, rows in seen.items()}

    def ratio(name, other):
        if name not in added or other not in added:
            return None
        return median([a / b for a, b in zip(added[name], added[other])])

    return {
        "bare_ns": median([r["bare_ns"] for rows in seen.values() for r in rows]),
        "tracers": {name: {
            "ns": median([r["ns"] for r in rows]),
            "added_ns": median(added[name]),
            "added_ns_from": min(added[name]),
            "added_ns_to": max(added[name]),
            "of_syscount": ratio(name, "syscount -L"),
            "of_floor": ratio(name, "empty programs"),
            "own_ns": median([r["own_ns"] for r in rows]),
        } for name, rows in seen.items()},
        "wanted": [wanted("what kernelsight adds, of what syscount adds",
                          ratio("kernelsight run", "syscount -L"), 0.5),
                   wanted("the same, of what the empty programs add",
                          ratio("kernelsight run", "empty programs"), 2.0),
                   wanted("a call where rules only ask for waits, of a bare one",
                          of_bare(seen, "waits only"), 1.02)],
    }


def table(result):
    def cell(value):
        return f"{value:12.2f}" if value is not None else f"{'-':>12}"

    yield f"{'':16}{'ns a call':>10}{'added ns':>10}{'(range)':>14}" \
          f"{'of syscount':>12}{'of floor':>12}{'own CPU ns':>12}"
    yield f"{'no tracer':16}{result['bare_ns']:10.0f}"
    for name, t in result["tracers"].items():
        spread = f"{t['added_ns_from']:.0f}..{t['added_ns_to']:.0f}"
        yield f"{name:16}{t['ns']:10.0f}{t['added_ns']:10.0f}{spread:>14}" \
              f"{cell(t['of_syscount'])}{cell(t['of_floor'])}{t['own_ns']:12.1f}"
    for name, reason in result["missing"].items():
        yield f"{name:16}missing: {reason}"
    if result["undisturbed_rounds"] < result["rounds"]:
        disturbed = result["rounds"] - result["undisturbed_rounds"]
        yield f"in {disturbed} of {result['rounds']} rounds something else traced this kernel " \
              f"too; {result['used_rounds']} rounds are used"
