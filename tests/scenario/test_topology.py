"""Topologies that an operator must mean: what moves many places is refused unless confirmed; and a
restart without a usable topology file, which serves what the journal has.
"""

import copy
import json
import subprocess
import unittest

import dns.message

from harness import Meridian, ScenarioCase, binary_from_environment
from small_world import ADDRESS, NETWORKS, SERVICE, TOPOLOGY, ZONE, ndjson

DONE, REFUSED, USAGE = 0, 1, 2


def square(name, west, south):
    """A GeoJSON feature of 4 by 4 degrees."""
    ring = [[west, south], [west + 4, south], [west + 4, south + 4], [west, south + 4],
            [west, south]]
    return {"type": "Feature", "id": name, "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [ring]}}


AREAS = {"type": "FeatureCollection", "features": [square("upper", 8, 58), square("lower", -8, 36)]}
# Two POIs in each area, and what lies in none is west's.
POIS = [{"id": "u1", "lat": 59.0, "lon": 9.0}, {"id": "u2", "lat": 60.0, "lon": 10.0},
        {"id": "l1", "lat": 37.0, "lon": -7.0}, {"id": "l2", "lat": 38.0, "lon": -6.0},
        {"id": "far", "lat": 0.0, "lon": 100.0}]


def fenced(north, south):
    """The small world with these areas for two partitions, and no anchors."""
    topology = copy.deepcopy(TOPOLOGY)
    partitions = topology["zones"][0]["partitions"]
    for partition, area in zip(partitions, (north, south, None)):
        del partition["anchors"]
        if area:
            partition["fences"] = [f"areas/{area}"]
    return topology


class World(ScenarioCase):
    def server(self, label):
        settings = {"geo": {"networks": ["networks.txt"],
                            "fences": [{"id": "areas", "path": "areas.json"}],
                            "catalogues": [{"kind": "poi", "path": "pois.ndjson"}]}}
        files = {"networks.txt": NETWORKS, "areas.json": json.dumps(AREAS),
                 "pois.ndjson": ndjson(POIS)}
        return Meridian(self.workspace.inner(label), fenced("upper", "lower"),
                        {"shop.example": ZONE}, files, settings)

    def address(self, server, name):
        return server.udp(dns.message.make_query(f"{name}.{SERVICE}", "A")).answer[-1][0].address

    def poi_answers(self, server):
        return {poi["id"]: self.address(server, f"{poi['id']}.poi") for poi in POIS}


class MovedPlaces(World):
    def put(self, server, query, topology):
        return server.rest("PUT", f"/v1/topology?reason=swapped{query}", topology)

    def test_fences_that_swap_two_areas_must_be_confirmed(self):
        server = self.start(self.server("swap"))
        before = self.poi_answers(server)
        self.assertEqual(before, {"u1": ADDRESS["ams"], "u2": ADDRESS["ams"], "l1": ADDRESS["mad"],
                                  "l2": ADDRESS["mad"], "far": ADDRESS["dub"]})
        swapped = fenced("lower", "upper")
        over = [{"zone": "order", "places": "pois", "moved": 4, "of": 5, "percent": 80.0}]

        refused = self.put(server, "", swapped)
        self.assertEqual(refused.status, 422, refused)
        self.assertEqual(refused.json["rule"], "places-move")
        self.assertEqual(refused.json["needs_confirmation"], over)
        for text in ("4 of 5 pois (80.00 %)", "confirm"):
            self.assertIn(text, refused.json["reason"])
        shown = self.put(server, "&dry_run=1", swapped)
        self.assertEqual((shown.status, shown.json["applied"]), (200, False), shown)
        self.assertEqual(shown.json["needs_confirmation"], over)
        self.assertEqual(server.rest("GET", "/v1/topology").json["rev"], 1)
        self.assertEqual(self.poi_answers(server), before)

        done = self.put(server, "&confirm_moves=true", swapped)
        self.assertEqual((done.status, done.json["applied"]), (200, True), done)
        self.assertEqual(done.json["confirmed"], over)
        self.assertEqual(self.poi_answers(server),
                         before | {"u1": ADDRESS["mad"], "u2": ADDRESS["mad"],
                                   "l1": ADDRESS["ams"], "l2": ADDRESS["ams"]})
        record = server.rest("GET", f"/v1/versions/{done.json['rev']}").json
        self.assertEqual((record["reason"], record["actor"], record["moves_confirmed"]),
                         ("swapped", "admin", True))
        self.assertIn("place_moves_confirmed", server.log_text())

        # And back, by the tool.
        path = self.workspace.write("back.json", json.dumps(fenced("upper", "lower")))
        order = ("topology", "put", str(path), "--reason", "back")
        plan = server.ctl(*order, "--dry-run")
        self.assertEqual(plan.returncode, DONE, plan.stderr)
        self.assertIn("needs --confirm-moves: zone order, 4 of 5 pois", plan.stdout)
        stopped = server.ctl(*order)
        self.assertEqual(stopped.returncode, REFUSED, stopped.stdout + stopped.stderr)
        self.assertEqual(server.rest("GET", "/v1/topology").json["rev"], done.json["rev"])
        applied = server.ctl(*order, "--confirm-moves")
        self.assertEqual(applied.returncode, DONE, applied.stderr)
        self.assertEqual(self.poi_answers(server), before)

    def test_a_zone_that_goes_away_must_be_confirmed_and_a_new_one_not(self):
        server = self.start(self.server("zones"))
        more = fenced("upper", "lower")
        more["zones"].append({"id": "images", "kind": "stateless", "ezones": ["ams", "dub"]})
        added = self.put(server, "", more)
        self.assertEqual((added.status, added.json["confirmed"]), (200, []), added)
        gone = self.put(server, "", fenced("upper", "lower"))
        self.assertEqual(gone.status, 422, gone)
        self.assertEqual([(row["zone"], row["places"])
                          for row in gone.json["needs_confirmation"]], [("images", "all")])
        self.assertEqual(self.put(server, "&confirm_moves=1", fenced("upper", "lower")).status, 200)


class TopologyFileAtARestart(World):
    def break_it(self, path, how):
        if how == "missing":
            path.unlink()
        elif how == "a folder":
            path.unlink()
            path.mkdir()
        else:
            path.write_text('{"format": 1,\n  "datacenters": 7}')

    def test_the_journal_is_served_without_it(self):
        server = self.server("restart")
        path = server.home / "topology.json"
        good = path.read_text()
        server.start()
        try:
            epoch = server.rest("GET", "/v1/partitions/north").json["epoch"]
            moved = server.rest("POST", "/v1/partitions/north/remap",
                                {"to": "dub", "expected_epoch": epoch, "reason": "before"})
            self.assertEqual(moved.status, 200, moved)
            before = self.poi_answers(server)
            self.assertEqual(before["u1"], ADDRESS["dub"])
            document = server.rest("GET", "/v1/topology").json
            for how in ("missing", "a folder", "invalid"):
                with self.subTest(how=how):
                    server.stop()
                    if path.is_dir():
                        path.rmdir()
                    path.write_text(good)
                    self.break_it(path, how)
                    logged = len(server.log_text())
                    server.start()
                    self.assertEqual(self.poi_answers(server), before)
                    self.assertEqual(server.rest("GET", "/v1/topology").json, document)
                    log = server.log_text()[logged:]
                    self.assertIn("topology_file_invalid", log)
                    self.assertIn(str(path), log)
                    self.assertIn("meridian_topology_file_invalid 1",
                                  server.rest("GET", "/metrics").body.decode())
                    checked = subprocess.run(
                        [binary_from_environment("MERIDIANCTL"), "check", str(server.config_path)],
                        capture_output=True, text=True, timeout=60, check=False)
                    self.assertEqual(checked.returncode, USAGE, checked.stdout)
            server.stop()
            path.write_text(good)
            server.start()
            self.assertIn("meridian_topology_file_invalid 0",
                          server.rest("GET", "/metrics").body.decode())
        finally:
            server.stop()

    def test_a_first_start_needs_it_and_leaves_nothing_behind(self):
        server = self.server("first")
        server.configure()
        self.break_it(server.home / "topology.json", "missing")
        started = subprocess.run(server.command(), capture_output=True, text=True, timeout=60,
                                 check=False, cwd=server.home)
        self.assertEqual(started.returncode, USAGE, started.stderr)
        self.assertIn("topology.json", started.stderr)
        self.assertFalse(server.state_dir.exists())


if __name__ == "__main__":
    unittest.main()
