#!/usr/bin/env python3
"""Tests of the harness itself.

usage: harness_test.py FOLDER_OF_THE_TOOLS"""

import importlib.machinery
import importlib.util
import json
import multiprocessing
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import compare  # noqa: E402
import messages  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

TOOLS = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else None

HEADER = b"\0\7\x84\0\0\1\0\1\0\0\0\0"
QUESTION = b"\3www\3geo\7example\0\0\1\0\1"
RECORD = b"\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\7"


class Messages(unittest.TestCase):
    def test_address_with_and_without_compression(self):
        for owner in (b"\xc0\x0c", b"\3www\xc0\x10", b"\3www\3geo\7example\0"):
            message = HEADER + QUESTION + owner + RECORD
            self.assertEqual(messages.only_address(message), "192.0.2.7")

    def test_a_message_cut_anywhere_has_no_address(self):
        message = HEADER + QUESTION + b"\xc0\x0c" + RECORD
        for size in range(len(message)):
            self.assertIsNone(messages.only_address(message[:size]), size)

    def test_what_is_not_one_address_record(self):
        body = QUESTION + b"\xc0\x0c" + RECORD
        nxdomain = HEADER[:3] + b"\3" + HEADER[4:]
        a_query = HEADER[:2] + b"\4" + HEADER[3:]
        two_records = HEADER[:7] + b"\2" + HEADER[8:]
        for header in (nxdomain, a_query, two_records):
            self.assertIsNone(messages.only_address(header + body))
        cname = body.replace(RECORD, b"\0\5" + RECORD[2:])
        self.assertIsNone(messages.only_address(HEADER + cname))

    def test_packets_of_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\0\3abc\0\2de\0\1f")
            file.flush()
            path = pathlib.Path(file.name)
            self.assertEqual(messages.read_packets(path, 2), [b"abc", b"de"])
            self.assertEqual(messages.read_packets(path, 9), [b"abc", b"de", b"f"])


def comparison_of(figures, addresses):
    """A comparison of the geo load with the given CPU figures (µs) and answers."""
    plan = compare.Plan(list(figures), 1, 1, 1, 0, *[pathlib.Path("/")] * 4)
    comparison = compare.Comparison(servers.LOADS["geo"], plan)
    for name, rounds in figures.items():
        comparison.rounds[name] = [compare.Round(0.1, 10.0, cpu_us=cpu) for cpu in rounds]
        comparison.addresses[name] = addresses.get(name, [])
    return comparison


class Verdicts(unittest.TestCase):
    def test_ratio_is_the_median_of_the_rounds_ratios(self):
        comparison = comparison_of({"floor": [1.0, 2.0, 4.0], "gdnsd": [1.5, 2.2, 8.0]}, {})
        self.assertEqual(comparison.floor_ratio("gdnsd"), 1.5)

    def test_a_server_that_answers_otherwise_fails_the_run(self):
        good, bad = ["192.0.2.1"] * 1000, ["192.0.2.1"] * 998 + [None, "192.0.2.2"]
        figures = {"gdnsd": [2.0], "knot": [4.0], "meridian": [1.0]}
        comparison = comparison_of(figures, {"gdnsd": good, "knot": good, "meridian": bad})
        self.assertEqual(report.reasons_to_fail([comparison], check=False),
                         ["geo: meridian answers otherwise than gdnsd"])

    def test_check_compares_with_gdnsd(self):
        slower = comparison_of({"gdnsd": [2.0], "meridian": [2.1]}, {})
        equal = comparison_of({"gdnsd": [2.0], "meridian": [2.0]}, {})
        alone = comparison_of({"meridian": [1.0]}, {})
        self.assertTrue(report.reasons_to_fail([slower], check=True))
        self.assertFalse(report.reasons_to_fail([slower], check=False))
        self.assertFalse(report.reasons_to_fail([equal], check=True))
        self.assertTrue(report.reasons_to_fail([alone], check=True))
        self.assertTrue(report.reasons_to_fail([], check=True))

    def test_a_missing_peer_is_named_with_its_packages(self):
        comparison = comparison_of({"gdnsd": [2.0], "knot": []}, {})
        comparison.failures["knot"] = "missing"
        self.assertEqual(report.missing_packages([comparison]), ["knot", "knot-module-geoip"])
        self.assertIn("geo: knot missing", report.reasons_to_fail([comparison], check=False))
        self.assertRegex(report.table(comparison), r"(?m)^knot .*missing$")


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.packets = pathlib.Path(self.folder.name) / "packets"
        query = HEADER[:2] + b"\0\0" + HEADER[4:6] + b"\0\0\0\0\0\0" + QUESTION
        self.packets.write_bytes(len(query).to_bytes(2, "big") + query)

    def test_load_on_the_floor_loses_nothing_and_finds_its_cpu_time(self):
        port = process.free_port()
        log = pathlib.Path(self.folder.name) / "log"
        with process.Server("floor", [str(TOOLS / "udpecho"), str(port)], port, 0, log) as floor:
            question = messages.read_packets(self.packets, 1)[0]
            self.assertGreater(floor.wait_first_answer(question, lambda _: True), 0)
            self.assertGreater(floor.rss_mb(), 0)
            done = subprocess.run([TOOLS / "udpload", self.packets, str(port), "5000",
                                   str(floor.pids()[0])], capture_output=True, text=True, check=True)
        line = compare.LOAD_LINE.search(done.stdout)
        self.assertGreaterEqual(int(line["answered"]), 5000)
        self.assertGreater(float(line["cpu"]), 0)

    def test_a_server_that_ends_at_its_start_is_an_error_with_its_log(self):
        log = pathlib.Path(self.folder.name) / "log"
        command = ["sh", "-c", "echo no such zone; exit 3"]
        with process.Server("broken", command, process.free_port(), 0, log) as server:
            with self.assertRaisesRegex(process.BenchError, "no such zone"):
                server.wait_first_answer(b"\0\0", lambda _: True)

    def test_load_refuses_a_torn_packet_file(self):
        self.packets.write_bytes(self.packets.read_bytes()[:-1])
        done = subprocess.run([TOOLS / "udpload", self.packets, "1", "1", "1"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("bad packet at byte 0", done.stderr)


class Feed(unittest.TestCase):
    def test_every_link_is_reported_in_turn(self):
        path = str(servers.HERE / "feed_beside_answers")
        loader = importlib.machinery.SourceFileLoader("feed_beside_answers", path)
        bench = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(bench)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sender = multiprocessing.Process(
                target=bench.feed, args=(listener.getsockname()[1], "secret", 20, 2000))
            sender.start()
            self.addCleanup(sender.join)
            self.addCleanup(sender.terminate)
            with listener.accept()[0] as stream, stream.makefile("rb") as lines:
                hello = json.loads(lines.readline())
                reports = [json.loads(lines.readline()) for _ in range(40)]
        self.assertEqual((hello["type"], hello["token"]), ("hello", "secret"))
        self.assertEqual([report["seq"] for report in reports], list(range(1, 41)))
        links = [(report["source"], report["channel"]) for report in reports]
        self.assertEqual(len(set(links)), 20)
        self.assertEqual(links[:20], links[20:])


if __name__ == "__main__":
    if TOOLS is None:
        sys.exit(__doc__)
    unittest.main()
