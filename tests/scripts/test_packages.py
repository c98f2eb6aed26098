#!/usr/bin/env python3
"""Tests scripts/packages.sh, and the scripts that use it, with its own stand-ins for dpkg-query and apt-get:
test_packages.py ROOT
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)).resolve()
# As dpkg-query does: it lists what it knows and fails if it does not know one of them.
DPKG_QUERY = """#!/bin/sh
status=0
shift 3
for package; do
  if grep -qx "$package" "$STUBS/installed"; then echo "ii $package"; else status=1; fi
done
exit $status
"""
APT_GET = """#!/bin/sh
echo "$*" >>"$STUBS/apt-get.log"
[ ! -e "$STUBS/broken" ] || { echo "apt-get is broken" >&2; exit 100; }
"""


class Packages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ashlar-scripts-")
        self.addCleanup(folder.cleanup)
        self.stubs = Path(folder.name)
        self.installed("known")
        for name, text in {"dpkg-query": DPKG_QUERY, "apt-get": APT_GET, "id": "#!/bin/sh\necho 0\n"}.items():
            self.stub(name, text)

    def stub(self, name, text):
        (self.stubs / name).write_text(text)
        (self.stubs / name).chmod(0o755)

    def installed(self, *packages):
        (self.stubs / "installed").write_text("".join(f"{package}\n" for package in packages))

    def asked_of_apt(self):
        log = self.stubs / "apt-get.log"
        return log.read_text().splitlines() if log.exists() else []

    def run_bash(self, *command):
        environment = {**os.environ, "PATH": f"{self.stubs}:{os.environ['PATH']}", "STUBS": str(self.stubs)}
        return subprocess.run(["bash", *command], env=environment, capture_output=True, text=True, timeout=60)

    def need(self, *packages):
        script = '. "$0/scripts/errors.sh"; . "$0/scripts/packages.sh"; need_packages "$@"; echo went on'
        return self.run_bash("-c", script, str(ROOT), *packages)

    def test_a_missing_package_is_installed_and_the_script_goes_on(self):
        run = self.need("known", "missing")
        self.assertEqual((run.returncode, run.stdout), (0, "went on\n"), run.stderr)
        self.assertEqual([line.split("--no-install-recommends ")[1] for line in self.asked_of_apt()], ["missing"])

    def test_all_are_missing(self):
        self.installed()
        run = self.need("one", "two")
        self.assertEqual((run.returncode, run.stdout), (0, "went on\n"), run.stderr)
        self.assertEqual([line.split("--no-install-recommends ")[1] for line in self.asked_of_apt()], ["one two"])

    def test_nothing_is_done_where_nothing_is_missing(self):
        run = self.need("known")
        self.assertEqual((run.returncode, run.stdout, run.stderr, self.asked_of_apt()), (0, "went on\n", "", []))

    def test_a_failing_apt_get_ends_the_script_and_its_words_are_shown(self):
        (self.stubs / "broken").touch()
        run = self.need("missing")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("apt-get is broken", run.stderr)
        self.assertIn("could not install missing", run.stderr)

    def test_each_script_reaches_its_build_on_a_machine_without_any_package(self):
        self.installed()
        for name in ("cmake", "ctest"):
            self.stub(name, f'#!/bin/sh\necho "{name} was reached" >&2\nexit 1\n')
        copy = self.stubs / "copy"
        for folder in ("scripts", "tests/fuzz/corpus/base"):
            shutil.copytree(ROOT / folder, copy / folder)
        for words in (["test"], ["fuzz"], ["soak"], ["run", "true"]):
            with self.subTest(script=words[0]):
                run = self.run_bash(str(copy / "scripts" / words[0]), *words[1:])
                self.assertNotEqual(run.returncode, 0)
                self.assertIn("cmake was reached", run.stderr)

    def test_compare_installs_the_interpreter_that_it_is_written_in(self):
        self.installed()
        (self.stubs / "broken").touch()
        run = self.run_bash("-c", f'exec "{ROOT}/bench/compare" --list')
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn(" python3 ", self.asked_of_apt()[0])

    def test_run_ends_where_its_packages_cannot_be_installed(self):
        (self.stubs / "broken").touch()
        self.installed()
        shutil.copytree(ROOT / "scripts", self.stubs / "copy" / "scripts")
        run = self.run_bash(str(self.stubs / "copy" / "scripts" / "run"), "echo", "the program")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("could not install", run.stderr)
        self.assertNotIn("the build failed", run.stderr)


if __name__ == "__main__":
    unittest.main()
