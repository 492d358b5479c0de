"""A gradual shift whose target begins to lag: it pauses by itself before the next wave, and goes on, or
goes back, as it is told. Rule S3 is not overridden here, so the feed needs a minute of past: three
minutes in all.
"""

import json
import unittest

import dns.message

from harness import ANSWER_SECONDS, ScenarioCase, wait_for
from small_world import ADDRESS, SERVICE
from switch_world import change_of, start_change, switch_world, wait_change
from test_changes import Feed

PAST_SECONDS = 90.0  # S3 looks at the last 60 s
LAGGING = {"lag_ms": 9000}
# One partition is a third of the zone.
OVERRIDES = [{"rule": "S7", "reason": "a small world"}]


class GradualLag(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(switch_world(cls.workspace, settings={
            "change": {"max_wave_partitions": 1, "soak_s": 5, "soak_max_s": 60}}))

    def address(self, partition):
        query = dns.message.make_query(f"s{partition}.shard.{SERVICE}", "A")
        return self.server.udp(query).answer[0][0].address

    def lags_well(self, *pairs):
        """Whether the minute past of every direction satisfies S3."""
        worst = {(link["source"], link["target"]): link["worst_lag_60s_ms"]
                 for link in self.server.rest("GET", "/v1/links").json["links"]}
        return all(worst.get(pair) is not None and worst[pair] <= 1000 for pair in pairs)

    def paused_by_lag(self, feed, pair, **members):
        """A gradual change whose first wave has moved, and which then paused because of the lag."""
        identifier = start_change(self.server, mode="gradual", overrides=OVERRIDES, **members)
        wait_change(self.server, identifier, "SOAKING")
        feed.said = {pair: LAGGING}
        wait_for(lambda: change_of(self.server, identifier)["paused"], 30.0, "the pause")
        feed.said = {}
        change = change_of(self.server, identifier)
        self.assertEqual((change["state"], change["wave"], len(change["waves"])), ("SOAKING", 0, 2))
        self.assertIn("S3", change["note"])
        self.assertIsNone(change["log"][-1]["actor"], "nobody told it to")
        return identifier

    def test_it_pauses_goes_on_and_goes_back(self):
        ams, mad = ("ams", "dub"), ("mad", "dub")
        with Feed(self.server, *ams) as ams_feed, Feed(self.server, *mad) as mad_feed:
            wait_for(lambda: self.lags_well(ams, mad, ams[::-1], mad[::-1]), PAST_SECONDS,
                     "a minute of the feed")
            identifier = self.paused_by_lag(ams_feed, ams, subjects=["north", "south"], to="dub")
            self.assertEqual(self.address("north"), ADDRESS["dub"], "what has moved stays")
            self.assertEqual(self.address("south"), ADDRESS["mad"], "the next wave has not begun")
            # Well again, it still waits for somebody.
            wait_for(lambda: self.lags_well(ams, mad), PAST_SECONDS, "a minute without lag")
            self.assertTrue(change_of(self.server, identifier)["paused"])
            ran = self.server.ctl("change", "resume", identifier)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            wait_change(self.server, identifier, "DONE")
            self.assertEqual(self.address("south"), ADDRESS["dub"])
            self.goes_back(ams_feed, ams[::-1])
            self.assertIsNone(ams_feed.problem or mad_feed.problem)

    def goes_back(self, feed, pair):
        """The same on the way home, but rolled back while it is paused."""
        back = self.paused_by_lag(feed, pair, subjects=["north", "west"], to="ams")
        self.assertEqual(self.address("north"), ADDRESS["ams"])
        # The lag that paused it is in the minute past of the way back's other direction only.
        undo = wait_for(lambda: self.rolled_back(back), ANSWER_SECONDS, "a rollback that may begin")
        self.assertEqual(change_of(self.server, back)["state"], "ABORTED")
        wait_change(self.server, undo, "DONE")
        self.assertEqual((self.address("north"), self.address("west")),
                         (ADDRESS["dub"], ADDRESS["dub"]))

    def rolled_back(self, identifier):
        """The id of the rollback; None while S8 wants 5 s between two directions."""
        reply = self.server.rest("POST", f"/v1/changes/{identifier}/rollback",
                                 {"mode": "planned", "reason": "the target lags"})
        if reply.status == 422 and reply.json["rule"] == "S8":
            return None
        self.assertEqual(reply.status, 202, json.dumps(reply.json))
        return reply.json["change"]["id"]


if __name__ == "__main__":
    unittest.main()
