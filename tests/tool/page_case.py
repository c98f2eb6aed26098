"""Contains what the tests of ashlar profile --html share: a page's data, and the page's own script in a document of the
test.
"""
import json
import re
import subprocess
from pathlib import Path

from profile_case import ProfileCase
from tool_case import PLAIN

COLUMNS = 7
# A document that suffices for the page's own script. It notes what is drawn, and returns what is chosen.
STUB = """
const elements = {}, chosen = %s, drawn = [];
const made = id => ({get value() { return chosen[id] ?? ""; }, set value(text) { chosen[id] = text; }, clientWidth: 900,
                     append() {}, addEventListener() {}, replaceChildren() {}});
const document = {getElementById: id => elements[id] ??= made(id), createElement: () => ({})};
const addEventListener = () => {};
const graph = new Proxy(function () {}, {get: () => () => graph});
const flame = {flamegraph: () => graph, select: () => ({datum: root => ({call: () => drawn.push(root)})})};
"""


def data_of(page):
    return json.loads(re.search(r"^const DATA = (.*);$", page, re.M).group(1))


def stacks_of(data):
    """Returns (names from the outermost on, thread, size class, figures) of each row."""
    rows, nodes = data["figures"], data["nodes"]
    for at in range(0, len(rows), COLUMNS):
        node, thread, size, *figures = rows[at:at + COLUMNS]
        names = []
        while node != 0:
            names.insert(0, data["functions"][nodes[2 * node - 1]])
            assert nodes[2 * node - 2] < node
            node = nodes[2 * node - 2]
        yield names, data["threads"][thread], size, figures


class PageCase(ProfileCase):
    def page_of(self, path, *more):
        self.assertEqual(self.succeeds("profile", path, "--html", Path(self.folder.name) / "page.html", *more), "")
        return (Path(self.folder.name) / "page.html").read_text(encoding="utf-8")

    def drawn(self, page, **chosen):
        script = page[page.index("const DATA = "):page.rindex("</script>")]
        code = STUB % json.dumps({"measure": "0", **chosen}) + script + "\nconsole.log(JSON.stringify(drawn.at(-1) ?? null));"
        run = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=300, env=PLAIN, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return json.loads(run.stdout)

    def named(self, node, name):
        """Returns the sum of the figures of all nodes with a name."""
        return node["value"] if node["name"] == name else sum(self.named(child, name) for child in node["children"])
