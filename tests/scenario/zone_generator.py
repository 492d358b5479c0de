"""Random DNS zones that visit the corners of RFC 1034, 2181, 4592, 6672 and 3597.

Everything is a function of the random.Random that the caller passes: the same seed gives the same
zone. A zone keeps to what NSD and Knot accept at load (no data below a DNAME, a CNAME alone at its
owner, one TTL for each RRset), so that a difference in answers is never a difference in loading.
"""

import dataclasses
import string

import dns.name

# The origin names the file; file systems allow 255 octets, the suffix included.
_MAX_FILE_NAME = 240

# A small alphabet, so that names collide, nest and sit beside each other in canonical order.
_PLAIN_LABELS = [b"a", b"b", b"c", b"d", b"e", b"aa", b"ab", b"a-1", b"www", b"Mail", b"NS",
                 b"_sip", b"_tcp", b"x", b"y", b"zz", b"0", b"10", b"xn--bcher-kva"]
_ODD_LABELS = [b"\x00", b"\x00a", b"a.b", b"sp ace", b"\xff\xfe", b'"q"', b"semi;colon", b"@",
               b"*a", b"a*", b"\\", b"(p)", b"$x", b"\t", b"[", b"{", b"\x7f", b"L" * 63,
               b"l" * 62 + b"\xc3"]
_TTLS = [0, 1, 5, 60, 300, 3600, 86400, 604800, 2147483647]
_DATA_TYPES = ["A", "AAAA", "TXT", "MX", "SRV", "CAA", "PTR", "TYPE65280"]
_FOREIGN_NAMES = ["ns.elsewhere.example.", "a.b.c.elsewhere.example.", "com.",
                  "WWW.Other.Example."]
_WILDCARD = b"*"
_BARE_OCTETS = frozenset((string.ascii_letters + string.digits + "-_*").encode())


@dataclasses.dataclass(frozen=True)
class Record:
    owner: dns.name.Name
    ttl: int
    rtype: str
    rdata: str


class Zone:
    """A zone: its records in file order, and its text."""

    def __init__(self, origin, records, text=None):
        self.origin = origin
        self.records = records
        self._text = text

    @property
    def name(self):
        return self.origin.to_text()

    @property
    def file_name(self):
        return f"{present(self.origin).removesuffix('.')}.zone"

    @property
    def text(self):
        """The zone file. Hand-written zones keep their own spelling."""
        if self._text is not None:
            return self._text
        return "".join(f"{present(r.owner)} {r.ttl} IN {r.rtype} {r.rdata}\n"
                       for r in self.records)

    def owners(self, rtype=None):
        """Distinct owners, in file order; of one type if given."""
        return list(dict.fromkeys(
            r.owner for r in self.records if rtype is None or r.rtype == rtype))

    def types_at(self, owner):
        return sorted({r.rtype for r in self.records if r.owner == owner})


def present(name):
    """A name for a zone file. Every unusual octet is written as \\DDD.

    The loaders disagree on shorter spellings: NSD 4.6.1 reads the dot of "\\\\." (a label that ends
    in a backslash) as escaped, and Knot refuses a bare "[".
    """
    return "".join("".join(chr(octet) if octet in _BARE_OCTETS else f"\\{octet:03d}"
                           for octet in label) + "." for label in name.labels[:-1]) or "."


def random_label(rng):
    return rng.choice(_ODD_LABELS) if rng.random() < 0.12 else rng.choice(_PLAIN_LABELS)


def child(parent, label):
    """parent with one more label, or None when that is longer than a name can be."""
    try:
        return dns.name.Name((label,) + parent.labels)
    except dns.name.NameTooLong:
        return None


def generate_zone(rng, origin, foreign_names=()):
    """A random zone at `origin`. foreign_names: names in other zones of the same server."""
    return _Generator(rng, origin, list(foreign_names)).run()


class _Generator:
    """Two passes: lay out which owner is what, then fill in data, which may point anywhere."""

    def __init__(self, rng, origin, foreign_names):
        self.rng = rng
        self.origin = origin
        self.foreign = foreign_names + [dns.name.from_text(name) for name in _FOREIGN_NAMES]
        self.kinds = {}
        self.records = {}

    def run(self):
        self._lay_out()
        self._apex()
        for owner, kind in self.kinds.items():
            getattr(self, f"_fill_{kind}")(owner)
        return Zone(self.origin, list(self.records))

    # Layout.

    def _lay_out(self):
        for _ in range(self.rng.randint(5, 60)):
            owner = self._new_owner()
            if owner is None:
                continue
            kinds = ["data"] * 10 + ["cname"] * 5
            if owner.labels[0] != _WILDCARD:
                # Wildcards with NS or DNAME are left out: RFC 4592 §4.2 and §4.4 leave their
                # meaning open, so that no answer could be called wrong.
                kinds += ["delegation"] * 2 + ["dname"] * 2
            self.kinds[owner] = self.rng.choice(kinds)

    def _new_owner(self):
        # Few names below cuts: all of them get the same referral.
        parents = [self.origin] * 3 + [
            name for name, kind in self.kinds.items()
            if kind in ("data", "cname") or (kind == "delegation" and self.rng.random() < 0.2)]
        name = self.rng.choice(parents)
        for _ in range(self.rng.choice([1, 1, 1, 2, 2, 3, 4])):
            label = _WILDCARD if self.rng.random() < 0.15 else random_label(self.rng)
            name = child(name, self._random_case(label))
            if name is None:
                return None
        if name in self.kinds or self._below(name, "dname"):
            return None
        return name

    def _below(self, name, kind):
        return any(k == kind and name != other and name.is_subdomain(other)
                   for other, k in self.kinds.items())

    def _random_case(self, label):
        return label.upper() if self.rng.random() < 0.2 else label

    # Record data.

    def _apex(self):
        minimum, soa_ttl = self.rng.choice(_TTLS[:-1]), self.rng.choice(_TTLS[:-1])
        self._add(self.origin, soa_ttl, "SOA",
                  f"ns1.{present(self.origin)} Host\\046master.{present(self.origin)} "
                  f"{self.rng.randint(0, 2**32 - 1)} 7200 900 1209600 {minimum}")
        self._add_set(self.origin, "NS", [present(self._target()) for _ in range(2)])
        if self.rng.random() < 0.6:
            self._fill_data(self.origin)

    def _fill_data(self, owner):
        for rtype in self.rng.sample(_DATA_TYPES, self.rng.choice([1, 1, 2, 3])):
            count = self.rng.choice([1, 1, 2, 4])
            if rtype == "TXT" and self.rng.random() < 0.05:
                count = 30  # larger than 1232 octets: truncation
            self._add_set(owner, rtype, [self._rdata(rtype) for _ in range(count)])

    def _fill_cname(self, owner):
        self._add(owner, self.rng.choice(_TTLS), "CNAME", present(self._alias_target(owner)))

    def _fill_dname(self, owner):
        if any(name != owner and name.is_subdomain(owner) for name in self.kinds):
            self._fill_data(owner)  # data below a DNAME must not exist (RFC 6672 §2.4)
            return
        self._add(owner, self.rng.choice(_TTLS), "DNAME", present(self._alias_target(owner)))
        if self.rng.random() < 0.4:
            self._fill_data(owner)

    def _fill_delegation(self, owner):
        targets = []
        for _ in range(self.rng.randint(1, 3)):
            kind = self.rng.choice(["in_domain", "in_domain", "in_zone", "foreign", "self"])
            if kind == "in_domain":
                targets.append(child(owner, self.rng.choice([b"ns", b"ns1", b"NS2"])) or owner)
            elif kind == "self":
                targets.append(owner)
            elif kind == "in_zone":
                targets.append(self._target())
            else:
                targets.append(self.rng.choice(self.foreign))
        self._add_set(owner, "NS", [present(t) for t in targets])
        for target in dict.fromkeys(targets):
            if target.is_subdomain(owner) and self.rng.random() < 0.8:
                self._add_glue(target)
        if self.rng.random() < 0.3:
            self._add(owner, self.rng.choice(_TTLS), "DS",
                      f"{self.rng.randint(0, 65535)} 8 2 {'0123456789ABCDEF' * 4}")
        if self.rng.random() < 0.3:
            self._add_set(owner, "TXT", ['"occluded at the cut"'])

    def _add_glue(self, target):
        if self.kinds.get(target, "delegation") != "delegation":
            return  # the name has a role of its own; it may be a CNAME
        for rtype in self.rng.choice([["A"], ["AAAA"], ["A", "AAAA"]]):
            self._add_set(target, rtype, [self._rdata(rtype)])

    def _alias_target(self, owner):
        if self.rng.random() < 0.05:
            return owner
        return self._target()

    def _target(self):
        """A name to point to: existing, matched by a wildcard, missing, occluded, foreign …"""
        owners = list(self.kinds) or [self.origin]
        pick = self.rng.random()
        if pick < 0.12:
            return self.rng.choice(self.foreign)
        base = self.rng.choice(owners)
        if pick < 0.55:
            return base
        if base.labels[0] == _WILDCARD:
            base = dns.name.Name(base.labels[1:])
        if pick < 0.90:
            return child(base, random_label(self.rng)) or base
        return dns.name.Name(base.labels[1:]) if base != self.origin else base

    def _rdata(self, rtype):
        rng = self.rng
        if rtype == "A":
            return f"192.0.2.{rng.randint(0, 255)}"
        if rtype == "AAAA":
            return f"2001:db8::{rng.randint(0, 65535):x}"
        if rtype == "TXT":
            return f'"{"t" * rng.choice([0, 1, 20, 60])}{rng.randint(0, 9999)}" "\\000\\255\\""'
        if rtype == "MX":
            return f"{rng.randint(0, 65535)} {present(self._target())}"
        if rtype == "SRV":
            return (f"{rng.randint(0, 9)} {rng.randint(0, 99)} {rng.randint(0, 65535)} "
                    f"{present(self._target())}")
        if rtype == "CAA":
            return f'{rng.choice([0, 128])} issue "ca{rng.randint(0, 99)}.example"'
        if rtype == "PTR":
            return present(self._target())
        data = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 4, 40])))
        return f"\\# {len(data)} {data.hex()}".rstrip()

    def _add_set(self, owner, rtype, rdatas):
        if any(r.owner == owner and r.rtype == rtype for r in self.records):
            return
        ttl = self.rng.choice(_TTLS)
        for rdata in rdatas:
            self._add(owner, ttl, rtype, rdata)

    def _add(self, owner, ttl, rtype, rdata):
        # A dictionary keeps file order and drops exact repetitions.
        self.records[Record(owner, ttl, rtype, rdata)] = None


def read_zone(path):
    """A hand-written zone file `NAME.zone`.

    Only its owners and their types are read, to aim queries at; lines without an owner are passed
    over. It is the servers' business to understand the rest.
    """
    zone_origin = origin = dns.name.from_text(path.name.removesuffix(".zone"))
    records = []
    for line in path.read_text().splitlines():
        words = line.split()
        if line.startswith("$ORIGIN"):
            origin = dns.name.from_text(words[1])
        elif words and line[0] not in " \t;$":
            owner = dns.name.from_text(words[0], origin) if words[0] != "@" else origin
            rtype = next(word for word in words[1:] if _is_type(word))
            records.append(Record(owner, 0, rtype, ""))
    return Zone(zone_origin, records, path.read_text())


def _is_type(word):
    return word.isalnum() and word[0].isalpha() and word != "IN" and not word.startswith("CLASS")


def _may_be_child(parent, name):
    """NSD refuses data below a DNAME even when the two are in different zones."""
    return b"*" not in name.labels and not any(
        name.is_subdomain(dname) or dname.is_subdomain(name) for dname in parent.owners("DNAME")
    ) and not any(owner.is_subdomain(name) and len(owner) > len(name) + 1
                  for owner in parent.owners() if name != parent.origin)


def generate_zones(rng, count):
    """`count` random zones under random-N.test. One in six is a child of an earlier one, at a name
    that the parent has or lacks, delegated or not."""
    zones = []
    for number in range(count):
        origin = dns.name.from_text(f"random-{number}.test.")
        if zones and rng.random() < 1 / 6:
            parent = rng.choice(zones)
            places = [name for name in parent.owners() if _may_be_child(parent, name)]
            if not places:
                continue
            place = rng.choice(places)
            origin = place if rng.random() < 0.5 else child(place, b"zone") or place
            taken = any(zone.origin == origin for zone in zones)
            if taken or len(present(origin)) > _MAX_FILE_NAME:
                continue
        foreign = [name for zone in zones[-5:] for name in zone.owners()]
        zones.append(generate_zone(rng, origin, foreign))
    return zones
