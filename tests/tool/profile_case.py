"""Contains what the tests of ashlar profile share: a profile with known sites, which the library wrote."""
import os
import subprocess
import tempfile
from pathlib import Path

from tool_case import LIBRARY, PLAIN, ToolCase

PROGRAM = os.environ["ASHLAR_TEST_PROFILED"]
BAD_PROFILE = 9
FILL, HALF = "store::Table::fill(int)", "keep_half"


class ProfileCase(ToolCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name) / "profile.txt"
        options = f"profile=1,profile_file={cls.path}"
        subprocess.run([PROGRAM], env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}, check=True, timeout=300)
        cls.text = cls.path.read_text(encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def written(self, text, name="other.txt"):
        path = Path(self.folder.name) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
