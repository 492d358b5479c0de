#!/usr/bin/env python3
"""Fails on an include that layers.txt does not allow, and on sources in a folder it does not know."""

import fnmatch
import pathlib
import re
import sys

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Rules:
    def __init__(self, text: str):
        self.layers: dict[str, list[str]] = {}
        self.gates: list[tuple[list[str], list[str]]] = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#", 1)[0]
            if not words.strip():
                continue
            kind, _, rest = words.strip().partition(" ")
            left, colon, right = rest.partition(":")
            if not colon or kind not in ("layer", "gate"):
                raise SystemExit(f"layers.txt:{number}: neither 'layer X: …' nor 'gate X: …'")
            if kind == "layer":
                self.layers[left.strip()] = right.split()
            else:
                self.gates.append((left.split(), right.split()))

    def layer_of(self, path: str) -> str | None:
        found = [layer for layer in self.layers if path.startswith(layer + "/")]
        return max(found, key=len, default=None)

    def allows(self, path: str, header: str) -> str | None:
        """Why `path` may not include the header of ours, or None."""
        layer = self.layer_of(path)
        if "/" not in header or self.layer_of(header) is None:
            return f'"{header}" is not named from the root'
        for prefix in [layer, *self.layers[layer]]:
            if header.startswith(prefix + "/"):
                return None
        return f"{layer} may not include {header}"

    def gate(self, path: str, header: str) -> str | None:
        for headers, places in self.gates:
            if not any(fnmatch.fnmatchcase(header, pattern) for pattern in headers):
                continue
            if any(fnmatch.fnmatchcase(path, place) for place in places):
                return None
            return f"<{header}> belongs to {', '.join(places)} only"
        return None


def check(rules: Rules, path: str, text: str) -> list[str]:
    if rules.layer_of(path) is None:
        return [f"{path}: its folder is in no layer of layers.txt"]
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quote, header = found.groups()
        # A gate holds however the header is quoted; a header of ours in <> is one in disguise.
        problem = rules.gate(path, header)
        if problem is None and (quote == '"' or rules.layer_of(header) is not None):
            problem = rules.allows(path, header)
        if problem:
            problems.append(f"{path}:{number}: {problem}")
    return problems


def main() -> int:
    rules = Rules((pathlib.Path(__file__).parent / "layers.txt").read_text())
    paths = tree.sources()
    problems = [problem for path in paths
                for problem in check(rules, path, (tree.ROOT / path).read_text())]
    return tree.report("check_layers", len(paths), problems)


if __name__ == "__main__":
    sys.exit(main())
