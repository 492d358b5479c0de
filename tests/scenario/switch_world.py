"""What tests of whole changes share: a world with short budgets, a hook receiver that acts as EMHA and
DAL would, and a consumer of the published table.

The feed is test_changes.Feed.
"""

import copy
import http.server
import json
import threading

import small_world
from harness import ANSWER_SECONDS, LOOPBACK, Meridian, wait_for
from small_world import GLOBAL_SERVICE

GLOBAL_ZONE = "account"
STEADY_TTL = 1  # s: a change waits for this and 5 s more before it blocks
PHASES = ["pre_check", "pre_block", "block", "verify", "pre_commit", "committed", "reroute", "unblock",
          "drained", "post_success", "post_abort", "post_failure"]
# Writes are blocked for at most so long; all of it must fit well into the lease.
BLOCK_BUDGET_MS = 8000
SHORT = {"precheck_ms": 2000, "veto_ms": 1500, "block_ack_ms": 2000, "catch_up_ms": 2000,
         "verify_ms": 2000, "block_budget_ms": BLOCK_BUDGET_MS, "block_lease_ms": 30000,
         "reroute_ms": 1500, "unblock_ms": 1500, "drain_max_s": 5, "soak_s": 1, "soak_max_s": 5,
         "cooldown_s": 0, "max_moving_percent": 100}


class Receiver:
    """Takes hook calls on a port of its own and replies as `replies` says: by phase, a function of
    the payload that returns (status, body). A phase without one is allowed. With `silent` set no
    call is answered, as if the receiver's process hung; it ends when that is cleared."""

    def __init__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, reply = receiver.take(json.loads(body))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(reply)))
                    self.end_headers()
                    self.wfile.write(reply)
                except OSError:
                    self.close_connection = True  # the server did not wait for it

            def log_message(self, *_):
                """The test shows what matters; a line a call would drown it."""

        self.calls = []
        self.replies = {}
        self.alive = threading.Event()
        self.alive.set()
        self.http = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self.http.server_port}/hooks"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.alive.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def hang(self):
        self.alive.clear()

    def take(self, payload):
        self.calls.append(payload)
        self.alive.wait()
        reply = self.replies.get(payload["phase"])
        return reply(payload) if reply else (200, b"")

    def phases(self, change):
        """Phases in which it was called for a change, each once, in the order of the first call."""
        return list(dict.fromkeys(call["phase"] for call in self.calls
                                  if call["change_id"] == change))


class TableWatch:
    """Follows the published table by long poll, as a router would: `rows` of one subject as seen."""

    def __init__(self, server, subject):
        self.server = server
        self.subject = subject
        self.tables = []  # (rev, {subject: row}), each time something changed
        self.problem = None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        table = self.server.rest("GET", "/v1/table").json
        self.keep(table["rev"], {}, table["assignments"])
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def keep(self, rev, known, rows):
        names = [row.get("partition") or row["global_zone"] for row in rows]
        if len(names) != len(set(names)):
            raise AssertionError(f"two rows of one subject at rev {rev}: {names}")
        self.tables.append((rev, known | dict(zip(names, rows))))

    def run(self):
        try:
            while not self.stop.is_set():
                rev, known = self.tables[-1]
                reply = self.server.rest("GET", f"/v1/table?since={rev}&wait=1")
                lines = [json.loads(line) for line in reply.body.splitlines()]
                if lines[0]["since"] != rev:
                    raise AssertionError(f"asked since {rev}, got {lines[0]}")
                if lines[0]["rev"] != rev:
                    self.keep(lines[0]["rev"], known, lines[1:])
        except Exception as error:  # shown by the test: a thread cannot fail it
            self.problem = error

    def rows(self):
        """Every different row of the subject, in the order of their coming."""
        seen = []
        for _, table in self.tables:
            if not seen or seen[-1] != table[self.subject]:
                seen.append(table[self.subject])
        return seen


def switch_world(workspace, receiver=None, settings=None, hook=None):
    """A Meridian with short budgets, and `receiver` as a hook in every phase."""
    topology = copy.deepcopy(small_world.TOPOLOGY)
    for service in topology["services"]:
        service["ttl"] = STEADY_TTL
    sections = {"geo": {"networks": ["networks.txt"]}, "change": dict(SHORT)}
    if receiver:
        sections["hooks"] = [{"id": "emha", "url": receiver.url, "phases": PHASES,
                              "timeout_ms": 500} | (hook or {})]
    for section, values in (settings or {}).items():
        sections[section] = sections.get(section, {}) | values if isinstance(values, dict) else values
    return Meridian(workspace, topology, {"shop.example": small_world.ZONE},
                    {"networks.txt": small_world.NETWORKS}, sections)


def wait_links(server, count=2):
    wait_for(lambda: len(server.rest("GET", "/v1/links").json["links"]) >= count, ANSWER_SECONDS,
             f"{count} links")


def start_change(server, **members):
    """The id of a new change. S3 would want a minute of the feed's past."""
    body = {"reason": "scenario", "overrides": [{"rule": "S3", "reason": "young feed"}]} | members
    reply = server.rest("POST", "/v1/changes", body)
    if reply.status != 202:
        raise AssertionError(reply)
    return server.rest("GET", "/v1/changes?limit=1").json["changes"][0]["id"]


def change_of(server, identifier):
    return server.rest("GET", f"/v1/changes/{identifier}").json


def wait_change(server, identifier, *states, seconds=60.0):
    """The change, when it is in one of the states. Fails at once when it has ended in another."""
    def still_possible():
        now = change_of(server, identifier)
        if now["state"] in {"ABORTED", "NEEDS_OPERATOR", "DONE"} - set(states):
            raise AssertionError(f"{now['state']}, not {states}: {now.get('note')} {now['log']}")

    wait_for(lambda: change_of(server, identifier)["state"] in states, seconds,
             f"{identifier} in {states}", still_possible)
    return change_of(server, identifier)


def rw_name():
    return f"rw.{GLOBAL_SERVICE}"
