"""Forked children that make system calls, for tests of what the sources see of them.

Calls are made by number, so that it is known which ones; CLOCK_MONOTONIC, which time.monotonic_ns()
reads, is also the clock of the events, so a call's latency has to lie between facts.
"""
import ctypes
import json
import os
import platform
import signal
import threading
import time
import traceback
from pathlib import Path

import ks

libc = ctypes.CDLL(None, use_errno=True)

NUMBERS = {
    "x86_64": {"read": 0, "nanosleep": 35, "flock": 73, "ioprio_get": 252, "getrandom": 318},
    "aarch64": {"read": 63, "nanosleep": 101, "flock": 32, "ioprio_get": 31, "getrandom": 278},
}.get(platform.machine(), {})


class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


def call(name, *arguments):
    """The system call of that name: what it returned, -errno on failure."""
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    ret = libc.syscall(ctypes.c_long(NUMBERS[name]), *longs)
    return -ctypes.get_errno() if ret == -1 else ret


def nanosleep(seconds):
    duration = Timespec(int(seconds), int(seconds % 1 * 1e9))
    return call("nanosleep", ctypes.byref(duration), None)


def set_comm(name):
    PR_SET_NAME = 15
    libc.prctl(PR_SET_NAME, name, 0, 0, 0)


def timed(work, *arguments):
    """Calls work; what it returned, how long it took at the most, and the wall clock around it."""
    wall_ns, began_ns = time.time_ns(), time.monotonic_ns()
    ret = work(*arguments)
    ended_ns, wall_end_ns = time.monotonic_ns(), time.time_ns()
    return {"ret": ret, "ms": (ended_ns - began_ns) / 1e6, "from": wall_ns, "to": wall_end_ns}


def run_delay_ms():
    """How long this thread has been ready and waiting for a CPU so far."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6


def accounted(work, *arguments):
    """timed(), and where that time went, as the kernel charged this thread: on a CPU, ready for one, and
    the rest. Each is at least what the work itself had of it, but for least_rest_ms, which is at most
    that."""
    began = time.monotonic()
    cpu, ready = time.thread_time(), run_delay_ms()
    made = timed(work, *arguments)
    made["cpu_ms"], made["ready_ms"] = (time.thread_time() - cpu) * 1e3, run_delay_ms() - ready
    made["rest_ms"] = (time.monotonic() - began) * 1e3 - made["cpu_ms"] - made["ready_ms"]
    made["least_rest_ms"] = made["ms"] - made["cpu_ms"] - made["ready_ms"]
    return made


def blocked_call(pid, tid=None):
    """The number of the system call that a thread is blocked in; None if it is in none."""
    try:
        word = Path(f"/proc/{pid}/task/{tid or pid}/syscall").read_text().split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(word) if word.isdigit() else None


def wait_until_blocked(pid, name=None, tid=None):
    """Until a thread is blocked in the system call of that name, or in any."""
    def is_blocked():
        number = blocked_call(pid, tid)
        return number is not None and name in (None, *(n for n in NUMBERS if NUMBERS[n] == number))
    ks.wait_for(is_blocked, 20, f"thread {tid or pid} in {name or 'a call'}")


def fork_writer(descriptor, after_s, name=None):
    """A child that writes one byte to the descriptor when this thread has been blocked, in the call of
    that name or in any, for so long; not waited for."""
    pid, tid = os.getpid(), threading.get_native_id()
    if os.fork() == 0:
        try:
            wait_until_blocked(pid, name, tid)
            time.sleep(after_s)
            os.write(descriptor, b"x")
        finally:
            os._exit(0)


def interrupt(pid, number):
    """Sends a signal for which the process has a handler, and waits until it was taken."""
    def is_pending():
        status = Path(f"/proc/{pid}/status").read_text()
        masks = [line.split()[1] for line in status.splitlines()
                 if line.startswith(("SigPnd", "ShdPnd"))]
        return any(int(mask, 16) >> number - 1 & 1 for mask in masks)
    os.kill(pid, number)
    ks.wait_for(lambda: not is_pending(), 20, f"taken signal {number}")


class Child:
    """A forked process that runs work() and ends. Reaped by wait(), and at the end of the `with`,
    which kills it if it still runs."""

    def __init__(self, work):
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(work, writer)
        os.close(writer)
        self._reader = reader
        self.status = self.usage = None

    @staticmethod
    def _live(work, writer):
        code = 1
        try:
            os.write(writer, json.dumps(work()).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self._reader)

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """Waits for its end: what it used, as getrusage(2) gives it."""
        if self.status is None:
            _, self.status, self.usage = os.wait4(self.pid, 0)
        return self.usage

    def result(self):
        """Waits for its end: what work() returned, through JSON."""
        self.wait()
        if self.status != 0:
            raise AssertionError(f"child {self.pid} ended with status {self.status}")
        return json.loads(os.read(self._reader, 1 << 16))


def in_child(work):
    """Runs work() in a child: the child's pid and what work() returned."""
    with Child(work) as child:
        return child.pid, child.result()
