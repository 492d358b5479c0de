"""A small world for tests of the server's own names: three sites, one zone of each model.

No geo database: places come from network overrides, so that every answer is known beforehand.

  192.0.2.0/24        partition north      203.0.113.0/24   at Bergen: nearest anchor is north's
  198.51.100.0/25     partition south      198.51.100.128/25 and all else: default partition, west
  2001:db8:1::/48     partition north      127.0.0.0/8      partition south (the tests' own address)
"""

import json

from harness import Meridian

SERVICE = "order.shop.example."
GLOBAL_SERVICE = "account.shop.example."
STATELESS_SERVICE = "www.shop.example."
ADDRESS = {"ams": "192.0.2.1", "mad": "192.0.2.2", "dub": "192.0.2.3"}
HOME = {"north": "ams", "south": "mad", "west": "dub"}
PARTITIONS = ["north", "south", "west"]
DEFAULT_PARTITION = "west"
SERVICE_TTL = 30
CNAME_TTL = 3600
UNKNOWN_TTL = 7
NEGATIVE_TTL = 60
NODE_ID = "scenario-1"

_ENDPOINTS = {site: [f"A {address}", f"AAAA 2001:db8::{address.rsplit('.', 1)[1]}"]
              for site, address in ADDRESS.items()}

TOPOLOGY = {
    "format": 1,
    "datacenters": [
        {"id": "ams", "region": "eu-north", "lat": 52.37, "lon": 4.90, "slot": 0,
         "admin_state": "IN_SERVICE"},
        {"id": "mad", "region": "eu-south", "lat": 40.42, "lon": -3.70, "slot": 1,
         "admin_state": "IN_SERVICE"},
        {"id": "dub", "region": "eu-west", "lat": 53.35, "lon": -6.26, "slot": 2,
         "admin_state": "IN_SERVICE"},
    ],
    "zones": [
        {"id": "order", "kind": "sharding", "min_in_service": 1,
         "partitions": [
             {"id": "north", "home": "ams", "anchors": [{"lat": 60.0, "lon": 10.0}]},
             {"id": "south", "home": "mad", "anchors": [{"lat": 38.0, "lon": -4.0}]},
             {"id": "west", "home": "dub", "anchors": [{"lat": 49.0, "lon": 0.0}]}],
         "placement": {"default_partition": DEFAULT_PARTITION, "unknown_ttl": UNKNOWN_TTL}},
        {"id": "account", "kind": "global", "primary": "dub", "replicas": ["ams", "mad"]},
        {"id": "web", "kind": "stateless", "ezones": ["ams", "mad", "dub"]},
    ],
    "services": [
        {"name": SERVICE[:-1], "zone": "order", "ttl": SERVICE_TTL, "endpoints": _ENDPOINTS},
        {"name": GLOBAL_SERVICE[:-1], "zone": "account", "ttl": SERVICE_TTL,
         "endpoints": _ENDPOINTS},
        {"name": STATELESS_SERVICE[:-1], "zone": "web", "ttl": SERVICE_TTL,
         "endpoints": _ENDPOINTS},
    ],
}

NETWORKS = """
192.0.2.0/24      partition north
198.51.100.0/25   partition south
203.0.113.0/24    at 60.39,5.32 country=NO
2001:db8:1::/48   partition north
127.0.0.0/8       partition south
"""

# Oslo and Seville lie next to the anchors of north and south; the override beats the place.
CITIES = [{"id": "oslo", "lat": 59.91, "lon": 10.75}, {"id": "seville", "lat": 37.39, "lon": -5.98},
          {"id": "moved", "lat": 59.91, "lon": 10.75, "partition": "south"}]
POIS = [{"id": "museum-1", "lat": 60.39, "lon": 5.32}]

ZONE = f"""\
$ORIGIN shop.example.
$TTL 600
@       3600 IN SOA ns1 hostmaster 7 7200 900 1209600 {NEGATIVE_TTL}
             NS  ns1
ns1          A   192.0.2.53
static       A   192.0.2.99
*.wild       TXT "synthesized"
alias        CNAME static
cut          NS  ns.cut
ns.cut       A   192.0.2.54
big          TXT "{'a' * 250}" "{'b' * 250}" "{'c' * 250}"
huge         TXT {" ".join(f'"{number:03}{"x" * 240}"' for number in range(40))}
"""


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def small_world(workspace, settings=None, topology=None):
    """A Meridian with this world. settings are merged into the configuration, by section."""
    sections = {"geo": {"networks": ["networks.txt"],
                        "catalogues": [{"kind": "city", "path": "cities.ndjson"},
                                       {"kind": "poi", "path": "pois.ndjson"}]}}
    sections.update(settings or {})
    files = {"networks.txt": NETWORKS, "cities.ndjson": ndjson(CITIES), "pois.ndjson": ndjson(POIS)}
    return Meridian(workspace, topology or TOPOLOGY, {"shop.example": ZONE}, files, sections)
