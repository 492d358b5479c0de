"""Knot and BIND as consumers of a catalog of Meridian's, and Knot as producer of one (RFC 9432)."""

import subprocess

from harness import LOOPBACK, free_port
from peer_servers import PeerServer, program
from peer_settings import bind_settings, knot_secondary_settings, knot_settings
from secondary_servers import Secondary

_PATIENCE = 30


class KnotConsumer(Secondary):
    """`zone` is a catalog; its members come from where it comes from."""

    name = "knot"

    def configure(self):
        self.config_path.write_text(knot_secondary_settings(self) + f"""\
template:
  - id: member
    storage: "{self.home}"
    master: primary
    acl: [notices, readers]
zone:
  - domain: {self.zone}
    file: "{self.home}/the-catalog"
    master: primary
    acl: [notices, readers]
    catalog-role: interpret
    catalog-template: member
""")

    def command(self):
        return [program("knotd"), "-c", str(self.config_path)]


class BindConsumer(Secondary):
    name = "named"

    def configure(self):
        source = f'{{ {LOOPBACK} port {self.primary_port} key "{self.key_name}"; }}'
        self.config_path.write_text(bind_settings(self, f"""\
  notify no;
  allow-transfer {{ {LOOPBACK}; }};
  catalog-zones {{
    zone "{self.zone}" default-primaries {source} in-memory yes min-update-interval 1;
  }};""") + f"""\
zone "{self.zone}" {{
  type secondary;
  file "{self.home}/the-catalog";
  primaries {source};
}};
""")

    def command(self):
        return [program("named"), "-g", "-n", "1", "-c", str(self.config_path)]


class KnotProducer(PeerServer):
    """Makes the catalog `zone` of its zones, {name: (text, group or None)}; they may be changed, and
    apply() has the server know."""

    name = "knot"

    def __init__(self, workspace, zone, key):
        super().__init__(workspace, {})
        self.zone = zone
        self.key_name, self.secret = key
        self.port = free_port()
        self.secondary_port = None

    def configure(self):
        text = knot_settings(self, {"secondary": self.secondary_port}) + f"""\
acl:
  - id: secondaries
    address: {LOOPBACK}
    key: {self.key_name}
    action: transfer
template:
  - id: default
    storage: "{self.home}"
    notify: secondary
    acl: secondaries
zone:
  - domain: {self.zone}
    catalog-role: generate
"""
        for name, (content, group) in self.zones.items():
            (self.home / f"{name}.zone").write_text(content)
            text += f"""\
  - domain: {name}
    file: "{self.home}/{name}.zone"
    catalog-role: member
    catalog-zone: {self.zone}
"""
            text += f"    catalog-group: {group}\n" if group else ""
        self.config_path.write_text(text)

    def command(self):
        return [program("knotd"), "-c", str(self.config_path)]

    def apply(self):
        self.configure()
        subprocess.run([program("knotc"), "-s", str(self.control_path), "reload"],
                       check=True, capture_output=True, timeout=_PATIENCE)
