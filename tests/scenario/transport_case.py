"""What scenarios of transports have in common: certificates, listeners, PROXY headers."""

import contextlib
import re
import shutil
import socket
import ssl
import struct
import subprocess

import dns.message
import dns.rdatatype

from harness import ANSWER_SECONDS, LOOPBACK, ScenarioCase, framed, parse
from small_world import SERVICE, small_world

NAME = "meridian.example"
PROXY_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def query(rtype="A", options=None):
    return dns.message.make_query(SERVICE, rtype, use_edns=0 if options else -1, options=options)


def addresses(answer):
    return [row.to_text() for rrset in answer.answer for row in rrset
            if rrset.rdtype == dns.rdatatype.A]


def proxy_header(client, command=1, family=None, tail=b""):
    six = ":" in client
    pack = (lambda text: socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, text))
    body = pack(client) + pack("::1" if six else LOOPBACK) + struct.pack("!HH", 40000, 853) + tail
    kind = (0x21 if six else 0x11) if family is None else family
    return PROXY_SIGNATURE + bytes([0x20 | command, kind]) + struct.pack("!H", len(body)) + body


class TransportCase(ScenarioCase):
    """A server with certificates of its own and the listeners that a class names."""

    @classmethod
    def serve(cls, listeners, settings=None, **dns_settings):
        for name in ("server", "next"):
            cls.make_certificate(name)
        for kind in ("crt", "key"):
            shutil.copy(cls.workspace.path / f"server.{kind}", cls.workspace.path / f"shown.{kind}")
        cls.server = cls.start(small_world(
            cls.workspace, {"dns": {"listeners": listeners, **dns_settings}, **(settings or {})}))
        cls.ports = [int(port) for port in re.findall(
            r"dns_listening address=\S+:(\d+) transport=", cls.server.log_text())]

    @classmethod
    def tls_listener(cls, address, **more):
        folder = cls.workspace.path
        return {"address": address, "transport": "tls", "certificate_file": str(folder / "shown.crt"),
                "key_file": str(folder / "shown.key"), **more}

    @classmethod
    def make_certificate(cls, name):
        folder = cls.workspace.path
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext",
             f"subjectAltName=DNS:{NAME}", "-keyout", str(folder / f"{name}.key"),
             "-out", str(folder / f"{name}.crt")],
            check=True, capture_output=True, timeout=60)

    def trusting(self, name="server"):
        return ssl.create_default_context(cafile=str(self.workspace.path / f"{name}.crt"))

    @contextlib.contextmanager
    def session(self, port, trusted="server", before=b"", resume=None, source=LOOPBACK,
                application=None):
        """A TLS connection; `before` goes in the clear, `resume` is an earlier one, `application`
        is what ALPN names."""
        context = resume.context if resume else self.trusting(trusted)
        if application:
            context.set_alpn_protocols([application])
        plain = socket.create_connection((LOOPBACK, port), ANSWER_SECONDS, (source, 0))
        with plain:
            plain.sendall(before)
            with context.wrap_socket(plain, server_hostname=NAME,
                                     session=resume and resume.session) as tls:
                yield tls

    def ask(self, connection, message=None):
        message = message or query()
        connection.sendall(framed(message.to_wire()))
        return parse(self.receive(connection))

    @staticmethod
    def receive(connection):
        def exactly(size):
            data = b""
            while len(data) < size:
                piece = connection.recv(size - len(data))
                if not piece:
                    raise EOFError
                data += piece
            return data
        return exactly(struct.unpack("!H", exactly(2))[0])

    def metric(self, name):
        """The value of one sample, by its name and labels."""
        for line in self.server.rest("GET", "/metrics").body.decode().splitlines():
            sample, _, value = line.rpartition(" ")
            if sample == name:
                return float(value)
        raise KeyError(name)

    def failures(self, reason):
        return self.metric(f'meridian_dns_tls_handshake_failures_total{{reason="{reason}"}}')

    def openssl(self, *arguments):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"{LOOPBACK}:{self.port}", *arguments],
            input="", capture_output=True, text=True, timeout=60, check=False)

    def show_next(self):
        """From the next handshake on the certificate is another."""
        folder = self.workspace.path
        for kind in ("crt", "key"):
            shutil.copy(folder / f"next.{kind}", folder / f"new.{kind}")
            (folder / f"new.{kind}").replace(folder / f"shown.{kind}")
