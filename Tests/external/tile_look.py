"""One tile, read and held against what should be in it; the rules are told in `pyramid`."""
import collections
import dataclasses
import datetime

import mapbox_vector_tile
import numpy as np
import shapely
import vectortile
from truth import EXTENT

BUFFER, PIXEL = 64, 16   # units
ROUNDING = 1.5          # units: what rounding may move two things apart
MOST_BYTES = 500_000
MOST_VERTICES = 65_535
SPOTS = 1_000           # places of a tile that are looked at, at most
GRID = 48               # such places along a tile's side
TINY = 4                # square units that may be nothing on the grid
SIMPLER = 4             # units that an edge may be off where vertices are left out, rounding included


@dataclasses.dataclass(frozen=True)
class Fault:
    rule: str
    layer: str
    set: str
    zoom: int
    row: int
    column: int
    what: str

    def __str__(self):
        return f"{self.rule}: {self.layer} {self.set} {self.zoom}/{self.row}/{self.column}: {self.what}"


class Look:
    """One tile with what should be in it."""

    def __init__(self, pyramid, zoom, x, y):
        self.pyramid, self.layer, self.world = pyramid, pyramid.layer, pyramid.world
        self.zoom, self.x, self.y = zoom, x, y
        self.is_compared, self.covered_by_others = False, 0
        path = f"/collections/{self.layer.id}/tiles/{self.world.set}/{zoom}/{y}/{x}?f=mvt"
        status, headers, self.data = pyramid.server.get(path)
        self.left_out = int(headers.get("Kasane-Left-Out") or 0)
        if status not in (200, 204) or (status == 204) != (not self.data):
            self.fault("decodes", f"status {status} with {len(self.data)} bytes")
            self.data = b""
        self.ids, self.shapes, self.properties, self.alone = np.zeros(0, dtype=int), np.zeros(0, dtype=object), [], np.zeros(0, dtype=bool)
        self.read()

    def fault(self, rule, what):
        self.pyramid.faults.append(Fault(rule, self.layer.id, self.world.set, self.zoom, self.y, self.x, what))

    def read(self):
        if len(self.data) > MOST_BYTES:
            self.fault("size", f"{len(self.data):,} bytes")
        if not self.data:
            return
        try:
            layers = vectortile.read(self.data)
        except vectortile.Broken as error:
            self.fault("decodes", str(error))
            return
        if list(layers) != [self.layer.id] or layers[self.layer.id].extent != EXTENT:
            self.fault("decodes", f"layers {list(layers)}")
            return
        tile = layers[self.layer.id]
        rows = [self.layer.row(id, properties) for id, properties in zip(tile.ids.tolist(), tile.properties)]
        known = np.array([row is not None for row in rows])
        if not known.all():
            self.fault("ids", f"no feature has the number {tile.ids[~known][0]}")
        pairs = list(zip(tile.ids.tolist(), tile.kinds.tolist()))
        twice = [pair for pair, count in collections.Counter(pairs).items() if count > 1]
        if twice:
            self.fault("ids", f"{len(twice)} features are there twice, such as {twice[0]}")
        self.ids, self.shapes = tile.ids[known].astype(np.int64), tile.shapes[known]
        self.properties = [each for each, is_known in zip(tile.properties, known) if is_known]
        self.rows = np.array([row for row in rows if row is not None], dtype=int)
        invalid = ~shapely.is_valid(self.shapes)
        if invalid.any():
            self.fault("valid", f"{invalid.sum()} features, such as {self.ids[invalid][0]}: {shapely.is_valid_reason(self.shapes[invalid])[0]}")
        parts, owners = shapely.get_parts(self.shapes, return_index=True)
        many = (shapely.get_num_coordinates(parts) > MOST_VERTICES) & (shapely.get_dimensions(parts) == 2)
        if many.any():
            self.fault("vertices", f"feature {self.ids[owners[many][0]]} has {shapely.get_num_coordinates(parts[many][0]):,}")
        low, high = shapely.total_bounds(self.shapes).reshape(2, 2)
        if low.min() < -BUFFER or high.max() > EXTENT + BUFFER:
            self.fault("bounds", f"{low} to {high}")
        self.alone = np.array([self.is_alone(row, properties) for row, properties in zip(self.rows, self.properties)], dtype=bool)
        if self.pyramid.wants_second_opinion(len(self.data)):
            self.ask_mapbox(tile)

    def ask_mapbox(self, tile):
        theirs = mapbox_vector_tile.decode(self.data, default_options={"y_coord_down": True})[self.layer.id]["features"]
        same = [each["id"] for each in theirs] == tile.ids.tolist() and [each["properties"] for each in theirs] == tile.properties
        areas = np.array([shapely.geometry.shape(each["geometry"]).area for each in theirs])
        if not same or not np.allclose(areas, shapely.area(tile.shapes)):
            self.fault("decodes", "mapbox_vector_tile reads something else")

    def is_alone(self, row, properties):
        """Whether a feature is in the tile by itself; what stands for others has nothing but a class, which a phenomenon may belong to."""
        wanted = self.layer.properties[row]
        if same_values(wanted, properties, self.layer.schema):
            return True
        if self.left_out and len(properties) < 3 and all(wanted.get(name) == value for name, value in properties.items()):
            return False
        self.fault("values", f"feature {self.layer.ids[row]}: {short(properties)}, not {short(wanted)}")
        return True

    # MARK: Against the truth

    def compare(self):
        grid = lambda rows: self.world.on_grid(self.world.shapes[rows], self.zoom, self.x, self.y)
        near = self.world.near(self.zoom, self.x, self.y, BUFFER + PIXEL + ROUNDING)
        self.near, self.true = near, grid(near)
        self.true_bounds = shapely.bounds(self.true)
        self.is_compared = True
        self.presence()
        if self.layer.rank and 0 < self.left_out < 100:
            self.squeezed_out()
        self.areas()
        if self.shapes.size:
            self.closeness()
            if self.layer.fits:
                self.borders()
        if self.layer.rank:
            self.hazards()
        return self

    def presence(self):
        alone = set(self.rows[self.alone].tolist()) if len(self.ids) else set()
        touches, enough = self.reaches(-BUFFER)
        must = self.near[enough]
        for rule, rows in [("missing", must), ("silent", self.near[touches])]:
            lost = [row for row in rows.tolist() if row not in alone]
            if rule == "missing":
                lost = [row for row in lost if not self.is_thin(row)]
            if len(lost) > self.left_out:
                self.fault(rule, f"{len(lost)} features, {self.left_out} are said to be left out; such as {self.layer.ids[lost[0]]} {short(self.layer.degrees[lost[0]].wkt)}")
                break
        if not len(self.ids):
            return
        place = {row: i for i, row in enumerate(self.near.tolist())}
        stray = [row for row in alone if row not in place]
        if stray:
            self.fault("stray", f"feature {self.layer.ids[stray[0]]}")
        if self.left_out == 0 and self.pyramid.counts_items():
            self.count()

    def squeezed_out(self):
        """How many hazards are not there because all that they have in the tile is drawn in their class or a graver one."""
        classes, alone = self.layer.classes, set(self.rows.tolist())
        box = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
        for row, true in zip(self.near.tolist(), self.true):
            part = shapely.intersection(shapely.make_valid(true), box)
            if row not in alone and not part.is_empty and len(self.ids):
                graver = shapely.union_all(self.shapes[(classes[self.rows] >= classes[row]) & shapely.dwithin(self.shapes, part, ROUNDING)])
                self.covered_by_others += shapely.covers(graver.buffer(ROUNDING), part)

    def is_thin(self, row):
        """Coordinates are stored in whole world units, a centimetre: what is thinner than two of them here may be nothing."""
        box = self.world.box(self.zoom, self.x, self.y, BUFFER)
        shape = self.world.shapes[row]
        return shapely.get_dimensions(shape) == 2 and shapely.clip_by_rect(shape, *box).buffer(-2).is_empty

    def reaches(self, inset):
        """Of the features near the tile those that lie in it, or so far outside; and those that do with more than rounding can take."""
        low, high = inset, EXTENT - inset
        bounds = self.true_bounds
        inside = (bounds[:, 0] >= low) & (bounds[:, 1] >= low) & (bounds[:, 2] <= high) & (bounds[:, 3] <= high)
        touches = (bounds[:, 0] <= high) & (bounds[:, 1] <= high) & (bounds[:, 2] >= low) & (bounds[:, 3] >= low)
        dimension = shapely.get_dimensions(self.true)
        cut = np.array(self.true, dtype=object)
        cross = touches & ~inside & (dimension > 0)
        # What has corners to spare may be drawn without some of them, half a pixel of 512 from where it is.
        spare = shapely.get_num_coordinates(self.true) > 5
        for which, step in ((cross & ~spare, 1), (cross & spare, SIMPLER)):
            cut[which] = shapely.clip_by_rect(cut[which], low + step, low + step, high - step, high - step)
        spans = np.hypot(*(shapely.bounds(cut)[:, 2:] - shapely.bounds(cut)[:, :2]).T)
        # A point that rounding moves over the edge may be on either side.
        edge = (dimension == 0) & ((bounds[:, :2] < low + 0.01).any(axis=1) | (bounds[:, 2:] > high - 0.01).any(axis=1))
        touches &= ~edge & ~shapely.is_empty(cut)
        enough = np.where(dimension == 2, shapely.area(cut) >= TINY, np.where(dimension == 1, spans >= 3, True))
        return touches, touches & enough

    def count(self):
        """Of points, lines and areas that are large enough: their number is what items count in the same box."""
        inner, outer = (
            self.pyramid.server.json(f"/collections/{self.layer.id}/items?f=json&limit=1&bbox={','.join(map(repr, map(float, self.world.degrees(self.zoom, self.x, self.y, margin))))}")
            ["numberMatched"] - self.layer.without_place for margin in (-2, 2))
        tile = shapely.box(0, 0, EXTENT, EXTENT)
        met = set(self.rows[self.alone & shapely.intersects(self.shapes, tile)].tolist())
        alone = set(self.rows[self.alone].tolist())
        reaching = self.near[self.reaches(0)[0]].tolist()
        # Another rule says what of these has to be told.
        tiny = sum(row not in alone for row in reaching)
        # What is shown by its area only may be shown in the buffer.
        most = len(met | alone.intersection(reaching))
        if most < inner - tiny or len(met) > outer + tiny:
            self.fault("count", f"{len(met)} to {most} features, items say {inner} to {outer}")

    def areas(self):
        within = lambda shapes: np.nan_to_num(shapely.area(shapely.clip_by_rect(shapes, 0, 0, EXTENT, EXTENT)))
        bounds, dimension = self.true_bounds, shapely.get_dimensions(self.true)
        area = dimension == 2
        whole = area & (bounds[:, :2] >= 0).all(axis=1) & (bounds[:, 2:] <= EXTENT).all(axis=1)
        outside = (bounds[:, 0] >= EXTENT) | (bounds[:, 1] >= EXTENT) | (bounds[:, 2] <= 0) | (bounds[:, 3] <= 0)
        cross = area & ~whole & ~outside
        sizes = shapely.area(self.true)
        true = sizes[whole].sum() + within(self.true[cross]).sum()
        drawn = within(self.shapes[shapely.area(self.shapes) > 0]).sum() if len(self.shapes) else 0.0
        # What is too small to be drawn counts in the tile that its middle lies in.
        moved = sizes[cross & (sizes < 64)].sum()
        # In a few tiles rounding need not come out even.
        outline = shapely.length(shapely.clip_by_rect(self.true[whole | cross], 0, 0, EXTENT, EXTENT)).sum()
        self.pyramid.add_area(self, true, drawn, moved + (0 if self.pyramid.most is None else 0.25) * outline, outline)

    def closeness(self):
        place = {row: i for i, row in enumerate(self.near.tolist())}
        chosen = np.array([i for i in np.flatnonzero(self.alone) if self.rows[i] in place], dtype=int)
        if len(chosen) > 200:
            chosen = np.sort(self.pyramid.chance.choice(chosen, 200, replace=False))
        if not len(chosen):
            return
        true = self.true[[place[row] for row in self.rows[chosen].tolist()]]
        edge = EXTENT + BUFFER
        true = np.where(shapely.get_dimensions(true) == 0, true, shapely.clip_by_rect(true, -BUFFER - PIXEL, -BUFFER - PIXEL, edge + PIXEL, edge + PIXEL))
        drawn = self.shapes[chosen]
        # A collection is in the tile as several features, of which each must be near the whole only.
        owners, spots = self.spots(drawn)
        far = ~self.within(spots, true[owners], PIXEL + ROUNDING)
        if far.any():
            wrong = owners[far]
            self.fault("shape", f"{len(set(wrong.tolist()))} features are drawn where they are not, such as {self.ids[chosen[wrong[0]]]} at {spots[far][0]}")
        # Where a polygon is thinner than the grid it may end; a line may not.
        inside = shapely.box(1 - BUFFER, 1 - BUFFER, edge - 1, edge - 1)
        ends = (shapely.get_dimensions(true) < 2) & (shapely.get_dimensions(true) == shapely.get_dimensions(drawn))
        owners, spots = self.spots(true)
        lost = ends[owners] & shapely.intersects(spots, inside) & ~self.within(spots, drawn[owners], PIXEL + ROUNDING)
        if lost.any():
            wrong = owners[lost]
            self.fault("shape", f"{len(set(wrong.tolist()))} features are not drawn where they are, such as {self.ids[chosen[wrong[0]]]} at {spots[lost][0]}")
        largest = np.argsort(-shapely.area(true), kind="stable")[:10]
        places = self.grid()
        for i in largest[shapely.area(true[largest]) > 4 * PIXEL * PIXEL]:
            whole = true[i].geom_type in ("Polygon", "MultiPolygon") and true[i].is_valid
            deep = self.deep(places, true[i], PIXEL + ROUNDING) if whole else places[:0]
            bare = deep[~shapely.intersects(drawn[i], deep)]
            if len(bare):
                self.fault("shape", f"{len(bare)} places well within feature {self.ids[chosen[i]]} are bare, such as {bare[0]}")
                break

    def spots(self, shapes):
        """Vertices of shapes, and whose they are; some of them, where they are many."""
        places, owners = shapely.get_coordinates(shapes, return_index=True)
        if len(places) > SPOTS:
            chosen = np.sort(self.pyramid.chance.choice(len(places), SPOTS, replace=False))
            places, owners = places[chosen], owners[chosen]
        return owners, shapely.points(places)

    def grid(self):
        """Places all over the tile, somewhat at random."""
        step = EXTENT / GRID
        across, down = np.meshgrid(np.arange(GRID), np.arange(GRID))
        places = np.column_stack([across.ravel(), down.ravel()]) + self.pyramid.chance.random((GRID * GRID, 2))
        return shapely.points(places * step)

    @staticmethod
    def within(spots, shapes, reach):
        shapely.prepare(shapes)
        return shapely.dwithin(spots, shapes, reach)

    def borders(self):
        tile = shapely.box(0.5, 0.5, EXTENT - 0.5, EXTENT - 0.5)
        shapes = self.shapes[self.alone & (shapely.area(self.shapes) > 0)]
        if shapely.is_valid(shapes).all():
            edges = shapely.intersection(shapely.union_all(shapely.coverage_invalid_edges(shapes)), tile)
            if not edges.is_empty and not self.fit(shapes[shapely.dwithin(shapes, edges, 2)]):
                at = edges.representative_point()
                self.fault("border", f"{edges.length:.0f} units of border are not shared, such as at {at.x:.1f} {at.y:.1f}")
        if self.left_out:
            return
        whole = self.cut(self.world.whole)
        spots = self.deep(self.grid(), whole, PIXEL + ROUNDING)
        bare = spots[~self.covered(spots, self.shapes)]
        if len(bare):
            self.fault("gap", f"{len(bare)} places well within the layer are bare, such as {bare[0]}")

    @staticmethod
    def fit(shapes):
        """Whether none lies over another, and no vertex of one on an edge of another: what GEOS suspects is looked at once more, exactly."""
        if shapely.area(shapes).sum() - shapely.union_all(shapes).area > 1e-6:
            return False
        rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapes)]
        vertices = np.unique(np.concatenate(rings), axis=0)
        edges = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in rings])
        lines = shapely.linestrings(edges.reshape(-1, 2, 2))
        points, on = shapely.STRtree(lines).query(shapely.points(vertices), predicate="intersects")
        at = vertices[points]
        # Rounding of the predicate aside: the grid is whole.
        start, end = edges[on, :2], edges[on, 2:]
        straight = (end - start)[:, 0] * (at - start)[:, 1] == (end - start)[:, 1] * (at - start)[:, 0]
        return not (straight & (at != start).any(axis=1) & (at != end).any(axis=1)).any()

    def cut(self, area):
        """What of an area lies in the tile or near it, on its grid."""
        part = self.world.on_grid(shapely.clip_by_rect(area, *self.world.box(self.zoom, self.x, self.y, 3 * PIXEL)), self.zoom, self.x, self.y)
        return shapely.union_all([each for each in shapely.get_parts(shapely.make_valid(part)) if each.area > 0])

    @staticmethod
    def deep(spots, area, reach):
        """Those that lie in an area, farther than that from its border."""
        if area.is_empty:
            return spots[:0]
        border = area.boundary
        shapely.prepare([area, border])
        spots = spots[shapely.intersects(area, spots)]
        return spots[~shapely.dwithin(spots, border, reach)]

    @staticmethod
    def covered(spots, shapes):
        """Which of them lie in any of the shapes."""
        answer = np.zeros(len(spots), dtype=bool)
        answer[shapely.STRtree(shapes).query(spots, predicate="intersects")[0]] = True
        return answer

    def hazards(self):
        """Per class what is drawn, and where it is."""
        tile = shapely.box(0, 0, EXTENT, EXTENT)
        drawn_classes = self.layer.classes[self.rows] if len(self.ids) else np.zeros(0)
        graver_drawn = self.shapes[:0]
        places = self.grid()
        for rank, alone, graver in self.world.gravest_first:
            alone, graver_true = self.cut(alone), self.cut(graver)
            graver_drawn = np.concatenate([graver_drawn, self.shapes[(drawn_classes == rank) & (shapely.area(self.shapes) > 0)]])
            true, drawn = (shapely.intersection(shapely.union_all(each), tile).area for each in (graver_true, graver_drawn))
            self.pyramid.add_least(self, rank, true, drawn)
            spots = self.deep(places, alone, PIXEL + ROUNDING)
            wrong = spots[~self.covered(spots, graver_drawn)]
            if len(wrong):
                lesser = sorted({int(each) for each in drawn_classes[shapely.intersects(self.shapes, wrong[0])]}) if len(self.ids) else []
                self.fault("class", f"{len(wrong)} of {len(spots)} places well inside class {rank} are drawn lower, such as {wrong[0]} as {lesser or 'nothing'}")
        # Edges of hazards lie outside the true ones, those that they have together.
        self.pyramid.add_outline(self, shapely.intersection(graver_true.boundary, tile).length)
        if self.left_out:
            return
        every, drawn = np.array([graver_true]), np.array([shapely.union_all(graver_drawn)])
        for what, reach, these, those in [("with a hazard are bare", ROUNDING, every, drawn), ("without a hazard are drawn more than half a pixel out", PIXEL / 2 + ROUNDING, drawn, every)]:
            spots = np.concatenate([self.spots(these)[1], places[shapely.intersects(these[0], places)]])
            wrong = spots[shapely.intersects(spots, tile) & ~self.within(spots, np.repeat(those, len(spots)), reach)]
            if len(wrong):
                self.fault("outward", f"{len(wrong)} places {what}, such as {wrong[0]}")

    def meet(self, other):
        """A tile east (`other.x` is one more) or south of this one."""
        east = other.x > self.x
        strips = []
        for look, low in ((self, EXTENT - BUFFER / 2), (other, -BUFFER / 2)):
            box = (low, 0, low + BUFFER, EXTENT) if east else (0, low, EXTENT, low + BUFFER)
            parts = collections.defaultdict(lambda: shapely.Point())
            if len(look.ids):
                keep = look.alone & shapely.intersects(look.shapes, shapely.box(*box))
                back = (-EXTENT, 0) if east else (0, -EXTENT)
                for row, shape in zip(look.rows[keep].tolist(), look.shapes[keep]):
                    part = shapely.clip_by_rect(shape, *box) if shapely.get_dimensions(shape) else shapely.intersection(shape, shapely.box(*box))
                    if look is self:
                        part = shapely.affinity.translate(part, *back)
                    if not part.is_empty:
                        parts[row, int(shapely.get_dimensions(shape))] = part
            strips.append(parts)
        mine, theirs = strips
        for row, dimension in {*mine, *theirs}:
            a, b = mine[row, dimension], theirs[row, dimension]
            if dimension == 2:
                # Where areas fit together, what stands for one too thin for the grid may have taken a unit, in either tile somewhere else.
                differs = self.differ(shapely.make_valid(a), shapely.make_valid(b), ROUNDING + bool(self.layer.fits))
            else:
                differs = self.strays(a, b, east) or self.strays(b, a, east)
            if differs:
                self.fault("seam", f"feature {self.layer.ids[row]} is not the same in {other.zoom}/{other.y}/{other.x}")
                return

    @staticmethod
    def differ(mine, theirs, reach):
        """Whether of two areas one reaches farther than that, where either is more than two units wide: what is thinner may lie beside the other."""
        where = mine.symmetric_difference(theirs).buffer(-reach / 2)
        return where.area > 0 and shapely.dwithin(shapely.union(mine.buffer(-1), theirs.buffer(-1)), where, 2)

    @staticmethod
    def strays(mine, theirs, east):
        """Whether a line or points, but for what lies at the ends of the strip, are somewhere that the other's are not."""
        low, high = 12 - BUFFER / 2, BUFFER / 2 - 12
        # A unit of rounding moves far along the strip where a flat line enters it: what is near its ends may have its counterpart beyond them.
        first, last = 2 * ROUNDING, EXTENT - 2 * ROUNDING
        inner = shapely.clip_by_rect(mine, *((low, first, high, last) if east else (first, low, last, high))) if mine.length else mine
        if inner.is_empty or (mine.length and inner.length < 4):
            return False
        return theirs.is_empty or not shapely.dwithin(shapely.points(shapely.get_coordinates(inner)), theirs, ROUNDING).all()


def short(value):
    text = str(value)
    return text if len(text) < 200 else text[:200] + "…"


def same_values(wanted, got, schema):
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if wanted.keys() != got.keys():
        return False
    for name, value in wanted.items():
        other = got[name]
        if isinstance(value, datetime.datetime) and schema[name].get("format") == "date":
            value = value.date().isoformat()
        elif isinstance(value, datetime.datetime):
            other = datetime.datetime.fromisoformat(other)
            if (value.tzinfo is None) != (other.tzinfo is None):
                value, other = value.replace(tzinfo=None), other.replace(tzinfo=None)
        elif isinstance(value, datetime.date):
            value = value.isoformat()
        elif type(value) is not type(other):
            return False
        if value != other:
            return False
        kind = schema[name].get("type")
        if kind and not isinstance(other, {"integer": int, "number": float, "string": str, "boolean": bool}[kind]):
            return False
    return True
