"""HA events on the real binaries: what starts a change, what is refused, and what a restart keeps.

EMHA is a token of the role agent that the configuration names; its events are signed.
"""

import base64
import hashlib
import hmac
import json
import time
import unittest
import urllib.error
import urllib.request

import small_world
from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from small_world import ndjson
from test_changes import Feed

TOKEN = "a" * 64
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class HaCase(ScenarioCase):
    """One server for the class, which knows EMHA's token and secret."""

    ha_settings = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = small_world.small_world(cls.workspace, {
            "ha": {"senders": ["emha-1"], "secret_files": ["emha.secret"]} | cls.ha_settings})
        (server.home / "emha.secret").write_text(f"whsec_{SECRET}\n")
        cls.server = cls.start(server)
        # The first start has made the admin's token; EMHA's comes beside it.
        tokens = server.state_dir / "tokens.json"
        document = json.loads(tokens.read_text())
        document["tokens"].append({"name": "emha-1", "role": "agent",
                                   "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()})
        tokens.write_text(json.dumps(document))
        server.stop()
        server.start()

    def event(self, identifier, **members):
        now = int(time.time() * 1000)
        return {"event_id": identifier, "type": "switch.request", "cluster": "order-3",
                "scope": "cross_dc", "subjects": ["north"], "from": {"dc": "ams"},
                "to": {"dc": "mad"}, "reason": "planned", "occurred_at": now - 10,
                "expires_at": now + 60_000} | members

    def post(self, body, signed=True, content_type="application/json"):
        """Status and reply, a list of replies for a batch."""
        data = body.encode()
        stamp = str(int(time.time()))
        digest = hmac.new(base64.b64decode(SECRET), f"m-1.{stamp}.".encode() + data, hashlib.sha256)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
        if signed:
            headers |= {"webhook-id": "m-1", "webhook-timestamp": stamp,
                        "webhook-signature": "v1," + base64.b64encode(digest.digest()).decode()}
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.server.admin_port}/v1/ha/events", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                status, text, self.headers = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refused:
            with refused:
                status, text, self.headers = refused.code, refused.read(), refused.headers
        if content_type == "application/x-ndjson":
            return status, [json.loads(line) for line in text.splitlines()]
        return status, json.loads(text)

    def tell(self, event):
        return self.post(json.dumps(event))


class HaRates(HaCase):
    """A cluster that tells too much is told when to come back; what it repeats is answered all the same."""

    ha_settings = {"cluster_events_per_s": 1, "cluster_burst": 2}

    def test_who_tells_too_much_is_told_when_to_come_back(self):
        inside = {"type": "switch.started", "scope": "intra_dc", "to": {"dc": "ams"}}
        first = self.event("r0", **inside)
        self.assertEqual(self.tell(first)[0], 202)
        told = 1
        while (answer := self.tell(self.event(f"r{told}", **inside)))[0] == 202:
            told += 1
            self.assertLess(told, 50, "one a second, and two at once")
        self.assertGreaterEqual(told, 2)
        self.assertEqual(answer[0], 429, answer)
        self.assertIn(self.headers["Retry-After"], ("1", "2"))
        self.assertEqual(self.tell(self.event("elsewhere", cluster="other", **inside))[0], 202, "of another cluster")
        self.assertEqual(self.tell(first)[0], 200, "known already")
        self.assertIn('meridian_ha_rejected_total{reason="limited"} 1',
                      self.server.rest("GET", "/metrics").body.decode())
        wait_for(lambda: self.tell(self.event("later", **inside))[0] == 202, 10, "room for one more")


class HaEvents(HaCase):
    def link(self, source, target):
        links = self.server.rest("GET", f"/v1/links?source={source}&target={target}").json["links"]
        return links[0] if links else {}

    def state(self, source, target):
        return self.link(source, target).get("state")

    def worst_lag(self, source, target):
        return self.link(source, target).get("worst_lag_60s_ms")

    def test_1_only_signed_events_are_taken(self):
        status, reply = self.post(json.dumps(self.event("unsigned")), signed=False)
        self.assertEqual((status, reply["error"]), (401, "unauthorized"))

    def test_2_refusals(self):
        status, reply = self.tell(self.event("old", occurred_at=0, expires_at=1))
        self.assertEqual((status, reply["rule"]), (410, "expired"))
        status, reply = self.tell(self.event("stale", expected_epoch=1))
        epoch = self.server.rest("GET", "/v1/partitions/north").json["epoch"]
        self.assertEqual((status, reply["current_epoch"]), (409, epoch))
        # Without a feed nobody knows the lag.
        status, reply = self.tell(self.event("blind"))
        self.assertEqual((status, reply["decision"], reply["rule"]), (202, "denied", "S3"))

    def test_3_a_switch_inside_a_datacenter_holds_planned_shifts(self):
        with Feed(self.server, "ams", "mad"):
            wait_for(lambda: self.state("ams", "mad") == "RUNNING", ANSWER_SECONDS, "the link")
            status, reply = self.tell(self.event("inside", type="switch.completed",
                                                 scope="intra_dc", to={"dc": "ams"}))
            self.assertEqual((status, reply["decision"], reply["rule"]), (202, "noted", "intra-dc"))
            self.assertEqual((self.state("ams", "mad"), self.state("mad", "ams")),
                             ("REBASING", "REBASING"))
            ran = self.server.ctl("change", "shift", "north", "--to", "mad", "--reason", "now",
                                  "--override", "S3")
            self.assertEqual(ran.returncode, 1, ran.stdout)
            self.assertIn("REBASING", ran.stderr)

    def test_4_a_batch_is_answered_line_by_line(self):
        site = self.event("gone", type="dc.isolated", scope="dc", **{"from": {"dc": "dub"}})
        status, replies = self.post(ndjson([site, site]) + "nonsense\n",
                                    content_type="application/x-ndjson")
        self.assertEqual(status, 200)
        self.assertEqual([reply["status"] for reply in replies], [202, 200, 400])
        shown = self.server.ctl("ha", "events")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("dc.isolated", shown.stdout)
        signals = self.server.rest("GET", "/v1/ha/events").json["signals"]
        self.assertEqual([(each["datacenter"], each["type"]) for each in signals],
                         [("dub", "dc.isolated")])

    def test_5_a_planned_request_starts_one_change_also_over_a_restart(self):
        with Feed(self.server, "mad", "dub"):
            # Rule S3 wants 60 s of the link's past.
            wait_for(lambda: self.worst_lag("mad", "dub") is not None, 90.0, "a minute of the feed")
            event = self.event("plan", subjects=["south"], to={"dc": "dub"},
                               **{"from": {"dc": "mad"}})
            status, first = self.tell(event)
            self.assertEqual((status, first["decision"]), (202, "accepted"), first)
            change = self.server.rest("GET", f"/v1/changes/{first['change_id']}").json
            self.assertEqual((change["actor"], change["mode"]), ("emha:order-3", "planned"))
        self.assertEqual(self.tell(event), (200, first))
        status, other = self.tell(event | {"cluster": "order-4"})
        self.assertEqual((status, other["rule"]), (422, "other-body"))
        self.server.kill9()
        self.server.start()
        self.assertEqual(self.tell(event), (200, first))
        self.assertEqual(len(self.server.rest("GET", "/v1/changes").json["changes"]), 1)


if __name__ == "__main__":
    unittest.main()
