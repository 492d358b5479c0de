"""TSIG on the real binary (RFC 8945), judged by dnspython, dig, kdig and drill: each algorithm over UDP and TCP, and what
is refused: another secret, another name, a clock that is off, a MAC that is cut too short."""

import base64
import os
import struct
import subprocess
import time
import unittest
from unittest import mock

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.tsig

from harness import ScenarioCase, TcpSession, udp_exchange, wait_for
from small_world import small_world

STATIC = "static.shop.example."
BIG = "big.shop.example."
ALGORITHMS = ["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
OF_DRILL = ["hmac-sha1", "hmac-sha256", "hmac-sha512"]  # ldns knows no others
FUDGE = 300
BADSIG, BADKEY, BADTIME = 16, 17, 18


def secret_of(algorithm):
    return base64.b64encode(algorithm.encode().ljust(32, b"-")).decode()


def key_of(algorithm, name=None, secret=None):
    return dns.tsig.Key(name or f"key-{algorithm}.", secret or secret_of(algorithm), algorithm)


class TsigCase(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"tsig": {"keys": [
            {"name": f"key-{each}", "algorithm": each, "secret_file": cls.write_secret(each, secret_of(each))}
            for each in ALGORITHMS]}}))

    @classmethod
    def write_secret(cls, name, secret):
        """Replaces the file as one step; its path."""
        path = cls.workspace.write(f"{name}.new", secret + "\n")
        os.chmod(path, 0o600)
        target = path.with_suffix(".key")
        os.replace(path, target)
        return str(target)

    def ask(self, wire, tcp=False):
        if not tcp:
            return udp_exchange(self.server.address, wire)
        with TcpSession(self.server.address) as session:
            session.send_message(wire)
            return session.receive_message()

    def signed(self, key, name=STATIC, rtype="A", when=None, **options):
        """A query and its bytes, signed `when` seconds from now."""
        query = dns.message.make_query(name, rtype, **options)
        query.flags &= ~dns.flags.RD
        query.use_tsig({key.name: key}, key.name, fudge=FUDGE, algorithm=key.algorithm)
        now = time.time()
        with mock.patch("time.time", lambda: now + (when or 0)):
            return query, query.to_wire()

    def checked(self, key, query, wire):
        """The answer; dnspython raises when its signature is wrong."""
        return dns.message.from_wire(wire, keyring={key.name: key}, request_mac=query.mac)

    def metric(self, outcome, transport="udp"):
        wanted = {f'outcome="{outcome}"', f'transport="{transport}"'}
        for line in self.server.rest("GET", "/metrics").body.decode().splitlines():
            if line.startswith("meridian_dns_tsig_total{") and all(each in line for each in wanted):
                return float(line.split()[-1])
        self.fail(f"no metric of {outcome}")


class Dnspython(TsigCase):
    def test_each_algorithm_over_udp_and_tcp(self):
        before = self.metric("good"), self.metric("good", "tcp")
        for algorithm in ALGORITHMS:
            for tcp in (False, True):
                with self.subTest(algorithm=algorithm, tcp=tcp):
                    key = key_of(algorithm)
                    query, wire = self.signed(key)
                    answer = self.checked(key, query, self.ask(wire, tcp))
                    self.assertTrue(answer.had_tsig)
                    self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
                    self.assertEqual(len(answer.answer), 1)
        after = self.metric("good"), self.metric("good", "tcp")
        self.assertEqual([now - then for now, then in zip(after, before)], [len(ALGORITHMS)] * 2)

    def test_several_queries_of_one_connection_are_exchanges_of_their_own(self):
        key = key_of("hmac-sha256")
        with TcpSession(self.server.address) as session:
            asked = [self.signed(key, name) for name in (STATIC, "none.shop.example.", BIG)]
            for _, wire in asked:
                session.send_message(wire)
            for query, _ in asked:
                self.checked(key, query, session.receive_message())

    def test_a_large_answer_keeps_to_the_limit(self):
        key = key_of("hmac-sha512")
        for payload in (512, 700, 1232):
            query, wire = self.signed(key, BIG, "TXT", use_edns=0, payload=payload)
            got = self.ask(wire)
            self.assertLessEqual(len(got), payload)
            self.assertTrue(self.checked(key, query, got).had_tsig)
        query, wire = self.signed(key, BIG, "TXT")
        self.assertTrue(self.checked(key, query, self.ask(wire)).flags & dns.flags.TC)
        self.assertFalse(self.checked(key, query, self.ask(wire, tcp=True)).flags & dns.flags.TC)

    def test_cookies_and_tsig_go_together(self):
        key = key_of("hmac-sha256")
        query, wire = self.signed(key, use_edns=0, options=[dns.edns.GenericOption(10, b"01234567")])
        answer = self.checked(key, query, self.ask(wire))
        self.assertEqual([option.otype for option in answer.options], [10])


class Refusals(TsigCase):
    def refused(self, key, outcome, when=None):
        before = self.metric(outcome)
        _, wire = self.signed(key, when=when)
        got = self.ask(wire)
        self.assertEqual(got[3] & 0xF, dns.rcode.NOTAUTH)
        self.assertEqual(struct.unpack("!H", got[6:8])[0], 0, "no answers")
        self.assertEqual(self.metric(outcome), before + 1)
        return got

    def assertUnsigned(self, got, error):
        mac_size, _, told, other = struct.unpack("!HHHH", got[-8:])
        self.assertEqual((mac_size, told, other), (0, error, 0))

    def test_another_secret(self):
        key = key_of("hmac-sha256", secret=secret_of("hmac-sha1"))
        self.assertUnsigned(self.refused(key, "badsig"), BADSIG)

    def test_another_name(self):
        key = key_of("hmac-sha256", name="nobody.")
        self.assertUnsigned(self.refused(key, "badkey"), BADKEY)

    def test_another_algorithm(self):
        key = key_of("hmac-sha512", name="key-hmac-sha256.", secret=secret_of("hmac-sha256"))
        self.assertUnsigned(self.refused(key, "badkey"), BADKEY)

    def test_a_clock_that_is_off_is_told_the_time(self):
        key = key_of("hmac-sha256")
        for off in (-FUDGE - 100, FUDGE + 100):
            got = self.refused(key, "badtime", when=off)
            error, other_size, high, low = struct.unpack("!HHHI", got[-10:])
            self.assertEqual((error, other_size, high), (BADTIME, 6, 0))
            query, wire = self.signed(key, when=off)
            with self.assertRaises(dns.tsig.PeerBadTime):
                with mock.patch("time.time", lambda: low + off):
                    self.checked(key, query, self.ask(wire))
        _, wire = self.signed(key, when=-FUDGE + 60)
        self.assertEqual(self.ask(wire)[3] & 0xF, dns.rcode.NOERROR)

    def cut(self, key, size):
        """A query whose MAC has lost its end, and the MAC that is left."""
        query, wire = self.signed(key)
        whole = len(query.mac)
        start = len(wire) - 6 - whole
        mac = wire[start:start + size]
        algorithm = len(dns.name.from_text(str(key.algorithm)).to_wire())
        length_at = start - 10 - algorithm - 2
        (length,) = struct.unpack("!H", wire[length_at:length_at + 2])
        wire = (wire[:length_at] + struct.pack("!H", length - whole + size) + wire[length_at + 2:start - 2]
                + struct.pack("!H", size) + mac + wire[start + whole:])
        return query, wire, mac

    def test_a_mac_may_be_cut_to_half(self):
        key = key_of("hmac-sha256")
        for size in (16, 20, 31):
            _, wire, mac = self.cut(key, size)
            answer = dns.message.from_wire(self.ask(wire), keyring={key.name: key}, request_mac=mac)
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR, size)
        for size in (0, 10, 15):
            _, wire, _ = self.cut(key, size)
            got = self.ask(wire)
            self.assertEqual(got[3] & 0xF, dns.rcode.FORMERR, size)
            self.assertEqual(got[10:12], b"\0\0", "without TSIG")

    def test_tsig_that_is_not_last(self):
        _, wire = self.signed(key_of("hmac-sha256"))
        opt = bytes.fromhex("0000290200000000000000")
        before = self.metric("malformed")
        got = self.ask(wire[:10] + b"\0\2" + wire[12:] + opt)
        self.assertEqual(got[3] & 0xF, dns.rcode.FORMERR)
        self.assertEqual(self.metric("malformed"), before + 1)


class Tools(TsigCase):
    def run_tool(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def dig(self, key, *more):
        return self.run_tool("dig", "+norecurse", "+tries=1", "-p", str(self.server.port), "@127.0.0.1",
                             "-y", key, STATIC, "A", *more)

    def test_dig(self):
        for algorithm in ALGORITHMS:
            for more in ((), ("+tcp",)):
                said = self.dig(f"{algorithm}:key-{algorithm}:{secret_of(algorithm)}", *more)
                self.assertIn("status: NOERROR", said)
                self.assertIn("TSIG PSEUDOSECTION", said)
                self.assertNotIn("verify", said)
                self.assertNotIn("WARNING", said)

    def test_dig_with_a_mac_that_is_cut(self):
        said = self.dig(f"hmac-sha256-128:key-hmac-sha256:{secret_of('hmac-sha256')}")
        self.assertIn("status: NOERROR", said)
        self.assertNotIn("verify", said)

    def test_dig_is_told_why_not(self):
        wrong = self.dig(f"hmac-sha256:key-hmac-sha256:{secret_of('hmac-sha1')}")
        self.assertIn("NOTAUTH", wrong)
        self.assertIn("BADSIG", wrong)
        unknown = self.dig(f"hmac-sha256:nobody:{secret_of('hmac-sha1')}")
        self.assertIn("BADKEY", unknown)

    def test_kdig(self):
        for algorithm in ALGORITHMS:
            for more in ((), ("+tcp",)):
                said = self.run_tool("kdig", "+norecurse", "-p", str(self.server.port), "@127.0.0.1",
                                     "-y", f"{algorithm}:key-{algorithm}:{secret_of(algorithm)}", STATIC, "A", *more)
                self.assertIn("status: NOERROR", said)
                self.assertIn("TSIG PSEUDOSECTION", said)
                self.assertNotIn("WARNING", said)
                self.assertNotIn("ERROR:", said)

    def test_drill(self):
        for algorithm in OF_DRILL:
            said = self.run_tool("drill", "-o", "rd", "-p", str(self.server.port), "-y",
                                 f"key-{algorithm}:{secret_of(algorithm)}:{algorithm}.", STATIC, "@127.0.0.1", "A")
            self.assertIn("rcode: NOERROR", said)
            self.assertNotIn("rror", said.replace("NOERROR", ""))


class Secrets(TsigCase):
    def test_a_new_secret_is_used_without_a_restart_and_a_bad_file_is_not(self):
        old, new = key_of("hmac-sha256"), key_of("hmac-sha256", secret=secret_of("another"))

        def answers(key):
            return self.ask(self.signed(key)[1])[3] & 0xF == dns.rcode.NOERROR

        self.assertTrue(answers(old))
        self.write_secret("hmac-sha256", secret_of("another"))
        wait_for(lambda: answers(new), 30, "answer to the new secret")
        self.assertFalse(answers(old))
        self.write_secret("hmac-sha256", "short")
        wait_for(lambda: "tsig_secrets_not_read" in self.server.log_text(), 30, "word of the bad file")
        self.assertTrue(answers(new))
        self.assertNotIn(secret_of("another"), self.server.log_text())

    def refusal(self, secret, mode):
        path = self.workspace.write("odd.key", secret)
        os.chmod(path, mode)
        server = small_world(self.workspace.inner("odd"), {"tsig": {"keys": [
            {"name": "odd", "secret_file": str(path)}]}})
        server.configure()
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stdout + done.stderr

    def test_a_start_refuses_what_is_no_secret(self):
        self.assertIn("chmod 600", self.refusal(secret_of("odd"), 0o644))
        self.assertIn("is not base64", self.refusal("%%%", 0o600))
        self.assertIn("has 3 bytes; 16 to 512", self.refusal("Zm9v", 0o600))


if __name__ == "__main__":
    unittest.main()
