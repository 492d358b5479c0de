"""Where NSD 4.6.1 and Knot 3.2.6 answer differently, which of them Meridian follows, and why.

docs/decisions/0002-dns-differences.md is this list for people; keep the two together. A difference
that no entry explains fails the test: either a server is wrong, or the list needs a new decision.
"""

import dataclasses
from typing import Callable

import dns.name
import dns.rdatatype

from dns_compare import same

MAX_ALIASES = 64  # in one answer of Meridian


class LoadedZones:
    """The zones that every server has."""

    def __init__(self, zones):
        self._origins = {zone.origin for zone in zones}

    def nearest(self, name):
        """Origin of the nearest zone at or above a name, or None."""
        while name not in self._origins:
            if name == dns.name.root:
                return None
            name = name.parent()
        return name

    def any_below(self, name):
        return any(origin != name and origin.is_subdomain(name) for origin in self._origins)


@dataclasses.dataclass(frozen=True)
class Case:
    """One query and what the two oracles said."""
    query: object
    nsd: object
    knot: object
    loaded: LoadedZones

    @property
    def origin(self):
        return self.loaded.nearest(self.query.qname)


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
            if apex_ds or case.loaded.nearest(answer.target) != case.origin:
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
            and case.nsd.rcode == "NOERROR" and case.loaded.nearest(last.target) == case.origin
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
    """The zone's parent is loaded too, or one below the name, and NSD has a negative answer where Knot has
    another."""
    nested = case.origin is not None and (case.loaded.nearest(case.origin.parent()) is not None
                                          or case.loaded.any_below(case.query.qname))
    return (nested and case.knot.aa and [s.rtype for s in case.nsd.authority] == ["SOA"])


def _no_alias_for_nsec3(case):
    """NSD ends with the SOA, or with the aliases before, where Knot follows an alias."""
    return (case.query.qtype == dns.rdatatype.NSEC3 and any(
        s.rtype == "CNAME" for s in case.knot.answer)
        and case.nsd.answer == case.knot.answer[:len(case.nsd.answer)])


def _follows_as_without_nsec3(case, answer):
    """As Knot; but that chains are not cut short, and end at a DNAME that leads into itself."""
    ours, theirs = answer.answer, case.knot.answer
    if len(ours) > len(theirs):
        aliases = sum(s.rtype == "CNAME" for s in theirs)
        return (aliases == 5 and answer.aa and not case.knot.authority
                and ours[:len(theirs)] == theirs)
    if len(ours) < len(theirs):
        return (theirs[:len(ours)] == ours and answer.rcode == "NOERROR" and answer.aa
                and not answer.authority and any(
                    s.rtype == "DNAME" and s.target.is_subdomain(s.owner) for s in ours))
    return same(answer, case.knot)


def _no_alias_for_nsec(case):
    """Knot stops at an alias that NSD follows."""
    return (case.query.qtype == dns.rdatatype.NSEC and any(
        s.rtype == "CNAME" for s in case.nsd.answer)
        and case.knot.answer == case.nsd.answer[:len(case.knot.answer)])


def _follows_in_its_zone(case, answer):
    """The first alias is as NSD has it; where it leads out of the zone only NSD goes on."""
    return same(answer, case.nsd) or answer.answer[:1] == case.nsd.answer[:1]


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
        "nothing-for-want-of-a-proof", "nsd",
        "Where opt-out left out the closest encloser, Knot 3.2.6 may find no proof, and then sends "
        "NXDOMAIN without AA, aliases and SOA",
        lambda case: (case.nsd.rcode == case.knot.rcode == "NXDOMAIN" and not case.knot.aa
                      and not case.knot.answer and not case.knot.authority)),
    KnownDifference(
        "no-alias-for-nsec3", _follows_as_without_nsec3,
        "RFC 1034 §4.3.2 step 3a excepts no type but CNAME. NSD answers questions for NSEC3 by itself",
        _no_alias_for_nsec3),
    KnownDifference(
        "no-alias-for-nsec", _follows_in_its_zone,
        "The same for NSEC, which may stand beside a CNAME but need not (RFC 4034 §4). Knot answers "
        "questions for NSEC by itself",
        _no_alias_for_nsec),
    KnownDifference(
        "name-of-another-zone", "knot",
        "RFC 1034 §4.3.2 step 2: only the nearest zone counts. NSD keeps one tree of names for all "
        "zones: names of the other zone become empty non-terminals, and hide wildcards",
        _names_of_two_zones),
]


def explain(case):
    """The first entry that applies, or None."""
    return next((known for known in KNOWN_DIFFERENCES if known.applies(case)), None)


@dataclasses.dataclass(frozen=True)
class SignedCase:
    """One query with DO, what one peer answered, and what Meridian did. Beside signatures and denials
    the two are equal."""
    query: object
    peer: str
    theirs: object
    ours: object
    loaded: LoadedZones

    @property
    def lacking(self):
        """What the peer's authority section lacks."""
        return set(self.ours.authority) - set(self.theirs.authority)

    @property
    def more(self):
        return set(self.theirs.authority) - set(self.ours.authority)

    @property
    def same_but_denials(self):
        left, right = (dataclasses.replace(answer, authority=())
                       for answer in (self.theirs, self.ours))
        return same(left, right) and all(
            s.rtype.startswith(("NSEC", "RRSIG(NSEC")) for s in self.lacking | self.more)

    @property
    def last_name(self):
        """The end of the chain of aliases."""
        return next((s.target for s in reversed(self.ours.answer) if s.rtype == "CNAME"),
                    self.query.qname)

    @property
    def is_negative(self):
        return any(s.rtype == "SOA" for s in self.ours.authority)

    def denies_by(self, rtype):
        """Those of Meridian's denials, NSEC or NSEC3."""
        return [s for s in self.ours.authority if s.rtype == rtype]

    @property
    def has_label_before_asterisk(self):
        """In the name, or in a denial's owner."""
        names = [self.last_name, *(s.owner for s in self.denies_by("NSEC"))]
        return any(b"" < label < b"*" for name in names for label in name.labels)

    @property
    def is_opt_out(self):
        return any(rdata[1] & 1 for s in self.denies_by("NSEC3") for rdata in s.rdatas)

    @property
    def shares_names(self):
        """Whether another zone lies above the last name's zone, or makes names that are above that name."""
        origin = self.loaded.nearest(self.last_name)
        if origin is None:
            return False
        above = self.last_name.parent()
        while above != origin and above.is_subdomain(origin):
            if self.loaded.any_below(above):
                return True
            above = above.parent()
        return self.loaded.nearest(origin.parent()) is not None


@dataclasses.dataclass(frozen=True)
class SignedDifference:
    """Meridian's answer is what the reason says; Unbound validates it (test_signed_zones.py)."""
    name: str
    peers: tuple
    reason: str
    applies: Callable[[SignedCase], bool]


SIGNED_DIFFERENCES = [
    SignedDifference(
        "no-cover-after-dname", ("nsd",),
        "RFC 4035 §3.1.3.2: NXDOMAIN needs the NSEC that covers the name, also after a DNAME. NSD "
        "4.6.1 sends the wildcard's alone",
        lambda case: (case.same_but_denials and case.lacking
                      and any(s.rtype == "DNAME" for s in case.ours.answer))),
    SignedDifference(
        "labels-before-the-asterisk", ("nsd",),
        "RFC 4034 §6.1: a wildcard is covered where its label sorts, which is behind labels that begin "
        "with a control character or with less than '*'. NSD 4.6.1 takes the encloser's NSEC",
        lambda case: (case.same_but_denials and case.ours.rcode == "NXDOMAIN"
                      and case.denies_by("NSEC")
                      and (case.more or case.has_label_before_asterisk))),
    SignedDifference(
        "encloser-left-out", ("nsd",),
        "RFC 5155 §7.2.1: where opt-out left the encloser out of the chain, the closest one that can "
        "be proved stands for it. NSD 4.6.1 sends no encloser",
        lambda case: (case.same_but_denials and case.lacking and case.denies_by("NSEC3")
                      and (case.more or case.is_opt_out))),
    SignedDifference(
        "asterisk-was-asked", ("nsd",),
        "A question for the wildcard itself is no expansion: its NSEC3 matches, and nothing is to be "
        "covered. NSD 4.6.1 covers a next closer name nevertheless",
        lambda case: (case.same_but_denials and case.more and not case.lacking
                      and case.last_name.labels[0] == b"*")),
    SignedDifference(
        "wildcard-without-data", ("nsd", "knot", "bind"),
        "RFC 4035 §3.1.3.4, RFC 5155 §7.2.5: no data at a wildcard needs two proofs, that the name is "
        "not there and that the wildcard has no such type. Each peer leaves one out where the "
        "wildcard is an empty non-terminal",
        lambda case: (case.same_but_denials and case.lacking and case.is_negative
                      and case.ours.rcode == "NOERROR")),
    SignedDifference(
        "denial-asked-for", ("knot",),
        "RFC 4035 §3.1.3.3: what a wildcard made comes with the proof that the name is not there, "
        "also where NSEC was asked for",
        lambda case: (case.same_but_denials and case.lacking and not case.more
                      and case.query.qtype == dns.rdatatype.NSEC)),
    SignedDifference(
        "signatures-asked-for", ("knot",),
        "RFC 1035 §3.2.3: a question for RRSIG asks for all of the name's. Knot 3.2.6 sends those of "
        "one type, as RFC 8482 §4.1 has it for ANY",
        lambda case: (case.query.qtype == dns.rdatatype.RRSIG
                      and {(s.owner, s.rdatas) for s in case.theirs.answer} <=
                      {(s.owner, s.rdatas) for s in case.ours.answer})),
    SignedDifference(
        "ttl-of-signatures", ("knot",),
        "RFC 4034 §3: an RRSIG has the TTL of what it covers. dnssec-signzone gives it what is left of "
        "its life, if that is less; Knot restores the former, the others serve the file",
        lambda case: all(
            {(s.owner, s.rtype, s.rdatas) for s in theirs} ==
            {(s.owner, s.rtype, s.rdatas) for s in ours}
            for theirs, ours in ((case.theirs.answer, case.ours.answer),
                                 (case.theirs.authority, case.ours.authority)))),
    SignedDifference(
        "label-ends-in-zero", ("knot",),
        "RFC 4034 §6.1: 'a\\000' sorts behind 'a' and all that lies below it. Knot 3.2.6 takes the NSEC "
        "of 'a' itself, in the other's place or beside it",
        lambda case: (case.same_but_denials and case.more
                      and any(label.endswith(b"\0") for name in (case.query.qname, case.last_name)
                              for label in name.labels))),
    SignedDifference(
        "yxdomain-ends-the-answer", ("knot",),
        "RFC 6672 §3.2 step 3c: when the substitution is too long the answer ends with YXDOMAIN. "
        "Knot adds signatures of the DNAME's own target",
        lambda case: (case.ours.rcode == case.theirs.rcode == "YXDOMAIN"
                      and set(case.theirs.answer) > set(case.ours.answer))),
    SignedDifference(
        "denial-of-another-zone", ("nsd",),
        "NSD keeps one tree of names for all zones, and looks for what covers a name in it: where "
        "zones are nested it may miss it, or find another",
        lambda case: case.same_but_denials and case.shares_names),
    SignedDifference(
        "signatures-of-another-zone", ("nsd",),
        "As alias-out-of-zone: what an alias leads to in another zone of the server is not the answer's. "
        "NSD adds the signatures there where RRSIG was asked for",
        lambda case: (case.query.qtype == dns.rdatatype.RRSIG
                      and set(case.ours.answer) < set(case.theirs.answer)
                      and all(case.loaded.nearest(s.owner) != case.loaded.nearest(case.query.qname)
                              for s in set(case.theirs.answer) - set(case.ours.answer)))),
]


def explain_signed(case):
    """The first entry that applies, or None."""
    return next((known for known in SIGNED_DIFFERENCES
                 if case.peer in known.peers and known.applies(case)), None)
