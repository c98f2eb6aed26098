#!/usr/bin/env python3
"""Tests ashlar map: the page is complete in itself, and its data describes every page of the heap."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import FAILED, NO_ASHLAR, PLAIN, USAGE, Holder, ToolCase

MIB = 1 << 20
SLAB, RUN, VMALLOC, DIRTY, CLEAN = range(5)
PAGE = 4096


def data_of(page):
    return json.loads(re.search(r"^const DATA = (.*);$", page, re.M).group(1))


def blocks_of(region):
    """(kind, pages, more) of each block."""
    numbers, at = region["blocks"], 0
    while at < len(numbers):
        kind = numbers[at]
        more = 3 if kind == SLAB else 1 if kind in (DIRTY, CLEAN) else 0
        yield kind, numbers[at + 1], numbers[at + 2:at + 2 + more]
        at += 2 + more


class Map(ToolCase):
    def page_of(self, holder):
        return self.succeeds("map", holder.pid, "-o", "-")

    def test_needs_nothing_from_elsewhere(self):
        with Holder() as holder:
            page = self.page_of(holder)
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        self.assertFalse(re.findall(r"(?:src|href)=|https?://|@import|%[A-Z]+%", page))
        self.assertIn("default-src 'none'", page)
        self.assertIn(f"process {holder.pid} (tool_holder)", page)

    def test_shows_known_blocks(self):
        with Holder() as holder:
            before = self.count(data_of(self.page_of(holder)))
            holder.allocate(20000, 1000)
            holder.allocate(50, 200000)
            holder.allocate(2, 40 * MIB)
            after = self.count(data_of(self.page_of(holder)))
        # A magazine's objects are out of their slabs, too.
        self.assertGreaterEqual(after["objects"] - before["objects"], 20000)
        self.assertLess(after["objects"] - before["objects"], 20256)
        self.assertEqual(after[RUN] - before[RUN], 50 * 49)
        self.assertEqual(after[VMALLOC] - before[VMALLOC], 2 * 40 * MIB // PAGE)

    def count(self, data):
        """Pages by kind, and objects that are out of their slabs."""
        sums = {kind: 0 for kind in range(len(data["kinds"]))}
        sums["objects"] = 0
        for region in data["regions"]:
            for kind, pages, more in blocks_of(region):
                sums[kind] += pages
                if kind == SLAB:
                    self.assertLess(more[0], len(data["caches"]))
                    self.assertLessEqual(more[1], more[2])
                    sums["objects"] += more[1]
        return sums

    def test_regions_do_not_overlap_and_residence_covers_no_more(self):
        with Holder() as holder:
            holder.allocate(30000, 500)
            holder.allocate(20000, 0)
            data = data_of(self.page_of(holder))
        end = 0
        for region in data["regions"]:
            start = int(region["start"], 16)
            self.assertGreaterEqual(start, end)
            pages = sum(pages for _, pages, _ in blocks_of(region))
            self.assertLessEqual(sum(region["resident"][1::2]), pages)
            end = start + pages * PAGE
        self.assertGreater(self.count(data)[DIRTY] + self.count(data)[CLEAN], 0)

    def test_shows_the_functions_of_a_profile(self):
        with Holder() as holder:
            data = data_of(self.page_of(holder))
            self.assertIsNone(data["sites"])
            self.assertNotIn("samples", data["regions"][0])
        with Holder(options="profile=1") as holder:
            holder.allocate(1000, 1000)
            holder.allocate(3, 200000)
            page = self.page_of(holder)
        data = data_of(page)
        self.assertIn("main", data["sites"])
        covered, main = 0, data["sites"].index("main")
        for region in data["regions"]:
            pages, last = sum(pages for _, pages, _ in blocks_of(region)), 0
            for first, count, site in zip(*[iter(region["samples"])] * 3):
                self.assertLessEqual(last, first)
                last = first + count
                covered += count if site == main else 0
            self.assertLessEqual(last, pages)
        # 1000 bytes in slots of 1024, a page in four of which is nobody's or another's at most; and large blocks
        self.assertIn(covered, range(1000 * 1024 // PAGE + 3 * 49, 1000 * 1024 // PAGE + 3 * 49 + 80))
        self.assertRegex(page, r'<tr data-site="\d+"><td><span class="swatch"></span>main</td><td>1\.[45] MiB</td><td>1003</td></tr>')

    def test_legend_has_totals(self):
        with Holder() as holder:
            holder.allocate(2, 40 * MIB)
            page = self.page_of(holder)
        self.assertRegex(page, r"</span>vmalloc<small>[^<]+</small></td><td>80\.0 MiB</td><td>80\.0 MiB</td>")

    def test_writes_a_file(self):
        with Holder() as holder, tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.succeeds("map", holder.pid, "--output", f"{folder}/x.html"), "")
            self.assertIn("</html>", Path(folder, "x.html").read_text())

    def test_errors(self):
        with Holder() as holder:
            self.fails(FAILED, "/no/such/folder/x.html: No such file or directory", "map", holder.pid, "-o", "/no/such/folder/x.html")
            self.fails(FAILED, "/dev/full: No space left on device", "map", holder.pid, "-o", "/dev/full")
            self.fails(USAGE, "map: .*--output", "map", holder.pid)
        with Holder(preload=False) as holder:
            self.fails(NO_ASHLAR, "", "map", holder.pid, "-o", "-")

    @unittest.skipUnless(shutil.which("chromium"), "no chromium here")
    def test_a_browser_draws_it_without_a_complaint(self):
        probe = ("<script nonce='NONCE'>addEventListener('load', () => setTimeout(() => { const hit = at(1, HEAD + 1);"
                 "document.title = 'DRAWN ' + total + ' ' + canvas.width + ' ' + (hit ? describe(hit).split('\\n').length : 0); }, 200));"
                 "</script></body>")
        with Holder() as holder, tempfile.TemporaryDirectory() as folder:
            holder.allocate(20000, 1000)
            page = self.page_of(holder)
            pages = sum(pages for region in data_of(page)["regions"] for _, pages, _ in blocks_of(region))
            nonce = re.search(r"nonce-([0-9a-f]+)", page).group(1)
            Path(folder, "x.html").write_text(page.replace("</body>", probe.replace("NONCE", nonce)))
            run = subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                                  f"--user-data-dir={folder}/profile", "--virtual-time-budget=3000", "--dump-dom", f"file://{folder}/x.html"],
                                 capture_output=True, text=True, timeout=300, env={**PLAIN, "HOME": folder}, check=False)
        drawn = re.search(r"<title>DRAWN (\d+) (\d+) (\d+)</title>", run.stdout)
        self.assertIsNotNone(drawn, run.stderr[-2000:])
        self.assertEqual(int(drawn.group(1)), pages)
        self.assertGreater(int(drawn.group(2)), 100)
        self.assertGreaterEqual(int(drawn.group(3)), 3)
        self.assertNotIn(":CONSOLE", run.stderr)


if __name__ == "__main__":
    unittest.main()
