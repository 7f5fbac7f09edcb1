"""Files in every form hold what the layer holds: GDAL, Python and PROJ read them."""
import csv
import io
import json
import subprocess
import urllib.parse

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from server import KASANE, load

LAYERS = ("made-areas", "made-lines", "made-points", "roads", "shelters", "flood-l2")


def download(server, layer, **parameters):
    status, headers, body = server.get(f"/collections/{layer}/download?{urllib.parse.urlencode(parameters)}")
    assert status == 200, body[:400]
    return body, headers


def truth(server, layer):
    """Ids, properties and geometries by GeoJSON pages, which other tests hold against the source."""
    features = list(server.features(layer))
    geometries = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
    return [each["id"] for each in features], [each["properties"] for each in features], geometries


def same(value, other):
    if value is None:
        return other is None or other != other
    if isinstance(value, bool) or isinstance(value, str):
        return str(value) == str(other)
    if isinstance(value, (int, float)):
        return float(value) == float(other)
    return True


@pytest.fixture(scope="module", params=LAYERS)
def layer(request, server):
    return request.param, *truth(server, request.param)


def same_geometries(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right):
        assert (a is None) == (b is None)
        assert a is None or (a.geom_type == b.geom_type and shapely.equals_exact(a, b, 0))


def test_a_flatgeobuf_has_every_value_null_and_geometry(server, layer, tmp_path):
    name, ids, properties, geometries = layer
    file = tmp_path / "a.fgb"
    file.write_bytes(download(server, name, f="flatgeobuf")[0])
    info = pyogrio.read_info(file)
    assert info["features"] == len(ids) and info["capabilities"]["fast_spatial_filter"] and info["crs"] == "EPSG:4326"
    frame = pyogrio.read_dataframe(file)
    same_geometries(frame.geometry.values, geometries)
    if "id" in frame.columns and "id" not in properties[0]:
        assert list(frame["id"]) == ids
    for row, values in enumerate(properties):
        for key, value in values.items():
            got = frame[key].iloc[row]
            if hasattr(got, "isoformat") and got == got:
                # The format has one type for days and instants.
                assert got.isoformat().startswith(value[:10])
            else:
                assert same(value, got), (key, value, got)


@pytest.mark.parametrize("places", [3, 1])
def test_a_flatgeobuf_with_features_without_geometry_loads_again(tmp_path, places):
    """Every third has none, or all of them."""
    geometry = lambda n: {"type": "Point", "coordinates": [140 + n / 100, 37]} if n % places else None
    features = [{"type": "Feature", "properties": {"n": n, "name": f"施設{n}"}, "geometry": geometry(n)} for n in range(300)]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    load(tmp_path / "data", tmp_path / "a.geojson", "a")
    for layer, file in (("a", "a.fgb"), ("b", "b.geojson")):
        form = "flatgeobuf" if file.endswith("fgb") else "geojson"
        done = subprocess.run([KASANE, "export", layer, "--format", form, "--output", str(tmp_path / file), "--data", str(tmp_path / "data")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if form == "flatgeobuf":
            load(tmp_path / "data", tmp_path / file, "b")
    got = {each["properties"]["n"]: each["geometry"] for each in json.loads((tmp_path / "b.geojson").read_text())["features"]}
    assert got == {n: geometry(n) for n in range(300)}


def test_the_index_of_a_flatgeobuf_finds_what_looking_at_all_finds(server, layer, tmp_path, chance):
    name, ids, properties, geometries = layer
    file = tmp_path / "a.fgb"
    file.write_bytes(download(server, name, f="flatgeobuf")[0])
    west, south, east, north = shapely.total_bounds(geometries)
    for _ in range(30):
        width, height = (east - west) * chance.uniform(0.01, 0.4), (north - south) * chance.uniform(0.01, 0.4)
        x, y = chance.uniform(west, east - width), chance.uniform(south, north - height)
        found = pyogrio.read_dataframe(file, bbox=(x, y, x + width, y + height))
        assert len(found) == shapely.intersects(geometries, shapely.box(x, y, x + width, y + height)).sum()


def test_a_table_reads_back_in_python_and_gdal(server, layer, tmp_path):
    name, ids, properties, geometries = layer
    body, headers = download(server, name, f="csv")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert len(rows) == len(ids)
    for row, values in zip(rows, properties):
        for key, value in values.items():
            text = row[key]
            if value is None:
                assert text == ""
            elif isinstance(value, bool):
                assert text == str(value).lower()
            elif isinstance(value, (int, float)):
                assert float(text) == value
            elif isinstance(value, str):
                # Only a cell that a spreadsheet would calculate has a mark before it.
                assert text == value or (text == "'" + value and value[0] in "=+-@\t\r\n＝＋－＠")
    if "WKT" in rows[0]:
        assert all(shapely.equals_exact(shapely.from_wkt(row["WKT"]), shape, 0) for row, shape in zip(rows, geometries))
        file = tmp_path / "a.csv"
        file.write_bytes(body)
        same_geometries(pyogrio.read_dataframe(file).geometry.values, geometries)
    else:
        assert [(float(row["longitude"]), float(row["latitude"])) for row in rows] == [(each.x, each.y) for each in geometries]


def test_tables_for_spreadsheets_differ_in_their_bytes_only(server, layer):
    name = layer[0]
    plain = download(server, name, f="csv")[0]
    assert download(server, name, f="csv", encoding="utf-8-bom")[0] == b"\xef\xbb\xbf" + plain
    body, headers = download(server, name, f="csv", encoding="cp932")
    assert headers["Content-Type"] == "text/csv; charset=windows-31j"
    fits = lambda character: len(character.encode("cp932", "ignore")) > 0
    assert body.decode("cp932") == "".join(each if fits(each) else "〓" for each in plain.decode())


def test_a_text_sequence_has_a_feature_in_each_record(server, layer, tmp_path):
    name, ids, properties, geometries = layer
    body = download(server, name, f="geojsonseq")[0]
    assert body.startswith(b"\x1e") and body.endswith(b"\n")
    features = [json.loads(each) for each in body.split(b"\x1e")[1:]]
    assert [each["id"] for each in features] == ids and [each["properties"] for each in features] == properties
    file = tmp_path / "a.geojsons"
    file.write_bytes(body)
    same_geometries(pyogrio.read_dataframe(file).geometry.values, geometries)


@pytest.mark.parametrize("code", [4326, 6668, 6677, 6678, 3857, 4612, 2451, 4301, 30169])
def test_coordinates_are_where_proj_has_them_in_the_order_of_the_axes(server, layer, code):
    name, ids, properties, geometries = layer
    move = pyproj.Transformer.from_crs("EPSG:6668", f"EPSG:{code}", always_xy=False)
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    page = server.json(f"/collections/{name}/items?limit=50&crs={urllib.parse.quote(uri, safe='')}")
    degrees = pyproj.CRS.from_epsg(code).is_geographic
    for feature, geometry in zip(page["features"], geometries):
        before = shapely.get_coordinates(geometry)
        first, second = move.transform(before[:, 1], before[:, 0])
        # The Tokyo datum comes by GSI's grid where there is one, else by three parameters; PROJ chooses alike.
        near = (3e-9 if code in (4326, 6668) else 2e-7) if degrees else 6e-4 if code != 30169 else 0.02
        assert np.allclose(shapely.get_coordinates(shapely.from_geojson(json.dumps(feature["geometry"]))), np.column_stack([first, second]), rtol=0, atol=near)


def test_boxes_of_plane_zones_select_what_shapely_selects(server, layer, chance):
    name, ids, properties, geometries = layer
    move = pyproj.Transformer.from_crs("EPSG:6668", "EPSG:6677", always_xy=True)
    plane = shapely.transform(geometries, lambda each: np.column_stack(move.transform(each[:, 0], each[:, 1])))
    west, south, east, north = shapely.total_bounds(plane)
    uri = "http://www.opengis.net/def/crs/EPSG/0/6677"
    for _ in range(20):
        width, height = (east - west) * chance.uniform(0.01, 0.5), (north - south) * chance.uniform(0.01, 0.5)
        x, y = chance.uniform(west, east - width), chance.uniform(south, north - height)
        box = shapely.box(x, y, x + width, y + height)
        found = {each["id"] for each in server.features(name, bbox=f"{y},{x},{y + height},{x + width}", **{"bbox-crs": uri})}
        wanted = {ids[row] for row in np.flatnonzero(shapely.intersects(plane, box))}
        unsure = {ids[row] for row in np.flatnonzero(shapely.dwithin(plane, box.boundary, 0.01))}
        assert found ^ wanted <= unsure


def test_an_order_is_that_of_python_over_all_pages(server, layer, chance):
    name, ids, properties, geometries = layer
    names = [key for key, value in properties[0].items() if not isinstance(value, (list, dict))]
    for _ in range(6):
        keys = [(chance.choice("+-"), each) for each in chance.sample(names, min(2, len(names)))]
        order = list(range(len(ids)))
        order.sort(key=lambda row: ids[row])
        for sign, key in reversed(keys):
            rank = lambda row: (properties[row][key] is None, properties[row][key] if properties[row][key] is not None else 0)
            order.sort(key=rank, reverse=sign == "-")
        if any(not isinstance(properties[row][key], type(properties[order[0]][key])) and properties[row][key] is not None for _, key in keys for row in order if properties[order[0]][key] is not None):
            continue
        got = [each["id"] for each in server.features(name, sortby=",".join(sign + key for sign, key in keys), limit=chance.choice([97, 1000]))]
        # A reversed sort of Python keeps ties as they were, so they stay by id.
        assert got == [ids[row] for row in order], keys


def test_the_command_line_gives_the_same_bytes(server, tmp_path):
    for name in ("shelters", "made-areas"):
        for form in ("geojson", "geojsonseq", "csv", "flatgeobuf"):
            for parameters in ({}, {"crs": "EPSG:6677"}, {"bbox": "139.88,36.58,139.92,36.62"}):
                file = tmp_path / "a"
                options = [each for key, value in parameters.items() for each in (f"--{key}", value)]
                done = subprocess.run([KASANE, "export", name, "--format", form, "--output", file, "--public", "--data", server.data, *options],
                                      capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
                assert file.read_bytes() == download(server, name, f=form, **parameters)[0], (name, form, parameters)


def test_the_command_line_writes_what_gdal_writes(server, layer, tmp_path):
    name, ids, properties, geometries = layer
    for form, file in (("gpkg", tmp_path / "a.gpkg"), ("shapefile", tmp_path / "a.shp")):
        done = subprocess.run([KASANE, "export", name, "--format", form, "--output", file, "--public", "--data", server.data],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        frame = pyogrio.read_dataframe(file)
        assert len(frame) == len(ids)
        assert len(set(frame.columns)) == len(frame.columns) and all(len(each.encode()) <= 10 for each in frame.columns if form == "shapefile")
        shapes = frame.geometry.values
        assert all(a.equals(b) for a, b in zip(shapes, geometries))


def test_the_command_line_says_why_it_refuses(server, tmp_path):
    def run(*arguments):
        return subprocess.run([KASANE, "export", *arguments, "--data", server.data], capture_output=True, text=True)
    file = tmp_path / "a.csv"
    for arguments, status in [(["nothing", "--format", "csv"], 1), (["roads", "--format", "csv", "--filter", "("], 1),
                              (["roads", "--format", "csv", "--crs", "EPSG:1"], 1), (["roads", "--format", "pdf"], 2)]:
        done = run(*arguments, "--output", file)
        assert done.returncode == status and done.stderr and not file.exists(), arguments
    assert run("roads", "--format", "csv", "--output", "/nowhere/a.csv").returncode == 1
    assert not list(tmp_path.iterdir())


def test_the_whole_of_tokyo_leaves_in_flat_memory(real_data):
    server, files = real_data
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.request("GET", "/collections/tokyo/download?f=geojson")
    answer = connection.getresponse()
    assert answer.status == 200
    size, peak, features = 0, 0, 0
    while piece := answer.read(1 << 20):
        size += len(piece)
        features += piece.count(b"{\"type\":\"Feature\",")
        status = dict(line.split(":", 1) for line in open(f"/proc/{server.process.pid}/status") if ":" in line)
        # Its own memory: pages of the layer file, which are mapped, are given back by the system when it needs them.
        peak = max(peak, int(status["RssAnon"].split()[0]))
    # A name may lie across two pieces.
    assert abs(features - pyogrio.read_info(files["tokyo"])["features"]) <= size >> 20
    assert piece == b"" and peak < 150_000, f"{peak} KiB of its own"


def test_a_pipe_that_nobody_reads_any_more_is_no_signal(server):
    with subprocess.Popen([KASANE, "query", "buildings", "--data", server.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as query:
        assert query.stdout.read(1) == b"{"
        query.stdout.close()
        said = query.stderr.read().decode()
    assert query.returncode == 1 and "Standard output" in said, said


def test_the_command_counts_what_it_writes(server):
    for condition in ["1 = 1", "area_m2(geometry) > 100", "1 = 2"]:
        options = [KASANE, "query", "buildings", "--data", server.data, "--filter", condition]
        written = subprocess.run(options, capture_output=True, check=True).stdout
        counted = subprocess.run([*options, "--count"], capture_output=True, check=True).stdout
        assert int(counted) == len(json.loads(written)["features"]), condition
