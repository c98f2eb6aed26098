"""A simulation of Ashlar's locks as queues.

A processor computes for a while, asks for a lock, waits in the order of arrival until it is free, holds it, and goes on.
How often it asks for which lock, and how long it holds it, was counted. A lock that was held by another processor last
costs a fixed time more, in which its cache line and those that it protects travel.
"""

import heapq
import random
from dataclasses import dataclass

from .counts import PREEMPTED

TRANSFER_NS = 150.0
REQUESTS, REQUESTS_BY_PROCESSOR = 20_000, 100
WARM_UP = 5                 # one part in so many is not counted


@dataclass
class Station:
    """A lock: how often a pair asks for it, and how long it is held, in nanoseconds with their weights."""
    name: str
    visits: float
    holds: list

    @property
    def mean_ns(self):
        return sum(ns * weight for ns, weight in self.holds) / sum(weight for _, weight in self.holds)


@dataclass
class Outcome:
    """The result of a simulation."""
    pair_ns: float          # time between two pairs that the whole machine ends
    utilisation: dict       # of each station, 0 to 1
    waited_ns: float        # by a pair

    def busiest(self):
        """Returns the lock that is held most, and the share of time."""
        return max(self.utilisation.items(), key=lambda item: item[1], default=("", 0.0))


def stations(counts):
    """Returns the shared locks of a run."""
    found = []
    for number, lock in enumerate(counts.locks):
        mean = lock.mean_ns(counts.clock_ns)
        if not lock.shared or not lock.taken or not mean:
            continue
        holds = [(1.5 * 2 ** power, weight) for power, weight in enumerate(lock.held[:PREEMPTED]) if weight]
        stretch = mean / (sum(ns * weight for ns, weight in holds) / sum(weight for _, weight in holds))
        holds = [(ns * stretch, weight) for ns, weight in holds]
        found.append(Station(f"{lock.rank} {number}", lock.taken / counts.pairs, holds))
    return found


def _drawer(source, values, weights, size=4096):
    """Draws from values by weight, many at a time."""
    while True:
        yield from source.choices(values, weights, k=size)


class Queue:
    """A lock in the simulation."""

    def __init__(self, station, source):
        self.free_at, self.holder, self.busy = 0.0, None, 0.0
        holds = station.holds
        self.draw = _drawer(source, [ns for ns, _ in holds], [weight for _, weight in holds])


def simulate(processors, think_ns, locks, transfer_ns=TRANSFER_NS, requests=None, seed=1):
    """Simulates processors that compute for think_ns per pair, in addition to the time under the locks."""
    locks = [lock for lock in locks if lock.visits > 0]
    visits = sum(lock.visits for lock in locks)
    if not locks:
        return Outcome(think_ns / processors, {}, 0.0)
    source = random.Random(seed)
    queues = [Queue(lock, source) for lock in locks]
    which = _drawer(source, queues, [lock.visits for lock in locks])
    rate = visits / think_ns if think_ns > 0 else 0.0
    think = (lambda: source.expovariate(rate)) if rate else (lambda: 0.0)
    arrivals = [(think(), number) for number in range(processors)]
    heapq.heapify(arrivals)
    requests = requests or REQUESTS + REQUESTS_BY_PROCESSOR * processors
    begin, waited = requests // WARM_UP, 0.0
    for done in range(requests):
        now, processor = arrivals[0]
        if done == begin:
            started, waited = now, 0.0
            for queue in queues:
                queue.busy = 0.0
        queue = next(which)
        held = next(queue.draw) + (transfer_ns if queue.holder not in (None, processor) else 0.0)
        start = max(now, queue.free_at)
        waited += start - now
        queue.free_at, queue.holder = start + held, processor
        queue.busy += held
        heapq.heapreplace(arrivals, (queue.free_at + think(), processor))
    elapsed = max(arrivals[0][0] - started, 1e-9)
    counted = requests - begin
    busy = {lock.name: min(queue.busy / elapsed, 1.0) for lock, queue in zip(locks, queues)}
    return Outcome(elapsed / counted * visits, busy, waited / counted * visits)


def predict(counts, one_pair_ns, processors, transfer_ns=TRANSFER_NS):
    """Returns the speed-up over one processor, and the outcome of the simulation. A pair takes one_pair_ns on one processor, with all
    of the program's work for it. The counts are of a run with this many threads on this many simulated processors."""
    locks = stations(counts)
    under_locks = sum(lock.visits * lock.mean_ns for lock in locks)
    outcome = simulate(processors, max(one_pair_ns - under_locks, 0.0), locks, transfer_ns)
    return one_pair_ns / outcome.pair_ns, outcome
