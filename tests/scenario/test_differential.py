"""Meridian against NSD and Knot: the same zones, the same queries, the same answers.

Each world is a set of hand-written corner zones and random ones, made from a seed; each query is
asked to all servers. RCODE, AA, the answer section (the order of a chain counts), the authority
section, and the in-domain glue of a referral must be equal. Where the two oracles differ,
known_differences.py says which one is right; a difference that it does not know is a failure.

A failure prints the seed, the query, all answers and where the zone files are kept.
MERIDIAN_LONG=1 asks 100,000 queries instead of 6,000.
"""

import contextlib
import os
import random
import unittest
from collections import Counter
from pathlib import Path

import dns.rdatatype

from dns_compare import MalformedAnswer, same, view
from harness import Meridian, ScenarioCase
from known_differences import Case, LoadedZones, explain
from peer_servers import Knot, Nsd
from query_generator import Query, QueryGenerator, corner_queries
from udp_pipeline import exchange
from zone_generator import generate_zones, read_zone

CORNER_ZONES = Path(__file__).parent / "corner_zones"
LONG = os.environ.get("MERIDIAN_LONG") == "1"
SEEDS = range(1, 21) if LONG else range(1, 3)
QUERIES = 5000 if LONG else 3000
RANDOM_ZONES = 40
_BATCH = 5000
_MAX_SHOWN = 5

# Meridian needs a topology, even when no name is a service.
TOPOLOGY = {
    "format": 1,
    "datacenters": [{"id": "dal", "region": "us", "lat": 32.78, "lon": -96.8, "slot": 0,
                     "admin_state": "IN_SERVICE"}],
    "zones": [{"id": "web", "kind": "stateless", "ezones": ["dal"]}],
    "services": [],
}


class World:
    """The zones of one seed, their files, and queries that aim at them."""

    def __init__(self, seed, workspace):
        self.rng = random.Random(seed)
        self.corners = [read_zone(path) for path in sorted(CORNER_ZONES.glob("*.zone"))]
        self.zones = self.corners + generate_zones(self.rng, RANDOM_ZONES)
        self.directory = workspace.directory("zones")
        self.files = {zone.name: workspace.write(f"zones/{zone.file_name}", zone.text)
                      for zone in self.zones}
        self.loaded = LoadedZones(self.zones)

    def queries(self):
        generator = QueryGenerator(self.rng, self.zones)
        return corner_queries(self.corners) + [generator.next() for _ in range(QUERIES)]


class Judge:
    """Compares the answers to one query; counts what it saw."""

    def __init__(self, world):
        self.world = world
        self.seen = Counter()
        self.complaints = []

    def judge(self, query, answers):
        """answers: {server name: bytes}, of "nsd", "knot" and perhaps "meridiand"."""
        self.seen["pairs"] += 1
        try:
            views = {name: view(query, wire) for name, wire in answers.items()}
        except MalformedAnswer as error:
            shown = {name: wire.hex() for name, wire in answers.items()}
            self._complain(query, f"malformed: {error}", shown)
            return
        case = Case(query, self._oracle(views["nsd"]), self._oracle(views["knot"]),
                    self.world.loaded)
        known = None
        if not same(case.nsd, case.knot):
            known = explain(case)
            if known is None:
                self._complain(query, "the oracles differ and the list does not say why", views)
                return
            self.seen[known.name] += 1
        if "meridiand" in views:
            self._judge_meridian(case, known, views)

    def _oracle(self, answer):
        """Both oracles repeat records in loops; Meridian must not."""
        once = answer.without_repetitions()
        self.seen["an oracle repeats a record"] += once != answer
        return once

    def _judge_meridian(self, case, known, views):
        ours = views["meridiand"]
        right = known.accepts(case, ours) if known else same(ours, case.nsd)
        if not right:
            self._complain(case.query, f"meridiand differs; rule {known.name if known else '-'}",
                           views)
        elif not set(ours.glue) <= set(case.nsd.glue) | set(case.knot.glue):
            self._complain(case.query, "meridiand adds records that no oracle has", views)

    def _complain(self, query, what, answers):
        shown = "\n".join(f" {name}:\n{answer}" for name, answer in answers.items())
        self.complaints.append(f"{query}\n {what}\n{shown}")


class DifferentialCase(ScenarioCase):
    """What both classes below share."""

    def compare(self, seed, *more_servers):
        """One world. more_servers: functions from (workspace, world) to a server."""
        workspace = self.workspace.inner(f"seed-{seed}")
        world = World(seed, workspace)
        judge = Judge(world)
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(server) for server in (
                Nsd(workspace, world.files), Knot(workspace, world.files),
                *(make(workspace, world) for make in more_servers))]
            for server in servers:
                self.require_loaded(server, world)
            queries = world.queries()
            for start in range(0, len(queries), _BATCH):
                batch = queries[start:start + _BATCH]
                answers = [exchange(server.address, batch) for server in servers]
                for query, *wires in zip(batch, *answers):
                    judge.judge(query, dict(zip((s.name for s in servers), wires)))
        print(f"seed {seed}: {dict(judge.seen)}", flush=True)
        if judge.complaints:
            self.fail(f"seed {seed}: {len(judge.complaints)} of {judge.seen['pairs']} differ; "
                      f"zones in {world.directory}\n" + "\n".join(judge.complaints[:_MAX_SHOWN]))

    def require_loaded(self, server, world):
        """Every server must serve every zone, or a difference would only be one of loading."""
        queries = [Query(zone.origin, dns.rdatatype.SOA) for zone in world.zones]
        for query, wire in zip(queries, exchange(server.address, queries)):
            answer = view(query, wire)
            self.assertTrue(answer.rcode == "NOERROR" and answer.aa and answer.answer,
                            f"{server.name} does not serve {query.qname}:\n{answer}")


class OraclesAgree(DifferentialCase):
    """NSD equals Knot but for the known differences: what the other class stands on, and the test
    of the test. (The other class requires it of every seed, too.)"""

    def test_oracles_agree(self):
        self.compare(SEEDS[0])


class MeridianAgrees(DifferentialCase):
    """Meridian equals the oracles."""

    def test_meridian_agrees(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.compare(seed, self.make_meridian)

    @staticmethod
    def make_meridian(workspace, world):
        settings = {"dns": {"udp_payload_max": 4096, "zones_dir": str(world.directory)}}
        return Meridian(workspace, TOPOLOGY, zones={}, settings=settings)


if __name__ == "__main__":
    unittest.main()
