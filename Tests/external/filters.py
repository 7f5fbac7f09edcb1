"""Random filters over the layer of `plenty`, in the JSON form of CQL2: written as text, and answered row by row, near to the words of the standard."""
import datetime
import functools
import json
import math
import operator
import random
import re
import unicodedata

import plenty
import shapely

COMPARISONS = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
SPATIAL = {"s_" + name: name for name in ("intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains")}
#: Of two spans: what holds for (start, start), (start, end), (end, start), (end, end), each -1, 0 or 1 (OGC 21-065r2, table 14).
TEMPORAL = {
    "t_after": lambda ss, se, es, ee: se > 0, "t_before": lambda ss, se, es, ee: es < 0, "t_contains": lambda ss, se, es, ee: ss < 0 and ee > 0,
    "t_disjoint": lambda ss, se, es, ee: es < 0 or se > 0, "t_during": lambda ss, se, es, ee: ss > 0 and ee < 0,
    "t_equals": lambda ss, se, es, ee: ss == 0 and ee == 0, "t_finishedBy": lambda ss, se, es, ee: ss < 0 and ee == 0,
    "t_finishes": lambda ss, se, es, ee: ss > 0 and ee == 0, "t_intersects": lambda ss, se, es, ee: es >= 0 and se <= 0,
    "t_meets": lambda ss, se, es, ee: es == 0, "t_metBy": lambda ss, se, es, ee: se == 0,
    "t_overlappedBy": lambda ss, se, es, ee: ss > 0 and se < 0 and ee > 0, "t_overlaps": lambda ss, se, es, ee: ss < 0 and es > 0 and ee < 0,
    "t_startedBy": lambda ss, se, es, ee: ss == 0 and ee > 0, "t_starts": lambda ss, se, es, ee: ss == 0 and ee < 0,
}
INSTANTS = ["t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"]
ARRAYS = {"a_equals": lambda a, b: a == b, "a_contains": lambda a, b: a >= b, "a_containedBy": lambda a, b: a <= b, "a_overlaps": lambda a, b: bool(a & b)}


# --- making

class RandomFilter:
    def __init__(self, seed):
        self.chance = random.Random(f"filter {seed}")

    def pick(self, *choices):
        return self.chance.choice(choices)

    def op(self, name, *arguments):
        return {"op": name, "args": list(arguments)}

    def property(self, *names):
        return {"property": self.pick(*names)}

    def condition(self, depth=3):
        if depth and self.chance.random() < 0.5:
            name = self.pick("and", "or", "not")
            parts = [self.condition(depth - 1) for _ in range(1 if name == "not" else self.chance.randrange(2, 4))]
            return self.op(name, *parts)
        compare = lambda make: self.op(self.pick(*COMPARISONS), make(), make())
        match self.chance.randrange(13):
            case 0 | 1: return compare(self.number)
            case 2: return compare(self.text)
            case 3: return compare(self.moment)
            case 4: return compare(self.day)
            case 5: return self.op(self.pick("=", "<>"), self.property("flag"), self.pick(True, False))
            case 6: return self.op("isNull", self.pick(self.property(*plenty.COLUMNS[1:]), {"property": "geometry"}, self.number()))
            case 7: return self.like()
            case 8: return self.op("between", self.number(), self.number(), self.number())
            case 9:
                make = self.pick(self.number, self.text, self.moment, self.day)
                return self.op("in", make(), [make() for _ in range(self.chance.randrange(1, 6))])
            case 10 | 11: return self.spatial()
            case _: return self.pick(self.temporal, self.array)()

    def number(self, depth=2):
        if depth and self.chance.random() < 0.3:
            return self.op(self.pick("+", "-", "*", "/", "%", "div"), self.number(depth - 1), self.number(depth - 1))
        return self.pick(self.property("small"), self.property("size"), self.property("small", "size", "big"), self.chance.randrange(-6, 12),
                         self.chance.randrange(-8, 40) / 4, self.pick(0.1, 1e15, 2**53 + 1, -2**63, 2**63 - 1))

    def text(self):
        plain = lambda: self.pick(self.property("名称"), self.pick(*plenty.NAMES), self.pick(*plenty.NAMES))
        fold = self.pick(None, None, "casei", "accenti")
        return self.op(fold, plain()) if fold else plain()

    def like(self):
        base = self.pick(*plenty.NAMES)
        pattern = "".join(self.pick(each, each, each, "%", "_") for each in self.escaped(base)) + self.pick("", "%")
        fold = self.pick(None, None, "casei", "accenti")
        value = self.property("名称")
        return self.op("like", self.op(fold, value), self.op(fold, pattern)) if fold else self.op("like", value, pattern)

    def escaped(self, text):
        return ["\\" + each if each in "%_\\" else each for each in text]

    def moment(self):
        return self.pick(self.property("at", "since", "until"), {"timestamp": plenty.plain(plenty.moment(self.chance))})

    def day(self):
        day = datetime.date(2020, 1, 1) + datetime.timedelta(days=self.chance.randrange(40))
        return self.pick(self.property("day"), {"date": day.isoformat()})

    def temporal(self):
        if self.chance.random() < 0.4:
            make = self.pick(self.moment, self.day)
            return self.op(self.pick(*INSTANTS), make(), make())
        ends = lambda: sorted(plenty.plain(plenty.moment(self.chance)) for _ in range(2))
        def span():
            start, end = ends()
            return self.pick({"interval": [{"property": "since"}, {"property": "until"}]}, {"interval": [start, end]}, {"interval": [start, ".."]},
                             {"interval": ["..", end]}, {"interval": [{"property": "since"}, ".."]}, {"interval": [{"property": "since"}, {"property": "until"}]})
        return self.op(self.pick(*TEMPORAL), span(), span())

    def array(self):
        some = lambda: self.pick({"property": "tags"}, {"property": "tags"}, self.chance.sample(plenty.TAGS, self.chance.randrange(1, 4)))
        return self.op(self.pick(*ARRAYS), some(), some())

    def spatial(self):
        place = {"property": "geometry"}
        if self.chance.random() < 0.3:
            (a, b), (c, d) = sorted(plenty.corner(self.chance)[0] for _ in range(2)), sorted(plenty.corner(self.chance)[1] for _ in range(2))
            box = {"bbox": self.pick([a, c, b, d], [a, c, b, d], [170.0, -90.0, -170.0, 90.0], [-180.0, 80.0, 180.0, 90.0])}
            return self.op(self.pick("s_intersects", "s_disjoint"), *self.chance.sample([place, box], 2))
        made = json.loads(shapely.to_geojson(plenty.shape(self.chance)))
        return self.op(self.pick(*SPATIAL), *self.chance.sample([place, made], 2))


# --- as text

def text(node):
    """The text form, with more parentheses than it needs."""
    match node:
        case bool(): return "TRUE" if node else "FALSE"
        case int() | float(): return repr(node)
        case str(): return quoted(node)
        case list(): return f"({', '.join(map(text, node))})"
        case {"property": name}: return name if name.isascii() else f'"{name}"'
        case {"date": day}: return f"DATE('{day}')"
        case {"timestamp": moment}: return f"TIMESTAMP('{moment}')"
        case {"interval": ends}: return f"INTERVAL({', '.join(text(each) for each in ends)})"
        case {"bbox": numbers}: return f"BBOX({', '.join(map(repr, numbers))})"
        case {"type": _}: return shapely.to_wkt(shape_of(node), rounding_precision=-1)
        case {"op": name, "args": [inner]} if name == "not": return f"NOT ({text(inner)})"
        case {"op": "and" | "or" as name, "args": parts}: return f" {name.upper()} ".join(f"({text(each)})" for each in parts)
        case {"op": "isNull", "args": [inner]}: return f"{text(inner)} IS NULL"
        case {"op": "like", "args": [value, pattern]}: return f"{text(value)} LIKE {text(pattern)}"
        case {"op": "between", "args": [value, low, high]}: return f"{text(value)} BETWEEN {text(low)} AND {text(high)}"
        case {"op": "in", "args": [value, items]}: return f"{text(value)} IN {text(items)}"
        case {"op": name, "args": [left, right]} if name in COMPARISONS: return f"{text(left)} {name} {text(right)}"
        case {"op": name, "args": [left, right]} if name in ARITHMETIC: return f"({text(left)} {name} {text(right)})"
        case {"op": name, "args": parts}: return f"{name.upper()}({', '.join(map(text, parts))})"
    raise ValueError(node)


def quoted(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


# --- what holds, row by row

def holds(node, row):
    """True, False, or None where a null makes it unknown."""
    match node:
        case bool(): return node
        case {"op": "and", "args": parts}:
            truths = [holds(each, row) for each in parts]
            return False if False in truths else None if None in truths else True
        case {"op": "or", "args": parts}:
            truths = [holds(each, row) for each in parts]
            return True if True in truths else None if None in truths else False
        case {"op": "not", "args": [inner]}:
            truth = holds(inner, row)
            return None if truth is None else not truth
        case {"op": "isNull", "args": [{"property": "geometry"}]}: return row.geometry is None
        case {"op": "isNull", "args": [inner]}: return value(inner, row) is None
        case {"op": "between", "args": [inner, low, high]}:
            inner, low, high = (value(each, row) for each in (inner, low, high))
            # Not as in SQL: unknown as soon as one of the three is (requirement between-predicate, C).
            return None if None in (inner, low, high) else low <= inner <= high
        case {"op": "in", "args": [inner, items]}:
            return holds({"op": "or", "args": [{"op": "=", "args": [inner, each]} for each in items]}, row)
        case {"op": "like", "args": [inner, pattern]}:
            inner = value(inner, row)
            return None if inner is None else bool(like(pattern).fullmatch(inner))
        case {"op": name, "args": parts} if name in SPATIAL: return related(name, *(shape_at(each, row) for each in parts))
        case {"op": name, "args": parts} if name in TEMPORAL:
            first, second = (span(each, row) for each in parts)
            if first is None or second is None:
                return None
            sign = lambda a, b: (a > b) - (a < b)
            return TEMPORAL[name](*(sign(a, b) for a in first for b in second))
        case {"op": name, "args": parts} if name in ARRAYS:
            lists = [row.values[each["property"]] if isinstance(each, dict) else each for each in parts]
            return None if None in lists else ARRAYS[name](*map(set, lists))
        case {"op": name, "args": parts} if name in COMPARISONS:
            left, right = (value(each, row) for each in parts)
            return None if left is None or right is None else COMPARISONS[name](left, right)
    raise ValueError(node)


def value(node, row):
    match node:
        case {"property": name}: return row.values[name]
        case {"date": day}: return datetime.date.fromisoformat(day)
        case {"timestamp": moment}: return datetime.datetime.fromisoformat(moment)
        case {"op": "casei", "args": [inner]}: return folded(value(inner, row), casei)
        case {"op": "accenti", "args": [inner]}: return folded(value(inner, row), accenti)
        case {"op": name, "args": [left, right]} if name in ARITHMETIC:
            left, right = value(left, row), value(right, row)
            return None if left is None or right is None else calculated(name, left, right)
    return node


def calculated(name, left, right):
    """What has no value is null: a division by zero, a whole number of more than 64 bits, an infinite one."""
    whole = isinstance(left, int) and isinstance(right, int)
    try:
        result = ARITHMETIC[name](left, right) if whole and name != "/" else ARITHMETIC[name](float(left), float(right))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None if (-2**63 > result or result >= 2**63 if isinstance(result, int) else not math.isfinite(result)) else result


def towards_zero(left, right):
    if isinstance(left, float):
        return float(math.trunc(left / right))
    return abs(left) // abs(right) * (-1 if (left < 0) != (right < 0) else 1)


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "div": towards_zero,
              "%": lambda a, b: math.fmod(a, b) if isinstance(a, float) else a - b * towards_zero(a, b)}


def folded(value, fold):
    return None if value is None else fold(value)


def casei(value):
    """Compatibility caseless matching (The Unicode Standard, 3.13, D146)."""
    fold = lambda each: unicodedata.normalize("NFKC", each).casefold()
    return unicodedata.normalize("NFKC", fold(fold(value)))


def accenti(value):
    """Without the marks above, below and attached; voiced kana keep theirs."""
    return unicodedata.normalize("NFKC", "".join(each for each in unicodedata.normalize("NFKD", value) if unicodedata.combining(each) < 200))


def like(pattern):
    fold = lambda each: each
    while isinstance(pattern, dict):
        fold = functools.partial(lambda inner, outer, each: outer(inner(each)), fold, {"casei": casei, "accenti": accenti}[pattern["op"]])
        pattern = pattern["args"][0]
    return compiled(pattern, fold)


def compiled(pattern, fold):
    """What stands between the wildcards is folded, run by run."""
    pieces = re.split(r"((?:\\.)+|[%_])", pattern, flags=re.DOTALL)
    expression, run = "", ""
    for piece in [*pieces, "%end"]:
        if piece in ("%", "_", "%end"):
            expression, run = expression + re.escape(fold(run)) + {"%": ".*", "_": "."}.get(piece, ""), ""
        else:
            run += re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)
    return re.compile(expression, re.DOTALL)


# --- places and times

def shape_of(node):
    return shapely.from_geojson(json.dumps(node))


def shape_at(node, row):
    if "property" in node:
        return row.geometry
    if "bbox" not in node:
        return shape_of(node)
    west, south, east, north = node["bbox"]
    return shapely.box(west, south, east, north) if west <= east else shapely.MultiPolygon([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])


def related(name, left, right):
    return None if left is None or right is None else bool(getattr(left, SPATIAL[name])(right))


def span(node, row):
    """Start and end; None when one of them is not known."""
    if "interval" not in node:
        moment = value(node, row)
        return None if moment is None else (Moment(moment), Moment(moment))
    ends = [Moment(open=sign) if each == ".." else value(each if isinstance(each, dict) else {"timestamp": each}, row) for each, sign in zip(node["interval"], (-1, 1))]
    return None if any(each is None for each in ends) else tuple(each if isinstance(each, Moment) else Moment(each) for each in ends)


@functools.total_ordering
class Moment:
    """A moment, or before or after all of them."""

    def __init__(self, value=None, open=0):
        self.key = (open, value)

    def __eq__(self, other):
        return self.key == other.key

    def __lt__(self, other):
        if self.key[0] or other.key[0]:
            return self.key[0] < other.key[0]
        return self.key[1] < other.key[1]
