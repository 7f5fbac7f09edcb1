"""`/at` is honest: inside where the data say so, outside only where it was surveyed, unknown everywhere else."""
import shutil

import shapely
import yaml
from server import Server
from sources import NEAR

POINTS = 400


def answers(server, point):
    """The entries of `/at`, by layer; those without a layer by kind."""
    answer = server.json(f"/at?point={point.x!r},{point.y!r}")
    return {entry["layer"] or entry["kind"]: entry for entry in answer["hazards"]}


def points_to_try(sources, chance):
    """All over the town, inside every class, in the coverage and outside, near borders."""
    hazards = [source for source in sources.values() if source.hazard]
    west, south, east, north = shapely.total_bounds([source.frame.total_bounds.tolist() and shapely.box(*source.frame.total_bounds) for source in hazards])
    points = [shapely.Point(round(chance.uniform(west - 0.02, east + 0.02), 7), round(chance.uniform(south - 0.02, north + 0.02), 7)) for _ in range(POINTS)]
    for source in hazards:
        for shape in chance.sample(list(source.geometries), min(60, len(source.frame))):
            inside = shape.representative_point()
            points.append(shapely.Point(round(inside.x, 7), round(inside.y, 7)))
            border = shape.boundary.interpolate(chance.random(), normalized=True)
            points.append(shapely.Point(round(border.x + chance.uniform(-1e-5, 1e-5), 7), round(border.y + chance.uniform(-1e-5, 1e-5), 7)))
    return points


def expected(source, point):
    """The status and the codes of the classes there; None when the point is too near a border to say."""
    if shapely.dwithin(point, shapely.boundary(source.geometries), NEAR).any():
        return None
    rows = source.frame[shapely.intersects(source.geometries, point)]
    if len(rows):
        return "inside", {int(code) for code in rows[source.hazard["class"]]}
    if source.coverage is None or shapely.dwithin(point, source.coverage.boundary, NEAR):
        return None if source.coverage is not None else ("unknown", set())
    return ("outside" if source.coverage.intersects(point) else "unknown"), set()


def test_every_point_gets_the_answer_that_the_data_give(server, sources, chance, layers):
    hazards = [source for source in sources.values() if source.hazard]
    town = yaml.safe_load((layers / "town.yaml").read_text())
    absent = {each["kind"] for each in town["hazards"]} - {source.hazard["kind"] for source in hazards}
    assert absent, "the sample town expects a hazard that no layer holds"
    seen = {"inside": 0, "outside": 0, "unknown": 0}
    for point in points_to_try(sources, chance):
        got = answers(server, point)
        assert set(got) == {source.id for source in hazards} | absent, point
        for kind in absent:
            assert got[kind]["status"] == "unknown" and got[kind]["layer"] is None
        for source in hazards:
            wanted = expected(source, point)
            if wanted is None:
                continue
            entry = got[source.id]
            status, codes = wanted
            assert entry["status"] == status, f"{source.id} at {point}: {entry['status']}, not {status}"
            if status == "inside":
                assert entry["class"]["rank"] in codes
                if source.hazard["scheme"].startswith("depth"):
                    assert entry["class"]["rank"] == max(codes)
            seen[status] += 1
    assert min(seen.values()) > 50, f"hardly tried: {seen}"


def test_without_a_survey_nothing_is_outside(layers, tmp_path, sources, chance):
    """Taking away the coverage of a layer turns its “outside” into “unknown”, never into silence."""
    folder = tmp_path / "layers"
    shutil.copytree(layers, folder, ignore=lambda _, names: [name for name in names if name.startswith("made-") or name in ("buildings", "roads", "blocks")])
    hazards = [source for source in sources.values() if source.hazard]
    for source in hazards:
        file = folder / source.id / "layer.yaml"
        file.write_text("".join(line for line in file.read_text().splitlines(True) if "coverage:" not in line))
    with Server(tmp_path / "data", folder) as bare:
        for point in points_to_try(sources, chance)[:200]:
            got = answers(bare, point)
            for source in hazards:
                wanted = expected(source, point)
                if wanted:
                    assert got[source.id]["status"] == ("inside" if wanted[0] == "inside" else "unknown"), f"{source.id} at {point}"


def test_a_hazard_nobody_loaded_is_unknown_and_not_left_out(layers, tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    shutil.copy(layers / "town.yaml", folder)
    shutil.copytree(layers / "boundary", folder / "boundary")
    with Server(tmp_path / "data", folder) as empty:
        hazards = empty.json("/at?point=139.9,36.6")["hazards"]
        town = yaml.safe_load((folder / "town.yaml").read_text())
        assert len(hazards) == len(town["hazards"])
        assert all(entry["status"] == "unknown" and entry["layer"] is None for entry in hazards)
