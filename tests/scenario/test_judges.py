"""The demo world, signed, before judges that know nothing of Meridian: Zonemaster and DNSViz walk
down from the root in a network of their own, and report no error.

The network is a namespace that this file makes: all that is in it is a loopback device which has the
addresses of the root's servers (those every resolver knows), of a top level domain's and of the
demo's. NSD serves a signed root and a signed `example.`, which has the DS of Meridian's key.
"""

import json
import os
import re
import subprocess
import sys
import unittest

IN_NAMESPACE = "MERIDIAN_TEST_NAMESPACE"

# https://www.iana.org/domains/root/servers
ROOTS = {
    "a": ("198.41.0.4", "2001:503:ba3e::2:30"), "b": ("170.247.170.2", "2801:1b8:10::b"),
    "c": ("192.33.4.12", "2001:500:2::c"), "d": ("199.7.91.13", "2001:500:2d::d"),
    "e": ("192.203.230.10", "2001:500:a8::e"), "f": ("192.5.5.241", "2001:500:2f::f"),
    "g": ("192.112.36.4", "2001:500:12::d0d"), "h": ("198.97.190.53", "2001:500:1::53"),
    "i": ("192.36.148.17", "2001:7fe::53"), "j": ("192.58.128.30", "2001:503:c27::2:30"),
    "k": ("193.0.14.129", "2001:7fd::1"), "l": ("199.7.83.42", "2001:500:9f::42"),
    "m": ("202.12.27.33", "2001:dc3::35"),
}
# b's until 2023, which older lists of servers have.
OLD_ROOTS = ("199.9.14.201", "2001:500:200::b")
# Addresses of no special purpose, in networks apart.
TLD = {"a.nic.example.": ("45.10.0.53", "2a05:1000::53"), "b.nic.example.": ("46.20.0.53", "2a06:2000::53")}
OWN = {"203.0.113.53": "47.30.0.53", "2001:db8:3::53": "2a07:3000::53",
       "198.51.100.53": "48.40.0.53", "2001:db8:2::53": "2a08:4000::53",
       "203.0.113.25": "47.30.0.25", "2001:db8:3::25": "2a07:3000::25"}
DOMAIN = "shop.example."
JUDGE_SECONDS = 240


def enter_namespace():
    """Runs this file again where nothing else is; as an ordinary user too."""
    unshare = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    os.environ[IN_NAMESPACE] = "1"
    os.execvp(unshare[0], unshare + [sys.executable, "-B", *sys.argv])


if __name__ == "__main__" and IN_NAMESPACE not in os.environ:
    enter_namespace()

import dns.dnssec  # noqa: E402  behind enter_namespace(), which begins anew
import dns.message  # noqa: E402
import dns.name  # noqa: E402
import dns.query  # noqa: E402
import dns.rdatatype  # noqa: E402

from harness import HarnessError, ScenarioCase  # noqa: E402
from peer_servers import Nsd  # noqa: E402
from test_demo_world import ROOT, DemoServer  # noqa: E402
from zone_generator import Zone  # noqa: E402
from zone_signer import delegation_signer, sign, trust_anchor  # noqa: E402

TLD_NAME = dns.name.from_text("example.")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


def both(pairs):
    return [address for pair in pairs for address in pair]


ABOVE = both(ROOTS.values()) + list(OLD_ROOTS) + both(TLD.values())


def hosts(servers):
    return [f"{host} 86400 IN {'AAAA' if ':' in address else 'A'} {address}"
            for host, addresses in servers.items() for address in addresses]


class Above(Nsd):
    """The root and example., with the DS of DOMAIN."""

    name = "above"

    def __init__(self, workspace, ds):
        roots = {f"{letter}.root-servers.net.": addresses for letter, addresses in ROOTS.items()}
        own = [address for address in OWN.values() if address.endswith("53")]
        servers = {f"ns1.{DOMAIN}": own[:2], f"ns2.{DOMAIN}": own[2:]}
        tld = ["example. 3600 IN SOA a.nic.example. hostmaster.nic.example. 1 7200 1800 1209600 300",
               *[f"example. 3600 IN NS {host}" for host in TLD], *hosts(TLD),
               *[f"{DOMAIN} 3600 IN NS {host}" for host in servers], *hosts(servers), *ds]
        root = [". 86400 IN SOA a.root-servers.net. nstld.example. 1 1800 900 604800 86400",
                *[f". 86400 IN NS {host}" for host in roots], *hosts(roots),
                *[f"example. 86400 IN NS {host}" for host in TLD], *hosts(TLD),
                f"example. 86400 IN DS {delegation_signer(TLD_NAME)}"]
        files = {}
        for origin, lines in ((dns.name.root, root), (TLD_NAME, tld)):
            signed = sign(workspace, Zone(origin, [], "\n".join(lines) + "\n"), "nsec")
            if signed is None:
                raise HarnessError(f"{origin} cannot be signed")
            files[str(origin)] = workspace.write(f"above-{len(files)}.zone", signed.text)
        super().__init__(workspace, files)

    def configure(self):
        super().configure()
        self.port = 53
        text = re.sub(r"  ip-address: .*\n", "".join(f"  ip-address: {a}\n" for a in ABOVE),
                      self.config_path.read_text())
        self.config_path.write_text(text.replace("do-ip6: no", "do-ip6: yes"))

    @property
    def address(self):
        return (ABOVE[0], 53)


class Demo(DemoServer):
    """The demo world, signed, at the addresses of its name servers."""

    def configure(self):
        super().configure()
        self.port = 53
        zones = self.workspace.directory("demo/zones")
        for zone in (ROOT / "zones").glob("*.zone"):
            text = zone.read_text(encoding="utf-8")
            for old, new in OWN.items():
                text = re.sub(rf"(?<![\w:.]){re.escape(old)}(?![\w:.])", new, text)
            (zones / zone.name).write_text(text, encoding="utf-8")
        self.own = [address for address in OWN.values() if address.endswith("53")]
        listen = json.dumps([f"[{a}]:53" if ":" in a else f"{a}:53" for a in self.own])
        text = self.config_path.read_text(encoding="utf-8")
        text = re.sub(r"^\[dns\]\nlisten = .*$", f"[dns]\nlisten = {listen}", text, flags=re.M)
        text = re.sub(r"^zones_dir = .*$", f"zones_dir = {json.dumps(str(zones))}", text, flags=re.M)
        text += f'\n[[dns.zones]]\nname = "{DOMAIN}"\nsign = {{ denial = "compact" }}\n'
        self.config_path.write_text(text, encoding="utf-8")

    @property
    def address(self):
        return (self.own[0], 53)


def ds_of(server, name):
    """The DS records of a zone's key, as lines of its parent's file."""
    reply = dns.query.tcp(dns.message.make_query(name, "DNSKEY"), server.address[0], timeout=10)
    keys = next(rrset for rrset in reply.answer if rrset.rdtype == dns.rdatatype.DNSKEY)
    origin = dns.name.from_text(name)
    return [f"{name} 3600 IN DS {dns.dnssec.make_ds(origin, key, 'SHA256').to_text()}"
            for key in keys if key.flags & 1]


def said_of(node, place=()):
    """(place, "errors" | "warnings" | "status", what) of a judgement of DNSViz."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("errors", "warnings", "status"):
                yield place, key, value
            else:
                yield from said_of(value, (*place, key))
    elif isinstance(node, list):
        for value in node:
            yield from said_of(value, place)


class Judges(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ip("link", "set", "lo", "up")
        for address in ABOVE + list(OWN.values()):
            ip("address", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")
        cls.demo = cls.start(Demo(cls.workspace, "zones/demo.toml"))
        cls.above = cls.start(Above(cls.workspace, ds_of(cls.demo, DOMAIN)))

    def judge(self, *command, text=None):
        done = subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True,
                              timeout=JUDGE_SECONDS, check=False)
        self.workspace.write(f"{command[0]}-{command[1]}.log", done.stdout + done.stderr)
        return done

    def test_zonemaster_reports_no_error(self):
        done = self.judge("zonemaster-cli", "--json", "--level", "INFO", DOMAIN.rstrip("."))
        self.assertEqual(done.returncode, 0, done.stderr)
        entries = json.loads(done.stdout)
        tags = {entry["tag"] for entry in entries}
        # It went all the way, and saw signatures.
        self.assertLessEqual({"ALGORITHM_OK", "DS10_HAS_NSEC", "RRSIG_EXPIRATION", "ONE_SOA",
                              "EDNS0_SUPPORT", "NO_RECURSOR", "Z09_MX_DATA"}, tags)
        serious = [entry for entry in entries if entry["level"] in ("WARNING", "ERROR", "CRITICAL")
                   # Nobody has the reverse zones of the addresses here.
                   and entry["tag"] != "NAMESERVER_IP_WITHOUT_REVERSE"]
        self.assertEqual(serious, [])

    def test_dnsviz_reports_no_error(self):
        done = self.judge("dnsviz", "probe", "-A", "-d", "1", DOMAIN)
        self.assertEqual(done.returncode, 0, done.stderr)
        judged = self.judge("dnsviz", "grok", "-l", "info", text=done.stdout)
        self.assertEqual(judged.returncode, 0, judged.stderr)
        said = list(said_of(json.loads(judged.stdout)))
        self.assertEqual([each for each in said if each[1] != "status"], [])
        statuses = {"/".join(place): what for place, _, what in said}
        self.assertEqual(statuses[f"{DOMAIN}/delegation"], "SECURE")
        self.assertEqual({what for place, what in statuses.items() if place.endswith(("rrsig", "proof", "/ds"))},
                         {"VALID"})
        self.assertIn(f"{DOMAIN}/queries/{DOMAIN}/IN/CNAME/nodata/proof", statuses)


if __name__ == "__main__":
    unittest.main()
