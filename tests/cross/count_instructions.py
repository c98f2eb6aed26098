#!/usr/bin/env python3
"""Counts the instructions of malloc and free on other processors: count_instructions.py GOLDEN WORK CMAKE TREE TOOLCHAIN...

TREE is the build of a preset and TOOLCHAIN its file of CMake, for as many presets as are given. The emulator executes one instruction at
a time and writes down where each lies; a call counts from the function's first instruction to its return, which counts too, and its
figure is the median of many. Prints the table of docs/platforms.md, with x86-64's figures as GOLDEN has them. Exit status 1 if a
processor with a budget exceeds it.
"""
import re
import statistics
import subprocess
import sys
from pathlib import Path

from check_install import toolchain_says

PAIRS = 400
BUDGETS = {"aarch64": (17, 20)}  # malloc, free; the golden test has those of x86-64


def counts_of(trace, entries, program):
    """Returns {entry: [instructions of each call]} from the executed addresses in their order. A call ends when it returns to program."""
    counts, entry, count = {at: [] for at in entries}, None, 0
    for at in trace:
        if entry is None and at in counts:
            entry, count = at, 0
        if entry is not None and at in program:
            counts[entry].append(count)
            entry = None
        count += 1
    return counts


def executed(lines):
    """Returns the addresses in the emulator's log, of lines such as: Trace 0: 0x7f2c40 [0000000000000000/0000004000801234/00000000/ff000000] malloc"""
    pattern = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
    return (int(found[1], 16) for found in map(pattern.match, lines) if found)


def count(cmake, tree, toolchain, work):
    """Returns the median counts of malloc and of free."""
    work.mkdir(parents=True, exist_ok=True)
    (compiler, _, emulator) = toolchain_says(cmake, toolchain, work)
    program, log = work / "fast_path", work / "fast_path.log"
    source = Path(__file__).resolve().with_name("fast_path.c")
    subprocess.run([*compiler, "-O2", "-fno-builtin", source, "-o", program], check=True)
    said = subprocess.run([*emulator, "-singlestep", "-d", "exec,nochain", "-D", log, "-E", f"LD_PRELOAD={tree / 'libashlar.so'}", program,
                           str(PAIRS)], check=True, stdout=subprocess.PIPE, text=True).stdout
    malloc, free, start, end = (int(number, 16) for number in said.split())
    with open(log, encoding="utf-8", errors="replace") as lines:
        counts = counts_of(executed(lines), (malloc, free), range(start, end))
    log.unlink()
    for name, at in (("malloc", malloc), ("free", free)):
        if len(counts[at]) < PAIRS:
            sys.exit(f"{tree}: the emulator's log has {len(counts[at])} calls of {name} instead of {PAIRS}")
    return tuple(int(statistics.median(counts[at])) for at in (malloc, free))


def golden(path):
    """Returns x86-64's medians of malloc and free."""
    text = path.read_text(encoding="utf-8")
    return tuple(int(re.search(rf"^{name} +pingpong +64 +median +(\d+)", text, re.M)[1]) for name in ("malloc", "free"))


def main():
    golden_file, work, cmake, *presets = sys.argv[1:]
    rows = {"x86_64": golden(Path(golden_file))}
    for tree, toolchain in zip(presets[::2], presets[1::2]):
        name = Path(tree).name
        rows[name] = count(cmake, Path(tree), toolchain, Path(work) / name)
    print("| processor | `malloc` | `free` |\n| --- | ---: | ---: |")
    for name, row in rows.items():
        print(f"| {name.replace('_', '-')} | {row[0]} | {row[1]} |")
    over = [f"{name}: malloc and free take {row[0]} and {row[1]} instructions, of {BUDGETS[name][0]} and {BUDGETS[name][1]} at most"
            for name, row in rows.items() if any(n > budget for n, budget in zip(row, BUDGETS.get(name, row)))]
    if over:
        sys.exit("\n".join(over))


if __name__ == "__main__":
    main()
