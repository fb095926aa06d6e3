# SPDX-License-Identifier: BSD-2-Clause
"""The control socket of a daemon on the live kernel, and the commands that use it."""
import json
import os
import resource
import socket
import stat
import tempfile
import time
import unittest
from pathlib import Path

import ks

RULES = {"rules": [
    {"name": "never", "why": "a call that nobody makes", "on": "syscall",
     "where": "syscall_name == 'swapoff'", "when": {"value": "latency_ms", "above": "1h"}},
    {"name": "busy", "why": "what every machine has", "on": "sched", "by": ["pid"],
     "when": {"value": "context_switches", "above": 0}, "keep": "1s"},
    {"name": "losses", "why": "what no rule has seen", "on": "self", "by": ["source"],
     "when": {"value": "lost", "above": 0}},
]}


def talk(path, *lines, timeout=10):
    """Sends lines on one connection; the replies."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout * ks.PATIENCE)
        s.connect(str(path))
        s.sendall(b"".join(line + b"\n" for line in lines))
        with s.makefile("rb") as replies:
            return [json.loads(replies.readline()) for _ in lines]


@ks.needs_kernel
class Socket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = ks.RunningDaemon(RULES)
        cls.addClassCleanup(cls.daemon.stop)
        cls.daemon.wait_ready()

    def status(self):
        done = self.daemon.ask("status", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_status_tells_sources_rules_and_counts(self):
        ks.wait_for(lambda: self.status()["fired"] > 0, 10, "fired alert in the status")
        status = self.status()
        self.assertEqual(status["pid"], self.daemon.process.pid)
        self.assertEqual({s["name"] for s in status["sources"] if s["attached"]},
                         {"syscall", "sched"})
        for source in status["sources"]:
            self.assertIsNone(source["error"])
            ledger = source["ledger"]
            self.assertEqual(ledger["seen"], sum(ledger[part] for part in (
                "filtered", "aggregated", "emitted", "ring_full", "no_storage", "map_full",
                "rate_limited")))
        self.assertGreater(sum(s["ledger"]["seen"] for s in status["sources"]), 0)
        self.assertEqual({rule["name"] for rule in status["rules"]}, {"never", "busy", "losses"})
        self.assertEqual(status["hooks"], [])

    def test_status_for_people_names_the_same(self):
        done = self.daemon.ask("status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("never", "busy", "syscall", "attached: ", "tp_btf/sys_exit", "emitted"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("hooks", done.stdout)
        self.assertNotIn("not attached", done.stdout)

    def test_only_root_may_use_it(self):
        mode = os.stat(self.daemon.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_requests_that_are_wrong_are_answered(self):
        replies = talk(self.daemon.socket, b"", b"{", b"[]", b'{"command": 3}', b'{"command":"x"}',
                       b"\xff\x00\n".strip(b"\n"), b'{"command": "status"}')
        self.assertEqual([r["ok"] for r in replies], [False] * 6 + [True])
        self.assertIn('no "command"', replies[2]["error"])
        self.assertIn('no command "x"', replies[4]["error"])

    def test_an_endless_request_is_cut_off(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10 * ks.PATIENCE)
            s.connect(str(self.daemon.socket))
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                for _ in range(1000):
                    s.sendall(b"x" * 65536)

    def test_clients_that_hang_shut_nobody_out(self):
        idle = [socket.socket(socket.AF_UNIX) for _ in range(29)]
        for s in idle:
            s.connect(str(self.daemon.socket))
            s.sendall(b'{"command"')
        try:
            self.assertTrue(self.status()["ok"])
        finally:
            for s in idle:
                s.close()

    def test_a_client_that_does_not_read_stops_nothing(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            s.connect(str(self.daemon.socket))
            s.setblocking(False)
            try:
                for _ in range(1009):
                    s.sendall(b'{"command":"status"}\n')
            except BlockingIOError:
                pass
            before = self.status()["events"]
            ks.wait_for(lambda: self.status()["events"] > before, 10, "further events")

    def test_without_descriptors_connections_wait_and_the_daemon_sleeps(self):
        pid = self.daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)

        def descriptors():
            time.sleep(0.05)
            return len(os.listdir(f"/proc/{pid}/fd"))
        fds = min(descriptors() for _ in range(29))  # while it measures its cost it has one more

        def asleep():
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30 * ks.PATIENCE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (fds, limits[1]))
            try:
                s.connect(str(self.daemon.socket))
                s.sendall(b'{"command":"status"}\n')
                ks.wait_for(lambda: self.daemon.said("cannot take a connection: Too many open files"),
                            10, "line about the descriptors")
                # one that tries again and again never sleeps, however little CPU time it gets
                found = 0
                for _ in range(29):
                    time.sleep(0.1)
                    found += asleep()
                self.assertGreater(found, 5)
                self.assertEqual(sum("cannot take a connection" in line
                                     for line in self.daemon.err.texts()), 1)
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            with s.makefile("rb") as replies:
                self.assertTrue(json.loads(replies.readline())["ok"])

    def test_a_second_daemon_says_so_and_runs_on(self):
        second = ks.RunningDaemon(RULES, "--socket", self.daemon.socket)
        with second:
            self.assertTrue(second.said("another daemon listens there"), second.err.texts())
            second.wait_alert("busy")
        self.assertEqual(self.status()["pid"], self.daemon.process.pid)


@ks.needs_kernel
class Life(unittest.TestCase):
    def test_the_socket_goes_with_the_daemon(self):
        with ks.RunningDaemon(RULES) as daemon:
            self.assertTrue(daemon.socket.exists())
            path = daemon.socket
            daemon.process.terminate()
            daemon.process.wait(20 * ks.PATIENCE)
            self.assertFalse(path.exists())

    def test_the_socket_of_a_killed_daemon_is_replaced(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "new" / "control.sock"
            for _ in range(2):
                with ks.RunningDaemon(RULES, "--socket", path) as daemon:
                    self.assertEqual(talk(path, b'{"command":"status"}')[0]["pid"],
                                     daemon.process.pid)
                    daemon.process.kill()
                    daemon.process.wait(20 * ks.PATIENCE)
                self.assertTrue(path.exists())

    def test_what_is_no_socket_is_left_alone(self):
        with tempfile.NamedTemporaryFile() as file:
            with ks.RunningDaemon(RULES, "--socket", file.name) as daemon:
                self.assertTrue(daemon.said("is there and no socket"))
            self.assertTrue(os.path.exists(file.name))


class NoDaemon(unittest.TestCase):
    def test_without_a_daemon_it_says_so(self):
        done = ks.run("status", "--socket", "/nonexistent/control.sock")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "kernelsight status: /nonexistent/control.sock: no daemon is "
                                      "running there\n")

    def test_wrong_usage(self):
        self.assertEqual(ks.run("status", "x").returncode, 2)
        self.assertEqual(ks.run("status", "--x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
