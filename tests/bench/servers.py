"""The servers that are compared: how each is configured for a load, and started."""

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Load:
    """Questions about the DNS zone NAME.example."""
    name: str
    title: str
    answers: bool  # False: only the start is measured


LOADS = {
    "static": Load("static", "static A: 10,000 names, drawn at random", True),
    "geo": Load("geo", "geo A with ECS: one name, /24 subnets drawn at random", True),
    "names": Load("names", "start with 1,000,000 names", False),
}


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
    if setting.load.name == "geo":
        path.write_text(_geo_zone_text(www))
    else:
        os.symlink(setting.inputs / f"{setting.load.name}.zone", path)
    return path


def _prepare_floor(setting):
    return [str(setting.tools / "udpecho"), str(setting.port)]


def _prepare_gdnsd(setting):
    zones = setting.dir / "zones"
    filename = f"{setting.load.name}.example"
    if setting.load.name == "geo":
        _zone_file(setting, zones, filename, f"www {TTL_S} DYNA geoip!www\n")
    else:
        # gdnsd takes regular files only.
        zones.mkdir()
        shutil.copyfile(setting.inputs / f"{setting.load.name}.zone", zones / filename)
    plugin = ""
    if setting.load.name == "geo":
        sites = read_sites()
        names = ", ".join(site.id for site in sites)
        addresses = ", ".join(f"{site.id} => {site.address}" for site in sites)
        plugin = (f"plugins => {{ geoip => {{\n"
                  f"  maps => {{ sites => {{ datacenters => [{names}],"
                  f" nets => \"{setting.inputs}/nets.gdnsd\" }} }}\n"
                  f"  resources => {{ www => {{ map => sites, dcmap => {{ {addresses} }} }} }}\n"
                  f"}} }}\n")
    (setting.dir / "config").write_text(
        f"options => {{\n  listen => 127.0.0.1:{setting.port}\n"
        f"  udp_threads => 1\n  tcp_threads => 1\n"
        f"  run_dir => \"{setting.dir}/run\"\n  state_dir => \"{setting.dir}/state\"\n}}\n{plugin}")
    return ["gdnsd", "-c", str(setting.dir), "start"]


def _prepare_knot(setting):
    zone = _zone_file(setting, setting.dir / "zones", f"{setting.load.name}.zone",
                      f"www A {read_sites()[0].address}\n")
    geo = setting.load.name == "geo"
    module = (f"mod-geoip:\n  - id: sites\n    config-file: \"{setting.inputs}/nets.knot\"\n"
              f"    ttl: {TTL_S}\n    mode: subnet\n") if geo else ""
    (setting.dir / "knot.conf").write_text(
        f"server:\n    rundir: \"{setting.dir}\"\n    listen: 127.0.0.1@{setting.port}\n"
        f"    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
        f"    edns-client-subnet: on\n"
        f"database:\n    storage: \"{setting.dir}\"\n"
        f"log:\n  - target: stderr\n    any: warning\n{module}"
        f"zone:\n  - domain: {setting.load.name}.example\n    file: \"{zone}\"\n"
        f"    zonefile-sync: -1\n    journal-content: none\n"
        + ("    module: mod-geoip/sites\n" if geo else ""))
    return ["knotd", "-c", str(setting.dir / "knot.conf")]


def _prepare_nsd(setting):
    zone = _zone_file(setting, setting.dir / "zones", f"{setting.load.name}.zone", "")
    # Debian builds NSD with rate limiting on; here it would count as loss.
    (setting.dir / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{setting.port}\n  server-count: 1\n"
        f"  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  rrl-ratelimit: 0\n"
        f"  zonesdir: \"{setting.dir}\"\n  pidfile: \"{setting.dir}/pid\"\n"
        f"  xfrdfile: \"{setting.dir}/xfrd\"\n  xfrdir: \"{setting.dir}\"\n"
        f"  zonelistfile: \"{setting.dir}/zonelist\"\n"
        f"remote-control:\n  control-enable: no\n"
        f"zone:\n  name: {setting.load.name}.example\n  zonefile: \"{zone}\"\n")
    return ["nsd", "-d", "-c", str(setting.dir / "nsd.conf")]


def _topology():
    """The eight sites, one stateless zone over them, and the geo load's name as its service."""
    sites = read_sites()
    return {
        "format": 1,
        "datacenters": [{"id": site.id, "region": "world", "lat": site.latitude,
                         "lon": site.longitude, "slot": slot} for slot, site in enumerate(sites)],
        "zones": [{"id": "www", "kind": "stateless", "ezones": [site.id for site in sites]}],
        "services": [{"name": "www.geo.example", "zone": "www", "ttl": TTL_S,
                      "endpoints": {site.id: [f"A {site.address}"] for site in sites}}],
    }


def _prepare_meridian(setting):
    topology = _topology()
    database = ""
    _zone_file(setting, setting.dir / "zones", f"{setting.load.name}.zone", "")
    if setting.load.name == "geo":
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
    Contender("gdnsd", "gdnsd", ("static", "geo", "names"), lambda s: "gdnsd", _prepare_gdnsd),
    Contender("knot", "knot knot-module-geoip", ("static", "geo", "names"), lambda s: "knotd",
              _prepare_knot),
    Contender("nsd", "nsd", ("static", "names"), lambda s: "nsd", _prepare_nsd),
    Contender("meridian", "", ("static", "geo", "names"), lambda s: str(s.meridiand),
              _prepare_meridian),
)}
