#!/usr/bin/env python3
"""Tests which kinds of misuse are caught in which mode: table.py PROGRAM LIBRARY PAGE [--update]

Runs PROGRAM (kinds.cc) for each kind, mode and block size, and compares the results with the table between the marks
"misuse" of PAGE, which --update rewrites. The exit status is 1 if they differ, or if a mode catches less than it must.
"""
import os
import platform
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SIZES = {"small": 40, "medium": 20000, "large": 3000000}
MODES = {"glibc": None, "default": "", "harden": "harden", "slab_debug": "slab_debug=FZPU", "guard_sample": "guard_sample=1"}
LEAST = {"default": 101, "harden": 176, "slab_debug": 174, "guard_sample": 148}  # of 177
GLIBC = "2.36"  # the one that the table was made with; another may catch more or less
JOBS = 2
# Writes at a distance. Under modes with random places it depends on chance where they end, so each runs a few times.
FAR = ("write_32_", "write_1_MiB_")
# Overwritten links. It depends on chance what is at the address to which they lead.
LINKS = ("write_of_a_link_",)
TRIES = 5
START, END = "<!-- misuse -->\n", "<!-- /misuse -->"
DEFUSED = 3  # kinds.cc
MOST_BEHIND = 3


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcome(program, library, kind, mode, size):
    """Returns the word for the table: "no" if nothing stopped the program, "late" if it had been handed the block again."""
    words = (outcome_once(program, library, kind, mode, size) for _ in range(TRIES))
    if kind.startswith(FAR):
        return next(("caught" for word in words if word != "no"), "no")
    if kind.startswith(LINKS):
        return next((word for word in words if word != "fault"), "fault")
    return next(words)


def outcome_once(program, library, kind, mode, size):
    environment = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "ASHLAR_OPTIONS")}
    if MODES[mode] is not None:
        environment.update(LD_PRELOAD=library, ASHLAR_OPTIONS=MODES[mode])
    run = subprocess.run([program, kind, str(size)], env=environment, capture_output=True,
                         text=True, errors="replace", timeout=60, check=False, preexec_fn=no_core)
    if run.returncode in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS):
        if run.stdout:
            return "late"
        return "told" if run.stderr.strip() else "fault"
    return {0: "no", DEFUSED: "harmless"}.get(run.returncode, f"status {run.returncode}")


def collect(program, library):
    kinds = subprocess.run([program, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    jobs = [(kind, mode, name) for kind in kinds for mode in MODES for name in SIZES]
    with ThreadPoolExecutor(JOBS) as pool:
        words = pool.map(lambda job: outcome(program, library, job[0], job[1], SIZES[job[2]]), jobs)
        return kinds, dict(zip(jobs, words))


def caught(found, mode, but=()):
    return sum(word not in ("no", "late") for job, word in found.items() if job[1] == mode and not job[0].startswith(but))


def cell(found, kind, mode):
    words = [found[kind, mode, size] for size in SIZES]
    return words[0] if len(set(words)) == 1 else ", ".join(words)


def table(kinds, found):
    lines = ["| misuse | " + " | ".join(MODES) + " |", "| --- |" + " --- |" * len(MODES)]
    for kind in kinds:
        lines.append(f"| {kind.replace('_', ' ')} | " + " | ".join(cell(found, kind, mode) for mode in MODES) + " |")
    total = len(kinds) * len(SIZES)
    lines.append("| caught | " + " | ".join(f"{caught(found, mode)} of {total}" for mode in MODES) + " |")
    return "\n".join(lines) + "\n"


def without_glibc(text):
    """Returns the table without the column of glibc, which may be of another version."""
    return [line.split("|")[:2] + line.split("|")[3:] for line in text.splitlines()]


def without_chance(text):
    """Returns the table without the rows, and their sum, that differ from run to run if addresses are random."""
    rows = tuple(f"| {start.replace('_', ' ')}" for start in FAR) + ("| caught",)
    return "".join(line for line in text.splitlines(True) if not line.startswith(rows))


def main():
    program, library, page = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    kinds, found = collect(program, library)
    made = table(kinds, found)
    problems = [f"{mode} catches {caught(found, mode)}, must be at least {least}"
                for mode, least in LEAST.items() if caught(found, mode) < least]
    # Writes far away depend on the layout of addresses. Of the others glibc catches a few more, by the sizes that it keeps
    # among the blocks.
    if caught(found, "default", FAR) + MOST_BEHIND < caught(found, "glibc", FAR):
        problems.append("the default catches less than glibc does")
    text = page.read_text(encoding="utf-8")
    start, end = text.index(START) + len(START), text.index(END)
    same_glibc = platform.libc_ver()[1] == GLIBC
    old = text[start:end]
    if old != made and "--update" in sys.argv:
        page.write_text(text[:start] + made + text[end:], encoding="utf-8")
        print(f"{page}: rewritten")
    old_fixed, made_fixed = without_chance(old), without_chance(made)
    if "--update" not in sys.argv and (old_fixed if same_glibc else without_glibc(old_fixed)) != (
            made_fixed if same_glibc else without_glibc(made_fixed)):
        problems.append(f"{page}: the table of misuse should be (tests/abuse/table.py … --update):\n{made}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
