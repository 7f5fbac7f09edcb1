"""Real data, loaded by the command line: what comes out is what GDAL reads from the files."""
import array
import json
import math
import shutil
import urllib.request
from collections import Counter

import numpy as np
import pyarrow
import pyarrow.compute
import pyogrio
import pytest
import shapely
from server import Server, load
from sources import NEAR, plain


class Tally:
    """Of one column: how many are null, the sum of numbers, the distinct texts and the length of all. Small, for millions of rows."""

    def __init__(self):
        self.nulls, self.numbers, self.texts, self.length = 0, array.array("d"), set(), 0

    def add(self, values):
        for value in map(plain, values):
            if value is None:
                self.nulls += 1
            elif isinstance(value, float):
                self.numbers.append(value)
            else:
                self.texts.add(value)
                self.length += len(value)
        return self

    @property
    def facts(self):
        return self.nulls, len(self.numbers), math.fsum(self.numbers), len(self.texts), self.length


def same_as_file(server, layer, file, options=None):
    """Counts, extent, nulls and sums of a layer that keeps the names of its source."""
    frame = pyogrio.read_dataframe(file, **(options or {}))
    names = [name for name in frame.columns if name != "geometry"]
    extent = frame.geometry.to_crs("EPSG:6668").total_bounds if frame.crs.is_projected else frame.total_bounds
    tallies, count, corners = {name: Tally() for name in names}, 0, []
    for page in server.pages(layer, limit=10000):
        assert page["numberMatched"] == len(frame)
        features = page["features"]
        count += len(features)
        for name in names:
            tallies[name].add(feature["properties"].get(name) for feature in features)
        corners.append(outline(features))
    assert count == len(frame)
    assert np.allclose(server.collections()[layer]["extent"]["spatial"]["bbox"][0], extent, rtol=0, atol=NEAR)
    corners = np.array(corners)
    assert np.allclose([*corners[:, :2].min(axis=0), *corners[:, 2:].max(axis=0)], extent, rtol=0, atol=NEAR)
    for name in names:
        assert tallies[name].facts == Tally().add(frame[name]).facts, name


def outline(features):
    """West, south, east, north of polygons in GeoJSON."""
    polygons = [each["geometry"]["coordinates"] if each["geometry"]["type"] == "MultiPolygon" else [each["geometry"]["coordinates"]] for each in features]
    points = np.array([point for parts in polygons for rings in parts for point in rings[0]])
    return [*points.min(axis=0), *points.max(axis=0)]


def test_one_ward_as_a_city_hall_hands_it_over(real_data):
    server, files = real_data
    same_as_file(server, "koto", files["koto"], {"encoding": "CP932"})


def columns(file):
    """What `Tally` finds in each column of a large file."""
    _, table = pyogrio.read_arrow(file, read_geometry=False)
    found = {}
    for name in table.column_names:
        column = table[name]
        if not pyarrow.types.is_string(column.type) and not pyarrow.types.is_large_string(column.type):
            numbers = column.drop_null().to_numpy().astype(float)
            numbers = numbers[~np.isnan(numbers)]
            found[name] = len(column) - len(numbers), len(numbers), math.fsum(numbers), 0, 0
        else:
            texts = set(column.unique().to_pylist()) - {None, ""}
            empty = pyarrow.compute.sum(pyarrow.compute.equal(column, "")).as_py() or 0
            found[name] = column.null_count + empty, 0, 0.0, len(texts), pyarrow.compute.sum(pyarrow.compute.utf8_length(column)).as_py() or 0
    return found


def test_all_buildings_of_tokyo_in_one_file(real_data, tmp_path):
    """Every value and every shape's place, by GDAL from what is downloaded."""
    server, files = real_data
    copy = tmp_path / "copy.fgb"
    with urllib.request.urlopen(f"{server.url}/collections/tokyo/download?f=flatgeobuf") as answer, open(copy, "wb") as file:
        shutil.copyfileobj(answer, file, 1 << 20)
    wanted, found = columns(files["tokyo"]), columns(copy)
    for name in wanted:
        assert found[name] == wanted[name], name
    boxes, copies = (pyogrio.read_bounds(file)[1] for file in (files["tokyo"], copy))
    for edge in range(4):
        assert np.allclose(np.sort(boxes[edge]), np.sort(copies[edge]), rtol=0, atol=NEAR)
    extent = [boxes[0].min(), boxes[1].min(), boxes[2].max(), boxes[3].max()]
    assert np.allclose(server.collections()["tokyo"]["extent"]["spatial"]["bbox"][0], extent, rtol=0, atol=NEAR)


def test_all_buildings_of_tokyo_page_by_page(real_data):
    """To the end, by `next`; without the shapes, which the ward and the boxes have as GeoJSON too."""
    server, files = real_data
    wanted, count = columns(files["tokyo"]), pyogrio.read_info(files["tokyo"])["features"]
    names = ["建物ID", "計測高さ"]
    tallies, seen = {name: Tally() for name in names}, 0
    for page in server.pages("tokyo", limit=10000, skipGeometry="true", properties=",".join(names)):
        assert page["numberMatched"] == count
        seen += len(page["features"])
        for name in names:
            tallies[name].add(feature["properties"].get(name) for feature in page["features"])
    assert seen == count
    for name in names:
        assert tallies[name].facts == wanted[name], name


def test_boxes_over_tokyo_find_what_gdal_finds(real_data, chance):
    server, files = real_data
    west, south, east, north = map(float, pyogrio.read_info(files["tokyo"])["total_bounds"])
    total = 0
    for _ in range(60):
        size = 10 ** chance.uniform(-4, -2)
        x, y = round(chance.uniform(west, east), 7), round(chance.uniform(south, north), 7)
        box = (x, y, round(x + size, 7), round(y + size, 7))
        shapes = pyogrio.read_dataframe(files["tokyo"], bbox=box, columns=[]).geometry.values
        area = shapely.box(*box)
        wanted = Counter(map(corners_of, shapes[shapely.intersects(shapes, area)]))
        unsure = Counter(map(corners_of, shapes[shapely.dwithin(shapes, area.boundary, NEAR)])) if len(shapes) else Counter()
        found = [json.dumps(feature["geometry"]) for feature in server.features("tokyo", bbox=",".join(map(repr, box)))]
        got = Counter(map(corners_of, shapely.from_geojson(found)))
        assert not (wanted - got) - unsure and not (got - wanted) - unsure, box
        total += len(found)
    assert total > 1000


def corners_of(shape):
    """What tells one building from another; their ids are not all there."""
    return tuple(np.round(shape.bounds, 8))


@pytest.mark.parametrize("generated", ["made-areas", "made-lines", "made-points"])
def test_a_generated_file_keeps_its_sums(layers, tmp_path, generated):
    """The same comparison on data that is always there."""
    file = layers / generated / f"{generated}.gpkg"
    load(tmp_path / "data", file, "made")
    with Server(tmp_path / "data") as server:
        frame = pyogrio.read_dataframe(file)
        names = [name for name in frame.columns if name != "geometry"]
        features = list(server.features("made"))
        assert len(features) == len(frame)
        for name in names:
            assert Tally().add(feature["properties"].get(name) for feature in features).facts == Tally().add(frame[name]).facts, name
