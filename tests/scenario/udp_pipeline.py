"""Many queries to one server with a window of them in flight, and TCP for what was truncated."""

import collections
import select
import socket
import time

from harness import HarnessError, TcpSession

_WINDOW = 64
_RETRY_SECONDS = 1.0
_TRIES = 8
_TC = 0x02


def exchange(address, queries):
    """Answers (bytes) to the queries, in their order.

    A query is sent again when no answer came; after 8 tries HarnessError names it. Answers with
    the TC bit are replaced by the answer to the same query over TCP.
    """
    answers = _over_udp(address, queries)
    truncated = [i for i, answer in enumerate(answers) if answer[2] & _TC]
    if truncated:
        with TcpSession(address) as session:
            for i in truncated:
                session.send_message(queries[i].to_wire(_id(i)))
                answers[i] = session.receive_message()
    return answers


def _over_udp(address, queries):
    answers = [None] * len(queries)
    waiting = collections.deque(range(len(queries)))
    in_flight = {}  # id → (index, when sent, tries)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.setblocking(False)
        tries = collections.Counter()
        while waiting or in_flight:
            while waiting and len(in_flight) < _WINDOW:
                index = waiting.popleft()
                tries[index] += 1
                if tries[index] > _TRIES:
                    raise HarnessError(f"no answer to {queries[index]} in {_TRIES} tries")
                sock.send(queries[index].to_wire(_id(index)))
                in_flight[_id(index)] = (index, time.monotonic())
            _receive(sock, in_flight, answers)
            _expire(in_flight, waiting)
    return answers


def _id(index):
    return index & 0xFFFF


def _receive(sock, in_flight, answers):
    select.select([sock], [], [], _RETRY_SECONDS)
    while True:
        try:
            answer = sock.recv(65535)
        except BlockingIOError:
            return
        # A late second answer to a query that was sent twice finds no entry; it is dropped.
        entry = in_flight.pop(int.from_bytes(answer[:2], "big"), None)
        if entry is not None:
            answers[entry[0]] = answer


def _expire(in_flight, waiting):
    now = time.monotonic()
    for message_id, (index, sent) in list(in_flight.items()):
        if now - sent > _RETRY_SECONDS:
            del in_flight[message_id]
            waiting.append(index)
