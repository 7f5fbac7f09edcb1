"""Kasane: its commands, and its server with one layer or with none."""
import os
import shutil
from urllib.parse import quote

from processes import Server, timed

PORT = 18091


class Kasane:
    name = "Kasane"

    def __init__(self, work):
        self.binary = os.environ["KASANE"]
        self.work = work
        self.data = work / "data"
        self.log = work / "kasane.log"
        self.settings = work / "kasane.yaml"
        self.settings.write_text("tile-cache-mib: 1\nthin-tiles: false\n")

    def load(self, source):
        """Loads and publishes a file into a data directory that was empty; seconds, and bytes of anonymous memory at most."""
        shutil.rmtree(self.data, ignore_errors=True)
        return timed(
            [self.binary, "load", source, "--layer", "buildings", "--access", "public", "--publish", "--data", self.data], self.log)

    def server(self, path="/collections/buildings/items?limit=1", data=None, layers=None):
        command = [self.binary, "serve", "--data", data or self.data, "--port", str(PORT), "--config", self.settings]
        if layers:
            command += ["--layers", layers]
        return Server(command, PORT, self.log, path)

    @staticmethod
    def tile(zoom, column, row):
        return f"/collections/buildings/tiles/WebMercatorQuad/{zoom}/{row}/{column}"

    @staticmethod
    def items(box, limit, condition=None):
        address = f"/collections/buildings/items?f=json&limit={limit}&bbox={','.join(map(str, box))}"
        return address + (f"&filter={quote(condition)}" if condition else "")
