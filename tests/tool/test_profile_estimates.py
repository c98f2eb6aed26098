#!/usr/bin/env python3
"""Tests that ashlar profile estimates each place of a program that allocates much within 5 %, for all kinds of blocks."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import LIBRARY, PLAIN, ToolCase

SITES = os.environ["ASHLAR_TEST_SITES"]
SHARE = 0.05  # places below this share of all are not judged
# 48 MiB and one sample in 4 KiB make some 12000 samples: their deviation is 0.9 %. Of what is kept, at least a quarter.
RATE, TOLERANCE, LEAST_KEPT_TOLERANCE = "4k", 0.05, 0.1


class Estimates(ToolCase):
    def profile_of(self, options):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "profile"
            environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": f"profile={RATE},profile_file={file}{options}"}
            run = subprocess.run([SITES], env=environment, capture_output=True, text=True, check=True, timeout=300)
            self.assertEqual(run.stderr, "")
            profile = self.json_of("profile", file, "--json", "-n", 1000)
            allocated, in_use = self.stacks_of(file, "--allocated"), self.stacks_of(file)
        known = {name: (int(allocated), int(held)) for name, allocated, held in map(str.split, run.stdout.splitlines())}
        found = {name: {"allocated_bytes": allocated.get(name, 0), "in_use_bytes": in_use.get(name, 0)} for name in known}
        return known, found, profile

    def stacks_of(self, file, *options):
        """The bytes of all stacks with a function, by its name: what the compiler inlined into it is named as well."""
        sums = {}
        for line in self.succeeds("profile", file, "--folded", *options).splitlines():
            stack, number = line.rsplit(" ", 1)
            for name in set(stack.split(";")):
                sums[name] = sums.get(name, 0) + int(number)
        return sums

    def judge(self, options=""):
        known, found, profile = self.profile_of(options)
        self.assertEqual(profile["dropped"], 0)
        self.assertGreater(len(known), 12)
        all_held = sum(held for _, held in known.values())
        problems = []
        for name, (allocated, held) in known.items():
            off = found[name]["allocated_bytes"] / allocated - 1
            if abs(off) > TOLERANCE:
                problems.append(f"{name} allocated {allocated}, estimated {found[name]['allocated_bytes']}: {off:+.1%}")
            if held < SHARE * all_held:
                continue
            off, most = found[name]["in_use_bytes"] / held - 1, TOLERANCE if held >= allocated else LEAST_KEPT_TOLERANCE
            if abs(off) > most:
                problems.append(f"{name} holds {held}, estimated {found[name]['in_use_bytes']}: {off:+.1%}")
        self.assertEqual(problems, [])

    def test_are_right_by_default(self):
        self.judge()

    def test_are_right_where_each_call_is_seen(self):
        self.judge(",harden")


if __name__ == "__main__":
    unittest.main()
