#!/usr/bin/env python3
"""Tests options that hold where the environment sets no others: the program's own, /etc/ashlar.conf, and the user's file."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import HOLDER, LIBRARY, PLAIN, ToolCase

OWN = os.environ["ASHLAR_TEST_OWN_OPTIONS"]
FILE = """# for all programs
decay_ms=222, dirty_ratio=22
[ tool_holder ]
perturb=3   # of this one
dirty_min=1m

[another]
harden
"""


class Defaults(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = Path(self.folder.name) / "ashlar.conf"

    def started(self, program, options=None, library=LIBRARY, prefix=(), **variables):
        environment = {**PLAIN, "XDG_CONFIG_HOME": self.folder.name, **variables}
        environment.update({"LD_PRELOAD": library} if library else {})
        environment.update({"ASHLAR_OPTIONS": options} if options is not None else {})
        return subprocess.Popen([*prefix, program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def options_of(self, program=HOLDER, errors="", **more):
        """The options that are not as by default: value and origin."""
        with self.started(program, **more) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            rows = self.json_of("options", process.pid, "--json")
            told = self.json_of("doctor", process.pid, "--json")["options"]
            _, said = process.communicate("", timeout=300)
        self.assertEqual(said, errors)
        self.assertEqual({row["name"]: row["from"] for row in rows}, {name: option["from"] for name, option in told.items()})
        return {row["name"]: (row["value"], row["from"]) for row in rows if row["from"] != "default"}

    def test_the_users_file_by_program_and_the_environment_over_it(self):
        self.file.write_text(FILE)
        user = "the user's ashlar.conf"
        expected = {"decay_ms": ("222", user), "dirty_ratio": ("22", user), "perturb": ("3", user), "dirty_min": ("1m", user)}
        found = self.options_of()
        self.assertEqual(found, expected)
        self.assertEqual(self.options_of(options="decay_ms=5")["decay_ms"], ("5", "ASHLAR_OPTIONS"))

    def test_the_home_folder_where_nothing_else_is_named(self):
        (Path(self.folder.name) / ".config").mkdir()
        (Path(self.folder.name) / ".config" / "ashlar.conf").write_text("decay_ms=222\n")
        self.assertEqual(self.options_of(HOME=self.folder.name, XDG_CONFIG_HOME="")["decay_ms"][0], "222")
        self.assertEqual(self.options_of(HOME="", XDG_CONFIG_HOME="relative"), {})

    def test_the_programs_own_are_under_all_others(self):
        own = "the program"
        self.assertEqual(self.options_of(OWN, library=""),
                         {"decay_ms": ("111", own), "dirty_ratio": ("11", own), "guard_sample": ("1000000", own)})
        self.file.write_text("dirty_ratio=22\n")
        found = self.options_of(OWN, library="", options="guard_sample=0")
        self.assertEqual(found, {"decay_ms": ("111", own), "dirty_ratio": ("22", "the user's ashlar.conf"), "guard_sample": ("0", "ASHLAR_OPTIONS")})

    def test_a_file_that_others_may_write_or_that_is_none_is_left_alone(self):
        self.file.write_text(FILE)
        self.file.chmod(0o666)
        self.assertEqual(self.options_of(), {})
        self.file.unlink()
        os.mkfifo(self.file, 0o644)
        self.assertEqual(self.options_of(), {})
        if os.geteuid() == 0:
            self.file.unlink()
            self.file.write_text(FILE)
            os.chown(self.file, 4321, 4321)
            self.assertEqual(self.options_of(), {})

    def test_mmap_only_looks_for_no_file(self):
        self.file.write_text("decay_ms=222\n")
        self.assertNotIn("decay_ms", self.options_of(options="mmap_only"))

    def test_what_cannot_be_used_is_a_line_that_names_the_file(self):
        self.file.write_text("no_such=1\n")
        with self.started("/bin/true") as process:
            _, said = process.communicate("", timeout=300)
        self.assertRegex(said, r'^ashlar: ashlar.conf of the user: unknown option "no_such"; known options: [^\n]*\n$')

    def test_a_large_or_strange_file_does_no_harm(self):
        self.file.write_bytes(b"[" + bytes(range(256)) * 200 + b"\ndecay_ms=7\n[\n]\n[]\n" + b"#" * 40000)
        self.assertEqual(self.options_of(), {})

    def test_the_systems_file_is_under_the_users(self):
        """In a mount namespace with an /etc of its own."""
        etc = Path(self.folder.name) / "etc"
        etc.mkdir()
        (etc / "ld.so.cache").write_bytes(Path("/etc/ld.so.cache").read_bytes())
        (etc / "ashlar.conf").write_text("decay_ms=333\ndirty_ratio=33\n")
        prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {etc} /etc && exec "$0"']
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespace here")
        self.file.write_text("dirty_ratio=22\n")
        found = self.options_of(prefix=prefix)
        self.assertEqual(found, {"decay_ms": ("333", "/etc/ashlar.conf"), "dirty_ratio": ("22", "the user's ashlar.conf")})


if __name__ == "__main__":
    unittest.main()
