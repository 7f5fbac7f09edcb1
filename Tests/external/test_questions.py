"""The rest of a question: boxes, systems, times, orders, pages, and what is left out; over a layer with everything, against Python, shapely and pyproj."""
import datetime
import json
import urllib.parse

import numpy as np
import pyproj
import pytest
import shapely
import yaml

import plenty
from sources import NEAR

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture(scope="module")
def plain(everything):
    """The server of the layer with everything; `server` is the town's."""
    return everything[0]


@pytest.fixture(scope="module")
def rows(everything):
    return everything[1]


def found(plain, **parameters):
    """Numbers of all features, over all pages; each once, and as many as `numberMatched` says on every page."""
    numbers, matched = [], set()
    for page in plain.pages("plenty", **{"limit": 10000, **parameters}):
        numbers += [each["id"] for each in page["features"]]
        matched.add(page["numberMatched"])
    assert len(set(numbers)) == len(numbers) and matched == {len(numbers)}
    return numbers


def refused(plain, code="invalid-parameter", **parameters):
    status, _, body = plain.get("/collections/plenty/items?" + urllib.parse.urlencode({"f": "json", **parameters}))
    assert (status, json.loads(body)["code"]) == (400, code), (parameters, body[:300])


# --- places

def boxes(chance):
    """All over the world, over the antimeridian, at the poles, of no width, and around everything."""
    for _ in range(60):
        west, east = chance.choice([(-180.0, 180.0), *[(chance.randrange(-1800, 1801) / 10, chance.randrange(-1800, 1801) / 10) for _ in range(4)]])
        south, north = sorted(chance.choice([-90.0, 90.0, chance.randrange(-900, 901) / 10, 36.05]) for _ in range(2))
        yield west, south, east, north
    yield from [(177, 65, -177, 70), (-180, 85, 180, 90), (-180, -90, 180, -85), (179.75, -90, -179.75, 90), (139.5, 35.5, 139.5, 35.5), (180, -90, 180, 90), (-180, -90, -180, 90)]


def area(west, south, east, north):
    """The parts of a box as shapely has them; one of no width is a line or a point."""
    parts = [(west, east)] if west <= east else [(west, 180), (-180, east)]
    corners = lambda a, b: [(a, south), (b, south), (b, north), (a, north)]
    return shapely.union_all([shapely.MultiPoint(corners(a, b)).convex_hull for a, b in parts])


def test_a_box_finds_what_shapely_finds_and_what_has_no_place(plain, rows, chance):
    for box in boxes(chance):
        shape = area(*box)
        wanted = {row.id for row in rows if row.geometry is None or row.geometry.intersects(shape)}
        got = set(found(plain, bbox=",".join(map(str, box))))
        for number in got ^ wanted:
            # We take 139.6 for what it says; in shapely's numbers it is a little less, and a line through the corner misses it.
            shapes = [rows[number - 1].geometry, shape.boundary if shape.area else shape]
            assert shapes[0] is not None and shapely.dwithin(*shapes, NEAR), f"bbox={box}: {number} {shapes[0]}"
        west, south, east, north = box
        assert set(found(plain, bbox=f"{west},{south},-100,{east},{north},8000")) == got   # Heights are read and left aside.


def test_a_box_in_the_order_of_the_systems_axes(plain, rows, chance):
    for west, south, east, north in chance.sample(list(boxes(chance)), 20):
        wanted = found(plain, bbox=f"{west},{south},{east},{north}")
        for code in (4326, 6668):
            assert found(plain, bbox=f"{south},{west},{north},{east}", **{"bbox-crs": f"{EPSG}{code}"}) == wanted


@pytest.mark.parametrize("code", [3857, 6669, 6675, 6677, 6680, 2451, 4301, 4612, 30169])
def test_a_box_of_any_system_finds_what_lies_in_it_there(plain, rows, chance, code):
    """A box there is none here: its edges are bent. What is within a metre of them is not compared."""
    system = pyproj.CRS.from_epsg(code)
    move = pyproj.Transformer.from_crs("EPSG:6668", system, always_xy=True)
    near = [row for row in rows if row.geometry is not None and shapely.box(138, 34, 142.5, 38.5).covers(row.geometry)]
    # As here an edge is straight in degrees, it is made of short ones before it is moved.
    there = shapely.transform([shapely.segmentize(row.geometry, 0.01) for row in near], lambda each: np.column_stack(move.transform(*each.T)))
    metre = 1 if not system.is_geographic else 1e-5
    west, south, east, north = shapely.total_bounds(there)
    for _ in range(8):
        (a, c), (b, d) = (sorted(chance.uniform(low, high) for _ in range(2)) for low, high in ((west, east), (south, north)))
        # Axes of Japan's plane zones are x to the north, y to the east; degrees are latitude first.
        box = f"{a},{b},{c},{d}" if code == 3857 else f"{b},{a},{d},{c}"
        got, shape = set(found(plain, bbox=box, **{"bbox-crs": f"{EPSG}{code}"})), shapely.box(a, b, c, d)
        meets, unsure = shapely.intersects(there, shape), shapely.dwithin(there, shape.boundary, metre)
        for row, inside, close in zip(near, meets, unsure):
            assert close or (row.id in got) == inside, (code, box, row.geometry.wkt)


def test_every_system_that_is_offered(plain, rows):
    """`crs` in each: the header says which, and the numbers are PROJ's in the order of the axes."""
    systems = plain.json("/collections/plenty?f=json")["crs"]
    assert len(systems) > 50 and systems[0] == CRS84
    near = {row.id: row for row in rows if row.geometry is not None and shapely.box(139, 35, 141, 37).covers(row.geometry)}
    box = "139.5,35.5,140.5,36.5"
    for uri in systems:
        status, headers, body = plain.get(f"/collections/plenty/items?limit=20&bbox={box}&crs={urllib.parse.quote(uri, '')}&f=json&filter=S_WITHIN(geometry,BBOX(139,35,141,37))")
        assert status == 200 and headers["Content-Crs"] == f"<{uri}>", (uri, body[:200])
        code = uri.rsplit("/", 1)[1]
        system = pyproj.CRS.from_user_input("OGC:CRS84" if code == "CRS84" else f"EPSG:{code}")
        features = json.loads(body)["features"]
        assert len(features) == 20
        try:
            move = pyproj.Transformer.from_crs("EPSG:6668", system)
        except pyproj.exceptions.ProjError:
            continue
        # Tokyo's datum moves by a grid where there is one, else by three parameters.
        tolerance = 3e-9 if code in ("CRS84", "4326", "6668", "4612") else 5e-4 if system.is_projected else 2e-7
        if code == "4301" or code.startswith("301"):
            tolerance = 20 if system.is_projected else 2e-4
        for feature in features:
            before = shapely.get_coordinates(near[feature["id"]].geometry)
            wanted = np.column_stack(move.transform(before[:, 1], before[:, 0]))
            got = shapely.get_coordinates(shapely.from_geojson(json.dumps(feature["geometry"])))
            # Rings may begin elsewhere and run the other way.
            assert shapely.hausdorff_distance(shapely.MultiPoint(got), shapely.MultiPoint(wanted)) < 2 * tolerance, (uri, got[0], wanted[0])


def test_what_is_no_box_or_no_system_is_refused(plain):
    for box in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,nan", "1,2,3,inf", "1,5,3,4", "1,2,3,1e400", "0x1,2,3,4", "1,2,3,91", "-181,0,0,1", "", "1,,2,3"):
        refused(plain, bbox=box)
    for name in ("crs", "bbox-crs", "filter-crs"):
        for value in ("EPSG:1", f"{EPSG}27700", "urn:nothing", ""):
            refused(plain, **{name: value})


# --- times

def test_datetime_finds_what_lasts_into_it(plain, rows, chance):
    """Every day is Japan's; an end that is not known is plain."""
    lowest, highest = (each.replace(tzinfo=plenty.UTC) for each in (datetime.datetime.min, datetime.datetime.max))
    start_of = lambda day: datetime.datetime.combine(day, datetime.time(), plenty.JAPAN)

    def end():
        """A text and its first and last moments."""
        if chance.random() < 0.4:
            day = datetime.date(2020, 1, 1) + datetime.timedelta(days=chance.randrange(45))
            return day.isoformat(), start_of(day), start_of(day + datetime.timedelta(days=1)) - datetime.timedelta(microseconds=1)
        moment = plenty.moment(chance)
        text = moment.astimezone(plenty.JAPAN).isoformat() if chance.random() < 0.3 else plenty.plain(moment)
        return text, moment, moment

    for _ in range(60):
        if chance.random() < 0.3:
            text, first, last = end()
        else:
            (a, first, _), (b, _, last) = sorted((end(), end()), key=lambda each: each[1])
            if first > last:
                continue
            match chance.randrange(4):
                case 0: a, first = chance.choice(["..", ""]), lowest
                case 1: b, last = chance.choice(["..", ""]), highest
            text = f"{a}/{b}"
        wanted = {row.id for row in rows if (row.values["since"] or lowest) <= last and (row.values["until"] or highest) >= first}
        assert set(found(plain, datetime=text)) == wanted, text


def test_what_is_no_time_is_refused(plain):
    for text in ("yesterday", "2020-02-30", "2020-13-01", "2020-01-02/2020-01-01", "2020-01-01/2020-01-02/2020-01-03", "2020-01-01T25:00:00Z", "", "2020"):
        refused(plain, datetime=text)


# --- orders and pages

SORTED = ["番号", "big", "small", "size", "flag", "名称", "day", "at", "since"]
CONDITIONS = [None, ("small > 2", lambda row: row["small"] is not None and row["small"] > 2), ("名称 IS NOT NULL", lambda row: row["名称"] is not None),
              ("flag = TRUE OR size < 2", lambda row: row["flag"] is True or (row["size"] is not None and row["size"] < 2))]


def order(rows, keys):
    """Nulls last ascending, first descending; ties by id."""
    result = sorted(rows, key=lambda row: row.id)
    for sign, name in reversed(keys):
        value = lambda row: (row.values[name] is None, row.values[name] if row.values[name] is not None else 0)
        result.sort(key=value, reverse=sign == "-")
    return [row.id for row in result]


def test_pages_in_any_order_and_under_any_condition_have_each_row_once(plain, rows, chance):
    for _ in range(20):
        keys = [(chance.choice(["", "+", "-"]), name) for name in chance.sample(SORTED, chance.randrange(1, 4))]
        condition = chance.choice(CONDITIONS)
        box = chance.choice([None, (138.1, 34.1, 140.3, 36.2)])
        parameters = {"sortby": ",".join(sign + name for sign, name in keys), "limit": chance.choice([37, 100, 499, 10000])}
        if condition:
            parameters["filter"] = condition[0]
        if box:
            parameters["bbox"] = ",".join(map(str, box))
        # Corners of the box are far from all lines, so that nothing is in doubt.
        wanted = [row for row in rows if (not condition or condition[1](row.values)) and (not box or row.geometry is None or row.geometry.intersects(shapely.box(*box)))]
        assert found(plain, **parameters) == order(wanted, keys), parameters


def test_an_offset_is_a_place_in_the_same_list(plain, rows, chance):
    for parameters in ({}, {"sortby": "-size,名称"}, {"filter": "small > 2"}, {"bbox": "138.1,34.1,140.3,36.2", "sortby": "at"}):
        whole = found(plain, **parameters)
        for offset in (0, 1, 99, len(whole) - 1, len(whole), len(whole) + 1, 100_000):
            page = plain.json("/collections/plenty/items?" + urllib.parse.urlencode({**parameters, "limit": 50, "offset": offset}))
            assert [each["id"] for each in page["features"]] == whole[offset:offset + 50]
            assert page["numberMatched"] == len(whole)
            assert any(link["rel"] == "next" for link in page["links"]) == (offset + 50 < len(whole))


def test_a_limit_is_a_number_from_1(plain):
    for limit in ("0", "-1", "1e3", "007", "１０", "unlimited", "", "1.0", "+5", " 5"):
        refused(plain, limit=limit)
    assert len(plain.json("/collections/plenty/items?limit=1000000000")["features"]) == plenty.ROWS


def test_a_cursor_goes_on_only_where_it_came_from(plain):
    page = plain.json("/collections/plenty/items?limit=10&sortby=size")
    address = next(link["href"] for link in page["links"] if link["rel"] == "next")
    cursor = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["cursor"][0]
    for parameters in ({}, {"sortby": "-size"}, {"sortby": "size", "filter": "small > 2"}, {"sortby": "size", "bbox": "138,34,140,36"}, {"sortby": "size", "datetime": "2020-01-01"}):
        refused(plain, cursor=cursor, **parameters)
    for damaged in (cursor[:-1], cursor[1:], cursor + "A", "AAAA", "", cursor[::-1]):
        refused(plain, cursor=damaged, sortby="size")


def test_sorting_by_what_has_no_order_is_refused(plain):
    refused(plain, sortby="tags")
    refused(plain, sortby="geometry", code="unknown-property")
    refused(plain, sortby="nothing", code="unknown-property")
    sortable = plain.json("/collections/plenty/sortables")["properties"]
    assert set(sortable) == set(plenty.COLUMNS) - {"tags"}


# --- what is left out

def test_properties_and_geometry_that_were_not_asked_for_stay_away(plain, rows, chance):
    for _ in range(10):
        names = chance.sample(plenty.COLUMNS, chance.randrange(1, 5))
        skips = chance.random() < 0.5
        page = plain.json("/collections/plenty/items?" + urllib.parse.urlencode({"limit": 300, "properties": ",".join(names), "skipGeometry": str(skips).lower()}))
        for feature in page["features"]:
            row = rows[feature["id"] - 1]
            assert feature["properties"] == {name: row.json()["properties"][name] for name in names}
            assert "geometry" in feature and (feature["geometry"] is None) == (skips or row.geometry is None)
    refused(plain, properties="nothing", code="unknown-property")
    refused(plain, skipGeometry="maybe")
    refused(plain, nothing="1", code="unknown-parameter")


def test_a_value_of_an_attribute_is_a_parameter(plain, rows, chance):
    for name in ("番号", "big", "small", "size", "flag", "名称", "day"):
        for row in chance.sample(rows, 8):
            value = row.values[name]
            if value is None:
                continue
            text = str(value).lower() if isinstance(value, bool) else plenty.plain(value)
            assert set(found(plain, **{name: text})) == {each.id for each in rows if each.values[name] == value}, (name, text)


def test_64_bit_numbers_are_told_apart_by_their_last_digit(plain, rows):
    for number in (2**53, 2**53 + 1, 2**53 + 3, 2**63 - 1, -2**63):
        wanted = {row.id for row in rows if row.values["big"] == number}
        assert set(found(plain, filter=f"big = {number}")) == set(found(plain, big=number)) == wanted
        greater = {row.id for row in rows if row.values["big"] is not None and row.values["big"] > number}
        assert set(found(plain, filter=f"big > {number}")) == greater


# --- what can be asked for

KINDS = {"text": "string", "integer": "integer", "real": "number", "boolean": "boolean", "date": "string", "time": "string"}


def test_schemas_say_what_the_description_says(server, layers):
    """Types, titles in all languages, units and code lists of the town's layers."""
    seen = set()
    for file in sorted(layers.glob("*/layer.yaml")):
        description = yaml.safe_load(file.read_text())
        if description["access"] != "public" or not description.get("attributes"):
            continue
        shown = {name: each for name, each in description["attributes"].items() if each.get("visibility", "public") == "public"}
        for resource in ("schema", "queryables", "sortables"):
            properties = server.json(f"/collections/{description['id']}/{resource}")["properties"]
            # Attributes that are not described keep the source's names; what is not for everybody is not there under any name.
            assert set(shown) <= set(properties)
            assert not {name for key, each in description["attributes"].items() if key not in shown for name in (key, each["column"])} & set(properties)
            for name, each in shown.items():
                got = properties[name]
                assert got["type"] == KINDS[each["type"]], (description["id"], name)
                assert got["title"] == each["title"]["ja"] and got["x-kasane-titles"] == each["title"], (description["id"], name)
                if each.get("unit"):
                    assert got["x-ogc-unit"] == each["unit"]
                    seen.add("unit")
                if isinstance(each.get("codes"), dict):
                    assert {option["const"]: option["title"] for option in got["oneOf"]} == {code: title["ja"] for code, title in each["codes"].items()}
                    seen.add("codes")
    assert seen == {"unit", "codes"}
