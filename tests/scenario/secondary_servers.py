"""NSD, Knot and BIND as secondary servers of one zone of Meridian's, over TSIG."""

from harness import LOOPBACK, free_port
from peer_servers import PeerServer, program


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
        self.config_path.write_text(f"""\
server:
  ip-address: {LOOPBACK}@{self.port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.home}"
  pidfile: "{self.home}/nsd.pid"
  xfrdfile: "{self.home}/xfrd.state"
  xfrdir: "{self.home}"
  zonelistfile: "{self.home}/zone.list"
  database: ""
  logfile: "{self.log_path}"
  verbosity: 2
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
key:
  name: "{self.key_name}"
  algorithm: hmac-sha256
  secret: "{self.secret}"
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
        self.config_path.write_text(f"""\
server:
    listen: {LOOPBACK}@{self.port}
    rundir: "{self.home}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
database:
    storage: "{self.home}"
control:
    listen: "{self.home}/knot.sock"
log:
  - target: stderr
    any: info
key:
  - id: {self.key_name}
    algorithm: hmac-sha256
    secret: {self.secret}
remote:
  - id: primary
    address: {LOOPBACK}@{self.primary_port}
    key: {self.key_name}
acl:
  - id: notices
    address: {LOOPBACK}
    key: {self.key_name}
    action: notify
  - id: readers
    address: {LOOPBACK}
    action: transfer
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
        self.config_path.write_text(f"""\
options {{
  directory "{self.home}";
  pid-file "{self.home}/named.pid";
  session-keyfile "{self.home}/session.key";
  listen-on port {self.port} {{ {LOOPBACK}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
key "{self.key_name}" {{ algorithm hmac-sha256; secret "{self.secret}"; }};
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
