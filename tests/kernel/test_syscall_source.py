"""What `kernelsight events syscall` says of calls whose truth is known from the outside."""
import contextlib
import ctypes
import datetime
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import ks
from bpf_links import fdinfo
from children import NUMBERS, Child, call, in_child, libc, nanosleep, set_comm, timed
from faults import SlowDisk

DESIGN_KEYS = ["timestamp", "time_str", "pid", "tid", "syscall", "syscall_name", "latency_ms",
               "comm"]
BIG_READ = 1 << 28


def on_signal(number, restart=False):
    """Gives the calling process a handler of that signal that does nothing."""
    signal.signal(number, lambda *_: None)
    signal.siginterrupt(number, not restart)


def fork_writer(descriptor, after_s):
    """A child that writes one byte to the descriptor later; not waited for."""
    if os.fork() == 0:
        time.sleep(after_s)
        os.write(descriptor, b"x")
        os._exit(0)


def read_late_byte():
    """A read from a pipe that takes 50 ms."""
    reader, writer = os.pipe()
    fork_writer(writer, 0.05)
    return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)


def wait_for_nothing():
    select.epoll().poll(10)


class SourceTest(unittest.TestCase):
    def of(self, pid, n=1, name=None):
        """The events of a process; waits until there are n, and for those that are too many."""
        def found():
            return [e for e in self.ks.events()
                    if e["pid"] == pid and name in (None, e["syscall_name"])]
        if n:
            ks.wait_for(lambda: len(found()) >= n, 5, f"{n} events of process {pid}")
        time.sleep(0.02)
        return found()

    def only(self, pid, name=None):
        events = self.of(pid, 1, name)
        self.assertEqual(len(events), 1, events)
        return events[0]

    def assert_true_latency(self, event, at_least_ms, call_made):
        """Not shorter than what was asked for, and not longer than the time around the call."""
        self.assertGreaterEqual(event["latency_ms"], at_least_ms)
        self.assertLessEqual(event["latency_ms"], call_made["ms"])


@ks.needs_kernel
class SlowCalls(SourceTest):
    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("syscall", "--stats").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def test_an_event_has_the_keys_of_the_design_in_their_order(self):
        pid, made = in_child(lambda: timed(nanosleep, 0.03))
        event = self.only(pid)
        self.assertEqual(list(event)[:len(DESIGN_KEYS)], DESIGN_KEYS)
        self.assertEqual((event["tid"], event["syscall_name"], event["ret"], event["abi"]),
                         (pid, "nanosleep", 0, "native"))
        self.assertEqual((event["ppid"], event["uid"]), (os.getpid(), os.getuid()))
        self.assert_true_latency(event, 30, made)

    def test_the_time_is_that_of_the_wall_clock(self):
        pid, made = in_child(lambda: timed(nanosleep, 0.02))
        event = self.only(pid)
        self.assertGreater(event["timestamp"], made["from"] - 100_000_000)
        self.assertLess(event["timestamp"], made["to"] + 100_000_000)
        said = datetime.datetime.strptime(event["time_str"], "%Y-%m-%dT%H:%M:%S.%f%z")
        since = said - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        self.assertEqual(since // datetime.timedelta(milliseconds=1),
                         event["timestamp"] // 1_000_000)

    def test_a_wait_is_measured(self):
        with self.subTest("poll"):
            pid, made = in_child(lambda: timed(libc.poll, None, 0, 41))
            event = self.only(pid)
            self.assertIn(event["syscall_name"], ("poll", "ppoll"))
            self.assert_true_latency(event, 41, made)
        with self.subTest("read"):
            pid, made = in_child(read_late_byte)
            event = self.only(pid, "read")
            self.assertEqual(event["ret"], 1)
            self.assert_true_latency(event, 40, made)

    def test_a_thread_has_its_own_tid_and_name(self):
        def work():
            ids = []

            def in_thread():
                set_comm(b"a thread")
                ids.append(threading.get_native_id())
                nanosleep(0.02)
            thread = threading.Thread(target=in_thread)
            thread.start()
            thread.join()
            return ids
        pid, (tid,) = in_child(work)
        event = self.only(pid, "nanosleep")
        self.assertEqual((event["tid"], event["comm"]), (tid, "a thread"))
        self.assertNotEqual(tid, pid)

    def test_a_call_that_never_sleeps_is_caught(self):
        size = 1 << 25
        calls = 5

        def work():
            buffer = ctypes.create_string_buffer(size)
            return [timed(call, "getrandom", buffer, size, 0) for _ in range(calls)]
        pid, made = in_child(work)
        self.assertGreater(min(m["ms"] for m in made), 15, "the machine is too fast for this test")
        events = self.of(pid, calls, "getrandom")
        self.assertEqual(len(events), calls)
        for event, call_made in zip(events, made):
            self.assertEqual(event["ret"], call_made["ret"])
            self.assert_true_latency(event, call_made["ms"] / 2, call_made)

    def test_a_short_call_is_not_reported(self):
        pid, made = in_child(lambda: [timed(nanosleep, 0.002) for _ in range(100)])
        self.assertLessEqual(len(self.of(pid, 0)), sum(m["ms"] >= 10 for m in made))

    def test_what_the_first_argument_is_open_on_is_named(self):
        with self.subTest("a pipe"):
            event = self.only(in_child(read_late_byte)[0], "read")
            self.assertEqual((event["file_type"], event["file_system"]), ("pipe", "pipefs"))
        with self.subTest("no descriptor"):
            event = self.only(in_child(lambda: nanosleep(0.02))[0])
            self.assertEqual((event["file_type"], event["file_system"]), ("none", ""))
        with self.subTest("a socket"):
            def receive():
                here, there = socket.socketpair()
                with here, there:
                    fork_writer(there.fileno(), 0.03)
                    here.recv(1)
            event = self.only(in_child(receive)[0], "recvfrom")
            self.assertEqual((event["file_type"], event["file_system"]), ("socket", "sockfs"))
        with self.subTest("a device"):
            def read_zeros():
                with open("/dev/zero", "rb") as zero:
                    call("read", zero.fileno(), ctypes.create_string_buffer(BIG_READ), BIG_READ)
            event = self.only(in_child(read_zeros)[0], "read")
            self.assertEqual(event["file_type"], "character")
        with self.subTest("a descriptor with a dirty upper half, which the kernel does not look at"):
            def read_dirty():
                reader, writer = os.pipe()
                fork_writer(writer, 0.03)
                call("read", reader | 5 << 32, ctypes.create_string_buffer(1), 1)
            event = self.only(in_child(read_dirty)[0], "read")
            self.assertEqual((event["ret"], event["file_type"]), (1, "pipe"))

    def test_a_regular_file_is_named_with_its_file_system(self):
        done = subprocess.run(["stat", "-f", "-c", "%T", tempfile.gettempdir()],
                              capture_output=True, text=True, check=True)
        with tempfile.NamedTemporaryFile() as file:
            LOCK_EX = 2
            holder = os.open(file.name, os.O_RDWR)
            libc.flock(holder, LOCK_EX)

            def lock():
                os.close(holder)
                return call("flock", os.open(file.name, os.O_RDWR), LOCK_EX)
            with Child(lock) as child:
                time.sleep(0.05)
                libc.flock(holder, 8)
                self.assertEqual(child.result(), 0)
            os.close(holder)
            event = self.only(child.pid, "flock")
        self.assertEqual(event["file_type"], "regular")
        # stat names ext2, ext3 and ext4 by the number that they share
        self.assertIn(event["file_system"], done.stdout.strip().split("/") + ["ext4"])

    def test_a_call_interrupted_by_a_handler_ends_at_the_signal(self):
        def work():
            on_signal(signal.SIGALRM)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return timed(nanosleep, 1)
        pid, made = in_child(work)
        event = self.only(pid)
        self.assertEqual(made["ret"], -4)
        self.assertEqual((event["syscall_name"], event["ret"]), ("nanosleep", -4))
        self.assert_true_latency(event, 40, made)

    def test_a_call_restarted_after_a_handler_is_two(self):
        def work():
            reader, writer = os.pipe()
            on_signal(signal.SIGALRM, restart=True)
            fork_writer(writer, 0.15)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)
        pid, made = in_child(work)
        first, second = self.of(pid, 2, "read")
        self.assertEqual((made["ret"], first["ret"], second["ret"]), (1, -4, 1))
        self.assertGreater(first["latency_ms"], 40)
        self.assertGreater(second["latency_ms"], 60)
        self.assertLessEqual(first["latency_ms"] + second["latency_ms"], made["ms"])

    def test_a_stopped_sleep_is_one_call_by_its_own_name(self):
        with Child(lambda: timed(nanosleep, 0.15)) as child:
            time.sleep(0.05)
            child.signal(signal.SIGSTOP)
            time.sleep(0.2)
            child.signal(signal.SIGCONT)
            made = child.result()
        event = self.only(child.pid)
        self.assertEqual((event["syscall_name"], event["ret"]), ("nanosleep", 0))
        self.assert_true_latency(event, 150, made)

    def test_a_sleep_stopped_for_no_time_again_and_again_is_one_call(self):
        with Child(lambda: timed(nanosleep, 0.15)) as child:
            for _ in range(10):
                time.sleep(0.01)
                child.signal(signal.SIGSTOP)
                child.signal(signal.SIGCONT)
            made = child.result()
        event = self.only(child.pid)
        self.assertEqual((event["syscall_name"], event["ret"]), ("nanosleep", 0))
        self.assert_true_latency(event, 150, made)

    def test_a_condition_on_the_name_does_not_hide_how_the_call_went_on(self):
        with ks.RunningEvents("syscall", "--where", "syscall_name == 'nanosleep'") as stream:
            with Child(lambda: timed(nanosleep, 0.1)) as child:
                time.sleep(0.02)
                child.signal(signal.SIGSTOP)
                time.sleep(0.02)
                child.signal(signal.SIGCONT)
                made = child.result()

            def found():
                return [e for e in stream.events() if e["pid"] == child.pid]
            ks.wait_for(found, 5, "event")
            self.assertEqual([e["ret"] for e in found()], [0])
            self.assert_true_latency(found()[0], 100, made)

    def test_a_stopped_read_is_not_longer_than_it_was(self):
        def work():
            reader, writer = os.pipe()
            fork_writer(writer, 0.3)
            return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)
        with Child(work) as child:
            time.sleep(0.1)
            child.signal(signal.SIGSTOP)
            time.sleep(0.1)
            child.signal(signal.SIGCONT)
            made = child.result()
        events = self.of(child.pid, 1, "read")
        self.assertLessEqual(sum(e["latency_ms"] for e in events), made["ms"])
        self.assertEqual(events[-1]["ret"], 1)
        self.assertNotIn("restart_syscall", {e["syscall_name"] for e in self.ks.events()})

    def test_a_killed_thread_is_not_reported(self):
        with self.subTest("the process is killed"), Child(lambda: nanosleep(10)) as child:
            time.sleep(0.05)
        self.assertEqual(self.of(child.pid, 0, "nanosleep"), [])
        with self.subTest("in a call that is never restarted"), Child(wait_for_nothing) as child:
            time.sleep(0.05)
        self.assertEqual(self.of(child.pid, 0, "epoll_wait"), [])
        with self.subTest("the process ends under the thread"):
            def leave():
                threading.Thread(target=nanosleep, args=(10,), daemon=True).start()
                time.sleep(0.05)
            self.assertEqual(self.of(in_child(leave)[0], 0, "nanosleep"), [])

    def test_an_exec_by_another_thread_starts_afresh(self):
        def work():
            def replace():
                time.sleep(0.05)
                os.execv(shutil.which("sleep"), ["sleep", "0.06"])
            threading.Thread(target=replace).start()
            nanosleep(10)
        began = time.monotonic()
        with Child(work) as child:
            child.wait()
        lived_ms = (time.monotonic() - began) * 1e3
        events = [e for e in self.of(child.pid, 1, "clock_nanosleep") if e["tid"] == child.pid]
        slept = [e for e in events if e["comm"] == "sleep"]
        self.assertEqual(len(slept), 1, events)
        self.assertGreaterEqual(slept[0]["latency_ms"], 60)
        for event in self.of(child.pid):
            self.assertLessEqual(event["latency_ms"], lived_ms)
            self.assertNotEqual(event["syscall_name"], "nanosleep")

    def test_32_bit_calls_are_named_from_their_table(self):
        for number, name, file_type in ((162, "nanosleep", "none"), (3, "read", "pipe")):
            with self.subTest(name):
                made = subprocess.Popen([ks.TOOLS / "i386_call", str(number), "50"])
                if made.wait() == 77:
                    self.skipTest("no 32-bit system calls on this machine")
                event = self.only(made.pid, name)
                self.assertEqual((event["syscall"], event["abi"], event["file_type"]),
                                 (number, "i386", file_type))
                self.assertGreaterEqual(event["latency_ms"], 40)

    def test_a_stopped_32_bit_call_keeps_its_name(self):
        made = subprocess.Popen([ks.TOOLS / "i386_call", "162", "150"])
        time.sleep(0.05)
        made.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        made.send_signal(signal.SIGCONT)
        if made.wait() == 77:
            self.skipTest("no 32-bit system calls on this machine")
        event = self.only(made.pid)
        self.assertEqual((event["syscall"], event["syscall_name"]), (162, "nanosleep"))
        self.assertGreaterEqual(event["latency_ms"], 150)


def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def pin():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run_delay_ms():
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6


@ks.needs_kernel
class WhereTheTimeWent(SourceTest):
    """On a CPU, waiting for one, or blocked."""

    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("syscall").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def of_child(self, work, name):
        pid, told = in_child(work)
        event = self.only(pid, name)
        self.assertAlmostEqual(event["on_cpu_ms"] + event["runq_ms"] + event["blocked_ms"],
                               event["latency_ms"], places=3)
        self.assertEqual(event["measured"], "call")
        return event, told

    @staticmethod
    def random_bytes(size=1 << 25):
        """A call that never blocks: CPU time and time ready of the thread meanwhile, in ms."""
        buffer = ctypes.create_string_buffer(size)
        pin()
        cpu, delay = time.thread_time(), run_delay_ms()
        call("getrandom", buffer, size, 0)
        return (time.thread_time() - cpu) * 1e3, run_delay_ms() - delay

    def assert_never_blocked(self, event, cpu_ms, ready_ms):
        self.assertAlmostEqual(event["on_cpu_ms"], cpu_ms, delta=2 + cpu_ms / 20)
        self.assertAlmostEqual(event["runq_ms"], ready_ms, delta=2 + ready_ms / 20)
        self.assertLess(event["blocked_ms"], 2 + event["latency_ms"] / 20)

    def test_a_call_that_works(self):
        event, (cpu_ms, ready_ms) = self.of_child(self.random_bytes, "getrandom")
        self.assert_never_blocked(event, cpu_ms, ready_ms)
        self.assertGreater(event["on_cpu_ms"], 10)

    def test_a_call_that_works_while_others_have_the_cpu(self):
        def hog():
            pin()
            spin(20)
        with Child(hog), Child(hog), Child(hog):
            event, (cpu_ms, ready_ms) = self.of_child(self.random_bytes, "getrandom")
        self.assert_never_blocked(event, cpu_ms, ready_ms)
        self.assertGreater(event["runq_ms"], event["on_cpu_ms"])

    def test_a_call_that_sleeps(self):
        event, _ = self.of_child(lambda: nanosleep(0.05), "nanosleep")
        self.assertGreater(event["blocked_ms"], 49)
        self.assertLess(event["on_cpu_ms"], 2)

    def test_a_call_that_waits_for_a_disk(self):
        with SlowDisk(requests_per_s=10) as disk:
            def work():
                disk.join()
                disk.fsync_slowly(3)
            pid, _ = in_child(work)
            events = self.of(pid, 2, "fsync")
        for event in events:
            self.assertGreater(event["blocked_ms"] + event["runq_ms"], 0.9 * event["latency_ms"])
            self.assertLess(event["on_cpu_ms"], 5)

    def test_a_sleep_that_a_handler_breaks_off(self):
        def work():
            on_signal(signal.SIGALRM)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return nanosleep(1)
        event, ret = self.of_child(work, "nanosleep")
        self.assertEqual(ret, -4)
        self.assertGreater(event["blocked_ms"], 40)


def waits_of(daemon, pid):
    """The events of a process for which a rule that only asks for blocked_ms fired."""
    return [alert["event"] for _, alert in daemon.alerts(state="firing")
            if alert["event"]["pid"] == pid]


@ks.needs_kernel
class WaitsOnly(unittest.TestCase):
    """Rules that only ask how long calls were blocked are served without looking at calls."""

    FLOOR_MS = 15

    def rules(self, **more):
        return {"rules": [{"name": "blocked", "on": "syscall", "by": ["pid", "tid", "syscall"],
                           "when": {"value": "blocked_ms",
                                                  "above": f"{self.FLOOR_MS}ms"}, **more}]}

    def test_which_rules_are(self):
        for more, by_waits in (
                ({}, True),
                ({"where": "comm == 'x' and file_type != 'pipe'"}, True),
                ({"where": "latency_ms > 20ms"}, False),
                ({"where": "ret < 0"}, False),
                ({"summary": "{{comm}} {{latency_ms}}"}, False),
                ({"when": {"value": "on_cpu_ms", "above": "20ms"}}, False),
                ({"when": {"value": "count()", "window": "10s", "above": 5}}, False),
                ({"when": {"value": "count()", "window": "10s", "above": 5},
                  "where": "blocked_ms > 20ms"}, True)):
            with self.subTest(more), ks.RunningDaemon(self.rules(**more)) as daemon:
                self.assertEqual(not daemon.said("sys_enter"), by_waits)
                self.assertEqual(daemon.said("sched_switch"), by_waits)

    def test_each_kind_of_wait_is_found(self):
        here, there = os.pipe()

        def work():
            fork_writer(there, 0.15)
            nanosleep(0.05)
            libc.poll(None, 0, 40)
            call("read", here, ctypes.create_string_buffer(1), 1)
            call("getrandom", ctypes.create_string_buffer(1 << 24), 1 << 24, 0)
            spin(0.05)
        with ks.RunningDaemon(self.rules()) as daemon:
            pid, _ = in_child(work)
            events = ks.wait_for(lambda: len(waits_of(daemon, pid)) >= 3 and waits_of(daemon, pid),
                                 5, "waits")
        os.close(here)
        os.close(there)
        slept, polled, read = events
        self.assertEqual((slept["syscall_name"], read["syscall_name"]), ("nanosleep", "read"))
        self.assertIn(polled["syscall_name"], ("poll", "ppoll"))
        self.assertEqual((read["file_type"], read["file_system"]), ("pipe", "pipefs"))
        for event, at_least in zip(events, (49.9, 39.9, 30)):
            self.assertGreater(event["blocked_ms"], at_least)
            self.assertLess(event["blocked_ms"], at_least + 60)
            self.assertEqual((event["measured"], event["ret"], event["on_cpu_ms"]),
                             ("wait", None, None))
            self.assertAlmostEqual(event["latency_ms"], event["blocked_ms"] + event["runq_ms"],
                                   places=3)
            self.assertEqual((event["pid"], event["ppid"]), (pid, os.getpid()))

    def test_a_wait_for_a_disk_is_found(self):
        with SlowDisk(requests_per_s=10) as disk, ks.RunningDaemon(self.rules()) as daemon:
            def work():
                disk.join()
                disk.fsync_slowly(3)
            pid, _ = in_child(work)
            found = ks.wait_for(lambda: waits_of(daemon, pid), 5, "waits")
        self.assertIn("fsync", {e["syscall_name"] for e in found})

    def test_a_killed_wait_is_not_reported(self):
        with ks.RunningDaemon(self.rules()) as daemon:
            with Child(lambda: nanosleep(10)) as child:
                time.sleep(0.05)
            time.sleep(0.1)
            self.assertEqual(waits_of(daemon, child.pid), [])

    def test_a_change_of_rules_loses_no_call(self):
        """From waits to calls and back, while a thread sleeps all the time."""
        def sleeps():
            for _ in range(83):
                nanosleep(0.02)
                if os.fork() == 0:
                    nanosleep(0.02)
                    os._exit(0)
                os.wait()
        by_waits = self.rules(where="syscall_name == 'nanosleep'")
        by_calls = self.rules(where="syscall_name == 'nanosleep' and latency_ms > 1ms")
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "r.json")

            def use(rules):
                path.write_text(json.dumps({"version": 1, **rules}))
            use(by_waits)
            with ks.RunningDaemon(None, "-r", path) as daemon, Child(sleeps) as child:
                for rules in (by_calls, by_waits, by_calls):
                    time.sleep(0.7)
                    use(rules)
                    daemon.process.send_signal(signal.SIGHUP)
                child.wait()

                def found():
                    return [a["event"] for _, a in daemon.alerts(state="firing")
                            if a["event"]["ppid"] == child.pid]
                ks.wait_for(lambda: len(found()) >= 83, 5, "83 waits")
        events = found()
        self.assertEqual(len(events), len({e["pid"] for e in events}))
        self.assertEqual(len(events), 83)
        self.assertEqual({e["measured"] for e in events}, {"call", "wait"})

    def test_the_exact_mode_finds_the_same_calls(self):
        """Both at once, over the same sleeps of random length on one CPU. A wait ends when the thread
        is woken, in the clock of the scheduler: half a millisecond apart at the most."""
        def work():
            pin()
            lengths = random.Random(1)
            for _ in range(53):
                length = lengths.uniform(0.002, 0.04)
                if os.fork() == 0:
                    nanosleep(length)
                    os._exit(0)
                os.wait()
        slept = f"blocked_ms > {self.FLOOR_MS}ms and syscall_name == 'nanosleep'"
        with ks.RunningEvents("syscall", "--where", slept) as calls, \
                ks.RunningDaemon(self.rules(where=slept)) as waits:
            pid, _ = in_child(work)

            def both():
                return [{e["pid"]: e["blocked_ms"] for e in events if e["ppid"] == pid}
                        for events in (calls.events(),
                                       [a["event"] for _, a in waits.alerts(state="firing")])]
            time.sleep(0.5)
            by_call, by_wait = both()
        self.assertGreater(len(by_call), 20)
        for pid in by_call.keys() ^ by_wait.keys():
            self.assertAlmostEqual({**by_call, **by_wait}[pid], self.FLOOR_MS, delta=0.5)
        for pid in by_call.keys() & by_wait.keys():
            self.assertAlmostEqual(by_wait[pid], by_call[pid], delta=0.5)


@ks.needs_kernel
class Start(unittest.TestCase):
    """Calls that are under way while the programs are being attached."""

    PROCESSES, STARTS = 150, 5

    def test_a_beginning_whose_end_was_not_seen_is_no_slow_call(self):
        def work():
            while True:
                call("ioprio_get", 1, 0)
                nanosleep(0.012)

        with contextlib.ExitStack() as stack:
            for _ in range(self.PROCESSES):
                stack.enter_context(Child(work))
            for _ in range(self.STARTS):
                done = ks.run("events", "syscall", "--duration", "1s", "--where",
                           "syscall_name == 'ioprio_get'")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout, "")


@ks.needs_kernel
class HostileNames(unittest.TestCase):
    NAMES = {
        b'x","pid":1,"y': 'x","pid":1,"y',
        b'a\nb"\\{}': 'a\nb"\\{}',
        b"\x01\x1b[31m\x7f": "\x01\x1b[31m\x7f",
        b"\xff\xfe\xc3(\x80\xe2\x82": "\ufffd\ufffd\ufffd(\ufffd\ufffd\ufffd",
        b"\xf0\x9f\x90\xa7 \xed\xa0\x80": "\U0001f427 \ufffd\ufffd\ufffd",
        b"": "",
    }

    def test_each_line_stays_one_object_with_the_right_name(self):
        stream = subprocess.Popen(
            [ks.PROGRAM, "events", "syscall", "--count", str(len(self.NAMES)), "--duration", "20s",
             "--where", f"ppid == {os.getpid()} and syscall_name == 'nanosleep'"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            while b"watching" not in stream.stderr.readline():
                self.assertIsNone(stream.poll())

            def sleep_as(name):
                set_comm(name)
                nanosleep(0.02)
            wanted = {in_child(lambda: sleep_as(name))[0]: text
                      for name, text in self.NAMES.items()}
            out, _ = stream.communicate(timeout=30 * ks.PATIENCE)
        finally:
            stream.kill()
            stream.wait()
        lines = out.decode().splitlines()  # strict: what is printed is UTF-8
        self.assertEqual({e["pid"]: e["comm"] for e in map(json.loads, lines)}, wanted)


@ks.needs_kernel
class Ledger(unittest.TestCase):
    RARE = "syscall_name == 'ioprio_get' and "

    @staticmethod
    def make_calls(n):
        """n calls that are short, and that nobody else makes."""
        number, who, which = map(ctypes.c_long, (NUMBERS["ioprio_get"], 1, 0))
        for _ in range(n):
            libc.syscall(number, who, which)

    def assert_adds_up(self, ledger):
        self.assertEqual(ledger["seen"], ledger["filtered"] + ledger["aggregated"]
                         + ledger["emitted"] + ledger["lost"])
        self.assertEqual(ledger["lost"], ledger["ring full"] + ledger["no storage"]
                         + ledger["map full"] + ledger["rate limited"])

    def test_short_calls_are_seen_and_filtered(self):
        calls = 100_003
        with ks.RunningEvents("syscall", "--stats") as stream:
            in_child(lambda: self.make_calls(calls))
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        self.assertGreaterEqual(ledger["filtered"], calls)
        self.assertEqual(ledger["lost"], 0)
        self.assertEqual(ledger["emitted"], len(stream.events()))

    def test_a_floor_under_the_tick_catches_every_call(self):
        calls = 2003
        with ks.RunningEvents("syscall", "--stats", "--where",
                              self.RARE + "latency_ms > 0.000001") as stream:
            pid, _ = in_child(lambda: self.make_calls(calls))
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        self.assertEqual((ledger["seen"], ledger["emitted"]), (calls, calls))
        self.assertEqual([e["pid"] for e in stream.events()], [pid] * calls)

    def test_the_floor_is_that_of_the_condition(self):
        def work():
            for ms in (2, 2, 2, 2, 2, 9, 9, 9):
                nanosleep(ms / 1e3)
        with ks.RunningEvents("syscall", "--stats", "--where",
                              "syscall_name == 'nanosleep' and latency_ms > 7ms "
                              "and comm == 'floor-test'") as stream:
            pid, _ = in_child(lambda: (set_comm(b"floor-test"), work())[1])
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        events = stream.events()
        self.assertGreaterEqual(len(events), 3)
        self.assertGreaterEqual(ledger["seen"], 8)
        self.assertGreater(min(e["latency_ms"] for e in events), 7)
        self.assertEqual({e["pid"] for e in events}, {pid})

    def test_what_does_not_fit_into_the_ring_is_counted_exactly(self):
        calls = 50_021
        with ks.RunningEvents("syscall", "--stats", "--where",
                              self.RARE + "latency_ms > 0.000001") as stream:
            stream.process.send_signal(signal.SIGSTOP)
            in_child(lambda: self.make_calls(calls))
            stream.process.send_signal(signal.SIGCONT)
            ks.wait_for(lambda: stream.said("events lost"), 10, "word of the loss")
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        self.assertGreater(ledger["ring full"], 0)
        self.assertEqual(ledger["emitted"] + ledger["lost"], calls)
        self.assertEqual(ledger["emitted"], len(stream.events()))
        said = next(t for t in stream.err.texts() if "events lost" in t)
        self.assertIn(f"syscall: {ledger['lost']} events lost", said)

    def test_more_than_the_limit_is_counted_and_not_sent(self):
        limit, calls = 1000, 300_007
        began = time.monotonic()
        with ks.RunningEvents("syscall", "--stats", "--event-limit", limit, "--where",
                              "latency_ms >= 0 and syscall_name == 'getppid'") as stream:
            subprocess.run([ks.TOOLS / "syscall_loop", str(calls)], check=True,
                           stdout=subprocess.DEVNULL)
            seconds = time.monotonic() - began
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        self.assertGreaterEqual(ledger["seen"], calls)
        self.assertGreater(ledger["rate limited"], 0)
        self.assertGreaterEqual(ledger["emitted"], limit)
        self.assertLessEqual(ledger["emitted"], limit * os.cpu_count() * (seconds + 1))
        self.assertEqual(ledger["emitted"], len(stream.events()))

    def test_a_limit_that_is_none_is_refused(self):
        for command in (("run",), ("events", "syscall")):
            for text in ("", "-1", "many", "1000000001", "10 "):
                with self.subTest(command=command, text=text):
                    done = ks.run(*command, "--event-limit", text)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"no number up to 1000000000 or off: {text}", done.stderr)


@ks.needs_kernel
class ManyTasks(unittest.TestCase):
    """State that is kept for each task goes with the task."""

    def setUp(self):
        self.ks = ks.RunningEvents("syscall", "--stats").__enter__()
        self.addCleanup(self.ks.stop)

    def storm(self):
        tool = ks.TOOLS / "storm"
        subprocess.run([tool, "processes", "20000"], check=True)
        with subprocess.Popen([tool, "parked", "5000"], stdout=subprocess.PIPE) as parked:
            self.assertEqual(parked.stdout.readline(), b"parked\n")
            parked.kill()
        return parked.pid

    def maps(self):
        """Of each map of the running kernelsight: type, memory, and of a hash how full it is. (What
        a task storage holds is freed with the tasks by the kernel, and cannot be counted.)"""
        HASHES = {"1", "5", "9", "10"}
        found = {}
        for _, info in fdinfo(self.ks.process.pid):
            if "map_id" in info:
                full = info["map_type"] in HASHES and self.elements(info["map_id"])
                found[info["map_id"]] = (info["map_type"], info["memlock"], full)
        return found

    def elements(self, map_id):
        if not shutil.which("bpftool"):
            self.skipTest("bpftool is not installed")
        dump = subprocess.run(["bpftool", "-j", "map", "dump", "id", map_id], capture_output=True,
                              check=True)
        return len(json.loads(dump.stdout))

    def test_nothing_is_left_of_them(self):
        before = self.maps()
        self.assertGreaterEqual(len(before), 3)
        killed = self.storm()
        self.assertEqual(self.maps(), before)
        calls = 40
        pid, _ = in_child(lambda: [nanosleep(0.011) for _ in range(calls)])

        def caught():
            return [e for e in self.ks.events() if e["pid"] == pid]
        ks.wait_for(lambda: len(caught()) >= calls, 5, f"{calls} calls")
        self.assertEqual(len(caught()), calls)
        self.assertEqual([e for e in self.ks.events()
                          if e["pid"] == killed and e["tid"] != killed], [])
        self.ks.stop()
        self.assertEqual(self.ks.ledger()["no storage"], 0)


if __name__ == "__main__":
    unittest.main()
