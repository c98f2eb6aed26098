#!/usr/bin/env python3
"""Tests ashlar top: figures and rates of a process, the list of processes, and the screen on a terminal."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from tool_case import FAILED, GONE, NO_ASHLAR, OK, PLAIN, TOOL, USAGE, Holder, ToolCase, ashlar

MIB = 1 << 20


class Batch(ToolCase):
    def test_shows_a_process(self):
        with Holder() as holder:
            holder.allocate(5000, 1000)
            text = self.succeeds("top", holder.pid, "--batch", "--iterations", 1)
        self.assertRegex(text, rf"^ashlar top - \d\d:\d\d:\d\d  process {holder.pid} \(tool_holder\)")
        self.assertRegex(text, r"(?m)^resident [\d.]+ MiB \(-\)  # live [\d.]+ MiB  = free ")
        self.assertRegex(text, r"(?m)^\[#+=*\+*\.*\]$")
        self.assertRegex(text, r"(?m)^malloc-1024 +1024 +\d+ +- ")

    def test_figures_are_those_of_the_process(self):
        with Holder() as holder:
            before = self.look(holder)
            holder.allocate(5000, 1000)
            holder.allocate(10, 200000)
            holder.allocate(1, 40 * MIB)
            after = self.look(holder)
        self.assertEqual(after["live_runs"] - before["live_runs"], 10 * 49 * 4096)
        self.assertEqual(after["live_vmalloc"] - before["live_vmalloc"], 40 * MIB)
        live = {cache["name"]: cache["live"] for cache in after["caches"]}
        self.assertEqual(live["malloc-1024"] - {c["name"]: c["live"] for c in before["caches"]}.get("malloc-1024", 0), 5000)
        parts = sum(after[part] for part in ("live", "free", "own", "not_ashlar"))
        self.assertLess(abs(parts - after["resident"]), 0.01 * after["resident"])

    def look(self, holder):
        return self.json_of("top", holder.pid, "--json", "-n", 1)

    def test_tells_growth_per_second(self):
        with Holder() as holder:
            command = [TOOL, "top", str(holder.pid), "--json", "-n", "2", "-d", "1"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=PLAIN) as process:
                first = json.loads(process.stdout.readline())
                holder.allocate(20000, 1000)
                second = json.loads(process.stdout.readline())
        self.assertIsNone(first["resident_per_second"])
        # One second lies between, a little more where the machine is busy.
        self.assertGreater(second["resident_per_second"], 4 * MIB)
        self.assertLess(second["resident_per_second"], 26 * MIB)
        self.assertEqual(second["caches"][0]["name"], "malloc-1024")
        self.assertGreater(second["caches"][0]["live_per_second"], 4000)
        self.assertLessEqual(second["caches"][0]["live_per_second"], 20001)

    def test_sorts(self):
        with Holder() as holder:
            holder.allocate(100, 30000)
            holder.allocate(20000, 50)
            names = {key: re.findall(r"(?m)^(malloc-\d+)", self.succeeds("top", holder.pid, "-b", "-n", 1, "--sort", key))
                     for key in ("size", "live", "growth")}
            report = self.look(holder)
        by_size = sorted(report["caches"], key=lambda cache: (-cache["slab_bytes"], cache["name"]))
        self.assertEqual(names["size"], [cache["name"] for cache in by_size])
        self.assertEqual(names["live"][0], "malloc-32768")
        self.assertEqual(sorted(names["growth"]), sorted(names["live"]))

    def test_lists_the_processes_with_ashlar(self):
        with Holder() as one, Holder() as two, Holder(preload=False) as plain:
            text = self.succeeds("top", "-b", "-n", 1)
            listed = self.json_of("top", "--json", "-n", 1)["processes"]
        pids = [process["pid"] for process in listed]
        self.assertLessEqual({one.pid, two.pid}, set(pids))
        self.assertNotIn(plain.pid, pids)
        self.assertRegex(text, rf"(?m)^ +{one.pid} tool_holder +[\d.]+ [KM]iB ")

    def test_a_process_that_leaves_the_list_does_not_end_it(self):
        with Holder() as stays:
            with Holder():
                command = [TOOL, "top", "--json", "-n", "2", "-d", "0.5"]
                process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=PLAIN)
                process.stdout.readline()
            listed = json.loads(process.stdout.readline())["processes"]
            process.stdout.close()
            self.assertEqual(process.wait(timeout=300), OK)
            self.assertIn(stays.pid, [entry["pid"] for entry in listed])

    def test_ends_with_its_process(self):
        with Holder() as holder:
            command = [TOOL, "top", str(holder.pid), "-b", "-d", "0.3"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN)
            process.stdout.readline()
        _, words = process.communicate(timeout=300)
        self.assertEqual(process.returncode, GONE, words)
        self.assertEqual(len(words.splitlines()), 1, words)

    def test_errors(self):
        with Holder(preload=False) as holder:
            self.fails(NO_ASHLAR, "", "top", holder.pid, "-b")
        self.fails(USAGE, "top: ", "top", "--delay", "0")
        self.fails(USAGE, "top: ", "top", "--delay", "nan")
        self.fails(USAGE, "top: ", "top", "--iterations", "0")
        self.fails(USAGE, "top: ", "top", "--sort", "name")
        with Holder() as holder:
            self.fails(FAILED, "top: no terminal; use --batch", "top", holder.pid)


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, *arguments, rows=24, columns=80, **environment):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([TOOL, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
                                        env={**PLAIN, "TERM": "xterm-256color", **environment}, start_new_session=True)
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, pattern, seconds=10):
        """Reads until the pattern was written; True if it was."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(pattern, self.text):
                return True
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        return False

    def press(self, keys):
        self.text = ""
        os.write(self.master, keys.encode())

    def end(self):
        code = self.process.wait(timeout=300)
        self.wait_for("$never", 0.2)
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.master)
        return code, after == self.before


class Sites(ToolCase):
    def test_shows_functions_that_hold_memory(self):
        with Holder(options="profile=1") as holder:
            holder.allocate(5000, 1000)
            text = self.succeeds("top", holder.pid, "--batch", "--sites", "-n", 1)
        self.assertRegex(text, r"(?m)^ +in use +growth +objects +allocated +allocs/s  function$")
        self.assertRegex(text, r"(?m)^ +4\.8 MiB +- +5000 +- +-  main$")
        self.assertNotIn("malloc-1024", text)

    def test_tells_allocations_per_second(self):
        with Holder(options="profile=1") as holder:
            command = [TOOL, "top", str(holder.pid), "--json", "--sites", "-n", "2", "-d", "1"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=PLAIN) as process:
                json.loads(process.stdout.readline())
                holder.allocate(4000, 1000)
                holder.allocate(4000, 0)
                look = json.loads(process.stdout.readline())
            whole = self.json_of("profile", holder.pid, "--json")
        (site,) = [site for site in look["sites"] if site["function"] == "main"]
        self.assertGreater(site["allocated_objects_per_second"], 800)
        self.assertLessEqual(site["allocated_objects_per_second"], 4001)
        self.assertLess(abs(site["in_use_bytes_per_second"]), 1)
        self.assertEqual((site["allocated_bytes"], site["in_use_bytes"]), (4000000, 0))
        self.assertEqual(sum(s["allocated_bytes"] for s in look["sites"]), whole["all"]["allocated_bytes"])

    def test_without_a_profile_a_line_says_how_to_start_one(self):
        with Holder() as holder:
            text = self.succeeds("top", holder.pid, "--batch", "--sites", "-n", 1)
            self.assertIn(f'No profile was started in it: "ashlar profile {holder.pid} --keep" does.', text)
            self.assertIsNone(self.json_of("top", holder.pid, "--json", "--sites", "-n", 1)["sites"])
            self.assertNotIn("sites", self.json_of("top", holder.pid, "--json", "-n", 1))

    def test_is_of_one_process(self):
        self.fails(USAGE, "top: --sites needs the number of a process", "top", "--batch", "--sites")

    def test_a_key_changes_the_view(self):
        with Holder(options="profile") as holder:
            holder.allocate(5000, 1000)
            screen = Terminal("top", holder.pid, "-d", "60")
            self.assertTrue(screen.wait_for("malloc-1024"), screen.text)
            screen.press("f")
            self.assertTrue(screen.wait_for("allocs/s  function"), screen.text)
            screen.press("q")
            self.assertEqual(screen.end(), (OK, True))


class OnScreen(ToolCase):
    def test_shows_a_process_and_ends_with_q(self):
        with Holder() as holder:
            holder.allocate(5000, 1000)
            screen = Terminal("top", holder.pid, "-d", "0.3")
            self.assertTrue(screen.wait_for(r"malloc-1024"), screen.text)
            self.assertIn("keys: ", screen.text)
            screen.press("s")
            holder.allocate(3000, 5000)
            self.assertTrue(screen.wait_for("malloc-5120"), "the screen does not go on")
            screen.press("q")
            self.assertEqual(screen.end(), (OK, True))
            self.assertIn("\x1b[?1049l", screen.text, "the screen before is not back")

    def test_lists_processes(self):
        with Holder() as holder:
            screen = Terminal("top")
            self.assertTrue(screen.wait_for(rf"{holder.pid} tool_holder"), screen.text)
            screen.press("q")
            self.assertEqual(screen.end(), (OK, True))

    def test_fits_any_size(self):
        with Holder() as holder:
            screen = Terminal("top", holder.pid, "-d", "0.2", rows=3, columns=20)
            self.assertTrue(screen.wait_for("ashlar top"))
            screen.resize(40, 120)
            os.kill(screen.process.pid, 28)  # SIGWINCH, which a real terminal sends
            self.assertTrue(screen.wait_for("growth"), "not drawn anew")
            screen.resize(1, 1)
            os.kill(screen.process.pid, 28)
            time.sleep(0.5)
            screen.press("q")
            self.assertEqual(screen.end(), (OK, True))

    def test_leaves_a_clean_terminal_when_interrupted_or_when_the_process_ends(self):
        with Holder() as holder:
            for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                screen = Terminal("top", holder.pid, "-d", "0.3")
                self.assertTrue(screen.wait_for("resident"))
                os.kill(screen.process.pid, end)
                self.assertEqual(screen.end(), (-end, True), "how it ended, and whether the terminal is as before")
                self.assertIn("\x1b[?1049l", screen.text, "the screen before is not back")
                self.assertIn("\x1b[?25h", screen.text.rsplit("\x1b[?25l", 1)[-1], "the cursor is hidden")
            screen = Terminal("top", holder.pid, "-d", "0.3")
            self.assertTrue(screen.wait_for("resident"))
        self.assertEqual(screen.end(), (GONE, True))
        self.assertRegex(screen.text, r"ashlar: .*\r?\n$")

    def test_ends_when_the_terminal_is_gone(self):
        with Holder() as holder:
            screen = Terminal("top", holder.pid, "-d", "0.3")
            self.assertTrue(screen.wait_for("resident"))
            os.close(screen.slave)
            os.close(screen.master)  # no SIGHUP: it is not the terminal of the command's session
            try:
                self.assertEqual(screen.process.wait(timeout=300), FAILED)
            finally:
                screen.process.kill()

    def test_without_colour(self):
        with Holder() as holder:
            screen = Terminal("top", holder.pid, "--color=never", "-n", "1", "-d", "0.1")
            self.assertTrue(screen.wait_for("resident"))
            self.assertEqual(screen.end(), (OK, True))
            self.assertIsNone(re.search(r"\x1b\[3[1-6]m", screen.text))

    def test_an_unknown_terminal_is_told(self):
        with Holder() as holder:
            for name in ("no-such-terminal", "dumb"):
                screen = Terminal("top", holder.pid, TERM=name)
                self.assertTrue(screen.wait_for(rf'^ashlar: top: no screen on a terminal "{name}" \(TERM\); use --batch'), screen.text)
                self.assertEqual(screen.end(), (FAILED, True))


if __name__ == "__main__":
    unittest.main()
