"""The main job, end to end: a real fault, its rule, a real HTTP server and a real script."""
import contextlib
import ctypes
import datetime
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import faults
import ks
from netns import LossyLink
from receivers import Script, WebServer

RUNS_ALONE = True  # faults are to be seen within a second

SHIPPED = sorted((ks.ROOT / "rules").glob("[0-9]*.json"))


def shipped_rules(server, script, limits):
    """The rules of rules/ with a webhook and a script, quick to resolve, and some with other limits."""
    rules = []
    for path in SHIPPED:
        rules += json.loads(path.read_text())["rules"]
    for rule in rules:
        rule["hooks"] = ["web", "script"]
        if "window" in rule["when"]:
            rule["clear"] = dict(rule.get("clear", {}), **{"for": "1s"})
        else:
            rule["keep"] = "2s"
        if rule["name"] in limits:
            rule["when"]["above"] = limits[rule["name"]]
            rule["clear"]["below"] = limits[rule["name"]] // 2
            if ks.PATIENCE > 1:
                rule["where"] = rule["where"].replace("50us", "1ms")
    return {
        "hooks": {
            "web": {"type": "webhook", "url": server.url + "/"},
            "script": {"type": "exec", "user": "root", "on": ["firing", "resolved"],
                       "argv": [str(script.path), "{{pid}}", "{{value_text}}; $(id) `id`"]},
        },
        "rules": rules,
    }


@ks.needs_kernel
class Faults(unittest.TestCase):
    """Each fault makes exactly its rule fire, once, at once, with the right facts, and resolve. At once
    is within a second, which a machine that stops for a while cannot keep: then one of three times."""

    AT_ONCE_S = 1 if ks.PATIENCE == 1 else 20 * ks.PATIENCE  # an emulated machine keeps no second

    @contextlib.contextmanager
    def watched(self, limits):
        with tempfile.TemporaryDirectory(prefix="kernelsight-script-") as directory, \
                WebServer() as self.server:
            self.script = Script(directory)
            with ks.RunningDaemon(shipped_rules(self.server, self.script, limits)):
                yield

    def in_one_of_three(self, fault, limits={}):
        def attempt():
            with self.watched(limits):
                fault()
        ks.once_in(3, attempt)

    def assert_at_once(self, delay_s, what, at_once_s=AT_ONCE_S):
        self.assertLess(delay_s, at_once_s, f"{what}: {delay_s:.3f} s")

    def inject(self, work):
        """Starts the fault in a child process; its pid and the time it began."""
        began = time.monotonic()
        pid = faults.forked(work)
        self.addCleanup(faults.end, pid)
        return pid, began

    def posted(self, pids, state):
        return [(when, alert) for when, alert in self.server.alerts()
                if alert["state"] == state and (alert["process"] or {}).get("pid") in pids]

    def check_fired(self, rules, pids, timeout_s):
        """One alert of each of these rules reaches the server and the script, and no other; but a call
        may be told of that was slow since the process had no CPU, or a CPU that stood still."""
        n = len(rules)

        def fired_by():
            return [fired for fired in self.posted(pids, "firing") if fired[1]["rule"]["name"] in rules]
        ks.wait_for(lambda: len(fired_by()) >= n, timeout_s, f"{n} alerts at the server")
        for _, alert in self.posted(pids, "firing"):
            if alert["rule"]["name"] not in rules:
                self.assertEqual(alert["rule"]["name"], "slow-syscall")
                self.assertGreater(alert["event"]["on_cpu_ms"] + alert["event"]["runq_ms"], 9, alert)
        fired = fired_by()
        self.assertEqual(sorted(alert["rule"]["name"] for _, alert in fired), sorted(rules))
        ids = {alert["id"] for _, alert in fired}
        self.assertEqual(len(ids), n)
        ks.wait_for(lambda: ids <= {a["id"] for a in self.script.alerts("firing")}, 5,
                    "the same alerts at the script")
        for _, alert in fired:
            same = next(a for a in self.script.alerts("firing") if a["id"] == alert["id"])
            self.assertEqual(same, alert)
            self.assertEqual(self.script.arguments(alert),
                             [str(alert["event"]["pid"]), alert["value_text"] + "; $(id) `id`"])
        return fired

    def check_resolved(self, fired, pids, timeout_s):
        """Each resolves, in the same incident; afterwards nothing more has fired."""
        incidents = {alert["incident"] for _, alert in fired}
        rules = {alert["rule"]["name"] for _, alert in fired}

        def posted(state):
            return [alert for _, alert in self.posted(pids, state) if alert["rule"]["name"] in rules]
        ks.wait_for(lambda: {a["incident"] for a in posted("resolved")} == incidents,
                    timeout_s, "resolved alerts at the server")
        self.assertEqual(len(posted("firing")), len(fired))
        ks.wait_for(lambda: {a["incident"] for a in self.script.alerts("resolved")} >= incidents, 5,
                    "resolved alerts at the script")
        for alert in posted("resolved"):
            self.assertIsNotNone(alert["ended"])
            self.assertGreater(alert["ended"], alert["started"])
            first = next(a for _, a in fired if a["incident"] == alert["incident"])
            self.assertEqual(alert["process"], first["process"])

    def test_slow_reads_and_fsyncs(self):
        self.in_one_of_three(self.slow_reads_and_fsyncs)

    def slow_reads_and_fsyncs(self):
        with faults.SlowDisk(requests_per_s=5) as disk:
            def work():
                faults.set_comm("slow-disk")
                disk.join()
                disk.read_slowly(4)
                disk.fsync_slowly(4)

            pid, _ = self.inject(work)
            fired = self.check_fired(["slow-syscall", "slow-sync"], {pid}, 20)
            names = {a["event"]["syscall_name"] for _, a in fired}
            self.assertIn(names, ({"fsync", "preadv"}, {"fsync", "preadv2"}))
            for when, alert in fired:
                event = alert["event"]
                self.assertEqual(alert["key"], {"comm": "slow-disk",
                                                "syscall_name": event["syscall_name"]})
                limit = 100 if event["syscall_name"] == "fsync" else 10
                self.assertEqual((alert["unit"], alert["threshold"]), ("ms", limit))
                self.assertEqual(alert["value"], event["latency_ms"])
                self.assertGreater(alert["value"], limit)
                self.assertLess(alert["value"], 5000)
                self.assertEqual((event["pid"], event["comm"]), (pid, "slow-disk"))
                self.assertEqual(event["file_type"], "block")
                self.assertEqual(alert["process"]["uid"], 0)
                delay_s = time.time() - time.monotonic() + when - event["timestamp"] / 1e9
                self.assert_at_once(delay_s, event["syscall_name"])
            self.check_resolved(fired, {pid}, 15)

    @staticmethod
    def switches_per_s():
        """How many switches a second this machine makes in a ping-pong, of each player."""
        def work():
            faults.ping_pong(1)
        _, _, usage = os.wait4(faults.forked(work), 0)
        return usage.ru_nvcsw

    def test_context_switch_storm(self):
        # an emulated machine makes no 20,000, and the fewer the more looks at them
        limit = min(20000, self.switches_per_s() // (2 if ks.PATIENCE == 1 else 8))
        self.in_one_of_three(lambda: self.context_switch_storm(limit), {"context-switch-storm": limit})

    def context_switch_storm(self, limit):
        seconds = 60
        first = int(time.time())
        # of the player: its switches so far, at the end of each second
        switches = (ctypes.c_uint64 * seconds).from_buffer(mmap.mmap(-1, 8 * seconds))

        def count():
            usage = resource.getrusage(resource.RUSAGE_SELF)
            switches[int(time.time()) - first] = usage.ru_nvcsw + usage.ru_nivcsw

        def work():
            faults.set_comm("ping-pong")
            faults.ping_pong(4 * min(ks.PATIENCE, 2), count)

        pid, _ = self.inject(work)

        def processes():
            return [a["process"] for _, a in self.server.alerts() if a["process"]]

        players = ks.wait_for(
            lambda: {p["pid"] for p in processes() if pid in (p["pid"], p["ppid"])} - {pid}, 10,
            "alert of the other player") | {pid}
        fired = self.check_fired(["context-switch-storm"] * 2, players, 1)
        # the window's sum passes the limit by the end of the second that brings it there
        crossed = next((i for i, n in enumerate(switches)
                        if n - (switches[i - 5] if i > 4 else 0) > 5 * limit), None)
        self.assertIsNotNone(crossed, list(switches))
        for when, alert in fired:
            self.assertEqual(alert["event"]["comm"], "ping-pong")
            self.assertEqual((alert["unit"], alert["threshold"]), ("/s", limit))
            self.assertGreater(alert["value"], limit)
            self.assertEqual(alert["window_s"], 5)
            self.assertGreater(alert["event"]["voluntary_switches"], limit / 2)
            when += time.time() - time.monotonic()
            self.assert_at_once(when - (first + crossed + 1), "since the end of that second")
            # "started" is the first second at whose end the limit was passed
            started = datetime.datetime.fromisoformat(alert["started"]).timestamp()
            self.assert_at_once(when - started, "since it started", self.AT_ONCE_S / 2)
        self.check_resolved(fired, players, 20)

    def test_retransmit_spike(self):
        self.in_one_of_three(self.retransmit_spike)

    def retransmit_spike(self):
        with LossyLink() as link:
            listening = os.pipe()

            def serve():
                LossyLink.enter(link.server)
                with socket.create_server((link.server_address, 5001)) as listener:
                    os.write(listening[1], b"x")
                    connection, _ = listener.accept()
                    with connection:
                        while connection.recv(1 << 16):
                            pass

            server = faults.forked(serve)
            self.addCleanup(faults.end, server)
            os.read(listening[0], 1)
            link.drop_tenth()

            def send():
                faults.set_comm("sender")
                LossyLink.enter(link.client)
                with socket.create_connection((link.server_address, 5001)) as connection:
                    deadline = time.monotonic() + 4 * ks.PATIENCE
                    while time.monotonic() < deadline:
                        connection.sendall(b"x" * 1000)
                        time.sleep(0.002)

            pid, began = self.inject(send)
            fired = self.check_fired(["retransmit-spike"], {pid}, 15)
            when, alert = fired[0]
            event = alert["event"]
            self.assertEqual(alert["key"], {"daddr": link.server_address})
            self.assertEqual(event["daddr"], link.server_address)
            self.assertEqual((event["pid"], event["comm"], event["owner"]), (pid, "sender", "exact"))
            self.assertEqual((alert["threshold"], alert["window_s"]), (5, 10))
            self.assertGreater(alert["value"], 5)
            self.assertLess(alert["value"], 50)
            self.assertGreater(event["segments_sent"], event["retransmits"])
            crossed = event["timestamp"] / 1e9 + time.monotonic() - time.time()
            self.assert_at_once(when - crossed, "since the last retransmit")
            link.heal()
            self.check_resolved(fired, {pid}, 30)


@ks.needs_kernel
class Life(unittest.TestCase):
    """How the daemon starts and ends."""

    def test_ctrl_c_ends_it_with_a_summary(self):
        # a machine that stops may lose an event
        ks.once_in(3, self.ctrl_c_ends_it_with_a_summary)

    def ctrl_c_ends_it_with_a_summary(self):
        with ks.RunningDaemon() as daemon:
            daemon.process.send_signal(signal.SIGINT)
            self.assertEqual(daemon.process.wait(10 * ks.PATIENCE), 0)
            daemon.err.join()
            self.assertRegex(daemon.err.texts()[-1],
                             r"^kernelsight: \d+ events, \d+ matched, \d+ alerts fired, "
                             r"\d+ resolved; 0 events lost; hooks: ")

    def test_duration_ends_it(self):
        done = ks.run("run", "--duration", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_reader_that_leaves_ends_it(self):
        rules = {"version": 1,
                 "rules": [{"name": "sleepy", "on": "syscall", "by": ["pid"],
                            "where": "syscall_name == 'clock_nanosleep'",
                            "when": {"value": "latency_ms", "above": 10}}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(rules, file)
            file.flush()
            daemon = subprocess.Popen([ks.PROGRAM, "run", "-r", file.name], stderr=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE)
            self.addCleanup(daemon.kill)
            head = subprocess.Popen(["head", "-n", "1"], stdin=daemon.stdout,
                                    stdout=subprocess.DEVNULL)
            daemon.stdout.close()

            def ended():
                os.waitpid(faults.forked(lambda: time.sleep(0.05)), 0)
                return daemon.poll() is not None

            ks.wait_for(ended, 20, "end of kernelsight")
            self.assertEqual(daemon.wait(), 0)
            head.wait()

    SLEEPY = {"name": "sleepy", "on": "syscall", "by": ["tid"],
              "where": "syscall_name == 'clock_nanosleep'",
              "when": {"value": "latency_ms", "above": 10}}

    def test_a_reader_that_stops_reading_stops_nothing(self):
        with WebServer() as server:
            rules = {"hooks": {"web": {"type": "webhook", "url": server.url + "/"}},
                     "rules": [dict(self.SLEEPY, hooks=["web"], labels={"long": "x" * 400},
                                    why="y" * 2000)]}
            with tempfile.TemporaryDirectory() as directory:
                path = Path(directory) / "rules.json"
                path.write_text(json.dumps({"version": 1, **rules}))
                errors = open(Path(directory) / "errors", "w+b")
                self.addCleanup(errors.close)
                daemon = subprocess.Popen([ks.PROGRAM, "run", "-r", path], stderr=errors,
                                          stdout=subprocess.PIPE)
                self.addCleanup(daemon.stdout.close)
                self.addCleanup(daemon.kill)
                ks.wait_for(lambda: b"watching" in Path(errors.name).read_bytes(), 20, "start")
                # more documents than a pipe holds
                for _ in range(40):
                    os.waitpid(faults.forked(lambda: time.sleep(0.012)), 0)
                ks.wait_for(lambda: len(server.alerts()) >= 40, 10, "40 alerts at the server")
                daemon.terminate()
                self.assertEqual(daemon.wait(10 * ks.PATIENCE), 0)

    def test_a_second_signal_ends_the_wait_for_hooks(self):
        rules = {"hooks": {"dead": {"type": "webhook", "url": "http://127.0.0.1:9/"}},
                 "rules": [dict(self.SLEEPY, hooks=["dead"])]}
        with ks.RunningDaemon(rules) as daemon:
            os.waitpid(faults.forked(lambda: time.sleep(0.05)), 0)
            daemon.wait_alert("sleepy")
            daemon.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            self.assertIsNone(daemon.process.poll())
            daemon.process.send_signal(signal.SIGINT)
            # without the second signal it would be 5 s
            daemon.process.wait(3)

    def test_rules_named_but_not_there_are_an_error(self):
        with tempfile.TemporaryDirectory() as directory:
            done = ks.run("run", "-r", directory, "--duration", "1s")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no *.json", done.stderr)

    def test_a_duration_of_nothing_is_an_error(self):
        for command in (["run"], ["events", "sched"]):
            done = ks.run(*command, "--duration", "0s")
            self.assertEqual(done.returncode, 2)

    def test_a_full_disk_is_told_by_events(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([ks.PROGRAM, "events", "sched", "--duration", "2s"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=20 * ks.PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_in_a_namespace_of_its_own_it_does_not_report_itself(self):
        with subprocess.Popen(["unshare", "-p", "-f", ks.PROGRAM, "events", "syscall", "--duration",
                               "3s", "--where", "comm == 'kernelsight'"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            out, err = process.communicate(timeout=30 * ks.PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        self.assertNotIn(f'"ppid":{process.pid},', out)

    def test_without_the_right_it_says_what_is_needed(self):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            program = Path(directory) / "kernelsight"
            program.write_bytes(ks.PROGRAM.read_bytes())
            program.chmod(0o755)

            def work():
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)

            done = subprocess.run([program, "run"], capture_output=True, text=True, preexec_fn=work,
                                  cwd="/", timeout=10 * ks.PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("CAP_BPF and CAP_PERFMON", done.stderr)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
