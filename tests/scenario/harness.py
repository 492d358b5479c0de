"""What every scenario test shares: a work directory, processes, ports, and the server under test.

A scenario test drives the real binaries from outside, over loopback sockets, and judges what comes
back with python3-dnspython, never with Meridian's own parser.

The binaries are named by the environment (CTest sets it, see CMakeLists.txt):
  MERIDIAND     path of the server
  MERIDIANCTL   path of the operator's tool

Nothing here sleeps in place of a condition: every wait polls a condition and is bounded, and when
it fails it shows the end of the log of the process that was waited for.
"""

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import dns.message

LOOPBACK = "127.0.0.1"

# A loaded two-core machine needs seconds for what takes milliseconds otherwise. The bound only
# matters when something is broken.
START_SECONDS = 60.0
STOP_SECONDS = 30.0
ANSWER_SECONDS = 10.0

_LOG_TAIL_LINES = 40
_POLL_SECONDS = 0.02
_PORT_CLASH_RETRIES = 5


class HarnessError(Exception):
    """The scenario could not be set up or driven; not a wrong answer of the server."""


def binary_from_environment(variable):
    """Path of a binary under test. Raises HarnessError when the variable does not name one."""
    value = os.environ.get(variable)
    if not value:
        raise HarnessError(f"{variable} is not set: run through ctest, or export it")
    if not os.access(value, os.X_OK):
        raise HarnessError(f"{variable}={value} is not an executable file")
    return value


def free_port():
    """A loopback port that is free for both UDP and TCP at the time of the call.

    Another process can take it before the server does; ServerProcess.start() retries then.
    """
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((LOOPBACK, 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind((LOOPBACK, port))
                except OSError:
                    continue
                return port
    raise HarnessError("no port is free for both UDP and TCP")


def wait_for(condition, seconds, what, still_possible=lambda: None):
    """Polls condition() until it is true and returns its value.

    still_possible() runs before each poll and raises when waiting longer is pointless (the process
    is gone). After `seconds` HarnessError names `what`.
    """
    deadline = time.monotonic() + seconds
    while True:
        still_possible()
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise HarnessError(f"no {what} within {seconds:g} s")
        time.sleep(_POLL_SECONDS)


class Workspace:
    """A temporary directory that is removed when the test passed and kept, and named, when not."""

    def __init__(self, path, outer=None):
        self.path = path
        self._outer = outer
        self._sockets = None
        self._numbers = itertools.count(1)

    @classmethod
    def temporary(cls, label):
        return cls(Path(tempfile.mkdtemp(prefix=f"meridian-{label}-")))

    def inner(self, name):
        """A workspace inside this one, for one of several rounds; it goes when this one goes."""
        return Workspace(self.directory(name), outer=self)

    def socket_path(self):
        """Where nothing is yet, for a unix socket; it goes with the workspace. Not inside it: a socket's path
        ends at 107 bytes (unix(7)), and a checkout, with the temporary directory in it, may lie deep."""
        if self._outer is not None:
            return self._outer.socket_path()
        if self._sockets is None:
            self._sockets = tempfile.TemporaryDirectory(prefix="meridian-", dir="/tmp")
        return Path(self._sockets.name) / f"{next(self._numbers)}.sock"

    def directory(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name, text):
        """Writes a text file (UTF-8; surrogates carry raw bytes) and returns its path."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return path

    def close(self, keep):
        if self._sockets is not None:
            self._sockets.cleanup()
        if not keep:
            shutil.rmtree(self.path)
            return
        print(f"\nkept for inspection: {self.path}", file=sys.stderr)
        for log in sorted(self.path.glob("**/*.log")):
            print(f"--- end of {log.relative_to(self.path)}\n{_tail(log)}", file=sys.stderr)


class ScenarioCase(unittest.TestCase):
    """A test class with one workspace, shared by its methods.

    Start shared servers in setUpClass with cls.start(server): they stop after the last method.
    The workspace survives when any method of the class failed.
    """

    workspace = None
    _failed = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._failed = False
        cls.workspace = Workspace.temporary(cls.__name__)
        cls.addClassCleanup(lambda: cls.workspace.close(keep=cls._failed))

    @classmethod
    def start(cls, server):
        """Starts a ServerProcess for all methods of the class; returns it. A failure to start or
        to stop keeps the workspace. (A method that wants a server of its own uses `with server:`.)
        """
        try:
            server.start()
        except BaseException:
            cls._failed = True
            raise
        cls.addClassCleanup(cls._stop, server)
        return server

    @classmethod
    def _stop(cls, server):
        try:
            server.stop()
        except HarnessError:
            cls._failed = True
            raise

    def run(self, result=None):
        if result is None:
            result = self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self)._failed = True
        return result


class ServerProcess:
    """A DNS server in a child process. Subclasses say how it is configured, started and seen ready.

    Only the process started here is ever signalled, by its own pid.
    """

    name = "server"

    def __init__(self, workspace):
        self.workspace = workspace
        self.home = workspace.directory(self.name)
        self.log_path = self.home / f"{self.name}.log"
        self.port = None
        self.process = None

    # For subclasses.

    def configure(self):
        """Picks ports and writes the configuration. Called before each attempt to start."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        return self.answers()

    # For tests.

    @property
    def address(self):
        return (LOOPBACK, self.port)

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Configures, starts and waits until the server is ready. Other ports after a clash."""
        for attempt in range(_PORT_CLASH_RETRIES):
            self.configure()
            try:
                self.launch()
                return self
            except HarnessError:
                clash = "ddress already in use" in self.log_text()
                self.abandon()
                if not clash or attempt + 1 == _PORT_CLASH_RETRIES:
                    raise
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def launch(self):
        """Starts the process with the configuration as it is and waits until it is ready."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home)
        wait_for(self.is_ready, START_SECONDS, f"readiness of {self.name}", self._require_alive)

    def stop(self):
        """Asks the process to end (SIGTERM) and requires that it does, with exit status 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise HarnessError(f"{self.name} did not end within {STOP_SECONDS:g} s of SIGTERM\n"
                               f"{_tail(self.log_path)}") from None
        if status != 0:
            raise HarnessError(f"{self.name} ended with status {status}\n{_tail(self.log_path)}")

    def kill9(self):
        """Ends the process at whatever instruction it is."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def abandon(self):
        """Removes what is left of a failed start."""
        if self.process is not None:
            self.kill9()

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def answers(self):
        """True when the server answers anything at all over UDP."""
        probe = dns.message.make_query(".", "SOA")
        try:
            udp_exchange(self.address, probe.to_wire(), seconds=0.25)
        except OSError:
            return False
        return True

    def udp(self, query, seconds=ANSWER_SECONDS):
        """Sends a query (dns.message.Message or bytes) over UDP; the parsed answer."""
        return parse(udp_exchange(self.address, _wire(query), seconds))

    def tcp(self, query, seconds=ANSWER_SECONDS):
        """The same over a TCP connection of its own."""
        with TcpSession(self.address, seconds) as session:
            session.send_message(_wire(query))
            return parse(session.receive_message())

    def _require_alive(self):
        status = self.process.poll()
        if status is not None:
            raise HarnessError(
                f"{self.name} ended with status {status}\n{_tail(self.log_path)}")


class Meridian(ServerProcess):
    """meridiand on loopback, with a world of its own.

    topology   the topology document (docs/topology.md), as a Python value
    zones      DNS zone files: {"shop.example": text}
    files      other files beside the configuration: {"networks.txt": text}
    settings   further keys of docs/config.md by section: {"dns": {"tcp_idle_timeout_ms": 500}}
    """

    name = "meridiand"

    def __init__(self, workspace, topology, zones, files=None, settings=None):
        super().__init__(workspace)
        self.binary = binary_from_environment("MERIDIAND")
        self.config_path = self.home / "meridiand.toml"
        self.state_dir = self.home / "state"
        self.settings = settings or {}
        self.admin_port = None
        workspace.write(f"{self.name}/topology.json", json.dumps(topology, indent=2))
        workspace.directory(f"{self.name}/zones")
        for zone, text in zones.items():
            workspace.write(f"{self.name}/zones/{zone}.zone", text)
        for name, text in (files or {}).items():
            workspace.write(f"{self.name}/{name}", text)

    def configure(self):
        self.port = free_port()
        self.admin_port = free_port()
        sections = {
            "server": {"node_id": "scenario-1", "state_dir": "state", "log_level": "debug"},
            "dns": {"listen": [f"{LOOPBACK}:{self.port}"], "udp_workers": 2, "zones_dir": "zones"},
            "topology": {"file": "topology.json"},
            "admin": {"listen": f"{LOOPBACK}:{self.admin_port}"},
        }
        for section, values in self.settings.items():
            if _is_table_array(values):
                sections[section] = values
            else:
                sections.setdefault(section, {}).update(values)
        self.config_path.write_text(_toml(sections))

    def command(self):
        return [self.binary, "--config", str(self.config_path)]

    def is_ready(self):
        try:
            return self.rest("GET", "/readyz", token=None).status == 200 and self.answers()
        except OSError:
            return False

    @property
    def admin_token(self):
        """The token of the first start (`<state_dir>/admin.token`)."""
        return (self.state_dir / "admin.token").read_text().strip()

    def rest(self, method, path, body=None, token="admin", seconds=ANSWER_SECONDS):
        """One REST call. body: a JSON value, or bytes sent as they are. token: "admin" for the
        admin's, None for no Authorization header, else the token itself."""
        headers = {}
        if token is not None:
            secret = self.admin_token if token == "admin" else token
            headers["Authorization"] = f"Bearer {secret}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(LOOPBACK, self.admin_port, timeout=seconds)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return RestReply(reply.status, dict(reply.getheaders()), reply.read())
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def ctl(self, *arguments, seconds=60.0):
        """Runs meridianctl against this server; the subprocess.CompletedProcess (text mode)."""
        environment = dict(os.environ)
        environment["MERIDIAN_URL"] = f"http://{LOOPBACK}:{self.admin_port}"
        environment["MERIDIAN_TOKEN_FILE"] = str(self.state_dir / "admin.token")
        return subprocess.run([binary_from_environment("MERIDIANCTL"), *arguments],
                              env=environment, capture_output=True, text=True, timeout=seconds,
                              check=False)


class RestReply:
    """Status, headers and body of a REST reply."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"RestReply({self.status}, {self.body[:500]!r})"


class TcpSession:
    """A DNS over TCP connection (RFC 7766) with access to the raw stream."""

    def __init__(self, address, seconds=ANSWER_SECONDS):
        self.socket = socket.create_connection(address, timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send_message(self, wire):
        self.send_bytes(framed(wire))

    def receive_message(self):
        """The next message. Raises EOFError when the peer closed the connection before it."""
        (size,) = struct.unpack("!H", self._receive_exactly(2))
        return self._receive_exactly(size)

    def closed_by_peer(self):
        """Waits for the end of the stream; False when bytes come instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _receive_exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError(f"connection closed after {len(data)} of {size} bytes")
            data += piece
        return data


def framed(wire):
    """A message with the two-byte length that TCP wants."""
    return struct.pack("!H", len(wire)) + wire


def udp_exchange(address, wire, seconds=ANSWER_SECONDS):
    """Sends one datagram and returns the first that comes back with the same id.

    Raises TimeoutError when none does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.send(wire)
        deadline = time.monotonic() + seconds
        while True:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            reply = sock.recv(65535)
            if reply[:2] == wire[:2]:
                return reply


def parse(wire):
    """An answer as dnspython sees it, one RRset for each record so that order and duplicates stay.

    Trailing bytes are an error: the server must not send any.
    """
    return dns.message.from_wire(wire, one_rr_per_rrset=True)


def _wire(query):
    return query if isinstance(query, bytes) else query.to_wire()


def _tail(path):
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])


def _toml(sections):
    """Renders {section: {key: value}}; a list of dictionaries becomes an array of tables."""
    lines = []
    for section, values in sections.items():
        if _is_table_array(values):
            for row in values:
                lines.append(f"[[{section}]]")
                lines += [f"{name} = {_toml_value(value)}" for name, value in row.items()]
            continue
        tables = {key: value for key, value in values.items() if _is_table_array(value)}
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml_value(value)}"
                  for key, value in values.items() if key not in tables]
        for key, rows in tables.items():
            for row in rows:
                lines.append(f"[[{section}.{key}]]")
                lines += [f"{name} = {_toml_value(value)}" for name, value in row.items()]
    return "\n".join(lines) + "\n"


def _is_table_array(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _toml_value(value):
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    # JSON's strings, numbers and booleans are valid TOML.
    return json.dumps(value)
