"""After a remap has returned, the very next query gives the new site: the next query of every worker, under load,
and no query is lost.

The kernel spreads clients over the workers' sockets by their source port (SO_REUSEPORT), so the probes of one round
come from many ports at once. A single lagging worker would have to be missed by all of them: with 4 workers and 64
ports the chance is 0.75^64, about 1 in 100 million a round.
"""

import selectors
import socket
import threading
import unittest

import dns.edns
import dns.flags
import dns.message

from harness import ScenarioCase
from small_world import ADDRESS, SERVICE, small_world

ROUNDS = 60
PROBES = 64
WORKERS = 4
SHARD = "snorth.shard." + SERVICE


def client_subnet(address):
    option = dns.edns.ECSOption(address, 24)
    return dns.message.make_query(SERVICE, "A", use_edns=0, options=[option])


class Load(threading.Thread):
    """Keeps queries in flight from several sockets until stopped; counts what was sent, answered and refused."""

    SOCKETS = 8
    WINDOW = 8
    SILENCE = 5.0  # s without any answer: what is in flight then is lost

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.sent = self.answered = self.wrong = 0
        self._stop_asked = threading.Event()
        self._query = client_subnet("192.0.2.0").to_wire()

    def finish(self):
        self._stop_asked.set()
        self.join(30)
        assert not self.is_alive(), "the load did not end"

    def run(self):
        selector = selectors.DefaultSelector()
        sockets = []
        for _ in range(self.SOCKETS):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.connect(self.address)
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ)
            sockets.append(one)
            for _ in range(self.WINDOW):
                one.send(self._query)
                self.sent += 1
        while self.answered < self.sent:
            ready = selector.select(self.SILENCE)
            if not ready:
                break
            for key, _ in ready:
                self._drain(key.fileobj)
        for one in sockets:
            one.close()
        selector.close()

    def _drain(self, one):
        while True:
            try:
                reply = one.recv(4096)
            except BlockingIOError:
                return
            self.answered += 1
            rcode, answers = reply[3] & 15, reply[7]
            self.wrong += rcode != 0 or answers != 1
            if not self._stop_asked.is_set():
                one.send(self._query)
                self.sent += 1


class Convergence(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"dns": {"udp_workers": WORKERS}}))

    def probe_all(self, sockets, query):
        """One query from every socket, all sent before any answer is read; the set of addresses answered."""
        wire = query.to_wire()
        for one in sockets:
            one.send(wire)
        seen = set()
        for one in sockets:
            answer = dns.message.from_wire(one.recv(4096))
            self.assertTrue(answer.flags & dns.flags.AA)
            seen.update(item.address for rrset in answer.answer for item in rrset)
        return seen

    def test_next_query_of_every_worker_sees_the_remap(self):
        address = ("127.0.0.1", self.server.address[1])
        sockets = []
        for _ in range(PROBES):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.connect(address)
            one.settimeout(10)
            self.addCleanup(one.close)
            sockets.append(one)
        load = Load(address)
        load.start()
        queries = [client_subnet("192.0.2.0"), dns.message.make_query(SHARD, "A")]
        for turn in range(ROUNDS):
            target = ("mad", "dub", "ams")[turn % 3]
            current = self.server.rest("GET", "/v1/partitions/north").json
            reply = self.server.rest("POST", "/v1/partitions/north/remap",
                                     {"to": target, "expected_epoch": current["epoch"], "reason": f"round {turn}"})
            self.assertEqual(reply.status, 200, reply)
            for query in queries:
                self.assertEqual(self.probe_all(sockets, query), {ADDRESS[target]}, f"round {turn}")
        load.finish()
        print(f"{ROUNDS} remaps, {load.sent} queries of load meanwhile, {load.answered} answered", flush=True)
        self.assertGreater(load.sent, ROUNDS)
        self.assertEqual(load.sent, load.answered, "queries were lost")
        self.assertEqual(load.wrong, 0, "answers without the record")

    def test_meridianctl_shift_returns_when_the_next_query_sees_it(self):
        for target in ("mad", "ams"):
            done = self.server.ctl("shift", "north", "--to", target, "--reason", "test")
            self.assertEqual(done.returncode, 0, done.stderr)
            answer = self.server.udp(client_subnet("192.0.2.0"))
            self.assertEqual([item.address for rrset in answer.answer for item in rrset], [ADDRESS[target]])

    def test_nsid_proves_the_rev_that_is_served(self):
        rev = self.server.rest("GET", "/v1/table").json["rev"]
        query = dns.message.make_query(SERVICE, "A", use_edns=0, options=[dns.edns.GenericOption(3, b"")])
        options = {option.otype: option for option in self.server.udp(query).options}
        self.assertIn(f"rev={rev}".encode(), options[3].to_wire())


if __name__ == "__main__":
    unittest.main(verbosity=2)
