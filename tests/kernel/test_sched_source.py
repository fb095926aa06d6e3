"""What `kernelsight events sched` adds up, against what the kernel itself says at the end of a
process (getrusage) and against the clock."""
import os
import subprocess
import threading
import time
import unittest

import ks
from children import Child, nanosleep, set_comm

DESIGN_KEYS = ["time_bucket", "pid", "comm", "context_switches", "voluntary_switches",
               "involuntary_switches", "wakeups", "cpu_time_ms", "avg_timeslice_us"]

# A process's usage is read while it leaves its CPU for the last time.
LAST_SWITCHES = 3
LAST_MS = 2


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
            self.assertLess(event["cpu_time_ms"], event["interval_ms"] * os.cpu_count() + 20)

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

        def work():
            spin(0.3)
            sleep_often(307)
            os.read(reader, 1)
            sleep_often(97)
        with Child(work) as child:
            time.sleep(1)
            with ks.RunningEvents("sched") as stream:
                time.sleep(0.2)
                os.write(writer, b"x")
                child.wait()
                events = self.of(child.pid, stream)
        os.close(reader)
        os.close(writer)
        self.assertAlmostEqual(self.sum(events, "voluntary_switches"), 97, delta=LAST_SWITCHES)
        self.assertLess(self.sum(events, "cpu_time_ms"), 100)

    def test_the_kernels_own_threads_are_marked(self):
        def found():
            return [e for e in self.ks.events() if e["kernel_thread"]]
        ks.wait_for(found, 5, "event of a kernel thread")
        for event in found():
            self.assertIn(event["ppid"], (0, 2), event)


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
        self.assertEqual((ledger["lost"], ledger["user space"]), (0, 0))
        self.assertEqual(ledger["seen"], ledger["filtered"] + ledger["emitted"])
        return usage, found()

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
