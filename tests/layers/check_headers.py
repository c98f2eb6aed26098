#!/usr/bin/env python3
"""Compares headers of the layers with sources: check_headers.py ROOT

- no two layers have files of one base name;
- src/package/layout.ld names no source, and each section that it names is one that src/base/hints.h gives to code;
- a function that a header declares is defined in the source of the same name, or the header names the source that has it.
With --self-test the checks are tried on files that break each rule.
"""
import re
import sys
import tempfile
from pathlib import Path

LAYERS = ("base", "os", "unwind", "page", "slab", "vmalloc", "heap", "check", "profile", "record", "stats", "api")
DECLARATION = re.compile(r"^(?!using|return|extern|#|//|static_assert|template)(?:\[\[[^\]]*\]\] )*[\w:<>,*& ]*?[\w>*&] [*&]?(\w+)\([^;{}]*\)"
                         r"(?: noexcept)?(?: __attribute__\(\(.*?\)\))?;", re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def folders(root):
    return [root / "src" / layer for layer in LAYERS] + [root / "preload"]


def check_names(root, problems):
    seen = {}
    for folder in folders(root):
        for path in [*folder.glob("*.h"), *folder.glob("*.cc")]:
            seen.setdefault(path.stem, set()).add(folder.name)
    for name, owners in sorted(seen.items()):
        if len(owners) > 1:
            problems.append(f"{name}: in {' and '.join(sorted(owners))}; each needs a name of its own")


def check_layout(root, problems):
    path = root / "src/package/layout.ld"
    if not path.exists():
        return
    text = COMMENT.sub("", path.read_text())
    for name in sorted(set(re.findall(r"[^\s()]*\.(?:o|dir)\b[^\s()]*", text))):
        problems.append(f"layout.ld: {name} is the name of a file; give functions a section instead (base/hints.h)")
    given = set(re.findall(r'gnu::section\("([^"]+)"\)', (root / "src/base/hints.h").read_text()))
    given |= {name.replace(".text.", ".rodata.", 1) for name in given}  # GCC's names for a function's constants
    for name in sorted(set(re.findall(r"\.(?:text|rodata)\.(?!cst|str)[a-z_.]+(?=[\s)])", text))):
        if name not in given:
            problems.append(f"layout.ld: no attribute of base/hints.h has the section {name}")


def declared(text):
    """Returns the functions of a namespace that a header declares and does not define."""
    return sorted(set(DECLARATION.findall(COMMENT.sub("", text))))


def defines(text, name):
    return re.search(rf"^(?!\s|//|using|return)[^\n;=]*\b{name}\([^;{{}}]*\)[^;{{}}]*\{{", COMMENT.sub("", text), re.M) is not None


def check_header(root, path, problems):
    text = path.read_text()
    own = path.with_suffix(".cc")
    sources = {source: source.read_text() for source in sorted(path.parent.glob("*.cc"))}
    for name in declared(text):
        where = [source for source, code in sources.items() if defines(code, name)]
        if not where or own in where or any(source.name in text for source in where):
            continue  # not found: a template's, or another layer's
        problems.append(f"{path.relative_to(root)}: {name} is defined in {where[0].name}, which the header does not name")


def check(root):
    problems = []
    check_names(root, problems)
    check_layout(root, problems)
    for folder in folders(root):
        for path in sorted(folder.glob("*.h")):
            check_header(root, path, problems)
    return problems


def self_test():
    files = {"src/page/a.h": "#pragma once\nvoid here();\n[[nodiscard]] int* there(int x,\n  int y);\ninline int done() { return 1; }\n",
             "src/page/a.cc": "void here() {\n  there(1, 2);\n}\n", "src/page/b.cc": "int* there(int x, int y) { return nullptr; }\n"}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        if [p.split(":")[1] for p in check(root)] != [" there is defined in b.cc, which the header does not name"]:
            return [f"self test: {check(root)}"]
        (root / "src/page/a.h").write_text("// there is in b.cc\n" + files["src/page/a.h"])
        if check(root):
            return [f"self test: a header that names the source is refused: {check(root)}"]
        (root / "src/package").mkdir()
        (root / "src/base").mkdir()
        (root / "src/base/hints.h").write_text('#define RUN gnu::section(".text.run")\n')
        (root / "src/package/layout.ld").write_text(
            "*(EXCLUDE_FILE(*/a.cc.o *ashlar_page.dir*) .text) *(.text.run) *(.rodata.run .rodata.run.*) *(.text.runs) *(.rodata.cst*)")
        if len(check(root)) != 3:
            return [f"self test: layout: {check(root)}"]
        (root / "src/package/layout.ld").unlink()
        (root / "src/heap").mkdir()
        (root / "src/heap/b.h").write_text("")
        found = check(root)
        return [] if len(found) == 1 and found[0].startswith("b: in heap and page") else [f"self test: names: {found}"]


def main():
    problems = self_test() if sys.argv[1:] == ["--self-test"] else check(Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
