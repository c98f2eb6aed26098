#!/usr/bin/env python3
"""Tests ASHLAR_OPTIONS=stats=json: one line of JSON with correct figures when a process ends."""
import json
import re
import subprocess
import unittest

from tool_case import HOLDER, LIBRARY, PLAIN, ROOT, ashlar

MIB = 1 << 20


def run(*command, options="stats=json", **more):
    environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True, **more)


def reports(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def hold(*lines):
    """The report of a process that holds these blocks when it ends."""
    [report] = reports(run(HOLDER, input="".join(f"{count} {size}\n" for count, size in lines)).stderr)
    return report


def fields_of(struct):
    """The names of the counts of a C struct in the public header."""
    header = (ROOT / "include/ashlar/ashlar.h").read_text()
    return re.findall(r"^  uint64_t (\w+);", re.search(r"struct %s \{(.*?)\n\};" % struct, header, re.S).group(1), re.M)


class StatsJson(unittest.TestCase):
    def test_is_one_line_of_valid_json_and_nothing_else(self):
        text = run("perl", "-e", "my @a = (1..10000)").stderr
        self.assertEqual(text.count("\n"), 1)
        report = json.loads(text)
        self.assertEqual((report["allocator"], report["format"]), ("ashlar", 1))
        self.assertGreater(report["process"], 1)

    def test_has_the_fields_of_the_c_structs(self):
        report = hold((10, 100))
        self.assertEqual(list(report), ["allocator", "version", "format", "process", *fields_of("ashlar_stats"), "caches"])
        for cache in report["caches"]:
            self.assertEqual(list(cache), ["name", *fields_of("ashlar_cache_stats")])
            self.assertEqual(cache["name"], f"malloc-{cache['object_size']}")

    def test_counts_known_blocks(self):
        # A tiny process has coarse classes for its first misses: many blocks of 20 KB, a miss each, end that.
        few, many = hold((300, 20000), (1000, 300)), hold((300, 20000), (1500, 300), (4, 200000), (2, 40 * MIB))
        size = max(few["caches"], key=lambda cache: cache["live"])["object_size"]
        live = [next(cache["live"] for cache in report["caches"] if cache["object_size"] == size) for report in (few, many)]
        self.assertEqual(live[1] - live[0], 500)
        self.assertEqual(many["live_slab"] - few["live_slab"], 500 * size)
        self.assertEqual(many["live_runs"] - few["live_runs"], 4 * 49 * 4096)
        self.assertEqual(many["live_vmalloc"] - few["live_vmalloc"], 80 * MIB)
        self.assertEqual(many["vmalloc_blocks"], 2)

    def test_parts_add_up(self):
        report = hold((20000, 50), (9000, 0), (100, 5000), (90, 0))
        slabs = sum(cache["slab_bytes"] for cache in report["caches"])
        self.assertEqual(sum(report[part] for part in ("live_slab", "magazines", "depot", "slab_free")), slabs)
        self.assertEqual(sum(cache["live"] * cache["object_size"] for cache in report["caches"]), report["live_slab"])

    def test_each_process_writes_its_own(self):
        text = run("perl", "-e", "for (1..8) { fork or do { my @a = (1..20000); exit } } wait for 1..8").stderr
        found = reports(text)
        self.assertEqual(len({report["process"] for report in found}), 9)
        self.assertEqual(len(found), len(text.splitlines()), "a line is no JSON, or two have mixed")

    def test_is_written_where_the_program_closed_stderr(self):
        self.assertEqual(len(reports(run("perl", "-e", "close STDERR; close STDOUT").stderr)), 1)

    def test_the_text_form_stays(self):
        for options in ("stats", "stats=1", "stats=on"):
            self.assertTrue(run("perl", "-e", "1", options=options).stderr.startswith("ashlar: version "), options)
        self.assertEqual(run("perl", "-e", "1", options="stats=0").stderr, "")


class NamesOfCaches(unittest.TestCase):
    """Names are bytes: UTF-8 is shown, other bytes are replaced."""

    PROGRAM = """
import ctypes, sys
library = ctypes.CDLL(None)
library.ashlar_cache_create.restype = ctypes.c_void_p
for name in (b"caf\\xc3\\xa9", b"no\\xfftext", b'quo"te\\\\'):
    cache = library.ashlar_cache_create(name, ctypes.c_size_t(5000), ctypes.c_size_t(0), 2, None)
    library.ashlar_cache_alloc.restype = ctypes.c_void_p
    assert library.ashlar_cache_alloc(ctypes.c_void_p(cache))
print("ready", flush=True)
sys.stdin.read()
"""

    def start(self):
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": "stats=json"}
        process = subprocess.Popen(["python3", "-c", self.PROGRAM], env=environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_are_the_same_in_the_report_and_in_the_command(self):
        process = self.start()
        table = ashlar("slabinfo", process.pid).stdout
        _, error = process.communicate(timeout=300)
        [report] = [json.loads(line) for line in error.decode().splitlines() if line.startswith("{")]
        names = [cache["name"] for cache in report["caches"]]
        for name in ("café", "no\ufffdtext", 'quo"te\\'):
            self.assertIn(name, names)
        self.assertIn("café", table)
        self.assertIn("no_text", table)


if __name__ == "__main__":
    unittest.main()
