#!/usr/bin/env python3
"""Runs a case under glibc's malloc and under the library: run_case.py [OPTIONS] LIBRARY PROGRAM [ARGS...]

Both must end with status 0 within the time limit, and the library must print nothing. The program prints figures to compare
as lines "figure NAME VALUE". The options are:
  --most NAME FACTOR PLUS     the library's is at most FACTOR x glibc's + PLUS
  --least NAME FACTOR PLUS    the library's is at least FACTOR x glibc's + PLUS
  --behind LIBRARY, --before LIBRARY   LIBRARY is also preloaded, on both sides
  --dies SIGNAL               the program must end by SIGNAL instead of status 0
  --finds                     without figures, the library's message and SIGABRT or SIGSEGV are also right
  --alone                     the case would be unfair to glibc, and is not run under it
Status 77 of the program skips the case.
"""
import argparse
import os
import re
import signal
import subprocess
import sys

SKIPPED = 77
FIGURE = re.compile(r"^figure (\S+) (\S+)$", re.M)


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    for option in ("--most", "--least"):
        parser.add_argument(option, nargs=3, action="append", default=[], metavar=("NAME", "FACTOR", "PLUS"))
    parser.add_argument("--behind", default="")
    parser.add_argument("--before", default="")
    parser.add_argument("--dies", default="")
    parser.add_argument("--finds", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("library")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def run(given, library):
    """Returns the exit status (negative: the signal) and everything that the program printed."""
    environment = {name: value for name, value in os.environ.items() if library or name != "ASHLAR_OPTIONS"}
    preload = [path for path in (given.before, library, given.behind) if path]
    if preload:
        environment["LD_PRELOAD"] = ":".join(preload)
    process = subprocess.Popen(given.command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        printed = process.communicate(timeout=given.seconds)[0]
        status = process.returncode
    except subprocess.TimeoutExpired:
        status = f"none within {given.seconds:g} s"
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if isinstance(status, str):
        printed = process.communicate()[0]
    return status, printed.decode(errors="replace")


def problems_of_figures(given, plain, library):
    plain, library = dict(FIGURE.findall(plain)), dict(FIGURE.findall(library))
    for kind, wanted in (("most", given.most), ("least", given.least)):
        for name, factor, plus in wanted:
            if name not in plain or name not in library:
                yield f"no figure {name} on both sides"
                continue
            bound = float(factor) * float(plain[name]) + float(plus)
            good = float(library[name]) <= bound if kind == "most" else float(library[name]) >= bound
            text = f"{name}: glibc {plain[name]}, library {library[name]}, at {kind} {bound:g} is right"
            print(text)
            if not good:
                yield text


def main():
    given = arguments()
    right = -signal.Signals[given.dies] if given.dies else 0
    plain = (0, "") if given.alone else run(given, "")
    library = run(given, os.path.abspath(given.library))
    sides = [("library", library)] if given.alone else [("glibc", plain), ("library", library)]
    for side, (status, printed) in sides:
        print(f"--- {side}: status {status}\n{printed.rstrip()}")
        if status == SKIPPED:
            return SKIPPED
    if given.finds:
        found = library[0] in (-signal.SIGABRT, -signal.SIGSEGV) and re.search(r"^(ashlar: |BUG )", library[1], re.M)
        print("---", "right" if found else "the library did not find it", sep="\n")
        return 0 if found else 1
    problems = [f"{side}: status {status}, expected {right}" for side, (status, _) in sides if status != right]
    if re.search(r"^ashlar: ", library[1], re.M):
        problems.append("the library printed a message")
    problems += problems_of_figures(given, plain[1], library[1])
    print("---", *problems or ["right"], sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
