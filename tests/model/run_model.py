"""Checks a model with spin: the model holds unchanged, and each bug that can be switched on in it is found.

    run_model.py MODEL.pml [--long] [--define NAME]...

Comments of the model list its runs:

    run: NAME [-DDEFINE...] [pan options...]        must pass
    bug: NAME [-DDEFINE...] [pan options...]        must fail
    long: NAME ...                                  must pass; with --long only, or ASHLAR_LONG_TESTS in the environment
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MEMORY_MIB = 6000
DEPTH = 4_000_000


def runs_of(text, with_long):
    for line in text.splitlines():
        if match := re.match(r"[ /*]*(run|bug|long): (\S+)(.*)", line):
            kind, name, rest = match.groups()
            words = [word for word in rest.split() if word != "*/"]
            if kind != "long" or with_long:
                yield kind, name, [w for w in words if w.startswith("-D")], [w for w in words if not w.startswith("-D")]


def check(model, optimise, defines, options, folder):
    """Returns the number of errors that spin finds, and its output."""
    subprocess.run(["spin", *defines, "-a", str(model)], cwd=folder, check=True, stdout=subprocess.PIPE, timeout=60)
    flags = [optimise, "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}"]
    if "provided" in model.read_text():
        flags.append("-DNOREDUCE")  # partial order reduction does not know of it
    subprocess.run(["cc", *flags, "-o", "pan", "pan.c"], cwd=folder, check=True, timeout=120)
    ran = subprocess.run(["./pan", f"-m{DEPTH}", "-n", *options], cwd=folder, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, timeout=7200)
    errors = re.search(r"errors: (\d+)", ran.stdout)
    whole = not re.search(r"max search depth too small|out of memory|memory limit|truncated", ran.stdout)
    if errors is None or not whole:
        raise SystemExit(f"{model.name} {' '.join(defines)}: the search was not finished\n{ran.stdout}")
    return int(errors.group(1)), ran.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--long", action="store_true", default=bool(os.environ.get("ASHLAR_LONG_TESTS")))
    arguments = parser.parse_args()
    model = arguments.model.resolve()
    failed, kinds = 0, set()
    for kind, name, defines, options in runs_of(model.read_text(), arguments.long):
        with tempfile.TemporaryDirectory() as folder:
            # A bug is found soon, and compiling then costs more than searching.
            errors, said = check(model, "-O0" if kind == "bug" else "-O1", defines, options, folder)
        kinds.add(kind)
        states = re.search(r"(\d+) states, stored", said)
        found = re.search(r"pan:1: (.*) \(at depth", said)
        print(f"{kind} {name}: {found.group(1) if found else 'holds'}, {states.group(1)} states")
        if (errors > 0) != (kind == "bug"):
            print(said if errors else f"the bug {name} was not found")
            failed += 1
    if not {"run", "bug"} <= kinds:
        raise SystemExit(f"{model.name}: a model needs a run that passes and a bug that is found")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
