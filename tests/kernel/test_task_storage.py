"""State that is kept for a task: when its birth and a walk over all tasks meet, and when it got none."""
import os
import shutil
import subprocess
import unittest

import ks
from bpf_maps import Map, maps_of, possible_cpus
from children import Child, nanosleep

RUNS_ALONE = True  # where others fork on the CPU of the walk, the kernel does refuse storage now and then


@ks.needs_kernel
@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two meet on two CPUs only")
class Meeting(unittest.TestCase):
    def check(self, stem, walk):
        path = ks.PROGRAM.parent / f"{stem}.bpf.o"
        done = subprocess.run([ks.TOOLS / "walk_and_fork", path, walk, "on_new_task", "3"],
                              capture_output=True, text=True, check=True)
        walks, refused = map(int, done.stdout.split())
        self.assertGreater(walks, 500)
        self.assertLess(refused, 2 + walks / 400)

    def test_what_the_other_has_made_is_not_said_to_be_lost(self):
        self.check("sched_tracer", "on_walk_waits")
        self.check("syscall_tracer", "on_walk_threads")


def doze():
    while True:
        nanosleep(0.05)


@ks.needs_kernel
@unittest.skipUnless(shutil.which("bpftool"), "bpftool is not installed")
class Missing(unittest.TestCase):
    """A thread that got no memory for its waits when it began is seen once there is some."""

    RULES = {"rules": [{"name": "blocked", "on": "syscall", "by": ["pid"], "keep": "1s",
                        "when": {"value": "blocked_ms", "above": "20ms"}}]}
    NO_STORAGE = 4  # the word of struct source_counters (bpf/source.h)

    def setUp(self):
        self.daemon = ks.RunningDaemon(self.RULES).__enter__()
        self.addCleanup(self.daemon.stop)

    def alerts(self, pid, state):
        return [a for _, a in self.daemon.alerts("blocked", state) if a["key"]["pid"] == pid]

    def take_memory_of(self, pid):
        (waits,) = maps_of(self.daemon.process.pid, "waits")
        task = os.pidfd_open(pid)
        try:
            with Map(waits["id"]) as storage:
                storage.delete(task)
        finally:
            os.close(task)

    def count_a_refusal(self):
        for info in maps_of(self.daemon.process.pid, "counters"):
            with Map(info["id"]) as counters:
                counters.count(0, info["bytes_value"] // 8 * possible_cpus(), self.NO_STORAGE)

    def test_it_is_given_some_later(self):
        with Child(doze) as child:
            ks.wait_for(lambda: self.alerts(child.pid, "firing"), 10, "alert")
            self.take_memory_of(child.pid)
            ks.wait_for(lambda: self.alerts(child.pid, "resolved"), 10, "end, as it is not seen")
            self.count_a_refusal()
            ks.wait_for(lambda: len(self.alerts(child.pid, "firing")) > 1, 10, "second alert")
