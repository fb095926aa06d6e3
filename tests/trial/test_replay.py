# SPDX-License-Identifier: BSD-2-Clause
"""Captures and streams of events through `kernelsight replay`: no kernel needed."""
import gzip
import json
import tempfile
import unittest
from pathlib import Path

import ks

START_NS = 1795341871_000000000  # 2026-11-22T10:04:31Z
RULES = {"version": 1, "rules": [
    {"name": "slow", "on": "syscall", "by": ["comm"], "keep": "5s",
     "when": {"value": "latency_ms", "above": "100ms"}},
    {"name": "many", "on": "syscall", "where": "latency_ms >= 0", "clear": {"for": "2s"},
     "when": {"value": "count()", "window": "10s", "above": 6}},
    {"name": "never", "on": "sched", "by": ["pid"],
     "when": {"value": "cpu_time_ms", "above": "5s"}}]}


def call(at_s, latency_ms=1, **fields):
    return {"on": "syscall", "timestamp": START_NS + round(at_s * 1e9), "syscall_name": "fsync",
            "comm": "db", "pid": 812, "latency_ms": latency_ms, **fields}


def lines(entries):
    return "".join(json.dumps(e) + "\n" for e in entries)


HEADER = {"kernelsight": "capture", "format": 1, "version": "0.1.0",
          "recording": "01M828H01DE89MBCCQX2Q3AB94", "part": 0, "seed": "2b09a0a975993f0f",
          "wall_offset_ns": START_NS, "host": {"name": "db07", "kernel": "6.1", "boot_id": "b"},
          "sources": [{"name": "syscall", "floor_ns": 0,
                       "syscalls": ["ffffffffffffffff"] * 16}]}


def tick(at_s):
    return {"tick": round(at_s * 1e9), "wall_offset_ns": START_NS}


class Replay(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.rules = self.write("rules.json", json.dumps(RULES))

    def write(self, name, text):
        path = self.dir / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def replay(self, *args, **kwargs):
        return ks.run("replay", "-r", self.rules, *args, **kwargs)

    def alerts(self, *args, **kwargs):
        done = self.replay("--json", *args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def said(self, alerts):
        return [(a["rule"]["name"], a["state"], a["started"][11:], (a["ended"] or "")[11:])
                for a in alerts]

    def test_a_plain_stream_has_ticks_by_its_own_time(self):
        path = self.write("events.jsonl", lines(
            [call(0.25, 500), *[call(1 + i / 100) for i in range(7)], call(15.5)]))
        self.assertEqual(self.said(self.alerts(path)), [
            ("slow", "firing", "10:04:31.250Z", ""),
            ("many", "firing", "10:04:32.050Z", ""),
            ("slow", "resolved", "10:04:31.250Z", "10:04:37.000Z"),
            ("many", "resolved", "10:04:32.050Z", "10:04:45.000Z")])

    def test_the_same_bytes_come_out_every_time_and_from_everywhere(self):
        text = lines([call(i / 7, 40 * (i % 5)) for i in range(211)])
        path = self.write("events.jsonl", text)
        packed = self.write("events.jsonl.gz", gzip.compress(text.encode()))
        once = self.replay("--json", path)
        self.assertEqual(once.returncode, 0, once.stderr)
        self.assertIn('"rule"', once.stdout)
        self.assertEqual(self.replay("--json", path).stdout, once.stdout)
        self.assertEqual(self.replay("--json", packed).stdout, once.stdout)
        self.assertEqual(self.replay("--json", "-", input=text).stdout, once.stdout)

    def test_a_capture_says_host_clock_ids_and_ticks(self):
        path = self.write("c.jsonl", lines(
            [HEADER, call(1, 500), tick(3), {"lost": 3, "on": "syscall", "at_ns": 3 * 10**9},
             tick(7), tick(20.5), {"end": 1}]))
        fired, resolved = self.alerts(path)
        self.assertEqual(fired["host"]["name"], "db07")
        self.assertEqual(fired["started"], "2026-11-22T10:04:32.000Z")
        # not at 7 s, for what was lost at 3 s could have been one more
        self.assertEqual(resolved["ended"], "2026-11-22T10:04:51.500Z")
        self.assertEqual(resolved["incident"], fired["id"])

    def test_parts_of_a_recording_are_put_in_order(self):
        first = self.write("c.1", lines([HEADER, call(1, 500), tick(2), {"end": 1}]))
        second = self.write("c", lines([dict(HEADER, part=1), tick(3), tick(9), {"end": 0}]))
        expected = [("slow", "firing", "10:04:32.000Z", ""),
                    ("slow", "resolved", "10:04:32.000Z", "10:04:40.000Z")]
        self.assertEqual(self.said(self.alerts(first, second)), expected)
        self.assertEqual(self.said(self.alerts(second, first)), expected)
        # alone, it begins in the middle
        self.assertEqual(self.alerts(second), [])
        done = self.replay(first, first)
        self.assertEqual(done.returncode, 2)
        self.assertIn("are the same part of one recording", done.stderr)

    def test_what_is_known_of_a_process_comes_back(self):
        process = {"process": 812, "start_time_ns": 5 * 10**9, "exe": "/usr/bin/db",
                   "cmdline": "db --x \"\\udcff\"", "user": "db", "cgroup": "/a"}
        text = lines([HEADER, process, call(1, 500, start_time_s=5), tick(2), {"end": 1}])
        alert, = self.alerts(self.write("c", text.replace("\\\\udc", "\\udc")))
        self.assertEqual(alert["process"]["exe"], "/usr/bin/db")
        self.assertEqual(alert["process"]["cmdline"], "db --x \"\ufffd\"")
        self.assertEqual(alert["event"]["exe"], "/usr/bin/db")

    def test_a_capture_that_breaks_off_is_read_up_to_there(self):
        entries = [HEADER, *[call(i, 500, comm=f"c{i}") for i in range(997)]]
        whole = gzip.compress(lines(entries).encode())
        done = self.replay("--json", self.write("c.gz", whole[:len(whole) // 2]))
        self.assertEqual(done.returncode, 0, done.stderr)
        fired = done.stdout.count('"state":"firing"')
        self.assertGreater(fired, 100)
        self.assertLess(fired, 997)
        self.assertRegex(done.stderr, r"c\.gz: it breaks off after line \d+ \(.*end of file")
        # killed between two flushes: nothing but the last line is missing
        done = self.replay("--json", self.write("c", lines(entries)))
        # of slow, and one of many
        self.assertEqual(done.stdout.count('"state":"firing"'), 998)
        self.assertIn("c: it has no last line, its recorder was killed; read up to line 998",
                      done.stderr)

    def test_the_place_of_what_is_wrong_counts_all_lines(self):
        good = lines([call(0)])
        for text, said in [(good + '{"on":"syscal"}\n', ':2:7: no source "syscal"; did you mean "syscall"?'),
                           (good + "\nhello\n", ":3:1: this is no JSON object"),
                           (good + "\0" * 8 + "\n", ":2:1: this is no JSON object")]:
            with self.subTest(text):
                path = self.write("bad", text)
                done = self.replay(path)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr, f"kernelsight replay: {path}{said}\n")

    def test_events_without_a_source_are_of_the_one_named(self):
        event = call(0, 500)
        del event["on"]
        alert, = self.alerts("--on", "syscall", self.write("e", lines([event])))
        self.assertEqual(alert["rule"]["name"], "slow")

    def test_the_summary_counts_by_rule_and_day(self):
        day = 86400
        path = self.write("e", lines([call(0, 500), call(30, 200), call(day, 700, comm="web"),
                                      call(day + 1, 300)]))
        done = self.replay("--summary", path)
        self.assertEqual(done.stdout, """\
rule   day (UTC)     fired  resolved  longest         worst
slow   2026-11-22        2         2  5 s             500 ms  comm=db
slow   2026-11-23        2         0  over 1 s        700 ms  comm=web
many   never fired
never  never fired
2 still firing when the capture ended
4 events from 2026-11-22T10:04:31.000Z to 2026-11-23T10:04:32.000Z
""")

    def test_it_is_said_what_a_capture_was_not_asked_to_record(self):
        done = self.replay(self.write("c", lines([HEADER, {"end": 0}])))
        self.assertEqual(done.stderr, f"kernelsight replay: {self.dir}/c holds no events of sched: "
                                      "rule never cannot fire\n")
        floor = dict(HEADER["sources"][0], floor_ns=200 * 10**6)
        calls = dict(HEADER["sources"][0], syscalls=["0"] * 16)
        sched = {"name": "sched", "floor_ns": 0, "syscalls": []}
        done = self.replay(self.write("c", lines([dict(HEADER, sources=[floor, sched]),
                                                  {"end": 0}])))
        self.assertIn("c holds syscall only from 200 ms on; rule slow looks at it from 100 ms on",
                      done.stderr)
        done = self.replay(self.write("c", lines([dict(HEADER, sources=[calls, sched]),
                                                  {"end": 0}])))
        self.assertIn("c does not hold all system calls that rule slow looks at", done.stderr)


if __name__ == "__main__":
    unittest.main()
