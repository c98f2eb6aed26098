"""Compares the ranks of locks that the program takes while it holds others with the table of the model ranks.pml.

    lock_pairs.py PROGRAM RANKS.pml LOCK.h
"""
import os
import re
import subprocess
import sys
from pathlib import Path

OPTIONS = ("", "decay_ms=0,dirty_min=0", "numa_fake=2", "slob", "perturb=170", "harden",
           "slab_debug=FZP", "guard_sample=3", "profile=1")


def as_constant(name):
    """SPAN_END for SpanEnd."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def ranks_of_header(text):
    body = re.search(r"enum class LockRank[^{]*\{(.*?)\n\};", text, re.S).group(1)
    return [as_constant(name) for name in re.findall(r"^\s*k(\w+),", body, re.M)]


def table_of_model(text):
    """Returns the ranks in order, the pairs, and the pairs that the run need not show, without what a switched-on bug adds."""
    text = re.sub(r"#ifdef BUG_\w+\n.*?#else\n", "", text, flags=re.S)
    ranks = {int(n): name for name, n in re.findall(r"^#define ([A-Z_]+) (\d+)$", text.split("#define RANKS")[0], re.M)}
    pairs = {(held, taken) for held, those in re.findall(r"^#define AFTER_(\w+) \((.*)\)$", text, re.M)
             for taken in re.findall(r"1 << (\w+)", those)}
    seldom = {(held, taken) for held, those in re.findall(r"^#define SELDOM_(\w+) \((.*)\)$", text, re.M)
              for taken in re.findall(r"1 << (\w+)", those)}
    return ranks, pairs, seldom


def recorded(program, names):
    pairs = set()
    for options in OPTIONS:
        run = subprocess.run([program], env=dict(os.environ, ASHLAR_OPTIONS=options), stdout=subprocess.PIPE, text=True,
                             timeout=200)
        if run.returncode != 0:
            raise SystemExit(f"ASHLAR_OPTIONS={options}: exit status {run.returncode}")
        pairs |= {tuple(names[int(rank)] for rank in line.split()) for line in run.stdout.splitlines()}
    return pairs


def main():
    program, model, header = sys.argv[1:]
    names = ranks_of_header(Path(header).read_text())
    ranks, table, seldom = table_of_model(Path(model).read_text())
    problems = [f"{model}: {name} should be {i}" for i, name in enumerate(names) if ranks.get(i) != name]
    found = recorded(program, names)
    problems += [f"{model}: {held} was held while {taken} was taken, which the table lacks"
                 for held, taken in sorted(found - table - seldom)]
    problems += [f"{model}: {taken} was never taken while {held} was held" for held, taken in sorted(table - found)]
    print("\n".join(problems) or f"{len(found)} pairs, as the table has them")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
