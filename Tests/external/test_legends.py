"""Legends as pictures: decoded by Pillow, read by an XML parser and by Chromium; colours to the bit."""
import io
import os
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from server import Server

SVG = "{http://www.w3.org/2000/svg}"
SAMPLE = (44, 24)     # CSS pixels


def drawing(server, path):
    status, headers, body = server.get(path)
    assert status == 200 and headers["Content-Type"] == "image/svg+xml", f"{path}: {status} {body[:300]!r}"
    return ET.fromstring(body)


def png(server, path):
    status, headers, body = server.get(path)
    assert status == 200 and headers["Content-Type"] == "image/png", f"{path}: {status} {body[:300]!r}"
    return Image.open(io.BytesIO(body)).convert("RGB")


def pixels(image):
    data = image.tobytes()
    return [tuple(data[i:i + 3]) for i in range(0, len(data), 3)]


def samples(root):
    """The places of the samples, from top to bottom, in CSS pixels."""
    return [tuple(int(each) for each in group.get("transform")[len("translate("):-1].split()) for group in root.iter(f"{SVG}g") if group.get("transform", "").startswith("translate(") and "." not in group.get("transform")]


def rgb(color):
    return tuple(int(color[i:i + 2], 16) for i in (1, 3, 5))


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_every_official_colour_is_in_the_picture_to_the_bit(server, sources, scale):
    tried = 0
    for source in sources.values():
        if not source.hazard:
            continue
        items = server.json(f"/collections/{source.id}/legend")["items"]
        root = drawing(server, f"/collections/{source.id}/legend?f=svg")
        image = png(server, f"/collections/{source.id}/legend?f=png&scale={scale}")
        assert image.size == tuple(scale * int(root.get(side)) for side in ("width", "height"))
        places = samples(root)
        assert len(places) == len(items) + 1, "and one for what has no colour"
        for item, (x, y) in zip(items, places):
            box = image.crop(tuple(scale * each for each in (x + 2, y + 2, x + SAMPLE[0] - 2, y + SAMPLE[1] - 2)))
            counts = Counter(pixels(box))
            share = counts[rgb(item["color"])] / (box.width * box.height)
            # A pattern lies over it, but nowhere over most of it.
            assert share > (0.999 if item["pattern"] == "plain" else 0.15), f"{source.id} {item}: {share:.2f} at scale {scale}"
            tried += 1
    assert tried > 20


def test_classes_differ_without_colour(server, sources):
    """In grey, each class's sample has strokes of its own: how much ink there is, and where."""
    for source in sources.values():
        if not source.hazard or not source.hazard["scheme"].startswith("depth"):
            continue
        items = server.json(f"/collections/{source.id}/legend")["items"]
        image = png(server, f"/collections/{source.id}/legend?f=png&scale=2")
        marks = []
        for item, (x, y) in zip(items, samples(drawing(server, f"/collections/{source.id}/legend?f=svg"))):
            box = image.crop(tuple(2 * each for each in (x + 2, y + 2, x + SAMPLE[0] - 2, y + SAMPLE[1] - 2)))
            plain = rgb(item["color"])
            marks.append([pixel != plain for pixel in pixels(box)])
        for i, one in enumerate(marks):
            for other in marks[:i]:
                assert sum(a != b for a, b in zip(one, other)) > 0.02 * len(one), f"{source.id}: {items[i]}"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_text_stays_inside_and_apart(server, sources, language):
    """Chromium measures every text: none is cut off, none lies on another or on a sample."""
    with sync_playwright() as player:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = player.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags)
        page = browser.new_page()
        for path in [f"/collections/{id}/legend" for id in sources if id in server.collections()] + ["/styles/town/legend"]:
            page.goto(f"{server.url}{path}?f=svg&lang={language}")
            width, height, boxes = page.evaluate("""() => {
                const root = document.documentElement, box = (each) => { const b = each.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height, each.textContent]; };
                const moved = (each) => { const [x, y] = each.getAttribute("transform").match(/\\d+/g).map(Number); return [x, y, x + 44, y + 24, "sample"]; };
                return [root.width.baseVal.value, root.height.baseVal.value,
                    [...root.querySelectorAll("text")].map(box).concat([...root.querySelectorAll(":scope > g")].map(moved))];
            }""")
            assert boxes
            for left, top, right, bottom, text in boxes:
                assert left >= 0 and top >= 0 and right <= width and bottom <= height, f"{path}: “{text}” is cut off"
            for i, a in enumerate(boxes):
                for b in boxes[:i]:
                    # The boxes of letters have room above and below, which may meet.
                    assert a[0] >= b[2] or b[0] >= a[2] or a[1] + 4 >= b[3] or b[1] + 4 >= a[3], f"{path}: “{a[4]}” lies on “{b[4]}”"
        browser.close()


def test_a_screen_reader_is_told_all_of_it(server, sources):
    with sync_playwright() as player:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = player.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags)
        page = browser.new_page()
        source = next(each for each in sources.values() if each.hazard)
        page.goto(f"{server.url}/collections/{source.id}/legend?f=svg")
        tree = page.locator("svg").aria_snapshot()
        assert "img" in tree and "凡例：" in tree, tree
        description = page.evaluate("document.getElementById(document.documentElement.getAttribute('aria-describedby')).textContent")
        for item in server.json(f"/collections/{source.id}/legend")["items"]:
            assert item["label"]["ja"] in description
        assert "安全とは限りません" in description
        browser.close()


def test_where_the_program_is_missing_the_svg_goes_on(layers, tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    for name in ("boundary", "town.yaml"):
        (folder / name).symlink_to(layers / name)
    path = os.environ["PATH"]
    os.environ["PATH"] = str(tmp_path)
    try:
        with Server(tmp_path / "data", folder) as server:
            status, _, body = server.get("/collections/boundary/legend?f=png")
            assert status == 501 and b"not-available" in body and b"f=svg" in body
            assert server.get("/collections/boundary/legend", {"Accept": "image/png"})[0] == 501
            assert drawing(server, "/collections/boundary/legend?f=svg") is not None
            assert drawing(server, "/styles/town/legend?f=svg") is not None
    finally:
        os.environ["PATH"] = path


def test_many_ask_at_once(server, sources):
    """One is made, and all have it; nothing stays behind in the temporary folder."""
    from concurrent.futures import ThreadPoolExecutor
    import tempfile
    import urllib.request
    source = next(each for each in sources.values() if each.hazard)
    address = f"{server.url}/collections/{source.id}/legend?f=png&scale=3&lang=en"
    with ThreadPoolExecutor(16) as threads:
        bodies = set(threads.map(lambda _: urllib.request.urlopen(address).read(), range(48)))
    assert len(bodies) == 1
    assert not [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"kasane-picture-{server.process.pid}-")]
    assert subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True).stdout == b"", "a child is left"
