"""Measures a row: its counts on each number of processors, and how long a pair takes on one."""

import os
from dataclasses import dataclass, field

import psutil

from comparison.errors import CompareError

from . import counts, model, threads

BEST_OF = 3


@dataclass
class Point:
    """The row on this many simulated processors, with as many threads."""
    processors: int
    counted: counts.Counts
    speedup: float
    outcome: model.Outcome


@dataclass
class Result:
    """A row's figures."""
    name: str
    what: str
    threads: int                        # of the row as it is
    counted: counts.Counts = None       # as it is, on as many pretended processors as asked for at most
    one_pair_ns: float = 0.0            # of the release library, on one processor
    measured: float = 0.0               # the speed-up from one processor to two, measured
    points: list = field(default_factory=list)
    note: str = ""

    def at(self, processors):
        """Returns the point for this many processors, or None."""
        return next((point for point in self.points if point.processors == processors), None)


def allowed():
    """Returns the processors of this machine that may be used."""
    return sorted(os.sched_getaffinity(0))


def _best(words, library, timeout, processors):
    """Returns the run with the minimum wall time, and the one with the minimum processor time."""
    runs = [counts.execute(words, library, timeout, processors) for _ in range(BEST_OF)]
    return min(run.wall for run in runs), min(run.cpu for run in runs)


def time_of_pair(result, row, release, counting, scale, timeout):
    """Measures two threads of the row on one processor of this machine, and on two."""
    words = threads.command(row, scale, 2)
    counted, _ = counts.count(words, counting, timeout, 2)
    machine = allowed()
    alone, cpu = _best(words, release, timeout, machine[:1])
    result.one_pair_ns = cpu * 1e9 / max(counted.pairs, 1)
    if len(machine) > 1 and threads.scales(row):
        result.measured = alone / _best(words, release, timeout, machine[:2])[0]


def _fits(used, now, then):
    """Returns whether this many times as many threads would leave the machine half of its memory."""
    return used.peak_kib * 1024 * then / now < psutil.virtual_memory().available / 2


def measure(row, release, counting, chosen, say):
    """Returns all figures of a row. Its note says what could not be measured."""
    result = Result(row.name, row.what, threads.threads_of(row))
    try:
        say(f"{row.name}: as it is, on {chosen.at} pretended processors")
        result.counted, used = counts.count(threads.command(row, chosen.scale), counting, chosen.timeout, chosen.at)
        if not threads.scales(row):
            result.note = "one thread"
            return result
        say(f"{row.name}: the time of a pair")
        time_of_pair(result, row, release, counting, chosen.scale, chosen.timeout)
        before = result.threads
        for processors in chosen.processors:
            if not _fits(used, before, processors):
                result.note = f"not with {processors} threads, for want of memory"
                break
            say(f"{row.name}: {processors} threads on as many pretended processors")
            words = threads.command(row, chosen.scale, processors)
            counted, used = counts.count(words, counting, chosen.timeout, processors)
            before = processors
            speedup, outcome = model.predict(counted, result.one_pair_ns, processors, chosen.transfer)
            result.points.append(Point(processors, counted, speedup, outcome))
    except CompareError as error:
        result.note = str(error)
    return result
