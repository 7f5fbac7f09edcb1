"""The layers of the town: which file holds what, in which form, and what its layer.yaml says."""
import csv
import io

import pandas
import shapely

from files.description import write_description
from files.geojson import write_geojson
from files.geopackage import write_geopackage
from files.shapefile import write_shapefile
from town.place import DEGREES, PLANE, to_degrees, to_plane
from town.streets import LANE, MAIN, NATIONAL, PREFECTURAL, STREET

PREFECTURE, CITY, CODE = "見本県", "見本市", "992011"      # no prefecture has the number 99
BASE_DATE = "2024-03-31"
RIVER = {"ja": "見本川", "en": "Mihon River"}


def both(ja, en):
    return {"ja": ja, "en": en}


def describe(folder, id, title, description, department, theme, file, *, layer=None, crs=None, encoding=None, key=None, access="public", attributes, hazard=None, style):
    top = {"id": id, "title": title, "description": description, "department": department, "theme": theme,
           "source": {"file": file, "layer": layer, "preset": None, "crs": crs, "encoding": encoding, "id": key},
           "access": access, "base_date": BASE_DATE, "licence": "CC BY 4.0", "attribution": both("見本市（架空の町）", "Mihon City (an invented town)"),
           "survey_approval": None, "attributes": attributes}
    if hazard:
        top["hazard"] = hazard
    top["style"] = style
    write_description(folder / id / "layer.yaml", top, "Made by Tools/sample-town; change it there.")


def column(source, title, type, **more):
    return {"column": source, "title": title, "type": type, **more}


def write_layers(town, folder):
    for write in (roads, buildings, blocks, river, floods, landslide, shelters, boundary, assist):
        write(town, folder)
    write_description(folder / "town.yaml", {
        "name": both("見本市", "Mihon City"), "boundary": "boundary", "languages": ["ja", "en"],
        "hazards": [{"kind": "flood", "scenario": "L1", "river": RIVER}, {"kind": "flood", "scenario": "L2", "river": RIVER},
                    {"kind": "landslide"}, {"kind": "inland-flood"}]},
        "Made by Tools/sample-town; change it there. No layer holds the inland flood (内水): it answers unknown.")


def at(folder, id):
    (folder / id).mkdir(parents=True, exist_ok=True)
    return folder / id


def width_class(width):
    return 1 if width < 3 else 2 if width < 5.5 else 3 if width < 13 else 4 if width < 19.5 else 5


def roads(town, folder):
    here = at(folder, "roads")
    fields = [("区間ID", "C", 8, 0), ("路線名", "C", 40, 0), ("道路種別", "N", 1, 0), ("幅員m", "N", 5, 1), ("幅員区分", "N", 1, 0), ("車線数", "N", 1, 0),
              ("道路状態", "N", 1, 0), ("管理者", "C", 10, 0), ("区間延長m", "N", 8, 1)]
    rows, shapes = [], []
    for n, s in enumerate(town.streets, 1):
        line = to_plane(s.line.simplify(0.15))
        keeper = {NATIONAL: "国", PREFECTURAL: PREFECTURE}.get(s.kind, CITY)
        lanes = 4 if s.width >= 18 else 2 if s.width >= 5.5 else 1
        rows.append((f"R{n:06d}", s.name, s.kind, s.width, width_class(s.width), lanes, 2 if s.bridge else 1, keeper, line.length))
        shapes.append(line)
    write_shapefile(here / "roads.zip", "roads", PLANE, shapes, fields, rows)      # no .cpg: the reader must know
    describe(folder, "roads", both("道路", "Roads"), both("見本市の道路中心線。交差点ごとに区切る。", "Road centre lines, cut at junctions."), "道路課", "base", "roads.zip", key="区間ID",
             attributes={
                 "section": column("区間ID", both("区間ID", "Section"), "text"),
                 "name": column("路線名", both("路線名", "Route"), "text"),
                 "class": column("道路種別", both("道路種別", "Road class"), "integer", codes={
                     NATIONAL: both("国道", "National road"), PREFECTURAL: both("県道", "Prefectural road"), MAIN: both("幹線市道", "Main city road"),
                     STREET: both("市道", "City street"), LANE: both("細街路", "Narrow lane")}),
                 "width": column("幅員m", both("幅員", "Width"), "real", unit="m"),
                 "width_class": column("幅員区分", both("幅員区分", "Width class"), "integer", codes={
                     1: both("3m未満", "under 3 m"), 2: both("3m以上5.5m未満", "3 to 5.5 m"), 3: both("5.5m以上13m未満", "5.5 to 13 m"),
                     4: both("13m以上19.5m未満", "13 to 19.5 m"), 5: both("19.5m以上", "19.5 m and over")}),
                 "lanes": column("車線数", both("車線数", "Lanes"), "integer"),
                 "state": column("道路状態", both("道路状態", "State"), "integer", codes={1: both("通常部", "Ordinary"), 2: both("橋・高架", "Bridge")}),
                 "keeper": column("管理者", both("管理者", "Kept by"), "text"),
                 "length": column("区間延長m", both("区間延長", "Length"), "real", unit="m")},
             style={"min-zoom": 10, "max-zoom": 18, "color": "#8A8A8A", "width": 1.5, "label": "name", "order": 40, "importance": "width", "by": "class",
                    "colors": {1: "#C8443C", 2: "#D98A2B", 3: "#7A8F3A", 4: "#8A8A8A", 5: "#B4B4B4"}})


USES = {"住宅": "House", "共同住宅": "Flats", "商業": "Shop", "業務": "Office", "公共": "Public", "文教": "School", "医療福祉": "Medical and care", "工業": "Industry",
        "農業": "Farm", "宗教": "Temple or shrine", "その他": "Other", "不明": "Not known"}
STRUCTURES = {"木造": "Wood", "軽量鉄骨造": "Light steel", "鉄骨造": "Steel", "鉄筋コンクリート造": "Reinforced concrete"}


def buildings(town, folder):
    here = at(folder, "buildings")
    # 住居表示番号 and 調査年月日時点 are longer than ten bytes and are cut, as real files have it.
    fields = [("建物ID", "C", 8, 0), ("町丁目名称", "C", 20, 0), ("住居表示番号", "C", 12, 0), ("建物用途", "C", 10, 0), ("構造種別", "C", 20, 0), ("地上階数", "N", 3, 0),
              ("建物高さ", "N", 6, 1), ("建築面積", "N", 8, 1), ("建築年", "N", 4, 0), ("名称", "C", 40, 0), ("推計人口", "N", 4, 0), ("調査年月日時点", "D", 8, 0)]
    rows, shapes = [], []
    for n, b in enumerate(town.buildings, 1):
        shape = to_plane(b.shape)
        number = f"{b.block.number}-{b.lot}" if b.block.number else f"{int(b.block.id[-3:]) * 40 + b.lot}"
        rows.append((f"B{n:06d}", b.block.district.name, number, b.use, b.structure, b.storeys, b.height, shape.area, b.year, b.name, b.people,
                     "20231001" if b.block.built > 0.2 else "20210801"))
        shapes.append(shape)
    write_shapefile(here / "buildings.zip", "buildings", PLANE, shapes, fields, rows, cpg="CP932")
    describe(folder, "buildings", both("建物", "Buildings"), both("建物外形と用途・階数・建築年。建築年と高さは不明のものがある。", "Building outlines with use, storeys and year. Some years and heights are not known."),
             "都市計画課", "base", "buildings.zip", key="建物ID",
             attributes={
                 "building": column("建物ID", both("建物ID", "Building"), "text"),
                 "district": column("町丁目名称", both("町丁目", "District"), "text"),
                 "number": column("住居表示番", both("住居表示番号", "House number"), "text"),
                 "usage": column("建物用途", both("用途", "Use"), "text", codes={ja: both(ja, en) for ja, en in USES.items()}),
                 "structure": column("構造種別", both("構造", "Structure"), "text", codes={ja: both(ja, en) for ja, en in STRUCTURES.items()}),
                 "storeys": column("地上階数", both("地上階数", "Storeys"), "integer"),
                 "height": column("建物高さ", both("高さ", "Height"), "real", unit="m"),
                 "area": column("建築面積", both("建築面積", "Footprint"), "real", unit="m²"),
                 "year": column("建築年", both("建築年", "Year built"), "integer"),
                 "name": column("名称", both("名称", "Name"), "text"),
                 "people": column("推計人口", both("推計人口", "Estimated residents"), "integer", unit="人", visibility="internal"),
                 "surveyed": column("調査年月日", both("調査年月日", "Surveyed"), "date")},
             style={"min-zoom": 13, "max-zoom": 18, "color": "#D8C7A8", "outline": "#8C7B5A", "width": 0.5, "label": "name", "order": 30, "by": "usage",
                    "colors": {"商業": "#E2A29B", "業務": "#C9B6D8", "公共": "#9FC2D9", "文教": "#9FC2D9", "医療福祉": "#A8D3C0", "工業": "#B5BAC8"}})


def blocks(town, folder):
    here = at(folder, "blocks")
    members = [b for b in town.blocks if b.buildings or b.purpose == "park" or not b.hilly]
    shapes = [to_degrees(b.shape) for b in members]
    write_geopackage(here / "blocks.gpkg", "街区", DEGREES, shapes, {
        "街区ID": [b.id for b in members], "町字ID": [b.district.code for b in members], "町丁目名": [b.district.name for b in members],
        "町丁目名_英字": [b.district.english for b in members], "街区符号": pandas.array([b.number for b in members], dtype="Int64"),
        "面積": [round(b.shape.area, 1) for b in members]})
    describe(folder, "blocks", both("街区", "City blocks"), both("道路・河川に囲まれた街区。大字の区域には街区符号がない。", "Blocks between streets and rivers. Outlying villages have no block number."),
             "市民課", "place", "blocks.gpkg", layer="街区", key="街区ID",
             attributes={
                 "block": column("街区ID", both("街区ID", "Block"), "text"),
                 "district_code": column("町字ID", both("町字ID", "District code"), "text"),
                 "district": column("町丁目名", both("町丁目名", "District"), "text"),
                 "district_en": column("町丁目名_英字", both("町丁目名（英字）", "District in English"), "text"),
                 "number": column("街区符号", both("街区符号", "Block number"), "integer"),
                 "area": column("面積", both("面積", "Area"), "real", unit="m²")},
             style={"min-zoom": 12, "max-zoom": 18, "color": "#F3F0E8", "outline": "#C9C2B0", "width": 0.5, "opacity": 0.8, "label": "number", "order": 10})


def river(town, folder):
    here = at(folder, "river")
    ground = town.terrain
    features = []
    for name, english, part, kind, shape in [
            ("見本川", "Mihon River", "水面", 2, ground.water), ("見本川", "Mihon River", "河川敷", 2, ground.banks.difference(ground.water)),
            ("見本川", "Mihon River", "中心線", 2, ground.river), ("見取川", "Mitori River", "水面", 4, ground.stream), ("見取川", "Mitori River", "中心線", 4, ground.tributary)]:
        clipped = shapely.intersection(shape, ground.boundary)
        for piece in shapely.get_parts(clipped):
            if piece.length > 30:
                features.append(({"河川番号": f"99{len(features) + 1:04d}", "河川名": name, "河川名_英字": english, "区分": part, "区間種別": kind,
                                  "管理者": PREFECTURE if kind == 2 else CITY}, to_degrees(piece.simplify(0.2), 7)))
    write_geojson(here / "river.geojson", features)
    describe(folder, "river", both("河川", "Rivers"), both("見本川と支川の見取川。水面・河川敷の区域と中心線。", "The Mihon and its tributary Mitori: water, land between the levees, centre lines."),
             "河川課", "base", "river.geojson", key="河川番号",
             attributes={
                 "river_part": column("河川番号", both("番号", "Number"), "text"),
                 "name": column("河川名", both("河川名", "River"), "text"),
                 "name_en": column("河川名_英字", both("河川名（英字）", "River in English"), "text"),
                 "part": column("区分", both("区分", "Part"), "text", codes={"水面": both("水面", "Water"), "河川敷": both("河川敷", "Land between the levees"), "中心線": both("中心線", "Centre line")}),
                 "class": column("区間種別", both("区間種別", "Class of river"), "integer", codes={2: both("1級指定区間", "Class 1, designated"), 4: both("指定区間外", "Not designated")}),
                 "keeper": column("管理者", both("管理者", "Kept by"), "text")},
             style={"min-zoom": 8, "max-zoom": 18, "color": "#9CC7E8", "outline": "#5A93BD", "width": 1, "label": "name", "order": 20, "by": "part",
                    "colors": {"水面": "#9CC7E8", "河川敷": "#D6E6CF", "中心線": "#5A93BD"}})


def floods(town, folder):
    for flood in town.floods:
        level = flood.scenario[1]
        id, prefix, file = f"flood-l{level}", f"A31a_{level}0", f"flood_l{level}.zip"
        ja, en = ("計画規模", "design scale") if level == "1" else ("想定最大規模", "largest assumed")
        here = at(folder, id)
        fields = [(prefix + "1", "C", 10, 0), (prefix + "2", "C", 40, 0), (prefix + "3", "C", 2, 0), (prefix + "4", "C", 20, 0), (prefix + "5", "N", 2, 0)]
        rows = [("9900010001", "見本川", "99", PREFECTURE, rank) for rank, _ in flood.zones]
        write_shapefile(here / file, f"A31a-{level}0-24_99_9900010001", DEGREES, [p for _, p in flood.zones], fields, rows, cpg="CP932" if level == "2" else None)
        write_geojson(here / "coverage.geojson", [({"river": "見本川", "scenario": flood.scenario}, flood.surveyed)])
        describe(folder, id, both(f"洪水浸水想定区域（{ja}）", f"Flood inundation, {en}"),
                 both(f"見本川が氾濫した場合に想定される浸水深（{ja}）。支川は調査していない。", f"Assumed depth of flooding by the Mihon River, {en}. Its tributary was not studied."),
                 "危機管理課", "hazard", file,
                 attributes={
                     "river_number": column(prefix + "1", both("河川番号", "River number"), "text"),
                     "river": column(prefix + "2", both("河川名", "River"), "text"),
                     "keeper_code": column(prefix + "3", both("管理者コード", "Code of the keeper"), "text"),
                     "keeper": column(prefix + "4", both("管理者名", "Kept by"), "text"),
                     "rank": column(prefix + "5", both("浸水ランク", "Depth class"), "integer", codes="depth-6")},
                 hazard={"kind": "flood", "scenario": flood.scenario, "river": RIVER, "scheme": "depth-6", "class": "rank", "coverage": "coverage.geojson"},
                 style={"min-zoom": 8, "max-zoom": 16, "opacity": 0.7, "order": 50 + int(level)})


def landslide(town, folder):
    here = at(folder, "landslide")
    features = [({"A33_001": z.phenomenon, "A33_002": z.area, "A33_003": "99", "A33_004": z.number, "A33_005": z.name, "A33_006": z.address, "A33_007": z.notified, "A33_008": z.special_pending},
                 to_degrees(z.shape, 7)) for z in town.landslides]
    write_geojson(here / "landslide.geojson", features)
    write_geojson(here / "coverage.geojson", [({}, to_degrees(town.landslide_survey, 7))])
    describe(folder, "landslide", both("土砂災害警戒区域", "Landslide warning zones"),
             both("急傾斜地の崩壊・土石流・地滑りの警戒区域と特別警戒区域。特別警戒区域は警戒区域に重なる。調査は西部のみ。", "Warning and special warning zones of steep slopes, debris flows and slides; a special zone lies on its warning zone. Only the west was studied."),
             "危機管理課", "hazard", "landslide.geojson",
             attributes={
                 "phenomenon": column("A33_001", both("現象の種類", "Phenomenon"), "integer", codes={
                     1: both("急傾斜地の崩壊", "Steep slope failure"), 2: both("土石流", "Debris flow"), 3: both("地滑り", "Slide")}),
                 "zone": column("A33_002", both("区域区分", "Zone"), "integer", codes={
                     1: both("土砂災害警戒区域（指定済）", "Warning zone"), 2: both("土砂災害特別警戒区域（指定済）", "Special warning zone"),
                     3: both("土砂災害警戒区域（指定前）", "Warning zone, not yet designated"), 4: both("土砂災害特別警戒区域（指定前）", "Special warning zone, not yet designated")}),
                 "prefecture_code": column("A33_003", both("都道府県コード", "Prefecture code"), "text"),
                 "zone_number": column("A33_004", both("区域番号", "Zone number"), "text"),
                 "name": column("A33_005", both("区域名", "Name"), "text"),
                 "address": column("A33_006", both("所在地", "Address"), "text"),
                 "notified": column("A33_007", both("告示日", "Notified"), "date"),
                 "special_pending": column("A33_008", both("特別警戒未指定フラグ", "Special zone still to be designated"), "integer")},
             hazard={"kind": "landslide", "scheme": "landslide", "class": "zone", "phenomenon": "phenomenon", "coverage": "coverage.geojson"},
             style={"min-zoom": 9, "max-zoom": 17, "opacity": 0.7, "order": 60})


SHELTER_HEADER = """全国地方公共団体コード,ID,名称,名称_カナ,名称_英字,所在地_全国地方公共団体コード,町字ID,所在地_連結表記,所在地_都道府県,所在地_市区町村,所在地_町字,所在地_番地以下,\
建物名等(方書),緯度,経度,標高,電話番号,内線番号,連絡先メールアドレス,連絡先FormURL,連絡先備考（その他、SNSなど）,郵便番号,市区町村コード,地方公共団体名,\
災害種別_洪水,災害種別_崖崩れ、土石流及び地滑り,災害種別_高潮,災害種別_地震,災害種別_津波,災害種別_大規模な火事,災害種別_内水氾濫,災害種別_火山現象,\
指定避難所との重複,想定収容人数,対象となる町会・自治会,URL,画像,画像_ライセンス,備考""".split(",")
FLAGS = {"flood": ("洪水", "Flood"), "landslide": ("崖崩れ、土石流及び地滑り", "Landslide"), "storm_surge": ("高潮", "Storm surge"), "earthquake": ("地震", "Earthquake"),
         "tsunami": ("津波", "Tsunami"), "fire": ("大規模な火事", "Large fire"), "inland_flood": ("内水氾濫", "Inland flood"), "volcano": ("火山現象", "Volcano")}


def shelters(town, folder):
    here = at(folder, "shelters")
    out = io.StringIO()
    writer = csv.DictWriter(out, SHELTER_HEADER, restval="", lineterminator="\r\n")
    writer.writeheader()
    for s in town.shelters:
        writer.writerow({"全国地方公共団体コード": CODE, "ID": s.id, "名称": s.name, "名称_カナ": s.kana, "名称_英字": s.english, "所在地_全国地方公共団体コード": CODE, "町字ID": s.district.code,
                         "所在地_連結表記": f"{PREFECTURE}{CITY}{s.district.name}{s.number}", "所在地_都道府県": PREFECTURE, "所在地_市区町村": CITY, "所在地_町字": s.district.name, "所在地_番地以下": s.number,
                         "緯度": f"{s.lat:.6f}", "経度": f"{s.lon:.6f}", "標高": s.height, "市区町村コード": CODE, "地方公共団体名": CITY,
                         **{"災害種別_" + ja: "1" if s.flags[k] else "" for k, (ja, _) in FLAGS.items()},
                         "指定避難所との重複": "1" if s.also_refuge else "", "想定収容人数": "" if s.capacity is None else int(s.capacity), "対象となる町会・自治会": f"{s.quarter}自治会", "備考": s.note})
    (here / "shelters.csv").write_bytes(out.getvalue().encode("cp932"))
    describe(folder, "shelters", both("指定緊急避難場所", "Emergency evacuation places"), both("災害の種類ごとに、使える避難場所を示す。", "Places to flee to, by kind of hazard."),
             "危機管理課", "shelter", "shelters.csv", crs=DEGREES, encoding="CP932", key="ID",
             attributes={
                 "shelter": column("ID", both("ID", "ID"), "text"),
                 "name": column("名称", both("名称", "Name"), "text"),
                 "name_kana": column("名称_カナ", both("名称（カナ）", "Name in kana"), "text"),
                 "name_en": column("名称_英字", both("名称（英字）", "Name in English"), "text"),
                 "district_code": column("町字ID", both("町字ID", "District code"), "text"),
                 "address": column("所在地_連結表記", both("所在地", "Address"), "text"),
                 "elevation": column("標高", both("標高", "Elevation"), "real", unit="m"),
                 **{k: column("災害種別_" + ja, both(ja, en), "integer", codes={1: both("使用可", "May be used")}) for k, (ja, en) in FLAGS.items()},
                 "refuge": column("指定避難所との重複", both("指定避難所との重複", "Also a refuge to stay in"), "integer", codes={1: both("重複", "Yes")}),
                 "capacity": column("想定収容人数", both("想定収容人数", "Capacity"), "integer", unit="人"),
                 "note": column("備考", both("備考", "Note"), "text")},
             style={"min-zoom": 10, "max-zoom": 18, "color": "#1B7F3B", "outline": "#FFFFFF", "width": 6, "label": "name", "order": 90})


def boundary(town, folder):
    here = at(folder, "boundary")
    write_geojson(here / "boundary.geojson", [({"市区町村コード": CODE, "都道府県名": PREFECTURE, "市区町村名": CITY, "市区町村名_英字": "Mihon City"}, to_degrees(town.terrain.boundary, 7))])
    describe(folder, "boundary", both("市域", "Town area"), both("見本市の区域。", "The area of Mihon City."), "企画課", "base", "boundary.geojson", key="市区町村コード",
             attributes={
                 "code": column("市区町村コード", both("市区町村コード", "Municipality code"), "text"),
                 "prefecture": column("都道府県名", both("都道府県名", "Prefecture"), "text"),
                 "name": column("市区町村名", both("市区町村名", "Municipality"), "text"),
                 "name_en": column("市区町村名_英字", both("市区町村名（英字）", "Municipality in English"), "text")},
             style={"min-zoom": 5, "max-zoom": 18, "outline": "#6B3FA0", "width": 2, "opacity": 0, "label": "name", "order": 70})


def assist(town, folder):
    here = at(folder, "assist-count")
    rows = town.assist
    write_geopackage(here / "assist_count.gpkg", "要支援者数", DEGREES, [to_degrees(b.shape.representative_point(), 7) for b, *_ in rows], {
        "街区ID": [b.id for b, *_ in rows], "町丁目名": [b.district.name for b, *_ in rows], "要支援者数": [n for _, n, _, _ in rows], "単身者数": [a for _, _, a, _ in rows],
        "計画作成数": pandas.array([p for *_, p in rows], dtype="Int64")})
    describe(folder, "assist-count", both("要支援者数（街区別）", "People needing help to evacuate, by block"),
             both("避難行動要支援者の街区ごとの人数。架空の数で、実在の人とは関係がない。庁内限り。", "How many people in a block need help to evacuate. Invented numbers, no real people. For the office only."),
             "福祉課", "welfare", "assist_count.gpkg", layer="要支援者数", key="街区ID", access="internal",
             attributes={
                 "block": column("街区ID", both("街区ID", "Block"), "text"),
                 "district": column("町丁目名", both("町丁目名", "District"), "text"),
                 "needing_help": column("要支援者数", both("要支援者数", "Needing help"), "integer", unit="人"),
                 "living_alone": column("単身者数", both("うち単身者数", "Of them living alone"), "integer", unit="人"),
                 "plans": column("計画作成数", both("個別避難計画作成数", "With a plan of their own"), "integer", unit="人")},
             style={"min-zoom": 12, "max-zoom": 18, "color": "#B0457B", "outline": "#FFFFFF", "width": 5, "label": "needing_help", "order": 80})
