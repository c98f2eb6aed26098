"""--latency: histograms, cases, reports, and what is refused."""

import json
import tempfile
import unittest
from pathlib import Path

from comparison import latency, options
from comparison.errors import CompareError
from comparison.model import Allocator

PROGRAM = """#!/bin/sh
[ "$1" = fork ] && { echo "latency: no fork here" >&2; exit 1; }
echo '{"case":"'$1'","call":"malloc","count":10000,"max":5000000,"buckets":[[32,9900],[1024,99],[4980736,1]]}'
echo '{"case":"'$1'","call":"machine","count":2,"max":40,"buckets":[[18,2]]}'
"""


class Histograms(unittest.TestCase):
    def test_percentiles_of_sums(self):
        histogram = latency.Histogram([[10, 98], [2000, 1]], 2010)
        histogram.add([[10, 900], [70000, 1]], 70001)
        self.assertEqual(histogram.count, 1000)
        self.assertEqual(histogram.figures(), [10, 10, 2000, 70000, 70001])

    def test_times_have_units(self):
        self.assertEqual([latency.time_text(ns) for ns in (18, 1500, 2e6, 3.2e9)], ["18 ns", "1.5 µs", "2 ms", "3.2 s"])


class Cases(unittest.TestCase):
    def test_all_by_default_and_in_their_order(self):
        self.assertEqual(latency.select([]), list(latency.CASES))
        self.assertEqual(latency.select(["fork", "steady"]), ["steady", "fork"])

    def test_an_unknown_case_is_named(self):
        with self.assertRaisesRegex(CompareError, "--rows 'larson': no case of --latency .*steady"):
            latency.select(["larson"])

    def test_options_that_do_not_go_with_it_are_named(self):
        with self.assertRaisesRegex(CompareError, "--latency: --run cannot be given"):
            options.parse(["--latency", "--run", "a=b"])


class Reports(unittest.TestCase):
    def test_table_picture_and_figures_are_written_and_failures_told(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "latency"
            program.write_text(PROGRAM, encoding="utf-8")
            program.chmod(0o755)
            chosen = options.parse(["--latency", "--rows", "steady,fork"])
            out = Path(folder) / "out"
            status = latency.report(program, [Allocator("glibc"), Allocator("other")], chosen,
                                    {"repeats": 2, "scale": 0.1, "timeout": 20}, out)
            self.assertEqual(status, 1, "the fork case fails")
            data = json.loads((out / "latency.json").read_text(encoding="utf-8"))
            self.assertEqual(data["cases"]["steady"]["malloc"]["other"]["buckets"][0], [32, 19800])
            self.assertIn("latency fork under glibc: latency: no fork here", data["notes"])
            text = (out / "latency.md").read_text(encoding="utf-8")
            self.assertIn("| steady | malloc | glibc | 20000 | 32 ns | 32 ns | 1.02 µs | 1.02 µs | 5 ms |", text)
            self.assertIn("<svg", (out / "latency.svg").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
