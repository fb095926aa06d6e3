"""What BPF programs a process holds attached, as the kernel and bpftool tell."""
import json
import subprocess
import unittest
from pathlib import Path


def links_of(pid):
    """The descriptors with which a process holds BPF programs attached: (descriptor, program's id)."""
    found = []
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = info.read_text().splitlines()
        except FileNotFoundError:
            continue  # it has closed a file meanwhile
        words = dict(line.split(":", 1) for line in lines if ":" in line)
        if "link_type" in words and "prog_id" in words:
            found.append((int(info.name), int(words["prog_id"])))
    return found


def bpftool(*args):
    done = subprocess.run(["bpftool", "-j", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        raise unittest.SkipTest("bpftool does not work here: " + (done.stdout + done.stderr)[:200])
    return json.loads(done.stdout) if done.stdout else None
