"""Contains what the tests of ashlar replay share: recording a program and replaying it."""
import os
import tempfile
from pathlib import Path

from tool_case import PLAIN, ToolCase, ashlar

RECORDED, REPLAY = os.environ["ASHLAR_TEST_RECORDED"], os.environ["ASHLAR_TEST_REPLAY"]


class ReplayCase(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.trace = Path(self.folder.name) / "trace"

    def record(self, *words, file=None):
        run = ashlar("record", "-o", file or self.trace, "--", *words)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout

    def replay(self, *arguments, file=None, **environment):
        return self.json_of("replay", file or self.trace, "--json", *arguments, env={**PLAIN, **environment})

    def replayed(self):
        """Returns the contents of a replay's trace."""
        again = Path(self.folder.name) / "again"
        self.replay("--alloc", "ashlar", "--repeats", 1, ASHLAR_OPTIONS=f"record={again}")
        return self.json_of("trace", "--json", again)
