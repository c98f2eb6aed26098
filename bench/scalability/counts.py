"""Runs a workload once: the resources that it used, and the counts of libashlar-counting.so."""

import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from comparison.errors import CompareError

PREEMPTED = 20              # tally.cc: holds of 2**20 ns and more, whose holder did not run
OWN = ("pcp",)              # locks of a processor of its own, which are only tried


@dataclass
class Usage:
    """The resources that a run used, in seconds and KiB."""
    wall: float
    cpu: float
    peak_kib: int


@dataclass
class Lock:
    """A lock's counts. Times are nanoseconds and include those of reading the clock."""
    rank: str
    taken: int
    moved: int              # of these, by another thread than the last one
    missed: int
    waited: int
    waited_ns: int
    held_ns: int            # without holds that were preempted
    held: list              # by powers of two

    @property
    def shared(self):
        return self.rank not in OWN

    def mean_ns(self, clock_ns):
        """Returns how long it is held, without the time of reading the clock."""
        held = sum(self.held[:PREEMPTED])
        return max(self.held_ns / held - clock_ns, 1.0) if held else 0.0


@dataclass
class Counts:
    """The counts of a run."""
    events: dict
    locks: list
    clock_ns: int
    lost: int = 0

    @property
    def pairs(self):
        """Returns the number of pairs of malloc and free. A realloc counts as a pair."""
        return (self.events["allocated"] + self.events["freed"]) / 2 + self.events["reallocated"]

    def per_thousand(self, *events):
        """Returns how often the events happened in 1000 pairs."""
        return 1000 * sum(self.events[event] for event in events) / max(self.pairs, 1)

    def shared_locks(self):
        """Returns the acquisitions of locks that processors share, in 1000 pairs."""
        return 1000 * sum(lock.taken for lock in self.locks if lock.shared) / max(self.pairs, 1)

    def moved_lines(self):
        """Returns how often a lock's cache line came from another thread's processor, in 1000 pairs."""
        return 1000 * sum(lock.moved for lock in self.locks) / max(self.pairs, 1)

    def by_rank(self):
        """Returns {rank: acquisitions in 1000 pairs}, with the most frequent first."""
        sums = {}
        for lock in self.locks:
            sums[lock.rank] = sums.get(lock.rank, 0) + lock.taken
        most_first = sorted(sums.items(), key=lambda item: -item[1])
        return {rank: 1000 * times / max(self.pairs, 1) for rank, times in most_first if times}


def parse(text, origin="counts"):
    """Returns the counts that the library wrote."""
    try:
        data = json.loads(text)
        if data["version"] != 1:
            raise ValueError(f"version {data['version']}")
        return Counts(data["events"], [Lock(**lock) for lock in data["locks"]], data["clock_ns"], data["lost"])
    except (KeyError, TypeError, ValueError) as error:
        raise CompareError(f"{origin}: what the counting library wrote is not as expected: {error}") from None


def execute(words, library, timeout, processors=None, options="", counts_file=None):
    """Runs a program under the library, on some of the machine's processors only. Raises CompareError if it fails."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("LD_PRELOAD", "ASHLAR_OPTIONS", "ASHLAR_COUNTS")}
    environment["LD_PRELOAD"] = str(library)
    if options:
        environment["ASHLAR_OPTIONS"] = options
    if counts_file is not None:
        environment["ASHLAR_COUNTS"] = str(counts_file)
    pin = (lambda: os.sched_setaffinity(0, processors)) if processors else None
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as folder, tempfile.TemporaryFile() as stderr:
        start = time.monotonic()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, cwd=folder,
                                 env=environment, start_new_session=True, preexec_fn=pin)
        status, used = _wait(child.pid, start + timeout)
        wall = time.monotonic() - start
        child.returncode = -signal.SIGKILL if status is None else status
        stderr.seek(0)
        last = (stderr.read().decode(errors="replace").strip().splitlines() or [""])[-1]
    if status is None:
        raise CompareError(f"{' '.join(words)}: timed out after {timeout:g} s")
    if status != 0:
        raise CompareError(f"{' '.join(words)}: {'exit status' if status > 0 else 'signal'} {abs(status)} {last}")
    if "cannot be preloaded" in last:
        raise CompareError(f"{library}: {last}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss)


def _wait(pid, deadline):
    """Returns the exit status, or None if the program had to be killed, and its usage."""
    pause = 0.001
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return None, os.wait4(pid, 0)[2]
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def count(words, library, timeout, processors_pretended):
    """Returns the counts and the usage of one run whose threads are assigned to this many simulated processors."""
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as folder:
        file = Path(folder) / "counts.json"
        used = execute(words, library, timeout, None, f"cpus_fake={processors_pretended}", file)
        if not file.exists():
            raise CompareError(f"{library}: wrote no counts; it is to be libashlar-counting.so")
        return parse(file.read_text(encoding="utf-8"), file), used
