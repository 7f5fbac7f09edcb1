"""Conditions for filters, taken from the data itself: always the same for the same data."""
import collections
import json
import subprocess

#: Features at the beginning of the file that are looked at.
SAMPLE = 50_000


class Conditions:
    def __init__(self, work, data):
        status = data.stat()
        kept = work / f"conditions-{data.stem}-{status.st_size}-{status.st_mtime_ns}.json"
        if not kept.exists():
            kept.write_text(json.dumps(choose(sample(data)), ensure_ascii=False))
        chosen = json.loads(kept.read_text())
        #: CQL2 text: a real number greater than its median, a text equal to a common one, a text with two characters in it.
        self.greater, self.equal, self.like = chosen["greater"], chosen["equal"], chosen["like"]


def sample(data):
    text = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSONSeq", "/vsistdout/", data, "-limit", str(SAMPLE)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line)["properties"] for line in text.splitlines()]


def choose(rows):
    values = collections.defaultdict(list)
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values[name].append(value)
    numbers = {name: sorted(each) for name, each in values.items() if all(isinstance(value, float) for value in each)}
    texts = {name: collections.Counter(each) for name, each in values.items() if all(isinstance(value, str) for value in each)}
    number, found = max(numbers.items(), key=lambda pair: (len(pair[1]), pair[0]))
    # The text of the most different values in which some are common, and the text of the most different values at all.
    common = max((name for name in texts), key=lambda name: (len(texts[name]) < len(values[name]) / 4, len(texts[name]), name))
    various = max(texts, key=lambda name: (len(texts[name]), name))
    word = sorted(texts[various])[len(texts[various]) // 2]
    middle = word[len(word) // 2 - 1:len(word) // 2 + 1]
    return {
        "greater": f'"{number}" > {found[len(found) // 2]}',
        "equal": f'"{common}" = {quoted(texts[common].most_common(1)[0][0])}',
        "like": f'"{various}" LIKE {quoted("%" + middle + "%")}',
    }


def quoted(text):
    return "'" + text.replace("'", "''") + "'"
