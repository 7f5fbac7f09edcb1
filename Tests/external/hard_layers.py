"""The layers whose pyramids are looked at, as folders with a `layer.yaml`: those of `torture`, made, and real ones where there are any."""
import json
import os
import shutil

import numpy as np
import pyogrio
import torture

EVERY = os.environ.get("KASANE_EVERY") == "1"

#: What is made, with the size by default and with KASANE_EVERY=1.
MADE = {
    "spikes": {}, "slivers": {}, "touching": {}, "coast": {"steps": (5, 7)}, "checkerboard": {"side": (30, 60)}, "board": {}, "stars": {"rays": (60, 360)},
    "nested": {"depth": (24, 60)}, "mesh": {"side": (30, 80)}, "terraces": {"count": (100, 400)}, "valleys": {"count": (3, 14)}, "dust": {"count": (20_000, 400_000)}, "lines": {}, "edges": {},
    "attributes": {}, "mixture": {}, "huge": {"vertices": (10_000, 100_000)}, "points": {"count": (50_000, 1_000_000)},
}
#: Attribute that holds the class, and the scheme, of those that are hazards.
HAZARDS = {
    "mesh": ("rank", "depth-6"), "valleys": ("rank", "depth-6"), "nested": ("rank", "depth-6"), "numazu-flood": ("浸水ランク", "depth-6"),
    "numazu-tsunami": ("浸水ランク", "depth-6"), "numazu-landslide": ("区域区分", "landslide"),
}
REAL = ["fukushima", "iwate", "numazu-flood", "numazu-tsunami", "numazu-landslide", "tokyo"]
#: Buildings of Tokyo by default; all with KASANE_EVERY=1.
TOKYO = 15_000


def write_made(folder, seed):
    for name, sizes in MADE.items():
        chance = np.random.default_rng([seed, *name.encode()])
        made = getattr(torture, name)(chance, **{key: values[EVERY] for key, values in sizes.items()})
        made.to_file(described(folder, name, "source.gpkg"), engine="pyogrio")


def write_real(folder, shared, seed):
    for name, number in (("fukushima", "07"), ("iwate", "03")):
        files = sorted((shared / "japan" / "boundaries" / number).glob("*.json"))
        features = [feature for file in files for feature in json.loads(file.read_text())["features"]]
        described(folder, name, "source.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    for name, file in (("numazu-flood", "fld"), ("numazu-tsunami", "tnm"), ("numazu-landslide", "lsld")):
        shutil.copy(shared / "japan" / "hazard" / "derived" / f"numazu_{file}.gpkg", described(folder, name, "source.gpkg"))
    source = described(folder, "tokyo", "source.fgb")
    if EVERY:
        from conftest import unpack
        unpack(shared / "large" / "tokyo23_buildings.parquet", source)
    else:
        ward = pyogrio.read_dataframe(shared / "large" / "koto_buildings_cp932_epsg6677.zip", encoding="CP932").to_crs("EPSG:6668")
        ward.sample(min(TOKYO, len(ward)), random_state=seed % 2**32).to_file(source, engine="pyogrio")


def described(folder, id, file):
    (folder / id).mkdir(parents=True)
    text = f"id: {id}\ntitle: {{ja: {id}, en: {id}}}\naccess: public\nsource: {{file: {file}}}\n"
    if id in HAZARDS:
        attribute, scheme = HAZARDS[id]
        text += f"theme: hazard\nhazard: {{kind: {'landslide' if scheme == 'landslide' else 'flood'}, scenario: L2, scheme: {scheme}, class: {attribute}}}\n"
    else:
        text += "theme: facility\n"
    (folder / id / "layer.yaml").write_text(text)
    return folder / id / file
