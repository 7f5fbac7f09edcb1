"""Questions across two layers, over HTTP and by `kasane query`: shapely counts the same, and PROJ's geodesics measure the same."""
import http.client
import json
import subprocess
import time
import urllib.parse

import numpy as np
import pyproj
import pytest
import shapely
from server import KASANE

RIGHT = 1e-6         # of an area or length: edges are straight here in longitude and latitude, there geodesics
MILLIMETRE = 0.001   # in metres
GEOD = pyproj.Geod(ellps="GRS80")


class Layer:
    """What the server's own items say."""

    def __init__(self, server, id):
        features = list(server.features(id))
        self.ids = [each["id"] for each in features]
        self.properties = [each["properties"] for each in features]
        self.geometries = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
        self.tree = shapely.STRtree(self.geometries)

    def values(self, name):
        return np.array([each.get(name) for each in self.properties])

    def groups(self, name):
        """Value and the tree of its features, in the values' order."""
        values = self.values(name)
        return {value: shapely.STRtree(self.geometries[values == value]) for value in sorted(set(values.tolist()))}


@pytest.fixture(scope="module")
def layer(server):
    read = {}
    def get(id):
        if id not in read:
            read[id] = Layer(server, id)
        return read[id]
    return get


def ask(server, method, path, body=None, headers=None):
    """Status, header fields and what the JSON says. `path` may be a whole address of this server."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, urllib.parse.urlsplit(path).path, json.dumps(body) if body else None, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, response.headers, json.loads(text)


def question(target, overlay, group=(), figures=("count",), filter=None, **more):
    """`group` and `figures` as the command line has them: `overlay.rank`, `sum:target.storeys`; `filter` is on the target."""
    side = lambda text: dict(zip(("side", "property"), text.split(".", 1)))
    figure = lambda text: {"function": text.split(":")[0], **(side(text.split(":")[1]) if ":" in text else {})}
    return {"inputs": {"target": {"collection": target, "filter": filter}, "overlay": {"collection": overlay},
                       "groupBy": [side(each) for each in group], "aggregates": [figure(each) for each in figures], **more}}


def overlay(server, *arguments, **more):
    status, _, answer = ask(server, "POST", "/processes/overlay/execution", question(*arguments, **more))
    assert status == 200, answer
    return answer


def query(server, *arguments):
    return subprocess.run([KASANE, "query", *arguments, "--data", server.data], capture_output=True, text=True)


def matched(server, layer, filter):
    return server.json(f"/collections/{layer}/items?" + urllib.parse.urlencode({"filter": filter, "limit": 1, "f": "json"}))["numberMatched"]


def intersections(targets, tree):
    """The rows of targets that meet features of a tree, and of each its part in the union of these."""
    mine, theirs = tree.query(targets, predicate="intersects")
    order = np.argsort(mine, kind="stable")
    rows, starts = np.unique(mine[order], return_index=True)
    met = np.split(tree.geometries[theirs[order]], starts[1:])
    return rows, shapely.intersection(targets[rows], [each[0] if len(each) == 1 else shapely.union_all(each) for each in met])


def square_metres(geometries):
    return sum(abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(part))[0])
               for part in shapely.get_parts(shapely.get_parts(geometries)) if part.geom_type == "Polygon")


def metres(geometries):
    return sum(GEOD.geometry_length(part) for part in shapely.get_parts(shapely.get_parts(geometries)) if part.geom_type == "LineString")


# --- figures

def test_buildings_and_their_areas_by_depth_of_flooding(server, layer):
    buildings, flood = layer("buildings"), layer("flood-l2")
    answer = overlay(server, "buildings", "flood-l2", ["overlay.rank"], ["count", "area"])
    assert [each["name"] for each in answer["columns"]] == ["rank", "count", "area"]
    wanted = []
    for rank, tree in flood.groups("rank").items():
        rows, parts = intersections(buildings.geometries, tree)
        if len(rows):
            wanted.append((rank, len(rows), square_metres(parts)))
    assert [row[:2] for row in answer["rows"]] == [[rank, count] for rank, count, _ in wanted]
    for row, (rank, _, area) in zip(answer["rows"], wanted):
        assert row[2] == pytest.approx(area, rel=RIGHT), f"rank {rank}"
    met = np.unique(flood.tree.query(buildings.geometries, predicate="intersects")[0])
    assert (answer["targetCount"], answer["unmatchedCount"]) == (len(buildings.ids), len(buildings.ids) - len(met))


def test_what_lies_under_several_of_a_group_counts_once(server, layer):
    """The made areas lie one over another, with holes and parts."""
    buildings, areas = layer("buildings"), layer("made-areas")
    [[count, area]] = overlay(server, "buildings", "made-areas", (), ["count", "area"], "storeys >= 3")["rows"]
    high = buildings.geometries[[(each or 0) >= 3 for each in buildings.values("storeys")]]
    rows, parts = intersections(high, areas.tree)
    assert count == len(rows) > 100
    met = areas.tree.query(high, predicate="intersects")
    assert area < 0.99 * square_metres(shapely.intersection(high[met[0]], areas.geometries[met[1]]))
    assert area == pytest.approx(square_metres(parts), rel=RIGHT)


def test_numbers_of_the_target_by_depth_of_flooding(server, layer):
    buildings = layer("buildings")
    answer = overlay(server, "buildings", "flood-l2", ["overlay.rank"], ["sum:target.storeys", "min:target.year", "max:target.height", "distinct:target.usage"])
    values = {name: buildings.values(name) for name in ("storeys", "year", "height", "usage")}
    wanted = []
    for rank, tree in layer("flood-l2").groups("rank").items():
        rows = np.unique(tree.query(buildings.geometries, predicate="intersects")[0])
        known = {name: [each for each in all[rows] if each is not None] for name, all in values.items()}
        if len(rows):
            wanted.append([rank, sum(known["storeys"]), min(known["year"], default=None), max(known["height"], default=None), len(set(known["usage"]))])
    assert answer["rows"] == wanted


def test_shelters_within_a_flood_zone(server, layer):
    shelters, flood = layer("shelters"), layer("flood-l2")
    found = overlay(server, "shelters", "flood-l2", ["target.shelter"], predicate="within")
    inside = np.unique(flood.tree.query(shelters.geometries, predicate="within")[0])
    assert found["rows"] == [[id, 1] for id in sorted(shelters.values("shelter")[inside])]
    assert 0 < len(inside) < len(shelters.ids)
    assert overlay(server, "shelters", "flood-l2", predicate="within")["rows"] == [[len(inside)]]
    # And seen from the other side.
    zones = np.unique(flood.tree.query(shelters.geometries, predicate="within")[1])
    assert overlay(server, "flood-l2", "shelters", predicate="contains")["rows"] == [[len(zones)]]


@pytest.mark.parametrize("group", ["target.class", "overlay.rank"])
def test_lengths_of_flooded_roads(server, layer, group):
    roads, flood = layer("roads"), layer("flood-l2")
    answer = overlay(server, "roads", "flood-l2", [group], ["count", "length"])
    if group == "target.class":
        classes = roads.values("class")
        found = {value: intersections(roads.geometries[classes == value], flood.tree) for value in sorted(set(classes))}
    else:
        found = {value: intersections(roads.geometries, tree) for value, tree in flood.groups("rank").items()}
    wanted = [[value, len(rows), metres(parts)] for value, (rows, parts) in found.items() if len(rows)]
    assert [row[:2] for row in answer["rows"]] == [row[:2] for row in wanted]
    for got, row in zip(answer["rows"], wanted):
        assert got[2] == pytest.approx(row[2], rel=RIGHT, abs=MILLIMETRE), row[0]


@pytest.fixture(scope="module")
def apart(layer):
    """How far each shelter is from the nearest road, in metres: found in a plane laid on the town, measured by PROJ over the ellipsoid."""
    shelters, roads = layer("shelters").geometries, layer("roads").geometries
    longitude, latitude = shelters[0].x, shelters[0].y
    plane = pyproj.Transformer.from_crs("EPSG:6668", f"+proj=tmerc +lat_0={latitude} +lon_0={longitude} +k=1 +ellps=GRS80", always_xy=True)
    move = lambda shapes, direction: shapely.transform(shapes, lambda x, y: plane.transform(x, y, direction=direction), interleaved=False)
    # A long edge that is straight in degrees is not in the plane.
    points, lines = move(shelters, "FORWARD"), move(shapely.segmentize(roads, 0.0003), "FORWARD")
    nearest = shapely.STRtree(lines).query_nearest(points, all_matches=False)[1]
    links = shapely.get_coordinates(move(shapely.shortest_line(points, lines[nearest]), "INVERSE")).reshape(-1, 4)
    measured = GEOD.inv(*links.T)[2]
    assert np.allclose(measured, shapely.distance(points, lines[nearest]), rtol=1e-5, atol=1e-4)
    return measured


@pytest.mark.parametrize("limit", [50, 20, 13])
def test_shelters_near_a_road(server, layer, apart, limit):
    shelters = layer("shelters")
    answer = overlay(server, "shelters", "roads", ["target.shelter"], predicate="distance", distance=limit)
    found = {id for id, count in answer["rows"] if count == 1}
    assert len(found) == len(answer["rows"])
    for id, distance in zip(shelters.values("shelter"), apart):
        if abs(distance - limit) > MILLIMETRE:
            assert (id in found) == (distance < limit), f"{id}: {distance} m"


def test_the_limit_of_a_distance_is_right_to_a_millimetre(server, layer, apart):
    shelters = layer("shelters").values("shelter")
    for row in np.argsort(apart)[::12]:
        one = f"shelter = '{shelters[row]}'"
        for distance, count in ((apart[row] - MILLIMETRE, 0), (apart[row] + MILLIMETRE, 1)):
            if distance >= 0:
                answer = overlay(server, "shelters", "roads", filter=one, predicate="distance", distance=distance)
                assert answer["unmatchedCount"] == 1 - count, (shelters[row], distance)


# --- jobs

def begin(server, body):
    status, headers, job = ask(server, "POST", "/processes/overlay/execution", body, {"Prefer": "respond-async"})
    assert status == 201 and job["status"] in ("accepted", "running") and job["type"] == "process", job
    assert headers["Location"].startswith(server.url) and headers["Location"].endswith(job["jobID"])
    return headers["Location"]


def wait(server, job, *states):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        state = server.json(job)
        if state["status"] in states:
            return state
        assert state["status"] in ("accepted", "running"), state
        time.sleep(0.02)
    raise AssertionError(f"not {states} after 30 s: {state}")


def test_a_job_answers_what_waiting_does(server):
    arguments = ("buildings", "flood-l2", ["overlay.rank"], ["count", "area"])
    job = begin(server, question(*arguments))
    state = wait(server, job, "successful")
    assert state["progress"] == 100 and state["created"] <= state["started"] <= state["finished"]
    results = next(link["href"] for link in state["links"] if link["rel"].endswith("/results"))
    assert server.json(results) == overlay(server, *arguments)
    status, _, gone = ask(server, "DELETE", job)
    assert (status, gone["status"]) == (200, "dismissed")
    assert server.get(results)[0] == 404


def test_a_running_job_can_be_stopped(server):
    heavy = question("buildings", "made-lines", ["target.building"], predicate="nearest", nearest=100)
    job = begin(server, heavy)
    wait(server, job, "running")
    assert server.get(job + "/results")[0] == 404
    status, _, gone = ask(server, "DELETE", job)
    assert (status, gone["status"]) == (200, "dismissed")
    # It has ended in truth: the next one's turn comes, and nothing of the first one comes back.
    again = begin(server, question("shelters", "flood-l2"))
    wait(server, again, "successful")
    assert server.json(job)["status"] == "dismissed" and server.get(job + "/results")[0] == 404
    assert ask(server, "DELETE", again)[0] == 200


def test_there_is_no_job_that_nobody_began(server):
    for method, path in (("GET", "/jobs/0"), ("GET", "/jobs/0/results"), ("DELETE", "/jobs/0")):
        status, _, problem = ask(server, method, path)
        assert (status, problem["code"]) == (404, "not-found"), (method, path)


# --- kasane query

def test_the_command_line_gives_the_table_of_the_server(server):
    for group, figure in ((["overlay.rank"], ["count"]), (["overlay.rank", "target.usage"], ["count", "sum:target.storeys"])):
        options = [*(each for name in group for each in ("--group-by", name)), *(each for name in figure for each in ("--aggregate", name))]
        done = query(server, "buildings", "--overlay", "flood-l2", *options, "--format", "json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == overlay(server, "buildings", "flood-l2", group, figure)
        # What is not known is said beside the table too, in both languages.
        assert "調査された範囲の外" in done.stderr and "outside of what was surveyed" in done.stderr


FILTERS = [
    ("buildings", "usage = '住宅'", False),
    ("buildings", "storeys > 2 AND (height IS NULL OR height < 9.5) OR name LIKE '%市%'", False),
    ("buildings", "year BETWEEN 1981 AND 2000 AND NOT usage IN ('住宅', '商業')", False),
    ("buildings", "S_INTERSECTS(geometry, POLYGON((139.88 36.58, 139.92 36.58, 139.9 36.62, 139.88 36.58)))", True),
    ("roads", "S_INTERSECTS(geometry, BBOX(139.89, 36.59, 139.91, 36.61)) AND class <= 3", True),
    ("shelters", "flood = 1 AND capacity >= 200", False),
    ("buildings", "surveyed >= DATE('2022-10-01') AND structure <> '木造'", False),
    ("made-points", "数 > 0 AND 名称 = '𠮷野家'", False),
    ("roads", "class > 9", False),
]


@pytest.mark.parametrize("name, filter, by_place", FILTERS)
def test_the_command_line_counts_what_the_server_does(server, name, filter, by_place):
    for options in ([], ["--public"]):
        done = query(server, name, "--filter", filter, "--count", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert int(done.stdout) == matched(server, name, filter)
    plan = query(server, name, "--filter", filter, "--explain")
    assert (plan.returncode, plan.stderr) == (0, "")
    index = plan.stdout.splitlines()[0]
    assert index.startswith("index: ") and (index == "index: not used") != by_place, plan.stdout
    assert "\n1. " in plan.stdout


def test_the_command_line_writes_the_features_that_hold(server):
    name, filter, _ = FILTERS[0]
    done = query(server, name, "--filter", filter, "--public")
    assert done.returncode == 0, done.stderr
    assert [each["id"] for each in json.loads(done.stdout)["features"]] == [each["id"] for each in server.features(name, filter=filter)]


def test_the_command_line_says_where_a_filter_cannot_be_read(server):
    for filter, place in (("usage = = '住宅'", 8), ("storeys > 2 AND", 15), ("usage = '住宅' ) ", 17), ("storeys >", 9)):
        for options in (["--count"], ["--explain"], []):
            done = query(server, "buildings", "--filter", filter, *options)
            assert done.returncode == 1 and done.stdout == "", (filter, done)
            assert f"{place}バイト目" in done.stderr and f"at byte {place}" in done.stderr, (filter, done.stderr)
    done = query(server, "buildings", "--filter", "nothing = 1", "--count")
    assert done.returncode == 1 and "属性「nothing」はありません" in done.stderr and "no attribute “nothing”" in done.stderr


def test_the_command_line_refuses_what_is_not_there(server):
    for arguments in (["nothing"], ["nothing", "--count"], ["buildings", "--overlay", "nothing"], ["nothing", "--overlay", "flood-l2"]):
        done = query(server, *arguments)
        assert done.returncode == 1 and "レイヤー「nothing」はありません" in done.stderr and "no layer “nothing”" in done.stderr, arguments
    for options in (["--group-by", "rank"], ["--aggregate", "sum:people"], ["--distance", "near"]):
        done = query(server, "buildings", "--overlay", "flood-l2", *options)
        assert done.returncode == 2 and done.stderr and done.stdout == "", options


# --- what not everybody may see

def test_hidden_attributes_are_as_if_they_were_not_there(server):
    hidden = [question("buildings", "flood-l2", figures=[f"{function}:target.people"]) for function in ("sum", "mean", "min", "max", "distinct")]
    hidden += [question("buildings", "flood-l2", ["target.people"]), question("flood-l2", "buildings", ["overlay.people"]),
               question("flood-l2", "buildings", figures=["sum:overlay.people"]),
               question("buildings", "flood-l2", filter="people > 3")]
    nothing = json.loads(json.dumps(hidden).replace("people", "nothing"))
    for body, other in zip(hidden, nothing):
        status, _, problem = ask(server, "POST", "/processes/overlay/execution", body)
        assert (status, problem["code"]) == (400, "unknown-property"), body
        # Not even the words differ from those for an attribute that there is not.
        assert problem == json.loads(json.dumps(ask(server, "POST", "/processes/overlay/execution", other)[2]).replace("nothing", "people"))
    done = query(server, "buildings", "--filter", "people > 3", "--count", "--public")
    assert done.returncode == 1 and "属性「people」はありません" in done.stderr
    assert int(query(server, "buildings", "--filter", "people > 3", "--count").stdout) > 0
