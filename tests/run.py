#!/usr/bin/env python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

usage: run.py [--build DIR] [--unit DIR] [--no-unit] [NAME...]

C programs (cmocka, TAP) come from the --unit directory, Python tests from tests/*/test_*.py. With
names, only the programs and modules whose path below tests/ holds one of them are run.
"""
import argparse
import os
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parent
UNIT_TIMEOUT_S = 120


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, verdict, name, detail=""):
        setattr(self, verdict, getattr(self, verdict) + 1)
        if verdict == "failed":
            print(f"FAILED   {name}\n{detail.rstrip()}\n", flush=True)
        elif verdict == "skipped":
            print(f"skipped  {name}: {detail}", flush=True)


def run_unit(program, tally):
    """One cmocka program. Its end counts too: a crash after the last test is a failure."""
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], env=environment, capture_output=True,
                              timeout=UNIT_TIMEOUT_S, cwd=TESTS.parent, errors="replace")
    except subprocess.TimeoutExpired:
        tally.add("failed", program.name, f"no end after {UNIT_TIMEOUT_S} s")
        return
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


def run_python(path, tally):
    sys.path.insert(0, str(path.parent))
    try:
        suite = unittest.defaultTestLoader.loadTestsFromName(path.stem)
        suite.run(Result(tally))
    finally:
        sys.path.remove(str(path.parent))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=TESTS.parent / "build")
    parser.add_argument("--unit", type=Path)
    parser.add_argument("--no-unit", action="store_true", help="Python tests only")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    build = args.build.resolve()
    os.environ["KERNELSIGHT"] = str(build / "kernelsight")
    os.environ["KERNELSIGHT_BUILD"] = str(build)
    sys.path.insert(0, str(TESTS / "lib"))

    wanted = lambda path: not args.names or any(
        name in str(path.relative_to(TESTS)) for name in args.names)
    programs = args.unit or build / "san" / "tests"
    units = [programs / p.stem for p in sorted(TESTS.glob("unit/test_*.c")) if wanted(p) and not args.no_unit]
    modules = sorted(p for p in TESTS.glob("*/test_*.py") if wanted(p))
    tally = Tally()
    for path in units + modules:
        started = time.monotonic()
        run_unit(path, tally) if path in units else run_python(path, tally)
        print(f"{time.monotonic() - started:6.1f} s  {path.stem}", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
