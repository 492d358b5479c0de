"""EDNS on the real binary: what RFC 6891 and ISC's compliance probes ask, cookies (RFC 7873, 9018) that BIND knows
as its own, keepalive, extended errors."""

import itertools
import os
import struct
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from harness import ScenarioCase, wait_for
from peer_servers import Bind
from small_world import ZONE, small_world

APEX = "shop.example."
STATIC = "static.shop.example."
COOKIE = 10
KEEPALIVE = 11
EXTENDED_ERROR = 15
UNKNOWN_OPTION = 100  # as ISC's probes use it
UNKNOWN_FLAG = 0x40
IDLE_TIMEOUT_MS = 2500
CLIENT = bytes.fromhex("0123456789abcdef")
OLD_SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
NEW_SECRET = "445536bcd2513298075a5d379663c962"


def option_of(answer, code):
    """The value of one option of the answer, or None."""
    found = [option for option in answer.options if option.otype == code]
    if not found:
        return None
    (option,) = found
    return option.to_wire()


def query(name=STATIC, rtype="A", version=0, flags=0, options=(), payload=1232):
    message = dns.message.make_query(name, rtype, use_edns=version, payload=payload,
                                     options=[dns.edns.GenericOption(*each) for each in options])
    message.ednsflags = flags | version << 16
    return message


class Compliance(ScenarioCase):
    """Unknown version, flag and option, alone and together, over both transports: RFC 6891 §6.1.3, §6.1.4, §6.1.2."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace))

    def probe(self, version, flags, options):
        for exchange in (self.server.udp, self.server.tcp):
            for rtype in ("SOA", "A"):
                asked = query(APEX, rtype, version, flags, options)
                answer = exchange(asked)
                with self.subTest(version=version, flags=flags, options=options, rtype=rtype,
                                  exchange=exchange.__name__):
                    expected = dns.rcode.NOERROR if version == 0 else dns.rcode.BADVERS
                    self.assertEqual(answer.rcode(), expected)
                    self.assertEqual(answer.edns, 0, "the version that is spoken here")
                    self.assertEqual(answer.ednsflags & 0x7FFF, 0, "no unknown flag comes back")
                    self.assertEqual(list(answer.options), [], "no unknown option comes back")
                    self.assertEqual(answer.payload, 1232)
                    found = [rrset.rdtype for rrset in answer.answer]
                    wanted = [dns.rdatatype.SOA] if rtype == "SOA" and version == 0 else []
                    self.assertEqual(found, wanted)

    def test_every_mixture_of_unknown_things(self):
        for version, flags, options in itertools.product(
                (0, 1, 100, 255), (0, UNKNOWN_FLAG), ((), ((UNKNOWN_OPTION, b""),), ((UNKNOWN_OPTION, b"x" * 30),))):
            self.probe(version, flags, options)

    def test_do_comes_back_beside_unknown_flags(self):
        answer = self.server.udp(query(flags=dns.flags.DO | UNKNOWN_FLAG))
        self.assertEqual(answer.ednsflags & 0xFFFF, dns.flags.DO)

    def test_a_truncated_answer_has_its_opt_and_keeps_to_the_limit(self):
        asked = query("big." + APEX, "TXT", payload=512, options=((UNKNOWN_OPTION, b""),))
        answer = self.server.udp(asked)
        self.assertTrue(answer.flags & dns.flags.TC)
        self.assertEqual(answer.edns, 0)
        self.assertLessEqual(len(answer.to_wire()), 512)
        whole = self.server.tcp(asked)
        self.assertFalse(whole.flags & dns.flags.TC)
        self.assertGreater(len(whole.to_wire()), 512)


class Options(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(
            cls.workspace, {"dns": {"tcp_idle_timeout_ms": IDLE_TIMEOUT_MS, "explain_from": []}}))

    def test_keepalive_tells_the_idle_time_out_over_tcp(self):
        asked = query(options=((KEEPALIVE, b""),))
        self.assertEqual(option_of(self.server.tcp(asked), KEEPALIVE), struct.pack("!H", IDLE_TIMEOUT_MS // 100))
        self.assertIsNone(option_of(self.server.udp(asked), KEEPALIVE))
        self.assertIsNone(option_of(self.server.tcp(query()), KEEPALIVE))

    def test_refusals_say_why(self):
        for name, rtype, code in (("elsewhere.test.", "A", 20), (f"_explain.{APEX}", "TXT", None),
                                  ("_explain.order.shop.example.", "TXT", 18), (APEX, "AXFR", 18)):
            asked = query(name, rtype)
            answer = self.server.tcp(asked)
            with self.subTest(name=name, rtype=rtype):
                if code is None:
                    self.assertEqual(answer.rcode(), dns.rcode.NXDOMAIN)
                    self.assertIsNone(option_of(answer, EXTENDED_ERROR))
                else:
                    self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
                    self.assertEqual(option_of(answer, EXTENDED_ERROR), struct.pack("!H", code))

    def test_a_process_without_a_file_knows_its_own_cookies(self):
        cookie = option_of(self.server.udp(query(options=((COOKIE, CLIENT),))), COOKIE)
        self.assertEqual((cookie[:8], len(cookie)), (CLIENT, 24))
        for exchange in (self.server.udp, self.server.tcp):
            self.assertEqual(option_of(exchange(query(options=((COOKIE, cookie),))), COOKIE), cookie)

    def test_a_cookie_of_no_known_length_is_formerr(self):
        for size in (0, 7, 9, 15, 41):
            answer = self.server.udp(query(options=((COOKIE, b"x" * size),)))
            self.assertEqual(answer.rcode(), dns.rcode.FORMERR, size)

    def test_a_cookie_may_be_asked_for_without_a_question(self):
        asked = query(options=((COOKIE, CLIENT),))
        asked.question = []
        answer = self.server.udp(asked)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual(len(option_of(answer, COOKIE)), 24)


class SharedSecret(ScenarioCase):
    """BIND and Meridian with one secret take each other's cookies; a secret is rotated while they run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secrets = cls.workspace.write("cookies", OLD_SECRET + "\n")
        zone = cls.workspace.write("bind/shop.example.zone", ZONE)
        cls.bind = cls.start(Bind(cls.workspace, {"shop.example": zone}, OLD_SECRET))
        cls.server = cls.start(small_world(
            cls.workspace, {"dns": {"cookie_secret_file": str(cls.secrets)}}))

    def cookie_of(self, server, value=CLIENT):
        return option_of(server.udp(query(options=((COOKIE, value),))), COOKIE)

    def bad_cookies(self):
        (line,) = [line for line in self.server.rest("GET", "/metrics").body.decode().splitlines()
                   if line.startswith("meridian_dns_cookies_bad_total") and "udp" in line]
        return float(line.split()[-1])

    def write_secrets(self, *secrets):
        changed = self.secrets.with_suffix(".new")
        changed.write_text("# rotated\n" + "\n".join(secrets) + "\n", encoding="utf-8")
        os.replace(changed, self.secrets)

    def log_has(self, text):
        return lambda: text in self.server.log_text()

    def test_shared_and_rotated(self):
        ours = self.cookie_of(self.server)
        strangers = self.bind.udp(query(options=((COOKIE, CLIENT),)))
        self.assertEqual(strangers.rcode(), dns.rcode.BADCOOKIE, "BIND asks for a cookie here")
        theirs = option_of(strangers, COOKIE)
        welcome = self.bind.udp(query(options=((COOKIE, ours),)))
        self.assertEqual(welcome.rcode(), dns.rcode.NOERROR, "BIND takes what Meridian made")
        self.assertEqual(self.cookie_of(self.server, theirs), theirs, "and the other way round")
        self.assertEqual(self.bad_cookies(), 0)

        self.write_secrets(NEW_SECRET, OLD_SECRET)
        wait_for(self.log_has("cookie_secrets_read"), 20, "word of the new secrets")
        turned = self.cookie_of(self.server, ours)
        self.assertNotEqual(turned, ours, "a new cookie, of the first secret")
        self.assertEqual(self.bad_cookies(), 0, "the old one was good")
        refused = self.bind.udp(query(options=((COOKIE, turned),)))
        self.assertEqual(refused.rcode(), dns.rcode.BADCOOKIE, "BIND has not turned")

        self.write_secrets("no secret")
        wait_for(self.log_has("cookie_secrets_not_read"), 20, "word of the broken file")
        self.assertEqual(self.cookie_of(self.server, turned), turned, "the secrets read before stay")

        self.write_secrets(NEW_SECRET)
        wait_for(lambda: self.server.log_text().count("cookie_secrets_read ") == 2, 20, "word of the last secrets")
        self.cookie_of(self.server, ours)
        self.assertEqual(self.bad_cookies(), 1, "the old secret is gone")


if __name__ == "__main__":
    unittest.main()
