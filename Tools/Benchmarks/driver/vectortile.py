"""Counts the features of a vector tile (Mapbox Vector Tile 2.1), to see whether two servers put the same into it."""


def features(tile):
    """For each feature of all layers whether something of it lies within the tile itself, and not in its buffer only."""
    return [
        _meets(_geometry(feature), extent)
        for field, layer in _fields(tile) if field == 3
        for extent in [next((value for number, value in _fields(layer) if number == 5), 4096)]
        for number, feature in _fields(layer) if number == 2
    ]


def count(tile):
    """The number of features in all layers; of a large tile much sooner than `features`."""
    return sum(field == 2 for number, layer in _fields(tile) if number == 3 for field, _ in _fields(layer))


def _geometry(feature):
    return next((value for field, value in _fields(feature) if field == 4), b"")


def _meets(geometry, extent):
    """Whether the box around all vertices meets the tile."""
    numbers = list(_varints(geometry))
    at, x, y, xs, ys = 0, 0, 0, [], []
    while at < len(numbers):
        command, count = numbers[at] & 7, numbers[at] >> 3
        at += 1
        if command == 7:
            continue
        for _ in range(count):
            x += _zigzag(numbers[at])
            y += _zigzag(numbers[at + 1])
            xs.append(x)
            ys.append(y)
            at += 2
    return bool(xs) and max(xs) >= 0 and min(xs) <= extent and max(ys) >= 0 and min(ys) <= extent


def _zigzag(number):
    return (number >> 1) ^ -(number & 1)


def _varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def _fields(message):
    """Number and value of each field; bytes for those that have a length."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            yield key >> 3, message[at:at + length]
            at += length
        else:
            at += 8 if key & 7 == 1 else 4
            yield key >> 3, None
