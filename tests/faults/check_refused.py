#!/usr/bin/env python3
"""Runs a program while a kernel refuses each system call, and each flag, that docs/platforms.md names, one at a time:
check_refused.py ROOT REFUSE_LIBRARY PROGRAM FOREIGN_LIBRARY WORK PART PARTS

The program must do its work with every errno that an old kernel or a filter returns; a program that frees a block twice must end.
A call that no run makes is an error, except for NOT_CALLED: its row would say what nobody tried. PART of PARTS takes every PARTS-th row.
"""
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs"))
import platforms  # noqa: E402  (of tests/docs)

ERRORS = ("ENOSYS", "EPERM", "EINVAL")
OPTIONS = ("", "harden", "slab_debug=FZP", "guard_sample=20", "slob", "hugepages=always", "hugepages=dense,purge=free",
           "numa_fake=2", "leaks,memcg=1", "decay_ms=0,perturb=165",
           "profile=1,profile_file={work}/profile,profile_every=1m", "record=record", "decay_ms=0,cold=cold",
           "decay_ms=0,cold=pageout", "hugepages=reserved,swap_encrypt")


# The calls that the program does not make by itself, and why.
NOT_CALLED = {
    "get_mempolicy": "several NUMA nodes", "mbind": "several NUMA nodes", "getcpu": "a kernel without vDSO",
    "geteuid": "a file of options of a user who is not root", "msync": "a process that unmaps what is not its own",
    "MADV_POPULATE_WRITE": "a system with a reserved pool of huge pages",
    "pwrite64": "a file system without fallocate or copy_file_range",
    "sched_setaffinity": "a pinned thread that starts a helper",
    "rt_sigtimedwait": "a message to a pipe without readers",
    "rt_tgsigqueueinfo": "a fault in a guarded block", "sigaltstack": "a fault in a guarded block",
}


class Runner:
    def __init__(self, refuse, program, foreign, work):
        self.refuse, self.program, self.foreign, self.work = refuse, program, foreign, Path(work)
        # The calls under each setting if nothing is refused. "abort" is the program that frees a block twice.
        self.calls = {options: self.run(options)[1] for options in (*OPTIONS, "abort")}

    def run(self, options, refuse=None):
        """Runs the program. Returns the result and the calls that it made."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": self.refuse, "ASHLAR_CALLED": str(self.work / "called"),
                       "ASHLAR_OPTIONS": "harden" if options == "abort" else options.format(work=self.work)}
        if refuse:
            environment["ASHLAR_REFUSE"] = refuse
        # Under harden, pointers of another namespace's libc are invalid.
        arguments = ["abort"] if options == "abort" else [self.work] if options == "harden" else [self.work, self.foreign]
        done = subprocess.run([self.program, *arguments], env=environment, cwd=self.work, capture_output=True, text=True, timeout=120,
                              check=False)
        if not refuse and not is_sound(options, done):
            sys.exit(f"with nothing refused, {options or 'no options'}: ended with {done.returncode}: {done.stderr}")
        return done, set((self.work / "called").read_text().split())

    def problems_of(self, name):
        """Returns what goes wrong while a call is refused."""
        settings = [options for options, calls in self.calls.items() if name in calls]
        if not settings and name not in NOT_CALLED:
            yield f"{name} is never called: nothing was tried"
        # The first and the last setting that make the call, since the options make it in different places.
        for options in settings[:1] + settings[1:][-1:]:
            for error in ERRORS:
                done, _ = self.run(options, f"{name}={getattr(errno, error)}")
                if not is_sound(options, done):
                    yield f"{name} refused with {error}, {options or 'no options'}: ended with {done.returncode}: {done.stderr.strip()}"


def is_sound(options, done):
    return done.returncode != 0 if options == "abort" else done.returncode == 0 and done.stdout == "done\n"


def main():
    root, refuse, program, foreign, work, part, parts = sys.argv[1:]
    names = sorted(platforms.refusable((Path(root) / "docs/platforms.md").read_text()))
    runner = Runner(refuse, program, foreign, work)
    problems = [problem for name in names[int(part)::int(parts)] for problem in runner.problems_of(name)]
    print("\n".join(problems))
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
