"""Fixtures: servers on free ports with sample, generated and real layers."""
import os
import random
import shutil
from pathlib import Path

import pytest

import plenty
from generated import write_generated
from server import Server, load
from sources import read_sources

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KASANE_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KASANE_STRICT") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure here: {report.longrepr}"
    return report


#: Modules whose tests stay in one process of pytest (`-n 2`), as those of every module do: they ask the same servers, which take long to make. What takes
#: longest comes first, so that no process has to wait for another at the end.
TOGETHER = {"test_forms": "tokyo", "test_real_data": "tokyo", "test_pyramids": "tokyo"}
FIRST = ["test_forms", "test_real_data", "test_pyramids", "test_map", "test_map_for_all", "test_kill", "test_hard_maps", "test_tiles", "test_overlay_postgis",
         "test_cql2_second_opinion", "test_features"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            module = Path(nodeid.split("::")[0]).stem
            return TOGETHER.get(module, module)

    config.option.loadscopereorder = False   # The order is ours.
    return ByModule(config, log)


def pytest_collection_modifyitems(items):
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session")
def seed():
    seed = int(os.environ.get("KASANE_SEED", "20240331"))
    print(f"KASANE_SEED={seed}")
    return seed


@pytest.fixture
def chance(seed, request):
    """Random numbers of a test's own: the same whatever ran before."""
    return random.Random(f"{seed} {request.node.nodeid}")


@pytest.fixture(scope="session")
def layers(tmp_path_factory, seed):
    """A folder with the sample town's layers and generated ones."""
    folder = tmp_path_factory.mktemp("layers")
    shutil.copytree(ROOT / "Layers", folder, dirs_exist_ok=True)
    write_generated(folder, seed)
    return folder


@pytest.fixture(scope="session")
def sources(layers):
    """What the source files say, by layer id: read by GDAL, moved to longitude and latitude by PROJ."""
    return read_sources(layers)


@pytest.fixture(scope="session")
def server(layers, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("data"), layers) as server:
        yield server


@pytest.fixture(scope="session")
def everything(tmp_path_factory, seed):
    """A server with the layer of `plenty`, and its rows."""
    folder, rows = tmp_path_factory.mktemp("everything"), plenty.make(seed)
    plenty.write(rows, folder / "layers")
    with Server(folder / "data", folder / "layers") as server:
        yield server, rows


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """A server with one ward and all of Tokyo, loaded by the command line; skips when the data is not there."""
    if not (SHARED / "large").is_dir():
        pytest.skip(f"no real data in {SHARED}")
    data = tmp_path_factory.mktemp("real")
    files = {"koto": SHARED / "large" / "koto_buildings_cp932_epsg6677.zip", "tokyo": data / "tokyo.fgb"}
    unpack(SHARED / "large" / "tokyo23_buildings.parquet", files["tokyo"])
    for layer, file in files.items():
        load(data / "data", file, layer)
    with Server(data / "data") as server:
        yield server, files


def unpack(parquet, file):
    import runpy
    runpy.run_path(str(parquet.parent / "ragged.py"))["unpack"](str(parquet), str(file))
