#!/usr/bin/env python3
"""Tests swap areas in the reports: ashlar swapinfo, and the figures of meminfo, metrics, doctor, smaps and zoneinfo."""
import os
import re
import shutil
import tempfile
import unittest

from tool_case import NO_ASHLAR, NO_PROCESS, Holder, Process, ToolCase, no_such_pid

MIB = 1 << 20
HOSTILE = os.environ["ASHLAR_TEST_HOSTILE"]
SWAPPED = os.environ["ASHLAR_TEST_SWAPPED"]
HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class Swapped(Process):
    """A program with two swap areas, which says what lies in each."""

    def __init__(self, folder, *arguments, **keywords):
        super().__init__(SWAPPED, folder, *arguments, **keywords)
        self.said = {}

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) != "ready\n":
            _, name, number = line.split()
            self.said[name] = int(number, 16)


class Swap(ToolCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_swapinfo_is_as_proc_swaps(self):
        with Swapped(self.folder) as program:
            folder = os.path.abspath(self.folder)
            empty = self.succeeds("swapinfo", program.pid)
            program.step()
            full = self.succeeds("swapinfo", program.pid)
            areas = self.json_of("swapinfo", program.pid, "--json")
            program.step()
            program.step()
            last = self.succeeds("swapinfo", program.pid)
        first = f"{folder}/first"
        self.assertEqual(empty, HEAD + f"{first:<39} file\t\t65536\t\t0\t\t7\n"
                         + f"{folder}/second\\040area\\134\\012\\xff file\t\t32768\t\t0\t\t-1\n")
        self.assertIn(f"{first:<39} file\t\t65536\t\t{(51 * MIB + 4096) // 1024}\t\t7\n", full)
        self.assertIn(f" file\t\t32768\t\t{25 * 1024}\t\t-1\n", full)
        self.assertFalse(areas["approximate"])
        one = areas["areas"][0]
        self.assertEqual(one, {"filename": first, "type": "file", "size": 64 * MIB, "used": 51 * MIB + 4096,
                               "backed": one["backed"], "advised": 0, "priority": 7})
        self.assertGreaterEqual(one["backed"], one["used"])
        self.assertEqual(last, HEAD + f"{first:<39} file\t\t65536\t\t{(21 * MIB + 4096) // 1024}\t\t7\n")

    def test_swapinfo_without_areas(self):
        with Holder() as holder, Holder(preload=False) as without:
            self.assertEqual(self.succeeds("swapinfo", holder.pid), HEAD)
            self.assertEqual(self.json_of("swapinfo", holder.pid, "--json")["areas"], [])
            self.fails(NO_ASHLAR, "", "swapinfo", without.pid)
            self.assertNotIn("SwapArea", self.succeeds("meminfo", holder.pid))
            self.assertNotIn("swap_area", self.json_of("doctor", holder.pid, "--json"))
            self.assertNotIn("ashlar_swap_area_used_bytes{", self.succeeds("metrics", holder.pid))
        self.fails(NO_PROCESS, "there is no process", "swapinfo", no_such_pid())

    def test_the_option_makes_the_area(self):
        with Holder(options=f"swap={self.folder}:64m:5") as holder:
            folder = os.path.abspath(self.folder)
            self.assertEqual(self.succeeds("swapinfo", holder.pid), HEAD + f"{folder:<39} file\t\t65536\t\t0\t\t5\n")
            options = {option["name"]: option for option in self.json_of("options", holder.pid, "--json")}
            self.assertEqual((options["swap"]["value"], options["swap"]["from"]), ("1 area", "ASHLAR_OPTIONS"))

    def test_the_other_reports_tell_areas_from_the_kernels_swap(self):
        with Swapped(self.folder) as program:
            program.step()
            used, size = program.said["used0"] + program.said["used1"], 96 * MIB
            meminfo = self.succeeds("meminfo", program.pid)
            numbers = self.json_of("meminfo", program.pid, "--json")["swap_areas"]
            doctor = self.json_of("doctor", program.pid, "--json")
            doctor_text = self.succeeds("doctor", program.pid)
            metrics = self.succeeds("metrics", program.pid)
            smaps = self.json_of("smaps", program.pid, "--json")["mappings"]
            zones = {zone["zone"]: zone for zone in self.json_of("zoneinfo", program.pid, "--json")["zones"]}
        self.assertEqual(used, 76 * MIB + 4096)
        self.assertEqual(numbers, {"total": size, "free": size - used})
        self.assertRegex(meminfo, rf"(?m)^SwapAreaTotal +{size // 1024} kB  \w")
        self.assertRegex(meminfo, rf"(?m)^SwapAreaFree +{(size - used) // 1024} kB  \w")
        self.assertEqual((doctor["swap_areas"]["size"], doctor["swap_areas"]["used"]), (size, used))
        self.assertGreaterEqual(doctor["swap_areas"]["backed"], used)
        self.assertRegex(doctor_text, rf"(?m)^swap areas of the process +{size} ")
        self.assertRegex(doctor_text, rf"(?m)^  in use, resident or in the file +{used} ")
        points = {}
        for name, area, value in re.findall(r'^ashlar_swap_area_(\w+)_bytes{.*area="(\d)",path=".*"} (\d+)$', metrics, re.M):
            points[name, int(area)] = int(value)
        self.assertEqual({place: value for place, value in points.items() if place[0] != "backed"},
                         {("size", 0): 64 * MIB, ("size", 1): 32 * MIB,
                          ("used", 0): program.said["used0"], ("used", 1): program.said["used1"]})
        self.assertEqual(points["backed", 0], program.said["backed0"])
        self.assertEqual(sum(m["end"] - m["start"] for m in smaps if m["purpose"] == "swap area"), size)
        self.assertEqual(sum(m["swap"] for m in smaps if m["purpose"] == "swap area"), 0)  # the kernel's
        self.assertEqual({zones["Swap0"]["nr_live"], zones["Swap1"]["nr_live"]},
                         {program.said["used0"] // 4096, program.said["used1"] // 4096})
        self.assertIn('zone="Swap0"', metrics)

    def test_blocks_that_the_kernel_was_told_of_are_counted_by_zone(self):
        # without an age, a block is told of when the next one is taken from the same zone
        with Swapped(self.folder, "early", options="cold=cold,decay_ms=0") as program:
            program.step()
            zones = {zone["zone"]: 4096 * zone["nr_advised"] for zone in self.json_of("zoneinfo", program.pid, "--json")["zones"]}
            areas = self.json_of("swapinfo", program.pid, "--json")["areas"]
            doctor = self.json_of("doctor", program.pid, "--json")
            doctor_text = self.succeeds("doctor", program.pid)
            metrics = self.succeeds("metrics", program.pid)
        if any(advice["about"] == "cold" for advice in doctor["advice"]):
            self.skipTest("the kernel refuses MADV_COLD")
        for zone, told, given in (("Normal", 5, 10), ("Swap0", 50, 52), ("Swap1", 0, 25)):
            self.assertGreaterEqual(zones[zone], told * MIB, zone)
            self.assertLessEqual(zones[zone], given * MIB, zone)
        self.assertEqual([area["advised"] for area in areas], [zones["Swap0"], zones["Swap1"]])
        self.assertEqual(doctor["advised"], sum(zones.values()))
        self.assertRegex(doctor_text, rf"(?m)^reported to the kernel as idle \(cold\) +{doctor['advised']} ")
        points = re.findall(r'^ashlar_advised_bytes_total{.*zone="(\w+)"} (\d+)$', metrics, re.M)
        self.assertEqual({zone: int(value) for zone, value in points}, zones)

    def test_a_made_up_table_is_not_trusted(self):
        with Process(HOSTILE, "swap") as program:
            text = self.succeeds("swapinfo", program.pid)
            report = self.json_of("swapinfo", program.pid, "--json")
            for command in ("doctor", "smaps", "meminfo", "metrics", "zoneinfo"):
                self.succeeds(command, program.pid)
        self.assertTrue(report["approximate"])
        self.assertEqual([area["size"] for area in report["areas"]], [2 * MIB, MIB])
        self.assertEqual([area["priority"] for area in report["areas"]], [-2147483647] * 2)
        self.assertEqual(len(text.splitlines()), 3)
        self.assertIn("/\\033[2J\\040\\012\\u202e ", text)
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


if __name__ == "__main__":
    unittest.main()
