"""Queries that aim at the interesting places of a zone, and their wire form."""

import dataclasses
import struct

import dns.name
import dns.rdatatype

from zone_generator import child, random_label

# Left out: ANY (RFC 8482 lets a server choose), transfers, and the types of DNSSEC other than DS.
_TYPES = ["A", "AAAA", "TXT", "MX", "SRV", "CAA", "PTR", "NS", "SOA", "CNAME", "DNAME", "DS",
          "TYPE65280"]
_EDNS_SIZES = [None, None, 512, 1232, 1232, 4096]
_RD = 0x0100
_CLASS_IN = 1
_TYPE_OPT = 41
_DO = 0x8000  # in OPT's TTL field


@dataclasses.dataclass(frozen=True)
class Query:
    """edns: the payload size announced, or None for a query without OPT. dnssec_ok needs OPT."""
    qname: dns.name.Name
    qtype: int
    rd: bool = False
    edns: int | None = None
    dnssec_ok: bool = False

    def to_wire(self, message_id):
        flags = _RD if self.rd else 0
        header = struct.pack("!HHHHHH", message_id, flags, 1, 0, 0, self.edns is not None)
        question = self.qname.to_wire() + struct.pack("!HH", self.qtype, _CLASS_IN)
        if self.edns is None:
            return header + question
        return header + question + struct.pack("!BHHIH", 0, _TYPE_OPT, self.edns,
                                                _DO if self.dnssec_ok else 0, 0)

    def __str__(self):
        edns = "no EDNS" if self.edns is None else f"EDNS {self.edns}"
        return (f"{self.qname.to_text()} IN {dns.rdatatype.to_text(self.qtype)} "
                f"({edns}, rd={int(self.rd)}, do={int(self.dnssec_ok)})")


def corner_queries(zones):
    """Every owner of every zone, its ancestors and one child, with every type: no dice."""
    questions = {}
    for zone in zones:
        for owner in zone.owners():
            names = [owner, *_ancestors(owner, zone.origin), child(owner, b"nothing-here")]
            for name in filter(None, names):
                for rtype in _TYPES + zone.types_at(name):
                    questions[name, dns.rdatatype.from_text(rtype)] = None
    return [Query(name, rtype) for name, rtype in questions]


class QueryGenerator:
    """An endless, seeded stream of queries over a set of zones; more_types are asked for, too."""

    def __init__(self, rng, zones, more_types=()):
        self.rng = rng
        self.types = [*_TYPES, *more_types]
        self.zones = zones
        self.shapes = [self._exact] * 4 + [
            self._below, self._below, self._sibling, self._ancestor, self._wildcard_match,
            self._wildcard_match, self._below_dname, self._below_dname, self._below_cut,
            self._neighbour, self._long, self._outside]

    def next(self):
        zone = self.rng.choice(self.zones)
        name = self.rng.choice(self.shapes)(zone)
        return Query(self._random_case(name), self._type(zone, name),
                     self.rng.random() < 0.5, self.rng.choice(_EDNS_SIZES))

    # Each shape yields a name; it falls back to an owner when the zone lacks such a place.

    def _exact(self, zone):
        return self.rng.choice(zone.owners())

    def _below(self, zone):
        return self._grow(self._exact(zone), self.rng.choice([1, 1, 2, 5]))

    def _sibling(self, zone):
        name = self._exact(zone)
        return name if name == zone.origin else self._grow(name.parent(), 1)

    def _ancestor(self, zone):
        return self.rng.choice(_ancestors(self._exact(zone), zone.origin) or [zone.origin])

    def _wildcard_match(self, zone):
        wildcards = [name for name in zone.owners() if b"*" in name.labels]
        if not wildcards:
            return self._below(zone)
        labels = self.rng.choice(wildcards).labels
        at = labels.index(b"*")
        name = self._grow(dns.name.Name(labels[at + 1:]), self.rng.choice([1, 1, 2, 3]))
        for label in reversed(labels[:at]):
            name = child(name, label) or name
        return name

    def _below_dname(self, zone):
        owners = zone.owners("DNAME")
        if not owners:
            return self._below(zone)
        return self._grow(self.rng.choice(owners), self.rng.choice([1, 1, 2, 3]))

    def _below_cut(self, zone):
        cuts = [name for name in zone.owners("NS") if name != zone.origin]
        if not cuts:
            return self._below(zone)
        return self._grow(self.rng.choice(cuts), self.rng.choice([0, 1, 2]))

    def _neighbour(self, zone):
        """A name just before or after an owner in canonical order."""
        name = self._exact(zone)
        if name == zone.origin:
            return name
        label = name.labels[0]
        changed = self.rng.choice([label[:-1], label + b"\0", label[:-1] + bytes([label[-1] ^ 1])])
        if not 1 <= len(changed) <= 63:
            return name
        return child(name.parent(), changed) or name

    def _long(self, zone):
        """Up to the 255 octets of a name; below a DNAME the rewritten name may be too long."""
        name = self._below_dname(zone)
        room = self.rng.choice([255, 254, 250, 200])
        while True:
            size = min(63, room - len(name.to_wire()) - 1)
            longer = child(name, b"q" * size) if size > 0 else None
            if longer is None:
                return name
            name = longer

    def _outside(self, zone):
        name = self.rng.choice([zone.origin.parent(), dns.name.root,
                                dns.name.from_text("outside.invalid.")])
        return self._grow(name, self.rng.choice([0, 1, 2]))

    def _type(self, zone, name):
        present = zone.types_at(name)
        if present and self.rng.random() < 0.4:
            return dns.rdatatype.from_text(self.rng.choice(present))
        return dns.rdatatype.from_text(self.rng.choice(self.types))

    def _grow(self, name, count):
        for _ in range(count):
            name = child(name, random_label(self.rng)) or name
        return name

    def _random_case(self, name):
        if self.rng.random() < 0.6:
            return name
        swap = self.rng.choice([bytes.upper, bytes.lower, bytes.swapcase])
        return dns.name.Name(swap(label) for label in name.labels)


def _ancestors(name, origin):
    """Names strictly between name and origin, and origin itself when name is below it."""
    found = []
    while name != origin:
        name = name.parent()
        found.append(name)
    return found
