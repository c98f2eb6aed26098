"""Compares the tables of docs/platforms.md with what they describe. Processors are compared with the presets and with what
tests/cross runs, calls that a kernel may refuse with the calls in src, and compilers with the rows of scripts/matrix.
"""
import json
import re


def presets_with_toolchain(text):
    """Returns the names of the presets, except hidden ones, that build for another machine."""
    presets = {preset["name"]: preset for preset in json.loads(text)["configurePresets"]}

    def is_cross(preset):
        return "toolchainFile" in preset or (preset.get("inherits") in presets and is_cross(presets[preset["inherits"]]))

    return {name for name, preset in presets.items() if not preset.get("hidden") and is_cross(preset)}


def tested(cmake):
    """Returns {preset: (folders, sizes of pages in KiB, processors of the emulator)} of each cross_tests() in a CMake file."""
    found = {}
    for preset, arguments in re.findall(r"^cross_tests\((\S+) ([^)]*)\)", cmake, re.M):
        rest, _, processors = arguments.removeprefix("FOLDERS ").partition(" PROCESSORS ")
        folders, _, pages = rest.partition(" PAGES ")
        found[preset] = (set(folders.split()), {4} | {int(size) // 1024 for size in pages.split()}, set(processors.split()))
    return found


def documented(page):
    """Returns the same from the rows of the table: | processor | `preset` | `folders` | pages, KiB | `emulated` |."""
    table = re.search(r"<!-- processors -->\n(.*?)<!-- /processors -->", page, re.S)
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| (`[^|]+) \| ([\d, ]+) \| ([^|]*)\|", table.group(1) if table else "", re.M)
    return {preset: (set(re.findall(r"`([^`]+)`", folders)), {int(size) for size in pages.split(",")}, set(re.findall(r"`([^`]+)`", emulated)))
            for preset, folders, pages, emulated in rows}


def compare_platforms(page, presets, cmake):
    rows, runs = documented(page), tested(cmake)
    problems = [f"docs/platforms.md: no row of the preset {name}" for name in sorted(presets - rows.keys())]
    problems += [f"docs/platforms.md: {name} is no preset for another machine" for name in sorted(rows.keys() - presets)]
    problems += [f"tests/cross: nothing runs with the preset {name}" for name in sorted(presets - runs.keys())]
    for name in sorted(rows.keys() & runs.keys()):
        if rows[name] != runs[name]:
            problems.append(f"docs/platforms.md: {name}: says {rows[name]}, tests/cross runs {runs[name]}")
    return problems


def refusable(page):
    """Returns the names in the first column of the table of what a kernel may refuse."""
    table = re.search(r"<!-- kernel -->\n(.*?)<!-- /kernel -->", page, re.S)
    first = re.findall(r"^\| (`[^|]+) \|", table.group(1) if table else "", re.M)
    return {name for column in first for name in re.findall(r"`([^`]+)`", column)}


# System calls that cannot be replaced.
NEEDED = {"mmap", "exit_group"}
FLAGS = r"\b(MADV_[A-Z_]+|MEMBARRIER_CMD_[A-Z_]+|MAP_FIXED_NOREPLACE|MAP_HUGETLB|O_TMPFILE|PR_SET_PTRACER|PR_SET_VMA)\b(?!_)"


def called(sources):
    """Returns the system calls and the newer flags that sources name. Those in comments count too, since headers lack some."""
    return {name for text in sources for name in re.findall(r"\bSYS_(\w+)", text) + re.findall(FLAGS, text)}


def compare_kernel(page, sources):
    rows, calls = refusable(page), called(sources) - NEEDED
    return [f"docs/platforms.md: no row of {name}, which src calls" for name in sorted(calls - rows)] + \
           [f"docs/platforms.md: {name} has a row, and src does not call it" for name in sorted(rows - calls)]


def compare_matrix(page, script):
    table = re.search(r"<!-- compilers -->\n(.*?)<!-- /compilers -->", page, re.S)
    rows = {name for column in re.findall(r"^\| (`[^|]+) \|", table.group(1) if table else "", re.M) for name in re.findall(r"`([^`]+)`", column)}
    built = set(" ".join(re.findall(r"^all=\(([^)]*)\)", script, re.M)).split())
    return [f"docs/platforms.md: no row of {name}, which scripts/matrix builds" for name in sorted(built - rows)] + \
           [f"docs/platforms.md: {name} is no row of scripts/matrix" for name in sorted(rows - built)]


def check_platforms(root, _library):
    page = (root / "docs/platforms.md").read_text()
    # The command is not part of the allocator.
    sources = [path.read_text() for path in (root / "src").rglob("*") if path.suffix in (".cc", ".h") and "tool" not in path.parts]
    return compare_platforms(page, presets_with_toolchain((root / "CMakePresets.json").read_text()),
                             (root / "tests/cross/CMakeLists.txt").read_text()) + compare_kernel(page, sources) + \
        compare_matrix(page, (root / "scripts/matrix").read_text())
