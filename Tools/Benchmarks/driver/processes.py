"""Commands that are timed and whose memory is watched, and servers that are started and ended."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time


class Failed(Exception):
    pass


def family(pid):
    """A process and all its descendants."""
    found, open_ = [], [pid]
    while open_:
        process = open_.pop()
        found.append(process)
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                open_ += map(int, pathlib.Path(f"/proc/{process}/task/{thread}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return found


def status(pid, field):
    """A field of /proc/PID/status in bytes; 0 when the process has ended."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return 1024 * int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


class Watch(threading.Thread):
    """The largest sum of RssAnon over a process and its descendants, looked at every 20 ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, sum(status(pid, "RssAnon") for pid in family(self.pid)))


def timed(command, log, shell=False):
    """Seconds, and bytes of anonymous memory at most, of a command that must succeed."""
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, shell=shell)
        watch = Watch(process.pid)
        code = process.wait()
        seconds = time.perf_counter() - start
        watch.ended.set()
    if code:
        raise Failed(f"{command} ended with {code}:\n{pathlib.Path(log).read_text(errors='replace')[-2000:]}")
    return seconds, watch.peak


class Server:
    """A server for as long as a `with` lasts."""

    def __init__(self, command, port, log, path="/", environment=None):
        self.port, self.path = port, path
        with socket.socket() as test:
            if test.connect_ex(("127.0.0.1", port)) == 0:
                raise Failed(f"something is listening on port {port} already")
        self.start = time.perf_counter()
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
        self.log = log

    def first_answer(self, limit=60):
        """Seconds from the start of the process to a whole answer of status 200 to `path`."""
        while time.perf_counter() - self.start < limit:
            if self.process.poll() is not None:
                raise Failed(f"{self.process.args[0]} ended:\n{pathlib.Path(self.log).read_text(errors='replace')[-2000:]}")
            try:
                answer = self.ask()
            except OSError:
                time.sleep(0.0005)
                continue
            if answer.startswith(b"HTTP/1.1 200"):
                return time.perf_counter() - self.start
        raise Failed(f"no answer from port {self.port}")

    def ask(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode())
            parts = []
            while part := connection.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The parent first, or it would start anew what it misses.
        children = family(self.process.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in children:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass  # it ended with its parent
