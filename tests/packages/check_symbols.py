#!/usr/bin/env python3
"""Compares what a library exports with the list of versions and the Debian symbols file: check_symbols.py LIBRARY MAP SYMBOLS

Each ashlar_ function has the version whose block in MAP names it. All others have no version, and SYMBOLS lists them.
check_symbols.py --self-test checks that each difference is found.
"""
import re
import subprocess
import sys
from pathlib import Path

NO_VERSION = "Base"


def exported(library):
    """Returns the version of each exported name."""
    lines = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library], capture_output=True, text=True, check=True).stdout
    return parse_nm(lines)


def parse_nm(lines):
    names = {}
    for line in lines.splitlines():
        kind, name = line.split()[-2:]
        name, _, version = name.partition("@")
        # A is a version itself, and small letters are local symbols. gold lists thread-local variables for their relocations.
        if kind not in "Abdrt":
            names[name] = version.lstrip("@") or NO_VERSION
    return names


def versions(text):
    """Returns the version of each name that a block of the version script lists."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    blocks = re.findall(r"(ASHLAR_[\d.]+)\s*\{\s*global:(.*?)(?:local:.*?)?\}", text, re.S)
    return {name: version for version, names in blocks for name in re.findall(r"\w+", names)}


def listed(symbols):
    """Returns the names of lines such as ` malloc@Base 0.2.0`, and the versions of lines such as ` (symver)ASHLAR_0.3 0.3.0`."""
    names = {match[1]: match[2] for match in re.finditer(r"^ (\w+)@(\S+) [\d.]+$", symbols, re.M)}
    return names, dict(re.findall(r"^ \(symver\)(ASHLAR_\S+) ([\d.]+)$", symbols, re.M))


def problems_of(there, wanted, symbols):
    names, tags = listed(symbols)
    known = {**wanted, **names}
    for name in sorted(there.keys() - known.keys()):
        where = "src/package/ashlar.map names no version" if name.startswith("ashlar_") else "debian/libashlar0.symbols has no line"
        yield f"{where} of {name}, which the library exports"
    for name in sorted(known.keys() - there.keys()):
        yield f"{name} is listed, and the library does not export it"
    for name in sorted(known.keys() & there.keys()):
        if there[name] != known[name]:
            yield f"{name} has the version {there[name]}, and {known[name]} is listed"
    for name in sorted(name for name in names if name.startswith("ashlar_")):
        yield f"debian/libashlar0.symbols: the line of {name} belongs into src/package/ashlar.map"
    for version in sorted(set(wanted.values()) ^ tags.keys()):
        yield f"{version} is not both a block of src/package/ashlar.map and a (symver) line of debian/libashlar0.symbols"
    for version, since in sorted(tags.items()):
        if f"ASHLAR_{since}" != f"{version}.0":
            yield f"debian/libashlar0.symbols: {version} appeared in the release {version.removeprefix('ASHLAR_')}.0, not in {since}"


def self_test():
    nm = "1 T ashlar_malloc@@ASHLAR_0.3\n2 T ashlar_new@@ASHLAR_0.4\n0 A ASHLAR_0.3@@ASHLAR_0.3\n0 A ASHLAR_0.4\n3 W malloc\n4 b _ZN1a\n"
    script = ("/* words; */\nASHLAR_0.3 { global: ashlar_malloc;\n local: _ZN*; etext; };\n"
              "ASHLAR_0.4\n{ global: ashlar_new; } ASHLAR_0.3;")
    symbols = "lib\n (symver)ASHLAR_0.3 0.3.0\n (symver)ASHLAR_0.4 0.4.0\n malloc@Base 0.2.0\n"
    assert not list(problems_of(parse_nm(nm), versions(script), symbols))
    wrong = [(nm + "4 T ashlar_more\n", script, symbols), (nm + "4 T _ZNSt1a\n", script, symbols), (nm.replace("3 W malloc\n", ""), script, symbols),
             (nm.replace("ashlar_new@@ASHLAR_0.4", "ashlar_new@@ASHLAR_0.3"), script, symbols),
             (nm.replace("3 W malloc", "3 W malloc@@ASHLAR_0.3"), script, symbols),
             (nm, script.replace("ashlar_new;", ""), symbols), (nm, script, symbols.replace(" (symver)ASHLAR_0.4 0.4.0\n", "")),
             (nm, script, symbols.replace("0.4.0", "0.5.0")), (nm, script, symbols + " ashlar_new@ASHLAR_0.4 0.4.0\n")]
    for number, (lines, text, debian) in enumerate(wrong):
        assert list(problems_of(parse_nm(lines), versions(text), debian)), f"wrong list {number} is not noticed"


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    library, script, symbols = sys.argv[1:]
    there = exported(library)
    problems = list(problems_of(there, versions(Path(script).read_text(encoding="utf-8")), Path(symbols).read_text(encoding="utf-8")))
    print(f"{len(there)} exported symbols", *problems, sep="\n")
    return 1 if problems or not there else 0


if __name__ == "__main__":
    sys.exit(main())
