"""What people do in QGIS: open a layer, look at a part of it, filter it, draw its tiles. And what newer versions ask for, as they ask for it.

PyQGIS is no package of PyPI, and Debian's takes 700 MB of disk: `Tools/install` leaves it out. With `apt-get install python3-qgis qgis-providers` the
first half of these tests runs; without, they pass by having nothing to look with, and say so, which is why they do not count as skipped under --strict.
"""
import functools
import json
import re
import subprocess
import urllib.parse
import warnings
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

SCRIPT = Path(__file__).with_name("qgis_script.py")
PYTHON = "/usr/bin/python3"   # Debian's, whose modules PyQGIS is


@functools.cache
def version():
    try:
        done = subprocess.run([PYTHON, "-c", "from qgis.core import Qgis; print(Qgis.QGIS_VERSION)"], capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    return done.stdout.strip() or None


def qgis(*questions):
    """The answers; None where there is no QGIS."""
    if version() is None:
        warnings.warn("PyQGIS is not installed: nothing was looked at (apt-get install python3-qgis qgis-providers)", stacklevel=2)
        return None
    done = subprocess.run([PYTHON, str(SCRIPT)], input=json.dumps(questions), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])["answers"]
    assert not [each for each in answers if "error" in each], answers
    return answers


def numbers(answer):
    found = [each["properties"]["番号"] for each in answer["found"]]
    assert len(set(found)) == len(found)
    return set(found)


def test_a_layer_opens_with_its_fields_values_and_geometries(everything):
    server, rows = everything
    answers = qgis({"ask": "features", "layer": "plenty", "url": server.url})
    if answers is None:
        return
    [answer] = answers
    assert answer["count"] == len(rows) and answer["extent"] == [-180, -90, 180, 90]
    answer["fields"].pop("tags")   # A list of texts or JSON, by what stands on the first page.
    assert answer["fields"] == {"番号": "Integer", "big": "Integer64", "small": "Integer", "size": "Real", "flag": "Boolean", "名称": "String", "day": "Date", "at": "DateTime",
                                "since": "DateTime", "until": "DateTime"}
    found = {each["properties"]["番号"]: each for each in answer["found"]}
    assert len(found) == len(rows)
    for row in rows:
        seen, wanted = found[row.id], row.json()["properties"]
        assert (seen["geometry"] is None) == (row.geometry is None)
        assert row.geometry is None or shapely.equals(shapely.from_wkt(seen["geometry"]), row.geometry)
        for name, value in seen["properties"].items():
            if name == "tags":
                continue
            if name in ("at", "since", "until") and value is not None:
                assert value == row.values[name].replace(tzinfo=None).isoformat(timespec="milliseconds")
            else:
                assert value == wanted[name] or (name == "名称" and value is None and wanted[name] == ""), (row.id, name)


def test_rectangles_and_filters_select_what_they_say(everything, chance):
    server, rows = everything
    boxes = [[138.1, 34.1, 139.3, 36.2], [-180, -90, -170, 90], [140.05, 36.05, 140.1, 36.1], [170, 80, 180, 90]]
    filters = {'"small" > 3': lambda row: (row["small"] or 0) > 3, "\"名称\" LIKE 'a%'": lambda row: (row["名称"] or "").startswith("a"),
               '"flag" AND "small" IN (1, 2, 3)': lambda row: row["flag"] and row["small"] in (1, 2, 3), '"size" IS NULL': lambda row: row["size"] is None}
    answers = qgis(*({"ask": "features", "layer": "plenty", "url": server.url, "box": box} for box in boxes),
                   *({"ask": "features", "layer": "plenty", "url": server.url, way: filter} for filter in filters for way in ("expression", "subset")))
    if answers is None:
        return
    for box, answer in zip(boxes, answers):
        wanted = {row.id for row in rows if row.geometry is not None and row.geometry.intersects(shapely.box(*box))}
        # QGIS looks at envelopes.
        assert wanted <= numbers(answer) <= {row.id for row in rows if row.geometry is not None and shapely.box(*row.geometry.bounds).intersects(shapely.box(*box))}
    for i, (filter, holds) in enumerate(filters.items()):
        wanted = {row.id for row in rows if holds(row.values)}
        for answer in answers[len(boxes) + 2 * i:][:2]:
            assert numbers(answer) == wanted, filter


def test_tiles_are_drawn_where_the_features_are(server, sources, tmp_path):
    buildings = sources["buildings"].frame.to_crs("EPSG:3857")
    box = [float(each) for each in buildings.total_bounds]
    tiles = server.json("/collections/buildings/tiles/WebMercatorQuad?f=tilejson")["tiles"][0]
    answers = qgis({"ask": "picture", "tiles": tiles, "box": box, "file": str(tmp_path / "a.png")})
    if answers is None:
        return
    assert not answers[0]["errors"]
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("L")) < 250
    # The picture shows the middle of the buildings at some scale; rows and columns where there are many are dark, and somewhere it is white.
    assert 0.005 < picture.mean() < 0.9


# --- what QGIS from 3.32 on asks for (QgsOapifProvider, QgsOapifCql2TextExpressionCompiler): these exact requests

PUSHED = [
    ('"small" > 3', lambda row: row["small"] is not None and row["small"] > 3),
    ("\"名称\" = 'o''clock'", lambda row: row["名称"] == "o'clock"),
    ("\"名称\" = 'a\\\\b'", lambda row: row["名称"] == "a\\b"),
    ("\"名称\" LIKE 'a%'", lambda row: row["名称"] is not None and row["名称"].startswith("a")),
    ("CASEI(\"名称\") LIKE CASEI('TOKYO')", lambda row: row["名称"] in ("Ｔｏｋｙｏ", "tokyo", "TOKYO")),
    ('"small" IN (1,2,3)', lambda row: row["small"] in (1, 2, 3)), ('"small" NOT IN (1,2,3)', lambda row: row["small"] is not None and row["small"] not in (1, 2, 3)),
    ('"small" BETWEEN 2 AND 5', lambda row: row["small"] is not None and 2 <= row["small"] <= 5), ('"size" IS NULL', lambda row: row["size"] is None),
    ('("size" IS NOT NULL) AND ("flag" = TRUE)', lambda row: row["size"] is not None and row["flag"] is True),
    ('("flag" = FALSE) OR (NOT ("small" >= 2))', lambda row: row["flag"] is False or (row["small"] is not None and row["small"] < 2)),
    ("\"day\" >= DATE('2020-01-20')", lambda row: row["day"] is not None and row["day"].isoformat() >= "2020-01-20"),
    ("\"at\" < TIMESTAMP('2020-01-20T00:00:00Z')", lambda row: row["at"] is not None and row["at"].day < 20 and row["at"].month == 1),
    ("\"at\" < TIMESTAMP('2020-01-20T00:00:00.000Z')", lambda row: row["at"] is not None and row["at"].day < 20 and row["at"].month == 1),
]


@pytest.mark.parametrize("filter, holds", PUSHED, ids=[each[0] for each in PUSHED])
def test_filters_that_it_pushes_down(everything, filter, holds):
    server, rows = everything
    query = urllib.parse.urlencode({"limit": 10000, "filter": filter, "filter-lang": "cql2-text"}, quote_via=urllib.parse.quote)
    page = server.json(f"/collections/plenty/items?{query}")
    assert {each["id"] for each in page["features"]} == {row.id for row in rows if holds(row.values)}


def test_a_rectangle_and_a_place_together(everything):
    """`bbox` in the layer's own order, and `S_INTERSECTS` with `filter-crs` for a selection by place."""
    server, rows = everything
    for crs, order in (("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "xy"), ("http://www.opengis.net/def/crs/EPSG/0/4326", "yx")):
        x, y = (139, 35), (140.5, 36.5)
        corner = lambda point: point if order == "xy" else point[::-1]
        box = ",".join(map(str, (*corner(x), *corner(y))))
        west, south, east, north = *x, *y
        ring = ", ".join("%s %s" % corner(each) for each in [(west, south), (east, south), (east, north), (west, north), (west, south)])
        query = urllib.parse.urlencode({"limit": 1000, "bbox": box, "bbox-crs": crs, "crs": crs, "filter": f"S_INTERSECTS(geometry,POLYGON(({ring})))",
                                        "filter-lang": "cql2-text", "filter-crs": crs})
        found = list(server.json(f"/collections/plenty/items?{query}")["features"])
        assert {each["id"] for each in found} == {row.id for row in rows if row.geometry is not None and row.geometry.intersects(shapely.box(west, south, east, north))}


def test_what_it_looks_for_before_it_pushes_anything_down(everything):
    server, _ = everything
    classes = set(server.json("/conformance?f=json")["conformsTo"])
    for name in ("ogcapi-features-3/1.0/conf/filter", "ogcapi-features-3/1.0/conf/features-filter", "ogcapi-features-2/1.0/conf/crs", "cql2/1.0/conf/cql2-text", "cql2/1.0/conf/basic-cql2",
                 "cql2/1.0/conf/advanced-comparison-operators", "cql2/1.0/conf/case-insensitive-comparison", "cql2/1.0/conf/basic-spatial-functions",
                 "cql2/1.0/conf/basic-spatial-operators"):
        assert f"http://www.opengis.net/spec/{name}" in classes
    landing = server.json("/")
    api = next(link for link in landing["links"] if link["rel"] == "service-desc")
    assert re.match(r"3\.0\.", server.json(api["href"])["openapi"])
    assert any(link["rel"] in ("conformance", "http://www.opengis.net/def/rel/ogc/1.0/conformance") for link in landing["links"])
    queryables = next(link for link in server.json("/collections/plenty?f=json")["links"] if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/queryables")
    properties = server.json(queryables["href"])["properties"]
    assert {name: each.get("format") or each.get("type") for name, each in properties.items() if name in ("small", "size", "flag", "名称", "day", "at", "geometry")} == {
        "small": "integer", "size": "number", "flag": "boolean", "名称": "string", "day": "date", "at": "date-time", "geometry": "geometry-any"}
