"""Layers made up at random, with what city halls' data have: holes, parts, nulls, days, tiny and huge features."""
import datetime
import random

import geopandas
import numpy as np
import shapely

MIDDLE = (139.9, 36.6)   # degrees; on the sample town
SPAN = 0.08              # degrees to each side


def write_generated(folder, seed):
    """Writes `made-areas`, `made-lines` and `made-points` as layers into a folder of layers."""
    chance = np.random.default_rng(seed)
    names = random.Random(seed)
    for id, make, count in (("made-areas", area, 1500), ("made-lines", line, 800), ("made-points", point, 1200)):
        shapes = [make(chance) for _ in range(count)]
        frame = geopandas.GeoDataFrame(attributes(names, count), geometry=shapes, crs="EPSG:6668")
        (folder / id).mkdir()
        frame.to_file(folder / id / f"{id}.gpkg", layer="図形", engine="pyogrio")
        (folder / id / "layer.yaml").write_text(
            f"id: {id}\ntitle: {{ja: 試験 {id}, en: Test {id}}}\ntheme: facility\naccess: public\n"
            f"source: {{file: {id}.gpkg, layer: 図形, id: 番号}}\n")


def attributes(names, count):
    maybe = lambda value: value if names.random() < 0.8 else None
    words = ["市役所", "二本松", "髙﨑", "a\"b\\c", "<b>&amp;", "改\n行", "𠮷野家", "０１２", " 前後 ", "ｶﾅ"]
    return {
        "番号": [f"№{i:05d}" for i in range(count)],
        "名称": [maybe(names.choice(words)) for _ in range(count)],
        "数": np.array([names.randrange(-2**31, 2**31) for _ in range(count)]),
        "量": [maybe(names.choice([0.1, -1e-9, 1e15, names.random() * 1000])) for _ in range(count)],
        "日": [maybe(datetime.date(1990, 1, 1) + datetime.timedelta(days=names.randrange(20000))) for _ in range(count)],
    }


def place(chance):
    return np.round(np.array(MIDDLE) + chance.uniform(-SPAN, SPAN, 2), 8)


def point(chance):
    return shapely.Point(place(chance))


def line(chance):
    steps = chance.normal(0, 0.001, (chance.integers(2, 40), 2))
    return shapely.LineString(np.round(place(chance) + np.cumsum(steps, axis=0), 8))


def area(chance):
    """Star-shaped, so valid by construction: perhaps with a hole, perhaps of two parts."""
    def star(middle, radius, hole):
        angles = np.sort(chance.choice(360, chance.integers(4, 60), replace=False)) * np.pi / 180
        around = lambda low, high: middle + np.column_stack([np.cos(angles), np.sin(angles)]) * (radius * chance.uniform(low, high, len(angles)))[:, None]
        outer, inner = np.round(around(0.6, 1), 8), np.round(around(0.1, 0.3), 8)
        return shapely.Polygon(outer, [inner] if hole else [])
    while True:
        radius = 10 ** chance.uniform(-4.6, -2)   # degrees: two metres to a kilometre
        middle = place(chance)
        made = star(middle, radius, chance.random() < 0.3)
        if chance.random() < 0.1:
            made = shapely.MultiPolygon([made, star(middle + (3 * radius, 0), radius, False)])
        if made.is_valid and made.area > 0:
            return made
