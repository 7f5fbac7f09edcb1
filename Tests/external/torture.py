"""Layers that are hard on whoever cuts them into tiles, made by a seed. Each is a function that gives a frame in degrees with a number `n` for each feature."""
import datetime
import math

import geopandas
import numpy as np
import shapely

PLACE = (139.7, 35.7)            # degrees; most layers lie around here
METRE = (1 / 90_500, 1 / 111_000)   # degrees a metre, there
EVERYWHERE = 85.051128779806604  # the latitude at which Web Mercator ends


def frame(shapes, **columns):
    shapes = np.asarray(shapes, dtype=object)
    return geopandas.GeoDataFrame({"n": np.arange(len(shapes)), **columns}, geometry=shapes, crs="EPSG:4326")


def around(chance, spread, count):
    """Places about the middle; `spread` in metres."""
    return np.array(PLACE) + chance.uniform(-spread, spread, (count, 2)) * METRE


def apart(count):
    """Places 30 km from each other."""
    return [rounded(np.array(PLACE) + np.array([i % 4, i // 4]) * 30_000 * METRE) for i in range(count)]


def rounded(coordinates):
    return np.round(coordinates, 7)


def spikes(chance, count=300):
    """A square with a thorn up to 20 km long that is a centimetre wide at its foot."""
    shapes = []
    for place in around(chance, 20_000, count):
        size, angle, length = 10 ** chance.uniform(0, 3), chance.uniform(0, 2 * math.pi), 10 ** chance.uniform(2, 4.3)
        foot = np.array([[size, -0.005], [size, 0.005]])
        ring = np.array([[-size, -size], [size, -size], foot[0], [size + length, 0], foot[1], [size, size], [-size, size]])
        turned = ring @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        shapes.append(shapely.Polygon(np.round(place + turned * METRE, 9)))
    return frame([shape for shape in shapes if shape.is_valid])


def slivers(chance, count=1000):
    """Parallelograms from three centimetres to a metre wide and up to 30 km long, in every direction."""
    shapes = []
    for place in around(chance, 20_000, count):
        angle, length, width = chance.uniform(0, math.pi), 10 ** chance.uniform(0, 4.5), 10 ** chance.uniform(-1.5, 0)
        along, across = np.array([math.cos(angle), math.sin(angle)]) * length / 2, np.array([-math.sin(angle), math.cos(angle)]) * width / 2
        shapes.append(shapely.Polygon(np.round(place + np.array([-along - across, along - across, along + across, -along + across]) * METRE, 9)))
    return frame([shape for shape in shapes if shape.is_valid and shape.area > 0])


def touching(chance, count=300):
    """Holes that touch their shell or each other in a point, and parts that touch in a point: all valid, none with room for rounding."""
    shapes = []
    for place in around(chance, 5_000, count):
        size = 10 ** chance.uniform(0.5, 3)
        at = lambda *corners: np.round(place + size * np.array(corners) * METRE, 7)
        x, y = chance.uniform(0.2, 0.6, 2)
        shell = at((0, 0), (1, 0), (1, y), (1, 1), (0, 1))
        hole = at((1, y), (x, y - 0.1), (x, y + 0.1))
        second = at((x, y - 0.1), (x - 0.1, y - 0.15), (x - 0.1, y + 0.05))
        other = at((1, 1), (1.5, 1), (1.5, 1.5), (1, 1.5))
        made = shapely.Polygon(shell, [hole, second])
        if chance.random() < 0.5:
            made = shapely.MultiPolygon([made, shapely.Polygon(other)])
        shapes.append(made)
    return frame([shape for shape in shapes if shape.is_valid])


def huge(chance, vertices=100_000):
    """Coasts of 100,000 vertices with a hole and an island in it, from a hundred metres to a hundred kilometres across."""
    shapes = []
    angles = np.linspace(0, 2 * math.pi, vertices, endpoint=False)
    for size in (100, 3_000, 100_000):
        wave = sum(chance.uniform(-1, 1) / k * np.sin(k * angles + chance.uniform(0, 7)) for k in range(1, 200))
        radius = 1 + 0.1 * wave + chance.uniform(-0.002, 0.002, vertices)
        ring = lambda part: np.array(PLACE) + np.column_stack([np.cos(angles), np.sin(angles)]) * (size * part * radius)[:, None] * METRE
        step = 1 if size > 1000 else 40
        shapes += [shapely.Polygon(np.round(ring(1)[::step], 9), [np.round(ring(0.6)[::step], 9)]), shapely.Polygon(np.round(ring(0.5)[::step], 9))]
    return frame([shape for shape in shapes if shape.is_valid])


def coast(chance, steps=7):
    """A Koch curve: 49,152 vertices, as rough at every zoom, beside its mirror image that shares a side."""
    line = np.array([0, 1], dtype=complex)
    for _ in range(steps):
        side = np.diff(line)
        line = np.append(np.column_stack([line[:-1], line[:-1] + side / 3, line[:-1] + side / 3 * (1 + np.exp(-1j * math.pi / 3)), line[:-1] + side * 2 / 3]).ravel(), line[-1])
    curve = np.round(np.array(PLACE) + np.column_stack([line.real, line.imag]) * 40_000 * METRE, 8)
    west, east = curve[0], curve[-1]
    north, south = 30_000 * METRE[1], 30_000 * METRE[1]
    above = np.vstack([curve, np.round([east + (0, north), west + (0, north)], 8)])
    below = np.vstack([curve[::-1], np.round([west - (0, south), east - (0, south)], 8)])
    return frame([shapely.Polygon(above), shapely.Polygon(below)])


def checkerboard(chance, side=60):
    """Squares of 1 m to 1 km that fill a square without a gap; one layer for all sizes, so that the largest lie on many tiles."""
    shapes, fields = [], []
    for board, size in enumerate((1, 7, 50, 400, 1_500)):
        corner = np.array(PLACE) + np.array([board * 0.9 - 2, 0])
        ticks = lambda axis: np.round(corner[axis] + np.arange(side + 1) * size * METRE[axis], 7)
        x, y = ticks(0), ticks(1)
        shapes += [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(side) for j in range(side)]
        fields += [(i + j) % 2 for i in range(side) for j in range(side)]
    return frame(shapes, field=fields)


def board(chance, side=40):
    """Every other square of a checkerboard as one feature: a thousand parts that touch at their corners."""
    parts = [shapely.box(*np.round(np.array([PLACE[0] + i * 3e-4, PLACE[1] + j * 3e-4, PLACE[0] + (i + 1) * 3e-4, PLACE[1] + (j + 1) * 3e-4]), 7))
             for i in range(side) for j in range(side) if (i + j) % 2 == 0]
    return frame([shapely.MultiPolygon(parts)])


def stars(chance, count=12, rays=360):
    """Wedges that all meet in one point, and share their sides."""
    shapes = []
    for place in apart(count):
        angles = np.sort(chance.uniform(0, 2 * math.pi, rays))
        rim = rounded(place + np.column_stack([np.cos(angles), np.sin(angles)]) * (10 ** chance.uniform(1, 4)) * METRE)
        wedges = [shapely.Polygon([place, rim[i], rim[(i + 1) % rays]]) for i in range(rays)]
        shapes += [wedge for wedge in wedges if wedge.is_valid and wedge.area > 0]
    return frame(shapes)


def nested(chance, depth=60):
    """Rings within rings, each in the hole of the next: a ring of class k is a hole of class k - 1."""
    shapes, classes = [], []
    for place in apart(6):
        size = 10 ** chance.uniform(2, 4)
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        rings = [rounded(place + np.column_stack([np.cos(angles), np.sin(angles)]) * size * (1 - k / depth) * (1 + 0.002 * np.sin(9 * angles))[:, None] * METRE)
                 for k in range(depth)]
        shapes += [shapely.Polygon(rings[k], [rings[k + 1]] if k + 1 < depth else []) for k in range(depth)]
        classes += [1 + k * 6 // depth for k in range(depth)]
    return frame(shapes, rank=classes)


def mesh(chance, side=80):
    """Triangles of six classes, as flood models hand them over: neighbours of other classes everywhere."""
    ticks = np.arange(side + 1)
    x, y = np.meshgrid(ticks, ticks)
    spread = chance.uniform(-0.2, 0.2, (2, side + 1, side + 1))
    size = 40
    places = rounded(np.array(PLACE) + np.stack([x + spread[0], y + spread[1]], axis=-1) * size * METRE)
    depth = 3 + 2.5 * np.sin(x / 9) * np.cos(y / 7) + chance.normal(0, 0.7, x.shape)
    shapes, classes = [], []
    for i in range(side):
        for j in range(side):
            a, b, c, d = places[i, j], places[i, j + 1], places[i + 1, j + 1], places[i + 1, j]
            value = int(np.clip(round(depth[i, j]), 0, 6))
            for triangle in ([a, b, c], [a, c, d]):
                if value and shapely.Polygon(triangle).is_valid:
                    shapes.append(shapely.Polygon(triangle))
                    classes.append(value)
    return frame(shapes, rank=classes)


def terraces(chance, count=400):
    """Houses wall to wall, in rows and alone: of so many corners that less than a third of all edges are shared, and the layer keeps every vertex at every zoom."""
    shapes = []
    for number in range(count):
        middle = np.array(PLACE) + np.array([number % 20, number // 20]) * 120 * METRE
        angle, depth, west = chance.uniform(0, 2 * math.pi), chance.uniform(5, 15), 0.0
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        for _ in range(chance.integers(1, 8)):
            width, bay = chance.uniform(1, 8), 10 ** chance.uniform(-2, 0.3)
            third, half, east = west + width / 3, west + width / 2, west + width
            ring = np.array([
                [west, 0], [third, 0], [third, -bay], [half, -bay], [half, 0], [east, 0],
                [east, depth], [half, depth], [half, depth - bay], [third, depth - bay], [third, depth], [west, depth]])
            shape = shapely.Polygon(rounded(middle + ring @ turn * METRE))
            if shape.is_valid:
                shapes.append(shape)
            west = east
    return frame(shapes)


def valleys(chance, count=14):
    """Flood depths beside winding rivers: six classes, each inside the one before and cut out of it, so that neighbours share their borders."""
    shapes, classes = [], []
    for place in around(chance, 60_000, count):
        steps = np.cumsum(chance.normal(0, 250, (60, 2)) + chance.normal(0, 150, 2), axis=0)
        river = shapely.LineString(place + steps * METRE)
        reach = 10 ** chance.uniform(1, 2.7) * METRE[1]
        outer = shapely.set_precision(river.buffer(reach), 1e-7)
        for rank in range(1, 7):
            inner = shapely.set_precision(river.buffer(reach * (1 - rank / 6)), 1e-7) if rank < 6 else shapely.Polygon()
            ring = shapely.set_precision(outer.difference(inner), 1e-7)
            for part in shapely.get_parts(ring):
                if part.geom_type == "Polygon" and part.area > 0:
                    shapes.append(part)
                    classes.append(rank)
            outer = inner
    keep = flat(shapes)
    return frame([shapes[i] for i in keep], rank=[classes[i] for i in keep])


def flat(shapes):
    """Which of the shapes lie on no other."""
    shapes = np.array(shapes, dtype=object)
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="intersects")
    over = shapely.relate_pattern(shapes[a], shapes[b], "T********") & (a > b)
    return sorted(set(range(len(shapes))) - set(a[over].tolist()))


def dust(chance, count=200_000):
    """Polygons of half a metre to five, a town of them: each is less than a pixel until zoom 16."""
    corners = around(chance, 6_000, count)
    sizes = 10 ** chance.uniform(-0.3, 0.7, (count, 2)) * METRE
    low, high = rounded(corners), rounded(corners + sizes)
    return frame(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))


def points(chance, count=1_000_000):
    """All in one tile of zoom 14, and some of them in the same place."""
    middle = np.array([139.71, 35.69])
    places = np.round(middle + chance.uniform(-0.009, 0.009, (count, 2)) * (1, 0.8), 6)
    return frame(shapely.points(places), weight=np.round(chance.random(count) * 100, 1))


def lines(chance, count=300):
    """Straight ones over hundreds of tiles, zigzags, spirals, circles, and lines of a single step."""
    shapes = []
    for place in around(chance, 40_000, count):
        kind = chance.integers(4)
        length = 10 ** chance.uniform(0, 5)
        if kind == 0:
            steps = np.array([[0, 0], chance.uniform(-1, 1, 2) * length])
        elif kind == 1:
            many = int(chance.integers(10, 2000))
            steps = np.column_stack([np.linspace(0, length, many), np.where(np.arange(many) % 2, 1, -1) * length / 50])
        elif kind == 2:
            turns = np.linspace(0, 12 * math.pi, 600)
            steps = np.column_stack([np.cos(turns), np.sin(turns)]) * (turns / 40 * length)[:, None]
        else:
            steps = np.cumsum(chance.normal(0, length / 50, (int(chance.integers(2, 400)), 2)), axis=0)
        shapes.append(shapely.LineString(np.round(place + steps * METRE, 7)))
    return frame([shape for shape in shapes if shape.length > 0])


def edges(chance):
    """At the antimeridian, at the latitudes where Web Mercator ends, beyond them, and around the whole world."""
    shapes = [
        shapely.box(179, 10, 180, 11), shapely.box(-180, 10, -179, 11),
        shapely.MultiPolygon([shapely.box(179.5, -40, 180, -39), shapely.box(-180, -40, -179.5, -39)]),
        shapely.MultiLineString([[(178, 20), (180, 21)], [(-180, 21), (-178, 22)]]), shapely.LineString([(-180, 5), (180, 5)]),
        shapely.Point(180, 30), shapely.Point(-180, 30), shapely.Point(180, -30), shapely.Point(0, 90), shapely.Point(0, -90),
        shapely.Point(0, EVERYWHERE), shapely.Point(0, -EVERYWHERE), shapely.Point(12, 85.05), shapely.Point(12, -85.05),
        shapely.box(20, 84, 25, EVERYWHERE), shapely.box(30, -EVERYWHERE, 35, -84), shapely.box(40, 84, 45, 89), shapely.box(50, -89, 55, -84),
        shapely.box(60, 86, 65, 88), shapely.LineString([(70, 80), (70, 90)]), shapely.LineString([(75, 86), (80, 88)]),
        shapely.box(-180, -90, 180, 90), shapely.box(-180, 60, 180, 90), shapely.box(-180, -90, 180, -60), shapely.Point(0, 0),
        shapely.Polygon([(-180, -50), (180, -50), (180, -55), (-180, -55)], [[(-10, -54), (10, -54), (10, -51), (-10, -51)]]),
    ]
    return frame(shapes)


def attributes(chance, count=400):
    """Nothing, empty, the largest and the smallest, and very long."""
    pick = lambda *values: [values[i] for i in chance.integers(0, len(values), count)]
    long = ["長い文" * 10_000, "x" * 70_000]
    texts = pick(None, "", " ", "0", "null", "true", "改\n行\t", "𠮷野家", "a\u0000b".replace("\u0000", ""), "e\u0301", "‮右から", "'\"\\<>&")
    for i, text in enumerate(long):
        texts[i * 7] = text
    return frame(
        shapely.points(np.round(around(chance, 2_000, count), 7)), text=texts,
        whole=np.array(pick(-2**63, 2**63 - 1, 2**53, 2**53 + 1, -2**53 - 1, 0, -1, 1, 2**31, -2**31), dtype=np.int64),
        real=pick(None, 0.0, -0.0, 1e308, -1e-308, 5e-324, 0.1, 1 / 3, 1e15 + 0.3, 2.0**60),
        yes=np.array(pick(True, False)), day=pick(None, datetime.date(1868, 1, 25), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)),
        nothing=np.array([None] * count, dtype=object), **{"名前 with \"marks\"": pick("a", None, "ｶﾅ")})


def mixture(chance, count=300):
    """Points, lines and polygons in one layer, some without a place and one thing of all three kinds."""
    made = []
    for place in rounded(around(chance, 3_000, count)):
        kind = chance.integers(6)
        size = 10 ** chance.uniform(0, 2.5) * np.array(METRE)
        box = shapely.box(*place, *rounded(place + size))
        made.append([shapely.Point(place), shapely.LineString([place, rounded(place + size)]), box, None,
                     shapely.MultiPoint([place, rounded(place + size), rounded(place - size)]),
                     shapely.MultiPolygon([box, shapely.box(*rounded(place - 2 * size), *rounded(place - size))])][kind])
    return frame([shape for shape in made if shape is None or shape.is_valid])

