#!/usr/bin/env python3
"""Compares what libashlar.so imports with the list of what it may import: check_imports.py LIBRARY LIST

A symbol that is not in the list is an error, and so is a symbol in the list that is no longer imported, unless a question mark is
after it.
"""
import subprocess
import sys
from pathlib import Path


def main():
    library, listed = sys.argv[1], Path(sys.argv[2])
    lines = [line.split("#")[0].split(None, 1) for line in listed.read_text().splitlines()]
    optional = {words[0].rstrip("?") for words in lines if words and words[0].endswith("?")}
    allowed = {words[0].rstrip("?") for words in lines if words}
    unexplained = [words[0] for words in lines if len(words) == 1]
    table = subprocess.run(["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True).stdout
    imported = {line.split()[-1].split("@")[0] for line in table.splitlines()}
    for symbol in sorted(imported - allowed):
        print(f"{symbol} is imported, and {listed.name} does not allow it: is there a system call (src/os/call.h)? May"
              " another library's function of this name be called before it is ready?")
    for symbol in sorted(allowed - imported - optional):
        print(f"{symbol} is no longer imported: take it out of {listed.name}")
    for symbol in unexplained:
        print(f"{symbol}: {listed.name} does not say why")
    return 1 if imported - allowed or allowed - imported - optional or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
