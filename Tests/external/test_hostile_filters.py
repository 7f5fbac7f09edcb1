"""Filters that are too much: refused at once and by the right code, while others are served, and nothing of them stays behind."""
import http.client
import json
import math
import threading
import time
import urllib.parse

import pytest

LAYER = "plenty"
GROWN = 16 << 10   # KiB of resident memory that a few hundred such requests may leave behind: pages of the allocator, not their contents


def post(server, body, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    connection.request("POST", f"/collections/{LAYER}/search", body if isinstance(body, (bytes, str)) else json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text)


def get(server, filter, language="cql2-text"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    # Only what must be is written with percent signs, so that much fits.
    connection.request("GET", f"/collections/{LAYER}/items?limit=1&f=json&filter-lang={language}&filter={urllib.parse.quote(filter, safe='()[]{}:,=')}")
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text.startswith(b"{") else {}


def nested_text(bytes):
    return "(" * (bytes // 2) + "small = 1" + ")" * (bytes // 2)


def nested(depth, wrap='{"op":"not","args":[', end="]}", core='{"op":"=","args":[1,1]}'):
    return '{"filter":' + wrap * depth + core + end * depth + "}"


def circle(vertices):
    return [[139 + math.cos(i / vertices * 2 * math.pi), 36 + math.sin(i / vertices * 2 * math.pi)] for i in range(vertices)]


def polygon(vertices):
    ring = circle(vertices - 1)
    return {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": [ring + ring[:1]]}]}


def rounded(value, digits):
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), digits))


SMALL = {"property": "small"}
EQUAL = {"op": "=", "args": [SMALL, 1]}
#: body, code. All below the 64 KiB that a body may have, unless they are about those.
BODIES = {
    "43 KB of parentheses": ({"filter": nested_text(43_000)}, "limit-exceeded"),
    "43 KB of NOT": ({"filter": "NOT " * 10_700 + "small = 1"}, "limit-exceeded"),
    "43 KB of minus": ({"filter": "small = " + "-" * 43_000 + "1"}, "syntax"),   # The grammar has one sign.
    "43 KB of a function in a function": ({"filter": "abs(" * 8_600 + "1" + ")" * 8_600 + " = 1"}, "limit-exceeded"),
    "43 KB of CASEI": ({"filter": "CASEI(" * 6_100 + "'a'" + ")" * 6_100 + " = 'a'"}, "limit-exceeded"),
    "43 KB of open parentheses": ({"filter": "(" * 43_000}, "limit-exceeded"),
    "43 KB of lists in lists": ({"filter": "A_EQUALS(tags, " + "(" * 21_000 + ")" * 21_000 + ")"}, "limit-exceeded"),
    "collections in collections": ({"filter": "S_INTERSECTS(geometry, " + "GEOMETRYCOLLECTION(" * 2_000 + "POINT(1 2)" + ")" * 2_000 + ")"}, None),
    "JSON nested as objects": (nested(2_000), "limit-exceeded"),
    "JSON nested as lists": ('{"filter":' + "[" * 30_000 + "]" * 30_000 + "}", "limit-exceeded"),
    "JSON nested and not closed": ('{"filter":' + "[" * 60_000, "limit-exceeded"),
    "JSON nested beside the filter": ('{"other":' + "[" * 30_000 + "]" * 30_000 + "}", "limit-exceeded"),
    "coordinates nested": ('{"filter":{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon","coordinates":' + "[" * 20_000 + "]" * 20_000 + "}]}}", "limit-exceeded"),
    "a list of 5,000": ({"filter": {"op": "in", "args": [SMALL, list(range(5_000))]}}, "limit-exceeded"),
    "a list of 5,000 as text": ({"filter": f"small IN ({','.join(map(str, range(5_000)))})"}, "limit-exceeded"),
    "1,001 conditions": ({"filter": {"op": "or", "args": [EQUAL] * 1_001}}, "limit-exceeded"),
    "1,001 conditions as text": ({"filter": " OR ".join(["small = 1"] * 1_001)}, "limit-exceeded"),
    "20,001 numbers of a line": ({"filter": "S_INTERSECTS(geometry, MULTIPOINT(" + ",".join(["1 2"] * 14_000) + "))"}, None),
    "a pattern of 300": ({"filter": {"op": "like", "args": [{"property": "名称"}, "%a" * 150]}}, "limit-exceeded"),
    "a name of 60 KB": ({"filter": f"{'n' * 60_000} = 1"}, "unknown-property"),
    "a text of 60 KB": ({"filter": f"名称 = '{'n' * 60_000}'"}, "read"),
    "a number of 60 KB": ({"filter": f"small = {'9' * 60_000}"}, None),
    "more than 64 KiB": ({"filter": "small = 1 " + " " * 70_000}, None),
}


@pytest.fixture(scope="module")
def server(everything):
    return everything[0]


@pytest.fixture(scope="module", autouse=True)
def survives(server):
    """After all of it the server is the same process, and about as large."""
    for name in BODIES:
        post(server, BODIES[name][0])   # What is kept for later, such as threads, is there before we look.
    before, process = resident(server), server.process.pid
    yield
    for _ in range(5):
        for name in BODIES:
            post(server, BODIES[name][0])
    assert server.process.poll() is None and server.process.pid == process
    assert resident(server) - before < GROWN
    assert server.get("/readyz")[0] == 200


def resident(server):
    return int(next(line for line in open(f"/proc/{server.process.pid}/status") if line.startswith("VmRSS")).split()[1])


@pytest.mark.parametrize("name", BODIES)
def test_a_filter_that_is_too_much_is_refused(server, name):
    body, code = BODIES[name]
    status, answer = post(server, body)
    if code == "read":
        assert status == 200
    elif code is None:
        assert status in (200, 400, 413) and (status == 200 or answer["code"] in ("limit-exceeded", "syntax", "invalid-parameter", "body-too-large")), answer
    else:
        assert (status, answer.get("code")) == (400, code), answer
    assert len(json.dumps(answer)) < 5000 or status == 200


def test_what_is_just_within_the_limits_is_answered(server):
    for filter in ({"op": "in", "args": [SMALL, list(range(1_000))]}, {"op": "or", "args": [EQUAL] * 300}, "(" * 30 + "small = 1" + ")" * 30, rounded(polygon(2_000), 6),
                   {"op": "like", "args": [{"property": "名称"}, "%a" * 128]}):
        status, answer = post(server, {"filter": filter, "limit": 1})
        assert status == 200, (str(filter)[:100], answer)


def test_in_the_address_it_is_too_long(server):
    """Eight kilobytes of address; what fits is read and refused like a body."""
    for length in (43_000, 9_000):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", f"/collections/{LAYER}/items?filter={nested_text(length)}".replace(" ", "%20"))
        assert connection.getresponse().status == 414
        connection.close()
    status, answer = get(server, nested_text(4_000).replace(" ", ""))
    assert (status, answer["code"]) == (400, "limit-exceeded")
    status, answer = get(server, nested(100)[len('{"filter":'):-1], "cql2-json")
    assert (status, answer["code"]) == (400, "limit-exceeded")


def test_others_are_served_meanwhile(server):
    """Four clients send such filters without a pause; a fifth asks for pages and gets every one."""
    stop, statuses = threading.Event(), set()

    def flood(name):
        while not stop.is_set():
            statuses.add(post(server, BODIES[name][0])[0])

    threads = [threading.Thread(target=flood, args=(name,)) for name in ("43 KB of parentheses", "JSON nested as lists", "a list of 5,000", "43 KB of NOT")]
    for thread in threads:
        thread.start()
    try:
        end, pages = time.monotonic() + 1.5, 0
        while time.monotonic() < end:
            status, answer = get(server, "small > 3")
            assert status == 200 and answer["numberMatched"] > 0
            pages += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert pages > 10 and statuses == {400}
