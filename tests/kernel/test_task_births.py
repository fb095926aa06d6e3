"""State that is kept for a task, when the birth of the task and a walk over all tasks meet."""
import os
import subprocess
import unittest

import ks

RUNS_ALONE = True  # where others fork on the CPU of the walk, the kernel does refuse storage now and then


@ks.needs_kernel
@unittest.skipUnless({0, 1} <= os.sched_getaffinity(0), "two meet on two CPUs only")
class Meeting(unittest.TestCase):
    def check(self, stem, walk):
        path = ks.PROGRAM.parent / f"{stem}.bpf.o"
        done = subprocess.run([ks.TOOLS / "walk_and_fork", path, walk, "on_new_task", "2"],
                              capture_output=True, text=True, check=True)
        walks, refused = map(int, done.stdout.split())
        self.assertGreater(walks, 100)
        self.assertLess(refused, 2 + walks / 400)

    def test_what_the_other_has_made_is_not_said_to_be_lost(self):
        self.check("sched_tracer", "on_walk_waits")
        self.check("syscall_tracer", "on_walk_threads")
