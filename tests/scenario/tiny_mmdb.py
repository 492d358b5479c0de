"""A MaxMind DB of one record that covers all of IPv4, written by its specification (format 2.0).

Small enough to tear at every byte.
"""

import struct

_MARKER = b"\xab\xcd\xefMaxMind.com"
_STRING, _DOUBLE, _UINT16, _UINT32, _MAP = 2, 3, 5, 6, 7
_UINT64, _ARRAY = 9, 11


def _control(kind, size):
    """Control byte(s); sizes here stay below 29."""
    assert size < 29
    if kind <= 7:
        return bytes([kind << 5 | size])
    return bytes([size, kind - 7])


def _number(kind, value):
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(raw)) + raw


def _string(text):
    raw = text.encode()
    return _control(_STRING, len(raw)) + raw


def _double(value):
    return _control(_DOUBLE, 8) + struct.pack(">d", value)


def _map(pairs):
    return _control(_MAP, len(pairs)) + b"".join(_string(k) + v for k, v in pairs)


def tiny_mmdb(latitude, longitude, country):
    """The file's bytes: a tree of one node whose both records are the same place."""
    node_count = 1
    data_pointer = node_count + 16  # offset 0 of the data section
    tree = data_pointer.to_bytes(3, "big") * 2
    record = _map([("latitude", _double(latitude)), ("longitude", _double(longitude)),
                   ("country_code", _string(country))])
    metadata = _map([
        ("node_count", _number(_UINT32, node_count)),
        ("record_size", _number(_UINT16, 24)),
        ("ip_version", _number(_UINT16, 4)),
        ("database_type", _string("Tiny-City")),
        ("languages", _control(_ARRAY, 0)),
        ("binary_format_major_version", _number(_UINT16, 2)),
        ("binary_format_minor_version", _number(_UINT16, 0)),
        ("build_epoch", _number(_UINT64, 1_700_000_000)),
        ("description", _map([])),
    ])
    return tree + bytes(16) + record + _MARKER + metadata
