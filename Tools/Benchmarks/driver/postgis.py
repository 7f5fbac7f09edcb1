"""PostGIS in a cluster of its own, and tipg in front of it: two worker processes, no limits on features, no cache."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

from processes import Failed, Server

PORT, TIPG_PORT = 18093, 18094
BINARIES = "/usr/lib/postgresql/15/bin"
#: As a database of this size is run on a machine like this one.
SETTINGS = {"shared_buffers": "4GB", "work_mem": "64MB", "jit": "off", "listen_addresses": "'127.0.0.1'", "port": PORT}


class PostGIS:
    name = "PostGIS"

    def __init__(self, work, source):
        self.work, self.source = work, source
        self.folder = work / "postgis"
        self.log = work / "postgis.log"
        # PostgreSQL does not run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.address = f"host=127.0.0.1 port={PORT} dbname=bench user={self.user}"

    def __enter__(self):
        cluster = self.folder / "cluster"
        if not (cluster / "PG_VERSION").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(self.folder, self.user)
            self.as_user("initdb", "-D", cluster, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
            with open(cluster / "postgresql.conf", "a") as file:
                file.writelines(f"{key} = {value}\n" for key, value in SETTINGS.items())
                file.write(f"unix_socket_directories = '{self.folder}'\n")
        self.as_user("pg_ctl", "-D", cluster, "-l", self.folder / "log", "-w", "start")
        try:
            self.fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.as_user("pg_ctl", "-D", self.folder / "cluster", "-w", "-m", "fast", "stop")

    def as_user(self, program, *arguments):
        command = [f"{BINARIES}/{program}", *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        with open(self.log, "ab") as log:
            if subprocess.run(command, cwd="/", stdout=log, stderr=log).returncode:
                raise Failed(f"{program} failed, see {self.log}")

    def sql(self, text, database="bench"):
        return subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(PORT), "-U", self.user, "-d", database, "-c", text],
            stdout=subprocess.PIPE, text=True, check=True).stdout

    def fill(self):
        """The layer with its index, loaded when it is not there or from another file."""
        if "bench" not in self.sql("select datname from pg_database", "postgres").split():
            self.sql("create database bench", "postgres")
            self.sql("create extension postgis")
        status = self.source.stat()
        mark = f"{self.source.name} {status.st_size} {status.st_mtime_ns}"
        if self.sql("select coalesce(obj_description(to_regclass('buildings')), '')").strip() == mark:
            return
        self.load(self.source, "buildings")
        self.sql(f"comment on table buildings is '{mark}'")

    def load(self, source, table):
        print(f"  PostGIS loads {source.name}", file=sys.stderr)
        layer = re.search(r"^1: (.*?)(?: \(|$)", subprocess.run(["ogrinfo", "-q", source], stdout=subprocess.PIPE, text=True, check=True).stdout, re.M)[1]
        subprocess.run(
            ["ogr2ogr", "-q", "-f", "PostgreSQL", f"PG:{self.address}", source, layer, "-nln", table, "-overwrite", "-nlt", "GEOMETRY",
             "-lco", "GEOMETRY_NAME=geom", "-lco", "FID=fid", "-lco", "LAUNDER=NO", "-lco", "SPATIAL_INDEX=GIST", "--config", "PG_USE_COPY", "YES"],
            check=True)
        self.sql(f"vacuum analyze {table}")


class Tipg:
    name = "tipg on PostGIS"

    def __init__(self, postgis):
        self.postgis = postgis
        environment = postgis.work / "tipg"
        if not (environment / "bin" / "uvicorn").exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            subprocess.run([environment / "bin" / "pip", "install", "-q", "tipg", "uvicorn[standard]"], check=True)
        self.program = environment / "bin" / "uvicorn"

    def server(self):
        return Server(
            [self.program, "tipg.main:app", "--port", str(TIPG_PORT), "--workers", "2", "--log-level", "error"], TIPG_PORT,
            self.postgis.work / "tipg.log", self.items([0, 0, 0.001, 0.001], 1, None),
            environment={
                "DATABASE_URL": f"postgresql://{self.postgis.user}@127.0.0.1:{PORT}/bench", "TIPG_CATALOG_TTL": "0",
                "TIPG_DB_TABLES": '["public.buildings"]', "TIPG_MAX_FEATURES_PER_QUERY": "100000000",
                "TIPG_MAX_FEATURES_PER_TILE": "100000000", "TIPG_TILE_BUFFER": "64",
            })

    @staticmethod
    def tile(zoom, column, row):
        return f"/collections/public.buildings/tiles/WebMercatorQuad/{zoom}/{column}/{row}"

    @staticmethod
    def items(box, limit, condition):
        from urllib.parse import quote
        address = f"/collections/public.buildings/items?f=geojson&limit={limit}&bbox={','.join(map(str, box))}"
        return address + (f"&filter-lang=cql2-text&filter={quote(condition)}" if condition else "")


class SQLTiles:
    """`ST_AsMVT` with nothing between the database and who asks: what a tile server on PostGIS could reach at best."""

    name = "PostGIS, SQL"
    what = "one prepared statement, `ST_AsMVT` of `ST_AsMVTGeom` of what the index finds in the tile, over connections of asyncpg that stay open, answers in binary"

    def __init__(self, postgis):
        self.postgis = postgis
        self.program = [Tipg(postgis).program.with_name("python"), pathlib.Path(__file__).with_name("sqlclient.py")]
        self.address = f"postgresql://{postgis.user}@127.0.0.1:{PORT}/bench"

    def server(self):
        return contextlib.nullcontext(self)

    def first_answer(self):
        """The database answers already."""

    @staticmethod
    def tile(zoom, column, row):
        return f"{zoom} {column} {row}"

    def send(self, connections, tiles, margin=0, folder=None):
        """What the client says of a list of tiles, as of requests."""
        command = [*self.program, self.address, str(connections), str(margin), *([folder] if folder else [])]
        done = subprocess.run(command, input="".join(tile + "\n" for tile in tiles), stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    def all(self, tiles, margin=0):
        """The bytes of each tile."""
        with tempfile.TemporaryDirectory() as folder:
            self.send(2, [self.tile(*tile) for tile in tiles], margin, folder)
            for tile in tiles:
                yield pathlib.Path(folder, "{}-{}-{}.mvt".format(*tile)).read_bytes()

    def one(self, tile):
        return next(self.all([tile]))
