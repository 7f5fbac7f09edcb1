"""A PostGIS of the tests' own: a throw-away cluster in a temporary folder that listens on no network, as witness for what lies where."""
import glob
import json
import os
import pwd
import shutil
import subprocess

import pytest
import shapely

#: JGD2011: the ellipsoid is GRS80, on which we measure.
SYSTEM = 6668
SETTINGS = {"listen_addresses": "''", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "jit": "off", "work_mem": "'64MB'"}


def binaries():
    """The newest PostgreSQL that has PostGIS; None when there is none."""
    found = [path for path in glob.glob("/usr/lib/postgresql/*/bin") if glob.glob(f"/usr/share/postgresql/{path.split('/')[4]}/extension/postgis.control")]
    return max(found, key=lambda path: int(path.split("/")[4]), default=None)


class PostGIS:
    def __init__(self, folder):
        self.folder, self.binaries = folder, binaries()
        # PostgreSQL does not run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    def __enter__(self):
        if self.binaries is None:
            pytest.skip("PostGIS is not installed (Tools/install --tests)")
        # Temporary folders of tests are for their owner alone, and the path of a socket is short.
        self.folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        self.run("initdb", "-D", self.folder / "cluster", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(self.folder / "cluster" / "postgresql.conf", "a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in SETTINGS.items())
            file.write(f"unix_socket_directories = '{self.folder}'\n")
        self.run("pg_ctl", "-D", self.folder / "cluster", "-l", self.folder / "log", "-w", "start")
        try:
            self.sql("create extension postgis")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", self.folder / "cluster", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def run(self, program, *arguments):
        command = [f"{self.binaries}/{program}", *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def sql(self, text, input=None):
        """Rows of a question, each a list of JSON values."""
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", self.user, "-d", "postgres", "-c", text]
        done = subprocess.run(command, input=input, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stderr}\n{text}"
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]

    def load(self, name, ids, properties, geometries):
        """A table `id`, `at` (attributes as JSON), `geom`."""
        self.sql(f'create table "{name}" (id text primary key, at jsonb, geom geometry)')
        escape = lambda text: text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        lines = (f"{escape(str(id))}\t{escape(json.dumps(at, ensure_ascii=False))}\t{shapely.to_wkb(shapely.set_srid(shape, SYSTEM), hex=True, include_srid=True)}\n"
                 for id, at, shape in zip(ids, properties, geometries))
        self.sql(f'copy "{name}" from stdin', "".join(lines))
        self.sql(f'create index on "{name}" using gist (geom); analyze "{name}"')

    def pairs(self, target, overlay, condition, target_filter="true", overlay_filter="true"):
        """Keeps which features belong together, for `figures`. The conditions are on `t` and `o`."""
        self.layers = target, overlay
        self.sql(f'drop table if exists met; create table met as select t.id as tid, o.id as oid from "{target}" t join "{overlay}" o on {condition} '
                 f"where ({target_filter}) and ({overlay_filter}); analyze met")

    def figures(self, group, figures):
        """Figures by group, by the words of the process: a feature counts once in a group, on either side; a place counts once for a target."""
        def value(text):
            side, name = text.split(".")
            return f"{side[0]}.at->'{name}'"
        target, overlay = self.layers
        both = f'met join "{target}" t on t.id = tid join "{overlay}" o on o.id = oid'
        key = f"jsonb_build_array({', '.join(map(value, group))})"
        columns = {}
        for figure in figures:
            function, _, name = figure.partition(":")
            if function == "area":
                question = (f"select k, sum(ST_Area(part::geography)) from (select {key} as k, tid, ST_Union(ST_CollectionExtract(ST_Intersection(t.geom, o.geom), 3)) as part "
                            f"from {both} group by 1, 2) as parts group by k")
            elif function == "length":
                # Pieces of one line, cut at places that are rounded, do not lie exactly on each other: first all areas together, then one cut.
                question = (f"select k, sum(ST_Length(ST_CollectionExtract(ST_Intersection(t.geom, area), 2)::geography)) from "
                            f"(select {key} as k, tid, ST_Union(o.geom) as area from {both} group by 1, 2) as areas join \"{target}\" t on t.id = tid group by k")
            elif function == "count":
                question = f"select {key}, count(distinct tid) from {both} group by 1"
            else:
                number = f"({value(name)})" if function == "distinct" else f"({value(name)} #>> '{{}}')::float8"
                aggregate = {"distinct": "count(distinct v)", "mean": "avg(v)"}.get(function, f"{function}(v)")
                question = (f"select k, {aggregate} from (select distinct {key} as k, {name[0]}.id, {number} as v from {both} "
                            f"where {value(name)} <> 'null') as one group by k")
            columns[figure] = {json.dumps(row[0]): row[1] for row in self.sql(f"select jsonb_build_array(k, f) from ({question}) as answer(k, f)")}
        keys = {json.dumps(row[0]) for row in self.sql(f"select distinct jsonb_build_array({key}) from {both}")}
        absent = lambda figure: 0 if figure.startswith(("count", "distinct", "area", "length")) else None
        return {tuple(json.loads(key)): [columns[figure].get(key, absent(figure)) for figure in figures] for key in keys}

    def overlay(self, target, overlay, condition, group, figures, **filters):
        self.pairs(target, overlay, condition, **filters)
        return self.figures(group, figures)
