"""Emergency evacuation places (指定緊急避難場所): schools, halls and parks, each with the hazards it may be used for."""
from dataclasses import dataclass

import numpy as np
import shapely

from .chance import Chance
from .place import to_degrees


@dataclass
class Shelter:
    id: str
    name: str
    kana: str
    english: str
    district: object
    number: str
    lon: float
    lat: float
    height: float
    flags: dict        # hazard → may be used
    also_refuge: bool  # 指定避難所 as well
    capacity: int | None
    quarter: str
    note: str


def make_shelters(seed, blocks, districts, terrain, floods, landslides):
    chance = Chance(seed, "shelters")
    places = []        # (kind, name, kana, english, block, point)

    def main_building(block):
        return max(block.buildings, key=lambda b: b.shape.area, default=None)

    def school(purpose, kind, kana_kind, english_kind):
        """Named for their quarter; a second one there is 第二."""
        names, found = [], sites(purpose)
        for n, block in enumerate(found):
            name, kana, english = block.district.base
            second = any(b.district.quarter == block.district.quarter for b in found[:n])
            names.append((f"見本市立{name}{'第二' if second else ''}{kind}", f"ミホンシリツ{kana}{'ダイニ' if second else ''}{kana_kind}",
                          f"Mihon City {english}{' Second' if second else ''} {english_kind}"))
        facility(purpose, names)

    def sites(purpose):
        found = [b for b in blocks if b.purpose == purpose and b.buildings]
        return sorted(found, key=lambda b: (np.hypot(b.shape.centroid.x - 250, b.shape.centroid.y - 900), b.id))

    def facility(purpose, names):
        for block, (name, kana, english) in zip(sites(purpose), names):
            building = main_building(block)
            building.name = name
            places.append((purpose, name, kana, english, block, building.shape.centroid))

    school("primary school", "小学校", "ショウガッコウ", "Elementary School")
    school("junior high school", "中学校", "チュウガッコウ", "Junior High School")
    facility("high school", [("県立見本高等学校", "ケンリツミホンコウトウガッコウ", "Mihon Prefectural High School"), ("県立見本工業高等学校", "ケンリツミホンコウギョウコウトウガッコウ", "Mihon Technical High School")])
    facility("culture hall", [("見本市文化会館", "ミホンシブンカカイカン", "Mihon Culture Hall")])
    facility("gymnasium", [("見本市総合体育館", "ミホンシソウゴウタイイクカン", "Mihon Gymnasium")])
    for building, name in zip([main_building(b) for b in blocks if b.purpose == "city hall"], ["見本市役所"]):
        building.name = name
    for building, name in zip([main_building(b) for b in blocks if b.purpose == "hospital"], ["見本市民病院", "見本中央病院"]):
        building.name = name

    used = set()
    for block in [b for b in blocks if b.purpose == "park"]:
        d = block.district
        if d.name not in used and len(used) < 8:
            used.add(d.name)
            base, kana, english = d.base
            again = sum(p[0] == "park" and p[1].startswith(base) for p in places)
            suffix, kana_suffix, english_suffix = [("中央公園", "チュウオウコウエン", "Central Park"), ("南公園", "ミナミコウエン", "South Park"), ("北公園", "キタコウエン", "North Park")][min(again, 2)]
            places.append(("park", base + suffix, kana + kana_suffix, f"{english} {english_suffix}", block, block.shape.representative_point()))

    seen = set()
    for district in districts:
        if district.quarter in seen:
            continue
        homes = [b for block in blocks if block.district.quarter == district.quarter and block.purpose == "ordinary" for b in block.buildings if 90 < b.shape.area < 900]
        if len(homes) < 5:
            continue
        seen.add(district.quarter)
        # Two old halls stand where a slope may come down, as some do.
        if district.quarter in ("大字岩瀬", "大字谷津"):
            homes = [h for h in homes if any(z.shape.intersects(h.shape.centroid) for z in landslides)] or homes
        here = np.array(district.middle)
        home = min(homes, key=lambda b: np.hypot(b.shape.centroid.x - here[0], b.shape.centroid.y - here[1]) - min(b.shape.area, 350))
        base, kana, english = district.base
        if not district.village and any(p[5].distance(home.shape) < 210 for p in places if p[0] != "park"):
            continue      # a school is near
        home.use, home.people = "公共", 0
        home.name = f"{base}公民館"
        places.append(("hall", home.name, kana + "コウミンカン", f"{english} Community Hall", home.block, home.shape.centroid, home.year))

    deep = [z for z in floods[1].zones]
    shelters = []
    for n, (kind, name, kana, english, block, point, *year) in enumerate(places, 1):
        lonlat = to_degrees(point, 6)
        rank = max([r for r, p in deep if p.intersects(lonlat)], default=0)
        slide = any(z.shape.intersects(point) for z in landslides)
        strong = kind in ("primary school", "junior high school", "high school", "culture hall", "gymnasium")
        open_air = kind == "park"
        flags = {"flood": rank == 0 or strong and rank <= 3, "landslide": not slide, "storm_surge": False,
                 "earthquake": strong or open_air or bool(year and year[0] and year[0] >= 1982), "tsunami": False,
                 "fire": open_air or "school" in kind, "inland_flood": rank == 0 and not open_air or strong, "volcano": strong and chance.happens(0.5)}
        note = ""
        if strong and 0 < rank <= 3:
            note = "洪水時は2階以上を使用" if rank == 2 else "洪水時は3階以上を使用" if rank == 3 else ""
        if not any(flags.values()):
            continue
        lot = next((b.lot for b in block.buildings if b.name == name), 1)
        number = f"{block.number}-{lot}" if block.number else f"{100 + 7 * lot + int(block.id[-3:]) * 20}"
        capacity = {"primary school": 900, "junior high school": 1100, "high school": 1400, "culture hall": 600, "gymnasium": 1500, "park": 2000, "hall": 60}[kind]
        shelters.append(Shelter(f"992011{n:04d}", name, kana, english, block.district, number, lonlat.x, lonlat.y,
                                round(float(118 - 0.0025 * point.x + terrain.rise(point.x, point.y)), 1), flags, kind != "park" and (kind != "hall" or chance.happens(0.4)),
                                None if chance.happens(0.06) else round(capacity * chance.between(0.6, 1.4), -1), block.district.base[0], note))
    shelters[2].note = "校庭は東門から入る\n夜間は体育館のみ開設"     # as real files have it: a line break inside a cell
    return shelters
