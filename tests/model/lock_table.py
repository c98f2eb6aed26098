"""Compares the table of locks of the design document with the model ranks.pml and with the enumeration of lock.h.

    lock_table.py RANKS.pml LOCK.h DOCUMENT...

The table is in the first of the documents that has one: a row for each rank, whose last column names the ranks that a
holder may take.
"""
import re
import sys
from pathlib import Path

from lock_pairs import as_constant, ranks_of_header, table_of_model

HEAD = "| rank | one per |"


def document_with_table(paths):
    for path in paths:
        if path.exists() and HEAD in path.read_text():
            return path
    raise SystemExit(f"none of {', '.join(map(str, paths))} has a table that begins with \"{HEAD}\"")


def table_of_document(text):
    """Returns the ranks in order, and the pairs of a held rank and one that may be taken."""
    rows = text.split(HEAD)[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    names = [as_constant(row[0].strip("`")[1:]) for row in cells]
    pairs = {(name, as_constant(taken)) for name, row in zip(names, cells) for taken in re.findall(r"`k(\w+)`", row[-1])}
    return names, pairs


def main():
    model, header, *documents = map(Path, sys.argv[1:])
    document = document_with_table(documents)
    ranks, pairs, seldom = table_of_model(model.read_text())
    names, documented = table_of_document(document.read_text())
    problems = []
    if names != ranks_of_header(header.read_text()):
        problems.append(f"{document}: the ranks are not those of {header}, in their order: {', '.join(names)}")
    if names != [ranks[i] for i in sorted(ranks) if ranks[i] != "RANKS"]:
        problems.append(f"{document}: the ranks are not those of {model}, in their order: {', '.join(names)}")
    problems += [f"{document}: the row of {held} lacks {taken}" for held, taken in sorted((pairs | seldom) - documented)]
    problems += [f"{model}: {taken} after {held} is missing" for held, taken in sorted(documented - pairs - seldom)]
    print("\n".join(problems) or f"{len(documented)} pairs in both")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
