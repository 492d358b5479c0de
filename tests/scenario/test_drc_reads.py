"""Reads of a global zone follow its copies' lag: ro.S leaves a copy that falls behind or of which
nobody speaks, comes back to it, and is never answered by nobody.

Real seconds pass here, because silence is what is tested: a lag is unknown after 10.
"""

import json
import threading
import time
import unittest

from ecs import ecs_option, query_with
from harness import ScenarioCase, wait_for
from small_world import ADDRESS, GLOBAL_SERVICE, TOPOLOGY, ndjson, small_world

BERGEN = "203.0.113.0/24"  # ams is the nearest copy, then the primary, dub
WAIT_SECONDS = 30.0


class DrcReads(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = small_world(cls.workspace)
        topology = json.loads(json.dumps(TOPOLOGY))
        topology["zones"][1]["read_max_lag_ms"] = 5000
        (server.home / "topology.json").write_text(json.dumps(topology))
        cls.server = cls.start(server)
        cls.seq = 0

    def feed(self, lag, state="RUNNING"):
        """What agents of ams and mad say of their links from dub."""
        for dc in ("ams", "mad"):
            type(self).seq += 1
            body = ndjson([
                {"type": "hello", "v": 1, "agent": f"drc-{dc}-1", "dc": dc, "boot": "b1"},
                {"type": "link", "seq": self.seq, "source": "dub", "target": dc, "lag_ms": lag,
                 "state": state, "ts": int(time.time() * 1000)}])
            reply = self.server.rest("POST", "/v1/drc/feed", body.encode())
            self.assertEqual(reply.json["rejected"], [])

    def answer(self, name=f"ro.{GLOBAL_SERVICE}"):
        """The one address of the answer, from Bergen; every answer has one."""
        reply = self.server.udp(query_with(name, "A", ecs_option(BERGEN)))
        self.assertEqual(len(reply.answer), 1, reply)
        return reply.answer[0][0].address

    def becomes(self, site, lag=None):
        """Waits until ro.S is answered there; with a lag, while agents go on saying it."""
        def there():
            if lag is not None:
                self.feed(lag)
            return self.answer() == ADDRESS[site]
        wait_for(there, WAIT_SECONDS, f"answer of {site}")

    def reads(self):
        return self.server.rest("GET", "/v1/links").json["reads"][0]

    def explain(self):
        reply = self.server.udp(query_with(f"_explain.ro.{GLOBAL_SERVICE}", "TXT",
                                           ecs_option(BERGEN)))
        return " ".join(text.decode() for rrset in reply.answer for text in rrset[0].strings)

    def test_1_before_anybody_speaks_the_primary_answers(self):
        self.assertEqual(self.answer(), ADDRESS["dub"])
        self.assertEqual(self.reads()["copies"], [{"ezone": "ams", "fresh": False},
                                                  {"ezone": "mad", "fresh": False}])
        self.assertIn("stale", self.explain())
        self.assertRegex(self.server.ctl("links").stdout, r"account +dub +ams +false")

    def test_2_lag_decides_with_hysteresis(self):
        self.becomes("ams", lag=10)
        self.assertEqual(self.reads()["copies"][0], {"ezone": "ams", "fresh": True})
        for _ in range(3):  # between the bounds, over looks of the server
            looked = time.monotonic() + 1.2
            wait_for(lambda: self.feed(4000) or time.monotonic() > looked, WAIT_SECONDS, "look")
            self.assertEqual(self.answer(), ADDRESS["ams"])
        self.becomes("dub", lag=6000)
        looked = time.monotonic() + 2.4
        wait_for(lambda: self.feed(4000) or time.monotonic() > looked, WAIT_SECONDS, "look")
        self.assertEqual(self.answer(), ADDRESS["dub"], "not below the lower bound yet")
        self.becomes("ams", lag=100)
        self.assertEqual(self.server.log_text().count("read_copy zone=account ezone=ams is=fresh"),
                         2, "no flapping")

    def test_3_silence_leads_to_the_primary_and_no_answer_is_empty(self):
        self.becomes("ams", lag=10)
        seen = []
        problems = []
        stop = threading.Event()

        def ask():
            try:
                while not stop.is_set():
                    seen.append(self.answer())
            except (AssertionError, OSError) as error:
                problems.append(error)

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            self.becomes("dub")
        finally:
            stop.set()
            asker.join()
        self.assertEqual(problems, [])
        self.assertLessEqual(set(seen), {ADDRESS["ams"], ADDRESS["dub"]})
        changes = sum(a != b for a, b in zip(seen, seen[1:]))
        self.assertLessEqual(changes, 1, "from one to the other, once")
        self.assertEqual(self.answer(f"rw.{GLOBAL_SERVICE}"), ADDRESS["dub"])
        text = self.server.rest("GET", "/metrics").body.decode()
        self.assertIn('meridian_read_copies{zone="account",is="stale"} 2', text)

    def test_4_without_the_primary_a_stale_copy_answers(self):
        reply = self.server.rest("POST", "/v1/health/overrides",
                                 {"glob": "datacenter/dub", "state": "DOWN", "reason": "test"})
        self.assertEqual(reply.status, 200, reply)
        self.becomes("ams")


if __name__ == "__main__":
    unittest.main()
