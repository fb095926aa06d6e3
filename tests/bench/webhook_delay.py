"""Time from the kernel's stamp on an event to the first byte of the alert at a local webhook.

tests/tools/slow_calls makes slow calls, each in a process of its own, hence each an alert of its
own; tests/tools/http_sink stamps the requests. Both clocks are the wall clock.
"""
import json
import subprocess

from evaluation import percentile, wanted
from harness import Program, cpu_time_ns, kernelsight

NAME = "webhook"
TITLE = "Time from event to webhook"

SLEEP_US = 11000
GAP_US = 6000  # with the sleep, the life afterwards and the random part: one in about 25 ms


def rules(port):
    hook = {"type": "webhook", "url": f"http://127.0.0.1:{port}/", "on": ["firing"]}
    slow = {"name": "slow-call", "why": "benchmark", "on": "syscall",
            "where": "syscall_name == 'nanosleep' and comm == 'slow_call'",
            "by": ["pid"], "when": {"value": "latency_ms", "above": "10ms"}, "hooks": ["sink"]}
    # every single call of the hog matches and is counted; the limit is out of its reach
    hog = {"name": "hog", "why": "benchmark", "on": "syscall",
           "where": "syscall_name == 'getppid' and latency_ms > 1ns", "by": ["pid"],
           "when": {"value": "count()", "window": "10s", "above": 1e12}, "hooks": ["sink"]}
    return {"version": 1, "hooks": {"sink": hook}, "rules": [slow, hog]}


def arrivals(record):
    """pid: delay in ms, of each slow call that was reported."""
    delays = {}
    for line in record.read_text().splitlines():
        arrived_ns, document = line.split(" ", 1)
        event = json.loads(document)["event"]
        delays.setdefault(event["pid"], (int(arrived_ns) - event["timestamp"]) / 1e6)
    return delays


def measure(bench, name, calls, hog=None):
    record = bench.directory / f"{name}.record"
    rule_file = bench.directory / f"{name}.json"
    with Program([bench.tool("http_sink"), record], lambda p: p.printed().endswith("\n")) as sink:
        rule_file.write_text(json.dumps(rules(sink.printed().strip())))
        with kernelsight(bench, "run", "-r", rule_file) as daemon:
            before_ns = cpu_time_ns(daemon.pid)
            if hog:
                with Program([bench.tool("syscall_loop"), *hog], lambda p: True):
                    slow_calls(bench, calls)
            else:
                slow_calls(bench, calls)
            own_ms = (cpu_time_ns(daemon.pid) - before_ns) / 1e6
    delays = list(arrivals(record).values())
    return {"calls": calls, "arrived": len(delays), "own_cpu_ms": own_ms,
            **{f"p{p}_ms": percentile(delays, p) if delays else None for p in (50, 90, 99, 100)}}


def slow_calls(bench, calls):
    subprocess.run([bench.tool("slow_calls"), str(calls), str(SLEEP_US), str(GAP_US)],
                   timeout=calls * 0.2 + 10, check=True)


def run(bench):
    calls = bench.scaled(1000, 100)
    endless = str(10**12)
    cases = {
        "quiet": measure(bench, "quiet", calls),
        "hog, 100,000 a second": measure(bench, "paced", calls // 2, [endless, "100", "1000"]),
        "hog, all it can": measure(bench, "hog", calls // 2, [endless]),
    }
    quiet = cases["quiet"]
    return {"cases": cases, "wanted": [
        wanted("half of the alerts on a quiet machine within", quiet["p50_ms"], 0.5, " ms"),
        wanted("99 of 100 on a quiet machine within", quiet["p99_ms"], 5, " ms"),
        wanted("slow calls of which no alert arrived", quiet["calls"] - quiet["arrived"], 1),
    ]}


def table(result):
    yield f"{'ms':24}{'p50':>8}{'p90':>8}{'p99':>8}{'max':>8}   arrived"
    for name, case in result["cases"].items():
        if not case["arrived"]:
            yield f"{name:24}{'none of':>35} {case['calls']} arrived"
            continue
        yield f"{name:24}{case['p50_ms']:8.3f}{case['p90_ms']:8.3f}{case['p99_ms']:8.3f}" \
              f"{case['p100_ms']:8.3f}   {case['arrived']} of {case['calls']}"
