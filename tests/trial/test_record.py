# SPDX-License-Identifier: BSD-2-Clause
"""Recording on the live kernel, and that a replay says what was said then."""
import gzip
import json
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path

import children
import ks

RULES = {"rules": [
    {"name": "slow", "on": "syscall", "by": ["comm", "pid"], "keep": "1s",
     "where": "comm like 'ks-*'", "when": {"value": "latency_ms", "above": "15ms"}},
    {"name": "busy", "on": "sched", "by": ["pid"], "where": "comm like 'ks-*'",
     "when": {"value": "sum(context_switches)", "window": "3s", "above": 2},
     "clear": {"for": "1s"}}]}


def naps(n, seconds=0.02):
    def work():
        children.set_comm(b"ks-napper")
        for _ in range(n):
            children.nanosleep(seconds)
    return work


class RunningRecorder(ks.Running):
    def __init__(self, *args):
        super().__init__("record", *args)

    def wait_ready(self):
        ks.wait_for(lambda: self.said("watching"), 20, "line 'watching'")


@ks.needs_kernel
class Record(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.file = self.dir / "capture.gz"

    def entries(self, path=None):
        with gzip.open(path or self.file) as f:
            return [json.loads(line) for line in f]

    def test_a_replay_says_what_the_run_said(self):
        rules = self.dir / "rules.json"
        rules.write_text(json.dumps({"version": 1, **RULES}))
        with ks.RunningDaemon(RULES, "--record", self.file) as daemon:
            with children.Child(naps(7)) as child:
                child.wait()
                daemon.wait_alert("slow", "resolved")
                daemon.wait_alert("busy", "resolved", timeout_s=20)
        live = daemon.out.texts()
        done = ks.run("replay", "--json", "-r", rules, self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertGreaterEqual(len(live), 4)
        self.assertEqual(done.stdout.splitlines(), live)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def test_a_reload_is_recorded_and_a_replay_says_so(self):
        rules = self.dir / "rules.json"
        with ks.RunningDaemon(RULES, "--record", self.file) as daemon:
            before = daemon.rules_path.read_text()
            with children.Child(naps(7)) as child:
                child.wait()
                daemon.wait_alert("slow")
            self.assertEqual(daemon.ask("reload").returncode, 0)
            with children.Child(naps(7)) as child:
                child.wait()
                daemon.wait_alert("busy", "resolved", timeout_s=20)
            same = daemon.out.texts()
            daemon.write_rules({"rules": [dict(RULES["rules"][0], severity="error")]})
            after = daemon.rules_path.read_text()
            self.assertEqual(daemon.ask("reload").returncode, 0)
            with children.Child(naps(7)) as child:
                child.wait()
                daemon.wait_alert("slow", where=lambda a: a["severity"] == "error")
        entries = self.entries()
        said = [entries[0]["rules"], *[e["rules"] for e in entries[1:] if "rules" in e]]
        self.assertEqual(len(said), 3)
        self.assertEqual(said[0], said[1])
        self.assertNotEqual(said[1], said[2])
        rules.write_text(before)
        replayed = ks.run("replay", "--json", "-r", rules, self.file)
        # the first reload changed nothing
        self.assertEqual(replayed.stdout.splitlines()[:len(same)], same)
        self.assertRegex(replayed.stderr, rf"\A\S+ replay: {self.file}: the rules were changed at "
                         r"\S+Z; all of it is judged by those given here, which are those of before\n\Z")
        rules.write_text(after)
        self.assertIn("which are those of after\n", ks.run("replay", "-r", rules, self.file).stderr)
        rules.write_text(json.dumps({"version": 1, "rules": RULES["rules"][1:]}))
        self.assertIn("by those given here\n", ks.run("replay", "-r", rules, self.file).stderr)

    def test_a_source_is_kept_to_the_last_event(self):
        with RunningRecorder("-o", self.file, "syscall") as recorder:
            with children.Child(naps(13)) as child:
                child.wait()
            recorder.stop()
        entries = self.entries()
        mine = [e for e in entries if e.get("pid") == child.pid and e["on"] == "syscall"]
        self.assertEqual([e["syscall_name"] for e in mine
                          if e["comm"] == "ks-napper"].count("nanosleep") +
                         [e["syscall_name"] for e in mine].count("clock_nanosleep"), 13)
        self.assertEqual(entries[-1], {"end": sum("on" in e for e in entries)})
        self.assertTrue(recorder.said(f"recorded {entries[-1]['end']} events to {self.file}"))

    def test_a_recorder_that_is_killed_leaves_what_it_had_flushed(self):
        with RunningRecorder("-o", self.file, "syscall") as recorder:
            with children.Child(naps(13)) as child:
                child.wait()

            def flushed():
                done = ks.run("replay", "--summary", self.file)
                return re.search(r"^[\d,]{2,} events", done.stdout, re.M)
            ks.wait_for(flushed, 10, "flush")
            recorder.process.send_signal(signal.SIGKILL)
            recorder.process.wait()
        done = ks.run("replay", "--summary", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("it breaks off after line", done.stderr)

    def test_what_was_there_is_moved_away(self):
        for _ in range(2):
            with RunningRecorder("-o", self.file, "tcp_retransmit") as recorder:
                self.assertEqual(recorder.stop(), 0)
        self.assertEqual(sorted(os.listdir(self.dir)), ["capture.gz", "capture.gz.1"])
        first, = [e["recording"] for e in self.entries(f"{self.file}.1") if "recording" in e]
        second, = [e["recording"] for e in self.entries() if "recording" in e]
        self.assertLess(first, second)

    def test_where_it_cannot_write_it_says_so(self):
        path = self.dir / "nowhere" / "capture.gz"
        done = ks.run("record", "-o", path, "syscall")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"kernelsight: cannot write {path}: No such file or directory", done.stderr)
        with RunningRecorder("-o", "/dev/full", "syscall") as recorder:
            ks.wait_for(lambda: recorder.said("/dev/full: No space left on device; nothing is "
                                              "recorded any more"), 10, "failure")
            self.assertEqual(recorder.stop(), 1)


if __name__ == "__main__":
    unittest.main()
