"""Datacenters as a whole on the real binaries: a drain that a rule stops, and a lost site whose
partitions leave by themselves when two signals agree."""

import time
import unittest

import dns.message

import small_world
from harness import ANSWER_SECONDS, Meridian, ScenarioCase, wait_for
from small_world import ADDRESS, GLOBAL_SERVICE, SERVICE, ndjson


class Sites(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = Meridian(cls.workspace, small_world.TOPOLOGY, {"shop.example": small_world.ZONE},
                          {"networks.txt": small_world.NETWORKS},
                          {"geo": {"networks": ["networks.txt"]},
                           "evacuation": {"mode": "auto", "hold_down_s": 2}})
        cls.server = cls.start(server)

    def address(self, name):
        return self.server.udp(dns.message.make_query(name, "A")).answer[0][0].address

    def site(self, datacenter):
        """What is known of it; the first look is a second after the start."""
        def looked_at():
            sites = self.server.rest("GET", "/v1/sites").json["sites"]
            return [each for each in sites if each["datacenter"] == datacenter]

        return wait_for(looked_at, ANSWER_SECONDS, "a look at " + datacenter)[0]

    def report(self, seq, broken):
        """One report of every direction; those from `broken` have lost the source."""
        now = int(time.time() * 1000)
        for target in ADDRESS:
            lines = [{"type": "hello", "v": 1, "agent": f"drc-{target}", "dc": target,
                      "boot": "b1"}]
            for source in ADDRESS:
                if source == target:
                    continue
                lines.append({"type": "link", "seq": seq * 10 + len(lines), "source": source,
                              "target": target, "channel": "order",
                              "state": "BROKEN" if source == broken else "RUNNING",
                              "lag_ms": None if source == broken else 20, "ts": now,
                              "src_pos": f"log@{seq}", "applied_pos": f"log@{seq}"})
            reply = self.server.rest("POST", "/v1/drc/feed", ndjson(lines).encode())
            self.assertEqual(reply.status, 200, reply)
            self.assertFalse(reply.json.get("rejected"), reply)

    def test_1_a_drain_that_a_rule_stops_changes_nothing(self):
        ran = self.server.ctl("site", "drain", "ams", "--reason", "no feed")
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("S3", ran.stderr)
        self.assertEqual(self.address(f"snorth.shard.{SERVICE}"), ADDRESS["ams"])
        states = {dc["id"]: dc["admin_state"]
                  for dc in self.server.rest("GET", "/v1/datacenters").json["datacenters"]}
        self.assertEqual(set(states.values()), {"IN_SERVICE"})

    def test_2_one_signal_moves_nothing(self):
        self.report(1, broken=None)
        override = self.server.rest("POST", "/v1/health/overrides",
                                    {"glob": "datacenter/dub", "state": "DOWN",
                                     "reason": "as probes would say"})
        self.assertEqual(override.status, 200, override)
        wait_for(lambda: self.site("dub")["signals"]["probes"], ANSWER_SECONDS, "the signal")
        self.assertEqual(self.site("dub")["verdict"], "well")
        self.assertEqual(self.server.rest("GET", "/v1/changes").json["changes"], [])

    def test_3_two_signals_evacuate_the_partitions_and_nothing_else(self):
        seq = [10]

        def lost():
            seq[0] += 1
            self.report(seq[0], broken="dub")
            return self.address(f"swest.shard.{SERVICE}") != ADDRESS["dub"]

        wait_for(lost, 20 * ANSWER_SECONDS, "west has left dub")
        self.assertEqual(self.site("dub")["verdict"], "lost")
        change = self.server.rest("GET", "/v1/changes").json["changes"][0]
        self.assertEqual((change["kind"], change["mode"], change["actor"]),
                         ("evacuation", "emergency", "meridian"))
        self.assertEqual(self.address(f"rw.{GLOBAL_SERVICE}"), ADDRESS["dub"])
        shown = self.server.ctl("site")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("account stays", shown.stdout)


if __name__ == "__main__":
    unittest.main()
