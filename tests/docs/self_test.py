#!/usr/bin/env python3
"""Tests that the checks of the documentation find what they should."""
import tempfile
import unittest
from pathlib import Path

import check_docs
import generated
import pages
import platforms
import run_commands

REPORT = "ashlar: version 1\nashlar: live    12 KiB  held\nashlar:   runs     0 KiB  of these\nashlar:     1   16  3\n"
MESSAGES = "<!-- messages -->\n| `…: bad pointer …: not here (it lies … bytes)` | why |\n<!-- /messages -->\n"


class Report(unittest.TestCase):
    def test_reads_the_labels_of_lines_with_sizes_only(self):
        self.assertEqual(check_docs.printed_labels(REPORT), ["live", "runs"])

    def test_names_lines_that_one_side_lacks(self):
        problems = check_docs.compare_labels(["live", "runs"], ["live", "walks"], "page")
        self.assertEqual(len(problems), 2)
        self.assertIn("'runs' is not explained", problems[0])
        self.assertIn("'walks', which is not", problems[1])

    def test_refuses_a_report_that_it_cannot_read(self):
        self.assertTrue(check_docs.compare_labels([], [], "page"))


class Messages(unittest.TestCase):
    def test_finds_fragments_in_joined_and_escaped_literals(self):
        source = 'x << ": bad "\n  "pointer " << p << ": not here (it lies " << n << " bytes)" << "a \\"quoted\\" one";'
        strings = check_docs.literals(source)
        self.assertIn('a "quoted" one', strings)
        self.assertEqual(check_docs.compare_messages(MESSAGES, strings), [])

    def test_accepts_a_fragment_that_several_literals_make_up(self):
        self.assertEqual(check_docs.compare_messages(MESSAGES, [": bad pointer ", ": not here", " (", "it lies ", " bytes)"]), [])

    def test_names_a_fragment_that_no_source_says(self):
        problems = check_docs.compare_messages(MESSAGES, [": bad pointer ", ": not here (it stands ", " bytes)"])
        self.assertEqual(len(problems), 1)
        self.assertIn(": not here (it lies ", problems[0])

    def test_refuses_a_page_without_messages(self):
        self.assertTrue(check_docs.compare_messages("nothing", ["x"]))


class Platforms(unittest.TestCase):
    PRESETS = """{"configurePresets": [{"name": "release"}, {"name": "cross", "hidden": true, "toolchainFile": "x"},
                                       {"name": "far", "inherits": "cross"}]}"""
    CMAKE = "function(cross_tests preset)\ncross_tests(far FOLDERS unit api PAGES 65536)\n"

    def problems(self, row, cmake=CMAKE):
        page = f"<!-- processors -->\n| a | b | c | d | e |\n{row}<!-- /processors -->\n"
        return platforms.compare_platforms(page, platforms.presets_with_toolchain(self.PRESETS), cmake)

    def test_a_row_says_what_runs(self):
        self.assertEqual(self.problems("| Far | `far` | `api`, `unit` | 4, 64 | x |\n"), [])

    def test_other_folders_or_pages_are_named(self):
        self.assertEqual(len(self.problems("| Far | `far` | `api` | 4, 64 | x |\n")), 1)
        self.assertEqual(len(self.problems("| Far | `far` | `api`, `unit` | 4 | x |\n")), 1)

    def test_other_processors_of_the_emulator_are_named(self):
        cmake = self.CMAKE.replace(" PAGES 65536", " PAGES 65536 PROCESSORS small large")
        self.assertEqual(self.problems("| Far | `far` | `api`, `unit` | 4, 64 | `large`, `small` | x |\n", cmake), [])
        self.assertEqual(len(self.problems("| Far | `far` | `api`, `unit` | 4, 64 | `small` | x |\n", cmake)), 1)

    def test_a_preset_without_a_row_or_a_test_is_named(self):
        self.assertEqual(self.problems(""), ["docs/platforms.md: no row of the preset far"])
        self.assertEqual(self.problems("| Far | `far` | `api`, `unit` | 4, 64 | x |\n", ""),
                         ["tests/cross: nothing runs with the preset far"])

    def test_a_row_without_a_preset_is_named(self):
        self.assertIn("docs/platforms.md: near is no preset for another machine", self.problems("| N | `near` | `api` | 4 | x |\n"))


class Kernel(unittest.TestCase):
    SOURCES = ["call::number(SYS_statx, file);", "constexpr int kCollapse = 25;  // MADV_COLLAPSE, which headers lack", "SYS_mmap"]

    def problems(self, *rows):
        page = "<!-- kernel -->\n| call | Linux | without it |\n" + "".join(f"| {row} | 1 | no |\n" for row in rows) + "<!-- /kernel -->\n"
        return platforms.compare_kernel(page, self.SOURCES)

    def test_each_call_and_flag_has_a_row(self):
        self.assertEqual(self.problems("`statx`, `MADV_COLLAPSE`"), [])
        self.assertEqual(self.problems("`statx`"), ["docs/platforms.md: no row of MADV_COLLAPSE, which src calls"])

    def test_a_row_of_what_is_not_called_is_named(self):
        self.assertEqual(self.problems("`statx`", "`MADV_COLLAPSE`", "`futex`"),
                         ["docs/platforms.md: futex has a row, and src does not call it"])


class Matrix(unittest.TestCase):
    def problems(self, *rows):
        page = "<!-- compilers -->\n| row | compiler |\n" + "".join(f"| {row} | GCC |\n" for row in rows) + "<!-- /compilers -->\n"
        return platforms.compare_matrix(page, "x\nall=(gcc lld mold)\n")

    def test_each_row_is_in_the_table(self):
        self.assertEqual(self.problems("`gcc`", "`lld`, `mold`"), [])
        self.assertEqual(self.problems("`gcc`", "`mold`"), ["docs/platforms.md: no row of lld, which scripts/matrix builds"])

    def test_a_row_that_is_not_built_is_named(self):
        self.assertEqual(self.problems("`gcc`", "`lld`, `mold`", "`icc`"), ["docs/platforms.md: icc is no row of scripts/matrix"])


class Security(unittest.TestCase):
    def page(self, claim, shown):
        rows = "".join(f"| {against} | {claim} |\n" for against in check_docs.SHOWN_BY)
        kinds = "".join(f"| {kind} | {shown} |\n" for kind in ("overflow 1", "double free", "new then free", "write after free",
                                                              "reuse shows old data"))
        head = "| x | `harden` |\n| --- | --- |\n"
        return (f"<!-- defended -->\n{head}{rows}<!-- /defended -->\n"
                f"<!-- misuse -->\n{head.replace('`', '')}{kinds}<!-- /misuse -->\n")

    def test_a_claim_must_be_what_the_tests_show(self):
        self.assertEqual(check_docs.compare_defences(self.page("every one", "told")), [])
        self.assertEqual(check_docs.compare_defences(self.page("some of them", "told, no")), [])
        self.assertEqual(check_docs.compare_defences(self.page("no", "no")), [])
        for claim, shown in (("every one", "told, no"), ("some of them", "no"), ("no", "told")):
            self.assertEqual(len(check_docs.compare_defences(self.page(claim, shown))), len(check_docs.SHOWN_BY))
        self.assertTrue(check_docs.compare_defences("no tables"))


class Links(unittest.TestCase):
    def broken(self, text):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "page.md").write_text(text)
            (Path(folder) / "other.md").write_text("# One: `two`, three\n")
            return pages.broken_links("page.md", Path(folder))

    def test_accepts_what_is_there(self):
        self.assertEqual(self.broken("# Here\n[a](other.md) [b](#here) [c](other.md#one-two-three) [d](https://x.org/y)\n"), [])

    def test_names_missing_files_and_sections(self):
        self.assertEqual(len(self.broken("[a](gone.md) [b](#gone) [c](other.md#gone)\n")), 3)

    def test_takes_no_code_for_a_link(self):
        self.assertEqual(self.broken("```\nx[0](gone)\n```\n"), [])


class Header(unittest.TestCase):
    def test_names_functions_without_a_comment(self):
        header = ("/* One. */\nASHLAR_API int ashlar_one(void);\n\nASHLAR_API int ashlar_two(void);\n\n"
                  "/* Three and four. */\nASHLAR_API int ashlar_three(int);\nASHLAR_API int ashlar_four(\n    int);\n")
        self.assertEqual(check_docs.uncommented(header), ["ashlar_two"])


class Names(unittest.TestCase):
    def missing(self, text):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "src/heap").mkdir(parents=True)
            (Path(folder) / "src/heap/slow.cc").write_text("int allocate_small();\n")
            return (pages.missing_files(text, "page", Path(folder), {"slow.cc"}), pages.missing_sources(text, "page", Path(folder)),
                    pages.wrong_steps(text, "page", Path(folder)))

    def test_names_files_that_are_not_there(self):
        self.assertEqual(self.missing("`src/heap/slow.cc` `slow.cc` `src/*/x.cc` (heap/slow.cc)")[:2], ([], []))
        files, sources, _ = self.missing("`src/heap/fast.cc` `fast.cc` (heap/nodes.cc)")
        self.assertEqual((len(files), len(sources)), (2, 1))

    def test_names_functions_that_a_walk_takes_for_another_file_s(self):
        self.assertEqual(self.missing("`allocate_small` (heap/slow.cc) and (`heap::allocate_small`,\nheap/slow.cc)")[2], [])
        self.assertEqual(len(self.missing("`a` and `b` (heap/slow.cc), `c` (heap/gone.cc)")[2]), 3)


class Readme(unittest.TestCase):
    def test_has_its_sections_in_order_and_is_short(self):
        text = "".join(f"## {name}\n" for name in pages.README_ORDER)
        self.assertEqual(pages.compare_readme(text), [])
        self.assertEqual(len(pages.compare_readme(text + "## More\n")), 1)
        self.assertEqual(len(pages.compare_readme(text + "line\n" * pages.README_LINES)), 1)


class Functions(unittest.TestCase):
    def test_names_what_one_side_lacks(self):
        page = "<!-- replaced -->\n`malloc`, `valloc`\n<!-- /replaced -->\n"
        self.assertEqual(check_docs.compare_functions(page, ["malloc", "valloc", "ashlar_malloc", "_Znwm"]), [])
        self.assertEqual(len(check_docs.compare_functions(page, ["malloc", "free"])), 2)


class Terms(unittest.TestCase):
    PAGE = ("<!-- terms -->\n| term | meaning |\n| --- | --- |\n| {} | x |\n| zone | y |\n<!-- /terms -->\n"
            "<!-- settled -->\n| not | but |\n| --- | --- |\n| `max_live` | peak |\n<!-- /settled -->\n")

    def test_names_identifiers_with_old_words(self):
        self.assertEqual(pages.compare_terms(self.PAGE.format("peak"), "int peak, max, live_max;"), [])
        self.assertEqual(len(pages.compare_terms(self.PAGE.format("peak"), "int max_live_, kMaxLive, recent_max_live;")), 3)

    def test_finds_whole_identifiers_and_words_apart(self):
        self.assertEqual(pages.uses_of("Named", "Named NamedCache named kNamed"), ["Named"])
        self.assertEqual(pages.uses_of("k*most", "kMost kHeapMost kMostBytes k most kMostly almost"), ["kHeapMost", "kMost", "kMostBytes"])

    def test_wants_each_term_once_and_in_order(self):
        self.assertEqual(len(pages.compare_terms(self.PAGE.format("zone"), "")), 1)
        self.assertEqual(len(pages.compare_terms(self.PAGE.format("zonelist"), "")), 1)

    def test_leaves_comments_and_strings_alone(self):
        self.assertEqual(pages.without_text('a // max_live\n"max_live" /* max_live */ b').split(), ["a", "b"])


class Generated(unittest.TestCase):
    def test_replaces_what_stands_between_the_marks(self):
        self.assertEqual(generated.with_block("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", "x", "new\n"), "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n")
        with self.assertRaises(ValueError):
            generated.with_block("nothing", "x", "new\n")


class Version(unittest.TestCase):
    def test_takes_the_first_section_that_has_a_version(self):
        self.assertEqual(check_docs.latest_release("## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2026-01-01\n"), "1.2.3")
        self.assertIsNone(check_docs.latest_release("## [Unreleased]\n"))

    def test_names_who_says_another_version(self):
        problems = check_docs.compare_versions("1.2.3", {"one": "1.2.3", "two": "1.2.2", "three": None})
        self.assertEqual(len(problems), 2)
        self.assertIn("two: version 1.2.2", problems[0])


class Commands(unittest.TestCase):
    def test_takes_marked_blocks_only(self):
        text = "a\n<!-- run -->\n```sh\none\n```\n```sh\ntwo\n```\n<!-- run -->\n```sh\nthree\n```\n"
        self.assertEqual(run_commands.blocks(text), [(4, "one\n"), (11, "three\n")])

    def test_refuses_a_mark_without_a_block(self):
        with self.assertRaises(SystemExit):
            run_commands.blocks("<!-- run -->\ntext\n")


if __name__ == "__main__":
    unittest.main()
