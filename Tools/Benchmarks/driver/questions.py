"""The parts about questions: filters, boxes with filters, whole layers, deep pages, joins."""
import json
import os
import re
import statistics
import subprocess
import sys
import time

import machine
import parts
import polygons
from conditions import Conditions
from postgis import PostGIS, Tipg
from processes import status, timed


def filters(bench):
    kasane = bench.loaded()
    conditions = Conditions(bench.work, bench.data)
    file = bench.work / "filters.txt"
    file.write_text("".join(f"{text}\n" for text in (conditions.greater, conditions.equal, conditions.like)))
    check_counts(bench, conditions)
    noise = machine.Noise()
    noise.look()
    text = subprocess.run([bench.tool, "layer", kasane.data, "buildings", "--filters", file], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in text.splitlines() if line.startswith("filter")]
    return parts.lines_of("\n".join(lines)) + parts.note(
        noise, "In one process, no network: all matches counted, no feature written; the counts were compared with PostGIS. The parser is not in it.")


def check_counts(bench, conditions):
    with PostGIS(bench.work, bench.data) as postgis, bench.kasane.server() as server:
        server.first_answer()
        for condition in (conditions.greater, conditions.equal, conditions.like):
            query = parts.get(server, bench.kasane.items([-180, -90, 180, 90], 1, condition))
            ours, theirs = json.loads(query)["numberMatched"], int(postgis.sql(f"select count(*) from buildings where {condition}"))
            if ours != theirs:
                raise parts.Disagreement(f"{condition}: Kasane {ours}, PostGIS {theirs}")


def boxes(bench):
    bench.loaded()
    condition = Conditions(bench.work, bench.data).greater
    with PostGIS(bench.work, bench.data) as postgis:
        tipg = Tipg(postgis)
        with bench.kasane.server() as ours, tipg.server() as theirs:
            ours.first_answer()
            theirs.first_answer()
            counts = []
            for box in bench.lists.boxes[:5]:
                a, b = (json.loads(parts.get(server, target.items(box, 1000, condition))) for target, server in [(bench.kasane, ours), (tipg, theirs)])
                counts.append(f"{a['numberMatched']}/{b['numberMatched']}")
                if len(a["features"]) != len(b["features"]) or a["numberMatched"] != b["numberMatched"]:
                    raise parts.Disagreement(f"box {box}: Kasane {len(a['features'])} of {a['numberMatched']}, tipg {len(b['features'])} of {b['numberMatched']}")
        noise = machine.Noise()
        lines = parts.compare(bench, [tipg], lambda target: [target.items(box, 1000, condition) for box in bench.lists.boxes], noise)
    return lines + parts.note(
        noise, f"{len(bench.lists.boxes)} boxes, `limit=1000`, `filter={condition}`; both count all matches (the first boxes: {', '.join(counts)}). "
        + parts.POLICY.format(rounds=bench.rounds))


def whole(bench):
    """The whole layer as GeoJSON: as a command beside ogr2ogr, and from the server with its memory."""
    kasane = bench.loaded()
    target = bench.work / "whole.geojson"
    commands = {
        "`kasane export --format geojson`": [kasane.binary, "export", "buildings", "--format", "geojson", "--output", target, "--data", kasane.data],
        "`ogr2ogr -f GeoJSON` from FlatGeobuf": ["ogr2ogr", "-f", "GeoJSON", target, bench.data],
    }
    seconds = {name: [] for name in commands}
    size, counts, noise = {}, {}, machine.Noise()
    for round_ in range(bench.rounds + 1):
        for name, command in commands.items():
            target.unlink(missing_ok=True)
            os.sync()
            noise.look()
            time_, _ = timed(command, bench.work / "whole.log")
            print(f"  {name} {time_:.2f} s", file=sys.stderr)
            if round_:
                seconds[name].append(time_)
            else:
                size[name] = target.stat().st_size
                counts[name] = int(subprocess.run(["grep", "-ac", '"Feature"', target], stdout=subprocess.PIPE, text=True).stdout) \
                    if name.startswith("`ogr2ogr") else features_in(target)
    if len(set(counts.values())) != 1:
        raise parts.Disagreement(f"features written: {counts}")
    target.unlink(missing_ok=True)
    served, peak = [], 0
    with kasane.server() as server:
        server.first_answer()
        for _ in range(bench.rounds):
            start = time.perf_counter()
            got = subprocess.run(
                ["curl", "-s", "-f", "-o", "/dev/null", "-w", "%{size_download}", f"http://127.0.0.1:{server.port}/collections/buildings/download?f=geojson"],
                stdout=subprocess.PIPE, text=True, check=True).stdout
            served.append(time.perf_counter() - start)
            if int(got) < 0.99 * size["`kasane export --format geojson`"]:
                raise parts.Disagreement(f"the server sent {got} bytes")
        peak = status(server.process.pid, "VmHWM")
    ours, theirs = (statistics.median(values) for values in seconds.values())
    return [
        "| what | seconds, median (range) | bytes |", "|---|---|---|",
        *[f"| {name} | {parts.middle(values)} | {size[name]:,} |" for name, values in seconds.items()],
        f"| times faster than ogr2ogr | {theirs / ours:.1f} | |",
        f"| from the server, to a client that throws it away | {parts.middle(served)} | |",
        f"| most memory resident in the server, files in the page cache included | {peak / 1e6:.0f} MB | |",
        *parts.note(noise, f"{bench.rounds} rounds, alternating, after one that is not counted and whose features were counted. Both write to the same disk.")]


def features_in(file):
    """Occurrences, not lines."""
    count, rest = 0, b""
    with open(file, "rb") as stream:
        while piece := stream.read(1 << 24):
            count += (rest + piece).count(b'"type":"Feature",')
            rest = piece[-16:]
    return count


def pages(bench):
    """The first page and the thousandth by cursor."""
    kasane = bench.loaded()
    first, deep, noise = [], [], machine.Noise()
    with kasane.server() as server:
        server.first_answer()
        path = "/collections/buildings/items?f=json&limit=1000"
        addresses = [path]
        while len(addresses) < 1000:
            answer = json.loads(parts.get(server, addresses[-1]))
            following = next((link["href"] for link in answer["links"] if link["rel"] == "next"), None)
            if following is None:
                break
            addresses.append(following[following.index("/collections"):])
        noise.look()
        for _ in range(max(21, bench.rounds)):
            for page, results in [(addresses[0], first), (addresses[-1], deep)]:
                start = time.perf_counter()
                parts.get(server, page)
                results.append(time.perf_counter() - start)
    return [
        "| what | median (range) |", "|---|---|", f"| page 1 | {parts.middle(first, 2, 1e3)} ms |",
        f"| page {len(addresses):,}, reached by `next` | {parts.middle(deep, 2, 1e3)} ms |",
        *parts.note(noise, "1,000 features a page, one connection each, the features of the page and the count of all included.")]


def join(bench):
    kasane = bench.loaded()
    file = polygons.make(bench.work, bench.lists)
    subprocess.run(
        [kasane.binary, "load", file, "--layer", "hazard", "--access", "public", "--publish", "--data", kasane.data],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    environment = bench.work / "geopandas"
    if not (environment / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "-q", "geopandas", "pyogrio"], check=True)
    results, answers, noise = {}, {}, machine.Noise()
    with PostGIS(bench.work, bench.data) as postgis:
        postgis.load(file, "hazard")
        runs = {
            "Kasane": lambda: ours(kasane),
            "PostGIS": lambda: theirs(postgis),
            "geopandas": lambda: geopandas(environment / "bin" / "python", bench.data, file),
        }
        for round_ in range(bench.rounds):
            for name, run in runs.items():
                noise.look()
                seconds, counts = run()
                print(f"  {name} {seconds:.2f} s", file=sys.stderr)
                results.setdefault(name, []).append(seconds)
                answers[name] = counts
    if len({json.dumps(counts) for counts in answers.values()}) != 1:
        raise parts.Disagreement(f"the programs count differently: {answers}")
    base = statistics.median(results["Kasane"])
    return [
        "| program | seconds, median (range) | times Kasane's |", "|---|---|---|",
        *[f"| {name} | {parts.middle(values)} | {statistics.median(values) / base:.1f} |" for name, values in results.items()],
        *parts.note(
            noise, f"Buildings that intersect {polygons.COUNT:,} polygons with holes (50 to 3,000 vertices, six classes, seeded), counted once a class; all three "
            f"count the same: {answers['Kasane']}. Kasane: `kasane query`, process start and opening the layers included. PostGIS: the statement alone, "
            "indexes on both tables, parallel workers as it likes. geopandas: `sjoin` and `groupby`, the files read before.")]


def ours(kasane):
    question = [
        kasane.binary, "query", "buildings", "--overlay", "hazard", "--group-by", "overlay.class", "--aggregate", "count", "--format", "json", "--data",
        kasane.data]
    start = time.perf_counter()
    text = subprocess.run(question, stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds = time.perf_counter() - start
    return seconds, sorted([int(row[0]), int(row[1])] for row in json.loads(text)["rows"])


def theirs(postgis):
    start = time.perf_counter()
    text = postgis.sql(
        "select h.class, count(distinct b.fid) from hazard h join buildings b on st_intersects(b.geom, h.geom) group by 1 order by 1")
    return time.perf_counter() - start, sorted([int(value) for value in line.split("|")] for line in text.split())


GEOPANDAS = """
import json, sys, time
import geopandas
buildings, hazard = (geopandas.read_file(name)[columns + ["geometry"]] for name, columns in [(sys.argv[1], []), (sys.argv[2], ["class"])])
start = time.perf_counter()
found = geopandas.sjoin(buildings, hazard, predicate="intersects")
counts = found.reset_index().groupby("class")["index"].nunique()
print(json.dumps([time.perf_counter() - start, sorted([int(key), int(value)] for key, value in counts.items())]))
"""


def geopandas(python, buildings, hazard):
    text = subprocess.run([python, "-c", GEOPANDAS, buildings, hazard], stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, counts = json.loads(text)
    return seconds, counts


ALL = {"filters": filters, "boxes": boxes, "whole": whole, "pages": pages, "join": join}
