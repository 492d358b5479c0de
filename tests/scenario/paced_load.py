"""Queries at a steady rate from a process of their own, and what was wrong with the answers.

  paced_load.py PORT RATE NAME...     asks the A of each name in turn until its standard input ends

The first name is the one whose address is expected to change once. Prints "running" after the
first answers and, at the end, one JSON object: see Load.report(). A query that saw no answer for a second is
sent again, 8 times at most, as a resolver would: loopback drops datagrams when nobody gets to read.
"""

import json
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import dns.message

from harness import LOOPBACK

_IN_FLIGHT_MAX = 192  # fits the default receive buffer, so that nothing is lost on the way back
_TICK_SECONDS = 0.002
_RETRY_SECONDS = 1.0
_TRIES = 8


class Load:
    def __init__(self, port, rate, names):
        self.rate = rate
        self.wires = [dns.message.make_query(name, "A").to_wire(0)[2:] for name in names]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((LOOPBACK, port))
        self.socket.setblocking(False)
        self.in_flight = {}  # id → [number, when sent, tries]
        self.number = 0
        self.started = time.monotonic()
        self.counts = {"answered": 0, "again": 0, "unanswered": 0, "bad": 0, "went_back": 0}
        self.addresses = []  # of the first name, each when it came for the first time
        self.valid_since = 0  # queries from this number on must show the newest address

    def run(self, is_over):
        said = False
        while not is_over():
            due = int((time.monotonic() - self.started) * self.rate)
            while self.number < due and len(self.in_flight) < _IN_FLIGHT_MAX:
                self.send(self.number, 1)
                self.number += 1
            select.select([self.socket], [], [], _TICK_SECONDS)
            self.receive()
            self.expire()
            if not said and self.counts["answered"] > 100:
                said = True
                print("running", flush=True)
        self.seconds = time.monotonic() - self.started
        while self.in_flight:
            select.select([self.socket], [], [], _TICK_SECONDS)
            self.receive()
            self.expire()

    def send(self, number, tries):
        self.in_flight[number & 0xFFFF] = (number, time.monotonic(), tries)
        try:
            self.socket.send((number & 0xFFFF).to_bytes(2, "big") +
                             self.wires[number % len(self.wires)])
        except BlockingIOError:
            return  # as one that was lost: it is sent again

    def receive(self):
        while True:
            try:
                answer = self.socket.recv(4096)
            except BlockingIOError:
                return
            entry = self.in_flight.pop(int.from_bytes(answer[:2], "big"), None)
            if entry is not None:
                self.judge(entry[0], answer)

    def judge(self, number, answer):
        """NOERROR with one address; of the first name, one that never goes back."""
        self.counts["answered"] += 1
        if answer[3] & 15 or answer[6:8] != b"\0\1":
            self.counts["bad"] += 1
            return
        if number % len(self.wires):
            return
        address = socket.inet_ntoa(answer[-4:])
        if address not in self.addresses:
            self.addresses.append(address)
            # What is asked from now on comes after this answer; what is in flight may be older.
            self.valid_since = self.number
        elif address != self.addresses[-1] and number >= self.valid_since:
            self.counts["went_back"] += 1

    def expire(self):
        now = time.monotonic()
        for identifier, (number, sent, tries) in list(self.in_flight.items()):
            if now - sent < _RETRY_SECONDS:
                continue
            if tries == _TRIES:
                del self.in_flight[identifier]
                self.counts["unanswered"] += 1
            else:
                self.counts["again"] += 1
                self.send(number, tries + 1)

    def report(self):
        return self.counts | {"addresses": self.addresses, "seconds": round(self.seconds, 1),
                              "rate": round(self.counts["answered"] / self.seconds)}


class LoadProcess:
    """The load, from the start of the block to its end; then `report` is what it saw."""

    def __init__(self, port, rate, names):
        self.command = [sys.executable, str(Path(__file__).resolve()), str(port), str(rate), *names]
        self.report = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "running\n":
            self.process.kill()
            self.process.communicate()
            raise AssertionError("the load did not start")
        return self

    def __exit__(self, *_):
        text, _ = self.process.communicate()  # ends its input
        if self.process.returncode == 0:
            self.report = json.loads(text)


def main():
    load = Load(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    load.run(lambda: select.select([sys.stdin], [], [], 0)[0])
    print(json.dumps(load.report()))


if __name__ == "__main__":
    main()
