"""Styles and the documents of tiles, by those who read them: MapLibre's own validation, TileJSON 3.0.0."""
import json
import os
import re
import subprocess

import pytest
from playwright.sync_api import sync_playwright

from server import KASANE, ROOT, Server

WAIT = 120_000
DRAW = """async ([style, wait]) => {
    const box = document.createElement("div");
    box.style.cssText = "width: 512px; height: 512px";
    document.body.replaceChildren(box);
    const errors = [];
    const map = new maplibregl.Map({container: box, style, validateStyle: true, attributionControl: false, fadeDuration: 0});
    map.on("error", (event) => errors.push(String(event.error?.message ?? event.error)));
    map.on("styleimagemissing", (event) => map.addImage(event.id, {width: 1, height: 1, data: new Uint8Array(4)}));
    await Promise.race([new Promise((done) => map.once("idle", done)), new Promise((done) => map.once("error", done)), new Promise((done) => setTimeout(done, wait))]);
    const idle = map.loaded();
    const shown = idle ? map.queryRenderedFeatures().length : 0;
    map.remove();
    return {errors, idle, shown};
}"""


@pytest.fixture(scope="module")
def maplibre(server):
    """A page of another host with MapLibre in it: what a program of others has. Draws a style and says what came of it."""
    with sync_playwright() as player:
        flags = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
        browser = player.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags)
        page = browser.new_page()
        page.add_script_tag(path=ROOT / "Sources" / "WebPages" / "Assets" / "vendor" / "maplibre-gl.js")
        yield lambda style, wait=WAIT: page.evaluate(DRAW, [style, wait])
        browser.close()


def placed(style, bounds, zoom):
    west, south, east, north = bounds
    return {**style, "center": [(west + east) / 2, (south + north) / 2], "zoom": zoom}


def test_maplibre_has_nothing_to_say_about_any_style(server, maplibre):
    drawn = 0
    for id, collection in server.collections().items():
        style = server.json(f"/collections/{id}/style")
        tiles = server.json(f"/collections/{id}/tiles/WebMercatorQuad")
        bounds = tiles.get("bounds")
        zoom = max(tiles["minzoom"], min(14, tiles["maxzoom"]))
        result = maplibre(placed(style, bounds, zoom) if bounds else style)
        assert result["idle"] and not result["errors"], f"{id}: {result}"
        drawn += result["shown"] > 0
        assert set(style["sources"]) == {id} and all(layer["source-layer"] == id for layer in style["layers"])
    assert drawn > 5


def test_maplibre_draws_the_whole_town(server, maplibre):
    style = server.json("/styles/town")
    result = maplibre(placed(style, server.json("/collections/boundary/tiles/WebMercatorQuad")["bounds"], 13))
    assert result["idle"] and not result["errors"] and result["shown"] > 100, result
    assert set(style["sources"]) == set(server.collections())


def test_the_witness_sees_what_is_wrong(server, maplibre):
    """That nothing is said means something: these are said."""
    for change in (lambda style: style["layers"][-1].update(paint={"no-such-paint": 1}), lambda style: style.pop("version"),
                   lambda style: style["layers"][-1].update(source="nowhere"), lambda style: style["layers"][-1].update(filter=["no-such-operator"])):
        style = json.loads(json.dumps(server.json("/collections/boundary/style")))
        change(style)
        assert maplibre(style, 3000)["errors"]


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad"])
def test_tilejson_is_as_its_specification_has_it(server, matrix_set):
    types = {"integer": "Number", "real": "Number", "boolean": "Boolean"}
    collections = server.collections()
    ids = list(collections)
    documents = {id: server.json(f"/collections/{id}/tiles/{matrix_set}") for id in ids}
    together = ",".join(ids[:4])
    documents[together] = server.json(f"/tiles/{matrix_set}?collections={together}")
    for name, document in documents.items():
        assert document["tilejson"] == "3.0.0" and re.fullmatch(r"\d+\.\d+\.\d+", document["version"]) and document["scheme"] == "xyz"
        assert document["tiles"] and all(part in document["tiles"][0] for part in ("{z}", "{x}", "{y}"))
        assert 0 <= document["minzoom"] <= document["maxzoom"] <= 30
        if "bounds" in document:
            west, south, east, north = document["bounds"]
            assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90
            longitude, latitude, zoom = document["center"]
            assert west <= longitude <= east and south <= latitude <= north and document["minzoom"] <= zoom <= document["maxzoom"], name
        wanted = name.split(",")
        assert [layer["id"] for layer in document["vector_layers"]] == wanted
        for layer in document["vector_layers"]:
            assert document["minzoom"] <= layer["minzoom"] <= layer["maxzoom"] <= document["maxzoom"] and layer["description"]
            attributes = {each["name"]: types.get(each["type"], "String") for each in collections[layer["id"]]["kasane"]["attributes"]}
            assert layer["fields"] == attributes
        # What waits for a closer zoom: never more the closer one is, and no more than there are.
        assert set(document["leftOut"]) == set(wanted)
        for id, counts in document["leftOut"].items():
            byzoom = [counts[zoom] for zoom in sorted(counts, key=int)]
            assert byzoom == sorted(byzoom, reverse=True) and all(0 < count <= collections[id]["kasane"]["featureCount"] for count in byzoom)


def test_layers_for_near_zooms_only_and_those_that_no_zoom_holds(tmp_path):
    """The zooms that the documents name are there, and no others; programs that go through all of them come to an end."""
    point = lambda n: {"type": "Feature", "properties": {"n": n, "text": f"{n:04d}" * 75}, "geometry": {"type": "Point", "coordinates": [139.7 + n % 50 * 1e-7, 35.7 + n // 50 * 1e-7]}}
    for id, count, style in (("near", 3, "{min-zoom: 20}"), ("crowd", 2500, "{}")):
        (tmp_path / "layers" / id).mkdir(parents=True)
        (tmp_path / "layers" / id / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [point(n) for n in range(count)]}))
        (tmp_path / "layers" / id / "layer.yaml").write_text(f"id: {id}\ntitle: {{ja: {id}}}\naccess: public\nsource: {{file: a.geojson}}\nstyle: {style}\n")
    with Server(tmp_path / "data", tmp_path / "layers") as server:
        for set, closer in (("WebMercatorQuad", 0), ("WorldCRS84Quad", 1)):
            near, crowd = server.json(f"/collections/near/tiles/{set}"), server.json(f"/collections/crowd/tiles/{set}")
            assert near["minzoom"] == near["maxzoom"] == near["center"][2] == 20 - closer
            # Some wait for a closer zoom at every zoom, so the closest that there is has the most.
            assert crowd["leftOut"]["crowd"][str(22 - closer)] > 0 and crowd["maxzoom"] == 22 - closer
            both = server.json(f"/tiles/{set}?collections=near,crowd")
            assert both["minzoom"] == 0 and both["maxzoom"] == 22 - closer
            for layer in both["vector_layers"]:
                assert layer["minzoom"] <= layer["maxzoom"]
        assert server.json("/collections/crowd/style")["sources"]["crowd"]["maxzoom"] == 22
    for command in (["export", "near", "--format", "mbtiles", "--output", str(tmp_path / "near.mbtiles")], ["warm", "near"]):
        done = subprocess.run([KASANE, *command, "--data", str(tmp_path / "data")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_main_roads_stay_whole_far_out(server, sources):
    """Where a tile cannot hold all roads, the widest are in it: `style: {importance: width}`."""
    from mapbox_vector_tile import decode
    import math
    roads = server.json("/collections/roads/tiles/WebMercatorQuad")
    west, south, east, north = roads["bounds"]
    left_out = {int(zoom): count for zoom, count in roads["leftOut"]["roads"].items()}
    assert 11 in left_out, "nothing is left out"
    # A section shorter than two units of the grid may leave no mark.
    wide = {feature["properties"]["section"] for feature in server.features("roads") if feature["properties"]["class"] <= 2 and feature["properties"]["length"] > 20}
    for zoom in (10, 11):
        def column(longitude):
            return int((longitude + 180) / 360 * 2 ** zoom)

        def row(latitude):
            return int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2 ** zoom)
        seen = set()
        for x in range(column(west), column(east) + 1):
            for y in range(row(north), row(south) + 1):
                body = server.tile("roads", zoom, x, y)
                if body:
                    seen |= {feature["properties"]["section"] for feature in decode(body)["roads"]["features"]}
        assert wide and len(wide & seen) == len(wide), f"zoom {zoom}: {len(wide - seen)} sections of main roads are missing"
        assert len(seen) < roads["leftOut"]["roads"][str(zoom)]
