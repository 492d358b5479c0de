"""The DRC feed on the real binaries: what agents push shows as links, and what they stop saying, too.

Real seconds pass here, because silence is what is tested: STALE after 3, UNKNOWN after 10.
"""

import hashlib
import json
import re
import socket
import time
import unittest

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from small_world import ndjson, small_world

ADMIN = "a" * 64
AGENT = "b" * 64
SILENCE_SECONDS = 15.0


def hello(boot="b1", agent="drc-mad-1"):
    return {"type": "hello", "v": 1, "agent": agent, "dc": "mad", "boot": boot}


def link(seq, lag, **more):
    return {"type": "link", "seq": seq, "source": "ams", "target": "mad", "channel": "order",
            "state": "RUNNING", "lag_ms": lag, "ts": int(time.time() * 1000), **more}


class DrcFeed(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = small_world(cls.workspace, {"drc": {"max_links": 3, "listen": f"{LOOPBACK}:0",
                                                     "history_every_s": 10}})
        tokens = [{"name": name, "role": role, "sha256": hashlib.sha256(secret.encode()).hexdigest()}
                  for name, role, secret in (("admin", "admin", ADMIN),
                                             ("drc-mad-1", "agent", AGENT))]
        server.state_dir.mkdir(mode=0o700, parents=True)
        (server.state_dir / "tokens.json").write_text(json.dumps({"format": 1, "tokens": tokens}))
        token_file = server.state_dir / "admin.token"
        token_file.touch(mode=0o600)
        token_file.write_text(ADMIN + "\n")
        cls.server = cls.start(server)

    def feed(self, *lines, token=AGENT):
        body = b"".join(line if isinstance(line, bytes) else ndjson([line]).encode()
                        for line in lines)
        reply = self.server.rest("POST", "/v1/drc/feed", body, token=token)
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def link(self, channel="order"):
        rows = self.server.rest("GET", f"/v1/links?source=ams&target=mad&channel={channel}").json
        self.assertEqual(len(rows["links"]), 1, rows)
        return rows["links"][0]

    def metric(self, name):
        text = self.server.rest("GET", "/metrics").body.decode()
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                    if line.startswith(name + " "))

    def dropped(self, outcome, reason):
        return self.metric(f'meridian_drc_lines_total{{outcome="{outcome}",reason="{reason}"}}')

    def test_1_push_out_of_order_and_a_new_boot(self):
        done = self.feed(hello(), link(7, 180, src_pos="x@9", applied_pos="x@8"))
        self.assertEqual((done["accepted"], done["ack"]), (2, 7))
        row = self.link()
        self.assertEqual((row["state"], row["freshness"]), ("RUNNING", "FRESH"))
        self.assertGreaterEqual(row["effective_lag_ms"], 180)
        self.assertEqual((row["src_seq"], row["applied_seq"]), (9, 8))

        late = self.feed(hello(), link(6, 1), link(7, 1))
        self.assertEqual([each["reason"] for each in late["rejected"]], ["old_seq", "old_seq"])
        self.assertEqual(self.dropped("refused", "old_seq"), 2)
        self.assertEqual(self.link()["reports"][0]["lag_ms"], 180)

        self.assertEqual(self.feed(hello("b2"), link(1, 25))["rejected"], [])
        self.assertEqual(self.link()["reports"][0]["lag_ms"], 25)
        self.assertEqual(self.feed(hello("b1"), link(99, 1))["rejected"][0]["reason"], "old_boot")

        table = self.server.ctl("links", "--target", "mad")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("RUNNING", table.stdout)

    def test_2_silence_makes_it_stale_then_unknown(self):
        self.feed(hello("b3"), link(1, 10))
        seen = []
        lags = []

        def unknown():
            row = self.link()
            if not seen or seen[-1] != row["freshness"]:
                seen.append(row["freshness"])
            if row["effective_lag_ms"] is not None:
                lags.append(row["effective_lag_ms"])
            return row["freshness"] == "UNKNOWN"

        wait_for(unknown, SILENCE_SECONDS, "UNKNOWN link")
        self.assertEqual(seen, ["FRESH", "STALE", "UNKNOWN"])
        self.assertEqual(lags, sorted(lags), "silence can only make it worse")
        self.assertGreater(lags[-1], 9000)
        self.assertEqual(self.link()["effective_lag_ms"], None)
        wait_for(lambda: self.link()["history"][-1]["freshness"] == "UNKNOWN", SILENCE_SECONDS,
                 "UNKNOWN in the link's past")
        self.assertIn("drc_link ", self.server.log_text())

        self.feed(hello("b3"), link(2, 10))
        self.assertEqual(self.link()["freshness"], "FRESH")
        self.feed(hello("b3"), link(3, None))
        self.assertEqual(self.link()["freshness"], "UNKNOWN")

    def test_3_what_is_refused_is_counted_and_changes_nothing(self):
        self.feed(hello("b4"), link(1, 40))
        before = self.link()["reports"][0]["lag_ms"]
        bad = {"not_json": b"{\n", "not_object": b"[1]\n", "too_long": b'"' + b"x" * 20000 + b'"\n',
               "wrong_type": ndjson([link(2, "fast")]).encode(),
               "out_of_range": ndjson([link(-2, 5)]).encode(),
               "bad_text": ndjson([link(2, 5, state="FINE")]).encode(),
               "missing": b'{"type":"link","seq":2}\n',
               "duplicate": b'{"type":"hb","seq":2,"seq":3,"ts":1}\n'}
        counts = {reason: self.dropped("malformed", reason) for reason in bad}
        reply = self.feed(hello("b4"), *bad.values(), {"type": "weather"})
        self.assertEqual([each["reason"] for each in reply["rejected"]], list(bad))
        for reason, count in counts.items():
            self.assertEqual(self.dropped("malformed", reason), count + 1, reason)
        self.assertEqual(self.dropped("skipped", "unknown_type"), 1)
        self.assertEqual(self.link()["reports"][0]["lag_ms"], before)
        self.assertIn("drc_line_refused", self.server.log_text())

        self.assertEqual(self.feed(link(5, 1))["rejected"][0]["reason"], "no_hello")
        many = self.feed(hello("b4"), *(link(10 + n, 1, channel=f"c{n}") for n in range(5)))
        self.assertEqual([each["reason"] for each in many["rejected"]], ["too_many_links"] * 3)

    def test_4_an_agent_speaks_for_itself_only(self):
        foreign = self.feed(hello(agent="drc-mad-2"), link(1, 1))
        self.assertEqual([each["reason"] for each in foreign["rejected"]], ["foreign", "no_hello"])
        self.assertEqual(self.server.rest("GET", "/v1/topology", token=AGENT).status, 403)
        self.assertEqual(self.server.rest("POST", "/v1/drc/feed", b"", token=None).status, 401)
        self.assertEqual(self.feed(hello(agent="drc-mad-2"), token="admin")["accepted"], 1)

    def test_5_the_same_lines_over_tcp(self):
        port = int(re.search(rf"drc_listening address={LOOPBACK}:(\d+)",
                             self.server.log_text()).group(1))
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as agent, \
                agent.makefile("rwb") as lines:
            def say(*rows):
                lines.write(ndjson(rows).encode())
                lines.flush()

            say({**hello("b9"), "token": AGENT}, link(1, 70))
            reply = json.loads(lines.readline())
            while reply["seq"] == 0:  # the hello may have been read before the link came
                reply = json.loads(lines.readline())
            self.assertEqual(reply, {"type": "ack", "seq": 1})
            self.assertEqual(self.link()["reports"][0]["lag_ms"], 70)
            say(link(1, 1))
            self.assertEqual(json.loads(lines.readline())["reason"], "old_seq")
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as agent, \
                agent.makefile("rwb") as lines:
            lines.write(ndjson([{**hello("b9"), "token": "c" * 64}]).encode())
            lines.flush()
            self.assertEqual(json.loads(lines.readline())["reason"], "unauthorized")
            self.assertEqual(lines.readline(), b"")
        self.assertNotIn(AGENT, self.server.log_text())

    def test_6_the_past_outlives_a_crash(self):
        path = "/v1/links/ams/mad/order/history"

        def rows():
            reply = self.server.rest("GET", path)
            return reply.json["rows"] if reply.status == 200 else []

        before = len(rows())
        self.feed(hello("b10"), link(1, 60))
        wait_for(lambda: len(rows()) > before, 2 * SILENCE_SECONDS, "row of the link's past")
        last = rows()[-1]
        self.assertEqual(last["at_ms"] % 10_000, 0)
        self.assertGreaterEqual(last["max_lag_ms"], 60)
        self.server.kill9()
        self.server.launch()
        self.assertIn(last, rows())
        table = self.server.ctl("links", "history", "ams", "mad", "--channel", "order")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn(last["at"], table.stdout)


if __name__ == "__main__":
    unittest.main()
