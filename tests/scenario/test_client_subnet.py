"""EDNS client subnet on the real binary: the rules of RFC 7871 for an authoritative server."""

import ipaddress
import struct
import unittest

import dns.edns
import dns.message
import dns.rcode

from ecs import IPV4, IPV6, ecs_of, ecs_option, query_with, raw_ecs_option
from harness import ScenarioCase, udp_exchange
from small_world import ADDRESS, DEFAULT_PARTITION, GLOBAL_SERVICE, HOME, SERVICE, small_world

NOWHERE_NEAR = "8.8.8.0/24"  # in no network override: the default partition


class ClientSubnet(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace))

    def ask(self, name, *options, rtype="A"):
        return self.server.udp(query_with(name, rtype, *options))

    def require_site(self, answer, partition):
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual([r[0].to_text() for r in answer.answer], [ADDRESS[HOME[partition]]])

    # What the option decides.

    def test_subnet_decides_the_partition(self):
        for subnet, partition in (("192.0.2.0/24", "north"), ("192.0.2.77/32", "north"),
                                  ("198.51.100.0/25", "south"), ("198.51.100.128/25", "west"),
                                  ("203.0.113.0/24", "north"), ("2001:db8:1::/48", "north"),
                                  ("2001:db8:1:2::/64", "north"), ("2001:db8:2::/48", "west"),
                                  (NOWHERE_NEAR, DEFAULT_PARTITION)):
            with self.subTest(subnet=subnet):
                self.require_site(self.ask(SERVICE, ecs_option(subnet)), partition)

    def test_without_the_option_the_resolver_decides(self):
        answer = self.server.udp(dns.message.make_query(SERVICE, "A", use_edns=0))
        self.require_site(answer, "south")
        self.assertIsNone(ecs_of(answer), "the option only if the query had it")

    def test_tcp_says_the_same(self):
        query = query_with(SERVICE, "A", ecs_option("192.0.2.0/24"))
        self.assertEqual(self.server.tcp(query).to_text(), self.server.udp(query).to_text())

    # What is echoed.

    def test_family_source_and_address_are_echoed(self):
        for subnet in ("192.0.2.0/24", "192.0.2.64/26", "192.0.2.77/32", "128.0.0.0/1",
                       "10.0.0.0/8", "2001:db8:1::/48", "2001:db8::/29", "2001:db8:1::1/128",
                       "8000::/1"):
            with self.subTest(subnet=subnet):
                asked = ecs_option(subnet)
                got = ecs_of(self.ask(SERVICE, asked))
                self.assertEqual(raw_ecs_option(got.family, got.source, 0, got.address).to_wire(),
                                 asked.to_wire())

    def test_names_of_zone_files_negatives_and_referrals_have_scope_0(self):
        for name in ("static.shop.example.", "alias.shop.example.", "a.wild.shop.example.",
                     "missing.shop.example.", "wild.shop.example.", "host.cut.shop.example."):
            with self.subTest(name=name):
                got = ecs_of(self.ask(name, ecs_option("192.0.2.0/24")))
                self.assertEqual((got.source, got.scope), (24, 0))

    def test_names_that_carry_the_place_have_scope_0(self):
        for name in ("snorth.shard", "u4xe.g", "oslo.city", "museum-1.poi", "any.key"):
            with self.subTest(name=name):
                answer = self.ask(f"{name}.{SERVICE}", ecs_option("198.51.100.0/25"))
                self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
                self.assertEqual(ecs_of(answer).scope, 0)

    def test_global_writes_and_nodata_have_scope_0(self):
        for name, rtype in ((f"rw.{GLOBAL_SERVICE}", "A"), (GLOBAL_SERVICE, "A"), (SERVICE, "TXT")):
            with self.subTest(name=name, rtype=rtype):
                got = ecs_of(self.ask(name, ecs_option("192.0.2.0/24"), rtype=rtype))
                self.assertEqual(got.scope, 0)

    # Source 0.

    def test_source_0_is_no_error_and_has_scope_0(self):
        for family in (IPV4, IPV6):
            with self.subTest(family=family):
                answer = self.ask(SERVICE, raw_ecs_option(family, 0, 0, b""))
                self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
                self.assertEqual(len(answer.answer), 1)
                got = ecs_of(answer)
                self.assertEqual((got.family, got.source, got.scope, got.address),
                                 (family, 0, 0, b""))

    def test_source_0_of_no_family(self):
        """What dig +subnet=0 sends. dnspython cannot read it: the answer is compared as bytes."""
        option = raw_ecs_option(0, 0, 0, b"")
        answer = udp_exchange(self.server.address, query_with(SERVICE, "A", option).to_wire())
        self.assertEqual(answer[3] & 0x0F, dns.rcode.NOERROR)
        self.assertEqual(answer[-8:], struct.pack("!HH", dns.edns.ECS, 4) + option.to_wire())

    # Scopes.

    def test_scopes_of_different_answers_do_not_overlap(self):
        for subnets in (("192.0.1.255/32", "192.0.2.0/32", "192.0.2.255/32", "192.0.3.0/32",
                         "198.51.99.255/32", "198.51.100.0/32", "198.51.100.127/32",
                         "198.51.100.128/32", "203.0.113.0/32", "8.8.8.8/32", "255.255.255.255/32"),
                        ("2001:db8:0:ffff::/64", "2001:db8:1::/64", "2001:db8:1:ffff::/64",
                         "2001:db8:2::/64", "::1/128", "ffff::/16")):
            seen = []
            for subnet in subnets:
                answer = self.ask(SERVICE, ecs_option(subnet))
                network = ecs_of(answer).scope_network
                site = answer.answer[0][0].to_text()
                for other_network, other_site in seen:
                    if site != other_site:
                        self.assertFalse(network.overlaps(other_network),
                                         f"{subnet}: {network} and {other_network}")
                seen.append((network, site))

    def test_answer_is_constant_inside_its_scope(self):
        for subnet in ("192.0.2.0/32", "198.51.100.1/32", "198.51.100.200/32", "203.0.113.9/32",
                       "8.8.8.8/32"):
            answer = self.ask(SERVICE, ecs_option(subnet))
            scope = ecs_of(answer).scope_network
            self.assertGreater(scope.num_addresses, 1, "the widest prefix with this answer")
            for inside in (scope.network_address, scope.broadcast_address,
                           scope.network_address + scope.num_addresses // 2):
                other = self.ask(SERVICE, ecs_option(ipaddress.ip_network(inside).with_prefixlen))
                self.assertEqual(other.answer[0][0], answer.answer[0][0], f"{inside} in {scope}")
                self.assertEqual(ecs_of(other).scope_network, scope)

    def test_scope_may_be_longer_than_source(self):
        """Half of 198.51.100.0/24 is south's: an answer for it must say that it holds for less."""
        got = ecs_of(self.ask(SERVICE, ecs_option("198.51.100.0/24")))
        self.assertEqual((got.source, got.scope), (24, 25))

    # Broken options.

    def require_formerr(self, *options):
        answer = self.ask(SERVICE, *options)
        self.assertEqual(answer.rcode(), dns.rcode.FORMERR)
        self.assertEqual(answer.answer, [])

    def test_unknown_families(self):
        for family in (3, 16, 65535):
            with self.subTest(family=family):
                self.require_formerr(raw_ecs_option(family, 24, 0, b"\xc0\0\2"))
                self.require_formerr(raw_ecs_option(family, 0, 0, b""))
        self.require_formerr(raw_ecs_option(0, 24, 0, b"\xc0\0\2"))

    def test_a_scope_in_the_query(self):
        """It MUST be 0 there (RFC 7871 §6)."""
        self.require_formerr(raw_ecs_option(IPV4, 24, 24, b"\xc0\0\2"))

    def test_wrong_octet_counts(self):
        for family, source, size in ((IPV4, 24, 2), (IPV4, 24, 4), (IPV4, 25, 3), (IPV4, 0, 1),
                                     (IPV4, 32, 3), (IPV4, 32, 5), (IPV6, 48, 5), (IPV6, 48, 7),
                                     (IPV6, 128, 15), (IPV6, 128, 17), (IPV4, 1, 0)):
            with self.subTest(family=family, source=source, size=size):
                self.require_formerr(raw_ecs_option(family, source, 0, b"\0" * size))

    def test_bits_after_the_prefix(self):
        for family, source, address in ((IPV4, 23, b"\xc0\0\1"), (IPV4, 1, b"\xc0"),
                                        (IPV4, 31, b"\xc0\0\2\1"), (IPV6, 7, b"\1"),
                                        (IPV6, 47, b"\x20\1\x0d\xb8\0\1")):
            with self.subTest(family=family, source=source):
                self.require_formerr(raw_ecs_option(family, source, 0, address))

    def test_prefixes_longer_than_an_address(self):
        self.require_formerr(raw_ecs_option(IPV4, 33, 0, b"\xc0\0\2\0\0"))
        self.require_formerr(raw_ecs_option(IPV6, 129, 0, b"\0" * 17))
        self.require_formerr(raw_ecs_option(IPV6, 255, 0, b"\0" * 32))

    def test_options_too_short_to_be_one(self):
        for data in (b"", b"\0", b"\0\1", b"\0\1\x18"):
            with self.subTest(data=data):
                self.require_formerr(dns.edns.GenericOption(dns.edns.ECS, data))

    def test_broken_options_count_for_every_name(self):
        broken = raw_ecs_option(IPV4, 24, 0, b"\xc0")
        for name in ("static.shop.example.", "missing.shop.example.", f"snorth.shard.{SERVICE}"):
            self.assertEqual(self.ask(name, broken).rcode(), dns.rcode.FORMERR, name)


if __name__ == "__main__":
    unittest.main()
