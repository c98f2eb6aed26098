#!/usr/bin/env python3
"""clang-tidy over the allocator's own sources, src and preload: check_tidy.py ROOT BUILD [FILE...]

BUILD holds compile_commands.json. A finding is one line; what is looked for stands in .clang-tidy. Files, if any are
named, are checked in full. Without ASHLAR_LONG_TESTS all of them are checked without the analysis of paths, which takes half of
the time, and the files of SELDOM are left out, where other people's headers take most of it.
"""
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

CLANG_TIDY = "clang-tidy-14"
FOLDERS = ("src", "preload")
JOBS = 2
SELDOM = "src/tool"
WITHOUT_PATHS = ["--checks=-clang-analyzer-*"]
FINDING = re.compile(r"^(?P<path>/[^:]+):(?P<rest>\d+:\d+: (?:warning|error): .*)$", re.M)


def commands(root, build):
    """Returns the first command for each compiled file of the folders. clang-tidy would use all, also those of other targets."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = Path(entry["directory"], entry["file"]).resolve()
        if any(file.is_relative_to(root / folder) for folder in FOLDERS):
            found.setdefault(file, {**entry, "file": str(file)})
    return found


def findings(file, root, database, arguments):
    # The commands are GCC's, so warnings and parameters that only GCC knows are not findings.
    command = [CLANG_TIDY, "--quiet", "-p", str(database), "--extra-arg=-Wno-unknown-warning-option",
               "--extra-arg=-Qunused-arguments", *arguments, str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    text = run.stdout + run.stderr
    found = []
    for match in FINDING.finditer(text):
        path = Path(match["path"])
        found.append(f"{path.relative_to(root) if path.is_relative_to(root) else path}:{match['rest']}")
    if run.returncode != 0 and not found:
        found.append(f"{file}: {CLANG_TIDY} failed: {text.strip()}")
    return found


def check(root, build, named=()):
    files = commands(root, build)
    if not files:
        return [f"{build}/compile_commands.json names no file of {', '.join(FOLDERS)}"]
    unknown = [file for file in named if file not in files]
    if unknown:
        return [f"{file}: no source of {', '.join(FOLDERS)} that {build} compiles" for file in unknown]
    in_full = bool(named) or "ASHLAR_LONG_TESTS" in os.environ
    chosen = named or sorted(file for file in files if in_full or not file.is_relative_to(root / SELDOM))
    with TemporaryDirectory() as database, ThreadPoolExecutor(JOBS) as pool:
        Path(database, "compile_commands.json").write_text(json.dumps(list(files.values())))
        each = list(pool.map(lambda file: findings(file, root, database, () if in_full else WITHOUT_PATHS), chosen))
    return sorted({finding for found in each for finding in found})  # a header's finding comes with every file


def main():
    root, build, *named = (Path(argument).resolve() for argument in sys.argv[1:])
    problems = check(root, build, named)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
