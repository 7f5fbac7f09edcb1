"""GDAL as a client: what is asked by `-where`, `-spat` and `-sql` is what Python finds in the rows.

Of a condition GDAL sends what equals a value, as a parameter with the attribute's name; CQL it knows by the names of an old draft only (`cql-text`). Times
are not in the table: GDAL sends a comparison of any date as `datetime`, which asks for the layer's own time, and of a day writes `2020-01-20T`.
"""
import csv
import io
import json
import subprocess

import pyogrio
import pytest
import shapely

NONE = lambda value, holds: value is not None and holds(value)
WHERE = [
    ('"small" > 3', lambda row: NONE(row["small"], lambda it: it > 3)),
    ('small = 2 OR small = 5', lambda row: row["small"] in (2, 5)),
    ("\"名称\" = '二本松'", lambda row: row["名称"] == "二本松"),
    ("\"名称\" = 'o''clock'", lambda row: row["名称"] == "o'clock"),
    ("\"名称\" LIKE 'TOK%'", lambda row: NONE(row["名称"], lambda it: it.startswith("TOK"))),
    ("\"名称\" ILIKE 'tok%'", lambda row: NONE(row["名称"], lambda it: it.lower().startswith("tok"))),
    ("small IN (1, 2, 3)", lambda row: row["small"] in (1, 2, 3)),
    ("small BETWEEN 1 AND 3", lambda row: NONE(row["small"], lambda it: 1 <= it <= 3)),
    ("size IS NULL", lambda row: row["size"] is None),
    ("size IS NOT NULL AND small >= 2", lambda row: row["size"] is not None and NONE(row["small"], lambda it: it >= 2)),
    ("flag = 1", lambda row: row["flag"] is True),
    ("small + 1 > 5", lambda row: NONE(row["small"], lambda it: it > 4)),
    ("size < 0.5", lambda row: NONE(row["size"], lambda it: it < 0.5)),
]


def ids(found):
    return sorted(int(each) for each in found)


def by_gdal(server, *options):
    done = subprocess.run(["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"OAPIF:{server.url}", *options, "-oo", "PAGE_SIZE=1000"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ids(each["properties"]["番号"] for each in json.loads(done.stdout)["features"])


@pytest.mark.parametrize("where, holds", WHERE, ids=[each[0] for each in WHERE])
def test_where(everything, where, holds):
    """Debian's GDAL, and the newer one in pyogrio."""
    server, rows = everything
    wanted = ids(row.id for row in rows if holds(row.values))
    assert 0 < len(wanted) < len(rows)
    assert by_gdal(server, "plenty", "-where", where) == wanted
    assert ids(pyogrio.read_dataframe(f"OAPIF:{server.url}", layer="plenty", where=where, columns=["番号"], PAGE_SIZE=1000)["番号"]) == wanted


def test_an_equality_is_left_to_the_server(everything):
    """Otherwise GDAL would fetch everything and look itself."""
    done = subprocess.run(["ogrinfo", "--debug", "ON", "-ro", "-q", f"OAPIF:{everything[0].url}", "plenty", "-where", "small = 2", "-oo", "PAGE_SIZE=1000"], capture_output=True, text=True)
    assert done.returncode == 0 and "limit=1000&small=2" in done.stderr, done.stderr[-1000:]


@pytest.mark.parametrize("box", [(138.1, 34.1, 139.3, 36.2), (140.05, 36.05, 140.1, 36.1), (-180, -90, -170, 90), (170, 60, 180, 90)])
def test_spat(everything, box):
    server, rows = everything
    wanted = ids(row.id for row in rows if row.geometry is not None and row.geometry.intersects(shapely.box(*box)))
    assert by_gdal(server, "plenty", "-spat", *map(str, box)) == wanted
    both = ids(row.id for row in rows if row.id in wanted and NONE(row.values["small"], lambda it: it > 3))
    assert by_gdal(server, "plenty", "-spat", *map(str, box), "-where", "small > 3") == both


def test_sql(everything):
    server, rows = everything
    counted = {}
    for row in rows:
        if NONE(row.values["small"], lambda it: it > 3):
            counted[row.values["flag"]] = counted.get(row.values["flag"], 0) + 1
    frame = pyogrio.read_dataframe(f"OAPIF:{server.url}", sql="SELECT flag, COUNT(*) AS n FROM plenty WHERE small > 3 GROUP BY flag", sql_dialect="SQLITE", read_geometry=False)
    assert {None if flag != flag or flag is None else bool(flag): n for flag, n in zip(frame["flag"], frame["n"])} == counted
    first = pyogrio.read_dataframe(f"OAPIF:{server.url}", sql='SELECT "番号" FROM plenty WHERE small > 3 ORDER BY "番号" LIMIT 7', read_geometry=False)
    assert list(first["番号"]) == ids(row.id for row in rows if NONE(row.values["small"], lambda it: it > 3))[:7]


def test_64_bit_numbers_and_nulls_arrive(everything, tmp_path):
    """In a table, where GDAL writes the digits that it has."""
    server, rows = everything
    done = subprocess.run(["ogr2ogr", "-f", "CSV", tmp_path / "a.csv", f"OAPIF:{server.url}", "plenty", "-oo", "PAGE_SIZE=1000"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {int(each["番号"]): each for each in csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(), newline=""))}
    assert len(found) == len(rows)
    for row in rows:
        for name in ("big", "small"):
            assert found[row.id][name] == ("" if row.values[name] is None else str(row.values[name])), (row.id, name)
        assert found[row.id]["名称"] == (row.values["名称"] or "")
