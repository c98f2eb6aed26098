"""The reports hold what the session holds, failures and markup included."""

import io
import re
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

from plotly.offline import get_plotlyjs
from rich.console import Console

from comparison import report_html, report_markdown, wording
from comparison.figures import Figures
from comparison.report_table import print_report

from .helpers import session


def example():
    made = session({"quick": {"glibc": [1.0, 1.1], "ashlar": [0.5, 0.51], "tcmalloc": [0.7, 0.7]},
                    "rest": {"glibc": [2.0, 2.6], "ashlar": [1.0, 1.0], "tcmalloc": [9.0, 9.0]}}, idle_rows=("rest",))
    made.rows[0].what = "a <b>bold</b> | row"
    for run in made.runs:
        run.samples = [[second / 10, 1000 + second] for second in range(20)] if run.row == "rest" else []
        run.phases = [[1.0, "idle"]] if run.row == "rest" else []
        if run.row == "quick" and run.allocator == "tcmalloc":
            run.error, run.stderr = "killed by SIGSEGV", "<script>alert(1)</script>"
    return made


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.figures = Figures(example())

    def test_terminal(self):
        out = io.StringIO()
        print_report(self.figures, Console(file=out, width=160))
        text = out.getvalue()
        for part in ("500 ms", "FAILED quick under tcmalloc: killed by SIGSEGV", "1 of 2 rows", "Targets", "missed", "2.00 s ~"):
            self.assertIn(part, text)

    def test_page_is_whole_offline_and_escaped(self):
        page = report_html.render(self.figures)
        self.assertNotRegex(re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL), r"(?:src|href)=[\"']?(?:https?:)?//")
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertNotIn("<script>alert(1)", page)
        drawn = page.replace(get_plotlyjs(), "")
        self.assertLess(len(drawn), len(page) / 2)
        self.assertEqual(drawn.count("Plotly.newPlot("), page.count('class="plotly-graph-div"'))
        self.assertEqual(page.count('class="plotly-graph-div"'), 4)
        for part in ("Failures", "killed by SIGSEGV", "Time against memory", "Memory over time", "After idling", "madvise"):
            self.assertIn(part, page)

    def test_markdown_and_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            report_markdown.write(self.figures, Path(folder) / "RESULTS.md")
            text = (Path(folder) / "RESULTS.md").read_text()
            root = xml.etree.ElementTree.parse(Path(folder) / "results.svg").getroot()
        self.assertTrue(root.tag.endswith("svg"))
        for part in ("(results.svg)", "**500 ms**", "- quick under tcmalloc: killed by SIGSEGV", "a <b>bold</b> \\| row",
                     "commit abc", "**FAILED**"):
            self.assertIn(part, text)

    def test_a_session_without_any_result_is_reported_too(self):
        made = session({"a": {"glibc": [1.0]}})
        made.runs[0].error = "timed out"
        figures = Figures(made)
        self.assertIn("timed out", report_html.render(figures))
        self.assertIn("timed out", report_markdown.render(figures, ""))


class Wording(unittest.TestCase):
    def test_figures_have_three_digits_and_a_unit(self):
        self.assertEqual([wording.seconds(v) for v in (12.345, 1.2345, 0.0456, 3e-6)], ["12.3 s", "1.23 s", "45.6 ms", "3.00 µs"])
        self.assertEqual([wording.mebibytes(v) for v in (1024, 20480, 1048576)], ["1.00 MiB", "20.0 MiB", "1,024 MiB"])
        self.assertEqual([wording.count(v) for v in (999, 12345, 2.5e6, 3e9)], ["999", "12.3 k", "2.50 M", "3.00 G"])
        self.assertEqual([wording.duration(v) for v in (5, 65, 3725)], ["0:05", "1:05", "1:02:05"])
