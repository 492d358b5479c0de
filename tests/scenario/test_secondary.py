"""Meridian as secondary: zones that come from NSD, Knot and BIND, and from primaries that behave badly.
dnspython compares what both sides give."""

import base64
import random
import time
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.update

from harness import LOOPBACK, ScenarioCase, free_port, wait_for
from primary_servers import (BindPrimary, KnotPrimary, NsdPrimary, ScriptedPrimary, SigningPrimary,
                             TextPrimary)
from secondary_servers import KnotSecondary
from small_world import small_world
from test_transfers import KEY, OTHER_SECRET, SECRET, content, inbound

CATCH_UP_SECONDS = 60.0
PRIMARIES = {"bind.example": BindPrimary, "knot.example": KnotPrimary, "nsd.example": NsdPrimary,
             "signed.example": SigningPrimary}


def zone_text(zone, times="3600 600 86400"):
    return (f"$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns hostmaster 1 {times} 60\n@ NS ns\n"
            "ns A 192.0.2.1\nwww A 192.0.2.80\nmail MX 10 www\n")


def world(workspace, zones, secret=SECRET, settings=None, notify=()):
    """Meridian with the small world, and zones {name: port of its primary, or (port, key)}."""
    policies = [{"name": ".", "transfer_to": [{"key": KEY}]}]
    for zone, primary in zones.items():
        port, key = primary if isinstance(primary, tuple) else (primary, KEY)
        server = {"address": f"{LOOPBACK}:{port}", **({"key": key} if key else {})}
        policies.append({"name": zone, "primaries": [server], "transfer_to": [{"key": KEY}],
                         "notify": [{"address": f"{LOOPBACK}:{port}", "key": KEY}
                                    for port in notify]})
    server = small_world(workspace, {
        "dns": {"zones": policies, **(settings or {})},
        "tsig": {"keys": [{"name": KEY, "secret_file": "xfr.key"}]}})
    workspace.write(f"{server.name}/xfr.key", secret + "\n").chmod(0o600)
    return server


def ask(server, name, rdtype="SOA"):
    return server.udp(dns.message.make_query(name, rdtype, use_edns=0))


def extended_errors(answer):
    return [option.code for option in answer.options if option.otype == dns.edns.OptionType.EDE]


def metric(server, name, **labels):
    text = server.rest("GET", "/metrics").body.decode()
    for line in text.splitlines():
        if line.startswith(name) and all(f'{key}="{value}"' in line
                                         for key, value in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no metric {name} {labels}")


class FollowsEachKindOfPrimary(ScenarioCase):
    def test_it_follows_and_outlives_them(self):
        chained = KnotSecondary(self.workspace.inner("chained"), "bind.example", (KEY, SECRET))
        primaries = {zone: kind(self.workspace.inner(zone), zone, (KEY, SECRET), zone_text(zone))
                     for zone, kind in PRIMARIES.items()}
        server = self.start(world(
            self.workspace, {zone: each.port for zone, each in primaries.items()},
            notify=[chained.port]))
        chained.primary_port = server.port
        for zone in primaries:
            answer = ask(server, zone)
            self.assertEqual(answer.rcode(), dns.rcode.SERVFAIL)
            self.assertEqual(extended_errors(answer), [dns.edns.EDECode.NOT_READY])
        for each in primaries.values():
            each.secondary_port = server.port
            self.start(each)
        self.start(chained)
        seed = time.time_ns()
        print("seed", seed)
        chance = random.Random(seed)
        for zone, primary in primaries.items():
            with self.subTest(primary=primary.name):
                self.follow(server, zone, primary)
                known = []
                for i in range(5):
                    gone = chance.sample(known, min(len(known), chance.randrange(3)))
                    new = [f"n{i}-{j} 300 A 192.0.2.{chance.randrange(1, 250)}"
                           for j in range(chance.randrange(1, 4))]
                    primary.change(new, gone)
                    known = [each for each in known if each not in gone] + new
                    self.follow(server, zone, primary)
        self.assertGreaterEqual(metric(server, "meridian_dns_transfers_in_total", outcome="ixfr"), 8)
        self.assertGreaterEqual(metric(server, "meridian_dns_transfers_in_total", outcome="axfr"), 3)
        self.assertGreaterEqual(metric(server, "meridian_dns_notify_in_total", outcome="taken"), 10)
        self.follow_open(server, "bind.example", chained)
        self.operators_see_it(server, primaries["bind.example"])
        self.assertIn("zone_transferred", server.log_text())

        served = {zone: content(inbound(server.address, zone)[0]) for zone in primaries}
        for each in primaries.values():
            each.stop()
        server.kill9()
        server.launch()
        for zone, records in served.items():
            self.assertEqual(ask(server, zone).rcode(), dns.rcode.NOERROR)
            self.assertEqual(content(inbound(server.address, zone)[0]), records)
        query = dns.message.make_query("nothing.signed.example", "A", want_dnssec=True)
        kinds = {rrset.rdtype for rrset in server.tcp(query).authority}
        self.assertEqual(kinds, {dns.rdatatype.SOA, dns.rdatatype.NSEC, dns.rdatatype.RRSIG})

    def operators_see_it(self, server, primary):
        refreshed = server.rest("GET", "/v1/zones/bind.example").json["secondary"]
        self.assertEqual(refreshed["primaries"], [f"{LOOPBACK}:{primary.port}"])
        self.assertEqual((refreshed["state"], refreshed["last_error"]), ("served", None))
        self.assertIsNone(server.rest("GET", "/v1/zones/shop.example").json["secondary"])
        before = metric(server, "meridian_dns_transfers_in_total", outcome="axfr")
        done = server.ctl("zones", "refresh", "bind.example", "--whole")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: metric(server, "meridian_dns_transfers_in_total", outcome="axfr") > before,
                 CATCH_UP_SECONDS, "a whole transfer")
        self.assertIn(f"{LOOPBACK}:{primary.port}", server.ctl("zones", "list").stdout)
        self.assertEqual(server.rest("POST", "/v1/zones/shop.example/refresh").status, 404)
        edit = server.rest("POST", "/v1/zones/bind.example/rrsets", {"reason": "test", "rrsets": [
            {"name": "www", "type": "A", "ttl": 60, "records": ["192.0.2.99"]}]})
        self.assertEqual(edit.status, 422)
        self.assertIn("change it there", edit.body.decode())

    def follow(self, server, zone, primary):
        def is_equal():
            if ask(server, zone).rcode() != dns.rcode.NOERROR:
                return False
            try:
                theirs = content(inbound(primary.address, zone)[0])
            except OSError:  # NSD ends connections when it reads its file again
                return False
            return content(inbound(server.address, zone)[0]) == theirs
        wait_for(is_equal, CATCH_UP_SECONDS, f"equal zone {zone}")

    def follow_open(self, server, zone, secondary):
        ours = content(inbound(server.address, zone)[0])

        def is_equal():
            try:
                return content(inbound(secondary.address, zone, keys=False)[0]) == ours
            except Exception:  # pylint: disable=broad-except; it has no zone yet
                return False
        wait_for(is_equal, CATCH_UP_SECONDS, f"equal zone {zone} behind Meridian")


class Expiry(ScenarioCase):
    """A primary whose SOA says that the zone expires after three seconds, and which falls silent."""

    def test_an_expired_zone_is_servfail_until_its_primary_is_back(self):
        primary = TextPrimary("short.example", zone_text("short.example", "1 1 2"))
        self.addCleanup(primary.stop)
        server = self.start(world(self.workspace, {"short.example": (primary.port, None)},
                                  settings={"transfers_in": {"idle_ms": 300}}))
        self.wait_for_rcode(server, dns.rcode.NOERROR)
        primary.silent = True
        self.wait_for_rcode(server, dns.rcode.SERVFAIL)
        answer = ask(server, "www.short.example", "A")
        self.assertEqual(extended_errors(answer), [dns.edns.EDECode.INVALID_DATA])
        self.assertFalse(answer.flags & dns.flags.AA)
        self.assertEqual(server.tcp(dns.message.make_query("short.example", "AXFR")).rcode(),
                         dns.rcode.REFUSED)
        self.assertIn("zone_expired", server.log_text())
        server.kill9()
        server.launch()
        self.assertEqual(ask(server, "www.short.example", "A").rcode(), dns.rcode.SERVFAIL)
        primary.silent = False
        self.wait_for_rcode(server, dns.rcode.NOERROR)

    def wait_for_rcode(self, server, rcode):
        wait_for(lambda: ask(server, "www.short.example", "A").rcode() == rcode,
                 CATCH_UP_SECONDS, f"rcode {rcode}")


class PrimariesOfAFewLines(ScenarioCase):
    """The first primary does not answer; the second one does not know IXFR."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.zone = "text.example"
        cls.primary = TextPrimary(cls.zone, zone_text(cls.zone))
        cls.addClassCleanup(cls.primary.stop)
        server = world(cls.workspace, {cls.zone: (free_port(), None)})
        server.settings["dns"]["zones"][1]["primaries"].append(
            {"address": f"{LOOPBACK}:{cls.primary.port}"})
        cls.server = cls.start(server)
        cls.wait_for_serial(1)

    @classmethod
    def wait_for_serial(cls, serial):
        def is_there():
            answer = ask(cls.server, cls.zone)
            return answer.rcode() == dns.rcode.NOERROR and answer.answer[0][0].serial == serial
        wait_for(is_there, CATCH_UP_SECONDS, f"serial {serial}")

    def notify(self, zone, rdtype="SOA", source=LOOPBACK):
        notice = dns.message.make_query(zone, rdtype)
        notice.set_opcode(dns.opcode.NOTIFY)
        notice.flags = (notice.flags & ~dns.flags.RD) | dns.flags.AA
        return dns.query.udp(notice, LOOPBACK, port=self.server.port, source=source, timeout=10)

    def test_a_notice_brings_the_change_by_axfr_from_whom_that_answers(self):
        self.primary.set(self.zone, zone_text(self.zone).replace(" 1 3600", " 7 3600"))
        answer = self.notify(self.zone)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertTrue(answer.flags & dns.flags.AA)
        self.wait_for_serial(7)
        self.assertEqual(self.primary.asked[-3:], ["SOA", "IXFR", "AXFR"])
        # An older serial is taken only when somebody says so.
        self.primary.set(self.zone, zone_text(self.zone).replace(" 1 3600", " 5 3600"))
        self.assertEqual(self.server.ctl("zones", "refresh", self.zone).returncode, 0)
        wait_for(lambda: "zone_serial_older_at_primary" in self.server.log_text(),
                 CATCH_UP_SECONDS, "a warning")
        self.wait_for_serial(7)
        self.assertEqual(self.server.ctl("zones", "refresh", self.zone, "--whole").returncode, 0)
        self.wait_for_serial(5)

    def test_notices_of_others_are_refused(self):
        self.assertEqual(self.notify(self.zone, source="127.0.0.2").rcode(), dns.rcode.REFUSED)
        self.assertEqual(self.notify("shop.example").rcode(), dns.rcode.REFUSED)
        self.assertEqual(self.notify("nowhere.example").rcode(), dns.rcode.NOTAUTH)
        self.assertEqual(self.notify(self.zone, "A").rcode(), dns.rcode.FORMERR)
        self.assertGreaterEqual(
            metric(self.server, "meridian_dns_notify_in_total", outcome="refused"), 1)

    def test_updates_are_for_the_primary(self):
        update = dns.update.UpdateMessage(self.zone)
        update.add("new", 60, "A", "192.0.2.1")
        self.assertEqual(self.server.tcp(update).rcode(), dns.rcode.REFUSED)


class PrimariesThatBehaveBadly(ScenarioCase):
    def test_each_is_dropped_and_nothing_of_it_is_served(self):
        def soa(query, serial=7):
            return dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA",
                                       f"ns. admin. {serial} 3600 600 86400 60")

        def response(query, *rrsets):
            out = dns.message.make_response(query)
            out.flags |= dns.flags.AA
            out.answer.extend(rrsets)
            return out.to_wire()

        def garbage(query, send):
            send(response(query)[:12] + random.Random(1).randbytes(500))

        def empty(query, send):
            while True:
                send(response(query))

        def endless(query, send):
            name = query.question[0].name.to_text()
            send(response(query, soa(query), dns.rrset.from_text(name, 60, "IN", "NS", "ns." + name)))
            number = 0
            while True:
                number += 1
                send(response(query, *(dns.rrset.from_text(
                    f"n{number}-{i}.{name}", 60, "IN", "TXT", "x" * 200) for i in range(50))))

        def other_id(query, send):
            wire = bytearray(response(query, soa(query)))
            wire[0] ^= 0xFF
            send(bytes(wire))

        def outside(query, send):
            name = query.question[0].name
            send(response(query, soa(query), dns.rrset.from_text(name, 60, "IN", "NS", "ns.example."),
                          dns.rrset.from_text("bank.example.", 60, "IN", "A", "192.0.2.66")))
            send(response(query, soa(query)))

        reasons = {"garbage": (garbage, ""), "empty": (empty, "messages without a record"),
                   "endless": (endless, "bytes of records"), "silent": (lambda *_: None, "no message"),
                   "other-id": (other_id, "another id"), "outside": (outside, "bank.example")}
        primaries = {name: ScriptedPrimary(answer) for name, (answer, _) in reasons.items()}
        for each in primaries.values():
            self.addCleanup(each.stop)
        server = self.start(world(
            self.workspace, {f"{name}.example": (each.port, None) for name, each in primaries.items()},
            settings={"transfers_in": {"idle_ms": 500, "max_zone_mib": 1}}))
        for name, (_, reason) in reasons.items():
            with self.subTest(primary=name):
                line = wait_for(lambda name=name: next(
                    (line for line in server.log_text().splitlines()
                     if "zone_refresh_failed" in line and f"zone={name}.example." in line), None),
                    CATCH_UP_SECONDS, f"failure of {name}")
                self.assertIn(reason, line)
                self.assertTrue(primaries[name].closed.wait(CATCH_UP_SECONDS))
                self.assertEqual(ask(server, f"{name}.example").rcode(), dns.rcode.SERVFAIL)
        self.assertEqual(ask(server, "shop.example").rcode(), dns.rcode.NOERROR)

    def test_another_secret_is_none(self):
        primary = BindPrimary(self.workspace.inner("other"), "bind.example", (KEY, SECRET),
                              zone_text("bind.example"))
        primary.secondary_port = free_port()
        self.start(primary)
        workspace = self.workspace.inner("bad-key")
        with world(workspace, {"bind.example": primary.port}, secret=OTHER_SECRET) as server:
            wait_for(lambda: "zone_refresh_failed" in server.log_text(), CATCH_UP_SECONDS, "refusal")
            self.assertIn("BADSIG", server.log_text())
            self.assertEqual(ask(server, "bind.example").rcode(), dns.rcode.SERVFAIL)


if __name__ == "__main__":
    unittest.main()
