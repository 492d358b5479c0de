"""DNS messages, as far as the comparison looks into them."""


def read_packets(path, count):
    """The first packets of a file of 2-byte big-endian lengths and bytes."""
    packets, data = [], path.read_bytes()
    at = 0
    while at < len(data) and len(packets) < count:
        length = int.from_bytes(data[at:at + 2], "big")
        packets.append(data[at + 2:at + 2 + length])
        at += 2 + length
    return packets


def has_answer(message):
    """QR, NOERROR and at least one record in the answer section."""
    return len(message) >= 12 and message[2] & 0x80 != 0 and message[3] & 15 == 0 \
        and message[6:8] != b"\0\0"


def _skip_name(message, at):
    while message[at] != 0 and message[at] & 0xc0 == 0:
        at += 1 + message[at]
    return at + (1 if message[at] == 0 else 2)


def only_address(message):
    """The address of the one A record that every load's answer has; None for anything else."""
    if not has_answer(message) or message[6:8] != b"\0\1":
        return None
    try:
        at = _skip_name(message, _skip_name(message, 12) + 4)
    except IndexError:
        return None  # the message ends too early
    is_a = message[at:at + 4] == b"\0\1\0\1" and message[at + 8:at + 10] == b"\0\4"
    if not is_a or len(message) < at + 14:
        return None
    return ".".join(str(byte) for byte in message[at + 10:at + 14])
