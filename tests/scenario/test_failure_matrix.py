"""What fails, row by row, and what must happen then. Each row is a test here, or a test elsewhere that is
named in ELSEWHERE, and then must exist. Run with -v to see the rows.
"""

import ast
import json
import re
import subprocess
import time
import unittest
from hashlib import sha256
from pathlib import Path

import dns.message

from harness import (ANSWER_SECONDS, STOP_SECONDS, ScenarioCase, free_port, udp_exchange,
                     wait_for)
from small_world import (ADDRESS, GLOBAL_SERVICE, SERVICE, SERVICE_TTL, STATELESS_SERVICE, ndjson)
from switch_world import (GLOBAL_ZONE, Receiver, TableWatch, change_of, rw_name, start_change,
                          switch_world, wait_change, wait_links)
from test_changes import Feed

HERE = Path(__file__).resolve().parent

# Row → tests that hold it, or a further part of it, elsewhere: file below tests/, name of the test.
ELSEWHERE = {
    "dc_down": [("scenario/test_sites.py", "test_2_one_signal_moves_nothing"),
                ("scenario/test_sites.py",
                 "test_3_two_signals_evacuate_the_partitions_and_nothing_else")],
    "emha_dies_before_commit": [
        ("partition/change_engine_test.cc", "ABlockThatNobodyAcknowledgesEndsInTime")],
    "events_after_their_end": [("scenario/test_ha_events.py", "test_2_refusals")],
    "controller_crashes": [
        ("scenario/test_changes.py", "test_4_a_kill_before_commit_gives_the_attempt_up"),
        ("scenario/test_kill.py", "test_every_acknowledged_remap_survives")],
    "all_sites_down": [("scenario/test_health.py", "test_all_down_is_still_an_answer"),
                       ("scenario/test_stateless.py", "test_all_down_policies")],
    # The real binary takes its clock from the system: no seam, and rightly so.
    "bad_fence_upload": [
        ("scenario/test_admin.py", "test_fence_that_crosses_itself"),
        ("scenario/test_topology.py", "test_fences_that_swap_two_areas_must_be_confirmed")],
    "clock_jump": [("partition/change_engine_test.cc", "AClockThatJumpsWhileBlockedStopsTheCommit"),
                   ("partition/change_property_test.cc", "clock.jump")],
}
ROWS = ["dc_down", "replication_link_down", "feed_silent", "emha_dies_before_commit",
        "emha_dies_after_commit", "events_after_their_end", "controller_crashes", "admin_split_brain",
        "resolver_ignores_ttl", "all_sites_down", "target_overload_in_a_ramp", "clock_jump",
        "bad_fence_upload", "table_push_lost"]

NAMES = [rw_name(), f"ro.{GLOBAL_SERVICE}", STATELESS_SERVICE, SERVICE,
         *(f"s{partition}.shard.{SERVICE}" for partition in ("north", "south", "west"))]


class FailureMatrix(ScenarioCase):
    def world(self, receiver=None, **settings):
        """A server for one row."""
        server = switch_world(self.workspace.inner(self.id().rsplit(".", 1)[1]), receiver, settings)
        return self.start(server)

    def address(self, server, name):
        return server.udp(dns.message.make_query(name, "A")).answer[0][0].address

    def answers(self, server):
        """{name: the answer's bytes but for the id} of names of every kind."""
        return {(name, kind): udp_exchange(server.address,
                                           dns.message.make_query(name, kind).to_wire())[2:]
                for name in NAMES for kind in ("A", "AAAA")}

    def row(self, server, subject):
        rows = server.rest("GET", "/v1/table").json["assignments"]
        return next(row for row in rows if subject in (row.get("partition"),
                                                       row.get("global_zone")))

    def refusal(self, server, **members):
        """The reply to a change that must not begin."""
        reply = server.rest("POST", "/v1/changes", {"reason": "must not begin"} | members)
        self.assertEqual(reply.status, 422, reply)
        return reply.json

    def test_every_row_is_held(self):
        here = set(dir(self))
        for row in ROWS:
            self.assertTrue(row in ELSEWHERE or f"test_{row}" in here, row)
            for file, name in ELSEWHERE.get(row, []):
                text = (HERE.parent / file).read_text()
                if file.endswith(".py"):
                    found = name in {node.name for node in ast.walk(ast.parse(text))
                                     if isinstance(node, ast.FunctionDef)}
                else:
                    found = re.search(rf"\b{re.escape(name)}\b", text)
                self.assertTrue(found, f"{row}: {file} has no {name}")

    def test_replication_link_down(self):
        """Both sites go on serving; moves over the link are forbidden, nothing is evacuated."""
        server = self.world(evacuation={"hold_down_s": 1})
        before = self.answers(server)
        with Feed(server, "ams", "mad") as feed:
            feed.said = {("ams", "mad"): {"state": "BROKEN", "lag_ms": None}}
            wait_for(lambda: {(link["source"], link["state"])
                              for link in server.rest("GET", "/v1/links").json["links"]}
                     >= {("ams", "BROKEN"), ("mad", "RUNNING")}, ANSWER_SECONDS, "the broken link")
            refused = self.refusal(server, subjects=["north"], to="mad",
                                   overrides=[{"rule": "S3", "reason": "seen alone"}])
            self.assertEqual(refused["rule"], "S4")
            self.assertIn("BROKEN", json.dumps(refused))
            # The other direction runs, but there would be no way back.
            back = self.refusal(server, subjects=["south"], to="ams",
                                overrides=[{"rule": "S3", "reason": "seen alone"}])
            self.assertEqual(back["rule"], "S4")
            wait_for(lambda: all(site["verdict"] == "well" for site
                                 in server.rest("GET", "/v1/sites").json["sites"]),
                     ANSWER_SECONDS, "both sites well")
        self.assertIsNone(feed.problem)
        self.assertEqual(self.answers(server), before)
        self.assertEqual(server.rest("GET", "/v1/changes").json["changes"], [])

    def test_feed_silent(self):
        """UNKNOWN after ten seconds: what is planned is frozen, answers stay, an emergency may go."""
        server = self.world(evacuation={"hold_down_s": 1})
        before = self.answers(server)
        with Feed(server, "ams", "mad"):
            wait_links(server)
        wait_for(lambda: {link["freshness"] for link in server.rest("GET", "/v1/links").json["links"]}
                 == {"UNKNOWN"}, 20.0, "UNKNOWN links")
        refused = self.refusal(server, subjects=["north"], to="mad")
        self.assertEqual(refused["rule"], "S3")
        self.assertIn("UNKNOWN", json.dumps(refused))
        self.assertEqual(self.answers(server), before)
        self.assertEqual(server.rest("GET", "/v1/changes").json["changes"], [])
        identifier = start_change(server, subjects=["north"], to="mad", mode="emergency")
        change = wait_change(server, identifier, "DRAINING", "SOAKING", "DONE")
        self.assertIsNone(change["waves"][0][0]["lost_ms"])
        self.assertEqual(self.address(server, f"snorth.shard.{SERVICE}"), ADDRESS["mad"])

    def test_emha_dies_before_commit(self):
        """It hangs at `block`: the attempt ends by itself, the old owner is open at a higher epoch."""
        with Receiver() as receiver:
            server = self.world(receiver)
            before = self.row(server, GLOBAL_ZONE)

            def dies(_):
                receiver.hang()
                receiver.alive.wait()
                return 200, b""

            receiver.replies["block"] = dies
            with Feed(server, "dub", "ams"), TableWatch(server, GLOBAL_ZONE) as watch:
                wait_links(server)
                identifier = start_change(server, kind="switch", subjects=[GLOBAL_ZONE], to="ams")
                # `unblock` reaches nobody either: the table is open all the same, and people are asked.
                change = wait_change(server, identifier, "NEEDS_OPERATOR")
                self.assertEqual(change["remaining"], ["unblock"])
                row = self.row(server, GLOBAL_ZONE)
                self.assertEqual((row["ezone"], row["write_state"]), ("dub", "OPEN"))
                self.assertGreater(row["epoch"], before["epoch"])
                self.assertEqual(row["epoch"] % 64, before["epoch"] % 64, "the same owner's slot")
                del receiver.replies["block"]
                receiver.alive.set()
                ran = server.ctl("change", "resume", identifier)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                wait_change(server, identifier, "ABORTED")
            self.assertIsNone(watch.problem)
            self.assertEqual({row["ezone"] for row in watch.rows()}, {"dub"})
            self.assertNotIn("committed", receiver.phases(identifier))
            self.assertEqual(self.address(server, rw_name()), ADDRESS["dub"])

    def test_emha_dies_after_commit(self):
        """It goes forward, then says exactly what was not done; resumed, it does that and ends."""
        with Receiver() as receiver:
            server = self.world(receiver)

            def last_word(_):
                # Whatever comes after this answer is not answered.
                receiver.replies["reroute"] = receiver.replies["unblock"] = lost
                return 200, b""

            def lost(_):
                return 503, b""

            receiver.replies["pre_commit"] = last_word
            with Feed(server, "dub", "ams"), TableWatch(server, GLOBAL_ZONE) as watch:
                wait_links(server)
                identifier = start_change(server, kind="switch", subjects=[GLOBAL_ZONE], to="ams")
                change = wait_change(server, identifier, "NEEDS_OPERATOR")
                self.assertEqual(change["remaining"], ["reroute", "unblock"])
                row = self.row(server, GLOBAL_ZONE)
                self.assertEqual((row["ezone"], row["write_state"]), ("ams", "OPEN"))
                self.assertEqual(self.address(server, rw_name()), ADDRESS["ams"])
                late = server.rest("POST", f"/v1/changes/{identifier}/abort")
                self.assertEqual(late.status, 422, late)
                receiver.replies.clear()
                asked = len(receiver.calls)
                ran = server.ctl("change", "resume", identifier)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                change = wait_change(server, identifier, "DONE")
            self.assertEqual(change["remaining"], [])
            again = [call["phase"] for call in receiver.calls[asked:]]
            self.assertEqual([phase for phase in again if phase in ("reroute", "unblock")],
                             ["reroute", "unblock"])
            owners = list(dict.fromkeys(row["ezone"] for row in watch.rows()))
            self.assertEqual(owners, ["dub", "ams"], "never back")

    def test_controller_crashes(self):
        """Killed and started again, it has the same table and the same bytes in every answer."""
        server = self.world()
        epoch = self.row(server, "north")["epoch"]
        moved = server.rest("POST", "/v1/partitions/north/remap",
                            {"to": "mad", "expected_epoch": epoch, "reason": "before the crash"})
        self.assertEqual(moved.status, 200, moved)
        before, table = self.answers(server), server.rest("GET", "/v1/table").json
        server.kill9()
        server.start()
        self.assertEqual(self.answers(server), before)
        self.assertEqual(server.rest("GET", "/v1/table").json, table)

    def test_admin_split_brain(self):
        """One node has no quorum to lose. Two admins who saw the same epoch: the first one wins. And
        no second process takes the same state."""
        server = self.world()
        epoch = self.row(server, "north")["epoch"]
        orders = [server.rest("POST", "/v1/partitions/north/remap",
                              {"to": to, "expected_epoch": epoch, "reason": "mine"})
                  for to in ("mad", "dub")]
        self.assertEqual([reply.status for reply in orders], [200, 409])
        row = self.row(server, "north")
        self.assertEqual((row["ezone"], orders[1].json["current_epoch"]), ("mad", row["epoch"]))
        # With ports of its own, so that only the state is in its way.
        text = server.config_path.read_text()
        for port in (server.port, server.admin_port):
            text = text.replace(f":{port}\"", f":{free_port()}\"")
        config = server.config_path.with_name("second.toml")
        config.write_text(text)
        second = subprocess.run([server.binary, "--config", str(config)], capture_output=True,
                                text=True, timeout=STOP_SECONDS, check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("state", second.stdout + second.stderr)
        self.assertNotIn("already in use", second.stdout + second.stderr)
        self.assertEqual(self.row(server, "north"), row)

    def test_resolver_ignores_ttl(self):
        """The old site's endpoint stays configured and is drained for three TTLs; the move back is
        one order, so stale arrivals can be sent on for as long as wanted."""
        server = self.world()
        identifier = start_change(server, subjects=["north"], to="mad", mode="emergency")
        draining = wait_change(server, identifier, "DRAINING")
        self.assertGreaterEqual(draining["stale_share"], 0, "how much may still come to the old site")
        row = self.row(server, "north")
        self.assertEqual((row["ezone"], row["prev_ezone"]), ("mad", "ams"))
        done = wait_change(server, identifier, "DONE")
        self.assertIn("three TTLs have passed", [entry["note"] for entry in done["log"]])
        # A router that is asked by a stale client finds the owner by the shard's name.
        told = server.rest("GET", f"/v1/resolve?service={SERVICE[:-1]}&lat=60&lon=10").json
        self.assertEqual((told["ezone"], told["epoch"]), ("mad", row["epoch"]))
        topology = server.rest("GET", "/v1/topology").json["topology"]
        service = next(each for each in topology["services"] if each["name"] == SERVICE[:-1])
        self.assertIn("ams", service["endpoints"], "a change takes no endpoint away")

    def test_all_sites_down(self):
        """Every name still has an address, and owners stay."""
        server = self.world()
        before = {name: self.address(server, name) for name in NAMES}
        override = server.rest("POST", "/v1/health/overrides",
                               {"glob": "datacenter/*", "state": "DOWN", "reason": "all at once"})
        self.assertEqual(override.status, 200, override)
        for name in NAMES:
            answer = server.udp(dns.message.make_query(name, "A"))
            self.assertEqual((answer.rcode(), len(answer.answer)), (0, 1), name)
            self.assertLessEqual(answer.answer[0].ttl, SERVICE_TTL)
        for name in (rw_name(), *NAMES[-3:]):
            self.assertEqual(self.address(server, name), before[name])

    def load(self, server, **units):
        lines = [{"ezone": ezone, "units": amount, "capacity_units": 100,
                  "ts": int(time.time() * 1000)} for ezone, amount in units.items()]
        reply = server.rest("POST", "/v1/load", ndjson(lines).encode())
        self.assertEqual((reply.status, reply.json["rejected"]), (200, []), reply)

    def test_target_overload_in_a_ramp(self):
        """A gradual shift pauses before its second wave and takes nothing back by itself."""
        server = self.world(change={"max_wave_partitions": 1, "soak_s": 5, "soak_max_s": 30})
        overrides = [{"rule": rule, "reason": "young world"} for rule in ("S2", "S3", "S7")]
        with Feed(server, "ams", "dub"), Feed(server, "mad", "dub"):
            wait_links(server, 4)
            identifier = start_change(server, subjects=["north", "south"], to="dub", mode="gradual",
                                      overrides=overrides[1:])
            wait_change(server, identifier, "SOAKING")
            self.load(server, ams=20, mad=20, dub=99)
            wait_for(lambda: change_of(server, identifier)["paused"], 40.0, "the pause")
            change = change_of(server, identifier)
            self.assertEqual((change["state"], change["wave"]), ("SOAKING", 0))
            first = change["waves"][0][0]["subject"]
            second = change["waves"][1][0]["subject"]
            self.assertEqual(self.row(server, first)["ezone"], "dub", "not reversed")
            self.assertNotEqual(self.row(server, second)["ezone"], "dub", "not begun")
            self.assertEqual(len(server.rest("GET", "/v1/changes").json["changes"]), 1)

    def test_bad_fence_upload(self):
        """What cannot be is refused with its place and changes nothing; what can be shows beforehand
        how many places would change their partition, and many need a confirmation."""
        # Its few addresses are far below one percent of all.
        server = self.world(topology={"max_moved_percent": 0})
        before = self.answers(server)
        current = server.rest("GET", "/v1/topology").json
        topology = current["topology"]
        partitions = next(zone for zone in topology["zones"] if zone["id"] == "order")["partitions"]
        partitions[0]["fences"] = ["areas/nowhere"]
        refused = server.rest("PUT", "/v1/topology?reason=fences", topology)
        self.assertIn(refused.status, (400, 422), refused)
        self.assertIn("areas/nowhere", refused.body.decode())
        del partitions[0]["fences"]
        partitions[0]["anchors"], partitions[1]["anchors"] = (partitions[1]["anchors"],
                                                              partitions[0]["anchors"])
        shown = server.rest("PUT", "/v1/topology?reason=swapped&dry_run=1", topology)
        self.assertEqual((shown.status, shown.json["applied"]), (200, False), shown)
        moved = next(row for row in shown.json["diff"]["placements"] if row["zone"] == "order")
        self.assertGreater(moved["ipv4_addresses"], 0, "203.0.113.0/24 is placed by its anchor")
        self.assertIn("order", [row["zone"] for row in shown.json["needs_confirmation"]])
        unconfirmed = server.rest("PUT", "/v1/topology?reason=swapped", topology)
        self.assertEqual((unconfirmed.status, unconfirmed.json["rule"]), (422, "places-move"),
                         unconfirmed)
        self.assertEqual(server.rest("GET", "/v1/topology").json["rev"], current["rev"])
        self.assertEqual(self.answers(server), before)

    def test_table_push_lost(self):
        """A consumer that missed pushes sees it by the rev, asks `since`, and has the same table."""
        server = self.world()
        first = server.rest("GET", "/v1/table").json
        mine = {row.get("partition") or row["global_zone"]: row for row in first["assignments"]}
        for to in ("mad", "dub", "mad"):
            epoch = self.row(server, "north")["epoch"]
            moved = server.rest("POST", "/v1/partitions/north/remap",
                                {"to": to, "expected_epoch": epoch, "reason": "pushed, not heard"})
            self.assertEqual(moved.status, 200, moved)
        reply = server.rest("GET", f"/v1/table?since={first['rev']}")
        head, *rows = [json.loads(line) for line in reply.body.splitlines()]
        self.assertEqual((head["since"], head["rev"]), (first["rev"], first["rev"] + 3))
        mine |= {row.get("partition") or row["global_zone"]: row for row in rows}
        whole = server.rest("GET", "/v1/table").json
        # In the order of the first snapshot, which the topology gives.
        text = json.dumps(list(mine.values()), sort_keys=True, separators=(",", ":"),
                          ensure_ascii=False)
        self.assertEqual(list(mine.values()), whole["assignments"])
        self.assertEqual(sha256(text.encode()).hexdigest(), head["sha256"])
        self.assertEqual(server.rest("GET", "/v1/table?since=99").status, 409)


if __name__ == "__main__":
    unittest.main()
