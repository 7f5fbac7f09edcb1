"""A layer with everything a layer can have, made up at random, and what it holds as plain Python values: the truth that answers are held against."""
import datetime
import json
import math
import random

import pyarrow
import pyogrio
import shapely

ROWS = 1500
NAMES = ["市役所", "二本松", "髙﨑", "Ｔｏｋｙｏ", "tokyo", "TOKYO", "Straße", "STRASSE", "café", "cafe\u0301", "CAFE", "ｶﾞｽ", "ガス", "がす", "カス",
         "a%b", "a_b", "a\\b", "o'clock", "say \"x\"", "", " ", "𠮷野家", "①", "1", "İ", "i\u0307", "№"]
TAGS = ["水", "火", "土", "a", "b"]
UTC = datetime.timezone.utc
JAPAN = datetime.timezone(datetime.timedelta(hours=9))

#: Attribute, and what it is in GeoPackage.
SCHEMA = [("番号", pyarrow.int64()), ("big", pyarrow.int64()), ("small", pyarrow.int32()), ("size", pyarrow.float64()), ("flag", pyarrow.bool_()),
          ("名称", pyarrow.string()), ("day", pyarrow.date32()), ("at", pyarrow.timestamp("ms", "UTC")), ("since", pyarrow.timestamp("ms", "UTC")),
          ("until", pyarrow.timestamp("ms", "UTC")), ("tags", pyarrow.list_(pyarrow.string()))]
COLUMNS = [name for name, _ in SCHEMA]


class Row:
    """One feature: `values` by attribute (None where nothing is), and its geometry in degrees or None."""

    def __init__(self, values, geometry):
        self.values, self.geometry = values, geometry

    @property
    def id(self):
        return self.values["番号"]

    def json(self):
        """The feature as GeoJSON."""
        return {"type": "Feature", "id": self.id, "properties": {key: plain(value) for key, value in self.values.items()},
                "geometry": None if self.geometry is None else json.loads(shapely.to_geojson(self.geometry))}


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, datetime.date) else value


def make(seed):
    chance = random.Random(f"plenty {seed}")
    return [Row(values(chance, number), place(chance)) for number in range(1, ROWS + 1)]


def values(chance, number):
    maybe = lambda value: value if chance.random() < 0.8 else None
    since = moment(chance)
    return {
        "番号": number,
        "big": maybe(chance.choice([2**53 + chance.randrange(4), -2**63, 2**63 - 1, chance.randrange(-2**63, 2**63), chance.randrange(5)])),
        "small": maybe(chance.randrange(-6, 12)),
        "size": maybe(chance.choice([chance.randrange(-8, 40) / 4, 0.1, 1e15, -1e-9, math.pi, 0.0])),
        "flag": maybe(chance.random() < 0.5),
        "名称": maybe(chance.choice(NAMES)),
        "day": maybe(datetime.date(2020, 1, 1) + datetime.timedelta(days=chance.randrange(40))),
        "at": maybe(moment(chance)),
        "since": maybe(since),
        "until": maybe(since + datetime.timedelta(hours=chance.choice([0, 1, 12, 24, 200]))),
        "tags": maybe(chance.sample(TAGS, chance.randrange(4))),
    }


def moment(chance):
    """On a coarse grid, so that some are the same."""
    return datetime.datetime(2020, 1, 1, tzinfo=UTC) + datetime.timedelta(hours=chance.randrange(40 * 24), milliseconds=chance.choice([0, 0, 0, 1]))


def corner(chance):
    """Quarters of a degree, so that things touch, cover and equal each other; all of it exact in binary and in the file."""
    return 138 + chance.randrange(17) / 4, 34 + chance.randrange(17) / 4


def anywhere(chance):
    return chance.choice([-180.0, -179.75, 179.75, 180.0, chance.randrange(-720, 721) / 4]), chance.choice([-90.0, 90.0, 89.75, chance.randrange(-360, 361) / 4])


def shape(chance, place=corner):
    """A valid geometry of any kind."""
    while True:
        points = [place(chance) for _ in range(chance.randrange(3, 6))]
        match chance.randrange(8):
            case 0 | 1: made = shapely.Point(points[0])
            case 2: made = shapely.LineString(points)
            case 3: made = shapely.Polygon(points[:3])
            case 4: made = shapely.box(*map(min, zip(*points[:2])), *map(max, zip(*points[:2])))
            case 5: made = shapely.MultiPoint(points)
            case 6: made = shapely.MultiLineString([points[:2], points[1:3]])
            case _: made = shapely.MultiPolygon([shapely.box(x, y, x + 0.25, y + 0.25) for x, y in dict.fromkeys(points[:2])])
        if made.is_valid and not made.is_empty and (made.geom_type != "MultiPolygon" or shapely.get_num_geometries(made) > 1):
            if made.is_simple or made.geom_type != "LineString":
                return made


def place(chance):
    kind = chance.random()
    if kind < 0.05:
        return None
    if kind < 0.2:
        # Small things all over the world, at the antimeridian and the poles too.
        x, y = anywhere(chance)
        if chance.random() < 0.5:
            return shapely.Point(x, y)
        return shapely.box(min(x, 179.75), min(y, 89.75), min(x, 179.75) + 0.25, min(y, 89.75) + 0.25)
    return shape(chance)


def write(rows, folder, id="plenty"):
    """The rows as a layer of a folder of layers."""
    (folder / id).mkdir(parents=True)
    columns = [pyarrow.array([row.values[name] for row in rows], type) for name, type in SCHEMA]
    geometry = pyarrow.array([None if row.geometry is None else shapely.to_wkb(row.geometry) for row in rows], pyarrow.binary())
    table = pyarrow.table([*columns, geometry], names=[*COLUMNS, "geom"])
    pyogrio.write_arrow(table, folder / id / f"{id}.gpkg", layer=id, driver="GPKG", geometry_name="geom", geometry_type="Unknown", crs="EPSG:4326")
    (folder / id / "layer.yaml").write_text(
        f"id: {id}\ntitle: {{ja: 何でも, en: Everything}}\ntheme: facility\naccess: public\n"
        f"source: {{file: {id}.gpkg, layer: {id}, id: 番号}}\ntime: {{start: since, end: until}}\n")
