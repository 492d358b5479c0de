"""Zones that Meridian signs: what it serves is transferred and judged by ldns-verify-zone and BIND's
dnssec-verify, in each way of denial, after edits too; Unbound and delv validate its answers, those of
services that depend on who asks among them; nsupdate edits a signed zone. On failure the seed and
the zone are printed.

MERIDIAN_LONG=1 takes four times as many zones.
"""

import os
import random
import subprocess
import unittest

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone

from harness import LOOPBACK, Meridian, ScenarioCase
from peer_servers import Unbound
from small_world import SERVICE, STATELESS_SERVICE, small_world
from test_differential import TOPOLOGY as NO_SERVICES
from zone_generator import Zone, generate_zones
from zone_signer import tame

LONG = os.environ.get("MERIDIAN_LONG") == "1"
SEED = 7
ZONES = 24 if LONG else 6
MODES = ("nsec", "nsec3")
KEY = "YWxsIHRoYXQgYSB0ZXN0IG5lZWRzIGlzIHRoaXM="
SHOP = """$ORIGIN shop.example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
mail MX 10 ns
*.wild TXT "made"
deep.ent TXT "x"
order TXT "beside the service"
"""


def policy(name, denial, **more):
    return {"name": name, "transfer_to": [{"from": ["127.0.0.0/8"]}], "sign": {"denial": denial}, **more}


def run(*arguments, text=None):
    return subprocess.run([str(a) for a in arguments], input=text, capture_output=True, text=True,
                          check=False, timeout=60)


def transferred(server, origin):
    """The zone as a file, as a secondary server gets it."""
    zone = dns.zone.from_xfr(dns.query.xfr(LOOPBACK, origin, port=server.port, relativize=False,
                                           lifetime=30), relativize=False)
    return zone, zone.to_text(relativize=False)


def anchor_of(server, origin):
    query = dns.message.make_query(origin, "DNSKEY")
    reply = dns.query.tcp(query, LOOPBACK, port=server.port, timeout=10)
    keys = [key for rrset in reply.answer for key in rrset if key.flags & 1]
    return f"{origin} 3600 IN DNSKEY {keys[0].to_text()}"


class SignedHere(ScenarioCase):
    def verify(self, server, origin, directory):
        zone, text = transferred(server, origin)
        path = self.workspace.write(f"{directory}/zone", text)
        for command in (["ldns-verify-zone", path], ["dnssec-verify", "-z", "-o", origin, path]):
            judged = run(*command)
            self.assertEqual(judged.returncode, 0,
                             f"seed {SEED} {origin} {command[0]}: {judged.stdout[-500:]}{judged.stderr[-500:]}")
        return zone

    def test_generated_zones_are_signed_whole_and_stay_so(self):
        for mode in MODES:
            rng = random.Random(f"{SEED} {mode}")
            zones = [tame(zone) for zone in generate_zones(rng, ZONES)]
            zones = [zone for zone in zones if not any(
                zone.origin != other.origin and zone.origin.is_subdomain(other.origin) for other in zones)]
            later = [Zone(zone.origin, [r for r in zone.records
                                        if r.rtype in ("SOA", "NS") or rng.random() < 0.7]) for zone in zones]
            workspace = self.workspace.inner(mode)
            server = self.start(Meridian(
                workspace, NO_SERVICES, {zone.file_name.removesuffix(".zone"): zone.text for zone in zones},
                settings={"dns": {"zones": [policy(zone.name, mode) for zone in zones]}}))
            for zone in zones:
                first = self.verify(server, zone.name, mode)
                # Less of it by its file, with the serial that the file had before.
                path = server.home / "zones" / zone.file_name
                path.write_text(next(z for z in later if z.origin == zone.origin).text)
                done = server.ctl("zones", "reload", zone.name)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                second = self.verify(server, zone.name, mode)
                self.assertGreaterEqual(second.get_rdataset(zone.name, "SOA")[0].serial,
                                        first.get_rdataset(zone.name, "SOA")[0].serial)

    def test_updates_of_a_signed_zone(self):
        for mode in MODES:
            workspace = self.workspace.inner(f"update-{mode}")
            secret = workspace.write("update.key", KEY + "\n")
            secret.chmod(0o600)
            update = [{"key": "editor.example", "name": "shop.example"}]
            server = self.start(Meridian(workspace, NO_SERVICES, {"shop.example": SHOP}, settings={
                "tsig": {"keys": [{"name": "editor.example", "secret_file": str(secret)}]},
                "dns": {"zones": [policy("shop.example", mode, update=update)]}}))
            for lines in ("update add new.shop.example. 60 A 192.0.2.7\nupdate delete mail.shop.example.",
                          "update add a.b.c.shop.example. 60 TXT hello\nupdate delete new.shop.example. A",
                          "update add cut.shop.example. 60 NS ns.elsewhere.example."):
                done = run("nsupdate", "-y", f"hmac-sha256:editor.example:{KEY}", text=(
                    f"server {LOOPBACK} {server.port}\nzone shop.example.\n{lines}\nsend\n"))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.verify(server, "shop.example.", f"update-{mode}")
            before, _ = transferred(server, "shop.example.")
            server.kill9()
            server.launch()
            after, _ = transferred(server, "shop.example.")
            self.assertEqual(before, after)
            refused = run("nsupdate", "-y", f"hmac-sha256:editor.example:{KEY}", text=(
                f"server {LOOPBACK} {server.port}\nzone shop.example.\n"
                "update add shop.example. 60 DNSKEY 257 3 13 AAAA\nsend\n"))
            self.assertIn("REFUSED", refused.stderr)


class SignedServices(ScenarioCase):
    """Services in a zone with compact denial, as validators see them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"dns": {"zones": [policy("shop.example", "compact")]}}))
        cls.anchor = anchor_of(cls.server, "shop.example.")
        cls.unbound = cls.start(Unbound(cls.workspace, {"shop.example.": cls.anchor},
                                        (LOOPBACK, cls.server.port)))

    def resolve(self, name, rdtype):
        query = dns.message.make_query(name, rdtype, want_dnssec=True)
        return dns.query.udp(query, LOOPBACK, port=self.unbound.port, timeout=10)

    def test_every_kind_of_answer_validates(self):
        positive = [(SERVICE, "A"), ("static.shop.example.", "A"), (STATELESS_SERVICE, "AAAA"), (f"u1n3.g.{SERVICE}", "A"),
                    (f"nowhere.city.{SERVICE}", "A"), (f"snorth.shard.{SERVICE}", "A"),
                    ("rw.account.shop.example.", "A"), ("ro.account.shop.example.", "A"),
                    (f"user7.key.{SERVICE}", "AAAA"), ("any.wild.shop.example.", "TXT"),
                    ("alias.shop.example.", "A"), ("shop.example.", "SOA"), ("shop.example.", "DNSKEY")]
        negative = [(SERVICE, "MX"), (f"g.{SERVICE}", "A"), (f"u1n3.g.{SERVICE}", "MX"),
                    (f"snorth.shard.{SERVICE}", "TXT"), ("wild.shop.example.", "A"), ("static.shop.example.", "MX"),
                    ("any.wild.shop.example.", "A"), ("no.such.shop.example.", "A"),
                    (f"x.y.g.{SERVICE}", "A"), (f"sother.shard.{SERVICE}", "A"), ("shop.example.", "TXT")]
        for questions, answered in ((positive, True), (negative, False)):
            for name, rdtype in questions:
                reply = self.resolve(name, rdtype)
                said = f"{name} {rdtype}: {reply}\n{self.unbound.log_path.read_text()[-800:]}"
                self.assertEqual(reply.rcode(), dns.rcode.NOERROR, said)
                self.assertTrue(reply.flags & dns.flags.AD, said)
                self.assertEqual(bool(reply.answer) and reply.answer[-1].rdtype != dns.rdatatype.CNAME
                                 if answered else not any(r.rdtype == dns.rdatatype.from_text(rdtype)
                                                          for r in reply.answer), True, said)

    def test_delv_believes_it_and_another_key_is_not_believed(self):
        good = self.workspace.write("good.conf", self.trust(self.anchor))
        zone, _ = transferred(self.server, "shop.example.")
        self.assertTrue(zone)
        for name, expected in ((SERVICE, "fully validated"), ("no.such.shop.example.", "fully validated")):
            self.assertIn(expected, self.delv(good, name))
        wrong = dns.dnssec.key_id(dns.rdata.from_text("IN", "DNSKEY", self.anchor.split("DNSKEY ")[1]))
        self.assertGreater(wrong, 0)
        bad = self.workspace.write("bad.conf", self.trust(self.anchor[:-6] + "AAAAA="))
        self.assertNotIn("fully validated", self.delv(bad, SERVICE))

    @staticmethod
    def trust(anchor):
        flags, protocol, algorithm, key = anchor.split("DNSKEY ")[1].split(" ", 3)
        return (f'trust-anchors {{ "shop.example." static-key {flags} {protocol} {algorithm} '
                f'"{key.replace(" ", "")}"; }};\n')

    def delv(self, anchors, name):
        done = run("delv", "-a", anchors, "+root=shop.example", f"@{LOOPBACK}", "-p", self.server.port,
                   name, "A")
        return done.stdout + done.stderr

    def test_a_remap_is_signed_before_it_is_served(self):
        made = self.metric()
        epoch = self.server.rest("GET", "/v1/partitions/north").json["epoch"]
        done = self.server.rest("POST", "/v1/partitions/north/remap",
                                {"to": "mad", "expected_epoch": epoch, "reason": "test"})
        self.assertEqual(done.status, 200, done)
        query = dns.message.make_query(f"snorth.shard.{SERVICE}", "A", want_dnssec=True)
        reply = dns.query.udp(query, LOOPBACK, port=self.server.port, timeout=10)
        self.assertEqual(reply.answer[0][0].to_text(), "192.0.2.2")
        keys = {dns.name.from_text("shop.example."): dns.rrset.from_text(
            "shop.example.", 3600, "IN", "DNSKEY", self.anchor.split("DNSKEY ")[1])}
        dns.dnssec.validate(reply.answer[0], reply.answer[1], keys)
        self.assertEqual(self.metric(), made)

    def metric(self):
        text = self.server.rest("GET", "/metrics").body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("meridian_dns_signatures_made_total"))

    def test_nxname_and_the_flag_for_it(self):
        query = dns.message.make_query("no.such.shop.example.", "A", want_dnssec=True)
        reply = dns.query.udp(query, LOOPBACK, port=self.server.port, timeout=10)
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
        self.assertIn("TYPE128", str(reply))
        query.ednsflags |= 0x4000
        reply = dns.query.udp(query, LOOPBACK, port=self.server.port, timeout=10)
        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
        plain = dns.message.make_query("no.such.shop.example.", "A")
        self.assertEqual(dns.query.udp(plain, LOOPBACK, port=self.server.port, timeout=10).rcode(),
                         dns.rcode.NXDOMAIN)


if __name__ == "__main__":
    unittest.main()
