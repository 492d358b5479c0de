"""HTTP/2 frames by hand (RFC 9113), for what curl and kdig would never send."""

import base64
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL, ENHANCE_YOUR_CALM = 8, 11
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STATUS_200 = 0x88  # RFC 7541, appendix A: an index
PATH = "/dns-query"


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def head(*fields):
    """A block of literal fields that no table keeps (RFC 7541 §6.2.2)."""
    out = b""
    for name, value in fields:
        assert len(name) < 127 and len(value) < 127
        out += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return out


def request_head(method, path):
    return head((":method", method), (":scheme", "https"), (":authority", "meridian.example"),
                (":path", path), ("content-type", "application/dns-message"))


def get(stream, wire):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream,
                 request_head("GET", f"{PATH}?dns={base64url(wire)}"))


def post(stream, wire):
    return (frame(HEADERS, END_HEADERS, stream, request_head("POST", PATH))
            + frame(DATA, END_STREAM, stream, wire))


def base64url(wire):
    return base64.urlsafe_b64encode(wire).decode().rstrip("=")


class Http2:
    """One connection over `stream`, a socket. Windows are as large as can be but for `window`."""

    def __init__(self, stream, window=2**31 - 1):
        self.stream = stream
        self.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack("!HI", INITIAL_WINDOW_SIZE, window))
                  + frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 2**31 - 1 - 65535)))

    def send(self, data):
        self.stream.sendall(data)

    def read_frame(self):
        """(kind, flags, stream, payload). Raises EOFError at the end of the connection."""
        start = self._exactly(9)
        size = int.from_bytes(start[:3], "big")
        return start[3], start[4], int.from_bytes(start[5:9], "big"), self._exactly(size)

    def reply(self, wanted):
        """(the first byte of the fields, the body) of a stream."""
        first, body = None, b""
        while True:
            kind, flags, stream, payload = self.read_frame()
            if stream == wanted and kind == HEADERS:
                first = payload[0]
            elif stream == wanted and kind == DATA:
                body += payload
            if stream == wanted and flags & END_STREAM and kind in (HEADERS, DATA):
                return first, body

    def farewell(self):
        """Reads to the end; the error code of GOAWAY, None without one."""
        code = None
        try:
            while True:
                kind, _, _, payload = self.read_frame()
                if kind == GOAWAY:
                    (code,) = struct.unpack("!I", payload[4:8])
        except (EOFError, OSError):
            return code

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.stream.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data
