"""What `kernelsight events syscall` says of calls whose truth is known from the outside."""
import contextlib
import ctypes
import datetime
import json
import mmap
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
from children import (NUMBERS, Child, accounted, blocked_call, call, fork_writer, in_child, interrupt, libc,
                      nanosleep, set_comm, timed, wait_until_blocked)
from faults import SlowDisk

DESIGN_KEYS = ["timestamp", "time_str", "pid", "tid", "syscall", "syscall_name", "latency_ms",
               "comm"]
BIG_READ = 1 << 28


def on_signal(number, restart=False):
    """Gives the calling process a handler of that signal that does nothing."""
    signal.signal(number, lambda *_: None)
    signal.siginterrupt(number, not restart)


def read_late_byte():
    """A read from a pipe that takes more than 50 ms."""
    reader, writer = os.pipe()
    fork_writer(writer, 0.05)
    return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)


def wait_for_nothing():
    select.epoll().poll(60)


def interrupted_sleep():
    """A call that a handler breaks off after 50 ms and more, in a child: its pid and accounted()."""
    def work():
        on_signal(signal.SIGALRM)
        return accounted(nanosleep, 60)
    with Child(work) as child:
        wait_until_blocked(child.pid, "nanosleep")
        time.sleep(0.05)
        child.signal(signal.SIGALRM)
        return child.pid, child.result()


class SourceTest(unittest.TestCase):
    def of(self, pid, n=1, name=None):
        """The events of a child; waits until there are n, and for those that are too many. (Its pid may
        have been that of another process before.)"""
        def found():
            return [e for e in self.ks.events() if (e["pid"], e["ppid"]) == (pid, os.getpid())
                    and name in (None, e["syscall_name"])]
        if n:
            ks.wait_for(lambda: len(found()) >= n, 5, f"{n} events of process {pid}")
        time.sleep(0.02)
        return found()

    def only(self, pid, name):
        """The one event of a process with that name. (On a machine that stops for a while any other call
        may be slow too.)"""
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
        event = self.only(pid, "nanosleep")
        self.assertEqual(list(event)[:len(DESIGN_KEYS)], DESIGN_KEYS)
        self.assertEqual((event["tid"], event["syscall_name"], event["ret"], event["abi"]),
                         (pid, "nanosleep", 0, "native"))
        self.assertEqual((event["ppid"], event["uid"]), (os.getpid(), os.getuid()))
        self.assert_true_latency(event, 30, made)

    def test_the_time_is_that_of_the_wall_clock(self):
        pid, made = in_child(lambda: timed(nanosleep, 0.02))
        event = self.only(pid, "nanosleep")
        self.assertGreater(event["timestamp"], made["from"] - 100_000_000)
        self.assertLess(event["timestamp"], made["to"] + 100_000_000)
        said = datetime.datetime.strptime(event["time_str"], "%Y-%m-%dT%H:%M:%S.%f%z")
        since = said - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        self.assertEqual(since // datetime.timedelta(milliseconds=1),
                         event["timestamp"] // 1_000_000)

    def test_a_wait_is_measured(self):
        with self.subTest("poll"):
            pid, made = in_child(lambda: timed(libc.poll, None, 0, 41))
            event, = [e for e in self.of(pid) if e["syscall_name"] in ("poll", "ppoll")]
            self.assert_true_latency(event, 41, made)
        with self.subTest("read"):
            pid, made = in_child(read_late_byte)
            event = self.only(pid, "read")
            self.assertEqual(event["ret"], 1)
            self.assert_true_latency(event, 50, made)

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
            self.assert_true_latency(event, 10, call_made)
        # one of them may have been held up between the clock and the call
        halves = [event["latency_ms"] > call_made["ms"] / 2 for event, call_made in zip(events, made)]
        self.assertGreaterEqual(sum(halves), calls - 1, (events, made))

    def test_a_short_call_is_not_reported(self):
        pid, made = in_child(lambda: [timed(nanosleep, 0.002) for _ in range(100)])
        self.assertLessEqual(len(self.of(pid, 0, "nanosleep")), sum(m["ms"] >= 10 for m in made))

    def test_what_the_first_argument_is_open_on_is_named(self):
        with self.subTest("a pipe"):
            event = self.only(in_child(read_late_byte)[0], "read")
            self.assertEqual((event["file_type"], event["file_system"]), ("pipe", "pipefs"))
        with self.subTest("no descriptor"):
            event = self.only(in_child(lambda: nanosleep(0.02))[0], "nanosleep")
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
                wait_until_blocked(child.pid, "flock")
                time.sleep(0.02)
                libc.flock(holder, 8)
                self.assertEqual(child.result(), 0)
            os.close(holder)
            event = self.only(child.pid, "flock")
        self.assertEqual(event["file_type"], "regular")
        # stat names ext2, ext3 and ext4 by the number that they share
        self.assertIn(event["file_system"], done.stdout.strip().split("/") + ["ext4"])

    def test_a_call_interrupted_by_a_handler_ends_at_the_signal(self):
        pid, made = interrupted_sleep()
        event = self.only(pid, "nanosleep")
        self.assertEqual((made["ret"], event["ret"]), (-4, -4))
        self.assert_true_latency(event, 50, made)

    def test_a_call_restarted_after_a_handler_is_two(self):
        reader, writer = os.pipe()

        def work():
            on_signal(signal.SIGALRM, restart=True)
            return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)
        with Child(work) as child:
            wait_until_blocked(child.pid, "read")
            time.sleep(0.05)
            interrupt(child.pid, signal.SIGALRM)
            wait_until_blocked(child.pid, "read")
            time.sleep(0.06)
            os.write(writer, b"x")
            made = child.result()
        os.close(reader)
        os.close(writer)
        first, second = self.of(child.pid, 2, "read")
        self.assertEqual((made["ret"], first["ret"], second["ret"]), (1, -4, 1))
        self.assertGreaterEqual(first["latency_ms"], 50)
        self.assertGreaterEqual(second["latency_ms"], 60)
        self.assertLessEqual(first["latency_ms"] + second["latency_ms"], made["ms"])

    def assert_one_sleep(self, pid, at_least_ms, made):
        event = self.only(pid, "nanosleep")
        self.assertEqual((made["ret"], event["ret"]), (0, 0))
        self.assert_true_latency(event, at_least_ms, made)
        self.assertNotIn("restart_syscall", {e["syscall_name"] for e in self.of(pid)})

    def test_a_stopped_sleep_is_one_call_by_its_own_name(self):
        with Child(lambda: timed(nanosleep, 0.15)) as child:
            wait_until_blocked(child.pid, "nanosleep")
            child.signal(signal.SIGSTOP)
            time.sleep(0.2)
            child.signal(signal.SIGCONT)
            made = child.result()
        self.assert_one_sleep(child.pid, 150, made)

    def test_a_sleep_stopped_for_no_time_again_and_again_is_one_call(self):
        with Child(lambda: timed(nanosleep, 0.15)) as child:
            wait_until_blocked(child.pid, "nanosleep")
            for _ in range(10):
                time.sleep(0.01)
                child.signal(signal.SIGSTOP)
                child.signal(signal.SIGCONT)
            made = child.result()
        self.assert_one_sleep(child.pid, 150, made)

    def test_a_condition_on_the_name_does_not_hide_how_the_call_went_on(self):
        with ks.RunningEvents("syscall", "--where", "syscall_name == 'nanosleep'") as stream:
            with Child(lambda: timed(nanosleep, 0.1)) as child:
                wait_until_blocked(child.pid, "nanosleep")
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
        reader, writer = os.pipe()

        def work():
            return timed(call, "read", reader, ctypes.create_string_buffer(1), 1)
        with Child(work) as child:
            wait_until_blocked(child.pid, "read")
            child.signal(signal.SIGSTOP)
            time.sleep(0.1)
            child.signal(signal.SIGCONT)
            wait_until_blocked(child.pid, "read")
            time.sleep(0.02)
            os.write(writer, b"x")
            made = child.result()
        os.close(reader)
        os.close(writer)
        events = self.of(child.pid, 1, "read")
        self.assertLessEqual(sum(e["latency_ms"] for e in events), made["ms"])
        self.assertEqual(events[-1]["ret"], 1)
        self.assertNotIn("restart_syscall", {e["syscall_name"] for e in self.ks.events()})

    def test_a_killed_thread_is_not_reported(self):
        with self.subTest("the process is killed"), Child(lambda: nanosleep(60)) as child:
            wait_until_blocked(child.pid, "nanosleep")
            time.sleep(0.02)
        self.assertEqual(self.of(child.pid, 0, "nanosleep"), [])
        with self.subTest("in a call that is never restarted"), Child(wait_for_nothing) as child:
            wait_until_blocked(child.pid)
            time.sleep(0.02)
        self.assertEqual(self.of(child.pid, 0, "epoll_wait"), [])
        with self.subTest("the process ends under the thread"):
            def leave():
                thread = threading.Thread(target=nanosleep, args=(60,), daemon=True)
                thread.start()
                wait_until_blocked(os.getpid(), "nanosleep", thread.native_id)
                time.sleep(0.02)
            self.assertEqual(self.of(in_child(leave)[0], 0, "nanosleep"), [])

    def test_an_exec_by_another_thread_starts_afresh(self):
        def work():
            def replace():
                wait_until_blocked(os.getpid(), "nanosleep")
                time.sleep(0.02)
                os.execv(shutil.which("sleep"), ["sleep", "0.06"])
            threading.Thread(target=replace).start()
            nanosleep(60)
        began = time.monotonic()
        with Child(work) as child:
            child.wait()
        lived_ms = (time.monotonic() - began) * 1e3

        def slept():
            return [e for e in self.of(child.pid, 0, "clock_nanosleep")
                    if e["tid"] == child.pid and e["comm"] == "sleep"]
        ks.wait_for(slept, 5, "sleep of the new program")
        self.assertEqual(len(slept()), 1)
        self.assertGreaterEqual(slept()[0]["latency_ms"], 60)
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
        ks.wait_for(lambda: made.poll() is not None or blocked_call(made.pid) == 162, 20, "sleep")
        if made.poll() is None:
            made.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            made.send_signal(signal.SIGCONT)
        if made.wait() == 77:
            self.skipTest("no 32-bit system calls on this machine")
        ks.wait_for(lambda: [e for e in self.of(made.pid, 0) if e["abi"] == "i386"], 5, "event")
        event, = [e for e in self.of(made.pid) if e["abi"] == "i386"]
        self.assertEqual((event["syscall"], event["syscall_name"]), (162, "nanosleep"))
        self.assertGreaterEqual(event["latency_ms"], 150)


def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def pin():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@ks.needs_kernel
class WhereTheTimeWent(SourceTest):
    """On a CPU, waiting for one, or blocked."""

    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents("syscall").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def assert_split(self, events, made):
        """No part is more than what the kernel charged the thread for around the calls, nor, as the
        parts add up to the latency, less than that but for what the thread did besides. The kernel's
        sums are right to a tick."""
        for event in events:
            self.assertAlmostEqual(event["on_cpu_ms"] + event["runq_ms"] + event["blocked_ms"],
                                   event["latency_ms"], places=3)
            self.assertEqual(event["measured"], "call")
        for part, charged in (("on_cpu_ms", "cpu_ms"), ("runq_ms", "ready_ms"),
                              ("blocked_ms", "rest_ms")):
            self.assertLess(sum(e[part] for e in events), 2 + 1.05 * made[charged], (events, made))

    def of_child(self, work, name):
        """The event of the one call that a child made, pinned to a CPU, and accounted() of it."""
        def pinned():
            pin()
            return work()
        pid, made = in_child(pinned)
        event = self.only(pid, name)
        self.assert_split([event], made)
        return event, made

    @staticmethod
    def random_bytes(size=1 << 25):
        """A call that never blocks."""
        return accounted(call, "getrandom", ctypes.create_string_buffer(size), size, 0)

    def test_a_call_that_works(self):
        event, made = self.of_child(self.random_bytes, "getrandom")
        self.assertLess(event["latency_ms"], made["ms"])
        self.assertGreater(event["on_cpu_ms"], 10)

    def test_a_call_that_works_while_others_have_the_cpu(self):
        def hog():
            pin()
            spin(60)
        with Child(hog), Child(hog), Child(hog):
            event, _ = self.of_child(self.random_bytes, "getrandom")
        self.assertGreater(event["runq_ms"], 10)

    def test_a_call_that_sleeps(self):
        event, made = self.of_child(lambda: accounted(nanosleep, 0.05), "nanosleep")
        self.assertGreater(event["blocked_ms"], made["least_rest_ms"] - 1)

    def test_a_call_that_waits_for_a_disk(self):
        with SlowDisk(requests_per_s=10) as disk:
            def work():
                pin()
                disk.join()
                disk.fsync_slowly(3)
            pid, made = in_child(lambda: accounted(work))
            events = self.of(pid, 1, "fsync")
        self.assert_split(events, made)
        told = sum(e["blocked_ms"] + e["runq_ms"] for e in events)
        self.assertGreater(told, sum(e["latency_ms"] for e in events) - made["cpu_ms"] - 2)

    def test_a_sleep_that_a_handler_breaks_off(self):
        pid, made = interrupted_sleep()
        event = self.only(pid, "nanosleep")
        self.assertEqual(event["ret"], -4)
        self.assert_split([event], made)
        self.assertGreater(event["blocked_ms"], made["least_rest_ms"] - 1)


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
            fork_writer(there, 0.05, "read")
            made = [accounted(nanosleep, 0.05), accounted(libc.poll, None, 0, 40),
                    accounted(call, "read", here, ctypes.create_string_buffer(1), 1)]
            call("getrandom", ctypes.create_string_buffer(1 << 24), 1 << 24, 0)
            spin(0.05)
            return made
        with ks.RunningDaemon(self.rules()) as daemon:
            pid, made = in_child(work)

            def found():
                return {e["syscall_name"]: e for e in waits_of(daemon, pid)}
            ks.wait_for(lambda: {"nanosleep", "read"} < found().keys() and len(found()) > 2, 5, "waits")
            time.sleep(0.02)
        os.close(here)
        os.close(there)
        events = found()
        self.assertNotIn("getrandom", events)
        slept, read = events["nanosleep"], events["read"]
        polled = events.get("poll") or events["ppoll"]
        self.assertEqual((read["file_type"], read["file_system"]), ("pipe", "pipefs"))
        for event, around in zip((slept, polled, read), made):
            # in the clock of the scheduler
            self.assertLess(event["blocked_ms"], around["rest_ms"] + 0.5)
            self.assertGreater(event["blocked_ms"], around["least_rest_ms"] - 0.5)
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
            ks.wait_for(lambda: "fsync" in {e["syscall_name"] for e in waits_of(daemon, pid)}, 5,
                        "wait of fsync")

    def test_a_killed_wait_is_not_reported(self):
        with ks.RunningDaemon(self.rules()) as daemon:
            with Child(lambda: nanosleep(60)) as child:
                wait_until_blocked(child.pid, "nanosleep")
                time.sleep(0.05)
            with Child(lambda: nanosleep(0.05)) as after:
                after.wait()
            ks.wait_for(lambda: waits_of(daemon, after.pid), 5, "the wait after it")
            self.assertEqual(waits_of(daemon, child.pid), [])

    @staticmethod
    def sleep_in_children(lengths):
        """A child for each nap: for how long it was blocked at least and at most, by its pid."""
        naps = {}
        for length in lengths:
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                made = accounted(nanosleep, length)
                os.write(writer, json.dumps([made["least_rest_ms"], made["rest_ms"]]).encode())
                os._exit(0)
            os.wait()
            naps[pid] = json.loads(os.read(reader, 100))
            os.close(reader)
            os.close(writer)
        return naps

    def must_be_found(self, naps):
        """Those of sleep_in_children() that were blocked for longer than the floor for certain."""
        return {int(pid) for pid, (least_ms, _) in naps.items() if least_ms > self.FLOOR_MS + 0.5}

    def test_a_change_of_rules_loses_no_call(self):
        """The kernel may refuse storage while it is at work on that of others: but not each time, and what
        is missing for that is counted each time."""
        uncounted = []
        ks.once_in(3, lambda: self.change_rules(uncounted))
        self.assertEqual(uncounted, [])

    def change_rules(self, uncounted):
        """From waits to calls and back, while a thread sleeps all the time."""
        def sleeps():
            naps = {}
            for _ in range(83):
                nanosleep(0.02)
                naps |= self.sleep_in_children([0.02])
            return naps
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
                wanted = self.must_be_found(child.result())

                def found():
                    return [a["event"] for _, a in daemon.alerts(state="firing")
                            if a["event"]["ppid"] == child.pid]

                def missing():
                    return wanted - {e["pid"] for e in found()}

                def without_storage():
                    status = json.loads(daemon.ask("status", "--json").stdout)
                    return next(source["ledger"]["no_storage"] for source in status["sources"]
                                if source["name"] == "syscall")
                try:
                    ks.wait_for(lambda: not missing(), 5, "waits of all that slept")
                except AssertionError as error:
                    if len(missing()) > without_storage():
                        uncounted.append((missing(), daemon.err.texts()))
                    raise error
        events = found()
        self.assertEqual(len(events), len({e["pid"] for e in events}))
        self.assertGreater(len(wanted), 41)
        self.assertEqual({e["measured"] for e in events}, {"call", "wait"})

    def test_the_exact_mode_finds_the_same_calls(self):
        """Both at once, over the same sleeps of random length on one CPU. A wait ends when the thread
        is woken, in the clock of the scheduler: half a millisecond apart at the most."""
        def work():
            pin()
            lengths = random.Random(1)
            return self.sleep_in_children([lengths.uniform(0.002, 0.04) for _ in range(53)])
        slept = f"blocked_ms > {self.FLOOR_MS}ms and syscall_name == 'nanosleep'"
        with ks.RunningEvents("syscall", "--where", slept) as calls, \
                ks.RunningDaemon(self.rules(where=slept)) as waits:
            pid, naps = in_child(work)
            wanted = self.must_be_found(naps)

            def both():
                return [{e["pid"]: e["blocked_ms"] for e in events if e["ppid"] == pid}
                        for events in (calls.events(),
                                       [a["event"] for _, a in waits.alerts(state="firing")])]
            ks.wait_for(lambda: all(found.keys() >= wanted for found in both()), 5,
                        f"{len(wanted)} calls by both ways")
            time.sleep(0.1)
            by_call, by_wait = both()
        self.assertGreater(len(wanted), 20)
        for found in by_call, by_wait:
            for pid, blocked_ms in found.items():
                self.assertLess(blocked_ms, naps[str(pid)][1] + 0.5)
        for pid in by_call.keys() ^ by_wait.keys():
            self.assertAlmostEqual({**by_call, **by_wait}[pid], self.FLOOR_MS, delta=0.5)
        for pid in by_call.keys() & by_wait.keys():
            self.assertAlmostEqual(by_wait[pid], by_call[pid], delta=0.5)


@ks.needs_kernel
class Start(unittest.TestCase):
    """Calls that are under way while the programs are being attached."""

    PROCESSES, STARTS = int(150 / ks.PATIENCE), 5

    def test_a_beginning_whose_end_was_not_seen_is_no_slow_call(self):
        """Of such a call the time until the next would be told, which comes 12 ms later and more."""
        longest_ns = (ctypes.c_uint64 * self.PROCESSES).from_buffer(
            mmap.mmap(-1, ctypes.sizeof(ctypes.c_uint64) * self.PROCESSES))

        def work(i):
            while True:
                began = time.monotonic_ns()
                call("ioprio_get", 1, 0)
                longest_ns[i] = max(longest_ns[i], time.monotonic_ns() - began)
                nanosleep(0.012)

        def too_long(told, children):
            """Told of calls that took less, as the process itself measured it."""
            longest = {child.pid: ns / 1e6 for child, ns in zip(children, longest_ns)}
            return [e for e in told if e["latency_ms"] > longest.get(e["pid"], 0)]

        with contextlib.ExitStack() as stack:
            children = [stack.enter_context(Child(lambda i=i: work(i)))
                        for i in range(self.PROCESSES)]
            for _ in range(self.STARTS):
                done = ks.run("events", "syscall", "--duration", "1s", "--where",
                              f"syscall_name == 'ioprio_get' and ppid == {os.getpid()}")
                self.assertEqual(done.returncode, 0, done.stderr)
                told = [json.loads(line) for line in done.stdout.splitlines()]
                if too_long(told, children):
                    time.sleep(1)  # one may not have come to write down how long it took
                self.assertEqual(too_long(told, children), [])
            self.assertGreater(min(longest_ns), 0)


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
        # the kernel may have no storage for a task of somebody else in a moment when it is at work on it
        self.assertLess(ledger["lost"], calls / 1000)
        self.assertEqual(ledger["lost"], ledger["no storage"])
        self.assertEqual(ledger["emitted"], len(stream.events()))

    def test_a_floor_under_the_tick_catches_every_call(self):
        calls = 2003
        with ks.RunningEvents("syscall", "--stats", "--where",
                              self.RARE + "latency_ms > 0.000001") as stream:
            pid, _ = in_child(lambda: self.make_calls(calls))
            stream.stop()
            ledger = stream.ledger()
        self.assert_adds_up(ledger)
        self.assertEqual(sum(e["pid"] == pid for e in stream.events()), calls)
        self.assertEqual(ledger["seen"], ledger["emitted"])
        self.assertEqual(ledger["emitted"], len(stream.events()))

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
            stream.stop()
            seconds = time.monotonic() - began
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
                    self.assertIn(f'whole number from 0 to 1000000000, not "{text}"', done.stderr)


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
            return [e for e in self.ks.events()
                    if e["pid"] == pid and e["syscall_name"] == "nanosleep"]
        ks.wait_for(lambda: len(caught()) >= calls, 5, f"{calls} calls")
        self.assertEqual(len(caught()), calls)
        self.assertEqual([e for e in self.ks.events()
                          if e["pid"] == killed and e["tid"] != killed], [])
        self.ks.stop()
        # of 25,000 tasks the kernel may have had none for a few, while it was at work on their storage
        self.assertLess(self.ks.ledger()["no storage"], 250)


if __name__ == "__main__":
    unittest.main()
