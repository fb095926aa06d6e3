"""Every defect that was found in the tracers which these sources are named after (or which a simple
design has), and the test that it would fail. Those that have no better place are below.

system calls
  goes blind when its map is full of calls       test_syscall_source ManyTasks.test_nothing_is_left_of_them
  that never return                              and below, test_no_map_fills_up
  takes a reused tid for the old call            below, test_a_tid_that_is_used_again_has_no_old_call
  exec by a thread changes its tid in a call     SlowCalls.test_an_exec_by_another_thread_starts_afresh
  a killed task's call is never ended            SlowCalls.test_a_killed_thread_is_not_reported
  counts nothing when the ring is full           Ledger.test_what_does_not_fit_into_the_ring_is_counted_exactly
  an event for each thread that is parked        below, test_threads_that_are_parked_are_no_flood
  the time since boot taken for that since 1970  SlowCalls.test_the_time_is_that_of_the_wall_clock
  calls of 32 bits named from the other table    SlowCalls.test_32_bit_calls_are_named_from_their_table
  restart_syscall not taken for what it restarts SlowCalls.test_a_stopped_sleep_is_one_call_by_its_own_name
  ERESTART* taken for an error                   SlowCalls.test_a_call_interrupted_by_a_handler_ends_at_the_signal
  a name that breaks out of the JSON             HostileNames.test_each_line_stays_one_object_with_the_right_name
scheduler (test_sched_source)
  maps that are never emptied                    Storms, and below, test_no_map_fills_up
  preemption counted as voluntary                below, test_who_is_preempted_did_not_give_way
  who never switches is never reported           Samples.test_a_spinning_process_is_reported_every_second
  wake-ups lost between CPUs                     Samples.test_switches_are_those_of_a_ping_pong
  run-queue latency promised and not measured    Waits.test_waits_add_up_to_what_the_kernel_says
page faults (test_fault_source)
  faults of the kernel taken for the user's      Faults.test_faults_in_the_kernel_are_told_apart
  one that is tried again counted twice          Faults.test_threads_are_added_up (equals getrusage)
  missed without a word under load               Faults.test_a_storm_of_processes_is_counted_to_the_last_fault
  kprobes, or nothing                            all of Faults, where the kernel refuses kprobes
block requests (test_io_source)
  a record of the kernel read by hand            Counts.test_under_load_on_all_cpus_they_are_the_kernels_own
  keys with bytes of chance, by sector           the same (two disks, the same sectors, both ends matched)
  counters set back while requests complete      the same, to the last request
  a percentile of one that is not that one       Times.test_percentiles_of_one_request_are_that_request
  the time in the queue not seen                 Times.test_what_waits_its_turn_is_queued
  the end of a part taken for the end            Operations.test_one_completed_in_parts_with_an_error_...
  flushes and discards counted as writes         Operations.test_flushes_are_no_writes, Counts
network
  InErrs read for RetransSegs                    test_tcp_source Peers.test_retransmits_are_the_segments_...
a rule on a field that no source has             tests/rules/bad/no-such-field.json
"""
import json
import os
import select
import shutil
import signal
import subprocess
import threading
import time
import unittest

import ks
from bpf_links import fdinfo
from children import Child, nanosleep, timed, wait_until_blocked
from disks import Direct, LoopDisk
from test_process_context import clone_as

HASHES = {"1", "5", "9", "10"}  # types of map: hash, per CPU, LRU, LRU per CPU


def elements(pid):
    """How many there are in all hash maps of a process."""
    full = 0
    for _, info in fdinfo(pid):
        if info.get("map_type") in HASHES:
            dump = subprocess.run(["bpftool", "-j", "map", "dump", "id", info["map_id"]],
                                  capture_output=True, check=True)
            full += len(json.loads(dump.stdout))
    return full


@ks.needs_kernel
class SystemCalls(unittest.TestCase):
    def test_a_tid_that_is_used_again_has_no_old_call(self):
        lived_ms = {}
        with ks.RunningEvents("syscall") as stream:
            for _ in range(3):
                child = Child(lambda: nanosleep(60))
                wait_until_blocked(child.pid, "nanosleep")
                time.sleep(0.7)
                child.signal(signal.SIGKILL)
                child.wait()
                made = timed(clone_as, child.pid, ["/bin/true"])
                self.assertEqual(made["ret"], child.pid)
                lived_ms[child.pid] = made["ms"]
                child.__exit__()
            with Child(lambda: nanosleep(0.02)) as last:  # so that all before it has come
                last.wait()
            ks.wait_for(lambda: any(e["pid"] == last.pid for e in stream.events()), 5, "last call")
        self.assertEqual([e for e in stream.events() if e["pid"] in lived_ms
                          and e["latency_ms"] > lived_ms[e["pid"]]], [])

    def test_threads_that_are_parked_are_no_flood(self):
        """300 of them, each woken 20 times a second, as on any idle host: no rule that is shipped wants
        to know."""
        threads, seconds = 300, 3

        def park():
            def poll():
                poller = select.poll()
                while True:
                    poller.poll(50)

            def sleep():
                while True:
                    nanosleep(0.05)

            def wait():
                event = threading.Event()
                while True:
                    event.wait(0.05)
            for i in range(threads):
                threading.Thread(target=(poll, sleep, wait)[i % 3], daemon=True).start()
            signal.pause()
        with Child(park), ks.RunningDaemon() as daemon:
            time.sleep(seconds)
            status = json.loads(daemon.ask("status", "--json").stdout)
        ledger = next(s["ledger"] for s in status["sources"] if s["name"] == "syscall")
        self.assertLess(ledger["emitted"], threads * seconds)
        self.assertEqual((ledger["ring_full"], ledger["rate_limited"]), (0, 0))


@ks.needs_kernel
class Scheduler(unittest.TestCase):
    def test_who_is_preempted_did_not_give_way(self):
        def spin():
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            until = time.thread_time() + 0.7
            while time.thread_time() < until:
                pass
        with ks.RunningEvents("sched") as stream, Child(spin) as one, Child(spin) as other:
            usages = {child.pid: child.wait() for child in (one, other)}

            def ended():
                return {e["pid"] for e in stream.events() if e["exited"]}
            ks.wait_for(lambda: ended() >= set(usages), 5, "end of both")
        for pid, usage in usages.items():
            own = [e for e in stream.events() if e["pid"] == pid]
            involuntary = sum(e["involuntary_switches"] for e in own)
            self.assertGreater(usage.ru_nivcsw, 20)
            self.assertAlmostEqual(involuntary, usage.ru_nivcsw, delta=3)
            self.assertLess(sum(e["voluntary_switches"] for e in own), usage.ru_nvcsw + 4)


@ks.needs_kernel
@unittest.skipUnless(shutil.which("bpftool"), "bpftool is not installed")
class Maps(unittest.TestCase):
    def test_no_map_fills_up(self):
        """Of all sources, over 10,007 processes, 5,003 that send by UDP, and as many requests."""
        with LoopDisk() as disk, Direct(disk.path) as requests, \
                ks.RunningEvents("syscall", "sched", "io", "io_request", "page_fault", "net",
                                 "tcp") as stream:
            before = elements(stream.process.pid)
            subprocess.run([ks.TOOLS / "storm", "processes", "10007"], check=True)
            subprocess.run([ks.TOOLS / "udp_storm", "5003", "31"], check=True, stdout=subprocess.DEVNULL)
            for i in range(5003):
                requests.read(i % 4096 * 4096)
            ks.wait_for(lambda: elements(stream.process.pid) < before + 100, 10, "emptied maps")


if __name__ == "__main__":
    unittest.main()
