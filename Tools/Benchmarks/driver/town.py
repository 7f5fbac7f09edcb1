"""An invented town of 1.77 million buildings, for who has no data of that size: a FlatGeobuf with twelve attributes, always the same.

Buildings stand on lots in a grid, closer where it is busy, turned with their street; most have four corners, some up to sixteen. Half of
the attributes are empty for most buildings, as in open data of real cities.
"""
import csv
import math
import random
import subprocess
import sys

SEED = 7
COUNT = 1_770_000
#: The town's south-west corner; its sides are 0.4 by 0.32 degrees.
WEST, SOUTH = 140.0, 37.3
COLUMNS, ROWS = 360, 352  # blocks of about 100 m
BLOCK_WIDTH, BLOCK_HEIGHT = 0.4 / COLUMNS, 0.32 / ROWS

COLUMNS_AND_TYPES = {
    "建物番号": "String", "町字コード": "String", "用途地域": "String", "土砂災害区域": "String", "土砂災害現象": "String",
    "浸水ランク": "Integer", "計測高さ": "Real", "屋根面積": "Real", "浸水深": "Real", "継続時間": "Real", "計画規模浸水深": "Real",
    "津波浸水深": "Real",
}


def make(work):
    """The file; made when it is not there."""
    made = work / f"town-{SEED}-{COUNT}.fgb"
    if made.exists():
        return made
    print("making an invented town of 1.77 million buildings", file=sys.stderr)
    table = work / "town.csv"
    with open(table, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["WKT", *COLUMNS_AND_TYPES])
        rows.writerows(buildings(random.Random(SEED)))
    (work / "town.csvt").write_text(",".join(["WKT", *COLUMNS_AND_TYPES.values()]))
    unfinished = work / "unfinished.fgb"
    unfinished.unlink(missing_ok=True)
    subprocess.run(
        ["ogr2ogr", "-f", "FlatGeobuf", unfinished, table, "-nln", "buildings", "-nlt", "POLYGON", "-a_srs", "EPSG:4326",
         "-oo", "EMPTY_STRING_AS_NULL=YES", "-oo", "KEEP_GEOM_COLUMNS=NO"], check=True)
    unfinished.rename(made)
    table.unlink()
    return made


def buildings(chance):
    centres = [(chance.uniform(0.1, 0.9), chance.uniform(0.1, 0.9), chance.uniform(0.03, 0.12)) for _ in range(14)]

    def weight(column, row):
        x, y = column / COLUMNS, row / ROWS
        return 0.15 + sum(math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s * s)) for a, b, s in centres)

    weights = {(column, row): weight(column, row) for column in range(COLUMNS) for row in range(ROWS)}
    share = COUNT / sum(weights.values())
    number, owed = 0, 0.0
    for (column, row), value in weights.items():
        owed += value * share
        lots = int(owed)
        owed -= lots
        if not lots:
            continue
        side = math.ceil(math.sqrt(lots))
        turned = chance.gauss(0, 0.2)
        town = f"{7000 + row // 16:05d}{column // 12:03d}{chance.randrange(1, 6):04d}"
        flooded = chance.random() < 0.4
        for lot in range(lots):
            number += 1
            x = WEST + (column + (lot % side + 0.5) / side) * BLOCK_WIDTH
            y = SOUTH + (row + (lot // side + 0.5) / side) * BLOCK_HEIGHT
            yield building(chance, number, x, y, 0.6 / side, turned, town, flooded)


def building(chance, number, x, y, size, turned, town, flooded):
    width, depth = (size * chance.uniform(0.5, 1) / 2 for _ in "xy")
    corners = outline(chance.random(), width, depth)
    sine, cosine = math.sin(turned), math.cos(turned)
    places = [
        f"{x + BLOCK_WIDTH * (a * cosine - b * sine):.7f} {y + BLOCK_HEIGHT * (a * sine + b * cosine):.7f}" for a, b in corners
    ]
    height = round(chance.lognormvariate(1.9, 0.45), 1)
    depth_of_flood = round(chance.uniform(0.1, 6), 3) if flooded else ""
    return [
        f"POLYGON (({','.join(places)},{places[0]}))", f"07-bldg-{number:07d}", town,
        chance.choice(("住居", "商業", "工業")) if chance.random() < 0.05 else "",
        "警戒区域" if chance.random() < 0.01 else "", "急傾斜地の崩壊" if chance.random() < 0.01 else "",
        chance.randrange(1, 6) if flooded else "", height, round(4 * width * depth * 100 * 90, 3), depth_of_flood,
        round(chance.uniform(1, 300), 1) if flooded else "", round(depth_of_flood / 3, 3) if flooded and chance.random() < 0.5 else "",
        round(chance.uniform(0.1, 2), 2) if chance.random() < 0.02 else "",
    ]


def outline(form, w, d):
    """Corners about the centre, anticlockwise."""
    if form < 0.55:
        return [(-w, -d), (w, -d), (w, d), (-w, d)]
    if form < 0.8:
        return [(-w, -d), (w, -d), (w, 0.2 * d), (0.3 * w, 0.2 * d), (0.3 * w, d), (-w, d)]
    if form < 0.95:
        return [(-w, -d), (w, -d), (w, d), (0.5 * w, d), (0.5 * w, 0.4 * d), (-0.4 * w, 0.4 * d), (-0.4 * w, d), (-w, d)]
    return [(w * math.cos(i * math.pi / 8), d * math.sin(i * math.pi / 8)) for i in range(16)]
