"""Keys of zones that are signed here: made, listed, rolled with short times to the end, taken from
dnssec-keygen and ldns-keygen and given back to files, over kill -9."""

import os
import shutil
import subprocess
import unittest

import dns.dnssec
import dns.name
import dns.rdata

from harness import HarnessError, Meridian, ScenarioCase, wait_for
from small_world import TOPOLOGY

ZONE = "keys.example"
TEXT = f"$ORIGIN {ZONE}.\n$TTL 1\n@ SOA ns hostmaster 1 2 3 4 1\n@ NS ns\nns A 192.0.2.53\n"
SHORT = {"signature_s": 60, "refresh_s": 30, "dnskey_ttl_s": 1, "propagation_delay_s": 1,
         "parent_propagation_delay_s": 1, "parent_ds_ttl_s": 1, "zsk_lifetime_s": 0}
SOON = 60.0


def signing(**more):
    return {"dns": {"zones": [{"name": ZONE, "sign": {**SHORT, **more}}]}}


class Keys(ScenarioCase):
    def world(self, settings):
        workspace = self.workspace.inner(self.id().rsplit(".", 1)[1])
        return Meridian(workspace, TOPOLOGY, {ZONE: TEXT, "shop.example": TEXT.replace(
            ZONE, "shop.example")}, settings=settings)

    def ctl(self, *arguments, returns=0, reason=True):
        why = ["--reason", "test"] if reason else []
        done = self.server.ctl("keys", *map(str, arguments), *why)
        self.assertEqual(done.returncode, returns, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def keys(self):
        reply = self.server.rest("GET", f"/v1/zones/{ZONE}/keys")
        self.assertEqual(reply.status, 200, reply)
        return reply.json["keys"]

    def states(self):
        return [(key["role"], key["state"]) for key in self.keys()]

    def until(self, *expected):
        wait_for(lambda: self.states() == list(expected), SOON, f"keys {expected}")

    def identity(self):
        return [(key["tag"], key["role"], key["state"], key["made"], key["since"])
                for key in self.keys()]

    def crash(self):
        before = self.identity()
        self.server.kill9()
        self.server.launch()
        self.assertEqual([row[:4] for row in self.identity()][:len(before)],
                         [row[:4] for row in before])

    def test_mistakes_are_told_before_the_start(self):
        server = self.world(signing(keys="both", refresh_s=90, zsk_lifetime=1))
        server.configure()
        said = server.ctl("check", str(server.config_path))
        self.assertNotEqual(said.returncode, 0)
        for expected in ("dns.zones[0].sign.keys: both: must be one of", "did you mean zsk_lifetime_s?"):
            self.assertIn(expected, said.stdout + said.stderr)
        server.settings = signing(refresh_s=90)
        server.configure()
        said = server.ctl("check", str(server.config_path))
        self.assertIn("sign.refresh_s: 90: must be less than signature_s", said.stdout + said.stderr)

    def test_a_zsk_is_rolled_to_the_end_and_over_crashes(self):
        self.server = self.start(self.world(signing(keys="ksk-zsk", algorithm="ed25519")))
        self.until(("ksk", "ready"), ("zsk", "active"))
        old = self.keys()[1]["tag"]
        self.crash()
        self.assertIn("done", self.ctl("roll", ZONE, "zsk"))
        self.crash()
        self.until(("ksk", "ready"), ("zsk", "active"))
        self.assertNotIn(old, [key["tag"] for key in self.keys()])
        self.crash()
        log = self.server.log_text()
        for state in ("published", "active", "retired", "removed"):
            self.assertIn(f"role=zsk state={state}", log)
        self.assertIn("no csk; its keys: ksk, zsk", self.ctl("roll", ZONE, "csk", returns=1))
        reply = self.server.rest("GET", "/metrics").body.decode()
        self.assertIn('meridian_dnssec_keys{role="zsk",state="active"} 1', reply)

    def test_a_csk_is_rolled_with_the_parent(self):
        self.server = self.start(self.world(signing()))
        self.until(("csk", "ready"))
        first = self.keys()[0]
        shown = self.ctl("list", ZONE, reason=False)
        self.assertIn("for the parent: " + first["ds"], shown)
        self.assertIn("waits for its DS at the parent", shown)
        self.assertEqual(first["ds"].split()[3:], self.ds_of(first))
        self.assertIn("done", self.ctl("ds-seen", ZONE, first["tag"]))
        self.assertIn("so already", self.ctl("ds-seen", ZONE, first["tag"]))
        self.until(("csk", "active"))
        self.assertIn("done", self.ctl("roll", ZONE, "csk"))
        self.assertIn("so already", self.ctl("roll", ZONE, "csk"))
        self.until(("csk", "active"), ("csk", "ready"))
        second = self.keys()[1]["tag"]
        self.assertIn("the zone has no key", self.ctl("ds-seen", ZONE, self.free_tag(), returns=1))
        self.assertIn("done", self.ctl("ds-seen", ZONE, second))
        self.until(("csk", "active"))
        self.assertEqual(self.keys()[0]["tag"], second)

    def free_tag(self):
        return next(tag for tag in range(1, 9) if tag not in [key["tag"] for key in self.keys()])

    def ds_of(self, key):
        rdata = dns.rdata.from_text("IN", "DNSKEY", key["dnskey"])
        return dns.dnssec.make_ds(dns.name.from_text(ZONE), rdata, "SHA256").to_text().split()

    def keygen(self, program, *arguments):
        path = shutil.which(program)
        if path is None:
            raise HarnessError(f"{program} is not installed (bind9-utils, ldnsutils)")
        home = self.workspace.directory("made")
        done = subprocess.run([path, *arguments], cwd=home, capture_output=True, text=True,
                              timeout=60, check=True)
        return home / done.stdout.strip()

    def test_keys_of_others_are_taken_and_given_back(self):
        self.server = self.start(self.world({}))
        ksk = self.keygen("dnssec-keygen", "-a", "ECDSAP256SHA256", "-f", "KSK", ZONE)
        zsk = self.keygen("ldns-keygen", "-a", "ECDSAP256SHA256", ZONE)
        rsa = self.keygen("dnssec-keygen", "-a", "RSASHA256", "-b", "2048", ZONE)
        other = self.keygen("dnssec-keygen", "-a", "ED25519", "other.example")
        gone = self.keygen("dnssec-keygen", "-a", "ECDSAP256SHA256", "-D", "-1h", "-I", "-2h", ZONE)
        self.assertIn("done", self.ctl("import", ZONE, "ksk", ksk))
        self.assertIn("done", self.ctl("import", ZONE, "zsk", f"{zsk}.private"))
        self.assertIn("so already", self.ctl("import", ZONE, "zsk", f"{zsk}.key"))
        for path, role, why in ((rsa, "zsk", "8 (RSASHA256) is none that is signed with here"),
                                (other, "zsk", "is of the zone other.example."),
                                (gone, "zsk", "has had its day"),
                                (ksk, "zsk", "here already, as a ksk"),
                                (rsa.parent / "nothing", "zsk", "nothing.key")):
            said = self.ctl("import", ZONE, role, path, returns=2 if path.name == "nothing" else 1)
            self.assertIn(why, said)
        self.assertIn("not signed here", self.ctl("list", ZONE, reason=False))
        self.assertEqual(self.states(), [("ksk", "active"), ("zsk", "active")])
        tags = [int(path.name.rsplit("+", 1)[1]) for path in (ksk, zsk)]
        self.assertEqual([key["tag"] for key in self.keys()], tags)
        secret = (ksk.parent / f"{ksk.name}.private").read_text().split("PrivateKey: ")[1].split()[0]
        self.assertNotIn(secret, self.server.log_text())

        out = self.workspace.directory("out")
        self.ctl("export", ZONE, tags[0], "--directory", out)
        written = out / f"{ksk.name}.private"
        self.assertEqual(os.stat(written).st_mode & 0o777, 0o600)
        self.assertIn(secret, written.read_text())
        for program in ("dnssec-dsfromkey", "dnssec-settime"):
            done = subprocess.run([shutil.which(program), str(out / f"{ksk.name}.key")],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("zone_key_export", self.server.log_text())

        # From now on the zone is signed here, with those keys; a roll takes the imported KSK out.
        self.server.stop()
        self.server.settings = signing(keys="ksk-zsk")
        self.server.start()
        self.assertEqual([key["tag"] for key in self.keys()], tags)
        self.ctl("roll", ZONE, "ksk")
        self.until(("ksk", "active"), ("zsk", "active"), ("ksk", "ready"))
        self.ctl("ds-seen", ZONE, self.keys()[2]["tag"])
        self.until(("zsk", "active"), ("ksk", "active"))

    def test_a_folder_that_others_may_read_is_told(self):
        server = self.world(signing())
        server.state_dir.mkdir(parents=True)
        os.chmod(server.state_dir, 0o755)
        with server:
            self.assertIn("state_dir_open_to_others", server.log_text())
            server.stop()
            os.chmod(server.state_dir, 0o700)
            before = server.log_text().count("state_dir_open_to_others")
            server.launch()
            self.assertEqual(server.log_text().count("state_dir_open_to_others"), before)


if __name__ == "__main__":
    unittest.main()
