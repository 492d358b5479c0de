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
from known_differences import Case, LoadedZones, SignedCase, explain, explain_signed
from peer_servers import Bind, Knot, Nsd, Unbound
from query_generator import Query, QueryGenerator, corner_queries
from test_differential import TOPOLOGY
from udp_pipeline import exchange
from zone_generator import Zone, child, generate_zones, read_zone
from zone_signer import MODES, delegation_signer, sign, tame, trust_anchor

CORNER_ZONES = Path(__file__).parent / "corner_zones"
LONG = os.environ.get("MERIDIAN_LONG") == "1"
SEEDS = range(1, 5) if LONG else range(1, 2)
QUERIES = 10000 if LONG else 500
RANDOM_ZONES = 24
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
        plain = [zone for zone in plain if not has_wildcard_glue(zone)]
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
        self.loaded = LoadedZones(self.zones)
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


def has_wildcard_glue(zone):
    """Whether a wildcard stands below a delegation. NSD and Knot make glue of it, Meridian does not;
    that has nothing to do with signatures."""
    cuts = [owner for owner in zone.owners("NS") if owner != zone.origin]
    return any(owner.is_subdomain(cut) and b"*" in owner.labels[:len(owner) - len(cut)]
               for owner in zone.owners() for cut in cuts)


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
        case = Case(query, bare["nsd"], bare["knot"], world.loaded)
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
            known = explain_signed(SignedCase(query, name, peers[name], ours, world.loaded))
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
        # NSEC, too, is not asked for by type: of two such answers Unbound said SERVFAIL, without a
        # reason in its log. It looks like a matter of its cache: asked for nothing else, it believed
        # all of 2,227.
        queries = [Query(q.qname, q.qtype, rd=True, edns=4096, dnssec_ok=True)
                   for q in world.queries(QUERIES * 2)
                   if q.qtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]
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
                   if not chain.is_believed(verdict)]
        # What Unbound does not believe of another server either is a matter of Unbound, or of a zone
        # whose opt-out left out more than can be proved without.
        files = {**world.files, ".": str(world.directory / "..zone")}
        believed = set(range(len(doubted)))
        for make in (Knot, Nsd):
            with make(workspace, files) as peer, \
                    Unbound(workspace.inner(f"by-{peer.name}"), anchors, peer.address) as unbound:
                believed &= {i for i, verdict in enumerate(self._verdicts(unbound, doubted))
                             if doubted[i].is_believed(verdict)}
        complaints = [f"{doubted[i].query}: bogus, but not from others\n{doubted[i].views[-1]}"
                      for i in sorted(believed)]
        seen = Counter(verdicts)
        print(f"{mode}: {dict(seen)} of {len(queries)}", flush=True)
        if complaints:
            self.fail(f"{mode}: {len(complaints)} of {len(chosen)} not proved; zones in "
                      f"{world.directory}\n" + "\n".join(complaints[:_MAX_SHOWN]))
        self.assertLess(len(doubted) * 100, len(chosen), "doubted of others and of Meridian")
        # In a zone with opt-out a name that is not there is never proved.
        self.assertGreater(seen["NOERROR", "proved"], QUERIES // 4)
        self.assertTrue(mode == "optout" or seen["NXDOMAIN", "proved"] > QUERIES // 8, seen)

    @staticmethod
    def _verdicts(unbound, chains):
        answers = [dns.message.from_wire(wire) for wire in exchange(
            unbound.address, [chain.query for chain in chains])]
        return [(dns.rcode.to_text(answer.rcode()),
                 "proved" if answer.flags & dns.flags.AD else "insecure") for answer in answers]


UP = dns.name.from_text("up.test.")
SAFE, PLAIN = dns.name.from_text("safe.up.test."), dns.name.from_text("plain.up.test.")
DEEP = dns.name.from_text("deep.ent.up.test.")


def zone_text(origin, lines):
    return "\n".join([f"$ORIGIN {origin.to_text()}", "$TTL 300",
                      "@ SOA ns host 1 7200 900 1209600 60", "@ NS ns", "ns A 192.0.2.53", *lines,
                      ""])


class Family:
    """up.test and three children: one with DS, one without, one without below an empty non-terminal
    that opt-out leaves out of the chain. Only the key of up.test is trusted."""

    def __init__(self, workspace, mode, spoil=lambda text: text):
        up = Zone(UP, [], zone_text(UP, [
            "www A 192.0.2.1", "*.wild TXT w", "alias CNAME www", "redirect DNAME safe",
            "safe NS ns.safe", f"safe DS {delegation_signer(SAFE)}", "ns.safe A 192.0.2.54",
            "plain NS ns.plain", "ns.plain A 192.0.2.55", "deep.ent NS ns.plain"]))
        safe = Zone(SAFE, [], zone_text(SAFE, ["www A 192.0.2.2"]))
        children = {"plain.up.test": PLAIN, "deep.ent.up.test": DEEP}
        signed = {"up.test": spoil(sign(workspace, up, mode).text),
                  "safe.up.test": sign(workspace, safe, mode).text}
        zones = {**signed, **{name: zone_text(origin, ["www A 192.0.2.3"])
                              for name, origin in children.items()}, ".": ROOT}
        self.meridian = Meridian(workspace, TOPOLOGY, zones)
        self.workspace = workspace

    def unbound(self):
        anchors = {"up.test.": trust_anchor(UP), "safe.up.test.": None, "plain.up.test.": None,
                   "deep.ent.up.test.": None}
        return Unbound(self.workspace, anchors, self.meridian.address)


def ask(server, name, rtype):
    query = dns.message.make_query(name, rtype, use_edns=True, want_dnssec=True)
    answer = server.udp(query)
    return dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.AD)


class ChainsOfTrust(ScenarioCase):
    """Delegations, from the parent's key down."""

    def test_delegations(self):
        for mode in MODES:
            workspace = self.workspace.inner(mode)
            family = Family(workspace, mode)
            with self.subTest(mode=mode), family.meridian, family.unbound() as unbound:
                # What stands on a name not being there is left open by opt-out (RFC 5155 §9.2).
                sure = mode != "optout"
                for name, rtype, expected in [
                        ("www.up.test", "A", ("NOERROR", True)),
                        ("alias.up.test", "A", ("NOERROR", True)),
                        ("www.redirect.up.test", "A", ("NOERROR", True)),
                        ("x.wild.up.test", "TXT", ("NOERROR", sure)),
                        ("x.wild.up.test", "A", ("NOERROR", sure)),
                        ("wild.up.test", "A", ("NOERROR", True)),
                        ("nothing.up.test", "A", ("NXDOMAIN", sure)),
                        ("www.safe.up.test", "A", ("NOERROR", True)),
                        ("www.safe.up.test", "AAAA", ("NOERROR", True)),
                        ("nothing.safe.up.test", "A", ("NXDOMAIN", sure)),
                        ("safe.up.test", "DS", ("NOERROR", True)),
                        ("plain.up.test", "DS", ("NOERROR", sure)),
                        ("www.plain.up.test", "A", ("NOERROR", False)),
                        ("nothing.plain.up.test", "A", ("NXDOMAIN", False)),
                        ("deep.ent.up.test", "DS", ("NOERROR", sure)),
                        ("ent.up.test", "A", ("NOERROR", sure)),
                        ("www.deep.ent.up.test", "A", ("NOERROR", False))]:
                    self.assertEqual(ask(unbound, name, rtype), expected, f"{mode} {name} {rtype}")

    def test_delv_believes_too(self):
        workspace = self.workspace.inner("delv")
        family = Family(workspace, "nsec3")
        key = trust_anchor(UP).split(" DNSKEY ")[1].split(" ", 3)
        anchors = workspace.write("anchors", "trust-anchors { \"up.test.\" static-key "
                                             f'{" ".join(key[:3])} "{key[3]}"; }};\n')
        with family.meridian as meridian, family.unbound() as unbound:
            for server in (meridian, unbound):
                for name, rtype, expected in [
                        ("www.up.test", "A", "; fully validated"),
                        ("x.wild.up.test", "TXT", "; fully validated"),
                        ("x.wild.up.test", "A", "; negative response, fully validated"),
                        ("nothing.up.test", "A", "; negative response, fully validated"),
                        ("wild.up.test", "A", "; negative response, fully validated"),
                        ("plain.up.test", "DS", "; negative response, fully validated")]:
                    shown = subprocess.run(
                        [shutil.which("delv"), f"@{LOOPBACK}", "-p", str(server.port), "-a", anchors,
                         "+root=up.test", name, rtype], check=False, capture_output=True,
                        text=True).stdout
                    self.assertIn(expected, shown.splitlines(), f"{name} {rtype}\n{shown}")

    def test_a_broken_denial_is_bogus(self):
        """The check can fail: one NSEC that says another next name."""
        def spoil(text):
            lines = text.splitlines()
            at = next(i for i, line in enumerate(lines)
                      if "\tNSEC\t" in line and line.startswith("plain.up.test."))
            lines[at] = lines[at].replace("redirect.up.test.", "qqqqq.up.test.")
            return "\n".join(lines) + "\n"

        family = Family(self.workspace.inner("broken"), "nsec", spoil)
        with family.meridian as meridian, family.unbound() as unbound:
            self.assertEqual(ask(unbound, "www.up.test", "A"), ("NOERROR", True))
            self.assertEqual(ask(meridian, "pp.up.test", "A"), ("NXDOMAIN", False))
            self.assertEqual(ask(unbound, "pp.up.test", "A"), ("SERVFAIL", False))
            self.assertIn("zone_signing_faults zone=up.test.", meridian.log_text())


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

    def is_believed(self, verdict):
        rcode, proof = verdict
        may_be_insecure = self.leaves_signed_zones or self.world.mode == "optout"
        return rcode != "SERVFAIL" and (proof == "proved" or may_be_insecure)

    def take(self, wire):
        answer = view(self.next, wire)
        self.views.append(answer)
        aliases = [s for s in answer.answer if s.rtype == "CNAME"]
        self.aliases += len(aliases)
        last = aliases[-1].target if aliases else self.next.qname
        apex_ds = self.next.qtype == dns.rdatatype.DS and self.world.loaded.nearest(last) == last
        if self.world.loaded.nearest(last) is None or apex_ds:
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
