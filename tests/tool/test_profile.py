#!/usr/bin/env python3
"""Tests ashlar profile: names and figures are those of the program, in each format, and damaged files are refused by line."""
import gzip
import os
import random
import re
import unittest
from pathlib import Path

from profile_case import BAD_PROFILE, FILL, HALF, PROGRAM, ProfileCase
from tool_case import FAILED, USAGE

VERSION = 6


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def message(data):
    """The fields of a protocol buffer: number, then number or bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            assert at + value <= len(data)
            value, at = data[at:at + value], at + value
        else:
            assert key & 7 == 0, key
        fields.setdefault(key >> 3, []).append(value)
    return fields


def packed(data):
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


class Pprof:
    """What a reader of profile.proto sees: samples as names of a stack, values and labels."""

    def __init__(self, data):
        profile = message(data)
        self.strings = [text.decode() for text in profile[6]]
        self.types = [[self.strings[f[n][0]] for n in (1, 2)] for f in map(message, profile[1])]
        functions = {f[1][0]: self.strings[f[2][0]] for f in map(message, profile[5])}
        self.mappings = {f[1][0]: f for f in map(message, profile[3])}
        locations = {f[1][0]: f for f in map(message, profile[4])}
        self.samples = []
        for sample in map(message, profile[2]):
            places = [locations[i] for i in packed(sample[1][0])]
            for place in places:
                mapping = self.mappings[place[2][0]]
                assert mapping[2][0] <= place[3][0] < mapping[3][0]
            names = [functions[message(place[4][0])[1][0]] for place in places]
            labels = {}
            for label in map(message, sample.get(3, [])):
                labels[self.strings[label[1][0]]] = self.strings[label[2][0]] if 2 in label else label[3][0]
            self.samples.append((names, packed(sample[2][0]), labels))
        self.period = profile[12][0]


class Forms(ProfileCase):
    def row(self, text, name):
        rows = [line for line in text.splitlines() if line.endswith("  " + name)]
        self.assertEqual(len(rows), 1, text)
        return rows[0].split()[:4]

    def test_the_table_names_who_holds_memory_and_who_allocated(self):
        text = self.succeeds("profile", self.path)
        self.assertEqual(self.row(text, FILL), ["10000", "10", "10000", "10"])
        self.assertEqual(self.row(text, HALF), ["500", "10", "1000", "20"])
        self.assertLess(text.index(FILL), text.index(HALF))
        self.assertIn("each block recorded", text)

    def test_rows_bounds_the_table(self):
        text = self.succeeds("profile", self.path, "--rows", 1)
        self.assertIn(FILL, text)
        self.assertNotIn(HALF, text)
        self.assertRegex(text, r"\d+ more functions")

    def test_folded_stacks_have_the_bytes(self):
        for more, half in (([], 500), (["--allocated"], 1000)):
            lines = self.succeeds("profile", self.path, "--folded", *more).splitlines()
            found = {line.rsplit(" ", 1)[0].split(";")[-1]: line.rsplit(" ", 1) for line in lines}
            self.assertEqual((found[FILL][1], found[HALF][1]), ("10000", str(half)))
            self.assertIn(";main;", found[HALF][0])

    def test_json_has_the_figures(self):
        report = self.json_of("profile", self.path, "--json")
        functions = {f["name"]: f for f in report["functions"]}
        self.assertEqual(functions[FILL]["in_use_bytes"], 10000)
        self.assertEqual(functions[HALF]["allocated_objects"], 20)
        self.assertEqual(functions["main"]["with_callees_bytes"], 10500)
        self.assertEqual(report["rate"], 1)

    def test_pprof_reads_what_was_written(self):
        out = Path(self.folder.name) / "profile.pb.gz"
        self.assertEqual(self.succeeds("profile", self.path, "--pprof", out), "")
        profile = Pprof(gzip.decompress(out.read_bytes()))
        self.assertEqual(profile.types, [["alloc_objects", "count"], ["alloc_space", "bytes"],
                                         ["inuse_objects", "count"], ["inuse_space", "bytes"]])
        self.assertEqual((profile.strings[0], profile.period), ("", 1))
        found = {names[0]: (names, values, labels) for names, values, labels in profile.samples}
        self.assertEqual(found[FILL][1], [10, 10000, 10, 10000])
        self.assertEqual(found[HALF][1], [20, 1000, 10, 500])
        self.assertEqual(found[FILL][0][1], "main")
        labels = found[FILL][2]
        self.assertEqual(labels["thread"], Path(PROGRAM).name[:15])
        self.assertGreaterEqual(labels["size_class"], 1000)
        files = [profile.strings[mapping[5][0]] for mapping in profile.mappings.values()]
        self.assertEqual(files[0], os.path.realpath(PROGRAM))

    def test_a_file_that_is_gone_leaves_offsets(self):
        other = self.written(self.text.replace(os.path.realpath(PROGRAM), "/nowhere/prog\x1bram"))
        text = self.succeeds("profile", other)
        self.assertRegex(text, r"prog\?ram\+0x[0-9a-f]+")
        self.assertNotIn(FILL, text)

    def test_addresses_outside_of_all_mappings_are_shown(self):
        other = self.written(re.sub(r"^(site (?:\d+ ){10}).*", r"\g<1>0x10 0x0", self.text, flags=re.M))
        self.assertRegex(self.succeeds("profile", other, "--folded"), r"0xffffffffffffffff;0xf \d+")


class Damage(ProfileCase):
    def test_damaged_programs_cost_names_only(self):
        chance, path = random.Random(1), Path(self.folder.name) / "program"
        program = Path(PROGRAM).read_bytes()
        other = self.written(self.text.replace(os.path.realpath(PROGRAM), str(path)))
        tables = int.from_bytes(program[40:48], "little")  # e_shoff
        for _ in range(60):
            damaged = bytearray(program)
            for _ in range(chance.randrange(1, 30)):
                at = chance.choice((chance.randrange(16, 1024), chance.randrange(tables, len(program))))
                damaged[at] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
            path.write_bytes(damaged[:chance.choice((len(program), chance.randrange(len(program))))])
            self.assertRegex(self.succeeds("profile", other, "--rows", 99), r" 10000 +10 ")

    def test_what_is_no_profile(self):
        for text in ("", "\n", "hello\n", b"\x7fELF\x02\x01\x01" + bytes(100), "ashlar prof"):
            self.fails(BAD_PROFILE, r".*other\.txt: line 1: expected", "profile", self.written(text))

    def test_another_format(self):
        self.fails(VERSION, r".*line 1: .*format", "profile", self.written(self.text.replace("profile 1", "profile 2", 1)))

    def test_every_truncation_before_the_mappings(self):
        for end in range(self.text.index("mappings\n") + len("mappings\n")):
            if end % 7 == 0 or self.text[end] == "\n":
                lines = max(1, self.text[:end].count("\n"))
                run = self.fails(BAD_PROFILE, r".*other\.txt: line \d+: ", "profile", self.written(self.text[:end]))
                number = int(re.search(r": line (\d+): ", run.stderr).group(1))
                self.assertIn(number, (lines, lines + 1))
        self.fails(BAD_PROFILE, r".*truncated", "profile", self.written(self.text[:-1]))

    def test_damaged_lines_are_named(self):
        lines = self.text.splitlines()
        site = next(i for i, line in enumerate(lines) if line.startswith("site "))
        for wrong in ("site", "site x", "site 1 2 3", "site 1 64 " + "9" * 30, "sites 1", lines[site] + " 7f00",
                      lines[site] + " 0xg", lines[site] + " 0x1" * 300, lines[site].replace(" ", "  ", 1), "", "\0"):
            text = "\n".join([*lines[:site], wrong, *lines[site + 1:]]) + "\n"
            self.fails(BAD_PROFILE, rf".*other\.txt: line {site + 1}: ", "profile", self.written(text))
        text = self.text + "0-1 nothing\n"
        self.fails(BAD_PROFILE, rf".*other\.txt: line {len(lines) + 1}: ", "profile", self.written(text))

    def test_huge_numbers_do_not_wrap(self):
        most = 2**64 - 1
        text = re.sub(r"^(site \d+ \d+) \d+ \d+", rf"\1 {most} {most}", self.text, flags=re.M)
        report = self.json_of("profile", self.written(text), "--json")
        self.assertEqual(report["all"]["allocated_bytes"], most)

    def test_only_regular_files_are_opened(self):
        fifo = Path(self.folder.name) / "fifo"
        os.mkfifo(fifo)
        self.fails(FAILED, ".*not a regular file", "profile", fifo)
        self.fails(FAILED, ".*No such file", "profile", "/nonexistent")

    def test_one_form_at_a_time(self):
        self.fails(USAGE, "profile: ", "profile", self.path, "--folded", "--json")

    def test_a_full_disk_is_told(self):
        self.fails(FAILED, "/dev/full: ", "profile", self.path, "--pprof", "/dev/full")


if __name__ == "__main__":
    unittest.main()
