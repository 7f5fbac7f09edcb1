"""MapLibre draws the hard layers and real ones, from the far end to the near one, without an error event."""
import pytest
from hard_layers import MADE, REAL
from test_map import WAIT, browser   # noqa: F401
from test_pyramids import made, real   # noqa: F401

#: What the page does: a map of one layer in the style that the server gives for it, at each of some views, until it has drawn all there is.
DRAW = """async ([style, views]) => {
    const { maplibregl } = window;
    const box = document.body.appendChild(document.createElement("div"));
    Object.assign(box.style, { position: "fixed", inset: 0, background: "white", zIndex: 9999 });
    const map = new maplibregl.Map({ container: box, style, center: [views[0][0], views[0][1]], zoom: views[0][2], fadeDuration: 0, renderWorldCopies: false });
    const errors = [];
    map.on("styleimagemissing", (event) => map.addImage(event.id, { width: 1, height: 1, data: new Uint8Array(4) }));   // patterns, which the page draws
    map.on("error", (event) => errors.push(String(event.error?.message ?? event)));
    const drawn = [];
    for (const [longitude, latitude, zoom] of views) {
        const idle = new Promise((done) => map.once("idle", done));
        map.jumpTo({ center: [longitude, latitude], zoom });
        map.triggerRepaint();
        await idle;
        drawn.push(map.queryRenderedFeatures().length);
    }
    map.remove();
    box.remove();
    return { errors, drawn };
}"""


def draw(page, server, name):
    """Some zooms over a feature in the middle of the layer."""
    found = server.json(f"/collections/{name}/items?f=json&limit=1&offset={server.json(f'/collections/{name}/items?f=json&limit=1')['numberMatched'] // 2}")["features"][0]
    place = found["geometry"]["coordinates"]
    while isinstance(place[0], list):
        place = place[0]
    views = [[place[0], max(-85, min(85, place[1])), zoom] for zoom in (0, 6, 11, 16.5)]
    result = page.evaluate(DRAW, [server.json(f"/collections/{name}/style"), views])
    assert not result["errors"], f"{name}: {result['errors'][:5]}"
    assert max(result["drawn"]) > 0, f"{name}: nothing was drawn"


@pytest.fixture
def page(browser):   # noqa: F811
    """Opens the map page, for its MapLibre, and remembers all that goes wrong there."""
    context = browser.new_context(viewport={"width": 640, "height": 480}, locale="ja-JP")
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("response", lambda response: page.problems.append(f"{response.status} {response.url}") if response.status >= 400 else None)
    yield page
    context.close()


@pytest.mark.parametrize("kind", ["made", "real"])
def test_maplibre_draws_them_without_an_error(page, request, kind):
    server = request.getfixturevalue(kind).first
    page.goto(server.url + "/map#on=")
    page.wait_for_function("window.maplibregl !== undefined")
    for name in {"made": MADE, "real": REAL}[kind]:
        draw(page, server, name)
    problems = page.problems
    assert not problems, problems[:5]
