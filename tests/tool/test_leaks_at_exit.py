#!/usr/bin/env python3
"""Tests the option leaks: the report that a program makes of itself at exit."""
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from tool_case import LIBRARY, PLAIN, TOOL, ToolCase

LEAKING = os.environ["ASHLAR_TEST_LEAKING"]
LEAKING_STATIC = os.environ["ASHLAR_TEST_LEAKING_STATIC"]
HEAD = re.compile(r"(?m)^process (\d+) \(([^)]+)\): nothing points to (\d+) of (\d+) live blocks")


def run(*words, options="leaks", library=LIBRARY, path=str(Path(TOOL).parent), **more):
    environment = {**PLAIN, "PATH": f"{path}:{PLAIN['PATH']}" if path else "/nowhere", "ASHLAR_OPTIONS": options}
    if library:
        environment["LD_PRELOAD"] = library
    return subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, **more)


class LeaksAtExit(ToolCase):
    def heads(self, ended):
        return [(name, int(leaked)) for _, name, leaked, _ in HEAD.findall(ended.stderr)]

    def assert_reports(self, ended):
        """What was lost, and of what was held at most main's own variable, which is gone by then."""
        self.assertEqual(ended.returncode, 0, ended.stderr)
        rows = dict(re.findall(r"(?m)^ *0x([0-9a-f]+) .*\b(directly|indirectly)\b", ended.stderr))
        reported = {int(address, 16): how for address, how in rows.items()}
        of = {"lost": [], "behind": [], "held": [], "circle": []}
        for line in ended.stdout.splitlines():
            if line != "ready":
                of[line.split()[0]].append(int(line.split()[1], 16))
        self.assertEqual({reported.get(address) for address in of["lost"]}, {"directly"}, ended.stderr)
        self.assertEqual({reported.get(address) for address in of["behind"]}, {"indirectly"}, ended.stderr)
        self.assertLessEqual(len(set(of["held"]) & set(reported)), 1, ended.stderr)

    def test_every_mode(self):
        for options in ("leaks", "leaks,harden", "leaks,slob", "leaks,slab_debug=FZP", "leaks,guard_sample=1", "leaks,profile=1"):
            with self.subTest(options=options):
                ended = run(LEAKING, options=options)
                self.assert_reports(ended)
                # and the stacks, where they are recorded
                self.assertEqual("lose_chain" in ended.stderr, "profile" in options, ended.stderr)

    def test_a_static_program(self):
        self.assert_reports(run(LEAKING_STATIC, library=""))

    def test_children_report_and_what_is_replaced_does_not(self):
        self.assertEqual(self.heads(run("sh", "-c", "exec perl -e '1'"))[0][0], "perl")
        script = "my $child = fork; waitpid($child, 0) if $child; exit 0;"
        heads = HEAD.findall(run("perl", "-e", script).stderr)
        self.assertEqual([head[1] for head in heads], ["perl", "perl"])
        self.assertNotEqual(heads[0][0], heads[1][0])

    def test_the_program_does_not_notice(self):
        """Neither a signal nor a child to wait for, and its descriptors and exit status are its own."""
        program = ("import atexit, os, signal, sys\n"
                   "signal.signal(signal.SIGCHLD, lambda *_: os.write(1, b'signal'))\n"
                   "os.close(2)\n"
                   "sys.exit(9)\n")
        ended = run(sys.executable, "-c", program)
        self.assertEqual((ended.returncode, ended.stdout), (9, ""), ended.stderr)
        self.assertEqual([name for name, _ in self.heads(ended)], [Path(sys.executable).name[:15]], ended.stderr)

    def test_before_the_other_report(self):
        text = run(LEAKING, options="leaks,stats").stderr
        self.assertLess(text.index("nothing points to"), text.index("ashlar: "), text)

    def test_live(self):
        program = "$SIG{TERM} = sub { exit 0 }; $| = 1; print qq(ready\\n); $x = 'x' x ($_ % 3000) while ++$_"
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "PATH": f"{Path(TOOL).parent}:{PLAIN['PATH']}"}
        with subprocess.Popen(["perl", "-e", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            self.assertEqual(self.succeeds("set", process.pid, "leaks=1"), "leaks=1 (was 0)\n")
            process.terminate()
            _, errors = process.communicate(timeout=300)
        self.assertEqual([name for _, name, _, _ in HEAD.findall(errors)], ["perl"], errors)

    def test_no_report_is_one_line(self):
        self.assertEqual(run("/bin/true", path="").stderr,
                         "ashlar: leaks: no report: the command ashlar cannot be run; its folder must be in PATH\n")
        self.assertEqual(run("/bin/true", options="leaks,mmap_only").stderr,
                         "ashlar: leaks: no report: the option mmap_only forbids the system calls that it needs\n")
        ended = run(sys.executable, "-c", "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print('ends')")
        self.assertEqual((ended.returncode, ended.stdout), (0, "ends\n"))
        if os.geteuid() != 0:  # root may look at what is not dumpable
            self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)


if __name__ == "__main__":
    unittest.main()
