"""Agents that do not push: the real server asks them, and says how that goes."""

import http.server
import json
import re
import threading
import time
import unittest

from harness import LOOPBACK, ScenarioCase, wait_for
from small_world import ndjson, small_world

TOKEN = "d" * 64
WAIT_SECONDS = 20.0


class Agent:
    """An agent's own HTTP server: hello and, for each poll, one line more; or what a test says."""

    def __init__(self):
        self.asked = []
        self.tokens = set()
        self.status = 200
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802: the base class's name
                agent.asked.append(self.path)
                agent.tokens.add(self.headers.get("Authorization"))
                body = agent.body(self.path)
                self.send_response(agent.status)
                if agent.status == 302:
                    self.send_header("Location", "/v1/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://{LOOPBACK}:{self.http.server_address[1]}"

    def body(self, path):
        since = int(re.fullmatch(r"/v1/links\?since=(\d+)", path).group(1))
        return ndjson([
            {"type": "hello", "v": 1, "agent": "drc-mad-1", "dc": "mad", "boot": "b1"},
            {"type": "link", "seq": since + 1, "source": "ams", "target": "mad", "lag_ms": 70,
             "state": "RUNNING", "ts": int(time.time() * 1000)}]).encode()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


class DrcPull(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent = Agent()
        cls.addClassCleanup(cls.agent.stop)
        token = cls.workspace.path / "agent.token"
        token.touch(mode=0o600)
        token.write_text(TOKEN + "\n")
        cls.server = cls.start(small_world(cls.workspace, {"drc": {"pull": [
            {"agent": "drc-mad-1", "dc": "mad", "url": cls.agent.url, "interval_ms": 200,
             "token_file": str(token)}]}}))

    def links(self):
        return self.server.rest("GET", "/v1/links").json

    def pull(self):
        return self.links()["pulls"][0]

    def metric(self, name):
        text = self.server.rest("GET", "/metrics").body.decode()
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                    if line.startswith(name + " "))

    def test_1_what_it_says_shows_as_a_link(self):
        wait_for(lambda: self.pull()["polls"] >= 3, WAIT_SECONDS, "third poll")
        row = self.links()["links"][0]
        self.assertEqual((row["source"], row["target"], row["state"], row["freshness"]),
                         ("ams", "mad", "RUNNING", "FRESH"))
        self.assertEqual(self.agent.asked[:3],
                         ["/v1/links?since=0", "/v1/links?since=1", "/v1/links?since=2"])
        self.assertEqual(self.agent.tokens, {f"Bearer {TOKEN}"})
        self.assertEqual(self.pull()["state"], "up")
        self.assertRegex(self.server.ctl("links").stdout, r"drc-mad-1 +mad +up")
        self.assertEqual(self.metric('meridian_drc_pull_up{agent="drc-mad-1"}'), 1)

    def test_2_failures_are_told_once_and_it_comes_back(self):
        self.agent.status = 302
        wait_for(lambda: self.pull()["failures_in_a_row"] >= 3, WAIT_SECONDS, "third failure")
        pull = self.pull()
        self.assertEqual(pull["state"], "down")
        self.assertIn("redirects are not followed", pull["last_failure"])
        self.assertNotIn("/v1/elsewhere", self.agent.asked)
        self.assertEqual(self.metric('meridian_drc_pull_up{agent="drc-mad-1"}'), 0)
        self.assertEqual(self.server.log_text().count("drc_pull_down"), 1)
        self.agent.status = 200
        wait_for(lambda: self.pull()["state"] == "up", WAIT_SECONDS, "recovery")
        self.assertEqual(self.server.log_text().count("drc_pull_up"), 2)
        self.assertNotIn(TOKEN, self.server.log_text())
        self.assertNotIn(TOKEN, json.dumps(self.links()))


if __name__ == "__main__":
    unittest.main()
