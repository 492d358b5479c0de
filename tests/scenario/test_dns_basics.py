"""The DNS protocol on the real binary, over UDP and TCP: headers, EDNS, truncation, streams."""

import socket
import struct
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from harness import ScenarioCase, TcpSession, framed, udp_exchange
from small_world import NEGATIVE_TTL, NODE_ID, small_world

IDLE_TIMEOUT_MS = 500
MAX_PER_CLIENT = 20
STATIC = "static.shop.example."
NSID = dns.edns.GenericOption(dns.edns.NSID, b"")
EXTENDED_RCODE_SHIFT = 24
EDNS_VERSION_SHIFT = 16


class BasicsCase(ScenarioCase):
    """One server for the class."""

    dns_settings = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"dns": cls.dns_settings}))

    def ask(self, name, rtype="A", **options):
        return self.server.udp(dns.message.make_query(name, rtype, **options))

    def rcode_of(self, wire):
        """RCODE of the header in answer to a raw query."""
        return udp_exchange(self.server.address, wire)[3] & 0x0F


class Header(BasicsCase):
    def test_answer_is_authoritative_and_not_recursive(self):
        answer = self.ask(STATIC)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual(answer.flags & ~dns.flags.RD, dns.flags.QR | dns.flags.AA)
        self.assertEqual([str(r) for r in answer.answer], [f"{STATIC} 600 IN A 192.0.2.99"])

    def test_rd_is_copied(self):
        query = dns.message.make_query(STATIC, "A")
        for flags in (0, dns.flags.RD):
            query.flags = flags
            self.assertEqual(self.server.udp(query).flags & dns.flags.RD, flags)

    def test_case_of_the_question_is_echoed(self):
        name = dns.name.from_text("StAtIc.sHOp.ExAmPlE.")
        for exchange in (self.server.udp, self.server.tcp):
            answer = exchange(dns.message.make_query(name, "A"))
            self.assertEqual(answer.question[0].name.labels, name.labels)
            self.assertEqual(answer.answer[0].name.labels, name.labels)

    def test_question_count_other_than_one_is_formerr(self):
        query = dns.message.make_query(STATIC, "A").to_wire()
        question = query[12:]
        for count in (0, 2, 65535):
            wire = query[:4] + struct.pack("!H", count) + query[6:12] + question * min(count, 2)
            self.assertEqual(self.rcode_of(wire), dns.rcode.FORMERR, f"QDCOUNT {count}")

    def test_other_opcodes_are_notimp(self):
        for opcode in (dns.opcode.IQUERY, dns.opcode.STATUS, dns.opcode.NOTIFY, dns.opcode.UPDATE,
                       15):  # where updates are allowed: test_updates
            query = bytearray(dns.message.make_query(STATIC, "SOA").to_wire())
            query[2] = opcode << 3
            answer = udp_exchange(self.server.address, bytes(query))
            self.assertEqual(answer[3] & 0x0F, dns.rcode.NOTIMP, f"opcode {opcode}")
            self.assertEqual(answer[2] >> 3 & 0x0F, opcode)
            self.assertEqual(answer[2] & 0x80, 0x80)

    def test_responses_and_fragments_of_a_header_are_ignored(self):
        """They get no answer: the next datagram on the same socket answers the query after them."""
        query = dns.message.make_query(STATIC, "A")
        wire = query.to_wire()
        response = bytes([wire[0] ^ 0xFF, wire[1]]) + bytes([wire[2] | 0x80]) + wire[3:]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(self.server.address)
            sock.settimeout(10)
            for ignored in (response, b"", wire[:1], wire[:11]):
                sock.send(ignored)
            sock.send(wire)
            self.assertEqual(sock.recv(65535)[:2], wire[:2])

    def test_question_cut_off_is_formerr(self):
        wire = dns.message.make_query(STATIC, "A").to_wire()
        for size in (12, 13, 20, len(wire) - 1):
            self.assertEqual(self.rcode_of(wire[:size]), dns.rcode.FORMERR, f"{size} octets")

    def test_names_outside_and_other_classes_are_refused(self):
        self.assertEqual(self.ask("outside.invalid.").rcode(), dns.rcode.REFUSED)
        answer = self.ask(STATIC, rdclass=dns.rdataclass.HS)
        self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
        self.assertFalse(answer.flags & dns.flags.AA)

    def test_transfers_are_not_given(self):
        for rtype in ("AXFR", "IXFR"):
            for exchange in (self.server.udp, self.server.tcp):
                query = dns.message.make_query("shop.example.", "SOA").to_wire()
                query = query[:-4] + struct.pack("!HH", dns.rdatatype.from_text(rtype), 1)
                answer = exchange(query)
                self.assertIn(answer.rcode(), (dns.rcode.REFUSED, dns.rcode.NOTIMP), rtype)
                self.assertEqual(answer.answer, [])


class NegativeAnswers(BasicsCase):
    """The SOA's own TTL is 3600, its MINIMUM 60: RFC 2308 §3 takes the smaller."""

    def require_soa(self, answer, rcode):
        self.assertEqual(answer.rcode(), rcode)
        self.assertEqual(answer.answer, [])
        self.assertTrue(answer.flags & dns.flags.AA)
        self.assertEqual([(r.name.to_text(), r.rdtype, r.ttl) for r in answer.authority],
                         [("shop.example.", dns.rdatatype.SOA, NEGATIVE_TTL)])

    def test_nodata(self):
        self.require_soa(self.ask(STATIC, "AAAA"), dns.rcode.NOERROR)

    def test_nxdomain(self):
        self.require_soa(self.ask("missing.shop.example."), dns.rcode.NXDOMAIN)

    def test_empty_non_terminal(self):
        self.require_soa(self.ask("wild.shop.example.", "TXT"), dns.rcode.NOERROR)

    def test_the_soa_itself_keeps_its_ttl(self):
        answer = self.ask("shop.example.", "SOA")
        self.assertEqual([r.ttl for r in answer.answer], [3600])
        self.assertEqual(answer.authority, [])


class Edns(BasicsCase):
    def test_opt_is_in_the_answer_only_when_it_was_in_the_query(self):
        self.assertEqual(self.ask(STATIC).edns, -1)
        answer = self.ask(STATIC, use_edns=0, payload=1400)
        self.assertEqual(answer.edns, 0)
        self.assertGreaterEqual(answer.payload, 512)

    def test_opt_comes_with_errors_too(self):
        for name in ("outside.invalid.", "missing.shop.example.", "cut.shop.example."):
            self.assertEqual(self.ask(name, use_edns=0).edns, 0, name)

    def test_do_is_copied(self):
        for want in (False, True):
            answer = self.ask(STATIC, use_edns=0, want_dnssec=want)
            self.assertEqual(bool(answer.ednsflags & dns.flags.DO), want)

    def test_higher_version_is_badvers(self):
        for version in (1, 255):
            query = dns.message.make_query(STATIC, "A", use_edns=0)
            query.ednsflags |= version << EDNS_VERSION_SHIFT
            answer = self.server.udp(query)
            self.assertEqual(answer.rcode(), dns.rcode.BADVERS)
            self.assertEqual(answer.edns, 0, "the version that the server has")
            self.assertEqual(answer.answer, [])

    def test_two_opts_are_formerr(self):
        query = dns.message.make_query(STATIC, "A", use_edns=0).to_wire()
        opt = query[-11:]
        wire = query[:10] + struct.pack("!H", 2) + query[12:] + opt
        self.assertEqual(self.rcode_of(wire), dns.rcode.FORMERR)

    def test_opt_must_belong_to_the_root(self):
        query = dns.message.make_query(STATIC, "A", use_edns=0).to_wire()
        self.assertEqual(self.rcode_of(query[:-11] + b"\1x" + query[-11:]), dns.rcode.FORMERR)

    def test_broken_options_are_formerr(self):
        query = dns.message.make_query(STATIC, "A", use_edns=0).to_wire()[:-2]
        for rdata in (b"\0", b"\0\3\0", b"\0\3\0\1", b"\0\3\0\0\0\x0a\0\5abcd"):
            wire = query + struct.pack("!H", len(rdata)) + rdata
            self.assertEqual(self.rcode_of(wire), dns.rcode.FORMERR, rdata)
        self.assertEqual(self.rcode_of(query + struct.pack("!H", 5)), dns.rcode.FORMERR)

    def test_unknown_options_are_ignored(self):
        option = dns.edns.GenericOption(65432, b"anything")
        answer = self.ask(STATIC, use_edns=0, options=[option])
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual(list(answer.options), [])


class Identity(BasicsCase):
    def table_rev(self):
        return self.server.rest("GET", "/v1/table").json["rev"]

    def test_nsid_names_the_node_and_its_table(self):
        answer = self.ask(STATIC, use_edns=0, options=[NSID])
        texts = [option.to_wire().decode() for option in answer.options
                 if option.otype == dns.edns.NSID]
        self.assertEqual(len(texts), 1)
        self.assertIn(NODE_ID, texts[0])
        self.assertIn(str(self.table_rev()), texts[0].replace(NODE_ID, ""))

    def test_nsid_only_on_request(self):
        self.assertEqual(list(self.ask(STATIC, use_edns=0).options), [])

    def test_chaos_names(self):
        for name in ("id.server.", "version.server.", "VERSION.Server."):
            answer = self.ask(name, "TXT", rdclass=dns.rdataclass.CH)
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR, name)
            self.assertEqual(len(answer.answer), 1, name)
            self.assertNotEqual(answer.answer[0][0].strings[0], b"", name)
        answer = self.ask("id.server.", "TXT", rdclass=dns.rdataclass.CH)
        self.assertIn(NODE_ID, answer.answer[0][0].to_text())

    def test_other_chaos_names_are_refused(self):
        answer = self.ask("other.server.", "TXT", rdclass=dns.rdataclass.CH)
        self.assertEqual(answer.rcode(), dns.rcode.REFUSED)


class Truncation(BasicsCase):
    """big.shop.example has 750 octets of TXT, huge.shop.example about 10,000."""

    def size_and_tc(self, name, payload):
        options = {} if payload is None else {"use_edns": 0, "payload": payload}
        wire = udp_exchange(self.server.address,
                            dns.message.make_query(name, "TXT", **options).to_wire())
        message = dns.message.from_wire(wire)
        return len(wire), bool(message.flags & dns.flags.TC)

    def test_small_payloads_get_tc_and_fit(self):
        for payload in (None, 0, 512, 700):
            size, truncated = self.size_and_tc("big.shop.example.", payload)
            self.assertTrue(truncated, payload)
            self.assertLessEqual(size, max(payload or 0, 512))

    def test_large_enough_payload_is_used(self):
        self.assertFalse(self.size_and_tc("big.shop.example.", 1232)[1])

    def test_server_limits_what_a_client_offers(self):
        size, truncated = self.size_and_tc("huge.shop.example.", 65535)
        self.assertTrue(truncated)
        self.assertLessEqual(size, 1232, "dns.udp_payload_max")

    def test_tcp_has_it_all(self):
        for name, strings in (("big.shop.example.", 3), ("huge.shop.example.", 40)):
            answer = self.server.tcp(dns.message.make_query(name, "TXT"))
            self.assertFalse(answer.flags & dns.flags.TC)
            self.assertEqual(len(answer.answer[0][0].strings), strings)


class TcpIdle(BasicsCase):
    """Here the server waits for half a second only; no answer may depend on that."""

    dns_settings = {"tcp_idle_timeout_ms": IDLE_TIMEOUT_MS}

    def test_idle_connections_are_closed(self):
        wire = dns.message.make_query(STATIC, "A").to_wire()
        for what, data in (("nothing", b""), ("half a length", b"\0"),
                           ("half a query", framed(wire)[:10])):
            with self.subTest(sent=what), TcpSession(self.server.address) as session:
                session.send_bytes(data)
                self.assertTrue(session.closed_by_peer())

    def test_an_answered_connection_is_closed_when_idle_later(self):
        with TcpSession(self.server.address) as session:
            session.send_message(dns.message.make_query(STATIC, "A").to_wire())
            session.receive_message()
            self.assertTrue(session.closed_by_peer())

    def test_too_short_messages_get_no_answer_and_keep_nothing_open(self):
        for message in (b"", b"\0" * 11):
            with TcpSession(self.server.address) as session:
                session.send_message(message)
                self.assertTrue(session.closed_by_peer())


class Tcp(BasicsCase):
    dns_settings = {"tcp_max_per_client": MAX_PER_CLIENT}

    def queries(self, count):
        """Queries with ids 0, 1, 2 … of which every other one has a long answer."""
        found = []
        for number in range(count):
            name = "huge.shop.example." if number % 2 else STATIC
            found.append(dns.message.make_query(name, "TXT" if number % 2 else "A", id=number))
        return found

    def require_answers(self, session, queries):
        """Answers may come in any order (RFC 7766 §7): each query has exactly one."""
        answers = [dns.message.from_wire(session.receive_message()) for _ in queries]
        self.assertEqual({a.id for a in answers}, {q.id for q in queries})
        for answer in answers:
            self.assertTrue(queries[answer.id].is_response(answer))
            self.assertEqual(len(answer.answer), 1)

    def test_several_queries_in_one_segment(self):
        queries = self.queries(50)
        with TcpSession(self.server.address) as session:
            session.send_bytes(b"".join(framed(q.to_wire()) for q in queries))
            self.require_answers(session, queries)

    def test_queries_cut_at_odd_places(self):
        queries = self.queries(6)
        stream = b"".join(framed(q.to_wire()) for q in queries)
        for step in (1, 3, 7, 31):
            with TcpSession(self.server.address) as session:
                for start in range(0, len(stream), step):
                    session.send_bytes(stream[start:start + step])
                self.require_answers(session, queries)

    def test_a_client_that_half_closes_gets_its_answers(self):
        queries = self.queries(4)
        with TcpSession(self.server.address) as session:
            session.send_bytes(b"".join(framed(q.to_wire()) for q in queries))
            session.socket.shutdown(socket.SHUT_WR)
            self.require_answers(session, queries)
            self.assertTrue(session.closed_by_peer())

    def test_connections_above_the_limit_of_one_client_are_closed(self):
        sessions = [TcpSession(self.server.address) for _ in range(MAX_PER_CLIENT + 1)]
        try:
            query = dns.message.make_query(STATIC, "A").to_wire()
            served = sum(self.is_served(session, query) for session in sessions)
        finally:
            for session in sessions:
                session.close()
        self.assertEqual(served, MAX_PER_CLIENT)

    @staticmethod
    def is_served(session, query):
        try:
            session.send_message(query)
            session.receive_message()
        except (EOFError, ConnectionError):
            return False
        return True


if __name__ == "__main__":
    unittest.main()
