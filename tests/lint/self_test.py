#!/usr/bin/env python3
"""Tests that the two checks in this folder find what they should: self_test.py ROOT SCRATCH"""
import json
import shutil
import sys
from pathlib import Path

import check_format
import check_tidy

GOOD = "// a good file\nint add(int a, int b) { return a + b; }\n"
ILL_FORMATTED = "int add(int a,int b) {return a + b;}\n"
LONG_COMMENT = "// " + "x" * 120 + "\nint one() { return 1; }\n"
# A null pointer read, a name in the wrong case, a float that is narrowed: one for each of the kinds of checks.
FAULTY = {
    "null.cc": ("int read(const int* p) {\n  if (p == nullptr) return *p;\n  return 0;\n}\n", "clang-analyzer-core.NullDereference"),
    "name.cc": ("int BadName() { return 1; }\n", "readability-identifier-naming"),
    "copy.cc": ("struct Big { int all[99]; ~Big(); };\nint sum(const Big (&all)[9]) {\n  int sum = 0;\n"
                "  for (const Big each : all) sum += each.all[0];\n  return sum;\n}\n", "performance-for-range-copy"),
    "broken.cc": ("int broken( {\n", "clang-diagnostic-error"),
}


def fresh(root, scratch, files):
    """A project of these files under src, with the real settings and a compile_commands.json."""
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "src").mkdir(parents=True)
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(root / name, scratch / name)
    for name, text in files.items():
        (scratch / "src" / name).write_text(text)
    commands = [{"directory": str(scratch), "file": f"src/{name}", "command": f"c++ -std=c++20 -c src/{name}"} for name in files]
    (scratch / "compile_commands.json").write_text(json.dumps(commands))
    return scratch


def failures(root, scratch):
    project = fresh(root, scratch, {"good.cc": GOOD})
    yield from (f"format: a good file is refused: {problem}" for problem in check_format.check(project))
    yield from (f"tidy: a good file is refused: {problem}" for problem in check_tidy.check(project, project))
    for text in (ILL_FORMATTED, LONG_COMMENT):
        if not check_format.check(fresh(root, scratch, {"bad.cc": text})):
            yield f"format: accepts {text[:40]!r}"
    project = fresh(root, scratch, {name: text for name, (text, _) in FAULTY.items()})
    found = check_tidy.check(project, project, [(project / "src" / name).resolve() for name in FAULTY])
    for name, (_, wanted) in FAULTY.items():
        if not any(line.startswith(f"src/{name}:") and wanted in line for line in found):
            yield f"tidy: {wanted} is not found in {name}: {found}"
    if not check_format.check(fresh(root, scratch, {})):
        yield "format: a folder without sources is accepted"


def main():
    problems = list(failures(*(Path(argument).resolve() for argument in sys.argv[1:])))
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
