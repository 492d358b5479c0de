"""Stateless zones on the real binary: weights, a ramp by topology, distance classes, spill by load,
and what each all-down policy answers when every site is pushed DOWN."""

import copy
import ipaddress
import json
import time
import unittest

from ecs import ecs_of, ecs_option, query_with
from harness import ANSWER_SECONDS, ScenarioCase, wait_for
from small_world import (ADDRESS, SERVICE_TTL, STATELESS_SERVICE, TOPOLOGY, ndjson,
                         small_world)

SITES = ["ams", "mad", "dub"]
SITE_OF = {address: site for site, address in ADDRESS.items()}
NETWORKS = 3000
SHORT_TTL = 5
# Which names no place: SITES in document order, all equally near.
FIRST_NETWORK = int(ipaddress.ip_address("60.0.0.0"))


def topology_with(rules):
    topology = copy.deepcopy(TOPOLOGY)
    topology["zones"][2].update(rules)
    return topology


class Stateless(ScenarioCase):
    def setUp(self):
        super().setUp()
        self.server = small_world(self.workspace.inner(self.id().rsplit(".", 1)[1]),
                                  {"spill": {"period_s": 1, "step_percent": 10}})
        configure = self.server.configure

        def with_checks():
            configure()
            with open(self.server.config_path, "a", encoding="utf-8") as config:
                for site in SITES:
                    config.write(f'[[health.checks]]\nid = "{site}-web"\ndatacenter = "{site}"\n'
                                 'kind = "pushed"\ninterval_ms = 600000\nrise = 1\nfall = 1\n')

        self.server.configure = with_checks
        self.server.start()
        self.addCleanup(self.server.stop)
        for site in SITES:
            self.push(site, "up")

    def put(self, rules):
        # Another slack is another site order for everybody: that is meant.
        reply = self.server.rest("PUT", "/v1/topology?reason=test&confirm_moves=1",
                                 json.dumps(topology_with(rules)).encode())
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def push(self, site, state):
        reply = self.server.rest("POST", "/v1/health/reports",
                                 {"check": f"{site}-web", "state": state, "reason": "test"})
        self.assertEqual(reply.status, 200, reply)
        wait_for(lambda: self.health(site) == state.upper(), ANSWER_SECONDS, f"{site} {state}")

    def health(self, site):
        rows = self.server.rest("GET", "/v1/health").json["sites"]
        return next(row["health"] for row in rows if row["datacenter"] == site)

    def ask(self, subnet):
        answer = self.server.udp(query_with(STATELESS_SERVICE, "A", ecs_option(subnet)))
        self.assertEqual(len(answer.answer), 1, answer)
        return answer

    def site(self, subnet="60.0.0.0/24"):
        return SITE_OF[self.ask(subnet).answer[0][0].address]

    def spread(self):
        """network number -> site, for many /24s of a place that nobody knows."""
        return [self.site(f"{ipaddress.ip_address(FIRST_NETWORK + (i << 8))}/24")
                for i in range(NETWORKS)]

    def explain(self, client="60.0.0.1"):
        return self.server.rest(
            "GET", f"/v1/explain?name={STATELESS_SERVICE}&client={client}").json

    def test_a_ramp_moves_its_share_and_nobody_else(self):
        self.put({"weights": {"ams": 10000, "mad": 0, "dub": 0}})
        self.assertEqual(set(self.spread()), {"ams"})
        before = None
        for percent in (1, 2, 10):
            self.put({"weights": {"ams": 10000 - percent * 100, "mad": percent * 100, "dub": 0}})
            now = self.spread()
            self.assertEqual(set(now), {"ams", "mad"})
            share = now.count("mad") / NETWORKS
            # Five deviations of so many networks; which ones they are never changes.
            self.assertAlmostEqual(share, percent / 100,
                                   delta=5 * (percent / 100 / NETWORKS) ** 0.5)
            for was, site in zip(before or [], now):
                self.assertTrue(was == site or site == "mad", "only the ramped site gains")
            before = now
        self.put({"weights": {"ams": 0, "mad": 10000, "dub": 0}})
        self.assertEqual(set(self.spread()), {"mad"})

    def load(self, **capacities):
        """Reports 100 units of ams, 20 of the others, and these capacities."""
        units = {"ams": 100, "mad": 20, "dub": 20}
        body = ndjson([{"ezone": site, "units": units[site], "capacity_units": capacity,
                        "ts": int(time.time() * 1000)} for site, capacity in capacities.items()])
        reply = self.server.rest("POST", "/v1/load", body.encode())
        self.assertEqual((reply.status, reply.json["rejected"]), (200, []), reply)

    def spill(self):
        rows = self.server.rest("GET", "/v1/load").json["ezones"]
        return {row["ezone"]: row["spill"] for row in rows}

    def test_a_full_site_sends_a_share_away_and_takes_it_back(self):
        self.put({"weights": {"ams": 5000, "mad": 3000, "dub": 2000}})
        before = self.spread()
        self.load(ams=100, mad=100, dub=100)
        wait_for(lambda: self.spill()["ams"] >= 0.1, ANSWER_SECONDS, "spill of ams")
        # It grew in the meantime: 80 % full is neither too full nor empty enough.
        self.load(ams=125)
        held = self.spill()
        self.assertEqual((held["mad"], held["dub"]), (0, 0))
        now = self.spread()
        self.assertEqual(self.spill(), held)
        moved = [(was, site) for was, site in zip(before, now) if was != site]
        self.assertEqual({was for was, _ in moved}, {"ams"}, "only those of the full site")
        self.assertEqual({site for _, site in moved}, {"mad", "dub"})
        clients = before.count("ams")
        self.assertAlmostEqual(len(moved) / clients, held["ams"],
                               delta=5 * (held["ams"] / clients) ** 0.5)
        table = self.server.ctl("load")
        self.assertIn(f"{100 * held['ams']:.1f} %", table.stdout)
        self.assertIn("meridian_load_spill{ezone=\"ams\"} ",
                      self.server.rest("GET", "/metrics").body.decode())

        self.load(ams=1000)
        wait_for(lambda: self.spill()["ams"] == 0, ANSWER_SECONDS, "everybody back at ams")
        self.assertEqual(self.spread(), before)

    def test_scope_and_explanation(self):
        self.put({"weights": {"ams": 5000, "mad": 3000, "dub": 2000}})
        for network in range(20):
            subnet = f"60.1.{network}.0/24"
            answer = self.ask(subnet)
            self.assertEqual(ecs_of(answer).scope, 24)
            self.assertEqual(answer.answer[0].ttl, SERVICE_TTL)
            told = self.explain(f"60.1.{network}.99")
            self.assertEqual(told["ezone"], self.site(subnet))
            self.assertEqual((told["shared"], told["among"], told["scope"]), (True, "usable", 24))
            self.assertEqual({row["ezone"]: (row["class"], row["weight"])
                              for row in told["candidates"]},
                             {"ams": (1, 5000), "mad": (1, 3000), "dub": (1, 2000)})
        shown = self.server.ctl("explain", STATELESS_SERVICE, "--client", "60.1.0.99")
        self.assertEqual(shown.returncode, 0, shown)
        self.assertIn("other-share", shown.stdout)

    def test_sites_that_are_about_as_near_share(self):
        # Bergen: ams is nearest, dub some 200 km farther, mad far.
        def near_bergen():
            return {self.site(f"203.0.113.{host}/32") for host in (0, 255)}

        self.assertEqual(near_bergen(), {"ams"})
        self.put({"distance_slack_km": 300})
        told = self.explain("203.0.113.7")
        self.assertEqual({row["ezone"]: row["class"] for row in told["candidates"]},
                         {"ams": 1, "dub": 1, "mad": 2})
        self.assertEqual(near_bergen(), {told["ezone"]}, "a network stays together")
        self.push(told["ezone"], "down")
        self.assertEqual(near_bergen(), {"ams", "dub"} - {told["ezone"]})

    def all_down(self, last):
        """Every site goes down, `last` last."""
        for site in SITES:
            if site != last:
                self.push(site, "down")
        before = self.site()
        self.push(last, "down")
        self.assertEqual(self.ask("60.0.0.0/24").answer[0].ttl, SHORT_TTL)
        return before

    def test_all_down_policies(self):
        near = self.site()
        self.put({"all_down": "last-good"})
        self.assertEqual(self.all_down("dub"), "dub")
        self.assertEqual(self.site(), "dub")
        self.assertEqual(self.explain()["among"], "all-down last-good")
        # The policy changes while all are down, and what was good last is remembered meanwhile.
        self.put({"all_down": "as-if-up"})
        self.assertEqual(self.site(), near)
        self.put({"all_down": "nearest", "weights": {"ams": 0, "mad": 0, "dub": 1}})
        self.assertEqual(self.site(), near)
        self.put({"all_down": "fallback", "fallback": "mad", "ezones": ["dub", "ams"]})
        self.assertEqual(self.site(), "mad")
        self.assertEqual(self.explain()["among"], "all-down fallback")
        self.put({"all_down": "last-good"})
        self.assertEqual(self.site(), "dub")
        self.push("ams", "up")
        self.assertEqual(self.site(), "ams")
        self.assertEqual(self.ask("60.0.0.0/24").answer[0].ttl, SERVICE_TTL)

    def test_last_good_outlives_a_kill_in_the_middle_of_an_outage(self):
        near = self.site()
        self.put({"all_down": "last-good"})
        self.assertEqual(self.all_down("dub"), "dub")
        self.assertNotEqual(near, "dub")
        for _ in range(2):
            self.server.kill9()
            self.server.start()
            self.assertEqual(self.health("dub"), "UNKNOWN", "no check has spoken yet")
            self.assertEqual(self.site(), "dub")
        # The checks find what they found before, and in any order.
        for site in ("dub", "mad", "ams"):
            self.push(site, "down")
            self.assertEqual(self.site(), "dub")
        self.assertEqual(self.explain()["among"], "all-down last-good")
        self.assertEqual(self.ask("60.0.0.0/24").answer[0].ttl, SHORT_TTL)
        self.push("mad", "up")
        self.assertEqual(self.site(), "mad")
        self.server.kill9()
        self.server.start()
        self.assertEqual(self.site(), "mad", "the newest that was good")

    def test_what_is_wrong_is_refused_with_its_place(self):
        text = json.dumps(topology_with({"weights": {"ams": 1, "mad": 10001, "dub": 0}}), indent=1)
        reply = self.server.rest("PUT", "/v1/topology?reason=test", text.encode())
        self.assertEqual(reply.status, 400, reply)
        line = text[:text.index("10001")].count("\n") + 1
        self.assertIn(f"request:{line}:", reply.body.decode())
        self.assertIn("zones[2].weights.mad: 10001: must be from 0 to 10000", reply.body.decode())


if __name__ == "__main__":
    unittest.main()
