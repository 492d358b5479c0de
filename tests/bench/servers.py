"""The servers that are compared: how each is configured for a load, and started."""

import dataclasses
import enum
import json
import os
import pathlib
import shutil
import subprocess
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent
TTL_S = 30


@dataclasses.dataclass(frozen=True)
class Site:
    id: str
    latitude: float
    longitude: float
    address: str


def read_sites():
    with open(HERE / "sites.txt") as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [Site(row[0], float(row[1]), float(row[2]), row[3]) for row in rows]


class Measure(enum.Enum):
    ANSWERS = "CPU for each answer under load"
    START = "the start alone"
    REMAP = "an operator's change"


@dataclasses.dataclass(frozen=True)
class Load:
    """What is measured on a server of the DNS zone ZONE.example."""
    name: str
    zone: str
    measure: Measure
    title: str


LOADS = {load.name: load for load in (
    Load("static", "static", Measure.ANSWERS, "static A: 10,000 names, drawn at random"),
    Load("geo", "geo", Measure.ANSWERS, "geo A with ECS: one name, /24 subnets drawn at random"),
    Load("names", "names", Measure.START, "start with 1,000,000 names"),
    Load("remap", "geo", Measure.REMAP, "operator's change, from the call to the first answer"),
)}


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a server is configured with: `dir` is its own and empty, `inputs` holds bench_inputs'
    files, `mmdb` is the city database itself."""
    load: Load
    dir: pathlib.Path
    inputs: pathlib.Path
    mmdb: pathlib.Path
    tools: pathlib.Path
    meridiand: pathlib.Path
    port: int
    admin_port: int


@dataclasses.dataclass(frozen=True)
class Contender:
    name: str
    package: str  # Debian package, empty for our own
    loads: tuple
    program: Callable[[Setting], str]
    prepare: Callable[[Setting], list]  # writes the configuration, returns the command

    def title(self):
        if not self.package:
            return self.name
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", self.package.split()[0]],
                                 capture_output=True, text=True, check=False).stdout
        return f"{self.name} {version.split('-')[0]}".strip()

    def present(self, setting):
        return shutil.which(self.program(setting)) is not None


def _geo_zone_text(www):
    return (f"$ORIGIN geo.example.\n$TTL {TTL_S}\n@ SOA ns.geo.example. admin.geo.example. 1 3600 600 86400 300\n"
            f"@ NS ns.geo.example.\nns A 192.0.2.53\n{www}")


def _zone_file(setting, directory, filename, www):
    """Puts the load's zone into the directory; `www` is the geo zone's line for the service."""
    directory.mkdir()
    path = directory / filename
    if setting.load.zone == "geo":
        path.write_text(_geo_zone_text(www))
    else:
        os.symlink(setting.inputs / f"{setting.load.zone}.zone", path)
    return path


def _prepare_floor(setting):
    return [str(setting.tools / "udpecho"), str(setting.port)]


# move.geo.example answers one of the first two sites for everybody: what a remap is measured with.
MOVED_PARTITION = "everybody"
MOVES_BETWEEN = read_sites()[:2]


def _prepare_gdnsd(setting):
    zones = setting.dir / "zones"
    filename = f"{setting.load.zone}.example"
    if setting.load.zone == "geo":
        _zone_file(setting, zones, filename, f"www {TTL_S} DYNA geoip!www\nmove {TTL_S} DYNA geoip!move\n")
    else:
        # gdnsd takes regular files only.
        zones.mkdir()
        shutil.copyfile(setting.inputs / f"{setting.load.zone}.zone", zones / filename)
    plugin = ""
    if setting.load.zone == "geo":
        sites = read_sites()
        names = ", ".join(site.id for site in sites)
        addresses = ", ".join(f"{site.id} => {site.address}" for site in sites)
        first, second = MOVES_BETWEEN
        plugin = (f"plugins => {{ geoip => {{\n"
                  f"  maps => {{\n    sites => {{ datacenters => [{names}],"
                  f" nets => \"{setting.inputs}/nets.gdnsd\" }}\n"
                  f"    move => {{ datacenters => [{first.id}, {second.id}] }}\n  }}\n"
                  f"  resources => {{\n    www => {{ map => sites, dcmap => {{ {addresses} }} }}\n"
                  f"    move => {{ map => move, dcmap => {{ {first.id} => {first.address},"
                  f" {second.id} => {second.address} }} }}\n  }}\n}} }}\n")
    (setting.dir / "config").write_text(
        f"options => {{\n  listen => 127.0.0.1:{setting.port}\n"
        f"  udp_threads => 1\n  tcp_threads => 1\n"
        f"  run_dir => \"{setting.dir}/run\"\n  state_dir => \"{setting.dir}/state\"\n}}\n{plugin}")
    return ["gdnsd", "-c", str(setting.dir), "start"]


def write_knot_move(setting, site):
    (setting.dir / "move.knot").write_text(
        f"move.geo.example:\n  - net: 0.0.0.0/0\n    A: [ {site.address} ]\n")


def _prepare_knot(setting):
    zone = _zone_file(setting, setting.dir / "zones", f"{setting.load.zone}.zone",
                      "".join(f"{name} A {read_sites()[0].address}\n" for name in ("www", "move")))
    geo = setting.load.zone == "geo"
    module = ""
    if geo:
        write_knot_move(setting, MOVES_BETWEEN[0])
        module = "mod-geoip:\n" + "".join(
            f"  - id: {name}\n    config-file: \"{path}\"\n    ttl: {TTL_S}\n    mode: subnet\n"
            for name, path in (("sites", setting.inputs / "nets.knot"),
                               ("move", setting.dir / "move.knot")))
    (setting.dir / "knot.conf").write_text(
        f"server:\n    rundir: \"{setting.dir}\"\n    listen: 127.0.0.1@{setting.port}\n"
        f"    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
        f"    edns-client-subnet: on\n"
        f"database:\n    storage: \"{setting.dir}\"\n"
        f"log:\n  - target: stderr\n    any: warning\n{module}"
        f"zone:\n  - domain: {setting.load.zone}.example\n    file: \"{zone}\"\n"
        f"    zonefile-sync: -1\n    journal-content: none\n"
        + ("    module: [mod-geoip/sites, mod-geoip/move]\n" if geo else ""))
    return ["knotd", "-c", str(setting.dir / "knot.conf")]


def _prepare_nsd(setting):
    zone = _zone_file(setting, setting.dir / "zones", f"{setting.load.zone}.zone", "")
    # Debian builds NSD with rate limiting on; here it would count as loss.
    (setting.dir / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{setting.port}\n  server-count: 1\n"
        f"  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  rrl-ratelimit: 0\n"
        f"  zonesdir: \"{setting.dir}\"\n  pidfile: \"{setting.dir}/pid\"\n"
        f"  xfrdfile: \"{setting.dir}/xfrd\"\n  xfrdir: \"{setting.dir}\"\n"
        f"  zonelistfile: \"{setting.dir}/zonelist\"\n"
        f"remote-control:\n  control-enable: no\n"
        f"zone:\n  name: {setting.load.zone}.example\n  zonefile: \"{zone}\"\n")
    return ["nsd", "-d", "-c", str(setting.dir / "nsd.conf")]


def _topology():
    """The eight sites, one stateless zone over them with the geo load's name as its service, and one
    partition that can move between two of them."""
    sites = read_sites()
    movers = [site.id for site in MOVES_BETWEEN]
    return {
        "format": 1,
        "datacenters": [{"id": site.id, "region": "world", "lat": site.latitude,
                         "lon": site.longitude, "slot": slot} for slot, site in enumerate(sites)],
        "zones": [{"id": "www", "kind": "stateless", "ezones": [site.id for site in sites]},
                  {"id": "move", "kind": "sharding",
                   "partitions": [{"id": MOVED_PARTITION, "home": movers[0], "allowed": movers}],
                   "placement": {"default_partition": MOVED_PARTITION}}],
        "services": [{"name": "www.geo.example", "zone": "www", "ttl": TTL_S,
                      "endpoints": {site.id: [f"A {site.address}"] for site in sites}},
                     {"name": "move.geo.example", "zone": "move", "ttl": TTL_S,
                      "endpoints": {site.id: [f"A {site.address}"] for site in MOVES_BETWEEN}}],
    }


def _prepare_meridian(setting):
    topology = _topology()
    database = ""
    _zone_file(setting, setting.dir / "zones", f"{setting.load.zone}.zone", "")
    if setting.load.zone == "geo":
        database = f"[[geo.databases]]\npath = \"{setting.mmdb}\"\n"
    else:
        topology["services"] = []
    (setting.dir / "topology.json").write_text(json.dumps(topology, indent=1))
    (setting.dir / "meridian.toml").write_text(
        f"[server]\nnode_id = \"bench\"\nstate_dir = \"state\"\nlog_level = \"warn\"\n"
        f"[dns]\nlisten = [\"127.0.0.1:{setting.port}\"]\nudp_workers = 1\nzones_dir = \"zones\"\n"
        f"[topology]\nfile = \"topology.json\"\n"
        f"[admin]\nlisten = \"127.0.0.1:{setting.admin_port}\"\n{database}")
    return [str(setting.meridiand), "--config", str(setting.dir / "meridian.toml")]


CONTENDERS = {contender.name: contender for contender in (
    Contender("floor", "", ("static", "geo"), lambda s: str(s.tools / "udpecho"), _prepare_floor),
    Contender("gdnsd", "gdnsd", tuple(LOADS), lambda s: "gdnsd", _prepare_gdnsd),
    Contender("knot", "knot knot-module-geoip", tuple(LOADS), lambda s: "knotd",
              _prepare_knot),
    Contender("nsd", "nsd", ("static", "names"), lambda s: "nsd", _prepare_nsd),
    Contender("meridian", "", tuple(LOADS), lambda s: str(s.meridiand), _prepare_meridian),
)}
