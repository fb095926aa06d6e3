#!/usr/bin/env python3
"""Does kernelsight's memory stay flat while processes come and go for minutes?

usage: fork_storm.py [--build DIR] [--seconds N]

Runs it with the shipped rules and rules on every other source under a storm of forks, threads and
programs on all CPUs, and looks each five seconds at its resident memory and at what the kernel charges
for its maps. Fails if either has grown by more than GROWTH_MB since the first minute (the first tenth, of
a short run), or if events were lost.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
from busy import write_rules  # noqa: E402
from harness import RULES, Bench, Program, in_kernel, memory_mb  # noqa: E402

EVERY_S = 5
GROWTH_MB = 1.0


def storms(bench):
    """One of each kind for every CPU; each starts anew when it has ended."""
    storm = bench.tool("storm")
    commands = [f"while :; do {storm} processes 5000; done", f"while :; do {storm} threads 5000; done",
                "while :; do /bin/true; done"]
    return [subprocess.Popen(["setsid", "sh", "-c", command], stdout=subprocess.DEVNULL)
            for command in commands for _ in range(os.cpu_count())]


def forks():
    """Processes and threads that this machine has started so far."""
    return int(re.search(r"^processes (\d+)", Path("/proc/stat").read_text(), re.M).group(1))


def sample(pid):
    return {"rss_mb": memory_mb(pid)["rss_mb"], "map_mb": in_kernel(pid)["map_mb"]}


def watch(bench, seconds):
    samples = []
    argv = [bench.kernelsight, "run", "--cpu-budget", "off", "-r", RULES, "-r", write_rules(bench)]
    with Program(argv, lambda p: "watching" in p.said()) as program:
        running = storms(bench)
        began, started = time.monotonic(), forks()
        try:
            while time.monotonic() - began < seconds:
                time.sleep(EVERY_S)
                samples.append(sample(program.pid))
                now = samples[-1]
                print(f"{time.monotonic() - began:6.0f} s  {forks() - started:10d} tasks  "
                      f"resident {now['rss_mb']:6.1f} MB  maps {now['map_mb']:6.2f} MB", flush=True)
        finally:
            for child in running:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        said = program.stop()
    return samples, int(re.search(r"(\d+) events lost", said).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--seconds", type=int, default=600)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kernelsight-soak-") as directory:
        bench = Bench(args.build.resolve(), False, Path(directory))
        samples, lost = watch(bench, args.seconds)
    settled = samples[min(len(samples) // 10, 60 // EVERY_S):]
    grown = {name: max(s[name] for s in settled) - settled[0][name] for name in settled[0]}
    print(f"grown since it had settled: resident {grown['rss_mb']:.2f} MB, maps {grown['map_mb']:.2f} MB; "
          f"{lost} events lost")
    return 1 if max(grown.values()) > GROWTH_MB or lost else 0


if __name__ == "__main__":
    sys.exit(main())
