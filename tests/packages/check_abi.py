#!/usr/bin/env python3
"""Compares the public C headers with those of the last release (docs/abi.md): check_abi.py INCLUDE CC WORK [--update VERSION | --self-test]

abidiff compares their functions and the types of these. The numbers of their macros are compared as well. Additions are
allowed. --update makes INCLUDE the last release. The headers are compared and not the library, since its internal types are
not part of the ABI. Another test checks that it exports what the headers declare. --self-test changes the headers and checks
that the changes are found.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASED, CONSTANTS, MAY_GROW = HERE / "released.abi", HERE / "released.constants", HERE / "may_grow.abignore"
DECLARATION = re.compile(r"^ASHLAR_API\s+([^;]*?\))\s*(?:ASHLAR_|__attribute__)[^;]*;", re.M)


def run(*command, text=None):
    return subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True, check=True).stdout


def includes(headers):
    return "".join(f"#include <ashlar/{header.name}>\n" for header in headers)


def probe(include, cc, work):
    """Builds a library that has only the headers' functions."""
    headers = sorted(include.glob("ashlar/*.h"))
    text = "\n".join(header.read_text(encoding="utf-8") for header in headers)
    declared = DECLARATION.findall(text)
    if len(declared) != len(re.findall(r"^ASHLAR_API\b", text, re.M)) or not declared:
        sys.exit(f"{len(declared)} declarations were understood, of {len(re.findall('^ASHLAR_API', text, re.M))}")
    library = work / "probe.so"
    run(cc, "-std=gnu17", "-g", "-O0", "-w", "-fdebug-prefix-map=" + str(include) + "=include", "-I", include, "-shared", "-fPIC", "-x", "c", "-", "-o",
        library, text=includes(headers) + "\n".join(f"{function} {{ __builtin_trap(); }}" for function in declared))
    return library


def constants(include, cc):
    """Returns the macros that are numbers, as {name: text}."""
    text = includes(sorted(include.glob("ashlar/*.h")))
    lines = re.findall(r"^#define (ASHLAR_\w+) (\(?-?\w*\d.*)$", run(cc, "-I", include, "-dM", "-E", "-x", "c", "-", text=text), re.M)
    return {name: value for name, value in sorted(lines) if not name.endswith(("_MAX", "_VERSION"))}  # limits may rise


def update(include, cc, work, version):
    # Neither the places of declarations nor their order are part of the ABI.
    run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--no-parameter-names", "--out-file", RELEASED,
        probe(include, cc, work))
    lines = [f"# The numbers of macros in {version}'s headers, written by check_abi.py", *map(" ".join, constants(include, cc).items())]
    CONSTANTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def problems_of(include, cc, work):
    compared = subprocess.run(["abidiff", "--no-added-syms", "--suppressions", MAY_GROW, RELEASED, probe(include, cc, work)],
                              capture_output=True, text=True)
    now = constants(include, cc)
    then = dict(line.split(maxsplit=1) for line in CONSTANTS.read_text(encoding="utf-8").splitlines() if line[0] != "#")
    changed = [f"{name} is {now.get(name)}, and was {value}" for name, value in then.items() if now.get(name) != value]
    return ([compared.stdout + compared.stderr] if compared.returncode != 0 else []) + changed


# Changes of the headers: file, old text, new text, and whether the change breaks programs.
CHANGES = (("ashlar.h", "ASHLAR_API void* ashlar_malloc(size_t", "ASHLAR_API void* ashlar_malloc2(size_t", True),
           ("ashlar.h", "ashlar_malloc_trim(size_t", "ashlar_malloc_trim(int", True),
           ("ashlar.h", "uint64_t live_slab;", "uint32_t live_slab; uint32_t rest;", True),
           ("ashlar.h", "uint64_t live_runs;", "uint64_t added; uint64_t live_runs;", True),
           ("pages.h", "enum ashlar_page_state {", "enum ashlar_page_state { ASHLAR_PAGE_FIRST,", True),
           ("pages.h", "#define ASHLAR_GFP_ZERO 1u", "#define ASHLAR_GFP_ZERO 2u", True),
           ("ashlar.h", "caches[ASHLAR_STATS_CACHES]; ", "caches[ASHLAR_STATS_CACHES]; uint64_t added; ", False),
           ("ashlar.h", "ASHLAR_API void* ashlar_malloc(size_t", "ASHLAR_API void ashlar_new(void) ASHLAR_NOTHROW;\nASHLAR_API void* ashlar_malloc(size_t",
            False))


def self_test(include, cc, work):
    for name, before, after, breaks in CHANGES:
        changed = work / "include"
        shutil.rmtree(changed, ignore_errors=True)
        shutil.copytree(include, changed)
        text = (changed / "ashlar" / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name}: {before}"
        (changed / "ashlar" / name).write_text(text.replace(before, after), encoding="utf-8")
        found = problems_of(changed, cc, work)
        assert bool(found) == breaks, f"{name}: {after}: " + "\n".join(found or ["is not noticed"])
    return 0


def main():
    include, cc, work = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    if sys.argv[4:5] == ["--update"]:
        return update(include, cc, work, sys.argv[5])
    if sys.argv[4:] == ["--self-test"]:
        return self_test(include, cc, work)
    problems = problems_of(include, cc, work)
    print(*problems or ["nothing of the last release has changed"], sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
