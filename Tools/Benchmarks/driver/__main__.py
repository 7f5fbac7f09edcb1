"""Runs the parts that were asked for, one after another, and puts each part's figures into README.md as soon as it has them."""
import argparse
import os
import pathlib
import sys

import cached
import flatgeobuf
import lists
import parts
import questions
import report
import tileparts
import town


ALL = {**parts.ALL, **cached.ALL, **tileparts.ALL, **questions.ALL}


def main():
    parser = argparse.ArgumentParser(prog="Tools/Benchmarks/run")
    parser.add_argument("--data", type=pathlib.Path, help="a FlatGeobuf file with a spatial index; without it an invented town is made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("parts", nargs="*", metavar="part", help="of: " + " ".join(ALL))
    arguments = parser.parse_args()
    wrong = [part for part in arguments.parts if part not in ALL]
    if wrong:
        parser.error("no such part: " + " ".join(wrong))

    work = pathlib.Path(os.environ["KASANE_BENCH_WORK"])
    work.mkdir(parents=True, exist_ok=True)
    if arguments.data is None:
        data = town.make(work)
        name = f"invented town, seed {town.SEED}"
    else:
        data = pathlib.Path(os.environ["KASANE_BENCH_FROM"], arguments.data).resolve()
        name = data.name
    with open(data, "rb") as file:
        count = flatgeobuf.Header(file).count
    print(f"{name}: {count:,} features", file=sys.stderr)
    bench = parts.Bench(work, data, arguments.rounds, lists.Lists(work, data))
    for part in arguments.parts or ALL:
        print(f"--- {part}", file=sys.stderr)
        report.write(part, f"{name}, {count:,} features", ALL[part](bench))


try:
    main()
except (parts.Disagreement, flatgeobuf.Unreadable) as error:
    sys.exit(f"{error}")
