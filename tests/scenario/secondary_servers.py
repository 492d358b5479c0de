"""NSD, Knot and BIND as secondary servers of one zone of Meridian's, over TSIG."""

from harness import LOOPBACK, free_port
from peer_servers import PeerServer, program
from peer_settings import bind_settings, knot_secondary_settings, nsd_settings


class Secondary(PeerServer):
    """A server that has `zone` from the primary at LOOPBACK:primary_port, and is notified there.

    key: (name, base64 secret) of an hmac-sha256 key that transfers and notices are signed with.
    The port is chosen at once: the primary's configuration needs it.
    """

    def __init__(self, workspace, zone, key):
        super().__init__(workspace, {})
        self.zone = zone
        self.key_name, self.secret = key
        self.port = free_port()
        self.primary_port = None


class NsdSecondary(Secondary):
    name = "nsd"

    def configure(self):
        self.config_path.write_text(nsd_settings(self) + f"""\
zone:
  name: "{self.zone}"
  zonefile: "{self.home}/zone"
  request-xfr: {LOOPBACK}@{self.primary_port} {self.key_name}
  allow-notify: {LOOPBACK} {self.key_name}
  provide-xfr: {LOOPBACK} NOKEY
""")

    def command(self):
        return [program("nsd"), "-d", "-c", str(self.config_path)]


class KnotSecondary(Secondary):
    name = "knot"

    def configure(self):
        self.config_path.write_text(knot_secondary_settings(self) + f"""\
zone:
  - domain: {self.zone}
    file: "{self.home}/zone"
    master: primary
    acl: [notices, readers]
""")

    def command(self):
        return [program("knotd"), "-c", str(self.config_path)]


class BindSecondary(Secondary):
    name = "named"

    def configure(self):
        self.config_path.write_text(bind_settings(self, "notify no;") + f"""\
zone "{self.zone}" {{
  type secondary;
  file "{self.home}/zone";
  primaries port {self.primary_port} {{ {LOOPBACK} key "{self.key_name}"; }};
  allow-notify {{ key "{self.key_name}"; }};
  allow-transfer {{ {LOOPBACK}; }};
}};
""")

    def command(self):
        return [program("named"), "-g", "-n", "1", "-c", str(self.config_path)]
