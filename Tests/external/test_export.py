"""Exports that are killed: what was there stays, and what they leave goes with the next one."""
import os
import shutil
import subprocess
import time

import pytest

from server import KASANE, load
from test_kill import write_source

FORMS = {"geojson": "town.geojson", "csv": "town.csv", "flatgeobuf": "town.fgb", "gpkg": "town.gpkg", "shapefile": "town.shp"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_source(folder / "town.geojson", 3000, 0)
    load(folder / "data", folder / "town.geojson", "town")
    return folder / "data"


@pytest.mark.parametrize("form", FORMS)
def test_a_killed_export_leaves_what_was_there_and_nothing_for_long(town, tmp_path, form):
    if form in ("gpkg", "shapefile") and not shutil.which("ogr2ogr"):
        pytest.skip("ogr2ogr is not installed")
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    place = tmp_path / "place"
    place.mkdir()
    target = place / FORMS[form]
    target.write_text("before")
    export = [KASANE, "export", "town", "--format", form, "--output", str(target), "--data", str(town)]
    # Ended where it would give the file its name.
    killed = subprocess.run(["strace", "-f", "-q", "-o", str(tmp_path / "log"), "-e", "trace=rename,renameat,renameat2",
                             "-e", "inject=rename,renameat,renameat2:signal=KILL:when=1", *export], capture_output=True, text=True)
    if "killed by SIGKILL" not in (tmp_path / "log").read_text(errors="replace"):
        pytest.skip("strace may not trace here")
    assert killed.returncode != 0 and target.read_text() == "before"
    left = [path for path in place.iterdir() if path.name.startswith(".")]
    for path in left:
        os.utime(path, (time.time() - 60, time.time() - 60))
    log = tmp_path / "trace"
    done = subprocess.run(["strace", "-f", "-q", "-y", "-o", str(log), "-e", "trace=fsync,rename,renameat,renameat2", *export], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not [path for path in place.iterdir() if path.name.startswith(".")]
    assert target.stat().st_size > 100
    calls = [line for line in log.read_text(errors="replace").splitlines() if str(place) in line and ("fsync(" in line or "rename" in line)]
    first = next(index for index, line in enumerate(calls) if "rename" in line)
    assert any("fsync(" in line for line in calls[:first]), calls
    assert any("fsync(" in line and f"<{place}>" in line for line in calls[first:]), calls
