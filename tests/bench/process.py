"""Processes of the side-by-side run: start pinned to a core, wait for the first answer, measure, stop."""

import os
import select
import signal
import socket
import subprocess
import time

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 20
ASK_TIMEOUT_S = 1
ASK_TRIES = 3
REFUSED_PAUSE_S = 0.001
# While a server holds its port but is not ready, questions pile up in its socket: ask it rarely.
SILENT_PAUSE_S = 0.01


class BenchError(Exception):
    """Ends the run with a message for its user."""


def free_port():
    """A port free for both UDP and TCP on 127.0.0.1 at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                try:
                    tcp.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


def descendants(pid):
    """pid and every process below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    found.extend(int(child) for child in children.read().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between the two looks
    return found


def _rollup_kib(pid, wanted):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        rows = (line.split() for line in rollup.readlines()[1:])
        return next(int(row[1]) for row in rows if row[0] == wanted)


class Client:
    """Asks one server over UDP, one question at a time."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def exchange(self, packet, timeout_s):
        """The answer with the packet's id, or None: nobody listens yet, or it took too long."""
        try:
            self._socket.send(packet)
            deadline = time.monotonic() + timeout_s
            while True:
                left_s = max(0, deadline - time.monotonic())
                if not select.select([self._socket], [], [], left_s)[0]:
                    return None
                answer = self._socket.recv(4096)
                if answer[:2] == packet[:2]:
                    return answer
        except ConnectionRefusedError:
            time.sleep(REFUSED_PAUSE_S)
            return None


class Server:
    """A server process and its children, pinned to one core."""

    def __init__(self, name, command, port, cpu, log_path):
        self.name = name
        self.port = port
        self.log_path = log_path
        self._log = open(log_path, "wb")
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            ["taskset", "--cpu-list", str(cpu), *command],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        return descendants(self._process.pid)

    def wait_first_answer(self, packet, is_answer):
        """Asks until an answer is good; returns the seconds since the start."""
        with Client(self.port) as client:
            while time.monotonic() - self._started < START_TIMEOUT_S:
                if self._process.poll() is not None:
                    raise BenchError(f"{self.name} ended at its start:\n{self._log_tail()}")
                answer = client.exchange(packet, SILENT_PAUSE_S)
                if answer is not None and is_answer(answer):
                    return time.monotonic() - self._started
        raise BenchError(f"{self.name}: no answer within {START_TIMEOUT_S} s:\n{self._log_tail()}")

    def ask(self, packet):
        """One answer, asked as a resolver would: again after a while."""
        with Client(self.port) as client:
            for _ in range(ASK_TRIES):
                answer = client.exchange(packet, ASK_TIMEOUT_S)
                if answer is not None:
                    return answer
        raise BenchError(f"{self.name} did not answer:\n{self._log_tail()}")

    def rss_mb(self):
        """Resident memory; of a family of processes the sum of proportional shares, so that pages
        which forks share count once."""
        pids = self.pids()
        kib = sum(_rollup_kib(pid, "Rss:" if len(pids) == 1 else "Pss:") for pid in pids)
        return kib / 1024

    def stop(self):
        family = self.pids()
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue  # ended by itself
            self._process.wait()
        self._log.close()

    def _log_tail(self):
        with open(self.log_path, errors="replace") as log:
            return "".join(log.readlines()[-15:])
