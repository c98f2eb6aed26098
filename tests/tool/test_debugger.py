#!/usr/bin/env python3
"""Tests gdb's commands about the heap: they agree with the ashlar command, on a process that gdb has stopped and on a core
file.
"""
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from test_leaks import GCORE, LEAKING, Leaking
from tool_case import LIBRARY, PLAIN, ROOT, TOOL, ToolCase

EXTENSION = ROOT / "src/tool/gdb/ashlar-gdb.py"
UNABLE = ("Operation not permitted", "Could not attach")


@unittest.skipUnless(shutil.which("gdb"), "gdb is not installed")
class Debugger(ToolCase):
    def gdb(self, target, *commands):
        """What gdb writes, errors as well."""
        words = [word for command in commands for word in ("-ex", command)]
        # symbols of libraries are of no use here, and looking for them takes time
        run = subprocess.run(["gdb", "-nx", "-batch", "-ex", "set auto-load off", "-ex", "set auto-solib-add off", *target, "-x", str(EXTENSION),
                              "-ex", f"set ashlar-command {TOOL}", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=PLAIN,
                             timeout=300, check=False)
        if any(word in run.stdout for word in UNABLE) and "leaks" not in run.stdout:
            self.skipTest("gdb cannot attach to a process here")
        return run.stdout

    def assert_leaks(self, text, process):
        rows = re.findall(r"(?m)^ *0x([0-9a-f]+) .* (directly|indirectly) ", text)
        self.assertEqual({int(address, 16) for address, how in rows if how == "directly"}, process.direct, text)
        self.assertEqual({int(address, 16) for address, how in rows if how == "indirectly"}, process.indirect, text)

    def assert_all_commands(self, process, target):
        held = process.said["held"]
        text = self.gdb(target, "ashlar info", "echo -- block\\n", f"ashlar block {held[1] + 5}", "echo -- who\\n", f"ashlar who (char*){held[1]} + 7",
                        "echo -- walk\\n", "ashlar walk", "echo -- leaks\\n", "ashlar leaks --top 100")
        info, block, who, walk, leaks = re.split(r"(?m)^-- \w+$", text)
        self.assertIn("It serves malloc", info)
        self.assertRegex(block, f"object_start +{held[1]:#x}\n")
        self.assertIn(f"{held[1] + 7:#x} is in the live block {held[1]:#x} + 7", who)
        addresses = {int(address, 16) for address in re.findall(r"(?m)^0x([0-9a-f]+) \d+ ", walk)}
        self.assertEqual({address for kind in process.said.values() for address in kind} - addresses, set())
        self.assert_leaks(leaks, process)
        self.assert_agrees_about_heaps_and_caches(walk, leaks, process, target)
        self.assertNotIn("Registers of", leaks)  # gdb has them

    def assert_agrees_about_heaps_and_caches(self, walk, leaks, process, target):
        """What gdb shows of blocks in a heap and a cache that the program made is what the command shows."""
        source = ["--core", target[-1]] if "-c" in target else [process.pid]
        for name, blocks in (("heap:leaking", 7), ("leaking", 2)):
            rows = re.findall(rf"(?m)^0x[0-9a-f]+ \d+ {re.escape(name)}$", walk)
            self.assertEqual(len(rows), blocks, walk)
            self.assertEqual(rows, self.succeeds("walk", *source, "--class", name).splitlines())
            self.assertRegex(leaks, rf"(?m)^ *\d+ .* {re.escape(name)}$")
            address = int(rows[0].split()[0], 16)
            fact = self.json_of("page", *source, hex(address + 5), "--json")
            self.assertEqual((fact["object_start"], fact["state"]), (address, "live"), fact)
            self.assertIn(name, (fact.get("heap"), fact.get("cache")), fact)
            text = self.gdb(target, f"ashlar block {address + 5}", f"ashlar who {address + 5}")
            self.assertRegex(text, f"object_start +{address:#x}\n")
            self.assertRegex(text, rf"(?m)^(heap|cache) +{re.escape(name)}$")
            self.assertIn(f"{address + 5:#x} is in the live block {address:#x} + 5 of {name}", text)

    def test_a_process(self):
        for words in ((), ("run",)):
            with self.subTest(words=words), Leaking(*words) as process:
                self.assert_all_commands(process, ["-p", str(process.pid)])

    def test_a_core_file(self):
        with tempfile.TemporaryDirectory() as folder, Leaking("run") as process:
            made = subprocess.run([GCORE, "-o", f"{folder}/core", str(process.pid)], capture_output=True, text=True, timeout=300, check=False)
            if "Operation not permitted" in made.stderr:
                self.skipTest("ptrace is forbidden here")
            self.assert_all_commands(process, [LEAKING, "-c", f"{folder}/core.{process.pid}"])

    def test_failures_are_one_line(self):
        self.assertIn("No program runs, and there is no core file.", self.gdb([LEAKING], "ashlar info"))
        with Leaking() as process:
            target = ["-p", str(process.pid)]
            text = self.gdb(target, "ashlar who 16")
            self.assertRegex(text, r"(?m)^ashlar: .*there is no block at 0x10: nothing is mapped there$")
            self.assertIn("An address is needed", self.gdb(target, "ashlar block"))
            for words, line in (("block zz_nothing", 'No symbol "zz_nothing" in current context.'), ("who 12 34", "A syntax error in expression, near `34'."),
                                ("block $nosuch", "$nosuch has no value."), ("who *(long*)16", "Cannot access memory at address 0x10")):
                text = self.gdb(target, f"ashlar {words}")
                self.assertIn(line, text)
                self.assertNotIn("Python Exception", text)
            self.assertIn("/no/such: No such file or directory", self.gdb(target, "set ashlar-command /no/such", "ashlar info"))
            with tempfile.TemporaryDirectory() as folder:
                silent = Path(folder) / "silent"
                for line, how in (("exit 3", "it ended with status 3"), ("kill -9 $$", "signal 9 ended it")):
                    silent.write_text(f"#!/bin/sh\n{line}\n")
                    silent.chmod(0o755)
                    text = self.gdb(target, f"set ashlar-command {silent}", f"ashlar block {process.said['held'][0]}")
                    self.assertIn(f"{silent}: {how}, and it wrote nothing.", text)

    def test_gdb_finds_it_where_it_is_installed(self):
        """Beside the library's real path below share/gdb/auto-load."""
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder).resolve() / "lib" / Path(LIBRARY).resolve().name
            library.parent.mkdir()
            shutil.copy(Path(LIBRARY).resolve(), library)
            scripts = Path(folder) / "auto-load"
            script = Path(f"{scripts}{library}-gdb.py")
            script.parent.mkdir(parents=True)
            shutil.copy(EXTENSION, script)
            command = library.parent.parent / "bin/ashlar"
            command.parent.mkdir()
            command.symlink_to(TOOL)
            with Leaking(library=str(library)) as process:
                run = subprocess.run(["gdb", "-nx", "-batch", "-iex", f"add-auto-load-scripts-directory {scripts}",
                                      "-iex", f"add-auto-load-safe-path {scripts}", "-p", str(process.pid), "-ex", "help ashlar",
                                      "-ex", "ashlar info"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**PLAIN, "PATH": "/usr/bin:/bin"}, timeout=300, check=False)
        if any(word in run.stdout for word in UNABLE):
            self.skipTest("gdb cannot attach to a process here")
        self.assertIn("ashlar leaks", run.stdout)
        self.assertIn("It serves malloc", run.stdout)

    def test_runs_nothing_that_lies_beside_a_library_of_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            library, command = Path(folder) / "lib/libashlar.so", Path(folder) / "bin/ashlar"
            for path in (library, command):
                path.parent.mkdir()
            shutil.copy(LIBRARY, library)
            command.write_text("#!/bin/sh\necho taken\n")
            command.chmod(0o755)
            with Leaking(library=str(library)) as process:
                run = subprocess.run(["gdb", "-nx", "-batch", "-ex", "set auto-load off", "-p", str(process.pid), "-x", str(EXTENSION), "-ex", "ashlar info"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**PLAIN, "PATH": "/usr/bin:/bin"}, timeout=300, check=False)
        if any(word in run.stdout for word in UNABLE):
            self.skipTest("gdb cannot attach to a process here")
        self.assertIn("The command ashlar is not found", run.stdout)
        self.assertNotIn("taken", run.stdout)

    @unittest.skipUnless(shutil.which("gdbserver"), "gdbserver is not installed")
    def test_a_process_behind_a_server_is_refused(self):
        text = self.gdb([LEAKING], f"target remote | gdbserver --once - {LEAKING}", "ashlar info", "kill")
        self.assertIn('reached by the target "remote"', text)


if __name__ == "__main__":
    unittest.main()
