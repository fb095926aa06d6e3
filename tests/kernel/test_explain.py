# SPDX-License-Identifier: BSD-2-Clause
"""`kernelsight explain`, and what status says of rules, on the live kernel and on a capture."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import ks
from test_reload import NAME, PORT_OF_NOBODY, Sleeper, slow

RULES = {"rules": [
    # a nap takes longer on a slow machine, but never so long
    slow("near", above="1h"),
    slow("fires"),
    {"name": "never", "why": "a call that nobody makes", "on": "syscall",
     "where": "syscall_name == 'swapoff'", "when": {"value": "latency_ms", "above": "1h"}},
    {"name": "busy", "why": "what uses a CPU", "on": "sched", "by": ["comm", "pid"], "for": "1h",
     "when": {"value": "rate(context_switches)", "window": "5s", "above": 1}},
    {"name": "host", "why": "without a key", "on": "sched",
     "when": {"value": "rate(context_switches)", "window": "5s", "above": 1e12}},
]}


def gates(document):
    return {gate["gate"]: (gate["passes"], gate["says"]) for gate in document["gates"]}


@ks.needs_kernel
class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sleeper = Sleeper().__enter__()
        cls.addClassCleanup(cls.sleeper.__exit__)
        cls.daemon = ks.RunningDaemon(RULES)
        cls.addClassCleanup(cls.daemon.stop)
        cls.daemon.wait_ready()
        cls.daemon.wait_alert("fires")

    def explain(self, *args):
        done = self.daemon.ask("explain", "--json", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_a_rule_that_fires(self):
        document = self.explain("fires", f"pid={self.sleeper.process.pid}")
        self.assertEqual((document["verdict"], document["known"]), ("fires", True))
        self.assertTrue(gates(document)["source"][0])
        self.assertEqual(gates(document)["silence"], (True, "there is none"))
        self.assertEqual(gates(document)["hooks"],
                         (None, "the rule names none: its alerts are only shown"))
        self.assertGreaterEqual(document["fired"], 1)
        self.assertGreater(document["cpu_ms"], 0)

    def test_the_nearest_miss_is_the_real_one(self):
        def miss():
            return self.explain("near")["nearest_miss"]
        found = ks.wait_for(miss, 10, "near miss")
        self.assertEqual(found["key"], f"pid={self.sleeper.process.pid}")
        self.assertGreater(found["value"], 29)
        limit_ms = 3_600_000
        self.assertLess(found["value"], limit_ms)
        self.assertEqual((found["limit"], found["gate"]), (limit_ms, "threshold"))
        self.assertAlmostEqual(found["lacks_percent"],
                               (limit_ms - found["value"]) / limit_ms * 100, delta=2e-6)

    def test_a_key_in_every_gate(self):
        def pending():
            document = self.explain("busy", "comm=" + NAME)
            # a key is known from its first event on, and judged at the next tick
            held = gates(document).get("for", (None, ""))[1]
            return document if "of 1 h" in held else None
        document = ks.wait_for(pending, 10, "pending alert of the sleeper")
        self.assertEqual(document["key"], f"comm={NAME},pid={self.sleeper.process.pid}")
        self.assertFalse(gates(document)["for"][0])
        closest = self.explain("busy", "comm=" + NAME + "x")["closest"]
        self.assertIn(f"comm={NAME},pid={self.sleeper.process.pid}", closest)

    def test_for_people(self):
        done = self.daemon.ask("explain", "never")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^rule never: does not fire: where: no event satisfied it yet\n")
        self.assertRegex(done.stdout, r"\n  ok    source +syscall is attached\n")
        self.assertRegex(done.stdout, r"\n  HOLD  where +no event satisfied it yet\n")
        self.assertIn("\nno miss in the last hour\n", done.stdout)

    def test_wrong_names(self):
        for args, said in ((("neverr",), 'no rule "neverr"; did you mean "never"?'),
                           (("busy", "pit=3"), 'has no key field "pit"; did you mean "pid"?')):
            done = self.daemon.ask("explain", *args)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        self.assertEqual(self.daemon.ask("explain").returncode, 2)

    def test_status_puts_the_suspicious_first(self):
        status = json.loads(self.daemon.ask("status", "--json").stdout)
        self.assertEqual(status["rules"][0]["name"], "never")
        self.assertEqual(status["rules"][0]["suspicious"], 'no event ever satisfied its "where"')
        fires = next(rule for rule in status["rules"] if rule["name"] == "fires")
        self.assertIsNone(fires["suspicious"])
        self.assertGreater(fires["matched"], 0)
        self.assertLess(fires["last_match_s"], 5)
        text = self.daemon.ask("status").stdout
        self.assertIn("suspicious, no event ever satisfied", text)
        self.assertNotIn("()", text)


@ks.needs_kernel
class Hooks(unittest.TestCase):
    def test_a_hook_that_fails_is_named(self):
        rules = {"hooks": {"page": {"type": "webhook", "url": f"http://127.0.0.1:{PORT_OF_NOBODY}/"}},
                 "rules": [slow("fires", hooks=["page"])]}
        with ks.RunningDaemon(rules) as daemon:
            def hooks():
                return gates(json.loads(daemon.ask("explain", "fires", "--json").stdout))["hooks"]
            self.assertEqual(hooks(), (True, "page"))
            with Sleeper():
                ks.wait_for(lambda: hooks()[0] is False, 10, "hook that fails")
                self.assertRegex(hooks()[1], r"^page \(\d+ failures? in a row, \d+ waiting: .+\)$")


class Capture(unittest.TestCase):
    """No kernel, no root: what rules know at the end of an event stream."""

    def explain(self, *args):
        with tempfile.TemporaryDirectory() as directory:
            rules, events = Path(directory) / "rules.json", Path(directory) / "events.jsonl"
            rules.write_text(json.dumps({"version": 1, "rules": [
                {"name": "many", "why": "x", "on": "syscall", "by": ["comm"],
                 "where": "latency_ms >= 10ms",
                 "when": {"value": "count()", "window": "10s", "above": 5}}]}))
            lines = [{"on": "syscall", "timestamp": 1795000000000000000 + i * 10**9, "comm": "dd",
                      "latency_ms": 12} for i in range(5)]
            events.write_text("".join(json.dumps(line) + "\n" for line in lines))
            return ks.run("explain", "--capture", events, "-r", rules, *args)

    def test_the_gates_at_the_end(self):
        done = self.explain("many", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        self.assertEqual(document["key"], "comm=dd")
        self.assertEqual(gates(document)["threshold"],
                         (False, "count() is 5 over 10 s, must be above 5"))
        self.assertEqual(gates(document)["source"][1], "syscall is read from the capture")
        self.assertEqual(document["nearest_miss"]["value"], 5)

    def test_what_is_wrong(self):
        self.assertEqual(self.explain("other").returncode, 1)
        self.assertEqual(ks.run("explain", "x", "--capture", "/nonexistent").returncode, 2)
        self.assertEqual(ks.run("explain", "x", "-r", "/nonexistent").returncode, 2)
        self.assertEqual(subprocess.run([ks.PROGRAM, "explain", "a", "b=1", "c"],
                                        capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
