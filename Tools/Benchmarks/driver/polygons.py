"""Polygons like those of hazard maps, over the data's own area: many vertices, rough edges, holes, six classes. Always the same."""
import json
import math
import random

SEED, COUNT = 7, 2000


def make(work, lists):
    """A GeoJSON file; made once."""
    file = work / f"hazard-{SEED}-{COUNT}.geojson"
    if not file.exists():
        west, south, east, north = (chosen(box[side] for box in lists.boxes) for side, chosen in enumerate([min, min, max, max]))
        chance = random.Random(SEED)
        features = [
            {"type": "Feature", "properties": {"class": chance.randint(1, 6)},
             "geometry": {"type": "Polygon", "coordinates": polygon(chance, chance.uniform(west, east), chance.uniform(south, north))}}
            for _ in range(COUNT)]
        file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def polygon(chance, x, y):
    """A star-shaped shell around a place, and up to three holes in different directions, none of which reaches the shell or another."""
    count = int(math.exp(chance.uniform(math.log(50), math.log(3000))))
    size = chance.uniform(0.0015, 0.009)
    waves = [(k, chance.uniform(0.02, 0.22) / k, chance.uniform(0, 2 * math.pi)) for k in range(1, 13)]
    angles = [2 * math.pi * i / count for i in range(count)]
    radii = [max(0.55, 1 + sum(height * math.sin(k * angle + turn) for k, height, turn in waves) + chance.gauss(0, 0.01)) for angle in angles]
    rings = [ring(x, y, [size * radius for radius in radii], angles)]
    turns = [2 * math.pi * i / 24 for i in range(24)]
    for hole in range(chance.randint(0, 3)):
        direction, away = 2 * math.pi * hole / 3 + chance.uniform(-0.2, 0.2), chance.uniform(0.25, 0.3) * size
        radius = chance.uniform(0.06, 0.18) * size
        rings.append(ring(x + away * math.cos(direction), y + 0.82 * away * math.sin(direction), [radius] * 24, turns)[::-1])
    return rings


def ring(x, y, radii, angles):
    corners = [[round(x + radius * math.cos(angle), 7), round(y + 0.82 * radius * math.sin(angle), 7)] for radius, angle in zip(radii, angles)]
    return corners + corners[:1]
