"""Names below a service on the real binary: shard, geohash, city, POI, key, rw, ro, _explain."""

import hashlib
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from ecs import ecs_option, query_with
from harness import ScenarioCase
from small_world import (ADDRESS, CNAME_TTL, DEFAULT_PARTITION, GLOBAL_SERVICE, HOME, NEGATIVE_TTL,
                         PARTITIONS, SERVICE, SERVICE_TTL, STATELESS_SERVICE, UNKNOWN_TTL,
                         small_world)


def shard_name(partition):
    return f"s{partition}.shard.{SERVICE}"


def partition_of_key(key):
    """docs/topology.md "Keys", written anew: rendezvous over SHA-256."""
    def rank(partition):
        digest = hashlib.sha256(key.lower() + b"\0" + partition.encode()).digest()
        return int.from_bytes(digest[:8], "big")
    best = max(rank(p) for p in PARTITIONS)
    return min(p for p in PARTITIONS if rank(p) == best)


class NamesCase(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace))

    def ask(self, name, rtype="A"):
        return self.server.udp(dns.message.make_query(name, rtype))

    def require_records(self, answer, expected):
        """expected: [(owner, TTL, type, rdata)] in the order of the answer section."""
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertTrue(answer.flags & dns.flags.AA)
        got = [(r.name.to_text().lower(), r.ttl, dns.rdatatype.to_text(r.rdtype),
                r[0].to_text().lower()) for r in answer.answer]
        self.assertEqual(got, expected)
        self.assertEqual(answer.authority, [])

    def require_place(self, name, partition, ttl=CNAME_TTL):
        """`name` is an alias of the shard name, whose records are in the same answer."""
        target = shard_name(partition)
        self.require_records(self.ask(name), [
            (name.lower(), ttl, "CNAME", target),
            (target, SERVICE_TTL, "A", ADDRESS[HOME[partition]])])

    def require_negative(self, answer, rcode):
        self.assertEqual((answer.rcode(), answer.answer), (rcode, []))
        self.assertEqual([(r.name.to_text(), r.rdtype, r.ttl) for r in answer.authority],
                         [("shop.example.", dns.rdatatype.SOA, NEGATIVE_TTL)])


class ShardingNames(NamesCase):
    def test_shard_names(self):
        for partition in PARTITIONS:
            name = shard_name(partition)
            self.require_records(self.ask(name),
                                 [(name, SERVICE_TTL, "A", ADDRESS[HOME[partition]])])
            self.assertEqual(self.ask(name.upper()).answer[0][0].to_text(),
                             ADDRESS[HOME[partition]])

    def test_unknown_shards_do_not_exist(self):
        for label in ("snowhere", "north", "s", "ssnorth"):
            self.require_negative(self.ask(f"{label}.shard.{SERVICE}"), dns.rcode.NXDOMAIN)

    def test_types_that_an_endpoint_lacks_are_nodata(self):
        for name in (SERVICE, shard_name("north")):
            self.require_negative(self.ask(name, "TXT"), dns.rcode.NOERROR)

    def test_parents_of_the_names_are_empty_non_terminals(self):
        for label in ("shard", "g", "city", "poi", "key", "G", "Shard"):
            self.require_negative(self.ask(f"{label}.{SERVICE}"), dns.rcode.NOERROR)

    def test_other_names_below_the_service_do_not_exist(self):
        for name in ("other", "x.snorth.shard", "x.y.shard"):
            self.require_negative(self.ask(f"{name}.{SERVICE}"), dns.rcode.NXDOMAIN)

    def test_geohashes(self):
        # Oslo, Madrid and Brest; each next to one partition's anchor. 1 to 12 characters.
        for geohash, partition in (("u4xs", "north"), ("U4XSUDXYBP2C", "north"), ("ezjm", "south"),
                                   ("eZjMgTw", "south"), ("gbsu", "west")):
            self.require_place(f"{geohash}.g.{SERVICE}", partition)

    def test_unknown_places_get_the_default_for_a_short_time(self):
        for name in ("a", "u4xa", "u4xsudxybp2cz", "not-a-geohash"):
            self.require_place(f"{name}.g.{SERVICE}", DEFAULT_PARTITION, UNKNOWN_TTL)
        self.require_place(f"atlantis.city.{SERVICE}", DEFAULT_PARTITION, UNKNOWN_TTL)
        self.require_place(f"nothing.poi.{SERVICE}", DEFAULT_PARTITION, UNKNOWN_TTL)

    def test_catalogues(self):
        self.require_place(f"oslo.city.{SERVICE}", "north")
        self.require_place(f"OSLO.City.{SERVICE}", "north")
        self.require_place(f"seville.city.{SERVICE}", "south")
        self.require_place(f"moved.city.{SERVICE}", "south")
        self.require_place(f"museum-1.poi.{SERVICE}", "north")

    def test_keys(self):
        seen = set()
        for number in range(60):
            key = f"Order-{number}"
            partition = partition_of_key(key.encode())
            seen.add(partition)
            self.require_place(f"{key}.key.{SERVICE}", partition)
        self.assertEqual(seen, set(PARTITIONS))

    def test_the_alias_itself(self):
        name = f"oslo.city.{SERVICE}"
        self.require_records(self.ask(name, "CNAME"),
                             [(name, CNAME_TTL, "CNAME", shard_name("north"))])

    def test_an_alias_without_the_type_ends_in_nodata(self):
        answer = self.ask(f"oslo.city.{SERVICE}", "TXT")
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual([r.rdtype for r in answer.answer], [dns.rdatatype.CNAME])
        self.assertEqual([r.rdtype for r in answer.authority], [dns.rdatatype.SOA])

    def test_case_is_echoed(self):
        for name in ("oSLo.CiTy.oRDer.Shop.EXAMPLE.", "SnOrTh.ShArD.OrDeR.sHoP.eXaMpLe."):
            answer = self.ask(name)
            self.assertEqual(answer.question[0].name.to_text(), name)
            self.assertEqual(answer.answer[0].name.to_text(), name)


class OtherModels(NamesCase):
    def site(self, name, subnet):
        answer = self.server.udp(query_with(name, "A", ecs_option(subnet)))
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        return answer.answer[0][0].to_text()

    def test_writes_of_a_global_zone_go_to_the_primary_from_everywhere(self):
        for name in (GLOBAL_SERVICE, f"rw.{GLOBAL_SERVICE}", f"RW.{GLOBAL_SERVICE}"):
            for subnet in ("203.0.113.0/24", "8.8.8.0/24"):
                self.assertEqual(self.site(name, subnet), ADDRESS["dub"])

    def test_reads_and_stateless_services_go_to_the_nearest_site(self):
        # 203.0.113.0/24 is placed in Bergen: Amsterdam is nearest.
        for name in (f"ro.{GLOBAL_SERVICE}", STATELESS_SERVICE):
            self.assertEqual(self.site(name, "203.0.113.0/24"), ADDRESS["ams"])

    def test_a_client_without_a_place_is_answered_too(self):
        for name in (f"ro.{GLOBAL_SERVICE}", STATELESS_SERVICE):
            self.assertIn(self.site(name, "8.8.8.0/24"), ADDRESS.values())

    def test_names_of_one_model_are_not_names_of_another(self):
        for name in (f"rw.{SERVICE}", f"snorth.shard.{GLOBAL_SERVICE}", f"ro.{STATELESS_SERVICE}"):
            self.require_negative(self.ask(name), dns.rcode.NXDOMAIN)


class Explain(NamesCase):
    def explain(self, name, subnet):
        answer = self.server.udp(query_with(f"_explain.{name}", "TXT", ecs_option(subnet)))
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        return b"\n".join(string for r in answer.answer for string in r[0].strings).decode()

    def test_says_what_was_decided_and_why(self):
        text = self.explain(SERVICE, "192.0.2.0/24")
        assignment = self.server.rest("GET", "/v1/partitions/north").json
        for word in ("192.0.2.0/24", "north", "ams", str(assignment["rev"]),
                     str(assignment["epoch"])):
            self.assertIn(word, text)

    def test_explains_names_that_carry_the_place(self):
        self.assertIn("south", self.explain(f"seville.city.{SERVICE}", "192.0.2.0/24"))
        self.assertIn("dub", self.explain(f"rw.{GLOBAL_SERVICE}", "192.0.2.0/24"))


class ExplainElsewhere(ScenarioCase):
    """127.0.0.1 is not listed here."""

    def test_strangers_learn_nothing(self):
        with small_world(self.workspace, {"dns": {"explain_from": ["192.0.2.0/24"]}}) as server:
            query = query_with(f"_explain.{SERVICE}", "TXT", ecs_option("192.0.2.0/24"))
            answer = server.udp(query)
            self.assertIn(answer.rcode(), (dns.rcode.REFUSED, dns.rcode.NXDOMAIN))
            self.assertEqual(answer.answer, [])


class LocationOption(ScenarioCase):
    """The EDNS local option: a geohash from a listed network; it beats ECS."""

    def ask(self, listed):
        settings = {"dns": {"location_option_from": [listed], "location_option_code": 65001}}
        with small_world(self.workspace.inner(listed.replace("/", "-")), settings) as server:
            option = dns.edns.GenericOption(65001, b"u4xs")
            answer = server.udp(query_with(SERVICE, "A", option, ecs_option("198.51.100.0/25")))
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
            return answer.answer[0][0].to_text()

    def test_believed_from_listed_networks(self):
        self.assertEqual(self.ask("127.0.0.0/8"), ADDRESS[HOME["north"]])

    def test_ignored_from_others(self):
        self.assertEqual(self.ask("192.0.2.0/24"), ADDRESS[HOME["south"]])


if __name__ == "__main__":
    unittest.main()
