"""What `kernelsight events sched` adds up, against what the kernel itself says at the end of a
process (getrusage) and against the clock."""
import contextlib
import ctypes
import mmap
import os
import resource
import signal
import subprocess
import threading
import time
import unittest

import ks
from children import Child, accounted, nanosleep, set_comm, wait_until_blocked
from faults import SlowDisk

DESIGN_KEYS = ["time_bucket", "pid", "comm", "context_switches", "voluntary_switches",
               "involuntary_switches", "wakeups", "cpu_time_ms", "avg_timeslice_us"]

# A process's usage is read while it leaves its CPU for the last time.
LAST_SWITCHES = 3
LAST_MS = 2 * ks.PATIENCE


def spin(seconds):
    """Uses so much CPU time, however long it takes."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def sleep_often(n):
    for _ in range(n):
        nanosleep(0.001)


def is_child(event, pid):
    return (event["pid"], event["ppid"]) == (pid, os.getpid())


@ks.needs_kernel
class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("sched", "--stats").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def of(self, pid, stream=None):
        """All events of a child that has ended. (Its pid may have been that of another process before.)"""
        def found():
            return [e for e in (stream or self.ks).events() if is_child(e, pid)]
        ks.wait_for(lambda: any(e["exited"] for e in found()), 20, f"end of process {pid}")
        return found()

    def sum(self, events, field):
        return sum(e[field] for e in events)

    def assert_like(self, events, usage, threads=0):
        """The events add up to what the kernel says the whole process used. It leaves out that each
        thread left its CPU in the end."""
        for field, used in (("voluntary_switches", usage.ru_nvcsw),
                            ("involuntary_switches", usage.ru_nivcsw)):
            self.assertGreaterEqual(self.sum(events, field), used - LAST_SWITCHES, field)
            self.assertLessEqual(self.sum(events, field), used + threads + LAST_SWITCHES, field)
        self.assertAlmostEqual(self.sum(events, "cpu_time_ms"),
                               (usage.ru_utime + usage.ru_stime) * 1e3, delta=LAST_MS)

    def test_an_event_has_the_keys_of_the_design_in_their_order(self):
        event = ks.wait_for(self.ks.events, 5, "events")[0]
        self.assertEqual(list(event)[:len(DESIGN_KEYS)], DESIGN_KEYS)

    def test_the_numbers_of_each_event_fit_together(self):
        ks.wait_for(lambda: len({e["time_bucket"] for e in self.ks.events()}) >= 3, 5, "3 seconds")
        for late_ms, event in self.ks.timed_events():
            switches = event["voluntary_switches"] + event["involuntary_switches"]
            self.assertEqual(event["context_switches"], switches)
            self.assertAlmostEqual(event["avg_timeslice_us"],
                                   event["cpu_time_ms"] * 1e3 / max(switches, 1), delta=0.01)
            began_ns = event["timestamp"] - round(event["interval_ms"] * 1e6)
            self.assertEqual(event["time_bucket"], began_ns // 10**9)
            if event["interval_ms"] > 900:
                # as long as it lasted on every CPU, until it was read, and a tick late
                self.assertLess(event["cpu_time_ms"], (event["interval_ms"] + late_ms) * os.cpu_count() + 20)

    def test_switches_are_those_of_a_ping_pong(self):
        trips = 2003
        there, back = os.pipe(), os.pipe()

        def ping():
            for _ in range(trips):
                os.write(there[1], b"x")
                os.read(back[0], 1)

        def pong():
            for _ in range(trips):
                os.read(there[0], 1)
                os.write(back[1], b"x")
        with Child(ping) as one, Child(pong) as other:
            usages = {child.pid: child.wait() for child in (one, other)}
        for descriptor in there + back:
            os.close(descriptor)
        for pid, usage in usages.items():
            events = self.of(pid)
            self.assert_like(events, usage)
            self.assertAlmostEqual(self.sum(events, "wakeups"), usage.ru_nvcsw, delta=LAST_SWITCHES)
        self.assertGreater(sum(u.ru_nvcsw for u in usages.values()), trips // 2)

    def test_a_spinning_process_is_reported_every_second(self):
        def work():
            spin(3.2)
        began_ms = time.time() * 1e3
        with Child(work) as child:
            usage = child.wait()
        events = self.of(child.pid)
        self.assert_like(events, usage)
        for event in events[1:-1]:
            self.assertGreater(event["cpu_time_ms"], 20)  # others may want the CPU too
        so_far_ms = 0
        for late_ms, event in self.ks.timed_events():
            if is_child(event, child.pid):
                so_far_ms += event["cpu_time_ms"]
                self.assertLess(so_far_ms, event["timestamp"] / 1e6 + late_ms - began_ms + 1)
        buckets = [e["time_bucket"] for e in events]
        self.assertEqual(buckets, list(range(buckets[0], buckets[0] + len(events))))

    def test_a_process_of_20_ms_is_reported_with_all_it_did(self):
        sleeps = 7

        def work():
            set_comm(b"short-lived")
            spin(0.01)
            sleep_often(sleeps)

        def attempt():
            """It may take longer than until the end of its second, if others have the CPU."""
            time.sleep(1.3 - time.time() % 1)
            second = int(time.time())
            with Child(work) as child:
                usage = child.wait()
            events = self.of(child.pid)
            self.assert_like(events, usage)
            self.assertGreaterEqual(self.sum(events, "voluntary_switches"), sleeps)
            self.assertEqual([(e["time_bucket"], e["exited"], e["comm"]) for e in events],
                             [(second, 1, "short-lived")])
            self.assertEqual((events[0]["ppid"], events[0]["kernel_thread"]), (os.getpid(), 0))
        ks.once_in(5, attempt)

    def test_threads_are_added_up_in_one_event_a_second(self):
        def work():
            set_comm(b"many-threads")

            def in_thread():
                set_comm(b"one of them")
                sleep_often(401)
            threads = [threading.Thread(target=in_thread) for _ in range(5)]
            for thread in threads:
                thread.start()
            tids = [thread.native_id for thread in threads]
            for thread in threads:
                thread.join()
            return tids
        with Child(work) as child:
            usage = child.wait()
            tids = child.result()
        events = self.of(child.pid)
        self.assert_like(events, usage, threads=5)
        self.assertGreaterEqual(self.sum(events, "voluntary_switches"), 5 * 401)
        buckets = [e["time_bucket"] for e in events]
        self.assertEqual(len(buckets), len(set(buckets)))
        # the first may be of the time before it had its name
        self.assertEqual({e["comm"] for e in events[1:] or events}, {"many-threads"})
        self.assertEqual([e for e in self.ks.events()
                          if e["pid"] in tids and e["ppid"] == os.getpid()], [])

    def test_what_a_process_did_before_is_not_charged(self):
        reader, writer = os.pipe()
        ready = os.pipe()

        def work():
            spin(0.3)
            sleep_often(307)
            before = resource.getrusage(resource.RUSAGE_SELF)
            os.write(ready[1], b"x")
            os.read(reader, 1)
            sleep_often(97)
            return before.ru_nvcsw, (before.ru_utime + before.ru_stime) * 1e3
        with Child(work) as child:
            os.read(ready[0], 1)
            with ks.RunningEvents("sched") as stream:
                time.sleep(0.2)
                os.write(writer, b"x")
                usage = child.wait()
                switches, cpu_ms = child.result()
                events = self.of(child.pid, stream)
        for descriptor in (reader, writer, *ready):
            os.close(descriptor)
        self.assertAlmostEqual(self.sum(events, "voluntary_switches"), usage.ru_nvcsw - switches,
                               delta=LAST_SWITCHES)
        self.assertLess(self.sum(events, "cpu_time_ms"),
                        (usage.ru_utime + usage.ru_stime) * 1e3 - cpu_ms + LAST_MS)

    def test_the_kernels_own_threads_are_marked(self):
        def found():
            return [e for e in self.ks.events() if e["kernel_thread"]]
        ks.wait_for(found, 5, "event of a kernel thread")
        for event in found():
            self.assertIn(event["ppid"], (0, 2), event)


def at_the_start_of_a_second():
    """Work of up to 0.7 s that follows falls into one sample."""
    time.sleep((1.1 - time.time() % 1) % 1)


def pin(cpu=None):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)) if cpu is None else cpu})


def stolen_ms():
    """What interrupts and the host have had of the CPUs so far."""
    cpu = open("/proc/stat").readline().split()[1:]
    return sum(map(int, (cpu[5], cpu[6], cpu[7]))) * 1e3 / os.sysconf("SC_CLK_TCK")


def schedstat():
    """What the kernel says of this thread, since it began: ns ready and waiting, times put on a CPU."""
    _, delay, arrivals = open("/proc/thread-self/schedstat").read().split()
    return int(delay), int(arrivals)


def quantile_us(buckets, q):
    """Of a histogram as bpf/histogram.h has it."""
    rank = max(-(-sum(buckets) * q // 1), 1)
    for i, n in enumerate(buckets):
        rank -= n
        if rank <= 0:
            width = 2 ** (i // 4 + 10)
            return ((4 + i % 4) * width + width / 2) / 1e3


@ks.needs_kernel
class Waits(unittest.TestCase):
    """For a CPU, and off it."""

    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("sched", "--stats").__enter__()
        # the first sample is not whole
        ks.wait_for(lambda: len({e["time_bucket"] for e in cls.ks.events()}) > 1, 10, "two samples")

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    of = Samples.of

    @contextlib.contextmanager
    def hogs(self, n, cpu=None):
        with contextlib.ExitStack() as stack:
            def hog():
                pin(cpu)
                spin(60)
            yield [stack.enter_context(Child(hog)) for _ in range(n)]

    def test_waits_add_up_to_what_the_kernel_says(self):
        def work():
            pin()
            sleep_often(211)
            return schedstat(), time.monotonic()
        with self.hogs(1), Child(work) as child:
            (delay_ns, arrivals), last = child.result()
            ended_ms = (time.monotonic() - last) * 1e3  # which the kernel's sums are without
        events = self.of(child.pid)
        n = sum(e["runq_waits"] for e in events)
        self.assertGreaterEqual(arrivals, 150 / ks.PATIENCE)  # a slow machine wakes late
        self.assertGreaterEqual(n, arrivals)
        self.assertLess(n, arrivals + 60)  # its end is not in the kernel's
        ms = sum(e["runq_ms"] for e in events)
        self.assertGreaterEqual(ms, delay_ns / 1e6)
        self.assertLess(ms, delay_ns / 1e6 + ended_ms + 1)
        for event in events:
            if event["runq_waits"]:
                self.assertLessEqual(event["runq_p50_us"], event["runq_p99_us"])
                self.assertLessEqual(event["runq_p99_us"], event["runq_max_us"])
                # a wait that lasts over the turn of a second is in the sum of both
                self.assertLessEqual(event["runq_max_us"], max(ms * 1e3, 4.1))
                self.assertLessEqual(event["runq_p99_us"] * event["runq_waits"] / 101,
                                     ms * 1e3 * 1.13 + 4.1 * event["runq_waits"])

    def test_percentiles_of_one_wait_are_that_wait(self):
        def found():
            return [e for e in self.ks.events() if e["runq_waits"] == 1 and e["runq_ms"] > 0.005]
        with Child(lambda: sleep_often(997)), Child(lambda: [nanosleep(1) for _ in range(60)]):
            ks.wait_for(found, 30, "event with one wait")
        for event in found():
            self.assertEqual(event["runq_p50_us"], event["runq_max_us"])
            self.assertEqual(event["runq_p99_us"], event["runq_max_us"])

    def test_without_a_wait_there_is_no_percentile(self):
        def found():
            return [e for e in self.ks.events() if e["runq_waits"] == 0]
        with self.hogs(1):
            ks.wait_for(found, 30, "event without a wait")
        for event in found():
            self.assertIsNone(event["runq_p50_us"])
            self.assertIsNone(event["runq_max_us"])

    def waits_by_both_ways(self, workers=5):
        """(our event, the other way's longest wait and buckets) of processes that compete for a CPU
        for half a second; by the way for kernels that make no stamps, at the same time."""
        def work():
            pin()
            while time.monotonic() < ends:
                nanosleep(0.0003)
            signal.pause()
        tracer = ks.TOOLS.parent.parent / "sched_tracer.bpf.o"
        other = subprocess.Popen([ks.TOOLS / "wakeup_waits", tracer], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        with other, self.hogs(1), contextlib.ExitStack() as stack:
            self.assertEqual(other.stdout.readline(), "ready\n")
            at_the_start_of_a_second()
            ends = time.monotonic() + 0.5
            pids = [stack.enter_context(Child(work)).pid for _ in range(workers)]
            time.sleep(0.7)
            lines, _ = other.communicate("\n")
            time.sleep(0.7)
            events = [e for e in self.ks.events() if e["pid"] in pids and e["ppid"] == os.getpid() and e["runq_waits"]]
        seen = {}
        for line in lines.splitlines():
            pid, longest, *buckets = map(int, line.split())
            seen[pid] = longest / 1e3, buckets
        return [(e, *seen[e["pid"]]) for e in events]

    def test_they_agree_with_wake_ups_and_a_clock(self):
        def attempt():
            """A machine that stops between the one clock and the other makes one wait of two lengths."""
            for _ in range(5):
                waits = self.waits_by_both_ways()
                if len(waits) == 5:  # each in one sample, or the machine is too busy
                    break
            else:
                self.skipTest("the machine is too busy")
            for event, longest_us, buckets in waits:
                self.assertAlmostEqual(event["runq_waits"], sum(buckets),
                                       delta=event["runq_waits"] / 20 + 5)
                self.assertGreater(event["runq_max_us"], longest_us * 0.9 - 50)
                self.assertLessEqual(event["runq_max_us"], event["runq_ms"] * 1e3)
                for field, q in (("runq_p50_us", .5), ("runq_p99_us", .99)):
                    expected = quantile_us(buckets, q)
                    self.assertAlmostEqual(event[field], expected, delta=expected * .3 + 50 * ks.PATIENCE)
        ks.once_in(5, attempt)

    def test_waits_that_end_while_the_threads_are_read_come_with_their_count(self):
        """To read 5,003 threads takes some milliseconds, at the turn of each second, and that is when the
        workers wake. No wait is longer than the longest of its sample."""
        workers, wakes = 53, 3
        reader, writer = os.pipe()
        naps = (ctypes.c_uint32 * workers).from_buffer(mmap.mmap(-1, 4 * workers))

        def work(i):
            pin()
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # who wakes waits
            first = int.from_bytes(os.read(reader, 8), "little")
            for second in range(first, first + wakes):
                seconds = second + i * 0.0004 - time.time()
                if seconds > 0.1:  # else it comes too late to sleep for certain
                    naps[i] += 1
                    nanosleep(seconds)
            signal.pause()
        with subprocess.Popen([ks.TOOLS / "storm", "parked", "5003"],
                              stdout=subprocess.PIPE) as parked, self.hogs(1), \
                contextlib.ExitStack() as stack:
            parked.stdout.readline()
            pids = [stack.enter_context(Child(lambda i=i: work(i))).pid for i in range(workers)]
            for pid in pids:
                wait_until_blocked(pid, "read")
            first = int(time.time()) + 3  # when they began is long over by then
            os.write(writer, first.to_bytes(8, "little") * workers)
            ks.wait_for(lambda: any(e["time_bucket"] >= first + wakes for e in self.ks.events()), 15,
                        "the second after the last wait")
            events = [e for e in self.ks.events() if e["pid"] in pids and e["ppid"] == os.getpid()
                      and e["time_bucket"] >= first - 1]
            parked.kill()
        os.close(reader)
        os.close(writer)
        for pid in pids:
            own = [e for e in events if e["pid"] == pid]
            total_us = sum(e["runq_ms"] for e in own) * 1e3
            most_us = sum(e["runq_waits"] * (e["runq_max_us"] or 0) for e in own)
            self.assertGreaterEqual(most_us, total_us * 0.95 - 50,
                                    [(e["runq_waits"], e["runq_ms"], e["runq_max_us"]) for e in own])
        self.assertGreater(sum(naps), workers)
        self.assertGreaterEqual(sum(e["runq_waits"] for e in events), sum(naps))
        self.assertGreater(sum(e["runq_ms"] for e in events), workers)

    def test_time_off_the_cpu_is_told_by_its_state(self):
        with self.subTest("asleep"):
            began = time.monotonic()
            with Child(lambda: accounted(lambda: [nanosleep(0.05) for _ in range(7)])) as child:
                made = child.result()
            lived_ms = (time.monotonic() - began) * 1e3
            events = self.of(child.pid)
            asleep_ms = sum(e["sleeping_ms"] for e in events)
            self.assertGreater(asleep_ms, 349 - made["cpu_ms"] - made["ready_ms"])
            self.assertLess(asleep_ms, lived_ms)
            # in its naps it was asleep, or had or wanted a CPU
            self.assertLess(sum(e["uninterruptible_ms"] for e in events), lived_ms - made["ms"] + 10)
        with self.subTest("preempted"), self.hogs(3) as hogs:
            stolen = stolen_ms()
            ks.wait_for(lambda: all(sum(is_child(e, hog.pid) for e in self.ks.events()) > 2
                                    for hog in hogs), 10, "three samples of each")
            stolen = stolen_ms() - stolen + 100
            preempted_ms = whole_ms = 0
            for hog in hogs:
                samples = [s for s in self.ks.timed_events() if is_child(s[1], hog.pid)]
                for (before_ms, _), (late_ms, event) in zip(samples, samples[1:]):
                    self.assertGreater(event["preempted_ms"], 0.9 * event["runq_ms"] - 20)
                    self.assertLess(event["sleeping_ms"], stolen)
                    # it may have been read late, then and now
                    self.assertAlmostEqual(event["preempted_ms"] + event["cpu_time_ms"],
                                           event["interval_ms"], delta=stolen + max(before_ms, late_ms),
                                           msg=event)
                    preempted_ms += event["preempted_ms"]
                    whole_ms += event["interval_ms"]
            self.assertGreater(preempted_ms, 0.4 * whole_ms)  # two of the three, all the time

    def test_a_wait_for_a_disk_shows_while_it_lasts(self):
        with SlowDisk(requests_per_s=1) as disk:
            def work():
                disk.join()
                disk.read_slowly(4)
            with Child(work) as child:
                child.wait()
            events = self.of(child.pid)
        waited = [e for e in events if e["uninterruptible_ms"] > 900]
        self.assertGreaterEqual(len(waited), 1, events)
        for late_ms, event in self.ks.timed_events():
            if is_child(event, child.pid):
                self.assertLess(event["uninterruptible_ms"], event["interval_ms"] + late_ms + 30)


@ks.needs_kernel
class Attached(unittest.TestCase):
    """To the scheduler only what the rules read."""

    def hooks(self, value):
        rule = {"name": "r", "on": "sched", "by": ["pid"], "when": value}
        with ks.RunningDaemon({"rules": [rule]}) as daemon:
            return "\n".join(daemon.err.texts())

    def test_switches_are_looked_at_only_for_rules_that_need_it(self):
        free = {"value": "runq_avg_us", "above": "1h"}
        self.assertNotIn("sched_switch", self.hooks(free))
        for field in ("runq_p99_us", "uninterruptible_ms"):
            with self.subTest(field):
                said = self.hooks({"value": field, "above": "1h"})
                self.assertEqual(said.count("tp_btf/sched_switch"), 1, said)
                self.assertNotIn("sched_wakeup", said)


@ks.needs_kernel
class Storms(unittest.TestCase):
    """Threads so short that no tick ever meets them are counted with all they did."""

    def storm(self, *arguments, check):
        """
        Runs it to its end, and check(events of all its processes, what it used). The kernel frees its
        tasks in any order, so that is called until it passes. What was lost is made good by another
        storm: while the reader stands still the ring may fill up, and now and then the kernel has no
        storage for a task.
        """
        def attempt():
            with ks.RunningEvents("sched", "--stats") as stream:
                process = subprocess.Popen([ks.TOOLS / "storm", *arguments], stdout=subprocess.PIPE)
                if process.stdout.readline():
                    process.kill()
                process.stdout.close()
                _, _, usage = os.wait4(process.pid, 0)
                process.returncode = 0

                def found():
                    return [e for e in stream.events() if process.pid in (e["pid"], e["ppid"])]

                def passes():
                    try:
                        check(found(), usage)
                    except AssertionError:
                        return False
                    return True
                try:
                    ks.wait_for(passes, 10, "the end of the storm")
                except AssertionError:
                    pass  # check() says more
                stream.stop()
            ledger = stream.ledger()
            self.assertEqual(ledger["seen"], ledger["filtered"] + ledger["emitted"] + ledger["lost"])
            self.assertEqual((ledger["lost"], ledger["user space"]), (0, 0), ledger)
            check(found(), usage)
        ks.once_in(5, attempt)

    def test_none_is_lost_while_all_sources_start_and_end_in_one(self):
        sources = ("syscall", "sched", "io", "page_fault", "net", "tcp")

        def attempt():
            with ks.RunningEvents(*sources, "--stats") as stream:
                time.sleep(0.5)
                stream.stop()
            for source in "sched", "page_fault":
                ledger = stream.ledger(source)
                self.assertGreater(ledger["emitted"], 0, source)
                self.assertEqual((ledger["ring full"], ledger["user space"]), (0, 0), source)
        with contextlib.ExitStack() as stack:
            for how in "processes", "threads":
                storm = subprocess.Popen([ks.TOOLS / "storm", how, "10000000"])
                stack.callback(storm.wait)
                stack.callback(storm.kill)
            ks.once_in(5, attempt)

    def check_threads(self, how, threads):
        def check(events, usage):
            switches = sum(e["voluntary_switches"] for e in events)
            used_ms = (usage.ru_utime + usage.ru_stime) * 1e3
            cpu_time = sum(e["cpu_time_ms"] for e in events) / used_ms
            self.assertGreaterEqual(switches, usage.ru_nvcsw)
            self.assertLessEqual(switches, usage.ru_nvcsw + 1.01 * threads)
            # what a thread does after it was taken from its process is in nobody's usage
            self.assertGreater(cpu_time, 0.95)
            self.assertLess(cpu_time, 1.5)
            self.assertEqual(len({e["pid"] for e in events}), 1)
            self.assertTrue(any(e["exited"] for e in events))
        self.storm(how, str(threads), check=check)

    def test_5003_short_threads(self):
        self.check_threads("threads", 5003)

    def test_5003_threads_killed_at_once(self):
        self.check_threads("parked", 5003)

    def test_5003_short_processes(self):
        def check(events, usage):
            ended = {e["pid"] for e in events if e["exited"]}
            self.assertEqual(len(ended), 5004)
            self.assertEqual({e["pid"] for e in events}, ended)
            used_ms = (usage.ru_utime + usage.ru_stime) * 1e3
            self.assertAlmostEqual(sum(e["cpu_time_ms"] for e in events), used_ms, delta=0.1 * used_ms)
        self.storm("processes", "5003", check=check)


if __name__ == "__main__":
    unittest.main()
