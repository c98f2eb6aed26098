#!/usr/bin/env python3
"""Compares headers of the layers with sources: check_headers.py ROOT

- no two layers have files of one base name;
- each pattern of src/package/layout.ld names one source (with a * some), or a layer;
- a function that a header declares is defined in the source of the same name, or the header names the source that has it.
With --self-test the checks are tried on files that break each rule.
"""
import fnmatch
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
    names = [source.name for folder in folders(root) for source in folder.glob("*.cc")]
    for pattern in sorted(set(re.findall(r"\*[^\s()]*\.(?:o\b|dir\*?)", COMMENT.sub("", path.read_text())))):
        layer = re.fullmatch(r"\*ashlar_(\w+)\.dir\*", pattern)
        source = re.fullmatch(r"\*/([\w*]+\.cc)\.o", pattern)
        if layer is not None and layer[1] in LAYERS:
            continue
        if source is None:
            problems.append(f"layout.ld: {pattern} is neither */<source>.cc.o nor *ashlar_<layer>.dir*")
        elif not fnmatch.filter(names, source[1]):
            problems.append(f"layout.ld: there is no source {source[1]}")


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
        (root / "src/package/layout.ld").write_text("*(EXCLUDE_FILE(*/a.cc.o *b.cc.o */c.cc.o */b*.cc.o *ashlar_page.dir*) .text)")
        if len(check(root)) != 2:
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
