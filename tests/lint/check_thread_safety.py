#!/usr/bin/env python3
"""Clang's thread-safety analysis over the library's sources (base/thread_safety.h): check_thread_safety.py ROOT BUILD SCRATCH

BUILD holds compile_commands.json. Also checks that the analysis finds what it should: each mutation below takes a line
out of a copy of a source, which must then be refused; and that each lock is named by an annotation where it is declared.
"""
import json
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLANG = "clang++-14"
ANALYSIS = ["-fsyntax-only", "-Wno-everything", "-Wthread-safety", "-Wthread-safety-beta", "-Werror"]
JOBS = 2
# A file, a line of it, and the fault that its absence is. The first such line of the file is removed.
MUTATIONS = [
    ("src/vmalloc/areas.cc", "  const Guard guard(table.lock);", "reads or writes what a lock protects without it"),
    ("src/page/pages.cc", "  const Guard guard(zone.lock);", "calls what needs a lock without it"),
    ("src/vmalloc/kept.cc", "  table.lock.unlock();", "returns with a lock held"),
    ("src/page/purge.cc", "  lock.lock();", "does not take a lock again that it released"),
]
LOCK = re.compile(r"^ *(?:constinit |extern |alignas\(\d+\) )*(?:Try)?Lock<LockRank::k\w+> (\w+);", re.M)
ANNOTATION = re.compile(r"ASHLAR_(?:GUARDED_BY|PT_GUARDED_BY|REQUIRES|ACQUIRE|EXCLUDES)\(([^)]*)\)")


def commands(root, build):
    """Returns the relevant flags of each of the library's sources, by path."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = Path(entry["directory"], entry["file"]).resolve()
        if not file.is_relative_to(root / "src") or file.is_relative_to(root / "src/tool") or file.suffix != ".cc":
            continue
        words = shlex.split(entry["command"])
        flags = [word for word in words if re.match(r"-[DI]|-std=", word)]
        flags += [flag for word, path in zip(words, words[1:]) if word == "-isystem" for flag in (word, path)]
        found.setdefault(file, flags)
    return found


def findings(file, flags):
    run = subprocess.run([CLANG, *ANALYSIS, *flags, str(file)], capture_output=True, text=True)
    lines = [line for line in run.stderr.split("\n") if " error: " in line]
    return lines if lines or run.returncode == 0 else [f"{file}: {CLANG} failed: {run.stderr.strip()}"]


def is_caught(root, scratch, flags, mutation):
    path, line, what = mutation
    text = (root / path).read_text()
    if line + "\n" not in text:
        return f"{path} has no line {line.strip()!r} to take out: choose another mutation"
    copy = scratch / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text.replace(line + "\n", "", 1))
    if not any("[-Werror,-Wthread-safety" in finding for finding in findings(copy, flags)):
        return f"{path} is accepted without {line.strip()!r}, though it {what}"
    return None


def unnamed_locks(root):
    """Returns the locks that no annotation names in the file or header that declares them."""
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cc"} or path.name in {"lock.h", "try_lock.h"}:
            continue
        text = path.read_text()
        near = text + "".join(header.read_text() for header in path.parent.glob("*.h"))
        named = {re.split(r"\.|->", lock.strip())[-1] for names in ANNOTATION.findall(near) for lock in names.split(",")}
        for lock in LOCK.findall(text):
            if lock not in named:
                yield f"{path.relative_to(root)}: no annotation says what {lock} protects"


def check(root, build, scratch):
    flags = commands(root, build)
    if not flags:
        return [f"{build}/compile_commands.json names no source of src"]
    with ThreadPoolExecutor(JOBS) as pool:
        found = [finding for each in pool.map(lambda file: findings(file, flags[file]), flags) for finding in each]
        missed = list(pool.map(lambda one: is_caught(root, scratch, flags.get(root / one[0], []), one), MUTATIONS))
    return sorted(set(found)) + [problem for problem in missed if problem] + list(unnamed_locks(root))


def main():
    problems = check(*(Path(argument).resolve() for argument in sys.argv[1:]))
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
