"""The DRC feed over mutual TLS, with certificates that openssl makes for the occasion."""

import hashlib
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
import unittest

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, wait_for
from small_world import ndjson, small_world

ADMIN = "a" * 64
AGENT = "b" * 64


class DrcTls(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in ("server", "agent", "other", "next"):
            cls.make_certificate(name)
        folder = cls.workspace.path
        for kind in ("crt", "key"):
            shutil.copy(folder / f"server.{kind}", folder / f"shown.{kind}")
        server = small_world(cls.workspace, {"drc": {
            "listen": f"{LOOPBACK}:0", "tls_certificate_file": str(folder / "shown.crt"),
            "tls_key_file": str(folder / "shown.key"),
            "tls_client_ca_file": str(folder / "agent.crt")}})
        server.state_dir.mkdir(mode=0o700, parents=True)
        tokens = [{"name": name, "role": role, "sha256": hashlib.sha256(secret.encode()).hexdigest()}
                  for name, role, secret in (("admin", "admin", ADMIN),
                                             ("drc-mad-1", "agent", AGENT))]
        (server.state_dir / "tokens.json").write_text(json.dumps({"format": 1, "tokens": tokens}))
        token_file = server.state_dir / "admin.token"
        token_file.touch(mode=0o600)
        token_file.write_text(ADMIN + "\n")
        cls.server = cls.start(server)
        cls.feed_port = int(re.search(rf"drc_listening address={LOOPBACK}:(\d+) tls=yes",
                                      server.log_text()).group(1))

    @classmethod
    def make_certificate(cls, name):
        folder = cls.workspace.path
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext",
             "subjectAltName=DNS:meridian.example", "-keyout", str(folder / f"{name}.key"),
             "-out", str(folder / f"{name}.crt")],
            check=True, capture_output=True, timeout=60)

    def connect(self, own=None, trusted="server", newest=None):
        folder = self.workspace.path
        context = ssl.create_default_context(cafile=str(folder / f"{trusted}.crt"))
        if own:
            context.load_cert_chain(str(folder / f"{own}.crt"), str(folder / f"{own}.key"))
        if newest:
            context.minimum_version = newest
            context.maximum_version = newest
        plain = socket.create_connection((LOOPBACK, self.feed_port), timeout=ANSWER_SECONDS)
        try:
            return context.wrap_socket(plain, server_hostname="meridian.example")
        except BaseException:
            plain.close()
            raise

    def speaks(self, connection, seq):
        """Says hello and a link; true when it is acked, false when the connection ends instead."""
        try:
            # The end of the file writes once more what a closed connection did not take.
            with connection, connection.makefile("rwb") as lines:
                lines.write(ndjson([
                    {"type": "hello", "v": 1, "agent": "drc-mad-1", "dc": "mad", "boot": "b1",
                     "token": AGENT},
                    {"type": "link", "seq": seq, "source": "ams", "target": "mad", "lag_ms": 70,
                     "state": "RUNNING", "ts": int(time.time() * 1000)}]).encode())
                lines.flush()
                for line in lines:
                    if json.loads(line) == {"type": "ack", "seq": seq}:
                        return True
        except OSError:
            pass
        return False

    def refused(self, reason):
        text = self.server.rest("GET", "/metrics").body.decode()
        name = f'meridian_drc_lines_total{{outcome="refused",reason="{reason}"}} '
        return next(float(line[len(name):]) for line in text.splitlines()
                    if line.startswith(name))

    def test_1_an_agent_with_certificate_and_token_feeds(self):
        for seq, version in ((1, ssl.TLSVersion.TLSv1_2), (2, ssl.TLSVersion.TLSv1_3)):
            self.assertTrue(self.speaks(self.connect("agent", newest=version), seq))
        row = self.server.rest("GET", "/v1/links").json["links"][0]
        self.assertEqual((row["source"], row["freshness"]), ("ams", "FRESH"))

    def test_2_who_shows_none_or_another_is_refused_and_counted(self):
        for number, own in enumerate((None, "other"), 1):
            self.assertFalse(self.speaks(self.connect(own), 10))
            self.assertEqual(self.refused("tls_untrusted"), number)
        with socket.create_connection((LOOPBACK, self.feed_port), timeout=ANSWER_SECONDS) as plain:
            plain.sendall(b'{"type":"hello"}\n')
            wait_for(lambda: self.refused("tls_failed") == 1, ANSWER_SECONDS, "refusal")
        self.assertEqual(self.server.rest("GET", "/v1/links").json["agents"][0]["seq"], 2)

    def test_3_a_new_certificate_needs_no_restart(self):
        folder = self.workspace.path
        for kind in ("crt", "key"):
            shutil.copy(folder / f"next.{kind}", folder / f"new.{kind}")
            (folder / f"new.{kind}").replace(folder / f"shown.{kind}")
        with self.assertRaises(ssl.SSLError):
            self.connect("agent", trusted="server")
        self.assertTrue(self.speaks(self.connect("agent", trusted="next"), 20))
        self.assertIn("tls_files_read_again", self.server.log_text())


if __name__ == "__main__":
    unittest.main()
