#!/usr/bin/env python3
"""Tests ashlar profile --base and --growth: the change of each function since the base, in each format."""
import os
import re
import shutil
import unittest
from pathlib import Path

from page_case import PageCase, data_of, stacks_of
from profile_case import BAD_PROFILE, FILL, HALF
from test_control import Ticker
from tool_case import FAILED, USAGE, ToolCase

MOST = 2**64 - 1


class Base(PageCase):
    """FILL gains 15 blocks of 1000 bytes, and what HALF had is free."""

    def setUp(self):
        text = re.sub(r"^(site \d+ \d+) 10 10000 ", r"\1 25 25000 ", self.text, flags=re.M)
        text = re.sub(r"^(site \d+ \d+ 20 1000 \d+ \d+) 10 500 ", r"\1 20 1000 ", text, flags=re.M)
        self.now = self.written(text, "now.txt")

    def rows(self, *arguments):
        """The table's rows by function, in their order."""
        lines = self.succeeds("profile", *arguments).splitlines()
        start = next(i for i, line in enumerate(lines) if line.endswith("function"))
        return {re.split(r"  +", line.strip())[-1]: re.split(r"  +", line.strip())[:-1] for line in lines[start + 1:]}

    def test_the_table_has_the_changes(self):
        rows = self.rows(self.now, "--base", self.path)
        self.assertEqual(rows[FILL], ["+15000", "+15", "+15000", "+15", "100.0 %", "100.0 %"])
        self.assertEqual(rows[HALF], ["-500", "-10", "+0", "+0", "-", "-"])
        self.assertEqual(rows["all"][:4], ["+14500", "+5", "+15000", "+15"])
        names = list(rows)
        self.assertLess(names.index(FILL), names.index("main"))
        self.assertLess(names.index("main"), names.index(HALF))
        back = self.rows(self.path, "--base", self.now)
        self.assertEqual(back[FILL][:4], ["-15000", "-15", "-15000", "-15"])
        self.assertEqual(back[HALF][:4], ["+500", "+10", "+0", "+0"])

    def test_the_head_names_the_other_profile(self):
        text = self.succeeds("profile", self.now, "--base", self.path)
        self.assertRegex(text, rf"differences from {re.escape(str(self.path))}: process \d+ after \d+\.\d+ s, each block recorded\.")

    def test_what_is_unchanged_is_left_out(self):
        self.assertEqual(list(self.rows(self.path, "--base", self.path)), ["all"])

    def test_stacks_of_another_process_are_found_by_their_names(self):
        moved = re.sub(r"^process \d+", "process 1", self.text, flags=re.M)
        shift = 0x100000
        moved = re.sub(r"0x([0-9a-f]+)", lambda m: hex(int(m[1], 16) - shift), moved)
        moved = re.sub(r"^([0-9a-f]+)-([0-9a-f]+) (.*)", lambda m: f"{int(m[1], 16) - shift:x}-{int(m[2], 16) - shift:x} {m[3]}", moved, flags=re.M)
        self.assertEqual(list(self.rows(self.written(moved), "--base", self.path)), ["all"])
        self.assertEqual(self.rows(self.now, "--base", self.written(moved))[FILL][0], "+15000")

    def test_folded_stacks_have_both(self):
        for more, wanted in (([], {FILL: "10000 25000", HALF: "500 0"}), (["--allocated"], {FILL: "10000 25000", HALF: "1000 1000"})):
            lines = self.succeeds("profile", self.now, "--base", self.path, "--folded", *more).splitlines()
            found = {stack.split(";")[-1]: f"{before} {after}" for stack, before, after in (line.rsplit(" ", 2) for line in lines)}
            self.assertEqual({name: found[name] for name in wanted}, wanted)

    def test_json_has_both_heads_and_the_changes(self):
        report = self.json_of("profile", self.now, "--base", self.path, "--json")
        functions = {f["name"]: f for f in report["functions"]}
        self.assertEqual((functions[FILL]["in_use_bytes"], functions[HALF]["in_use_bytes"]), (15000, -500))
        self.assertEqual(functions["main"]["with_callees_bytes"], 14500)
        self.assertEqual((report["base"]["process"], report["base"]["rate"]), (report["process"], 1))
        self.assertNotIn("base", self.json_of("profile", self.now, "--json"))

    def test_huge_numbers_do_not_wrap(self):
        huge = self.written(re.sub(r"^(site \d+ \d+) \d+ \d+", rf"\1 {MOST} {MOST}", self.text, flags=re.M))
        empty = self.written(re.sub(r"^site .*\n", "", self.text, flags=re.M), "empty.txt")
        self.assertEqual(self.json_of("profile", huge, "--base", empty, "--json")["all"]["allocated_bytes"], MOST)
        self.assertEqual(self.json_of("profile", empty, "--base", huge, "--json")["all"]["allocated_bytes"], -2**63)
        self.assertIn(f"-{MOST}", self.succeeds("profile", empty, "--base", huge))

    def test_the_page_has_the_changes(self):
        data = data_of(self.page_of(self.now, "--base", self.path))
        found = {names[-1]: figures for names, _, _, figures in stacks_of(data)}
        self.assertEqual((found[FILL], found[HALF]), ([15000, 15, 15000, 15], [-500, -10, 0, 0]))
        self.assertTrue(data["difference"])
        self.assertFalse(data_of(self.page_of(self.path))["difference"])

    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_the_page_draws_what_was_gained_or_lost(self):
        page = self.page_of(self.now, "--base", self.path)
        gained, lost = self.drawn(page, side="gained"), self.drawn(page, side="lost")
        self.assertEqual((self.named(gained, FILL), self.named(gained, HALF), gained["value"]), (15000, 0, 15000))
        self.assertEqual((self.named(lost, FILL), self.named(lost, HALF), lost["value"]), (0, 500, 500))

    def test_errors(self):
        self.fails(FAILED, "/nonexistent: No such file", "profile", self.path, "--base", "/nonexistent")
        self.fails(BAD_PROFILE, r".*other\.txt: line 2: ", "profile", self.path, "--base", self.written("ashlar profile 1\nhello\n"))
        for other in (["--pprof", "x"], ["-o", "x"], ["--growth", "1"]):
            self.fails(USAGE, "profile: .*--base", "profile", self.path, "--base", self.path, *other)
            self.assertFalse(Path("x").exists())


class Growth(ToolCase):
    def functions(self, *arguments):
        report = self.json_of("profile", *arguments, "--json")
        return report, {re.sub(r"^.*::|\(.*", "", f["name"]): f for f in report["functions"]}

    def test_shows_what_was_gained_since_it_began(self):
        with Ticker("grows") as ticker:
            report, functions = self.functions(ticker.pid, "--growth", 0.5, "--rate", 1)
            self.assertEqual(functions["grow"]["in_use_bytes"], 700 * functions["grow"]["in_use_objects"])
            self.assertGreater(functions["grow"]["in_use_objects"], 5)
            self.assertNotIn("fill_stock", functions, "it allocated before")
            self.assertEqual((report["process"], report["base"]["process"]), (ticker.pid, ticker.pid))
            text = self.succeeds("profile", ticker.pid, "--growth", 0.2, "--rate", 1)
            self.assertRegex(text, rf"^Growth of process {ticker.pid} in 0\.\d+ s, each block recorded\.\n\n")
            self.assertRegex(text, r"\n *\+\d+ +\+\d+ +\+\d+ +\+\d+ +\d+\.\d % +\d+\.\d %  .*grow\(\)\n")

    def test_what_an_earlier_profile_knows_is_no_growth(self):
        with Ticker("grows") as ticker:
            first = self.functions(ticker.pid, "--seconds", 1, "--rate", 1)[1]["grow"]["in_use_objects"]
            second = self.functions(ticker.pid, "--growth", 0, "--rate", 1)[1].get("grow", {"in_use_objects": 0})["in_use_objects"]
            self.assertLess(second, first, "objects that a profile of a second and one of no time saw")

    def test_of_a_profile_that_is_on_losses_are_known_too(self):
        with Ticker("grows", options="profile=1") as ticker:
            functions = self.functions(ticker.pid, "--growth", 0.5)[1]
            self.assertLess(functions["fill_stock"]["in_use_objects"], 0)
            self.assertEqual(functions["fill_stock"]["in_use_bytes"], 300 * functions["fill_stock"]["in_use_objects"])
            self.assertEqual(functions["fill_stock"]["allocated_objects"], 0)
            self.assertGreater(functions["grow"]["in_use_objects"], 0)
            self.assertEqual({o["name"]: o for o in self.json_of("options", ticker.pid, "--json")}["profile"]["value"], "1")

    def test_errors(self):
        self.fails(USAGE, "profile: .*--growth", "profile", "/dev/null", "--growth", 1)
        for bad in (("--growth", "-1"), ("--growth", "x"), ("--growth", "1", "--seconds", "1"), ("--growth", "1", "--pprof", "x"),
                    ("--growth", "1", "-o", "x")):
            self.fails(USAGE, "profile: .*--growth", "profile", os.getpid(), *bad)


if __name__ == "__main__":
    unittest.main()
