"""What NSD, Knot and BIND are told whatever zones they have: where they listen and write, and the key of
their transfers. `server` has home, port, log_path, key_name and secret."""

from harness import LOOPBACK


def nsd_settings(server):
    return f"""\
server:
  ip-address: {LOOPBACK}@{server.port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{server.home}"
  pidfile: "{server.home}/nsd.pid"
  xfrdfile: "{server.home}/xfrd.state"
  xfrdir: "{server.home}"
  zonelistfile: "{server.home}/zone.list"
  database: ""
  logfile: "{server.log_path}"
  verbosity: 2
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
key:
  name: "{server.key_name}"
  algorithm: hmac-sha256
  secret: "{server.secret}"
"""


def knot_settings(server, remotes):
    """remotes: {id: port on loopback}; what is said to them is signed."""
    known = "".join(f"""\
  - id: {name}
    address: {LOOPBACK}@{port}
    key: {server.key_name}
""" for name, port in remotes.items())
    return f"""\
server:
    listen: {LOOPBACK}@{server.port}
    rundir: "{server.home}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
database:
    storage: "{server.home}"
control:
    listen: "{server.control_path}"
log:
  - target: stderr
    any: info
key:
  - id: {server.key_name}
    algorithm: hmac-sha256
    secret: {server.secret}
remote:
{known}"""


def knot_secondary_settings(server):
    """The same, and who may notify (`acl` notices) and read (readers) what comes from `primary`."""
    return knot_settings(server, {"primary": server.primary_port}) + f"""\
acl:
  - id: notices
    address: {LOOPBACK}
    key: {server.key_name}
    action: notify
  - id: readers
    address: {LOOPBACK}
    action: transfer
"""


def bind_settings(server, options):
    """options: further lines of the options clause."""
    return f"""\
options {{
  directory "{server.home}";
  pid-file "{server.home}/named.pid";
  session-keyfile "{server.home}/session.key";
  listen-on port {server.port} {{ {LOOPBACK}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  {options}
}};
controls {{ }};
key "{server.key_name}" {{ algorithm hmac-sha256; secret "{server.secret}"; }};
"""
