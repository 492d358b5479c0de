"""Collectors of dnstap: fstrm_capture, and one of our own that may misbehave; and readers of what they got.

Neither knows Meridian's code: frames and messages are read by their public formats.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading

from harness import ANSWER_SECONDS, LOOPBACK, STOP_SECONDS, HarnessError, wait_for

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5
AUTH_QUERY, AUTH_RESPONSE = 1, 2
PROTOCOLS = {1: "UDP", 2: "TCP", 3: "DOT", 4: "DOH"}


def control_frame(kind, content_type=CONTENT_TYPE):
    body = struct.pack("!I", kind)
    if content_type:
        body += struct.pack("!II", 1, len(content_type)) + content_type
    return struct.pack("!II", 0, len(body)) + body


def frames_of(data):
    """The data frames of a stream or a file; what is cut off at its end is left out."""
    found, at = [], 0
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("!I", data, at)
        at += 4
        if size == 0:
            (size,) = struct.unpack_from("!I", data, at)
            at += 4 + size
            continue
        if at + size <= len(data):
            found.append(data[at:at + size])
        at += size
    return found


def fields_of(data):
    """A message of Protocol Buffers as {number: value}; no field is there twice in dnstap's."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            size = varint()
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            raise ValueError(f"field {number} has wire type {kind}")
        assert number not in found, number
        found[number] = value
    return found


class Tapped:
    """One dnstap message, by the field numbers of dnstap.proto."""

    def __init__(self, frame):
        outer = fields_of(frame)
        inner = fields_of(outer[14])
        self.identity = outer[1].decode()
        self.version = outer[2].decode()
        self.extra = dict(pair.split("=", 1) for pair in outer.get(3, b"").decode().split())
        self.kind = inner[1]
        self.protocol = PROTOCOLS[inner[3]]
        self.client = (self._address(inner[4]), inner.get(6))
        self.local = (self._address(inner[5]), inner.get(7)) if 5 in inner else None
        self.query_time = inner[8] + inner[9] / 1e9
        self.query = inner[10]
        self.zone = inner.get(11)
        self.response_time = inner[12] + inner[13] / 1e9 if 12 in inner else None
        self.response = inner.get(14)

    @staticmethod
    def _address(packed):
        return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def tapped(data):
    return [Tapped(frame) for frame in frames_of(data)]


class FstrmCapture:
    """fstrm's own collector; what it got is on disk when it has ended."""

    def __init__(self, path, socket_path=None, port=None):
        self.path = path
        where = ["-u", str(socket_path)] if socket_path else ["-a", LOOPBACK, "-p", str(port)]
        self.process = subprocess.Popen(
            ["fstrm_capture", "-t", CONTENT_TYPE.decode(), *where, "-w", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def finish(self):
        """Ends it; the messages it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS)
        return tapped(self.path.read_bytes())

    def kill9(self):
        self.process.kill()
        self.process.wait()


class Collector:
    """A collector in this process. behave(connection, data) says what it does with a connection; by default it
    accepts and gathers frames."""

    def __init__(self, socket_path=None, port=0, behave=None):
        if socket_path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(socket_path)
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(str(socket_path))
        else:
            self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((LOOPBACK, port))
        self.listener.listen(8)
        self.port = None if socket_path else self.listener.getsockname()[1]
        self.connections = []
        self.data = bytearray()
        self.accepted = 0
        self._behave = behave or self._gather
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for each in (self.listener, *self.connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise HarnessError("the collector did not end")

    def wait_for_messages(self, count):
        return wait_for(lambda: len(frames_of(bytes(self.data))) >= count and tapped(bytes(self.data)),
                        ANSWER_SECONDS, f"{count} dnstap messages")

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.accepted += 1
            with contextlib.suppress(OSError):
                self._behave(connection)

    def _gather(self, connection):
        hello = self._control(connection)
        assert hello == READY, hello
        connection.sendall(control_frame(ACCEPT))
        while True:
            piece = connection.recv(65536)
            if not piece:
                return
            self.data += piece
            if piece.endswith(control_frame(STOP, None)):
                connection.sendall(control_frame(FINISH, None))

    @staticmethod
    def _control(connection):
        data = b""
        while len(data) < 8 or len(data) < 8 + struct.unpack("!I", data[4:8])[0]:
            piece = connection.recv(512)
            if not piece:
                raise OSError("closed")
            data += piece
        return struct.unpack("!I", data[8:12])[0]
