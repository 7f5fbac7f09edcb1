"""What the source files of layers say, read by GDAL and moved by PROJ: the truth that answers are held against."""
import csv
import dataclasses
import datetime
import io
import math
import shutil
import subprocess

import geopandas
import numpy as np
import pyogrio
import shapely
import yaml

DEGREES = "EPSG:6668"   # JGD2011; the same numbers as WGS 84 within what these data know
NEAR = 3e-9             # degrees: what rounding to nine decimals and another order of operations may move a vertex


@dataclasses.dataclass
class Source:
    id: str
    description: dict
    file: str
    frame: geopandas.GeoDataFrame    # attributes under their public names, geometry in degrees
    coverage: object = None          # where a hazard was surveyed; None when nobody said

    @property
    def hazard(self):
        return self.description.get("hazard")

    @property
    def key(self):
        """The public name of the attribute that is the feature's id; None when the source has none."""
        column = self.description["source"].get("id")
        names = [name for name, each in (self.description.get("attributes") or {}).items() if each["column"] == column]
        return names[0] if names else column

    @property
    def geometries(self):
        return self.frame.geometry.values


def read_sources(folder):
    """All layers of a folder that everybody may see, by id."""
    found = {}
    for file in sorted(folder.glob("*/layer.yaml")):
        description = yaml.safe_load(file.read_text())
        if description["access"] == "public":
            source = read_source(file.parent, description)
            found[source.id] = source
    return found


def read_source(folder, description):
    file = folder / description["source"]["file"]
    frame = read_csv(file, description["source"]) if file.suffix == ".csv" else read_with_gdal(file, description["source"])
    attributes = description.get("attributes") or {}
    hidden = {each["column"] for each in attributes.values() if each.get("visibility", "public") != "public"}
    frame = frame.drop(columns=[column for column in frame.columns if column in hidden])
    frame = frame.rename(columns={each["column"]: name for name, each in attributes.items()})
    frame = frame.set_geometry(shapely.set_precision(frame.geometry.values, 0))
    coverage = (description.get("hazard") or {}).get("coverage")
    area = geopandas.read_file(folder / coverage).to_crs(DEGREES).geometry.union_all() if isinstance(coverage, str) else None
    return Source(description["id"], description, str(file), frame.to_crs(DEGREES), area)


def read_with_gdal(file, source):
    """Shapefiles that do not say their encoding are taken for what Japanese city halls write."""
    encoding = source.get("encoding")
    if file.suffix == ".zip" and not encoding and ".cpg" not in subprocess.run(["unzip", "-l", file], capture_output=True, text=True).stdout:
        encoding = "CP932"
    options = {"encoding": encoding} if encoding else {}
    return pyogrio.read_dataframe(file, layer=source.get("layer"), **options)


def read_csv(file, source):
    """A standard CSV of facilities; empty cells are null, as typed columns need."""
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(source.get("encoding") or "utf-8-sig"), newline="")))
    points = shapely.points([[float(row["経度"]), float(row["緯度"])] for row in rows])
    return geopandas.GeoDataFrame(rows, geometry=points, crs=source["crs"])


# --- comparing

def plain(value):
    """A value as JSON would have it: numbers as numbers, days as texts, nothing as None."""
    if value is None or value == "" or (isinstance(value, (float, np.floating)) and math.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value)
    if hasattr(value, "isoformat"):
        if value != value:   # a missing time
            return None
        if not isinstance(value, datetime.datetime) or (value.hour, value.minute, value.second) == (0, 0, 0):
            return value.isoformat()[:10]
    return str(value)


def same(wanted, got):
    """Two values are the same; a cell of a CSV that looks like a number may have become one."""
    wanted, got = plain(wanted), plain(got)
    if isinstance(wanted, str) and isinstance(got, float):
        try:
            return float(wanted) == got
        except ValueError:
            return False
    return wanted == got


def single(geometries):
    """Without what changes no shape: multiple geometries of one part, repeated vertices, where a ring starts and which way it goes."""
    geometries = shapely.remove_repeated_points(np.array(geometries, dtype=object))
    ones = shapely.get_num_geometries(geometries) == 1
    geometries[ones] = shapely.get_geometry(geometries[ones], 0)
    return shapely.normalize(geometries)


def pair(source, properties, geometries):
    """For each served feature its row in the source, by geometry and all attributes. Fails unless every row is met exactly once."""
    frame = source.frame
    assert len(properties) == len(frame), f"{source.id}: {len(properties)} features, the source has {len(frame)}"
    ours, theirs = single(frame.geometry.values), single(geometries)
    corner = lambda shapes: shapely.points(shapely.bounds(shapes)[:, :2])
    tree = shapely.STRtree(corner(ours))
    served, rows = tree.query(corner(theirs), predicate="dwithin", distance=NEAR)
    alike = np.array([close(theirs[i], ours[j]) for i, j in zip(served, rows)], dtype=bool)
    names = [name for name in frame.columns if name != frame.geometry.name]
    table = frame[names].to_dict("records")
    taken, result = set(), {}
    for i, j in zip(served[alike], rows[alike]):
        if i in result or j in taken:
            continue
        if all(same(table[j][name], properties[i].get(name)) for name in names if name in properties[i] or plain(table[j][name]) is not None):
            result[i] = j
            taken.add(j)
    lost = [i for i in range(len(properties)) if i not in result]
    assert not lost, f"{source.id}: {len(lost)} served features are like none of the source, such as {properties[lost[0]]} {theirs[lost[0]].wkt[:200]}"
    return [result[i] for i in range(len(properties))]


def close(a, b):
    """Vertex by vertex; where the order of parts differs by rounding, by area."""
    if a.geom_type != b.geom_type or shapely.get_num_coordinates(a) != shapely.get_num_coordinates(b):
        return False
    return shapely.equals_exact(a, b, NEAR) or shapely.hausdorff_distance(a, b) <= NEAR


def convert(file, target, *options):
    """`ogr2ogr`, where it has to be GDAL itself."""
    assert shutil.which("ogr2ogr"), "gdal-bin is not installed"
    done = subprocess.run(["ogr2ogr", *options, str(target), str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done
