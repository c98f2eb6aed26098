#!/usr/bin/env python3
"""Runs the commands of docs/design/structures.md on its example: structures.py ROOT EXAMPLE ASHLAR

The output of a command has each line that the page shows, with other numbers. Lines about frames, which only root may see,
may be missing.
"""
import re
import subprocess
import sys
from pathlib import Path

PAGE = "docs/design/structures.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)
FOR_ROOT = ("frame", "frame_flags")


def commands(text):
    """Returns (arguments, lines) of each command that the page shows."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ashlar ", block, flags=re.M)[1:]:
            first, *lines = part.rstrip("\n").split("\n")
            found.append((first.split(), lines))
    return found


def shape(line):
    """Returns the line without its numbers, which differ from run to run."""
    return re.sub(r"\b(0x)?[0-9a-f]*[0-9][0-9a-f]*\b", "#", " ".join(line.split()))


def missing_lines(shown, printed):
    there = {shape(line) for line in printed}
    # The words of a count may differ between one free object and two.
    return [line for line in shown if shape(line) not in there and line.split()[0] not in FOR_ROOT]


def main():
    root, example, ashlar = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    found = commands((root / PAGE).read_text(encoding="utf-8"))
    if len(found) < 4:
        sys.exit(f"{PAGE} shows {len(found)} commands")
    problems = []
    with subprocess.Popen([example], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pid, address = process.stdout.readline().split()
        for (name, *arguments), lines in found:
            own = [pid, address][: len(arguments)]
            run = subprocess.run([ashlar, name, *own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            print(f"$ ashlar {name} {' '.join(own)}\n{run.stdout}")
            problems += [f"{PAGE}: ashlar {name} prints no line like {line!r}" for line in missing_lines(lines, run.stdout.splitlines())]
        process.stdin.close()
    for problem in problems:
        print(problem)
    return 1 if problems or process.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
