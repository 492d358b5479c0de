"""DNS over TLS and PROXY headers on the real binary, asked by kdig, dnspython, openssl and sockets of our own."""

import contextlib
import re
import socket
import ssl
import struct
import subprocess
import unittest

import dns.edns
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from harness import ANSWER_SECONDS, LOOPBACK, TcpSession, framed, parse, wait_for
from small_world import ADDRESS, SERVICE, small_world
from transport_case import NAME, PROXY_SIGNATURE, TransportCase, addresses, proxy_header, query

PADDING = 12
KEEPALIVE = 11
PADDING_BLOCK = 468
OTHER_LOOPBACK = "127.0.0.2"
NORTH_CLIENT, NORTH_CLIENT_V6, SOUTH_CLIENT = "192.0.2.77", "2001:db8:1::77", "198.51.100.7"
NORTH, SOUTH = ADDRESS["ams"], ADDRESS["mad"]  # south is loopback's, too


class Tls(TransportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.tls_listener(f"{LOOPBACK}:0"), cls.tls_listener("[::1]:0")],
                  tcp_idle_timeout_ms=30_000)
        cls.port, cls.port_v6 = cls.ports

    def test_kdig_is_answered(self):
        for address, port in ((LOOPBACK, self.port), ("::1", self.port_v6)):
            done = subprocess.run(
                ["kdig", f"@{address}", "-p", str(port), f"+tls-ca={self.workspace.path}/server.crt",
                 f"+tls-hostname={NAME}", "+padding", "+keepopen", "static.shop.example", "A",
                 SERVICE, "A"],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.count("TLS session (TLS1.3)"), 2, done.stdout)
            self.assertIn("192.0.2.99", done.stdout)
            self.assertRegex(done.stdout, re.escape(SERVICE) + r"\s+30\s+IN\s+A\s+192\.0\.2\.")

    def test_dnspython_is_answered_over_ipv4_and_ipv6(self):
        for address, port in ((LOOPBACK, self.port), ("::1", self.port_v6)):
            answer = dns.query.tls(query(), address, ANSWER_SECONDS, port, ssl_context=self.trusting(),
                                   server_hostname=NAME)
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
            self.assertEqual(len(addresses(answer)), 1)

    def test_alpn(self):
        self.assertIn("ALPN protocol: dot", self.openssl("-alpn", "h2,dot").stdout)
        self.assertIn("No ALPN negotiated", self.openssl().stdout)
        before = self.failures("application")
        refused = self.openssl("-alpn", "h2,http/1.1")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("no application protocol", refused.stderr)
        self.assertEqual(self.failures("application"), before + 1)

    def test_pipelined_queries_of_one_connection_are_all_answered(self):
        count = 1500
        with self.session(self.port) as connection:
            asked = []
            for number in range(count):
                message = query()
                message.id = number
                asked.append(framed(message.to_wire()))
            connection.sendall(b"".join(asked))
            for number in range(count):
                answer = self.receive(connection)
                self.assertEqual(struct.unpack("!H", answer[:2])[0], number)

    def test_padding_and_keepalive(self):
        options = [dns.edns.GenericOption(PADDING, b"\0" * 30), dns.edns.GenericOption(KEEPALIVE, b"")]
        with self.session(self.port) as connection:
            connection.sendall(framed(query(options=options).to_wire()))
            wire = self.receive(connection)
            self.assertEqual(len(wire), PADDING_BLOCK)
            found = {option.otype: option.to_wire() for option in parse(wire).options}
            self.assertEqual(found[KEEPALIVE], struct.pack("!H", 300))
            self.assertEqual(found[PADDING].strip(b"\0"), b"")
            connection.sendall(framed(query(options=options[1:]).to_wire()))
            self.assertLess(len(self.receive(connection)), PADDING_BLOCK)
        with TcpSession(self.server.address) as session:
            session.send_message(query(options=options).to_wire())
            self.assertLess(len(session.receive_message()), PADDING_BLOCK)

    def test_plain_bytes_are_no_handshake(self):
        before = self.failures("not_tls")
        with TcpSession((LOOPBACK, self.port)) as session:
            session.send_message(query().to_wire())
            wait_for(lambda: self.failures("not_tls") == before + 1, ANSWER_SECONDS, "failure")

    def test_tls_is_counted_beside_udp_and_tcp(self):
        names = [f'meridian_dns_queries_total{{transport="{each}"}}' for each in ("udp", "tcp", "tls")]
        before = [self.metric(name) for name in names]
        with self.session(self.port) as connection:
            self.ask(connection)
        after = [self.metric(name) for name in names]
        self.assertEqual([new - old for new, old in zip(after, before)], [0, 0, 1])
        self.assertGreaterEqual(self.metric("meridian_dns_tls_accepted_total"), 1)


class NewCertificate(TransportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.tls_listener(f"{LOOPBACK}:0")], tcp_idle_timeout_ms=30_000)
        (cls.port,) = cls.ports

    def test_a_new_certificate_is_shown_to_new_connections(self):
        with self.session(self.port) as before:
            self.ask(before)
            with self.session(self.port, resume=before) as resumed:
                self.assertTrue(resumed.session_reused)
            self.show_next()
            with self.assertRaises(ssl.SSLError), self.session(self.port):
                pass
            with self.assertRaises(ssl.SSLError), self.session(self.port, resume=before):
                self.fail("resumed, and the new certificate was not seen")
            wait_for(lambda: self.failures("refused") == 2, ANSWER_SECONDS, "word of the alerts")
            with self.session(self.port, trusted="next") as after:
                self.assertEqual(addresses(self.ask(after)), [SOUTH])
            self.assertEqual(addresses(self.ask(before)), [SOUTH], "who is connected stays so")
        self.assertIn("tls_files_read_again", self.server.log_text())


class Stalls(TransportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve([cls.tls_listener(f"{LOOPBACK}:0")], handshake_ms=1500, tcp_idle_timeout_ms=30_000)

    def test_a_stalled_handshake_holds_nobody_up_and_ends(self):
        (port,) = self.ports
        with contextlib.ExitStack() as stack:
            stalled = [stack.enter_context(TcpSession((LOOPBACK, port))) for _ in range(20)]
            for session in stalled[10:]:
                session.send_bytes(b"\x16\x03\x01\x02\x00\x01")
            connection = stack.enter_context(self.session(port))
            self.assertEqual(addresses(self.ask(connection)), [SOUTH])
            for session in stalled:
                self.assertTrue(session.closed_by_peer())
            self.assertEqual(self.failures("timeout"), len(stalled))
            self.assertEqual(addresses(self.ask(connection)), [SOUTH])


class Proxies(TransportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = [f"{LOOPBACK}/32", "::1/128"]
        cls.serve([{"address": f"{LOOPBACK}:0", "transport": "tcp", "proxy_from": own},
                   cls.tls_listener(f"{LOOPBACK}:0", proxy_from=own),
                   {"address": "[::1]:0", "transport": "tcp", "proxy_from": own}],
                  tcp_max_per_client=2, explain_from=["192.0.2.0/24"])
        cls.tcp_port, cls.tls_port, cls.tcp_port_v6 = cls.ports

    def refusals(self, reason):
        return self.metric(f'meridian_dns_proxy_refused_total{{reason="{reason}"}}')

    @contextlib.contextmanager
    def tcp(self, before, source=LOOPBACK, port=None):
        with socket.create_connection((LOOPBACK, port or self.tcp_port), ANSWER_SECONDS,
                                      (source, 0)) as connection:
            connection.sendall(before)
            yield connection

    def test_the_client_of_the_header_is_answered(self):
        for client, site in ((NORTH_CLIENT, NORTH), (NORTH_CLIENT_V6, NORTH), (SOUTH_CLIENT, SOUTH),
                             (f"::ffff:{NORTH_CLIENT}", NORTH)):
            with self.subTest(client=client):
                with self.tcp(proxy_header(client, tail=b"\x04\x00\x02xx")) as connection:
                    self.assertEqual(addresses(self.ask(connection)), [site])
                with self.session(self.tls_port, before=proxy_header(client)) as connection:
                    self.assertEqual(addresses(self.ask(connection)), [site])
        with socket.create_connection(("::1", self.tcp_port_v6), ANSWER_SECONDS) as connection:
            connection.sendall(proxy_header(NORTH_CLIENT))
            self.assertEqual(addresses(self.ask(connection)), [NORTH])

    def test_what_only_some_may_ask_goes_by_the_client_too(self):
        asked = dns.message.make_query(f"_explain.{SERVICE}", "TXT")
        for client, rcode in ((NORTH_CLIENT, dns.rcode.NOERROR), (SOUTH_CLIENT, dns.rcode.REFUSED)):
            with self.tcp(proxy_header(client)) as connection:
                self.assertEqual(self.ask(connection, asked).rcode(), rcode)

    def test_an_unlisted_source_is_not_believed(self):
        header = proxy_header(NORTH_CLIENT)
        # To the server it is the length of a message, and its first bytes.
        (size,) = struct.unpack("!H", header[:2])
        with self.tcp(header.ljust(2 + size, b"\0"), source=OTHER_LOOPBACK) as connection:
            self.assertEqual(parse(self.receive(connection)).rcode(), dns.rcode.FORMERR)
        with self.assertRaises((ssl.SSLError, OSError)), \
                self.session(self.tls_port, before=header, source=OTHER_LOOPBACK):
            pass
        with self.tcp(b"", source=OTHER_LOOPBACK) as connection:
            self.assertEqual(addresses(self.ask(connection)), [SOUTH], "a client like others")

    def test_a_listed_source_must_send_a_good_one(self):
        version_1 = b"PROXY TCP4 192.0.2.77 127.0.0.1 40000 853\r\n"
        good = proxy_header(NORTH_CLIENT)
        for reason, start in (("signature", framed(query().to_wire())), ("signature", version_1),
                              ("version", good[:12] + b"\x11" + good[13:]),
                              ("command", proxy_header(NORTH_CLIENT, command=2)),
                              ("family", proxy_header(NORTH_CLIENT, family=0x12)),
                              ("length", good[:14] + b"\xff\xff" + good[16:]),
                              ("length", good[:14] + b"\x00\x0b" + good[16:])):
            with self.subTest(reason=reason):
                before = self.refusals(reason)
                with TcpSession((LOOPBACK, self.tcp_port)) as session:
                    session.send_bytes(start)
                    self.assertTrue(session.closed_by_peer())
                self.assertEqual(self.refusals(reason), before + 1)

    def test_a_health_check_of_the_proxy_is_its_own_client(self):
        for header in (PROXY_SIGNATURE + b"\x20\x00\x00\x00", proxy_header(NORTH_CLIENT, command=0),
                       proxy_header(NORTH_CLIENT, family=0)):
            with self.tcp(header) as connection:
                self.assertEqual(addresses(self.ask(connection)), [SOUTH])

    def test_limits_are_of_the_client_not_of_the_proxy(self):
        with contextlib.ExitStack() as stack:
            for client in (f"198.51.100.{host}" for host in range(10, 15)):
                for _ in range(2):
                    connection = stack.enter_context(self.tcp(proxy_header(client)))
                    self.assertEqual(addresses(self.ask(connection)), [SOUTH])
            with TcpSession((LOOPBACK, self.tcp_port)) as third:
                third.send_bytes(proxy_header("198.51.100.10"))
                self.assertTrue(third.closed_by_peer())


class FastOpen(TransportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"dns": {"tcp_fast_open": 16}}))

    def test_a_query_in_the_syn_is_answered(self):
        for _ in range(2):  # the first connection brings the cookie for the second
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
                client.sendto(framed(query().to_wire()), socket.MSG_FASTOPEN, self.server.address)
                client.settimeout(ANSWER_SECONDS)
                self.assertEqual(addresses(parse(self.receive(client))), [SOUTH])

    def test_a_system_that_is_set_against_it_is_told_of_once(self):
        with open("/proc/sys/net/ipv4/tcp_fastopen", encoding="ascii") as setting:
            off = int(setting.read()) & 2 == 0
        self.assertEqual(self.server.log_text().count("tcp_fast_open_not_used"), 1 if off else 0)


class Files(TransportCase):
    def refusal(self, certificate, key):
        server = small_world(self.workspace, {"dns": {"listeners": [
            {"address": f"{LOOPBACK}:0", "transport": "tls",
             "certificate_file": str(certificate), "key_file": str(key)}]}})
        server.configure()
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stdout + done.stderr

    def test_files_that_cannot_be_used_are_named(self):
        for name in ("server", "next"):
            self.make_certificate(name)
        folder = self.workspace.path
        missing = self.refusal(folder / "none.crt", folder / "server.key")
        self.assertRegex(missing, r"dns\.listeners\[0\]: \S+none\.crt: ")
        wrong = self.refusal(folder / "server.crt", folder / "next.key")
        self.assertRegex(wrong, r"dns\.listeners\[0\]: \S+next\.key: ")


if __name__ == "__main__":
    unittest.main()
