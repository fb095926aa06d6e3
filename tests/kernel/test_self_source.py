"""The source `self`: kernelsight's own ledger, its cost, and what it gives up for that, on the live
kernel."""
import subprocess
import time
import unittest

import ks
from children import Child, accounted, nanosleep


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
                        # a loop of calls that does nothing else spends a good part of its time in the
                        # programs, if it has a CPU while that is measured
                        lambda: [e for e in self.of(stream, "syscall") if (e["cpu_time_ms"] or 0) > 10],
                        30, "a measured cost")
            finally:
                load.kill()
        self.assertLess(costly[0]["cpu_share"], 100)

    def test_the_cost_of_walks_is_that_of_a_second_wherever_the_measurement_falls(self):
        with ks.RunningEvents("self", "sched") as stream:
            ks.wait_for(lambda: [e for e in self.of(stream, "sched")
                                 if e["cpu_time_ms"] is not None], 10, "a measured cost")
            measured = [e for e in self.of(stream, "sched") if e["cpu_time_ms"] is not None]
        # a walk over a few hundred threads: neither nothing nor that of ten
        for e in measured:
            self.assertGreater(e["cpu_time_ms"], 0.01)


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
            made = {}
            deadline = time.monotonic() + 30 * ks.PATIENCE
            after = 11  # over the change from the one to the other
            while after and time.monotonic() < deadline:
                after -= daemon.said("gives up whole calls of syscall")
                with Child(lambda: accounted(nanosleep, 0.3)) as child:
                    made[child.pid] = child.result()
            events = [daemon.wait_alert("slow", where=lambda a: a["key"]["pid"] == pid)[1]["event"]
                      for pid in made]
        self.assertEqual(after, 0, "it gave up nothing")
        self.assertEqual((events[0]["measured"], events[-1]["measured"]), ("call", "wait"))
        for event, around in zip(events, made.values()):
            # by another clock; a wait begins when the thread has left its CPU
            self.assertGreater(event["latency_ms"], 299 - around["cpu_ms"] - around["ready_ms"])
            self.assertLess(event["latency_ms"], around["ms"] + 1)

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
