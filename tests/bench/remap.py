"""How long an operator's change takes: from the call to the first answer that shows it."""

import http.client
import json
import subprocess
import time

import process
import servers
from messages import only_address

TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 0.5
AFTER_REPLY_QUESTIONS = 20
# Whoever has not changed by then is asked less often: questions take time from a slow reload.
EAGER_S = 0.05
LATER_PAUSE_S = 0.005
QUESTION = (b"\x12\x34\0\0\0\1\0\0\0\0\0\0" b"\4move\3geo\7example\0" b"\0\1\0\1")


class GdnsdChange:
    """Its quickest way: the admin state file, which it watches."""
    times = 6

    def __init__(self, setting):
        self._path = setting.dir / "state" / "admin_state"

    def begin(self, site):
        first = servers.MOVES_BETWEEN[0]
        fresh = self._path.with_suffix(".new")
        fresh.write_text("" if site == first else f"geoip/move/{first.id} => DOWN\n")
        fresh.rename(self._path)

    def finish(self):
        """The file system gives no reply."""


class KnotChange:
    """The module's file is written anew and the server told to reload."""
    times = 4

    def __init__(self, setting):
        self._setting = setting
        self._reload = None

    def begin(self, site):
        servers.write_knot_move(self._setting, site)
        self._reload = subprocess.Popen(
            ["knotc", "-s", str(self._setting.dir / "knot.sock"), "reload"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self):
        _, errors = self._reload.communicate(timeout=TIMEOUT_S)
        if self._reload.returncode != 0:
            raise process.BenchError(f"knotc reload: {errors}")


class MeridianChange:
    """POST to its REST."""
    times = 200

    def __init__(self, setting):
        self._connection = http.client.HTTPConnection("127.0.0.1", setting.admin_port,
                                                      timeout=TIMEOUT_S)
        token = (setting.dir / "state" / "admin.token").read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = f"/v1/partitions/{servers.MOVED_PARTITION}"
        self._connection.request("GET", self._path, headers=self._headers)
        self._epoch = self._reply()["epoch"]

    def begin(self, site):
        body = json.dumps({"to": site.id, "expected_epoch": self._epoch, "reason": "bench"})
        self._connection.request("POST", self._path + "/remap", body, self._headers)

    def finish(self):
        self._epoch = self._reply()["epoch_new"]

    def _reply(self):
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise process.BenchError(f"meridian's REST: {response.status} {body!r}")
        return json.loads(body)


CHANGES = {"gdnsd": GdnsdChange, "knot": KnotChange, "meridian": MeridianChange}


def _one_change(change, client, site):
    started = time.monotonic()
    change.begin(site)
    while True:
        answer = client.exchange(QUESTION, ANSWER_TIMEOUT_S)
        served = time.monotonic() - started
        if answer is not None and only_address(answer) == site.address:
            break
        if served > TIMEOUT_S:
            raise process.BenchError(f"the change was not served within {TIMEOUT_S} s")
        if served > EAGER_S:
            time.sleep(LATER_PAUSE_S)
    change.finish()
    for _ in range(AFTER_REPLY_QUESTIONS):
        answer = client.exchange(QUESTION, ANSWER_TIMEOUT_S)
        if answer is None or only_address(answer) != site.address:
            raise process.BenchError("an answer after the reply was lost or stale")
    return served


def measure(name, server, setting):
    """Seconds of each change, there and back."""
    change = CHANGES[name](setting)
    with process.Client(server.port) as client:
        return [_one_change(change, client, servers.MOVES_BETWEEN[(number + 1) % 2])
                for number in range(change.times)]
