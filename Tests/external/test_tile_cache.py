"""Tiles as they are sent: in the coding that is asked for, again when they are asked for again, and new when they changed."""
import gzip
import json
import urllib.parse

import brotli
import mapbox_vector_tile
import pytest

from server import Server, load

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
    import math
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
    assert urllib.parse.urlsplit(paths[0]).query == ""
