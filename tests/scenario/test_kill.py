"""kill -9 in the middle of 1,000 remaps: what was acknowledged is there after the restart.

One client for each partition remaps it to and fro over REST. The server is killed at random numbers
of acknowledged remaps, restarted on the same state, and has to hold every one that a client was
told of: its journal record, its epoch, and the answer that DNS gives. Of each client at most one
remap was under way at the kill; it may be there or not, but whole.
"""

import os
import random
import threading
import unittest

import dns.message

from harness import ScenarioCase, wait_for
from small_world import ADDRESS, HOME, SERVICE, small_world

REMAPS = 1000
KILLS = 4
SITES = sorted(ADDRESS)


class Client:
    """Remaps one partition to the next site, again and again, until the server is gone."""

    def __init__(self, server, partition):
        self.server = server
        self.partition = partition
        self.acknowledged = []  # replies of the server, in order
        self.under_way = None   # eZone of the remap that has no answer yet
        self.problem = None
        start = server.rest("GET", f"/v1/partitions/{partition}").json
        self.owner, self.epoch = start["ezone"], start["epoch"]

    def run(self, enough):
        try:
            while not enough.is_set() and self.remap():
                pass
        except Exception as error:  # shown by the test: a thread cannot fail it
            self.problem = error

    def remap(self):
        """One remap; False when the server did not answer it."""
        self.under_way = SITES[(SITES.index(self.owner) + 1) % len(SITES)]
        try:
            reply = self.server.rest(
                "POST", f"/v1/partitions/{self.partition}/remap",
                {"to": self.under_way, "expected_epoch": self.epoch, "reason": "kill test"})
        except OSError:
            return False
        if reply.status != 200:
            raise AssertionError(f"{self.partition}: {reply}")
        answer = reply.json
        if (answer["to"], answer["epoch_old"]) != (self.under_way, self.epoch):
            raise AssertionError(f"{self.partition}: another remap was answered: {answer}")
        self.acknowledged.append(answer)
        self.owner, self.epoch, self.under_way = answer["to"], answer["epoch_new"], None
        return True


class KillTest(ScenarioCase):
    def setUp(self):
        self.random_seed = int(os.environ.get("MERIDIAN_SEED") or random.SystemRandom().getrandbits(32))
        self.random = random.Random(self.random_seed)
        self.server = small_world(self.workspace)
        self.server.start()
        self.addCleanup(lambda: self.server.stop())

    def test_every_acknowledged_remap_survives(self):
        print(f"MERIDIAN_SEED={self.random_seed}")
        kill_at = sorted(self.random.sample(range(1, REMAPS), KILLS))
        done = 0
        for until in [*kill_at, REMAPS]:
            clients = [Client(self.server, partition) for partition in HOME]
            self.remap_until(clients, until - done, kill=until != REMAPS)
            done += sum(len(client.acknowledged) for client in clients)
            for client in clients:
                self.require_all_there(client)
        self.assertGreaterEqual(done, REMAPS)
        self.require_unbroken_journal(done)

    def remap_until(self, clients, count, kill):
        """Lets the clients run until `count` remaps are acknowledged; then perhaps kills."""
        enough = threading.Event()
        threads = [threading.Thread(target=client.run, args=(enough,)) for client in clients]
        for thread in threads:
            thread.start()
        wait_for(lambda: sum(len(client.acknowledged) for client in clients) >= count
                 or any(client.problem for client in clients), 120, f"{count} remaps")
        if kill:
            self.server.kill9()  # while the clients go on
        else:
            enough.set()
        for thread in threads:
            thread.join()
        for client in clients:
            self.assertIsNone(client.problem)
        if kill:
            self.server.launch()

    def require_all_there(self, client):
        for answer in client.acknowledged:
            record = self.server.rest("GET", f"/v1/versions/{answer['rev']}").json
            self.assertEqual(
                [(m["partition"], m["from"], m["to"], m["epoch_old"], m["epoch_new"])
                 for m in record["moves"]],
                [(client.partition, answer["from"], answer["to"], answer["epoch_old"],
                  answer["epoch_new"])])
        now = self.server.rest("GET", f"/v1/partitions/{client.partition}").json
        if now["epoch"] == client.epoch:
            self.assertEqual(now["ezone"], client.owner)
        else:  # the one without an answer reached the journal
            self.assertGreater(now["epoch"], client.epoch)
            self.assertEqual((now["ezone"], now["prev_ezone"]), (client.under_way, client.owner))
        name = f"s{client.partition}.shard.{SERVICE}"
        answer = self.server.udp(dns.message.make_query(name, "A"))
        self.assertEqual([r[0].to_text() for r in answer.answer], [ADDRESS[now["ezone"]]])

    def require_unbroken_journal(self, acknowledged):
        """Revs without a gap, epochs that rise, and no more commits than were asked for."""
        head = self.server.rest("GET", "/v1/table").json["rev"]
        self.assertGreaterEqual(head, 1 + acknowledged)
        self.assertLessEqual(head, 1 + acknowledged + KILLS * len(HOME))
        epochs = {}
        before, expected = head + 1, head
        while before > 1:
            page = self.server.rest("GET", f"/v1/versions?limit=500&before={before}").json
            for record in page["versions"]:
                self.assertEqual(record["rev"], expected)
                expected -= 1
                for move in record["moves"]:
                    if record["kind"] != "remap":
                        continue
                    later = epochs.get(move["partition"])
                    self.assertTrue(later is None or move["epoch_new"] == later, record)
                    epochs[move["partition"]] = move["epoch_old"]
                    self.assertGreater(move["epoch_new"], move["epoch_old"])
            before = page["versions"][-1]["rev"]
        self.assertEqual(expected, 0)


if __name__ == "__main__":
    unittest.main()
