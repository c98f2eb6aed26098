#!/usr/bin/env python3
"""Compares `ashlar leaks` and `ashlar who` with what a program knows of its own blocks."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tool_case import FAILED, LIBRARY, NO_ASHLAR, NO_PROCESS, OK, PLAIN, TOOL, USAGE, Holder, Process, ToolCase, ashlar, no_such_pid

BUSY = os.environ["ASHLAR_TEST_BUSY"]
LEAKING = os.environ["ASHLAR_TEST_LEAKING"]
LEAKING_IN_LIBRARY = os.environ["ASHLAR_TEST_LEAKING_IN_LIBRARY"]
LEAKING_STATIC = os.environ["ASHLAR_TEST_LEAKING_STATIC"]
MODES = ("", "harden", "slab_debug=FZP", "slob", "guard_sample=1", "profile=1", "profile=1g", "profile=1,harden", "numa_fake=2", "mmap_threshold=64k")
GCORE = "/usr/bin/gcore"


def wait_until_asleep(pid, running=0):
    """Until all threads of a process wait, except so many."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        states = [Path(f"/proc/{pid}/task/{task}/stat").read_text().rsplit(")", 1)[1].split()[0] for task in os.listdir(f"/proc/{pid}/task")]
        if states.count("S") + running >= len(states):
            return
        time.sleep(0.01)


LARGEST = 40 << 20  # of what the program leaks


class Leaking:
    """A process that says what it leaks and what it holds. A stack has words whose lower half alone was written, with 0: where a block
    holds a multiple of 4 GiB, such a word may point to it. So that is another process."""

    def __init__(self, *words, library=LIBRARY, options="", program=LEAKING):
        environment = {**PLAIN, "ASHLAR_OPTIONS": options, **({"LD_PRELOAD": library} if library else {})}
        for attempt in range(20):
            if attempt != 0:
                self.__exit__()
            self.start(program, words, environment)
            if all(address >> 32 == (address + LARGEST) >> 32 for address in {*self.direct, *self.indirect}):
                break

    def start(self, program, words, environment):
        self.process = subprocess.Popen([program, *words], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.said = {"lost": [], "behind": [], "circle": [], "held": []}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            kind, address = line.split()
            self.said[kind].append(int(address, 16))
        self.tasks = sorted(int(task) for task in os.listdir(f"/proc/{self.pid}/task"))
        wait_until_asleep(self.pid, 1 if words else 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(timeout=300)
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def direct(self):
        return {*self.said["lost"], min(self.said["circle"])}

    @property
    def indirect(self):
        return {*self.said["behind"], max(self.said["circle"])}


class Leaks(ToolCase):
    def assert_as_said(self, process, report):
        """All that the program leaked is reported, and nothing else."""
        direct = {block["address"] for block in report["blocks"] if block["direct"]}
        indirect = {block["address"] for block in report["blocks"] if not block["direct"]}
        self.assertEqual(direct, process.direct, [hex(address) for address in direct ^ process.direct])
        self.assertEqual(indirect, process.indirect, [hex(address) for address in indirect ^ process.indirect])
        self.assertEqual(report["leaked"]["blocks"], len(direct | indirect))
        self.assertEqual(report["leaked"]["direct_blocks"], len(direct))
        self.assertEqual(sum(row["blocks"] for row in report["classes"]), report["leaked"]["blocks"])
        self.assertEqual(sum(row["bytes"] for row in report["classes"]), report["leaked"]["bytes"])

    def test_every_mode_reports_what_was_lost_and_no_more(self):
        for options in MODES:
            with self.subTest(options=options), Leaking(options=options) as process:
                self.assertGreater(len(process.said["lost"]), 7)
                self.assert_as_said(process, self.json_of("leaks", process.pid, "--json", "--top", 1000))

    def test_a_stopped_process_is_scanned_once_and_goes_on(self):
        for words in ((), ("run",)):
            with self.subTest(words=words), Leaking(*words) as process:
                report = self.json_of("leaks", process.pid, "--json", "--top", 1000, "--stop")
                self.assert_as_said(process, report)
                self.assertEqual(report["threads"], {"all": len(process.tasks), "registers_not_known": 0})
                before = self.processor_time(process.pid)
                deadline = time.monotonic() + 20
                while words and self.processor_time(process.pid) == before and time.monotonic() < deadline:
                    time.sleep(0.05)
                self.assertTrue(not words or self.processor_time(process.pid) > before, "it stands still")

    def processor_time(self, pid):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11])

    def test_says_which_registers_are_not_known(self):
        with Leaking("run") as process:
            self.assertRegex(self.succeeds("leaks", process.pid), "Registers of ([23]) of \\1 threads are not known")
            self.assertNotIn("Registers", self.succeeds("leaks", process.pid, "--stop"))

    def test_a_static_program(self):
        with Leaking(program=LEAKING_STATIC, library="") as process:
            self.assert_as_said(process, self.json_of("leaks", process.pid, "--json", "--top", 1000))

    def test_a_library_that_has_ashlar_linked_in(self):
        """Its own variables hold blocks. Ashlar's lie among them, and may name an edge of a large one."""
        with Leaking(program=LEAKING_IN_LIBRARY, library="") as process:
            report = self.json_of("leaks", process.pid, "--json", "--top", 1000)
            reported = {block["address"] for block in report["blocks"]}
            self.assertEqual(reported & set(process.said["held"]), set())
            self.assertGreaterEqual(len(reported), len(process.direct | process.indirect) - 1)

    def core_of(self, process, folder):
        if not os.access(GCORE, os.X_OK):
            self.skipTest("gcore is not installed (Debian package gdb)")
        made = subprocess.run([GCORE, "-o", f"{folder}/core", str(process.pid)], capture_output=True, text=True, timeout=300, check=False)
        if "Operation not permitted" in made.stderr:
            self.skipTest("ptrace is forbidden here")
        return f"{folder}/core.{process.pid}"

    def test_a_core_file(self):
        for options in ("", "harden"):
            with self.subTest(options=options), tempfile.TemporaryDirectory() as folder, Leaking("run", options=options) as process:
                core = self.core_of(process, folder)
                report = self.json_of("leaks", "--core", core, "--json", "--top", 1000)
                self.assert_as_said(process, report)
                self.assertEqual(report["threads"]["registers_not_known"], 0)

    def test_exact_mode_has_the_stack_of_every_block(self):
        with Leaking(options="profile=1") as process:
            report = self.json_of("leaks", process.pid, "--json", "--top", 1000)
            self.assert_as_said(process, report)
            self.assertEqual(sum(site["blocks"] for site in report["sites"]), report["leaked"]["blocks"], report["sites"])
            for site in report["sites"]:
                self.assertTrue(any("lose" in function for function in site["stack"]), site)
            sizes = sorted(block["requested"] for block in report["blocks"] if "requested" in block)
            self.assertEqual(sizes, [24, 64, 100, 104, 104, 104, 104, 104, 200, 500, 700, 1000, 1500, 3000, 9000, 20000, 40000, 100000, 40 << 20])
            self.assertIn("lose_chain", self.succeeds("leaks", process.pid))

    def test_names_the_heap_that_a_block_is_of(self):
        with Leaking() as process:
            report = self.json_of("leaks", process.pid, "--json", "--top", 1000)
            blocks = [block for block in report["blocks"] if block["class"] == "heap:leaking"]
            self.assertEqual(sorted(block["bytes"] for block in blocks), [64, 112, 768, 1536, 12288, 40960])
            self.assertEqual(sum(block["direct"] for block in blocks), 5)
            self.assertEqual([row["blocks"] for row in report["classes"] if row["class"] == "heap:leaking"], [6])
            self.assertEqual(len(self.json_of("walk", process.pid, "--json", "--class", "heap:leaking")), 7)
            lost = next(block["address"] for block in blocks if block["bytes"] == 112)
            behind = next(block["address"] for block in blocks if block["bytes"] == 1536)
            who = self.json_of("who", process.pid, hex(behind + 5), "--json")
            self.assertEqual((who["block"]["class"], [row["block"] for row in who["references"]]), ("heap:leaking", [lost]))
            self.assertIn("of heap:leaking", self.succeeds("who", process.pid, hex(lost)))

    def test_top_and_min(self):
        with Leaking() as process:
            report = self.json_of("leaks", process.pid, "--json", "--min", "50k", "--top", 1)
            self.assertEqual(report["leaked"]["blocks"], 2)
            self.assertEqual([block["address"] for block in report["blocks"]], [process.said["lost"][5]])
            text = self.succeeds("leaks", process.pid, "--top", 3)
            self.assertEqual(len(re.findall(r"(?m)^ *0x[0-9a-f]+ .*(?:directly|indirectly)", text)), 3, text)

    def test_wrong_input(self):
        self.fails(NO_PROCESS, "there is no process", "leaks", no_such_pid())
        self.fails(NO_PROCESS, "there is no process", "who", no_such_pid(), "0x1000")
        self.fails(NO_ASHLAR, ".*Ashlar is not loaded", "leaks", os.getpid())
        self.fails(USAGE, '.*--min: .*"5x".*bytes', "leaks", 1, "--min", "5x")
        self.fails(USAGE, "give the number of a process", "leaks")
        self.fails(USAGE, "leaks: stop was given a disallowed flag override", "leaks", 1, "--stop=3")
        with Holder() as holder:
            self.fails(USAGE, '"zz" is not an address', "who", holder.pid, "zz")
            self.fails(USAGE, '"zz" is not an address', "leaks", holder.pid, "--registers", "1:zz")
            self.fails(USAGE, '"1,2": expected the number of a thread', "leaks", holder.pid, "--registers", "1,2")
            self.fails(USAGE, '"" is not an address', "leaks", holder.pid, "--registers", f"{holder.pid}:")
            self.fails(USAGE, "--registers 1: no such thread", "leaks", holder.pid, "--registers", "1:dead")

    def test_registers_that_a_debugger_has(self):
        with Leaking() as process:
            lost = process.said["lost"][0]
            report = self.json_of("leaks", process.pid, "--json", "--top", 1000, "--registers", f"{process.pid}:0,{lost + 3:x},ff")
            self.assertNotIn(lost, {block["address"] for block in report["blocks"]})
            self.assertEqual(report["threads"]["registers_not_known"], report["threads"]["all"] - 1)

    def test_a_process_that_churns_has_no_false_leaks(self):
        program = "a = {}\nimport sys\nprint('ready', flush=True)\ni = 0\nwhile True:\n i += 1\n a[i % 5000] = bytes(i % 3000)\n"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "churn.py").write_text(program)
            with subprocess.Popen([sys.executable, f"{folder}/churn.py"], env={**PLAIN, "LD_PRELOAD": LIBRARY, "PYTHONMALLOC": "malloc"},
                                  stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "ready\n")
                report = self.json_of("leaks", process.pid, "--json", "--stop")
                process.kill()
        self.assertGreater(report["live"]["blocks"], 4000)
        self.assertLess(report["leaked"]["direct_blocks"], 0.005 * report["live"]["blocks"], report["leaked"])

    def test_addresses_that_a_busy_process_uses_again_are_no_leaks(self):
        """Of its 4000 blocks, two scans alone do not reach about a hundred."""
        with Process(BUSY, 20) as process:
            looks = [self.json_of("leaks", process.pid, "--json", "--top", 0) for _ in range(9)]
            self.assertEqual(self.json_of("leaks", process.pid, "--json", "--stop")["leaked"]["blocks"], 0)
        leaked = sorted(look["leaked"]["blocks"] for look in looks)
        said = [(look["leaked"]["blocks"], look["live"]["blocks"], look["approximate"]) for look in looks]
        self.assertLess(leaked[len(leaked) // 2], 10, said)
        self.assertEqual([look for look in said if look[0] >= 10 and not look[2]], [])

    def test_a_busy_process_is_told_with_what_helps(self):
        with Process(BUSY, 20) as process:
            for _ in range(100):
                text = self.succeeds("leaks", process.pid)
                if "It was busy" in text:
                    self.assertIn("It was busy while it was read: ", text)
                    self.assertIn("; with --stop nothing changes.", text)
                    break
            else:
                self.fail("a busy process was never busy")
            self.assertNotIn("with --stop", self.succeeds("leaks", process.pid, "--stop"))


class AtEnd(ToolCase):
    def run_to_end(self, *words, **more):
        return ashlar("run", "--leaks", *words, stdin=subprocess.DEVNULL, **more)

    def test_reports_what_the_program_leaks(self):
        run = self.run_to_end("--options", "profile=1", "--", LEAKING)
        self.assertEqual(run.returncode, OK, run.stderr)
        said = [line.split() for line in run.stdout.splitlines() if line != "ready"]
        rows = dict(re.findall(r"(?m)^ *0x([0-9a-f]+) .*\b(directly|indirectly)\b", run.stderr))
        reported = {int(address, 16): how for address, how in rows.items()}
        of = {kind: [int(address, 16) for name, address in said if name == kind] for kind in ("lost", "behind", "circle", "held")}
        self.assertEqual({reported.get(address) for address in of["lost"]}, {"directly"}, run.stderr)
        self.assertEqual({reported.get(address) for address in of["behind"]}, {"indirectly"}, run.stderr)
        # what only main's own variable held is lost when main has returned
        self.assertLessEqual(len(set(of["held"]) & set(reported)), 1, run.stderr)
        self.assertIn("lose_chain", run.stderr)

    def test_the_program_ends_as_without_it(self):
        for script, code in (("exit 7", 7), ("kill -TERM $$", 128 + 15), ("trap 'exit 3' INT; kill -INT $$; exit 4", 3), ("(sleep 0.3; kill -CONT $$) & kill -STOP $$; exit 5", 5)):
            with self.subTest(script=script):
                run = self.run_to_end("--", "sh", "-c", script)
                self.assertEqual(run.returncode, code, run.stderr)
                self.assertRegex(run.stderr, r"^process \d+ \(sh\): nothing points to 0 of \d+ live blocks")

    def test_a_program_that_is_replaced_is_the_new_one(self):
        run = self.run_to_end("--", "sh", "-c", "exec perl -e 'print 1'")
        self.assertEqual((run.returncode, run.stdout), (OK, "1"), run.stderr)
        self.assertRegex(run.stderr, r"^process \d+ \(perl\): nothing points to \d+ of \d+ live blocks")

    def test_signals_to_the_command_reach_the_program(self):
        for name in ("TERM", "HUP", "USR1", "USR2"):
            script = f"trap 'exit 3' {name}; echo ready; i=0; while [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done; exit 4"
            with self.subTest(name=name), subprocess.Popen([TOOL, "run", "--leaks", "--", "sh", "-c", script], env=PLAIN, stdout=subprocess.PIPE,
                                                           stderr=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.send_signal(getattr(signal, f"SIG{name}"))
                _, errors = process.communicate(timeout=300)
                self.assertEqual(process.returncode, 3, errors)

    def test_a_main_thread_that_ends_first_is_one_line(self):
        program = ("import ctypes, threading, time\n"
                   "threading.Thread(target=lambda: (time.sleep(3), __import__('os')._exit(6))).start()\n"
                   "ctypes.CDLL(None).pthread_exit(None)\n")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "ends.py").write_text(program)
            run = self.run_to_end("--", sys.executable, f"{folder}/ends.py")
        self.assertEqual(run.returncode, 6, run.stderr)
        self.assertEqual(run.stderr, "ashlar: the program is not looked at: its main thread has ended before other threads\n")

    def test_no_such_program_is_one_line(self):
        self.assertEqual(self.run_to_end("--", "/no/such").stderr, "ashlar: run: /no/such: no such program\n")

    def test_a_program_without_ashlar_is_one_line(self):
        run = self.run_to_end("--", "env", "-u", "LD_PRELOAD", "sh", "-c", "exit 6")
        self.assertEqual(run.returncode, 6)
        self.assertRegex(run.stderr, r"^ashlar: run: --leaks: process \d+ \(sh\): Ashlar is not loaded in it\n$")


class Programs(ToolCase):
    """Programs that people run have next to nothing that nothing points to."""

    PROGRAMS = {
        "python3": ([sys.executable, "-i", "-q", "-c", "import json, re, threading"], {"PYTHONMALLOC": "malloc"}, None),
        "sqlite3": (["sqlite3"], {}, "create table t(a, b); insert into t values(1, 2); select 'there', count(*) from t;\n"),
        "perl": (["perl", "-e", "$x{$_} = [1..9] for 1..999; $| = 1; print qq(there\n); <STDIN>"], {}, None),
        "redis": (["redis-server", "--port", "0", "--unixsocket", "{}/socket", "--save", ""], {}, None),
    }

    def test_no_false_leaks(self):
        for name, (words, environment, text) in self.PROGRAMS.items():
            if shutil.which(words[0]) is None:
                continue
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                with subprocess.Popen([word.replace("{}", folder) for word in words], env={**PLAIN, "LD_PRELOAD": LIBRARY, **environment}, cwd=folder,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
                    if text is not None:
                        process.stdin.write(text)
                        process.stdin.flush()
                    self.wait_until_idle(process.pid)
                    report = self.json_of("leaks", process.pid, "--json", "--stop")
                    process.kill()
                self.assertGreater(report["live"]["blocks"], 20)
                self.assertLessEqual(report["leaked"]["direct_blocks"], max(2, 0.002 * report["live"]["blocks"]), report)

    def wait_until_idle(self, pid):
        def spent():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return fields[0], fields[11], fields[12]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            before = spent()
            time.sleep(0.5)
            if before[0] == "S" and spent() == before:
                return


class Walk(ToolCase):
    def test_has_every_block_that_the_program_holds(self):
        for options in MODES:
            with self.subTest(options=options), Leaking(options=options) as process:
                blocks = self.json_of("walk", process.pid, "--json")
                addresses = [block["address"] for block in blocks]
                self.assertEqual(addresses, sorted(addresses))
                said = {address for kind in process.said.values() for address in kind}
                self.assertEqual(said - set(addresses), set())
                # and what libc holds
                self.assertLess(len(addresses), len(said) + 20)

    def test_reports_know_samples_one_by_one(self):
        """They lie in runs of their own, of which a few blocks are live."""
        with Holder(options="profile=1") as holder:
            holder.allocate(2000, 100)
            full = self.json_of("doctor", holder.pid, "--json")
            holder.allocate(1995, 0)
            rest = self.json_of("doctor", holder.pid, "--json")
            for report in (full, rest):
                self.assertLess(abs(report["smaps"]["difference"]), 0.01 * report["smaps"]["ashlar_rss"] + 1, report["smaps"])
            self.assertGreater(full["split"]["live"] - rest["split"]["live"], 1995 * 100, rest["split"])
        with Leaking(options="profile=1") as process:
            for state, address in (("live", process.said["lost"][1]), ("free", process.said["lost"][1] + 8 * 112)):
                fact = self.json_of("page", process.pid, hex(address + 3), "--json")
                self.assertEqual((fact["block"], fact["state"]), (address, state), fact)

    def test_chooses_by_class_and_size(self):
        with Holder() as holder:
            holder.allocate(50, 100)
            all_rows = [line.split() for line in self.succeeds("walk", holder.pid).splitlines()]
            classes = [row[2] for row in all_rows]
            most = max(classes, key=classes.count)
            self.assertGreaterEqual(classes.count(most), 50)
            rows = [line.split() for line in self.succeeds("walk", holder.pid, "--class", most).splitlines()]
            self.assertEqual(rows, [row for row in all_rows if row[2] == most])
            self.assertEqual(self.succeeds("walk", holder.pid, "--min", "1g"), "")
            for name in ("run", "vmalloc", "guarded", "slob", "checked"):
                self.assertLessEqual({line.split()[2] for line in self.succeeds("walk", holder.pid, "--class", name).splitlines()}, {name})
            for name in ("nosuch", "heap:nosuch"):
                self.fails(USAGE, f'walk: --class "{name}": the process has no such class', "walk", holder.pid, "--class", name)
            self.assertEqual(self.json_of("walk", holder.pid, "--min", "1g", "--json"), [])


class Who(ToolCase):
    def test_says_what_points_to_a_block(self):
        for options in ("", "harden", "slob"):
            with self.subTest(options=options), Leaking(options=options) as process:
                held = process.said["held"]
                report = self.json_of("who", process.pid, hex(held[1] + 5), "--json")
                self.assertEqual((report["block"]["address"], report["block"]["state"]), (held[1], "live"))
                self.assertEqual([(r["in"], r["value"]) for r in report["references"]], [("memory", held[1] + 99)])
                self.assertIn("leaking", report["references"][0]["text"])
                chained = self.json_of("who", process.pid, hex(held[6]), "--json")["references"]
                self.assertEqual([(r["in"], r.get("block"), r["value"]) for r in chained], [("block", held[5], held[6] + 69000)])

    def test_registers_that_a_debugger_has(self):
        with Leaking() as process:
            lost = process.said["lost"][0]
            report = self.json_of("who", process.pid, hex(lost), "--json", "--registers", f"{process.pid}:0,{lost + 3:x},ff")
            self.assertEqual([{name: row[name] for name in row if name != "text"} for row in report["references"]],
                             [{"in": "register", "value": lost + 3, "thread": process.pid}])
            self.fails(USAGE, "--registers [0-9]+: no such thread", "who", process.pid, hex(lost), "--registers", f"{no_such_pid()}:{lost:x}")
            text = self.succeeds("who", process.pid, hex(lost), "--registers", f"{process.pid}:{lost:x}")
            self.assertRegex(text, f"(?m)^ *\\+0 +a register of thread {process.pid}$")

    def test_a_stopped_process_goes_on_before_the_report_is_written(self):
        """It may be what shows the report: a terminal that takes no more output."""
        with Leaking() as process:
            master, terminal = pty.openpty()
            os.set_blocking(terminal, False)
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(terminal, b"full\n")
            os.set_blocking(terminal, True)
            writer = subprocess.Popen([TOOL, "who", str(process.pid), hex(process.said["circle"][0]), "--stop"], env=PLAIN, stdout=terminal)
            self.wait_until_it_writes(writer.pid)
            tracer = re.search(r"TracerPid:\t(\d+)", Path(f"/proc/{process.pid}/status").read_text()).group(1)
            while writer.poll() is None:
                if select.select([master], [], [], 0.1)[0]:
                    os.read(master, 65536)
            os.close(terminal)
            os.close(master)
            self.assertEqual((tracer, writer.returncode), ("0", OK))

    def wait_until_it_writes(self, pid):
        """Until a process waits in a system call whose first argument is stdout."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and Path(f"/proc/{pid}/syscall").read_text().split()[1:2] != ["0x1"]:
            time.sleep(0.01)

    def test_says_whose_stack_it_is(self):
        with Leaking() as process:
            on_stack = process.said["held"][-3:]
            tasks = set(process.tasks[:2])  # a third one is Ashlar's helper
            references = [self.json_of("who", process.pid, hex(address), "--json")["references"] for address in on_stack]
            threads = {r["thread"] for rows in references for r in rows if r["in"] == "stack"}
            self.assertEqual(threads, tasks, references)

    def test_a_lost_block_and_its_stack(self):
        with Leaking(options="profile=1") as process:
            report = self.json_of("who", process.pid, hex(process.said["lost"][2]), "--json")
            self.assertEqual(report["references"], [])
            self.assertEqual(report["block"]["requested"], 1000)
            self.assertTrue(any("lose" in function for function in report["stack"]), report)
            text = self.succeeds("who", process.pid, hex(process.said["lost"][2]))
            self.assertIn("Nothing points to it", text)
            self.assertIn("1000 asked for", text)

    def test_top_bounds_the_list(self):
        with Holder() as holder:
            holder.allocate(2000, 100)
            report = self.json_of("leaks", holder.pid, "--json")
            self.assertEqual(report["leaked"]["blocks"], 0, report)
        with Leaking() as process:
            first = self.json_of("who", process.pid, hex(process.said["circle"][0]), "--json", "--top", 0)
            self.assertEqual((first["references"], first["more"]), ([], 1))

    def test_a_core_file(self):
        with tempfile.TemporaryDirectory() as folder, Leaking() as process:
            core = Leaks.core_of(self, process, folder)
            report = self.json_of("who", "--core", core, hex(process.said["circle"][0]), "--json")
            self.assertEqual([r["block"] for r in report["references"]], [process.said["circle"][1]])

    def test_an_address_that_is_no_block(self):
        with Holder() as holder:
            pid = holder.pid
            self.fails(FAILED, r".*there is no block at 0x10: nothing is mapped there", "who", pid, "10")
            stack = re.search(r"(?m)^([0-9a-f]+)-\S+ .*\[stack\]", self.succeeds("smaps", pid)).group(1)
            self.fails(FAILED, r".*there is no block at 0x[0-9a-f]+: it is in memory that is not Ashlar's \(main stack", "who", pid, stack)
            self.assertNotEqual(ashlar("who", pid).returncode, 0)


if __name__ == "__main__":
    unittest.main()
