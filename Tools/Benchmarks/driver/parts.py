"""The parts of the benchmark: each checks what is answered, measures, and returns the lines of its section of README.md."""
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import urllib.request

import machine
from kasane import Kasane
from mapserver import MapServer
from processes import status, timed


class Disagreement(Exception):
    """Two programs that should answer alike do not: nothing is measured then."""


class Bench:
    """What all parts share. Layers are loaded and peers set up when a part first needs them."""

    def __init__(self, work, data, rounds, lists):
        self.work, self.data, self.rounds, self.lists = work, data, rounds, lists
        self.kasane = Kasane(work)
        self.tool = os.environ["KASANE_BENCH"]
        self._mapserver = None
        self._is_loaded = False

    @property
    def mapserver(self):
        if self._mapserver is None:
            self._mapserver = MapServer(self.work, self.data)
        return self._mapserver

    def loaded(self):
        """The layer as this build makes it; loaded once a run."""
        if not self._is_loaded:
            self.kasane.load(self.data)
            self._is_loaded = True
        return self.kasane

    def requests(self, port, connections, paths):
        """What the request generator of `kasane-bench` says of a list of paths."""
        file = self.work / "paths.txt"
        file.write_text("".join(path + "\n" for path in paths))
        answer = subprocess.run([self.tool, "requests", str(port), str(connections), file], stdout=subprocess.PIPE, text=True, check=True)
        return self.checked(f"port {port}", json.loads(answer.stdout))

    @staticmethod
    def checked(name, result):
        if result["errors"]:
            raise Disagreement(f"{result['errors']} of {result['requests']} requests to {name} were not answered well")
        return {**result, "rate": result["requests"] / result["seconds"], "size": result["bytes"] / result["requests"]}


def middle(values, digits=2, scale=1.0):
    """The median, and the range in brackets."""
    values = [value * scale for value in values]
    if not values:
        return "–"
    return f"{number(statistics.median(values), digits)} ({number(min(values), digits)}–{number(max(values), digits)})"


def number(value, digits):
    return f"{value:,.{digits}f}"


def read_to_cache(path):
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def get(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
        return answer.read()


# MARK: In one process


def lines_of(text):
    """`name: median unit (least to greatest)`, as kasane-bench prints it, as rows of a table; other lines say more about the one before."""
    rows = []
    for line in text.splitlines():
        if found := re.fullmatch(r"(.*): ([\d.]+) (\S+) \(([\d.]+) to ([\d.]+)\)", line):
            rows.append([found[1], f"{found[2]} {found[3]}", f"{found[4]}–{found[5]}"])
        else:
            rows[-1][0] += f" ({line.strip()})"
    return ["| what | median | range |", "|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows)]


def index(bench):
    noise = machine.Noise()
    noise.look()
    text = subprocess.run([bench.tool, "index"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return lines_of(text) + note(noise, "A million boxes the size of buildings over one degree, one thread, in memory.")


def process(bench):
    kasane = bench.loaded()
    noise = machine.Noise()
    noise.look()
    zoom, column, row, count = bench.lists.tile
    text = subprocess.run(
        [bench.tool, "layer", kasane.data, "buildings", "--tiles", bench.lists.tiles_file, "--boxes", bench.lists.boxes_file,
         "--tile", f"{zoom}/{column}/{row}"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return lines_of(text) + note(
        noise,
        f"One thread, no network. The single tile is the one with the number of features nearest to 5,000 ({count:,} centres inside), with "
        f"all attributes; the {len(bench.lists.tiles)} tiles and {len(bench.lists.boxes)} boxes are those of the parts below. Files in the "
        "page cache, and every block checked by a run that is not counted.")


# MARK: Loading and opening


def load(bench):
    target = bench.work / "copy.fgb"
    copying = f"ogr2ogr -f FlatGeobuf '{target}' '{bench.data}' && sync '{target}'"
    ours, theirs = [], []
    noise = machine.Noise()
    for round_ in range(bench.rounds + 1):
        read_to_cache(bench.data)
        for results, run in [(ours, lambda: bench.kasane.load(bench.data)), (theirs, lambda: timed(copying, bench.work / "copy.log", shell=True))]:
            target.unlink(missing_ok=True)
            os.sync()
            noise.look()
            seconds, memory = run()
            print(f"  {seconds:.2f} s, {memory / 1e6:.0f} MB", file=sys.stderr)
            if round_:  # the first shows that all is well
                results.append((seconds, memory))
        if round_ == 0:
            check_counts(bench, target)
    target.unlink(missing_ok=True)
    bench._is_loaded = True

    def row(name, results):
        seconds, memory = zip(*results)
        return f"| {name} | {middle(seconds)} s | {middle(memory, 0, 1e-6)} MB |"

    ratio = statistics.median(seconds for seconds, _ in ours) / statistics.median(seconds for seconds, _ in theirs)
    return [
        "| what | seconds, median (range) | peak anonymous memory |", "|---|---|---|",
        row("`kasane load … --publish`", ours), row("`ogr2ogr` FlatGeobuf → FlatGeobuf, synced", theirs),
        f"| times the time of ogr2ogr | {ratio:.2f} | |",
        *note(noise, f"{bench.rounds} rounds, alternating, after one that is not counted and whose feature counts were compared. The source lies in "
              "the page cache, everything else was written to the disk before. Kasane's time holds the jail, all checks, the copy of the original "
              "with its SHA-256, the layer file and the catalogue, all synced; ogr2ogr's the copy and `sync` of it. Memory: the largest sum of "
              "RssAnon over the command and its children, every 20 ms.")]


def check_counts(bench, copy):
    with bench.kasane.server() as server:
        server.first_answer()
        ours = json.loads(get(server, "/collections/buildings/items?f=json&limit=1"))["numberMatched"]
    text = subprocess.run(["ogrinfo", "-so", "-al", copy], stdout=subprocess.PIPE, text=True, check=True).stdout
    theirs = int(re.search(r"^Feature Count: (\d+)", text, re.M)[1])
    if ours != theirs:
        raise Disagreement(f"Kasane loaded {ours} features, ogr2ogr {theirs}")


def open_(bench):
    kasane = bench.loaded()
    empty = bench.work / "empty"
    shutil.rmtree(empty, ignore_errors=True)
    with kasane.server("/collections?f=json", empty) as server:  # makes the catalogue
        server.first_answer()
    with_layer, without, resident, anonymous = [], [], [], []
    noise = machine.Noise()
    noise.look()
    for _ in range(max(11, bench.rounds)):
        with kasane.server("/collections?f=json", empty) as server:
            without.append(server.first_answer())
        with kasane.server() as server:
            with_layer.append(server.first_answer())
            resident.append(status(server.process.pid, "VmRSS"))
            anonymous.append(status(server.process.pid, "RssAnon"))
    difference = statistics.median(with_layer) - statistics.median(without)
    return [
        "| what | median (range) |", "|---|---|",
        f"| first answer after process start, with the layer (`items?limit=1`) | {middle(with_layer, 1, 1e3)} ms |",
        f"| the same, no layers (`/collections`) | {middle(without, 1, 1e3)} ms |",
        f"| difference of the medians | {1000 * difference:.1f} ms |",
        f"| resident then, all of it | {middle(resident, 1, 1e-6)} MB |",
        f"| of that anonymous | {middle(anonymous, 1, 1e-6)} MB |",
        *note(noise, f"{len(without)} starts of each, alternating; the files lie in the page cache.")]


# MARK: Over HTTP


def compare(bench, peers, paths, noise):
    """Requests of Kasane's server and of peers' with 1 and 8 connections, each path once a round, after a round that is not counted."""
    results = {}
    targets = [bench.kasane, *peers]
    with contextlib.ExitStack() as stack:
        servers = {target.name: stack.enter_context(target.server()) for target in targets}

        def send(target, connections):
            # A peer that is no server of HTTP has a way of its own.
            if hasattr(target, "send"):
                return bench.checked(target.name, target.send(connections, paths(target)))
            return bench.requests(servers[target.name].port, connections, paths(target))

        for target in targets:
            servers[target.name].first_answer()
            send(target, 2)
        for round_ in range(bench.rounds):
            for connections in (1, 8):
                for target in targets if round_ % 2 == 0 else reversed(targets):
                    noise.look()
                    result = send(target, connections)
                    results.setdefault((connections, target.name), []).append(result)
                    print(f"  {connections} {target.name}: {result['rate']:.1f} requests/s", file=sys.stderr)
    lines = ["| connections | server | requests/s, median (range) | Kasane is so many times as fast | p50 ms | p95 ms | bytes an answer |", "|---|---|---|---|---|---|---|"]
    for connections in (1, 8):
        ours = statistics.median(result["rate"] for result in results[connections, bench.kasane.name])
        for target in targets:
            rows = results[connections, target.name]
            rates = [row["rate"] for row in rows]
            p50, p95 = (statistics.median(row[part] for row in rows) for part in ("p50", "p95"))
            lines.append(
                f"| {connections} | {target.name} | {middle(rates, 1)} | {ours / statistics.median(rates):.1f} | {p50:.2f} | {p95:.2f} | "
                f"{statistics.median(row['size'] for row in rows):,.0f} |")
    return lines


POLICY = (
    "{rounds} rounds, the order of the servers turning, after one that is not counted. Files in the page cache, nothing that was made is used again: "
    "Kasane's tile cache is set to its least, 1 MiB, through which other tiles run several times over before one is asked again; peers have none. Servers and "
    "request generator share the machine. No compression.")


def items(bench):
    kasane, mapserver = bench.loaded(), bench.mapserver
    with kasane.server() as ours, mapserver.server() as theirs:
        ours.first_answer()
        theirs.first_answer()
        seen = []
        for box in bench.lists.boxes[:5]:
            a, b = (json.loads(get(server, target.items(box, 1000))) for target, server in [(kasane, ours), (mapserver, theirs)])
            seen.append(f"{a['numberMatched']}/{b['numberMatched']}")
            if len(a["features"]) != len(b["features"]) or abs(a["numberMatched"] - b["numberMatched"]) > 0.005 * b["numberMatched"] + 2:
                raise Disagreement(f"box {box}: Kasane {len(a['features'])} of {a['numberMatched']}, MapServer {len(b['features'])} of {b['numberMatched']}")
    noise = machine.Noise()
    lines = compare(bench, [mapserver], lambda target: [target.items(box, 1000) for box in bench.lists.boxes], noise)
    return lines + note(
        noise, f"{len(bench.lists.boxes)} boxes of about 0.9 × 0.9 km around buildings taken by chance, `limit=1000`, GeoJSON with all attributes; "
        "both count all matches (the first boxes: " + ", ".join(seen) + "). " + POLICY.format(rounds=bench.rounds))


def note(noise, text):
    return ["", f"{text} Others kept the processors busy {noise} just before the rounds."]


ALL = {"index": index, "process": process, "load": load, "open": open_, "items": items}

