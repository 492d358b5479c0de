"""Random geohash names below a service of a signed zone, each asked for once, as somebody asks who
wants every answer to cost a signature: the server's memory has a bound whatever is asked."""

import random
import re
import unittest

import dns.message

from harness import ScenarioCase
from paced_load import Load
from small_world import SERVICE, small_world

SEED = 11
RATE = 10_000  # a second
# Signatures that a thread keeps: 32,768, in 2.5 MiB (docs/dnssec.md). One client meets one thread.
KEPT = 32_768
FILLED = 3 * KEPT  # names after which it keeps all it may
MORE = 100_000
KEPT_KIB = 2_560
SLACK_KIB = 1_024  # what an allocator and the kernel's pages may add
LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz"


class RandomNames:
    """Queries with DO for names that come once each, by number."""

    def __init__(self, count):
        self.count = count
        self.rng = random.Random(SEED)
        template = dns.message.make_query(f"000000.g.{SERVICE}", "A", want_dnssec=True).to_wire(0)[2:]
        self.at = template.index(b"\x06000000") + 1
        self.template = template
        self.offset = self.rng.randrange(32 ** 6)

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        # A step that has no factor in common with 32^6 meets every name once.
        value = (self.offset + number * 0x2545F491) % 32 ** 6
        label = bytes(ord(LETTERS[value >> shift & 31]) for shift in (25, 20, 15, 10, 5, 0))
        return self.template[:self.at] + label + self.template[self.at + 6:]


class SignedLoad(Load):
    def __init__(self, port, names):
        super().__init__(port, RATE, [])
        self.wires = names

    def judge(self, number, answer):
        """An alias and a signature, then an address and one."""
        self.counts["answered"] += 1
        if answer[3] & 15 or answer[6:8] != b"\0\4":
            self.counts["bad"] += 1


class RandomGeohashes(ScenarioCase):
    def setUp(self):
        self.server = self.start(small_world(self.workspace, {"dns": {
            "udp_workers": 1, "zones": [{"name": "shop.example", "sign": {"denial": "compact"}}]}}))
        self.names = RandomNames(FILLED + MORE)
        self.load = SignedLoad(self.server.port, self.names)
        self.addCleanup(self.load.socket.close)

    def kib(self):
        """What the process has in memory, of its own."""
        for line in open(f"/proc/{self.server.pid}/status", encoding="ascii"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        raise AssertionError("no RssAnon")

    def made(self):
        text = self.server.rest("GET", "/metrics").body.decode()
        return sum(float(n) for n in re.findall(r"^meridian_dns_signatures_made_total.* (\S+)$", text, re.M))

    def ask_until(self, number):
        self.load.run(lambda: self.load.number >= number)

    def test_memory_has_its_bound(self):
        started, made = self.kib(), self.made()
        self.ask_until(FILLED)
        filled = self.kib()
        self.ask_until(FILLED + MORE)
        ended = self.kib()
        report = self.load.report()
        print(f"\n{report['answered']} names at {report['rate']}/s: {started} KiB, {filled} KiB when filled, {ended} KiB")
        self.assertEqual((report["bad"], report["unanswered"]), (0, 0), report)
        self.assertEqual(report["answered"], self.load.number)
        self.assertGreaterEqual(self.made() - made, self.load.number)
        self.assertLessEqual(filled - started, KEPT_KIB + SLACK_KIB)
        self.assertLessEqual(ended - filled, SLACK_KIB)


if __name__ == "__main__":
    unittest.main()
