"""Reads the layers back with GDAL and asks GEOS whether they are what they claim. Prints a report; answers 1 when something is wrong."""
import csv
import io
import re

import geopandas
import numpy as np
import pyogrio
import shapely

SOURCES = {"roads": ("roads.zip", "CP932"), "buildings": ("buildings.zip", None), "blocks": ("blocks.gpkg", None), "river": ("river.geojson", None),
           "flood-l1": ("flood_l1.zip", "CP932"), "flood-l2": ("flood_l2.zip", None), "landslide": ("landslide.geojson", None),
           "boundary": ("boundary.geojson", None), "assist-count": ("assist_count.gpkg", None)}
PLANE = "EPSG:6677"


def check(folder):
    wrong = []

    def must(fact, words):
        print("  " if fact else "✗ ", words, sep="")
        if not fact:
            wrong.append(words)

    layers = {}
    for id, (file, encoding) in SOURCES.items():
        options = {"encoding": encoding} if encoding else {}
        layers[id] = pyogrio.read_dataframe(folder / id / file, **options)
        frame = layers[id]
        box = ", ".join(f"{x:.5f}" for x in frame.to_crs("EPSG:6668").total_bounds)
        print(f"{id}: {len(frame)} features, {frame.crs.to_string()[:12]}, {shapely.get_num_coordinates(frame.geometry.values).sum()} vertices, extent {box}")
        must(frame.geometry.is_valid.all() and not frame.geometry.is_empty.any(), "every geometry is valid")
        must_have_columns(folder, id, [c for c in frame.columns if c != "geometry"], must)
    rows = list(csv.DictReader(io.StringIO((folder / "shelters" / "shelters.csv").read_bytes().decode("cp932"), newline="")))
    print(f"shelters: {len(rows)} rows")
    must_have_columns(folder, "shelters", list(rows[0]), must)
    must(40 <= len(rows) <= 60 and len(rows[0]) == 39, "40 to 60 rows of 39 columns")
    must(sum("\n" in r["備考"] for r in rows) == 1, "one cell has a line break")
    must(len({r["ID"] for r in rows}) == len({r["名称"] for r in rows}) == len(rows), "ids and names differ")

    town = layers["boundary"].to_crs(PLANE).geometry.iloc[0]
    houses = layers["buildings"]
    shapes = houses.geometry.values
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    must(18_000 < len(houses) < 22_000, f"about 20,000 buildings; {int(houses['推計人口'].sum())} people; uses {houses['建物用途'].value_counts().to_dict()}")
    must((a < b).sum() == 0, f"{(a < b).sum()} pairs of buildings touch")
    roads = layers["roads"]
    crossing = shapely.STRtree(shapes).query(roads.geometry.values, predicate="intersects").shape[1]
    must(crossing == 0, f"{crossing} buildings lie on a road's centre line")
    must(shapely.within(shapes, town).all(), "buildings lie in the town")
    print("  nulls:", {c: int(houses[c].isna().sum()) for c in ("地上階数", "建物高さ", "建築年")}, " areas m²:", np.percentile(shapely.area(shapes), [1, 25, 50, 75, 99]).round().tolist())
    print("  road classes", roads["道路種別"].value_counts().sort_index().to_dict(), "width classes", roads["幅員区分"].value_counts().sort_index().to_dict(), "bridges", int((roads["道路状態"] == 2).sum()))
    blocks = layers["blocks"].to_crs(PLANE)
    a, b = shapely.STRtree(blocks.geometry.values).query(blocks.geometry.values, predicate="overlaps")
    must(len(a) == 0, f"{len(a)} overlaps between blocks")
    inside = blocks.geometry.values[shapely.STRtree(blocks.geometry.values).query(shapes, predicate="intersects")[1]]
    must(len(inside) == len(houses), f"every building lies in one block ({len(inside)} pairs)")

    survey, zone = {}, {}
    for id in ("flood-l1", "flood-l2", "landslide"):
        survey[id] = geopandas.read_file(folder / id / "coverage.geojson").to_crs(PLANE).union_all()
    for id, column in (("flood-l1", "A31a_105"), ("flood-l2", "A31a_205")):
        flood = layers[id]
        together = flood.union_all()
        must(abs(shapely.area(flood.geometry.values).sum() - together.area) < 1e-12, f"{id}: classes do not overlap; {flood[column].value_counts().sort_index().to_dict()}")
        zone[id] = together
        plane = flood.to_crs(PLANE)
        river = layers["river"].to_crs(PLANE)
        river = river[(river["河川名"] == "見本川") & (river["区分"] == "中心線")].union_all()
        spread = {int(rank): round(float(np.average(shapely.distance(part.geometry.centroid.values, river), weights=part.area)))
                  for rank, part in plane.groupby(column)}
        print(f"  {id}: km² {({int(k): round(v / 1e6, 2) for k, v in plane.area.groupby(plane[column]).sum().items()})}; mean metres to the river by class {spread}")
        must(geopandas.GeoSeries([survey[id]], crs=PLANE).to_crs("EPSG:6668").iloc[0].buffer(1e-7).covers(together), f"{id}: lies in what was surveyed")
        share = survey[id].intersection(town).area / town.area
        must(0.3 < share < 0.9, f"{id}: {share:.0%} of the town was surveyed, {plane.union_all().area / town.area:.0%} is a zone")
    must(zone["flood-l2"].buffer(1e-9).covers(zone["flood-l1"]), "L1 lies inside L2")
    deeper = geopandas.overlay(layers["flood-l1"], layers["flood-l2"], how="intersection", keep_geom_type=True)
    must((deeper["A31a_205"] >= deeper["A31a_105"]).all(), "L2 is nowhere shallower than L1")

    slides = layers["landslide"].to_crs(PLANE)
    kinds = slides.groupby(["A33_001", "A33_002"]).size().to_dict()
    print("  landslide:", {f"{k[0]}/{k[1]}": v for k, v in kinds.items()}, "buildings in a zone:", len(set(shapely.STRtree(shapes).query(slides.geometry.values, predicate="intersects")[1].tolist())))
    must(survey["landslide"].buffer(0.05).covers(slides.union_all()), f"landslide: lies in what was surveyed, {survey['landslide'].intersection(town).area / town.area:.0%} of the town")
    yellow = {n: g for n, g, k in zip(slides["A33_004"], slides.geometry, slides["A33_002"]) if k != 2}
    must(all(yellow[n].buffer(0.05).covers(g) for n, g, k in zip(slides["A33_004"], slides.geometry, slides["A33_002"]) if k == 2), "special zones lie on their warning zones")
    points = geopandas.GeoSeries(shapely.points([float(r["経度"]) for r in rows], [float(r["緯度"]) for r in rows]), crs="EPSG:6668")
    must(points.to_crs(PLANE).within(town).all(), "shelters lie in the town")
    flooded = points.within(zone["flood-l2"])
    print(f"  shelters in an L2 zone: {int(flooded.sum())}; flags", {c.removeprefix('災害種別_'): sum(r[c] == "1" for r in rows) for c in rows[0] if c.startswith("災害種別")})
    must(not any(f and r["災害種別_洪水"] == "1" and "公" in r["名称"][-3:] for f, r in zip(flooded, rows)), "no hall or park in a flood zone is offered against floods")
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    must(size < 8_000_000, f"{size / 1e6:.2f} MB together")
    examples(layers, survey, town)
    return 1 if wrong else 0


def must_have_columns(folder, id, columns, must):
    text = (folder / id / "layer.yaml").read_text(encoding="utf-8")
    named = re.findall(r'\{column: "?([^",]+)"?,', text)
    missing = [n for n in named if n not in columns]
    must(named and not missing, f"layer.yaml names {len(named)} of {len(columns)} columns" + (f"; not in the file: {missing}" if missing else ""))


def examples(layers, survey, town):
    """Points to try: one well inside each answer."""
    def show(words, shape):
        middle = shapely.maximum_inscribed_circle(shape, tolerance=2).coords[0]
        lonlat = geopandas.GeoSeries([shapely.Point(middle)], crs=PLANE).to_crs("EPSG:6668").iloc[0]
        print(f"  {lonlat.x:.6f},{lonlat.y:.6f}  {words}")

    print("examples (lon,lat):")
    plane = {id: layers[id].to_crs(PLANE) for id in ("flood-l1", "flood-l2", "landslide")}
    for id, column in (("flood-l1", "A31a_105"), ("flood-l2", "A31a_205")):
        for rank, part in plane[id].groupby(column):
            show(f"{id} class {rank}", max(part.geometry, key=lambda g: g.area))
        zones = plane[id].union_all()
        largest = lambda shape: max(shapely.get_parts(shape), key=lambda g: g.area)
        show(f"{id} surveyed, outside", largest(survey[id].intersection(town).difference(zones)))
        show(f"{id} not surveyed", largest(town.difference(survey[id])))
    for (kind, area), part in plane["landslide"].groupby(["A33_001", "A33_002"]):
        others = plane["landslide"][(plane["landslide"]["A33_001"] != kind) | (plane["landslide"]["A33_002"] != area)].union_all()
        show(f"landslide phenomenon {kind}, zone {area}", largest(part.union_all().difference(others)) if area != 2 else max(part.geometry, key=lambda g: g.area))
    zones = plane["landslide"].union_all()
    show("landslide surveyed, outside", largest(survey["landslide"].intersection(town).difference(zones)))
    show("landslide not surveyed", largest(town.difference(survey["landslide"])))
