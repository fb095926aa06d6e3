#!/usr/bin/env python3
"""Measures what kernelsight costs, next to the tools one would use instead.

usage: bench.py [--build DIR] [--quick] [--only NAME] [--json FILE]

Each figure is a module of its own here: syscall, switch, block, packet, webhook, flood, sustained,
busy, idle, engine. Needs root, and a machine
with nothing else to do.
"""
import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import block_cost
import busy
import engine
import flood
import idle
import packet_cost
import sustained
import switch_cost
import syscall_cost
import webhook_delay
from evaluation import verdict_line
from harness import Bench, Missing, machine, mount_tracefs

FIGURES = [syscall_cost, switch_cost, block_cost, packet_cost, webhook_delay, flood, sustained, busy,
           idle, engine]
LIMIT_S = 1800


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path,
                        default=Path(__file__).resolve().parent.parent.parent / "build")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, to try it out")
    parser.add_argument("--only", choices=[f.NAME for f in FIGURES], help="this figure alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    return parser.parse_args()


def out_of_time(*_):
    raise TimeoutError(f"no end after {LIMIT_S} s")


def describe(m):
    others = ", ".join(m["other_tracers"]) or "nothing"
    print(f"kernel {m['kernel']} {m['arch']}, {m['cpus']} x {m['cpu']}, {m['memory_gib']} GiB; "
          f"load {m['load']:.2f}; besides, {others} traces this kernel", flush=True)


def show(figure, result):
    print(f"\n## {figure.TITLE}\n")
    for line in figure.table(result):
        print("    " + line)
    for want in result["wanted"]:
        print("  " + verdict_line(want))
    sys.stdout.flush()


def measure(figure, bench):
    try:
        result = figure.run(bench)
    except Missing as error:
        print(f"\n## {figure.TITLE}\n\n    not measured: {error}", flush=True)
        return {"missing": str(error)}
    show(figure, result)
    return result


def main():
    args = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("bench.py: needs root to load BPF programs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LIMIT_S)
    mount_tracefs()
    result = {"machine": machine(), "figures": {}}
    describe(result["machine"])
    with tempfile.TemporaryDirectory(prefix="kernelsight-bench-") as directory:
        bench = Bench(args.build.resolve(), args.quick, Path(directory))
        for figure in FIGURES:
            if args.only in (None, figure.NAME):
                result["figures"][figure.NAME] = measure(figure, bench)
            if args.json:
                args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
