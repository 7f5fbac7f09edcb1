"""Zipped shapefiles as city halls hand them out: text in CP932, Japanese field names cut to ten bytes, with or without .cpg.

Written here rather than by GDAL so that every byte is the same each time and the encoding is exactly what it says.
"""
import struct

import numpy as np
import shapely
from pyproj import CRS

from .archive import write_zip

POLYLINE, POLYGON = 3, 5


def write_shapefile(path, name, crs, shapes, fields, rows, cpg=None):
    """fields: (name, "C" | "N" | "D", width, decimals); rows: tuples in that order, None for null."""
    shp, shx, dbf = geometry(shapes) + (table(fields, rows),)
    members = [(name + ".shp", shp), (name + ".shx", shx), (name + ".dbf", dbf), (name + ".prj", CRS(crs).to_wkt("WKT1_ESRI").encode())]
    if cpg:
        members.append((name + ".cpg", cpg.encode()))
    write_zip(path, members)


def geometry(shapes):
    kind = POLYGON if shapes[0].geom_type in ("Polygon", "MultiPolygon") else POLYLINE
    records, index, at = [], [], 50
    for n, shape in enumerate(shapes, 1):
        rings = []
        for part in shapely.get_parts(shape):
            if kind == POLYGON:
                part = shapely.geometry.polygon.orient(part, -1)     # outer rings clockwise
                rings += [np.asarray(r.coords) for r in (part.exterior, *part.interiors)]
            else:
                rings.append(np.asarray(part.coords))
        starts = np.cumsum([0] + [len(r) for r in rings[:-1]])
        points = np.concatenate(rings).astype("<f8")
        body = struct.pack("<i4d2i", kind, *points.min(0), *points.max(0), len(rings), len(points)) + starts.astype("<i4").tobytes() + points.tobytes()
        records.append(struct.pack(">2i", n, len(body) // 2) + body)
        index.append(struct.pack(">2i", at, len(body) // 2))
        at += 4 + len(body) // 2
    box = shapely.total_bounds(shapes)

    def header(words):
        return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, words) + struct.pack("<2i8d", 1000, kind, *box, 0, 0, 0, 0)
    return header(at) + b"".join(records), header(50 + 4 * len(index)) + b"".join(index)


def table(fields, rows):
    size = 1 + sum(f[2] for f in fields)
    out = [struct.pack("<4BIHH20x", 3, 124, 3, 31, len(rows), 33 + 32 * len(fields), size)]    # dated 2024-03-31, no language id
    for name, kind, width, decimals in fields:
        out.append(struct.pack("<11sc4xBB14x", name.encode("cp932")[:10], kind.encode(), width, decimals))
    out.append(b"\r")
    for row in rows:
        out.append(b" ")
        for value, (name, kind, width, decimals) in zip(row, fields, strict=True):
            if kind == "N":
                text = b"" if value is None else f"{value:.{decimals}f}".encode()
                cell = text.rjust(width)
            else:
                cell = ("" if value is None else str(value)).encode("cp932").ljust(width)
            if len(cell) != width:
                raise ValueError(f"{name}: {value!r} is longer than {width} bytes")
            out.append(cell)
    out.append(b"\x1a")
    return b"".join(out)
