#!/usr/bin/env python3
"""Tests bindings/python, `python3 -m ashlar` and the figures of a process: test_python.py ROOT LIBRARY"""
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LIBRARY = Path(sys.argv.pop(2)).resolve()
ROOT = Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bindings/python"))
import ashlar  # noqa: E402  (its folder comes from the arguments)

ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "LD_LIBRARY_PATH", "ASHLAR_OPTIONS", "PYTHONMALLOC")}
ENVIRONMENT |= {"PYTHONPATH": str(ROOT / "bindings/python"), "PYTHONDONTWRITEBYTECODE": "1"}


def ashlars(*words, library=True, **environment):
    given = ["--library", str(LIBRARY)] if library else []
    return subprocess.run([sys.executable, "-m", "ashlar", *given, *words], env={**ENVIRONMENT, **environment},
                          capture_output=True, text=True, timeout=120)


class Command(unittest.TestCase):
    def test_runs_a_program_with_its_arguments_and_status(self):
        code = "import os, sys; print(*sys.argv, os.environ['ASHLAR_OPTIONS']); sys.exit(3)"
        run = ashlars("--options", "stats", sys.executable, "-c", code, "--options", "x")
        self.assertEqual((run.stdout, run.returncode), ("-c --options x stats\n", 3))
        self.assertIn("ashlar: version ", run.stderr)

    def test_runs_a_python_file_by_the_same_interpreter(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.py").write_text("import ashlar, sys; print(sys.executable, ashlar.active(), sys.argv[1:])")
            run = ashlars(folder + "/a.py", "b")
        self.assertEqual((run.stdout, run.stderr), (f"{sys.executable} True ['b']\n", ""))

    def test_objects_come_from_ashlar_as_well_when_that_is_asked_for(self):
        code = "import ashlar; kept = [[n] for n in range(50000)]; print(ashlar.stats()['live_slab'])"
        few, many = (int(ashlars(*more, sys.executable, "-c", code).stdout) for more in ([], ["--objects"]))
        self.assertGreater(many, few + 50000 * 64, f"{few} bytes without, {many} with --objects")

    def test_keeps_what_is_preloaded_already(self):
        run = ashlars("--", "sh", "-c", "echo $LD_PRELOAD", LD_PRELOAD=str(LIBRARY))
        self.assertEqual(run.stdout, f"{LIBRARY}:{LIBRARY}\n")

    def test_finds_the_library_where_the_dynamic_linker_looks(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "libashlar.so.0").symlink_to(LIBRARY)
            run = ashlars("sh", "-c", "echo $LD_PRELOAD", library=False, LD_LIBRARY_PATH=f"/nowhere:{folder}")
            self.assertEqual(run.stdout, f"{folder}/libashlar.so.0\n")

    def test_says_what_is_missing(self):
        for words, status, text in ((["no-such-program"], 127, "no-such-program: no such program"), ([], 2, "no program is named"),
                                    (["--library", "/nowhere.so", "true"], 125, "/nowhere.so: no such file")):
            run = ashlars(*words)
            self.assertEqual((run.returncode, text in run.stderr, run.stdout), (status, True, ""), run.stderr)
            self.assertNotIn("Traceback", run.stderr)


class Figures(unittest.TestCase):
    def test_are_those_of_the_process(self):
        code = ("import ashlar; before = ashlar.stats(); kept = bytearray(40 << 20); after = ashlar.stats()\n"
                "print(ashlar.library_version(), after['vmalloc_blocks'] - before['vmalloc_blocks'], after['caches'][0]['object_size'])\n"
                "del kept; print(ashlar.malloc_trim(), ashlar.stats()['live_vmalloc'] == before['live_vmalloc'])")
        run = ashlars(sys.executable, "-c", code)
        self.assertEqual(run.stdout, f"{ashlar.__version__} 1 16\nTrue True\n", run.stderr)

    def test_elsewhere_the_module_says_that_there_is_no_ashlar(self):
        code = "import ashlar\nassert not ashlar.active()\ntry: ashlar.stats()\nexcept ashlar.NotUnderAshlar as e: print(e)"
        run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
        self.assertIn("does not run under Ashlar", run.stdout, run.stderr)

    def test_have_the_fields_of_the_header(self):
        header = (ROOT / "include/ashlar/ashlar.h").read_text()
        for structure, name in ((ashlar.CacheStats, "ashlar_cache_stats"), (ashlar.Stats, "ashlar_stats")):
            body = re.sub(r"/\*.*?\*/", "", re.search(rf"struct {name} \{{(.*?)\n\}};", header, re.S)[1], flags=re.S)
            fields = [(field, ctypes.sizeof(kind)) for field, kind in structure._fields_ if field != "caches"]
            declared = [(field, int(bits) // 8) for bits, field in re.findall(r"uint(\d\d)_t (\w+);", body)]
            self.assertEqual(fields, declared)


if __name__ == "__main__":
    unittest.main()
