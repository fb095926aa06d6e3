"""What `kernelsight events net` adds up, against what was sent and received, byte by byte, and
against the counters of a firewall and of the interfaces."""
import ctypes
import json
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time
import unittest
from pathlib import Path

import ks
from children import Child, libc, set_comm, wait_until_blocked
from netns import LossyLink, inside

FIELDS = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets")
ADDRESSES = {"ipv4": "127.0.0.1", "ipv6": "::1"}
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def read_to_end(connection):
    got = 0
    while data := connection.recv(1 << 16):
        got += len(data)
    return got


class Stream(unittest.TestCase):
    """Tests that share one running `kernelsight events`."""

    sources = ("net",)

    @classmethod
    def setUpClass(cls):
        cls.ks = ks.RunningEvents(*cls.sources, "--stats").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.ks.stop()

    def child(self, work):
        child = self.enterContext(Child(work))
        self.parents.add(child.pid)
        return child

    def setUp(self):
        self.parents = {os.getpid()}

    def events_of(self, pid, **wanted):
        """Of a child or its child. (The pid may have been that of another process before.)"""
        return [e for e in self.ks.events() if e.get("pid") == pid and e["ppid"] in self.parents
                and all(e[k] == v for k, v in wanted.items())]

    def sums(self, pid, **wanted):
        events = self.events_of(pid, **wanted)
        return {field: sum(e[field] for e in events) for field in FIELDS}

    def check(self, pid, protocol, family, **expected):
        """The events of a process come to exactly that, and stay there."""
        def reached():
            sums = self.sums(pid, protocol=protocol, family=family)
            return all(sums[field] >= n for field, n in expected.items())
        try:
            ks.wait_for(reached, 5, "all")
        except AssertionError:
            pass  # the comparison says more
        sums = self.sums(pid, protocol=protocol, family=family)
        self.assertEqual({field: sums[field] for field in expected}, expected)
        return self.events_of(pid, protocol=protocol, family=family)

    def listen(self, address):
        listener = socket.create_server((address, 0), family=family_of(address))
        self.addCleanup(listener.close)
        return listener

    def serve(self, listener, work):
        """A child that accepts one connection and gives it to work(connection)."""
        def accept():
            with listener.accept()[0] as connection:
                return work(connection)
        return self.child(accept)

    def client(self, listener, work):
        def connect():
            with socket.create_connection(listener.getsockname()[:2]) as connection:
                return work(connection)
        return self.child(connect)


@ks.needs_kernel
class Tcp(Stream):
    def transfer(self, address, family, send, n_bytes):
        """One child sends, another receives, and both end at once; the events of both."""
        listener = self.listen(address)
        receiver = self.serve(listener, read_to_end)
        sender = self.client(listener, send)
        self.assertEqual(receiver.result(), n_bytes)
        sender.result()
        sent = self.check(sender.pid, "tcp", family, tx_bytes=n_bytes, rx_bytes=0)
        received = self.check(receiver.pid, "tcp", family, rx_bytes=n_bytes, tx_bytes=0)
        for event in sent + received:
            self.assertEqual((event["owner"], event["ppid"]), ("exact", os.getpid()))
        return sender.pid, receiver.pid

    def test_an_event_has_the_documented_keys(self):
        self.transfer("127.0.0.1", "ipv4", lambda c: c.sendall(b"x"), 1)
        self.assertEqual(list(self.ks.events()[0])[:9], [
            "time_bucket", "pid", "comm", "protocol", "family", *FIELDS])

    def test_every_byte_of_processes_that_end_at_once(self):
        for family, address in ADDRESSES.items():
            for n_bytes in (1, 1009, 15485863):
                with self.subTest(family=family, bytes=n_bytes):
                    # if one end stands still for too long, the other sends the same again
                    ks.once_in(3, lambda: self.transfer_with_packets(family, address, n_bytes))

    def transfer_with_packets(self, family, address, n_bytes):
        sender, receiver = self.transfer(address, family, lambda c: c.sendall(bytes(n_bytes)), n_bytes)
        # all that one sends the other receives, but for the listener's answer and for what is left to
        # TIME-WAIT, which is no socket: the last segment each way
        one, other = self.sums(sender), self.sums(receiver)
        self.assertIn(other["rx_packets"] - one["tx_packets"], (0, 1))
        self.assertIn(other["tx_packets"] + 1 - one["rx_packets"], (0, 1))

    def test_ipv4_over_a_socket_of_ipv6_is_ipv4(self):
        listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.addCleanup(listener.close)
        receiver = self.serve(listener, read_to_end)

        def send():
            with socket.socket(socket.AF_INET6) as s:
                s.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
                s.sendall(bytes(4001))
        sender = self.child(send)
        receiver.result()
        self.check(sender.pid, "tcp", "ipv4", tx_bytes=4001)
        self.check(receiver.pid, "tcp", "ipv4", rx_bytes=4001)
        self.assertEqual(self.events_of(sender.pid, family="ipv6"), [])

    def test_sendfile_splice_and_zerocopy(self):
        n_bytes = 1299709
        pattern = os.memfd_create("bytes")
        self.addCleanup(os.close, pattern)
        os.write(pattern, bytes(n_bytes))

        def by_sendfile(connection):
            os.lseek(pattern, 0, os.SEEK_SET)
            connection.sendfile(os.fdopen(os.dup(pattern), "rb"))

        def by_splice(connection):
            reader, writer = os.pipe()
            done = 0
            while done < n_bytes:
                n = os.splice(pattern, writer, min(65536, n_bytes - done), offset_src=done)
                done += n
                while n:
                    n -= os.splice(reader, connection.fileno(), n)

        def by_zerocopy(connection):
            connection.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
            data = bytes(n_bytes)
            at = 0
            while at < n_bytes:
                at += connection.send(memoryview(data)[at:at + 60000], MSG_ZEROCOPY)
        for send in (by_sendfile, by_splice, by_zerocopy):
            with self.subTest(send.__name__):
                self.transfer("127.0.0.1", "ipv4", send, n_bytes)

    def test_what_is_received_by_splice_counts(self):
        """tcp_splice_read passes by the tracepoint of recvmsg."""
        n_bytes = 49999

        def by_splice(connection):
            reader, writer = os.pipe()
            got = 0
            while n := os.splice(connection.fileno(), writer, 1 << 16):
                got += n
                os.read(reader, n)
            return got
        listener = self.listen("127.0.0.1")
        receiver = self.serve(listener, by_splice)
        self.client(listener, lambda c: c.sendall(bytes(n_bytes))).result()
        self.assertEqual(receiver.result(), n_bytes)
        self.check(receiver.pid, "tcp", "ipv4", rx_bytes=n_bytes)

    def test_many_processes_at_once(self):
        """Each worker accepts from one listener, as servers do; connections of a few milliseconds."""
        workers, connections, n_bytes = 5, 31, 10007
        listener = self.listen("127.0.0.1")

        def serve():
            total = 0
            for _ in range(connections):
                with listener.accept()[0] as connection:
                    total += read_to_end(connection)
            return total

        def send():
            for _ in range(connections):
                with socket.create_connection(listener.getsockname()) as connection:
                    connection.sendall(bytes(n_bytes))
        receivers = [self.child(serve) for _ in range(workers)]
        senders = [self.child(send) for _ in range(workers)]
        for child in senders:
            child.result()
            self.check(child.pid, "tcp", "ipv4", tx_bytes=connections * n_bytes)
        for child in receivers:
            self.check(child.pid, "tcp", "ipv4", rx_bytes=child.result())

    def test_a_connection_reset_by_its_peer(self):
        def reset(connection):
            connection.recv(1 << 16, socket.MSG_WAITALL)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def send(connection):
            connection.sendall(bytes(1 << 16))
            try:
                connection.recv(1)
            except ConnectionResetError:
                return True
            return False
        listener = self.listen("127.0.0.1")
        receiver = self.serve(listener, reset)
        sender = self.client(listener, send)
        self.assertTrue(sender.result())
        receiver.result()
        self.check(sender.pid, "tcp", "ipv4", tx_bytes=1 << 16)
        self.check(receiver.pid, "tcp", "ipv4", rx_bytes=1 << 16)

    def test_a_socket_that_connects_again(self):
        """connect(2) to nowhere ends a connection and sets the socket's counters back."""
        n_bytes = (70001, 101, 70003)
        listener = self.listen("127.0.0.1")

        def send():
            with socket.socket() as s:
                for n in n_bytes:
                    s.connect(listener.getsockname())
                    s.sendall(bytes(n))
                    s.recv(1)
                    nowhere = bytes(16)
                    if libc.connect(s.fileno(), nowhere, len(nowhere)):
                        raise OSError(ctypes.get_errno(), "connect")

        def receive():
            for n in n_bytes:
                with listener.accept()[0] as connection:
                    connection.recv(n, socket.MSG_WAITALL)
                    connection.sendall(b"x")
        receiver, sender = self.child(receive), self.child(send)
        sender.result()
        receiver.result()
        self.check(sender.pid, "tcp", "ipv4", tx_bytes=sum(n_bytes), rx_bytes=3)
        self.check(receiver.pid, "tcp", "ipv4", rx_bytes=sum(n_bytes), tx_bytes=3)

    def test_a_long_connection_is_reported_every_second_with_its_process(self):
        """The parent accepts, a child that it forks serves: a walk over the files finds the child, unless
        it comes just before the fork."""
        ks.once_in(3, self.long_connection)

    def long_connection(self):
        listener = self.listen("127.0.0.1")

        def accept():
            connection, _ = listener.accept()
            pid = os.fork()
            if pid == 0:
                set_comm(b"the worker")
                read_to_end(connection)
                os._exit(0)
            connection.close()
            os.waitpid(pid, 0)
            return pid
        server = self.child(accept)

        def send(connection):
            for _ in range(31):
                connection.sendall(bytes(1013))
                time.sleep(0.1)
        sender = self.client(listener, send)
        sender.result()
        worker = server.result()
        events = self.check(worker, "tcp", "ipv4", rx_bytes=31 * 1013)
        self.assertGreaterEqual(len(events), 3)
        self.assertEqual({e["owner"] for e in events}, {"exact"})
        self.assertEqual(events[-1]["comm"], "the worker")
        self.assertEqual(self.events_of(server.pid), [])
        self.assertGreaterEqual(len(self.check(sender.pid, "tcp", "ipv4", tx_bytes=31 * 1013)), 3)

    def test_what_was_sent_before_is_not_charged(self):
        listener = self.listen("127.0.0.1")
        go, arrived = os.pipe(), os.pipe()

        def receive(connection):
            connection.recv(30011, socket.MSG_WAITALL)
            os.write(arrived[1], b"x")
            return read_to_end(connection)
        receiver = self.serve(listener, receive)

        def send(connection):
            connection.sendall(bytes(30011))
            os.read(go[0], 1)
            connection.sendall(bytes(211))
        sender = self.client(listener, send)
        os.read(arrived[0], 1)
        wait_until_blocked(sender.pid, "read")
        wait_until_blocked(receiver.pid)
        with ks.RunningEvents("net") as stream:
            os.write(go[1], b"x")
            receiver.result()

            def found():
                sums = {sender.pid: [0, 0], receiver.pid: [0, 0]}
                for event in stream.events():
                    if event["pid"] in sums:
                        sums[event["pid"]][0] += event["tx_bytes"]
                        sums[event["pid"]][1] += event["rx_bytes"]
                return sums
            ks.wait_for(lambda: all(map(any, found().values())), 5, "both ends")
        self.assertEqual(found(), {sender.pid: [211, 0], receiver.pid: [0, 211]})


@ks.needs_kernel
class Udp(Stream):
    def test_every_datagram(self):
        for family, address in ADDRESSES.items():
            with self.subTest(family):
                n, size = 1009, 101
                reader = socket.socket(family_of(address), socket.SOCK_DGRAM)
                self.addCleanup(reader.close)
                reader.bind((address, 0))

                def work():
                    with socket.socket(reader.family, socket.SOCK_DGRAM) as s:
                        for _ in range(n):
                            s.sendto(bytes(size), reader.getsockname())
                            reader.recv(1, socket.MSG_PEEK)
                            reader.recv(1000)
                child = self.child(work)
                child.result()
                self.check(child.pid, "udp", family, tx_bytes=n * size, rx_bytes=n * size,
                           tx_packets=n, rx_packets=n)

    def test_empty_datagrams_count_and_failures_do_not(self):
        def work():
            with socket.socket(type=socket.SOCK_DGRAM) as reader, \
                    socket.socket(type=socket.SOCK_DGRAM) as writer:
                reader.bind(("127.0.0.1", 0))
                reader.setblocking(False)
                for _ in range(17):
                    writer.sendto(b"", reader.getsockname())
                    select.select([reader], [], [])
                    reader.recv(10)
                    for fails in (lambda: reader.recv(10),
                                  lambda: writer.sendto(bytes(1 << 16), reader.getsockname())):
                        try:
                            fails()
                        except OSError:
                            continue
                        raise AssertionError
        child = self.child(work)
        child.result()
        self.check(child.pid, "udp", "ipv4", tx_packets=17, rx_packets=17, tx_bytes=0, rx_bytes=0)

    def test_threads_and_processes_on_all_cpus(self):
        """Senders with more threads than CPUs, one reader: nothing is counted twice or lost."""
        threads, n, size = 2 * os.cpu_count() + 1, 499, 53

        def work():
            def send():
                with socket.socket(type=socket.SOCK_DGRAM) as s:
                    s.connect(("127.0.0.1", 9))
                    sent = 0
                    while sent < n:
                        try:
                            sent += s.send(bytes(size)) == size
                        except ConnectionRefusedError:
                            pass  # said of one before; this one was not sent
            all_ = [threading.Thread(target=send) for _ in range(threads)]
            for thread in all_:
                thread.start()
            for thread in all_:
                thread.join()
        children = [self.child(work) for _ in range(3)]
        for child in children:
            child.result()
            self.check(child.pid, "udp", "ipv4", tx_packets=threads * n,
                       tx_bytes=threads * n * size)

    def test_5003_processes_of_one_datagram(self):
        """More than the map of processes holds: each one's place is free again at its end."""
        # while the reader stands still the ring may fill up
        ks.once_in(3, self.processes_of_one_datagram)

    def processes_of_one_datagram(self):
        with ks.RunningEvents("net", "--stats") as stream:
            process = subprocess.Popen([ks.TOOLS / "udp_storm", "5003", "31"])
            self.assertEqual(process.wait(300), 0)

            def found():
                return [e for e in stream.events()
                        if e["ppid"] == process.pid and e["protocol"] == "udp"]
            ks.wait_for(lambda: len(found()) >= 5003, 60, "5003 events")
            stream.stop()
        self.assertEqual((len(found()), sum(e["tx_bytes"] for e in found())), (5003, 5003 * 31))
        ledger = stream.ledger("net")
        self.assertEqual((ledger["lost"], ledger["user space"], ledger["not run"]), (0, 0, 0))
        self.assertEqual(ledger["seen"],
                         ledger["filtered"] + ledger["aggregated"] + ledger["emitted"])
        self.assertGreaterEqual(ledger["aggregated"], 5003)


@ks.needs_kernel
class Namespaces(Stream):
    """Connections of other network namespaces, against the firewall's own count there."""

    COUNT = """
        table inet count {
          counter tcp_in { }
          counter tcp_out { }
          counter udp_out { }
          chain in {
            type filter hook input priority 0;
            meta l4proto tcp counter name tcp_in
          }
          chain out {
            type filter hook output priority 0;
            meta l4proto tcp counter name tcp_out
            meta l4proto udp counter name udp_out
          }
        }
        """

    def setUp(self):
        super().setUp()
        self.link = self.enterContext(LossyLink())
        for side in (self.link.client, self.link.server):
            # one segment a packet: the kernel counts segments, the firewall packets
            subprocess.run([*inside(side, "ip", "link", "set", "eth0", "gso_max_segs", "1")],
                           check=True)
            self.link.nft(side, self.COUNT)

    def counters(self, side):
        text = subprocess.run([*inside(side, "nft", "-j", "list", "counters")],
                              capture_output=True, text=True, check=True).stdout
        return {c["counter"]["name"]: (c["counter"]["packets"], c["counter"]["bytes"])
                for c in json.loads(text)["nftables"] if "counter" in c}

    def settled_counters(self, side):
        """When the last acknowledgement has come."""
        def still():
            before = self.counters(side)
            time.sleep(0.3)
            return before if self.counters(side) == before else None
        return ks.wait_for(still, 10, "end of the traffic")

    def there(self, side, work):
        def enter():
            self.link.enter(side)
            return work()
        return self.child(enter)

    def test_tcp_bytes_and_packets_are_those_of_the_firewall(self):
        n_bytes = 100003
        for family, address in (("ipv4", self.link.server_address),
                                ("ipv6", self.link.server_address6)):
            with self.subTest(family):
                # what is sent again because one end stood still may come after the socket's end
                ks.once_in(3, lambda: self.transfer_past_the_firewall(family, address, n_bytes))

    def transfer_past_the_firewall(self, family, address, n_bytes):
        before = self.settled_counters(self.link.client)
        ready = os.pipe()

        def receive():
            with socket.create_server((address, 7100), family=family_of(address)) as s:
                os.write(ready[1], b"x")
                with s.accept()[0] as connection:
                    return read_to_end(connection)

        def send():
            with socket.create_connection((address, 7100)) as connection:
                connection.sendall(bytes(n_bytes))
                connection.shutdown(socket.SHUT_WR)
                read_to_end(connection)
        receiver = self.there(self.link.server, receive)
        os.read(ready[0], 1)
        sender = self.there(self.link.client, send)
        sender.result()
        receiver.result()
        after = self.settled_counters(self.link.client)
        sent, received = (after[name][0] - before[name][0] for name in ("tcp_out", "tcp_in"))
        self.check(sender.pid, "tcp", family, tx_bytes=n_bytes, rx_bytes=0)
        sums = self.sums(sender.pid)
        # the last segment each way may be left to TIME-WAIT, which is no socket
        self.assertIn(sent - sums["tx_packets"], (0, 1))
        self.assertIn(received - sums["rx_packets"], (0, 1))
        self.check(receiver.pid, "tcp", family, rx_bytes=n_bytes, tx_bytes=0)

    def test_udp_is_that_of_the_firewall(self):
        n, size = 307, 997
        before = self.counters(self.link.client)

        def send():
            with socket.socket(type=socket.SOCK_DGRAM) as s:
                for _ in range(n):
                    s.sendto(bytes(size), (self.link.server_address, 7200))
        sender = self.there(self.link.client, send)
        sender.result()
        after = self.counters(self.link.client)
        packets, size_on_wire = (a - b for a, b in zip(after["udp_out"], before["udp_out"]))
        self.assertEqual((packets, size_on_wire), (n, n * (size + 28)))
        self.check(sender.pid, "udp", "ipv4", tx_packets=n, tx_bytes=n * size)


@ks.needs_kernel
class Interfaces(Stream):
    sources = ("net_interface",)

    def test_an_interface_says_what_its_counters_say(self):
        name = f"ks{os.getpid()}"
        made = subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name",
                               name + "p"], capture_output=True, text=True)
        if made.returncode:
            self.skipTest(made.stderr)
        self.addCleanup(subprocess.run, ["ip", "link", "del", name], capture_output=True)
        for end in (name, name + "p"):
            subprocess.run(["ip", "link", "set", end, "up"], check=True)
        state = Path(f"/sys/class/net/{name}/operstate")
        ks.wait_for(lambda: state.read_text() == "up\n", 5, "carrier")
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((name, 0))
            for _ in range(211):
                s.send(b"\xff" * 6 + bytes(6) + b"\x88\xb5" + bytes(101))
        subprocess.run(["ip", "link", "set", name, "down"], check=True)

        def counters(end):
            return {field: int(Path(f"/sys/class/net/{end}/statistics/{field}").read_text())
                    for field in FIELDS}

        def sums(end):
            events = [e for e in self.ks.events() if e["interface"] == end]
            return {field: sum(e[field] for e in events) for field in FIELDS}
        def told():
            return all(sums(end) == counters(end) for end in (name, name + "p"))
        try:
            ks.wait_for(told, 5, "all")
        except AssertionError:
            pass  # the comparison says more
        for end in (name, name + "p"):
            self.assertEqual(sums(end), counters(end))
        self.assertGreaterEqual(sums(name)["tx_packets"], 211)
        self.assertGreaterEqual(sums(name + "p")["rx_bytes"], 211 * 115)

    def test_nothing_is_attached_for_them(self):
        line = next(t for t in self.ks.err.texts() if "watching net_interface" in t)
        self.assertIsNone(re.search("tp_btf|iter", line), line)


if __name__ == "__main__":
    unittest.main()
