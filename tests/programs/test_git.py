"""Runs git: 2000 commits by fast-import and some by hand, then log, blame, diff, repack by several threads, fsck and clone."""

import random

import harness

WHEN = 1_600_000_000


def history(commits: int) -> bytes:
    """A fast-import stream: files of growing text, one or two changed by each commit."""
    rng = random.Random(7)
    files = {f"dir{n % 5}/file{n}.txt": [f"{n} begins"] for n in range(40)}
    stream = []
    for number in range(commits):
        message = f"Commit {number}\n\n" + "word " * rng.randrange(40)
        stream.append(f"commit refs/heads/main\ncommitter A U Thor <a@example.org> {WHEN + number} +0000\ndata {len(message)}\n{message}\n")
        for name in rng.sample(sorted(files), rng.randrange(1, 3)):
            lines = files[name]
            lines.insert(rng.randrange(len(lines) + 1), f"{number} " + "x" * rng.randrange(120))
            text = "\n".join(lines)
            stream.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    return "".join(stream).encode()


def body(side: harness.Side) -> None:
    env = {"GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "A U Thor", f"GIT_{who}_EMAIL": "a@example.org", f"GIT_{who}_DATE": f"{WHEN + 10_000} +0000"}

    def git(*words: str, **options) -> str:
        return side.run(["git", *words], env=env, **options)

    git("init", "--quiet", "--initial-branch=main", ".")
    git("config", "gc.auto", "0")
    git("config", "pack.threads", "2")
    git("fast-import", "--quiet", stdin=history(2000))
    git("reset", "--hard")
    for number in range(25):
        (side.work / "hand.txt").write_text(f"change {number}\n" * number)
        git("add", "hand.txt")
        git("commit", "--quiet", "--message", f"By hand {number}")
    git("log", "--stat", "-300")
    git("log", "--format=%H %s", "--graph")
    git("log", "-p", "-SXXX", "--pickaxe-regex", "--", "dir1")
    git("blame", "dir2/file2.txt")
    git("diff", "HEAD~1500", "--stat")
    git("gc", "--quiet", "--prune=now")
    git("fsck", "--full", "--strict", "--no-progress")
    # The size of the pack depends on how the two threads shared the work; the number of objects does not.
    git("count-objects", "-v", keep=lambda text: "\n".join(line for line in text.splitlines() if "size" not in line))
    git("clone", "--quiet", "--no-local", ".", "copy")
    git("-C", "copy", "rev-parse", "HEAD")
    git("grep", "-c", "xxxx", "HEAD~100")


harness.main(body, ["git"])
