"""The questions that departments ask across layers, and many more across made-up ones and real triangle meshes: PostGIS and shapely answer the same."""
import json
import subprocess
import tempfile
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from conftest import SHARED
from postgis import PostGIS
from server import KASANE, Server, load
from test_overlay import RIGHT, Layer, intersections, metres, overlay, question, square_metres

LONG = 1e-5   # of areas with edges of a kilometre, which PostGIS draws as geodesics
INTERSECTS, WITHIN, CONTAINS = "ST_Intersects(t.geom, o.geom)", "ST_Within(t.geom, o.geom)", "ST_Contains(t.geom, o.geom)"
RELATIONS = {"intersects": INTERSECTS, "within": WITHIN, "contains": CONTAINS}
TOWN = ["buildings", "roads", "shelters", "flood-l2", "landslide", "blocks", "made-areas", "made-lines", "made-points"]


@pytest.fixture(scope="module")
def postgis():
    # A socket's path has at most 107 bytes, and the server's user has to reach it.
    with tempfile.TemporaryDirectory(prefix="kasane-pg-") as folder:
        Path(folder).chmod(0o755)
        with PostGIS(Path(folder) / "p") as postgis:
            yield postgis


@pytest.fixture(scope="module")
def town(server, postgis):
    """The layers of the town, in PostGIS too; by id. What only the office sees is asked of the command line."""
    layers = {id: Layer(server, id) for id in TOWN}
    layers["assist-count"] = Office(server, "assist-count")
    for id, layer in layers.items():
        postgis.load(id, layer.ids, layer.properties, layer.geometries)
    return layers


class Office(Layer):
    def __init__(self, server, id):
        done = subprocess.run([KASANE, "query", id, "--data", server.data], capture_output=True, text=True, check=True)
        features = json.loads(done.stdout)["features"]
        self.ids, self.properties = [each["id"] for each in features], [each["properties"] for each in features]
        self.geometries = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
        self.tree = shapely.STRtree(self.geometries)


def table(answer, keys):
    """Rows by group."""
    rows = {tuple(row[:keys]): row[keys:] for row in answer["rows"]}
    assert len(rows) == len(answer["rows"])
    return rows


def same(got, wanted, right=RIGHT):
    """The same groups, and the same figures: counts exactly, measures and sums of real numbers as far as numbers go."""
    assert set(got) == set(wanted), sorted(set(got) ^ set(wanted), key=str)[:5]
    for key, figures in wanted.items():
        # A real number that happens to be whole is written without a point by PostgreSQL.
        exact = [each is None or (isinstance(each, int) and isinstance(mine, int)) for each, mine in zip(figures, got[key])]
        assert got[key] == [each if is_exact else pytest.approx(each, rel=right, abs=1e-3) for each, is_exact in zip(figures, exact)], key


# --- the four questions

def test_which_buildings_lie_in_which_flood_class(server, postgis, town):
    figures = ["count", "sum:target.area", "mean:target.storeys", "distinct:target.usage"]
    wanted = postgis.overlay("buildings", "flood-l2", INTERSECTS, ["overlay.rank"], figures)
    same(table(overlay(server, "buildings", "flood-l2", ["overlay.rank"], figures), 1), wanted)
    # And which: each building with each of its classes.
    wanted = postgis.figures(["target.building", "overlay.rank"], ["count"])
    got = table(overlay(server, "buildings", "flood-l2", ["target.building", "overlay.rank"], ["count"]), 2)
    assert got == wanted and len(got) > 500
    buildings, flood = town["buildings"], town["flood-l2"]
    pairs = flood.tree.query(buildings.geometries, predicate="intersects")
    assert set(got) == {(buildings.properties[i]["building"], flood.properties[j]["rank"]) for i, j in pairs.T}
    # Cutting is slow in PostGIS; the high ones are enough.
    high = postgis.overlay("buildings", "flood-l2", INTERSECTS, ["overlay.rank"], ["count", "area"], target_filter="(t.at->>'storeys')::int >= 4")
    same(table(overlay(server, "buildings", "flood-l2", ["overlay.rank"], ["count", "area"], "storeys >= 4"), 1), high)


def test_how_many_people_who_need_help_live_in_each_districts_landslide_zones(server, postgis, town):
    figures = ["count", "sum:target.needing_help", "sum:target.living_alone", "max:target.needing_help"]
    for group in (["target.district"], ["target.district", "overlay.zone"]):
        wanted = postgis.overlay("assist-count", "landslide", INTERSECTS, group, figures)
        options = [*(each for name in group for each in ("--group-by", name)), *(each for name in figures for each in ("--aggregate", name))]
        done = subprocess.run([KASANE, "query", "assist-count", "--overlay", "landslide", *options, "--format", "json", "--data", server.data], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        same(table(json.loads(done.stdout), len(group)), wanted)
    people, zones = town["assist-count"], town["landslide"]
    rows = np.unique(zones.tree.query(people.geometries, predicate="intersects")[0])
    by_district = {}
    for row in rows:
        by_district[people.properties[row]["district"]] = by_district.get(people.properties[row]["district"], 0) + people.properties[row]["needing_help"]
    done = subprocess.run([KASANE, "query", "assist-count", "--overlay", "landslide", "--group-by", "target.district", "--aggregate", "sum:target.needing_help",
                           "--format", "json", "--data", server.data], capture_output=True, text=True)
    assert {key[0]: value[0] for key, value in table(json.loads(done.stdout), 1).items()} == by_district and len(by_district) > 2
    # The office's layer is not there for others.
    assert subprocess.run([KASANE, "query", "assist-count", "--overlay", "landslide", "--public", "--data", server.data], capture_output=True).returncode == 1


@pytest.mark.parametrize("use, zones", [("flood", "flood-l2"), ("landslide", "landslide")])
def test_which_shelters_stand_inside_the_hazard_they_are_meant_for(server, postgis, town, use, zones):
    for predicate in ("within", "intersects"):
        got = table(overlay(server, "shelters", zones, ["target.shelter", "target.name"], ["count", "max:target.capacity"], f"{use} = 1", predicate=predicate), 2)
        same(got, postgis.overlay("shelters", zones, RELATIONS[predicate], ["target.shelter", "target.name"], ["count", "max:target.capacity"], target_filter=f"(t.at->>'{use}')::int = 1"))
    shelters = town["shelters"]
    inside = set(town[zones].tree.query(shelters.geometries, predicate="intersects")[0])
    assert {key[0] for key in got} == {shelters.properties[i]["shelter"] for i in inside if shelters.properties[i][use] == 1}


@pytest.mark.parametrize("rank", [2, 4])
def test_roads_cut_by_a_flood_of_this_depth_in_metres_per_class(server, postgis, town, rank):
    inputs = question("roads", "flood-l2", ["target.class"], ["count", "length"])
    inputs["inputs"]["overlay"]["filter"] = f"rank >= {rank}"
    from test_overlay import ask
    status, _, answer = ask(server, "POST", "/processes/overlay/execution", inputs)
    assert status == 200, answer
    got = table(answer, 1)
    same(got, postgis.overlay("roads", "flood-l2", INTERSECTS, ["target.class"], ["count", "length"], overlay_filter=f"(o.at->>'rank')::int >= {rank}"))
    roads, flood = town["roads"], town["flood-l2"]
    deep = shapely.STRtree(flood.geometries[flood.values("rank") >= rank])
    classes = roads.values("class")
    for (road,), (count, length) in got.items():
        rows, parts = intersections(roads.geometries[classes == road], deep)
        assert count == len(rows) and length == pytest.approx(metres(parts), rel=RIGHT, abs=1e-3)


# --- every predicate, sides to group by, figures

CASES = [
    ("buildings", "made-areas", "within"), ("made-areas", "made-areas", "intersects"), ("made-lines", "made-areas", "intersects"),
    ("made-areas", "made-lines", "contains"), ("made-points", "made-areas", "within"), ("made-areas", "made-points", "contains"), ("blocks", "made-areas", "intersects"),
]
#: Some of the features of a layer, as CQL2 and as SQL.
SOME = {"buildings": ("storeys >= 3", "(t.at->>'storeys')::int >= 3"), "blocks": ("area > 3000", "(t.at->>'area')::float8 > 3000"), None: ("数 > 0", "(t.at->>'数')::int > 0")}
FIGURES = {
    "made-areas": ["sum:{}.数", "mean:{}.量", "min:{}.量", "max:{}.数", "distinct:{}.名称", "distinct:{}.日"], "made-lines": ["sum:{}.数", "max:{}.量", "distinct:{}.名称"],
    "made-points": ["sum:{}.数", "min:{}.量", "distinct:{}.日"], "buildings": ["sum:{}.storeys", "mean:{}.height", "min:{}.year", "distinct:{}.usage"],
    "blocks": ["sum:{}.area", "distinct:{}.district"],
}
GROUPS = {"made-areas": ["名称", "日"], "made-lines": ["名称"], "made-points": ["名称"], "buildings": ["usage", "structure"], "blocks": ["district"]}


@pytest.mark.parametrize("target, other, predicate", CASES, ids=["-".join(each) for each in CASES])
def test_all_figures_in_groups_of_either_side(server, postgis, town, target, other, predicate):
    figures = ["count", *(each.format("target") for each in FIGURES[target]), *(each.format("overlay") for each in FIGURES[other])]
    areal = ("buildings", "made-areas", "blocks")
    measure = [] if "made-points" in (target, other) else ["area"] if target in areal and other in areal else ["length"]
    groups = [[], [f"target.{GROUPS[target][0]}"], [f"overlay.{GROUPS[other][-1]}"], [f"target.{GROUPS[target][-1]}", f"overlay.{GROUPS[other][0]}"]]
    cql, sql = SOME.get(target, SOME[None])
    postgis.pairs(target, other, RELATIONS[predicate], target_filter=sql)
    for i, group in enumerate(groups):
        asked = figures + measure if i == 1 else figures   # Cutting takes PostGIS longer than all else.
        got = table(overlay(server, target, other, group, asked, cql, predicate=predicate), len(group))
        same({key: row for key, row in got.items() if row[0]}, postgis.figures(group, asked), LONG)
        assert sum(row[0] for row in got.values()) > 30


@pytest.mark.parametrize("target, other, limit", [("shelters", "roads", 20), ("made-points", "made-lines", 150), ("buildings", "shelters", 100)])
def test_what_lies_within_metres(server, postgis, town, target, other, limit):
    """PostGIS draws edges along great circles, we along straight lines in degrees: what is within a hundredth of the limit is not compared."""
    keys = {"shelters": "shelter", "roads": "section", "buildings": "building"}
    group = [f"target.{keys.get(target, '番号')}", f"overlay.{keys.get(other, '番号')}"]
    got = set(table(overlay(server, target, other, group, predicate="distance", distance=limit), 2))
    near = lambda metres: set(postgis.overlay(target, other, f"ST_DWithin(t.geom::geography, o.geom::geography, {metres}) and t.geom && ST_Expand(o.geom, {metres} / 80000.0)", group, ["count"]))
    assert near(limit * 0.99) <= got <= near(limit * 1.01) and len(got) > 20


def test_the_nearest_ones(server, postgis, town):
    got = set(table(overlay(server, "shelters", "buildings", ["target.shelter", "overlay.building"], predicate="nearest", nearest=3), 2))
    order = postgis.sql("""select jsonb_build_array(t.at->>'shelter', o.at->>'building', ST_Distance(t.geom::geography, o.geom::geography)) from shelters t,
                           lateral (select * from buildings o order by o.geom <-> t.geom limit 40) o""")
    distances = {}
    for shelter, building, metres in order:
        distances.setdefault(shelter, {})[building] = metres
    assert len(got) == 3 * len(distances)
    for shelter, building in got:
        # Equally near ones within what the two ways of measuring differ by may change places.
        assert distances[shelter][building] <= sorted(distances[shelter].values())[2] * 1.01 + 0.01


# --- triangle meshes

@pytest.fixture(scope="module")
def numazu(tmp_path_factory, postgis, seed):
    """Flood and tsunami zones of a city, which come as triangles, with made-up buildings, lanes and people over them, some just on their corners."""
    folder = SHARED / "japan" / "hazard" / "derived"
    if not folder.is_dir():
        pytest.skip(f"no real data in {SHARED}")
    data, triangles = tmp_path_factory.mktemp("numazu"), {}
    for id in RANK:
        file = folder / f"numazu_{id}.gpkg"
        name = next(each for each in pyogrio.list_layers(file)[:, 0] if "meta" not in each.lower())
        load(data / "data", file, id, "--source-layer", name)
        triangles[id] = pyogrio.read_dataframe(file, layer=name)
    with Server(data / "data") as server:
        zones = {id: Layer(server, id) for id in RANK}
    for id, made in made_up(np.concatenate([zones["fld"].geometries, zones["tnm"].geometries]), seed).items():
        file = data / f"{id}.gpkg"
        geopandas.GeoDataFrame([{"n": i, "kind": "abc"[i % 3], "people": i % 7} for i in range(len(made))], geometry=made, crs="EPSG:6668").to_file(file, engine="pyogrio")
        load(data / "data", file, id)
    with Server(data / "data") as server:
        layers = zones | {id: Layer(server, id) for id in MEASURE}
        for id, layer in layers.items():
            postgis.load(f"n-{id}", layer.ids, layer.properties, layer.geometries)
        yield server, layers, triangles


def made_up(zones, seed):
    chance = np.random.default_rng(seed)
    corners = np.unique(shapely.get_coordinates(zones), axis=0)
    places = np.concatenate([corners[chance.integers(0, len(corners), 400)], chance.uniform(corners.min(axis=0), corners.max(axis=0), (400, 2)).round(7)])
    houses = shapely.box(*places.T, *(places + 10 ** chance.uniform(-4.5, -3, (len(places), 2))).round(7).T)
    lanes = [shapely.LineString([place, *np.round(place + np.cumsum(chance.normal(0, 0.0008, (6, 2)), axis=0), 7)]) for place in places[::2]]
    return {"houses": houses, "lanes": lanes, "people": shapely.points(places)}


RANK = {"fld": "浸水ランク", "tnm": "浸水ランク", "lsld": "区域区分"}
MEASURE = {"houses": ("area", square_metres), "lanes": ("length", metres), "people": (None, None)}
ROUNDED = 1e-7   # degrees: coordinates that are not rounder by themselves


@pytest.mark.parametrize("zones", RANK)
def test_triangles_are_one_area_each(numazu, zones):
    """What the file means: the triangles of a feature taken together."""
    _, layers, triangles = numazu
    served = dict(zip((each["gml_id"] for each in layers[zones].properties), layers[zones].geometries))
    assert len(served) == len(triangles[zones])
    for id, shape in zip(triangles[zones]["gml_id"], triangles[zones].geometry.values):
        whole = shapely.union_all(shapely.get_parts(shape))
        assert served[id].is_valid
        assert shapely.area(shapely.symmetric_difference(served[id], whole)) <= ROUNDED * whole.length


@pytest.mark.parametrize("zones", RANK)
@pytest.mark.parametrize("target", MEASURE)
def test_what_lies_in_zones_of_triangles(numazu, postgis, target, zones):
    server, layers, _ = numazu
    measure, measured = MEASURE[target]
    figures = ["count", "distinct:target.kind", "sum:target.people", *([measure] if measure else [])]
    postgis.pairs(f"n-{target}", f"n-{zones}", INTERSECTS)
    same(table(overlay(server, target, zones, ["target.kind", f"overlay.{RANK[zones]}"], figures), 2), postgis.figures(["target.kind", f"overlay.{RANK[zones]}"], figures))
    got = table(overlay(server, target, zones, [f"overlay.{RANK[zones]}"], figures), 1)
    for rank, tree in layers[zones].groups(RANK[zones]).items():
        rows, parts = intersections(layers[target].geometries, tree)
        assert got.get((rank,), [0])[0] == len(rows)
        if measure and len(rows):
            assert got[rank,][3] == pytest.approx(measured(parts), rel=RIGHT, abs=1e-3)
    within = table(overlay(server, target, zones, [f"overlay.{RANK[zones]}"], predicate="within"), 1)
    assert within == postgis.overlay(f"n-{target}", f"n-{zones}", WITHIN, [f"overlay.{RANK[zones]}"], ["count"])
