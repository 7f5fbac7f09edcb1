"""GeoJSON with one feature per line."""
import json

import shapely


def write_geojson(path, features, name=None):
    """features: (properties, shape in degrees)"""
    lines = []
    for properties, shape in features:
        if shape.geom_type == "Polygon":
            shape = shapely.geometry.polygon.orient(shape, 1)
        elif shape.geom_type == "MultiPolygon":
            shape = shapely.MultiPolygon([shapely.geometry.polygon.orient(p, 1) for p in shape.geoms])
        lines.append(json.dumps({"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}, ensure_ascii=False, separators=(",", ":")))
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        head = {"type": "FeatureCollection"} | ({"name": name} if name else {})
        out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n' + ",\n".join(lines) + "\n]}\n")
