#!/usr/bin/env python3
"""Tests ashlar run: it becomes the program, with the library and its options, and reports clearly when it cannot."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import LIBRARY, PLAIN, TOOL, USAGE, ToolCase, ashlar

LIBRARY_MISSING, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
SHOW = ("sh", "-c", 'echo "$LD_PRELOAD|$ASHLAR_OPTIONS"')


def path(text):
    return os.path.realpath(text)


class Run(ToolCase):
    def shown(self, *arguments, **environment):
        preload, options = self.succeeds(*arguments, env={**PLAIN, **environment}).strip().split("|")
        return preload.split(":"), options

    def test_preloads_the_library_of_the_same_build(self):
        maps = self.succeeds("run", "cat", "/proc/self/maps")
        self.assertIn(path(LIBRARY), maps)

    def test_a_profile_is_written_where_the_command_was_called(self):
        with tempfile.TemporaryDirectory() as folder:
            show = 'chdir "/"; print "$$ $ENV{ASHLAR_OPTIONS}\\n"'
            command = [TOOL, "run", "--profile", "out.%p", "--rate", "1", "perl", "-e", show]
            said = subprocess.run(command, cwd=folder, env=PLAIN, stdout=subprocess.PIPE, text=True, check=True).stdout
            pid, options = said.split()
            self.assertEqual(options, f"profile=1,profile_file={path(folder)}/out.%p")
            self.assertIn(f"Profile of process {pid} ", self.succeeds("profile", f"{folder}/out.{pid}"))

    def test_refuses_a_profile_or_a_rate_that_cannot_be(self):
        self.fails(USAGE, "run: --profile: ASHLAR_OPTIONS cannot name a file with a comma: a,b", "run", "--profile", "a,b", "true")
        self.fails(USAGE, "run: --rate requires --profile", "run", "--rate", "4k", "true")
        for rate in ("0", "x", "4q", "-1", ""):
            self.fails(USAGE, f'run: --rate: "{rate}": expected a number of bytes above 0', "run", "--profile", "a", "--rate", rate, "true")

    def test_hands_arguments_output_and_exit_code_through(self):
        run = ashlar("run", "--", "sh", "-c", 'echo "$1 $2"; echo words >&2; exit 42', "sh", "--json", "-- x")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (42, "--json -- x\n", "words\n"))

    def test_takes_no_command_of_its_own_for_one(self):
        self.assertEqual(self.succeeds("run", "echo", "run", "meminfo", "--help"), "run meminfo --help\n")

    def test_sets_options(self):
        self.assertEqual(self.shown("run", "--options", "decay_ms=5,memcg=0", *SHOW)[1], "decay_ms=5,memcg=0")

    def test_keeps_what_the_environment_holds(self):
        with tempfile.TemporaryDirectory() as folder:
            other = shutil.copy(LIBRARY, Path(folder) / "other.so")
            preload, options = self.shown("run", "--options=decay_ms=5", *SHOW, LD_PRELOAD=str(other), ASHLAR_OPTIONS="memcg=0")
        self.assertEqual([path(preload[0]), preload[1:]], [path(LIBRARY), [str(other)]])
        self.assertEqual(options, "memcg=0,decay_ms=5")

    def test_leaves_options_unset_where_none_are_given(self):
        self.assertEqual(self.succeeds("run", "sh", "-c", "echo ${ASHLAR_OPTIONS-none}"), "none\n")

    def test_the_library_writes_what_is_wrong_with_options(self):
        run = ashlar("run", "--options", "nonsense", "true")
        self.assertEqual(run.returncode, 0)
        self.assertIn('unknown option "nonsense"', run.stderr)

    def test_no_program(self):
        self.fails(USAGE, "run: ", "run")
        self.fails(NOT_FOUND, "run: no-such-program: no such program", "run", "no-such-program")
        self.fails(NOT_FOUND, "run: /no/such: no such program", "run", "/no/such")

    def test_no_executable(self):
        for name in ("/", "/tmp", ".", ".."):
            self.fails(NOT_EXECUTABLE, f"run: {name}: Is a directory", "run", name)
        self.fails(NOT_EXECUTABLE, "run: /dev/null: Permission denied", "run", "/dev/null")
        self.fails(NOT_EXECUTABLE, "run: /etc/passwd/x: Not a directory", "run", "/etc/passwd/x")
        self.fails(NOT_FOUND, 'run: "": no such program', "run", "")
        self.fails(NOT_EXECUTABLE, "run: /etc/passwd: Permission denied", "run", "/etc/passwd")
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "script"
            script.write_text("#!/no/such/interpreter\n")
            script.chmod(0o755)
            self.fails(NOT_EXECUTABLE, "run: .*: its interpreter does not exist", "run", script)

    def test_starts_nothing_where_no_profile_can_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            touched = Path(folder) / "touched"
            self.fails(1, "run: /no/such/profile: No such file", "run", "--profile", "/no/such/profile", "touch", touched)
            self.assertFalse(touched.exists())
            self.succeeds("run", "--profile", f"{folder}/%p", "touch", touched)
            self.assertTrue(touched.exists())

    def test_another_library(self):
        with tempfile.TemporaryDirectory() as folder:
            other = shutil.copy(LIBRARY, Path(folder) / "libashlar.so")
            self.assertIn(str(other), self.succeeds("run", "--library", other, "cat", "/proc/self/maps"))
            spaced = Path(folder) / "with space"
            spaced.mkdir()
            shutil.copy(LIBRARY, spaced / "libashlar.so")
            self.fails(LIBRARY_MISSING, "run: LD_PRELOAD cannot name", "run", "--library", spaced / "libashlar.so", "true")
        self.fails(LIBRARY_MISSING, "run: /no/such.so: No such file", "run", "--library", "/no/such.so", "true")

    def test_refuses_what_is_no_library(self):
        for name in ("/tmp", "/etc/passwd", "/dev/null"):
            self.fails(LIBRARY_MISSING, f"run: {name}: it is not a 64-bit shared library", "run", "--library", name, "true")

    def test_searches_the_current_folder_where_path_names_it_by_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder, "here-alone")
            program.write_text("#!/bin/sh\necho found\n")
            program.chmod(0o755)
            for places in ("/usr/bin:", ":/usr/bin", "/usr/bin::/bin", ""):
                environment = {**PLAIN, "PATH": places}
                self.assertEqual(self.succeeds("run", "here-alone", env=environment, cwd=folder), "found\n", places)

    def test_finds_the_library_of_an_installation(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("bin", "lib"):
                (Path(folder) / name).mkdir()
            tool = shutil.copy(TOOL, Path(folder) / "bin/ashlar")
            alone = subprocess.run([tool, "run", "true"], capture_output=True, text=True, env=PLAIN, check=False)
            self.assertEqual(alone.returncode, LIBRARY_MISSING)
            self.assertRegex(alone.stderr, "^ashlar: run: no libashlar.so .*--library\n$")
            shutil.copy(LIBRARY, Path(folder) / "lib/libashlar.so")
            maps = subprocess.run([tool, "run", "cat", "/proc/self/maps"], capture_output=True, text=True, env=PLAIN, check=True)
            self.assertIn(f"{path(folder)}/lib/libashlar.so", maps.stdout)

    def test_finds_a_library_that_is_there_by_its_soname_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("bin", "lib"):
                (Path(folder) / name).mkdir()
            tool = shutil.copy(TOOL, Path(folder) / "bin/ashlar")
            shutil.copy(LIBRARY, Path(folder) / "lib/libashlar.so.0")
            maps = subprocess.run([tool, "run", "cat", "/proc/self/maps"], capture_output=True, text=True, env=PLAIN, check=True)
            self.assertIn(f"{path(folder)}/lib/libashlar.so.0", maps.stdout)

    def test_warns_of_programs_that_preloading_does_not_reach(self):
        with tempfile.TemporaryDirectory() as folder:
            source, static = Path(folder) / "x.c", Path(folder) / "static"
            source.write_text("int main(void) { return 0; }\n")
            subprocess.run(["cc", "-static", source, "-o", static], check=True)
            script = Path(folder) / "script"
            script.write_text(f"#!{static}\n")
            script.chmod(0o755)
            for program in (static, script):
                run = ashlar("run", program)
                self.assertEqual(run.returncode, 0)
                self.assertEqual(run.stderr, f"ashlar: run: {program} is statically linked: it will not use Ashlar\n")
            if os.getuid() == 0:
                owned = shutil.copy("/bin/true", Path(folder) / "owned")
                os.chown(owned, 65534, 65534)
                os.chmod(owned, 0o4755)
                self.assertIn("is set-user-ID: it will not use Ashlar", ashlar("run", owned).stderr)


if __name__ == "__main__":
    unittest.main()
