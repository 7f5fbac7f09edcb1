"""The map page in Chromium: drawn from the data, in the legend's colours, by mouse and by keyboard, on a phone and on a desk."""
import io
import os
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image
from playwright.sync_api import sync_playwright
from test_tiles import column_row, features_of, to_tile

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
DRAWN = "body[data-map=idle] #list fieldset"
WAIT = 180_000          # milliseconds; the browser draws without a graphics card
BACKGROUND = (0xEC, 0xEE, 0xEA)
PICTURES = os.environ.get("KASANE_PICTURES")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as player:
        flags = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
        browser = player.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, server):
    """Opens a page and remembers all that went wrong in it; nothing may have, at the end."""
    opened = []

    def visit(path, size=DESK, errors_expected=False, **options):
        context = browser.new_context(viewport=size, locale="ja-JP", has_touch=size == PHONE, is_mobile=size == PHONE, **options)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(f"{request.url}: {request.failure}") if "ERR_ABORTED" not in str(request.failure) else None)
        page.on("request", lambda request: page.problems.append(f"asks another host: {request.url}") if foreign(request.url, server) else None)
        page.on("response", lambda response: page.problems.append(f"{response.status} {response.url}") if response.status >= 400 else None)
        page.errors_expected = errors_expected
        page.goto(server.url + path)
        opened.append((context, page))
        return page

    yield visit
    for context, page in opened:
        problems = page.problems
        context.close()
        assert page.errors_expected or not problems, problems


def foreign(url, server):
    return not url.startswith((server.url + "/", "data:", "blob:" + server.url))


def drawn(page):
    page.wait_for_selector(DRAWN, state="attached", timeout=WAIT)
    page.wait_for_selector("#progress", state="hidden", timeout=WAIT)
    page.wait_for_timeout(500)   # labels fade in
    return page


def picture(page, name):
    """The page as an image; kept where `KASANE_PICTURES` says."""
    data = page.screenshot()
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        (Path(PICTURES) / f"{name}.png").write_bytes(data)
    return Image.open(io.BytesIO(data)).convert("RGB")


def blended(color, opacity):
    """What a colour in hexadecimal becomes over the page's background."""
    return tuple(round(int(color[i:i + 2], 16) * opacity + BACKGROUND[i // 2] * (1 - opacity)) for i in (1, 3, 5))


def spots(source, others=()):
    """For each class a place where only that class is, as far from every border as there is one: {code: (point, radius in degrees)}."""
    found = {}
    codes = source.frame[source.hazard["class"]].astype(int).to_numpy()
    for code in sorted(set(codes)):
        of_class = source.frame[codes == code]
        largest = max(of_class.geometry, key=lambda shape: shape.area)
        alone = largest
        for shape, other in zip(source.geometries, codes):
            if shape is not largest and shape.intersects(largest):
                alone = alone.difference(shape)
        if alone.area > 0:
            circle = shapely.maximum_inscribed_circle(max(shapely.get_parts(alone), key=lambda part: part.area), tolerance=1e-6)
            found[code] = (shapely.Point(circle.coords[0]), circle.length)
    return found


def test_the_map_has_the_legends_colours_where_the_data_say(visit, server, sources):
    """One hazard alone on the plain background, without patterns: each class’s pixels are its colour, and what lies outside has none."""
    tried = 0
    for source in sources.values():
        if not source.hazard or not source.hazard["scheme"].startswith("depth"):
            continue
        legend = {item["value"]: item for item in server.json(f"/collections/{source.id}/legend")["items"]}
        style = server.json(f"/collections/{source.id}/style")
        opacity = next(layer["paint"]["fill-opacity"] for layer in style["layers"] if "fill-color" in layer.get("paint", {}))
        for code, (place, radius) in spots(source).items():
            if radius < 4e-5:   # some pixels at the zoom below
                continue
            page = visit(f"/map#view=17/{place.y}/{place.x}&on={source.id}")
            drawn(page)
            page.click("#tab-layers")
            page.uncheck("#patterns")
            drawn(page)
            box = page.locator("#map").bounding_box()
            x, y = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)
            image = picture(page, f"{source.id}-{code}")
            wanted = blended(legend[code]["color"], opacity)
            for dx, dy in ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4)):
                got = image.getpixel((x + dx, y + dy))
                assert max(abs(a - b) for a, b in zip(got, wanted)) <= 2, f"{source.id} class {code} at {place}: {got}, the legend’s is {wanted}"
            tried += 1
        far = visit(f"/map#view=15/{source.frame.total_bounds[3] + 0.05}/{source.frame.total_bounds[0]}&on={source.id}")
        assert picture(drawn(far), f"{source.id}-outside").getpixel((840, 400)) == BACKGROUND
    assert tried >= 5


def test_the_legend_shows_every_class_in_words_and_colour(visit, server, sources):
    page = visit("/map")
    drawn(page)
    page.click("#tab-layers")
    for source in sources.values():
        if not source.hazard:
            continue
        items = server.json(f"/collections/{source.id}/legend")["items"]
        row = page.locator(f".row:has(#layer-{source.id})")
        if row.locator("details").get_attribute("open") is None:
            row.locator("summary").click()
        row.locator(".legend-body li").first.wait_for(timeout=WAIT)
        assert row.locator(".legend-body li").all_inner_texts() == [item["label"]["ja"] for item in items]
        colors = page.evaluate("""(row) => [...document.querySelectorAll(`.row:has(#layer-${row}) canvas`)].map((canvas) => {
            const [r, g, b] = canvas.getContext("2d").getImageData(4, 4, 1, 1).data;
            return [r, g, b];
        })""", source.id)
        assert len(colors) == len(items)
        assert [each["color"] for each in items if each["pattern"] == "plain"] == ["#%02X%02X%02X" % tuple(color) for each, color in zip(items, colors) if each["pattern"] == "plain"]




@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_press_says_what_can_happen_there(visit, server, sources, size):
    source = next(each for each in sources.values() if each.hazard and each.hazard.get("scenario") == "L2")
    code, (place, _) = sorted(spots(source).items())[-1]
    page = visit(f"/map#view=16/{place.y}/{place.x}", size)
    drawn(page)
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    picture(page, f"answer-{size['width']}")
    answer = server.json(f"/at?point={place.x:.7f},{place.y:.7f}")["hazards"]
    words = {"inside": "該当", "outside": "想定区域外", "unknown": "未整備・判定不能"}
    assert page.locator(".answers .status").all_inner_texts() == [words[each["status"]] for each in answer]
    assert [each["class"]["label"]["ja"] for each in answer if each["status"] == "inside"] == page.locator(".answers .class").all_inner_texts()
    unknown = page.locator(".hazard.unknown").first
    assert "安全という意味ではありません" in unknown.inner_text()
    red, green, blue = page.evaluate("getComputedStyle(document.querySelector('.hazard.unknown .status')).color.match(/\\d+/g).map(Number)")
    assert not (green > red and green > blue), "unknown must not look safe"
    page.locator(".feature summary").first.wait_for(timeout=WAIT)
    assert "該当" in page.locator("#summary").inner_text()


@pytest.fixture(scope="module")
def left_out(server, sources):
    """What a tile of the town's middle leaves out at zoom 14, by what is drawn at its place: nothing, or the stand-in of another kind; and places of
    stand-ins where there is no building at all. A list each of (place, the building by the source). Stand-ins have no attribute but their class."""
    source, zoom, pixel = sources["buildings"], 14, 8   # units of the tile's grid
    rows = source.frame.to_dict("records")
    x, y = column_row(*source.frame.union_all().centroid.coords[0], zoom)
    features, shapes = features_of(server, source, zoom, x, y)
    named = {each["properties"].get(source.key) for each in features}
    houses = shapely.transform(source.geometries, to_tile(zoom, x, y))
    drawn, standing = shapely.STRtree(shapes), shapely.STRtree(houses)
    inside = shapely.box(100, 100, 3996, 3996)

    def middle(shape):
        """As far from its edges as can be; nothing when that is less than half a pixel."""
        circle = shapely.maximum_inscribed_circle(shape, tolerance=0.1) if shape.area else None
        return shapely.Point(circle.coords[0]) if circle and circle.length > pixel / 2 and inside.contains(circle) else None

    def degrees(place):
        east, south = place.x / 4096 + x, place.y / 4096 + y
        return shapely.Point(east / 2**zoom * 360 - 180, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * south / 2**zoom)))))

    found = {"bare": [], "wrong": [], "nobody": []}
    for row, house in zip(rows, houses):
        if row[source.key] not in named and (place := middle(house)) and not len(drawn.query(place.buffer(pixel), "intersects")):
            found["bare"].append((degrees(place), row))
    for feature, shape in zip(features, shapes):
        if set(feature["properties"]) == {"usage"}:
            below = standing.query(shape, "intersects")
            for each in below:
                other = rows[each][source.key] not in named and rows[each]["usage"] != feature["properties"]["usage"]
                if other and (place := middle(houses[each].intersection(shape))):
                    found["wrong"].append((degrees(place), rows[each]))
            if place := middle(shape.difference(shapely.union_all(houses[below]))):
                found["nobody"].append((degrees(place), None))
    assert all(found.values())
    return found


def press(page):
    drawn(page)
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def address(place, zoom=14):
    return f"/map#view={zoom}/{place.y}/{place.x}&on=buildings,blocks,roads"


def told(page):
    """What the page says of the buildings at the place, once it knows: for each the words under their headings."""
    page.locator(".here :is(.feature, .missing, .hint:text('何もありません'))").first.wait_for(timeout=WAIT)
    return page.locator(".feature:has(summary span:text-is('建物')) dl").evaluate_all(
        """(lists) => lists.map((list) => Object.fromEntries([...list.querySelectorAll("dt")].map((name) => [name.textContent, name.nextSibling.textContent])))""")


def true(row):
    return {"建物ID": row["building"], "町丁目": row["district"], "用途": row["usage"], "構造": row["structure"], "地上階数": f"{row['storeys']:.0f}"}


def test_a_press_finds_what_the_tile_leaves_out(visit, left_out):
    """With the attributes of the source, whether nothing is drawn there or the stand-in of another kind; and a stand-in alone is no building."""
    for place, row in left_out["bare"][:2] + left_out["wrong"][:2] + left_out["nobody"][:1]:
        page, asked = visit(address(place)), []
        page.on("request", lambda request: asked.append(request.url) if "/items?" in request.url else None)
        press(page)
        found = told(page)
        assert len(found) == (row is not None) and all(true(row).items() <= each.items() for each in found)
        assert 1 <= len(asked) <= 3, "a question a layer"


def test_where_nothing_is_left_out_nobody_is_asked(visit, left_out):
    place, row = left_out["bare"][0]
    page, asked = visit(address(place, 17)), []
    page.on("request", lambda request: asked.append(request.url) if "/items?" in request.url else None)
    press(page)
    assert [true(row).items() <= each.items() for each in told(page)] == [True] and not asked


def test_what_could_not_be_looked_up_is_said(visit, left_out):
    """Without an answer no stand-in speaks for a building, and to have found nothing is not to say that nothing is there."""
    place, row = left_out["wrong"][0]
    page = visit(address(place), errors_expected=True)
    page.route("**/collections/*/items?**", lambda route: route.abort())
    press(page)
    assert not told(page)
    missing, summary = page.locator(".here .missing"), page.locator("#summary")
    assert "建物" in missing.inner_text() and "ないという意味ではありません" in missing.inner_text()
    assert page.locator(".here .hint").count() == 0
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    assert missing.locator("p").inner_text() in summary.inner_text() and "該当" in summary.inner_text()
    page.unroute("**/collections/*/items?**")
    missing.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.locator(".feature", has_text=row["building"]).wait_for(timeout=WAIT)
    assert missing.count() == 0 and "ないという" not in summary.inner_text() and true(row).items() <= told(page)[0].items()
    assert page.evaluate("document.activeElement.closest('.here') !== null"), "the keyboard starts over"


def test_a_newer_press_ends_the_search_at_an_older_one(visit, left_out):
    place, row = left_out["bare"][0]
    page, held, ended, is_quiet = visit(address(place)), [], [], [True]
    page.on("requestfailed", lambda request: ended.append(request.url))
    page.route("**/collections/*/items?**", lambda route: held.append(route.request.url) if is_quiet else route.continue_())
    with page.expect_request("**/collections/*/items?**", timeout=WAIT):
        press(page)
    is_quiet.clear()
    press(page)
    assert [each["建物ID"] for each in told(page)] == [row["building"]]
    assert set(held) <= set(ended)


def test_the_keyboard_alone_is_enough(visit, server, sources):
    page = visit("/map")
    drawn(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('maplibregl-canvas')"):
            break
    else:
        raise AssertionError("the map is not reached with the tab key")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("地図")
    assert page.locator(".crosshair").is_visible()
    before = page.evaluate("location.hash")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    page.keyboard.press("Equal")
    page.wait_for_timeout(1500)
    assert page.evaluate("location.hash") != before
    page.keyboard.press("Enter")
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    assert page.evaluate("document.activeElement.closest('#answer') !== null")
    page.focus("#tab-answer")
    page.keyboard.press("ArrowRight")
    assert page.locator("#layers").is_visible()


@pytest.mark.parametrize("size", [DESK, PHONE, {"width": 640, "height": 400}, {"width": 320, "height": 256}], ids=["desk", "phone", "twice", "four-times"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_everything_has_a_name_and_room(visit, size, language):
    page = visit(f"/map?lang={language}", size)
    drawn(page)
    picture(page, f"first-{size['width']}-{language}")
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "scrolls sideways"
    for tab in ("#tab-answer", "#tab-layers"):
        page.click(tab)
        small, nameless = page.evaluate("""() => {
            const seen = [...document.querySelectorAll("button, a, summary, input, [role=tab]")].filter((each) => each.checkVisibility() && !each.classList.contains("skip"));
            const area = (each) => (each.labels?.[0] ?? each).getBoundingClientRect();
            const inText = (each) => each.matches("p a");
            return [seen.filter((each) => !inText(each) && (area(each).width < 24 || area(each).height < 24)).map((each) => each.outerHTML),
                    seen.filter((each) => !(each.getAttribute("aria-label") ?? each.labels?.[0]?.textContent ?? each.textContent).trim()).map((each) => each.outerHTML)];
        }""")
        assert not small and not nameless
    stage = page.locator(".stage").bounding_box()
    for button in page.locator("#controls button:visible").all():
        box = button.bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44
        assert stage["x"] <= box["x"] and stage["y"] <= box["y"], "cut off"


def contrast(a, b):
    def light(color):
        parts = [each / 255 for each in color]
        parts = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    low, high = sorted((light(a), light(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read(visit):
    """WCAG 1.4.3: 4.5 to 1, for every text on the first page and in an answer."""
    page = visit("/map#point=139.9,36.6")
    drawn(page)
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    for tab in ("#tab-answer", "#tab-layers"):
        page.click(tab)
        texts = page.evaluate("""() => {
            const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
            const behind = (each) => { for (let at = each; at; at = at.parentElement) { const c = rgb(getComputedStyle(at).backgroundColor); if (c.length < 4 || c[3] > 0.8) return c.slice(0, 3); } return [255, 255, 255]; };
            return [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility({visibilityProperty: true}) && !each.closest("#map, noscript, .visually-hidden") && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
                .map((each) => [each.textContent.trim().slice(0, 40), rgb(getComputedStyle(each).color).slice(0, 3), behind(each)]);
        }""")
        faint = [(text, round(contrast(ink, paper), 2)) for text, ink, paper in texts if contrast(ink, paper) < 4.5]
        assert texts and not faint


def test_a_layer_that_fails_is_said_in_words(visit, sources):
    """A tile that does not come must not look like a place without a hazard."""
    source = next(each for each in sources.values() if each.hazard)
    page = visit("/map#on=boundary", errors_expected=True)
    drawn(page)
    page.route(f"**/collections/{source.id}/tiles/**", lambda route: route.fulfill(status=500))
    page.click("#tab-layers")
    page.check(f"#layer-{source.id}")
    alert = page.locator(".alert", has_text="安全という意味ではありません")
    alert.wait_for(timeout=WAIT)
    page.unroute(f"**/collections/{source.id}/tiles/**")
    alert.get_by_role("button", name="もう一度読み込む").click()
    drawn(page)
    assert page.locator(".alert").count() == 0
    page.route("**/at?**", lambda route: route.abort())
    page.click("#tab-answer")
    page.click("#ask-centre")
    page.locator(".hazard.unknown", has_text="安全という意味ではありません").wait_for(timeout=WAIT)


def test_without_javascript_another_page_is_named_and_is_there(browser, server):
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(server.url + "/map")
    links = page.locator(".notice a")
    assert links.count() > 0 and links.first.is_visible()
    for link in links.all():
        assert server.get("/" + link.get_attribute("href"))[0] == 200
    context.close()


def test_a_map_can_be_shared(visit):
    """What the address says is what is shown: where, which layers, which place."""
    page = visit("/map#view=15.5/36.6/139.9&on=roads,flood-l1&point=139.9,36.6")
    drawn(page)
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    page.click("#tab-layers")
    assert [each.get_attribute("id") for each in page.locator("#list input:checked").all()] == ["layer-flood-l1", "layer-roads"]
    assert "view=15.50/36.60000/139.90000" in page.evaluate("location.hash")
    page.click("#language")
    page.wait_for_selector("html[lang=en]")
    assert "on=roads" in page.evaluate("location.hash") or "flood-l1" in page.evaluate("location.hash")
