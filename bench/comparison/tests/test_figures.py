"""Cells, ratios, means and verdicts, against figures worked out by hand."""

import math
import unittest

from comparison.cells import make_cells
from comparison.figures import Figures
from comparison.model import Run
from comparison.targets import judge

from .helpers import session, with_metric


class Cells(unittest.TestCase):
    def test_time_is_the_best_and_memory_the_median(self):
        made = session({"r": {"glibc": [3.0, 1.0, 2.0]}}, {"r": {"glibc": [100, 500, 300]}})
        cell = make_cells(made)["r", "glibc"]
        self.assertEqual((cell.value("time"), cell.value("peak")), (1.0, 300))

    def test_wide_spread_is_noisy_and_narrow_is_not(self):
        cells = make_cells(session({"r": {"glibc": [1.0, 1.2, 1.3], "jemalloc": [1.0, 1.05, 1.5]}}))
        self.assertTrue(cells["r", "glibc"].noisy("time"))
        self.assertFalse(cells["r", "jemalloc"].noisy("time"))

    def test_warm_up_does_not_count(self):
        made = session({"r": {"glibc": [2.0]}})
        made.runs.append(Run("r", "glibc", 0, wall=1.0, active=1.0, peak_kib=1))
        self.assertEqual(make_cells(made)["r", "glibc"].value("time"), 2.0)

    def test_one_crash_makes_the_cell_a_failure(self):
        made = session({"r": {"glibc": [2.0, 2.0]}})
        made.runs.append(Run("r", "glibc", 3, error="killed by SIGSEGV"))
        cell = make_cells(made)["r", "glibc"]
        self.assertFalse(cell.ok)
        self.assertEqual(cell.error, "killed by SIGSEGV (1 of 3 runs)")
        self.assertIsNone(cell.value("time"))

    def test_library_never_mapped_is_a_failure(self):
        made = session({"r": {"jemalloc": [2.0, 2.0]}})
        for run in made.runs:
            run.mapped = False
        self.assertIn("never among", make_cells(made)["r", "jemalloc"].error)

    def test_rate_replaces_wall_time(self):
        made = with_metric(session({"r": {"glibc": [1.0, 1.0], "jemalloc": [1.0, 1.0]}}), "requests", "ops/s", "higher",
                           [100, 200, 400, 300])
        figures = Figures(made)
        self.assertEqual(figures.ratio("r", "glibc", "time", figures.allocators), 2.0)
        self.assertEqual(figures.ratio("r", "jemalloc", "time", figures.allocators), 1.0)

    def test_other_metrics_leave_wall_time_alone(self):
        made = with_metric(session({"r": {"glibc": [1.5, 1.0]}}), "rss_by_live", "ratio", "lower", [7, 9])
        cell = make_cells(made)["r", "glibc"]
        self.assertEqual(cell.value("time"), 1.0)
        self.assertEqual(cell.extra["rss_by_live"], (8.0, "ratio", "lower"))


class Means(unittest.TestCase):
    def setUp(self):
        self.figures = Figures(session({"a": {"glibc": [2.0], "ashlar": [1.0]}, "b": {"glibc": [1.0], "ashlar": [2.0]},
                                        "c": {"glibc": [8.0], "ashlar": [1.0]}}))

    def test_geometric_mean_against_the_best_of_each_row(self):
        mean = self.figures.mean("glibc", "time", self.figures.allocators)
        self.assertAlmostEqual(mean.value, (2 * 1 * 8) ** (1 / 3))

    def test_against_one_peer_a_ratio_may_be_below_one(self):
        self.assertAlmostEqual(self.figures.mean("ashlar", "time", ["glibc"]).value, (0.5 * 2 * 0.125) ** (1 / 3))

    def test_a_failed_row_is_left_out_and_says_so(self):
        made = session({"a": {"glibc": [2.0], "ashlar": [1.0]}, "b": {"glibc": [1.0], "ashlar": [1.0]}})
        made.runs[0].error = "timed out"
        figures = Figures(made)
        self.assertEqual(figures.mean("glibc", "time", figures.allocators).rows, ["b"])
        self.assertEqual(figures.failure_groups(), [("a", "timed out", ["glibc"])])

    def test_interval_is_empty_without_noise_and_holds_the_mean_with_it(self):
        quiet = self.figures.mean("glibc", "time", self.figures.allocators)
        self.assertTrue(math.isclose(quiet.low, quiet.value) and math.isclose(quiet.high, quiet.value))
        figures = Figures(session({"a": {"glibc": [2.0, 2.6, 3.1], "ashlar": [1.0, 1.3, 1.1]}}))
        noisy = figures.mean("glibc", "time", figures.allocators)
        self.assertLessEqual(noisy.low, noisy.value)
        self.assertGreater(noisy.high, noisy.value)


class Targets(unittest.TestCase):
    def verdicts(self, ashlar_time, ashlar_peak):
        made = session({"a": {"glibc": [1.0], "ashlar": [ashlar_time]}, "b": {"glibc": [1.0], "ashlar": [0.5]}},
                       {"a": {"glibc": [1000], "ashlar": [ashlar_peak]}, "b": {"glibc": [1000], "ashlar": [500]}}, ("a",))
        return {(v.what.split()[0], v.column): v for v in judge(Figures(made))}

    def test_met(self):
        verdicts = self.verdicts(1.0, 1000)
        self.assertTrue(all(verdict.met for verdict in verdicts.values()))

    def test_missed_names_the_rows(self):
        verdicts = self.verdicts(1.2, 1300)
        self.assertFalse(verdicts["any", "time"].met)
        self.assertEqual(verdicts["any", "time"].misses, [("a", 1.2)])
        self.assertEqual(verdicts["any", "peak"].misses, [("a", 1.3)])
        self.assertTrue(verdicts["best", "time"].met)
        self.assertEqual(verdicts["after", "idle"].misses, [("a", 1.3)])

    def test_a_failure_of_ashlar_is_a_missed_target(self):
        made = session({"a": {"glibc": [1.0], "ashlar": [1.0]}})
        made.runs[1].error = "exit status 1"
        verdict = judge(Figures(made))[0]
        self.assertEqual((verdict.met, verdict.misses), (False, [("a", None)]))

    def test_a_peer_from_elsewhere_is_judged_alone(self):
        made = session({"a": {"glibc": [1.0], "ashlar": [0.9], "snmalloc": [1.0]}})
        made.allocators[2].debian = False
        alone = [v for v in judge(Figures(made)) if v.what == "snmalloc alone"]
        self.assertEqual([(v.column, v.met) for v in alone], [("time", True), ("peak", False)])
