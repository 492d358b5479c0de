"""The switch of a global zone from dub to ams under 10,000 queries a second.

A hook receiver stands for EMHA and DAL, a feed for both DRC agents. Nothing is asserted on speed: a
busy machine shows its own rate, and only what is right must be right.
"""

import datetime
import unittest

from harness import ScenarioCase
from paced_load import LoadProcess
from small_world import ADDRESS, GLOBAL_SERVICE, SERVICE
from switch_world import (BLOCK_BUDGET_MS, GLOBAL_ZONE, Receiver, TableWatch, rw_name, start_change,
                          switch_world, wait_change, wait_links)
from test_changes import Feed

RATE = 10_000  # queries a second
OLD, NEW = "dub", "ams"


class Dal:
    """Who may write, as an obedient data access layer has it from the hooks."""

    def __init__(self, receiver):
        self.writers = {OLD}
        self.seen = [{OLD}]
        self.wrong = []
        for phase, act in (("block", self.block), ("unblock", self.unblock)):
            receiver.replies[phase] = act

    def block(self, payload):
        self.writers.discard(payload["from"])
        self.seen.append(set(self.writers))
        return 200, b'{"decision": "allow", "evidence": {"read_only": true}}'

    def unblock(self, payload):
        self.writers.add(payload["to"])
        self.seen.append(set(self.writers))
        return 200, b""


def moments(change):
    """{state: seconds since 1970 when it was first entered}, in the order of the journal."""
    times = {}
    for entry in change["log"]:
        at = datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00")).timestamp()
        times.setdefault(entry["state"], at)
    return times


class GlobalSwitch(ScenarioCase):
    def switched(self):
        """One switch under load: the change, the load's report, the table's rows, the DAL, phases."""
        names = [rw_name(), f"snorth.shard.{SERVICE}", f"ro.{GLOBAL_SERVICE}",
                 f"swest.shard.{SERVICE}"]
        with Receiver() as receiver:
            dal = Dal(receiver)
            server = self.start(switch_world(self.workspace, receiver))
            with Feed(server, OLD, NEW) as feed, TableWatch(server, GLOBAL_ZONE) as watch:
                wait_links(server)
                with LoadProcess(server.port, RATE, names) as load:
                    identifier = start_change(server, kind="switch", subjects=[GLOBAL_ZONE], to=NEW)
                    change = wait_change(server, identifier, "DONE", seconds=90.0)
            self.assertIsNone(feed.problem)
            self.assertIsNone(watch.problem)
            return change, load.report, watch.rows(), dal, receiver.phases(identifier)

    def show(self, change, load):
        times = moments(change)
        first = min(times.values())
        timeline = ", ".join(f"{state} {at - first:.3f}" for state, at in times.items())
        print(f"\ntimeline in s: {timeline}\nload: {load}")

    def test_switch(self):
        change, load, rows, dal, phases = self.switched()
        self.show(change, load)
        # DNS: every query got its one address, the rw name's changed once.
        self.assertIsNotNone(load)
        self.assertEqual((load["unanswered"], load["bad"], load["went_back"]), (0, 0, 0))
        self.assertEqual(load["addresses"], [ADDRESS[OLD], ADDRESS[NEW]])
        # The table: one row, hence one owner, and no owner writes between the two.
        steps = [(row["ezone"], row["write_state"]) for row in rows]
        self.assertEqual(list(dict.fromkeys(steps)), [(OLD, "OPEN"), (OLD, "BLOCKED"),
                                                      (NEW, "SWITCHING"), (NEW, "OPEN")])
        revs = [row["rev"] for row in rows]
        self.assertEqual(revs, sorted(set(revs)))
        self.assertGreater(rows[-1]["epoch"], rows[0]["epoch"])
        # The DAL: nobody wrote beside the other.
        self.assertEqual(dal.seen, [{OLD}, set(), {NEW}])
        # Who is asked is waited for; who is told is told beside that, so "reroute" may overtake
        # "committed" (docs/hooks.md, the roles of phases).
        told = ["committed", "drained", "post_success"]
        self.assertEqual([each for each in phases if each not in told],
                         ["pre_check", "pre_block", "block", "verify", "pre_commit", "reroute",
                          "unblock"])
        self.assertEqual([each for each in phases if each in told], told)
        self.assertLess(phases.index("pre_commit"), phases.index("committed"))
        self.assertLess(phases.index("unblock"), phases.index("drained"))
        # The block, as the journal has it: BLOCKING to COMMIT, which is the entry of SHIFTING.
        times = moments(change)
        blocked_ms = (times["SHIFTING"] - times["BLOCKING"]) * 1000
        print(f"writes blocked for {blocked_ms:.0f} ms until COMMIT, "
              f"{(times['DRAINING'] - times['BLOCKING']) * 1000:.0f} ms in all")
        self.assertLess(blocked_ms, BLOCK_BUDGET_MS)
        self.assertTrue(change["waves"][0][0]["barrier"].startswith("log@"))


if __name__ == "__main__":
    unittest.main()
