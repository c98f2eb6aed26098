"""Options, rows and stored files: what is accepted, and the message for what is not."""

import json
import tempfile
import unittest
from pathlib import Path

from comparison import allocators, cli, measure, options, report_json, rows
from comparison.errors import CompareError
from comparison.model import Allocator, Row

from .helpers import session


class Options(unittest.TestCase):
    def refused(self, *arguments):
        with self.assertRaises(CompareError) as caught:
            options.parse(list(arguments))
        return str(caught.exception)

    def test_quick_fills_in_only_what_is_not_given(self):
        chosen = options.parse(["--quick", "--repeats", "7"])
        self.assertEqual((chosen.scale, chosen.repeats, chosen.warmup), (0.1, 7, 0))

    def test_defaults(self):
        chosen = options.parse([])
        self.assertEqual((chosen.scale, chosen.repeats, chosen.warmup, chosen.budget), (1.0, 5, 1, 0.0))

    def test_rows_are_split_at_commas(self):
        self.assertEqual(options.parse(["--rows", "a,b", "--rows", "c"]).rows, ["a", "b", "c"])

    def test_bad_numbers_name_the_option_and_what_is_expected(self):
        for option, value in (("--repeats", "0"), ("--repeats", "x"), ("--scale", "0"), ("--scale", "nan"), ("--scale", "inf"),
                              ("--warmup", "-1"), ("--timeout", "0.5"), ("--budget", "0")):
            message = self.refused(f"{option}={value}")
            self.assertTrue(message.startswith(f"{option}: expected "), message)
            self.assertIn(f"got '{value}'", message)

    def test_unknown_option(self):
        self.assertIn("--repeat ", self.refused("--repeat", "3") + " ")

    def test_load_refuses_what_only_matters_for_running(self):
        self.assertIn("--repeats cannot be given", self.refused("--load", "x.json", "--repeats", "3"))


class Allocators(unittest.TestCase):
    def refused(self, *words):
        with self.assertRaises(CompareError) as caught:
            allocators.expand(words)
        return str(caught.exception)

    def test_default_set_with_an_addition(self):
        self.assertEqual([name for name, _ in allocators.expand(["default", "mine=/m.so"])],
                         ["glibc", "ashlar", "jemalloc", "mimalloc", "tcmalloc", "mine"])

    def test_bad_names(self):
        self.assertIn("expected NAME=PATH", self.refused("mine="))
        self.assertIn("not a known name", self.refused("snmalloc"))
        self.assertIn("takes no path", self.refused("glibc=/x.so"))
        self.assertIn("twice", self.refused("a=/x.so", "a=/y.so"))

    def test_options_of_an_allocator(self):
        choices = allocators.expand(["ashlar", "harden=?harden", "sampled=/bin/true?guard_sample=1000,stats"])
        self.assertEqual([path for _, path in choices], ["", "?harden", "/bin/true?guard_sample=1000,stats"])
        found = allocators.resolve(choices, "/bin/false")
        self.assertEqual([allocator.options for allocator in found], ["", "harden", "guard_sample=1000,stats"])
        self.assertEqual([Path(allocator.path).name for allocator in found], ["false", "false", "true"])
        self.assertTrue(allocators.wants_own_library(choices[1:2]))
        self.assertFalse(allocators.wants_own_library(choices[2:]))
        row = Row("larson", "threads")
        self.assertEqual(measure.environment(found[1], row, {}).get("ASHLAR_OPTIONS"), "harden")
        self.assertIn("expected NAME=PATH", self.refused("harden=?"))
        self.assertIn("jemalloc has no ASHLAR_OPTIONS", self.refused("jemalloc=?harden"))

    def test_missing_library(self):
        with self.assertRaisesRegex(CompareError, "--alloc mine=/nowhere.so: no such file"):
            allocators.resolve([("mine", "/nowhere.so")], "/x")

    def test_a_file_that_is_no_library_does_not_load(self):
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            file.write(b"text")
            file.flush()
            with self.assertRaisesRegex(CompareError, "cannot be preloaded"):
                allocators.check_loads(Allocator("mine", file.name))


class Rows(unittest.TestCase):
    known = [Row("larson", "threads"), Row("xmalloc", "threads"), Row("large", "large")]

    def names(self, *patterns):
        return [row.name for row in rows.select(self.known, patterns)]

    def test_selection_by_name_kind_and_expression_keeps_the_order(self):
        self.assertEqual(self.names("xmalloc"), ["xmalloc"])
        self.assertEqual(self.names("threads"), ["larson", "xmalloc"])
        self.assertEqual(self.names("^la"), ["larson", "large"])
        self.assertEqual(self.names("large", "larson"), ["larson", "large"])
        self.assertEqual(len(self.names()), 3)

    def test_a_name_is_not_taken_for_an_expression(self):
        self.assertEqual([r.name for r in rows.select([Row("a", "own"), Row("ab", "own")], ["a"])], ["a"])

    def test_no_match_lists_what_there_is(self):
        with self.assertRaisesRegex(CompareError, "--rows 'foo': matches no row; known rows: larson, xmalloc, large"):
            self.names("foo")
        with self.assertRaisesRegex(CompareError, "no regular expression"):
            self.names("(")

    def test_own_rows(self):
        row = rows.own_rows(["parse=./parser 'a b' c"])[0]
        self.assertEqual((row.name, row.command), ("parse", ["./parser", "a b", "c"]))
        for bad in ("parse", "=x", "parse=", "parse='x"):
            with self.assertRaisesRegex(CompareError, "--run"):
                rows.own_rows([bad])

    def test_traces_are_rows(self):
        found = rows.load_traces(cli.ROOT / "bench" / "traces" / "rows.json", Path("/b"))
        self.assertGreaterEqual(len(found), 5)
        self.assertEqual({row.kind for row in found}, {"trace"})
        for row in found:
            self.assertTrue(Path(row.command[1]).is_file(), row.command)
        self.assertEqual(rows.command_line(found[0], {}, Path("/o")),
                         ["/b/ashlar-replay", "--lines", f"/o/prepared/{found[0].name}/plan"])

    def test_a_trace_of_the_users(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "my program.trace"
            file.write_bytes(b"")
            plain, named = rows.own_traces([str(file), f"mine={file}"], Path("/b"))
            self.assertEqual((plain.name, named.name), ("my-program", "mine"))
            self.assertEqual({row.command[1] for row in (plain, named)}, {str(file.resolve())})
            self.assertEqual([row.name for row in cli.rows_to_measure(options.parse(["--trace", f"mine={file}"]))], ["mine"])
        with self.assertRaisesRegex(CompareError, "--trace /no/such: no such file"):
            rows.own_traces(["/no/such"], Path("/b"))
        for content in ("[{", '[{"name": "a"}]'):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
                listed.write(content)
                listed.flush()
                with self.assertRaisesRegex(CompareError, "needs name, file, what"):
                    rows.load_traces(Path(listed.name), Path("/b"))

    def test_own_rows_are_measured_beside_those_of_rows(self):
        def measured(*arguments):
            return [row.name for row in cli.rows_to_measure(options.parse(["--run", "mine=./mine", *arguments]))]
        self.assertEqual(measured(), ["mine"])
        self.assertEqual(measured("--rows", "larson"), ["larson", "mine"])
        self.assertEqual(measured("--rows", "mine,larson"), ["larson", "mine"])

    def test_malformed_rows_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.json"
            for content, message in (("[{", "rows.json"), ('[{"name": "a"}]', "program"),
                                     ('[{"name": "a", "program": "a", "kind": "odd"}]', "'odd', expected one of"),
                                     ('[{"name": "a", "program": "a", "kind": "idle"}]', "needs idle_seconds")):
                file.write_text(content)
                with self.assertRaisesRegex(CompareError, message):
                    rows.load_workloads(file, Path(folder))

    def test_idle_rows_get_scale_and_idle(self):
        row = Row("i", "idle", command=["/b/idle"], idle_seconds=5.0)
        self.assertEqual(rows.command_line(row, {"scale": 0.2, "idle": 2.0}, Path("/o")),
                         ["/b/idle", "--scale", "0.2", "--idle", "2"])


class Stored(unittest.TestCase):
    def test_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            made = session({"a": {"glibc": [1.0, 2.0], "ashlar": [3.0, 4.0]}})
            report_json.save(made, Path(folder) / "deep" / "r.json")
            self.assertEqual(report_json.load(Path(folder) / "deep" / "r.json"), made)

    def test_other_files_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.json"
            made = session({"a": {"glibc": [1.0]}}).to_dict()
            made["runs"][0]["row"] = "b"
            for content, message in (("{", "no JSON"), ("{}", "not a result"), ("[]", "not a result"),
                                     ('{"tool": "bench/compare", "schema": 99}', "schema 99, expected 1"),
                                     (json.dumps(made), "does not describe")):
                file.write_text(content)
                with self.assertRaisesRegex(CompareError, message):
                    report_json.load(file)
            with self.assertRaisesRegex(CompareError, "--load .*: No such file"):
                report_json.load(Path(folder) / "none.json")
