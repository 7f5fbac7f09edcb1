"""The street network: main roads drawn by hand as curves, the land between them divided again and again by smaller and smaller streets.

Dividing is done on a flat sheet that is bent afterwards, so that streets bend together and still meet exactly.
"""
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.ops import polygonize

from .chance import Chance
from .curve import Waves, smooth

NATIONAL, PREFECTURAL, MAIN, STREET, LANE = 1, 2, 3, 4, 5
EDGE = 0    # a border of the land that is no street

MAIN_ROADS = [
    (NATIONAL, 16.0, "国道599号", [(-4300, 2050), (-3450, 1720), (-2750, 1900), (-2050, 1400), (-1350, 1450), (-650, 1420), (150, 1330), (900, 1450),
                                 (1700, 1180), (2600, 1350), (3900, 1150)]),
    (NATIONAL, 20.0, "国道599号見本バイパス", [(-1450, 1455), (-950, 1900), (-100, 2330), (700, 2480), (1500, 2020), (2250, 1750), (2900, 1290)]),
    (PREFECTURAL, 12.0, "県道12号見本石畑線", [(-350, 3400), (-150, 2400), (60, 1700), (120, 900), (40, 300), (180, -400), (120, -1250), (330, -2100), (120, -3300)]),
    (PREFECTURAL, 10.0, "県道48号沢入見本線", [(-4000, -250), (-2900, -500), (-2150, -330), (-1500, -480), (-700, -640), (150, -760), (900, -1130), (1600, -1450),
                                    (2300, -1500), (3100, -2300), (3700, -2500)]),
    (PREFECTURAL, 10.0, "県道75号柏原見本線", [(2350, 3400), (2300, 2450), (2450, 1700), (2650, 900), (2560, 200), (2800, -600), (2750, -1250), (2250, -1750), (1900, -3200)]),
    (MAIN, 9.0, "市道幹線1号線", [(-1350, 3400), (-1180, 2300), (-1060, 1450), (-980, 700), (-1120, 100), (-1230, -700), (-1050, -1600), (-1250, -3200)]),
    (MAIN, 9.0, "市道幹線2号線", [(-1400, 780), (-950, 800), (-350, 760), (300, 640), (1000, 380), (1750, 330), (2560, 180), (3900, 300)]),
    (MAIN, 9.5, "市道幹線3号線", [(950, 3300), (880, 2400), (960, 1450), (880, 800), (800, 200), (850, -600), (920, -1300), (780, -2000), (950, -3200)]),
    (MAIN, 8.0, "市道幹線4号線", [(-2450, -3100), (-2030, -2000), (-1730, -1200), (-1600, -420), (-1500, 200), (-1650, 700)]),
    (MAIN, 8.0, "市道幹線5号線", [(-2000, -1900), (-1100, -1750), (-300, -1900), (400, -1800), (1200, -1900), (2080, -2100)]),
]


@dataclass
class Street:
    kind: int
    width: float
    name: str | None
    line: LineString
    bridge: bool = False


@dataclass
class Network:
    streets: list      # between junctions
    cells: list        # land between street centre lines


class Sheet:
    """The flat sheet and how it bends: `bend` flat → land, `flatten` land → flat."""

    def __init__(self, seed, terrain):
        chance = Chance(seed, "sheet")
        self.east, self.north = Waves(chance, 2300), Waves(chance, 2300)
        self.small_east, self.small_north = Waves(chance, 620), Waves(chance, 620)

    def shift(self, xy):
        u, v = xy.T
        return np.column_stack([130 * self.east(u, v) + 17 * self.small_east(u, v), 130 * self.north(u, v) + 17 * self.small_north(u, v)])

    def bend(self, shape):
        return shapely.transform(shape, lambda xy: xy + self.shift(xy))

    def flatten(self, shape):
        def undo(xy):
            flat = xy.copy()
            for _ in range(40):
                flat = xy - self.shift(flat)
            return flat
        return shapely.transform(shape, undo)


def make_network(seed, terrain, density):
    chance = Chance(seed, "streets")
    sheet = Sheet(seed, terrain)
    wet = shapely.union_all([terrain.banks, terrain.stream])
    lines = [Street(EDGE, 0, None, terrain.boundary.exterior),
             Street(STREET, 4.5, "堤防道路", terrain.banks.exterior),
             Street(EDGE, 0, None, terrain.stream.exterior)]
    lines += [Street(kind, width, name, LineString(smooth(points))) for kind, width, name, points in MAIN_ROADS]
    lines = [Street(s.kind, s.width, s.name, sheet.flatten(shapely.intersection(s.line, terrain.boundary) if s.kind else s.line)) for s in lines]
    flat_wet = sheet.flatten(wet)
    shapely.prepare(flat_wet)
    land = [cell for cell in polygonize(shapely.union_all([s.line for s in lines], grid_size=0.05)) if not flat_wet.contains(cell.representative_point())]

    numbers = iter(range(101, 100_000))
    while land:
        cell = land.pop()
        for part in divide(cell, chance, sheet, density, terrain):
            if isinstance(part, Street):
                part.name = None if part.kind == LANE else f"市道{next(numbers)}号線"
                lines.append(part)
            else:
                land.append(part)

    noded = shapely.union_all([s.line for s in lines], grid_size=0.05)
    tree = shapely.STRtree([s.line for s in lines])
    streets, edges = [], []
    inside = terrain.boundary.buffer(-1)
    for edge in noded.geoms:
        # Where a border and a street lie on the same line, the street wins.
        found = tree.query(edge.interpolate(0.5, normalized=True), predicate="dwithin", distance=0.08)
        source = max((lines[i] for i in sorted(found)), key=lambda s: (s.kind != EDGE, s.width))
        bent = sheet.bend(shapely.segmentize(edge, 30))
        edges.append(bent)
        middle = bent.interpolate(0.5, normalized=True)
        if source.kind != EDGE and bent.length > 0.5 and inside.contains(middle):
            streets.append(Street(source.kind, source.width, source.name, bent, wet.contains(middle)))
    shapely.prepare(wet)
    cells = [c for c in polygonize(edges) if c.area > 60 and not wet.contains(c.representative_point())]
    order = lambda shape: (round(shape.centroid.y, 2), round(shape.centroid.x, 2))
    cells.sort(key=order)
    streets.sort(key=lambda s: (s.kind, s.name or "", *order(s.line)))
    return Network(streets, cells)


def divide(cell, chance, sheet, density, terrain):
    """Nothing when the cell is small enough, else the cutting streets and the cells between them."""
    middle = sheet.bend(cell.centroid)
    u, v = middle.x, middle.y
    goal = density.block_area(u, v)
    built = density(u, v)
    if cell.area < goal * chance.between(0.75, 1.6):
        return []
    if built > 0.12 and 11_000 < cell.area < 25_000 and chance.happens(0.10):
        return []      # stays whole: room for a school, a park, a hospital
    box = np.asarray(shapely.oriented_envelope(cell).exterior.coords)[:4]
    first, second = box[1] - box[0], box[2] - box[1]
    if np.hypot(*first) < np.hypot(*second):
        box = np.roll(box, -1, axis=0)
        first, second = second, box[2] - box[1]
    long, short = np.hypot(*first), np.hypot(*second)
    if short < 16:
        return []
    planned = density.planned(u, v)
    hilly = float(terrain.hill(u, v)) > 12
    kind, width = rank(cell.area, built, hilly, chance)
    cuts = []
    if planned and 5 * goal < cell.area < 26 * goal:
        across = max(2, round(long / (1.45 * goal ** 0.5)))
        down = max(1, round(short / (0.75 * goal ** 0.5)))
        fractions = [(k + chance.between(-0.08, 0.08)) / across for k in range(1, across)]
        cuts += [line(box, first, second, f, 0, 0, chance) for f in fractions]
        fractions = [(k + chance.between(-0.08, 0.08)) / down for k in range(1, down)]
        cuts += [line(np.roll(box, -1, axis=0), second, -first, f, 0, 0, chance) for f in fractions]
        kind, width = STREET, chance.between(5.6, 6.6)
    else:
        loose = 0.02 if planned else 0.05 if built > 0.2 else 0.10
        f = chance.between(0.4, 0.6)
        if long > 1.55 * short or cell.area > 3 * goal and long > 1.15 * short:
            cuts.append(line(box, first, second, f, loose, 1.2 * loose, chance))
        else:
            cuts.append(line(np.roll(box, -1, axis=0), second, -first, f, loose, 1.2 * loose, chance))
    pieces = [shapely.intersection(c, cell) for c in cuts]
    streets = [Street(kind, width if len(cuts) == 1 or chance.happens(0.7) else 5.0, None, part)
               for piece in pieces for part in shapely.get_parts(piece) if part.geom_type == "LineString" and part.length > 12]
    if not streets:
        return []
    parts = [p for p in polygonize(shapely.union_all([cell.exterior] + [s.line for s in streets], grid_size=0.05)) if p.area > 1]
    return streets + parts if len(parts) > 1 else []


def rank(area, built, hilly, chance):
    """Class and width in metres of a street that divides a cell of this many m²."""
    if hilly:
        return LANE, round(chance.between(2.5, 3.6), 1)
    if area > 450_000:
        return MAIN, round(chance.between(7.0, 9.0), 1)
    if area > 45_000:
        return STREET, round(chance.between(5.0, 6.8), 1)
    if chance.happens(0.5):
        return STREET, round(chance.between(4.0, 5.6), 1)
    return LANE, round(chance.between(2.7, 3.9), 1)


def line(box, along, across, fraction, tilt, wobble, chance):
    """A cut across a box at a fraction of its length; slightly tilted, slightly bent."""
    size = np.hypot(*across)
    start = box[0] + along * (fraction + tilt * chance.between(-1, 1)) - 0.05 * across
    end = box[0] + along * (fraction + tilt * chance.between(-1, 1)) + 1.05 * across
    unit = along / np.hypot(*along)
    inner = [start + (end - start) * t + unit * size * wobble * chance.between(-0.6, 0.6) for t in (0.33, 0.67)]
    return LineString(smooth([start, *inner, end], 30) if wobble else [start, end])
