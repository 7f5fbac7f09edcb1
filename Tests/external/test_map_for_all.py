"""The map page for those who see little, hear it read, use large letters, colours of their own, or the keyboard alone."""
import pytest
from axe_playwright_python.sync_playwright import Axe

from test_map import DESK, PHONE, WAIT, browser, drawn, visit  # noqa: F401: fixtures

PLACE = "#view=15/36.6045/139.9055&point=139.9080,36.6019"


def answered(page):
    drawn(page)
    page.wait_for_selector(".answers .hazard", timeout=WAIT)
    return page


@pytest.mark.parametrize("size, language, tab", [(DESK, "en", "#tab-layers"), (PHONE, "ja", "#tab-answer")], ids=["desk", "phone"])
def test_axe_finds_nothing(visit, size, language, tab):
    """axe-core's rules for WCAG 2.2 A and AA, with legends and an answer open."""
    page = answered(visit(f"/map?lang={language}{PLACE}", size, bypass_csp=True))
    page.click(tab)
    for legend in page.locator("#list details:not([open]) summary:visible").all()[:3]:
        legend.click()
    page.wait_for_timeout(300)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
    assert len(found.response["passes"]) > 15
    assert not found.response["violations"], found.generate_report()


def settled(page, what):
    """What a script finds when it has been the same for half a second: lists are filled as answers come."""
    last = page.evaluate(what)
    for _ in range(40):
        page.wait_for_timeout(500)
        now = page.evaluate(what)
        if now == last:
            return now
        last = now
    raise AssertionError("the page goes on changing")


@pytest.mark.parametrize("size, language", [(DESK, "en"), (PHONE, "ja")], ids=["desk", "phone"])
def test_letters_twice_as_large_are_twice_as_large_and_stay_in_sight(visit, size, language):
    """WCAG 1.4.4, with the browser's letters at 200 %: every text grows, nothing is cut off sideways, the scale does not hide below the sources."""
    page = answered(visit(f"/map?lang={language}{PLACE}", size))
    texts = """() => [...document.querySelectorAll("body *")].filter((each) => !each.closest("noscript, script, .maplibregl-ctrl-scale") && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .map((each) => [each.textContent.trim().slice(0, 30), parseFloat(getComputedStyle(each).fontSize)])"""
    for tab in ("#tab-answer", "#tab-layers"):
        page.click(tab)
        page.evaluate("document.documentElement.style.fontSize = ''")
        before = settled(page, texts)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        page.wait_for_timeout(300)
        after = page.evaluate(texts)
        assert [text for text, _ in before] == [text for text, _ in after]
        small = [(text, points, now) for (text, points), (_, now) in zip(before, after) if now < 1.95 * points]
        assert len(before) > 20 and not small
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "scrolls sideways"
        cut = page.evaluate("""() => [...document.querySelectorAll("#panel *, .top *")].filter((each) => each.checkVisibility() && !each.closest(".visually-hidden, .name, svg") && each.getBoundingClientRect().right > innerWidth + 1)
            .map((each) => each.outerHTML.slice(0, 80))""")
        assert not cut
    scale, sources = page.locator(".maplibregl-ctrl-scale").bounding_box(), page.locator("#attribution").bounding_box()
    assert scale["y"] + scale["height"] <= sources["y"] + 1, "the scale lies under the sources"


def test_colours_of_ones_own_leave_everything_to_be_told_apart(visit):
    """Forced colours: the tab that is open, what is checked, what is inside and what is unknown differ by more than the colours that are gone."""
    page = answered(visit("/map" + PLACE, forced_colors="active"))
    look = """(id) => { const style = getComputedStyle(document.getElementById(id)); return [style.backgroundColor, style.color]; }"""
    assert page.evaluate(look, "tab-answer") != page.evaluate(look, "tab-layers")
    page.click("#tab-layers")
    assert page.evaluate(look, "tab-answer") != page.evaluate(look, "tab-layers")
    page.click("#tab-answer")
    edges = {status: page.evaluate(f"getComputedStyle(document.querySelector('.hazard.{status}')).borderLeftStyle") for status in ("inside", "unknown")}
    icons = {status: page.locator(f".hazard.{status} path").first.get_attribute("d") for status in ("inside", "unknown")}
    assert edges["inside"] != edges["unknown"] and icons["inside"] != icons["unknown"]
    # Colours that mean something stay what they are.
    swatch = page.locator(".hazard .swatch").first
    assert swatch.evaluate("(each) => getComputedStyle(each).forcedColorAdjust") == "none"
    page.focus("#zoom-in")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is not seen"


def test_names_say_what_each_control_is_for(visit):
    """Heard one by one, out of their place: no two legends have one name, and every name begins with what is seen."""
    page = drawn(visit("/map"))
    page.click("#tab-layers")
    names = page.locator("#list summary").all_inner_texts()
    spoken = page.locator("#list summary").evaluate_all("(all) => all.map((each) => each.textContent)")
    assert len(set(spoken)) == len(spoken) > 3
    assert all(name.startswith("凡例") for name in names) and all(name.startswith("凡例：") for name in spoken)
    tree = page.locator("#panel").aria_snapshot()
    assert "tablist" in tree and tree.count("- tab ") == 2
    # A list of tabs has nothing but tabs in it.
    assert page.locator("[role=tablist] > :not([role=tab])").count() == 0


def test_without_a_mouse_from_the_top_to_a_legend(visit):
    page = drawn(visit("/map"))
    page.keyboard.press("Tab")
    assert "skip" in page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("""(() => { const at = document.activeElement, box = at.getBoundingClientRect();
            const under = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return [at.tagName, at.textContent.trim(), at === under || at.contains(under) || Boolean(under?.contains(at)) || Boolean(at.labels?.[0]?.contains(under))]; })()"""))
        if seen[-1][0] == "SUMMARY":
            break
    else:
        raise AssertionError(f"no legend is reached: {seen}")
    assert all(each[2] for each in seen), "the focus is behind something"
    details = page.locator("details", has=page.locator("summary:focus"))
    was = details.get_attribute("open")
    page.keyboard.press("Enter")
    assert details.get_attribute("open") != was


def test_all_legends_can_be_had_as_a_picture(visit, server):
    page = drawn(visit("/map?lang=en"))
    page.click("#tab-layers")
    link = page.get_by_role("link", name="All legends in one picture")
    status, headers, body = server.get("/" + link.get_attribute("href"))
    assert status == 200 and headers["Content-Type"] == "image/svg+xml" and b'lang="en"' in body
