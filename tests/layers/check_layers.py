#!/usr/bin/env python3
"""Checks the rules that keep the layers apart: check_layers.py ROOT

- no file includes a header of a layer that is not below its own, and no source includes a source;
- system calls stand in src/os alone;
- no layer calls a member of std::string_view that may throw, as that needs libstdc++ where the optimizer does not drop it;
- no file is longer than 500 lines;
- tests that share headers with the layers (tests/unit, tests/fuzz) contain no plain assert, which a release build drops.
With --self-test the checks are tried on files that break each rule.
"""
import re
import sys
import tempfile
from pathlib import Path

# What each layer may include: itself and everything below it. preload stands on top.
BELOW = {"base": [], "os": ["base"], "unwind": ["os"], "page": ["os"], "slab": ["page"], "vmalloc": ["page"], "heap": ["slab", "vmalloc"],
         "check": ["heap", "unwind"], "profile": ["check"], "record": ["heap"], "stats": ["profile"],
         "api": ["profile", "record", "stats"], "preload": ["api"]}
# What src/tool may include of the layers. It reads their data from outside, and shows names like they do.
TOOL_MAY_INCLUDE = {"base/units.h", "base/utf8.h", "stats/format.h", "record/trace_format.h",
                    "slab/size_class.h"}
MAX_LINES = 500
CODE = {".h", ".cc", ".c", ".S"}
SOURCE = {".cc", ".c", ".S"}
LINES_CHECKED = CODE | {".py", ".sh", ".cmake", ".txt"}

CALLS = ("mmap mmap64 munmap mremap madvise mprotect mbind mincore mlock set_mempolicy process_madvise syscall futex getcpu "
         "sched_getcpu prctl arch_prctl membarrier sched_yield nanosleep clock_nanosleep usleep open open64 openat read pread "
         "fopen fread ioctl brk sbrk write writev clock_gettime getrandom sysconf getpagesize "
         "getpid gettid getppid kill tgkill").split()
# A call of one of these names that is not of a member and not of Ashlar's namespace.
SYSTEM_CALL = re.compile(r"(?<![\w.>:])(?:::)?\s*(" + "|".join(CALLS) + r")\s*\(")
# A character as the argument is harmless.
THROWING = re.compile(r"(?<=\w)\.(substr|copy|at|compare|starts_with|ends_with)\s*\((?!')")
DECLARED = re.compile(r"\b(?:void|bool|int|Bytes|size_t|ssize_t|auto|PageCount|unsigned|uint64_t)\s*[&*]?\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def all_below(layer):
    seen, queue = set(), [layer]
    while queue:
        for below in BELOW[queue.pop()]:
            if below not in seen:
                seen.add(below)
                queue.append(below)
    return seen


def blank(match):
    """Returns the text with empty comments and strings, and with its line breaks."""
    return re.sub(r"[^\n]", " ", match.group())


def layer_of(path):
    parts = path.parts
    if parts[0] == "preload":
        return "preload"
    return parts[1] if parts[0] == "src" and len(parts) > 2 and parts[1] in BELOW else None


def check_includes(path, text, layer, problems):
    for name in INCLUDE.findall(text):
        if path.parts[:2] == ("src", "tool") and Path(name).parts[0] in BELOW and name not in TOOL_MAY_INCLUDE:
            problems.append(f"{path}: the command includes {name}, which is internal to the allocator")
        if Path(name).suffix in SOURCE:
            problems.append(f"{path}: includes the source {name}")
        target = Path(name).parts[0]
        if layer and target in BELOW and target != layer and target not in all_below(layer):
            problems.append(f"{path}: layer {layer} includes {name}, which is not below it")
        if layer and ".." in Path(name).parts:
            problems.append(f"{path}: includes {name} by a path upwards")


def check_system_calls(path, text, layer, problems):
    if layer in (None, "os"):
        return
    for number, line in enumerate(COMMENT.sub(blank, text).split("\n"), 1):
        for match in SYSTEM_CALL.finditer(line):
            if not DECLARED.search(line[:match.start()]):
                problems.append(f"{path}:{number}: {match.group(1)}() belongs into src/os")
        if re.search(r"\b(asm|__asm__)\b.*\bsyscall\b", line):
            problems.append(f"{path}:{number}: a syscall instruction belongs into src/os")
    if layer != "os" and "/proc/" in "".join(re.findall(r'"(?:\\.|[^"\\\n])*"', text)):
        problems.append(f"{path}: reading /proc belongs into src/os")


def check_throwing(path, text, layer, problems):
    for number, line in enumerate(COMMENT.sub(blank, text).split("\n"), 1):
        if layer and (match := THROWING.search(line)):
            problems.append(f"{path}:{number}: {match.group(1)}() may throw, which needs libstdc++; see base/text.h")


def check_asserts(path, text, problems):
    if path.parts[0] == "tests" and path.parts[1] in ("unit", "fuzz"):
        for number, line in enumerate(COMMENT.sub(blank, text).split("\n"), 1):
            if re.search(r"(?<!\w)assert\s*\(", line):
                problems.append(f"{path}:{number}: assert() is dropped in a release build")


def check_cmake(root, layer, problems):
    """Compares what CMake gives a layer with what the layer may include."""
    file = root / "src" / layer / "CMakeLists.txt"
    if file.exists():
        below = re.search(r"\bBELOW\s+([a-z\s]+?)\s*\b(?:SOURCES|\))", file.read_text())
        if sorted(below.group(1).split() if below else []) != sorted(BELOW[layer]):
            problems.append(f"{file.relative_to(root)}: {layer} should stand right above: {' '.join(BELOW[layer])}")


def check(root):
    problems, layers_seen = [], set()
    for top in ("src", "preload", "include", "tests", "bench", "scripts"):
        for full in sorted((root / top).rglob("*")):
            path = full.relative_to(root)
            if not full.is_file() or full.suffix not in LINES_CHECKED or "input" in path.parts or "node_modules" in path.parts:
                continue
            text = full.read_text(errors="replace")
            if text.count("\n") > MAX_LINES:
                problems.append(f"{path}: {text.count(chr(10))} lines, more than {MAX_LINES}")
            if full.suffix not in CODE:
                continue
            layer = layer_of(path)
            layers_seen.add(layer)
            check_includes(path, text, layer, problems)
            check_system_calls(path, text, layer, problems)
            check_throwing(path, text, layer, problems)
            check_asserts(path, text, problems)
    for layer in BELOW:
        check_cmake(root, layer, problems)
        if layer not in layers_seen:
            problems.append(f"layer {layer} has no file: the list in tests/layers is out of date")
    return problems


SELF_TEST = {
    "src/base/up.h": ('#include "page/page.h"\n', "layer base includes page/page.h"),
    "src/slab/side.cc": ('#include "vmalloc/vmalloc.h"\n', "layer slab includes vmalloc/vmalloc.h"),
    "src/tool/inside.cc": ('#include "page/page.h"\n', "the command includes page/page.h"),
    "src/slab/source.cc": ('#include "slab/slabs.cc"\n', "includes the source"),
    "src/page/call.cc": ("void f() { ::munmap(p, n); }\n", "munmap() belongs into src/os"),
    "src/heap/call.cc": ("int f() { return madvise(p, n, 4); }\n", "madvise() belongs into src/os"),
    "src/heap/raw.cc": ("long f() { return syscall(SYS_futex); }\n", "syscall() belongs into src/os"),
    "src/stats/call.cc": ("int f() { return getpid(); }\n", "getpid() belongs into src/os"),
    "src/api/proc.cc": ('auto f = name("/proc/self/maps");\n', "reading /proc"),
    "src/api/throw.cc": ('bool f(std::string_view s) { return s.starts_with("a"); }\n', "starts_with() may throw"),
    "src/api/long.cc": ("\n" * 501, "501 lines"),
    "tests/unit/x/t.cc": ("void f() { assert(x); }\n", "assert() is dropped"),
}
GOOD = {
    "src/tool/good.cc": '#include "stats/format.h"\n#include "tool/output.h"\nint f() { return open("/proc/self/maps", 0); }\n',
    "src/os/call.cc": "void* f() { return mmap(0, n, 3, 4, -1, 0); }\n",
    "src/base/good.cc": "bool f(std::string_view s) { return s.ends_with('*'); }\n",
    "src/page/good.cc": '#include "os/os.h"\n// mmap() is called below\nvoid g() { os::madvise(p); zone.read(x); static_assert(1); }\n',
}


def self_test():
    for name, (text, wanted) in SELF_TEST.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.parent.mkdir(parents=True)
            file.write_text(text)
            problems = [p for p in check(Path(folder)) if p.startswith(name)]
            if len(problems) != 1 or wanted not in problems[0]:
                return [f"self test: {name} should give one line with '{wanted}', gave {problems}"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in GOOD.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True)
            file.write_text(text)
        problems = [p for p in check(Path(folder)) if not p.startswith("layer ")]
        return [f"self test: a good file is refused: {p}" for p in problems]


def main():
    problems = self_test() if sys.argv[1:] == ["--self-test"] else check(Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
