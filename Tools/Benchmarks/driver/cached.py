"""A tile that is kept, and nginx sending the same bytes from a file."""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import urllib.request

import machine
from parts import Disagreement, middle, note
from processes import Failed, Server, family

SIZE = 20_000
PORT = 18095
SECONDS = 3


class Nginx:
    """nginx with a worker for each core, no log, files from the page cache."""

    def __init__(self, work, body):
        folder = work / "nginx"
        (folder / "www").mkdir(parents=True, exist_ok=True)
        (folder / "www" / "tile.mvt").write_bytes(body)
        # Its workers may be of another user.
        for each in (work, folder, folder / "www"):
            each.chmod(0o755)
        scratch = " ".join(f"{name}_temp_path {folder}/scratch;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.settings = folder / "nginx.conf"
        self.settings.write_text(
            f"worker_processes {os.cpu_count()}; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;\n"
            "events { worker_connections 256; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; {scratch}\n"
            f"  default_type application/vnd.mapbox-vector-tile; server {{ listen 127.0.0.1:{PORT}; root {folder}/www; }} }}\n")
        self.log = folder / "nginx.log"

    def server(self):
        return Server(["/usr/sbin/nginx", "-c", self.settings], PORT, self.log, "/tile.mvt")


def processor_seconds(pid):
    total = 0
    for process in family(pid):
        words = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def send(server, path, connections):
    """Requests a second by wrk, and microseconds of the server's processor time for each."""
    before = processor_seconds(server.process.pid)
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "-H", "Accept-Encoding: gzip", f"http://127.0.0.1:{server.port}{path}"],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    used = processor_seconds(server.process.pid) - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise Failed(text)
    count = int(re.search(r"(\d+) requests in", text)[1])
    return float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1]), 1e6 * used / count


def fetch(server, path):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def cached(bench):
    kasane = bench.loaded()
    settings = bench.work / "cached.yaml"
    settings.write_text("tile-cache-mib: 64\n")
    log = bench.work / "cached.log"

    def start():
        # With its log, as it comes; nginx writes none.
        return Server([kasane.binary, "serve", "--data", kasane.data, "--port", str(PORT - 1), "--config", settings], PORT - 1, log, "/collections?f=json")

    with start() as ours:
        ours.first_answer()
        sized = [(abs(len(fetch(ours, kasane.tile(*tile[:3]))) - SIZE), kasane.tile(*tile[:3])) for tile in bench.lists.tiles]
        path = min(sized)[1]
        body = fetch(ours, path)
    noise = machine.Noise()
    results = {}
    with start() as ours, Nginx(bench.work, body).server() as theirs:
        ours.first_answer()
        theirs.first_answer()
        if not fetch(ours, path) == fetch(ours, path) == fetch(theirs, "/tile.mvt"):
            raise Disagreement("the tile is not the same again")
        for round_ in range(bench.rounds + 1):
            for connections in (1, 8):
                noise.look()
                for name, server, address in [("Kasane", ours, path), ("nginx", theirs, "/tile.mvt")][::1 if round_ % 2 else -1]:
                    rate, cost = send(server, address, connections)
                    print(f"  {connections} {name}: {rate:.0f} requests/s, {cost:.1f} µs", file=sys.stderr)
                    if round_:
                        results.setdefault((connections, name), []).append((rate, cost))
    lines = ["| connections | server | requests/s, median (range) | times nginx | µs of processor time a request |", "|---|---|---|---|---|"]
    for connections in (1, 8):
        base = statistics.median(rate for rate, _ in results[connections, "nginx"])
        for name in ("Kasane", "nginx"):
            rates, costs = zip(*results[connections, name])
            lines.append(f"| {connections} | {name} | {middle(rates, 0)} | {statistics.median(rates) / base:.2f} | {middle(costs, 1)} |")
    return lines + note(
        noise, f"The tile of the lists whose size is nearest to 20 KB: {len(body):,} bytes in gzip form. wrk, one thread, {SECONDS} s, {bench.rounds} rounds after one "
        "that is not counted. Kasane writes a line of log for every request, nginx none.")


ALL = {"cached": cached}
