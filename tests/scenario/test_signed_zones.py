"""Zones that were signed elsewhere: Meridian against NSD, Knot and BIND, and before validators.

Generated zones are signed with NSEC, NSEC3 and NSEC3 with opt-out. Each query is asked of all
servers with DO and without, and whole sections are compared, signatures and denials included. That
an answer proves what it says is judged by others, too: Unbound and delv, which only trust the keys.

A failure prints the seed, the query, all answers and where the zone files are kept.
MERIDIAN_LONG=1 asks ten times as many queries of four times as many zones.
"""

import dataclasses
import os
import random
import shutil
import subprocess
import unittest
from collections import Counter
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from dns_compare import MalformedAnswer, same, view
from harness import LOOPBACK, HarnessError, Meridian, ScenarioCase
from known_differences import Case, SignedCase, explain, explain_signed
from peer_servers import Bind, Knot, Nsd, Unbound
from query_generator import Query, QueryGenerator, corner_queries
from test_differential import TOPOLOGY
from udp_pipeline import exchange
from zone_generator import Zone, child, generate_zones, read_zone
from zone_signer import MODES, delegation_signer, sign, tame, trust_anchor

CORNER_ZONES = Path(__file__).parent / "corner_zones"
LONG = os.environ.get("MERIDIAN_LONG") == "1"
SEEDS = range(1, 5) if LONG else range(1, 2)
QUERIES = 10000 if LONG else 1000
RANDOM_ZONES = 30
_MAX_SHOWN = 4
_DNSSEC_TYPES = ["DNSKEY", "NSEC", "NSEC3PARAM", "RRSIG", "CDS", "CDNSKEY", "NSEC3"]
_MAX_ALIASES = 6  # Unbound gives up on chains that are not much longer

ROOT = """. 3600 IN SOA ns.invalid. host.invalid. 1 7200 900 1209600 60
. 3600 IN NS ns.invalid.
"""


class SignedWorld:
    """Zones of one seed, signed in one mode; what the signer cannot sign is left out. nested: zones
    below others, too, which have no DS there."""

    def __init__(self, seed, mode, workspace, nested=True):
        self.mode = mode
        self.rng = random.Random(f"{seed} {mode}")
        corners = [read_zone(path) for path in sorted(CORNER_ZONES.glob("*.zone"))
                   if not path.name.startswith("long-")]
        plain = corners + [tame(zone) for zone in generate_zones(self.rng, RANDOM_ZONES)]
        if not nested:
            origins = {zone.origin for zone in plain}
            plain = [zone for zone in plain if not any(
                zone.origin != other and zone.origin.is_subdomain(other) for other in origins)]
        signed = [sign(workspace, zone, mode) for zone in plain]
        self.zones = [zone for zone in signed if zone is not None]
        if len(self.zones) * 4 < len(plain) * 3:
            raise HarnessError(f"only {len(self.zones)} of {len(plain)} zones could be signed")
        self.corners = [zone for zone in self.zones if zone.origin in {c.origin for c in corners}]
        self.directory = workspace.directory("zones")
        self.files = {zone.name: workspace.write(f"zones/{zone.file_name}", zone.text)
                      for zone in self.zones}
        self._origins = {zone.origin for zone in self.zones}
        self._owners = {owner for zone in self.zones for owner in zone.owners()}
        self._names = {dns.name.Name(owner.labels[i:]) for owner in self._owners
                       for i in range(len(owner.labels))}

    def is_empty_wildcards(self, qname):
        """Whether the wildcard that would make this name is an empty non-terminal."""
        if qname in self._names:
            return False
        encloser = qname
        while encloser not in self._names:
            encloser = encloser.parent()
        wildcard = child(encloser, b"*")
        return wildcard in self._names and wildcard not in self._owners

    def queries(self, count):
        generator = QueryGenerator(self.rng, self.zones, _DNSSEC_TYPES)
        return [generator.next() for _ in range(count)]

    def zone_of(self, qname):
        """Origin of the nearest loaded zone above or at qname, or None."""
        while qname not in self._origins:
            if qname == dns.name.root:
                return None
            qname = qname.parent()
        return qname


def in_order(answer):
    """Signatures of the answer section behind all else, sorted: Knot writes them behind the whole
    chain. A resolver does not mind (RFC 4035 §3.1.1 names no order)."""
    is_signature = [s.rtype.startswith("RRSIG") for s in answer.answer]
    data = [s for s, signature in zip(answer.answer, is_signature) if not signature]
    signatures = [s for s, signature in zip(answer.answer, is_signature) if signature]
    return dataclasses.replace(answer, answer=tuple(
        data + sorted(signatures, key=lambda s: (s.owner, s.rtype))))


def without_dnssec(answer):
    """What the answer would be without DO, unless a type of DNSSEC was asked for."""
    def plain(sets):
        return tuple(s for s in sets if not s.rtype.startswith(("RRSIG", "NSEC")) )

    authority = plain(answer.authority)
    if answer.is_referral:
        authority = tuple(s for s in authority if s.rtype != "DS")
    return dataclasses.replace(answer, answer=plain(answer.answer), authority=authority)


def serve(workspace, directory):
    settings = {"dns": {"udp_payload_max": 4096, "zones_dir": str(directory)}}
    return Meridian(workspace, TOPOLOGY, zones={}, settings=settings)


class SignedAnswersAgree(ScenarioCase):
    """With DO and without, Meridian's sections are those of NSD, Knot and BIND, but for differences
    that known_differences.py gives the reason of."""

    def test_answers_agree(self):
        for seed in SEEDS:
            for mode in MODES:
                with self.subTest(seed=seed, mode=mode):
                    self._compare(seed, mode)

    def _compare(self, seed, mode):
        workspace = self.workspace.inner(f"{mode}-{seed}")
        world = SignedWorld(seed, mode, workspace)
        with Nsd(workspace, world.files) as nsd, Knot(workspace, world.files) as knot, \
                Bind(workspace, world.files) as bind, \
                serve(workspace, world.directory) as meridian:
            servers = [nsd, knot, bind, meridian]
            for server in (nsd, knot, meridian):
                self._require_loaded(server, world)
            plain = corner_queries(world.corners)
            plain = world.rng.sample(plain, min(len(plain), QUERIES)) + world.queries(QUERIES)
            queries = [Query(q.qname, q.qtype, q.rd, q.edns or 4096, world.rng.random() < 0.8)
                       for q in plain]
            answers = [exchange(server.address, queries) for server in servers]
        seen, complaints = Counter(), []
        for query, *wires in zip(queries, *answers):
            complaint = self._judge(world, query, wires, seen)
            if complaint:
                complaints.append(complaint)
        print(f"seed {seed} {mode}: {len(world.zones)} zones, {dict(seen)}", flush=True)
        if complaints:
            self.fail(f"seed {seed} {mode}: {len(complaints)} of {len(queries)} differ; zones in "
                      f"{world.directory}\n" + "\n".join(complaints[:_MAX_SHOWN]))

    def _require_loaded(self, server, world):
        queries = [Query(zone.origin, dns.rdatatype.SOA) for zone in world.zones]
        for query, wire in zip(queries, exchange(server.address, queries)):
            answer = view(query, wire)
            self.assertTrue(answer.rcode == "NOERROR" and answer.aa and answer.answer,
                            f"{server.name} does not serve {query.qname}:\n{answer}")

    @staticmethod
    def _judge(world, query, wires, seen):
        seen["queries"] += 1
        try:
            nsd, knot, bind, ours = (in_order(view(query, wire).without_repetitions())
                                     for wire in wires)
        except MalformedAnswer as error:
            return f"{query}\n malformed: {error}"
        answers = {"nsd": nsd, "knot": knot, "bind": bind}
        # BIND does not load zones whose name servers have no address, and gives up on long chains.
        if bind.rcode == "SERVFAIL":
            del answers["bind"]
        bare = {name: without_dnssec(answer) for name, answer in answers.items()}
        case = Case(query, bare["nsd"], bare["knot"], world.zone_of)
        complaint = None
        if not same(case.nsd, case.knot):
            known = explain(case)
            seen[known.name if known else "-"] += 1
            if known is None or not known.accepts(case, without_dnssec(ours)):
                complaint = f"rule {known.name if known else '-'}"
        elif not same(case.nsd, without_dnssec(ours)):
            complaint = "beside DNSSEC"
        # Those that say the same beside DNSSEC.
        peers = {name: answer for name, answer in answers.items()
                 if same(bare[name], without_dnssec(ours))}
        different = {name for name, answer in peers.items() if not same(answer, ours)}
        seen[f"{len(peers) - len(different)} of {len(peers)} agree"] += 1
        for name in different:
            known = explain_signed(SignedCase(query, name, peers[name], ours, world.zone_of))
            seen[f"{name} {known.name if known else '-'}"] += 1
            complaint = complaint or (known is None and f"unlike {name}, and no rule says why")
        if not complaint:
            return None
        shown = "\n".join(f" {name}:\n{answer}" for name, answer in answers.items())
        return f"{query}\n {complaint}\n{shown}\n meridiand:\n{ours}"



class ValidatorsAgree(ScenarioCase):
    """Unbound, which trusts the keys of the zones and nothing else, finds no answer bogus, and all
    of those proved that do not lead out of the signed zones or to names that opt-out leaves open."""

    def test_generated_zones(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self._validate(mode)

    def _validate(self, mode):
        workspace = self.workspace.inner(mode)
        world = SignedWorld(SEEDS[0], mode, workspace, nested=False)
        workspace.write("zones/..zone", ROOT)
        anchors = {zone.name: trust_anchor(zone.origin) for zone in world.zones}
        queries = [Query(q.qname, q.qtype, rd=True, edns=4096, dnssec_ok=True)
                   for q in world.queries(QUERIES * 2)
                   if q.qtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC3)]
        with serve(workspace, world.directory) as meridian, \
                Unbound(workspace, anchors, meridian.address) as unbound:
            chains = [Chain(world, query) for query in queries]
            while any(chain.next for chain in chains):
                asked = [chain for chain in chains if chain.next]
                for chain, wire in zip(asked, exchange(meridian.address,
                                                       [chain.next for chain in asked])):
                    chain.take(wire)
            chosen = [chain for chain in chains if not chain.is_for_others]
            verdicts = self._verdicts(unbound, chosen)
        doubted = [chain for chain, verdict in zip(chosen, verdicts)
                   if verdict[0] == "SERVFAIL" or (verdict[1] != "proved" and not
                                                   (chain.leaves_signed_zones or mode == "optout"))]
        # What Unbound does not believe of Knot either is a matter of Unbound.
        files = {**world.files, ".": str(world.directory / "..zone")}
        with Knot(workspace, files) as knot, \
                Unbound(workspace.inner("control"), anchors, knot.address) as unbound:
            control = self._verdicts(unbound, doubted)
        complaints = [f"{chain.query}: bogus, but not from Knot\n{chain.views[-1]}"
                      for chain, verdict in zip(doubted, control) if verdict[0] != "SERVFAIL"]
        seen = Counter(verdicts)
        print(f"{mode}: {dict(seen)} of {len(queries)}", flush=True)
        if complaints:
            self.fail(f"{mode}: {len(complaints)} of {len(chosen)} not proved; zones in "
                      f"{world.directory}\n" + "\n".join(complaints[:_MAX_SHOWN]))
        self.assertLess(len(doubted) * 100, len(chosen), "doubted of Knot and Meridian")
        # In a zone with opt-out a name that is not there is never proved.
        self.assertGreater(seen["NOERROR", "proved"], QUERIES // 4)
        self.assertTrue(mode == "optout" or seen["NXDOMAIN", "proved"] > QUERIES // 8, seen)

    @staticmethod
    def _verdicts(unbound, chains):
        answers = [dns.message.from_wire(wire) for wire in exchange(
            unbound.address, [chain.query for chain in chains])]
        return [(dns.rcode.to_text(answer.rcode()),
                 "proved" if answer.flags & dns.flags.AD else "insecure") for answer in answers]


class Chain:
    """Follows aliases from zone to zone as a resolver does, to know what to expect of one."""

    def __init__(self, world, query):
        self.world = world
        self.query = query
        self.next = query
        self.views = []
        self.aliases = 0
        self.seen = set()
        self.leaves_signed_zones = False
        # Not for Unbound: a referral to servers that nobody runs, a chain too long
        # for it or without end, a question
        # by type for the CNAME that a DNAME makes, for which it wants a signature, and no data at a
        # wildcard that is an empty non-terminal, which it only believes of NSEC3.
        self.is_for_others = False

    def take(self, wire):
        answer = view(self.next, wire)
        self.views.append(answer)
        aliases = [s for s in answer.answer if s.rtype == "CNAME"]
        self.aliases += len(aliases)
        last = aliases[-1].target if aliases else self.next.qname
        apex_ds = self.next.qtype == dns.rdatatype.DS and self.world.zone_of(last) == last
        if self.world.zone_of(last) is None or apex_ds:
            self.leaves_signed_zones = True
        qtype, self.next = self.next.qtype, None
        made = any(s.rtype == "DNAME" for s in answer.answer)
        loops = not self.seen.isdisjoint(s.owner for s in aliases) or last in {
            s.owner for s in aliases}
        self.seen.update(s.owner for s in aliases)
        if (loops or answer.is_referral or self.aliases > _MAX_ALIASES or answer.rcode == "YXDOMAIN"
                or (made and qtype in (dns.rdatatype.CNAME, dns.rdatatype.DNAME))
                or (self.world.mode == "nsec" and self.world.is_empty_wildcards(last))):
            self.is_for_others = True
        elif (aliases and qtype != dns.rdatatype.CNAME and answer.answer[-1].rtype in
                ("CNAME", "RRSIG(CNAME)", "RRSIG(DNAME)") and not answer.authority):
            self.next = Query(last, qtype, rd=True, edns=4096, dnssec_ok=True)


if __name__ == "__main__":
    unittest.main()
