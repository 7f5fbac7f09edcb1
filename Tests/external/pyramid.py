"""Looks at the tiles of a layer and says what is wrong with them.

A *unit* is one step of a tile's grid of 4096, a *pixel* 16 units. What is true is what the whole layer says when it is downloaded; that this is the source is
shown by other tests. Held against it, at every zoom of both tile matrix sets:

| rule | what is demanded |
|---|---|
| `decodes` | the strict reader here, GDAL and mapbox_vector_tile read the same from every tile |
| `valid` | every polygon is valid by GEOS; shells and holes wound as the specification has it (the strict reader refuses others) |
| `bounds` | nothing lies more than 64 units outside the tile |
| `size` | a tile has 500,000 bytes at most, before compression |
| `vertices` | a polygon has 65,535 vertices at most in a tile: MapLibre draws no more |
| `ids` | a feature has the number that items give it, once |
| `values` | attributes are those of the feature, of the type that the schema says, the null ones absent; what stands for features that were left out has two at most, its class and phenomenon |
| `missing` | what reaches into the buffered tile (polygons with 4 square units or more there, lines 3 units long, every point; of those with more than four vertices what reaches 4 units into it) is in the tile, or is counted as left out |
| `silent` | whatever else reaches into it, however small, is in the tile or is counted as left out |
| `stray` | nothing is in a tile that is not within a pixel of it |
| `count` | where nothing is left out, `numberMatched` of the tile's box is the number of features there, but for what touches the edge within two units |
| `shape` | a feature's shape is nowhere more than a pixel from the true one |
| `area` | of all tiles of a zoom from 6 to 16, cut at their edges, the drawn area is within 5 % of the true one, and 4 square units a tile, and twice the root of the outlines' length; of hazards, the area of all together, and what lies within a unit of their common outline besides, as their edges are drawn outward |
| `least` | the area where a hazard is drawn, and where one of a class or a graver one is, is never less than the true one |
| `outward` | where nothing is left out, a hazard is drawn wherever there is one, to a unit and a half, and not where there is none within half a pixel |
| `class` | a place more than a pixel inside a class is drawn in that class or a graver one |
| `border` | polygons that fit together without a gap in the layer do so in the tile: along a common border both have the same vertices (GEOS, CoverageIsValid), |
| `gap` | and a place more than a pixel inside all of them together is covered |
| `seam` | within 32 units of a common edge two tiles show the same: areas wider than two units and lines to a unit and a half but for three units at the ends of the edge, areas that fit together to one more, the same points |
| `said` | what is left out is in the TileJSON, for that zoom, but for hazards of which all that a tile has is drawn in their class or a graver one |
| `same` | the same bytes in an archive, from another process, and from a second load of the same file |
"""
import collections
import dataclasses
import gzip
import math
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyogrio
import shapely
import vectortile
from server import KASANE
from tile_look import TINY, Fault, Look
from truth import LAST_LATITUDE, MERCATOR

AREA_ZOOMS = range(6, 17)
ARCHIVED = 300_000      # tiles of a zoom that an archive is made of, at most


class Pyramid:
    """The tiles of a layer in one tile matrix set, all of them or some."""

    def __init__(self, server, layer, set, chance, tiles=None):
        """`tiles`: how many of each zoom are looked at, at most; None: all."""
        self.server, self.layer, self.world, self.chance, self.most = server, layer, layer.worlds[set], chance, tiles
        self.faults, self.looks = [], {}
        self.sizes = collections.defaultdict(list)
        self._areas = collections.defaultdict(lambda: np.zeros(5))
        self._least = collections.defaultdict(lambda: np.zeros(2))
        self.whole = {}

    def wants_second_opinion(self, size):
        return self.most is None or size < 30_000

    def counts_items(self):
        return self.chance.random() < 0.2

    def add_area(self, look, true, drawn, moved, outline):
        self._areas[look.zoom] += (true, drawn, moved, 1, outline)

    def add_outline(self, look, length):
        self._areas[look.zoom] += (0, 0, length, 0, 0)

    def add_least(self, look, rank, true, drawn):
        self._least[look.zoom, rank] += (true, drawn)

    def places(self, zooms):
        """Per zoom the tiles that anything reaches into; where these are too many, a sample of the children of those of the zoom before."""
        roots = [(x, 0) for x in range(self.world.columns(0))]
        found, whole = roots, True
        for zoom in range(max(zooms) + 1):
            if zoom:
                found = [(2 * x + i, 2 * y + j) for x, y in found for i in (0, 1) for j in (0, 1)]
            filled = [(x, y) for x, y in found if self.reached(zoom, x, y)]
            limit = self.most or 4_000
            whole = whole and len(filled) <= limit
            if zoom in zooms:
                chosen = filled
                if len(filled) > limit:
                    counts = np.array([len(self.world.near(zoom, x, y, 0)) for x, y in filled])
                    picked = {int(counts.argmax()), *self.chance.choice(len(filled), limit - 1, replace=False).tolist()}
                    chosen = [filled[i] for i in sorted(picked)]
                self.whole[zoom] = whole
                yield zoom, chosen
            spare = max(64, limit)
            found = filled if len(filled) <= spare else [filled[i] for i in sorted(self.chance.choice(len(filled), spare, replace=False).tolist())]
            whole = whole and len(found) == len(filled)

    def reached(self, zoom, x, y):
        return len(self.world.tree.query(shapely.box(*self.world.box(zoom, x, y)), predicate="intersects")) > 0

    def look(self, zoom, x, y):
        if (zoom, x, y) not in self.looks:
            look = Look(self, zoom, x, y)
            self.looks[zoom, x, y] = look
            self.sizes[zoom].append(len(look.data))
        return self.looks[zoom, x, y]

    def run(self, zooms=range(17), seams=True):
        for zoom, places in self.places(zooms):
            for x, y in places:
                look = self.look(zoom, x, y).compare()
                for right, down in ((1, 0), (0, 1)) if seams else ():
                    if x + right < self.world.columns(zoom) and y + down < self.world.rows(zoom) and self.meets(zoom, x, y, right, down):
                        look.meet(self.look(zoom, x + right, y + down))
            for key in [key for key in self.looks if key[0] == zoom]:
                self.hashes(key)
        self.sums()
        self.said()
        return self.faults

    def meets(self, zoom, x, y, right, down):
        west, north, east, south = self.world.box(zoom, x, y)
        edge = shapely.LineString([(east, north), (east, south)] if right else [(west, south), (east, south)])
        return (self.most is None or self.chance.random() < 0.5) and len(self.world.tree.query(edge, predicate="intersects")) > 0

    def hashes(self, key):
        """What is kept of a tile that was looked at."""
        look = self.looks[key]
        self.looks[key] = Kept(look.data, look.left_out, len(look.ids), look.left_out - look.covered_by_others if look.is_compared else 0)

    def sums(self):
        for zoom, (true, drawn, moved, count, outline) in self._areas.items():
            if self.layer.rank:
                true, drawn = self._least[zoom, min(rank for each, rank in self._least if each == zoom)]
            # Each unit of an outline is rounded by chance; of so many, twice the root may be what they come to.
            slack = 0.05 * true + TINY * count + moved + 2 * math.sqrt(outline)
            if zoom in AREA_ZOOMS and abs(drawn - true) > slack:
                self.fault("area", zoom, f"{drawn:.0f} square units are drawn, {true:.0f} are true ({100 * (drawn / true - 1) if true else math.inf:+.1f} %)")
        for (zoom, rank), (true, drawn) in self._least.items():
            moved = 0 if self.whole[zoom] else self._areas[zoom][2]
            if zoom in AREA_ZOOMS and drawn < true * (1 - 1e-6) - moved:
                self.fault("least", zoom, f"of class {rank} or graver {drawn:.1f} square units are covered, {true:.1f} are true ({100 * (drawn / true - 1):+.2f} %)")

    def said(self):
        document = self.server.json(f"/collections/{self.layer.id}/tiles/{self.world.set}?f=tilejson")
        said = document["leftOut"].get(self.layer.id, {})
        silent = {zoom: kept.lacking for (zoom, _, _), kept in self.looks.items() if kept.lacking > 0 and not said.get(str(zoom))}
        for zoom, count in silent.items():
            self.fault("said", zoom, f"a tile leaves {count} out, the TileJSON says nothing")

    def fault(self, rule, zoom, what):
        self.faults.append(Fault(rule, self.layer.id, self.world.set, zoom, -1, -1, what))

    # MARK: The same again

    def again(self, server):
        """Every tile that was looked at, from another server that loaded the same file."""
        for (zoom, x, y), kept in self.looks.items():
            _, headers, data = server.get(f"/collections/{self.layer.id}/tiles/{self.world.set}/{zoom}/{y}/{x}?f=mvt")
            if data != kept.data or int(headers.get("Kasane-Left-Out") or 0) != kept.left_out:
                self.faults.append(Fault("same", self.layer.id, self.world.set, zoom, y, x, "a second load gives other bytes"))

    def archived(self, data, zooms=range(17)):
        """The same tiles in an archive, and that GDAL reads from it as many features as are there."""
        if self.world.set != MERCATOR:
            return self.one_by_one()
        west, north, east, south = shapely.total_bounds(self.world.shapes)
        across = lambda zoom: ((east - west) / self.world.side(zoom) + 2) * ((south - north) / self.world.side(zoom) + 2)
        zooms = [zoom for zoom in zooms if across(zoom) < (ARCHIVED if self.most is None else ARCHIVED / 100)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "all.mbtiles"
            command = [KASANE, "export", self.layer.id, "--format", "mbtiles", "--zooms", f"{min(zooms)}-{max(zooms)}", "--output", str(file), "--public", "--data", str(data)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            tiles = sqlite3.connect(file)
            bounds = [float(each) for each in tiles.execute("select value from metadata where name = 'bounds'").fetchone()[0].split(",")]
            if not (-180 <= bounds[0] <= bounds[2] <= 180 and -LAST_LATITUDE <= bounds[1] <= bounds[3] <= LAST_LATITUDE):
                self.fault("decodes", -1, f"bounds of an archive {bounds}")
            for (zoom, x, y), kept in self.looks.items():
                if zoom not in zooms:
                    continue
                row = tiles.execute("select tile_data from tiles where zoom_level = ? and tile_column = ? and tile_row = ?", (zoom, x, 2 ** zoom - 1 - y)).fetchone()
                if (gzip.decompress(row[0]) if row else b"") != kept.data:
                    self.faults.append(Fault("same", self.layer.id, self.world.set, zoom, y, x, "the archive has other bytes"))
            for zoom in zooms:
                stored = tiles.execute("select tile_data from tiles where zoom_level = ?", (zoom,)).fetchall()
                if not stored:
                    continue
                try:
                    _, _, shapes, _ = pyogrio.raw.read(file, columns=[], ZOOM_LEVEL=zoom, CLIP="NO")
                except Exception as error:
                    self.fault("decodes", zoom, f"GDAL: {error}")
                    continue
                if self.whole.get(zoom) and self.most is None:
                    ours = sum(len(vectortile.read(gzip.decompress(each))[self.layer.id].ids) for each, in stored)
                    if len(shapes) != ours:
                        self.fault("decodes", zoom, f"GDAL reads {len(shapes)} features, {ours} are there")

    def one_by_one(self):
        """GDAL reads single tiles."""
        keys = [key for key, kept in self.looks.items() if kept.data]
        if self.most is not None:
            keys = [keys[i] for i in self.chance.choice(len(keys), min(len(keys), 6), replace=False)]
        with tempfile.TemporaryDirectory() as folder:
            for zoom, x, y in keys:
                kept = self.looks[zoom, x, y]
                file = Path(folder) / "tile.pbf"
                file.write_bytes(kept.data)
                try:
                    _, _, shapes, _ = pyogrio.raw.read(f"MVT:{file}", columns=[], CLIP="NO")
                    if len(shapes) != kept.count:
                        raise ValueError(f"{len(shapes)} features, {kept.count} are there")
                except Exception as error:
                    self.faults.append(Fault("decodes", self.layer.id, self.world.set, zoom, y, x, f"GDAL: {error}"))


@dataclasses.dataclass
class Kept:
    data: bytes
    left_out: int
    count: int
    lacking: int
    """Left out, and not shown as something graver."""
