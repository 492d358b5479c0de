"""Our hook signatures as the npm package standardwebhooks sees them: all phases of a change, a
rotated secret, and that what should not verify does not.

The package comes from the public npm registry, by the versions and checksums of webhooks/package-lock.json, into
var/webhooks, once: webhooks/fetch.sh, which says what is wrong when it cannot.
"""

import base64
import hashlib
import hmac
import http.client
import json
import subprocess
import time
import unittest
from pathlib import Path

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from switch_world import (GLOBAL_ZONE, change_of, start_change, switch_world, wait_change,
                          wait_links)
from test_changes import Feed

WEBHOOKS = Path(__file__).resolve().parent / "webhooks"
OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2, 3))
FETCH_SECONDS = 200.0


def signed(secret, identifier, stamp, body):
    """Headers of a message, computed with Python's own HMAC."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identifier}.{stamp}.{body}".encode(), hashlib.sha256).digest()
    return {"webhook-id": identifier, "webhook-timestamp": str(stamp),
            "webhook-signature": "v1," + base64.b64encode(digest).decode()}


class NodeReceiver:
    """webhooks/receiver.cjs in a process."""

    def __init__(self, modules):
        self.process = subprocess.Popen(["node", str(WEBHOOKS / "receiver.cjs"), str(modules)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://{LOOPBACK}:{self.port}/hooks"

    def close(self):
        self.process.communicate()

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def set(self, **settings):
        self.ask("POST", "/set", json.dumps(settings))

    def calls(self, phase=None):
        calls = self.ask("GET", "/calls")[1]
        return [call for call in calls if phase in (None, json.loads(call["body"])["phase"])]


class WebhookSignature(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fetched = subprocess.run([str(WEBHOOKS / "fetch.sh")], capture_output=True, text=True,
                                 timeout=FETCH_SECONDS, check=False)
        if fetched.returncode != 0:
            raise AssertionError(f"tests/scenario/webhooks/fetch.sh: {fetched.stderr}")
        cls.receiver = NodeReceiver(Path(fetched.stdout.strip()) / "node_modules")
        cls.addClassCleanup(cls.receiver.close)
        server = switch_world(cls.workspace, cls.receiver,
                              hook={"secret_files": ["one.secret", "two.secret"]})
        cls.secrets = [server.home / "one.secret", server.home / "two.secret"]
        for file, secret in zip(cls.secrets, (OLD, NEW)):
            file.write_text(secret + "\n")
        cls.server = cls.start(server)

    def test_1_all_phases_of_a_switch_verify_while_the_secret_is_rotated(self):
        self.receiver.set(secret=OLD, veto=None)
        with Feed(self.server, "dub", "ams"):
            wait_links(self.server)
            identifier = start_change(self.server, kind="switch", subjects=[GLOBAL_ZONE], to="ams")
            wait_change(self.server, identifier, "PREPARED")
            self.receiver.set(secret=NEW)
            wait_change(self.server, identifier, "DRAINING")
            # The sender drops the old secret at last; the receiver does not notice.
            self.secrets[0].write_text(NEW + "\n")
            wait_change(self.server, identifier, "DONE")
            wait_for(lambda: self.receiver.calls("post_success"), ANSWER_SECONDS, "post_success")
        calls = self.receiver.calls()
        self.assertEqual([call["reason"] for call in calls if not call["verified"]], [])
        self.assertEqual([json.loads(call["body"])["phase"] for call in calls],
                         ["pre_check", "pre_block", "block", "verify", "pre_commit", "committed",
                          "reroute", "unblock", "drained", "post_success"])
        for call in calls:
            self.assertEqual(call["headers"]["webhook-id"],
                             json.loads(call["body"])["idempotency_key"])
            self.assertEqual(len(call["headers"]["webhook-signature"].split()), 2)

    def test_2_a_changed_body_and_an_old_timestamp_do_not_verify(self):
        self.receiver.set(secret=NEW, veto=None)
        call = self.receiver.calls("verify")[0]
        headers = {name: value for name, value in call["headers"].items()
                   if name.startswith("webhook-")}

        def sent(body, **changed):
            return self.receiver.ask("POST", "/hooks", body, headers | changed)

        self.assertEqual(sent(call["body"])[0], 200)
        status, reply = sent(call["body"].replace('"to":"ams"', '"to":"mad"'))
        self.assertEqual((status, reply["error"]), (401, "No matching signature found"))
        status, reply = sent(call["body"], **{"webhook-id": "c-9:verify:emha"})
        self.assertEqual((status, reply["error"]), (401, "No matching signature found"))
        status, reply = sent(call["body"],
                             **signed(NEW, "late", int(time.time()) - 400, call["body"]))
        self.assertEqual((status, reply["error"]), (401, "Message timestamp too old"))

    def test_3_a_veto_counts(self):
        self.receiver.set(secret=NEW, veto="pre_check")
        with Feed(self.server, "mad", "dub"):
            wait_links(self.server, 4)
            identifier = start_change(self.server, subjects=["south"], to="dub",
                                      overrides=[{"rule": rule, "reason": "young world"}
                                                 for rule in ("S3", "S7")])
            change = wait_change(self.server, identifier, "ABORTED")
        self.assertIn("told to", json.dumps(change["log"]))

    def test_4_a_receiver_with_another_secret_takes_nothing(self):
        self.receiver.set(secret=OTHER, veto=None)
        before = len(self.receiver.calls())
        with Feed(self.server, "mad", "dub"):
            wait_for(lambda: self.server.rest("GET", "/v1/links?source=mad&target=dub")
                     .json["links"][0]["freshness"] == "FRESH", ANSWER_SECONDS, "a fresh link")
            identifier = start_change(self.server, subjects=["south"], to="dub",
                                      overrides=[{"rule": rule, "reason": "young world"}
                                                 for rule in ("S3", "S7")])
            wait_change(self.server, identifier, "ABORTED")
        self.assertEqual(change_of(self.server, identifier)["waves"][0][0]["moved"], False)
        refused = self.receiver.calls()[before:]
        self.assertEqual({(call["verified"], call["reason"]) for call in refused},
                         {(False, "No matching signature found")})


if __name__ == "__main__":
    unittest.main()
