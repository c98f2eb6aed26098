#!/usr/bin/env python3
"""Tests a sanitizer beside Ashlar: run_sanitized.py LIBRARY SOURCE SCRATCH MISTAKE COMPILER FLAG...

Builds SOURCE and runs it alone and with LIBRARY preloaded, under several options. A correct program must end with success
and without a report of the sanitizer. For a program with the MISTAKE the sanitizer must report it, as without Ashlar. Status
77 skips the test if the compiler has no such sanitizer, or if it does not work here by itself.
"""
import os
import subprocess
import sys
from pathlib import Path

OPTIONS = ("", "harden", "slab_debug=FZPU", "guard_sample=10", "slob", "stats")
REPORTS = ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


def run(program, *arguments, **environment):
    # AddressSanitizer ends a process in which another library comes first, unless this check is off.
    environment = {**os.environ, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1", **environment}
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, errors="replace", timeout=60)
    return done.returncode, done.stdout, done.stderr


def reported(errors):
    return [word for word in REPORTS if word in errors]


def main():
    library, source, scratch, mistake = sys.argv[1:5]
    command = sys.argv[5:]
    Path(scratch).mkdir(parents=True, exist_ok=True)
    program = Path(scratch) / "program"
    built = subprocess.run([*command, "-std=c++20", "-O1", "-g", "-w", source, "-o", program, "-pthread"],
                           capture_output=True, text=True)
    if built.returncode != 0:
        print("not built:", built.stderr[-500:])
        return 77
    paths = {}
    if "-shared-libasan" in command:
        found = subprocess.run([command[0], "-print-file-name=libclang_rt.asan-x86_64.so"], capture_output=True, text=True)
        paths["LD_LIBRARY_PATH"] = str(Path(found.stdout.strip()).parent)
    alone = run(program, **paths)
    if alone[0] != 0 or reported(alone[2]):
        print("does not work here without Ashlar either:", alone[0], alone[2][-500:])
        return 77
    failures = 0
    for options in OPTIONS:
        status, output, errors = run(program, LD_PRELOAD=library, ASHLAR_OPTIONS=options, **paths)
        if status != 0 or "right" not in output or reported(errors):
            print(f"ASHLAR_OPTIONS={options}: status {status}\n{output}{errors[:1500]}")
            failures += 1
    wanted = reported(run(program, mistake, **paths)[2])
    found = reported(run(program, mistake, LD_PRELOAD=library, **paths)[2])
    print(f"{mistake}: reported without Ashlar {wanted}, with it {found}")
    return 1 if failures or wanted != found else 0


if __name__ == "__main__":
    sys.exit(main())
