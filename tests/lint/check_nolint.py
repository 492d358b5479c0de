#!/usr/bin/env python3
"""Fails on a NOLINT that does not name its check and its reason: NOLINT(check): reason."""

import re
import sys

import tree

MARK = re.compile(r"NOLINT(NEXTLINE|BEGIN|END)?")
GOOD = re.compile(r"NOLINT(?:NEXTLINE|BEGIN)?\([a-z][\w.,\- ]*\): \S.{7,}|NOLINTEND\([a-z][\w.,\- ]*\)")


def main() -> int:
    paths = tree.sources()
    problems = []
    for path in paths:
        for number, line in enumerate((tree.ROOT / path).read_text().splitlines(), 1):
            if MARK.search(line) and not GOOD.search(line):
                problems.append(f"{path}:{number}: write NOLINT(check): reason")
    return tree.report("check_nolint", len(paths), problems)


if __name__ == "__main__":
    sys.exit(main())
