"""Where NSD 4.6.1 and Knot 3.2.6 answer differently, which of them Meridian follows, and why.

docs/decisions/0002-dns-differences.md is this list for people; keep the two together. A difference
that no entry explains fails the test: either a server is wrong, or the list needs a new decision.
"""

import dataclasses
from typing import Callable

import dns.rdatatype

from dns_compare import same

MAX_ALIASES = 64  # in one answer of Meridian


@dataclasses.dataclass(frozen=True)
class Case:
    """One query and what the two oracles said.

    zone_of   origin of the nearest loaded zone at or above a name, or None
    """
    query: object
    nsd: object
    knot: object
    zone_of: Callable

    @property
    def origin(self):
        return self.zone_of(self.query.qname)


@dataclasses.dataclass(frozen=True)
class KnownDifference:
    """follows names the oracle whose answer Meridian must give where `applies` is true: "nsd" or
    "knot"; or it is a function that judges Meridian's answer: (case, answer) to bool."""
    name: str
    follows: str | Callable
    reason: str
    applies: Callable[[Case], bool]

    def accepts(self, case, answer):
        if callable(self.follows):
            return self.follows(case, answer)
        return same(answer, getattr(case, self.follows))


def _followed_out_of_zone(case):
    """The two agree up to an alias whose target lies in another zone, loaded or not. For DS the
    apex belongs to the zone above."""
    for index, answer in enumerate(case.knot.answer):
        if answer.rtype == "CNAME":
            apex_ds = case.query.qtype == dns.rdatatype.DS and answer.target == case.origin
            if apex_ds or case.zone_of(answer.target) != case.origin:
                return case.nsd.answer[:index + 1] == case.knot.answer[:index + 1]
    return False


def _yxdomain(case):
    return (case.nsd.rcode == "YXDOMAIN"
            and case.knot.answer[:len(case.nsd.answer)] == case.nsd.answer)


def _dname_into_itself(case):
    """NSD stops at a DNAME whose target lies at or below its owner; Knot's answer goes on."""
    length = len(case.nsd.answer)
    return (any(s.rtype == "DNAME" and s.target.is_subdomain(s.owner) for s in case.nsd.answer)
            and case.knot.answer[:length] == case.nsd.answer)


def _chain_cut_short(case):
    """Knot's answer is the start of NSD's: five aliases, and nothing about the last one's target."""
    length = len(case.knot.answer)
    aliases = sum(s.rtype == "CNAME" for s in case.knot.answer)
    return (aliases == 5 and case.nsd.answer[:length] == case.knot.answer
            and not case.knot.authority)


def _chain_without_end(case):
    """Not even NSD comes to an end, although its last alias leads to a name that is new."""
    last = case.nsd.answer[-1] if case.nsd.answer else None
    return (_chain_cut_short(case) and last.rtype == "CNAME" and not case.nsd.authority
            and case.nsd.rcode == "NOERROR" and case.zone_of(last.target) == case.origin
            and all(last.target != s.owner for s in case.nsd.answer if s.rtype == "CNAME"))


def _stops_at_the_bound(case, answer):
    """NSD's answer and more of the same, up to Meridian's own bound."""
    aliases = sum(s.rtype == "CNAME" for s in answer.answer)
    return (aliases == MAX_ALIASES and answer.rcode == "NOERROR" and answer.aa
            and not answer.authority
            and answer.answer[:len(case.nsd.answer)] == case.nsd.answer)


def _soa_left_out(case):
    """Equal, but that Knot has nothing in the authority section where NSD has the SOA."""
    return (case.nsd.rcode == case.knot.rcode and case.nsd.answer == case.knot.answer
            and [s.rtype for s in case.nsd.authority] == ["SOA"] and not case.knot.authority)


def _glue_does_not_fit(case):
    """Both give the same referral; NSD's has fewer addresses (it has them all over TCP)."""
    return (case.nsd.is_referral and case.nsd.authority == case.knot.authority
            and set(case.nsd.required_glue) < set(case.knot.required_glue))


def _names_of_two_zones(case):
    """The zone's parent is loaded too, and NSD has a negative answer where Knot has another."""
    return (case.origin is not None and case.zone_of(case.origin.parent()) is not None
            and case.knot.aa and [s.rtype for s in case.nsd.authority] == ["SOA"])


KNOWN_DIFFERENCES = [
    KnownDifference(
        "alias-out-of-zone", "knot",
        "RFC 1034 §4.3.2 step 3a would search other zones of the server too. A resolver must not "
        "trust data from outside the zone it asked (RFC 2181 §5.4.1), so it only costs bytes",
        _followed_out_of_zone),
    KnownDifference(
        "yxdomain-ends-the-answer", "nsd",
        "RFC 6672 §3.2 step 3c: when the substitution is too long the answer ends with YXDOMAIN. "
        "Knot goes on with the DNAME's own target",
        _yxdomain),
    KnownDifference(
        "chain-without-end", _stops_at_the_bound,
        "Two DNAMEs can make a name longer in turns. NSD stops after some forty aliases, Knot after "
        "five, Meridian at its bound, which docs/decisions/0002 gives",
        _chain_without_end),
    KnownDifference(
        "chain-cut-short", "nsd",
        "RFC 1034 §4.3.2 step 3a has no limit. Knot stops after five aliases, which makes the "
        "resolver ask again for the rest",
        _chain_cut_short),
    KnownDifference(
        "dname-into-itself", "nsd",
        "Following a DNAME whose target lies at or below its owner never ends: each step only adds "
        "labels. RFC 1034 §7.1 asks to bound the work; one step shows the resolver the loop",
        _dname_into_itself),
    KnownDifference(
        "soa-left-out", "nsd",
        "RFC 2308 §3: a negative answer has the SOA, or it cannot be cached. Knot drops it without "
        "TC when it does not fit",
        _soa_left_out),
    KnownDifference(
        "glue-does-not-fit", "knot",
        "RFC 9471 §3.1: all in-domain glue, or TC. NSD 4.6.1 sends as much as fits, without TC",
        _glue_does_not_fit),
    KnownDifference(
        "name-of-another-zone", "knot",
        "RFC 1034 §4.3.2 step 2: only the nearest zone counts. NSD keeps one tree of names for all "
        "zones: names of the other zone become empty non-terminals, and hide wildcards",
        _names_of_two_zones),
]


def explain(case):
    """The first entry that applies, or None."""
    return next((known for known in KNOWN_DIFFERENCES if known.applies(case)), None)
