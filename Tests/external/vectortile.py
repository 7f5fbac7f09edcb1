"""A strict reader of vector tiles (Mapbox Vector Tile 2.1): whatever the specification forbids is refused with its section.

Numbers stay what they are on the wire, so that two features can be held against each other vertex by vertex. Other decoders repair or forgive; this one
is for what must not need either.
"""
import struct

import numpy as np
import shapely

POINT, LINE, POLYGON = 1, 2, 3


class Broken(Exception):
    pass


def demand(holds, section, what):
    if not holds:
        raise Broken(f"{section}: {what}")


class Layer:
    """Features in the order of the tile: `ids`, `kinds`, `properties` and `shapes`, x east and y south on the grid of `extent`."""

    def __init__(self, data):
        fields = {1: [], 2: [], 3: [], 4: [], 5: [], 15: []}
        for number, value in messages(data):
            demand(number in fields, "4.1", f"field {number} of a layer")
            fields[number].append(value)
        demand(fields[15] == [2], "4.1", f"version {fields[15]}")
        demand(len(fields[1]) == 1, "4.1", "a layer has one name")
        self.name = bytes(fields[1][0]).decode()
        self.extent = fields[5][-1] if fields[5] else 4096
        self.keys = [bytes(each).decode() for each in fields[3]]
        demand(len(set(self.keys)) == len(self.keys), "4.4", "a key is there twice")
        self.values = [value_of(each) for each in fields[4]]
        demand(len(set(map(repr, self.values))) == len(self.values), "4.4", "a value is there twice")
        demand(fields[2], "4.1", "a layer has at least one feature")
        self._read(fields[2])

    def _read(self, features):
        self.ids, self.kinds, self._tags, geometry = [], [], [], []
        for feature in features:
            id, kind, tags, commands = None, 0, b"", None
            for number, value in messages(feature):
                if number == 1: id = value
                elif number == 2: tags = value
                elif number == 3: kind = value
                elif number == 4: commands = value
                else: raise Broken(f"4.2: field {number} of a feature")
            demand(kind in (POINT, LINE, POLYGON), "4.3.4", f"geometry type {kind}")
            demand(commands is not None and len(commands), "4.2", "a feature has a geometry")
            self.ids.append(id)
            self.kinds.append(kind)
            self._tags.append(tags)
            geometry.append(commands)
        self.ids = np.array(self.ids, dtype=object)
        self.kinds = np.array(self.kinds)
        used = set()
        self.properties = []
        for tags in self._tags:
            pairs = varints(tags)
            demand(len(pairs) % 2 == 0, "4.4", "tags come in pairs")
            keys = [self.keys[key] for key in pairs[::2]]
            demand(len(set(keys)) == len(keys), "4.4", "a feature has a key twice")
            used.update(pairs[::2].tolist())
            self.properties.append({key: self.values[value] for key, value in zip(keys, pairs[1::2])})
        demand(len(used) == len(self.keys), "4.4", "a key is not used")
        self._draw(geometry)

    def _draw(self, geometry):
        """Reads all commands of the layer at once."""
        ends = np.cumsum([len(each) for each in geometry])
        data = np.frombuffer(b"".join(geometry), dtype=np.uint8)
        lasts = np.flatnonzero(data < 0x80)
        counts = np.searchsorted(lasts, ends, side="left")   # numbers before the end of each feature
        numbers = varints(data)
        points, owners = [], []
        at = 0
        for feature, end in enumerate(counts):
            kind = self.kinds[feature]
            x = y = 0
            first = True
            while at < end:
                command, count = int(numbers[at]) & 7, int(numbers[at]) >> 3
                at += 1
                demand(command == 1 and count > 0, "4.3.4", "a path begins with a MoveTo")
                demand(count == 1 or (kind == POINT and first), "4.3.4.2", "only points have a MoveTo of several")
                steps = numbers[at:at + 2 * count]
                at += 2 * count
                if kind == POINT:
                    demand(first, "4.3.4.2", "points have one command")
                else:
                    command, count = int(numbers[at]) & 7, int(numbers[at]) >> 3
                    at += 1
                    demand(command == 2 and count >= (1 if kind == LINE else 2), "4.3.4.3", "a MoveTo is followed by a LineTo")
                    more = numbers[at:at + 2 * count]
                    at += 2 * count
                    demand(((more[::2] != 0) | (more[1::2] != 0)).all(), "4.3.3.2", "a LineTo goes somewhere")
                    steps = np.concatenate([steps, more])
                    if kind == POLYGON:
                        demand(numbers[at] == 15, "4.3.4.4", "a ring ends with a ClosePath")
                        at += 1
                first = False
                path = np.cumsum(zigzag(steps).reshape(-1, 2), axis=0) + (x, y)
                x, y = path[-1]
                if kind == POLYGON:
                    demand((path[0] != path[-1]).any(), "4.3.3.3", "the last vertex is not the first")
                points.append(path)
                owners.append(feature)
            demand(at == end, "4.3", "commands end with their feature")
        self.paths, self.owners = points, np.array(owners)
        self.shapes = self._shapes()

    def _shapes(self):
        shapes = np.empty(len(self.ids), dtype=object)
        kinds = self.kinds[self.owners]
        lengths = np.array([len(path) for path in self.paths])
        for kind, many, make in [(POINT, shapely.multipoints, shapely.points), (LINE, shapely.multilinestrings, None)]:
            chosen = np.flatnonzero(kinds == kind)
            if len(chosen):
                coordinates = np.concatenate([self.paths[i] for i in chosen])
                owners = np.repeat(self.owners[chosen], lengths[chosen])
                if kind == POINT:
                    of, parts = owners, make(coordinates)
                else:
                    of, parts = self.owners[chosen], shapely.linestrings(coordinates, indices=np.repeat(np.arange(len(chosen)), lengths[chosen]))
                names, of = np.unique(of, return_inverse=True)
                shapes[names] = singles(many(parts, indices=of))
        chosen = np.flatnonzero(kinds == POLYGON)
        if len(chosen):
            closed = [np.concatenate([self.paths[i], self.paths[i][:1]]) for i in chosen]
            doubled = np.array([float(np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1])) for ring in closed])
            demand((doubled != 0).all(), "4.3.4.4", "a ring has an area")
            starts = np.concatenate([[True], self.owners[chosen][1:] != self.owners[chosen][:-1]])
            demand((doubled[starts] > 0).all(), "4.3.4.4", "a polygon begins with an exterior ring, which is clockwise")
            polygon = np.cumsum(doubled > 0) - 1
            rings = shapely.linearrings(np.concatenate(closed), indices=np.repeat(np.arange(len(chosen)), [len(ring) for ring in closed]))
            polygons = shapely.polygons(rings, indices=polygon)
            names, of = np.unique(self.owners[chosen][doubled > 0], return_inverse=True)
            shapes[names] = singles(shapely.multipolygons(polygons, indices=of))
        return shapes


def singles(shapes):
    ones = shapely.get_num_geometries(shapes) == 1
    shapes[ones] = shapely.get_geometry(shapes[ones], 0)
    return shapes


def read(data):
    """The layers of a tile, by name."""
    layers = {}
    for number, value in messages(data):
        demand(number == 3, "4", f"field {number} of a tile")
        layer = Layer(value)
        demand(layer.name not in layers, "4.1", f"layer {layer.name} is there twice")
        layers[layer.name] = layer
    return layers


def value_of(data):
    fields = list(messages(data))
    demand(len(fields) == 1, "4.1", "a value is of one type")
    number, value = fields[0]
    if number == 1: return bytes(value).decode()
    if number == 2: return struct.unpack("<f", value)[0]
    if number == 3: return struct.unpack("<d", value)[0]
    if number == 4: return value - (1 << 64) if value >> 63 else value
    if number == 5: return value
    if number == 6: return (value >> 1) ^ -(value & 1)
    if number == 7: return bool(value)
    raise Broken(f"4.1: field {number} of a value")


def messages(data):
    """Number and value of each field of a message; bytes for those with a length."""
    at, end = 0, len(data)
    while at < end:
        key = data[at]
        at += 1
        demand(key < 0x80, "protobuf", "a field's number is small")
        wire = key & 7
        if wire == 0 or wire == 2:
            value = shift = 0
            while True:
                demand(at < end, "protobuf", "a number ends")
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80: break
            if wire == 2:
                demand(at + value <= end, "protobuf", "a field ends with its message")
                yield key >> 3, data[at:at + value]
                at += value
            else:
                yield key >> 3, value
        else:
            demand(wire in (1, 5), "protobuf", f"wire type {wire}")
            size = 8 if wire == 1 else 4
            yield key >> 3, data[at:at + size]
            at += size


def varints(data):
    """Packed numbers of up to 32 bits."""
    data = np.frombuffer(data, dtype=np.uint8)
    if not len(data):
        return np.zeros(0, dtype=np.int64)
    lasts = np.flatnonzero(data < 0x80)
    demand(len(lasts) and lasts[-1] == len(data) - 1, "protobuf", "the last number ends")
    starts = np.concatenate([[0], lasts[:-1] + 1])
    lengths = lasts - starts + 1
    demand(lengths.max() <= 5, "4.3.1", "numbers have 32 bits")
    values = np.zeros(len(starts), dtype=np.int64)
    for k in range(lengths.max()):
        longer = lengths > k
        values[longer] |= (data[starts[longer] + k].astype(np.int64) & 0x7F) << (7 * k)
    return values


def zigzag(numbers):
    return (numbers >> 1) ^ -(numbers & 1)
