"""Archives of tiles: read by other programs, they hold the tiles that the server answers."""
import gzip
import json
import os
import sqlite3
import stat
import subprocess

import pytest
from pmtiles.reader import MmapSource, Reader, all_tiles
from server import KASANE

ZOOMS = (10, 15)


def export(server, target, *layers, format):
    data = server.command[server.command.index("--data") + 1]
    command = [KASANE, "export", *layers, "--format", format, "--zooms", f"{ZOOMS[0]}-{ZOOMS[1]}", "--output", str(target), "--public", "--data", data]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def some_layers(server):
    return sorted(server.collections())[:3]


def test_pmtiles_holds_the_tiles_of_the_server(server, tmp_path, some_layers):
    target = tmp_path / "town.pmtiles"
    done = export(server, target, *some_layers, format="pmtiles")
    assert done.returncode == 0, done.stderr
    with open(target, "rb") as file:
        source = MmapSource(file)
        reader = Reader(source)
        header = reader.header()
        assert (header["min_zoom"], header["max_zoom"]) == ZOOMS and header["clustered"]
        metadata = reader.metadata()
        assert [each["id"] for each in metadata["vector_layers"]] == some_layers and metadata["version"] == "1.0.0"
        assert all(layer in metadata["layer_versions"] for layer in some_layers)
        # What the tiles leave out is said here too, as the server says it.
        assert metadata["leftOut"] == {layer: server.json(f"/collections/{layer}/tiles/WebMercatorQuad")["leftOut"][layer] for layer in some_layers}
        count = 0
        for (z, x, y), tile in all_tiles(source):
            count += 1
            if count % 7 == 0:
                assert gzip.decompress(tile) == b"".join(server.tile(layer, z, x, y) for layer in some_layers), (z, x, y)
        assert count == header["addressed_tiles_count"] > 50


def test_mbtiles_holds_the_same_and_gdal_reads_it(server, tmp_path, some_layers):
    one = some_layers[0]
    for format in ("pmtiles", "mbtiles"):
        assert export(server, tmp_path / f"one.{format}", one, format=format).returncode == 0
    with open(tmp_path / "one.pmtiles", "rb") as file:
        wanted = {place: tile for place, tile in all_tiles(MmapSource(file))}
    rows = sqlite3.connect(tmp_path / "one.mbtiles").execute("select zoom_level, tile_column, tile_row, tile_data from tiles").fetchall()
    assert {(z, x, 2 ** z - 1 - row): tile for z, x, row, tile in rows} == wanted
    text = subprocess.run(["ogrinfo", "-so", "-al", str(tmp_path / "one.mbtiles")], capture_output=True, text=True)
    assert text.returncode == 0 and f"Layer name: {one}" in text.stdout, text.stderr


def test_an_export_that_was_killed_is_gone_on_with(server, tmp_path, some_layers):
    whole, cut = tmp_path / "whole.pmtiles", tmp_path / "cut.pmtiles"
    assert export(server, whole, *some_layers, format="pmtiles").returncode == 0
    data = server.command[server.command.index("--data") + 1]
    command = [KASANE, "export", *some_layers, "--format", "pmtiles", "--zooms", f"{ZOOMS[0]}-{ZOOMS[1]}", "--output", str(cut), "--public", "--data", data]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.05)
    process.kill()
    process.wait()
    assert not cut.exists()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open(whole, "rb") as a, open(cut, "rb") as b:
        assert dict(all_tiles(MmapSource(a))) == dict(all_tiles(MmapSource(b)))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cut.pmtiles", "whole.pmtiles"]


def test_a_pipe_is_written_into_and_never_replaced(server, tmp_path, some_layers):
    """A device neither: as root, an export to /dev/null would otherwise put a file into its place."""
    data = server.command[server.command.index("--data") + 1]
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    run = lambda format, target, layer: [KASANE, "export", layer, "--format", format, "--output", str(target), "--data", data]
    for format in ("pmtiles", "mbtiles", "gpkg"):
        for target in (pipe, folder) if format != "gpkg" else (pipe,):
            done = subprocess.run(run(format, target, some_layers[0]), capture_output=True, text=True)
            assert done.returncode == 2 and done.stderr, (format, target, done.stderr)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode) and sorted(each.name for each in tmp_path.iterdir()) == ["folder", "pipe"]
    writer = subprocess.Popen(run("geojson", pipe, some_layers[0]), stderr=subprocess.PIPE)
    with open(pipe, encoding="utf-8") as file:
        features = json.load(file)["features"]
    assert writer.wait() == 0 and len(features) == server.collections()[some_layers[0]]["kasane"]["featureCount"]
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_what_tiles_cannot_have_is_said(server, tmp_path, some_layers):
    data = server.command[server.command.index("--data") + 1]
    for more, word in [(["--filter", "1=1"], "conditions"), (["--zooms", "9-3"], "cannot be read"), (["--zooms", "30"], "cannot be read")]:
        done = subprocess.run(
            [KASANE, "export", some_layers[0], "--format", "pmtiles", "--output", str(tmp_path / "x.pmtiles"), "--data", data, *more],
            capture_output=True, text=True)
        assert done.returncode == 2 and word in done.stderr, done.stderr
