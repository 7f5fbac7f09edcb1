"""Clients that go away in the middle: whatever they asked for ends, and all that it held is given back."""
import contextlib
import json
import os
import socket
import struct
import time
import urllib.parse
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from server import Server, load

FEATURES = 30_000
TIMES = 4
LIMIT = 20   # seconds until all is given back, on a slow machine


@pytest.fixture(scope="module")
def server(tmp_path_factory, seed):
    """With a layer of some 25 MB as GeoJSON, too large for the buffers between us, and a temporary folder of its own."""
    folder, chance = tmp_path_factory.mktemp("cut"), np.random.default_rng(seed)
    corners = chance.uniform((139, 36), (140, 37), (FEATURES, 2)).round(7)
    frame = geopandas.GeoDataFrame({"n": range(FEATURES), "text": ["字" * 150] * FEATURES}, geometry=shapely.box(*corners.T, *(corners + 0.003).round(7).T), crs="EPSG:6668")
    frame.to_file(folder / "large.gpkg", engine="pyogrio")
    load(folder / "data", folder / "large.gpkg", "large")
    (folder / "tmp").mkdir()
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder / "tmp")
    try:
        with Server(folder / "data") as server:
            server.scratch = folder / "tmp"
            os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
            yield server
    finally:
        os.environ.pop("TMPDIR", None) if before is None else os.environ.update(TMPDIR=before)


class Held:
    """What a server holds of the system."""

    def __init__(self, server):
        process = Path(f"/proc/{server.process.pid}")
        self.descriptors = len(list((process / "fd").iterdir()))
        self.threads, self.children = 0, []
        for task in (process / "task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):   # A thread may end while we look.
                self.children += (task / "children").read_text().split()
                self.threads += 1
        self.files = list(server.scratch.iterdir())

    def is_within(self, other):
        return self.descriptors <= other.descriptors and self.threads <= other.threads and not self.children and not self.files


def request(method, path, body=None):
    body = json.dumps(body).encode() if body else b""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def search(filter):
    return request("POST", "/collections/large/search", {"filter": filter, "limit": 10_000})


def comb(teeth):
    """A polygon with many edges in the middle of everything, so that nothing is decided without looking at it."""
    xs = np.linspace(139, 140, teeth)
    points = [(x, 36.1 if i % 2 else 36.9) for i, x in enumerate(xs)] + [(140, 37), (139, 37)]
    return "POLYGON((" + ", ".join(f"{x:.5f} {y}" for x, y in [*points, points[0]]) + "))"


def overlay(**inputs):
    side = {"collection": "large"}
    return request("POST", "/processes/overlay/execution", {"inputs": {"target": side, "overlay": side, "groupBy": [{"side": "target", "property": "n"}],
                                                                      "aggregates": [{"function": "count"}], **inputs}})


#: What is asked, and what the client waits for before it goes.
ASKED = {
    "a page": (request("GET", "/collections/large/items?limit=10000"), "bytes"),
    "a page in another order": (request("GET", "/collections/large/items?limit=10000&sortby=-n&crs=" + urllib.parse.quote("http://www.opengis.net/def/crs/EPSG/0/6677", "")), "bytes"),
    "a slow filter": (search(f"S_INTERSECTS(geometry, {comb(1500)}) AND S_DISJOINT(geometry, {comb(1300)})"), "moment"),
    "GeoJSON": (request("GET", "/collections/large/download?f=geojson"), "bytes"),
    "a table": (request("GET", "/collections/large/download?f=csv"), "bytes"),
    "a FlatGeobuf": (request("GET", "/collections/large/download?f=flatgeobuf"), "bytes"),
    "a GeoPackage": (request("GET", "/collections/large/download?f=gpkg"), "child"),
    "a shapefile": (request("GET", "/collections/large/download?f=shapefile"), "child"),
    "a GeoPackage, at once": (request("GET", "/collections/large/download?f=gpkg"), "nothing"),
    "an overlay": (overlay(predicate="nearest", nearest=100), "moment"),
    "half a question": (search("n > 1")[:-5], "moment"),
    "half a head": (b"GET /collections/large/items HTTP/1.1\r\nHost: loc", "moment"),
}


def cut(server, bytes, until, reset):
    """Asks, waits and goes: politely, or with a reset as when a machine is switched off."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(bytes)
        match until:
            case "bytes": assert client.recv(1000).startswith(b"HTTP/1.1 200")
            case "moment": time.sleep(0.05)
            case "child":
                end = time.monotonic() + LIMIT
                while not Held(server).children:
                    assert time.monotonic() < end, "GDAL's program was never started"
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(scope="module")
def before(server):
    """After everything has been asked once: what the server keeps for good, such as its threads and the open layer, is there."""
    for bytes, until in ASKED.values():
        cut(server, bytes, until, False)
    quiet = lambda held: not held.children and not held.files
    settled, end = Held(server), time.monotonic() + LIMIT
    while time.monotonic() < end:
        time.sleep(0.5)
        held = Held(server)
        if quiet(held) and held.descriptors == settled.descriptors:
            break
        settled = held
    assert server.get("/healthz")[0] == 200   # The tests' own connection is one that stays.
    return Held(server)


@pytest.mark.parametrize("name", ASKED)
def test_nothing_stays_of_a_request_whose_client_has_gone(server, before, name):
    bytes, until = ASKED[name]
    for i in range(TIMES if until != "child" else 2):
        cut(server, bytes, until, reset=i % 2 == 1)
        # The next one is served, whatever the last one left.
        assert server.json("/collections/large/items?limit=1")["numberReturned"] == 1
    end = time.monotonic() + LIMIT
    while not (held := Held(server)).is_within(before):
        assert time.monotonic() < end, f"before {vars(before)}, now {vars(held)}"
        time.sleep(0.05)


def test_after_all_that_files_are_whole(server, before):
    """A place in the queue of downloads is one of the things to give back."""
    for form in ("geojson", "gpkg"):
        for _ in range(2):
            status, _, body = server.get(f"/collections/large/download?f={form}")
            assert status == 200 and len(body) > 3_000_000
    held, end = Held(server), time.monotonic() + LIMIT
    while not held.is_within(before) and time.monotonic() < end:
        time.sleep(0.05)
        held = Held(server)
    assert held.is_within(before), f"before {vars(before)}, now {vars(held)}"
