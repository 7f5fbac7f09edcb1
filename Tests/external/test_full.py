"""A disk that is full to its last byte: nothing is lost, and what has to be withdrawn can be."""
import shutil
import subprocess

import pytest

from server import KASANE
from test_kill import write_source

SIZE = 24 << 20
SCRIPT = r"""
set -u
K=$1; D=$2/data; S=$3
"$K" load "$S" --layer a --access public --publish --data "$D" >/dev/null || exit 10
"$K" load "$S" --layer b --access public --publish --data "$D" >/dev/null || exit 11
"$K" load "$S" --layer b --publish --data "$D" >/dev/null || exit 12
"$K" key create --name road --data "$D" >/dev/null || exit 13
id=$("$K" key list --data "$D" | tail -1 | cut -d' ' -f1)
fill() { dd if=/dev/zero of="$2/fill-$1" bs=4096 2>/dev/null; dd if=/dev/zero of="$2/fill-$1-bytes" bs=1 2>/dev/null; true; }
fill 1 "$2"
"$K" load "$S" --layer a --publish --data "$D" >/dev/null 2>&1 && exit 20
"$K" layers retire a --data "$D" || exit 21
"$K" key revoke "$id" --data "$D" || exit 22
"$K" layers access b internal --data "$D" >/dev/null || exit 23
"$K" layers rollback b --data "$D" >/dev/null || exit 24
rm "$2"/fill-*
# Made again when there is room, and good for the next time.
"$K" layers access b public --data "$D" >/dev/null || exit 25
[ "$(stat -c %s "$D/catalogue.reserve")" = 1048576 ] || exit 26
fill 2 "$2"
"$K" layers retire b --data "$D" || exit 27
rm "$2"/fill-*
"$K" layers list --data "$D"
"$K" key list --data "$D"
"""


def test_what_is_withdrawn_on_a_full_disk_is_withdrawn(tmp_path):
    disk, source = tmp_path / "disk", tmp_path / "town.geojson"
    disk.mkdir()
    write_source(source, 200, 0)
    cage = ["bwrap", "--dev-bind", "/", "/", "--size", str(SIZE), "--tmpfs", str(disk), "--die-with-parent"]
    if not shutil.which("bwrap") or subprocess.run([*cage, "true"], capture_output=True).returncode != 0:
        pytest.skip("no small disk can be made here")
    done = subprocess.run([*cage, "bash", "-c", SCRIPT, "bash", KASANE, str(disk), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["a"][3] == "-" and rows["b"][3] == "-", done.stdout
    assert "revoked" in done.stdout
