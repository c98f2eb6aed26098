#!/usr/bin/env python3
"""Checks that the counts of the counting library are consistent, and that the release library counts nothing:
check_counting.py BENCH COUNTING LIBRARY WORKLOADS
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BENCH, COUNTING, LIBRARY, WORKLOADS = map(Path, sys.argv[1:5])
sys.path.insert(0, str(BENCH))
from scalability import counts  # noqa: E402  pylint: disable=wrong-import-position

PAIRS = 100_000


def counted(program, *arguments, processors=4):
    return counts.count([str(WORKLOADS / program), *arguments], COUNTING, 100, processors)[0]


class Counting(unittest.TestCase):
    def test_calls_are_counted_one_by_one(self):
        # 20 rounds of 5000 objects in each of 2 threads, and a few objects of the C++ runtime
        found = counted("threadtest", "--threads", "2", "--objects", "10000", "--scale", "0.04")
        for event in ("allocated", "freed"):
            self.assertGreaterEqual(found.events[event], 2 * PAIRS)
            self.assertLess(found.events[event], 2 * PAIRS + 200, event)

    def test_every_hold_of_a_lock_is_in_its_histogram(self):
        found = counted("rptest", "--scale", "0.01")
        self.assertEqual(found.lost, 0)
        self.assertTrue({"depot", "cache", "zone"} <= {lock.rank for lock in found.locks})
        for lock in found.locks:
            # the lock of a thread that ends with the process may still be held
            self.assertAlmostEqual(sum(lock.held), lock.taken, delta=1, msg=lock.rank)
            self.assertLessEqual(lock.waited, lock.taken, lock.rank)
            self.assertLessEqual(lock.moved, max(lock.taken - 1, 0), lock.rank)  # the first had it from nobody
            if sum(lock.held):
                self.assertGreater(lock.mean_ns(found.clock_ns), 0, lock.rank)
        self.assertGreater(found.moved_lines(), 0)

    def test_what_a_level_gives_it_had(self):
        events = counted("rptest", "--scale", "0.02").events
        for level in ("stock", "depot"):
            self.assertGreater(events[f"to {level}"], 0, level)
            self.assertLessEqual(events[f"from {level}"], events[f"to {level}"], level)
        self.assertLessEqual(events["slab to zone"], events["slab from zone"])

    def test_a_thread_alone_counts_the_same_each_time(self):
        first, second = (counted("trees", "--scale", "0.002", processors=1) for _ in range(2))
        self.assertEqual(first.events["allocated"], second.events["allocated"])
        self.assertEqual([lock.waited for lock in first.locks if lock.waited], [])
        self.assertEqual(first.moved_lines(), 0)

    def test_a_forked_child_leaves_the_file_to_its_parent(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "counts"
            environment = {**os.environ, "LD_PRELOAD": str(COUNTING), "ASHLAR_COUNTS": str(file)}
            code = "import os, sys\nif os.fork() == 0: sys.exit()\nos.wait()\nassert not os.path.exists(sys.argv[1])"
            done = subprocess.run(["/usr/bin/python3", "-c", code, str(file)], env=environment, capture_output=True,
                                  text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertGreater(counts.parse(file.read_text()).pairs, 0)


class Release(unittest.TestCase):
    def test_the_library_knows_nothing_of_it(self):
        self.assertIn(b"ASHLAR_COUNTS", COUNTING.read_bytes())
        self.assertNotIn(b"ASHLAR_COUNTS", LIBRARY.read_bytes())
        symbols = subprocess.run(["nm", "-C", str(LIBRARY)], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("ashlar::tally", symbols)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
