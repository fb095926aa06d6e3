# SPDX-License-Identifier: BSD-2-Clause
"""Silences of a running daemon: what a webhook is told, and what is shown meanwhile."""
import json
import tempfile
import unittest
from pathlib import Path

import ks
from receivers import WebServer
from test_reload import NAME, Sleeper, slow


def told(rule, url, **more):
    return {"hooks": {"page": {"type": "webhook", "url": url}},
            "rules": [slow(rule, hooks=["page"], labels={"team": "storage"}, **more)]}


@ks.needs_kernel
class Silence(unittest.TestCase):
    def setUp(self):
        self.server = WebServer()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)

    def start(self, *args, **more):
        daemon = ks.RunningDaemon(told("slow", self.server.url + "/", **more), *args)
        self.addCleanup(daemon.stop)
        daemon.wait_ready()
        return daemon

    def ask(self, daemon, *args, code=0):
        done = daemon.ask(*args)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def posts(self, state=None):
        return [alert for _, alert in self.server.alerts() if state in (None, alert["state"])]

    def silences(self, daemon):
        return json.loads(self.ask(daemon, "silences", "--json"))["silences"]

    def status(self, daemon):
        return json.loads(self.ask(daemon, "status", "--json"))

    def test_hooks_hear_nothing_until_it_is_taken_back(self):
        daemon = self.start()
        said = self.ask(daemon, "silence", "rule=slow", "team=stor*", "--for", "1h",
                        "--comment", "the disk is being replaced")
        self.assertRegex(said, r"^silence 1, until .* \(1 h more\): rule=slow,team=stor\*\n"
                               r"    the disk is being replaced\n    rule slow\n"
                               r"    firing now 0; changes not sent 0\n$")
        with Sleeper() as sleeper:
            _, shown = daemon.wait_alert("slow")
            self.assertEqual(shown["silenced"]["comment"], "the disk is being replaced")
            self.assertEqual(shown["silenced"]["id"], 1)
            silence, = self.silences(daemon)
            self.assertEqual([silence[m] for m in ("firing", "untold", "unsent", "rules")],
                             [1, 1, 1, ["slow"]])
            status = self.status(daemon)
            self.assertEqual([status[m] for m in ("silences", "silenced", "unsent", "fired")],
                             [1, 1, 1, 1])
            self.assertIn("silences active 1, alerts no hook knows of 1, changes not sent so far 1",
                          self.ask(daemon, "status"))
            why = json.loads(self.ask(daemon, "explain", "slow", "--json"))
            self.assertRegex(why["verdict"], "^fires; hooks do not know: silence 1, for .* more: "
                                             "the disk is being replaced$")
            self.assertEqual(self.posts(), [])
            ended = self.ask(daemon, "unsilence", "1")
            self.assertEqual(ended, "silence 1 is ended; 1 alert fires that no hook knows of yet\n")
            fired = ks.wait_for(self.posts, 10, "post")[0]
            self.assertEqual([fired[m] for m in ("id", "incident", "state", "started", "silenced")],
                             [shown["id"], shown["incident"], "firing", shown["started"], None])
            self.assertEqual(fired["key"], {"pid": sleeper.process.pid})
        ks.wait_for(lambda: self.posts("resolved"), 10, "resolved alert")
        self.assertEqual([a["incident"] for a in self.posts()], [shown["incident"]] * 2)
        self.assertEqual(self.silences(daemon), [])
        self.assertEqual(self.ask(daemon, "silences"), "there is no silence\n")
        self.assertIn("there is no such silence", self.ask(daemon, "unsilence", "1", code=1))

    def test_a_replay_says_the_same_with_the_same_ids_and_each_once(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        self.addCleanup(directory.cleanup)
        capture = Path(directory.name) / "capture"
        daemon = self.start("--record", capture, repeat="1s")
        self.ask(daemon, "silence", "rule=slow", "--for", "3s", "--comment", "x")
        with Sleeper():
            ks.wait_for(lambda: self.posts("firing"), 10, "post")
            rules = Path(directory.name) / "rules.json"
            rules.write_text(daemon.rules_path.read_text())
        daemon.wait_alert("slow", "resolved")
        daemon.stop()
        live = [alert for _, alert in daemon.alerts()]
        once = list(dict.fromkeys(alert["id"] for alert in live))
        replayed = [json.loads(line) for line in
                    ks.run("replay", "-r", rules, "--json", capture).stdout.splitlines()]
        self.assertGreater(len(live), len(once))
        self.assertEqual([alert["id"] for alert in replayed], once)
        self.assertEqual({alert["silenced"] for alert in replayed}, {None})

    def test_what_was_told_before_is_told_to_be_over_and_the_next_is_not_told(self):
        daemon = self.start(repeat="1s")
        with Sleeper():
            ks.wait_for(self.posts, 10, "post")
            self.ask(daemon, "silence", "severity=warning", "--for", "10m", "--comment", "known")
            # one may be on its way
            ks.wait_for(lambda: not self.status(daemon)["hooks"][0]["queued"], 10, "empty queue")
            before = len(self.posts())
            daemon.wait_alert("slow", where=lambda a: a["repeat"] and a["silenced"])
        ks.wait_for(lambda: self.posts("resolved"), 10, "resolved alert")
        self.assertEqual(len(self.posts("firing")), before)
        with Sleeper() as second:
            _, shown = daemon.wait_alert(
                "slow", where=lambda a: a["key"] == {"pid": second.process.pid})
        _, resolved = daemon.wait_alert(
            "slow", "resolved", where=lambda a: a["incident"] == shown["incident"])
        self.assertEqual(resolved["silenced"]["id"], 1)
        self.assertEqual({a["incident"] for a in self.posts()} & {shown["incident"]}, set())

    def test_it_ends_by_itself_and_outlives_a_reload(self):
        daemon = self.start()
        with Sleeper():
            self.ask(daemon, "silence", "rule=slow", "--for", "4s", "--comment", "short")
            daemon.wait_alert("slow")
            daemon.write_rules(told("slow", self.server.url + "/", severity="error"))
            self.ask(daemon, "reload")
            self.assertEqual(len(self.silences(daemon)), 1)
            self.assertEqual(self.posts(), [])
            ks.wait_for(lambda: self.posts("firing"), 15, "post")
            ks.wait_for(lambda: daemon.said("silence 1 is over; it kept 1 change of alerts from the "
                                            "hooks; 1 alert fires of which none knows (short)"),
                        10, "line that the silence is over")

    def test_a_silence_whose_rule_is_gone_is_told_apart(self):
        daemon = self.start()
        self.ask(daemon, "silence", "rule=slow", "--for", "1h", "--comment", "x")
        daemon.write_rules(told("other", self.server.url + "/"))
        self.ask(daemon, "reload")
        self.assertIn("    matches no rule any more\n", self.ask(daemon, "silences"))

    def test_what_is_wrong_is_refused(self):
        daemon = self.start()
        for matcher, why in (("rule=slo", 'no rule "slo"; did you mean "slow"?'),
                             ("comm=" + NAME, 'no rule has a key field or label "comm"'),
                             ("teem=x", 'did you mean "team"?')):
            error = self.ask(daemon, "silence", matcher, "--for", "1h", "--comment", "x", code=1)
            self.assertIn(why, error)
        self.assertIn("no longer than 30 d", self.ask(daemon, "silence", "rule=slow", "--for", "31d",
                                                      "--comment", "x", code=1))
        self.assertEqual(self.silences(daemon), [])


class Usage(unittest.TestCase):
    def test_what_is_missing_is_said(self):
        for args, said in (((), "say which alerts"), (("rule=a",), "say for how long"),
                           (("rule=a", "--for", "1h"), "say why"),
                           (("rule=a", "--for", "soon", "--comment", "x"), "expected a duration"),
                           (("rule=a", "--for", "0s", "--comment", "x"), "expected a duration")):
            done = ks.run("silence", *args)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
        self.assertEqual(ks.run("unsilence").returncode, 2)
        self.assertEqual(ks.run("silences", "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
