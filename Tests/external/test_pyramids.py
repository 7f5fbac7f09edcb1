"""Tiles of layers that are hard to cut, and of real ones, are right at every zoom of both tile matrix sets: the rules are those of `pyramid`.

By default some tiles of some zooms; KASANE_EVERY=1 makes the layers larger and takes every tile, up to 4,000 of a zoom.
"""

import numpy as np
import pytest
from conftest import ROOT, SHARED
from hard_layers import EVERY, HAZARDS, MADE, REAL, write_made, write_real
from pyramid import Pyramid
from server import Server
from truth import SETS, Layer

ZOOMS = {SETS[0]: 17, SETS[1]: 16}
#: Without KASANE_EVERY: zooms of each set, tiles of each zoom.
SAMPLE = {SETS[0]: (6, 2), SETS[1]: (3, 1)}


def is_public(path):
    return "\naccess: public\n" in path.read_text()


class Torn:
    """A server with the hard layers, and another that loaded the same files into a data directory of its own."""

    def __init__(self, folder, layers):
        self.data = folder / "data"
        self.first, self.second = Server(self.data, layers), Server(folder / "again", layers)
        self.expected = {path.parent.name for path in layers.glob("*/layer.yaml") if is_public(path)}

    def __enter__(self):
        self.first.__enter__()
        self.second.__enter__()
        for server in (self.first, self.second):
            missing = self.expected - set(server.collections())
            said = [line for line in server.log.read_text(errors="replace").splitlines() if '"event":"request"' not in line]
            assert not missing, f"not loaded: {sorted(missing)}\n" + "\n".join(said)
        return self

    def __exit__(self, *problem):
        self.second.__exit__(*problem)
        self.first.__exit__(*problem)


@pytest.fixture(scope="module")
def made(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("made")
    write_made(folder / "layers", seed)
    with Torn(folder, folder / "layers") as torn:
        yield torn


@pytest.fixture(scope="module")
def real(tmp_path_factory, seed):
    if not (SHARED / "japan").is_dir():
        pytest.skip(f"no real data in {SHARED}")
    folder = tmp_path_factory.mktemp("real-pyramids")
    write_real(folder / "layers", SHARED, seed)
    with Torn(folder, folder / "layers") as torn:
        yield torn


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with Torn(tmp_path_factory.mktemp("town-pyramids"), ROOT / "Layers") as torn:
        yield torn


def check(torn, name, seed, rank=None, scheme=None, fits=None):
    layer = Layer(torn.first, name, rank, scheme, fits)
    faults = []
    for set in SETS:
        chance = np.random.default_rng([seed, *name.encode(), len(set)])
        count, tiles = SAMPLE[set]
        zooms = range(ZOOMS[set]) if EVERY else sorted(chance.choice(ZOOMS[set], count, replace=False).tolist())
        pyramid = Pyramid(torn.first, layer, set, chance, None if EVERY else tiles)
        pyramid.run(zooms)
        pyramid.again(torn.second)
        pyramid.archived(torn.data, zooms)
        faults += pyramid.faults
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(map(str, faults[:30]))


@pytest.mark.parametrize("name", MADE)
def test_a_hard_layer_is_right_in_every_tile(made, name, seed):
    check(made, name, seed, *HAZARDS.get(name, ()))


@pytest.mark.parametrize("name", REAL)
def test_real_data_are_right_in_every_tile(real, name, seed):
    # Of these it is known, and long to find out.
    check(real, name, seed, *HAZARDS.get(name, (None, None)), fits=True if name in ("fukushima", "iwate") else None)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (ROOT / "Layers").glob("*/layer.yaml") if is_public(path)))
def test_the_sample_town_is_right_in_every_tile(town, name, seed, sources):
    hazard = sources[name].hazard or {}
    check(town, name, seed, hazard.get("class"), hazard.get("scheme"))
