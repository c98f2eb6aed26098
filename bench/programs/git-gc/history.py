"""Prints a history of N commits for git fast-import: 60 files that grow and change, always the same."""

import random
import sys

rng = random.Random(5)
files = {f"dir{n % 6}/file{n}.txt": [f"file {n}, line {line}: " + "abc" * rng.randrange(20) for line in range(100)] for n in range(60)}
out = sys.stdout
for number in range(int(sys.argv[1])):
    message = f"Commit {number}\n"
    out.write(f"commit refs/heads/main\ncommitter A U Thor <a@example.org> {1_600_000_000 + number} +0000\ndata {len(message)}\n{message}\n")
    for name in rng.sample(sorted(files), 2):
        lines = files[name]
        lines[rng.randrange(len(lines))] = f"changed by {number} " + "x" * rng.randrange(60)
        lines.insert(rng.randrange(len(lines)), f"added by {number} " + "y" * rng.randrange(60))
        if len(lines) > 150:
            del lines[: rng.randrange(40)]
        text = "\n".join(lines)
        out.write(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
