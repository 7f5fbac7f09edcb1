"""City blocks (街区): what is left of the land between street centre lines when the streets have their width."""
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import Polygon

from .chance import Chance
from .names import NUMERALS, QUARTERS, VILLAGES
from .streets import NATIONAL, PREFECTURAL


@dataclass
class District:
    name: str          # 本町二丁目
    kana: str
    english: str       # Honcho 2-chome
    quarter: str       # 本町
    village: bool
    middle: tuple
    code: str = ""

    @property
    def base(self):
        """The quarter's name without 大字 and 丁目, in kanji, kana and Latin letters."""
        kana = self.kana.removeprefix("オオアザ") if self.village else self.kana[:-len("1チョウメ")]
        return self.quarter.removeprefix("大字"), kana, self.english.removeprefix("Oaza ").split(" ")[0]


@dataclass
class Block:
    shape: Polygon
    district: District
    number: int | None      # 街区符号; villages have none
    built: float            # density, 0 to 1
    widest: float           # the widest street along it, metres
    busy: bool              # lies on a national or prefectural road
    industry: bool
    hilly: bool
    purpose: str = "ordinary"
    buildings: list = field(default_factory=list)
    id: str = ""


def make_districts():
    districts = []
    for name, kana, english, (u, v), parts in QUARTERS:
        for part in range(parts):
            angle, reach = 2 * np.pi * (part + 0.35) / parts, 210
            districts.append(District(f"{name}{NUMERALS[part + 1]}丁目", f"{kana}{part + 1}チョウメ", f"{english} {part + 1}-chome", name, False,
                                      (u + reach * np.cos(angle), v - reach * np.sin(angle))))
    districts += [District(name, "オオアザ" + kana, "Oaza " + english, name, True, where) for name, kana, english, where in VILLAGES]
    for i, district in enumerate(districts):
        district.code = f"{i + 1:04d}000"
    return districts


def make_blocks(seed, network, terrain, density):
    chance = Chance(seed, "blocks")
    districts = make_districts()
    # A village reaches further than a quarter's part.
    places = np.array([d.middle for d in districts])
    reach = np.array([1.9 if d.village else 1.0 for d in districts])
    lines = [s.line for s in network.streets]
    tree = shapely.STRtree(lines)
    ground = terrain.boundary.buffer(-2)
    blocks = []
    for cell in network.cells:
        near = [network.streets[i] for i in sorted(tree.query(cell, predicate="intersects")) if shapely.intersection(lines[i], cell).length > 1]
        roads = shapely.union_all([s.line.buffer(s.width / 2, quad_segs=2) for s in near]) if near else Polygon()
        left = cell.intersection(ground).difference(roads)
        left = left.buffer(-2.5, join_style="mitre").buffer(2.5, join_style="bevel").simplify(0.25)   # cut corners (隅切り)
        parts = [p for p in shapely.get_parts(left) if p.geom_type == "Polygon" and p.area > 250]
        for shape in parts:
            inner = shape.representative_point()
            u, v = inner.x, inner.y
            district = districts[int(np.argmin(np.hypot(*(places - (u, v)).T) / reach))]
            blocks.append(Block(shape, district, None, density(u, v), max([s.width for s in near], default=0),
                                any(s.kind in (NATIONAL, PREFECTURAL) for s in near), bool(density.industry(u, v)), float(terrain.hill(u, v)) > 25))
    number(blocks)
    give_purposes(blocks, chance, terrain)
    return blocks, districts


def number(blocks):
    """Block numbers run through a district in bands from north to south, forth and back."""
    by_district = {}
    for block in blocks:
        by_district.setdefault(block.district.code, []).append(block)
    for code, members in sorted(by_district.items()):
        def order(block):
            c = block.shape.centroid
            band = int(-c.y // 110)
            return band, c.x if band % 2 else -c.x
        members.sort(key=order)
        for k, block in enumerate(members, 1):
            block.id = f"{code[:4]}-{k:03d}"
            if not block.district.village:
                block.number = k
    blocks.sort(key=lambda b: b.id)


def give_purposes(blocks, chance, terrain):
    """Big blocks in the built-up part become schools, parks, a hospital, a market hall; the city hall takes one in the centre."""
    def far(block, others, distance):
        return all(block.shape.distance(o.shape) > distance for o in others)

    centre = shapely.points(250, 900)
    roomy = [b for b in blocks if 5_500 < b.shape.area < 30_000 and b.built > 0.10 and not b.industry and not b.hilly]
    hall = min((b for b in roomy if b.shape.area < 16_000), key=lambda b: b.shape.distance(centre))
    hall.purpose = "city hall"
    taken = [hall]
    roomy.sort(key=lambda b: (-min(b.shape.area, 13_000), b.id))
    for purpose, count, distance in [("primary school", 10, 750), ("junior high school", 4, 1000), ("high school", 2, 1200), ("hospital", 2, 800),
                                     ("culture hall", 1, 0), ("gymnasium", 1, 0), ("mall", 4, 500), ("park", 22, 260)]:
        chosen = []
        for block in roomy if purpose != "park" else sorted(roomy, key=lambda b: b.id[::-1]):
            if len(chosen) == count:
                break
            if block not in taken and far(block, chosen, distance):
                block.purpose = purpose
                chosen.append(block)
                taken.append(block)
    for block in blocks:
        if block.industry and block.purpose == "ordinary" and block.shape.area > 6_000:
            block.purpose = "industry"
