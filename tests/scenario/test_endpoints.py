"""Endpoints inside a site on the real binary: own checks and overrides, how many are answered and
to whom, the least share that must be up, and what is answered when too few are."""

import copy
import ipaddress
import unittest

from ecs import ecs_of, ecs_option, query_with
from harness import ANSWER_SECONDS, ScenarioCase, wait_for
from small_world import ADDRESS, SERVICE_TTL, STATELESS_SERVICE, TOPOLOGY, small_world

NETWORKS = 400
SHORT_TTL = 5
# Networks of no place: ams is first, then mad, then dub.
FIRST_NETWORK = int(ipaddress.ip_address("60.0.0.0"))
AMS = {f"192.0.2.{number}": f"e{number}" for number in range(11, 15)}
DUB = {"192.0.2.31", "192.0.2.32"}


def endpoint(name, address, check=None):
    out = {"id": name, "records": [f"A {address}", f"AAAA 2001:db8::{address.rsplit('.', 1)[1]}"]}
    return out | ({"check": check} if check else {})


def topology():
    out = copy.deepcopy(TOPOLOGY)
    out["services"][2] |= {"answer_count": 2, "min_up_share": 5000}
    out["services"][2]["endpoints"] = {
        "ams": [endpoint(name, address, f"ams-{name}") for address, name in AMS.items()],
        "mad": [f"A {ADDRESS['mad']}", "AAAA 2001:db8::2"],
        "dub": [endpoint(f"d{number}", address) for number, address in enumerate(sorted(DUB))]}
    out["services"].append({"name": "plain.shop.example", "zone": "web", "ttl": SERVICE_TTL,
                            "endpoints": TOPOLOGY["services"][2]["endpoints"]})
    return out


class Endpoints(ScenarioCase):
    def setUp(self):
        super().setUp()
        checks = [{"id": f"ams-{name}", "datacenter": "ams", "kind": "pushed",
                   "interval_ms": 600000, "rise": 1, "fall": 1} for name in AMS.values()]
        self.server = small_world(self.workspace.inner(self.id().rsplit(".", 1)[1]),
                                  {"health": {"checks": checks}}, topology())
        self.server.start()
        self.addCleanup(self.server.stop)
        for name in AMS.values():
            self.push(name, "up")

    def push(self, name, state):
        reply = self.server.rest("POST", "/v1/health/reports",
                                 {"check": f"ams-{name}", "state": state, "reason": "test"})
        self.assertEqual(reply.status, 200, reply)

    def down(self, glob):
        reply = self.server.rest("POST", "/v1/health/overrides",
                                 {"glob": glob, "state": "DOWN", "reason": "test"})
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def ask(self, subnet="60.0.0.0/24", rtype="A", name=STATELESS_SERVICE):
        answer = self.server.udp(query_with(name, rtype, ecs_option(subnet)))
        self.assertGreater(len(answer.answer), 0, answer)
        return answer

    def addresses(self, subnet="60.0.0.0/24", rtype="A", name=STATELESS_SERVICE):
        return [rrset[0].address for rrset in self.ask(subnet, rtype, name).answer]

    def spread(self):
        """What each of many networks is answered."""
        return [self.addresses(f"{ipaddress.ip_address(FIRST_NETWORK + (i << 8))}/24")
                for i in range(NETWORKS)]

    def explained(self):
        answer = self.ask("60.0.0.0/24", "TXT", f"_explain.{STATELESS_SERVICE}")
        return b"\n".join(answer.answer[0][0].strings).decode()

    def test_an_endpoint_that_goes_down_moves_its_own_clients_only(self):
        before = self.spread()
        for got in before:
            self.assertEqual(len(set(got)), 2)
            self.assertLessEqual(set(got), set(AMS))
        self.assertEqual(ecs_of(self.ask()).scope, 24)
        self.assertEqual(self.ask().answer[0].ttl, SERVICE_TTL)
        self.assertEqual([text.rsplit(":", 1)[1] for text in self.addresses(rtype="AAAA")],
                         [text.rsplit(".", 1)[1] for text in self.addresses()])

        self.push("e12", "down")
        after = self.spread()
        for was, now in zip(before, after):
            if "192.0.2.12" not in was:
                self.assertEqual(now, was)
            self.assertNotIn("192.0.2.12", now)
            self.assertLessEqual(set(was) - {"192.0.2.12"}, set(now), "the other one stays")
        health = self.server.rest("GET", "/v1/health").json
        self.assertEqual({row["health"] for row in health["sites"]}, {"UP"},
                         "one endpoint does not take its site down")
        self.assertEqual([(row["endpoint"], row["ezone"], row["health"])
                          for row in health["endpoints"]], [("e12", "ams", "DOWN")])
        self.assertIn("e12", self.server.ctl("health").stdout)
        self.assertIn("pool endpoints=4 candidates=3 answered=2 up-share=7500 min=5000",
                      self.explained())
        self.push("e12", "up")
        self.assertEqual(self.spread(), before)

    def rest(self, path):
        reply = self.server.rest("GET", path)
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def same_story(self):
        """REST and DNS say the same to many networks; gives the last explanation."""
        for number in range(24):
            network = ipaddress.ip_address(FIRST_NETWORK + (number << 8))
            answer = self.ask(f"{network}/24")
            told = self.rest(f"/v1/explain?name={STATELESS_SERVICE}&subnet={network}/24"
                             "&client=127.0.0.1")
            located = self.rest(f"/v1/resolve?service={STATELESS_SERVICE}&client={network}")
            records = ([f"A {address}" for address in self.addresses(f"{network}/24")]
                       + [f"AAAA {address}"
                          for address in self.addresses(f"{network}/24", "AAAA")])
            for rest in (told, located):
                self.assertEqual(sorted(rest["records"]), sorted(records))
                self.assertEqual([record for record in rest["records"] if record[:2] == "A "],
                                 records[:len(records) // 2], "in the answer's order")
                self.assertEqual(rest["ttl"], answer.answer[0].ttl)
            self.assertEqual(told["pool"], located["pool"])
            self.assertEqual(told["ezone"], located["ezone"])
            self.assertEqual(told["scope"], ecs_of(answer).scope)
        return told

    def test_rest_and_the_tool_tell_what_dns_answers(self):
        told = self.same_story()
        self.assertEqual((told["pool"]["endpoints"], told["pool"]["up_share"]), (4, 10000))
        offline = self.server.ctl("explain", STATELESS_SERVICE, "--client", "60.0.0.1", "--config",
                                  str(self.server.config_path)).stdout
        self.assertIn("pool endpoints=4 candidates=4 answered=2 up-share=10000 min=5000", offline)
        of_private = self.rest(f"/v1/explain?name={STATELESS_SERVICE}&subnet=10.0.0.0/24"
                               "&client=127.0.0.1")
        self.assertEqual(of_private["scope"], ecs_of(self.ask("10.0.0.0/24")).scope)

        self.push("e12", "down")
        pool = self.same_story()["pool"]
        self.assertEqual((pool["candidates"], pool["up_share"], len(pool["answered"])),
                         (3, 7500, 2))
        self.assertNotIn("e12", pool["answered"])
        shown = self.server.ctl("explain", STATELESS_SERVICE, "--client", "60.0.0.1").stdout
        self.assertIn("candidates=3", shown)
        labels = f'service="{STATELESS_SERVICE[:-1]}"'
        metrics = [line for line in self.server.ctl("metrics").stdout.splitlines()
                   if labels in line and 'ezone="ams"' in line]
        self.assertEqual(sum(line.startswith("meridian_endpoint_up{") for line in metrics), 4)
        self.assertEqual([line for line in metrics if 'endpoint="e12"' in line][0][-2:], " 0")
        self.assertTrue(any(line.startswith("meridian_pool_up_share{") and line.endswith(" 0.75")
                            for line in metrics), metrics)

        for name in ("e11", "e13"):
            self.push(name, "down")
        told = self.same_story()
        self.assertEqual((told["ezone"], told["pool"]), ("mad", None))
        self.assertEqual({each["ezone"]: each["verdict"] for each in told["candidates"]}["ams"],
                         "too-few-up")
        self.down("datacenter/*")
        self.same_story()

    def test_last_good_of_a_service_outlives_a_kill_in_the_middle_of_an_outage(self):
        changed = topology()
        changed["zones"][2]["all_down"] = "last-good"
        self.assertEqual(self.server.rest("PUT", "/v1/topology?reason=test", changed).status, 200)
        self.down("endpoint/*/dub/*")
        for name in AMS.values():
            self.push(name, "down")
        self.assertEqual(self.addresses(), [ADDRESS["mad"]])
        self.down("datacenter/mad")
        self.assertEqual(self.addresses(), [ADDRESS["mad"]], "good last for this service")
        self.assertEqual(self.addresses(name="plain.shop.example."), [ADDRESS["ams"]])
        for _ in range(2):
            self.server.kill9()
            self.server.start()
            self.assertEqual(self.addresses(), [ADDRESS["mad"]])
        for name in AMS.values():
            self.push(name, "down")
            self.assertEqual(self.addresses(), [ADDRESS["mad"]])
        for name in ("e11", "e12"):
            self.push(name, "up")
        self.assertEqual(set(self.addresses()), {"192.0.2.11", "192.0.2.12"})

    def test_too_few_up_is_the_next_site_for_this_service_alone(self):
        for name in ("e11", "e12"):
            self.push(name, "down")
        self.assertEqual(set(self.addresses()), {"192.0.2.13", "192.0.2.14"})
        self.push("e13", "down")
        self.assertEqual(self.addresses(), [ADDRESS["mad"]])
        self.assertIn("not ams: too-few-up", self.explained())
        self.assertEqual(self.addresses(name="plain.shop.example."), [ADDRESS["ams"]])
        self.down("datacenter/mad")
        self.assertEqual(set(self.addresses()), DUB)
        self.assertEqual(self.ask().answer[0].ttl, SERVICE_TTL)

    def test_overrides_by_glob_and_all_down(self):
        added = self.down(f"endpoint/{STATELESS_SERVICE[:-1]}/ams/*")
        self.assertEqual(added["matches"], {"datacenters": 0, "checks": 0, "endpoints": 4})
        self.assertEqual(self.addresses(), [ADDRESS["mad"]])
        self.down("datacenter/mad")
        self.down("endpoint/*/dub/*")
        # No site has enough: as if all were up, and all of ams.
        answer = self.ask()
        self.assertEqual({rrset[0].address for rrset in answer.answer}, set(AMS))
        self.assertEqual(answer.answer[0].ttl, SHORT_TTL)
        reply = self.server.rest("DELETE", f"/v1/health/overrides/{added['id']}")
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(len(self.addresses()), 2)
        self.assertLessEqual(set(self.addresses()), set(AMS))

    def test_health_of_endpoints_outlives_a_topology_and_wrong_ones_are_refused(self):
        self.push("e11", "down")
        changed = topology()
        changed["services"][2]["answer_count"] = 4
        reply = self.server.rest("PUT", "/v1/topology?reason=test", changed)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(set(self.addresses()), set(AMS) - {"192.0.2.11"})
        self.assertLess(ecs_of(self.ask()).scope, 24, "everybody's answer")
        del changed["services"][2]["endpoints"]["ams"][1]["records"][1]
        reply = self.server.rest("PUT", "/v1/topology?reason=test", changed)
        self.assertGreaterEqual(reply.status, 400, reply)
        self.assertIn("lacks a type that another of this eZone has", reply.body.decode())
        wait_for(lambda: set(self.addresses()) == set(AMS) - {"192.0.2.11"}, ANSWER_SECONDS,
                 "the answer as before")


if __name__ == "__main__":
    unittest.main()
