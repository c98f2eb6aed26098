#!/usr/bin/env python3
"""Tests the reports on a process with huge pages of the system's reserved pool, against what the kernel counts. Sets
vm.nr_hugepages for the time of the test, which needs root; skips itself otherwise."""
import unittest
from pathlib import Path

from tool_case import Holder, ToolCase

MIB = 1 << 20
POOL = Path("/proc/sys/vm/nr_hugepages")
LARGE, COUNT = 40 * MIB, 2


def kernel_counts(pid):
    """Returns the bytes that the kernel counts for the process in such pages."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("HugetlbPages:"))
    return int(line.split()[1]) * 1024


class HugePool(ToolCase):
    def setUp(self):
        try:
            before = POOL.read_text()
            POOL.write_text("200")
        except OSError as error:
            self.skipTest(f"no right to set vm.nr_hugepages: {error}")
        self.addCleanup(POOL.write_text, before)
        if int(POOL.read_text()) < 200:
            self.skipTest("the system has too little free memory for 200 huge pages")

    def test_the_reports_have_what_the_kernel_counts(self):
        with Holder(options="hugepages=reserved") as holder:
            holder.allocate(COUNT, LARGE)
            holder.allocate(20000, 4000)
            counted = kernel_counts(holder.pid)
            zones = self.json_of("zoneinfo", holder.pid, "--json")["zones"]
            doctor = self.json_of("doctor", holder.pid, "--json")
            doctor_text = self.succeeds("doctor", holder.pid)
            smaps = self.json_of("smaps", holder.pid, "--json")["mappings"]
            zoneinfo = self.succeeds("zoneinfo", holder.pid)
        in_zone = 4096 * sum(zone["nr_hugetlb"] for zone in zones)
        self.assertGreaterEqual(counted, COUNT * LARGE)
        self.assertGreater(in_zone, 0)
        self.assertEqual(in_zone + COUNT * LARGE, counted)
        self.assertEqual({zone["zone"] for zone in zones if zone["nr_hugetlb"] != 0}, {"Huge"})
        self.assertEqual(doctor["split"]["hugetlb"], counted)
        self.assertRegex(doctor_text, rf"(?m)of the reserved pool \(not in RSS\) +{counted} ")
        self.assertEqual(sum(mapping["private_hugetlb"] for mapping in smaps), counted)
        self.assertRegex(zoneinfo, rf"(?m)^ +nr_hugetlb +{in_zone // 4096}$")

    def test_without_the_option_the_figures_are_zero(self):
        with Holder() as holder:
            holder.allocate(COUNT, LARGE)
            self.assertEqual(kernel_counts(holder.pid), 0)
            zones = self.json_of("zoneinfo", holder.pid, "--json")["zones"]
            self.assertEqual([zone["nr_hugetlb"] for zone in zones], [0] * len(zones))
            self.assertNotIn("of the reserved pool", self.succeeds("doctor", holder.pid))


if __name__ == "__main__":
    unittest.main(verbosity=2)
