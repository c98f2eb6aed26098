#!/usr/bin/env python3
"""Tests every report in every mode: each figure equals what a program with known contents says that it holds
(known_modes.c).
"""
import json
import os
import re
import subprocess
import tempfile
import unittest
from bisect import bisect_right
from collections import Counter
from functools import cached_property

from test_map import PAGE, RUN, SLAB, VMALLOC, blocks_of, data_of
from tool_case import PLAIN, TOOL, ToolCase

KNOWN = os.environ["ASHLAR_TEST_KNOWN_MODES"]
# What is exact where all small blocks lie in slabs or spans. Elsewhere some have pages of their own.
FLAGS = "flags of the cache"  # no option
IN_CACHES = ("", FLAGS, "harden", "slab_debug", "slab_debug=FZ,malloc-1024", "slob,harden", "numa_fake=2,cpus_fake=4",
             "purge=free,decay_ms=0", "hugepages=always,perturb=85", "mmap_threshold=64k", "leaks", "record=RECORD", "profile=64k,harden")
OTHERS = ("slob", "guard_sample=20", "profile=1", "profile=4k", "slob,profile=1")
SMALL, AREA = 32 << 10, 32 << 20
STATES = ("free", "slab", "run", "block", "vmalloc")  # enum ashlar_page_state


class Program:
    """The program; what it says at each step, and at its exit."""

    def __init__(self, mode, folder):
        options = ",".join(filter(None, (mode.replace("RECORD", f"{folder}/trace").replace(FLAGS, ""), "stats=json")))
        environment = {**PLAIN, "ASHLAR_OPTIONS": options, "PATH": f"{os.path.dirname(TOOL)}:{PLAIN['PATH']}"}
        self.process = subprocess.Popen([KNOWN] + [mode] * (mode == FLAGS), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.read()

    def read(self):
        said = json.loads(self.process.stdout.readline())
        self.kinds, self.pages, self.stats = said["kinds"], {int(address): page for address, page in said["pages"].items()}, said["stats"]
        self.live = {address: kind["size"] for kind in self.kinds for address in kind["live"]}
        self.freed = {address for kind in self.kinds for address in kind["freed"]}
        self.bytes = sum(self.live.values())

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.read()

    def end(self):
        """What it writes on stderr when it returns from main."""
        return self.process.communicate("\n", timeout=300)[1]

    def kill(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Reports:
    """All that there is of one process at one moment; each command is run when it is first wanted."""

    def __init__(self, case, pid):
        self.case, self.pid = case, pid
        self.doctor = self.report("doctor")
        self.split = self.doctor["split"]
        self.walk = {row["address"]: row for row in self.report("walk")}
        self.caches = Counter()
        for cache in self.report("slabinfo")["caches"]:
            case.assertGreaterEqual(cache["never_used"], 0, cache)
            self.caches[cache["name"]] += cache["live"]
            if cache["name"] == "known_things":
                self.checks = cache["checks"]

    def report(self, name, *arguments):
        return self.case.json_of(name, self.pid, "--json", *arguments)

    @cached_property
    def metrics(self):
        return self.case.succeeds("metrics", self.pid)

    @cached_property
    def top(self):
        return self.report("top", "-n", 1)

    @cached_property
    def areas(self):
        return self.report("vmallocinfo")["areas"]

    @cached_property
    def map(self):
        return data_of(self.case.succeeds("map", self.pid, "-o", "-"))

    def metric(self, name, label):
        """The values of a metric by one of its labels."""
        rows = re.findall(rf'(?m)^{name}{{.*\b{label}="([^"]*)".*}} (\S+)$', self.metrics)
        return {value: float(number) for value, number in rows}


class Modes(ToolCase):
    def test_every_report_in_every_mode(self):
        for mode in IN_CACHES + OTHERS:
            with self.subTest(mode=mode or "default"), tempfile.TemporaryDirectory() as folder:
                program = Program(mode, folder)
                try:
                    self.judge(mode, program)
                finally:
                    program.kill()

    def judge(self, mode, program):
        before, stats = Reports(self, program.pid), program.stats
        program.step()
        self.compare(mode, program, before, stats, Reports(self, program.pid))
        program.step()
        halved = Reports(self, program.pid)
        self.compare(mode, program, before, stats, halved)
        self.judge_addresses(program)
        final = json.loads(next(line for line in program.end().splitlines() if line.startswith("{")))
        for name in ("live_slab", "live_runs", "live_vmalloc", "vmalloc_blocks"):
            self.assertEqual(final[name], program.stats[name], name)
        self.assertEqual({cache["name"]: cache["live"] for cache in final["caches"] if cache["live"]},
                         {name: live for name, live in halved.caches.items() if live})
        checks = [cache.get("checks", "") for cache in final["caches"] if cache["name"] == "known_things"]
        self.assertEqual(checks, [halved.checks])

    def compare(self, mode, program, before, stats, now):
        self.judge_sums(program, before, stats, now)
        self.judge_blocks(mode, program, before, now)
        self.judge_caches(program, now)
        if mode == "profile=1":
            self.judge_rounding(program, before, now)
        letters = {FLAGS: "FZPU", "slab_debug": "FZPU", "harden": "F"}
        self.assertEqual(now.checks, letters.get(mode, now.checks if mode else ""))
        self.judge_pages(now)
        self.judge_map(program, now)
        self.assertEqual([row for row in now.report("leaks")["blocks"] if row["address"] in program.live], [])

    def judge_sums(self, program, before, stats, now):
        """Bytes: what the program asked for, and some rounding; the same in all reports, within and without."""
        live = now.split["live"] - before.split["live"]
        self.assertGreaterEqual(live, program.bytes)
        self.assertLess(live, program.bytes * 1.02)
        within = [sum(each[part] for part in ("live_slab", "live_runs", "live_vmalloc")) for each in (stats, program.stats)]
        self.assertEqual(within[1] - within[0], live)
        self.assertFalse(now.doctor["approximate"])
        self.assertEqual(now.doctor["smaps"]["difference"], 0)
        # two looks, one after the other: pages of the library's file come and go with what the machine needs
        mapped = sum(row["rss"] for row in now.report("smaps")["mappings"] if row["ashlar"])
        self.assertAlmostEqual(mapped, now.doctor["smaps"]["ashlar_rss"], delta=64 << 10)
        parts = now.metric("ashlar_resident_bytes", "use")
        self.assertEqual(sum(bytes for use, bytes in parts.items() if use.startswith("live")), now.split["live"])
        for part in ("live", "free", "live_slab", "live_runs", "live_vmalloc", "live_checked"):
            self.assertEqual(now.top[part], now.split[part], part)
        anonymous = next(line for line in now.report("meminfo")["lines"] if line["name"] == "AnonPages")
        self.assertGreaterEqual(anonymous["share"], program.bytes)

    def judge_rounding(self, program, before, now):
        """Bytes by which blocks in slots were rounded up: all are samples, whose requested sizes are known."""
        rounded = [now.walk[address]["bytes"] - size for address, size in program.live.items() if now.walk[address]["bytes"] < PAGE]
        self.assertGreater(sum(rounded), 0)
        self.assertEqual(now.split["rounding_estimate"] - before.split["rounding_estimate"], sum(rounded))

    def judge_blocks(self, mode, program, before, now):
        """Blocks: each that the program holds, none that it freed, and nothing else that is new."""
        self.assertEqual(program.live.keys() - now.walk.keys(), set())
        self.assertEqual(program.freed & now.walk.keys(), set())
        self.assertEqual(len(now.walk) - len(before.walk), len(program.live))
        for address, size in program.live.items():
            row = now.walk[address]
            self.assertGreaterEqual(row["bytes"], size, row)
            self.assertIn(row.get("requested", size), (size,), row)
        # of each cache as many as slabinfo counts
        classes = Counter(row["class"] for row in now.walk.values())
        self.assertEqual({name: live for name, live in now.caches.items() if live},
                         {name: n for name, n in classes.items() if name in now.caches})
        if mode in IN_CACHES:
            in_caches = sum(now.caches.values()) - sum(before.caches.values())
            self.assertEqual(in_caches, sum(size <= SMALL for size in program.live.values()))

    def judge_caches(self, program, now):
        """Objects of caches: top, metrics, and what the program is told itself."""
        live = {name: n for name, n in now.caches.items() if n}
        self.assertEqual({cache["name"]: cache["live"] for cache in now.top["caches"] if cache["live"]}, live)
        self.assertEqual({name: n for name, n in now.metric("ashlar_cache_live_objects", "cache").items() if n}, live)
        self.assertEqual(program.stats["named_live"], live.get("known_things", 0))
        self.assertEqual({f"malloc-{size}": n for size, n in program.stats["caches"].items() if n},
                         {name: n for name, n in live.items() if name.startswith("malloc-")})
        self.assertEqual(live.get("known_things"), len(program.kinds[-1]["live"]))

    def judge_pages(self, now):
        """Pages: what zoneinfo and buddyinfo say adds up."""
        for zone, buddy in zip(now.report("zoneinfo")["zones"], now.report("buddyinfo")["zones"]):
            self.assertEqual(zone["free"] + zone["nr_isolated"] + zone["nr_live"], zone["present"])
            self.assertEqual(zone["nr_slab"] + zone["nr_run"], zone["nr_live"])
            blocks = sum(n << order for kind in ("clean", "dirty") for order, n in enumerate(buddy[kind]))
            self.assertEqual(blocks, zone["nr_free_blocks_pages"])
            self.assertEqual(sum(buddy["dirty_pages"]) + buddy["extent_pages"] + zone["nr_free_pcp"], zone["nr_dirty_free"])
            for order, (dirty, pages) in enumerate(zip(buddy["dirty"], buddy["dirty_pages"])):
                self.assertTrue(dirty <= pages <= dirty << order, (order, dirty, pages))
            self.assertEqual((buddy["extent_pages"], buddy["never_used_pages"]), (zone["nr_extent_pages"], zone["nr_never_used"]))
            self.assertEqual(blocks + zone["nr_extent_pages"] + zone["nr_never_used"] + zone["nr_free_pcp"], zone["nr_free_pages"])

    def judge_map(self, program, now):
        """The picture: what is live lies in slabs, runs and mappings; what was freed in no block that is held."""
        kinds, spans = {}, []
        for region in now.map["regions"]:
            at = int(region["start"], 16)
            for kind, pages, more in blocks_of(region):
                spans.append((at, at + pages * PAGE, kind))
                at += pages * PAGE
        spans.sort()
        starts = [start for start, _, _ in spans]
        for address in [*program.live, *program.freed]:
            number = bisect_right(starts, address) - 1
            start, end, kind = spans[number] if number >= 0 else (0, 0, None)
            kinds[address] = kind if start <= address < end else None
        self.assertEqual({kinds[address] for address in program.live} - {SLAB, RUN, VMALLOC}, set())
        self.assertEqual({kinds[address] for address in program.freed} & {RUN, VMALLOC}, set())
        objects = sum(more[1] for region in now.map["regions"] for kind, _, more in blocks_of(region) if kind == SLAB)
        self.assertGreaterEqual(objects, sum(now.caches.values()))
        held = [range(area["start"], area["start"] + area["bytes"]) for area in now.areas if not area["free"]]
        for address, size in program.live.items():
            if size > AREA:
                self.assertTrue(any(address in area for area in held), hex(address))

    def judge_addresses(self, program):
        """Single addresses: `page`, `who`, and ashlar_page_describe in the program."""
        for kind in program.kinds:
            live, freed = kind["live"][0], kind["freed"][-1]
            fact = self.json_of("page", program.pid, hex(live + kind["size"] - 1), "--json")
            self.assertEqual(fact["state"], "live", fact)
            self.assertEqual(fact.get("requested", kind["size"]), kind["size"], fact)
            said = program.pages[live]
            self.assertEqual(said["cache"], fact.get("cache", ""), (said, fact))
            self.assertIn(STATES[said["state"]], ("slab",) if "cache" in fact else ("run", "vmalloc"), fact)
            self.assertGreaterEqual(said["object_size"] or said["bytes"], kind["size"])
            fact = self.json_of("page", program.pid, hex(freed), "--json")
            self.assertTrue(fact.get("state", "free").startswith("free"), fact)
        address, size = program.kinds[2]["live"][0], program.kinds[2]["size"]
        block = self.json_of("who", program.pid, hex(address + 1), "--json")["block"]
        self.assertEqual((block["address"], block["state"], block.get("requested", size)), (address, "live", size), block)


if __name__ == "__main__":
    unittest.main()
