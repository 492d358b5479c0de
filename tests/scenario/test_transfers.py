"""Zones on their way to other servers: AXFR, IXFR, NOTIFY, TSIG. NSD, Knot and BIND are secondaries,
dnspython and dig judge what is sent."""

import base64
import random
import shutil
import subprocess
import time
import unittest

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.versioned
import dns.xfr
import dns.zone

from harness import LOOPBACK, ScenarioCase, TcpSession, wait_for
from secondary_servers import BindSecondary, KnotSecondary, NsdSecondary
from small_world import ZONE, small_world
from zone_generator import Zone
from zone_signer import sign

KEY = "xfr.example"
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER_SECRET = base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
CATCH_UP_SECONDS = 60.0


def keyring(secret=SECRET, name=KEY):
    return dns.tsigkeyring.from_text({name: (dns.tsig.HMAC_SHA256, secret)})


def world(workspace, zones, extra=None, notify=()):
    """Meridian with the small world and more zones, each {name: text}; who has the key may have
    them."""
    policies = [{"name": ".", "transfer_to": [{"key": KEY}],
                 "notify": [{"address": f"{LOOPBACK}:{port}", "key": KEY} for port in notify]}]
    settings = {"dns": {"zones": policies + (extra or [])},
                "tsig": {"keys": [{"name": KEY, "secret_file": "xfr.key"}]}}
    server = small_world(workspace, settings)
    workspace.write(f"{server.name}/xfr.key", SECRET + "\n").chmod(0o600)
    for name, text in zones.items():
        workspace.write(f"{server.name}/zones/{name}.zone", text)
    return server


def edit(server, zone, rrsets):
    reply = server.rest("POST", f"/v1/zones/{zone}/rrsets", {"reason": "test", "rrsets": rrsets})
    assert reply.status == 200, reply
    return reply.json["serial"]


def rrset(name, rdtype, *records, ttl=300):
    return {"name": name, "type": rdtype, "ttl": ttl, "records": list(records)}


def inbound(address, zone, known=None, keys=None):
    """The zone by AXFR, or where `known` (a dns.versioned.Zone) is given by IXFR into it; dnspython
    checks every message. keys: False for a transfer that is not signed. Returns the zone and the
    number of messages."""
    target = known or dns.versioned.Zone(zone)
    signing = {} if keys is False else {"keyring": keys or keyring(), "keyname": KEY}
    query, serial = dns.xfr.make_query(target, **signing)
    rdtype = query.question[0].rdtype
    messages, done, context = 0, False, None
    with TcpSession(address) as session, dns.xfr.Inbound(target, rdtype, serial) as transfer:
        session.send_message(query.to_wire())
        while not done:
            answer = dns.message.from_wire(
                session.receive_message(), keyring=query.keyring, request_mac=query.mac,
                xfr=True, origin=target.origin, tsig_ctx=context, multi=True,
                one_rr_per_rrset=rdtype == dns.rdatatype.IXFR)
            assert answer.had_tsig or keys is False
            context = answer.tsig_ctx
            done = transfer.process_message(answer)
            messages += 1
    return target, messages


def content(zone):
    """All records of a dnspython zone, absolute, as a set of texts."""
    out = set()
    for name, rdataset in zone.iterate_rdatasets():
        owner = name.derelativize(zone.origin).to_text().lower()
        for rdata in rdataset:
            text = rdata.to_text(origin=zone.origin, relativize=False).lower()
            out.add(f"{owner} {rdataset.ttl} {dns.rdatatype.to_text(rdataset.rdtype)} {text}")
    return out


def big_zone(records):
    lines = ["$ORIGIN big.example.", "$TTL 300", "@ SOA ns hostmaster 1 7200 900 1209600 60",
             "@ NS ns", "ns A 192.0.2.1"]
    lines += [f"host{i} A 192.0.2.{i % 250 + 1}" for i in range(records)]
    lines += [f'text{i} TXT "{"x" * 250}" "{i}"' for i in range(records // 100)]
    return "\n".join(lines) + "\n"


class Transfers(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signed = {name: sign(cls.workspace, Zone(dns.name.from_text(name), [], ZONE.replace(
            "shop.example", name)), mode).text
            for name, mode in (("nsec.example", "nsec"), ("nsec3.example", "nsec3"))}
        cls.server = cls.start(world(
            cls.workspace, {"big.example": big_zone(20_000), "open.example": ZONE.replace(
                "shop.example", "open.example"), **cls.signed},
            extra=[{"name": "open.example", "transfer_to": [{"from": [f"{LOOPBACK}/32"]}]}]))

    def test_a_zone_as_a_whole_is_its_file(self):
        zone, messages = inbound(self.server.address, "shop.example")
        expected = dns.zone.from_text(ZONE, "shop.example", relativize=True)
        self.assertEqual(content(zone), content(expected))
        self.assertEqual(messages, 1)

    def test_a_signed_zone_goes_out_as_it_came(self):
        for name, text in self.signed.items():
            with self.subTest(zone=name):
                zone, _ = inbound(self.server.address, name)
                self.assertEqual(content(zone), content(dns.zone.from_text(text, name)))

    def test_a_large_zone_comes_in_many_messages(self):
        zone, messages = inbound(self.server.address, "big.example")
        self.assertEqual(content(zone), content(dns.zone.from_text(big_zone(20_000), "big.example")))
        self.assertGreater(messages, 20)

    def test_dig_takes_it_too(self):
        done = subprocess.run(
            [shutil.which("dig"), f"@{LOOPBACK}", "-p", str(self.server.port), "-y",
             f"hmac-sha256:{KEY}:{SECRET}", "big.example", "AXFR", "+noall", "+answer"],
            capture_output=True, text=True, timeout=60, check=True)
        records = [line for line in done.stdout.splitlines() if line and not line.startswith(";")]
        self.assertEqual(len(records), 20_000 + 200 + 4)

    def test_who_may_not_gets_nothing(self):
        for rdtype in ("AXFR", "IXFR"):
            query = dns.message.make_query("shop.example", rdtype)
            if rdtype == "IXFR":
                query.authority.append(dns.rrset.from_text(
                    "shop.example.", 0, "IN", "SOA", ". . 1 0 0 0 0"))
            self.assertEqual(self.server.tcp(query).rcode(), dns.rcode.REFUSED)
            query.use_tsig(keyring(OTHER_SECRET), KEY)
            with TcpSession(self.server.address) as session:
                session.send_message(query.to_wire())
                with self.assertRaises(dns.tsig.PeerBadSignature):
                    dns.message.from_wire(session.receive_message(), keyring=query.keyring,
                                          request_mac=query.mac)
        self.assertEqual(self.server.tcp(dns.message.make_query("nowhere.example", "AXFR")).rcode(),
                         dns.rcode.NOTAUTH)
        self.assertEqual(self.server.tcp(dns.message.make_query("www.shop.example", "AXFR")).rcode(),
                         dns.rcode.NOTAUTH)
        self.assertEqual(self.server.udp(dns.message.make_query("open.example", "AXFR")).rcode(),
                         dns.rcode.REFUSED)

    def test_an_address_may_be_enough(self):
        query = dns.message.make_query("open.example", "AXFR")
        answer = self.server.tcp(query)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertFalse(answer.had_tsig)

    def test_ixfr_from_each_serial_ends_at_the_same_zone(self):
        """dnspython applies the steps strictly: what is removed must be there."""
        known = {}
        seed = time.time_ns()
        print("seed", seed)
        chance = random.Random(seed)
        for _ in range(25):
            zone, _ = inbound_open(self.server.address)
            known[serial_of(zone)] = zone
            names = [f"n{chance.randrange(8)}" for _ in range(3)]
            edit(self.server, "open.example",
                 [rrset(name, "A", *{f"192.0.2.{chance.randrange(6)}"
                                     for _ in range(chance.randrange(3))},
                        ttl=chance.choice([60, 300])) for name in set(names)])
        newest, _ = inbound_open(self.server.address)
        for serial, zone in known.items():
            caught_up, _ = inbound_open(self.server.address, zone)
            self.assertEqual(content(caught_up), content(newest), f"from {serial}, seed {seed}")
        text = self.server.rest("GET", "/metrics").body.decode()
        self.assertRegex(text, r'meridian_dns_transfers_total\{.*outcome="ixfr".*\} [1-9]')

    def test_who_is_up_to_date_gets_the_soa(self):
        query = dns.message.make_query("big.example", "IXFR")
        query.authority.append(dns.rrset.from_text(
            "big.example.", 0, "IN", "SOA", "ns.big.example. a.big.example. 1 0 0 0 0"))
        query.use_tsig(keyring(), KEY)
        answer = ask_signed(self.server, query)
        self.assertEqual([rr.rdtype for rr in answer.answer], [dns.rdatatype.SOA])

    def test_other_queries_are_answered_while_a_zone_goes_out(self):
        """On the same connection, whose client does not read for a while."""
        transfer = dns.message.make_query("big.example", "AXFR")
        transfer.use_tsig(keyring(), KEY)
        with TcpSession(self.server.address) as session:
            session.send_message(transfer.to_wire())
            first = session.receive_message()
            small = dns.message.make_query("static.shop.example", "A", id=(transfer.id + 1) % 65536)
            session.send_message(small.to_wire())
            seen, last = 1, False
            self.assertEqual(int.from_bytes(first[:2], "big"), transfer.id)
            while not last:
                message = session.receive_message()
                seen += 1
                last = int.from_bytes(message[:2], "big") == small.id
            self.assertLess(seen, 60)
        self.assertEqual(self.server.udp(dns.message.make_query("static.shop.example", "A")).rcode(),
                         dns.rcode.NOERROR)


def inbound_open(address, known=None):
    return inbound(address, "open.example", known, keys=False)


def serial_of(zone):
    with zone.reader() as reader:
        return reader.get("@", "SOA")[0].serial


def ask_signed(server, query):
    with TcpSession(server.address) as session:
        session.send_message(query.to_wire())
        return dns.message.from_wire(session.receive_message(), keyring=query.keyring,
                                     request_mac=query.mac)


class Secondaries(ScenarioCase):
    """Each of the three servers follows a zone that changes; in the end all have the same."""

    def test_they_follow_a_zone_that_changes(self):
        zone = "moving.example"
        text = ZONE.replace("shop.example", zone)
        secondaries = [kind(self.workspace, zone, (KEY, SECRET))
                       for kind in (NsdSecondary, KnotSecondary, BindSecondary)]
        server = self.start(world(self.workspace, {zone: text},
                                  notify=[each.port for each in secondaries]))
        for each in secondaries:
            each.primary_port = server.port
            self.start(each)
        self.follow(server, zone, secondaries)
        seed = time.time_ns()
        print("seed", seed)
        chance = random.Random(seed)
        for _ in range(6):
            for _ in range(chance.randrange(1, 4)):
                edit(server, zone, [rrset(f"n{chance.randrange(9)}", "A",
                                          *{f"192.0.2.{chance.randrange(9)}"
                                            for _ in range(chance.randrange(4))})])
            self.follow(server, zone, secondaries)
        metrics = server.rest("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r'meridian_dns_transfers_total\{.*outcome="ixfr".*\} [1-9]')
        self.assertRegex(metrics, r'meridian_dns_notify_total\{outcome="heard"\} [1-9]')

    def follow(self, server, zone, secondaries):
        ours = self.records(server.address, zone, keyring())
        for each in secondaries:
            wait_for(lambda each=each: self.records_or_none(each.address, zone) == ours,
                     CATCH_UP_SECONDS, f"equal zone at {each.name}")

    def records(self, address, zone, keys=None):
        """By AXFR with dig's own code."""
        command = [shutil.which("dig"), f"@{address[0]}", "-p", str(address[1]), zone, "AXFR",
                   "+noall", "+answer", "+onesoa", "+tries=1"]
        if keys:
            command += ["-y", f"hmac-sha256:{KEY}:{SECRET}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        lines = [line for line in done.stdout.splitlines() if line and not line.startswith(";")]
        self.assertTrue(lines or keys is None, done.stdout)
        return sorted(" ".join(line.split()).lower() for line in lines)

    def records_or_none(self, address, zone):
        return self.records(address, zone) or None


if __name__ == "__main__":
    unittest.main()
