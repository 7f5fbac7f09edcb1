"""Tiles as they are sent: in the coding that is asked for, again when they are asked for again, and new when they changed."""
import contextlib
import gzip
import json
import math
import os
import random
import sqlite3
import stat
import subprocess

import brotli
import mapbox_vector_tile
import pytest

from server import KASANE, Server, load

GRID = 8


def town(file, heights):
    """Houses on a grid far wider than a tile of zoom 14, each with its height; those of None are not there."""
    features = []
    for number, height in enumerate(heights):
        if height is None:
            continue
        west, south = 139.0 + number % GRID * 0.05, 35.0 + number // GRID * 0.05
        ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]]
        features.append({"type": "Feature", "properties": {"id": number, "height": height}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def tile_path(number, z):
    west, north = 139.0 + number % GRID * 0.05, 35.0 + number // GRID * 0.05
    x = int((west + 0.0005 + 180) / 360 * 2**z)
    sine = math.sin(math.radians(north + 0.0005))
    y = int((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * 2**z)
    return f"/collections/houses/tiles/WebMercatorQuad/{z}/{y}/{x}"


@pytest.fixture
def houses(tmp_path):
    """A server with the houses; and a function that publishes other heights."""
    def publish(heights):
        file = tmp_path / "houses.geojson"
        town(file, heights)
        load(tmp_path / "data", file, "houses", "--id-column", "id")
    publish([10] * GRID**2)
    with Server(tmp_path / "data") as server:
        yield server, publish


def test_every_coding_decodes_to_the_same_tile(houses):
    server, _ = houses
    for path in [tile_path(0, 14), tile_path(5, 8), "/collections/houses/items?limit=64&f=json"]:
        _, headers, plain = server.get(path)
        assert headers.get("Content-Encoding") is None
        tags = {headers["ETag"]}
        for asked, name, decode in [
            ("gzip", "gzip", gzip.decompress), ("br", "br", brotli.decompress), ("gzip, deflate, br, zstd", "br", brotli.decompress),
            ("br;q=0.5, gzip;q=0.9", "gzip", gzip.decompress), ("br;q=0, *;q=0.1", "gzip", gzip.decompress),
        ]:
            for _ in range(2):
                status, headers, body = server.get(path, {"Accept-Encoding": asked})
                if len(plain) < 860 and "tiles" not in path:
                    continue
                assert (status, headers["Content-Encoding"]) == (200, name), (path, asked)
                assert decode(body) == plain
                assert int(headers["Content-Length"]) == len(body)
                assert "Accept-Encoding" in headers["Vary"]
                tags.add(headers["ETag"])
                status, again, body = server.get(path, {"Accept-Encoding": asked, "If-None-Match": headers["ETag"]})
                assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
        for asked in ["identity", "deflate, zstd", "gzip;q=0, br;q=0", "*;q=0"]:
            _, headers, body = server.get(path, {"Accept-Encoding": asked})
            assert headers.get("Content-Encoding") is None and body == plain
        assert len(tags) == 3


def test_a_change_shows_where_it_is_and_nowhere_else(houses):
    server, publish = houses
    paths = [tile_path(number, 14) for number in range(GRID**2)]
    before = {path: server.get(path)[1]["ETag"] for path in paths}
    heights = [10] * GRID**2
    heights[3], heights[40] = 99, None
    publish(heights)
    changed = {tile_path(3, 14), tile_path(40, 14)}

    def tags():
        return {path: server.get(path)[1]["ETag"] for path in paths}

    # The new version shows at once; which tiles it leaves as they were is found out a little later.
    for _ in range(600):
        after = tags()
        if {path for path in paths if after[path] != before[path]} == changed:
            break
    assert {path for path in paths if after[path] != before[path]} == changed
    tile = mapbox_vector_tile.decode(server.get(tile_path(3, 14))[2])
    assert [feature["properties"]["height"] for feature in tile["houses"]["features"]] == [99]
    assert server.get(tile_path(40, 14))[0] == 204
    for path in set(paths) - changed:
        assert server.get(path, {"If-None-Match": before[path]})[0] == 304


def rows(data):
    """The tiles of the cache on disk."""
    with contextlib.closing(sqlite3.connect(data / "tiles" / "tiles.sqlite")) as database:
        return database.execute("SELECT count(*), sum(length(bytes)) FROM tile").fetchone()


def warm(data, *options):
    done = subprocess.run([KASANE, "warm", "--data", str(data), *options], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_tiles_on_disk_outlast_the_server_and_damage_costs_nobody_an_answer(tmp_path):
    town(tmp_path / "houses.geojson", [10] * GRID**2)
    data = tmp_path / "data"
    load(data, tmp_path / "houses.geojson", "houses", "--id-column", "id")
    config = tmp_path / "kasane.yaml"
    config.write_text("tile-cache-disk-mib: 16\n")
    paths = [tile_path(number, z) for number in (0, 9, 33) for z in (8, 12, 14)]
    with Server(data, None, "--config", str(config)) as server:
        first = [server.get(path, {"Accept-Encoding": "gzip"})[2] for path in paths]
    kept, _ = rows(data)
    assert kept == len(set(paths))
    assert stat.S_IMODE(os.stat(data / "tiles" / "tiles.sqlite").st_mode) == 0o600
    with Server(data, None, "--config", str(config)) as server:
        assert [server.get(path, {"Accept-Encoding": "gzip"})[2] for path in paths] == first
    assert rows(data)[0] == kept
    # A file that is not a database any more is removed, with a word in the log.
    (data / "tiles" / "tiles.sqlite").write_bytes(b"not a database" * 1000)
    with Server(data, None, "--config", str(config)) as server:
        assert [server.get(path, {"Accept-Encoding": "gzip"})[2] for path in paths] == first
        assert "removed tiles.sqlite" in server.log.read_text()
    assert rows(data)[0] == kept


def test_who_closes_a_layer_is_told_of_caches_that_are_not_ours(tmp_path):
    town(tmp_path / "houses.geojson", [10] * 4)
    load(tmp_path / "data", tmp_path / "houses.geojson", "houses")
    layers = lambda *words: subprocess.run([KASANE, "layers", *words, "--data", str(tmp_path / "data")], capture_output=True, text=True)
    for words, tells in ((["access", "houses", "public"], False), (["access", "houses", "internal"], True), (["access", "houses", "福祉課"], False),
                         (["access", "houses", "public"], False), (["retire", "houses"], True)):
        done = layers(*words)
        assert done.returncode == 0 and ("/collections/houses/" in done.stderr) == tells, (words, done.stderr)


def test_warm_does_not_say_that_it_kept_what_it_could_not(tmp_path):
    features = [{"type": "Feature", "properties": {"text": random.Random(n).randbytes(6000).hex()}, "geometry": {"type": "Point", "coordinates": [139 + n * 0.1, 35]}} for n in range(40)]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    data = tmp_path / "data"
    load(data, tmp_path / "a.geojson", "a")
    status, text = warm(data, "a", "--zooms", "12-13", "--codings", "identity", "--disk-mib", "1", "--threads", "1")
    assert status == 1 and "full" in text, text
    status, text = warm(data, "a", "--zooms", "12-13", "--codings", "identity", "--disk-mib", "16")
    assert status == 0 and rows(data)[0] >= 80, text
    (tmp_path / "file").write_text("")
    status, text = warm(data, "a", "--zooms", "12-13", "--folder", str(tmp_path / "file" / "tiles"))
    assert status == 1 and "cannot be kept" in text and "made" not in text, text


def test_warm_makes_what_the_server_would_and_goes_on_where_it_was(tmp_path):
    town(tmp_path / "houses.geojson", [10] * GRID**2)
    data = tmp_path / "data"
    load(data, tmp_path / "houses.geojson", "houses", "--id-column", "id")
    status, text = warm(data, "houses", "--zooms", "4-9")
    assert status == 0, text
    some, _ = rows(data)
    assert some > 0
    status, text = warm(data, "houses", "--zooms", "4-14", "--threads", "1")
    assert status == 0 and "枚を作りました" in text and "houses: made" in text, text
    every, size = rows(data)
    assert every > some and size > 0
    status, text = warm(data, "houses", "--zooms", "4-14")
    assert status == 0 and "made 0 of" in text, text
    config = tmp_path / "kasane.yaml"
    config.write_text("tile-cache-disk-mib: 64\n")
    with Server(data, None, "--config", str(config)) as server:
        # Beside a server that runs, and the server finds what was made: nothing is added.
        assert warm(data, "--zooms", "4-14")[0] == 0
        for number in range(0, GRID**2, 7):
            for z in (4, 9, 14):
                for coding, decode in [("gzip", gzip.decompress), ("br", brotli.decompress)]:
                    _, _, plain = server.get(tile_path(number, z))
                    _, headers, body = server.get(tile_path(number, z), {"Accept-Encoding": coding})
                    assert headers["Content-Encoding"] == coding and decode(body) == plain
    with contextlib.closing(sqlite3.connect(data / "tiles" / "tiles.sqlite")) as database:
        plain = len({tile_path(number, z) for number in range(0, GRID**2, 7) for z in (4, 9, 14)})
        assert database.execute("SELECT count(*) FROM tile").fetchone()[0] == every + plain
    # The same place in the other set, and in one tile with another layer, in the order that was asked for.
    load(data, tmp_path / "houses.geojson", "copies", "--id-column", "id")
    with Server(data, None, "--config", str(config)) as server:
        before = rows(data)[0]
        status, text = warm(data, "houses", "--tile-matrix-set", "WorldCRS84Quad", "--zooms", "3-9")
        assert status == 0 and "houses WorldCRS84Quad: made" in text, text
        status, text = warm(data, "copies", "houses", "--together", "--tile-matrix-set", "WebMercatorQuad", "--tile-matrix-set", "WorldCRS84Quad", "--zooms", "4-9")
        assert status == 0 and "copies,houses WebMercatorQuad: made" in text and "copies,houses WorldCRS84Quad: made" in text, text
        made = rows(data)[0]
        assert made > before
        asked = 0
        for number in range(0, GRID**2, 9):
            for z in (4, 9):
                x, y = (int((139.0005 + number % GRID * 0.05 + 180) / 360 * 2 * 2**z), int((90 - 35.0005 - number // GRID * 0.05) / 180 * 2**z))
                mercator = "/".join(tile_path(number, z).split("/")[-3:])
                for path in (f"/collections/houses/tiles/WorldCRS84Quad/{z}/{y}/{x}", f"/tiles/WorldCRS84Quad/{z}/{y}/{x}?collections=copies,houses",
                             f"/tiles/WebMercatorQuad/{mercator}?collections=copies,houses"):
                    _, headers, body = server.get(path, {"Accept-Encoding": "gzip"})
                    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(body), path
                    asked += 1
        assert asked == 48
        assert server.get("/tiles/WorldCRS84Quad/4/4/28?collections=houses,copies", {"Accept-Encoding": "gzip"})[0] == 200
    # Every one of those was there; that in another order is another tile.
    assert rows(data)[0] == made + 1
    for wrong in [["houses", "--tile-matrix-set", "Elsewhere"], ["--together"], ["houses", "--tile-matrix-set", "WorldCRS84Quad", "--zooms", "22"], ["absent"], ["houses", "houses"], ["houses", "--zooms", "9-4"], ["houses", "--codings", "lzw"], ["--threads", "0"]]:
        status, text = warm(data, *wrong)
        assert status in (1, 2) and text, wrong
