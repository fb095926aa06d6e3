"""A task for which the kernel had no storage when it began."""
import contextlib
import os
import shutil
import unittest

import ks
from bpf_maps import Map, maps_of, possible_cpus
from children import Child, nanosleep


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

            def unseen():
                with contextlib.suppress(FileNotFoundError):  # else it got some, as another was refused
                    self.take_memory_of(child.pid)
                return self.alerts(child.pid, "resolved")
            ks.wait_for(unseen, 20, "end, as it is not seen")
            self.count_a_refusal()
            ks.wait_for(lambda: len(self.alerts(child.pid, "firing")) > 1, 10, "second alert")
