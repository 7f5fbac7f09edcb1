"""The program under test, as a process; and plain HTTP to it."""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KASANE = os.environ.get("KASANE", str(ROOT / ".build" / "release" / "kasane"))
START_LIMIT = 300   # seconds until the sample layers are loaded, on a slow machine
PAGE = 5000         # features asked for at a time


def free_port():
    """A port that nobody has, and that tests that run beside these do not take meanwhile: each process of pytest has its share."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % workers
    while True:
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Linux gives odd ones only.
        if port // 2 % workers == worker:
            return port


class Server:
    """`kasane serve` on a free port, from `with` to its end; it has to end well."""

    def __init__(self, data, layers=None, *options):
        self.data = str(data)
        self.command = [KASANE, "serve", "--data", str(data), "--port", "0", *options]
        if layers:
            self.command += ["--layers", str(layers)]
        self.take_port()

    def take_port(self):
        self.port = free_port()
        self.command[self.command.index("--port") + 1] = str(self.port)
        self.log = Path(self.data).parent / f"serve-{self.port}.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def __enter__(self):
        self.start()
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if self.process.poll() is not None and "Address already in use" in self.log_text():
                # Somebody took the port between the look and the start.
                self.take_port()
                self.start()
            assert self.process.poll() is None, f"kasane serve ended with {self.process.returncode}:\n{self.log_text()}"
            try:
                if self.get("/readyz")[0] == 200:
                    return self
            except OSError:
                self.connection.close()
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"not ready after {START_LIMIT} s:\n{self.log_text()}")

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0, f"kasane serve did not end well:\n{self.log_text()}"

    def log_text(self):
        return self.log.read_text(errors="replace")[-4000:]

    def get(self, path, headers=None):
        """Status, header fields and body. `path` may be a whole address of this server."""
        parts = urllib.parse.urlsplit(path)
        target = parts.path + ("?" + parts.query if parts.query else "")
        try:
            self.connection.request("GET", target, headers=headers or {})
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            # It may close a connection that was idle; a new one has to work.
            self.connection.close()
            self.connection.request("GET", target, headers=headers or {})
            response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def json(self, path):
        """The JSON at a path. A server that says it is too busy is asked again when it says so, as any client should."""
        for _ in range(5):
            status, headers, body = self.get(path)
            if status != 503:
                break
            time.sleep(float(headers["Retry-After"]))
        assert status == 200, f"{path}: {status} {body[:400]!r}"
        return json.loads(body)

    def collections(self):
        return {each["id"]: each for each in self.json("/collections?f=json")["collections"]}

    def pages(self, layer, **parameters):
        """All pages of items, by following `next`; each a FeatureCollection."""
        query = urllib.parse.urlencode({"limit": PAGE, **parameters})
        path = f"/collections/{urllib.parse.quote(layer)}/items?{query}"
        while path:
            page = self.json(path)
            assert page["numberReturned"] == len(page["features"])
            yield page
            path = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)

    def features(self, layer, **parameters):
        for page in self.pages(layer, **parameters):
            yield from page["features"]

    def tile(self, layer, z, x, y):
        """The bytes of a tile, empty where nothing is."""
        status, headers, body = self.get(f"/collections/{layer}/tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt")
        assert status in (200, 204), f"{layer} {z}/{y}/{x}: {status}"
        assert headers.get("Content-Encoding") is None
        return body


def load(data, file, layer, *options):
    """`kasane load`, published for everybody; its summary."""
    command = [KASANE, "load", str(file), "--layer", layer, "--access", "public", "--publish", "--data", str(data), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)
