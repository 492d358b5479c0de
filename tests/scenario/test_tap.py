"""dnstap on the real binary, received by fstrm_capture and by a collector of our own, read by dnstap-read and a reader
of our own."""

import contextlib
import socket
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import dns.edns
import dns.flags
import dns.message

import http2
from dnstap_collectors import ACCEPT, AUTH_QUERY, AUTH_RESPONSE, Collector, FstrmCapture, control_frame
from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, TcpSession, Workspace, free_port, parse, wait_for
from small_world import ADDRESS, NODE_ID, SERVICE, small_world
from transport_case import TransportCase, addresses, proxy_header

SHARD = f"snorth.shard.{SERVICE}"
# Far below the harness's own bound: what a stop with a bad collector may take, on a loaded machine.
STOP_BOUND = 5.0


def question(name=SERVICE, rtype="A", subnet=None):
    options = [dns.edns.ECSOption(*subnet)] if subnet else None
    return dns.message.make_query(name, rtype, use_edns=0 if options else -1, options=options)


def metric(server, name):
    for line in server.rest("GET", "/metrics").body.decode().splitlines():
        sample, _, value = line.rpartition(" ")
        if sample == name:
            return float(value)
    raise KeyError(name)


def await_metric(server, name, value):
    wait_for(lambda: metric(server, name) >= value, ANSWER_SECONDS, f"{name} of {value}")


def stop_in_time(case, server):
    begun = time.monotonic()
    server.stop()
    case.assertLess(time.monotonic() - begun, STOP_BOUND)


class TapCase(ScenarioCase):
    def setUp(self):
        super().setUp()
        self.round = self.workspace.inner(self._testMethodName)
        self.socket_path = self.round.socket_path()
        self.file = self.round.path / "tap.fstrm"

    def tapping(self, settings=None, **dnstap):
        if "address" not in dnstap:
            dnstap.setdefault("socket", str(self.socket_path))
        return small_world(self.round, {"dnstap": dnstap, **(settings or {})})

    def ask(self, server, message):
        """Asks over UDP from a port that is known: the answer's bytes, and who asked."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((LOOPBACK, 0))
            sock.settimeout(ANSWER_SECONDS)
            sock.sendto(message.to_wire(), server.address)
            return sock.recv(65535), sock.getsockname()

    def of(self, messages, asked, kind=AUTH_RESPONSE):
        """Those of one question, by its id and name."""
        wire = asked.to_wire()
        return [each for each in messages if each.query == wire and each.kind == kind]


class Capture(TapCase):
    def test_fstrm_capture_gets_what_clients_got(self):
        with FstrmCapture(self.file, self.socket_path) as capture, self.tapping() as server:
            wait_for(lambda: metric(server, "meridian_dnstap_up") == 1, ANSWER_SECONDS, "connection")
            before = time.time()
            asked = [question(subnet=("192.0.2.0", 24)), question(SHARD, "AAAA"), question("static.shop.example."),
                     question("nothing.shop.example."), question("www.example.net.")]
            answers = [self.ask(server, each) for each in asked]
            await_metric(server, "meridian_dnstap_written_total", len(asked))
            port = server.port
            server.stop()
            messages = capture.finish()
        for message, (wire, client) in zip(asked, answers):
            with self.subTest(name=message.question[0].name.to_text()):
                (found,) = self.of(messages, message)
                self.assertEqual((found.identity, found.protocol, found.client, found.local),
                                 (NODE_ID, "UDP", client, (LOOPBACK, port)))
                self.assertTrue(found.version.startswith("meridian "))
                self.assertEqual(found.response, wire)
                self.assertTrue(before - 1 <= found.query_time <= found.response_time <= time.time() + 1)
        self.assertEqual(self.of(messages, asked[0])[0].zone, b"\4shop\7example\0")
        self.assertIsNone(self.of(messages, asked[4])[0].zone)
        self.read_by_bind(len(messages))

    def read_by_bind(self, count):
        done = subprocess.run(["dnstap-read", str(self.file)], capture_output=True, text=True, timeout=60, check=True)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), count, done.stdout)
        self.assertTrue(all(" AR " in line and " UDP " in line and f"{LOOPBACK}:" in line for line in lines), lines)
        self.assertTrue(any(f"{SERVICE.rstrip('.')}/IN/A" in line for line in lines), lines)

    def test_queries_and_responses(self):
        with FstrmCapture(self.file, self.socket_path) as capture, self.tapping(queries=True) as server:
            asked = question()
            self.ask(server, asked)
            wait_for(lambda: metric(server, "meridian_dnstap_up") == 1, ANSWER_SECONDS, "connection")
            asked = question()
            wire, _ = self.ask(server, asked)
            server.stop()
            messages = capture.finish()
        (query,) = self.of(messages, asked, AUTH_QUERY)
        (response,) = self.of(messages, asked)
        self.assertEqual((query.response, query.response_time, query.extra), (None, None, {}))
        self.assertEqual(response.response, wire)
        self.assertEqual(query.query_time, response.query_time)

    def test_one_of_so_many(self):
        count = 2000
        with FstrmCapture(self.file, self.socket_path) as capture, self.tapping(sample=10) as server:
            wait_for(lambda: metric(server, "meridian_dnstap_up") == 1, ANSWER_SECONDS, "connection")
            for _ in range(count):
                self.ask(server, question())
            told = metric(server, "meridian_tap_told_total")
            server.stop()
            messages = capture.finish()
        self.assertEqual(len(messages), told)
        self.assertTrue(count / 10 * 0.6 < told < count / 10 * 1.5, told)


class Transports(TransportCase):
    """TCP, TLS, HTTPS and a proxy, to a collector over TCP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.workspace.path / "tap.fstrm"
        cls.tap_port = free_port()
        cls.capture = FstrmCapture(cls.file, port=cls.tap_port)
        cls.addClassCleanup(cls.capture.__exit__)
        https = cls.tls_listener(f"{LOOPBACK}:0", transport="https")
        proxied = {"address": f"{LOOPBACK}:0", "transport": "tcp", "proxy_from": [f"{LOOPBACK}/32"]}
        cls.serve([cls.tls_listener(f"{LOOPBACK}:0"), https, proxied],
                  {"dnstap": {"address": f"{LOOPBACK}:{cls.tap_port}"}})

    def test_every_transport(self):
        dot, doh, proxied = self.ports
        wait_for(lambda: metric(self.server, "meridian_dnstap_up") == 1, ANSWER_SECONDS, "connection")
        told = {}  # by protocol or client: the query, the response, the client's end, the server's port
        asked = question()
        with TcpSession(self.server.address) as session:
            session.send_message(asked.to_wire())
            told["TCP"] = (asked, session.receive_message(), session.socket.getsockname(), self.server.port)
        asked = question()
        with self.session(dot) as tls:
            tls.sendall(len(asked.to_wire()).to_bytes(2, "big") + asked.to_wire())
            told["DOT"] = (asked, self.receive(tls), tls.getsockname(), dot)
        asked = question()
        with self.session(doh, application="h2") as tls:
            session = http2.Http2(tls)
            session.send(http2.post(1, asked.to_wire()))
            told["DOH"] = (asked, session.reply(1)[1], tls.getsockname(), doh)
        asked = question()
        with TcpSession((LOOPBACK, proxied)) as session:
            session.send_bytes(proxy_header("192.0.2.77"))
            session.send_message(asked.to_wire())
            told["proxy"] = (asked, session.receive_message(), ("192.0.2.77", None), proxied)
        before = metric(self.server, "meridian_dnstap_written_total")
        with TcpSession(self.server.address) as session:  # a transfer is not told of
            transfer = dns.message.make_query("shop.example.", "AXFR")
            session.send_message(transfer.to_wire())
            session.receive_message()
        self.server.udp(question())
        await_metric(self.server, "meridian_dnstap_written_total", before + 1)
        self.server.stop()
        messages = self.capture.finish()
        self.assertEqual([each for each in messages if each.query == transfer.to_wire()], [])
        for key, (asked, response, client, port) in told.items():
            with self.subTest(transport=key):
                (found,) = [each for each in messages if each.query == asked.to_wire()]
                self.assertEqual(found.protocol, "TCP" if key == "proxy" else key)
                self.assertEqual((found.client, found.local), (client, (LOOPBACK, port)))
                self.assertEqual(found.response, response)
        self.assertEqual(addresses(parse(told["proxy"][1])), [ADDRESS["ams"]], "by the client that the header names")
        lines = subprocess.run(["dnstap-read", str(self.file)], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        for word in (" TCP ", " UDP ", "192.0.2.77"):
            self.assertIn(word, lines)


class Decision(TapCase):
    def test_extra_says_how_the_answer_was_decided(self):
        with Collector(self.socket_path) as collector, self.tapping() as server:
            collector.wait_for_messages(1)  # the harness's own probe

            def extra(asked):
                """What is told of it, once its answer has been told."""
                self.ask(server, asked)
                return wait_for(lambda: self.of(tapped_now(), asked), ANSWER_SECONDS, "message")[0].extra

            def tapped_now():
                return collector.wait_for_messages(1)

            before = server.rest("GET", "/v1/partitions/north").json
            self.assertEqual(extra(question(subnet=("192.0.2.0", 24))), {
                "rev": "1", "service": SERVICE, "zone": "order", "subject": "north", "epoch": str(before["epoch"]),
                "ezone": "ams", "place": "client-subnet", "scope": "24"})
            self.assertEqual(extra(question(SHARD))["place"], "name")
            self.assertEqual(extra(question())["subject"], "south")  # by the address of the test
            self.assertEqual(extra(question("static.shop.example.")), {"rev": "1"})
            reply = server.rest("POST", "/v1/partitions/north/remap",
                                {"to": "mad", "expected_epoch": before["epoch"], "reason": "test"})
            self.assertEqual(reply.status, 200, reply)
            after = extra(question(SHARD))
            self.assertEqual((after["rev"], after["ezone"], after["epoch"]),
                             (str(reply.json["rev"]), "mad", str(reply.json["epoch_new"])))


class DeepCheckout(TapCase):
    """Sockets of tests once lay in the checkout, whose depth then decided whether they could be made."""

    def test_a_socket_can_be_made_wherever_the_checkout_lies(self):
        deep = self.round.directory("/".join(["a-directory-of-some-length"] * 5))
        with mock.patch.object(tempfile, "tempdir", str(deep)):
            workspace = Workspace.temporary("Deep")
        self.addCleanup(lambda: workspace.path.exists() and workspace.close(keep=False))
        self.assertTrue(workspace.path.is_relative_to(deep))
        path = workspace.inner("a-round").socket_path()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
        self.assertNotEqual(path, workspace.socket_path())
        workspace.close(keep=False)
        self.assertFalse(path.parent.exists())


class Dropped(TapCase):
    def test_a_limited_query_is_told_and_has_no_response(self):
        limits = {"dns.rrl": {"enabled": True, "positive_per_s": 1, "burst_s": 1, "slip": 0}}
        with Collector(self.socket_path) as collector, self.tapping(limits, queries=True) as server:
            collector.wait_for_messages(1)
            asked = [question() for _ in range(40)]
            answered = 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.20.1", 0))
                for each in asked:
                    sock.sendto(each.to_wire(), server.address)
                await_metric(server, "meridian_tap_told_total", len(asked))
                sock.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    while True:
                        sock.recv(65535)
                        answered += 1
            server.stop()
            messages = collector.wait_for_messages(len(asked))
        queries = [each for one in asked for each in self.of(messages, one, AUTH_QUERY)]
        responses = [each for one in asked for each in self.of(messages, one)]
        self.assertEqual(len(queries), len(asked))
        self.assertEqual(len(responses), answered)
        self.assertLess(answered, len(asked))


class BadCollectors(TapCase):
    """Answers go on, the loss is counted, and the server stops in time, whatever a collector does."""

    def assert_serves(self, server, count=50):
        for _ in range(count):
            wire, _ = self.ask(server, question())
            self.assertEqual(addresses(parse(wire)), [ADDRESS["mad"]])

    def test_none_and_then_one(self):
        server = self.tapping()
        with server:
            self.assert_serves(server)
            await_metric(server, "meridian_dnstap_lost_total", 50)
            self.assertGreaterEqual(metric(server, "meridian_dnstap_failures_total"), 1)
            with FstrmCapture(self.file, self.socket_path) as capture:
                wait_for(lambda: metric(server, "meridian_dnstap_up") == 1, ANSWER_SECONDS, "connection")
                asked = question()
                self.ask(server, asked)
                server.stop()
                self.assertEqual(len(self.of(capture.finish(), asked)), 1)

    def test_none_at_all(self):
        with self.tapping() as server:
            self.assert_serves(server)
            stop_in_time(self, server)

    def test_one_that_is_killed_and_comes_again(self):
        with self.tapping() as server:
            for turn in range(1, 4):
                with FstrmCapture(self.file, self.socket_path) as capture:
                    await_metric(server, "meridian_dnstap_connected_total", turn)
                    self.assert_serves(server, 5)
                    capture.kill9()
                self.assert_serves(server, 5)
                wait_for(lambda: metric(server, "meridian_dnstap_up") == 0, ANSWER_SECONDS, "end of the connection")
            self.assertGreaterEqual(metric(server, "meridian_dnstap_failures_total"), 3)
            self.assertEqual(server.log_text().count("dnstap_not_connected") >= 3, True)

    def misbehave(self, behave, over_tcp=False):
        """A server whose collector does that with each connection."""
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        collector = stack.enter_context(Collector(None if over_tcp else self.socket_path, behave=behave))
        where = {"address": f"{LOOPBACK}:{collector.port}"} if over_tcp else {}
        server = stack.enter_context(self.tapping(**where))
        wait_for(lambda: collector.accepted >= 1, ANSWER_SECONDS, "connection")
        self.assert_serves(server)
        return collector, server

    def test_one_that_says_nothing(self):
        for over_tcp in (False, True):
            with self.subTest(over_tcp=over_tcp):
                _, server = self.misbehave(lambda connection: None, over_tcp)
                self.assertEqual(metric(server, "meridian_dnstap_up"), 0)
                stop_in_time(self, server)

    def test_one_that_talks_nonsense(self):
        collector, server = self.misbehave(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 1000))
        await_metric(server, "meridian_dnstap_failures_total", 2)
        self.assertGreaterEqual(collector.accepted, 2, "it is tried again")
        self.assertIn("sent a frame of data", server.log_text())
        stop_in_time(self, server)

    def test_one_that_accepts_and_takes_nothing(self):
        def accept_only(connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(control_frame(ACCEPT))

        _, server = self.misbehave(accept_only)
        await_metric(server, "meridian_dnstap_up", 1)
        wire = dns.message.make_query("big.shop.example.", "TXT", use_edns=0, payload=4096).to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(ANSWER_SECONDS)
            for _ in range(3000):  # more than the system's buffers hold
                sock.sendto(wire, server.address)
                sock.recv(65535)
        self.assert_serves(server)
        stop_in_time(self, server)

    def test_one_that_closes_in_the_middle(self):
        def accept_and_close(connection):
            connection.sendall(control_frame(ACCEPT))
            connection.recv(100)
            connection.close()

        _, server = self.misbehave(accept_and_close)
        await_metric(server, "meridian_dnstap_failures_total", 3)
        self.assert_serves(server)
        stop_in_time(self, server)

    def test_one_that_does_not_answer_the_end(self):
        def gather_only(connection):
            connection.sendall(control_frame(ACCEPT))
            while connection.recv(65536):
                pass

        _, server = self.misbehave(gather_only)
        await_metric(server, "meridian_dnstap_written_total", 50)
        stop_in_time(self, server)


if __name__ == "__main__":
    unittest.main()
