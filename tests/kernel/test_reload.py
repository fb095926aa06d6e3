# SPDX-License-Identifier: BSD-2-Clause
"""Other rules for a running daemon, by SIGHUP and by `kernelsight reload`, on the live kernel."""
import json
import mmap
import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

import ks

PORT_OF_NOBODY = 1
# of a process of this run alone
NAME = f"sleep-{os.getpid()}"


def slow(name="slow", above="20ms", **more):
    """Fires for a Sleeper, which makes one call that takes 30 ms again and again."""
    return {"name": name, "why": "a call that takes long", "on": "syscall", "by": ["pid"],
            "where": f"comm == '{NAME}' and syscall_name == 'clock_nanosleep'",
            "when": {"value": "latency_ms", "above": above}, "keep": "2s", **more}


class Sleeper:
    """Calls that take 30 ms, one after the other."""

    def __enter__(self):
        code = (f"import time\nopen('/proc/self/comm','w').write('{NAME}')\n"
                "while True: time.sleep(0.03)\n")
        self.process = subprocess.Popen(["python3", "-c", code])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@ks.needs_kernel
class Reload(unittest.TestCase):
    def reload(self, daemon, code=0):
        done = daemon.ask("reload")
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def sources(self, daemon):
        status = json.loads(daemon.ask("status", "--json").stdout)
        return {s["name"]: s["ledger"]["of"] for s in status["sources"] if s["attached"]}

    def test_an_alert_goes_on_under_other_texts_and_ends_once(self):
        with ks.RunningDaemon({"rules": [slow()]}) as daemon:
            with Sleeper():
                _, fired = daemon.wait_alert("slow")
                daemon.write_rules({"rules": [slow(severity="error", above="25ms")]})
                self.assertEqual(self.reload(daemon),
                                 "1 rule: 1 as before, 0 new, 0 begun anew, 0 removed\n")
                time.sleep(1.5)
                self.assertEqual(len(daemon.alerts()), 1)
            _, resolved = daemon.wait_alert("slow", "resolved")
            self.assertEqual(resolved["incident"], fired["incident"])
            self.assertIsNone(resolved["reason"])
            self.assertEqual(len(daemon.alerts()), 2)

    def test_sighup_does_the_same_and_a_rule_that_is_gone_resolves(self):
        with ks.RunningDaemon({"rules": [slow("one"), slow("two")]}) as daemon, Sleeper():
            daemon.wait_alert("one")
            daemon.wait_alert("two")
            daemon.write_rules({"rules": [slow("two")]})
            daemon.process.send_signal(signal.SIGHUP)
            _, resolved = daemon.wait_alert("one", "resolved")
            self.assertEqual(resolved["reason"], "the rule was removed")
            self.assertIn("(the rule was removed)", resolved["summary"])
            ks.wait_for(lambda: daemon.said("1 rule: 1 as before, 0 new, 0 begun anew, 1 removed"),
                        5, "line about the rules")
            self.assertTrue(daemon.said("rule one: removed"))
            self.assertEqual(daemon.alerts("two", "resolved"), [])
            self.assertIsNone(daemon.process.poll())

    def test_wrong_rules_are_refused_with_the_reason(self):
        with ks.RunningDaemon({"rules": [slow()]}) as daemon, Sleeper():
            daemon.write_rules({"rules": [slow(), {"name": "broken"}]})
            said = self.reload(daemon, 1)
            self.assertIn("the new rules are refused; those before stay", said)
            self.assertIn("error: missing key", said)
            self.assertIn("^", said)
            daemon.write_rules({"hooks": {"bad": {"type": "exec", "argv": ["/nonexistent"]}},
                                "rules": [slow(hooks=["bad"])]})
            said = self.reload(daemon, 1)
            self.assertRegex(said, r"hook bad: .*/nonexistent")
            daemon.rules_path.unlink()
            self.assertIn("No such file", self.reload(daemon, 1))
            daemon.wait_alert("slow")

    def test_sources_come_and_go_and_those_that_stay_lose_nothing(self):
        # among the storms of other tests the kernel may refuse storage, which is told as lost
        ks.once_in(3, self.sources_come_and_go)

    def sources_come_and_go(self):
        sched = {"name": "any", "why": "whatever runs", "on": "sched", "by": ["pid"], "keep": "1s",
                 "when": {"value": "context_switches", "above": 0}}
        with ks.RunningDaemon({"rules": [slow()]}) as daemon, Sleeper():
            self.assertEqual(set(self.sources(daemon)), {"syscall"})
            daemon.write_rules({"rules": [slow(), sched]})
            self.reload(daemon)
            self.assertEqual(set(self.sources(daemon)), {"syscall", "sched"})
            daemon.wait_alert("any")
            daemon.write_rules({"rules": [sched]})
            self.reload(daemon)
            self.assertEqual(set(self.sources(daemon)), {"sched"})
            # a floor below that before: shorter calls are reported now
            daemon.write_rules({"rules": [slow(above="1ms")]})
            self.reload(daemon)
            daemon.wait_alert("slow")
            self.assertFalse(any("lost" in line and "0 events lost" not in line
                                 for line in daemon.err.texts()))

    def test_what_happened_while_no_rule_asked_for_it_is_not_counted_later(self):
        """Of sources that stay because of another type: their counters stood still meanwhile."""
        pages, datagrams = 20_011, 20_023
        others = [{"name": name, "why": "keeps its source", "on": on,
                   "when": {"value": "count()", "window": "1s", "above": 1e9}}
                  for name, on in (("major", "major_fault"), ("net", "net"))]
        faults = {"name": "faults", "why": "touches much", "on": "page_fault", "by": ["pid"],
                  "where": f"pid == {os.getpid()}",
                  "when": {"value": "sum(minor_faults)", "window": "30s", "above": 10_000}}
        traffic = {"name": "traffic", "why": "sends much", "on": "net_interface",
                   "by": ["interface"], "where": "interface == 'lo'",
                   "when": {"value": "sum(tx_packets)", "window": "30s", "above": 10_000}}

        def work():
            memory = mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE)
            memory.madvise(mmap.MADV_NOHUGEPAGE)
            for i in range(pages):
                memory[i * mmap.PAGESIZE] = 1
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for _ in range(datagrams):
                    s.sendto(b"x", ("127.0.0.1", 9))

        with ks.RunningDaemon({"rules": [*others, faults, traffic]}) as daemon:
            daemon.write_rules({"rules": others})
            self.reload(daemon)
            time.sleep(1.1)
            work()
            time.sleep(1.1)
            daemon.write_rules({"rules": [*others, faults, traffic]})
            self.reload(daemon)
            time.sleep(2.5)
            self.assertEqual(daemon.alerts(), [])
            work()
            daemon.wait_alert("faults")
            daemon.wait_alert("traffic")

    def test_a_hook_that_stays_keeps_its_queue(self):
        hooks = {"dead": {"type": "webhook", "url": f"http://127.0.0.1:{PORT_OF_NOBODY}/"}}
        with ks.RunningDaemon({"hooks": hooks, "rules": [slow(hooks=["dead"])]}) as daemon, \
                Sleeper():
            daemon.wait_alert("slow")

            def waiting():
                status = json.loads(daemon.ask("status", "--json").stdout)
                return status["hooks"][0] if status["hooks"][0]["failures_in_a_row"] else None
            before = ks.wait_for(waiting, 10, "failed try")
            daemon.write_rules({"hooks": hooks, "rules": [slow(hooks=["dead"]),
                                                          slow("other", hooks=["dead"])]})
            self.reload(daemon)
            after = waiting()
            self.assertGreaterEqual(after["failures_in_a_row"], before["failures_in_a_row"])
            self.assertGreaterEqual(after["queued"], 1)
            # to another place: the same alerts arrive there
            log = Path(daemon.rules_path).with_suffix(".log")
            daemon.write_rules({"hooks": {"dead": {"type": "log", "path": str(log)}},
                                "rules": [slow(hooks=["dead"])]})
            self.reload(daemon)
            ks.wait_for(lambda: log.exists() and "slow" in log.read_text(), 10, "alert in the log")

    def test_a_hundred_reloads_cost_no_memory_and_no_descriptor(self):
        rules = {"rules": [slow("a"), slow("b")]}

        def size(of):
            status = Path(f"/proc/{of.process.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0])

        def descriptors():
            return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))

        def reloads(times):
            for i in range(times):
                daemon.write_rules({"rules": [slow("b", above=f"{20 + i % 2}ms"), slow("a")]})
                self.reload(daemon)

        def attempt():
            """Against one that is not reloaded: both remember the processes that others start meanwhile."""
            before = size(daemon), size(other)
            reloads(101)
            self.assertLess(size(daemon) - before[0] - (size(other) - before[1]), 1024)

        with ks.RunningDaemon(rules) as daemon, ks.RunningDaemon(rules) as other, Sleeper():
            daemon.wait_alert("a")
            reloads(20)
            before = descriptors()
            ks.once_in(3, attempt)
            # while it measures its cost it has one more
            ks.wait_for(lambda: descriptors() <= before, 5, "as few descriptors as before")
            self.assertEqual(len(daemon.alerts("a")), 1)


if __name__ == "__main__":
    unittest.main()
