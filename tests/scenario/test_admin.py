"""REST and meridianctl on the real binaries: every command, and every kind of bad input, which must
get a clear refusal and change nothing."""

import copy
import json
import os
import subprocess
import unittest

import dns.message
import dns.rdatatype

from harness import Meridian, ScenarioCase, binary_from_environment
from small_world import (ADDRESS, CITIES, HOME, NETWORKS, PARTITIONS, POIS, SERVICE, TOPOLOGY, ZONE,
                         ndjson, small_world)
from tiny_mmdb import tiny_mmdb

DONE, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3

BROKEN_ZONE = """\
$ORIGIN shop.example.
$TTL 600
@       3600 IN SOA ns1 hostmaster 8 7200 900 1209600 60
             NS  ns1
ns1          A   192.0.2.53
static       A   192.0.2.99
broken       A   192.0.2
"""

BOW_TIE = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": "bow", "properties": {}, "geometry": {
        "type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 2], [0, 0]]]}}]}


def changed_topology(change):
    topology = copy.deepcopy(TOPOLOGY)
    change(topology)
    return topology


def name_a_missing_site(topology):
    topology["zones"][0]["partitions"][0]["home"] = "mars"


class RunningCase(ScenarioCase):
    """A server for the whole class; what it serves can be compared before and after."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace))

    def ctl_json(self, *arguments):
        done = self.server.ctl("--json", *arguments)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return json.loads(done.stdout)

    def served(self):
        """Table, zones and an answer of each partition: all that a refusal must leave alone."""
        answers = {}
        for partition in PARTITIONS:
            query = dns.message.make_query(f"s{partition}.shard.{SERVICE}", "A")
            answers[partition] = [r.to_text() for r in self.server.udp(query).answer]
        static = self.server.udp(dns.message.make_query("static.shop.example.", "A"))
        zones = self.server.rest("GET", "/v1/zones").json["zones"]
        return {"table": self.server.rest("GET", "/v1/table").json,
                "serials": [(z["name"], z["serial"]) for z in zones],
                "answers": answers, "static": [r.to_text() for r in static.answer]}

    def require_refusal(self, reply, status, error, *texts):
        self.assertEqual(reply.status, status, reply)
        self.assertEqual(reply.json["error"], error)
        for text in texts:
            self.assertIn(text, reply.body.decode())


class BadRequests(RunningCase):
    def setUp(self):
        self.before = self.served()

    def tearDown(self):
        self.assertEqual(self.served(), self.before)

    def test_topology_that_names_a_missing_site(self):
        bad = json.dumps(changed_topology(name_a_missing_site), indent=2)
        line = 1 + bad[:bad.index('"mars"')].count("\n")
        reply = self.server.rest("PUT", "/v1/topology?reason=test", bad.encode())
        self.require_refusal(reply, 400, "invalid", "mars")
        error = reply.json["errors"][0]
        self.assertEqual((error["file"], error["line"], error["field"], error["value"]),
                         ("request", line, "zones[0].partitions[0].home", "mars"))
        path = self.workspace.write("missing_site.json", bad)
        tool = self.server.ctl("topology", "put", str(path), "--reason", "test")
        self.assertEqual(tool.returncode, REFUSED)
        self.assertIn(f"request:{line}:", tool.stderr)
        self.assertIn("mars", tool.stderr)

    def test_remap_with_a_stale_epoch(self):
        current = self.server.rest("GET", "/v1/partitions/north").json["epoch"]
        reply = self.server.rest("POST", "/v1/partitions/north/remap",
                                 {"to": "mad", "expected_epoch": current + 1, "reason": "test"})
        self.require_refusal(reply, 409, "conflict")
        self.assertEqual(reply.json["current_epoch"], current)
        tool = self.server.ctl("shift", "north", "--to", "mad", "--reason", "test",
                               "--expected-epoch", str(current + 1))
        self.assertEqual(tool.returncode, REFUSED)
        self.assertIn(f"current_epoch: {current}", tool.stderr)
        self.assertIn("next: ", tool.stderr)

    def test_remap_to_a_site_that_does_not_exist(self):
        tool = self.server.ctl("shift", "north", "--to", "mars", "--reason", "test")
        self.assertEqual(tool.returncode, REFUSED)
        self.assertIn("mars", tool.stderr)
        self.assertIn("rule: unknown-ezone", tool.stderr)

    def test_wrong_token(self):
        for token in (None, "0" * 64):
            reply = self.server.rest("POST", "/v1/partitions/north/remap",
                                     {"to": "mad", "expected_epoch": 0, "reason": "x"}, token)
            self.require_refusal(reply, 401, "unauthorized")
            self.assertTrue(reply.headers["WWW-Authenticate"].startswith("Bearer"))
        self.assertNotIn(self.server.admin_token, self.server.log_text())

    def test_body_of_100_megabytes(self):
        reply = self.server.rest("PUT", "/v1/topology?reason=test", b" " * 100_000_000, seconds=60)
        self.require_refusal(reply, 413, "too_large", "8388608")

    def test_bad_json_and_unknown_members(self):
        for body in (b"", b"{", b"[]", b'{"to": "mad", "to": "ams"}', b"\xff",
                     b'{"to":"mad","expected_epoch":0,"reason":"x","dryrun":true}'):
            reply = self.server.rest("POST", "/v1/partitions/north/remap", body)
            self.require_refusal(reply, 400, "invalid")
            self.assertGreaterEqual(reply.json["errors"][0]["line"], 1)


class BrokenZoneFile(RunningCase):
    def test_a_reload_with_an_error_on_line_7_changes_nothing(self):
        before = self.served()
        path = self.server.home / "zones" / "shop.example.zone"
        good = path.read_text()
        path.write_text(BROKEN_ZONE)
        reply = self.server.rest("POST", "/v1/zones/reload")
        self.require_refusal(reply, 422, "refused", "shop.example.zone")
        self.assertEqual([error["line"] for error in reply.json["errors"]], [7])
        tool = self.server.ctl("zones", "reload")
        self.assertEqual(tool.returncode, REFUSED)
        self.assertIn("shop.example.zone:7", tool.stderr)
        self.assertEqual(self.served(), before)

        path.write_text(good.replace("hostmaster 7 ", "hostmaster 9 "))
        tool = self.server.ctl("zones", "reload")
        self.assertEqual(tool.returncode, DONE, tool.stderr)
        self.assertEqual(self.served()["serials"], [("shop.example.", 9)])


class BadFilesAtStart(ScenarioCase):
    """The server refuses to start, and `meridianctl check` says the same without it."""

    def world(self, label, topology=TOPOLOGY, zone=ZONE, geo=None, binary_files=None):
        workspace = self.workspace.inner(label)
        settings = {"geo": {"networks": ["networks.txt"],
                            "catalogues": [{"kind": "city", "path": "cities.ndjson"},
                                           {"kind": "poi", "path": "pois.ndjson"}]}}
        settings["geo"].update(geo or {})
        files = {"networks.txt": NETWORKS, "cities.ndjson": ndjson(CITIES),
                 "pois.ndjson": ndjson(POIS)}
        server = Meridian(workspace, topology, {"shop.example": zone}, files, settings)
        for name, content in (binary_files or {}).items():
            (server.home / name).write_bytes(content)
        server.configure()
        return server

    def check(self, server):
        return subprocess.run([binary_from_environment("MERIDIANCTL"), "check",
                               str(server.config_path)],
                              capture_output=True, text=True, timeout=60, check=False)

    def require_good(self, server):
        done = self.check(server)
        self.assertEqual(done.returncode, DONE, done.stderr)

    def require_refused(self, server, *texts):
        checked = self.check(server)
        started = subprocess.run(server.command(), capture_output=True, text=True, timeout=60,
                                 check=False, cwd=server.home)
        for done in (checked, started):
            self.assertEqual(done.returncode, USAGE, done.stderr)
            for text in texts:
                self.assertIn(text, done.stderr)

    def test_good_world(self):
        self.require_good(self.world("good"))

    def test_torn_mmdb(self):
        whole = tiny_mmdb(52.37, 4.90, "NL")
        geo = {"databases": [{"path": "tiny.mmdb"}]}
        self.require_good(self.world("whole", geo=geo, binary_files={"tiny.mmdb": whole}))
        # In the tree, in the record, in the marker, in the metadata; and nothing at all.
        for size in (0, 3, 30, whole.index(b"MaxMind") + 3, len(whole) - 5):
            with self.subTest(size=size):
                server = self.world(f"torn{size}", geo=geo, binary_files={"tiny.mmdb": whole[:size]})
                self.require_refused(server, "tiny.mmdb")

    def test_fence_that_crosses_itself(self):
        topology = changed_topology(
            lambda t: t["zones"][0]["partitions"][0].update(fences=["areas/bow"]))
        server = self.world("bow", topology=topology,
                            geo={"fences": [{"id": "areas", "path": "areas.json"}]},
                            binary_files={"areas.json": json.dumps(BOW_TIE, indent=1).encode()})
        self.require_refused(server, "areas.json:", "cross")

    def test_zone_file_with_an_error_on_line_7(self):
        self.require_refused(self.world("zone", zone=BROKEN_ZONE), "shop.example.zone:7")

    def test_topology_that_names_a_missing_site(self):
        server = self.world("site", topology=changed_topology(name_a_missing_site))
        self.require_refused(server, "topology.json:", "zones[0].partitions[0].home: mars: ")

    def test_tokens_file_with_an_error(self):
        server = self.world("tokens")
        server.state_dir.mkdir()
        (server.state_dir / "tokens.json").write_text('{"format": 1,\n "tokens": [{"name": "a"}]}')
        started = subprocess.run(server.command(), capture_output=True, text=True, timeout=60,
                                 check=False, cwd=server.home)
        self.assertEqual(started.returncode, USAGE, started.stderr)
        self.assertIn("tokens.json:2:", started.stderr)
        self.assertIn("tokens[0].sha256", started.stderr)

    def test_errors_of_all_files_come_together(self):
        server = self.world("all", zone=BROKEN_ZONE,
                            topology=changed_topology(name_a_missing_site))
        self.require_refused(server, "shop.example.zone:7", "mars")


class Tool(RunningCase):
    """Every command of meridianctl, as an operator uses it."""

    def address_of(self, partition):
        query = dns.message.make_query(f"s{partition}.shard.{SERVICE}", "A")
        answer = self.server.udp(query).answer
        return [r[0].to_text() for r in answer if r.rdtype == dns.rdatatype.A]

    def shift(self, partition, site, *more):
        done = self.server.ctl("shift", partition, "--to", site, "--reason", "scenario", *more)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout

    def test_shift_is_served_by_the_next_query_and_can_be_rolled_back(self):
        start = self.ctl_json("table")["rev"]
        self.assertEqual(self.address_of("west"), [ADDRESS[HOME["west"]]])
        self.assertIn("nothing changed", self.shift("west", "ams", "--dry-run"))
        self.assertEqual(self.address_of("west"), [ADDRESS["dub"]])
        self.assertIn("dub -> ams", self.shift("west", "ams"))
        self.assertEqual(self.address_of("west"), [ADDRESS["ams"]])

        difference = self.ctl_json("diff", str(start), str(start + 1))["differences"]
        self.assertEqual([(d["partition"], d["from"], d["to"]) for d in difference],
                         [("west", "dub", "ams")])
        changed = self.server.ctl("table", "--since", str(start))
        self.assertEqual(changed.returncode, DONE, changed.stderr)
        self.assertIn("west", changed.stdout)
        self.assertNotIn("north", changed.stdout)

        back = self.server.ctl("rollback", str(start), "--reason", "scenario",
                               "--expected-rev", str(start + 1))
        self.assertEqual(back.returncode, DONE, back.stderr)
        self.assertEqual(self.address_of("west"), [ADDRESS["dub"]])
        newest = self.ctl_json("versions", "--limit", "1")["versions"][0]
        self.assertEqual((newest["kind"], newest["rolled_back_to"], newest["actor"]),
                         ("rollback", start, "admin"))
        self.assertEqual(self.ctl_json("version", str(newest["rev"])), newest)

    def test_topology_comes_back_and_can_be_put_again(self):
        document = self.ctl_json("topology", "get")
        self.assertEqual(document["topology"], TOPOLOGY)
        moved = changed_topology(lambda t: t["datacenters"][0].update(lat=52.4))
        path = self.workspace.write("moved.json", json.dumps(moved))
        plan = self.server.ctl("topology", "put", str(path), "--reason", "moved", "--dry-run")
        self.assertEqual(plan.returncode, DONE, plan.stderr)
        self.assertIn("changed datacenter ams", plan.stdout)
        self.assertEqual(self.ctl_json("topology", "get"), document)
        stale = self.server.ctl("topology", "put", str(path), "--reason", "moved",
                                "--expected-rev", str(document["rev"] + 5))
        self.assertEqual(stale.returncode, REFUSED)
        self.assertIn(f"current_rev: {document['rev']}", stale.stderr)

    def test_lists_are_aligned_tables(self):
        listed = self.server.ctl("partitions", "--zone", "order")
        self.assertEqual(listed.returncode, DONE, listed.stderr)
        header, *rows = listed.stdout.splitlines()
        self.assertEqual(len(rows), len(PARTITIONS))
        for row in rows:
            self.assertEqual(row[header.index("ZONE"):].split()[0], "order")
        one = self.server.ctl("partition", "north")
        self.assertIn("north", one.stdout)
        zones = self.server.ctl("zones", "list")
        self.assertIn("shop.example.", zones.stdout)
        self.assertIn("meridian_table_rev", self.server.ctl("metrics").stdout)
        self.assertIn("live and ready", self.server.ctl("status").stdout)

    def test_explain_and_resolve_agree_online_and_offline(self):
        for client, partition in (("192.0.2.7", "north"), ("198.51.100.1", "south"),
                                  ("203.0.113.1", "north"), ("192.88.99.9", "west")):
            online = self.ctl_json("explain", SERVICE, "--client", client)
            offline = self.ctl_json("explain", SERVICE, "--client", client, "--config",
                                    str(self.server.config_path))
            self.assertEqual(online["partition"], partition)
            for key in ("partition", "placed_by", "scope", "network", "location", "source"):
                self.assertEqual(offline[key], online[key], key)
            located = self.ctl_json("resolve", SERVICE[:-1], "--client", client)
            self.assertEqual(located["partition"], partition)
        self.assertEqual(self.ctl_json("resolve", SERVICE, "--poi", "museum-1")["partition"],
                         "north")
        self.assertEqual(self.ctl_json("resolve", SERVICE, "--city", "moved")["partition"],
                         "south")
        self.assertEqual(
            self.ctl_json("resolve", SERVICE, "--lat", "37", "--lon", "-4")["partition"], "south")

    def test_exit_codes(self):
        self.assertEqual(self.server.ctl("shift", "north").returncode, USAGE)
        self.assertEqual(self.server.ctl("dance").returncode, USAGE)
        self.assertEqual(self.server.ctl("--help").returncode, DONE)
        self.assertEqual(self.server.ctl("partition", "nowhere").returncode, REFUSED)
        gone = self.server.ctl("--url", "http://127.0.0.1:1", "status")
        self.assertEqual(gone.returncode, UNREACHABLE)
        self.assertIn("no answer from http://127.0.0.1:1", gone.stderr)
        self.assertIn("next: ", gone.stderr)

    def test_token_file_that_others_can_read_is_refused(self):
        path = self.workspace.write("loose.token", self.server.admin_token + "\n")
        path.chmod(0o640)
        loose = self.server.ctl("--token-file", str(path), "table")
        self.assertEqual(loose.returncode, USAGE)
        self.assertIn("chmod 600", loose.stderr)
        path.chmod(0o600)
        self.assertEqual(self.server.ctl("--token-file", str(path), "table").returncode, DONE)

    def test_first_token_is_for_its_owner_only(self):
        mode = os.stat(self.server.state_dir / "admin.token").st_mode & 0o777
        self.assertEqual(mode, 0o600)
        self.assertIn("admin.token", self.server.log_text())
        self.assertNotIn(self.server.admin_token, self.server.log_text())
        self.assertNotIn(self.server.admin_token,
                         (self.server.state_dir / "tokens.json").read_text())


if __name__ == "__main__":
    unittest.main()
