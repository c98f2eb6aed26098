#!/usr/bin/env python3
"""Tests the frame of the ashlar command: help, version, wrong command lines and colour, and that the manual is complete."""
import os
import pty
import re
import subprocess
import unittest

from tool_case import NO_PROCESS, OK, PLAIN, ROOT, TOOL, USAGE, Holder, ToolCase, ashlar, no_such_pid

ESCAPE = "\x1b["


def commands():
    listed = ashlar("--help").stdout.split("Subcommands:\n", 1)[1]
    return re.findall(r"^  (\w+) ", listed, re.M)


def options_of(command):
    """The long and short options in a command's help."""
    text = ashlar(command, "--help").stdout.split("Options:\n", 1)[1]
    return [name for group in re.findall(r"^  (-\S+)", text, re.M) for name in group.split(",")]


def reports():
    """The commands that take a process."""
    return [name for name in commands() if name != "record" and "PID" in ashlar(name, "--help").stdout]


# They ask the process for something and write a line.
REQUESTS = {"set", "trim"}
# It writes formats of its own.
METRICS = {"metrics"}


def on_a_terminal(*arguments, **environment):
    """What the command writes to a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([TOOL, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
                               env={**PLAIN, "TERM": "xterm", **environment})
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not piece:
            break
        text += piece
    process.wait(timeout=300)
    os.close(master)
    return text.decode()


class Frame(ToolCase):
    def test_help_lists_every_command(self):
        self.assertGreaterEqual(set(commands()), {"run", "doctor", "meminfo", "top", "map", "completion"})

    def test_every_command_has_help(self):
        for name in commands():
            text = self.succeeds(name, "--help")
            self.assertIn(f"Usage: ashlar {name}", text)
            self.assertEqual(self.succeeds(name, "-h"), text)

    def test_every_option_is_explained(self):
        for name in commands():
            text = ashlar(name, "--help").stdout
            for line in re.findall(r"^  (-.*)$", text, re.M):
                # The explanation may stand on the next line.
                self.assertTrue(len(line) > 28 or re.search(re.escape(line) + r"\n {10,}\S", text), f"{name}: {line}")

    def test_version_is_the_projects(self):
        version = re.search(r"project\(ASHLAR VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertEqual(self.succeeds("--version"), f"ashlar {version}\n")

    def test_wrong_command_lines(self):
        self.fails(USAGE, "A subcommand is required")
        self.fails(USAGE, 'no command "frobnicate"', "frobnicate")
        self.fails(USAGE, 'no option "--frobnicate"', "--frobnicate")
        for name in commands():
            if name not in ("run", "record"):
                self.fails(USAGE, f"{name}: ", name, "--frobnicate")

    def test_an_unknown_option_is_named_before_what_follows_it(self):
        for name in ("top", "meminfo"):
            self.fails(USAGE, f'{name}: no option "--core"', name, "--core", "F")
        self.fails(USAGE, 'doctor: no option "--cores"', "doctor", "--cores", "F", 1, 2)

    def test_an_argument_too_many_is_named(self):
        for words in (["walk", 1], ["doctor", 1], ["page", 1, 2], ["profile", 1], ["completion", "bash"]):
            self.fails(USAGE, f'{words[0]}: there is one argument too many: "more"$', *words, "more", "yet more")

    def test_seconds_are_numbers_in_bounds(self):
        for words in (("set", 1, "a=1", "--wait"), ("trim", 1, "--wait"), ("profile", 1, "--wait"), ("record", 1, "--wait"), ("profile", 1, "-s"),
                      ("profile", 1, "--growth"), ("record", 1, "--seconds"), ("top", 1, "-d")):
            for text in ("nan", "-nan", "inf", "-1", "1x", "0x1", "1e30"):
                self.fails(USAGE, f'{words[0]}: --[a-z]+: "{text}": expected a number of seconds from ', *words[:-1], f"{words[-1]}={text}" if words[-1][1] == "-" else words[-1] + text)

    def test_counts_are_decimal_and_not_negative(self):
        for words in (("leaks", 1, "--top"), ("who", 1, 1, "--top"), ("profile", 1, "--rows"), ("top", 1, "--iterations"), ("replay", "F", "--repeats"),
                      ("trace", "F", "-o", "G", "--scale")):
            for text in ("-1", "99999999999999999999", "4294967297", "0x8", "1e1", "+1", " 1", "x"):
                self.fails(USAGE, rf'{words[0]}: {words[-1]}: "\{text[0]}{text[1:]}": expected a number from ' if text[0] in "+-" else f'{words[0]}: {words[-1]}: "{text}": ', *words[:-1], f"{words[-1]}={text}")

    def test_empty_values_are_missing_ones(self):
        for what, cases in (("a file", (("profile", 1, "-o"), ("profile", 1, "--html"), ("profile", 1, "--pprof"), ("profile", 1, "--base"), ("metrics", 1, "-o"),
                                        ("trace", "F", "-o"), ("replay", "F", "--html"), ("replay", "F", "--plan"), ("run", "--profile"), ("run", "--library"),
                                        ("record", "-o"), ("record", 1, "-o"), ("map", 1, "-o"), ("doctor", "--core"), ("trace",))),
                            ("a place", (("trace", "F", "--from"), ("trace", "F", "--to"))), ("a name", (("walk", 1, "--class"),)),
                            ("an address and a port", (("metrics", 1, "-l"),)), ("a number", (("leaks", 1, "--top"), ("profile", 1, "-n")))):
            for words in cases:
                self.fails(USAGE, f'{words[0]}: (--[a-z]+|FILE): "": expected {what}', *words, "", *(("true",) if words[0] in ("run", "record") and 1 not in words else ()))

    def test_a_hint_names_the_help(self):
        self.assertEqual(ashlar("meminfo", "x").stderr.splitlines()[1], 'Try "ashlar meminfo --help".')

    def test_no_such_process(self):
        for name in (*reports(), "record"):
            more = {"map": ["-o", "/dev/null"], "set": ["decay_ms=1"], "top": ["--batch"], "page": ["0"], "who": ["0"]}.get(name, [])
            self.fails(NO_PROCESS, "there is no process", name, no_such_pid(), *more)


class Colour(ToolCase):
    def test_is_for_terminals_only(self):
        self.assertNotIn(ESCAPE, self.succeeds("meminfo"))
        self.assertIn(ESCAPE, on_a_terminal("meminfo"))

    def test_can_be_had_and_forbidden(self):
        self.assertIn(ESCAPE, self.succeeds("meminfo", "--color=always"))
        self.assertNotIn(ESCAPE, on_a_terminal("meminfo", "--color", "never"))
        self.assertNotIn(ESCAPE, on_a_terminal("meminfo", NO_COLOR="1"))
        self.assertIn(ESCAPE, on_a_terminal("meminfo", NO_COLOR=""))
        self.assertIn(ESCAPE, on_a_terminal("meminfo", "--color=always", NO_COLOR="1"))
        self.assertNotIn(ESCAPE, on_a_terminal("meminfo", TERM="dumb"))
        self.fails(USAGE, "meminfo: --color: ", "meminfo", "--color=sometimes")

    def test_never_gets_into_json(self):
        self.assertNotIn(ESCAPE, self.succeeds("meminfo", "--json", "--color=always"))

    def test_every_report_has_json_and_colour(self):
        for name in set(reports()) - {"map"} - REQUESTS - METRICS:
            self.assertLessEqual({"--json", "--color"}, set(options_of(name)), name)

    def test_reports_of_a_process_are_valid_json(self):
        with Holder() as holder:
            holder.allocate(1000, 100)
            for name in set(reports()) - {"map", "page", "profile", "who"} - REQUESTS - METRICS:
                more = ["--iterations", "1"] if name == "top" else []
                self.assertTrue(self.json_of(name, holder.pid, "--json", *more), name)


class Manual(ToolCase):
    def section(self, name):
        page = (ROOT / "man/ashlar.1").read_text().replace("\\-", "-")
        found = re.search(rf'^\.Ss "?ashlar {name}\b.*?(?=^\.S[sh] )', page, re.S | re.M)
        self.assertIsNotNone(found, f"man/ashlar.1 has no section of ashlar {name}")
        return found.group(0)

    def test_has_every_command_and_option(self):
        for name in commands():
            section = self.section(name)
            for option in set(options_of(name)) - {"-h", "--help", "--json", "--color"}:
                words = [f"Fl {option[1:]}"]  # mdoc: .Fl -json is --json
                self.assertTrue(any(word in section for word in words), f"ashlar {name}: {option} is not in its section")

    def test_has_what_all_commands_share(self):
        page = (ROOT / "man/ashlar.1").read_text()
        for option in ("Fl -help", "Fl -version", "Fl -json", "Fl -color", "Ev NO_COLOR"):
            self.assertIn(option, page)

    def test_has_every_exit_status(self):
        page = (ROOT / "man/ashlar.1").read_text()
        status = re.search(r"^\.Sh EXIT STATUS\n(.*?)^\.Sh ", page, re.S | re.M).group(1)
        listed = [int(code) for code in re.findall(r"^\.It (\d+)$", status, re.M)]
        codes = re.findall(r"^  k\w+ = (\d+),", (ROOT / "src/tool/error.h").read_text(), re.M)
        self.assertGreater(len(codes), 5)
        self.assertEqual(listed, [int(code) for code in codes])

    def test_reports_names_every_command(self):
        page = (ROOT / "docs/reports.md").read_text()
        for name in commands():
            self.assertTrue(f"`ashlar {name}" in page, name)


if __name__ == "__main__":
    unittest.main()
