"""How rows are run with other numbers of threads, what is read of a run, and options."""

import json
import re
import unittest

from comparison.errors import CompareError
from comparison.packages import ROOT
from comparison.rows import load_workloads

from scalability import cli, counts, model, report, rows, threads

WORKLOADS = ROOT / "bench" / "workloads"


def row(name):
    return next(r for r in load_workloads(WORKLOADS / "rows.json", WORKLOADS) if r.name == name)


class Threads(unittest.TestCase):
    def test_the_tables_are_what_the_programs_say(self):
        for folder in sorted(path.parent for path in WORKLOADS.glob("*/main.cc")):
            source = (folder / "main.cc").read_text(encoding="utf-8")
            found = re.search(r'args\.positive\("threads", (\d+)\)', source)
            self.assertEqual(found is None and folder.name not in threads.PAIRS, folder.name in threads.SINGLE, folder.name)
            if found:
                self.assertEqual(threads.DEFAULT.get(folder.name, 1), int(found.group(1)), folder.name)

    def test_more_threads_have_as_much_work_each(self):
        self.assertEqual(threads.command(row("mixed-16t"), 0.1, 64)[1:], ["--threads", "64", "--scale", "0.4"])
        self.assertEqual(threads.command(row("larson"), 0.1, 16)[1:], ["--threads", "16", "--scale", "0.2"])
        self.assertEqual(threads.command(row("batches"), 0.1, 4)[1:], ["--threads", "4", "--scale", "0.4"])

    def test_producers_and_consumers_are_pairs(self):
        self.assertEqual(threads.threads_of(row("xmalloc-4p")), 8)
        self.assertIn("--pairs 32", " ".join(threads.command(row("xmalloc-4p"), 0.1, 64)))
        self.assertIn("--pairs 32", " ".join(threads.command(row("xmalloc"), 0.1, 64)))

    def test_a_row_as_it_is_and_one_thread(self):
        self.assertEqual(threads.command(row("mixed-4t"), 0.1)[1:], ["--threads", "4", "--scale", "0.1"])
        self.assertEqual(threads.command(row("bigint"), 0.1, 64)[1:], ["--scale", "0.1"])
        self.assertEqual(threads.command(row("idle-heap"), 0.1)[-2:], ["--idle", "0.01"])


class Counting(unittest.TestCase):
    TEXT = json.dumps({"version": 1, "clock_ns": 20, "threads": 2, "lost": 0,
                       "events": {"allocated": 900, "freed": 900, "reallocated": 100, "from depot": 7, "to depot": 3},
                       "locks": [{"rank": "depot", "taken": 4, "moved": 3, "missed": 0, "waited": 1, "waited_ns": 5,
                                  "held_ns": 400, "held": [0] * 21},
                                 {"rank": "pcp", "taken": 50, "moved": 1, "missed": 2, "waited": 0, "waited_ns": 0,
                                  "held_ns": 9, "held": [0] * 21}]})

    def test_figures_of_a_run(self):
        counted = counts.parse(self.TEXT)
        self.assertEqual((counted.pairs, counted.shared_locks(), counted.per_thousand("from depot", "to depot")), (1000, 4, 10))
        self.assertEqual(counted.by_rank(), {"pcp": 50, "depot": 4})
        self.assertEqual(counted.moved_lines(), 4)

    def test_what_is_not_as_expected_is_an_error(self):
        for text in ("", "{}", self.TEXT.replace('"version": 1', '"version": 2')):
            with self.assertRaises(CompareError):
                counts.parse(text)

    def test_a_program_that_fails_or_takes_too_long_is_an_error(self):
        for words, message in ((["/bin/false"], "exit status 1"), (["/bin/sleep", "9"], "timed out after 0.1 s")):
            with self.assertRaises(CompareError) as caught:
                counts.execute(words, "", 0.1 if words[-1] == "9" else 30)
            self.assertIn(message, str(caught.exception))


class Reports(unittest.TestCase):
    def test_a_row_above_the_aim_is_named(self):
        chosen = cli.parse(["--processors", "2,64"])
        results = []
        for name, taken in (("good", 4), ("bad", 6)):
            counted = counts.parse(Counting.TEXT)
            for event in (event for _, events in report.LEVELS for event in events):
                counted.events.setdefault(event, 1)
            counted.locks[0].taken = taken
            result = rows.Result(name, "", 2, counted, 100.0)
            result.points = [rows.Point(64, counted, 32.0, model.Outcome(3.0, {"depot 0": 0.05}, 0.0))]
            results.append(result)
        self.assertIn("1 of 2 rows take at most one shared lock in 200 pairs; not bad.", report.summary(results, chosen)[0])
        cells = dict(zip(report.header(chosen), report.cells(results[1], chosen)))
        self.assertEqual([cells[title] for title in ("locks", "busiest", "speed-up 2", "speed-up 64")],
                         ["**6.00**", "depot 5.0 %", "–", "32.0"])


class Options(unittest.TestCase):
    def test_bad_values_name_the_option_and_what_is_expected(self):
        for words, message in ((["--processors", "0,2"], "--processors: expected whole numbers from 1 to 1024"),
                               (["--scale", "0"], "--scale: expected"), (["--at", "3"], "--at 3: expected one of --processors"), (["--row", "x"], "--row")):
            with self.assertRaises(CompareError) as caught:
                cli.parse(words)
            self.assertIn(message, str(caught.exception))

    def test_counts_are_of_64_processors_if_these_are_among_them(self):
        self.assertEqual((cli.parse([]).at, cli.parse(["--processors", "2,4"]).at), (64, 4))
