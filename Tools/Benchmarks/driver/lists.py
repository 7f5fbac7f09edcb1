"""What is asked of the servers: tiles and boxes chosen by chance, always the same for the same data.

Lists are kept in the work folder, by the name, size and time of the data file.
"""
import collections
import hashlib
import json
import math
import random

import flatgeobuf

SEED = 20260401
#: How many tiles of each zoom, together 150: what a map shows whose reader moves about.
MIX = {13: 10, 14: 30, 15: 55, 16: 55}
BOXES = 300
FAR = 10
#: Half the sides of a box, in degrees: about 0.9 by 0.9 km in the middle of Japan.
HALF_WIDTH, HALF_HEIGHT = 0.005, 0.004


class Lists:
    def __init__(self, work, data):
        status = data.stat()
        key = f"2 {data.name} {status.st_size} {status.st_mtime_ns} {SEED} {MIX} {BOXES}"
        kept = work / f"lists-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        if not kept.exists():
            kept.write_text(json.dumps(choose(flatgeobuf.boxes(data))))
        chosen = json.loads(kept.read_text())
        #: [zoom, column, row, centres of features inside]
        self.tiles = chosen["tiles"]
        #: The tile whose features are nearest to 5,000.
        self.tile = chosen["tile"]
        #: Of zoom `FAR` the tile with the most features.
        self.far_tile = chosen["far_tile"]
        #: [west, south, east, north]
        self.boxes = chosen["boxes"]
        self.tiles_file = work / "tiles.txt"
        self.tiles_file.write_text("".join(f"{zoom} {column} {row}\n" for zoom, column, row, _ in self.tiles))
        self.boxes_file = work / "boxes.txt"
        self.boxes_file.write_text("".join(",".join(map(str, box)) + "\n" for box in self.boxes))


def choose(boxes):
    chance = random.Random(SEED)
    centres = [((west + east) / 2, (south + north) / 2) for west, south, east, north in boxes]
    world = [place(x, y) for x, y in centres]
    counts = {zoom: collections.Counter((x >> (24 - zoom), y >> (24 - zoom)) for x, y in world) for zoom in MIX}
    tiles = []
    for zoom, number in MIX.items():
        chosen = {}
        # A tile is as likely as it is dense: it is one that a feature lies in.
        while len(chosen) < min(number, len(counts[zoom])):
            x, y = chance.choice(world)
            tile = (x >> (24 - zoom), y >> (24 - zoom))
            chosen[tile] = counts[zoom][tile]
        tiles += [[zoom, *tile, count] for tile, count in chosen.items()]
    chance.shuffle(tiles)
    far = collections.Counter((x >> (24 - FAR), y >> (24 - FAR)) for x, y in world)
    densest = max(far, key=lambda tile: (far[tile], tile))
    every = ([zoom, *tile, count] for zoom in MIX for tile, count in counts[zoom].items())
    around = [
        [round(x - HALF_WIDTH, 6), round(y - HALF_HEIGHT, 6), round(x + HALF_WIDTH, 6), round(y + HALF_HEIGHT, 6)]
        for x, y in chance.sample(centres, min(BOXES, len(centres)))
    ]
    return {"tiles": tiles, "tile": min(every, key=lambda tile: (abs(tile[3] - 5000), tile)), "boxes": around,
            "far_tile": [FAR, *densest, far[densest]]}


def place(longitude, latitude):
    """Column and row among the tiles of zoom 24."""
    side = 1 << 24
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return int((longitude + 180) / 360 * side), int(y * side)
