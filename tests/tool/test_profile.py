#!/usr/bin/env python3
"""Tests ashlar profile: names and figures are those of the program, in each format, and damaged files are refused by line."""
import gzip
import lzma
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from profile_case import BAD_PROFILE, FILL, HALF, PROGRAM, ProfileCase
from tool_case import FAILED, LIBRARY, PLAIN, TOOL, USAGE, ToolCase

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
        self.assertEqual((labels["request"], labels["bytes"]), (1000, labels["size_class"]))
        self.assertEqual((found[HALF][2]["request"], found[HALF][2]["bytes"]), (50, 64))
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


@unittest.skipUnless(shutil.which("objcopy"), "objcopy is not installed")
class DebugFiles(ProfileCase):
    def setUp(self):
        self.debug = self.stripped_program("program")
        self.profile = self.written(self.text.replace(os.path.realpath(PROGRAM), str(self.program)))
        notes = subprocess.run(["readelf", "-n", self.program], capture_output=True, text=True, check=True).stdout
        self.id = re.search(r"Build ID: (\w+)", notes).group(1)

    def stripped_program(self, name):
        """Makes self.program, a copy without symbols that names its debug file. Returns that file, which it does not find."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        self.program, debug = folder / name, folder / f"{name}.debug"
        shutil.copy(PROGRAM, self.program)
        for words in (["objcopy", "--only-keep-debug", self.program, debug], ["strip", "--strip-all", self.program],
                      ["objcopy", f"--add-gnu-debuglink={debug}", self.program]):
            subprocess.run(words, check=True, timeout=60)
        (folder / "elsewhere").mkdir()
        return debug.rename(folder / "elsewhere" / debug.name)

    def test_are_found_beside_a_stripped_program(self):
        self.assertNotIn(FILL, self.succeeds("profile", self.profile))
        for folder in ("", ".debug"):
            place = self.program.parent / folder / self.debug.name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(self.debug, place)
            self.assertRegex(self.succeeds("profile", self.profile), rf"(?m)^ *10000 +10 .*  {re.escape(FILL)}$")
            place.unlink()

    def test_of_another_build_are_left_alone(self):
        content, number = self.debug.read_bytes(), bytes.fromhex(self.id)
        self.assertEqual(content.count(number), 1)
        (self.program.parent / self.debug.name).write_bytes(content.replace(number, bytes(len(number))))
        self.assertNotIn(FILL, self.succeeds("profile", self.profile))

    def test_are_found_by_their_build_id(self):
        place = f"/usr/lib/debug/.build-id/{self.id[:2]}/{self.id[2:]}.debug"
        script = (f"mount -t tmpfs none /usr/lib/debug && mkdir -p {os.path.dirname(place)} && cp {self.debug} {place} && "
                  f"exec {TOOL} profile {self.profile}")
        run = subprocess.run(["unshare", "-Urm", "sh", "-c", script], env=PLAIN, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode != 0 and not run.stderr.startswith("ashlar:"):
            self.skipTest(f"no mount namespace here: {run.stderr.strip()}")
        self.assertIn(FILL, run.stdout, run.stderr)


def has_library(name):
    return name in subprocess.run(["ldd", TOOL], capture_output=True, text=True, check=False).stdout


@unittest.skipUnless(shutil.which("objcopy"), "objcopy is not installed")
@unittest.skipUnless(has_library("liblzma"), "built without liblzma")
class PackedSymbols(ProfileCase):
    """Names of a stripped program in .gnu_debugdata, which is made as Fedora's packages have it."""

    def setUp(self):
        folder = Path(self.folder.name)
        self.program, self.symbols = folder / "program", folder / "symbols"
        self.profile = self.written(self.text.replace(os.path.realpath(PROGRAM), str(self.program)))
        shutil.copy(PROGRAM, self.program)
        do("objcopy", "--only-keep-debug", self.program, self.symbols)
        names = [line.split()[0] for line in do("nm", "--format=posix", "--defined-only", PROGRAM).splitlines() if line.split()[1] in "Tt"]
        (folder / "kept").write_text("\n".join(names) + "\n")
        do("objcopy", "--strip-all", "--remove-section=.comment", f"--keep-symbols={folder}/kept", self.symbols)
        do("strip", "--strip-all", self.program)

    def pack(self, content):
        packed = Path(self.folder.name) / "packed"
        packed.write_bytes(content)
        do("objcopy", f"--add-section=.gnu_debugdata={packed}", self.program)

    def test_are_read(self):
        self.assertNotIn(FILL, self.succeeds("profile", self.profile))
        self.pack(lzma.compress(self.symbols.read_bytes()))
        text = self.succeeds("profile", self.profile)
        self.assertRegex(text, rf"(?m)^ *10000 +10 .*  {re.escape(FILL)}$")
        self.assertRegex(text, r"(?m)  main$")

    def test_damaged_ones_cost_names_only(self):
        whole, chance = lzma.compress(self.symbols.read_bytes()), random.Random(3)
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 255
        for content in (whole[:-20], bytes(changed), b"hello", chance.randbytes(5000), lzma.compress(b"\x7fELF" + bytes(1000)),
                        lzma.compress(self.symbols.read_bytes() + bytes(65 << 20))):
            shutil.copy(PROGRAM, self.program)
            do("strip", "--strip-all", self.program)
            self.pack(content)
            text = self.succeeds("profile", self.profile)
            self.assertNotIn(FILL, text)
            self.assertRegex(text, r"(?m)^ *10000 +10 .*  program\+0x")


def do(*words):
    return subprocess.run(words, check=True, timeout=60, capture_output=True, text=True).stdout


@unittest.skipUnless(has_library("libdw"), "built without libdw")
class InlinedFunctions(ToolCase):
    STACK = "main;holder;between;innermost"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.program, self.profile = Path(self.folder.name) / "inlined", Path(self.folder.name) / "profile"
        shutil.copy(os.environ["ASHLAR_TEST_INLINED"], self.program)
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": f"profile=1,profile_file={self.profile}"}
        subprocess.run([self.program], env=environment, check=True, timeout=60)

    def stacks(self):
        return re.findall(r"(?<![\w])(main;holder.*) (\d+)$", self.succeeds("profile", self.profile, "--folded").replace("(anonymous namespace)::", "")
                          .replace("(int)", ""), flags=re.M)

    def test_are_named_between_their_callers(self):
        self.assertEqual(self.stacks(), [(self.STACK, "12000")])

    def test_are_sites_of_a_running_process(self):
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": "profile=1"}
        with subprocess.Popen([self.program, "wait"], env=environment, stdin=subprocess.PIPE) as running:
            for _ in range(100):
                top = self.succeeds("top", running.pid, "--batch", "--sites", "-n", 1)
                if "innermost" in top:
                    break
                time.sleep(0.1)
            page = Path(self.folder.name) / "map.html"
            self.succeeds("map", running.pid, "-o", page)
            running.communicate(b"\n", timeout=60)
        self.assertRegex(top, r"(?m)^ +11\.7 KiB .* 4 .*innermost$")
        self.assertRegex(page.read_text(), r"innermost(\(int\))?</td><td>11\.7 KiB</td><td>4<")

    def test_pprof_has_their_lines(self):
        out = Path(self.folder.name) / "profile.pb.gz"
        self.succeeds("profile", self.profile, "--pprof", out)
        data = message(gzip.decompress(out.read_bytes()))
        texts = [text.decode() for text in data[6]]
        functions = {f[1][0]: (texts[f[2][0]], texts[f[4][0]] if 4 in f else "") for f in map(message, data[5])}
        source = (Path(__file__).parent / "inlined.cc").read_text(encoding="utf-8").splitlines()
        shown = set()
        for location in map(message, data[4]):
            for line in map(message, location[4]):
                name, file = functions[line[1][0]]
                if file.endswith("inlined.cc"):
                    shown.add((name.split("::")[-1].replace("(int)", ""), source[line[2][0] - 1].strip()))
        self.assertLessEqual({("holder", "between(n);"), ("between", "innermost(n);"), ("between", "innermost(n + 1);"), ("main", "holder(0);")}, shown)
        self.assertIn("malloc(3000)", next(text for name, text in shown if name == "innermost"))

    def test_damaged_data_cost_names_only(self):
        chance, program = random.Random(2), self.program.read_bytes()
        for _ in range(30):
            damaged = bytearray(program)
            for _ in range(chance.randrange(1, 200)):
                damaged[chance.randrange(0x2000, len(program))] = chance.randrange(256)
            self.program.write_bytes(damaged)
            self.assertRegex(self.succeeds("profile", self.profile), r"(?m)^ *12000 +4 .* all$")


class CompiledCode(ProfileCase):
    """Names of code that is in no file. No process has the number."""
    NUMBER = 1 << 23

    def setUp(self):
        text = re.sub(r"^(site (?:\d+ ){10}).*", r"\g<1>0x100011 0x200001", self.text, flags=re.M)
        self.profile = self.written(re.sub(r"^process \d+", f"process {self.NUMBER}", text, flags=re.M))
        self.map = Path(f"/tmp/perf-{self.NUMBER}.map")
        self.addCleanup(self.map.unlink, missing_ok=True)

    def folded(self):
        return {line.rsplit(" ", 1)[0] for line in self.succeeds("profile", self.profile, "--folded").splitlines()}

    def test_are_those_of_the_last_line_with_the_address(self):
        self.map.write_text("100000 10 before\n100000 20 replaced\nnothing\n100000 zz no number\n0x100010 0x8 JS:*inner /a.js:1:2\n"
                            "200000 1 outer\x1b[m\n")
        self.assertEqual(self.folded(), {"outer?[m;JS:*inner /a.js:1:2"})

    def test_are_addresses_where_there_is_no_such_file(self):
        self.assertEqual(self.folded(), {"0x200000;0x100010"})

    def test_a_pipe_is_not_waited_for_and_other_users_are_not_believed(self):
        os.mkfifo(self.map)
        self.assertEqual(self.folded(), {"0x200000;0x100010"})
        self.map.unlink()
        if os.geteuid() == 0:
            self.map.write_text("100000 20 other\n")
            os.chown(self.map, 65534, 65534)
            self.assertEqual(self.folded(), {"0x200000;0x100010"})

    def test_long_lines_and_large_numbers_do_no_harm(self):
        self.map.write_text("100000 20 " + "n" * 3000 + "\nffffffffffffffff 1 x\n0 ffffffffffffffff all\n" + "x" * (3 << 20))
        self.assertEqual(self.folded(), {"all;all"})


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
