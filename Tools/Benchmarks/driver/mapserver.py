"""MapServer 8 behind lighttpd, two processes, reading a FlatGeobuf of its own."""
import os
import re
import subprocess

from processes import Server

PORT = 18092
#: MapServer asks for the tile itself and cuts 64 units outside; Kasane does the same with the features of the buffer too.
BUFFER = 64

MAP = """MAP
  NAME "bench"
  EXTENT -20037508 -20037508 20037508 20037508
  SIZE 256 256
  PROJECTION "init=epsg:3857" END
  WEB
    METADATA
      "ows_title" "bench"
      "ows_onlineresource" "http://127.0.0.1:{port}/ms"
      "ows_srs" "EPSG:4326"
      "ows_enable_request" "*"
      "oga_enable_request" "*"
    END
  END
  OUTPUTFORMAT NAME "mvt" DRIVER "MVT" EXTENSION "pbf" FORMATOPTION "EDGE_BUFFER={buffer}" END
  LAYER
    NAME "buildings"
    TYPE {type}
    STATUS ON
    TEMPLATE "needed"
    CONNECTIONTYPE FLATGEOBUF
    DATA "{data}"
    PROJECTION "init=epsg:4326" END
    METADATA
      "ows_title" "buildings"
      "ows_extent" "{extent}"
      "gml_types" "auto"
      "gml_include_items" "{columns}"
      "ows_include_items" "{columns}"
      "gml_featureid" "{id}"
    END
  END
END
"""

CONFIG = """CONFIG
  ENV
    MS_MAPFILE "{folder}/bench.map"
  END
  MAPS
    BENCH "{folder}/bench.map"
  END
END
"""

LIGHTTPD = """server.modules = ("mod_fastcgi")
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.stream-response-body = 1
server.max-keep-alive-requests = 1000000
fastcgi.server = ("/ms" => ((
    "bin-path" => "/usr/lib/cgi-bin/mapserv",
    "socket" => "{folder}/mapserv.socket",
    "check-local" => "disable",
    "max-procs" => 2,
    "bin-environment" => ("MAPSERVER_CONFIG_FILE" => "{folder}/mapserver.conf", "MS_MAPFILE" => "{folder}/bench.map")
)))
"""


class MapServer:
    name = "MapServer 8"

    def __init__(self, work, source):
        self.folder = work / "mapserver"
        self.folder.mkdir(exist_ok=True)
        facts = subprocess.run(["ogrinfo", "-so", "-al", source], stdout=subprocess.PIPE, text=True, check=True).stdout
        # Where the header leaves the kind of geometry open, or mixes single and multiple ones, MapServer 8.0 answers with empty tiles or ends.
        kind = re.search(r"^Geometry: (.*)$", facts, re.M)[1]
        kind, multiple = next(
            ((name, multi) for word, name, multi in [("Point", "POINT", "MULTIPOINT"), ("Line", "LINE", "MULTILINESTRING")] if word in kind),
            ("POLYGON", "MULTIPOLYGON"))
        status = source.stat()
        data = self.folder / f"{source.stem}-{status.st_size}-{status.st_mtime_ns}.fgb"
        if not data.exists():
            unfinished = self.folder / "unfinished.fgb"
            unfinished.unlink(missing_ok=True)
            subprocess.run(["ogr2ogr", "-f", "FlatGeobuf", unfinished, source, "-nln", "buildings", "-nlt", multiple], check=True)
            unfinished.rename(data)
        columns = re.findall(r"^(\S.*?): (?:String|Integer|Integer64|Real|Date|DateTime|Time)\b", facts, re.M)
        extent = re.findall(r"-?[\d.]+", re.search(r"^Extent: (.*)$", facts, re.M)[1])
        settings = {
            "folder": self.folder, "port": PORT, "buffer": BUFFER, "type": kind, "data": data, "extent": " ".join(extent),
            "columns": ",".join(columns), "id": columns[0],
        }
        for name, text in [("bench.map", MAP), ("mapserver.conf", CONFIG), ("lighttpd.conf", LIGHTTPD)]:
            (self.folder / name).write_text(text.format(**settings))

    def server(self):
        return Server(
            ["lighttpd", "-D", "-f", self.folder / "lighttpd.conf"], PORT, self.folder / "log", self.items([0, 0, 0.001, 0.001], 1),
            environment={"MAPSERVER_CONFIG_FILE": str(self.folder / "mapserver.conf")})

    @staticmethod
    def tile(zoom, column, row):
        return f"/ms/?map=BENCH&mode=tile&tilemode=gmap&tile={column}+{row}+{zoom}&layers=buildings&map.imagetype=mvt"

    @staticmethod
    def items(box, limit):
        return f"/ms/BENCH/ogcapi/collections/buildings/items?f=json&limit={limit}&bbox={','.join(map(str, box))}"
