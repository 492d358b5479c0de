"""Health on the real binary, measured on real local servers: who leaves, who comes back, who never
moves, and what a lost sensor does."""

import http.server
import json
import threading
import unittest

import dns.message

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from small_world import ADDRESS, GLOBAL_SERVICE, SERVICE, STATELESS_SERVICE, small_world

INTERVAL_MS = 500
TIMEOUT_MS = 400
SITES = ["ams", "mad", "dub"]


class LocalSite:
    """One site's web server, which a test can make sick, mute (the port is closed) and well."""

    def __init__(self):
        self.healthy = True
        self._server = None
        self.port = 0
        self.open()

    def open(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                body = b"fine" if site.healthy else b"broken"
                self.send_response(200 if site.healthy else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self):
        if self._server is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None


def toml_checks(checks):
    # JSON's strings, numbers and arrays are valid TOML.
    lines = []
    for check in checks:
        lines.append("[[health.checks]]")
        for key, value in check.items():
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


class HealthCase(ScenarioCase):
    """One server, one web server a site, a pushed check of dub beside it."""

    def setUp(self):
        super().setUp()
        self.sites = {}
        for site in SITES:
            self.sites[site] = LocalSite()
            self.addCleanup(self.sites[site].close)
        self.server = small_world(self.workspace.inner(self.id().rsplit(".", 1)[1]))
        configure = self.server.configure

        def with_checks():
            configure()
            with open(self.server.config_path, "a", encoding="utf-8") as config:
                config.write(toml_checks(self.checks()))

        self.server.configure = with_checks
        self.server.start()
        self.addCleanup(self.server.stop)

    def checks(self):
        pace = {"interval_ms": INTERVAL_MS, "timeout_ms": TIMEOUT_MS, "jitter_percent": 0}
        web = [{"id": f"{site}-web", "datacenter": site, "kind": "http",
                "target": f"{LOOPBACK}:{self.sites[site].port}", "path": "/health", "body": "fine",
                "host": f"{site}.shop.example", **pace} for site in SITES]
        return web + [{"id": "dub-db", "ezone": "dub", "kind": "pushed", "interval_ms": 600000}]

    def health(self):
        return self.server.rest("GET", "/v1/health").json

    def states(self):
        """datacenter -> health, which GET /v1/datacenters must show too."""
        return {row["datacenter"]: row["health"] for row in self.health()["sites"]}

    def check(self, name):
        return next(row for row in self.health()["checks"] if row["id"] == name)

    def address(self, name):
        answer = self.server.udp(dns.message.make_query(name, "A"))
        self.assertEqual(len(answer.answer), 1, answer)
        return answer.answer[0][0].address

    def site(self, name):
        address = self.address(name)
        return next(site for site in SITES if ADDRESS[site] == address)

    def wait_state(self, site, state):
        wait_for(lambda: self.states()[site] == state, ANSWER_SECONDS * 3, f"{site} {state}")

    def push(self, state):
        reply = self.server.rest("POST", "/v1/health/reports",
                                 {"check": "dub-db", "state": state, "reason": "test"})
        self.assertEqual(reply.status, 200, reply)

    def all_up(self):
        self.push("up")
        for site in SITES:
            self.wait_state(site, "UP")


class Serving(HealthCase):
    def test_a_stateless_name_leaves_a_site_that_is_down_and_comes_back(self):
        self.all_up()
        # The test's own address is next to no site: which one is nearest is the server's to say.
        near = self.site(STATELESS_SERVICE)
        owner = self.address(SERVICE)
        primary = self.address("rw." + GLOBAL_SERVICE)
        self.sites[near].healthy = False
        self.wait_state(near, "DOWN")
        other = self.site(STATELESS_SERVICE)
        self.assertNotEqual(other, near)
        self.assertEqual(self.check(f"{near}-web")["last"]["reason"], "status 503, expected 200")
        # Owners of data do not move, whoever is down.
        self.assertEqual(self.address(SERVICE), owner)
        self.assertEqual(self.address("rw." + GLOBAL_SERVICE), primary)
        datacenters = self.server.rest("GET", "/v1/datacenters").json["datacenters"]
        self.assertEqual({row["id"]: row["health"] for row in datacenters}[near], "DOWN")
        explained = self.server.rest(
            "GET", f"/v1/explain?name={STATELESS_SERVICE}&client=127.0.0.1").json
        verdicts = {row["dc"]: (row["verdict"], row["health"]) for row in explained["candidates"]}
        self.assertEqual(verdicts[near], ("down", "DOWN"))
        self.assertEqual(verdicts[other][0], "chosen")
        self.sites[near].healthy = True
        self.wait_state(near, "UP")
        self.assertEqual(self.site(STATELESS_SERVICE), near)
        self.assertGreaterEqual(self.check(f"{near}-web")["successes"], 2)

    def test_all_down_is_still_an_answer(self):
        self.all_up()
        near = self.site(STATELESS_SERVICE)
        # One after the other, as sites fail; not at once, as sensors do.
        for site in SITES:
            if site != "dub":
                self.sites[site].close()
                self.wait_state(site, "DOWN")
        self.push("down")
        self.push("down")
        self.push("down")
        self.assertEqual(set(self.states().values()), {"DOWN"})
        self.assertEqual(self.site(STATELESS_SERVICE), near)

    def test_a_lost_sensor_changes_nothing(self):
        self.all_up()
        near = self.site(STATELESS_SERVICE)
        before = {site: self.check(f"{site}-web")["failures"] for site in SITES}
        # Within one interval: only this host's own view ends like that.
        closing = [threading.Thread(target=site.close) for site in self.sites.values()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
        wait_for(lambda: all(self.check(f"{site}-web")["failures"] >= before[site] + 5
                             for site in SITES), ANSWER_SECONDS * 3, "five failures everywhere")
        health = self.health()
        self.assertTrue(health["blind"])
        self.assertEqual({row["health"] for row in health["sites"]}, {"UP"})
        self.assertTrue(all(row["stasis"] for row in health["sites"]))
        self.assertEqual(self.site(STATELESS_SERVICE), near)
        self.sites["ams"].open()
        wait_for(lambda: not self.health()["blind"], ANSWER_SECONDS * 3, "sight")
        self.wait_state("mad", "DOWN")
        self.assertEqual(self.states()["ams"], "UP")

    def test_overrides_win_expire_and_outlive_a_restart(self):
        self.all_up()
        near = self.site(STATELESS_SERVICE)
        nothing = self.server.ctl("health", "override", "datacenter/nowhere", "DOWN", "--reason",
                                  "typo")
        self.assertEqual(nothing.returncode, 1, nothing)
        self.assertIn("matches-nothing", nothing.stderr)
        done = self.server.ctl("health", "override", f"datacenter/{near}", "DOWN", "--reason",
                               "rack move", "--expires", "10m")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("rack move", done.stdout)
        self.assertNotEqual(self.site(STATELESS_SERVICE), near)
        self.server.stop()
        self.server.launch()
        self.assertNotEqual(self.site(STATELESS_SERVICE), near)
        shown = self.server.ctl("health")
        self.assertEqual(shown.returncode, 0, shown)
        self.assertIn("rack move", shown.stdout)
        self.assertIn(f"{near}-web", shown.stdout)
        override = self.health()["overrides"][0]
        self.assertEqual(override["matches"], {"datacenters": 1, "checks": 0, "endpoints": 0})
        cleared = self.server.ctl("health", "clear", str(override["id"]))
        self.assertEqual(cleared.returncode, 0, cleared)
        self.assertEqual(self.site(STATELESS_SERVICE), near)
        short = self.server.rest("POST", "/v1/health/overrides",
                                 {"glob": f"check/{near}-*", "state": "DOWN", "reason": "short",
                                  "expires_in_s": 1})
        self.assertEqual(short.status, 200, short)
        wait_for(lambda: not self.health()["overrides"], ANSWER_SECONDS, "end of the override")
        wait_for(lambda: self.site(STATELESS_SERVICE) == near, ANSWER_SECONDS, "nearest site")


class OtherKinds(HealthCase):
    """tcp, dns and exec on the real binary; dns asks the server itself."""

    def checks(self):
        pace = {"interval_ms": INTERVAL_MS, "timeout_ms": TIMEOUT_MS}
        script = self.workspace.write("well", "")
        return [
            {"id": "tcp", "datacenter": "ams", "kind": "tcp",
             "target": f"{LOOPBACK}:{self.sites['ams'].port}", **pace},
            {"id": "dns", "datacenter": "mad", "kind": "dns", "qname": "static.shop.example",
             "target": f"{LOOPBACK}:{self.server.port}", "text": "192.0.2.99", **pace},
            {"id": "exec", "datacenter": "dub", "kind": "exec",
             "command": ["/usr/bin/test", "-e", str(script)], **pace},
        ]

    def test_each_kind_sees_its_site(self):
        for site in SITES:
            self.wait_state(site, "UP")
        (self.workspace.path / "well").unlink()
        self.wait_state("dub", "DOWN")
        self.sites["ams"].close()
        self.wait_state("ams", "DOWN")
        self.assertEqual(self.states()["mad"], "UP")
        metrics = self.server.rest("GET", "/metrics").body.decode()
        self.assertIn('meridian_health_site_state{datacenter="ams",state="DOWN"} 1', metrics)
        self.assertIn('meridian_health_check_state{check="dns",state="UP"} 1', metrics)


if __name__ == "__main__":
    unittest.main()
