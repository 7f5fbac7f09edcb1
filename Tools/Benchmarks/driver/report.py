"""Puts the lines of a part between its markers in README.md; the other parts stay as they were measured."""
import pathlib

import machine

README = pathlib.Path(__file__).parent.parent / "README.md"


def write(part, data, lines):
    text = README.read_text(encoding="utf-8")
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    described = f"{machine.today()} · {machine.described()} · {machine.versions()} · {data}"
    section = "\n".join([begin, "", described, "", *lines, "", end])
    README.write_text(before + section + after, encoding="utf-8")
    print("\n".join(lines))
