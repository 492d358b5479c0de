#!/usr/bin/env python3
"""The demo world is whole: every fence the topology names is there, in the fetched data as in the
offline sample; fences are what RFC 7946 and the server ask for; neighbours share their borders; ids
are ids; the lock file names checksums and no host. Exit code 1 and a line for each finding."""

import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
SAMPLE = "zones/sample/us-states-coarse.geojson"
FETCHED = "data/us-states.geojson"


def load(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def side(a, b, c):
    """Positive when c is left of the line from a to b."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cross(s, t):
    """Whether two segments that share no end have a point in common."""
    (a, b), (c, d) = s, t
    return (side(a, b, c) > 0) != (side(a, b, d) > 0) and (side(c, d, a) > 0) != (side(c, d, b) > 0)


def crossings(segments):
    """The pairs of segments that cross; a sweep from west to east."""
    segments = sorted(segments, key=lambda s: min(s[0][0], s[1][0]))
    for i, s in enumerate(segments):
        east = max(s[0][0], s[1][0])
        south, north = sorted((s[0][1], s[1][1]))
        for t in segments[i + 1:]:
            if min(t[0][0], t[1][0]) > east:
                break
            if max(t[0][1], t[1][1]) < south or min(t[0][1], t[1][1]) > north:
                continue
            if not {s[0], s[1]} & {t[0], t[1]} and cross(s, t):
                yield s, t


def rings_of(feature):
    """(ring as tuples, whether it is a hole) of a Polygon or MultiPolygon."""
    geometry = feature["geometry"]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for polygon in polygons:
        for index, ring in enumerate(polygon):
            yield [tuple(point) for point in ring], index > 0


def check_ring(where, ring, is_hole):
    if len(ring) < 4 or ring[0] != ring[-1]:
        yield f"{where}: a ring is not closed"
        return
    if len(set(ring)) != len(ring) - 1:
        yield f"{where}: a ring touches itself"
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:]))
    if (area > 0) == is_hole:
        yield f"{where}: a ring runs the wrong way (RFC 7946 section 3.1.6)"


def check_fences(path, wanted):
    features = load(path)["features"]
    if [f["id"] for f in features] != sorted(wanted):
        yield f"{path}: the fences are not those that zones/topology.json names"
    owners = collections.defaultdict(list)
    for feature in features:
        for ring, is_hole in rings_of(feature):
            yield from check_ring(f"{path}: {feature['id']}", ring, is_hole)
            for a, b in zip(ring, ring[1:]):
                owners[frozenset((a, b))].append(feature["id"])
    for edge, states in owners.items():
        if len(states) > 2 or len(set(states)) != len(states):
            yield f"{path}: the edge {sorted(edge)} belongs to {states}"
    if sum(len(states) == 2 for states in owners.values()) < 500:
        yield f"{path}: neighbours do not share their borders"
    for s, t in crossings([tuple(sorted(edge)) for edge in owners]):
        yield f"{path}: {s} crosses {t}"


def check_catalogue(path):
    seen = set()
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        entry = json.loads(line)
        if not ID.fullmatch(entry["id"]) or entry["id"] in seen:
            yield f"{path}:{number}: id: {entry['id']}: not an id, or used before"
        seen.add(entry["id"])


def check_lock():
    path = "tools/data/package-lock.json"
    if "://" in (ROOT / path).read_text(encoding="utf-8"):
        yield f"{path}: names a host"
    for name, package in load(path)["packages"].items():
        if name and not package.get("integrity", "").startswith("sha512-"):
            yield f"{path}: {name}: no SHA-512 checksum"


def main():
    sharding = load("zones/topology.json")["zones"][0]
    wanted = [fence.removeprefix("us-states/")
              for partition in sharding["partitions"] for fence in partition.get("fences", [])]
    findings = [*check_fences(SAMPLE, wanted), *check_fences(FETCHED, wanted),
                *check_catalogue("zones/cities.ndjson"), *check_catalogue("zones/pois.ndjson"),
                *check_lock()]
    if (ROOT / SAMPLE).stat().st_size >= 60_000:
        findings.append(f"{SAMPLE}: 60 kB or more")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
