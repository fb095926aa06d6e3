"""What `kernelsight events page_fault major_fault` says, against getrusage and against what was
touched."""
import mmap
import os
import resource
import subprocess
import tempfile
import threading
import time
import unittest

import ks
from bpf_links import links_of
from children import Child

PAGE = mmap.PAGESIZE
MINOR, MAJOR = 1009, 199


def touch(memory, pages):
    for i in range(pages):
        memory[i * PAGE] = 1


def fresh_memory(pages):
    memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory


class ColdFile:
    """A file that is not in memory, on the file system of the tests' own directory."""

    def __enter__(self):
        self._file = tempfile.NamedTemporaryFile(dir=ks.TOOLS, prefix="cold-")
        self._file.write(os.urandom(MAJOR * PAGE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.drop()
        return self

    def __exit__(self, *_):
        self._file.close()

    def drop(self):
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def read_by_faults(self):
        """Each page by a fault of its own: the first and the last address."""
        memory = mmap.mmap(self._file.fileno(), 0, flags=mmap.MAP_PRIVATE,
                           prot=mmap.PROT_READ | mmap.PROT_WRITE)
        memory.madvise(mmap.MADV_RANDOM)
        for i in range(MAJOR):
            memory[i * PAGE]


def usage_of(usage):
    return usage.ru_minflt, usage.ru_majflt


@ks.needs_kernel
class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("page_fault", "major_fault", "--stats").__enter__()
        # the first sample is not whole
        ks.wait_for(lambda: len({e["time_bucket"] for e in cls.ks.events() if "time_bucket" in e}) > 1,
                    10, "two samples")

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def found(self, *pids):
        """Of children and theirs. (A pid may have been that of another process before.)"""
        return [e for e in self.ks.events() if e["pid"] in pids and "minor_faults" in e
                and e["ppid"] in (os.getpid(), *pids)]

    def sums(self, *pids):
        events = self.found(*pids)
        return tuple(sum(e[f] for e in events) for f in ("minor_faults", "major_faults"))

    def assert_exact(self, child):
        """Nothing is counted twice, and nothing is missing."""
        wanted = usage_of(child.wait())
        ks.wait_for(lambda: self.sums(child.pid) == wanted, 5, f"{wanted} faults of {child.pid}, "
                    f"only {self.sums(child.pid)}")
        time.sleep(0.1)
        self.assertEqual(self.sums(child.pid), wanted)

    def test_minor_faults_are_those_of_the_kernel(self):
        with Child(lambda: touch(fresh_memory(MINOR), MINOR)) as child:
            self.assert_exact(child)
        self.assertGreaterEqual(self.sums(child.pid)[0], MINOR)
        self.assertLess(self.sums(child.pid)[0], 2 * MINOR)

    def test_threads_are_added_up(self):
        def work():
            threads = [threading.Thread(target=touch, args=(fresh_memory(MINOR), MINOR))
                       for _ in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with Child(work) as child:
            self.assert_exact(child)
        self.assertGreaterEqual(self.sums(child.pid)[0], 5 * MINOR)

    def test_major_faults_are_counted_and_reported_one_by_one(self):
        with ColdFile() as file, Child(file.read_by_faults) as child:
            self.assert_exact(child)
        minor, major = self.sums(child.pid)
        self.assertGreaterEqual(major, MAJOR)
        self.assertLess(major, MAJOR + 50)
        points = [e for e in self.ks.events() if e["pid"] == child.pid and "address" in e]
        # what the kernel itself touches on behalf of the process is no event
        self.assertLessEqual(len(points), major)
        pages = sorted({e["address"] // PAGE for e in points})
        longest = run = 1
        for before, after in zip(pages, pages[1:]):
            run = run + 1 if after == before + 1 else 1
            longest = max(longest, run)
        self.assertGreaterEqual(longest, MAJOR)
        self.assertEqual({(e["tid"], e["ppid"], e["comm"]) for e in points},
                         {(child.pid, os.getpid(), points[0]["comm"])})

    def test_faults_in_the_kernel_are_told_apart(self):
        if os.uname().machine != "x86_64":
            self.skipTest("only x86 tells")
        pages = 499

        def work():
            memory = fresh_memory(pages)
            with open("/dev/zero", "rb", buffering=0) as zero:
                for i in range(pages):
                    zero.readinto(memoryview(memory)[i * PAGE:i * PAGE + 8])
        with Child(work) as child:
            self.assert_exact(child)
        kernel = sum(e["kernel_faults"] for e in self.found(child.pid))
        self.assertGreaterEqual(kernel, pages)
        self.assertLess(kernel, pages + 200)

    def test_time_is_told_or_the_reason_why_not(self):
        with Child(lambda: touch(fresh_memory(MINOR), MINOR)) as child:
            self.assert_exact(child)
        said = [line for line in self.ks.err.texts() if "watching page_fault" in line][0]
        times = [e["fault_ms"] for e in self.found(child.pid)]
        if "no time of page faults" in said:
            self.assertEqual(set(times), {None})
        elif "delay accounting" not in said:
            self.assertGreater(sum(times), 0.1)

    def test_a_storm_of_processes_is_counted_to_the_last_fault(self):
        # while the reader stands still the ring may fill up
        ks.once_in(3, self.storm_of_processes_is_counted)

    def storm_of_processes_is_counted(self):
        storm = subprocess.Popen([ks.TOOLS / "storm", "processes", "1009"])
        _, _, usage = os.wait4(storm.pid, 0)
        storm.returncode = 0
        wanted = usage_of(usage)

        def sums():
            pids = {e["pid"] for e in self.ks.events() if storm.pid in (e["pid"], e["ppid"])}
            return self.sums(*pids)
        ks.wait_for(lambda: sums() == wanted, 10, f"{wanted} faults, only {sums()}")


@ks.needs_kernel
class Attached(unittest.TestCase):
    def test_nothing_is_on_the_path_of_a_fault_but_for_rules_that_need_it(self):
        rule = {"name": "r", "on": "page_fault", "by": ["pid"],
                "when": {"value": "major_faults", "above": 1e12}}
        with ks.RunningDaemon({"rules": [rule]}) as daemon:
            said = "\n".join(daemon.err.texts())
        for hook in ("perf_event", "page_fault_user", "handle_mm_fault"):
            self.assertNotIn(hook, said)
        with ks.RunningDaemon({"rules": [dict(rule, on="major_fault",
                                              when={"value": "count()", "window": "10s",
                                                    "above": 1e12})]}) as daemon:
            said = "\n".join(daemon.err.texts())
        self.assertIn("perf_event", said)
        self.assertNotIn("iter/task", said)

    def test_what_is_attached_stays_while_no_file_can_be_opened(self):
        with ks.RunningEvents("major_fault") as stream:
            pid = stream.process.pid
            before = sorted(links_of(pid))
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, limits[1]))
            try:
                time.sleep(2.1)  # two looks at which CPUs are online
                self.assertEqual(sorted(links_of(pid)), before)
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.assertGreaterEqual(len(before), os.cpu_count())


if __name__ == "__main__":
    unittest.main()
