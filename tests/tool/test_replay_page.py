#!/usr/bin/env python3
"""Tests ashlar replay --html: the page is complete, shows names as text, and draws what was measured."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import LIBRARY, PLAIN, ToolCase, ashlar

RECORDED = os.environ["ASHLAR_TEST_RECORDED"]
MARKUP = "<b>'&"
# A document that is enough for the page's script: it notes what becomes of the elements that it makes.
STUB = """
const elements = {};
const made = (name, id) => ({name, id, attributes: {}, children: [], textContent: "",
                             setAttribute(key, value) { if (/NaN|Infinity|undefined/.test(value)) throw Error(`${name} ${key}=${value}`);
                                                        this.attributes[key] = String(value); },
                             append(child) { this.children.push(child); }});
const document = {getElementById: id => elements[id] ??= made("div", id), createElement: name => made(name),
                  createElementNS: (_, name) => made(name)};
"""


class Page(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def page(self, *arguments, name="trace"):
        trace, page = Path(self.folder.name) / "trace", Path(self.folder.name) / "page.html"
        self.assertEqual(ashlar("record", "-o", trace, "--", RECORDED, "known").returncode, 0)
        trace = trace.rename(Path(self.folder.name) / name)
        self.succeeds("replay", trace, "--repeats", 1, "--html", page, *arguments)
        return page.read_text(encoding="utf-8")

    def test_it_needs_nothing_else_and_has_the_figures(self):
        page = self.page()
        self.assertNotRegex(page.replace("http://www.w3.org/2000/svg", ""), r"https?://|src=|<link|@import|url\(")
        self.assertRegex(page, r"default-src 'none'; style-src 'nonce-[0-9a-f]+'; script-src 'nonce-[0-9a-f]+'")
        data = json.loads(re.search(r"^const DATA = (.*);$", page, re.M).group(1))
        self.assertEqual([row["name"] for row in data["allocators"]], ["glibc", "ashlar"])
        self.assertIn("free", data["allocators"][1]["latency_ns"])

    def test_names_are_text(self):
        page = self.page("--alloc", f"{MARKUP}</script>={LIBRARY}", name=MARKUP.replace("/", ""))
        self.assertNotIn(MARKUP, page)
        self.assertEqual(page.count("</script>"), 1)

    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_its_script_draws_each_allocator(self):
        for arguments in ((), ("--speed", "recorded")):
            page = self.page(*arguments)
            script = page[page.index("const DATA = "):page.rindex("</script>")]
            code = STUB + script + "\nconsole.log(JSON.stringify(elements));"
            run = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=300, env=PLAIN, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            elements = json.loads(run.stdout)
            self.assertEqual([figure["children"][0]["textContent"] for figure in elements["curves"]["children"]], ["glibc", "ashlar"])
            self.assertEqual([figure["children"][0]["textContent"] for figure in elements["steps"]["children"]], ["allocate", "realloc", "free"])
            circles = [child for child in elements["front"]["children"][0]["children"][0]["children"] if child["name"] == "circle"]
            self.assertEqual(len(circles), 2)
            self.assertEqual(len(elements["latency"]["children"]), 1 + 6)


if __name__ == "__main__":
    unittest.main()
