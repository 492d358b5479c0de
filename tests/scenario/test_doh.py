"""DNS over HTTPS on the real binary, asked by kdig, curl, openssl and frames of our own."""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import unittest

import dns.edns
import dns.message
import dns.rcode

import http2
from harness import ANSWER_SECONDS, LOOPBACK, TcpSession, parse, wait_for
from small_world import ADDRESS, NEGATIVE_TTL, SERVICE, SERVICE_TTL
from transport_case import NAME, TransportCase, addresses, proxy_header, query

PADDING = 12
KEEPALIVE = 11
PADDING_BLOCK = 468
NORTH_CLIENT, SOUTH_CLIENT = "192.0.2.77", "198.51.100.7"
NORTH, SOUTH = ADDRESS["ams"], ADDRESS["mad"]  # south is loopback's, too
MEDIA_TYPE = "application/dns-message"


class HttpsCase(TransportCase):
    @classmethod
    def https_listener(cls, address=f"{LOOPBACK}:0", **more):
        return cls.tls_listener(address, transport="https", **more)

    @contextlib.contextmanager
    def https(self, window=2**31 - 1, **how):
        with self.session(how.pop("port", self.port), application="h2", **how) as connection:
            yield http2.Http2(connection, window)

    def ask_https(self, session, stream=1, message=None):
        session.send(http2.post(stream, (message or query()).to_wire()))
        first, body = session.reply(stream)
        self.assertEqual(first, http2.STATUS_200)
        return parse(body)

    def requests(self, status):
        return self.metric(f'meridian_dns_https_requests_total{{status="{status}"}}')


class Https(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.https_listener(), cls.https_listener("[::1]:0", path="/other")],
                  tcp_idle_timeout_ms=30_000)
        cls.port, cls.port_v6 = cls.ports

    def curl(self, path, *arguments, body=None):
        """(status and more, the header fields, the body) by curl over HTTP/2."""
        folder = self.workspace.path
        command = ["curl", "-sS", "--http2", "--cacert", str(folder / "server.crt"), "--resolve",
                   f"{NAME}:{self.port}:{LOOPBACK}", "-o", str(folder / "body"), "-w",
                   "%{json}\n%{header_json}", f"https://{NAME}:{self.port}{path}", *arguments]
        if body is not None:
            (folder / "asked").write_bytes(body)
            command += ["--data-binary", f"@{folder / 'asked'}"]
        (folder / "body").write_bytes(b"")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        first, _, rest = done.stdout.partition("\n")
        fields = {name: values[0] for name, values in json.loads(rest).items()}
        return json.loads(first), fields, (folder / "body").read_bytes()

    def curl_get(self, wire, *arguments):
        return self.curl(f"/dns-query?dns={http2.base64url(wire)}", *arguments)

    def curl_post(self, wire, media_type=MEDIA_TYPE):
        return self.curl("/dns-query", "-H", f"content-type: {media_type}", body=wire)

    def kdig(self, *arguments, address=LOOPBACK, port=None):
        done = subprocess.run(
            ["kdig", f"@{address}", "-p", str(port or self.port),
             f"+tls-ca={self.workspace.path}/server.crt", f"+tls-hostname={NAME}", *arguments],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_kdig_is_answered(self):
        for method, how in (("POST", ("+https",)), ("GET", ("+https", "+https-get"))):
            text = self.kdig(*how, "+padding", "static.shop.example", "A")
            self.assertIn(f"HTTP/2-{method}", text.replace("HTTP session (", ""))
            self.assertIn("192.0.2.99", text)
            self.assertIn("status: 200", text)
        text = self.kdig("+https=/other", SERVICE, "A", address="::1", port=self.port_v6)
        self.assertIn("192.0.2.", text)

    def test_curl_uses_it_for_names(self):
        done = subprocess.run(
            ["curl", "-v", "--connect-timeout", "1", "--doh-url",
             f"https://{LOOPBACK}:{self.port}/dns-query", "--doh-insecure",
             "http://static.shop.example/"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("Trying 192.0.2.99:80", done.stderr)

    def test_answers_are_those_of_udp(self):
        for name, rtype in ((SERVICE, "A"), ("static.shop.example", "A"), ("nope.shop.example", "A"),
                            ("static.shop.example", "MX"), ("alias.shop.example", "A"),
                            ("x.cut.shop.example", "A"), ("elsewhere.test", "A"),
                            ("x.wild.shop.example", "TXT")):
            with self.subTest(name=name, rtype=rtype):
                wire = dns.message.make_query(name, rtype, use_edns=0).to_wire()
                expected = self.server.udp(wire)
                for info, fields, body in (self.curl_get(wire), self.curl_post(wire)):
                    self.assertEqual((info["http_code"], info["http_version"]), (200, "2"))
                    self.assertEqual(fields["content-type"], MEDIA_TYPE)
                    self.assertEqual(fields["content-length"], str(len(body)))
                    self.assertEqual(parse(body), expected)

    def test_a_large_answer_is_whole(self):
        wire = dns.message.make_query("huge.shop.example", "TXT").to_wire()
        with TcpSession(self.server.address) as session:
            session.send_message(wire)
            expected = session.receive_message()
        self.assertGreater(len(expected), 9000)
        self.assertEqual(self.curl_get(wire)[2], expected)
        with self.https(window=1) as session:
            session.send(http2.post(1, wire))
            body = b""
            while len(body) < 200:
                kind, _, stream, payload = session.read_frame()
                if kind == http2.DATA:
                    self.assertEqual((stream, len(payload)), (1, 1))
                    body += payload
                    session.send(http2.frame(http2.WINDOW_UPDATE, 0, 1, struct.pack("!I", 1)))
            session.send(http2.frame(http2.WINDOW_UPDATE, 0, 1, struct.pack("!I", 20_000)))
            self.assertEqual(body + session.reply(1)[1], expected)

    def test_how_long_an_answer_may_be_used(self):
        for name, seconds in ((SERVICE, SERVICE_TTL), ("static.shop.example", 600),
                              ("nope.shop.example", NEGATIVE_TTL), ("x.cut.shop.example", 0),
                              ("elsewhere.test", 0)):
            _, fields, _ = self.curl_get(dns.message.make_query(name, "A").to_wire())
            self.assertEqual(fields["cache-control"], f"private, max-age={seconds}", name)

    def test_head(self):
        wire = query().to_wire()
        _, got, answer = self.curl_get(wire)
        info, fields, body = self.curl_get(wire, "--head")
        self.assertEqual(info["http_code"], 200)
        self.assertEqual(fields, got)
        # What curl keeps of a HEAD are the fields.
        self.assertNotIn(answer, body)

    def test_padding_and_no_keepalive(self):
        options = [dns.edns.GenericOption(PADDING, b"\0" * 30), dns.edns.GenericOption(KEEPALIVE, b"")]
        _, _, body = self.curl_post(query(options=options).to_wire())
        self.assertEqual(len(body), PADDING_BLOCK)
        self.assertEqual([option.otype for option in parse(body).options], [PADDING])
        _, _, body = self.curl_post(query(options=options[1:]).to_wire())
        self.assertLess(len(body), PADDING_BLOCK)

    def test_errors_of_http(self):
        wire = query().to_wire()
        dns_variable = f"/dns-query?dns={http2.base64url(wire)}"
        response = bytes([wire[0], wire[1], wire[2] | 0x80]) + wire[3:]
        for status, done in (
                (400, lambda: self.curl("/dns-query")),
                (400, lambda: self.curl(dns_variable + "=")),
                (400, lambda: self.curl("/dns-query?dns=AAAA")),
                (400, lambda: self.curl_post(response)),
                (404, lambda: self.curl("/other?dns=AAAA")),
                (405, lambda: self.curl(dns_variable, "-X", "DELETE")),
                (413, lambda: self.curl_post(wire.ljust(65_536, b"\0"))),
                (415, lambda: self.curl_post(wire, "application/dns-json")),
                (431, lambda: self.curl("/dns-query?dns=" + "A" * 20_000))):
            with self.subTest(status=status):
                before = self.requests(status)
                info, fields, body = done()
                self.assertEqual(info["http_code"], status, body)
                self.assertTrue(fields["content-type"].startswith("text/plain"))
                self.assertEqual(body.count(b"\n"), 1)
                self.assertEqual(fields.get("allow"), "GET, HEAD, POST" if status == 405 else None)
                self.assertEqual(self.requests(status), before + 1)
        info, _, body = self.curl_post(wire.ljust(65_535, b"\0"))
        self.assertEqual((info["http_code"], body[3] & 0xF), (200, dns.rcode.FORMERR))

    def test_alpn(self):
        self.assertIn("ALPN protocol: h2", self.openssl("-alpn", "http/1.1,h2").stdout)
        before = self.failures("application")
        for other in ("dot", "http/1.1"):
            refused = self.openssl("-alpn", other)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("no application protocol", refused.stderr)
        wait_for(lambda: self.failures("application") == before + 2, ANSWER_SECONDS, "failures")
        with self.session(self.port) as silent:
            with self.assertRaises((EOFError, OSError)):
                silent.sendall(http2.PREFACE)
                self.receive(silent)
        self.assertEqual(self.failures("application"), before + 3)

    def test_tls_1_2_has_only_ciphers_of_http2(self):
        self.assertIn("ALPN protocol: h2", self.openssl("-alpn", "h2", "-tls1_2").stdout)
        old = self.openssl("-alpn", "h2", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")
        self.assertNotEqual(old.returncode, 0)

    def test_it_is_counted_beside_the_others(self):
        names = [f'meridian_dns_queries_total{{transport="{each}"}}'
                 for each in ("udp", "tcp", "tls", "https")]
        before = [self.metric(name) for name in names]
        accepted = self.metric("meridian_dns_https_accepted_total")
        with self.https() as session:
            for stream in (1, 3, 5):
                self.ask_https(session, stream)
        after = [self.metric(name) for name in names]
        self.assertEqual([new - old for new, old in zip(after, before)], [0, 0, 0, 3])
        self.assertEqual(self.metric("meridian_dns_https_accepted_total"), accepted + 1)

    def test_rapid_resets_end_the_connection(self):
        floods = self.metric("meridian_dns_https_floods_total")
        wire = query().to_wire()
        with self.https() as session:
            # More than the budget, and in one piece, so that all are there before the end comes.
            session.send(b"".join(
                http2.get(stream, wire)
                + http2.frame(http2.RST_STREAM, 0, stream, struct.pack("!I", http2.CANCEL))
                for stream in range(1, 241, 2)))
            self.assertIn(session.farewell(), (http2.ENHANCE_YOUR_CALM, None))
        self.assertEqual(self.metric("meridian_dns_https_floods_total"), floods + 1)
        self.assertGreaterEqual(self.metric("meridian_dns_https_resets_total"), 101)

    def test_bytes_that_are_no_http2_end_the_connection(self):
        before = self.metric("meridian_dns_https_malformed_total")
        with self.session(self.port, application="h2") as connection:
            connection.sendall(b"GET /dns-query?dns=AAAA HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(OSError):
                while connection.recv(4096):
                    pass
        self.assertEqual(self.metric("meridian_dns_https_malformed_total"), before + 1)


class NewCertificate(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.https_listener()], tcp_idle_timeout_ms=30_000)
        (cls.port,) = cls.ports

    def test_a_new_certificate_is_shown_to_new_connections(self):
        with self.https() as before:
            self.assertEqual(addresses(self.ask_https(before)), [SOUTH])
            self.show_next()
            with self.assertRaises(ssl.SSLError), self.https():
                pass
            with self.https(trusted="next") as after:
                self.assertEqual(addresses(self.ask_https(after)), [SOUTH])
            self.assertEqual(addresses(self.ask_https(before, 3)), [SOUTH], "who is connected stays so")


class Limits(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = [f"{LOOPBACK}/32"]
        cls.serve([cls.https_listener(), cls.https_listener(proxy_from=own),
                   {"address": f"{LOOPBACK}:0", "transport": "tcp", "proxy_from": own}],
                  tcp_max_per_client=2, tcp_idle_timeout_ms=60_000)
        cls.port, cls.proxy_port, cls.tcp_port = cls.ports

    def test_the_client_of_a_proxys_header_is_answered(self):
        for client, site in ((NORTH_CLIENT, NORTH), (SOUTH_CLIENT, SOUTH)):
            with self.https(port=self.proxy_port, before=proxy_header(client)) as session:
                self.assertEqual(addresses(self.ask_https(session)), [site])

    def test_a_client_has_so_many_connections_over_all_transports(self):
        client = proxy_header("198.51.100.20")
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.https(port=self.proxy_port, before=client))
            tcp = stack.enter_context(
                socket.create_connection((LOOPBACK, self.tcp_port), ANSWER_SECONDS))
            tcp.sendall(client)
            self.assertEqual(addresses(self.ask(tcp)), [SOUTH])
            with self.assertRaises((ssl.SSLError, OSError)), \
                    self.https(port=self.proxy_port, before=client):
                pass
            other = stack.enter_context(
                self.https(port=self.proxy_port, before=proxy_header("198.51.100.21")))
            self.assertEqual(addresses(self.ask_https(other)), [SOUTH])
        self.assertEqual(self.metric("meridian_dns_https_refused_total"), 1)


class Idle(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.https_listener()], tcp_idle_timeout_ms=2000)
        (cls.port,) = cls.ports

    def test_an_idle_client_is_told_and_ended(self):
        before = self.metric("meridian_dns_https_timed_out_total")
        with self.https() as session:
            self.ask_https(session)
            self.assertEqual(session.farewell(), 0)
        self.assertEqual(self.metric("meridian_dns_https_timed_out_total"), before + 1)

    def test_who_opens_no_window_is_idle_too(self):
        before = self.metric("meridian_dns_https_timed_out_total")
        with self.https(window=0) as session:
            session.send(http2.post(1, query().to_wire()))
            self.assertEqual(session.farewell(), 0)
        self.assertEqual(self.metric("meridian_dns_https_timed_out_total"), before + 1)


class SlowReader(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.https_listener()], tcp_idle_timeout_ms=60_000, tcp_write_timeout_ms=500)
        (cls.port,) = cls.ports

    def test_who_does_not_read_holds_nobody_up_and_ends(self):
        wire = dns.message.make_query("huge.shop.example", "TXT").to_wire()
        with self.https() as slow:
            slow.stream.settimeout(ANSWER_SECONDS)
            # Answers of 10 KB, until the server does not read on: it keeps no more than its limit,
            # and the kernel what it has room for.
            with contextlib.suppress(OSError):
                for first in range(1, 200_000, 100):
                    slow.send(b"".join(http2.get(stream, wire) for stream in range(first, first + 100, 2)))
                    if self.metric("meridian_dns_https_timed_out_total") != 0:
                        break
            with self.https() as other:
                self.assertEqual(addresses(self.ask_https(other)), [SOUTH])
            wait_for(lambda: self.metric("meridian_dns_https_timed_out_total") == 1, ANSWER_SECONDS,
                     "the end of the slow reader")


class Stop(HttpsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.https_listener()], tcp_idle_timeout_ms=60_000)
        (cls.port,) = cls.ports

    def test_connections_are_told(self):
        with self.https() as session, self.https(window=0) as waiting:
            self.ask_https(session)
            waiting.send(http2.post(1, query().to_wire()))
            while waiting.read_frame()[0] != http2.HEADERS:
                pass
            self.server.stop()
            self.assertEqual(session.farewell(), 0)
            self.assertEqual(waiting.farewell(), 0)


if __name__ == "__main__":
    unittest.main()
