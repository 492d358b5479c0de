"""Catalog zones (RFC 9432): Meridian's, which Knot and BIND follow, and Knot's, which Meridian follows;
and catalogs that are none. dnspython compares what both sides give."""

import unittest

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring

from catalog_servers import BindConsumer, KnotConsumer, KnotProducer
from harness import LOOPBACK, ScenarioCase, wait_for
from primary_servers import TextPrimary
from small_world import small_world
from test_secondary import ask, extended_errors, metric, zone_text
from test_transfers import KEY, SECRET, ask_signed, content, inbound, keyring

CATALOG = "catalog.example"
CATCH_UP_SECONDS = 60.0
HEAD = "@ 0 IN SOA invalid. invalid. {serial} 3600 600 2147483646 0\n@ 0 NS invalid.\n"


def world(workspace, policies):
    server = small_world(workspace, {
        "dns": {"zones": policies},
        "tsig": {"keys": [{"name": KEY, "secret_file": "xfr.key"}]}})
    workspace.write(f"{server.name}/xfr.key", SECRET + "\n").chmod(0o600)
    return server


def members(zone):
    """{member: label} of a dnspython zone that is a catalog."""
    out = {}
    for name, rdataset in zone.iterate_rdatasets("PTR"):
        labels = name.relativize(zone.origin).labels
        if len(labels) == 2 and labels[1] == b"zones":
            out[rdataset[0].target.derelativize(zone.origin).to_text()] = labels[0].decode()
    return out


def put(server, zone, text, reason="test"):
    reply = server.rest("PUT", f"/v1/zones/{zone}", {"zone": text, "reason": reason})
    assert reply.status == 200, reply


def serial(zone):
    with zone.reader() as reader:
        return reader.get("@", "SOA")[0].serial


class Produced(ScenarioCase):
    """Meridian makes a catalog, and is the primary of its members."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.consumers = [kind(cls.workspace, CATALOG, (KEY, SECRET))
                         for kind in (KnotConsumer, BindConsumer)]
        notify = [{"address": f"{LOOPBACK}:{each.port}", "key": KEY} for each in cls.consumers]
        whose = {"transfer_to": [{"key": KEY}], "notify": notify}
        cls.server = cls.start(world(cls.workspace, [
            {"name": ".", **whose},
            {"name": CATALOG, **whose, "catalog": {
                "zones": ["*"], "except": ["*.secret.example"],
                "groups": [{"name": "shops", "zones": ["shop.example"]}]}}]))
        for each in cls.consumers:
            each.primary_port = cls.server.port
            cls.start(each)

    def catalog(self, known=None):
        return inbound(self.server.address, CATALOG, known)[0]

    def follow(self, zone):
        ours = content(inbound(self.server.address, zone)[0])
        for each in self.consumers:
            def is_equal(each=each):
                try:
                    return content(inbound(each.address, zone, keys=False)[0]) == ours
                except Exception:  # pylint: disable=broad-except; it has no zone yet
                    return False
            wait_for(is_equal, CATCH_UP_SECONDS, f"{zone} at {each.name}")

    def gone(self, zone):
        for each in self.consumers:
            wait_for(lambda each=each: ask(each, zone).rcode() == dns.rcode.REFUSED,
                     CATCH_UP_SECONDS, f"end of {zone} at {each.name}")

    def test_consumers_follow_what_comes_and_goes(self):
        first = self.catalog()
        self.assertIn("shop.example.", members(first))
        self.follow("shop.example")
        put(self.server, "new.example", zone_text("new.example"))
        put(self.server, "a.secret.example", zone_text("a.secret.example"))
        with_new = self.catalog()
        self.assertEqual(serial(with_new), serial(first) + 1)
        self.assertEqual(set(members(with_new)), set(members(first)) | {"new.example."})
        self.follow("new.example")

        self.assertEqual(self.server.rest("DELETE", "/v1/zones/new.example").status, 200)
        self.gone("new.example")
        # With an older serial than it had: a server that still had it would stay with that.
        put(self.server, "new.example", zone_text("new.example").replace(" 1 3600", " 0 3600"))
        put(self.server, "new.example", zone_text("new.example") + "more A 192.0.2.9\n")
        self.follow("new.example")
        again = self.catalog()
        self.assertNotEqual(members(again)["new.example."], members(with_new)["new.example."])
        self.assertEqual(members(again)["shop.example."], members(first)["shop.example."])

        stepped = self.catalog(first)
        self.assertEqual(content(stepped), content(again))
        self.server.kill9()
        self.server.launch()
        self.assertEqual(content(self.catalog()), content(again))
        self.files_come_and_go(again)

    def files_come_and_go(self, before):
        path = self.server.home / "zones" / "file.example.zone"
        path.write_text(zone_text("file.example"))
        for there in (True, False):
            if not there:
                path.unlink()
            self.assertEqual(self.server.rest("POST", "/v1/zones/reload").status, 200)
            after = self.catalog()
            self.assertEqual(serial(after), serial(before) + 1)
            self.assertEqual("file.example." in members(after), there)
            if there:
                self.follow("file.example")
            before = after
        self.gone("file.example")
        self.assertEqual(self.server.rest("POST", "/v1/zones/reload").status, 200)
        self.assertEqual(serial(self.catalog()), serial(before))

    def test_it_says_what_a_catalog_says(self):
        zone = self.catalog()
        label = members(zone)["shop.example."]
        with zone.reader() as reader:
            self.assertEqual(reader.get("version", "TXT")[0].strings, (b"2",))
            self.assertEqual(reader.get("@", "NS")[0].target.to_text(), "invalid.")
            self.assertEqual(reader.get(f"group.{label}.zones", "TXT")[0].strings, (b"shops",))

    def test_it_is_shown_to_those_alone_who_may_have_it(self):
        for name, rdtype in ((CATALOG, "SOA"), (CATALOG, "AXFR"), (f"version.{CATALOG}", "TXT"),
                             (f"nothing.{CATALOG}", "A")):
            with self.subTest(name=name, rdtype=rdtype):
                query = dns.message.make_query(name, rdtype, use_edns=0)
                answer = self.server.tcp(query)
                self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
                self.assertEqual(extended_errors(answer), [dns.edns.EDECode.PROHIBITED])
        query = dns.message.make_query(CATALOG, "SOA")
        query.use_tsig(keyring(), KEY)
        answer = ask_signed(self.server, query)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual(answer.answer[0].rdtype, dns.rdatatype.SOA)

    def test_nobody_edits_it(self):
        edit = {"reason": "test", "rrsets": [
            {"name": "x", "type": "A", "ttl": 60, "records": ["192.0.2.99"]}]}
        for method, path, body in (
                ("POST", f"/v1/zones/{CATALOG}/rrsets", edit),
                ("PUT", f"/v1/zones/{CATALOG}",
                 {"reason": "test", "zone": zone_text(CATALOG)}),
                ("DELETE", f"/v1/zones/{CATALOG}", None)):
            reply = self.server.rest(method, path, body)
            self.assertEqual(reply.status, 422, reply)
            self.assertIn("catalog", reply.body.decode())


class Taken(ScenarioCase):
    """Knot makes a catalog, and Meridian has the members."""

    def test_it_follows_and_outlives_its_producer(self):
        producer = KnotProducer(self.workspace, CATALOG, (KEY, SECRET))
        server = world(self.workspace, [{
            "name": CATALOG, "primaries": [{"address": f"{LOOPBACK}:{producer.port}", "key": KEY}],
            "transfer_to": [{"key": KEY}],
            "members": [{"transfer_to": [{"key": KEY}]},
                        {"group": "open", "transfer_to": [{"from": [f"{LOOPBACK}/32"]}]}]}])
        self.start(server)
        self.assertEqual(ask(server, "one.example").rcode(), dns.rcode.REFUSED)
        producer.secondary_port = server.port
        producer.zones = {"one.example": (zone_text("one.example"), None),
                          "two.example": (zone_text("two.example"), "open")}
        self.start(producer)
        for zone in producer.zones:
            self.follow(server, zone, producer)
        self.operators_see_it(server)

        changed = zone_text("one.example").replace(" 1 3600", " 2 3600") + "more A 192.0.2.9\n"
        producer.zones["one.example"] = (changed, None)
        producer.zones["three.example"] = (zone_text("three.example"), None)
        self.assertTrue(self.is_open(server, "two.example"))
        producer.zones["two.example"] = (zone_text("two.example"), None)
        producer.apply()
        for zone in producer.zones:
            self.follow(server, zone, producer)
        wait_for(lambda: not self.is_open(server, "two.example"), CATCH_UP_SECONDS, "other group")
        del producer.zones["one.example"]
        producer.apply()
        self.gone(server, "one.example")

        producer.stop()
        server.kill9()
        server.launch()
        for zone in producer.zones:
            self.assertEqual(ask(server, zone).rcode(), dns.rcode.NOERROR)
        server.kill9()
        del producer.zones["two.example"]
        producer.start()
        server.launch()
        self.gone(server, "two.example")
        self.follow(server, "three.example", producer)
        self.assertEqual(server.rest("GET", "/v1/zones/two.example").status, 404)

        # Without the catalog in the configuration nothing of it is left.
        server.stop()
        server.settings["dns"]["zones"] = [{"name": "other.example"}]
        server.configure()
        server.launch()
        self.assertEqual(ask(server, "three.example").rcode(), dns.rcode.REFUSED)
        self.assertIn("member_without_catalog", server.log_text())

    def operators_see_it(self, server):
        shown = server.rest("GET", "/v1/zones/one.example").json
        self.assertEqual(shown["catalog"], CATALOG + ".")
        self.assertEqual(shown["secondary"]["state"], "served")
        self.assertIsNone(server.rest("GET", "/v1/zones/shop.example").json["catalog"])
        self.assertIn(CATALOG, server.ctl("zones", "list").stdout)
        self.assertEqual(
            metric(server, "meridian_dns_catalog_members", catalog=CATALOG + ".", role="taken"), 2)
        self.assertEqual(server.rest("DELETE", "/v1/zones/one.example").status, 422)

    def is_open(self, server, zone):
        query = dns.message.make_query(zone, "AXFR")
        return server.tcp(query).rcode() == dns.rcode.NOERROR

    def follow(self, server, zone, producer):
        def is_equal():
            if ask(server, zone).rcode() != dns.rcode.NOERROR:
                return False
            keys = False if self.is_open(server, zone) else None
            ours = content(inbound(server.address, zone, keys=keys)[0])
            return ours == content(inbound(producer.address, zone)[0])
        wait_for(is_equal, CATCH_UP_SECONDS, f"equal zone {zone}")

    def gone(self, server, zone):
        wait_for(lambda: ask(server, zone).rcode() == dns.rcode.REFUSED, CATCH_UP_SECONDS,
                 f"end of {zone}")


class Texts(ScenarioCase):
    """Catalogs that are written by hand, good ones and others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = 0
        cls.primary = TextPrimary("a.example", zone_text("a.example"))
        cls.addClassCleanup(cls.primary.stop)
        for zone in ("b.example", "c.example"):
            cls.primary.set(zone, zone_text(zone))
        source = {"primaries": [{"address": f"{LOOPBACK}:{cls.primary.port}"}],
                  "transfer_to": [{"key": KEY}], "members": [{}], "max_members": 4}
        for catalog in ("one.catalog", "two.catalog"):
            cls.give(catalog, "")
        cls.server = cls.start(world(cls.workspace, [{"name": "one.catalog", **source},
                                                     {"name": "two.catalog", **source}]))

    @classmethod
    def give(cls, catalog, text, version="2", times="3600 600 86400"):
        cls.number += 1
        head = HEAD.format(serial=cls.number).replace("3600 600 2147483646", times)
        head += f'version 0 TXT "{version}"\n' if version else ""
        cls.primary.set(catalog, head + text)

    def takes(self, catalog, text, event="catalog_taken", **more):
        """Has Meridian fetch this content of the catalog; the line of the log that tells what it did."""
        self.give(catalog, text, **more)
        return self.fetches(catalog, event)

    def fetches(self, catalog, event):
        serial_now = self.number
        self.assertEqual(self.server.ctl("zones", "refresh", catalog).returncode, 0)
        return wait_for(lambda: next(
            (line for line in self.server.log_text().splitlines()
             if event in line and f"catalog={catalog}. serial={serial_now} " in line), None),
            CATCH_UP_SECONDS, f"{event} of {catalog}")

    def served(self, zone, rdtype="SOA"):
        def answers():
            answer = ask(self.server, zone, rdtype)
            return answer if answer.rcode() == dns.rcode.NOERROR else None
        return wait_for(answers, CATCH_UP_SECONDS, zone)

    def test_a_broken_one_changes_nothing(self):
        good = "x.zones 0 PTR a.example.\n"
        self.takes("one.catalog", good)
        self.served("a.example")
        before = metric(self.server, "meridian_dns_catalogs_total", outcome="broken")
        broken = {
            "there is no version": {"text": "y.zones 0 PTR b.example.\n", "version": None},
            "the version is not 2": {"text": "y.zones 0 PTR b.example.\n", "version": "1"},
            "there are several versions": {"text": 'version 0 TXT "3"\n'},
            "not one PTR but 2": {"text": good + "x.zones 0 PTR b.example.\n"},
            "two members are this zone": {"text": good + "y.zones 0 PTR a.example.\n"},
            "its own member": {"text": "y.zones 0 PTR one.catalog.\n"},
            "5 members are more than 4": {
                "text": "".join(f"y{i}.zones 0 PTR {i}.example.\n" for i in range(5))},
        }
        for reason, given in broken.items():
            with self.subTest(reason=reason):
                self.assertIn(reason, self.takes("one.catalog", event="catalog_broken", **given))
                self.served("a.example")
                self.assertEqual(ask(self.server, "b.example").rcode(), dns.rcode.REFUSED)
        self.assertEqual(metric(self.server, "meridian_dns_catalogs_total", outcome="broken"),
                         before + len(broken))
        self.assertEqual(metric(self.server, "meridian_dns_catalog_broken", catalog="one.catalog."), 1)
        # Nor over a restart, while it is so.
        self.server.kill9()
        self.server.launch()
        self.served("a.example")
        self.takes("one.catalog", "")
        wait_for(lambda: ask(self.server, "a.example").rcode() == dns.rcode.REFUSED,
                 CATCH_UP_SECONDS, "end of a.example")

    def test_who_has_a_zone_keeps_it(self):
        self.takes("one.catalog", "x.zones 0 PTR b.example.\n")
        self.served("b.example")
        line = self.takes("two.catalog", "s.zones 0 PTR shop.example.\nt.zones 0 PTR b.example.\n"
                          "u.zones 0 PTR order.shop.example.\nv.zones 0 PTR c.example.\n")
        self.assertIn("new=1 gone=0 moved=0 refused=3", line)
        self.assertEqual(self.served("static.shop.example", "A").answer[0][0].address, "192.0.2.99")
        self.served("order.shop.example", "A")
        self.served("c.example")
        self.assertEqual(self.server.rest("GET", "/v1/zones/b.example").json["catalog"], "one.catalog.")
        self.takes("two.catalog", "t.zones 0 PTR b.example.\n")
        # It is free now, and somebody waits.
        self.takes("one.catalog", "")
        wait_for(lambda: self.server.rest("GET", "/v1/zones/b.example").json.get("catalog")
                 == "two.catalog.", CATCH_UP_SECONDS, "b.example of the other catalog")
        self.takes("two.catalog", "")
        self.assertIsNone(self.server.rest("GET", "/v1/zones/shop.example").json["catalog"])

    def test_a_zone_is_handed_over(self):
        member = "x.zones 0 PTR c.example.\n"
        self.takes("one.catalog", member)
        self.served("c.example")
        self.takes("one.catalog", member + "coo.x.zones 0 PTR two.catalog.\n")
        transfers = self.transfers_of("c.example")
        self.assertIn("moved=1", self.takes("two.catalog", member))
        self.assertEqual(self.server.rest("GET", "/v1/zones/c.example").json["catalog"], "two.catalog.")
        self.takes("one.catalog", "")
        self.served("c.example")
        self.assertEqual(self.transfers_of("c.example"), transfers)
        self.server.kill9()
        self.server.launch()
        self.assertEqual(self.server.rest("GET", "/v1/zones/c.example").json["catalog"], "two.catalog.")
        self.takes("two.catalog", "")

    def transfers_of(self, zone):
        return [line for line in self.server.log_text().splitlines()
                if "zone_transferred" in line and f"zone={zone}. " in line]

    def test_another_label_is_another_zone(self):
        self.primary.set("a.example", zone_text("a.example").replace(" 1 3600", " 7 3600"))
        self.takes("two.catalog", "x.zones 0 PTR a.example.\n")
        self.assertEqual(self.served("a.example").answer[0][0].serial, 7)
        # An older serial would not be taken.
        self.primary.set("a.example", zone_text("a.example"))
        self.takes("two.catalog", "y.zones 0 PTR a.example.\n")
        wait_for(lambda: self.served("a.example").answer[0][0].serial == 1, CATCH_UP_SECONDS,
                 "the zone anew")
        self.takes("two.catalog", "")

    def test_members_outlive_a_catalog_that_has_expired(self):
        self.takes("one.catalog", "x.zones 0 PTR b.example.\n", times="1 1 2")
        self.served("b.example")
        self.primary.silent = True
        wait_for(lambda: self.server.rest("GET", "/v1/zones/one.catalog").json["secondary"]["state"]
                 == "expired", CATCH_UP_SECONDS, "expiry")
        self.served("b.example")
        self.server.kill9()
        self.server.launch()
        self.served("b.example")
        self.primary.silent = False
        self.takes("one.catalog", "")
        wait_for(lambda: ask(self.server, "b.example").rcode() == dns.rcode.REFUSED,
                 CATCH_UP_SECONDS, "end of b.example")


if __name__ == "__main__":
    unittest.main()
