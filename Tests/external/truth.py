"""What a layer holds, in degrees and in the units of each tile matrix set: what its tiles are held against."""
import functools
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pyogrio
import shapely

EXTENT = 4096           # units along a tile's side
SIDE = 2.0 ** 32        # world units around the equator
LAST_LATITUDE = 85.0511287798066
MERCATOR, PLATE_CARREE = SETS = ("WebMercatorQuad", "WorldCRS84Quad")
#: How grave the classes of a scheme are, where it is not their number: special zones (2, 4) more than others (1, 3), designated or not yet.
GRAVITY = {"landslide": {1: 1, 2: 2, 3: 1, 4: 2}}


class Layer:
    """What a layer holds: ids, properties, and shapes in degrees."""

    def __init__(self, server, id, rank=None, scheme=None, fits=None):
        """`rank`: the attribute that holds a hazard's class, of a scheme. `fits`: whether its polygons share their borders; None: GEOS finds out, of small layers."""
        self.id, self.rank = id, rank
        status, _, body = server.get(f"/collections/{id}/download?f=flatgeobuf")
        assert status == 200, f"{id}: {status}"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "whole.fgb"
            file.write_bytes(body)
            # Numbers exactly, also where some are null; geometries apart, for GDAL's columns break off where one is null.
            _, table = pyogrio.read_arrow(file, read_geometry=False)
            _, _, shapes, _ = pyogrio.raw.read(file, columns=[])
        self.server, self.schema = server, server.json(f"/collections/{id}/schema?f=json")["properties"]
        self.key = next((name for name, each in self.schema.items() if each.get("x-ogc-role") == "id" and name in table.column_names), None)
        self.ids = table.column(self.key or "id").to_pylist()
        names = [name for name in table.column_names if self.key or name != "id"]
        columns = {name: table.column(name).to_pylist() for name in names}
        self.properties = [dict(pairs) for pairs in zip(*([(name, value) for value in columns[name]] for name in names))]
        self.degrees = shapely.from_wkb(shapes)
        rows = {id: row for row, id in enumerate(self.ids)}
        assert len(rows) == len(self.ids), f"{self.id}: ids are there twice"
        # Where the source has ids of its own, tiles carry numbers, by which items know the features too.
        self._rows, self._by_id = ({}, rows) if self.key else (rows, {})
        self.without_place = int(shapely.is_missing(self.degrees).sum())
        self.worlds = {set: World(self, set) for set in SETS}
        dimensions = shapely.get_dimensions(self.degrees[~shapely.is_missing(self.degrees)])
        if fits is None:
            small = len(dimensions) >= 2 and shapely.get_num_coordinates(self.degrees).sum() < 120_000
            fits = bool(small and (dimensions == 2).all() and shapely.coverage_is_valid(self.degrees))
        self.fits = fits
        self.classes = np.array([GRAVITY.get(scheme, {}).get(each[rank], each[rank]) for each in self.properties]) if rank else None

    def row(self, number, properties):
        """The row of the feature that tiles know by a number; nothing when there is no such feature."""
        if number not in self._rows and self.key:
            told = self._by_id.get(properties.get(self.key))
            # Items are asked where the tile does not tell, and some times besides.
            if told is None or len(self._rows) < 50:
                status, _, body = self.server.get(f"/collections/{self.id}/items/{number}?f=json")
                asked = self._by_id.get(json.loads(body)["id"]) if status == 200 else None
                told = asked if told in (None, asked) else None
            self._rows[number] = told
        return self._rows.get(number)


class World:
    """The shapes of a layer in the units of a tile matrix set: x east, y south, from its north-west corner."""

    def __init__(self, layer, set):
        self.set = set
        shapes = layer.degrees
        if set == MERCATOR:
            # What lies beyond is in no tile.
            beyond = np.flatnonzero(np.abs(shapely.bounds(shapes)[:, [1, 3]]).max(axis=1) > LAST_LATITUDE + 1e-6)
            shapes = shapes.copy()
            shapes[beyond] = shapely.intersection(shapes[beyond], shapely.box(-180, -LAST_LATITUDE, 180, LAST_LATITUDE))
        self.shapes = shapely.transform(shapes, mercator if set == MERCATOR else plate_carree)
        self.bounds = shapely.bounds(self.shapes)
        self.areas = np.nan_to_num(shapely.area(self.shapes))
        self.tree = shapely.STRtree(self.shapes)

        self.layer = layer

    @functools.cached_property
    def whole(self):
        """All areas together."""
        return shapely.coverage_union_all(self.shapes) if self.layer.fits else shapely.union_all(self.shapes)

    @functools.cached_property
    def gravest_first(self):
        """Each class, where it is the gravest, and where it or a graver one is."""
        found, graver = [], shapely.Polygon()
        for rank in sorted({int(each) for each in self.layer.classes.tolist()}, reverse=True):
            own = shapely.union_all(self.shapes[self.layer.classes == rank])
            found.append((rank, own.difference(graver), own.union(graver)))
            graver = found[-1][2]
        return found

    def side(self, zoom):
        return SIDE / 2 ** (zoom + (self.set == PLATE_CARREE))

    def rows(self, zoom):
        return 2 ** zoom

    def columns(self, zoom):
        return 2 ** zoom if self.set == MERCATOR else 2 ** (zoom + 1)

    def on_grid(self, shapes, zoom, x, y):
        side = self.side(zoom)
        return shapely.transform(shapes, lambda place: (place - (x * side, y * side)) * (EXTENT / side))

    def box(self, zoom, x, y, margin=0.0):
        """West, north, east, south of a tile and as many units around it."""
        side = self.side(zoom)
        more = margin * side / EXTENT
        return x * side - more, y * side - more, (x + 1) * side + more, (y + 1) * side + more

    def near(self, zoom, x, y, margin):
        return self.tree.query(shapely.box(*self.box(zoom, x, y, margin)))

    def degrees(self, zoom, x, y, margin):
        """The box in degrees, as `bbox` has it."""
        west, north, east, south = np.array(self.box(zoom, x, y, margin)) / SIDE
        if self.set == MERCATOR:
            latitude = lambda part: math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * part))))
        else:
            latitude = lambda part: 90 - 360 * part
        return max(-180, west * 360 - 180), max(-90, latitude(south)), min(180, east * 360 - 180), min(90, latitude(north))


def mercator(lonlat):
    sine = np.sin(np.radians(np.clip(lonlat[:, 1], -LAST_LATITUDE, LAST_LATITUDE)))
    return np.column_stack([lonlat[:, 0] / 360 + 0.5, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * math.pi)]) * SIDE


def plate_carree(lonlat):
    return np.column_stack([lonlat[:, 0] + 180, 90 - lonlat[:, 1]]) * (SIDE / 360)
