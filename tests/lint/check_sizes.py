#!/usr/bin/env python3
"""Fails on a source of more than 600 lines: it is more than one thing."""

import sys

import tree

LIMIT = 600


def main() -> int:
    paths = tree.sources() + tree.tracked("*.py")
    problems = []
    for path in paths:
        lines = len((tree.ROOT / path).read_text().splitlines())
        if lines > LIMIT:
            problems.append(f"{path}: {lines} lines; {LIMIT} are allowed")
    return tree.report("check_sizes", len(paths), problems)


if __name__ == "__main__":
    sys.exit(main())
