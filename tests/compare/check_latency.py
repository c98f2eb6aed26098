#!/usr/bin/env python3
"""Checks that the latency benchmark runs each of its cases, and that its figures are consistent: check_latency.py PROGRAM
LIBRARY
"""

import json
import os
import subprocess
import sys
import unittest

PROGRAM, LIBRARY = sys.argv[1], sys.argv[2]
CASES = {"steady": {"malloc", "free", "calloc"}, "free-heap": {"malloc", "free"}, "aged": {"malloc", "free"},
         "growth": {"malloc", "realloc", "free"}, "threads": {"malloc", "free"}, "fork": {"malloc", "free", "fork"},
         "limit": {"malloc", "free"}}


def run(*arguments, preload=""):
    environment = {**os.environ, "LD_PRELOAD": preload}
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=100, check=False)


class Latency(unittest.TestCase):
    def test_each_case_times_its_calls_under_the_library(self):
        for case, calls in CASES.items():
            done = run(case, "--scale", "0.01", "--json", preload=LIBRARY)
            self.assertEqual(done.returncode, 0, f"{case}: {done.stderr}")
            found = {line["call"]: line for line in map(json.loads, done.stdout.splitlines())}
            self.assertLessEqual(calls | {"machine"}, set(found), case)
            for line in found.values():
                lows = [low for low, _ in line["buckets"]]
                self.assertEqual(sum(count for _, count in line["buckets"]), line["count"])
                self.assertEqual(lows, sorted(lows))
                self.assertLessEqual(lows[-1], line["max"])
                self.assertGreaterEqual(lows[-1] * 1.04 + 1, line["max"], "buckets are 3 % wide")

    def test_the_table_has_rising_percentiles(self):
        rows = [line.split() for line in run("steady", "--scale", "0.01").stdout.splitlines()[1:]]
        self.assertTrue(rows)
        for row in rows:
            figures = [int(word) for word in row[3:]]
            self.assertEqual(figures, sorted(figures), row)

    def test_bad_usage_is_told(self):
        for arguments in ((), ("none",), ("steady", "--scale", "0"), ("steady", "--scale"), ("--fast",)):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
