"""Buildings: a block is divided into lots, and a lot gets one footprint that stands square to its street."""
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Point, Polygon

from .chance import Chance


@dataclass
class Building:
    shape: Polygon
    block: object
    lot: int
    use: str
    structure: str
    storeys: int | None
    height: float | None
    year: int | None
    people: int
    name: str | None = None


LARGE = {"primary school": ("文教", 3, 0.24), "junior high school": ("文教", 3, 0.24), "high school": ("文教", 4, 0.25), "hospital": ("医療福祉", 2, 0.42), "city hall": ("公共", 2, 0.45),
         "culture hall": ("公共", 1, 0.45), "gymnasium": ("公共", 1, 0.45), "mall": ("商業", 2, 0.50), "industry": ("工業", 6, 0.45)}


def make_buildings(seed, blocks):
    for block in blocks:
        chance = Chance(seed, "buildings " + block.id)
        if block.purpose == "park":
            if block.shape.area > 9000:
                fill(block, block.shape, chance, goal=block.shape.area / 2, use="公共", cover=0.03, keep=0.5)
        elif block.purpose in LARGE:
            use, parts, cover = LARGE[block.purpose]
            goal = max(2200, block.shape.area / parts) if block.purpose == "industry" else block.shape.area / parts
            fill(block, block.shape, chance, goal=goal, use=use, cover=cover, keep=0.95)
        elif not block.hilly or block.built > 0.05:
            fill(block, block.shape, chance)
    return [b for block in blocks for b in block.buildings]


def fill(block, ground, chance, goal=None, use=None, cover=None, keep=None):
    rural = block.built < 0.2
    street = block.shape.exterior
    shapely.prepare(street)
    lots = []
    todo = [ground]
    while todo:
        lot = todo.pop()
        middle = lot.centroid
        away = street.distance(lot)
        if away > (1 if rural else 14):
            continue      # no way in
        if goal:
            size = goal
        elif block.built > 0.7:
            size = chance.pick({170: 5, 240: 4, 420: 2, 900: 0.5})
        else:
            size = chance.pick({190: 4, 250: 5, 340: 2, 600: 0.4}) if not rural else chance.pick({380: 3, 560: 4, 900: 3})
        if lot.area > size * 1.45:
            todo.extend(reversed(halves(lot, chance)))
        elif lot.area > 70:
            lots.append((lot, away))
    if keep is None:
        keep = min(0.95, 0.36 + 0.72 * block.built) if not rural else min(0.85, max(0.012, (block.built - 0.03) * 3.6))
    for lot, away in lots:
        if not chance.happens(keep * (1 if away < 1 else 0.75)):
            continue
        what = use or choose_use(block, lot, chance)
        shape = footprint(lot, street, chance, cover or {"工業": 0.5, "商業": 0.58, "業務": 0.58, "共同住宅": 0.46}.get(what, chance.between(0.30, 0.5)))
        if shape is not None:
            block.buildings.append(describe(shape, block, len(block.buildings) + 1, what, chance))


def halves(lot, chance):
    corners = np.asarray(shapely.oriented_envelope(lot).exterior.coords)[:4]
    a, b = corners[1] - corners[0], corners[2] - corners[1]
    if np.hypot(*a) < np.hypot(*b):
        corners = np.roll(corners, -1, axis=0)
        a, b = b, -a
    start = corners[0] + a * chance.between(0.43, 0.57)
    lean = a * chance.between(-0.02, 0.02)
    out = []
    for side in (-1, 1):
        far = start + side * a * 1.2
        half = Polygon([start - b * 0.2 - lean, start + b * 1.2 + lean, far + b * 1.2, far - b * 0.2])
        out += [p for p in shapely.get_parts(shapely.intersection(lot, half)) if p.geom_type == "Polygon" and p.area > 40]
    return out


def choose_use(block, lot, chance):
    area = lot.area
    if block.industry:
        return chance.pick({"工業": 6, "業務": 2, "住宅": 1})
    if block.built > 0.8:
        weights = {"住宅": 36, "共同住宅": 10, "商業": 30, "業務": 16, "医療福祉": 2, "宗教": 0.6, "公共": 0.8, "その他": 2}
    elif block.built > 0.2:
        weights = {"住宅": 84, "共同住宅": 6, "商業": 4, "業務": 2, "医療福祉": 0.6, "宗教": 0.5, "公共": 0.3, "工業": 0.8, "その他": 2}
    else:
        weights = {"住宅": 66, "農業": 24, "工業": 2, "商業": 1, "宗教": 1.2, "公共": 0.3, "その他": 4}
    if block.busy:
        weights["商業"] = weights.get("商業", 0) * 3
        weights["業務"] = weights.get("業務", 0) * 2
    if area > 550:
        weights["住宅"] *= 0.45
        weights["共同住宅"] = weights.get("共同住宅", 0) * 3
    weights["不明"] = 0.6
    return chance.pick(weights)


def footprint(lot, street, chance, cover):
    """A rectangle, L or notched shape inside the lot, square to the lot's longest side on the street; None where nothing fits."""
    ring = np.asarray(lot.exterior.coords)
    sides = np.diff(ring, axis=0)
    lengths = np.hypot(*sides.T)
    on_street = shapely.distance(street, shapely.points((ring[:-1] + ring[1:]) / 2)) < 0.5
    front = int(np.argmax(np.where(on_street, lengths + 1000, lengths)))
    t = sides[front] / lengths[front]
    turn = np.array([[t[0], t[1]], [-t[1], t[0]]])
    flat = (ring - ring[front]) @ turn.T             # the front side lies on the x axis from 0
    inside = Polygon(flat).buffer(-chance.between(0.55, 1.1) if lot.area < 700 else -2.0, join_style="mitre")
    if inside.is_empty or inside.geom_type != "Polygon":
        return None
    x0, y0, x1, y1 = inside.bounds
    goal = min(lot.area * cover, 9000)
    w, d = (x1 - x0) * chance.between(0.82, 1), (y1 - y0) * chance.between(0.6, 0.95)
    shrink = min(1, (goal / (w * d)) ** 0.5)
    w, d = w * shrink, d * shrink
    cx = x0 + w / 2 + (x1 - x0 - w) * chance.between(0.2, 0.8)
    # Gardens lie to the south more often than not; shops stand at the street.
    cy = y0 + d / 2 + (y1 - y0 - d) * chance.between(0.25, 0.9)
    middle = np.array([cx, cy])
    target = np.array(inside.representative_point().coords[0])
    shapely.prepare(inside)
    for attempt in range(14):
        if w < 3.2 or d < 3.2 or w * d < 16:
            return None
        box = shapely.box(middle[0] - w / 2, middle[1] - d / 2, middle[0] + w / 2, middle[1] + d / 2)
        if inside.contains(box):
            break
        middle = middle + (target - middle) * 0.25
        w, d = w * 0.92, d * 0.92
    else:
        return None
    plan = outline(w, d, chance)
    corners = (plan + middle - (w / 2, d / 2)) @ turn + ring[front]
    return Polygon(corners)


def outline(w, d, chance):
    """Corner points of a plan w wide and d deep."""
    form = chance.pick({"box": 4, "l": 4, "step": 1.5, "t": 1})
    if w * d < 45:
        form = "box"
    a, b = w * chance.between(0.25, 0.5), d * chance.between(0.2, 0.45)
    if form == "l":
        points = [(0, 0), (w, 0), (w, d - b), (w - a, d - b), (w - a, d), (0, d)]
    elif form == "step":
        c, e = w * chance.between(0.15, 0.3), d * chance.between(0.1, 0.25)
        points = [(c, 0), (w, 0), (w, d - b), (w - a, d - b), (w - a, d), (0, d), (0, e), (c, e)]
    elif form == "t":
        c = w * chance.between(0.15, 0.25)
        points = [(0, 0), (w, 0), (w, d - b), (w - c, d - b), (w - c, d), (c, d), (c, d - b), (0, d - b)]
    else:
        points = [(0, 0), (w, 0), (w, d), (0, d)]
    points = np.array(points, float)
    if chance.happens(0.5):
        points[:, 0] = w - points[:, 0]
        points = points[::-1]
    if chance.happens(0.5):
        points[:, 1] = d - points[:, 1]
        points = points[::-1]
    return points


def describe(shape, block, lot, use, chance):
    area = shape.area
    tall = block.built > 0.75
    storeys = {"住宅": chance.pick({1: 2 if block.built > 0.2 else 5, 2: 8, 3: 0.8 if tall else 0.1}), "共同住宅": chance.pick({2: 4, 3: 3, 5: 1, 8: 1 if tall else 0.1, 12: 0.6 if tall else 0}),
               "商業": chance.pick({1: 3, 2: 3, 3: 1, 5: 1 if tall else 0}), "業務": chance.pick({1: 1, 2: 3, 3: 2, 6: 1.5 if tall else 0.1}), "文教": chance.pick({2: 1, 3: 3, 4: 1}),
               "医療福祉": chance.pick({1: 1, 2: 3, 4: 1}), "公共": chance.pick({1: 2, 2: 3, 4: 0.5})}.get(use, chance.pick({1: 3, 2: 1}))
    if block.purpose in ("city hall", "hospital"):
        storeys = chance.pick({4: 1, 6: 1, 7: 1})
    if area < 45:
        storeys = min(storeys, 2)
    height = round(storeys * {"住宅": 2.9, "共同住宅": 3.0, "工業": 6.0, "商業": 4.0}.get(use, 3.5) + chance.between(0.8, 2.4), 1)
    structure = ("木造" if use in ("住宅", "農業", "宗教", "その他") and storeys <= 3 and chance.happens(0.88) else
                 "鉄筋コンクリート造" if storeys >= 5 or use in ("文教", "公共", "医療福祉") else "軽量鉄骨造" if area < 160 else "鉄骨造")
    old = 1.35 if block.built > 0.4 and not chance.happens(0.4) else 1
    year = int(2023 - 62 * chance.random() ** old - (30 if chance.happens(0.04) else 0))
    people = 0
    if use == "住宅":
        people = chance.pick({0: 1.2, 1: 2, 2: 3.2, 3: 2, 4: 1.4, 5: 0.5, 6: 0.2})
    elif use == "共同住宅":
        people = int(max(2, area * storeys / 62) * chance.between(0.9, 1.8))
    return Building(shape, block, lot, use, structure,
                    None if chance.happens(0.02) else storeys, None if chance.happens(0.05) else height, None if chance.happens(0.12) else year, people)
