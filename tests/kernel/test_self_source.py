"""The source `self`: kernelsight's own ledger, its cost, and the canary, on the live kernel."""
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

import ks
from children import Child, nanosleep
from disks import Direct, LoopDisk


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


@ks.needs_kernel
class Self(unittest.TestCase):
    def of(self, stream, source):
        return [e for e in stream.events() if e.get("source") == source and "seen" in e]

    def test_every_second_has_the_ledger_of_each_source(self):
        calls = 300_007
        with ks.RunningEvents("self", "syscall", "--stats") as stream:
            ks.wait_for(lambda: self.of(stream, "syscall"), 5, "first sample")
            subprocess.run([ks.TOOLS / "syscall_loop", str(calls)], check=True,
                           capture_output=True)
            ks.wait_for(lambda: sum(e["seen"] for e in self.of(stream, "syscall")) >= calls, 5,
                        f"{calls} calls in the ledger")
        for e in self.of(stream, "syscall"):
            self.assertEqual(e["seen"], e["filtered"] + e["aggregated"] + e["emitted"] +
                             e["ring_full"] + e["no_storage"] + e["map_full"] + e["rate_limited"])
            self.assertGreater(e["memory_bytes"], 2 << 20)
        self.assertEqual({e["source"] for e in stream.events() if "given_up" in e},
                         {"syscall", "processes", "kernelsight"})

    def test_the_cost_is_measured_while_there_is_one(self):
        with subprocess.Popen([ks.TOOLS / "syscall_loop", "2000000000"],
                              stdout=subprocess.DEVNULL) as load:
            try:
                with ks.RunningEvents("self", "syscall") as stream:
                    costly = ks.wait_for(
                        lambda: [e for e in self.of(stream, "syscall") if e["cpu_time_ms"]], 10,
                        "a measured cost")
            finally:
                load.kill()
        # a loop of calls that does nothing else spends a good part of its time in the programs
        self.assertGreater(costly[0]["cpu_time_ms"], 10)
        self.assertLess(costly[0]["cpu_share"], 100)

    def test_the_cost_of_walks_is_that_of_a_second_wherever_the_measurement_falls(self):
        with ks.RunningEvents("self", "sched") as stream:
            ks.wait_for(lambda: [e for e in self.of(stream, "sched")
                                 if e["cpu_time_ms"] is not None], 10, "a measured cost")
            measured = [e for e in self.of(stream, "sched") if e["cpu_time_ms"] is not None]
        # a walk over a few hundred threads: neither nothing nor that of ten
        for e in measured:
            self.assertGreater(e["cpu_time_ms"], 0.01)

    def test_a_source_that_has_gone_silent_is_noticed(self):
        with ks.RunningEvents("self", "syscall") as stream:
            ks.wait_for(lambda: self.of(stream, "syscall"), 5, "first sample")
            self.assertEqual(self.of(stream, "syscall")[-1]["silent"], 0)
            control = control_map_of(stream.process.pid, "on_sys_exit")
            nothing = ["00"] * control["bytes_value"]
            bpftool("map", "update", "id", control["id"], "key", "0", "0", "0", "0",
                    "value", "hex", *nothing)
            # calls that were under way are still counted as they end, which is a sign of life
            ks.wait_for(lambda: self.of(stream, "syscall")[-1]["silent"], 60,
                        "notice of a source that sees nothing")

    def test_nothing_is_silent_on_a_quiet_machine(self):
        with ks.RunningEvents("self", "syscall", "sched", "tcp_retransmit") as stream:
            time.sleep(4)
        samples = [e for e in stream.events() if "given_up" in e]
        self.assertGreaterEqual(len({e["source"] for e in samples}), 4)
        self.assertEqual([e for e in samples if e["silent"] or e["lost"]], [])


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
                return {e["source"] for e in samples()[-20:] if e["silent"]}
            time.sleep(12)  # a window of the canary, and more
            self.assertEqual([e for e in samples() if e["silent"]], [])
            programs = sum(self.DEAD.values(), [])
            self.detach(stream.process.pid, programs)
            ks.wait_for(lambda: silent() >= set(self.DEAD), 60,
                        f"notice of {set(self.DEAD)}")
            self.assertEqual(silent(), set(self.DEAD))


@ks.needs_kernel
class Governor(unittest.TestCase):
    RULE = {"name": "slow-to-get-a-cpu", "on": "sched",
            "when": {"value": "max(runq_p99_us)", "window": "5s", "above": "1h"}}
    GIVEN_UP = {"name": "gave-up", "on": "self", "by": ["source"],
                "when": {"value": "max(given_up)", "window": "3s", "above": 0}}

    def test_over_its_budget_it_gives_up_an_optional_part_and_says_so(self):
        with ks.RunningDaemon({"rules": [self.RULE, self.GIVEN_UP]}, "--cpu-budget",
                              "0.001%") as daemon:
            ks.wait_for(lambda: daemon.said("gives up run-queue latency of sched"), 20,
                        "line about the part given up")
            _, alert = daemon.wait_alert("gave-up")
        self.assertEqual(alert["key"], {"source": "sched"})
        self.assertEqual(alert["value"], 1)

    def test_instead_of_whole_calls_it_looks_at_waits_in_them(self):
        slow = {"name": "slow", "on": "syscall", "by": ["pid"], "where": "syscall_name == 'nanosleep'",
                "when": {"value": "latency_ms", "above": "50ms"}}
        with ks.RunningDaemon({"rules": [slow]}, "--cpu-budget", "0.001%") as daemon:
            ks.wait_for(lambda: daemon.said("gives up whole calls of syscall"), 20,
                        "line about the part given up")
            pids = []
            for _ in range(11):  # over the change from the one to the other
                with Child(lambda: nanosleep(0.3)) as child:
                    child.wait()
                pids.append(child.pid)
            events = [daemon.wait_alert("slow", where=lambda a: a["key"]["pid"] == pid)[1]["event"]
                      for pid in pids]
        self.assertEqual((events[0]["measured"], events[-1]["measured"]), ("call", "wait"))
        for event in events:
            self.assertGreater(event["latency_ms"], 299)  # by another clock
            self.assertLess(event["latency_ms"], 300 + 200 * ks.PATIENCE)

    def test_with_a_generous_budget_it_gives_up_nothing(self):
        with ks.RunningDaemon({"rules": [self.RULE, self.GIVEN_UP]}, "--cpu-budget",
                              "100%") as daemon:
            time.sleep(5)
            self.assertFalse(daemon.said("gives up"))
            self.assertEqual(daemon.alerts(), [])

    def test_a_budget_that_is_none_is_an_error(self):
        for text in ("0%", "101%", "5", "5 furlongs", ""):
            done = ks.run("run", "--cpu-budget", text)
            self.assertEqual(done.returncode, 2, text)
