"""The plug is pulled at each system call by which a load changes a disk: `strace` ends it there, at the very call.

A seeded sample of the points by default; KASANE_EVERY=1 takes all of them.
"""
import json
import os
import random
import shutil
import subprocess

import pytest

from server import KASANE, Server

CHANGES = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,rmdir,ftruncate,fallocate"
SAMPLE = 24
# Many times more than a load makes: what is never through by then is no load that ends.
MOST_CHANGES = 1 << 15


def run(*command):
    return subprocess.run([KASANE, *map(str, command)], capture_output=True, text=True)


def write_source(path, count, shift):
    features = [
        {"type": "Feature", "properties": {"番号": i, "名称": f"建物{i}"},
         "geometry": {"type": "Polygon", "coordinates": [[[x, 36.6], [x + 1e-4, 36.6], [x + 1e-4, 36.6001], [x, 36.6001], [x, 36.6]]]}}
        for i in range(count) for x in [139.9 + i * 2e-4 + shift]]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def published(data):
    done = run("layers", "list", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return {each["id"]: (each["version"], each["features"]) for each in json.loads(done.stdout)}


def kill_at(point, data, source, log):
    """Loads and dies at the `point`-th change that any one thread makes, in the command or in the process that reads the file: the command's status."""
    log.unlink(missing_ok=True)
    command = ["strace", "-f", "-q", "-o", str(log), "-e", f"trace={CHANGES}", "-e", f"inject={CHANGES}:signal=KILL:when={point}",
               KASANE, "load", str(source), "--layer", "town", "--access", "public", "--publish", "--data", str(data)]
    code = subprocess.run(command, capture_output=True, text=True).returncode
    if code and (not log.exists() or "killed by SIGKILL" not in log.read_text(errors="replace")):
        pytest.skip("strace may not trace here")
    return code


def leftovers(data):
    """What lies in the layer's folder beside the files of its versions."""
    done = run("layers", "show", "town", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    known = {f"{each['version']}.layer" for each in json.loads(done.stdout)}
    return sorted(path.name for path in (data / "layers" / "town").iterdir() if path.name not in known and path.name != ".lock")


def test_a_load_killed_at_any_write_shows_the_old_version_or_the_new(tmp_path, seed):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    old, new = tmp_path / "old.geojson", tmp_path / "new.geojson"
    write_source(old, 300, 0)
    write_source(new, 400, 0.001)
    start = tmp_path / "start"
    assert run("load", old, "--layer", "town", "--access", "public", "--publish", "--data", start).returncode == 0
    before = published(start)["town"]

    # The last point is where a load gets through untouched.
    def attempt(point):
        data = tmp_path / f"at-{point}"
        shutil.copytree(start, data)
        code = kill_at(point, data, new, tmp_path / "strace.log")
        now = published(data)["town"]
        if now != before:
            assert now[1] == 400, f"point {point}: neither the old version nor the new: {now}"
        if code == 0:
            assert now[1] == 400, f"point {point}: the load said that all went well"
        with Server(data) as server:
            # Whole, whichever it is; and the start has cleared away what the dead load left.
            assert sum(1 for _ in server.features("town")) == now[1]
        assert leftovers(data) == [], f"point {point}"
        again = run("load", new, "--layer", "town", "--publish", "--data", data)
        assert again.returncode == 0, f"point {point}: {again.stderr}"
        assert published(data)["town"][1] == 400
        shutil.rmtree(data)
        return code != 0

    last = 1
    while attempt(last):
        last *= 2
        assert last <= MOST_CHANGES, f"a load of 400 features still makes changes after {last // 2} of them"
    assert last > 16, "the load makes more changes than that"
    points = range(1, last)
    if os.environ.get("KASANE_EVERY") != "1":
        points = sorted(random.Random(seed).sample(points, min(SAMPLE, len(points))))
    for point in points:
        attempt(point)
