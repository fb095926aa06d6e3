"""What `kernelsight events tcp_retransmit` says of retransmits between two network namespaces, and
that it says as much as the namespaces' own counters."""
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import ks
from children import Child, set_comm, wait_until_blocked
from netns import LossyLink, inside

CHUNK = bytes(500)
CHUNKS = 307

DROP_DATA = """
table inet loss {
  chain in {
    type filter hook input priority 0;
    meta l4proto tcp meta length > 100 numgen inc mod 10 == 0 drop
  }
}"""
DROP_REQUESTS = """
table inet loss {
  chain in {
    type filter hook input priority 0;
    tcp flags & (syn | ack) == syn drop
  }
}"""
DROP_ANSWERS = DROP_REQUESTS.replace("== syn", "== syn | ack")


def connect(address, port):
    """Connects as soon as somebody listens there."""
    while True:
        try:
            return socket.create_connection((address, port), timeout=20 * ks.PATIENCE)
        except ConnectionRefusedError:
            time.sleep(0.01)


def listen(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family)


def send_all(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(CHUNKS):
        connection.sendall(CHUNK)


def receive_all(connection):
    """Reads what send_all() sends, and tells the sender."""
    missing = CHUNKS * len(CHUNK)
    while missing:
        missing -= len(connection.recv(1 << 16))
    connection.sendall(b"x")


class OnLossyLink(unittest.TestCase):
    def setUp(self):
        self.link = self.enterContext(LossyLink())

    @staticmethod
    def set_link(side, *how):
        subprocess.run([*inside(side, "ip", "link", "set", "eth0"), *how], check=True)

    def one_segment_a_packet(self):
        """No segmentation offload, and no two segments sent again as one."""
        for side in (self.link.client, self.link.server):
            self.set_link(side, "gso_max_segs", "1")
            subprocess.run([*inside(side, "sysctl"), "-qw", "net.ipv4.tcp_retrans_collapse=0"],
                           check=True)

    def child(self, side, work):
        def there():
            self.link.enter(side)
            return work()
        return self.enterContext(Child(there))

    @staticmethod
    def counters(side):
        """What nstat shows of a namespace."""
        text = subprocess.run([*inside(side, "cat"), "/proc/net/snmp",
                               "/proc/net/netstat"], capture_output=True, text=True,
                              check=True).stdout
        values = {}
        for names, numbers in re.findall(r"^(\w+:.*)\n(\w+:.*)$", text, re.M):
            values.update(zip(names.split(), numbers.split()))
        return {name: int(n) for name, n in values.items() if n.lstrip("-").isdigit()}

    def counter(self, side):
        """Segments that a namespace has sent again."""
        values = self.counters(side)
        return values["RetransSegs"] - values["TCPRetransFail"]

    def serve_sink(self, address, port):
        """A server that reads what one client sends."""
        def work():
            with listen(address, port) as listener, listener.accept()[0] as connection:
                receive_all(connection)
        return self.child(self.link.server, work)

    def send(self, address, port, after=lambda: None):
        """A client that sends to it; calls after() when it is connected."""
        def work():
            set_comm(b"the client")
            with connect(address, port) as connection:
                after()
                send_all(connection)
                connection.recv(1)
                return connection.getsockname()[1]
        return self.child(self.link.client, work)


@ks.needs_kernel
class Retransmits(OnLossyLink):
    def setUp(self):
        super().setUp()
        # the counters count segments and the events packets
        self.one_segment_a_packet()

    def start(self):
        self.ks = self.enterContext(ks.RunningEvents("tcp_retransmit", "--stats"))
        self.sent_again = {side: self.counter(side)
                           for side in (self.link.client, self.link.server)}

    def events_of(self, side, port):
        """All events of a namespace, whose only connections are to that port; there have to be as
        many as the namespace counted."""
        own = "dport" if side == self.link.client else "sport"

        def found():
            return [e for e in self.ks.events() if e[own] == port]

        def counted():
            return self.counter(side) - self.sent_again[side]
        ks.wait_for(lambda: len(found()) >= counted(), 5, "as many events as retransmits")
        time.sleep(0.1)
        try:
            ks.wait_for(lambda: len(found()) == counted(), 5, "as many events as retransmits")
        except AssertionError as error:
            raise AssertionError(f"{counted()} retransmits, {error}: {found()}")
        self.assertTrue(found())
        return found()

    def assert_all(self, events, **wanted):
        """All but the last segment of a connection, which may be sent again if the other end stood still
        then."""
        last = [e for e in events if e["state"] in ("FIN-WAIT-1", "CLOSING", "LAST-ACK")]
        self.assertLessEqual(len(last), 3, last)
        for event in [e for e in events if e not in last]:
            self.assertEqual({name: event[name] for name in wanted}, wanted)

    def test_a_client_that_connects_later(self):
        for address, own, port in (
                (self.link.server_address, self.link.client_address, 7001),
                (self.link.server_address6, self.link.client_address6, 7006)):
            with self.subTest(address):
                self.start()
                self.link.nft(self.link.server, DROP_DATA)
                self.serve_sink(address, port)
                client = self.send(address, port)
                sport = client.result()
                events = self.events_of(self.link.client, port)
                self.assert_all(events, pid=client.pid, comm="the client", saddr=own, sport=sport,
                                daddr=address, dport=port, state="ESTAB", owner="exact",
                                ppid=os.getpid(), uid=0)
                self.assertGreaterEqual(len(events), CHUNKS // 30)
                self.ks.stop()
                ledger = self.ks.ledger()
                self.assertEqual(ledger["emitted"], len(self.ks.events()))
                self.assertEqual(ledger["seen"], ledger["emitted"] + ledger["filtered"])
                self.link.nft(self.link.server, "flush ruleset")

    def test_a_client_that_was_connected_before(self):
        connected, go = os.pipe(), os.pipe()
        self.link.nft(self.link.server, DROP_DATA)
        self.serve_sink(self.link.server_address, 7002)
        client = self.send(self.link.server_address, 7002,
                           lambda: (os.write(connected[1], b"x"), os.read(go[0], 1)))
        os.read(connected[0], 1)
        self.start()
        os.write(go[1], b"x")
        sport = client.result()
        self.assert_all(self.events_of(self.link.client, 7002), pid=client.pid, comm="the client",
                        sport=sport, owner="exact")
        for descriptor in connected + go:
            os.close(descriptor)

    def serve_data(self, port, hand_on):
        """A server that sends to one client: hand_on(listener, serve) has serve(connection) called
        in the process of its choice and returns that process's pid."""
        def serve(connection):
            set_comm(b"the worker")
            with connection:
                send_all(connection)
                connection.recv(1)
                time.sleep(2)  # lives until the next walk

        def work():
            set_comm(b"the listener")
            with listen(self.link.server_address, port) as listener:
                pid = hand_on(listener, serve)
                if pid != os.getpid():
                    os.waitpid(pid, 0)
                return pid
        return self.child(self.link.server, work)

    def serve_one(self, port, hand_on):
        """The server, and a client that reads what it sends."""
        self.start()
        self.link.nft(self.link.client, DROP_DATA)

        def read():
            with connect(self.link.server_address, port) as connection:
                receive_all(connection)
                return connection.getsockname()[1]
        return self.serve_data(port, hand_on), self.child(self.link.client, read)

    def check_server(self, port, hand_on):
        server, client = self.serve_one(port, hand_on)
        worker, dport = server.result(), client.result()
        self.assert_all(self.events_of(self.link.server, port), pid=worker, comm="the worker",
                        owner="exact", saddr=self.link.server_address,
                        daddr=self.link.client_address, dport=dport, state="ESTAB")
        return worker, server.pid

    def test_a_server_that_forks_for_each_connection(self):
        def fork_after_accept(listener, serve):
            connection, _ = listener.accept()
            pid = os.fork()
            if pid == 0:
                serve(connection)
                os._exit(0)
            connection.close()
            return pid
        worker, listener = self.check_server(7003, fork_after_accept)
        self.assertNotEqual(worker, listener)

    def test_a_worker_that_accepts_from_its_parents_listener(self):
        def fork_before_accept(listener, serve):
            pid = os.fork()
            if pid == 0:
                serve(listener.accept()[0])
                os._exit(0)
            return pid
        worker, listener = self.check_server(7004, fork_before_accept)
        self.assertNotEqual(worker, listener)

    @staticmethod
    def accept(listener, serve):
        serve(listener.accept()[0])
        return os.getpid()

    def test_a_server_that_serves_by_itself(self):
        worker, listener = self.check_server(7005, self.accept)
        self.assertEqual(worker, listener)

    def test_an_event_that_waits_for_its_owner_is_not_lost_at_the_end(self):
        self.serve_one(7010, self.accept)
        side = self.link.server
        ks.wait_for(lambda: self.counter(side) > self.sent_again[side], 10, "retransmit")
        self.set_link(side, "down")  # so that no more come
        self.ks.stop()
        self.assertEqual(self.ks.ledger()["emitted"], len(self.ks.events()))

    def test_a_request_that_nobody_answers(self):
        self.start()
        self.link.nft(self.link.server, DROP_REQUESTS)

        def knock():
            set_comm(b"the client")
            with socket.socket() as s:
                s.settimeout(2.2)  # the first retransmit comes after 1 s
                try:
                    s.connect((self.link.server_address, 7007))
                except TimeoutError:
                    pass
        client = self.child(self.link.client, knock)
        client.result()
        self.assert_all(self.events_of(self.link.client, 7007), pid=client.pid, comm="the client",
                        daddr=self.link.server_address, state="SYN-SENT", owner="exact")

    def test_an_answer_that_does_not_arrive(self):
        self.start()
        self.link.nft(self.link.client, DROP_ANSWERS)

        def wait():
            set_comm(b"the listener")
            with listen(self.link.server_address, 7008):
                signal.pause()
        server = self.child(self.link.server, wait)
        wait_until_blocked(server.pid)

        def knock():
            with socket.socket() as s:
                s.settimeout(2.2)
                try:
                    s.connect((self.link.server_address, 7008))
                except TimeoutError:
                    return s.getsockname()[1]
        dport = self.child(self.link.client, knock).result()
        self.assert_all(self.events_of(self.link.server, 7008), pid=server.pid, comm="the listener",
                        daddr=self.link.client_address, dport=dport, state="SYN-RECV",
                        owner="listener")

    def test_a_segment_that_could_not_be_sent_again_is_none(self):
        """The sender's own firewall refuses it: the kernel traces that too, as a failure."""
        self.start()
        self.link.nft(self.link.server, DROP_DATA)
        self.link.nft(self.link.client, DROP_DATA.replace("hook input", "hook output"))
        self.serve_sink(self.link.server_address, 7009)
        client = self.send(self.link.server_address, 7009)
        client.result()
        self.assert_all(self.events_of(self.link.client, 7009), pid=client.pid)


@ks.needs_kernel
class Peers(OnLossyLink):
    """`kernelsight events tcp`, packets of many segments and all, against the kernel's counters."""

    COUNT_DATA = """
        table inet count {
          counter data { }
          chain out {
            type filter hook output priority 0;
            tcp flags & syn == 0 meta length > 60 counter name data
          }
        }"""

    def start(self):
        self.ks = self.enterContext(ks.RunningEvents("tcp_retransmit", "tcp", "--stats"))
        self.before = {side: self.counters(side) for side in (self.link.client, self.link.server)}

    def since(self, side):
        now = self.counters(side)
        return {name: n - self.before[side].get(name, 0) for name, n in now.items()}

    def samples(self, pid):
        return [e for e in self.ks.events() if "segments_sent" in e and e["pid"] == pid]

    def sums(self, pid):
        samples = self.samples(pid)
        return {field: sum(e[field] for e in samples) for field in
                ("segments_sent", "retransmits", "syn_retransmits", "connections")}

    @staticmethod
    def settle(is_so):
        """Until the samples have come of the second in which the last connection ended, and say what they
        should. If they never do, the comparisons that follow say more."""
        try:
            ks.wait_for(is_so, 5, "all samples")
        except AssertionError:
            pass

    def check_ledger(self):
        self.ks.stop()
        ledger = self.ks.ledger("tcp_retransmit")
        self.assertEqual((ledger["lost"], ledger["user space"]), (0, 0))
        self.assertEqual(ledger["seen"], ledger["emitted"] + ledger["filtered"])

    def test_retransmits_are_the_segments_that_the_kernel_counts(self):
        for address, port in ((self.link.server_address, 7301), (self.link.server_address6, 7302)):
            with self.subTest(address):
                self.start()
                self.link.drop_tenth()
                n_bytes = 3000017

                def receive():
                    with listen(address, port) as listener, listener.accept()[0] as connection:
                        while connection.recv(1 << 16):
                            pass
                self.child(self.link.server, receive)

                def send():
                    with connect(address, port) as connection:
                        connection.sendall(bytes(n_bytes))
                        connection.shutdown(socket.SHUT_WR)
                        connection.recv(1)
                client = self.child(self.link.client, send)
                client.result()

                def again():
                    sums = self.sums(client.pid)
                    return sums["retransmits"] + sums["syn_retransmits"]
                self.settle(lambda: again() == self.since(self.link.client)["RetransSegs"])
                counted = self.since(self.link.client)
                sums = self.sums(client.pid)
                self.assertEqual(again(), counted["RetransSegs"])
                self.assertGreater(sums["retransmits"], 10)
                self.assertEqual(sums["syn_retransmits"], counted["TCPSynRetrans"])
                again = [e for e in self.ks.events() if "segments" in e and e["pid"] == client.pid]
                self.assertEqual(sum(e["segments"] for e in again),
                                 counted["RetransSegs"] - counted["TCPRetransFail"])
                for event in again:
                    self.assertEqual(event["kind"], "data")
                    self.assertGreater(event["rtt_ms"], 0)
                for sample in self.samples(client.pid):
                    self.assertEqual((sample["daddr"], sample["owner"]), (address, "exact"))
                    self.assertLessEqual(sample["rtt_min_ms"], sample["rtt_avg_ms"])
                    self.assertTrue(0 < sample["rtt_min_ms"] < 1000, sample)
                self.check_ledger()
                self.link.heal()

    def test_segments_sent_are_the_packets_of_the_firewall(self):
        self.one_segment_a_packet()
        self.link.nft(self.link.client, self.COUNT_DATA)
        self.link.nft(self.link.server, DROP_DATA)
        self.start()
        self.serve_sink(self.link.server_address, 7303)
        client = self.send(self.link.server_address, 7303)
        client.result()

        def packets():
            text = subprocess.run([*inside(self.link.client, "nft", "list", "counter", "inet", "count",
                                           "data")], capture_output=True, text=True, check=True).stdout
            return int(re.search(r"packets (\d+)", text).group(1))
        self.settle(lambda: self.sums(client.pid)["segments_sent"] == packets())
        sums = self.sums(client.pid)
        self.assertEqual(sums["segments_sent"], packets())
        self.assertEqual(sums["retransmits"], self.since(self.link.client)["RetransSegs"])
        self.assertGreater(sums["retransmits"], 0)

    def knock(self, port):
        def work():
            with socket.socket() as s:
                s.settimeout(2.2)  # the first retransmit comes after 1 s
                try:
                    s.connect((self.link.server_address, port))
                except TimeoutError:
                    pass
        client = self.child(self.link.client, work)
        client.result()
        return client

    def test_requests_and_answers_are_apart_from_data(self):
        self.start()
        self.link.nft(self.link.client, DROP_ANSWERS)

        def wait():
            with listen(self.link.server_address, 7304):
                signal.pause()
        server = self.child(self.link.server, wait)
        wait_until_blocked(server.pid)
        client = self.knock(7304)
        for side, child in ((self.link.client, client), (self.link.server, server)):
            def counted():
                return self.since(side)["TCPSynRetrans"]
            self.settle(lambda: self.sums(child.pid)["syn_retransmits"] == counted())
            self.assertGreaterEqual(counted(), 1)
            sums = self.sums(child.pid)
            self.assertEqual((sums["syn_retransmits"], sums["retransmits"], sums["segments_sent"]),
                             (counted(), 0, 0))
        self.assertEqual({e["rtt_min_ms"] for e in self.samples(client.pid)}, {None})
        kinds = {e["kind"] for e in self.ks.events()
                 if "kind" in e and e["pid"] in (client.pid, server.pid)}
        self.assertEqual(kinds, {"syn", "synack"})

    def test_an_answer_that_arrives_in_the_end_is_counted_once(self):
        """The connection that comes of it begins with the listener's retransmits on its account."""
        self.start()
        self.link.nft(self.link.client, DROP_ANSWERS)

        def serve():
            with listen(self.link.server_address, 7305) as listener:
                with listener.accept()[0] as connection:
                    connection.sendall(bytes(97))
                    connection.recv(1)
        server = self.child(self.link.server, serve)

        def call():
            with connect(self.link.server_address, 7305) as connection:
                connection.recv(97, socket.MSG_WAITALL)
        client = self.child(self.link.client, call)
        ks.wait_for(lambda: self.since(self.link.server)["TCPSynRetrans"], 5, "answer sent again")
        self.link.nft(self.link.client, "flush ruleset")
        client.result()
        server.result()

        def again():
            sums = self.sums(server.pid)
            return sums["retransmits"] + sums["syn_retransmits"]
        self.settle(lambda: again() == self.since(self.link.server)["RetransSegs"] and
                    self.sums(server.pid)["segments_sent"])
        sums = self.sums(server.pid)
        counted = self.since(self.link.server)
        self.assertEqual(sums["syn_retransmits"], counted["TCPSynRetrans"])
        self.assertEqual(sums["retransmits"], counted["RetransSegs"] - counted["TCPSynRetrans"])
        self.assertEqual(sums["segments_sent"], 1 + sums["retransmits"])


if __name__ == "__main__":
    unittest.main()
