"""The features are those of the source, by every way to ask for them."""
import json
import subprocess

import numpy as np
import pyogrio
import pytest
import shapely
from sources import NEAR, pair

BOXES = 2000


def served(server, source):
    """Ids, properties and geometries of all features of a layer."""
    features = list(server.features(source.id))
    geometries = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
    return [each["id"] for each in features], [each["properties"] for each in features], geometries


def test_every_public_layer_is_there_and_no_other(server, sources):
    assert set(server.collections()) == set(sources)


def test_items_are_the_features_of_the_source(server, sources):
    for source in sources.values():
        ids, properties, geometries = served(server, source)
        assert len(set(ids)) == len(ids)
        rows = pair(source, properties, geometries)
        if source.key:
            assert [str(source.frame[source.key].iloc[row]) for row in rows] == [str(id) for id in ids]
        assert shapely.is_valid(geometries).all()
        collection = server.collections()[source.id]
        assert np.allclose(collection["extent"]["spatial"]["bbox"][0], source.frame.total_bounds, rtol=0, atol=NEAR)


def test_one_feature_by_its_id_is_the_same_as_in_the_list(server, sources, chance):
    from urllib.parse import quote
    for source in sources.values():
        page = next(server.pages(source.id, limit=200))
        for feature in chance.sample(page["features"], min(20, len(page["features"]))):
            alone = server.json(f"/collections/{source.id}/items/{quote(str(feature['id']), safe='')}")
            assert {key: alone[key] for key in ("id", "geometry", "properties")} == {key: feature[key] for key in ("id", "geometry", "properties")}


def test_random_boxes_find_what_looking_at_every_feature_finds(server, sources, chance):
    """The witness is shapely over the source. Where a border of the box touches within rounding, either answer is right."""
    layers = [source for source in sources.values() if len(source.frame)]
    share = -(-BOXES // len(layers))
    for source in layers:
        ids, properties, geometries = served(server, source)
        row_of = dict(zip(ids, pair(source, properties, geometries)))
        truth = source.geometries
        tree = shapely.STRtree(truth)
        west, south, east, north = map(float, source.frame.total_bounds)
        for _ in range(share):
            width, height = (10 ** chance.uniform(-5, 0) * size for size in (east - west, north - south))
            x, y = chance.uniform(west - width, east), chance.uniform(south - height, north)
            if chance.random() < 0.05:
                width = height = 0   # a point is a box too
            box = [round(each, 7) for each in (x, y, x + width, y + height)]
            found = list(server.features(source.id, bbox=",".join(map(repr, box))))
            area = shapely.box(*box) if width else shapely.Point(box[0], box[1])
            wanted = set(tree.query(area, predicate="intersects").tolist())
            got = {row_of[feature["id"]] for feature in found}
            assert len(got) == len(found)
            for row in wanted ^ got:
                assert shapely.dwithin(truth[row], area.boundary if width else area, NEAR), f"{source.id} bbox={box} row {row}: {'missing' if row in wanted else 'too many'}"


def test_pages_of_any_size_make_the_same_list(server, sources, chance):
    for source in sources.values():
        whole = [feature["id"] for feature in server.features(source.id)]
        for limit in (1, 7, 1000, 10000):
            if len(whole) / limit > 400:
                continue
            pages = list(server.pages(source.id, limit=limit))
            assert [feature["id"] for page in pages for feature in page["features"]] == whole
            assert all(page.get("numberMatched", len(whole)) == len(whole) for page in pages)


def test_gdal_lists_the_layers(server, sources):
    listing = subprocess.run(["ogrinfo", "-ro", "-q", f"OAPIF:{server.url}"], capture_output=True, text=True)
    assert listing.returncode == 0, listing.stderr
    names = {line.split(": ", 1)[1].split(" (")[0] for line in listing.stdout.splitlines() if ": " in line}
    assert names == set(sources)


def test_gdal_copies_the_features_of_the_source(server, sources, tmp_path):
    for source in sources.values():
        copy = tmp_path / f"{source.id}.geojson"
        done = subprocess.run(["ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=10", str(copy), f"OAPIF:{server.url}", source.id,
                               "-oo", "PAGE_SIZE=1000"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        features = json.loads(copy.read_text())["features"]
        pair(source, [each["properties"] for each in features], shapely.from_geojson([json.dumps(each["geometry"]) for each in features]))


def test_gdal_asks_for_a_box(server, sources, chance):
    for source in sources.values():
        west, south, east, north = map(float, source.frame.total_bounds)
        box = [west + (east - west) * 0.4, south + (north - south) * 0.4, west + (east - west) * 0.55, south + (north - south) * 0.55]
        frame = pyogrio.read_dataframe(f"OAPIF:{server.url}", layer=source.id, bbox=tuple(box), PAGE_SIZE=1000)
        wanted = shapely.intersects(shapely.box(*box), source.geometries)
        unsure = shapely.dwithin(shapely.box(*box).boundary, source.geometries, NEAR) & ~shapely.intersects(shapely.box(*box).boundary, source.geometries)
        assert wanted.sum() <= len(frame) <= wanted.sum() + unsure.sum(), source.id


