"""What all figures share: programs that run for a while, what they cost, and the machine."""
import ctypes
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "lib"))
from ks import wait_for  # noqa: E402

RULES = TESTS.parent / "rules"
libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
MS_PRIVATE_RECURSIVE = 0x44000
BPF_STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
TRACEFS = "/sys/kernel/tracing"
BPF_TRACE = ("23", "24", "25")  # a tracepoint, the entry and the end of a function


class Missing(Exception):
    """Something that a figure needs is not on this machine; says what."""


@dataclass
class Bench:
    build: Path
    quick: bool
    directory: Path  # for temporary files

    @property
    def kernelsight(self):
        return self.build / "kernelsight"

    def tool(self, name):
        return self.build / "tests" / "tools" / name

    def scaled(self, full, quick):
        return quick if self.quick else full


class Program:
    """A program that runs until the `with` ends, or until bench itself does, however that comes.

    It is ready when `ready(program)` is true; standard output and error are in files.
    """

    def __init__(self, argv, ready, stop=signal.SIGTERM):
        self.argv = [str(a) for a in argv]
        self.ready = ready
        self.stop_signal = stop

    def __enter__(self):
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            wait_for(self._is_ready, 20, f"start of {self.argv[0]}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Missing(f"{' '.join(self.argv)} ended at once: {self.said().strip()}")
        return self.ready(self)

    def stop(self):
        """Ends it and returns what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # what it started and left
        except ProcessLookupError:
            pass
        return self.said()

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        """Standard error so far."""
        return os.pread(self.err.fileno(), 1 << 20, 0).decode(errors="replace")

    def printed(self):
        """Standard output so far."""
        return os.pread(self.out.fileno(), 1 << 20, 0).decode(errors="replace")


def kernelsight(bench, *args):
    return Program([bench.kernelsight, *args], lambda p: "watching" in p.said())


class Attached:
    """Ready when the program has hooks in the kernel, and for half a second no more of them."""

    def __init__(self):
        self.hooks = 0
        self.looks = 0

    def __call__(self, program):
        now = len(hooks_of(program.pid))
        self.looks = self.looks + 1 if now and now == self.hooks else 0
        self.hooks = now
        return self.looks >= 50


def fdinfo(pid):
    """(what, info) of each descriptor of a process that is an anonymous inode."""
    found = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            what = os.readlink(f"/proc/{pid}/fd/{fd}")
            if what.startswith("anon_inode:"):
                info = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
                found.append((what, dict(re.findall(r"^(\S+):\s+(\S+)", info, re.M))))
    except OSError:
        pass  # ended meanwhile
    return found


def hooks_of(pid):
    """The descriptors through which a process traces the kernel."""
    return [what for what, info in fdinfo(pid)
            if what == "anon_inode:[perf_event]"
            or info.get("link_type") in ("raw_tracepoint", "perf")
            or (info.get("link_type") == "tracing"
                and info.get("attach_type") in BPF_TRACE)]


def other_tracers():
    """Processes that trace this kernel now. To be called while nothing of bench does."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if hooks_of(pid):
            try:
                found.append(f"{Path(f'/proc/{pid}/comm').read_text().strip()}[{pid}]")
            except OSError:
                pass  # ended meanwhile
    return found


def cpu_time_ns(pid):
    """CPU time of all threads of a process so far, to the nanosecond."""
    return sum(int(Path(task, "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir())


def status_of(pid, name):
    """A number of /proc/PID/status, added up over all threads."""
    pattern = re.compile(rf"^{name}:\s+(\d+)", re.M)
    return sum(int(pattern.search(Path(task, "status").read_text()).group(1))
               for task in Path(f"/proc/{pid}/task").iterdir())


def memory_mb(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name.lower() + "_mb": int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) / 1024
            for name in ("Rss", "Pss")}


def in_kernel(pid):
    """Programs, and the memory of the maps by the kernel's own account."""
    infos = [info for _, info in fdinfo(pid)]
    maps = {info["map_id"]: int(info["memlock"]) for info in infos
            if "map_id" in info and "memlock" in info}
    programs = {info["prog_id"] for info in infos if "prog_type" in info}
    return {"programs": len(programs), "maps": len(maps), "map_mb": sum(maps.values()) / 1e6}


@contextmanager
def bpf_stats():
    """The kernel counts the runs of BPF programs and their time, which costs each run some time itself."""
    before = BPF_STATS.read_text()
    BPF_STATS.write_text("1")
    try:
        yield
    finally:
        BPF_STATS.write_text(before)


def program_times(pid):
    """{name: (ns, runs)} of the programs of a process since they were loaded, while bpf_stats() counted."""
    ids = {int(info["prog_id"]) for _, info in fdinfo(pid) if "prog_type" in info}
    done = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, text=True, check=True)
    times = {}
    for program in json.loads(done.stdout):
        if program["id"] in ids:
            ns, runs = times.get(program["name"], (0, 0))
            times[program["name"]] = (ns + program.get("run_time_ns", 0),
                                      runs + program.get("run_cnt", 0))
    return times


def call_cost_ns(bench, calls, burst=None, pause_us=0):
    """CPU time of one getppid, as tests/tools/syscall_loop measures it now."""
    argv = [bench.tool("syscall_loop"), str(calls)]
    if burst:
        argv += [str(burst), str(pause_us)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout) / calls


def alone(wait_s):
    """Does nothing trace this kernel? Waits a little for that. To be called as other_tracers()."""
    deadline = time.monotonic() + wait_s
    while other_tracers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def mount_tracefs():
    """Gives this process and its children a private tracefs where the machine has none mounted."""
    if Path(TRACEFS, "events").exists():
        return
    if libc.unshare(CLONE_NEWNS) < 0:
        return
    libc.mount(None, b"/", None, MS_PRIVATE_RECURSIVE, None)
    libc.mount(b"tracefs", TRACEFS.encode(), b"tracefs", 0, None)


def machine():
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory_kb = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1))
    return {
        "kernel": platform.release(),
        "arch": platform.machine(),
        "cpu": cpu.group(1) if cpu else "?",
        "cpus": os.cpu_count(),
        "memory_gib": round(memory_kb / 2**20, 1),
        "load": os.getloadavg()[0],
        "other_tracers": other_tracers(),
    }
