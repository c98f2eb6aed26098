#!/usr/bin/env python3
"""Shows that the fuzz targets of the layers can fail: check_mutations.py ROOT BUILD SCRATCH TARGET...

For each mutation of the targets, a copy of a source with one line changed is compiled and linked in the place of the
original, and the target's short run (replay.cc) must then fail. BUILD is a tree of Ninja in which the targets are
built.
"""
import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

JOBS = 2
RUN = ["--mutants", "100000", "--seconds", "10"]
TIMEOUT = 60
COMPLAINTS = ("expected: ", "broken: ")  # what the targets write: not a crash of another cause
# A target, a source, the first line of it that has a text, the text that replaces it, and the fault that results.
MUTATIONS = [
    ("base", "src/base/text.h", "size_ < N", "size_ < N - 1", "a text loses its last place"),
    ("os", "src/os/lines.cc", "if (length < size)", "if (length <= size)", "a line is written beyond its buffer"),
    ("os", "src/os/numa.cc", "from <= to &&", "from < to &&", "a range of a list has no last number"),
    ("os", "src/os/process.cc", "n = SIZE_MAX;", "n = 0;", "a number beyond 64 bits is 0"),
    ("page", "src/page/zone.cc", "dirty += buddy->free_block.dirty_pages;", "",
     "a merged block counts too few dirty pages"),
    ("slab", "src/slab/slabs.cc", "s.in_use = static_cast<std::uint16_t>(s.in_use - piece.count);", "",
     "a slab counts objects as in use that came back"),
    ("vmalloc", "src/vmalloc/areas.cc", "table.counts.bytes -= area->bytes;", "",
     "the table counts blocks that were freed"),
    ("heap", "src/heap/bins.cc", "heap.promised += static_cast<std::uint32_t>(more);", "",
     "a heap counts less than its bins may hold"),
    ("check", "src/check/fill.cc", "fill(right.start, right.end, byte);", "fill(right.start, right.start, byte);",
     "a block has no zone behind it"),
    ("check", "src/check/spans.cc", "span->free_bits[word] |=", "span->free_bits[word] &=", "a freed slot stays taken"),
    ("stats", "src/stats/json.cc", 'if (piece == "\\"" || piece == "\\\\")', 'if (piece == "\\"")',
     "a name's backslash is not escaped in JSON"),
    ("stats", "src/stats/json.cc", "out.live_slab += s.named.live;", "", "objects of named caches are in no figure"),
]


class Tree:
    def __init__(self, root, build, scratch):
        self.root, self.build, self.scratch = root, build, scratch
        self.commands = {}
        for entry in json.loads((build / "compile_commands.json").read_text()):
            self.commands.setdefault(Path(entry["directory"], entry["file"]).resolve(), entry["command"])

    def run(self, words, **options):
        return subprocess.run(words, cwd=self.build, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                              encoding="utf-8", errors="replace", **options).stdout

    def compile(self, source, copy, folder):
        """Compiles a copied source, with copied headers first. Returns the usual object and the new one."""
        words = shlex.split(self.commands[source])
        at = words.index("-o")
        usual, new = words[at + 1], str(folder / "mutated.o")
        words[at + 1] = new
        words[words.index("-c") + 1] = str(copy)
        for flag in ("-MT", "-MF"):
            if flag in words:
                words[words.index(flag) + 1] = new + ".d"
        compiler = 2 if Path(words[0]).name in {"ccache", "sccache"} else 1
        self.run([*words[:compiler], f"-I{folder / 'src'}", *words[compiler:]])
        return usual, new

    def link(self, target, usual, new, folder):
        """Links the target with the new object in place of the usual one, or before the archive that has it."""
        command = self.run(["ninja", "-t", "commands", "-s", f"tests/fuzz/fuzz_{target}"])
        words = [word for word in shlex.split(command) if word not in {":", "&&"}]
        program = str(folder / f"fuzz_{target}")
        output = words.index("-o") + 1
        words[output] = program
        if usual in words:
            words[words.index(usual)] = new
        else:
            words.insert(output - 1, new)
        self.run(words)
        return program


def is_missed(tree, number, mutation):
    target, path, old, new, what = mutation
    text = (tree.root / path).read_text()
    if old not in text:
        return f"{path} has no {old!r}: choose another mutation for {target}"
    folder = tree.scratch / str(number)
    copy = folder / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text.replace(old, new, 1))
    source = tree.root / (path if path.endswith(".cc") else f"tests/fuzz/{target}_target.cc")
    try:
        usual, object_file = tree.compile(source, copy if path.endswith(".cc") else source, folder)
        program = tree.link(target, usual, object_file, folder)
    except subprocess.CalledProcessError as error:
        return f"{path} with {new!r} for {old!r} does not build:\n{error.output}"
    try:
        tree.run([program, *RUN, str(tree.root / "tests/fuzz/corpus" / target)], timeout=TIMEOUT)
    except subprocess.CalledProcessError as error:
        if any(word in error.output for word in COMPLAINTS):
            return None
        return f"{target}: {new!r} for {old!r} in {path} ends the run without the target's word: {error.output[-500:]}"
    except subprocess.TimeoutExpired:
        return f"{target}: with {new!r} for {old!r} in {path} the target does not end"
    return f"{target}: {new!r} for {old!r} in {path} is not found, though {what}"


def main():
    tree = Tree(*(Path(argument).resolve() for argument in sys.argv[1:4]))
    chosen = [(number, mutation) for number, mutation in enumerate(MUTATIONS) if mutation[0] in sys.argv[4:]]
    with ThreadPoolExecutor(JOBS) as pool:
        problems = [problem for problem in pool.map(lambda one: is_missed(tree, *one), chosen) if problem]
    without = [f"{target} has no mutation" for target in sys.argv[4:] if target not in {m[0] for _, m in chosen}]
    print(*problems, *without, sep="\n")
    return 1 if problems or without else 0


if __name__ == "__main__":
    sys.exit(main())
