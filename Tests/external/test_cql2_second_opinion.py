"""Random filters over a layer with everything: what they hold for, by a slow evaluator in Python, and what the `cql2` package says of them."""
import http.client
import json
import random
import re
import subprocess
import urllib.parse

import cql2
import filters
import jsonschema
import pytest
from conftest import SHARED
from server import KASANE

FILTERS = 70      # asked of the server in both forms
READ = 400        # only read
BROKEN = 400      # with pieces exchanged
SHOWN = 15        # through the command line


class Asking:
    """Features of a layer that hold, over one connection."""

    def __init__(self, server, layer="plenty"):
        self.connection, self.layer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60), layer

    def by_text(self, filter, **more):
        query = urllib.parse.urlencode({"filter": filter, "limit": 10000, "skipGeometry": "true", "properties": "番号", "f": "json", **more})
        self.connection.request("GET", f"/collections/{self.layer}/items?{query}")
        return self.answer()

    def by_json(self, filter):
        body = json.dumps({"filter": filter, "limit": 10000, "skipGeometry": True, "properties": ["番号"]})
        self.connection.request("POST", f"/collections/{self.layer}/search", body, {"Content-Type": "application/json"})
        return self.answer()

    def answer(self):
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.fixture(scope="module")
def asking(everything):
    return Asking(everything[0])


def ids(answer):
    status, page = answer
    assert status == 200, page
    assert page["numberMatched"] == page["numberReturned"] == len(page["features"])
    return {each["id"] for each in page["features"]}


def made(seed, count, **options):
    return [filters.RandomFilter(f"{seed} {i}").condition(**options) for i in range(count)]


def plain(value):
    """Every number a real one, and no AND within an AND: neither form keeps the parentheses."""
    match value:
        case {"op": "and" | "or" as name, "args": parts}:
            parts = [plain(each) for each in parts]
            return {"op": name, "args": [inner for each in parts for inner in (each["args"] if isinstance(each, dict) and each.get("op") == name else [each])]}
        case bool(): return value
        case int() | float(): return float(value)
        case list(): return [plain(each) for each in value]
        case dict(): return {key: plain(each) for key, each in value.items()}
    return value


def test_random_filters_hold_for_the_features_that_looking_at_every_row_finds(everything, asking, seed):
    some = 0
    for filter in made(seed, FILTERS):
        wanted = {row.id for row in everything[1] if filters.holds(filter, row) is True}
        text = filters.text(filter)
        for got in (asking.by_text(text), asking.by_json(filter)):
            assert ids(got) == wanted, f"{text}\n{json.dumps(filter)}\nfor row {min(ids(got) ^ wanted)}"
        some += 0 < len(wanted) < len(everything[1])
    assert some > FILTERS / 2


# --- the package

def test_the_package_reads_our_filters_as_we_do(everything, asking, seed):
    """Its JSON of a text is the tree that the text was made from; and the text that it makes of our JSON means to us what the JSON means."""
    for i, filter in enumerate(made(f"{seed} read", READ)):
        text = filters.text(filter)
        if "\\" in text:
            continue   # To the package a backslash is a character like others; the standard has escapes (/req/cql2-text/escaping).
        assert plain(cql2.parse_text(text).to_json()) == plain(filter), text
        theirs = cql2.parse_json(json.dumps(filter))
        assert plain(theirs.to_json()) == plain(filter), json.dumps(filter)
        if i % 6 == 0 and not re.search(r"\d{16}", text):   # Not where a number lost digits on its way.
            assert ids(asking.by_text(theirs.to_text())) == ids(asking.by_json(filter)), theirs.to_text()


#: What the package evaluates in another way, each for a reason.
OTHERWISE = [
    (r'"big"|\d{16}', "its numbers are all of 64 bits floating: whole ones from 2⁵³ on are not exact"),
    (r'"(/|%|div)"', "what is divided by zero is infinite to it, and here null"),
    (r'"in"', "it knows no IN but for plain texts and numbers: dates are never equal, an item that is null makes it give up"),
    (r'"(casei|accenti)"', "they are lower case and ASCII to it, and not Unicode's compatibility matching"),
    (r"\\\\", "it knows no escapes in patterns"),
    (r"\[170\.0", "a box over the antimeridian is to it one around the world"),
]


def test_the_package_finds_the_features_that_we_find(everything, asking, seed):
    """As far as it goes: it gives up (an exception) where a null makes a part unknown."""
    rows = everything[1][:150]
    features = [(row, row.json()) for row in rows]
    said = 0
    for filter in made(f"{seed} match", READ // 3, depth=2):
        if any(re.search(pattern, json.dumps(filter)) for pattern, _ in OTHERWISE):
            continue
        theirs, ours = cql2.parse_json(json.dumps(filter)), ids(asking.by_json(filter))
        for row, feature in features:
            try:
                matches = theirs.matches(feature)
            except Exception as error:
                assert "Could not reduce expression to boolean" in str(error)
                continue
            assert matches == (row.id in ours), f"{filters.text(filter)}\n{feature}"
            said += 1
    assert said > 1000


PIECES = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[A-Za-z_][A-Za-z_0-9]*|\d+(?:\.\d+)?(?:e[+-]?\d+)?|<>|<=|>=|\s+|.""", re.DOTALL)
OTHERS = "( ) , = <> AND OR NOT IN LIKE BETWEEN IS NULL TRUE 1 -2.5 'x' \"名称\" small day casei( accenti( + - * / % ^ div INTERVAL( BBOX( POINT( '..' f( S_INTERSECTS(".split()


def broken(chance, text):
    """A text with one or two pieces left out, put in or exchanged; now and then it is still a filter."""
    pieces = PIECES.findall(text)
    for _ in range(chance.randrange(1, 3)):
        i = chance.randrange(len(pieces))
        match chance.randrange(4):
            case 0 if len(pieces) > 1: del pieces[i]
            case 1: pieces.insert(i, f" {chance.choice(OTHERS)} ")
            case 2: pieces[i] = f" {chance.choice(OTHERS)} "
            case _:
                j = chance.randrange(len(pieces))
                pieces[i], pieces[j] = pieces[j], pieces[i]
    return "".join(pieces)


#: Filters that the package refuses and we read.
WE_READ = [
    (r"\+\s+[\d(]", "a sign may stand before a number with a space between (BNF: sign and number are two symbols)"),
    (r"[<>]\s+[=>]", "`<=` is the symbols `<` and `=` to the grammar's authors, so a space may stand between"),
    (r"(?<![\d.])\.\d|\d\.\d+\.\d", "a number may begin with its point (BNF: decimalNumericLiteral)"),
    (r"IN\s*\(\s*\)|\(\s*\)", "an empty list is one that nothing is in"),
]


def test_what_we_read_the_package_reads_and_nothing_ends_badly(everything, asking, seed):
    """The other way round says little: the package takes nearly any run of operators for an expression (below, some of them)."""
    chance, read = random.Random(f"{seed} broken"), 0
    for filter in made(f"{seed} broken", BROKEN, depth=1):
        text = broken(chance, filters.text(filter))
        status, answer = asking.by_text(text, limit=1)
        assert status == 200 or (status == 400 and answer["code"] in ("syntax", "unknown-property", "invalid-parameter")), (text, answer)
        if status == 200 or answer["code"] != "syntax":
            read += 1
            try:
                cql2.parse_text(text)
            except cql2.ParseError:
                assert any(re.search(pattern, text) for pattern, _ in WE_READ), text
    assert read > BROKEN / 20


#: text, whether we read it, whether the package does, what the standard says.
DIFFERENCES = [
    ("small = .5", True, False, "decimalNumericLiteral may begin with its point"),
    ("small < = 2", True, False, "symbols may stand apart"),
    (r"名称 = 'it\'s'", True, False, r"escapeQuote is '' or \'"),
    ("small IN ()", True, False, "the grammar wants an item; nothing is in an empty list, and programs write such"),
    ("A_EQUALS(tags, ())", True, False, "arrayExpression may be empty: “()”"),
    ("size ^ 2 ^ 3 = 1", False, True, "powerTerm has at most one ^"),
    ("small < 2 < 3", False, True, "a comparison is no operand of another"),
    ("small != 1", False, True, "the operator is <>"),
    ("small ISNULL", False, True, "IS and NULL are two words"),
    ("small IN 1", False, True, "a list stands in parentheses"),
    ("1 OR 'x'", False, True, "a value is no condition"),
    ("NOT ('x')", False, True, "a value is no condition"),
    ("CASEI() = 'a'", False, True, "CASEI has an operand"),
    ("A_EQUALS(tags, 'a')", False, True, "a text is no list"),
    ("S_INTERSECTS(geometry, POINT (1))", False, True, "a point has two coordinates"),
    ("S_INTERSECTS(geometry, BBOX(1, small, 3, 4))", False, True, "the numbers of a box are literals"),
    ("S_INTERSECTS * (geometry, POINT (1 2))", False, True, "no operator stands between a name and its arguments"),
    ("flag = - TRUE", False, True, "a sign is for numbers"),
    ("at = TIMESTAMP(since)", False, True, "an instant is a literal"),
    ("at = TIMESTAMP('2020-01-01T00:00:00')", False, True, "an instant is in UTC: fullTime ends in Z"),
    ("day = DATE('2020-02-30')", False, True, "no such day"),
    ("T_AFTER(at, '2020-01-01')", False, True, "a text is no instant"),
    ("small = NULL", False, True, "NULL is no literal"),
]


@pytest.mark.parametrize("text, ours, theirs, reason", DIFFERENCES, ids=[each[0] for each in DIFFERENCES])
def test_a_known_difference_is_still_one(asking, text, ours, theirs, reason):
    status, answer = asking.by_text(text, limit=1)
    assert (status == 200 or answer["code"] != "syntax") == ours, (answer, reason)
    try:
        cql2.parse_text(text)
        assert theirs, "the package has learnt it; the difference is no longer one"
    except cql2.ParseError:
        assert not theirs, "the package has learnt it; the difference is no longer one"


# --- both forms, as the command line shows them

def test_both_forms_that_we_write_say_the_same_and_the_json_is_valid(everything, seed):
    schema = SHARED / "conformance" / "cql2" / "schema" / "cql2.json"
    if not schema.exists():
        pytest.skip(f"the standard's schema is not in {SHARED}")
    valid = jsonschema.Draft202012Validator(json.loads(schema.read_text()))

    def explained(filter):
        done = subprocess.run([KASANE, "query", "plenty", f"--filter={filter}", "--explain", "--format", "json", "--data", everything[0].data],
                              capture_output=True, text=True)
        assert done.returncode == 0, (filter, done.stderr)
        return json.loads(done.stdout)

    for filter in made(f"{seed} shown", SHOWN):
        first = explained(filters.text(filter))
        errors = [each.message for each in valid.iter_errors(first["json"])]
        assert plain(first["json"]) == plain(filter) and not errors, (filter, first["json"], errors[:1])
        assert first["plan"][0].startswith("index: ")
        again, back = explained(first["text"]), explained(json.dumps(first["json"]))
        assert again == back == first
