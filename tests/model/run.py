#!/usr/bin/env python3
"""Checks change.pml with spin: the model as it is holds, and each BROKEN_x in it is found out.

A run counts only when the search was complete, and the model as it is must reach every one of its lines: a
property of states that nothing leads to says nothing.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

MODEL = pathlib.Path(__file__).resolve().parent / "change.pml"
SAFETY = ["-O0", "-DSAFETY", "-DNOCLAIM"]
LIVENESS = ["-O0", "-DNFAIR=3"]
# What is taken away, and the text of the complaint that must follow.
BROKEN = {
    "BLOCK": r"assertion violated .*block_sent&&\(write_state",
    "BUDGET": r"assertion violated .*age<=",
    "LEASE": r"assertion violated .*writes\[0\]&&writes\[1\]",
    "RELEASE": r"assertion violated .*owner==from",
    "RAISE": r"assertion violated .*released\[late_at\]",
    "RECOVER": r"assertion violated .*age<=",
    "CONTINUE": r"assertion violated .*writes\[0\]&&writes\[1\]",
    "RECEIVER": r"assertion violated .*writes\[0\]&&writes\[1\]",
    "WAIT": r"acceptance cycle",
}


class Finding(Exception):
    pass


def command(arguments, folder):
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout + done.stderr


def search(define, flags, liveness):
    """The output of pan over the model with this definition."""
    with tempfile.TemporaryDirectory(prefix="meridian-model-") as folder:
        shutil.copy(MODEL, folder)
        status, output = command(["spin", f"-D{define}", "-a", MODEL.name], folder)
        if status != 0:
            raise Finding(f"spin -D{define}: {output}")
        status, output = command(["gcc", "-w", *flags, "-o", "pan", "pan.c"], folder)
        if status != 0:
            raise Finding(f"gcc: {output}")
        bounds = ["-m100000", "-w24"]
        return command(["./pan", *(["-a", "-f"] if liveness else []), *bounds], folder)[1]


def figure(pattern, output):
    found = re.search(pattern, output)
    if found is None:
        raise Finding(f"no {pattern!r} in the output of pan:\n{output}")
    return found.group(1)


def summary(name, output, started):
    states = figure(r"(\d+) states, stored", output)
    depth = figure(r"depth reached (\d+)", output)
    print(f"{name}: {states} states, depth {depth}, {time.monotonic() - started:.1f} s", flush=True)


def holds(name, flags, liveness, define):
    started = time.monotonic()
    output = search(define, flags, liveness)
    if figure(r"errors: (\d+)", output) != "0":
        raise Finding(f"{name}: {output}")
    if "Search not completed" in output or "search depth too small" in output:
        raise Finding(f"{name}: the search was not complete:\n{output}")
    if not liveness:
        unreached = [line.strip() for line in output.splitlines() if MODEL.name + ":" in line and "-end-" not in line]
        if unreached:
            raise Finding(f"{name}: nothing leads to\n" + "\n".join(unreached))
    summary(name, output, started)


def is_found_out(name):
    started = time.monotonic()
    liveness = name == "WAIT"
    output = search(f"BROKEN_{name}", LIVENESS if liveness else SAFETY, liveness)
    if not re.search(BROKEN[name], output):
        raise Finding(f"BROKEN_{name} was not found out as {BROKEN[name]!r}:\n{output}")
    summary(f"BROKEN_{name}, found out", output, started)


def main():
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(holds, "safety", [*SAFETY, "-O1"], False, "WHOLE"),
                pool.submit(holds, "every block ends", LIVENESS, True, "CHANGES=1")]
        runs += [pool.submit(is_found_out, name) for name in BROKEN]
    findings = [str(run.exception()) for run in runs if run.exception() is not None]
    for each in findings:
        print(each, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
