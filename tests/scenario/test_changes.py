"""Changes on the real binaries: what each step shows to DNS, to REST and to a restart.

The feed is a thread that reports both directions of a pair of sites, as two agents would.
"""

import copy
import threading
import time
import unittest

import dns.message

import small_world
from harness import ANSWER_SECONDS, Meridian, ScenarioCase, wait_for
from small_world import ADDRESS, SERVICE, ndjson

STEADY_TTL = 6  # s: a change waits for this and 5 s more before it blocks
PREPARED_TTL = 5


class Feed:
    """Reports that both directions between two sites run well, several times a second.

    `said` overrides members of a direction's reports: {("ams", "mad"): {"lag_ms": 9000}}.
    """

    def __init__(self, server, one, other):
        self.server = server
        self.pairs = [(one, other), (other, one)]
        self.said = {}
        self.stop = threading.Event()
        self.problem = None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def run(self):
        seq = 0
        try:
            while not self.stop.is_set():
                seq += 1
                now = int(time.time() * 1000)
                for source, target in self.pairs:
                    agent = f"drc-{source}-{target}"
                    lines = [{"type": "hello", "v": 1, "agent": agent, "dc": target, "boot": "b1"},
                             {"type": "link", "seq": seq, "source": source, "target": target,
                              "channel": "order", "state": "RUNNING", "lag_ms": 20, "ts": now,
                              "src_pos": f"log@{seq}", "applied_pos": f"log@{seq}"}
                             | self.said.get((source, target), {})]
                    reply = self.server.rest("POST", "/v1/drc/feed", ndjson(lines).encode())
                    if reply.status != 200 or reply.json.get("rejected"):
                        raise AssertionError(f"{reply}")
                self.stop.wait(0.2)
        except Exception as error:  # shown by the test: a thread cannot fail it
            self.problem = error


class Changes(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        topology = copy.deepcopy(small_world.TOPOLOGY)
        for service in topology["services"]:
            service["ttl"] = STEADY_TTL
        server = Meridian(cls.workspace, topology, {"shop.example": small_world.ZONE},
                          {"networks.txt": small_world.NETWORKS},
                          {"geo": {"networks": ["networks.txt"]}})
        cls.server = cls.start(server)

    def answer(self, partition):
        """Address and TTL that the partition's name has now."""
        query = dns.message.make_query(f"s{partition}.shard.{SERVICE}", "A")
        rrset = self.server.udp(query).answer[0]
        return rrset[0].address, rrset.ttl

    def started(self, *arguments):
        """Starts a change; its id."""
        ran = self.server.ctl("change", *arguments)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return self.server.rest("GET", "/v1/changes?limit=1").json["changes"][0]["id"]

    def change(self, identifier):
        return self.server.rest("GET", f"/v1/changes/{identifier}").json

    def wait_state(self, identifier, *states, seconds=60.0):
        wait_for(lambda: self.change(identifier)["state"] in states, seconds,
                 f"{identifier} in {states}",
                 lambda: self.assertNotIn(self.change(identifier)["state"],
                                          {"ABORTED", "NEEDS_OPERATOR"} - set(states)))

    def states(self, identifier):
        return [entry["state"] for entry in self.change(identifier)["log"]]

    def test_1_without_a_feed_nothing_planned_begins(self):
        ran = self.server.ctl("change", "shift", "north", "--to", "mad", "--reason", "no feed")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("S3", ran.stderr)
        self.assertIn("UNKNOWN", ran.stderr)
        self.assertEqual(self.server.rest("GET", "/v1/changes").json["changes"], [])
        self.assertEqual(self.answer("north"), (ADDRESS["ams"], STEADY_TTL))

    def test_2_an_emergency_moves_at_once_and_says_what_may_be_lost(self):
        identifier = self.started("shift", "west", "--to", "ams", "--mode", "emergency",
                                  "--reason", "dub is on fire")
        self.wait_state(identifier, "DRAINING", seconds=ANSWER_SECONDS)
        self.assertEqual(self.answer("west"), (ADDRESS["ams"], STEADY_TTL))
        item = self.change(identifier)["waves"][0][0]
        self.assertTrue(item["moved"])
        self.assertIsNone(item["lost_ms"])
        self.assertNotIn("BLOCKING", self.states(identifier))
        late = self.server.rest("POST", f"/v1/changes/{identifier}/abort")
        self.assertEqual(late.status, 422, late)
        self.assertIn("roll it back", late.json["reason"])

    def test_3_a_planned_shift_prepares_blocks_and_moves(self):
        with Feed(self.server, "ams", "mad") as feed:
            wait_for(lambda: len(self.server.rest("GET", "/v1/links").json["links"]) == 2,
                     ANSWER_SECONDS, "both links")
            # S3 would want 60 s of the feed's past; to S7 a third of the zone is too much.
            identifier = self.started("shift", "north", "--to", "mad", "--override", "S3",
                                      "--override", "S7",
                                      "--reason", "planned")
            self.wait_state(identifier, "PREPARED", seconds=ANSWER_SECONDS)
            self.assertEqual(self.answer("north"), (ADDRESS["ams"], PREPARED_TTL))
            row = self.server.rest("GET", "/v1/partitions/north").json
            self.assertTrue(row["prepared"])
            other = self.server.rest("POST", "/v1/partitions/north/remap",
                                     {"to": "dub", "expected_epoch": row["epoch"],
                                      "reason": "in between"})
            self.assertEqual((other.status, other.json["rule"]), (422, "change-active"))
            self.wait_state(identifier, "DRAINING")
            self.assertIsNone(feed.problem)
        self.assertEqual(self.answer("north"), (ADDRESS["mad"], STEADY_TTL))
        states = self.states(identifier)
        self.assertEqual(states[:6], ["PRECHECK", "PREPARED", "PREBLOCK", "BLOCKING",
                                      "CATCHING_UP", "CATCHING_UP"])
        row = self.server.rest("GET", "/v1/partitions/north").json
        self.assertEqual((row["write_state"], row["prepared"], row["change"]),
                         ("OPEN", False, identifier))
        self.assertTrue(self.change(identifier)["waves"][0][0]["barrier"].startswith("log@"))

    def test_3b_a_hold_refuses_until_it_is_released(self):
        placed = self.server.ctl("hold", "place", "partition", "south", "--holder", "dcp",
                                 "--reason", "nightly comparison", "--expires", "2h")
        self.assertEqual(placed.returncode, 0, placed.stderr)
        ran = self.server.ctl("change", "shift", "south", "--to", "dub", "--override", "S3",
                              "--override", "S4", "--override", "S7", "--reason", "held")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("S14", ran.stderr)
        self.assertIn("dcp holds south", ran.stderr)
        self.server.kill9()
        self.server.start()
        listed = self.server.ctl("hold")
        self.assertIn("nightly comparison", listed.stdout)
        released = self.server.ctl("hold", "release", "h-1")
        self.assertEqual(released.returncode, 0, released.stderr)
        self.assertEqual(self.server.rest("GET", "/v1/holds").json["holds"], [])

    def test_4_a_kill_before_commit_gives_the_attempt_up(self):
        with Feed(self.server, "mad", "dub"):
            wait_for(lambda: len(self.server.rest("GET", "/v1/links?source=dub").json["links"]) == 1,
                     ANSWER_SECONDS, "the link")
            identifier = self.started("shift", "south", "--to", "dub", "--override", "S3",
                                      "--override", "S7",
                                      "--reason", "killed")
            self.wait_state(identifier, "PREPARED", seconds=ANSWER_SECONDS)
        self.server.kill9()
        self.server.start()
        self.wait_state(identifier, "ABORTED", seconds=ANSWER_SECONDS)
        self.assertIn("restarted before COMMIT", self.change(identifier)["note"])
        self.assertEqual(self.answer("south"), (ADDRESS["mad"], STEADY_TTL))
        watched = self.server.ctl("change", "watch", identifier)
        self.assertEqual(watched.returncode, 1)
        self.assertIn("PREPARED", watched.stdout)


if __name__ == "__main__":
    unittest.main()
