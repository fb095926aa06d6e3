"""Loop devices for tests, what the kernel counts of them, and requests that go past the page cache."""
import fcntl
import mmap
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

BLKDISCARD = 0x1277
STAT_COLUMNS = ("reads", "read_merges", "read_sectors", "read_ms", "writes", "write_merges",
                "write_sectors", "write_ms", "in_flight", "busy_ms", "weighted_ms", "discards",
                "discard_merges", "discard_sectors", "discard_ms", "flushes", "flush_ms")


class LoopDisk:
    """A loop device over a file of its own, through the page cache, or over another device, past it."""

    def __init__(self, size=16 << 20, over=None):
        self._size = size
        self._over = over
        self._direct = "on" if over else "off"

    def __enter__(self):
        if not self._over:
            self.image = tempfile.NamedTemporaryFile(prefix="kernelsight-disk-")
            self.image.truncate(self._size)
        done = subprocess.run(["losetup", "-f", "--show", "--direct-io=" + self._direct,
                               self._over or self.image.name], capture_output=True, text=True)
        if done.returncode:
            raise unittest.SkipTest("no loop device here: " + done.stderr.strip())
        self.path = done.stdout.strip()
        self.name = Path(self.path).name
        self._settings = {}
        return self

    def __exit__(self, *_):
        for name, value in self._settings.items():
            self._queue(name).write_text(value)
        subprocess.run(["losetup", "-d", self.path], check=False)
        if not self._over:
            self.image.close()

    def _queue(self, name):
        return Path("/sys/block", self.name, "queue", name)

    def set(self, name, value):
        """Changes a setting of its queue until the `with` ends."""
        old = self._queue(name).read_text()
        if "[" in old:
            old = old.split("[")[1].split("]")[0]
        self._settings.setdefault(name, old)
        self._queue(name).write_text(str(value))

    def stat(self):
        """What the kernel has counted so far, by STAT_COLUMNS."""
        columns = Path("/sys/block", self.name, "stat").read_text().split()
        return dict(zip(STAT_COLUMNS, map(int, columns)))


class Direct:
    """Requests to a device that go past the page cache, one at a time."""

    def __init__(self, path, size=4096):
        self._fd = os.open(path, os.O_RDWR | os.O_DIRECT)
        self._buffer = mmap.mmap(-1, size)
        self.size = size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)
        self._buffer.close()

    def read(self, offset=0):
        return os.preadv(self._fd, [self._buffer], offset)

    def write(self, offset=0):
        return os.pwritev(self._fd, [self._buffer], offset)

    def flush(self):
        os.fsync(self._fd)

    def discard(self, offset=0):
        fcntl.ioctl(self._fd, BLKDISCARD, struct.pack("QQ", offset, self.size))
