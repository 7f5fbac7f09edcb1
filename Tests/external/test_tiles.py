"""Tiles hold the features of the source: valid, with their area, for more than one decoder."""
import math
import subprocess

import mapbox_vector_tile
import numpy as np
import pyogrio
import shapely

EXTENT, BUFFER = 4096, 64
WORLD = 2 * math.pi * 6378137
FINEST = 16        # from here on tiles are enlarged by the map
TILES = 40         # of each layer at each zoom


def to_tile(z, x, y):
    """Degrees to the grid of a tile, y down."""
    def move(lonlat):
        east = (lonlat[:, 0] / 360 + 0.5) * 2**z - x
        sine = np.sin(np.radians(lonlat[:, 1]))
        south = (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * 2**z - y
        return np.column_stack([east, south]) * EXTENT
    return move


def column_row(lon, lat, z):
    (east, south), = to_tile(z, 0, 0)(np.array([[lon, lat]])) / EXTENT
    return int(east), int(south)


def tiles_of(source, z, chance):
    """Some of the tiles that the layer's features lie in, the emptiest and the fullest alike."""
    picked = set()
    shapes = list(source.geometries)
    for shape in chance.sample(shapes, min(len(shapes), TILES * 3)):
        west, south, east, north = shape.bounds
        left, top = column_row(west, north, z)
        right, bottom = column_row(east, south, z)
        picked.add((chance.randint(left, right), chance.randint(top, bottom)))
        if len(picked) == TILES:
            break
    return sorted(picked)


def decode(data):
    return mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}) if data else {}


def features_of(server, source, z, x, y):
    """Decoded features of a tile: properties and geometry on the tile's grid."""
    tile = decode(server.tile(source.id, z, x, y))
    assert set(tile) <= {source.id}
    layer = tile.get(source.id, {"features": [], "extent": EXTENT})
    assert layer["extent"] == EXTENT
    ids = [feature["id"] for feature in layer["features"]]
    assert len(set(ids)) == len(ids) and all(0 <= id < 2**53 for id in ids)
    return layer["features"], [shapely.geometry.shape(feature["geometry"]) for feature in layer["features"]]


def within_tile(shapes):
    return shapely.intersection(shapes, shapely.box(0, 0, EXTENT, EXTENT)) if len(shapes) else np.array([])


def test_every_shape_is_valid_at_every_zoom(server, sources, chance):
    for source in sources.values():
        for z in range(4, FINEST + 1):
            for x, y in tiles_of(source, z, chance)[:TILES if z > 11 else 4]:
                features, shapes = features_of(server, source, z, x, y)
                where = f"{source.id} {z}/{y}/{x}"
                assert all(not shape.is_empty for shape in shapes), where
                invalid = [feature["id"] for feature, shape in zip(features, shapes) if not shape.is_valid]
                assert not invalid, f"{where}: features {invalid}"
                if shapes:
                    bounds = shapely.total_bounds(shapes)
                    assert bounds.min() >= -BUFFER - 1 and bounds.max() <= EXTENT + BUFFER + 1, where


def test_area_is_conserved(server, sources, chance):
    """Rounding moves a vertex by half a grid unit at most in each direction, so area changes by less than the length of the outlines; before the finest
    zoom lines are a little simplified too. Hazards lose nothing: their outlines stand a unit or two outside, and two more where they are simplified."""
    compared = 0
    for source in sources.values():
        areas = np.array([shape for shape in source.geometries if shape.area > 0], dtype=object)
        if not len(areas):
            continue
        tree = shapely.STRtree(areas)
        for z in (FINEST - 2, FINEST - 1, FINEST):
            for x, y in tiles_of(source, z, chance):
                features, shapes = features_of(server, source, z, x, y)
                corners = [(x / 2**z * 360 - 180, latitude(y / 2**z)), ((x + 1) / 2**z * 360 - 180, latitude((y + 1) / 2**z))]
                near = tree.query(shapely.box(*corners[0], *corners[1]).buffer(1e-4))
                wanted = within_tile(shapely.transform(areas[near], to_tile(z, x, y)))
                got = within_tile([shape for shape in shapes if shape.area > 0])
                slack = (0.75 if z == FINEST else 1.5) * shapely.length(wanted).sum() + 4
                difference = shapely.area(got).sum() - shapely.area(wanted).sum()
                if source.hazard:
                    slack = (2 if z == FINEST else 4) * shapely.length(wanted).sum() + 40
                    assert difference >= -1e-3 * shapely.area(wanted).sum(), f"{source.id} {z}/{y}/{x}: {-difference} grid units of area are not shown"
                difference = abs(difference)
                assert difference <= slack, f"{source.id} {z}/{y}/{x}: {difference} grid units of area, {slack} allowed"
                compared += shapely.area(wanted).sum() > 2 * slack
    assert compared > 100, "hardly a tile had more area than what rounding may change"


def test_nothing_is_missing_from_the_finest_tiles(server, sources, chance):
    """Every feature of the source that reaches into the tile is in it, with its attributes, and no other but in the margin."""
    reached = 0
    for source in sources.values():
        if not source.key:
            continue
        keys = source.frame[source.key].astype(str).to_numpy()
        tree = shapely.STRtree(source.geometries)
        for x, y in tiles_of(source, FINEST, chance):
            features, _ = features_of(server, source, FINEST, x, y)
            box = [x / 2**FINEST * 360 - 180, latitude((y + 1) / 2**FINEST), (x + 1) / 2**FINEST * 360 - 180, latitude(y / 2**FINEST)]
            step = (box[2] - box[0]) / EXTENT
            inner, outer = shapely.box(*box).buffer(-step), shapely.box(*box).buffer((BUFFER + 1) * step, join_style="mitre")
            got = {str(feature["properties"][source.key]) for feature in features}
            at_least = set(keys[tree.query(inner, predicate="intersects")])
            at_most = set(keys[tree.query(outer, predicate="intersects")])
            reached += len(at_least)
            # What is smaller than the grid may be nothing there.
            tiny = set(keys[[i for i in tree.query(inner) if source.geometries[i].geom_type.endswith("Polygon") and area_on_grid(source.geometries[i], x, y) < 2]])
            assert at_least - tiny <= got <= at_most, f"{source.id} {FINEST}/{y}/{x}"
    assert reached > 500


def area_on_grid(shape, x, y):
    return shapely.transform(shape, to_tile(FINEST, x, y)).area


def latitude(part):
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * part))))


def test_far_tiles_keep_the_picture(server, sources, chance):
    """At small scales shapes may be simplified, but what covers much of a tile still does."""
    compared = 0
    for source in sources.values():
        areas = np.array([shape for shape in source.geometries if shape.area > 0], dtype=object)
        if not len(areas):
            continue
        for z in range(9, FINEST - 2):
            for x, y in tiles_of(source, z, chance)[:6]:
                _, shapes = features_of(server, source, z, x, y)
                wanted = shapely.area(within_tile(shapely.transform(areas, to_tile(z, x, y)))).sum()
                got = shapely.area(within_tile([shape for shape in shapes if shape.area > 0])).sum()
                if wanted > 200_000:
                    assert got > (0.999 if source.hazard else 0.9) * wanted, f"{source.id} {z}/{y}/{x}: {got} of {wanted}"
                    assert got < (1.3 if source.hazard else 1.1) * wanted, f"{source.id} {z}/{y}/{x}: {got} of {wanted}"
                    compared += 1
    assert compared > 50, "hardly a tile was covered"


def test_gdal_reads_the_same_from_a_tile(server, sources, chance, tmp_path):
    for source in sources.values():
        for z in (12, 14, FINEST):
            for x, y in tiles_of(source, z, chance)[:3]:
                data = server.tile(source.id, z, x, y)
                features, shapes = features_of(server, source, z, x, y)
                if not features:
                    continue
                file = tmp_path / f"{source.id}-{z}-{x}-{y}.pbf"
                file.write_bytes(data)
                copy = file.with_suffix(".gpkg")
                done = subprocess.run(["ogr2ogr", str(copy), f"MVT:{file}", "-oo", f"X={x}", "-oo", f"Y={y}", "-oo", f"Z={z}", "-oo", "CLIP=NO"],
                                      capture_output=True, text=True)
                assert done.returncode == 0 and "rror" not in done.stderr, done.stderr
                frame = pyogrio.read_dataframe(copy)
                assert sorted(frame["mvt_id"]) == sorted(feature["id"] for feature in features)
                assert frame.geometry.is_valid.all()
                unit = WORLD / 2**z / EXTENT
                order = np.argsort([feature["id"] for feature in features])
                ours = shapely.area(np.array(shapes, dtype=object))[order]
                theirs = (frame.sort_values("mvt_id").geometry.area / unit**2).to_numpy()
                assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-3), f"{source.id} {z}/{y}/{x}"
