"""Zones signed by ldns-signzone (Debian package ldnsutils), or by BIND's dnssec-signzone where names are
to be left out by opt-out, with one key that is always the same.

ldns writes some odd characters of labels ("$", "[", "(") so that not everybody reads them back as they
were: tame() puts letters in their place. sign() returns None for a zone that ldns does not read, or
whose signatures ldns-verify-zone does not accept.
"""

import dataclasses
import re
import shutil
import subprocess

import dns.dnssec
import dns.name
import dns.rdata

from harness import HarnessError
from zone_generator import Zone, present

# ECDSA P-256. It protects nothing: its only use is in tests.
_PRIVATE = """Private-key-format: v1.2
Algorithm: 13 (ECDSAP256SHA256)
PrivateKey: FmS5ADF3RZgsiQ7tVCCq0EpsvSjNlFeGISvoqe89Ykg=
"""
_DNSKEY = ("257 3 13 /0B+LoNxqMUmgHyCfxyjPB5SejsrB8ufEwdv1ViNIK3FLxtPfvrVtiI9z9k0vYX1TMegQ/4+0r+7"
           "+OH9TDasqw==")
_INCEPTION, _EXPIRATION = "20200101000000", "20370101000000"

MODES = ("nsec", "nsec3", "optout")

_ODD = b'. ";@\\()$[{'
_TAME = dict(zip(_ODD, "fghijkmopqr"))


def tame(zone):
    """The zone with letters for the printable odd characters of its names; as generate_zones() makes
    them, whose names have no such letters and are spelled with \\DDD."""
    def in_text(text):
        return re.sub(r"\\(\d{3})", lambda m: _TAME.get(int(m[1]), m[0]), text)

    def in_name(name):
        return dns.name.from_text(in_text(present(name)))

    records = [dataclasses.replace(
        r, owner=in_name(r.owner), rdata=r.rdata if r.rtype == "TXT" else in_text(r.rdata))
        for r in zone.records]
    return Zone(in_name(zone.origin), records)


def trust_anchor(origin):
    return f"{present(origin)} 3600 IN DNSKEY {_DNSKEY}"


def delegation_signer(origin):
    """The RDATA of the DS record for a zone that was signed here."""
    key = dns.rdata.from_text("IN", "DNSKEY", _DNSKEY)
    return dns.dnssec.make_ds(origin, key, "SHA256").to_text()


def sign(workspace, zone, mode):
    """The same zone with its text signed, or None (see above)."""
    home = workspace.directory(f"signing-{mode}")
    # The names by which BIND finds a key; 13624 is its tag.
    key = home / f"K{present(zone.origin).lower()}+013+13624"
    (home / f"{key.name}.private").write_text(_PRIVATE)
    (home / f"{key.name}.key").write_text(trust_anchor(zone.origin) + "\n")
    plain, signed = home / zone.file_name, home / f"{zone.file_name}.signed"
    plain.write_text(zone.text)
    if mode == "optout":
        # ldns sets the flag, but leaves no name out of the chain. BIND does not add the key.
        plain.write_text(f"{zone.text}\n{trust_anchor(zone.origin)}\n")
        made = _run("dnssec-signzone", "-A", "-3", "-", "-H", "0", "-z", "-P", "-O", "full",
                    "-s", _INCEPTION, "-e", _EXPIRATION, "-o", present(zone.origin), "-f", signed,
                    "-d", home, plain, key)
    else:
        made = _run("ldns-signzone", "-i", _INCEPTION, "-e", _EXPIRATION,
                    "-o", present(zone.origin), "-f", signed,
                    *(["-n", "-a", "1", "-t", "3", "-s", "AB12"] if mode == "nsec3" else []),
                    plain, key)
    if made != 0 or _run("ldns-verify-zone", "-t", _EXPIRATION, signed) != 0:
        return None
    return Zone(zone.origin, zone.records, signed.read_text())


def _run(program, *arguments):
    path = shutil.which(program)
    if path is None:
        raise HarnessError(f"{program} is not installed (Debian packages ldnsutils and bind9-utils)")
    return subprocess.run([path, *map(str, arguments)], check=False, capture_output=True).returncode
