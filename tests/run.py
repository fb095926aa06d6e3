#!/usr/bin/env python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

usage: run.py [--build DIR] [--unit DIR] [--no-unit] [--jobs N] [NAME...]

C programs (cmocka, TAP) come from the --unit directory, Python tests from tests/*/test_*.py. With
names, only the programs and modules whose path below tests/ holds one of them are run.

Most tests wait more than they work, so several modules run at a time, each in a process of its own.
A module with a line `RUNS_ALONE = True` needs the machine for itself and comes at the end.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

TESTS = Path(__file__).resolve().parent
UNIT_TIMEOUT_S = 300
MODULE_TIMEOUT_S = 1200 * float(os.environ.get("KERNELSIGHT_PATIENCE", "1"))  # see tests/lib/ks.py


class Tally:
    """Verdicts, and what is to be said of those that did not pass."""

    def __init__(self, counts=(0, 0, 0), lines=()):
        self.passed, self.failed, self.skipped = counts
        self.lines = list(lines)

    def add(self, verdict, name, detail=""):
        setattr(self, verdict, getattr(self, verdict) + 1)
        if verdict == "failed":
            self.lines.append(f"FAILED   {name}\n{detail.rstrip()}\n")
        elif verdict == "skipped":
            self.lines.append(f"skipped  {name}: {detail}")

    @property
    def counts(self):
        return self.passed, self.failed, self.skipped

    def take(self, other):
        self.passed, self.failed, self.skipped = map(sum, zip(self.counts, other.counts))


def run_unit(program):
    """One cmocka program. Its end counts too: a crash after the last test is a failure."""
    tally = Tally()
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], env=environment, capture_output=True,
                              timeout=UNIT_TIMEOUT_S, cwd=TESTS.parent, errors="replace")
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace")
        tally.add("failed", program.name, f"no end after {UNIT_TIMEOUT_S} s\n{said}")
        return tally
    output = done.stdout + done.stderr
    seen = failed = 0
    # a skipped test is "not ok 3 # SKIP name" in cmocka's TAP
    for verdict, skip, name in re.findall(r"^(ok|not ok) \d+ (# SKIP|-) (.*)$", output, re.M):
        seen += 1
        if skip != "-":
            tally.add("skipped", f"{program.name}: {name}", "said by the test")
        elif verdict == "ok":
            tally.add("passed", f"{program.name}: {name}")
        else:
            failed += 1
            tally.add("failed", f"{program.name}: {name}", output)
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)$", output, re.M))
    if done.returncode != failed or seen != planned or not planned:
        tally.add("failed", program.name,
                  f"{seen} of {planned} tests, exit code {done.returncode}\n{output}")
    return tally


class Result(unittest.TestResult):
    def __init__(self, tally):
        super().__init__()
        self.tally = tally

    def addSuccess(self, test):
        self.tally.add("passed", test.id())

    def addFailure(self, test, err):
        self.tally.add("failed", test.id(), self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self.tally.add("skipped", test.id(), reason)

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(subtest, err)


def run_here(path):
    """In a process of its own: the tests of one module; the verdicts go to standard output."""
    sys.path[:0] = [str(path.parent), str(TESTS / "lib")]
    tally = Tally()
    unittest.defaultTestLoader.loadTestsFromName(path.stem).run(Result(tally))
    print("\n" + json.dumps([tally.counts, tally.lines]))


def run_module(path):
    try:
        done = subprocess.run([sys.executable, __file__, "--here", path], capture_output=True,
                              timeout=MODULE_TIMEOUT_S, errors="replace")
        return Tally(*json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        detail = f"no end after {MODULE_TIMEOUT_S:.0f} s"
    except (IndexError, ValueError):
        detail = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    tally = Tally()
    tally.add("failed", path.stem, detail)
    return tally


def timed(work, path):
    began = time.monotonic()
    return path, work(path), time.monotonic() - began


def runs_alone(path):
    return re.search(r"^RUNS_ALONE = True", path.read_text(), re.M) is not None


def run_all(units, modules, jobs):
    """Yields (path, tally, seconds) as they end."""
    together = [p for p in modules if not runs_alone(p)]
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(timed, run_unit, p) for p in units]
        waiting += [pool.submit(timed, run_module, p) for p in together]
        for future in as_completed(waiting):
            yield future.result()
    for path in modules:
        if path not in together:
            yield timed(run_module, path)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=TESTS.parent / "build")
    parser.add_argument("--unit", type=Path)
    parser.add_argument("--no-unit", action="store_true", help="Python tests only")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1),
                        help="modules at a time")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.here:
        run_here(args.here)
        return 0
    build = args.build.resolve()
    os.environ["KERNELSIGHT"] = str(build / "kernelsight")
    os.environ["KERNELSIGHT_BUILD"] = str(build)

    def wanted(path):
        return not args.names or any(n in str(path.relative_to(TESTS)) for n in args.names)

    programs = args.unit or build / "san" / "tests"
    units = [programs / p.stem for p in sorted(TESTS.glob("unit/test_*.c"))
             if wanted(p) and not args.no_unit]
    modules = sorted(p for p in TESTS.glob("*/test_*.py") if wanted(p))
    total = Tally()
    for path, tally, seconds in run_all(units, modules, args.jobs):
        for line in tally.lines:
            print(line)
        print(f"{seconds:6.1f} s  {path.stem}", flush=True)
        total.take(tally)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
