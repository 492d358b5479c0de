"""Response rate limits on the real binary: who asks one thing too often gets silence and truncated answers, and
nobody else does.

Rates are one answer a second at most, bursts one second: whatever the machine's speed, a burst of many questions
exceeds them, and of N seconds at most N answers more than the burst are whole."""

import contextlib
import re
import select
import socket
import time
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.rcode

from harness import LOOPBACK, ScenarioCase, parse, wait_for
from small_world import SERVICE, small_world

STATIC = "static.shop.example."
COOKIE = 10
CLIENT_COOKIE = bytes.fromhex("0123456789abcdef")
QUESTIONS = 200
RATE = 1
ALL_RATE = 1000
ALLOWED = "127.0.8.1"


def rrl(**changes):
    """[dns.rrl] of these tests. One worker, so that a client's ports do not deal it more than one bucket."""
    values = {"enabled": True, "positive_per_s": RATE, "referral_per_s": RATE, "nodata_per_s": RATE,
              "nxdomain_per_s": RATE, "error_per_s": RATE, "all_per_s": ALL_RATE, "burst_s": 1, "slip": 2,
              "allow": ["127.0.8.0/24"]}
    values.update(changes)
    return {"dns": {"udp_workers": 1}, "dns.rrl": values}


def query(name=STATIC, rtype="A", options=()):
    return dns.message.make_query(name, rtype, use_edns=0, payload=1232,
                                  options=[dns.edns.GenericOption(*each) for each in options])


# No two of them lie in one network of small_world's map, so that no answer covers two.
SUBNETS = [("192.0.2.0", 24), ("198.51.100.0", 25), ("198.51.100.128", 25), ("203.0.113.0", 24), ("64.0.0.0", 24),
           ("130.0.0.0", 24), ("200.0.0.0", 24)]


def located_query(address, bits):
    return dns.message.make_query(SERVICE, "A", use_edns=0, options=[dns.edns.ECSOption(address, bits)])


class Burst:
    """What came back of many questions from one address.

    The only worker answers in the order of arrival. So a last question, from an allowed network, tells when there
    is no more to wait for: what is not there when it was answered was not sent.
    """

    def __init__(self, server, source, questions, seconds=30.0):
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.bind((source, 0))
            sock.connect(server.address)
            self.answers = []
            for question in questions:
                sock.send(question.to_wire())
                self._read(sock)
            last = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            last.bind((ALLOWED, 0))
            last.connect(server.address)
            wire = query().to_wire()
            deadline = time.monotonic() + seconds
            while not self._asked(last, wire):
                if time.monotonic() > deadline:
                    raise AssertionError("an allowed network gets no answer")
            self._read(sock)
        self.seconds = time.monotonic() - began
        self.whole = [each for each in self.answers if not each.flags & dns.flags.TC]
        self.cut = [each for each in self.answers if each.flags & dns.flags.TC]

    @staticmethod
    def _asked(sock, wire):
        sock.send(wire)
        readable, _, _ = select.select([sock], [], [], 2.0)
        return bool(readable) and bool(sock.recv(65535))

    def _read(self, sock):
        while True:
            readable, _, _ = select.select([sock], [], [], 0)
            if not readable:
                return
            self.answers.append(parse(sock.recv(65535)))


class RrlCase(ScenarioCase):
    def counted(self, server):
        found = {}
        for line in server.rest("GET", "/metrics").body.decode().splitlines():
            if line.startswith("meridian_dns_rate_limited_total{"):
                found[line.split('action="')[1].split('"')[0]] = float(line.split()[-1])
        self.assertEqual(set(found), {"drop", "slip", "would_drop", "would_slip"})
        return found

    def assert_limited(self, burst, asked=QUESTIONS):
        self.assertGreaterEqual(len(burst.whole), 1)
        self.assertLessEqual(len(burst.whole), RATE + int(burst.seconds * RATE) + 1)
        self.assertGreaterEqual(len(burst.cut), 1)
        self.assertLess(len(burst.answers), asked, "some were dropped")


class Limits(RrlCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, rrl()))

    def ask(self, source, question):
        """One answer over UDP from an address; asks again where the kernel lost something."""
        wire = question.to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.connect(self.server.address)
            for _ in range(5):
                sock.send(wire)
                readable, _, _ = select.select([sock], [], [], 10.0)
                if readable:
                    return parse(sock.recv(65535))
        raise AssertionError(f"no answer to {source}")

    def test_the_same_question_too_often(self):
        before = self.counted(self.server)
        burst = Burst(self.server, "127.0.20.1", [query()] * QUESTIONS)
        self.assert_limited(burst)
        for answer in burst.cut:
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
            self.assertEqual(answer.question, query().question)
            self.assertEqual((answer.answer, answer.authority, answer.additional), ([], [], []))
            self.assertEqual((answer.edns, answer.payload), (0, 1232), "OPT is kept")
        after = self.counted(self.server)
        cut, dropped = after["slip"] - before["slip"], after["drop"] - before["drop"]
        self.assertGreaterEqual(cut, len(burst.cut))
        self.assertLessEqual(abs(dropped - cut), 1, "every second one")
        self.assertEqual((after["would_drop"], after["would_slip"]), (0, 0))

        neighbour = Burst(self.server, "127.0.20.77", [query()] * 20)
        self.assertLessEqual(len(neighbour.whole), RATE + int(neighbour.seconds * RATE) + 1, "the same /24")
        other = self.ask("127.0.21.1", query())
        self.assertEqual(len(other.answer), 1, "another network")
        for question, rcode in ((query("ns1.shop.example."), dns.rcode.NOERROR),
                                (query(STATIC, "TXT"), dns.rcode.NOERROR),
                                (query("nothing.shop.example."), dns.rcode.NXDOMAIN),
                                (query("elsewhere.test."), dns.rcode.REFUSED),
                                (query("cut.shop.example."), dns.rcode.NOERROR)):
            answer = self.ask("127.0.20.1", question)
            self.assertEqual(answer.rcode(), rcode)
            self.assertFalse(answer.flags & dns.flags.TC, f"{question.question[0]}: of another kind or name")

    def test_tcp_is_never_limited(self):
        for _ in range(50):
            answer = self.server.tcp(query())
            self.assertEqual((len(answer.answer), answer.flags & dns.flags.TC), (1, 0))

    def test_random_names_share_their_zones_bucket(self):
        burst = Burst(self.server, "127.0.22.1", [query(f"x{i}.shop.example.") for i in range(QUESTIONS)])
        self.assert_limited(burst)
        wild = Burst(self.server, "127.0.23.1", [query(f"x{i}.wild.shop.example.", "TXT") for i in range(QUESTIONS)])
        self.assert_limited(wild)

    def test_errors_are_small_already_and_go_as_they_are(self):
        burst = Burst(self.server, "127.0.24.1", [query(f"x{i}.test.") for i in range(QUESTIONS)])
        self.assertEqual(burst.cut, [])
        self.assertGreaterEqual(len(burst.answers), 2)
        self.assertLess(len(burst.answers), QUESTIONS)

    def test_listed_networks(self):
        burst = Burst(self.server, "127.0.8.9", [query()] * QUESTIONS)
        self.assertEqual(burst.cut, [])
        self.assertGreater(len(burst.whole), burst.seconds + 20)

    def test_a_good_cookie(self):
        hello = self.ask("127.0.25.1", query("ns1.shop.example.", options=((COOKIE, CLIENT_COOKIE),)))
        (cookie,) = [option.to_wire() for option in hello.options if option.otype == COOKIE]
        burst = Burst(self.server, "127.0.25.1", [query(options=((COOKIE, cookie),))] * QUESTIONS)
        self.assertEqual(burst.cut, [])
        self.assertGreater(len(burst.whole), burst.seconds + 20)
        forged = Burst(self.server, "127.0.26.1", [query(options=((COOKIE, cookie),))] * QUESTIONS)
        self.assert_limited(forged)

    def test_a_resolver_that_asks_for_many_clients(self):
        """One name, one network, a subnet each: nobody repeats himself."""
        questions = [located_query(*each) for each in SUBNETS] * 5
        burst = Burst(self.server, "127.0.27.1", questions)
        answered = {(answer.options[0].address, answer.options[0].srclen) for answer in burst.whole}
        self.assertEqual(answered, set(SUBNETS), "each got its answer")
        self.assertLess(len(burst.answers), len(questions), "and those that repeat themselves are limited")
        again = Burst(self.server, "127.0.28.1", [questions[0]] * QUESTIONS)
        self.assert_limited(again)


class WholeNetwork(RrlCase):
    def test_who_varies_everything_is_bound(self):
        unlimited = {f"{kind}_per_s": 0 for kind in ("positive", "referral", "nodata", "nxdomain", "error")}
        server = small_world(self.workspace, rrl(all_per_s=2, **unlimited))
        with server:
            questions = []
            for number in range(QUESTIONS // 4):
                questions += [located_query(*SUBNETS[number % len(SUBNETS)]), query(),
                              query(f"x{number}.wild.shop.example.", "TXT"), query(f"x{number}.shop.example.")]
            burst = Burst(server, "127.0.20.1", questions)
            self.assertGreaterEqual(len(burst.whole), 1)
            self.assertLessEqual(len(burst.whole), 2 + int(burst.seconds * 2) + 1)
            self.assertGreaterEqual(len(burst.cut), 1)


class DryRun(RrlCase):
    def test_counts_and_limits_nobody(self):
        server = small_world(self.workspace, rrl(dry_run=True))
        with server:
            burst = Burst(server, "127.0.20.1", [query()] * QUESTIONS)
            self.assertEqual(burst.cut, [])
            self.assertGreater(len(burst.whole), burst.seconds + 20)
            counted = self.counted(server)
            self.assertEqual((counted["drop"], counted["slip"]), (0, 0))
            self.assertGreaterEqual(counted["would_drop"], 1)
            self.assertGreaterEqual(counted["would_slip"], 1)
            wait_for(lambda: re.search(r"rate_would_be_limited network=127\.0\.20\.0/24 kind=positive worker=\d "
                                       r"answers_since_last=[1-9]", server.log_text()), 10, "line in the log")


class Off(RrlCase):
    def test_without_the_section_nobody_is_limited(self):
        server = small_world(self.workspace)
        with server:
            wire = query().to_wire()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind((LOOPBACK, 0))
                sock.connect(server.address)
                for _ in range(QUESTIONS):
                    sock.send(wire)
                    self.assertTrue(select.select([sock], [], [], 10.0)[0])
                    self.assertFalse(parse(sock.recv(65535)).flags & dns.flags.TC)
            self.assertEqual(set(self.counted(server).values()), {0.0})


if __name__ == "__main__":
    unittest.main()
