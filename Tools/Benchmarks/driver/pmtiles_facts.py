"""What a PMTiles archive holds at each zoom, as JSON. Run by a Python that has the `pmtiles` package.

    pmtiles_facts.py FILE
"""
import collections
import gzip
import json
import sys

import vectortile
from pmtiles.reader import MmapSource, all_tiles

found = collections.defaultdict(lambda: {"tiles": 0, "bytes": 0, "features": 0, "greatest": 0})
with open(sys.argv[1], "rb") as file:
    for (zoom, _, _), tile in all_tiles(MmapSource(file)):
        data = gzip.decompress(tile)
        each = found[zoom]
        each["tiles"] += 1
        each["bytes"] += len(tile)
        each["features"] += vectortile.count(data)
        each["greatest"] = max(each["greatest"], len(data))
print(json.dumps(found))
