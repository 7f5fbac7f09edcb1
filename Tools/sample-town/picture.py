"""An overview of the town, drawn from the written files."""
import csv
import io

import geopandas
import numpy as np
import pyogrio
import shapely
from PIL import Image, ImageDraw

DEPTH = {1: "#F7F5A9", 2: "#FFD8C0", 3: "#FFB7B7", 4: "#FF9191", 5: "#F285C9", 6: "#DC7ADC"}
SLOPE = {(1, 2): "#FA2800", (2, 2): "#A50021", (3, 2): "#B40028", (1, 1): "#FAE600", (2, 1): "#E6C832", (3, 1): "#FF9900"}
USE = {"住宅": "#B59A6C", "商業": "#C8504A", "業務": "#8E6BA8", "工業": "#6B7390", "農業": "#7E9A4A", "公共": "#3878A8", "文教": "#3878A8", "医療福祉": "#3A9A78"}
ROAD = {1: ("#C8443C", 4), 2: ("#D98A2B", 3), 3: ("#7A8F3A", 2), 4: ("#A0A0A0", 1), 5: ("#C4C4C4", 1)}


def draw(folder, file, scale=0.28, flood="flood-l2"):
    read = lambda id, name, **more: pyogrio.read_dataframe(folder / id / name, **more).to_crs("EPSG:6677")
    town = read("boundary", "boundary.geojson").geometry.iloc[0]
    west, south, east, north = town.buffer(80).bounds
    image = Image.new("RGB", (int((east - west) * scale), int((north - south) * scale)), "#DDE3DD")
    pen = ImageDraw.Draw(image, "RGBA")

    def paper(ring):
        xy = np.asarray(ring.coords)
        return [((x - west) * scale, (north - y) * scale) for x, y in xy]

    def fill(shapes, colour, outline=None):
        for shape in shapely.get_parts(shapes):
            pen.polygon(paper(shape.exterior), fill=colour, outline=outline)

    fill([town], "#E9EDE3")
    fill(read("blocks", "blocks.gpkg").geometry.values, "#F7F5EF")
    zones = read(flood, flood.replace("-", "_") + ".zip", encoding="CP932")
    rank = zones.columns[-2]
    # Without their holes, the largest first, so that what lies inside is drawn on top.
    for n in np.argsort(-shapely.area(zones.geometry.values), kind="stable"):
        fill([zones.geometry.iloc[n]], DEPTH[zones[rank].iloc[n]])
    river = read("river", "river.geojson")
    fill(river[river["区分"] == "河川敷"].geometry.values, "#CFE3C6")
    fill(river[river["区分"] == "水面"].geometry.values, "#8DBDE3")
    slopes = read("landslide", "landslide.geojson").sort_values("A33_002")
    for _, zone in slopes.iterrows():
        fill([zone.geometry], SLOPE.get((zone["A33_001"], zone["A33_002"]), "#FAE60080") + "C0"[: 2 if (zone["A33_001"], zone["A33_002"]) in SLOPE else 0])
    roads = read("roads", "roads.zip", encoding="CP932").sort_values("道路種別", ascending=False)
    for kind, line in zip(roads["道路種別"], roads.geometry):
        pen.line(paper(line), fill=ROAD[kind][0], width=ROAD[kind][1])
    houses = read("buildings", "buildings.zip")
    for use, shape in zip(houses["建物用途"], houses.geometry):
        fill([shape], USE.get(use, "#777777"))
    for id, name, colour in ((flood, "coverage.geojson", "#2050C0"), ("landslide", "coverage.geojson", "#A00000"), ("boundary", "boundary.geojson", "#6B3FA0")):
        for shape in shapely.get_parts(read(id, name).geometry.values):
            pen.line(paper(shape.exterior), fill=colour, width=2)
    rows = list(csv.DictReader(io.StringIO((folder / "shelters" / "shelters.csv").read_bytes().decode("cp932"), newline="")))
    for p in geopandas.GeoSeries(shapely.points([(float(r["経度"]), float(r["緯度"])) for r in rows]), crs="EPSG:6668").to_crs("EPSG:6677"):
        x, y = (p.x - west) * scale, (north - p.y) * scale
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill="#1B7F3B", outline="#FFFFFF")
    image.save(file)
