#!/usr/bin/env python3
"""Compares a block of a document with the output of a program: generated.py [--update] PAGE NAME COMMAND...

The block stands between the marks NAME and /NAME of PAGE. With --update it is rewritten. The exit status is 1 if it differs.
"""
import subprocess
import sys
from pathlib import Path


def with_block(text, name, block):
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f"expected the marks {start.strip()} and {end} once each, in this order")
    return text[:text.index(start) + len(start)] + block + text[text.index(end):]


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    page, name, *command = arguments[update:]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    text = Path(page).read_text(encoding="utf-8")
    try:
        wanted = with_block(text, name, printed)
    except ValueError as error:
        sys.exit(f"{page}: {error}")
    if update:
        Path(page).write_text(wanted, encoding="utf-8")
    elif wanted != text:
        sys.exit(f"{page}: the block {name} should be (target update_docs):\n{printed}")


if __name__ == "__main__":
    main()
