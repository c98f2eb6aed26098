#!/usr/bin/env python3
"""Tests ashlar profile --html: the page is complete in itself, holds the program's figures, and shows names as text."""
import html.parser
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from page_case import PageCase, data_of, stacks_of
from profile_case import FILL, HALF, PROGRAM
from tool_case import FAILED, PLAIN, USAGE

MARKUP = '<!--<script>"&\'%DATA%'


class Reader(html.parser.HTMLParser):
    """Elements with their attributes, and the text of each kind."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.open = [], {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.setdefault(self.open[-1] if self.open else "", []).append(data)


class Page(PageCase):
    def test_needs_nothing_from_elsewhere(self):
        page = self.page_of(self.path)
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        # names of XML's and of a licence, none of which is fetched
        self.assertEqual({u for u in re.findall(r"https?://([\w.]+)/", page.replace("\\\n", ""))}, {"www.w3.org", "www.apache.org"})
        read = Reader(page)
        self.assertEqual(read.open, [])
        nonce = re.search(r"nonce-([0-9a-f]{32})", page).group(1)
        policy = next(a["content"] for tag, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
        self.assertIn("default-src 'none'", policy)
        self.assertEqual([a for tag, a in read.elements if tag in ("script", "style")], [{"nonce": nonce}] * 3)
        self.assertFalse([a for _, a in read.elements if {"src", "href", "style", "onload"} & a.keys()])
        self.assertFalse(re.findall(r"%[A-Z_]+%", page))
        self.assertNotIn(nonce, self.page_of(self.path))

    def test_size_is_bounded(self):
        page = self.page_of(self.path)
        self.assertLess(len(page), 100_000)
        # rows and nodes are small: a thousand more stacks of the same functions, each of a thread of its own
        site = re.search(r"^site \d+ (.*)$", self.text, re.M).group(1)
        sites = "".join(f"site {i} {site}\n" for i in range(1000, 2000))
        threads = "".join(f"thread {i} {i} worker\n" for i in range(1000, 2000))
        more = self.page_of(self.written(self.text.replace("mappings\n", sites + threads + "mappings\n", 1)))
        self.assertLess(len(more) - len(page), 60_000)

    def test_holds_the_figures_of_each_stack(self):
        data = data_of(self.page_of(self.path))
        found = {names[-1]: (names, thread, size, figures) for names, thread, size, figures in stacks_of(data)}
        self.assertEqual(found[FILL][3], [10000, 10, 10000, 10])
        self.assertEqual(found[HALF][3], [500, 10, 1000, 20])
        self.assertEqual(found[FILL][0][-2], "main")
        self.assertRegex(found[FILL][1], rf"^{re.escape(Path(PROGRAM).name[:15])} \(\d+\)$")
        self.assertGreaterEqual(found[FILL][2], 1000)
        self.assertFalse(data["allocated"])
        self.assertTrue(data_of(self.page_of(self.path, "--allocated"))["allocated"])

    def test_markup_in_names_stays_text(self):
        text = self.text.replace(os.path.realpath(PROGRAM), f"/nowhere/{MARKUP}")
        text = re.sub(r"^(thread \d+ \d+) .*", rf"\1 </script>{MARKUP}", text, flags=re.M)
        page = self.page_of(self.written(text))
        read, plain = Reader(page), Reader(self.page_of(self.path))
        self.assertEqual([tag for tag, _ in read.elements], [tag for tag, _ in plain.elements])
        self.assertEqual(len(read.text["script"]), len(plain.text["script"]))
        self.assertNotIn(MARKUP[:4], page)
        data = data_of(page)
        self.assertTrue(any(name.startswith(MARKUP + "+0x") for name in data["functions"]), data["functions"])
        self.assertRegex(data["threads"][0], "^" + re.escape("</script>" + MARKUP))

    def test_direction_marks_and_bytes_that_are_no_text_are_shown_as_such(self):
        text = re.sub(r"^(thread \d+ \d+) .*", "\\1 a\u202eb", self.text, flags=re.M).encode().replace(b"a\xe2", b"\xffa\xe2")
        self.assertRegex(data_of(self.page_of(self.written(text)))["threads"][0], r"^\\xffa\\u202eb")

    def test_no_stack_has_a_name(self):
        text = re.sub(r"^(site (?:\d+ ?){10}).*", r"\1", self.text, flags=re.M).replace(" \n", "\n")
        self.assertEqual({tuple(names) for names, *_ in stacks_of(data_of(self.page_of(self.written(text))))}, {("[no stack]",)})

    def test_errors(self):
        self.fails(FAILED, "/no/such/page.html: No such file or directory", "profile", self.path, "--html", "/no/such/page.html")
        self.fails(FAILED, "/dev/full: No space left on device", "profile", self.path, "--html", "/dev/full")
        for other in (["--json"], ["--folded"], ["--pprof", "x"], ["-o", "x"]):
            self.fails(USAGE, "profile: .*--html", "profile", self.path, "--html", "x", *other)


class Script(PageCase):
    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_draws_what_is_chosen(self):
        page = self.page_of(self.path)
        fill, half = ([f for names, _, _, f in stacks_of(data_of(page)) if names[-1] == name][0] for name in (FILL, HALF))
        for measure in range(4):
            root = self.drawn(page, measure=str(measure))
            self.assertEqual((self.named(root, FILL), self.named(root, HALF)), (fill[measure], half[measure]))
            self.assertEqual(self.named(root, "main"), fill[measure] + half[measure])
            self.assertGreaterEqual(root["value"], fill[measure] + half[measure])
        self.assertEqual(self.drawn(self.page_of(self.path, "--allocated"))["value"], self.drawn(page, measure="2")["value"])

    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_thread_and_size_leave_the_rest_out(self):
        sites = re.findall(r"^site (\d+) (\d+) .*$", self.text, re.M)
        other = str(max(int(thread) for thread, _ in sites) + 1)
        size = next(size for names, _, size, _ in stacks_of(data_of(self.page_of(self.path))) if names[-1] == HALF)
        text = re.sub(rf"^site \d+ {size} ", f"site {other} {size} ", self.text, flags=re.M)
        page = self.page_of(self.written(text.replace("mappings\n", f"thread {other} 7 second\nmappings\n", 1)))
        thread = data_of(page)["threads"].index("second (7)")
        for chosen in ({"thread": str(thread)}, {"size": str(size)}, {"thread": str(thread), "size": str(size)}):
            root = self.drawn(page, **chosen)
            self.assertEqual((self.named(root, FILL), self.named(root, HALF)), (0, 500))
        self.assertIsNone(self.drawn(page, thread=str(thread), size="1"))

    @unittest.skipUnless(shutil.which("chromium"), "no chromium here")
    def test_a_browser_draws_it_without_a_complaint(self):
        probe = ("<script nonce='NONCE'>addEventListener('load', () => setTimeout(() => { element('find').value = 'table::fill'; find();"
                 "document.title = 'DRAWN ' + document.querySelectorAll('rect').length + ' ' + element('found').textContent; }, 300));</script></body>")
        page = self.page_of(self.path)
        nonce = re.search(r"nonce-([0-9a-f]+)", page).group(1)
        path = self.written(page.replace("</body>", probe.replace("NONCE", nonce)), "probe.html")
        run = subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                              f"--user-data-dir={self.folder.name}/browser", "--virtual-time-budget=3000", "--dump-dom", f"file://{path}"],
                             capture_output=True, text=True, timeout=300, env={**PLAIN, "HOME": self.folder.name}, check=False)
        drawn = re.search(r"<title>DRAWN (\d+) (.*?)</title>", run.stdout)
        self.assertIsNotNone(drawn, run.stderr[-2000:])
        self.assertGreaterEqual(int(drawn.group(1)), 4)
        self.assertRegex(drawn.group(2), r"^1 found: 9\.8 KiB$")
        self.assertNotIn(":CONSOLE", run.stderr)


if __name__ == "__main__":
    unittest.main()
