"""What a process holds of BPF, as the kernel and bpftool tell."""
import json
import subprocess
import unittest
from pathlib import Path


def fdinfo(pid):
    """(descriptor, {name: text} of what the kernel says of it) of each file a process has open."""
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = path.read_text().splitlines()
        except FileNotFoundError:
            continue  # it has closed a file meanwhile
        words = (line.split(":", 1) for line in lines if ":" in line)
        yield int(path.name), {name: text.strip() for name, text in words}


def links_of(pid):
    """The descriptors with which a process holds BPF programs attached: (descriptor, program's id)."""
    return [(fd, int(info["prog_id"])) for fd, info in fdinfo(pid)
            if "link_type" in info and "prog_id" in info]


def bpftool(*args):
    done = subprocess.run(["bpftool", "-j", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        raise unittest.SkipTest("bpftool does not work here: " + (done.stdout + done.stderr)[:200])
    return json.loads(done.stdout) if done.stdout else None
