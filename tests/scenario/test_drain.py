"""The drain meter on the real binaries: arrivals that routers count decide when a move is over, and the old site is
told for how long it must forward."""

import copy
import datetime
import json
import time
import unittest

import dns.message
import dns.query
import dns.rcode
import small_world
from harness import Meridian, ScenarioCase, wait_for
from small_world import ndjson

STEADY_TTL = 6
DRAIN_SECONDS = 3 * STEADY_TTL  # three TTLs of what an emergency left out there
FORWARD_SECONDS = 72 * 3600


class Drain(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        topology = copy.deepcopy(small_world.TOPOLOGY)
        for service in topology["services"]:
            service["ttl"] = STEADY_TTL
        cls.topology = topology
        cls.server = cls.start(Meridian(cls.workspace, topology, {"shop.example": small_world.ZONE},
                                        {"networks.txt": small_world.NETWORKS},
                                        {"geo": {"networks": ["networks.txt"]}}))

    def arrivals(self, **by_ezone):
        """Each eZone's router tells how many came for partition west in the last second."""
        lines = [{"subject": "west", "ezone": ezone, "arrivals": arrivals, "interval_ms": 1000,
                  "ts": int(time.time() * 1000)} for ezone, arrivals in by_ezone.items()]
        reply = self.server.rest("POST", "/v1/arrivals", ndjson(lines).encode())
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def change(self, identifier):
        return self.server.rest("GET", f"/v1/changes/{identifier}").json

    def forwarders(self):
        return self.server.rest("GET", "/v1/forwarders").json["forwarders"]

    def test_a_drain_ends_when_the_old_site_sees_nobody_any_more(self):
        self.assertEqual(self.forwarders(), [])
        ran = self.server.ctl("change", "shift", "west", "--to", "ams", "--mode", "emergency", "--reason", "test")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        identifier = self.server.rest("GET", "/v1/changes?limit=1").json["changes"][0]["id"]
        wait_for(lambda: self.change(identifier)["state"] == "DRAINING", 60, "DRAINING")
        draining = time.monotonic()
        self.assertEqual(self.change(identifier)["stale_share_from"], "computed")

        self.arrivals(dub=50, ams=150)
        shown = self.change(identifier)
        self.assertEqual((shown["stale_share_from"], shown["stale_share"]), ("measured", 0.25))

        def long_after():
            self.arrivals(dub=50, ams=150)
            self.assertEqual(self.change(identifier)["state"], "DRAINING", "a quarter still goes to the old site")
            return time.monotonic() - draining > DRAIN_SECONDS + 3
        wait_for(long_after, 120, "three TTLs and more")

        def nearly_nobody():
            self.arrivals(dub=1, ams=150)
            return self.change(identifier)["state"] == "SOAKING"
        wait_for(nearly_nobody, 60, "SOAKING once less than 2 % come to the old site")

        (entry,) = self.forwarders()
        self.assertEqual((entry["subject"], entry["from"], entry["to"], entry["change_id"]),
                         ("west", "dub", "ams", identifier))
        until = datetime.datetime.fromisoformat(entry["until"].replace("Z", "+00:00"))
        self.assertAlmostEqual(until.timestamp() - time.time(), FORWARD_SECONDS, delta=300)
        listed = self.server.ctl("forwarders")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for word in ("west", "dub", "ams", identifier):
            self.assertIn(word, listed.stdout)
        self.server.kill9()
        self.server.start()
        self.assertEqual(self.forwarders(), [entry], "a restart has not forgotten")
        self.assertIn("meridian_forwarders 1", self.server.rest("GET", "/metrics").body.decode())
        self.told_of_what_a_topology_takes_away(entry)

    def told_of_what_a_topology_takes_away(self, entry):
        topology = copy.deepcopy(self.topology)
        topology["services"][0]["endpoints"]["dub"][0] = "A 192.0.2.33"
        document = json.dumps(topology).encode()
        lost = [{"subject": "west", "ezone": "dub", "change_id": entry["change_id"], "until": entry["until"],
                 "service": "order.shop.example", "records": ["A 192.0.2.3"]}]
        tried = self.server.rest("PUT", "/v1/topology?reason=test&dry_run=1", document)
        self.assertEqual((tried.status, tried.json["must_still_forward"]), (200, lost), tried)
        self.assertNotIn("forwarder_lost", self.server.log_text())
        file = self.workspace.write("next.json", document.decode())
        put = self.server.ctl("topology", "put", str(file), "--reason", "test")
        self.assertEqual(put.returncode, 0, put.stdout + put.stderr)
        self.assertIn("warning: dub must forward what comes for west until", put.stdout)
        self.assertIn("A 192.0.2.3", put.stdout)
        self.assertIn("forwarder_lost", self.server.log_text())
        again = self.server.rest("PUT", "/v1/topology?reason=test&dry_run=1", document)
        self.assertEqual(again.json["must_still_forward"], [], "it is lost already")

    def test_a_dry_run_tells_how_many_resolvers_ask(self):
        query = dns.message.make_query("order.shop.example", "A")  # 127.0.0.0/8 is south's
        for host in range(2, 14):
            for _ in range(2):
                answer = dns.query.udp(query, self.server.address[0], port=self.server.address[1],
                                       source=f"127.0.0.{host}", timeout=30)
                self.assertEqual(answer.rcode(), dns.rcode.NOERROR)

        def told():
            reply = self.server.rest("POST", "/v1/changes", json.dumps(
                {"subjects": ["south"], "to": "ams", "reason": "test", "dry_run": True}).encode())
            self.assertEqual(reply.status, 200, reply)
            resolvers = reply.json["impact"]["resolvers"]
            return resolvers if resolvers and resolvers["estimate"] > 0 else None
        resolvers = wait_for(told, 60, "the resolvers of south")
        self.assertAlmostEqual(resolvers["estimate"], 12, delta=1)
        shown = self.server.ctl("change", "shift", "south", "--to", "ams", "--reason", "test", "--dry-run")
        self.assertRegex(shown.stdout, r"about 1[123] resolvers asked in the last \d+ s")

    def test_what_cannot_be_counted_is_refused(self):
        bad = self.server.rest("POST", "/v1/arrivals", json.dumps(
            {"subject": "nowhere", "ezone": "dub", "arrivals": 1, "interval_ms": 1000, "ts": int(time.time() * 1000)}
        ).encode())
        self.assertEqual((bad.status, bad.json["rule"]), (422, "unknown-subject"))
        self.assertEqual(self.server.rest("POST", "/v1/arrivals", b"{}", token=None).status, 401)


if __name__ == "__main__":
    unittest.main()
