"""A data directory on a disk that cannot be written to: a copy on a read-only medium is as good as any for reading."""
import os
import shutil
import subprocess

import pytest

from server import KASANE, Server, load
from test_kill import write_source


def read_only(data):
    """What puts a command where `data` cannot be written to; skips where nothing can."""
    if os.geteuid() != 0:
        for path in [data, *data.rglob("*")]:
            path.chmod(0o500 if path.is_dir() else 0o400)
        return []
    # The command takes the place of the shell, so that signals reach it.
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    cage = ["unshare", "-m", "sh", "-c", mount, str(data)]
    if not shutil.which("unshare") or subprocess.run([*cage, "true"], capture_output=True).returncode != 0:
        pytest.skip("neither a read-only mount nor another user's rights can be had here")
    return cage


@pytest.fixture
def town(tmp_path):
    data = tmp_path / "data 1%"
    source = tmp_path / "town.geojson"
    write_source(source, 50, 0)
    load(data, source, "town")
    return data


def test_everything_that_only_reads_works(town, tmp_path):
    cage = read_only(town)
    for command in (["layers", "list"], ["layers", "show", "town"], ["query", "town", "--count"], ["key", "list"],
                    ["export", "town", "--format", "csv", "--output", str(tmp_path / "town.csv")]):
        done = subprocess.run([*cage, KASANE, *command, "--data", str(town)], capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert len((tmp_path / "town.csv").read_text().splitlines()) == 51
    server = Server(town, None, "--public")
    server.command = [*cage, *server.command]
    with server:
        assert sum(1 for _ in server.features("town")) == 50


def test_what_would_write_is_refused_in_words(town):
    cage = read_only(town)
    for command in (["layers", "retire", "town"], ["layers", "access", "town", "internal"]):
        done = subprocess.run([*cage, KASANE, *command, "--data", str(town)], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.strip(), done


def test_a_copy_with_a_log_that_waits_is_not_read_without_it(town, tmp_path):
    source = tmp_path / "more.geojson"
    write_source(source, 60, 0.01)
    with Server(town) as server:
        # While a server has the catalogue open, the log stays.
        load(town, source, "town")
        copy = tmp_path / "copy"
        shutil.copytree(town, copy, ignore=shutil.ignore_patterns("*-shm"))
    assert (copy / "catalogue.sqlite-wal").stat().st_size > 0
    done = subprocess.run([*read_only(copy), KASANE, "query", "town", "--count", "--data", str(copy)], capture_output=True, text=True)
    assert done.returncode != 0 and "-wal" in done.stderr, done
