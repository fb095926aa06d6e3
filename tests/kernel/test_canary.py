"""A source whose programs have died is noticed, on the live kernel."""
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

import ks
from bpf_links import bpftool, links_of
from children import Child
from disks import Direct, LoopDisk


def control_map_of(pid, program):
    """The control block of the source that has this program."""
    for _, number in links_of(pid):
        info = bpftool("prog", "show", "id", number)
        if info["name"] != program:
            continue
        for number in info["map_ids"]:
            found = bpftool("map", "show", "id", number)
            if found.get("name", "").startswith(".data.control"):
                return found
    raise AssertionError(f"no control map of {program}")


def samples_of(stream, source):
    return [e for e in stream.events() if e.get("source") == source and "seen" in e]


@ks.needs_kernel
class Silence(unittest.TestCase):
    def test_a_source_that_has_gone_silent_is_noticed(self):
        with ks.RunningEvents("self", "syscall") as stream:
            ks.wait_for(lambda: samples_of(stream, "syscall"), 5, "first sample")
            self.assertEqual(samples_of(stream, "syscall")[-1]["silent"], 0)
            control = control_map_of(stream.process.pid, "on_sys_exit")
            nothing = ["00"] * control["bytes_value"]
            bpftool("map", "update", "id", control["id"], "key", "0", "0", "0", "0",
                    "value", "hex", *nothing)
            # calls that were under way are still counted as they end, which is a sign of life
            ks.wait_for(lambda: samples_of(stream, "syscall")[-1]["silent"], 60,
                        "notice of a source that sees nothing")

    def test_nothing_is_silent_on_a_quiet_machine(self):
        samples = []

        def attempt():
            """While the reader stands still something may be lost, in what other tests do."""
            with ks.RunningEvents("self", "syscall", "sched", "tcp_retransmit") as stream:
                time.sleep(4)
            own = [e for e in stream.events() if "given_up" in e]
            samples.extend(own)
            self.assertGreaterEqual(len({e["source"] for e in own}), 4)
            self.assertEqual([e for e in own if e["lost"]], [])
        ks.once_in(3, attempt)
        self.assertEqual([e for e in samples if e["silent"]], [])


class Traffic:
    """A little of everything that a source looks at, until the `with` ends."""

    def __enter__(self):
        self._disk = LoopDisk().__enter__()
        self._stop = False

        def work():
            with Direct(self._disk.path) as requests, \
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                while not self._stop:
                    requests.read()
                    try:
                        udp.sendto(b"x", ("127.0.0.1", 9))
                    except ConnectionRefusedError:
                        pass
                    time.sleep(0.05)

        def compete():
            """Several on one CPU: they wait for each other."""
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            while True:
                sum(range(1000))
        self._thread = threading.Thread(target=work)
        self._thread.start()
        self._hogs = [Child(compete).__enter__() for _ in range(3)]
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()
        for hog in self._hogs:
            hog.__exit__()
        self._disk.__exit__()


@ks.needs_kernel
@unittest.skipUnless(shutil.which("gdb"), "gdb is not installed")
class Canary(unittest.TestCase):
    """Of each source one path dies, while others of its paths and all other sources live on."""

    DEAD = {"syscall": ["on_sys_enter"], "sched": ["on_switch_states"], "io": ["on_complete"],
            "page_fault": ["on_user_fault", "on_kernel_fault"], "net": ["on_send", "on_receive"],
            "tcp_retransmit": ["on_destroy"]}

    @staticmethod
    def detach(pid, programs):
        """Has the process close what attaches these programs."""
        links = {bpftool("prog", "show", "id", number)["name"]: descriptor
                 for descriptor, number in sorted(links_of(pid), key=lambda link: link[1])}
        # of two that have the same name, as on_destroy of net and tcp, the last
        calls = [f"-ex=call (int)close({links[name]})" for name in programs]
        subprocess.run(["gdb", "-batch", "-nx", "-p", str(pid), *calls], check=True,
                       capture_output=True)

    def test_a_path_that_has_died_is_noticed_though_the_others_live(self):
        with Traffic(), ks.RunningEvents("self", "syscall", "sched", "io", "page_fault", "net",
                                         "tcp") as stream:
            def samples():
                return [e for e in stream.events() if "given_up" in e]

            def silent():
                return {e["source"] for e in samples() if e["silent"]}
            time.sleep(12)  # a window of the canary, and more
            self.assertEqual(silent(), set())
            programs = sum(self.DEAD.values(), [])
            self.detach(stream.process.pid, programs)
            ks.wait_for(lambda: silent() >= set(self.DEAD), 60,
                        f"notice of {set(self.DEAD)}")
            self.assertEqual(silent(), set(self.DEAD))
