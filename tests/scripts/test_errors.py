#!/usr/bin/env python3
"""Tests that a failing bash script says where and why, since each script begins with scripts/errors.sh: test_errors.py ROOT"""
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)).resolve()
FOLDERS = ("scripts", ".ci", "bench", "tests")
# Not a script of the project's but what a test has bash work on.
INPUT = ROOT / "tests/programs/input"


def bash_scripts():
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if not file.is_file() or INPUT in file.parents or "node_modules" in file.parts:
                continue
            with open(file, "rb") as opened:
                first = opened.readline(80)
            if file.suffix == ".sh" or re.match(rb"#!.*\b(ba)?sh\b", first):
                yield file


class Errors(unittest.TestCase):
    def fails(self, text):
        """What a script of this text says on its end."""
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write(f". {ROOT}/scripts/errors.sh\n{text}\necho went on\n")
            script.flush()
            run = subprocess.run(["bash", script.name], capture_output=True, text=True, timeout=60)
            self.assertNotIn("went on", run.stdout, text)
            self.assertNotEqual(run.returncode, 0, text)
            return run.stderr.replace(script.name, "SCRIPT")

    def test_a_failing_command_is_named_with_its_line_and_status(self):
        self.assertEqual(self.fails("true\n(exit 7)"), "SCRIPT:3: exit status 7 of: ( exit 7 )\n")

    def test_an_assignment_a_pipeline_and_a_function_are_named(self):
        self.assertIn("SCRIPT:2: exit status 1 of: x=$(grep x /dev/null | sort)", self.fails("x=$(grep x /dev/null | sort)"))
        self.assertIn("SCRIPT:2: exit status 3 of: ", self.fails("f() { sh -c 'exit 3'; }\nf"))

    def test_a_command_substitution_ends_at_its_first_failing_command(self):
        self.assertIn("SCRIPT:2: exit status 1 of: false", self.fails("x=$(false; echo text)"))

    def test_a_command_that_may_fail_says_nothing(self):
        self.assertEqual(self.fails("if false; then :; fi; false || true; ! true || true\nexit 4"), "")

    def test_each_script_prints_its_head_when_asked_for_help(self):
        for file in sorted((ROOT / "scripts").iterdir()):
            if not file.is_file() or file.suffix == ".sh" or "bash" not in file.read_text().split("\n")[0]:
                continue
            with self.subTest(script=file.name), tempfile.TemporaryDirectory() as elsewhere:
                run = subprocess.run([file, "--help"], cwd=elsewhere, capture_output=True, text=True, timeout=10)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertEqual(run.stdout.split("\n")[0], file.read_text().split("\n")[1].removeprefix("# "))
                self.assertNotIn("shellcheck", run.stdout)
                self.assertIn(f"scripts/{file.name}", run.stdout)

    def test_each_script_begins_so(self):
        found = list(bash_scripts())
        self.assertGreater(len(found), 10)
        for file in found:
            text = file.read_text()
            with self.subTest(script=str(file.relative_to(ROOT))):
                if file.name == "errors.sh":
                    continue
                self.assertIsNone(re.search(r"^\s*set [-+]\w*e", text, re.M), "sets the shell's options by itself")
                if text.startswith("#!"):
                    self.assertRegex(text, r'(?m)^\. .*/(errors|common)\.sh')

    def test_each_script_is_valid(self):
        for file in bash_scripts():
            run = subprocess.run(["bash", "-n", file], capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (0, ""), file)


if __name__ == "__main__":
    unittest.main()
