# SPDX-License-Identifier: BSD-2-Clause
"""`kernelsight test`: that it passes what is right, and says what is not, word for word."""
import json
import tempfile
import unittest
from pathlib import Path

import ks

SLOW = {"name": "slow", "on": "syscall", "by": ["comm"], "keep": "5s",
        "when": {"value": "latency_ms", "above": "10ms"}}
MANY = {"name": "many", "on": "syscall", "clear": {"for": "2s"},
        "when": {"value": "count()", "window": "5s", "above": 10}}


def document(events, expect, rules=(SLOW,), **more):
    return {"version": 1, "rules": list(rules),
            "tests": [{"name": "t", "events": events, "expect": expect, **more}]}


class RuleTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.path = self.dir / "t.json"

    def run_test(self, content):
        self.path.write_text(content if isinstance(content, str) else json.dumps(content))
        return ks.run("test", self.path)

    def assert_passes(self, *args, **kwargs):
        done = self.run_test(document(*args, **kwargs))
        self.assertEqual((done.returncode, done.stdout), (0, "1 passed, 0 failed\n"),
                         done.stdout + done.stderr)

    def assert_fails(self, report, *args, **kwargs):
        done = self.run_test(document(*args, **kwargs))
        self.assertEqual(done.stdout, f"FAILED {self.path}:1: t\n{report}0 passed, 1 failed\n",
                         done.stderr)
        self.assertEqual(done.returncode, 1)

    def assert_wrong(self, messages, content):
        done = self.run_test(content)
        self.assertEqual(done.returncode, 2)
        said = [line.removeprefix(f"{self.path}:1:").partition(" error: ")[2]
                for line in done.stderr.splitlines() if " error: " in line]
        self.assertEqual(said, messages)

    def count_fires_at(self, pattern, at, value=11):
        """By the alert of a rule that fires with the eleventh event in 5 s."""
        self.assert_passes([{"at": "1s", **pattern}],
                           [{"at": at, "alert": {"value": value}}], rules=[MANY])

    def test_the_tests_of_the_shipped_rules_pass(self):
        done = ks.run("test", ks.ROOT / "rules" / "tests")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for path in (ks.ROOT / "rules").glob("[0-9]*.json"):
            tests = json.loads((ks.ROOT / "rules" / "tests" / path.name).read_text())["tests"]
            fires = {e.get("rule") for t in tests if t["expect"] != "none" for e in t["expect"]}
            rules = [rule["name"] for rule in json.loads(path.read_text())["rules"]]
            for rule in rules:
                with self.subTest(rule):
                    self.assertTrue({rule} & fires or (fires == {None} and len(rules) == 1))

    def test_rules_may_stand_in_the_test_file_and_beside_it(self):
        (self.dir / "rules").mkdir()
        (self.dir / "rules" / "many.json").write_text(
            json.dumps({"version": 1, "rules": [MANY]}))
        content = document([{"at": "1s", "latency_ms": 11}], [{"rule": "slow", "at": "1s"}])
        content["rules"] = ["rules/many.json", SLOW, "rules/../rules/many.json"]
        done = self.run_test(content)
        self.assertEqual(done.returncode, 2)
        self.assertIn('rule "many" is already at', done.stderr)
        content["rules"] = ["rules", SLOW]
        self.assertEqual(self.run_test(content).returncode, 0)
        self.assertEqual(ks.run("test", "t.json", cwd=self.dir).returncode, 0)

    def test_mistakes_in_rules_have_their_place_in_the_test_file(self):
        done = self.run_test('{"version": 1, "tests": [{"name": "a", "events": [], "expect": '
                             '"none"}],\n "rules": ["none.json",\n  {"name": "x", "on": "sycall"}]'
                             ', "defaults": {"keep": 3}}')
        self.assertEqual(done.returncode, 2)
        self.assertIn(f":2:12: error: {self.dir}/none.json: No such file or directory",
                      done.stderr)
        done = self.run_test('{"version": 1, "tests": [{"name": "a", "events": [], "expect": '
                             '"none"}],\n "rules": [\n  {"name": "x", "on": "sycall"}]'
                             ', "defaults": {"keep": 3}}')
        self.assertIn(':3:23: error: unknown source "sycall"; did you mean "syscall"?',
                      done.stderr)
        self.assertIn(':3:56: error: found a number; expected a duration', done.stderr)

    def test_events_come_as_the_pattern_says(self):
        self.count_fires_at({"every": "100ms", "times": 11}, "2s")
        self.count_fires_at({"every": "100ms", "for": "1001ms"}, "2s")
        self.count_fires_at({"steady": "10/s", "for": "3s"}, "2s")
        self.count_fires_at({"burst": 11}, "1s")
        self.count_fires_at({"burst": 101, "for": "1010ms"}, "1.1s")
        # the integral of 4 t is 10 when t is the root of 5
        self.count_fires_at({"ramp": ["0/s", "40/s"], "for": "10s"}, "3.236067977s")
        self.count_fires_at({"ramp": ["40/s", "40/s"], "for": "1s"}, "1.25s")

    def test_poisson_is_the_same_with_the_same_seed_and_has_its_rate(self):
        rule = dict(MANY, when={"value": "count()", "window": "100s", "above": 1900})
        expect = [{"alert": {"value": 1901}}]
        self.assert_passes([{"at": "0s", "poisson": "20/s", "for": "100s", "seed": 1}], expect,
                           rules=[rule])
        rule["when"]["above"] = 2100
        self.assert_passes([{"at": "0s", "poisson": "20/s", "for": "100s", "seed": 1}], "none",
                           rules=[rule])

    def test_fields_vary(self):
        events = [{"at": "1s", "every": "1s", "times": 5, "latency_ms": {"from": "2ms", "to": 22}}]
        self.assert_passes(events, [{"at": "3s", "alert": {"value": 12}}])
        events = [{"at": "1s", "every": "1s", "times": 5, "latency_ms": 20,
                   "comm": {"cycle": ["a", "b"]}, "pid": {"from": 1, "to": 2}}]
        self.assert_passes(events, [
            {"at": "1s", "key": {"comm": "a"}, "alert": {"event.pid": 1, "process.pid": 1}},
            {"at": "2s", "key": {"comm": "b"}}])

    def test_fields_have_defaults_and_texts_of_the_process(self):
        self.assert_passes(
            [{"at": "1s"}], [{"at": "1s", "alert": {
                "event.pid": 1000, "event.comm": "x", "event.latency_ms": 50, "event.uid": 1000,
                "process.exe": "/bin/x", "process.cmdline": "x -y", "process.cgroup": None}}],
            event={"comm": "x", "latency_ms": "50ms", "exe": "/bin/x", "cmdline": "x -y"})
        # a process that is told of in one test is not known in another
        content = document([{"at": "1s", "latency_ms": 11, "exe": "/bin/a"}],
                           [{"alert": {"process.exe": "/bin/a"}}])
        content["tests"].append({"name": "u", "events": [{"at": "1s", "latency_ms": 11}],
                                 "expect": [{"alert": {"process.exe": None}}]})
        self.assertEqual(self.run_test(content).returncode, 0)

    def test_losses_keep_an_alert_up(self):
        slow = {"at": "1s", "latency_ms": 50}
        self.assert_passes([slow], [{"at": "1s"}, {"state": "resolved", "at": "6s"}])
        self.assert_passes([slow, {"at": "3.5s", "lost": 2}],
                           [{"at": "1s"}, {"state": "resolved", "at": "9s"}])

    def test_what_differs_is_said(self):
        self.assert_fails("""\
  line 1: slow firing at 2 s: came otherwise
    at
      expected  2 s, within 0.5 s
      got       1 s
    severity
      expected  "error"
      got       "warning"
    key.comm
      expected  "y"
      got       "x"
    summary
      expected  "?"
      got       "latency_ms 50 ms, limit 10 ms (comm=x), x[1000]"
    ended
      expected  "now"
      got       null
""", [{"at": "1s", "comm": "x", "latency_ms": 50}],
                          [{"at": "2s", "within": "500ms", "severity": "error",
                            "key": {"comm": "y"}, "alert": {"summary": "?", "ended": "now"}}])

    def test_what_did_not_come_and_what_came_besides_is_said(self):
        self.assert_fails("""\
  line 1: slow resolved: did not come
  not expected: slow firing at 1 s, comm=x
    latency_ms 50 ms, limit 10 ms (comm=x), x[1000]
""", [{"at": "1s", "comm": "x", "latency_ms": 50}], [{"state": "resolved"}])
        self.assert_fails("""\
  not expected: slow firing at 1 s, comm=x
    latency_ms 50 ms, limit 10 ms (comm=x), x[1000]
""", [{"at": "1s", "comm": "x", "latency_ms": 50}], "none")

    def test_why_an_alert_did_not_come_is_said(self):
        def missing(why, events, *rules, **more):
            self.assert_fails(f"  line 1: {rules[0]['name']} firing: did not come\n    {why}\n", events,
                              [{"rule": rules[0]["name"]}], rules=rules, **more)
        ours = {**SLOW, "where": "comm == 'db'"}
        busy = {"name": "busy", "on": "sched", "by": ["comm"], "for": "10s",
                "when": {"value": "rate(cpu_time_ms)", "window": "5s", "above": "500ms/s"}}
        missing("where: no event satisfied it yet", [{"at": "1s", "latency_ms": 50}], ours)
        missing("the nearest was 9 ms (comm=db), limit 10 ms; stopped by: threshold",
                [{"at": "1s", "comm": "db", "latency_ms": 9}], ours)
        missing("events: no event of sched came yet",
                [{"at": "1s", "on": "syscall", "latency_ms": 9}], busy, SLOW)
        missing("the nearest was 540 ms/s (comm=test), limit 500 ms/s; stopped by: for",
                [{"at": "1s", "on": "sched", "every": "1s", "times": 7, "cpu_time_ms": 900}], busy)
        missing("does not fire: member: slow: 0 alerts fire",
                [{"at": "1s", "on": "syscall", "latency_ms": 9}],
                {"name": "both", "sequence": ["slow", "busy"], "within": "10s"}, SLOW, busy)

    def test_the_time_of_a_test_ends_with_what_is_said_or_until(self):
        events = [{"at": "1s", "comm": "x", "latency_ms": 50}]
        self.assert_passes(events, [{"at": "1s"}], until="5s")
        self.assert_fails("""\
  not expected: slow resolved at 6 s, comm=x
    resolved after 5 s: latency_ms 50 ms, limit 10 ms (comm=x), x[1000]
""", events, [{"at": "1s"}], until="6s")

    def test_expectations_share_the_alerts_so_that_all_fit(self):
        def alert(comm, at, **more):
            return {"at": at, "comm": comm, "latency_ms": 11, **more}
        events = [alert("a", "1s"), alert("b", "2s"), alert("c", "3s")]
        key = {comm: {"rule": "slow", "key": {"comm": comm}} for comm in "abc"}
        any_one = {"rule": "slow"}
        late = {"rule": "slow", "at": "2s", "within": "1s"}
        for expect in ([any_one, key["a"], key["b"]], [any_one, any_one, key["a"]],
                       [late, any_one, key["a"]], [any_one, late, key["a"]],
                       [any_one, key["c"], key["a"]], [late, any_one, {**key["b"], "at": "2s"}]):
            with self.subTest(expect):
                self.assert_passes(events, expect)
        self.assert_fails("""\
  line 1: slow firing: came otherwise
    key.comm
      expected  "a"
      got       "c"
""", events, [any_one, key["a"], key["a"]])

    def test_no_event_comes_after_until(self):
        self.assert_passes([{"at": "2s", "latency_ms": 11}], [{"at": "2s"}], until="2s")
        content = ('{"version": 1, "rules": [' + json.dumps(SLOW) + '],\n'
                   '"tests": [{"name": "t", "expect": "none", "until": "2s", "events": [\n'
                   ' {"at": "1s"}, {"at": "3s"},\n {"at": "500ms", "every": "1s", "times": 3},\n'
                   ' {"at": "2100ms", "lost": 5}]}]}')
        done = self.run_test(content)
        self.assertEqual(done.returncode, 2)
        for place in ('3:23: error: event at 3 s comes after "until" 2 s',
                      '4:9: error: event at 2.5 s comes after "until" 2 s',
                      '5:9: error: loss at 2.1 s comes after "until" 2 s'):
            self.assertIn(f"{self.path}:{place}\n", done.stderr)

    def test_without_events_only_silence_can_be_tested(self):
        silent = {"name": "silent", "on": "syscall", "when": {"absent": "5s"}}
        self.assert_passes([], [{"at": "6s"}], rules=[silent], until="7s")
        self.assert_wrong(['this test asserts nothing: it has no events, and no rule waits for '
                           '"absent"'], document([], "none", until="5s"))


if __name__ == "__main__":
    unittest.main()
