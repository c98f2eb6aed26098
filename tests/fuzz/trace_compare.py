#!/usr/bin/env python3
"""Checks that the same calls have the same results under glibc and under the preloaded library: trace_compare.py PROGRAM
LIBRARY [SEEDS]
"""
import os
import subprocess
import sys

CALLS = 2000


def trace(program, seed, library):
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "ASHLAR_OPTIONS")}
    if library:
        environment["LD_PRELOAD"] = library
    run = subprocess.run([program, str(seed), str(CALLS)], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def main():
    program, library = sys.argv[1:3]
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    compared = 0
    for seed in range(1, seeds + 1):
        theirs, ours = trace(program, seed, None), trace(program, seed, library)
        if len(theirs) != len(ours) or not theirs:
            sys.exit(f"seed {seed}: {len(theirs)} calls under glibc, {len(ours)} under Ashlar")
        for number, (there, here) in enumerate(zip(theirs, ours)):
            if there != here:
                sys.exit(f"seed {seed}, call {number}:\n  glibc  {there}\n  ashlar {here}")
        compared += len(ours)
    print(f"{compared} calls of {seeds} seeds: no difference")


if __name__ == "__main__":
    main()
