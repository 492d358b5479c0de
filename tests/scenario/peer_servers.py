"""NSD, Knot and BIND as oracles: Debian's packages, on loopback, each in a directory of its own.

NSD and Knot are configured to give the smallest correct answers (no NS records or addresses beside a
positive answer), because that is what Meridian does, and without rate limiting or control sockets.
"""

import shutil

from harness import LOOPBACK, HarnessError, ServerProcess, free_port


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if path is None:
        raise HarnessError(f"{name} is not installed (Debian packages nsd, knot and bind9)")
    return path


class PeerServer(ServerProcess):
    """zones: {zone name in presentation form: path of its zone file}."""

    def __init__(self, workspace, zones):
        super().__init__(workspace)
        self.zones = zones
        self.config_path = self.home / f"{self.name}.conf"


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
            f'    listen: "{self.home}/knot.sock"',
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
    """cookie_secret: 32 hexadecimal digits; over UDP only who has a cookie of it is answered."""

    name = "named"

    def __init__(self, workspace, zones, cookie_secret):
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
            "  require-server-cookie yes;",
            "  cookie-algorithm siphash24;",
            f'  cookie-secret "{self.cookie_secret}";',
            "};",
            "controls { };",
        ]
        for name, path in self.zones.items():
            lines.append(f'zone "{name}" {{ type primary; file "{path}"; }};')
        self.config_path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("named"), "-g", "-n", "1", "-c", str(self.config_path)]
