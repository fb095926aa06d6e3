# SPDX-License-Identifier: BSD-2-Clause
"""What counting traffic by process adds to a small message over the loopback, sent and received."""
import comparison
from comparison import Comparison, floor, told, tool
from evaluation import wanted
from harness import kernelsight

NAME = "packet"
TITLE = "CPU time of a message of 100 bytes, sent and received"

BPFTRACE = """
tracepoint:sock:sock_send_length /args->ret > 0/ { @sent[pid, args->protocol] = sum(args->ret); }
tracepoint:sock:sock_recv_length /args->ret > 0/ { @received[pid, args->protocol] = sum(args->ret); }
"""


def tracers(bench):
    """name: function that gives the Program."""
    return {
        "two empty programs": lambda: floor(bench, "floor_net"),
        "kernelsight events net": lambda: kernelsight(bench, "events", "net"),
        "kernelsight events tcp": lambda: kernelsight(bench, "events", "tcp"),
        "tcptop": lambda: tool("tcptop", "-C", "1"),
        "bpftrace": lambda: tool("bpftrace", "-e", BPFTRACE),
    }


def compare(bench, protocol):
    done = Comparison(bench, [bench.tool("message_loop"), protocol, 0], 1, tracers(bench))
    return done.run(floor="two empty programs", peer="bpftrace")


def run(bench):
    result = {protocol: compare(bench, protocol) for protocol in ("tcp", "udp")}

    def of_floor(protocol):
        return told(result[protocol], "kernelsight events net", "of_floor")

    return {**result, "wanted": [
        wanted("what `events net` adds to a TCP message, of what empty programs add",
               of_floor("tcp"), 1.3),
        wanted("the same for UDP", of_floor("udp"), 2.5)]}


def table(result):
    for protocol in ("tcp", "udp"):
        yield from comparison.table(result[protocol], f"{protocol} msg")
