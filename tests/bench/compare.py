"""Runs one load on every server, round by round, and keeps what was measured."""

import dataclasses
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import process
import remap
import servers
from messages import has_answer, only_address, read_packets
from servers import Measure

SOCKETS, WINDOW, LOAD_TIMEOUT_S = 4, 64, 60
CHECKED_ANSWERS = 1000
AGREE_MIN = 0.999
REFERENCE = "gdnsd"
FLOOR = "floor"  # sends questions back, so its answers are not looked at


@dataclasses.dataclass(frozen=True)
class Plan:
    contenders: list
    runs: int
    answers: int
    server_cpu: int
    load_cpu: int
    inputs: pathlib.Path  # made by bench_inputs
    mmdb: pathlib.Path
    tools: pathlib.Path
    meridiand: pathlib.Path


@dataclasses.dataclass
class Round:
    """One start of one server, and what was done to it."""
    first_answer_s: float
    rss_mb: float
    cpu_us: float = 0.0
    user_us: float = 0.0
    sys_us: float = 0.0
    qps: float = 0.0
    lost: int = 0
    remap_s: tuple = ()


LOAD_LINE = re.compile(r"answered (?P<answered>\d+) lost (?P<lost>\d+) qps (?P<qps>\d+) .*"
                       r"cpu_us_per_q (?P<cpu>[\d.]+) \(user (?P<user>[\d.]+) sys (?P<sys>[\d.]+)\)"
                       r" rcode0 \d+ other (?P<other>\d+)")


def _put_load(server, packets, plan, answers):
    pids = ",".join(str(pid) for pid in server.pids())
    command = ["taskset", "--cpu-list", str(plan.load_cpu), plan.tools / "udpload", packets,
               str(server.port), str(answers), pids, str(SOCKETS), str(WINDOW), str(LOAD_TIMEOUT_S)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = LOAD_LINE.search(done.stdout)
    if done.returncode != 0 or not line:
        raise process.BenchError(f"udpload on {server.name}: {done.stdout}{done.stderr}")
    if int(line["answered"]) < answers:
        raise process.BenchError(f"{server.name} gave {line['answered']} of {answers} answers")
    return line


def _measure_load(server, packets, plan, result):
    _put_load(server, packets, plan, max(1, plan.answers // 10))  # warms caches
    line = _put_load(server, packets, plan, plan.answers)
    result.cpu_us, result.user_us = float(line["cpu"]), float(line["user"])
    result.sys_us, result.qps = float(line["sys"]), float(line["qps"])
    result.lost = int(line["lost"])
    if int(line["other"]) and server.name != FLOOR:
        raise process.BenchError(f"{server.name}: {line['other']} answers were errors")


def _measure(contender, setting, plan, addresses):
    """One round. The first of a server also fills `addresses` with what it answers."""
    packets = setting.inputs / f"{setting.load.zone}.packets"
    questions = read_packets(packets, CHECKED_ANSWERS)
    floor = contender.name == FLOOR
    command = contender.prepare(setting)
    with process.Server(contender.name, command, setting.port, plan.server_cpu,
                        setting.dir / "log") as server:
        first = server.wait_first_answer(questions[0], (lambda _: True) if floor else has_answer)
        result = Round(first, server.rss_mb())
        if setting.load.measure is Measure.REMAP:
            changes = remap.measure(contender.name, server, setting)
            result.remap_s = tuple(sorted(changes))
        elif not floor and not addresses:
            addresses.extend(only_address(server.ask(question)) for question in questions)
        if setting.load.measure is Measure.ANSWERS:
            _measure_load(server, packets, plan, result)
    return result


class Comparison:
    """All rounds of one load."""

    def __init__(self, load, plan):
        self.load = load
        self.plan = plan
        self.rounds = {name: [] for name in plan.contenders
                       if load.name in servers.CONTENDERS[name].loads}
        self.addresses = {name: [] for name in self.rounds}
        self.failures = {}  # server → "missing" or "failed"

    def run(self):
        """Round by round, so that what is compared was measured within the same minute."""
        # A remap round has many changes in it already.
        runs = 1 if self.load.measure is Measure.REMAP else self.plan.runs
        for number in range(runs):
            for name in self.rounds:
                if name not in self.failures:
                    print(f"{self.load.name}: round {number + 1}, {name}", file=sys.stderr)
                    self._run_one(servers.CONTENDERS[name])

    def _run_one(self, contender):
        with tempfile.TemporaryDirectory(prefix="meridian-bench-") as directory:
            setting = servers.Setting(
                self.load, pathlib.Path(directory), self.plan.inputs, self.plan.mmdb,
                self.plan.tools, self.plan.meridiand, process.free_port(), process.free_port())
            if not contender.present(setting):
                self.failures[contender.name] = "missing"
                return
            try:
                result = _measure(contender, setting, self.plan, self.addresses[contender.name])
                self.rounds[contender.name].append(result)
            except process.BenchError as error:
                self.failures[contender.name] = "failed"
                print(f"{contender.name}: {error}", file=sys.stderr)

    def median(self, name, field):
        return statistics.median(getattr(one, field) for one in self.rounds[name])

    def floor_ratio(self, name):
        """Median of each round's ratio, as rounds share a minute; None without a floor."""
        pairs = zip(self.rounds[name], self.rounds.get(FLOOR, []))
        ratios = [one.cpu_us / floor.cpu_us for one, floor in pairs]
        return statistics.median(ratios) if ratios else None

    def agreement(self, name):
        """Share of the checked answers that equal the reference's; None where unknown."""
        mine, reference = self.addresses[name], self.addresses.get(REFERENCE)
        if not mine or not reference or name == REFERENCE:
            return None
        same = sum(a is not None and a == b for a, b in zip(mine, reference))
        return same / len(mine)

    def disagreeing(self):
        shares = {name: self.agreement(name) for name in self.rounds}
        return [name for name, share in shares.items() if share is not None and share < AGREE_MIN]
