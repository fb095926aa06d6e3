# SPDX-License-Identifier: BSD-2-Clause
"""What each of some tracers adds to a small piece of work that a load does over and over.

The load (tests/tools/load.h) never stops: tracers come and go while it is at work, in slices of some
50 ms, round by round, each in each round once, and one slice without any. So what drifts in the machine
is in all alike. A slice counts with the lowest decile of its quarters of a millisecond, which is what the
work costs while nothing else disturbs. The difference to the slice without a tracer, the median over the
rounds, is what one repetition tells. Then the load and all tracers are started anew, since where their
memory happens to be is worth some nanoseconds too: the repetitions say how sure a figure is.

Tracers take a second to start. Hence the programs that one has attached are taken from it by
tests/tools/toggle_bpf, which attaches and detaches them in a fraction of a millisecond, and it is ended:
what is measured is what the programs cost the traced. What the tracer itself takes is measured before
that and told apart. A tracer of which not everything can be taken, as it uses no BPF, is started and
ended around one slice in each repetition.
"""
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import time
from contextlib import ExitStack

from evaluation import compare, low_decile, median, piece_costs
from harness import (PR_SET_PDEATHSIG, Attached, Missing, Program, alone, cpu_time_ns, fdinfo,
                     kernelsight, libc, other_tracers)

SAMPLE = struct.Struct("QQQ")  # struct load_sample
SETTLE_S = 0.005
REPETITIONS = 6  # the fewest whose range is a 95 % interval; of the 3 of a quick run it is a 75 % one
OWN_S = 2.1  # kernelsight has something to do once a second
UNTAKEN_SLICE_S = 0.4
NOT_IN_QUICK = ("bpftrace", "perf sched", "perf trace")  # take the longest to start


def tool(name, *args):
    """A tracer of this machine."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise Missing(f"{name} is not installed")
    return Program([path, *args], Attached(), signal.SIGINT)


def floor(bench, name):
    """Programs that do nothing, on the same hooks: NAME.bpf.c."""
    return Program([bench.tool("attach_bpf"), bench.build / f"tests/bench/{name}.bpf.o"], Attached())


def ours(bench, *rules):
    """`kernelsight run` with rule files."""
    more = [word for path in rules for word in ("-r", path)]
    return kernelsight(bench, "run", "--cpu-budget", "off", "--socket",
                       bench.directory / "comparison.sock", *more)


def end_with_bench():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Load:
    """A load that runs until the `with` ends; `per_piece` of what is counted are in one of its pieces."""

    def __init__(self, argv, per_piece):
        self._argv = [str(a) for a in argv]
        self._per_piece = per_piece

    def __enter__(self):
        self._samples = os.memfd_create("samples")
        fcntl.fcntl(self._samples, fcntl.F_SETFL, os.O_APPEND)  # as it is emptied time and again
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=self._samples,
                                         preexec_fn=end_with_bench)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._samples)

    def _between(self, began_ns, ended_ns):
        size = os.fstat(self._samples).st_size // SAMPLE.size * SAMPLE.size
        data = os.pread(self._samples, size, 0)
        return [s for s in SAMPLE.iter_unpack(data) if began_ns <= s[0] <= ended_ns]

    def slice(self, seconds):
        """Lets it work for so long: ns for one of what is counted."""
        os.ftruncate(self._samples, 0)
        time.sleep(SETTLE_S)
        began_ns, samples = time.monotonic_ns(), []
        while len(samples) < 3:  # fewer if it is kept from its CPU, or traced at great cost
            if self._process.poll() is not None:
                raise Missing(f"{self._argv[0]} ended")
            time.sleep(seconds)
            samples = self._between(began_ns, time.monotonic_ns())
        return low_decile(piece_costs(samples)) / self._per_piece


class Taken:
    """The programs of a tracer that runs, to attach and detach. Of use once that has ended."""

    def __init__(self, bench, pid):
        links = [info for _, info in fdinfo(pid) if info.get("link_type") not in (None, "iter")]
        self._process = subprocess.Popen([bench.tool("toggle_bpf"), str(pid)], bufsize=0,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         preexec_fn=end_with_bench)
        self.programs = int(self._process.stdout.readline() or 0)
        self.whole = self.programs > 0 and self.programs >= len(links)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _tell(self, what):
        self._process.stdin.write(what)
        if not self._process.stdout.readline():
            raise Missing("programs that were taken cannot be attached")

    def __enter__(self):
        self._tell(b"a")

    def __exit__(self, *_):
        self._tell(b"d")


class Comparison:
    """All measurements of one load with and without each of the tracers.

    `tracers` has a function for each name that gives the Program.
    """

    def __init__(self, bench, load, per_piece, tracers):
        self._bench = bench
        self._load = lambda: Load(load, per_piece)
        self._tracers = {name: start for name, start in tracers.items()
                         if not bench.quick or name not in NOT_IN_QUICK}
        self._rounds = bench.scaled(30, 8)
        self._slice_s = bench.scaled(0.05, 0.025)
        self._random = random.Random(1)
        self.repetitions = []
        self.missing = {}
        self.own_share = {}  # CPU time of the tracer itself, of one core, while the load is at work
        self.disturbed = 0

    def _own_share(self, program):
        began, own_ns = time.monotonic(), cpu_time_ns(program.pid)
        time.sleep(self._bench.scaled(OWN_S, 1.1))
        return (cpu_time_ns(program.pid) - own_ns) / (time.monotonic() - began) / 1e9

    def _start(self, name, load, taken):
        """Takes the programs of a tracer, or else measures it: gives its row then."""
        with self._tracers[name]() as program:
            if name not in self.own_share:
                self.own_share[name] = self._own_share(program)
            its = Taken(self._bench, program.pid)
            if its.whole:
                taken[name] = its
                program.stop_signal = signal.SIGKILL  # it is to leave its maps as they are
                return None
            its.close()
            ns = load.slice(UNTAKEN_SLICE_S)
        alone(wait_s=2)
        return {"ns": ns, "bare_ns": load.slice(UNTAKEN_SLICE_S)}

    def _start_all(self, load, taken):
        rows = {}
        for name in list(self._tracers):
            try:
                try:
                    rows[name] = self._start(name, load, taken)
                except AssertionError:  # took too long: a second time, before the figure goes without it
                    rows[name] = self._start(name, load, taken)
            except (Missing, AssertionError) as error:
                self.missing[name] = str(error).splitlines()[0]
                del self._tracers[name]
        return rows

    def _round(self, load, taken):
        """ns by tracer; None stands for none."""
        order = [None, *taken]
        self._random.shuffle(order)
        ns = {}
        for name in order:
            if name is None:
                ns[name] = load.slice(self._slice_s)
            else:
                with taken[name]:
                    ns[name] = load.slice(self._slice_s)
        return ns

    def _repeat(self):
        with ExitStack() as held, self._load() as load:
            taken = {}
            held.callback(lambda: [its.close() for its in taken.values()])
            rows = self._start_all(load, taken)
            rounds = [self._round(load, taken) for _ in range(self._rounds)]
            if other_tracers():
                self.disturbed += 1
        bare_ns = median([r[None] for r in rounds])
        for name in taken:
            rows[name] = {"bare_ns": bare_ns,
                          "ns": bare_ns + median([r[name] - r[None] for r in rounds])}
        self.repetitions.append(rows)

    def run(self, floor, peer):
        for _ in range(self._bench.scaled(REPETITIONS, 3)):
            self._repeat()
        kept = [{name: r[name] for name in self._tracers} for r in self.repetitions]
        return {**compare(kept, floor, peer), "missing": self.missing, "own_share": self.own_share,
                "disturbed": self.disturbed, "floor": floor, "peer": peer}


def told(result, name, value):
    """An estimate out of what Comparison.run() gave; None where there is none of that tracer."""
    return result["tracers"].get(name, {}).get(value)


def cell(estimate):
    return f"{estimate['value']:12.2f}" if estimate else f"{'not told':>12}"


def table(result, what):
    """The lines in which a figure shows what Comparison.run() gave."""
    yield f"{'':34}{'ns a ' + what:>14}{'added ns':>10}{'(interval)':>16}{'of floor':>12}" \
          f"{'of ' + result['peer']:>19}{'own CPU':>10}"
    yield f"{'no tracer':34}{result['bare_ns']:14.0f}"
    for name, t in result["tracers"].items():
        added = t["added_ns"]
        interval = f"{added['from']:.0f}..{added['to']:.0f}"
        yield f"{name:34}{t['ns']:14.0f}{added['value']:10.0f}{interval:>16}{cell(t['of_floor'])}" \
              f"{cell(t['of_peer']):>19}{result['own_share'][name]:10.2%}"
    for name, reason in result["missing"].items():
        yield f"{name:34}missing: {reason}"
    yield f"{result['repetitions']} repetitions; intervals have {result['confidence']:.0%} confidence"
    if result["disturbed"]:
        yield f"in {result['disturbed']} of them something else traced this kernel too"
