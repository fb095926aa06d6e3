"""Real faults: a slow disk, a ping-pong over pipes, a network that drops packets."""
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path


def forked(work):
    """Runs work() in a child process and gives its pid; the child never returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        work()
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def end(pid):
    """Ends a child by pid, whatever it does."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def set_comm(name):
    Path("/proc/self/comm").write_text(name)


class SlowDisk:
    """
    A loop device that answers a number of requests a second, or so many bytes of reads, to the
    processes that join: the rest waits in the kernel's throttle (cgroup v1 blkio or v2 io).
    """

    def __init__(self, requests_per_s=20, bytes_per_s=None):
        self.rate = requests_per_s
        self.bytes_per_s = bytes_per_s

    def __enter__(self):
        self._image = tempfile.NamedTemporaryFile(prefix="kernelsight-disk-")
        self._image.truncate(16 << 20)
        done = subprocess.run(["losetup", "-f", "--show", self._image.name], capture_output=True,
                              text=True)
        if done.returncode:
            self._image.close()
            raise unittest.SkipTest("no loop device here: " + done.stderr.strip())
        self.device = done.stdout.strip()
        try:
            self._throttle()
        except OSError as error:
            self.__exit__()
            raise unittest.SkipTest(f"no I/O throttle here: {error}")
        return self

    def _throttle(self):
        number = os.stat(self.device).st_rdev
        device = f"{os.major(number)}:{os.minor(number)}"
        v1 = Path("/sys/fs/cgroup/blkio")
        root = v1 if v1.is_dir() else Path("/sys/fs/cgroup")
        self._group = root / f"kernelsight-test-{os.getpid()}"
        if root is not v1:
            (root / "cgroup.subtree_control").write_text("+io")
        self._group.mkdir()
        if root is v1:
            for way in ("read", "write"):
                path = self._group / f"blkio.throttle.{way}_iops_device"
                path.write_text(f"{device} {self.rate}")
            if self.bytes_per_s:
                path = self._group / "blkio.throttle.read_bps_device"
                path.write_text(f"{device} {self.bytes_per_s}")
        else:
            (self._group / "io.max").write_text(
                f"{device} riops={self.rate} wiops={self.rate} rbps={self.bytes_per_s or 'max'}")

    def join(self):
        """The calling process gets the slow disk from now on."""
        (self._group / "cgroup.procs").write_text(str(os.getpid()))

    def __exit__(self, *_):
        subprocess.run(["losetup", "-d", self.device], check=False)
        self._image.close()
        group = getattr(self, "_group", None)
        for _ in range(100):
            try:
                if group and group.exists():
                    group.rmdir()
                return
            except OSError:
                time.sleep(0.02)

    def read_slowly(self, times):
        """Reads past the page cache; all but the first wait for the throttle."""
        descriptor = os.open(self.device, os.O_RDONLY | os.O_DIRECT)
        buffer = mmap.mmap(-1, 4096)
        for i in range(times):
            os.preadv(descriptor, [buffer], i * 4096)
        os.close(descriptor)

    def fsync_slowly(self, times):
        """How long each took, in ms."""
        took_ms = []
        descriptor = os.open(self.device, os.O_RDWR)
        for i in range(times):
            os.pwrite(descriptor, os.urandom(4096), i * 4096)
            began = time.monotonic()
            os.fsync(descriptor)
            took_ms.append((time.monotonic() - began) * 1e3)
        os.close(descriptor)
        return took_ms


def ping_pong(seconds, meanwhile=lambda: None):
    """Two processes on one CPU hand a byte to and fro; the caller is one of them, and calls meanwhile()
    again and again."""
    there, back = os.pipe(), os.pipe()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    def answer():
        os.close(there[1])
        while os.read(there[0], 1):
            os.write(back[1], b"x")

    other = forked(answer)
    os.close(there[0])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for _ in range(200):
            os.write(there[1], b"x")
            os.read(back[0], 1)
        meanwhile()
    os.close(there[1])
    os.waitpid(other, 0)
