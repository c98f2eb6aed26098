"""The simulation against queues whose figures are known."""

import math
import unittest

from scalability.counts import Counts, Lock
from scalability.model import Station, predict, simulate, stations

REQUESTS = 60_000


def lock(visits, ns, name="lock"):
    return Station(name, visits, [(ns, 1)])


def machine_repairman(processors, think, service):
    """Throughput of a closed queue with exponential think and service times, M/M/1//N."""
    term, terms = 1.0, [1.0]
    for number in range(processors):
        term *= (processors - number) * service / think
        terms.append(term)
    return (1 - 1 / sum(terms)) / service


class Simulation(unittest.TestCase):
    def test_without_locks_throughput_is_proportional(self):
        for processors in (1, 2, 256):
            self.assertAlmostEqual(simulate(processors, 100, []).pair_ns, 100 / processors)

    def test_one_processor_never_waits(self):
        outcome = simulate(1, 900, [lock(1, 100)], requests=REQUESTS)
        self.assertEqual(outcome.waited_ns, 0)
        self.assertAlmostEqual(outcome.pair_ns / 1000, 1, delta=0.02)
        self.assertAlmostEqual(outcome.busiest()[1], 0.1, delta=0.005)

    def test_a_serial_fraction_of_a_tenth_gives_the_limit_of_amdahl(self):
        speedups = [1000 / simulate(n, 900, [lock(1, 100)], transfer_ns=0, requests=REQUESTS).pair_ns for n in (2, 8, 64, 256)]
        for n, speedup in zip((2, 8, 64, 256), speedups):
            # more than by Amdahl's law, as the others compute on while one holds the lock
            self.assertGreater(speedup, 0.99 / (0.1 + 0.9 / n), n)
            self.assertLess(speedup, min(n, 10) * 1.02, n)
        self.assertAlmostEqual(speedups[-1], 10, delta=0.1)

    def test_waiting_is_that_of_a_queue_with_constant_service(self):
        """M/D/1: many processors that ask seldom arrive like a Poisson stream; a lock busy for a share r of the time keeps
        them r / (2 (1 - r)) of its hold time."""
        for busy in (0.3, 0.6, 0.8):
            n, held = 1500, 100.0
            outcome = simulate(n, n * held / busy - held, [lock(1, held)], transfer_ns=0, requests=200_000)
            self.assertAlmostEqual(outcome.busiest()[1], busy, delta=0.02)
            self.assertAlmostEqual(outcome.waited_ns / held, busy / (2 * (1 - busy)), delta=0.12 * busy / (2 * (1 - busy)) + 0.02)

    def test_throughput_is_that_of_a_closed_queue_with_exponential_service(self):
        quantiles = 200
        holds = [(-100 * math.log(1 - (i + 0.5) / quantiles), 1) for i in range(quantiles)]
        for n in (2, 6, 20):
            outcome = simulate(n, 600, [Station("lock", 1, holds)], transfer_ns=0, requests=200_000)
            self.assertAlmostEqual(1 / outcome.pair_ns / machine_repairman(n, 600, 100), 1, delta=0.03)

    def test_load_on_two_locks_is_shared_by_their_visits(self):
        outcome = simulate(4, 5000, [lock(3, 100, "a"), lock(1, 100, "b")], transfer_ns=0, requests=REQUESTS)
        self.assertAlmostEqual(outcome.utilisation["a"] / outcome.utilisation["b"], 3, delta=0.15)

    def test_a_lock_that_changes_hands_costs_more(self):
        alone, shared = (simulate(n, 9000, [lock(1, 100)], transfer_ns=150, requests=REQUESTS) for n in (1, 4))
        self.assertAlmostEqual(alone.busiest()[1], 100 / 9100, delta=0.001)
        self.assertAlmostEqual(shared.busiest()[1] / (4 * (100 + 0.75 * 150) / 9212), 1, delta=0.05)

    def test_the_same_seed_gives_the_same_figures(self):
        self.assertEqual(simulate(8, 500, [lock(1, 100)]), simulate(8, 500, [lock(1, 100)]))


class FromCounts(unittest.TestCase):
    @staticmethod
    def counts(taken, power, held_ns):
        held = [0] * 21
        held[power] = taken
        events = {"allocated": 1000, "freed": 1000, "reallocated": 0}
        locks = [Lock("depot", taken, 0, 0, 0, 0, held_ns, held), Lock("pcp", 500, 0, 9, 0, 0, 50_000, held)]
        return Counts(events, locks, 20)

    def test_a_processors_own_locks_are_no_stations(self):
        found = stations(self.counts(100, 6, 12_000))
        self.assertEqual([(s.visits, round(s.mean_ns)) for s in found], [(0.1, 100)])    # 120 less 20 of the clock
        self.assertEqual(self.counts(100, 6, 12_000).shared_locks(), 100)

    def test_holds_of_threads_that_did_not_run_are_left_out(self):
        counted = self.counts(100, 6, 12_000)
        counted.locks[0].held[20] = 1
        self.assertEqual(round(stations(counted)[0].mean_ns), 100)

    def test_prediction_is_against_one_processor(self):
        speedup, outcome = predict(self.counts(100, 6, 12_000), 100, 1)
        self.assertAlmostEqual(speedup, 1, delta=0.02)
        self.assertEqual(outcome.busiest()[0], "depot 0")
        speedup, _ = predict(self.counts(1000, 6, 120_000), 1000, 256, transfer_ns=0)
        self.assertAlmostEqual(speedup, 10, delta=0.2)
