"""NSD, Knot and BIND as oracles, Unbound as validator: Debian's packages, on loopback, each in a
directory of its own.

NSD and Knot are configured to give the smallest correct answers (no NS records or addresses beside a
positive answer), because that is what Meridian does, and without rate limiting or control sockets.
"""

import shutil

from harness import LOOPBACK, HarnessError, ServerProcess, free_port


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if path is None:
        raise HarnessError(f"{name} is not installed (Debian packages nsd, knot, bind9 and unbound)")
    return path


class PeerServer(ServerProcess):
    """zones: {zone name in presentation form: path of its zone file}. control_path is Knot's to listen at."""

    def __init__(self, workspace, zones):
        super().__init__(workspace)
        self.zones = zones
        self.config_path = self.home / f"{self.name}.conf"
        self.control_path = workspace.socket_path()


class Nsd(PeerServer):
    name = "nsd"

    def configure(self):
        self.port = free_port()
        lines = [
            "server:",
            f"  ip-address: {LOOPBACK}@{self.port}",
            "  do-ip6: no",
            "  server-count: 1",
            '  username: ""',
            '  chroot: ""',
            f'  zonesdir: "{self.home}"',
            f'  pidfile: "{self.home}/nsd.pid"',
            f'  xfrdfile: "{self.home}/xfrd.state"',
            f'  xfrdir: "{self.home}"',
            f'  zonelistfile: "{self.home}/zone.list"',
            '  database: ""',
            f'  logfile: "{self.log_path}"',
            "  verbosity: 1",
            "  minimal-responses: yes",
            "  round-robin: no",
            "  ipv4-edns-size: 4096",
            "  rrl-ratelimit: 0",
            "  tcp-count: 200",
            "remote-control:",
            "  control-enable: no",
        ]
        for name, path in self.zones.items():
            lines += ["zone:", f'  name: "{name}"', f'  zonefile: "{path}"']
        self.config_path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("nsd"), "-d", "-c", str(self.config_path)]


class Knot(PeerServer):
    name = "knot"

    def configure(self):
        self.port = free_port()
        lines = [
            "server:",
            f"    listen: {LOOPBACK}@{self.port}",
            f'    rundir: "{self.home}"',
            "    udp-workers: 1",
            "    tcp-workers: 1",
            "    background-workers: 2",
            "    udp-max-payload: 4096",
            "database:",
            f'    storage: "{self.home}"',
            "control:",
            f'    listen: "{self.control_path}"',
            "log:",
            "  - target: stderr",
            "    any: info",
            "template:",
            "  - id: default",
            "    zonefile-sync: -1",
            "    zonefile-load: whole",
            "    journal-content: none",
            "zone:",
        ]
        for name, path in self.zones.items():
            lines += [f'  - domain: "{name}"', f'    file: "{path}"']
        self.config_path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("knotd"), "-c", str(self.config_path)]


class Bind(PeerServer):
    """cookie_secret: 32 hexadecimal digits; over UDP only who has a cookie of it is answered. None:
    everybody is."""

    name = "named"

    def __init__(self, workspace, zones, cookie_secret=None):
        super().__init__(workspace, zones)
        self.cookie_secret = cookie_secret

    def configure(self):
        self.port = free_port()
        lines = [
            "options {",
            f'  directory "{self.home}";',
            f'  pid-file "{self.home}/named.pid";',
            f'  session-keyfile "{self.home}/session.key";',
            f"  listen-on port {self.port} {{ {LOOPBACK}; }};",
            "  listen-on-v6 { none; };",
            "  recursion no;",
            "  dnssec-validation no;",
            "  minimal-responses yes;",
            "  check-names primary ignore;",
            "  max-udp-size 4096;",
            *self._cookies(),
            "};",
            "controls { };",
        ]
        for name, path in self.zones.items():
            lines.append(f'zone "{name}" {{ type primary; file "{path}"; }};')
        self.config_path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("named"), "-g", "-n", "1", "-c", str(self.config_path)]

    def _cookies(self):
        if self.cookie_secret is None:
            return []
        return ["  require-server-cookie yes;", "  cookie-algorithm siphash24;",
                f'  cookie-secret "{self.cookie_secret}";']


class Unbound(PeerServer):
    """A validating resolver that asks one server of ours for everything. zones: {name: trust anchor
    or None}: each is asked at `upstream` (address, port), and so is the root.

    Its cache is on; its answers have AD when all of them was proved, and SERVFAIL when it is bogus.
    """

    name = "unbound"

    def __init__(self, workspace, zones, upstream):
        super().__init__(workspace, zones)
        self.upstream = upstream

    def configure(self):
        self.port = free_port()
        lines = [
            "server:",
            f"  interface: {LOOPBACK}@{self.port}",
            "  do-ip6: no",
            "  num-threads: 1",
            '  username: ""',
            '  chroot: ""',
            f'  directory: "{self.home}"',
            f'  pidfile: "{self.home}/unbound.pid"',
            f'  logfile: "{self.log_path}"',
            "  use-syslog: no",
            "  val-log-level: 2",
            "  do-not-query-localhost: no",
            # What generated glue points to is nobody's.
            "  do-not-query-address: 192.0.2.0/24",
            '  module-config: "validator iterator"',
            "  qname-minimisation: no",
            "  aggressive-nsec: no",
            "  harden-below-nxdomain: no",
            "  edns-buffer-size: 4096",
            '  local-zone: "test." nodefault',
            '  local-zone: "invalid." nodefault',
        ]
        lines += [f'  trust-anchor: "{anchor}"' for anchor in self.zones.values() if anchor]
        lines += ["remote-control:", "  control-enable: no"]
        for name in (*self.zones, "."):
            lines += ["stub-zone:", f'  name: "{name}"',
                      f"  stub-addr: {self.upstream[0]}@{self.upstream[1]}"]
        self.config_path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("unbound"), "-d", "-p", "-c", str(self.config_path)]
