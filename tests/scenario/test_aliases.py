"""Names that follow a service, on the real binary: apexes of other zones answer with it, by place,
and move with every remap; an edit that does not go with them is refused."""

import copy
import unittest

import dns.message
import dns.rcode

from harness import Meridian, ScenarioCase
from small_world import ADDRESS, NETWORKS, SERVICE, TOPOLOGY, ZONE

BRANDS = [f"brand{i}.example" for i in range(20)]


def brand_zone(name):
    return (f"$ORIGIN {name}.\n$TTL 600\n@ SOA ns.shop.example. h 7 7200 900 1209600 60\n"
            "@ NS ns.shop.example.\n@ MX 10 mail\nmail A 192.0.2.25\n")


class Aliases(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        topology = copy.deepcopy(TOPOLOGY)
        topology["services"][0]["aliases"] = BRANDS
        zones = {"shop.example": ZONE, **{name: brand_zone(name) for name in BRANDS}}
        cls.server = cls.start(Meridian(cls.workspace, topology, zones, {"networks.txt": NETWORKS},
                                        {"geo": {"networks": ["networks.txt"]}}))

    def ask(self, name, rdtype="A"):
        return self.server.udp(dns.message.make_query(name, rdtype))

    def addresses(self, names):
        return {record.to_text() for name in names for rrset in self.ask(name).answer for record in rrset}

    def test_every_apex_moves_with_the_service(self):
        self.assertEqual(self.addresses([SERVICE, *BRANDS]), {ADDRESS["mad"]})
        epoch = self.server.rest("GET", "/v1/partitions/south").json["epoch"]
        done = self.server.rest("POST", "/v1/partitions/south/remap",
                                {"to": "dub", "expected_epoch": epoch, "reason": "test"})
        self.assertEqual(done.status, 200, done)
        self.assertEqual(self.addresses([SERVICE, *BRANDS]), {ADDRESS["dub"]})

    def test_the_apex_has_its_zones_records_too(self):
        answer = self.ask(BRANDS[0], "MX")
        self.assertEqual(answer.answer[0][0].to_text(), f"10 mail.{BRANDS[0]}.")
        self.assertEqual([rrset.to_text() for rrset in answer.additional],
                         [f"mail.{BRANDS[0]}. 600 IN A 192.0.2.25"])
        self.assertEqual(self.ask(f"g.{BRANDS[0]}").rcode(), dns.rcode.NXDOMAIN)

    def test_an_edit_must_go_with_the_alias(self):
        refused = self.server.ctl("zones", "set", BRANDS[1], "@", "A", "--ttl", "300", "192.0.2.9", "--reason", "test")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("type 1 in the zone file as well", refused.stdout + refused.stderr)
        self.assertEqual(len(self.addresses([BRANDS[1]])), 1)
        done = self.server.ctl("zones", "set", BRANDS[1], "@", "TXT", "--ttl", "300", '"fine"', "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.ask(BRANDS[1], "TXT").answer[0][0].to_text(), '"fine"')
        self.assertTrue(self.addresses([BRANDS[1]]))

    def test_explain_knows_it(self):
        said = self.server.ctl("explain", BRANDS[2], "--client", "192.0.2.7")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("north", said.stdout)
        self.assertIn(ADDRESS["ams"], said.stdout)


if __name__ == "__main__":
    unittest.main()
