"""Flood zones of 見本川 on a mesh of 0.45″ × 0.30″ (about 10 m), as the river manager's simulation would give them.

Depth = flood level − height of the ground above the ordinary flood level; the flood level is higher in the gorge upstream
and a little higher downstream. L1 (計画規模) and L2 (想定最大規模) differ in the level only, so L1 lies inside L2.
"""
from dataclasses import dataclass

import numpy as np
import shapely

from .place import from_degrees, to_degrees

MESH = (0.45 / 3600, 0.30 / 3600)
DEPTHS = [0, 0.5, 3, 5, 10, 20]      # lower bounds in metres of the official classes 1 to 6


@dataclass
class Flood:
    scenario: str
    zones: list        # (rank, polygon in degrees), ordered by rank and place
    surveyed: object   # polygon in degrees


def make_floods(terrain):
    west, south, east, north = to_degrees(terrain.boundary).bounds
    columns = np.arange(int(west / MESH[0]), int(east / MESH[0]) + 1)
    rows = np.arange(int(south / MESH[1]), int(north / MESH[1]) + 1)
    x, y = np.meshgrid(columns, rows)
    u, v = from_degrees((x + 0.5) * MESH[0], (y + 0.5) * MESH[1])
    shapely.prepare(terrain.boundary)
    town = shapely.contains_xy(terrain.boundary, u, v)
    rise = np.full(u.shape, 99.0)
    rise[town] = terrain.rise(u[town], v[town])
    gap, along = terrain.river_distance(u, v)

    # L1 is studied up to 1,300 m from the river, L2 up to 1,750 m; upstream of the town's own reach neither.
    studied = {"L1": (gap < 1300) & town, "L2": (gap < 1750) & town}
    swell = 15.5 * np.exp(-((along - 0.12) / 0.055) ** 2) + 2.5 * np.exp(-((along - 0.78) / 0.08) ** 2)
    depths = {"L1": 3.1 + 0.48 * swell - rise, "L2": 6.3 + swell - rise}
    ranks = {s: settle(np.where(d > 0, np.searchsorted(DEPTHS, d, side="right"), 0)) for s, d in depths.items()}
    ranks["L2"] = np.where(studied["L2"] & (gap < 1600), ranks["L2"], 0)
    ranks["L1"] = np.where(studied["L1"] & (gap < 1200), np.minimum(ranks["L1"], ranks["L2"]), 0)

    floods = []
    for scenario in ("L1", "L2"):
        zones = []
        for rank in range(1, 7):
            parts = [p for p in shapely.get_parts(outline(ranks[scenario] == rank, columns[0], rows[0])) if not p.is_empty]
            parts.sort(key=lambda p: (-p.bounds[3], p.bounds[0], p.area))
            zones += [(rank, on_earth(p)) for p in parts]
        wide = 1300 if scenario == "L1" else 1750
        surveyed = terrain.river.buffer(wide, quad_segs=6).intersection(terrain.boundary).simplify(4)
        wet = outline(ranks[scenario] > 0, columns[0], rows[0])
        # The boundary cuts mesh cells; what is a zone is surveyed.
        surveyed = shapely.make_valid(shapely.union(to_degrees(surveyed), on_earth(wet), grid_size=1e-8))
        surveyed = max(shapely.get_parts(surveyed), key=lambda p: p.area)
        floods.append(Flood(scenario, zones, shapely.Polygon(surveyed.exterior)))
    return floods


def settle(ranks):
    """Each cell takes the middle of its 5 × 5 neighbourhood, three times over, so that no lone cells are left."""
    for _ in range(3):
        padded = np.pad(ranks, 2, mode="edge")
        h, w = ranks.shape
        ranks = np.median(np.stack([padded[i:i + h, j:j + w] for i in range(5) for j in range(5)]), axis=0).astype(int)
    return ranks


def outline(mask, column0, row0):
    """The cells of a mask as polygons in whole mesh units, so that neighbours meet exactly."""
    boxes = []
    for j, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        boxes += [shapely.box(column0 + a, row0 + j, column0 + b, row0 + j + 1) for a, b in edges.reshape(-1, 2)]
    joined = shapely.union_all(boxes).simplify(0)
    return shapely.normalize(joined)


def on_earth(shape):
    return shapely.transform(shape, lambda xy: np.round(xy * MESH, 9))
