# SPDX-License-Identifier: BSD-2-Clause
"""`kernelsight diff`: what a change of rules changes in alerts."""
import json
import tempfile
import unittest
from pathlib import Path

import ks
from test_replay import call, lines


def rules(*rules):
    return {"version": 1, "rules": list(rules)}


def slow(limit, **more):
    return {"name": "slow", "on": "syscall", "by": ["comm"], "keep": "5s",
            "when": {"value": "latency_ms", "above": limit}, **more}


class Diff(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.capture = self.write("events", lines(
            [call(0, 500), call(3, 150), call(3.5, 500, comm="web"), call(20, 150, comm="web"),
             call(40, 150), call(41, 500), call(100)]))

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def diff(self, old, new, *options):
        return ks.run("diff", *options, self.write("old.json", json.dumps(old)),
                      self.write("new.json", json.dumps(new)), self.capture)

    def test_nothing_changes_with_the_same_rules(self):
        done = self.diff(rules(slow("100ms")), rules(slow("100ms", why="as before")))
        self.assertEqual((done.returncode, done.stdout),
                         (0, "0 lost, 0 gained, 0 changed, 4 the same\n"))

    def test_what_fires_at_the_end_under_both_is_one_alert_whatever_the_clock_did(self):
        path = self.write("capture", "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in (
            {"kernelsight": "capture", "format": 1, "version": "0", "recording": "0" * 26, "part": 0,
             "seed": "01", "rules": "00", "wall_offset_ns": 1_000_000_000},
            {"on": "syscall", "ts_ns": 1_000_000_000, "comm": "db", "latency_ms": 150},
            {"on": "syscall", "ts_ns": 5_000_000_000, "comm": "db", "latency_ms": 500},
            {"tick": 5_000_000_000, "wall_offset_ns": 999_999_000}, {"end": 2})))
        self.capture = path
        done = self.diff(rules(slow("100ms")), rules(slow("200ms")))
        self.assertEqual(done.stdout,
                         "changed  1970-01-01T00:00:06.000Z  slow  comm=db  warning  over 0 ns; "
                         "starts 4 s later\n0 lost, 0 gained, 1 changed, 0 the same\n", done.stderr)

    def test_what_fires_at_the_last_tick_is_the_same(self):
        rule = {"name": "mean", "on": "syscall",
                "when": {"value": "avg(latency_ms)", "window": "5s", "above": "50ms"}}
        path = self.write("rules.json", json.dumps(rules(rule)))
        event = {"on": "syscall", "timestamp": 1_500_000_000, "latency_ms": 90}
        done = ks.run("diff", path, path, self.write("events", json.dumps(event) + "\n"))
        self.assertEqual((done.returncode, done.stdout),
                         (0, "0 lost, 0 gained, 0 changed, 1 the same\n"))

    def test_a_higher_limit_loses_and_delays(self):
        done = self.diff(rules(slow("100ms")), rules(slow("200ms")))
        self.assertEqual(done.stdout, """\
lost     2026-11-22T10:04:51.000Z  slow  comm=web  warning  5 s
changed  2026-11-22T10:05:12.000Z  slow  comm=db  warning  5 s; starts 1 s later
1 lost, 0 gained, 1 changed, 2 the same
""")
        self.assertEqual(done.returncode, 1)
        back = self.diff(rules(slow("200ms")), rules(slow("100ms")))
        self.assertEqual(back.stdout, """\
gained   2026-11-22T10:04:51.000Z  slow  comm=web  warning  5 s
changed  2026-11-22T10:05:11.000Z  slow  comm=db  warning  6 s; starts 1 s earlier
0 lost, 1 gained, 1 changed, 2 the same
""")

    def test_json_says_the_same(self):
        old, new = rules(slow("100ms")), rules(slow("200ms", severity="error", keep="70s"))
        done = self.diff(old, new, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("\n"), 1)
        found = json.loads(done.stdout)
        said = self.diff(old, new).stdout.splitlines()
        self.assertEqual(said[-1], f"{found['lost']} lost, {found['gained']} gained, "
                                   f"{found['changed']} changed, {found['same']} the same")
        self.assertEqual([a["difference"] for a in found["alerts"]],
                         [line.split()[0] for line in said[:-1]])
        lost = next(a for a in found["alerts"] if a["difference"] == "lost")
        self.assertEqual((lost["rule"], lost["key"], lost["after"]), ("slow", "comm=web", None))
        self.assertEqual(lost["before"], {
            "severity": "warning", "started": "2026-11-22T10:04:51.000Z",
            "ended": "2026-11-22T10:04:56.000Z", "duration_s": 5,
            "summary": "latency_ms 150 ms, limit 100 ms (comm=web)"})
        changed = next(a for a in found["alerts"] if a["difference"] == "changed")
        self.assertEqual((changed["before"]["severity"], changed["after"]["severity"]),
                         ("warning", "error"))
        self.assertIsNone(changed["after"]["ended"])
        self.assertEqual(self.diff(old, old, "--json").stdout,
                         '{"lost":0,"gained":0,"changed":0,"same":4,"alerts":[]}\n')

    def test_another_severity_or_rule_shows(self):
        done = self.diff(rules(slow("400ms")), rules(slow("400ms", severity="critical")))
        self.assertEqual(done.stdout.count("; severity critical, was warning"), 3)
        done = self.diff(rules(slow("400ms")), rules(slow("400ms", name="slower")))
        self.assertIn("3 lost, 3 gained, 0 changed, 0 the same\n", done.stdout)

    def test_what_cannot_be_read_is_said(self):
        done = self.diff(rules(slow("100")), {"version": 1, "rules": [{"name": "x"}]})
        self.assertEqual(done.returncode, 2)
        self.assertIn('new.json:1:', done.stderr)
        done = ks.run("diff", self.dir / "none.json", self.dir / "new.json", self.capture)
        self.assertEqual(done.returncode, 2)
        self.assertIn("none.json: No such file or directory", done.stderr)
        done = ks.run("diff", self.dir / "new.json", self.dir / "new.json")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
