#!/usr/bin/env python3
"""Tests ashlar completion: every shell's script has every command and option, and the shells complete them correctly."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from test_command import commands, options_of
from tool_case import PLAIN, TOOL, USAGE, ToolCase

SHELLS = ("bash", "zsh", "fish")


class Scripts(ToolCase):
    def test_name_every_command_and_option(self):
        for shell in SHELLS:
            script = self.succeeds("completion", shell)
            for name in commands():
                self.assertRegex(script, rf"\b{name}\b")
                for option in options_of(name):
                    written = f"-l {option[2:]}" if option[:2] == "--" else f"-s {option[1:]}"
                    self.assertIn(written if shell == "fish" else option, script, f"{shell}: {name}")

    def test_are_valid_in_their_shells(self):
        for shell in SHELLS:
            if not shutil.which(shell):
                self.skipTest(f"no {shell} here")
            run = subprocess.run([shell, "-n"], input=self.succeeds("completion", shell), capture_output=True, text=True, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""), shell)

    def test_other_shells_are_refused(self):
        self.fails(USAGE, "completion: SHELL: ", "completion", "csh")
        self.fails(USAGE, "completion: ", "completion")


class Bash(ToolCase):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = self.succeeds("completion", "bash") + '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ashlar; printf "%s\\n" "${COMPREPLY[@]}"'
        run = subprocess.run(["bash", "-c", script, "bash", "ashlar", *words], capture_output=True, text=True, env=PLAIN, check=True)
        self.assertEqual(run.stderr, "")
        return run.stdout.split()

    def test_offers_commands(self):
        self.assertEqual(self.complete("mem"), ["meminfo"])
        self.assertEqual(set(self.complete("")), {*commands(), "--help", "--version"})

    def test_offers_options_and_their_values(self):
        self.assertEqual(self.complete("meminfo", "--j"), ["--json"])
        self.assertEqual(self.complete("meminfo", "--color", ""), ["auto", "always", "never"])
        self.assertEqual(self.complete("meminfo", "--color", "=", "al"), ["always"])
        self.assertEqual(self.complete("meminfo", "--color", "="), ["auto", "always", "never"])
        self.assertEqual(self.complete("completion", ""), list(SHELLS))

    def test_offers_processes(self):
        self.assertIn(str(os.getpid()), self.complete("doctor", ""))
        self.assertEqual(self.complete("meminfo", str(os.getpid())), [str(os.getpid())])

    def test_offers_files(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "picture.html").touch()
            self.assertEqual(self.complete("map", "-o", f"{folder}/p"), [f"{folder}/picture.html"])

    def test_offers_programs_to_run(self):
        self.assertIn("perl", self.complete("run", "per"))
        self.assertIn("perl", self.complete("run", "--options", "stats", "--", "per"))
        self.assertEqual(self.complete("run", "--opt"), ["--options"])


class Fish(ToolCase):
    @unittest.skipUnless(shutil.which("fish"), "no fish here")
    def test_offers_commands_and_values(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "ashlar.fish"
            script.write_text(self.succeeds("completion", "fish"))
            path = os.pathsep.join([os.path.dirname(TOOL), PLAIN["PATH"]])
            for line, wanted in (("ashlar mem", "meminfo"), ("ashlar meminfo --col", "--color"), ("ashlar meminfo --color al", "always")):
                run = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], capture_output=True, text=True,
                                     env={**PLAIN, "HOME": folder, "PATH": path}, check=True)
                self.assertEqual([offer.split("\t")[0] for offer in run.stdout.splitlines()], [wanted], line)


if __name__ == "__main__":
    unittest.main()
