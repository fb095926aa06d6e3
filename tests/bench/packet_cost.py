# SPDX-License-Identifier: BSD-2-Clause
"""What counting traffic by process adds to a small message over the loopback, sent and received.

Every measurement of a tracer has one without any tracer right before it; figures are medians over
the rounds.
"""
import shutil
import signal
import subprocess

from harness import Attached, Missing, Program, alone, cpu_time_ns, kernelsight, median, wanted

NAME = "packet"
TITLE = "CPU time of a message of 100 bytes, sent and received"

BPFTRACE = """
tracepoint:sock:sock_send_length /args->ret > 0/ { @sent[pid, args->protocol] = sum(args->ret); }
tracepoint:sock:sock_recv_length /args->ret > 0/ { @received[pid, args->protocol] = sum(args->ret); }
"""


def tool(name, *args):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise Missing(f"{name} is not installed")
    return Program([path, *args], Attached(), signal.SIGINT)


def tracers(bench):
    """name: function that gives the Program."""
    return {
        "empty programs": lambda: Program(
            [bench.tool("attach_bpf"), bench.build / "tests/bench/floor_net.bpf.o"], Attached()),
        "events net": lambda: kernelsight(bench, "events", "net"),
        "events tcp": lambda: kernelsight(bench, "events", "tcp"),
        "tcptop": lambda: tool("tcptop", "-C", "1"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
    }


def message_ns(bench, protocol, messages):
    done = subprocess.run([bench.tool("message_loop"), protocol, str(messages)],
                          capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout) / messages


def measure(bench, start, messages):
    alone(wait_s=2)
    bare = {protocol: message_ns(bench, protocol, messages) for protocol in ("tcp", "udp")}
    with start() as program:
        own_ns = cpu_time_ns(program.pid)
        ns = {protocol: message_ns(bench, protocol, messages) for protocol in bare}
        own_ns = (cpu_time_ns(program.pid) - own_ns) / (2 * messages)
    return {"bare": bare, "added": {p: ns[p] - bare[p] for p in bare}, "own_ns": own_ns}


def measure_all(bench, starts, missing):
    messages = bench.scaled(100_000, 40_000)
    rows = {}
    for name, start in starts.items():
        try:
            rows[name] = measure(bench, start, messages)
        except (Missing, AssertionError) as error:
            missing[name] = str(error).splitlines()[0]
    for name in missing:
        starts.pop(name, None)
    return rows


def run(bench):
    starts = tracers(bench)
    missing = {}
    rounds = [measure_all(bench, starts, missing) for _ in range(bench.scaled(7, 3))]

    def of_floor(name, protocol):
        return median([r[name]["added"][protocol] / r["empty programs"]["added"][protocol]
                       for r in rounds])
    protocols = ("tcp", "udp")
    return {
        "rounds": len(rounds), "missing": missing,
        "bare": {p: median([row["bare"][p] for r in rounds for row in r.values()])
                 for p in protocols},
        "tracers": {name: {
            "added": {p: median([r[name]["added"][p] for r in rounds]) for p in protocols},
            "of_floor": {p: of_floor(name, p) for p in protocols},
            "own_ns": median([r[name]["own_ns"] for r in rounds]),
        } for name in starts},
        "wanted": [
            wanted("what `events net` adds to a TCP message, of what empty programs add",
                   of_floor("events net", "tcp"), 1.3),
            wanted("the same for UDP", of_floor("events net", "udp"), 2.5),
        ],
    }


def table(result):
    yield f"{'':16}{'tcp added ns':>14}{'of floor':>10}{'udp added ns':>14}{'of floor':>10}" \
          f"{'own CPU ns':>12}"
    yield f"{'no tracer':16}{result['bare']['tcp']:14.0f}{'':10}{result['bare']['udp']:14.0f}"
    for name, t in result["tracers"].items():
        yield f"{name:16}{t['added']['tcp']:14.0f}{t['of_floor']['tcp']:10.2f}" \
              f"{t['added']['udp']:14.0f}{t['of_floor']['udp']:10.2f}{t['own_ns']:12.1f}"
    for name, reason in result["missing"].items():
        yield f"{name:16}missing: {reason}"
