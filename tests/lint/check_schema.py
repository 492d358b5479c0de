#!/usr/bin/env python3
"""zones/topology.schema.json is a sound JSON Schema, accepts the topologies that are published, and
refuses documents that are wrong in one place each. Exit code 1 and a line for each surprise."""

import copy
import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def documented_example():
    """The example of docs/topology.md, without its comments."""
    text = (ROOT / "docs/topology.md").read_text(encoding="utf-8")
    block = re.search(r"```jsonc\n(.*?)```", text, re.S).group(1)
    return json.loads(re.sub(r"\s//.*", "", block))


def change(document, path, value):
    """A copy of the document in which the value at `path` (None: nothing) replaces what is there."""
    result = copy.deepcopy(document)
    *parents, last = path
    target = result
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return result


# Where, what, and the part of the document that must be blamed.
WRONG = [
    (["format"], 2, ["format"]),
    (["format"], None, []),
    (["datacenters"], [], ["datacenters"]),
    (["datacenters", 0, "id"], "Iad", ["datacenters", 0, "id"]),
    (["datacenters", 0, "id"], "a" * 49, ["datacenters", 0, "id"]),
    (["datacenters", 0, "lat"], 90.5, ["datacenters", 0, "lat"]),
    (["datacenters", 0, "lon"], "-77", ["datacenters", 0, "lon"]),
    (["datacenters", 0, "slot"], 64, ["datacenters", 0, "slot"]),
    (["datacenters", 0, "capacity_units"], 0, ["datacenters", 0, "capacity_units"]),
    (["datacenters", 0, "admin_state"], "UP", ["datacenters", 0, "admin_state"]),
    (["datacenters", 0, "colour"], "red", ["datacenters", 0]),
    (["zones", 0, "kind"], "sharded", ["zones", 0, "kind"]),
    (["zones", 0, "primary"], "iad", ["zones", 0]),
    (["zones", 0, "placement"], None, ["zones", 0]),
    (["zones", 0, "placement", "fence_snap_km"], 501, ["zones", 0, "placement", "fence_snap_km"]),
    (["zones", 0, "partitions", 0, "home"], None, ["zones", 0, "partitions", 0]),
    (["zones", 0, "partitions", 0, "fences"], ["tx"], ["zones", 0, "partitions", 0, "fences", 0]),
    (["zones", 0, "partitions", 0, "rules"], [{}], ["zones", 0, "partitions", 0, "rules", 0]),
    (["zones", 0, "partitions", 0, "allowed"], [], ["zones", 0, "partitions", 0, "allowed"]),
    (["zones", 0, "min_in_service"], 0, ["zones", 0, "min_in_service"]),
    (["zones", 1, "primary"], None, ["zones", 1]),
    (["zones", 1, "read_max_lag_ms"], 0, ["zones", 1, "read_max_lag_ms"]),
    (["zones", 1, "read_fallback"], "primary", ["zones", 1]),
    (["zones", 2, "ezones"], ["iad", "iad"], ["zones", 2, "ezones"]),
    (["zones", 2, "weights"], {"iad": 10001}, ["zones", 2, "weights", "iad"]),
    (["zones", 2, "weights"], {"iad": 0.5}, ["zones", 2, "weights", "iad"]),
    (["zones", 2, "weights"], {}, ["zones", 2, "weights"]),
    (["zones", 2, "distance_slack_km"], -1, ["zones", 2, "distance_slack_km"]),
    (["zones", 2, "all_down"], "refuse", ["zones", 2, "all_down"]),
    (["zones", 2, "all_down"], "fallback", ["zones", 2]),
    (["zones", 2, "fallback"], "iad", ["zones", 2]),
    (["services", 0, "ttl"], 86401, ["services", 0, "ttl"]),
    (["services", 0, "endpoints"], {}, ["services", 0, "endpoints"]),
    (["services", 0, "endpoints", "iad"], ["192.0.2.1"], ["services", 0, "endpoints", "iad"]),
    (["services", 0, "endpoints", "iad"], [{"id": "a"}], ["services", 0, "endpoints", "iad"]),
    (["services", 0, "endpoints", "iad"], ["A 192.0.2.1", {"id": "a", "records": ["A 192.0.2.2"]}],
     ["services", 0, "endpoints", "iad"]),
    (["services", 0, "endpoints", "iad"],
     [{"id": "a", "weight": 10001, "records": ["A 192.0.2.1"]}],
     ["services", 0, "endpoints", "iad"]),
    (["services", 0, "min_up_share"], 10001, ["services", 0, "min_up_share"]),
    (["services", 0, "answer_count"], 17, ["services", 0, "answer_count"]),
]


def main():
    schema = load("zones/topology.schema.json")
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    demo = load("zones/topology.json")
    surprises = []

    for name, document in (("zones/topology.json", demo), ("docs/topology.md", documented_example())):
        for error in validator.iter_errors(document):
            surprises.append(f"{name}: {list(error.absolute_path)}: {error.message}")

    for path, value, blamed in WRONG:
        errors = list(validator.iter_errors(change(demo, path, value)))
        if not any(list(error.absolute_path) == blamed for error in errors):
            surprises.append(f"not refused at {blamed}: {path} = {value!r}")

    for surprise in surprises:
        print(surprise)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
