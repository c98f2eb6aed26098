#!/usr/bin/env python3
"""Tests ashlar set, trim, options and profile PID: a process answers requests, or one line says why not."""
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tool_case import GONE, LIBRARY, OK, PLAIN, TOOL, USAGE, Process, ToolCase, no_such_pid

# Allocates, and becomes another program at a line: of its first word, with or without Ashlar.
EXECUTES = """
import os, sys, threading
def allocate():
    while True: kept = [bytearray(3000) for _ in range(300)]
print("ready", flush=True)
threading.Thread(target=allocate, daemon=True).start()
sys.stdin.readline()
if sys.argv[1] == "without": del os.environ["LD_PRELOAD"]
os.execvp("cat", ["cat"])
"""
TICKER, LINKED, OLD = os.environ["ASHLAR_TEST_TICKER"], os.environ["ASHLAR_TEST_TICKER_LINKED"], os.environ["ASHLAR_TEST_OLD_ROOT"]
NO_PROCESS, VERSION, NO_ANSWER, REFUSED, BUSY = 3, 6, 10, 11, 12
ALL = ("misses", "recycles", "threads")
MODES = ("harden", "slab_debug", "slob", "perturb=1", "mmap_only", "profile=1", "failslab=0", "kswapd=0")


class Ticker(Process):
    def __init__(self, what, **more):
        super().__init__(TICKER, what, **more)

    def told(self):
        """Bytes of the heap, and the number of threads."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]


class Control(ToolCase):
    def option(self, pid, name):
        return {o["name"]: o for o in self.json_of("options", pid, "--json")}[name]


class Set(Control):
    def test_changes_an_option_of_any_process_that_allocates(self):
        for what in ALL:
            with Ticker(what) as ticker:
                self.assertEqual(self.succeeds("set", ticker.pid, "decay_ms=70"), "decay_ms=70 (was 1000)\n", what)
                after = self.option(ticker.pid, "decay_ms")
                self.assertEqual((after["value"], after["default"], after["from"]), ("70", "1000", "ashlar set"))
                self.assertEqual(ticker.told()[1], 4 if what == "threads" else 1, "no thread may stay")

    def test_changes_an_option_in_every_mode(self):
        for mode in MODES:
            for what in ALL:
                with Ticker(what, options=mode) as ticker:
                    self.assertEqual(self.succeeds("set", ticker.pid, "decay_ms=70"), "decay_ms=70 (was 1000)\n", mode)

    def test_changes_several_options_and_again(self):
        with Ticker("misses") as ticker:
            text = self.succeeds("set", ticker.pid, "dirty_min=1m", "purge=free", "profile_file=/tmp/x.%p", "stats")
            self.assertEqual(text.splitlines(), ["dirty_min=1m (was 3m)", "purge=free (was dontneed)",
                                                 "profile_file=/tmp/x.%p (was none)", "stats=1 (was 0)"])
            self.succeeds("set", ticker.pid, "profile_file=none", "stats=0", "purge=dontneed", "perturb=7", "perturb=0")
            self.assertGreater(ticker.told()[0], 0)

    def test_every_option_that_can_change_does(self):
        with Ticker("misses", options="guard_sample=1000") as ticker:
            changes = [o for o in self.json_of("options", ticker.pid, "--json") if o["changes"]]
            self.assertGreater(len(changes), 10)
            for option in changes:
                other = {"profile_file": "/tmp/y", "purge": "free", "hugepages": "always", "mmap_threshold": "1m",
                         "profile_signal": "usr1", "cold": "pageout"}.get(
                    option["name"], "0" if option["value"] == "1" else "1")
                more = ["profile_file=/dev/null"] if option["name"] in ("profile_every", "profile_peak", "profile_signal") else []
                self.succeeds("set", ticker.pid, f"{option['name']}={other}", *more)
                self.assertEqual(self.option(ticker.pid, option["name"])["value"], other)
                self.succeeds("set", ticker.pid, f"{option['name']}={option['value']}")
            self.assertGreater(ticker.told()[0], 0)

    def test_what_cannot_be_is_refused_by_name(self):
        with Ticker("misses") as ticker:
            for item, why in (("nothing=1", "nothing: unknown option"), ("harden=1", "harden: it cannot change at run time"),
                              ("decay_ms=x", 'decay_ms="x": expected a number from 0 to'), ("decay_ms", 'decay_ms="": expected'),
                              ("perturb=256", 'perturb="256": expected'), ("purge=never", "expected one of dontneed"),
                              ("guard_sample=9", "guard_sample: it was off")):
                self.fails(REFUSED, rf"process {ticker.pid} \(.*\): .*{why}", "set", ticker.pid, item)
            for length in (256, 400):
                self.fails(REFUSED, 'process .*: profile_file="x{60}": expected a path of at most 255 bytes', "set", ticker.pid, "profile_file=" + "x" * length)
            self.fails(REFUSED, "process .*: decay_ms: its value has 400 bytes, which is too long", "set", ticker.pid, "decay_ms=" + "0" * 399 + "5")
            for item in ("", "=5", "="):
                self.fails(USAGE, f'set: "{item}": expected NAME=VALUE', "set", ticker.pid, item)
            self.assertEqual(self.option(ticker.pid, "decay_ms")["from"], "default")

    def test_what_cannot_be_is_refused_without_asking(self):
        """By a process that does not answer, within a tenth of the time that it is given."""
        with Ticker("silent") as ticker:
            for item, why in (("nonsense=1", "nonsense: unknown option; `ashlar options` lists them"),
                              ("slob=1", "slob: it cannot change at run time; give it in ASHLAR_OPTIONS"),
                              ("decay_ms=-1", 'decay_ms="-1": expected a number from 0 to [0-9]+ .milliseconds'),
                              ("perturb=256", 'perturb="256": expected a number from 0 to 255'),
                              ("dirty_min=9999999t", 'dirty_min="9999999t": expected a number from'),
                              ("profile=1x", 'profile="1x": expected a number'), ("slab_nomerge=2", 'slab_nomerge="2": expected one of'),
                              ("purge", 'purge="": expected one of dontneed'), ("profile_file=", "expected a path of at most 255 bytes")):
                start = time.monotonic()
                # one that is right is not set either
                self.fails(REFUSED, rf"process {ticker.pid} \(.*\): .*{why}", "set", ticker.pid, "decay_ms=9", item, "--wait", 50)
                self.assertLess(time.monotonic() - start, 5, item)
            self.assertEqual(self.option(ticker.pid, "decay_ms")["value"], "1000")

    def test_a_process_that_does_not_allocate_is_given_up(self):
        with Ticker("silent") as ticker:
            self.fails(NO_ANSWER, rf"process {ticker.pid} .*did not answer within 0\.\d s", "set", ticker.pid, "decay_ms=9",
                       "--wait", 0.3)
            ticker.told()  # allocates; what was withdrawn must not happen
            self.assertEqual(self.option(ticker.pid, "decay_ms")["value"], "1000")

    def started(self, *arguments):
        """A command that goes on, and what it is killed by if the test fails."""
        command = subprocess.Popen([TOOL, *map(str, arguments)], env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(command.wait)
        self.addCleanup(command.kill)
        return command

    def test_an_interrupt_withdraws_the_request(self):
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with Ticker("silent") as ticker:
                command = self.started("set", ticker.pid, "decay_ms=9", "--wait", 60)
                time.sleep(0.3)
                command.send_signal(signal_number)
                _, errors = command.communicate(timeout=300)
                self.assertEqual(command.returncode, NO_ANSWER, errors)
                self.assertRegex(errors, "did not answer before the command was interrupted\n$")
                ticker.told()
                self.assertEqual(self.option(ticker.pid, "decay_ms")["value"], "1000")

    def test_a_child_does_not_do_what_its_parent_was_asked(self):
        with Ticker("forks") as ticker:
            self.started("set", ticker.pid, "decay_ms=9", "--wait", 60)
            time.sleep(0.5)
            child, _ = ticker.told()
            time.sleep(0.3)  # it allocates
            self.assertEqual(self.option(child, "decay_ms")["value"], "1000")

    def test_stderr_is_kept_once(self):
        with Ticker("misses") as ticker:
            for value in ("stats=0", "stats=1", "stats=1", "stats=0", "stats=1"):
                self.succeeds("set", ticker.pid, value)
            kept = [int(n) for n in os.listdir(f"/proc/{ticker.pid}/fd") if int(n) >= 100]
            self.assertEqual(len(kept), 1, kept)
        with Ticker("misses", options="mmap_only") as ticker:
            self.succeeds("set", ticker.pid, "stats=1")
            self.assertLess(max(int(n) for n in os.listdir(f"/proc/{ticker.pid}/fd")), 100)

    def test_one_command_at_a_time(self):
        with Ticker("misses") as ticker:
            with open(f"/proc/{ticker.pid}/mem", "rb") as memory:
                fcntl.flock(memory, fcntl.LOCK_EX)
                self.fails(BUSY, "process .*another command is making a request to it", "set", ticker.pid, "decay_ms=9")
            commands = [subprocess.Popen([TOOL, "set", str(ticker.pid), f"decay_ms={n}"], env=PLAIN, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE) for n in range(10, 20)]
            codes = []
            for command in commands:
                command.communicate(timeout=300)
                codes.append(command.returncode)
            self.assertTrue(set(codes) <= {OK, BUSY} and OK in codes, codes)

    def test_a_child_of_fork_answers_too(self):
        program = ("import os, sys, time\npid = os.fork()\n"
                   "if pid: print('ready' if not pid else pid, flush=True); sys.stdin.read(); os.kill(pid, 9)\n"
                   "else:\n while True: x = [bytearray(5000) for _ in range(400)]; time.sleep(0.001)\n")
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY}
        with subprocess.Popen(["python3", "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            pid = int(run.stdout.readline())
            self.assertIn("decay_ms=5", self.succeeds("set", pid, "decay_ms=5"))
            run.stdin.close()

    def test_who_is_asked(self):
        self.fails(NO_PROCESS, "there is no process", "set", no_such_pid(), "decay_ms=1")
        self.fails(USAGE, "set: ", "set", "abc", "decay_ms=1")
        self.fails(USAGE, "set: ", "set", 1)
        with Process(OLD, library="") as old:
            self.fails(VERSION, "process .*version 0.1.9, takes no requests", "set", old.pid, "decay_ms=1")

    def test_set_id_programs_refuse(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to start a set-id program")
        with subprocess.Popen([LINKED, "misses"], env=PLAIN, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: os.setresuid(12345, 0, 0)) as run:
            self.assertEqual(run.stdout.readline(), "ready\n")
            self.fails(REFUSED, "process .*set-id program", "set", run.pid, "decay_ms=1")
            run.stdin.close()


class Options(Control):
    def test_says_where_each_value_comes_from(self):
        with Ticker("misses", options="decay_ms=500,dirty_min=x") as ticker:
            self.assertEqual(self.option(ticker.pid, "decay_ms")["from"], "ASHLAR_OPTIONS")
            self.assertEqual(self.option(ticker.pid, "dirty_min")["from"], "default")
            self.succeeds("set", ticker.pid, "dirty_min=2m")
            lines = {line.split()[0]: line.split()[1:] for line in self.succeeds("options", ticker.pid).splitlines()}
            self.assertEqual(lines["decay_ms"], ["500", "1000", "ASHLAR_OPTIONS", "at", "run", "time"])
            self.assertEqual(lines["dirty_min"], ["2m", "3m", "ashlar", "set", "at", "run", "time"])
            self.assertEqual(lines["harden"], ["0", "0", "default", "at", "start"])


class Trim(Control):
    def test_returns_free_memory(self):
        options = "decay_ms=86400000,dirty_min=64m"
        with Ticker("misses", options=options) as ticker:
            before = int(Path(f"/proc/{ticker.pid}/statm").read_text().split()[1])
            self.assertRegex(self.succeeds("trim", ticker.pid), r"^resident: .*, before ")
            self.assertGreater(before, 0)
            self.assertGreater(ticker.told()[0], 0)

    def test_a_process_that_does_not_allocate_is_given_up(self):
        with Ticker("silent") as ticker:
            self.fails(NO_ANSWER, "process .*did not answer", "trim", ticker.pid, "--wait", 0.2)


class Profile(Control):
    def rate(self, pid):
        return self.option(pid, "profile")["value"]

    def names(self, text):
        return {f["name"]: f for f in json.loads(text)["functions"]}

    def test_samples_a_process_and_stops(self):
        for what, name in (("misses", "miss"), ("recycles", "recycle"), ("threads", "recycle")):
            with Ticker(what) as ticker:
                text = self.succeeds("profile", ticker.pid, "--seconds", 0.5, "--rate", 1, "--json")
                names = [n for n in self.names(text) if name in n]
                self.assertEqual(len(names), 1, text)
                self.assertGreater(self.names(text)[names[0]]["allocated_objects"], 100)
                self.assertEqual(self.rate(ticker.pid), "0")
                self.assertEqual(ticker.told()[1], 4 if what == "threads" else 1)

    def test_keep_leaves_it_on_and_the_next_reads_at_once(self):
        with Ticker("misses") as ticker:
            self.succeeds("profile", ticker.pid, "-s", 0.2, "-r", "4k", "--keep")
            self.assertEqual(self.rate(ticker.pid), "4k")
            start = time.monotonic()
            self.assertIn("one in 4.0 KiB sampled", self.succeeds("profile", ticker.pid))
            self.assertLess(time.monotonic() - start, 8)
            self.fails(1, "process .*a profile is on already", "profile", ticker.pid, "--rate", "8k")
            self.succeeds("set", ticker.pid, "profile=0")

    def test_output_is_read_again(self):
        with tempfile.TemporaryDirectory() as folder, Ticker("misses") as ticker:
            path = Path(folder) / "profile"
            self.assertEqual(self.succeeds("profile", ticker.pid, "-s", 0.2, "-r", 1, "-o", path), "")
            text = self.succeeds("profile", path)
            self.assertRegex(text, r"miss\(\)")
            self.assertIn("each block recorded", text)

    def sampling(self, pid, *more, how="-s"):
        """A command that samples, from when it does."""
        run = subprocess.Popen([TOOL, "profile", str(pid), how, "60", "-r", "1", *map(str, more)], env=PLAIN,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        for _ in range(100):
            if self.rate(pid) == "1":
                break
            time.sleep(0.1)
        return run

    def test_an_interrupt_ends_the_wait_and_stops_it(self):
        for signal_number in (signal.SIGINT, signal.SIGHUP):
            with Ticker("misses") as ticker:
                run = self.sampling(ticker.pid)
                run.send_signal(signal_number)
                text, errors = run.communicate(timeout=300)
                self.assertEqual((run.returncode, errors), (OK, ""))
                self.assertRegex(text, r"miss\(\)")
                self.assertEqual(self.rate(ticker.pid), "0")

    def test_a_process_that_becomes_another_program_is_told_as_such_and_at_once(self):
        for next_has, how in (("ashlar", "-s"), ("ashlar", "--growth"), ("without", "-s")):
            with self.subTest(next_has=next_has, how=how), Process(sys.executable, "-c", EXECUTES, next_has) as executes:
                run = self.sampling(executes.pid, how=how)
                executes.process.stdin.write("\n")
                executes.process.stdin.flush()
                begun = time.monotonic()
                text, errors = run.communicate(timeout=300)
                self.assertEqual((run.returncode, text), (GONE, ""), errors)
                self.assertRegex(errors, rf"^ashlar: process {executes.pid} \(.*\): it executed another program while it was sampled\n$")
                self.assertLess(time.monotonic() - begun, 45, "it waited until the time was over")

    def test_what_was_sampled_is_shown_also_if_the_process_does_not_stop(self):
        with Ticker("pauses") as ticker:
            run = self.sampling(ticker.pid, "--wait", 0.5)
            ticker.told()
            run.send_signal(signal.SIGINT)
            text, errors = run.communicate(timeout=300)
            self.assertEqual(run.returncode, OK, errors)
            self.assertRegex(text, r"miss\(\)")
            self.assertRegex(errors, rf"did not answer .*\nashlar: the profile stays on .*\"ashlar set {ticker.pid} profile=0\" ends it\n$")
            self.assertEqual(self.rate(ticker.pid), "1")
            self.fails(NO_ANSWER, "process .*did not answer", "set", ticker.pid, "decay_ms=9", "--wait", 0.2)
            ticker.told()  # allocates, and finds the request to stop still
            self.assertEqual((self.rate(ticker.pid), self.option(ticker.pid, "decay_ms")["value"]), ("0", "1000"))
        with Ticker("misses") as ticker:
            run = self.sampling(ticker.pid, "--wait", 0.5)
            with open(f"/proc/{ticker.pid}/mem", "rb") as memory:
                fcntl.flock(memory, fcntl.LOCK_EX)
                run.send_signal(signal.SIGINT)
                text, errors = run.communicate(timeout=300)
            self.assertEqual(run.returncode, OK, errors)
            self.assertRegex(text, r"miss\(\)")
            self.assertRegex(errors, "another command is making a request to it; try again\nashlar: the profile stays on until \"ashlar set")

    def test_a_second_profile_says_what_it_includes(self):
        with Ticker("misses") as ticker:
            included = "include the samples of earlier profiles"
            self.assertNotIn(included, self.succeeds("profile", ticker.pid, "-s", 0.2, "-r", 1))
            time.sleep(1)
            text = self.succeeds("profile", ticker.pid, "-s", 0.2, "-r", 1)
            self.assertIn(included, text)
            self.assertLess(float(text.split(" after ")[1].split(" s,")[0]), 1.2)

    def test_the_output_is_opened_before_the_process_is_sampled(self):
        with Ticker("misses") as ticker, tempfile.TemporaryDirectory() as folder:
            for option in ("-o", "--pprof"):
                start = time.monotonic()
                self.fails(1, "/no/such: No such file", "profile", ticker.pid, "-s", 60, option, "/no/such")
                self.assertLess(time.monotonic() - start, 30)
            path = Path(folder) / "profile"
            path.write_text("what was there\n" * 100000)
            self.succeeds("profile", ticker.pid, "-s", 0.1, "-r", 1, "-o", path)
            self.assertTrue(path.read_text().startswith("ashlar profile 1\n"))
            self.assertRegex(self.succeeds("profile", path), r"miss\(\)")

    def test_a_terminal_is_sent_no_more_than_text(self):
        with tempfile.TemporaryDirectory() as folder:
            program = shutil.copy(TICKER, Path(folder) / "a\x1b[31mb")
            with Process(program, "misses") as ticker:
                ours, its = pty.openpty()
                run = subprocess.run([TOOL, "profile", str(ticker.pid), "-s", "0.3"], env=PLAIN, stdout=subprocess.DEVNULL, stderr=its,
                                     timeout=300, check=True)
                os.close(its)
                shown = os.read(ours, 100000)
                os.close(ours)
                self.assertEqual(run.returncode, OK)
                self.assertIn(b"sampling process", shown)
                self.assertNotIn(b"\x1b[31m", shown)

    def test_a_process_with_the_option_is_read(self):
        with Ticker("misses", options="profile=1") as ticker:
            self.assertRegex(self.succeeds("profile", ticker.pid), r"recycle\(\)")
            self.assertEqual(self.option(ticker.pid, "profile")["from"], "ASHLAR_OPTIONS")

    def test_bad_input(self):
        with Ticker("silent") as ticker:
            self.fails(NO_ANSWER, "process .*did not answer", "profile", ticker.pid, "--wait", 0.2)
            for bad in (("--rate", "0"), ("--seconds", "-1"), ("--rate", "")):
                self.fails(USAGE, "profile: ", "profile", ticker.pid, *bad)
        self.fails(USAGE, "profile: --seconds", "profile", "/dev/null", "--seconds", 1)
        self.fails(USAGE, "profile: give", "profile")
        self.fails(NO_PROCESS, "there is no process", "profile", no_such_pid())
        with Process("sh", "-c", "echo ready; read x", library="") as other:
            self.fails(5, "process .*Ashlar is not loaded", "profile", other.pid)


if __name__ == "__main__":
    unittest.main()
