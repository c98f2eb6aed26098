#!/usr/bin/env python3
"""Compares what a library exports with a Debian symbols file: check_symbols.py LIBRARY SYMBOLS"""
import subprocess
import sys
from pathlib import Path


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in lines.splitlines()}


def listed(symbols):
    """The names of lines like ` malloc@Base 0.2.0`."""
    return {line.split("@")[0].strip() for line in symbols.splitlines() if line.startswith(" ")}


def main():
    there, known = exported(sys.argv[1]), listed(Path(sys.argv[2]).read_text(encoding="utf-8"))
    for name in sorted(there - known):
        print(f"{sys.argv[2]}: no line of {name}, which the library exports")
    for name in sorted(known - there):
        print(f"{sys.argv[2]}: lists {name}, which the library does not export")
    return 0 if there == known and known else 1


if __name__ == "__main__":
    sys.exit(main())
