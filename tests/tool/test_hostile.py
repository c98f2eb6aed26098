#!/usr/bin/env python3
"""Tests the ashlar command on hostile processes: it does not wait, does not use much memory, and their names have no effect."""
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import GONE, HOLDER, LIBRARY, NO_ASHLAR, OK, PLAIN, TOOL, Holder, Process, ToolCase, ashlar

HOSTILE = os.environ["ASHLAR_TEST_HOSTILE"]
# What a terminal may act upon: control characters but the end of a line, of C1 and marks of direction, too.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
NAMES = ("\x1b[31mred", "a\nb\rc", "\u009b31mred", "\u202edlo", "\x7f\x08x")


def peak_kib(*arguments):
    """Runs the command; its exit code and its largest resident memory."""
    with open(os.devnull, "w", encoding="ascii") as nothing:
        process = subprocess.Popen([TOOL, *map(str, arguments)], stdout=nothing, stderr=nothing, env=PLAIN)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss


class Hostile(ToolCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_inactive(self, text):
        self.assertIsNone(ACTIVE.search(text), ascii(text))

    def test_a_pipe_in_the_place_of_a_deleted_file_is_not_waited_for(self):
        library = self.folder / "libashlar.so"
        shutil.copy(LIBRARY, library)
        with Process(HOLDER, library=str(library)) as holder:
            library.unlink()
            os.mkfifo(f"{library} (deleted)")
            for command in ("doctor", "slabinfo", "top"):
                more = ("-b", "-n", 1) if command == "top" else ()
                run = subprocess.run([TOOL, command, str(holder.pid), *map(str, more)], capture_output=True, text=True, env=PLAIN, timeout=300,
                                     check=False)
                self.assertEqual((run.returncode, run.stderr), (OK, ""))

    def test_a_pipe_as_the_interpreter_of_a_script_is_not_waited_for(self):
        os.mkfifo(self.folder / "pipe")
        script = self.folder / "script"
        script.write_text(f"#!{self.folder}/pipe\n")
        script.chmod(0o755)
        run = ashlar("run", str(script))
        self.assertNotEqual(run.returncode, OK)

    def test_a_newline_in_a_name_is_shown_as_an_escape_and_kept_in_json(self):
        name = "a\nb\n"
        program = self.folder / name
        shutil.copy(HOLDER, program)
        with Process(str(program)) as holder:
            for command in ("doctor", "meminfo"):
                text = self.succeeds(command, holder.pid)
                self.assertRegex(text, r"(?m)^.*\ba\\x0ab\\x0a")
                self.assertEqual(self.json_of(command, holder.pid, "--json")["process"]["name"], name)
            self.assertRegex(self.succeeds("top", "-b", "-n", 1), rf"(?m)^ +{holder.pid} a\\x0ab\\x0a +\d")
            self.assertIn(r'comm="a\nb\n"', self.succeeds("metrics", holder.pid))

    def test_what_has_ended_and_what_has_no_memory_is_told_the_same_by_each_command(self):
        with subprocess.Popen(["true"]) as zombie:
            os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
            for command in ("doctor", "leaks", "meminfo"):
                self.fails(GONE, rf"process {zombie.pid} \(true\): it has ended$", command, zombie.pid)
        kernel = next((pid for pid in filter(str.isdigit, os.listdir("/proc"))
                       if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1] == "2"), None)
        if kernel is None or os.geteuid() != 0:
            self.skipTest("no threads of the kernel here, or not root")
        for command in ("doctor", "leaks", "meminfo"):
            self.fails(NO_ASHLAR, rf"process {kernel} \(.*\): it has no memory of its own \(a thread of the kernel\)$", command, kernel)

    def test_names_do_not_reach_the_terminal(self):
        for name in NAMES:
            program, library = self.folder / name, self.folder / f"{name}.so"
            shutil.copy(HOLDER, program)
            shutil.copy(LIBRARY, library)
            with self.subTest(name=ascii(name)), Process(str(program), library=str(library)) as holder:
                for command in ("doctor", "smaps", "slabinfo", "meminfo"):
                    text = self.succeeds(command, holder.pid)
                    self.assert_inactive(text)
                    self.json_of(command, holder.pid, "--json")
                start = re.search(r"(?m)^([0-9a-f]+)-[0-9a-f]+ .*\.so", self.succeeds("smaps", holder.pid)).group(1)
                self.assert_inactive(self.succeeds("page", holder.pid, "0x" + start))
                self.assert_inactive(self.succeeds("top", holder.pid, "-b", "-n", 1))
                self.assert_inactive(self.succeeds("map", holder.pid, "-o", "-"))
                self.assert_inactive(ashlar("map", holder.pid, "-o", f"/no/{name}").stderr)

    def test_colour_still_works(self):
        with Holder() as holder:
            self.assertIn("\x1b[1m", self.succeeds("doctor", holder.pid, "--color=always"))

    def test_names_are_no_marks_and_no_markup_of_the_map(self):
        program = self.folder / "%DATA%"
        shutil.copy(HOSTILE, program)
        with Process(str(program), "names") as holder:
            page = self.succeeds("map", holder.pid, "-o", "-")
        self.assertIn(f"<h1>Heap of process {holder.pid} (%DATA%)</h1>", page)
        self.assertNotIn("<img", page)
        self.assertIn(r"\u003cimg/src/onerror=alert(1)>", page)

    def test_the_maps_policy_allows_its_own_script_only(self):
        with Holder() as holder:
            page = self.succeeds("map", holder.pid, "-o", "-")
            other = self.succeeds("map", holder.pid, "-o", "-")
        nonces = set(re.findall(r"nonce[-=]\"?([0-9a-f]{32})", page))
        self.assertEqual(len(nonces), 1, nonces)
        self.assertEqual(len(re.findall(r"<(?:script|style) nonce=", page)), 2)
        self.assertNotIn("unsafe", page)
        self.assertNotIn(nonces.pop(), other)

    def test_made_up_tables_cost_no_memory(self):
        normal = {}
        with Process(HOSTILE, "arenas", 0) as holder:
            for command in ("doctor", "leaks"):
                code, normal[command] = peak_kib(command, holder.pid)
                self.assertEqual(code, OK)
        for mode, count in (("arenas", 40), ("mapped", 40), ("shared", 40), ("roots", 200000)):
            with Process(HOSTILE, mode, count) as holder:
                for command, least in normal.items():
                    with self.subTest(mode=mode, command=command):
                        _, peak = peak_kib(command, holder.pid)
                        self.assertLess(peak, least + 64 * 1024, f"KiB resident for {mode}, {least} without")

    def test_made_up_profiles_cost_no_memory(self):
        for mode in ("sites", "chunks"):
            with self.subTest(mode=mode), Process(HOSTILE, mode) as holder:
                run = subprocess.run([TOOL, "profile", str(holder.pid), "-o", "/dev/null"], capture_output=True, text=True, env=PLAIN,
                                     timeout=300, check=False,
                                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)))
                self.assertEqual((run.returncode, run.stderr), (OK, ""))

    def test_top_follows_a_process_into_another_program(self):
        with Process(HOSTILE, "exec", 20) as holder:
            command = [TOOL, "top", str(holder.pid), "--json", "-n", "200", "-d", "0.1"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=PLAIN) as top:
                before = self.json_of_line(top)
                holder.process.stdin.write("\n")
                holder.process.stdin.flush()
                self.assertEqual(holder.process.stdout.readline(), "ready\n")
                self.json_of_line(top)
                after = [self.json_of_line(top) for _ in range(3)][-1]
                top.kill()
        for sample in (before, after):
            self.assertGreater(sample["live_runs"], 19 << 20, sample["live_runs"])
            parts = sum(sample[part] for part in ("live", "free", "own", "not_ashlar"))
            self.assertLess(abs(parts - sample["resident"]), 0.02 * sample["resident"], f"{parts} of {sample['resident']}")

    def json_of_line(self, process):
        return json.loads(process.stdout.readline())

    def test_top_keeps_nothing_of_processes_that_ended(self):
        with subprocess.Popen([TOOL, "top", "--json", "-d", "0.1"], stdout=subprocess.PIPE, text=True, env=PLAIN) as top:
            counts = []
            for _ in range(3):
                for _ in range(12):
                    with Holder() as holder:
                        for _ in range(200):
                            if f'"pid":{holder.pid},' in top.stdout.readline():
                                break
                top.stdout.readline()
                counts.append(len(os.listdir(f"/proc/{top.pid}/fd")))
            top.kill()
        self.assertLess(counts[-1], counts[0] + 8, f"descriptors after 12, 24, 36 processes: {counts}")


if __name__ == "__main__":
    unittest.main()
