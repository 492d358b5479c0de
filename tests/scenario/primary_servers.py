"""NSD, Knot and BIND as primary servers of one zone, over TSIG; and one made of a few lines that sends
whatever a test wants."""

import signal
import socket
import subprocess
import threading

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.update
import dns.zone

from harness import LOOPBACK, free_port
from peer_servers import PeerServer, program
from peer_settings import bind_settings, knot_settings, nsd_settings

_PATIENCE = 30


class Primary(PeerServer):
    """Has `zone` from `text`, gives it to who has the key, and notifies LOOPBACK:secondary_port.

    key: (name, base64 secret) of an hmac-sha256 key. The port is chosen at once: the secondary's
    configuration needs it.
    """

    def __init__(self, workspace, zone, key, text):
        super().__init__(workspace, {})
        self.zone = zone
        self.key_name, self.secret = key
        self.port = free_port()
        self.secondary_port = None
        self.zone_file = self.home / "zone"
        self.zone_file.write_text(text)

    def change(self, add=(), remove=()):
        """Adds and removes records, each "owner ttl type data" relative to the zone, and raises the
        serial."""
        raise NotImplementedError


class BindPrimary(Primary):
    name = "named"

    def configure(self):
        self.config_path.write_text(bind_settings(self, "notify-delay 0;") + f"""\
zone "{self.zone}" {{
  type primary;
  file "{self.zone_file}";
  allow-update {{ {LOOPBACK}; }};
  allow-transfer {{ key "{self.key_name}"; }};
  notify explicit;
  also-notify {{ {LOOPBACK} port {self.secondary_port} key "{self.key_name}"; }};
}};
""")

    def command(self):
        return [program("named"), "-g", "-n", "1", "-c", str(self.config_path)]

    def change(self, add=(), remove=()):
        update = dns.update.UpdateMessage(self.zone)
        for record in remove:
            owner, _, rdtype, data = record.split(" ", 3)
            update.delete(owner, rdtype, data)
        for record in add:
            owner, ttl, rdtype, data = record.split(" ", 3)
            update.add(owner, int(ttl), rdtype, data)
        answer = dns.query.tcp(update, LOOPBACK, port=self.port, timeout=_PATIENCE)
        assert answer.rcode() == 0, answer


class KnotPrimary(Primary):
    name = "knot"
    signing = "off"

    def configure(self):
        self.config_path.write_text(knot_settings(self, {"secondary": self.secondary_port}) + f"""\
acl:
  - id: secondaries
    address: {LOOPBACK}
    key: {self.key_name}
    action: transfer
zone:
  - domain: {self.zone}
    file: "{self.zone_file}"
    notify: secondary
    acl: secondaries
    dnssec-signing: {self.signing}
""")

    def command(self):
        return [program("knotd"), "-c", str(self.config_path)]

    def control(self, *words):
        subprocess.run([program("knotc"), "-s", str(self.control_path), *words],
                       check=True, capture_output=True, timeout=_PATIENCE)

    def change(self, add=(), remove=()):
        self.control("zone-begin", self.zone)
        for record in remove:
            owner, _, rdtype, data = record.split(" ", 3)
            self.control("zone-unset", self.zone, owner, rdtype, data)
        for record in add:
            owner, ttl, rdtype, data = record.split(" ", 3)
            self.control("zone-set", self.zone, owner, ttl, rdtype, data)
        self.control("zone-commit", self.zone)


class SigningPrimary(KnotPrimary):
    signing = "on"


class NsdPrimary(Primary):
    """Its zone is its file: each change writes it anew. It gives the zone as a whole only."""

    name = "nsd"

    def __init__(self, workspace, zone, key, text):
        super().__init__(workspace, zone, key, text)
        self.serial = 1
        self.text = text
        self.records = []

    def configure(self):
        self.config_path.write_text(nsd_settings(self) + f"""\
zone:
  name: "{self.zone}"
  zonefile: "{self.zone_file}"
  provide-xfr: {LOOPBACK} {self.key_name}
  notify: {LOOPBACK}@{self.secondary_port} {self.key_name}
""")

    def command(self):
        return [program("nsd"), "-d", "-c", str(self.config_path)]

    def change(self, add=(), remove=()):
        self.records = [each for each in self.records if each not in set(remove)] + list(add)
        self.serial += 1
        text = self.text.replace(" 1 ", f" {self.serial} ", 1)
        self.zone_file.write_text(text + "".join(
            "{} {} IN {} {}\n".format(*record.split(" ", 3)) for record in self.records))
        self.process.send_signal(signal.SIGHUP)


class ScriptedPrimary:
    """A TCP server; `answer(query, send)` is called for each query, and send(bytes) frames and sends a
    message, or raises OSError once the client has gone."""

    def __init__(self, answer):
        self.answer = answer
        self.closed = threading.Event()
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        with client:
            client.settimeout(_PATIENCE)
            try:
                size = int.from_bytes(client.recv(2, socket.MSG_WAITALL), "big")
                wire = client.recv(size, socket.MSG_WAITALL)
                query = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
                self.answer(query, lambda message: client.sendall(
                    len(message).to_bytes(2, "big") + message))
                client.recv(1)
            except (OSError, dns.exception.DNSException):
                pass
        self.closed.set()

    def stop(self):
        self.listener.close()


class TextPrimary(ScriptedPrimary):
    """Gives zones of a text each, unsigned; knows AXFR and, of IXFR, only that it does not know it.

    While `silent` it takes questions and answers none. `asked`: the types of all questions.
    """

    def __init__(self, zone, text):
        self.silent = False
        self.asked = []
        self.zones = {}
        self.set(zone, text)
        super().__init__(self._answer)

    def set(self, zone, text):
        given = dns.zone.from_text(text, zone, relativize=False)
        self.zones[given.origin] = given

    def _answer(self, query, send):
        if self.silent:
            return
        zone, rdtype = self.zones.get(query.question[0].name), query.question[0].rdtype
        self.asked.append(dns.rdatatype.to_text(rdtype))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if zone is None:
            response.set_rcode(dns.rcode.NOTAUTH)
            send(response.to_wire())
            return
        soa = zone.get_rrset(zone.origin, dns.rdatatype.SOA)
        if rdtype == dns.rdatatype.IXFR:
            response.set_rcode(dns.rcode.NOTIMP)
            send(response.to_wire())
            return
        response.answer.append(soa)
        if rdtype == dns.rdatatype.SOA:
            send(response.to_wire())
            return
        for name, rdataset in zone.iterate_rdatasets():
            if rdataset.rdtype != dns.rdatatype.SOA:
                rrset = dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype)
                rrset.update(rdataset)
                response.answer.append(rrset)
        send(response.to_wire())
        # To dnspython both SOA would be one RRset; so the last one comes by itself.
        last = dns.message.make_response(query)
        last.answer.append(soa)
        send(last.to_wire())
