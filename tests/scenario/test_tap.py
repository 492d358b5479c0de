"""dnstap on the real binary, received by fstrm_capture and read by dnstap-read and a reader of our own."""

import contextlib
import socket
import subprocess
import time
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.query

from dnstap_collectors import (ACCEPT, AUTH_QUERY, AUTH_RESPONSE, Collector, FstrmCapture, control_frame)
from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, free_port, parse, wait_for
from small_world import ADDRESS, NODE_ID, SERVICE, small_world
from transport_case import NAME, TransportCase

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
        self.socket_path = self.round.path / "tap.sock"
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


if __name__ == "__main__":
    unittest.main()
