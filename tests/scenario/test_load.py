"""Load on the real binaries: reports in, a full site refused as a target, the balancer's advice, and
a round that it starts by itself.

The balancer's world has two rooms at one site: what moves between them needs no replication link.
"""

import copy
import time
import unittest

import small_world
from harness import ANSWER_SECONDS, Meridian, ScenarioCase, wait_for
from small_world import ndjson

STEADY_TTL = 6  # s: a change waits for this and 5 s more before it moves anything
ROUND_SECONDS = 60.0


def rooms():
    """Ten partitions at home at ams, which may go next door."""
    topology = copy.deepcopy(small_world.TOPOLOGY)
    topology["ezones"] = [{"id": "ams-b", "dc": "ams", "slot": 7}]
    order = topology["zones"][0]
    order["partitions"] = [{"id": f"n{number}", "home": "ams", "allowed": ["ams", "ams-b"],
                            "anchors": [{"lat": 60.0 - number, "lon": 10.0}]}
                           for number in range(10)]
    order["placement"]["default_partition"] = "n0"
    topology["services"] = [{"name": small_world.SERVICE[:-1], "zone": "order", "ttl": STEADY_TTL,
                             "endpoints": {"ams": ["A 192.0.2.1"], "ams-b": ["A 192.0.2.11"]}}]
    return topology


def report(ezone, units, **more):
    return {"ezone": ezone, "units": units, "ts": int(time.time() * 1000), **more}


class Load(ScenarioCase):
    @classmethod
    def world(cls, name, topology, balancer):
        return cls.start(Meridian(cls.workspace.inner(name), topology,
                                  {"shop.example": small_world.ZONE}, {}, {"balancer": balancer}))

    def say(self, server, *reports):
        reply = server.rest("POST", "/v1/load", ndjson(reports).encode())
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.json["rejected"], [])

    def say_rooms(self, server):
        self.say(server, report("ams", 60, capacity_units=100),
                 report("ams-b", 5, capacity_units=100))

    def order(self, server):
        zones = server.rest("GET", "/v1/balancer").json["zones"]
        return zones[0] if zones else {"verdict": None}

    def test_1_reports_show_and_a_full_site_is_no_target(self):
        server = self.world("rules", small_world.TOPOLOGY, {})
        self.assertFalse(server.rest("GET", "/v1/load").json["reported"])
        ran = server.ctl("change", "shift", "north", "--to", "mad", "--reason", "x", "--dry-run")
        self.assertIn("nobody reports load", ran.stdout + ran.stderr)

        self.say(server, report("ams", 50, capacity_units=100),
                 report("mad", 70, capacity_units=100), report("ams", 12, partition="north"))
        rows = {row["ezone"]: row for row in server.rest("GET", "/v1/load").json["ezones"]}
        self.assertEqual(rows["mad"]["utilisation"], 0.7)
        self.assertIsNone(rows["dub"]["utilisation"])
        self.assertIn('meridian_load_utilisation{ezone="mad"} 0.7',
                      server.rest("GET", "/metrics").body.decode())
        table = server.ctl("load")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("70.0 %", table.stdout)

        body = {"subjects": ["north"], "to": "mad", "reason": "too much", "overrides": [
            {"rule": rule, "reason": "no feed here"} for rule in ("S3", "S4", "S7")]}
        refused = server.rest("POST", "/v1/changes", body)
        self.assertEqual((refused.status, refused.json["rule"]), (422, "S2"), refused)
        self.assertIn("82.0 % with 1 to come; bound 80.0 %", refused.body.decode())
        self.assertEqual(server.rest("GET", "/v1/changes").json["changes"], [])

        body["overrides"].append({"rule": "S2", "reason": "mad grows tonight"})
        accepted = server.rest("POST", "/v1/changes", body)
        self.assertEqual(accepted.status, 202, accepted)
        verdict = next(each for each in accepted.json["verdicts"] if each["rule"] == "S2")
        self.assertFalse(verdict["holds"])
        self.assertTrue(verdict["overridden"])

        unknown = server.rest("POST", "/v1/load", report("nowhere", 1))
        self.assertEqual((unknown.status, unknown.json["rule"]), (422, "unknown-ezone"))
        late = dict(report("ams", 1), ts=int(time.time() * 1000) - 400_000)
        self.assertEqual(server.rest("POST", "/v1/load", late).json["rule"], "bad-time")
        self.assertEqual(server.rest("POST", "/v1/load", report("ams", -1)).status, 400)

    def test_2_the_balancer_advises_and_moves_nothing(self):
        server = self.world("advise", rooms(), {"sustained_s": 0, "max_share_percent": 25})
        self.say_rooms(server)
        wait_for(lambda: self.order(server)["verdict"] == "moves", ANSWER_SECONDS, "advice")
        proposals = self.order(server)["proposals"]
        self.assertEqual([(each["from"], each["to"]) for each in proposals],
                         [("ams", "ams-b"), ("ams", "ams-b")])
        self.assertGreaterEqual(proposals[0]["gain"], 2 * proposals[0]["cost"])
        self.assertIn("ams from 60.0 to 54.0 %", proposals[0]["reason"])
        table = server.ctl("balancer")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("mode advise", table.stdout)
        self.assertIn(proposals[0]["partition"], table.stdout)
        self.assertEqual(server.rest("GET", "/v1/changes").json["changes"], [])

    def test_3_auto_carries_a_round_out(self):
        server = self.world("auto", rooms(),
                            {"mode": "auto", "sustained_s": 0, "max_share_percent": 25})
        self.say_rooms(server)

        def moved():
            self.say_rooms(server)
            rows = server.rest("GET", "/v1/partitions?ezone=ams-b").json["partitions"]
            return [(row["partition"], row["actor"]) for row in rows]

        rows = wait_for(moved, ROUND_SECONDS, "a partition next door")
        self.assertEqual([actor for _, actor in rows], ["balancer"])
        rounds = server.rest("GET", "/v1/balancer").json["rounds"]
        self.assertEqual(len(rounds), 1)
        self.assertEqual(len(rounds[0]["moves"]), 2)
        self.assertIn("balance_round ", server.log_text())
        self.assertEqual(self.order(server)["verdict"], "change-open")


if __name__ == "__main__":
    unittest.main()
