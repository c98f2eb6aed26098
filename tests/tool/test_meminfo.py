#!/usr/bin/env python3
"""Tests ashlar meminfo: the lines of /proc/meminfo, and a process's share of them."""
import re
import subprocess
import unittest
from pathlib import Path

from tool_case import FAILED, GONE, NO_PROCESS, PLAIN, TOOL, USAGE, Holder, ToolCase, no_such_pid

MIB = 1 << 20


def names_of_the_kernel():
    return re.findall(r"^([^:]+):", Path("/proc/meminfo").read_text(), re.M)


class Meminfo(ToolCase):
    def test_shows_every_line_explained(self):
        text = self.succeeds("meminfo")
        names = [line.split()[0] for line in text.splitlines()[1:]]
        self.assertEqual(names, names_of_the_kernel())
        self.assertRegex(text, r"(?m)^MemTotal +\d+ kB  [A-Z].{20,}$")
        self.assertRegex(text, r"(?m)^HugePages_Total +\d+  \w.{20,}$")

    def test_json_has_the_same_in_bytes(self):
        lines = self.json_of("meminfo", "--json")["lines"]
        self.assertEqual([line["name"] for line in lines], names_of_the_kernel())
        total = int(re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text()).group(1)) * 1024
        self.assertEqual(lines[0]["value"], total)
        self.assertEqual(lines[0]["unit"], "bytes")
        for line in lines:
            self.assertNotIn("share", line)

    def test_a_process_has_its_share(self):
        with Holder() as holder:
            before = self.share_of(holder)
            holder.allocate(20, MIB)
            after = self.share_of(holder)
            self.assertGreaterEqual(after["AnonPages"] - before["AnonPages"], 20 * MIB)
            self.assertLess(after["AnonPages"] - before["AnonPages"], 22 * MIB)
            self.assertGreaterEqual(after["MemTotal"] - before["MemTotal"], 20 * MIB)
            self.assertIsNone(after["MemFree"])
            self.assertRegex(self.succeeds("meminfo", holder.pid).splitlines()[0], f"system +tool_holder {holder.pid} +meaning")

    def share_of(self, holder):
        report = self.json_of("meminfo", holder.pid, "--json")
        self.assertEqual(report["process"], {"pid": holder.pid, "name": "tool_holder"})
        return {line["name"]: line["share"] for line in report["lines"]}

    def test_errors(self):
        self.fails(NO_PROCESS, "there is no process", "meminfo", no_such_pid())
        self.fails(USAGE, 'meminfo: .*"x": expected a process number', "meminfo", "x")
        self.fails(USAGE, "meminfo: ", "meminfo", "0")
        self.fails(USAGE, "meminfo: ", "meminfo", "99999999999999")
        self.fails(USAGE, "meminfo: ", "meminfo", "--no-such-option")
        with subprocess.Popen(["true"]) as zombie:
            while "State:\tZ" not in Path(f"/proc/{zombie.pid}/status").read_text():
                pass
            self.fails(GONE, rf"process {zombie.pid} \(true\): it has ended$", "meminfo", zombie.pid)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([TOOL, "meminfo"], stdout=full, stderr=subprocess.PIPE, text=True, env=PLAIN, check=False)
        self.assertEqual((run.returncode, run.stderr), (FAILED, "ashlar: cannot write to standard output: No space left on device\n"))


if __name__ == "__main__":
    unittest.main()
