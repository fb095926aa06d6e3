"""What `kernelsight events sched` adds up, against what the kernel itself says at the end of a
process (getrusage) and against the clock."""
import contextlib
import os
import signal
import subprocess
import threading
import time
import unittest

import ks
from children import Child, nanosleep, set_comm
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


@ks.needs_kernel
class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("sched", "--stats").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def of(self, pid, stream=None):
        """All events of a process that has ended."""
        def found():
            return [e for e in (stream or self.ks).events() if e["pid"] == pid]
        ks.wait_for(lambda: any(e["exited"] for e in found()), 5, f"end of process {pid}")
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
        for event in self.ks.events():
            switches = event["voluntary_switches"] + event["involuntary_switches"]
            self.assertEqual(event["context_switches"], switches)
            self.assertAlmostEqual(event["avg_timeslice_us"],
                                   event["cpu_time_ms"] * 1e3 / max(switches, 1), delta=0.01)
            began_ns = event["timestamp"] - event["interval_ms"] * 1e6
            self.assertEqual(event["time_bucket"], int(began_ns // 1e9))
            # as long as it lasted on every CPU, and a tick late
            self.assertLess(event["cpu_time_ms"], event["interval_ms"] * os.cpu_count() + 20 * ks.PATIENCE)

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
        with Child(work) as child:
            usage = child.wait()
        events = self.of(child.pid)
        self.assert_like(events, usage)
        whole = events[1:-1]
        self.assertGreaterEqual(len(whole), 2)
        for event in whole:
            self.assertGreater(event["cpu_time_ms"], 100)  # others may want the CPU too
            self.assertLess(event["cpu_time_ms"], event["interval_ms"] + 20)
        buckets = [e["time_bucket"] for e in events]
        self.assertEqual(buckets, list(range(buckets[0], buckets[0] + len(events))))

    def test_a_process_of_20_ms_is_reported_with_all_it_did(self):
        sleeps = 7

        def work():
            set_comm(b"short-lived")
            spin(0.01)
            sleep_often(sleeps)
        time.sleep(1.3 - time.time() % 1)
        second = int(time.time())
        with Child(work) as child:
            usage = child.wait()
        events = self.of(child.pid)
        self.assert_like(events, usage)
        self.assertEqual([(e["time_bucket"], e["exited"], e["comm"]) for e in events],
                         [(second, 1, "short-lived")])
        self.assertGreaterEqual(events[0]["voluntary_switches"], sleeps)
        self.assertEqual((events[0]["ppid"], events[0]["kernel_thread"]), (os.getpid(), 0))

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
        self.assertEqual({e["comm"] for e in events}, {"many-threads"})
        self.assertEqual([e for e in self.ks.events() if e["pid"] in tids], [])

    def test_what_a_process_did_before_is_not_charged(self):
        reader, writer = os.pipe()
        ready = os.pipe()

        def work():
            spin(0.3)
            sleep_often(307)
            os.write(ready[1], b"x")
            os.read(reader, 1)
            sleep_often(97)
        with Child(work) as child:
            os.read(ready[0], 1)
            with ks.RunningEvents("sched") as stream:
                time.sleep(0.2)
                os.write(writer, b"x")
                child.wait()
                events = self.of(child.pid, stream)
        for descriptor in (reader, writer, *ready):
            os.close(descriptor)
        self.assertAlmostEqual(self.sum(events, "voluntary_switches"), 97, delta=LAST_SWITCHES)
        self.assertLess(self.sum(events, "cpu_time_ms"), 100)

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


def schedstat():
    """What the kernel says of this thread: ns ready and waiting, times put on a CPU."""
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
        time.sleep(1.1)  # the first sample is not whole

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    of = Samples.of

    def only(self, pid):
        """The one event of a process that lived within a second."""
        events = self.of(pid)
        worked = [e for e in events if e["runq_waits"] > 3]
        self.assertEqual(len(worked), 1, events)
        return worked[0]

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
            before = schedstat()
            sleep_often(211)
            after = schedstat()
            return [b - a for a, b in zip(before, after)]
        at_the_start_of_a_second()
        with self.hogs(1), Child(work) as child:
            delay_ns, arrivals = child.result()
        events = self.of(child.pid)
        n = sum(e["runq_waits"] for e in events)
        self.assertGreaterEqual(arrivals, 211 / ks.PATIENCE)  # a slow machine wakes late
        self.assertAlmostEqual(n, arrivals, delta=30)  # its start and end are not in the kernel's
        self.assertGreaterEqual(n, arrivals)
        ms = sum(e["runq_ms"] for e in events)
        self.assertGreaterEqual(ms, delay_ns / 1e6)
        self.assertAlmostEqual(ms, delay_ns / 1e6, delta=60 * ks.PATIENCE)
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
        with Child(lambda: sleep_often(997)):
            ks.wait_for(found, 10, "event with one wait")
        for event in found():
            self.assertEqual(event["runq_p50_us"], event["runq_max_us"])
            self.assertEqual(event["runq_p99_us"], event["runq_max_us"])

    def test_without_a_wait_there_is_no_percentile(self):
        def found():
            return [e for e in self.ks.events() if e["runq_waits"] == 0]
        with self.hogs(1):
            ks.wait_for(found, 10, "event without a wait")
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
            events = [e for e in self.ks.events() if e["pid"] in pids and e["runq_waits"]]
        seen = {}
        for line in lines.splitlines():
            pid, longest, *buckets = map(int, line.split())
            seen[pid] = longest / 1e3, buckets
        return [(e, *seen[e["pid"]]) for e in events]

    def test_they_agree_with_wake_ups_and_a_clock(self):
        for _ in range(5):
            waits = self.waits_by_both_ways()
            if len(waits) == 5:  # each in one sample, or the machine is too busy
                break
        else:
            self.skipTest("the machine is too busy")
        for event, longest_us, buckets in waits:
            with self.subTest(event["pid"]):
                self.assertAlmostEqual(event["runq_waits"], sum(buckets),
                                       delta=event["runq_waits"] / 20 + 5)
                self.assertGreater(event["runq_max_us"], longest_us * 0.9 - 50)
                self.assertLessEqual(event["runq_max_us"], event["runq_ms"] * 1e3)
                for field, q in (("runq_p50_us", .5), ("runq_p99_us", .99)):
                    expected = quantile_us(buckets, q)
                    self.assertAlmostEqual(event[field], expected, delta=expected * .3 + 50 * ks.PATIENCE)

    def test_waits_that_end_while_the_threads_are_read_come_with_their_count(self):
        """To read 5,003 threads takes some milliseconds, at the turn of each second, and that is when the
        workers wake. No wait is longer than the longest of its sample."""
        workers, wakes = 53, 3
        first = int(time.time()) + 4  # by then they sleep, for more than a second

        def work():
            pin()
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # who wakes waits
            for second in range(first, first + wakes):
                nanosleep(second + os.getpid() % workers * 0.0004 - time.time())
            signal.pause()
        with subprocess.Popen([ks.TOOLS / "storm", "parked", "5003"],
                              stdout=subprocess.PIPE) as parked, self.hogs(1), \
                contextlib.ExitStack() as stack:
            parked.stdout.readline()
            pids = [stack.enter_context(Child(work)).pid for _ in range(workers)]
            ks.wait_for(lambda: time.time() > first + wakes + 1.2, 15, "last wait")
            parked.kill()
        events = [e for e in self.ks.events() if e["pid"] in pids and e["time_bucket"] >= first - 1
                  and not e["exited"]]
        for pid in pids:
            own = [e for e in events if e["pid"] == pid]
            total_us = sum(e["runq_ms"] for e in own) * 1e3
            most_us = sum(e["runq_waits"] * (e["runq_max_us"] or 0) for e in own)
            self.assertGreaterEqual(most_us, total_us * 0.95 - 50,
                                    [(e["runq_waits"], e["runq_ms"], e["runq_max_us"]) for e in own])
        self.assertGreaterEqual(sum(e["runq_waits"] for e in events), workers * wakes)
        self.assertGreater(sum(e["runq_ms"] for e in events), workers)

    def test_time_off_the_cpu_is_told_by_its_state(self):
        with self.subTest("asleep"):
            at_the_start_of_a_second()
            with Child(lambda: [nanosleep(0.05) for _ in range(7)]) as child:
                child.wait()
            event = self.only(child.pid)
            self.assertGreater(event["sleeping_ms"], 350)
            self.assertLess(event["sleeping_ms"], event["interval_ms"])
            self.assertLess(event["uninterruptible_ms"], 50)
        with self.subTest("preempted"), self.hogs(3) as hogs:
            time.sleep(2)
            for hog in hogs:
                for event in [e for e in self.ks.events() if e["pid"] == hog.pid][1:]:
                    self.assertGreater(event["preempted_ms"], 0.9 * event["runq_ms"] - 20)
                    self.assertLess(event["sleeping_ms"], 100)
                    self.assertAlmostEqual(event["preempted_ms"] + event["cpu_time_ms"],
                                           event["interval_ms"], delta=100)
                    self.assertGreater(event["preempted_ms"], 300)

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
        for event in events:
            self.assertLess(event["uninterruptible_ms"], event["interval_ms"] + 30)


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

    def storm(self, *arguments, complete):
        """Runs it to its end: what it used and the events of all its processes. The kernel frees its
        tasks in any order, so complete(events, usage) says when all have come."""
        with ks.RunningEvents("sched", "--stats") as stream:
            process = subprocess.Popen([ks.TOOLS / "storm", *arguments], stdout=subprocess.PIPE)
            if process.stdout.readline():
                process.kill()
            process.stdout.close()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0

            def found():
                return [e for e in stream.events() if process.pid in (e["pid"], e["ppid"])]
            ks.wait_for(lambda: complete(found(), usage), 10, "the end of the storm")
            stream.stop()
        ledger = stream.ledger()
        self.assertEqual((ledger["ring full"], ledger["user space"]), (0, 0))
        # now and then the kernel has no storage for a task, which is counted
        self.assertLessEqual(ledger["lost"], 2)
        self.assertEqual(ledger["seen"],
                         ledger["filtered"] + ledger["emitted"] + ledger["lost"])
        return usage, found()

    def test_none_is_lost_while_all_sources_start_and_end_in_one(self):
        sources = ("syscall", "sched", "io", "page_fault", "net", "tcp")
        with contextlib.ExitStack() as stack:
            for how in "processes", "threads":
                storm = subprocess.Popen([ks.TOOLS / "storm", how, "1000000"])
                stack.callback(storm.wait)
                stack.callback(storm.kill)
            with ks.RunningEvents(*sources, "--stats") as stream:
                time.sleep(0.5)
                stream.stop()
        for source in "sched", "page_fault":
            ledger = stream.ledger(source)
            self.assertGreater(ledger["emitted"], 0, source)
            self.assertEqual((ledger["ring full"], ledger["user space"]), (0, 0), source)

    def check_threads(self, how, threads):
        def switches(events):
            return sum(e["voluntary_switches"] for e in events)

        def cpu_time(events, usage):
            """As a part of what the process used."""
            used_ms = (usage.ru_utime + usage.ru_stime) * 1e3
            return sum(e["cpu_time_ms"] for e in events) / used_ms

        def complete(events, usage):
            return switches(events) >= usage.ru_nvcsw and cpu_time(events, usage) > 0.95
        usage, events = self.storm(how, str(threads), complete=complete)
        self.assertLessEqual(switches(events), usage.ru_nvcsw + 1.01 * threads)
        # what a thread does after it was taken from its process is in nobody's usage
        self.assertLess(cpu_time(events, usage), 1.5)
        self.assertEqual(len({e["pid"] for e in events}), 1)
        self.assertTrue(any(e["exited"] for e in events))

    def test_5003_short_threads(self):
        self.check_threads("threads", 5003)

    def test_5003_threads_killed_at_once(self):
        self.check_threads("parked", 5003)

    def test_5003_short_processes(self):
        def ended(events):
            return {e["pid"] for e in events if e["exited"]}
        usage, events = self.storm("processes", "5003",
                                   complete=lambda events, _: len(ended(events)) >= 5004)
        self.assertEqual({e["pid"] for e in events}, ended(events))
        used_ms = (usage.ru_utime + usage.ru_stime) * 1e3
        self.assertAlmostEqual(sum(e["cpu_time_ms"] for e in events), used_ms, delta=0.1 * used_ms)


if __name__ == "__main__":
    unittest.main()
