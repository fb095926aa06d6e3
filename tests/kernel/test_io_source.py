"""What `kernelsight events io` and `io_request` say of requests to loop devices, against what the
kernel itself counts (/sys/block/X/stat) and against how the devices were made to behave.

The defects that a simple design has, and these tests would find: requests told apart by device and
sector (two disks are read at the same places, flushes have no place), the end of a part taken for the
end of the request, records of the kernel read by hand (reads taken for writes), counters set back to
zero while requests complete, percentiles of one request that are not that request.
"""
import contextlib
import os
import re
import time
import unittest

import ks
from children import Child, libc, timed
from disks import Direct, LoopDisk
from faults import SlowDisk

SECTOR = 512
OPS = ("read", "write", "flush", "discard", "other")
RANKS = ("p50", "p95", "p99", "max")
ANY = "latency_ms >= 0"


def next_second():
    """Waits for the beginning of a second, when a sample begins."""
    time.sleep(1.05 - time.time() % 1)


def changes(disk, work):
    """What work() changed in what the kernel counts of the disk."""
    before = disk.stat()
    work()
    after = disk.stat()
    return {column: after[column] - before[column] for column in after}


def run_all(*works):
    """Runs each work() in a child of its own, all at once; what they returned."""
    children = [Child(work) for work in works]
    results = [child.result() for child in children]
    for child in children:
        child.__exit__()
    return results


def on_cpu(cpu, work):
    def pinned():
        os.sched_setaffinity(0, {cpu})
        work()
    return pinned


class Seen:
    """The events of one disk in a stream, from now on."""

    def __init__(self, stream, disk):
        self._stream, self._disk = stream, disk
        self._skip = len(stream.events())

    def events(self, op=None):
        return [e for e in self._stream.events()[self._skip:]
                if e["device"] == self._disk.name and op in (None, e["op"])]

    def sums(self, field):
        """By operation."""
        sums = dict.fromkeys(OPS, 0)
        for event in self.events():
            sums[event["op"]] += event[field]
        return sums

    def wait(self, ops):
        """Until samples with so many operations of each kind have come."""
        def come():
            sums = self.sums("ops")
            return all(sums[op] >= n for op, n in ops.items())
        try:
            ks.wait_for(come, 5, f"samples of {ops}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.sums('ops')}")

    def wait_events(self, n, **fields):
        """The first n events with these values."""
        def come():
            found = [e for e in self.events() if all(e[k] == v for k, v in fields.items())]
            return found if len(found) >= n else None
        return ks.wait_for(come, 5, f"{n} events with {fields}")


class WithStreams(unittest.TestCase):
    """One `events io` and one `events io_request` for all tests of a class."""
    where = ANY

    @classmethod
    def setUpClass(cls):
        cls.io = ks.RunningEvents("io").__enter__()
        cls.points = ks.RunningEvents("io_request", "--where", cls.where).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.io.stop()
        cls.points.stop()


def assert_like_the_kernel(test, seen, counted, fsyncs=0):
    """The samples are what the kernel counted. It also counts one write without data, which waits
    for the flush, for each fsync."""
    expected = {"read": counted["reads"], "write": counted["writes"] - fsyncs,
                "discard": counted["discards"], "flush": counted["flushes"], "other": 0}
    test.assertEqual(seen.sums("ops"), expected)
    sizes = seen.sums("bytes")
    for op in ("read", "write", "discard"):
        test.assertEqual(sizes[op], counted[op + "_sectors"] * SECTOR, op)
    test.assertEqual(sizes["flush"], 0)


@ks.needs_kernel
class Counts(unittest.TestCase):
    def test_under_load_on_all_cpus_they_are_the_kernels_own(self):
        cpus = sorted(os.sched_getaffinity(0))
        reads, discards = 1009, 13

        def load(disk, cpu):
            def work():
                with Direct(disk.path) as requests:
                    for i in range(reads):
                        requests.read(i % 1024 * 4096)
                        if i % 2:
                            requests.write((i + 7 * cpu) % 1024 * 4096)
                    for i in range(discards):
                        requests.discard(i * 4096)
            return on_cpu(cpu, work)
        with LoopDisk() as one, LoopDisk() as other, ks.RunningEvents("io", "--stats") as stream:
            before = {disk: disk.stat() for disk in (one, other)}
            run_all(*(load(disk, cpu) for disk in before for cpu in cpus))
            stream.stop()
            ledger = stream.ledger()
            for disk, then in before.items():
                counted = {column: n - then[column] for column, n in disk.stat().items()}
                seen = Seen(stream, disk)
                seen._skip = 0
                self.assertEqual(counted["reads"], reads * len(cpus))
                self.assertEqual(counted["writes"], reads // 2 * len(cpus))
                self.assertEqual(counted["discards"], discards * len(cpus))
                assert_like_the_kernel(self, seen, counted)
                self.assertEqual(set(seen.sums("errors").values()), {0})
                self.assertEqual(set(seen.sums("untimed").values()), {0})
        self.assertEqual(ledger["lost"], 0)
        self.assertEqual(ledger["seen"], ledger["filtered"] + ledger["aggregated"])


@ks.needs_kernel
class Operations(WithStreams):
    def test_flushes_are_no_writes(self):
        fsyncs = 7

        def work():
            with Direct(disk.path) as requests:
                for i in range(fsyncs):
                    requests.write(i * 4096)
                    requests.flush()
        with LoopDisk() as disk:
            seen = Seen(self.io, disk)
            counted = changes(disk, lambda: run_all(work))
            seen.wait({"flush": fsyncs, "write": fsyncs})
            self.assertEqual(counted["flushes"], fsyncs)
            assert_like_the_kernel(self, seen, counted, fsyncs)

    def test_what_was_merged_is_one_request(self):
        """Pages of 4 KiB, written to the page cache of the device, go out in long requests."""
        pages = 211

        def work():
            descriptor = os.open(disk.path, os.O_RDWR)
            for i in range(pages):
                os.pwrite(descriptor, b"x" * 4096, i * 4096)
            os.fsync(descriptor)
            os.close(descriptor)
        with LoopDisk() as disk, Direct(disk.path) as requests:
            # there is nothing yet that the first second could be compared with
            seen = Seen(self.io, disk)
            requests.read()
            seen.wait({"read": 1})
            seen = Seen(self.io, disk)
            counted = changes(disk, lambda: run_all(work))
            seen.wait({"flush": 1})
            assert_like_the_kernel(self, seen, counted, fsyncs=1)
            self.assertEqual(seen.sums("bytes")["write"], pages * 4096)
            self.assertLess(seen.sums("ops")["write"], pages)
            merges = sum(e["merges"] for e in seen.events("write"))
            self.assertEqual(merges, counted["write_merges"])

    def test_one_completed_in_parts_with_an_error_at_the_end_is_one(self):
        """The file under a disk is cut short in the middle of a request. Of 64 KiB, 16 are read; the
        rest is sent again, and fails."""
        def work():
            with Direct(disk.path, 65536) as requests:
                requests.read(0)
                os.truncate(disk.image.name, (1 << 20) + 16384)
                try:
                    requests.read(1 << 20)
                except OSError:
                    return True
                return False
        with LoopDisk() as disk:
            seen, points = Seen(self.io, disk), Seen(self.points, disk)
            if run_all(work) == [False]:
                self.skipTest("this kernel's loop device reads zeroes past the end of its file")
            seen.wait({"read": 2})
            for field, expected in (("ops", 2), ("bytes", 2 * 65536), ("errors", 1),
                                    ("requeues", 1)):
                self.assertEqual(seen.sums(field)["read"], expected, field)
            self.assertEqual([e["error"] for e in points.wait_events(2)], ["none", "io"])

    def test_a_sample_has_its_keys_in_their_order(self):
        with LoopDisk() as disk, Direct(disk.path) as requests:
            seen = Seen(self.io, disk)
            requests.read()
            [event] = seen.wait_events(1, ops=1)
        self.assertEqual(list(event)[:8], ["time_bucket", "device", "op", "ops", "bytes", "errors",
                                           "requeues", "merges"])
        self.assertEqual(event["time_bucket"],
                         (event["timestamp"] - round(event["interval_ms"] * 1e6)) // 10**9)


@ks.needs_kernel
class Times(WithStreams):
    """By two processes that read the clock one after the other, or against how long the devices were made
    to take: a machine that stops in between makes one request of two lengths."""

    def test_percentiles_of_one_request_are_that_request(self):
        ks.once_in(5, self.percentiles_of_one_request)

    def percentiles_of_one_request(self):
        with LoopDisk() as disk, Direct(disk.path) as requests:
            seen, points = Seen(self.io, disk), Seen(self.points, disk)
            requests.read()
            [sample] = seen.wait_events(1, ops=1)
            [request] = points.wait_events(1)
        for which in ("queue", "device", "latency"):
            self.assertEqual(len({sample[f"{which}_{rank}_ms"] for rank in RANKS}), 1)
            self.assertAlmostEqual(sample[f"{which}_p50_ms"], request[f"{which}_ms"], delta=0.1)
        self.assertAlmostEqual(request["latency_ms"], request["queue_ms"] + request["device_ms"],
                               delta=0.001)

    def test_a_slow_disk_is_slow_on_the_device(self):
        """A disk over one that is throttled to 20 requests a second, by two at a time."""
        ks.once_in(5, self.slow_disk)

    def slow_disk(self):
        reads = 7
        with SlowDisk(20) as slow, LoopDisk(over=slow.device) as disk:
            def work():
                slow.join()
                with Direct(disk.path) as requests:
                    return sum(timed(requests.read, i * 4096)["ms"] for i in range(reads))
            seen, points = Seen(self.io, disk), Seen(self.points, disk)
            [took_ms] = run_all(work)
            seen.wait({"read": reads})
            times = [e["device_ms"] for e in points.wait_events(reads)]
            self.assertGreater(took_ms, 200)
            self.assertAlmostEqual(sum(times), took_ms, delta=0.25 * took_ms)
            samples = [e for e in seen.events() if e["ops"]]
            self.assertAlmostEqual(max(e["device_max_ms"] for e in samples), max(times), delta=1)
            self.assertLess(max(e["queue_max_ms"] for e in samples), 20)

    def test_what_waits_its_turn_is_queued(self):
        """The scheduler lets an idle process wait for others: what it asks for while a request of
        another is on the device is queued, and not on the device, for as long as that takes."""
        ks.once_in(5, self.idle_waits_its_turn)

    def idle_waits_its_turn(self):
        IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE, IOPRIO_SET = 1, 3, 251
        if os.uname().machine != "x86_64":
            self.skipTest("the number of ioprio_set is known for x86-64")
        with SlowDisk(bytes_per_s=8192) as slow, LoopDisk(over=slow.device) as disk:
            disk.set("scheduler", "mq-deadline")

            def busy():
                slow.join()
                with Direct(disk.path) as requests:
                    requests.read()

            def idle():
                ks.wait_for(lambda: disk.stat()["in_flight"], 20, "request in flight")
                libc.syscall(IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << 13)
                with Direct(disk.path) as requests:
                    requests.read(1 << 20)
            points = Seen(self.points, disk)
            run_all(busy, idle)
            one, other = points.wait_events(2)
        self.assertGreater(one["device_ms"], 300)
        self.assertLess(one["queue_ms"], 100)
        self.assertGreater(other["queue_ms"], 150)
        self.assertLess(other["device_ms"], 100)

    def test_a_disk_that_hangs_shows_by_what_is_in_flight(self):
        with SlowDisk(bytes_per_s=1500) as slow, LoopDisk(over=slow.device) as disk:
            def work():
                slow.join()
                with Direct(disk.path) as requests:
                    requests.read()
            seen = Seen(self.io, disk)
            with Direct(disk.path) as requests:
                requests.read()
            run_all(work)
            seen.wait({"read": 2})
            hanging = [e for e in seen.events() if e["ops"] == 0]
            self.assertGreaterEqual(len(hanging), 1)
            for sample in hanging:
                self.assertEqual((sample["op"], sample["in_flight"]), ("read", 1))
                self.assertIsNone(sample["latency_p99_ms"])
            self.assertGreater(max(e["latency_max_ms"] or 0 for e in seen.events()), 2000)


@ks.needs_kernel
class WithoutStamps(unittest.TestCase):
    """queue/iostats is 0: the kernel leaves in a request the stamp of an earlier one."""

    def test_no_time_is_made_up_and_a_second_later_all_are_measured(self):
        # the requests that are compared have to fall into one second
        ks.once_in(5, self.no_time_is_made_up)

    def no_time_is_made_up(self):
        reads = 11
        # one that has not yet met such a disk
        with LoopDisk() as disk, Direct(disk.path) as requests, ks.RunningEvents("io") as io:
            for i in range(257):  # every request's memory has been used, and was stamped
                requests.read(i * 4096)
            disk.set("iostats", 0)
            seconds = []
            while len(seconds) < 2 or (len(seconds) < 5 and seconds[-1]["untimed"]):
                next_second()
                seen = Seen(io, disk)
                for i in range(reads):
                    requests.read(i * 4096)
                seconds += seen.wait_events(1, ops=reads)
        first, last = seconds[0], seconds[-1]
        self.assertEqual(first["untimed"], reads)
        self.assertIsNone(first["latency_p99_ms"])
        # the way to the device is measured here, the device by the kernel: together they must agree
        self.assertEqual(last["untimed"], 0)
        self.assertGreaterEqual(last["latency_max_ms"], last["device_max_ms"])
        self.assertLess(last["latency_max_ms"],
                        last["device_max_ms"] + last["queue_max_ms"] + 0.1)


@ks.needs_kernel
class Issuers(WithStreams):
    def test_who_reads_is_known_exactly(self):
        reads = 13

        def work():
            with Direct(disk.path) as requests:
                for i in range(reads):
                    requests.read(i * 8192)
            return os.getpid()
        with LoopDisk() as disk:
            seen = Seen(self.points, disk)
            [pid] = run_all(work)
            events = seen.wait_events(reads)
        self.assertEqual([e["sector"] for e in events], [i * 16 for i in range(reads)])
        for event in events:
            self.assertEqual((event["op"], event["bytes"], event["error"]), ("read", 4096, "none"))
            self.assertEqual((event["pid"], event["ppid"], event["issuer"]),
                             (pid, os.getpid(), "exact"))

    def test_of_what_was_written_to_the_page_cache_it_is_not_known(self):
        """Written out by the kernel after the process has ended."""
        def work():
            descriptor = os.open(disk.path, os.O_WRONLY)
            os.pwrite(descriptor, b"x" * 65536, 0)
            os.close(descriptor)
            return os.getpid()
        with LoopDisk() as disk:
            seen = Seen(self.points, disk)
            keep_open = os.open(disk.path, os.O_RDWR)  # the last one to close it writes it out
            [pid] = run_all(work)
            os.sync()
            os.close(keep_open)
            writes = seen.wait_events(1, op="write")
        for event in writes:
            self.assertNotEqual(event["pid"], pid)
            self.assertIn(event["issuer"], ("writeback", "kernel", "exact"))
            self.assertEqual(event["issuer"] == "exact", event["pid"] == os.getpid())

    def test_a_flush_is_the_kernels(self):
        with LoopDisk() as disk, Direct(disk.path) as requests:
            seen = Seen(self.points, disk)
            requests.write()
            requests.flush()
            self.assertEqual([(e["op"], e["issuer"]) for e in seen.wait_events(2)],
                             [("write", "exact"), ("flush", "kernel")])


@ks.needs_kernel
class Floors(unittest.TestCase):
    def test_what_was_faster_stays_in_the_kernel(self):
        reads = 211
        with LoopDisk() as disk, ks.RunningEvents("io_request", "--where",
                                                  "device_ms > 60ms", "--stats") as stream:
            with Direct(disk.path) as requests:
                for i in range(reads):
                    requests.read(i * 4096)
            stream.stop()
            ledger = stream.ledger()
        slow = [e["device_ms"] for e in stream.events() if e["device"] == disk.name]
        self.assertGreaterEqual(ledger["filtered"], reads - len(slow))
        self.assertLess(len(slow), reads / 2)
        self.assertGreater(min(slow, default=61), 60)
        self.assertEqual(ledger["seen"], ledger["filtered"] + ledger["emitted"] + ledger["lost"])

    def test_an_error_is_reported_however_fast_it_came(self):
        with LoopDisk() as disk, Direct(disk.path) as requests:
            os.truncate(disk.image.name, 0)
            try:
                requests.read()
                self.skipTest("this kernel's loop device reads zeroes past the end of its file")
            except OSError:
                pass
            with ks.RunningEvents("io_request", "--where", "error != 'none'") as stream:
                seen = Seen(stream, disk)
                made = timed(self.assertRaises, OSError, requests.read)
                [event] = seen.wait_events(1)
        self.assertLess(event["latency_ms"], made["ms"])
        self.assertEqual((event["error"], event["pid"]), ("io", os.getpid()))


@ks.needs_kernel
class Losses(unittest.TestCase):
    """A loss of samples is none of single requests, nor the other way round."""

    @staticmethod
    def missing(stream):
        line = next(t for t in stream.err.texts() if t.startswith("io: seen "))
        return {name: int(n) for name, n in re.findall(r"missing of (\w+): (\d+)", line)}

    @staticmethod
    def fail(disk, times):
        """Reads what the device's file does not have any more."""
        os.truncate(disk.image.name, 0)
        with Direct(disk.path) as requests:
            for i in range(times):
                try:
                    requests.read(i * 4096)
                except OSError:
                    continue
                raise unittest.SkipTest("this kernel's loop device reads zeroes past its file's end")

    def test_a_device_that_finds_no_place_among_the_samples_is_reported_all_the_same(self):
        """256 places for devices times operations, of which each of these takes four."""
        with contextlib.ExitStack() as stack, \
                ks.RunningEvents("io", "io_request", "--stats") as stream:
            for _ in range(73):
                last = stack.enter_context(LoopDisk(1 << 20))
                with Direct(last.path) as requests:
                    requests.read()
                    requests.write()
                    requests.flush()
                    requests.discard()
            self.fail(last, 3)
            stream.stop()
        failed = [e for e in stream.events() if e["device"] == last.name and e.get("error") == "io"]
        self.assertEqual(len(failed), 3)
        ledger = stream.ledger("io")
        self.assertGreater(ledger["map full"], 3)
        self.assertEqual(self.missing(stream), {"io": ledger["map full"], "io_request": 0})

    def test_requests_over_the_limit_are_no_loss_of_samples(self):
        failures = 101
        with LoopDisk() as disk, \
                ks.RunningEvents("io", "io_request", "--event-limit", "7", "--stats") as stream:
            self.fail(disk, failures)
            stream.stop()
        ledger = stream.ledger("io")
        self.assertGreater(ledger["rate limited"], 0)
        self.assertEqual(self.missing(stream), {"io": 0, "io_request": ledger["rate limited"]})
        errors = sum(e["errors"] for e in stream.events() if e["device"] == disk.name and "ops" in e)
        self.assertEqual(errors, failures)


if __name__ == "__main__":
    unittest.main()
