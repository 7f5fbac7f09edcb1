"""Landslide zones (土砂災害警戒区域) where the hills meet the fields and houses: steep slopes, debris flows and slides, coded as in KSJ A33."""
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from .chance import Chance
from .curve import normals, smooth

STEEP, DEBRIS, SLIDE = 1, 2, 3                    # A33_001
WARNING, SPECIAL, WARNING_PLANNED = 1, 2, 3       # A33_002


@dataclass
class Zone:
    phenomenon: int
    area: int
    number: str
    name: str
    address: str
    notified: str | None
    special_pending: int
    shape: Polygon


def make_landslides(seed, terrain, districts):
    chance = Chance(seed, "landslides")
    town = terrain.boundary.buffer(-5)
    villages = [d for d in districts if d.village or d.quarter in ("城下町", "寺町")]
    zones, count = [], {STEEP: 0, DEBRIS: 0, SLIDE: 0}

    def add(kind, yellow, red, planned=False):
        yellow = tidy(shapely.make_valid(yellow).intersection(town))
        if yellow is None or yellow.area < 900 or any(z.phenomenon == kind and z.shape.intersects(yellow) for z in zones):
            return
        red = tidy(shapely.make_valid(red).intersection(yellow)) if red is not None else None
        red = tidy(red.intersection(yellow), 0) if red is not None else None      # simplifying may have moved it out
        count[kind] += 1
        middle = yellow.centroid
        village = min(villages, key=lambda d: np.hypot(d.middle[0] - middle.x, d.middle[1] - middle.y))
        number = f"{'KDJ'[kind - 1]}-99201-{count[kind]:04d}"
        place = village.name.removeprefix("大字")
        name = f"{place}{'沢の入' if kind == DEBRIS else '地すべり' if kind == SLIDE else ''}{count[kind]}"
        date = None if planned else f"20{chance.randint(12, 22)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        address = f"見本県見本市{village.name}"
        zones.append(Zone(kind, WARNING_PLANNED if planned else WARNING, number, name, address, date, 1 if red is None and not planned and kind != SLIDE else 0, yellow))
        if red is not None and red.area > 150 and not planned:
            zones.append(Zone(kind, SPECIAL, number, name, address, date, 0, red))

    feet = foot_lines(terrain)
    for foot in feet:
        at = chance.between(20, 120)
        while at < foot.length - 60:
            length = min(chance.between(90, 320), foot.length - at - 5)
            steep_zone = band(foot, at, at + length, terrain, chance)
            if steep_zone and chance.happens(0.75):
                add(STEEP, *steep_zone, planned=chance.happens(0.08))
            at += length + chance.between(15, 90)
    for foot in feet:
        at = chance.between(80, 200)
        while at < foot.length - 60:
            fan = flow(foot.interpolate(at), terrain, chance)
            if fan:
                add(DEBRIS, *fan)
            at += chance.between(130, 330)
    for _ in range(60):
        if count[SLIDE] == 6:
            break
        u, v = chance.between(-3200, -1750), chance.between(-2200, 2300)
        if 12 < terrain.hill(u, v) < 75:
            add(SLIDE, blob(u, v, terrain, chance), None)
    zones.sort(key=lambda z: (z.phenomenon, z.number, z.area))
    studied = shapely.union_all([z.shape.buffer(320) for z in zones] + [foot.buffer(420) for foot in feet] + [hills(terrain)])
    studied = shapely.intersection(studied.buffer(120).buffer(-120), terrain.boundary).simplify(5)
    studied = max(shapely.get_parts(studied), key=lambda p: p.area)
    return zones, Polygon(studied.exterior).union(shapely.union_all([z.shape for z in zones]))


def hills(terrain):
    u, v = np.meshgrid(np.arange(-3700, -1000, 60), np.arange(-3000, 3000, 60))
    high = terrain.hill(u, v) > 10
    return shapely.union_all([shapely.box(a - 30, b - 30, a + 30, b + 30) for a, b in zip(u[high], v[high])])


def foot_lines(terrain, level=6.0, step=25):
    """Where the slope begins: the border of the ground higher than `level`, smoothed."""
    u, v = np.meshgrid(np.arange(-3700, -1000, step), np.arange(-3000, 3000, step))
    high = terrain.hill(u, v) > level
    ground = shapely.union_all([shapely.box(a - step / 2, b - step / 2, a + step / 2, b + step / 2) for a, b in zip(u[high], v[high])])
    ground = ground.buffer(40).buffer(-80).buffer(40)
    inside = terrain.boundary.buffer(-60)
    lines = []
    for part in shapely.get_parts(ground):
        if part.area < 90_000:
            continue
        for line in shapely.get_parts(shapely.intersection(part.exterior.simplify(12), inside)):
            if line.length > 200:
                lines.append(LineString(smooth(np.asarray(line.coords)[:: max(1, len(line.coords) // int(line.length / 70 + 1))], 12)))
    lines.sort(key=lambda l: (-round(l.bounds[3]), round(l.bounds[0])))
    return lines


def uphill(terrain, u, v):
    e = 15
    g = np.array([terrain.hill(u + e, v) - terrain.hill(u - e, v), terrain.hill(u, v + e) - terrain.hill(u, v - e)], float) / (2 * e)
    return g


def band(foot, start, end, terrain, chance):
    """A steep slope with the strip below it: twice the slope's height downhill, at most 50 m; the red zone is narrower."""
    n = max(5, int((end - start) / 14))
    points = np.array([foot.interpolate(s).coords[0] for s in np.linspace(start, end, n)])
    side = normals(points)
    g = uphill(terrain, *points[n // 2])
    if np.hypot(*g) < 0.02:
        return None
    if side[n // 2] @ g < 0:
        side = -side
    taper = np.sin(np.linspace(0.18, np.pi - 0.18, n)) ** 0.5
    up, down = chance.between(25, 55), chance.between(26, 48)
    wobble = lambda: np.array([chance.between(0.82, 1.18) for _ in range(n)])

    def strip(above, below):
        top, bottom = points + side * (above * taper * wobble())[:, None], points - side * (below * taper * wobble())[:, None]
        return Polygon(np.vstack([top, bottom[::-1]]))
    yellow = strip(up, down)
    red = strip(up * 0.8, down * chance.between(0.2, 0.45)) if chance.happens(0.85) else None
    return yellow, red


def flow(mouth, terrain, chance):
    """A debris flow: down a gully, then spreading as a fan below its mouth."""
    here = np.array([mouth.x, mouth.y])
    path = [here]
    for _ in range(14):      # up the gully, leaning to the lowest way
        g = uphill(terrain, *path[0])
        if np.hypot(*g) < 0.015:
            break
        path.insert(0, path[0] + 22 * g / np.hypot(*g))
    if len(path) < 7:
        return None
    ahead = path[-1] - path[-3]
    ahead = ahead / np.hypot(*ahead)
    lean = chance.between(-0.12, 0.12)
    for k in range(chance.randint(5, 9)):
        ahead = ahead @ np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
        path.append(path[-1] + ahead * 22)
    path = smooth(np.array(path), 12)
    t = np.linspace(0, 1, len(path))
    spread = chance.between(38, 70)
    half = 9 + 6 * t + spread * np.clip((t - 0.45) / 0.45, 0, 1) ** 1.4
    half = half * np.where(t > 0.93, np.sqrt(np.clip(1 - ((t - 0.93) / 0.08) ** 2, 0.1, 1)), 1)
    side = normals(path) * half[:, None]
    yellow = Polygon(np.vstack([path + side, (path - side)[::-1]]))
    cut = int(len(path) * chance.between(0.55, 0.75))
    narrow = normals(path) * np.minimum(half, 17)[:, None]
    red = Polygon(np.vstack([(path + narrow)[2:cut], (path - narrow)[2:cut][::-1]])) if chance.happens(0.8) else None
    return yellow, red


def blob(u, v, terrain, chance):
    g = uphill(terrain, u, v)
    g = g / max(0.001, np.hypot(*g))
    long, wide = chance.between(120, 230), chance.between(70, 120)
    corners = [(np.cos(a) * long * chance.between(0.85, 1.15), np.sin(a) * wide * chance.between(0.85, 1.15)) for a in np.linspace(0, 2 * np.pi, 9)[:-1]]
    return Polygon(smooth([(u + a * g[0] - b * g[1], v + a * g[1] + b * g[0]) for a, b in corners], 20, closed=True))


def tidy(shape, tolerance=0.8):
    """One simple polygon without holes, or None."""
    parts = [p for p in shapely.get_parts(shapely.make_valid(shape)) if p.geom_type == "Polygon"]
    if not parts:
        return None
    best = max(parts, key=lambda p: p.area)
    return Polygon(best.exterior).simplify(tolerance)
