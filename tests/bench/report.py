"""What the run says: tables, missing packages, and the reasons to fail."""

import statistics

import servers
from compare import REFERENCE
from servers import Measure


def table(comparison):
    before, after = "", f"  answers as {REFERENCE}"
    if comparison.load.measure is Measure.ANSWERS:
        before = "us/answer  x floor      q/s  lost   user    sys  "
    elif comparison.load.measure is Measure.REMAP:
        after = "  changes  median ms     max ms"
    lines = [comparison.load.title, f"{'':16}{before} RSS MB  first answer s{after}"]
    for name in comparison.rounds:
        row = comparison.failures.get(name) or _row(comparison, name)
        lines.append(f"{servers.CONTENDERS[name].title():16}{row}")
    return "\n".join(lines)


def _row(comparison, name):
    def median(field):
        return comparison.median(name, field)

    share = comparison.agreement(name)
    before, after = "", f"{'-' if share is None else f'{share:.1%}':>18}"
    if comparison.load.measure is Measure.ANSWERS:
        ratio = comparison.floor_ratio(name)
        lost = sum(one.lost for one in comparison.rounds[name])
        before = (f"{median('cpu_us'):9.3f}  {'-' if ratio is None else f'{ratio:.2f}':>7}  "
                  f"{median('qps'):7.0f}  {lost:4}  {median('user_us'):5.2f}  "
                  f"{median('sys_us'):5.2f}  ")
    elif comparison.load.measure is Measure.REMAP:
        changes = comparison.rounds[name][0].remap_s
        after = (f"{len(changes):9}  {statistics.median(changes) * 1e3:9.2f}  "
                 f"{changes[-1] * 1e3:9.2f}")
    return f"{before}{median('rss_mb'):7.0f}  {median('first_answer_s'):14.3f}{after}"


def missing_packages(comparisons):
    """The Debian packages of peers that are not installed."""
    names = {name for comparison in comparisons for name, why in comparison.failures.items()
             if why == "missing"}
    return " ".join(servers.CONTENDERS[name].package for name in sorted(names)).split()


def reasons_to_fail(comparisons, check):
    reasons = []
    for comparison in comparisons:
        load = comparison.load.name
        reasons += [f"{load}: {name} {why}" for name, why in comparison.failures.items()]
        reasons += [f"{load}: {name} answers otherwise than {REFERENCE}"
                    for name in comparison.disagreeing()]
    if check:
        reasons += _check_goal(comparisons)
    return reasons


def _check_goal(comparisons):
    geo = next((one for one in comparisons if one.load.name == "geo"), None)
    if geo is None or not geo.rounds.get("meridian") or not geo.rounds.get("gdnsd"):
        return ["--check needs geo rounds of meridian and gdnsd"]
    if geo.median("meridian", "cpu_us") > geo.median("gdnsd", "cpu_us"):
        return ["geo: meridian uses more CPU for each answer than gdnsd"]
    return []
