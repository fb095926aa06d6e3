"""Maps of another process, opened and changed by their id: what bpftool has no words for."""
import ctypes
import os
import platform
import re
from pathlib import Path

from bpf_links import bpftool, fdinfo

LOOKUP, UPDATE, DELETE, GET_FD_BY_ID = 1, 2, 3, 14
BPF_CALL = {"x86_64": 321, "aarch64": 280}.get(platform.machine())

libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    """union bpf_attr, as far as elements of maps need it; the first word is also map_id."""
    _fields_ = [("map_fd", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("key", ctypes.c_uint64),
                ("value", ctypes.c_uint64), ("flags", ctypes.c_uint64)]


def bpf(command, attributes):
    done = libc.syscall(ctypes.c_long(BPF_CALL), ctypes.c_long(command), ctypes.byref(attributes),
                        ctypes.c_long(ctypes.sizeof(attributes)))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


class Map:
    def __init__(self, number):
        self._fd = bpf(GET_FD_BY_ID, Attributes(number))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def delete(self, key):
        key = ctypes.c_uint32(key)
        bpf(DELETE, Attributes(self._fd, key=ctypes.addressof(key)))

    def count(self, key, words, at):
        """Adds one to a 64-bit word of a value, which has so many; of the first CPU where each has its
        own value."""
        key, value = ctypes.c_uint32(key), (ctypes.c_uint64 * words)()
        where = Attributes(self._fd, key=ctypes.addressof(key), value=ctypes.addressof(value))
        bpf(LOOKUP, where)
        value[at] += 1
        bpf(UPDATE, where)


def possible_cpus():
    """How many CPUs a value for each CPU is for."""
    return 1 + int(re.findall(r"\d+", Path("/sys/devices/system/cpu/possible").read_text())[-1])


def maps_of(pid, name):
    """What bpftool says of the maps of that name which a process holds."""
    ids = {int(info["map_id"]) for _, info in fdinfo(pid) if "map_id" in info}
    shown = (bpftool("map", "show", "id", number) for number in ids)
    return [info for info in shown if info.get("name") == name]
