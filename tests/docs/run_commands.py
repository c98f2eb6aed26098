#!/usr/bin/env python3
"""Runs the documents' commands as a reader would: run_commands.py ROOT SCRATCH

The shell blocks of PAGES that follow a line <!-- run --> are run one after another, in one shell, in a fresh copy of the sources
with an empty home folder. The first command that fails ends it.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PAGES = ("README.md", "docs/benchmarks.md")
SOURCES = ("src", "preload", "include", "bench", "tests", "scripts", "man", "docs", "bindings", "debian", "CMakeLists.txt", "CMakePresets.json", "README.md",
           "LICENSE", "CHANGELOG.md")
BLOCK = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```$", re.S | re.M)
# Variables that a reader's environment does not have.
UNSET = ("LD_PRELOAD", "LD_LIBRARY_PATH", "ASHLAR_OPTIONS", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH", "DESTDIR")


def blocks(text):
    """Returns (line number of the first command, commands) of each block. Every mark must have a block."""
    found = [(text.count("\n", 0, match.start(1)) + 1, match.group(1)) for match in BLOCK.finditer(text)]
    if len(found) != text.count("<!-- run -->") or not found:
        sys.exit(f"{text.count('<!-- run -->')} marks, but {len(found)} blocks ```sh right after one")
    return found


def copy_of(root, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    clone = scratch / "ashlar"
    clone.mkdir(parents=True)
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, clone / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(root / name, clone / name)
    (scratch / "home").mkdir()
    return clone


def script_of(found):
    parts = ["set -euo pipefail"]
    for line, commands in found:
        parts.append(f"echo '{line}:'\nset -x\n{commands}\n{{ set +x; }} 2>/dev/null")
    return "\n".join(parts)


def main():
    root, scratch = (Path(argument).resolve() for argument in sys.argv[1:])
    found = [(f"{page}:{line}", commands) for page in PAGES for line, commands in blocks((root / page).read_text(encoding="utf-8"))]
    clone = copy_of(root, scratch)
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment["HOME"] = str(scratch / "home")
    run = subprocess.run(["bash", "-c", script_of(found)], cwd=clone, env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(run.stdout)
    wanted = ("hello", "ashlar: version ", "libashlar.so", "usable bytes from Ashlar ")
    missing = [text for text in wanted if text not in run.stdout] if run.returncode == 0 else []
    for text in missing:
        print(f"The commands ran, but none printed {text!r}")
    return 1 if run.returncode or missing else 0


if __name__ == "__main__":
    sys.exit(main())
