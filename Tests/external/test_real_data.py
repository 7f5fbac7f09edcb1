"""Real data, loaded by the command line: what comes out is what GDAL reads from the files."""
import math

import numpy as np
import pyogrio
import pytest
import shapely
from server import Server, load
from sources import NEAR, plain


def facts(columns, values):
    """Of each column: how many are null; the sum of numbers, or the number of distinct texts and of their characters."""
    found = {}
    for name in columns:
        column = [plain(value) for value in values[name]]
        there = [value for value in column if value is not None]
        numbers = all(isinstance(value, float) for value in there)
        found[name] = (len(column) - len(there), math.fsum(there) if numbers else (len(set(there)), sum(map(len, there))))
    return found


def same_as_file(server, layer, file, options=None):
    """Counts, extent, nulls and sums of a layer that keeps the names of its source."""
    frame = pyogrio.read_dataframe(file, **(options or {}))
    names = [name for name in frame.columns if name != "geometry"]
    extent = frame.geometry.to_crs("EPSG:6668").total_bounds if frame.crs.is_projected else frame.total_bounds
    values, count, corners = {name: [] for name in names}, 0, []
    for page in server.pages(layer, limit=10000):
        assert page["numberMatched"] == len(frame)
        count += page["numberReturned"]
        for feature in page["features"]:
            for name in names:
                values[name].append(feature["properties"].get(name))
        ring = [np.array(feature["geometry"]["coordinates"][0] if feature["geometry"]["type"] == "Polygon" else feature["geometry"]["coordinates"][0][0])
                for feature in page["features"]]
        corners += [(points.min(axis=0), points.max(axis=0)) for points in ring]
    assert count == len(frame)
    assert np.allclose(server.collections()[layer]["extent"]["spatial"]["bbox"][0], extent, rtol=0, atol=NEAR)
    assert (np.min([low for low, _ in corners], axis=0) >= extent[:2] - NEAR).all()
    assert (np.max([high for _, high in corners], axis=0) <= extent[2:] + NEAR).all()
    assert facts(names, values) == facts(names, {name: frame[name].tolist() for name in names})


def test_one_ward_as_a_city_hall_hands_it_over(real_data):
    server, files = real_data
    same_as_file(server, "koto", files["koto"], {"encoding": "CP932"})


def test_all_buildings_of_tokyo(real_data):
    server, files = real_data
    same_as_file(server, "tokyo", files["tokyo"])


def test_boxes_over_tokyo_find_what_gdal_finds(real_data, chance):
    server, files = real_data
    west, south, east, north = pyogrio.read_info(files["tokyo"])["total_bounds"]
    for _ in range(60):
        size = 10 ** chance.uniform(-4, -2)
        x, y = round(chance.uniform(west, east), 7), round(chance.uniform(south, north), 7)
        box = (x, y, round(x + size, 7), round(y + size, 7))
        frame = pyogrio.read_dataframe(files["tokyo"], bbox=box, columns=["建物ID"])
        area = shapely.box(*box)
        wanted = sorted(frame["建物ID"][shapely.intersects(frame.geometry.values, area)])
        near = set(frame["建物ID"][shapely.dwithin(frame.geometry.values, area.boundary, NEAR)])
        got = sorted(feature["properties"]["建物ID"] for feature in server.features("tokyo", bbox=",".join(map(repr, box))))
        assert set(wanted) ^ set(got) <= near and abs(len(wanted) - len(got)) <= len(near), box


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
        got = {name: [feature["properties"].get(name) for feature in features] for name in names}
        assert facts(names, got) == facts(names, {name: frame[name].tolist() for name in names})
