#!/usr/bin/env python3
"""Fails on a source that clang-format would change."""

import subprocess
import sys

import tree

BATCH = 40


def main() -> int:
    paths = tree.sources()
    problems = []
    for start in range(0, len(paths), BATCH):
        ran = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths[start:start + BATCH]],
                             cwd=tree.ROOT, capture_output=True, text=True)
        problems += [line for line in ran.stderr.splitlines() if "-Wclang-format-violations" in line]
        if ran.returncode != 0 and not problems:
            problems.append(ran.stderr.strip() or f"clang-format ended with {ran.returncode}")
    return tree.report("check_format", len(paths), problems)


if __name__ == "__main__":
    sys.exit(main())
