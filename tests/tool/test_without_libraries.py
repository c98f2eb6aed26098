#!/usr/bin/env python3
"""Tests the command as it is built without libdw, liblzma and libmicrohttpd: it says once what is missing, and does the rest."""
import gzip
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

os.environ["ASHLAR_TEST_TOOL"] = os.environ["ASHLAR_TEST_WITHOUT_LIBRARIES"]
from profile_case import FILL, PROGRAM, ProfileCase  # pylint: disable=wrong-import-position
from tool_case import FAILED, LIBRARY, OK, PLAIN, Holder, ashlar  # pylint: disable=wrong-import-position

LIBDW = "ashlar: profile: built without libdw: lines and functions that were inlined are not named\n"
LIBLZMA = "ashlar: profile: built without liblzma: names in .gnu_debugdata are not read\n"


class WithoutLibraries(ProfileCase):
    def test_inlined_functions_are_not_named_and_a_line_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            profile, out = Path(folder) / "profile", Path(folder) / "out"
            environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": f"profile=1,profile_file={profile}"}
            subprocess.run([os.environ["ASHLAR_TEST_INLINED"]], env=environment, check=True, timeout=60)
            for form in ([], ["--json"], ["--folded"], ["--pprof", out], ["--html", out]):
                run = ashlar("profile", profile, *form)
                self.assertEqual((run.returncode, run.stderr), (OK, LIBDW), form)
                written = out.read_bytes() if out in form else run.stdout.encode()
                text = gzip.decompress(written) if "--pprof" in form else written
                self.assertIn(b"holder", text)
                self.assertNotIn(b"innermost", text)

    def stripped(self, how):
        """Makes a copy of the program, and a profile in which it is the only file. Returns both."""
        program = Path(self.folder.name) / "program"
        shutil.copy(PROGRAM, program)
        subprocess.run(["strip", how, program], check=True, timeout=60)
        head, mappings = self.text.replace(os.path.realpath(PROGRAM), str(program)).split("\nmappings\n")
        lines = [line if line.endswith(str(program)) else line.replace("/", "/nowhere/") for line in mappings.splitlines()]
        return program, self.written("\n".join([head, "mappings", *lines, ""]))

    @unittest.skipUnless(shutil.which("strip"), "strip is not installed")
    def test_a_program_without_such_data_has_no_such_line(self):
        self.assertRegex(self.succeeds("profile", self.stripped("--strip-debug")[1]), rf"(?m)^ *10000 +10 .*  {re.escape(FILL)}$")

    @unittest.skipUnless(shutil.which("objcopy"), "objcopy is not installed")
    def test_packed_symbols_are_not_read_and_a_line_says_so(self):
        program, profile = self.stripped("--strip-all")
        packed = Path(self.folder.name) / "packed"
        packed.write_bytes(lzma.compress(b"\x7fELF"))
        subprocess.run(["objcopy", f"--add-section=.gnu_debugdata={packed}", program], check=True, timeout=60)
        run = ashlar("profile", profile)
        self.assertEqual((run.returncode, run.stderr), (OK, LIBLZMA))
        self.assertRegex(run.stdout, r"(?m)^ *10000 +10 .*  program\+0x")

    def test_listen_says_what_it_needs(self):
        with Holder() as holder:
            self.fails(FAILED, "--listen: this command was built without libmicrohttpd$", "metrics", holder.pid, "--listen", "127.0.0.1:0")


if __name__ == "__main__":
    unittest.main()
