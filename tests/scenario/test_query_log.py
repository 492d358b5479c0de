"""The query log on the real binary: what its lines say, and what they keep to themselves."""

import datetime
import json
import re
import unittest

import dns.edns
import dns.message

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from small_world import SERVICE, small_world

SUBNETS = [("192.0.2.0", 24), ("2001:db8:1::", 48)]
# Names that tell of people, and what of them must not stand in the log.
SECRETS = {
    f"u4xsudxy.g.{SERVICE}": ["u4xsu"],
    f"U4XSUDXY.G.{SERVICE}": ["u4xsu"],
    f"_explain.u4xsudxy.g.{SERVICE}": ["u4xsu"],
    f"museum-1.poi.{SERVICE}": ["museum"],
    f"MUSEUM-1.PoI.{SERVICE}": ["museum"],
    f"deeper.museum-1.poi.{SERVICE}": ["museum", "deeper"],
    "museum-1.poi.mistyped.example.": ["museum"],
    f"order-4711.key.{SERVICE}": ["4711"],
}


def query(name, subnet=None):
    options = [dns.edns.ECSOption(*subnet)] if subnet else None
    return dns.message.make_query(name, "A", use_edns=0 if options else -1, options=options)


class QueryLog(ScenarioCase):
    def setUp(self):
        super().setUp()
        self.round = self.workspace.inner(self._testMethodName)
        self.folder = self.round.path / "log"

    def logging(self, **more):
        return small_world(self.round, {"query_log": {"folder": str(self.folder), "sample": 1, **more}})

    def text(self):
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.jsonl")))

    def lines(self):
        return [json.loads(line) for line in self.text().splitlines()]

    def await_lines(self, count):
        return wait_for(lambda: self.folder.exists() and len(self.lines()) >= count and self.lines(), ANSWER_SECONDS,
                        f"{count} lines")

    def test_lines_say_what_was_asked_and_decided(self):
        with self.logging() as server:
            before = len(self.await_lines(1))
            answer = server.udp(query(SERVICE, SUBNETS[0]))
            server.tcp(query("nothing.shop.example."))
            first, second = self.await_lines(before + 2)[before:before + 2]
        self.assertEqual(
            {key: first[key] for key in ("transport", "name", "type", "rcode", "subject", "ezone", "place", "scope")},
            {"transport": "udp", "name": SERVICE, "type": "A", "rcode": "NOERROR", "subject": "north", "ezone": "ams",
             "place": "client-subnet", "scope": 24})
        self.assertEqual(first["size"], len(answer.to_wire()))
        self.assertEqual((second["transport"], second["rcode"]), ("tcp", "NXDOMAIN"))
        self.assertNotIn("ezone", second)
        self.assertEqual(first["client"], second["client"])
        self.assertNotEqual(first["client"], first["client_subnet"])

    def test_nothing_leads_back_to_anybody(self):
        with self.logging() as server:
            before = len(self.await_lines(1))
            for name in SECRETS:
                server.udp(query(name))
            for subnet in SUBNETS:
                server.udp(query(SERVICE, subnet))
            self.await_lines(before + len(SECRETS) + len(SUBNETS))
        text = self.text().lower()
        for name, secrets in SECRETS.items():
            for secret in secrets:
                self.assertNotIn(secret, text, name)
        for subnet, _ in SUBNETS:
            self.assertNotIn(subnet.rstrip(":0"), text)
        self.assertNotIn("127.0.0", text)
        self.assertIsNone(re.search(r"\d+\.\d+\.\d+\.\d+", text), "no address at all")
        self.assertIn("u4xs.g.", text)
        hashes = {line["client"] for line in self.lines()}
        self.assertEqual(len(hashes), 1)
        self.assertRegex(hashes.pop(), r"^[0-9a-f]{16}$")

    def test_another_start_cannot_be_joined_with_the_first(self):
        for _ in range(2):
            with self.logging() as server:
                server.udp(query(SERVICE))
        self.assertEqual(len({line["client"] for line in self.lines()}), 2)

    def test_files_of_the_day_and_no_longer(self):
        self.folder.mkdir()
        today = datetime.datetime.now(datetime.timezone.utc).date()
        for age in (1, 2, 3, 400):
            (self.folder / f"queries-{today - datetime.timedelta(days=age)}.jsonl").write_text("{}\n")
        (self.folder / "queries-2020-01-01.jsonl.gz").write_text("kept")
        with self.logging(keep_days=2) as server:
            server.udp(query(SERVICE))
        days = [datetime.date.fromisoformat(path.name[8:18]) for path in self.folder.glob("*.jsonl")]
        # The day may have ended meanwhile.
        self.assertIn(len(days), (3, 4))
        self.assertGreaterEqual(min(days), today - datetime.timedelta(days=2))
        self.assertTrue((self.folder / "queries-2020-01-01.jsonl.gz").exists())
        for path in self.folder.glob(f"queries-{today}.jsonl"):
            self.assertEqual(path.stat().st_mode & 0o137, 0)

    def test_a_log_that_cannot_be_written_harms_nobody(self):
        self.folder.write_text("a file, where a folder should be")
        with self.logging() as server:
            for _ in range(20):
                self.assertEqual(len(server.udp(query(SERVICE)).answer), 1)
            wait_for(lambda: "query_log_not_written" in server.log_text(), ANSWER_SECONDS, "line in the log")
            self.folder.unlink()
            wait_for(lambda: server.udp(query(SERVICE)) and self.folder.is_dir() and self.text(), ANSWER_SECONDS,
                     "lines again")
            metrics = server.rest("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"meridian_query_log_failures_total [1-9]")
        self.assertRegex(metrics, r"meridian_query_log_lost_total [1-9]")
        self.assertEqual(server.log_text().count("query_log_not_written"), 1)
        self.assertNotIn(LOOPBACK, self.text())


if __name__ == "__main__":
    unittest.main()
