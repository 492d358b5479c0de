"""DNS zones that change while they are served: files, edits by REST and meridianctl, restarts."""

import unittest

import dns.message
import dns.rcode

from harness import ScenarioCase, wait_for
from small_world import SERVICE, ZONE, small_world


class ZonesThatChange(ScenarioCase):
    def setUp(self):
        self.server = self.start(small_world(self.workspace.inner(self.id().rsplit(".", 1)[1])))
        self.zone_file = self.server.home / "zones" / "shop.example.zone"

    def ask(self, name, rdtype="A"):
        answer = self.server.udp(dns.message.make_query(name, rdtype))
        return sorted(record.to_text() for rrset in answer.answer for record in rrset)

    def serial(self):
        return int(self.ask("shop.example", "SOA")[0].split()[2])

    def ctl(self, *arguments, returns=0):
        done = self.server.ctl(*arguments)
        self.assertEqual(done.returncode, returns, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def set(self, name, rdtype, *rdata, returns=0, more=()):
        return self.ctl("zones", "set", "shop.example", name, rdtype, *rdata, "--reason", "test",
                        *more, returns=returns)

    def test_an_edit_is_served_at_once_and_after_a_crash(self):
        said = self.set("www2", "A", "192.0.2.7", "192.0.2.8")
        self.assertIn("serial 7 -> 8", said)
        self.assertEqual(self.ask("www2.shop.example"), ["192.0.2.7", "192.0.2.8"])
        self.set("www2", "A", "192.0.2.9", more=["--expected-serial", "8"])
        self.assertIn("the serial is 9, not 8",
                      self.set("www2", "A", "192.0.2.1", returns=1, more=["--expected-serial", "8"]))
        self.server.kill9()
        self.server.launch()
        self.assertEqual(self.ask("www2.shop.example"), ["192.0.2.9"])
        self.assertEqual(self.serial(), 9)
        self.set("www2", "A")
        self.assertEqual(self.server.udp(dns.message.make_query("www2.shop.example", "A")).rcode(),
                         dns.rcode.NXDOMAIN)
        self.assertIn("is so already", self.set("www2", "A"))

    def test_acme_tokens_come_and_go_over_a_crash(self):
        name = "_acme-challenge.www2.shop.example"
        self.ctl("acme", "present", name, "first-token", "--expires", "1h")
        reply = self.server.rest("POST", "/v1/acme/present",
                                 {"fqdn": name + ".", "value": "second-token", "expires_in_s": 2})
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(self.ask(name, "TXT"), ['"first-token"', '"second-token"'])
        self.server.kill9()
        self.server.launch()
        self.assertIn("first-token", self.ctl("acme", "list"))
        wait_for(lambda: self.ask(name, "TXT") == ['"first-token"'], 20, "the second token to end")
        self.assertIn("is gone", self.ctl("acme", "cleanup", name, "first-token"))
        self.assertEqual(self.ask(name, "TXT"), [])
        self.assertIn("no tokens", self.ctl("acme", "list"))
        self.assertIn("no such token", self.ctl("acme", "cleanup", name, "first-token", returns=1))
        self.assertIn("must begin with", self.ctl("acme", "present", "www.shop.example", "x", returns=1))
        self.assertIn("delegated", self.ctl("acme", "present", "_acme-challenge.cut.shop.example", "x",
                                            returns=1))
        reply = self.server.rest("POST", "/v1/acme/present", {"fqdn": name, "value": "a b", "extra": 1})
        self.assertEqual(reply.status, 400, reply)

    def test_what_makes_no_zone_or_takes_a_services_name_changes_nothing(self):
        self.assertIn("CNAME where other records stand", self.set("static", "CNAME", "ns1", returns=1))
        self.assertIn(SERVICE.rstrip("."), self.set(SERVICE, "A", "192.0.2.7", returns=1))
        self.assertIn("not an IPv4 address", self.set("x", "A", "192.0.2", returns=1))
        self.assertIn("not within the zone", self.set("x.example.", "A", "192.0.2.1", returns=1))
        self.assertEqual(self.serial(), 7)

    def test_one_file_is_read_again(self):
        self.zone_file.write_text(ZONE.replace("hostmaster 7", "hostmaster 8")
                                  .replace("192.0.2.99", "192.0.2.98"))
        self.assertIn("serial 7 -> 8", self.ctl("zones", "reload", "shop.example"))
        self.assertEqual(self.ask("static.shop.example"), ["192.0.2.98"])
        self.zone_file.write_text(ZONE + "broken A 192.0.2\n")
        self.assertIn("shop.example.zone:", self.ctl("zones", "reload", "shop.example", returns=1))
        self.assertEqual(self.ask("static.shop.example"), ["192.0.2.98"])
        self.assertIn("no zone nowhere.", self.ctl("zones", "reload", "nowhere", returns=1))

    def test_edits_win_over_the_file_until_it_has_them(self):
        self.set("www2", "A", "192.0.2.7")
        self.assertIn("has edits", self.ctl("zones", "reload", "shop.example", returns=1))
        exported = self.ctl("zones", "export", "shop.example")
        self.zone_file.write_text(exported)
        self.server.stop()
        self.server.launch()
        self.assertIn("zone_file_not_served", self.server.log_text())
        self.assertIn("is so already",
                      self.ctl("zones", "reload", "shop.example", "--discard-edits"))
        self.assertIn(" file ", self.ctl("zones", "show", "shop.example"))
        self.assertEqual(self.ask("www2.shop.example"), ["192.0.2.7"])

    def test_a_zone_without_a_file_comes_and_goes(self):
        text = self.workspace.write("new.zone", "$ORIGIN new.example.\n$TTL 60\n"
                                    "@ SOA ns a 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n")
        self.ctl("zones", "put", "new.example", str(text), "--reason", "test")
        self.server.stop()
        self.server.launch()
        self.assertEqual(self.ask("ns.new.example"), ["192.0.2.1"])
        self.ctl("zones", "remove", "new.example")
        self.assertEqual(self.server.udp(dns.message.make_query("ns.new.example", "A")).rcode(),
                         dns.rcode.REFUSED)
        self.assertIn("has a file", self.ctl("zones", "remove", "shop.example", returns=1))


if __name__ == "__main__":
    unittest.main()
