"""Answers in a form that can be compared: what a resolver acts on, and nothing that may vary."""

import dataclasses
import itertools

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """Neighbouring records of one owner and type, sorted; RRSIGs of one covered type, which is
    named in rtype: "RRSIG(A)".

    ttls are the distinct ones: one, where all is well. rdatas are in the canonical wire form of
    RFC 4034 §6.2 (names in lower case), as often as they came; `text` is the same for people.
    """
    owner: dns.name.Name
    rtype: str
    ttls: tuple
    rdatas: tuple
    text: tuple = dataclasses.field(compare=False)

    @property
    def target(self):
        """The name in a CNAME or DNAME."""
        return dns.name.from_wire(self.rdatas[0], 0)[0]

    def __str__(self):
        ttls = "/".join(str(ttl) for ttl in self.ttls)
        return "\n".join(f"    {self.owner} {ttls} {self.rtype} {rdata}" for rdata in self.text)


@dataclasses.dataclass(frozen=True)
class View:
    """One answer.

    answer     RRsets in message order: the order of a CNAME chain matters, that inside a set not
    authority  RRsets, sorted
    glue       records of the additional section, sorted
    """
    rcode: str
    aa: bool
    answer: tuple
    authority: tuple
    glue: tuple
    opt: bool

    @property
    def is_referral(self):
        """Also at the end of a chain. With minimal responses NS has no other business there."""
        return any(s.rtype == "NS" for s in self.authority)

    @property
    def required_glue(self):
        """Addresses of name servers at or below the cut: without them the zone cannot be reached
        (RFC 9471 §3.1). Empty unless this is a referral."""
        cuts = [s.owner for s in self.authority if s.rtype == "NS"]
        return tuple(s for s in self.glue if any(s.owner.is_subdomain(cut) for cut in cuts))

    def without_repetitions(self):
        """The same, but that each record of the answer and of the additional section stands only where it
        came first: to a resolver two equal records are one (RFC 2181 §5)."""
        return dataclasses.replace(self, answer=_once(self.answer), glue=_once(self.glue))

    def __str__(self):
        lines = [f"  {self.rcode} aa={int(self.aa)} opt={int(self.opt)}"]
        for title, sets in (("answer", self.answer), ("authority", self.authority),
                            ("glue", self.glue)):
            lines.append(f"   {title}:")
            lines += [str(s) for s in sets]
        return "\n".join(lines)


class MalformedAnswer(Exception):
    """The answer cannot be read, or is not an answer to the query."""


def view(query, wire):
    """Reads an answer to `query`. Raises MalformedAnswer when it is not a proper one."""
    try:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    except Exception as error:  # dnspython raises many kinds on bad bytes; all mean the same here
        raise MalformedAnswer(f"{error!r} in {wire.hex()}") from error
    _check_header(query, message)
    return View(
        rcode=dns.rcode.to_text(message.rcode()),
        aa=bool(message.flags & dns.flags.AA),
        answer=_sets(message.answer),
        authority=_sorted(_sets(message.authority)),
        glue=_sorted(_sets(message.additional)),
        opt=message.edns >= 0)


def _check_header(query, message):
    if not message.flags & dns.flags.QR:
        raise MalformedAnswer("QR is not set")
    if message.flags & dns.flags.RA:
        raise MalformedAnswer("RA is set by an authoritative server")
    if bool(message.flags & dns.flags.RD) != query.rd:
        raise MalformedAnswer("RD was not copied")
    if len(message.question) != 1:
        raise MalformedAnswer(f"{len(message.question)} questions")
    question = message.question[0]
    if question.name.labels != query.qname.labels or question.rdtype != query.qtype:
        raise MalformedAnswer(f"question is {question}, case included")


def _sets(rrsets):
    found = []
    for (owner, rtype), group in itertools.groupby(rrsets, lambda r: (r.name, _type_of(r))):
        group = list(group)
        rdatas = sorted((rrset[0].to_digestable(), rrset[0].to_text()) for rrset in group)
        found.append(RecordSet(owner, rtype,
                               tuple(sorted({rrset.ttl for rrset in group})),
                               tuple(wire for wire, _ in rdatas),
                               tuple(text for _, text in rdatas)))
    return tuple(found)


def _once(sets):
    seen = set()
    found = []
    for rrset in sets:
        kept = []
        for rdata, text in zip(rrset.rdatas, rrset.text):
            record = (rrset.owner, rrset.rtype, rdata)
            if record not in seen:
                seen.add(record)
                kept.append((rdata, text))
        if kept:
            found.append(dataclasses.replace(rrset, rdatas=tuple(rdata for rdata, _ in kept),
                                             text=tuple(text for _, text in kept)))
    return tuple(found)


def _type_of(rrset):
    text = dns.rdatatype.to_text(rrset.rdtype)
    if rrset.rdtype != dns.rdatatype.RRSIG:
        return text
    return f"{text}({dns.rdatatype.to_text(rrset.covers)})"


def _sorted(sets):
    return tuple(sorted(sets, key=lambda s: (s.owner, s.rtype)))


def same(left, right):
    """Equal in everything that a resolver acts on. Of the additional section that is the glue which
    a referral cannot do without; the rest is a courtesy (RFC 1034 §4.3.2 step 6)."""
    def fields(answer):
        return (answer.rcode, answer.aa, answer.answer, answer.authority, answer.opt,
                answer.required_glue)
    return fields(left) == fields(right)
