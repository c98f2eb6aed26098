#!/usr/bin/env python3
"""Checks that every C and C++ file is formatted by .clang-format: check_format.py ROOT

Also finds lines of more than 120 columns, since clang-format leaves comments as they are.
"""
import subprocess
import sys
from pathlib import Path

CLANG_FORMAT = "clang-format-14"
FOLDERS = ("src", "preload", "include", "bench", "tests")
SUFFIXES = {".h", ".cc", ".c"}
COLUMNS = 120


def sources(root):
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*")
                  if path.suffix in SUFFIXES and "node_modules" not in path.parts)


def long_lines(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    return [f"{path}:{number}: {len(line)} columns, more than {COLUMNS}"
            for number, line in enumerate(lines, 1) if len(line) > COLUMNS]


def check(root):
    files = sources(root)
    if not files:
        return [f"{root}: no source found"]
    problems = [problem for path in files for problem in long_lines(path)]
    # One process checks all files. Only its output says which file is wrong.
    run = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
    found = [line for line in run.stderr.split("\n") if "error:" in line]
    if run.returncode != 0 and not found:
        return [f"{CLANG_FORMAT} failed: {run.stderr.strip()}"]
    return problems + found


def main():
    problems = check(Path(sys.argv[1]))
    print(*problems, sep="\n")
    if problems:
        files = sorted({problem.split(":")[0] for problem in problems})
        print(f"\n{len(files)} files to mend: {CLANG_FORMAT} -i", *files)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
