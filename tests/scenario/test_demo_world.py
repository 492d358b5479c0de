"""The demo world that ./run starts, with the fetched data and with the offline sample: what README.md
and ./run promise is what the real binary answers."""

import json
import re
import shlex
import tomllib
import unittest
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

import harness

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN = (ROOT / "run").read_text(encoding="utf-8")

# The last number of an address of the order service names the site.
ORDER_SITE = {"192.0.2.10": "iad", "192.0.2.20": "dal", "192.0.2.30": "sjc", "192.0.2.40": "fra"}


class DemoServer(harness.Meridian):
    """meridiand on a configuration of the demo world, moved to free ports and a fresh state."""

    name = "demo"

    def __init__(self, workspace, config):
        harness.ServerProcess.__init__(self, workspace)
        self.binary = harness.binary_from_environment("MERIDIAND")
        self.config_path = self.home / "demo.toml"
        self.state_dir = self.home / "state"
        self.source = ROOT / config
        self.admin_port = None

    def configure(self):
        self.port = harness.free_port()
        self.admin_port = harness.free_port()
        settings = tomllib.loads(self.source.read_text(encoding="utf-8"))
        settings["server"]["state_dir"] = str(self.state_dir)
        settings["dns"]["listen"] = [f"{harness.LOOPBACK}:{self.port}"]
        settings["dns"]["zones_dir"] = self.absolute(settings["dns"]["zones_dir"])
        settings["topology"]["file"] = self.absolute(settings["topology"]["file"])
        settings["admin"]["listen"] = f"{harness.LOOPBACK}:{self.admin_port}"
        geo = settings["geo"]
        geo["networks"] = [self.absolute(path) for path in geo["networks"]]
        for table in geo.get("databases", []) + geo["fences"] + geo["catalogues"]:
            table["path"] = self.absolute(table["path"])
        self.config_path.write_text(to_toml(settings), encoding="utf-8")

    def absolute(self, path):
        return str(self.source.parent / path)

    def ask(self, name, rdtype="A", subnet=None):
        """The answer, over TCP so that none is truncated."""
        options = [dns.edns.ECSOption.from_text(subnet)] if subnet else []
        query = dns.message.make_query(name, rdtype, use_edns=0, options=options)
        return self.tcp(query)

    def order_site(self, name="order.shop.example", subnet=None):
        """The site whose address the answer ends with."""
        return ORDER_SITE[addresses(self.ask(name, subnet=subnet))[-1]]


def to_toml(settings):
    """JSON's strings, numbers, booleans and lists of them are valid TOML."""
    lines = []
    for section, values in settings.items():
        tables = {k: v for k, v in values.items() if isinstance(v, list) and isinstance(v[0], dict)}
        lines.append(f"[{section}]")
        lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if k not in tables]
        for key, rows in tables.items():
            for row in rows:
                lines.append(f"[[{section}.{key}]]")
                lines += [f"{k} = {json.dumps(v)}" for k, v in row.items()]
    return "\n".join(lines) + "\n"


def addresses(answer):
    return [rdata.address for rrset in answer.answer for rdata in rrset
            if rdata.rdtype == dns.rdatatype.A]


def promised_questions():
    """(name, type, subnet) of every dig line that ./run prints."""
    for line in re.findall(r"^ *\$\{dig\} (.*)$", RUN, re.M):
        name, rdtype, subnet = None, "A", None
        for word in shlex.split(line):
            if word.startswith("+subnet="):
                subnet = word.removeprefix("+subnet=")
            elif word.isupper():
                rdtype = word
            elif not word.startswith("+"):
                name = word
        yield name, rdtype, subnet


def homes():
    """Partition id -> the eZone that owns it at first."""
    topology = json.loads((ROOT / "zones/topology.json").read_text(encoding="utf-8"))
    return {p["id"]: p["home"] for p in topology["zones"][0]["partitions"]}


class BothWorlds:
    """What holds with the fetched data and with the sample alike."""

    def test_every_dig_line_of_run_is_answered(self):
        questions = list(promised_questions())
        self.assertGreaterEqual(len(questions), 8)
        for name, rdtype, subnet in questions:
            with self.subTest(name=name, type=rdtype, subnet=subnet):
                answer = self.server.ask(name, rdtype, subnet)
                self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
                self.assertTrue(answer.answer)

    def test_first_question_of_the_readme(self):
        answer = self.server.ask("order.shop.example", subnet="128.83.40.0/24")
        (expected,) = re.findall(r"^order\.shop\.example\..*\tA\t(\S+)$", README, re.M)
        self.assertEqual(addresses(answer), [expected])
        self.assertEqual(ORDER_SITE[expected], "dal")
        (ecs,) = [o for o in answer.options if isinstance(o, dns.edns.ECSOption)]
        self.assertEqual((ecs.address, ecs.srclen), ("128.83.40.0", 24))
        self.assertGreater(ecs.scopelen, 0)

    def test_cities_fall_where_they_are(self):
        owner = homes()
        for city, partition in {
                "austin": "us-tx", "el-paso": "us-tx", "new-york": "us-ny", "seattle": "us-wa",
                "denver": "us-co", "washington": "us-dc", "las-vegas": "us-nv", "honolulu": "w-pacific",
                "toronto": "w-canada", "mexico-city": "w-latam", "frankfurt": "w-eu",
                "cairo": "w-mea", "tokyo": "w-asia", "shanghai": "w-asia", "sydney": "w-oceania",
        }.items():
            with self.subTest(city=city):
                answer = self.server.ask(f"{city}.city.order.shop.example")
                (alias,) = [r.target.to_text() for rrset in answer.answer for r in rrset
                            if r.rdtype == dns.rdatatype.CNAME]
                self.assertEqual(alias, f"s{partition}.shard.order.shop.example.")
                self.assertEqual(ORDER_SITE[addresses(answer)[-1]], owner[partition])

    def test_operator_knows_better(self):
        self.assertEqual(self.server.order_site(subnet="192.0.2.0/24"), homes()["us-tx"])
        self.assertEqual(self.server.order_site(subnet="198.51.100.0/25"), homes()["us-ny"])
        self.assertEqual(self.server.order_site(subnet="198.51.100.128/25"), homes()["us-or"])
        self.assertEqual(self.server.order_site(subnet="203.0.113.0/24"), homes()["w-eu"])

    def test_alias_in_a_zone_file_ends_at_a_service(self):
        answer = self.server.ask("shop-front.shop.example", subnet="203.0.113.0/24")
        self.assertEqual(addresses(answer), ["203.0.113.40"])


class FetchedWorld(BothWorlds, harness.ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(DemoServer(cls.workspace, "zones/demo.toml"))

    def test_shift_of_the_readme(self):
        with DemoServer(self.workspace.inner("shift"), "zones/demo.toml") as server:
            (command,) = re.findall(r"admin\.token (shift us-tx .*)$", README, re.M)
            self.assertEqual(server.order_site(subnet="128.83.40.0/24"), "dal")
            done = server.ctl(*shlex.split(command))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.order_site(subnet="128.83.40.0/24"), "iad")


class SampleWorld(BothWorlds, harness.ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(DemoServer(cls.workspace, "zones/sample/sample.toml"))

    def test_every_state_network_goes_to_its_state(self):
        topology = json.loads((ROOT / "zones/topology.json").read_text(encoding="utf-8"))
        home_of_state = {rule["subdivision"]: partition["home"]
                         for partition in topology["zones"][0]["partitions"]
                         for rule in partition.get("rules", []) if "subdivision" in rule}
        text = (ROOT / "zones/sample/sample-networks.txt").read_text(encoding="utf-8")
        networks = re.findall(r'^([\d.]+/\d+) .*subdivision="([^"]+)"', text, re.M)
        self.assertGreaterEqual(len(networks), 45)
        for network, state in networks:
            with self.subTest(network=network, state=state):
                self.assertEqual(self.server.order_site(subnet=network), home_of_state[state])


if __name__ == "__main__":
    unittest.main()
