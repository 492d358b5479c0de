"""Dynamic updates (RFC 2136) from the tools that people have: nsupdate, certbot's dns-rfc2136 plugin, dnspython; and
message by message what external-dns and octoDNS send, which Debian does not have."""

import base64
import os
import shutil
import subprocess
import unittest
from unittest import mock

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone
from certbot_dns_rfc2136._internal.dns_rfc2136 import Authenticator

from harness import LOOPBACK, ScenarioCase, TcpSession, udp_exchange
from small_world import SERVICE, small_world

ZONE = "shop.example"
EDITOR, ACME, HOST = "editor.example", "acme.example", "host1.shop.example"
SECRETS = {name: base64.b64encode(name.ljust(32, "-").encode()).decode()
           for name in (EDITOR, ACME, HOST)}
POLICY = {"name": ZONE, "transfer_to": [{"key": EDITOR}], "update": [
    {"key": EDITOR},
    {"key": ACME, "names": "pattern", "name": "_acme-challenge.*", "types": ["TXT"]},
    {"key": HOST, "names": "self", "types": ["A", "AAAA"]}]}


class Updates(ScenarioCase):
    def setUp(self):
        workspace = self.workspace.inner(self.id().rsplit(".", 1)[1])
        keys = []
        for name, secret in SECRETS.items():
            path = workspace.write(f"{name}.key", secret + "\n")
            os.chmod(path, 0o600)
            keys.append({"name": name, "secret_file": str(path)})
        self.server = self.start(small_world(
            workspace, {"dns": {"zones": [POLICY]}, "tsig": {"keys": keys}}))

    def ask(self, name, rdtype="A"):
        answer = self.server.udp(dns.message.make_query(f"{name}.{ZONE}", rdtype))
        return sorted(record.to_text() for rrset in answer.answer for record in rrset)

    def serial(self):
        answer = self.server.udp(dns.message.make_query(ZONE, "SOA"))
        return answer.answer[0][0].serial

    def nsupdate(self, *lines, key=EDITOR, tcp=False):
        """Runs nsupdate; "" when the server took it, else what nsupdate says."""
        script = [f"server {LOOPBACK} {self.server.port}", f"zone {ZONE}", "check-names off", *lines,
                  "send"]
        command = [shutil.which("nsupdate"), "-t", "20"]
        command += ["-y", f"hmac-sha256:{key}:{SECRETS[key]}"] if key else []
        command += ["-v"] if tcp else []
        done = subprocess.run(command, input="\n".join(script) + "\n", capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode == 0, done.stderr == "", done.stderr)
        return done.stderr.strip()

    def test_nsupdate_adds_changes_and_deletes(self):
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                before = self.serial()
                self.assertEqual(self.nsupdate(f"update add new.{ZONE} 60 A 192.0.2.7",
                                               f"update add new.{ZONE} 60 A 192.0.2.8", tcp=tcp), "")
                self.assertEqual(self.ask("new"), ["192.0.2.7", "192.0.2.8"])
                self.assertEqual(self.nsupdate(f"prereq yxrrset new.{ZONE} A",
                                               f"update delete new.{ZONE} A 192.0.2.7", tcp=tcp), "")
                self.assertEqual(self.ask("new"), ["192.0.2.8"])
                self.assertEqual(self.nsupdate(f"update delete new.{ZONE}", tcp=tcp), "")
                self.assertEqual(self.ask("new"), [])
                self.assertEqual(self.serial(), before + 3)

    def test_a_prerequisite_that_does_not_hold_changes_nothing(self):
        before = self.serial()
        self.assertIn("NXRRSET", self.nsupdate(f"prereq yxrrset nothing.{ZONE} A",
                                               f"update add new.{ZONE} 60 A 192.0.2.7"))
        self.assertIn("YXDOMAIN", self.nsupdate(f"prereq nxdomain static.{ZONE}",
                                                f"update add new.{ZONE} 60 A 192.0.2.7"))
        self.assertEqual(self.serial(), before)

    def test_what_was_acknowledged_outlives_a_crash(self):
        self.assertEqual(self.nsupdate(f"update add new.{ZONE} 60 TXT kept"), "")
        self.server.kill9()
        self.server.launch()
        self.assertEqual(self.ask("new", "TXT"), ['"kept"'])

    def test_each_key_changes_what_it_was_given_and_nothing_else(self):
        before = self.serial()
        self.assertIn("REFUSED", self.nsupdate(f"update add new.{ZONE} 60 A 192.0.2.7", key=None))
        self.assertIn("REFUSED", self.nsupdate(f"update add new.{ZONE} 60 TXT x", key=ACME))
        self.assertIn("REFUSED",
                      self.nsupdate(f"update add _acme-challenge.www.{ZONE} 60 A 192.0.2.7", key=ACME))
        self.assertIn("REFUSED", self.nsupdate(f"update add other.{ZONE} 60 A 192.0.2.7", key=HOST))
        self.assertEqual(self.serial(), before)
        self.assertEqual(self.nsupdate(f"update add _acme-challenge.www.{ZONE} 60 TXT t", key=ACME), "")
        self.assertEqual(self.nsupdate(f"update add {HOST} 60 A 192.0.2.44", key=HOST), "")
        self.assertEqual(self.ask("host1"), ["192.0.2.44"])

    def test_a_services_name_is_not_given_away(self):
        before = self.serial()
        self.assertIn("REFUSED", self.nsupdate(f"update add {SERVICE} 60 A 192.0.2.7"))
        self.assertEqual(self.serial(), before)

    def test_a_forged_signature_gets_no_further(self):
        update = dns.update.Update(ZONE)
        update.add("new", 60, "A", "192.0.2.7")
        update.use_tsig(dns.tsigkeyring.from_text(
            {EDITOR: (dns.tsig.HMAC_SHA256, base64.b64encode(b"x" * 32).decode())}), EDITOR)
        with self.assertRaises(dns.tsig.PeerBadSignature):
            dns.message.from_wire(udp_exchange(self.server.address, update.to_wire()),
                                  keyring=update.keyring, request_mac=update.mac)
        self.assertEqual(self.ask("new"), [])

    def test_answers_over_one_connection_find_their_questions(self):
        """An update and queries, all at once; each answer has the id of its own."""
        update = dns.update.Update(ZONE)
        update.add("new", 60, "A", "192.0.2.7")
        update.use_tsig(dns.tsigkeyring.from_text({EDITOR: (dns.tsig.HMAC_SHA256, SECRETS[EDITOR])}),
                        EDITOR)
        queries = [dns.message.make_query(f"static.{ZONE}", "A", id=(update.id + i + 1) % 65536)
                   for i in range(20)]
        with TcpSession(self.server.address) as session:
            for message in [update, *queries]:
                session.send_message(message.to_wire())
            ids = [int.from_bytes(session.receive_message()[:2], "big") for _ in range(21)]
        self.assertEqual(sorted(ids), sorted(message.id for message in [update, *queries]))
        self.assertEqual(self.ask("new"), ["192.0.2.7"])

    def transferred(self):
        """What the zone has below "k8s", as {(name, type): values}, by a signed transfer."""
        keyring = dns.tsigkeyring.from_text({EDITOR: (dns.tsig.HMAC_SHA256, SECRETS[EDITOR])})
        zone = dns.zone.from_xfr(dns.query.xfr(LOOPBACK, ZONE, port=self.server.port, keyring=keyring,
                                               keyname=EDITOR, lifetime=20))
        return {(str(name), dns.rdatatype.to_text(rdataset.rdtype)): sorted(r.to_text() for r in rdataset)
                for name, rdataset in zone.iterate_rdatasets() if "k8s" in str(name)}

    def send(self, change, tcp):
        """One signed update; change(update) fills it."""
        update = dns.update.Update(ZONE)
        change(update)
        update.use_tsig(dns.tsigkeyring.from_text({EDITOR: (dns.tsig.HMAC_SHA256, SECRETS[EDITOR])}), EDITOR)
        exchange = dns.query.tcp if tcp else dns.query.udp
        reply = exchange(update, LOOPBACK, port=self.server.port, timeout=20)
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
        self.assertTrue(reply.had_tsig)

    def test_the_messages_of_external_dns(self):
        """A list by AXFR; then for each endpoint records added, or deleted one by one (class NONE), over
        UDP, TTL 0 where none is set, and beside each its registry's TXT."""
        registry = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=service/web/k8s"'
        self.assertEqual(self.transferred(), {})
        for rdtype, values in (("A", ["192.0.2.1", "192.0.2.2"]), ("TXT", [registry])):
            self.send(lambda u, t=rdtype, vs=values: [u.add("k8s", 0, t, v) for v in vs], tcp=False)
        self.assertEqual(self.transferred(), {("k8s", "A"): ["192.0.2.1", "192.0.2.2"], ("k8s", "TXT"): [registry]})
        # An endpoint that changes is removed, target by target, and added anew.
        self.send(lambda u: [u.delete("k8s", "A", v) for v in ("192.0.2.1", "192.0.2.2")], tcp=False)
        self.send(lambda u: u.add("k8s", 300, "A", "192.0.2.3"), tcp=False)
        self.assertEqual(self.ask("k8s"), ["192.0.2.3"])
        for rdtype, value in (("A", "192.0.2.3"), ("TXT", registry)):
            self.send(lambda u, t=rdtype, v=value: u.delete("k8s", t, v), tcp=False)
        self.assertEqual(self.transferred(), {})

    def test_the_messages_of_octodns(self):
        """A list by AXFR; then one update over TCP for all of a plan: RRsets added, replaced (all of the
        type deleted, class ANY, before what is new), deleted."""
        self.send(lambda u: [u.add("a.k8s", 60, "A", "192.0.2.1"), u.add("b.k8s", 60, "CAA", '0 issue "ca.example"'),
                             u.add("*.k8s", 60, "CNAME", f"static.{ZONE}.")], tcp=True)
        self.assertEqual(set(self.transferred()), {("a.k8s", "A"), ("b.k8s", "CAA"), ("*.k8s", "CNAME")})
        self.send(lambda u: [u.replace("a.k8s", 120, "A", "192.0.2.7"), u.delete("b.k8s", "CAA"),
                             u.delete("*.k8s", "CNAME", f"static.{ZONE}.")], tcp=True)
        self.assertEqual(self.transferred(), {("a.k8s", "A"): ["192.0.2.7"]})

    def test_certbots_plugin_brings_its_record_and_takes_it_away(self):
        credentials = self.server.home / "certbot.ini"
        credentials.write_text(f"dns_rfc2136_server = {LOOPBACK}\n"
                               f"dns_rfc2136_port = {self.server.port}\n"
                               f"dns_rfc2136_name = {ACME}.\n"
                               f"dns_rfc2136_secret = {SECRETS[ACME]}\n"
                               "dns_rfc2136_algorithm = HMAC-SHA256\n")
        os.chmod(credentials, 0o600)
        plugin = Authenticator(mock.MagicMock(dns_rfc2136_credentials=str(credentials)), "dns-rfc2136")
        plugin._setup_credentials()
        name = f"_acme-challenge.www.{ZONE}"
        for token in ("first", "second"):  # a wildcard and its parent have two at once
            plugin._perform(f"www.{ZONE}", name, token)
        self.assertEqual(self.ask("_acme-challenge.www", "TXT"), ['"first"', '"second"'])
        plugin._cleanup(f"www.{ZONE}", name, "first")
        self.assertEqual(self.ask("_acme-challenge.www", "TXT"), ['"second"'])
        plugin._cleanup(f"www.{ZONE}", name, "second")
        self.assertEqual(self.ask("_acme-challenge.www", "TXT"), [])

    def test_notices_are_refused_and_other_opcodes_unknown(self):
        notify = dns.message.make_query(ZONE, "SOA")
        notify.set_opcode(4)
        for asked in (self.server.udp, self.server.tcp):
            answer = asked(notify)
            self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
            self.assertEqual(answer.opcode(), 4)
        status = dns.message.make_query(ZONE, "SOA")
        status.set_opcode(2)
        self.assertEqual(self.server.udp(status).rcode(), dns.rcode.NOTIMP)


if __name__ == "__main__":
    unittest.main()
