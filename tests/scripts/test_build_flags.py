#!/usr/bin/env python3
"""Tests which compiler flags a build's configuration results in: test_build_flags.py ROOT CMAKE SCRATCH

Distributions build with the type None or with no type, and with flags of their own. Neither may switch assertions on or
remove -Os from code that is seldom run, and the distribution's flags must stay in force.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT, CMAKE, SCRATCH = Path(sys.argv.pop(1)), sys.argv.pop(1), Path(sys.argv.pop(1))


def flags(*arguments, **environment):
    """The compiler's arguments for a source of a fast path and for one that is seldom run."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    # Twice, as what the first run leaves in the cache must mean the same to the next.
    for _ in range(2):
        subprocess.run([CMAKE, "-S", ROOT, "-B", SCRATCH, "-G", "Ninja", "-DASHLAR_TESTS=OFF", "-DASHLAR_BENCH=OFF",
                        "-DASHLAR_TOOL=OFF", *arguments], check=True, capture_output=True, env={**os.environ, **environment})
    commands = {Path(entry["file"]).name: shlex.split(entry["command"])
                for entry in json.loads((SCRATCH / "compile_commands.json").read_text())}
    return commands["slabs.cc"], commands["section.cc"]


class BuildFlags(unittest.TestCase):
    def test_without_a_type_it_is_what_is_installed(self):
        fast, seldom = flags()
        self.assertIn("-O2", fast)
        self.assertIn("-g1", fast)
        self.assertEqual("-Os", [word for word in seldom if word.startswith("-O")][-1])
        for word in ("-DASHLAR_ASSERTIONS", "-Werror"):
            self.assertNotIn(word, fast)

    def test_type_none_takes_the_flags_of_the_environment(self):
        fast, seldom = flags("-DCMAKE_BUILD_TYPE=None", CXXFLAGS="-O3 -g")
        self.assertEqual(["-O3"], [word for word in fast if word.startswith("-O")])
        self.assertEqual("-Os", [word for word in seldom if word.startswith("-O")][-1])
        self.assertNotIn("-DASHLAR_ASSERTIONS", fast)

    def test_release_flags_of_the_user_stay(self):
        for wanted in ("-O3", "-O3 -DNDEBUG", "-O1 -g"):
            fast, _ = flags("-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_FLAGS_RELEASE={wanted}")
            given = [word for word in fast if word.startswith("-O")]
            self.assertEqual([wanted.split()[0]], given)
            self.assertNotIn("-g1", fast)

    def test_a_folder_from_before_the_flags_were_noted_gets_the_defaults(self):
        flags("-DCMAKE_CXX_FLAGS_RELEASE=-O3 -DNDEBUG")
        cache = SCRATCH / "CMakeCache.txt"
        cache.write_text("".join(line for line in cache.open() if not line.startswith("ASHLAR_FLAGS_NOTED")))
        subprocess.run([CMAKE, SCRATCH], check=True, capture_output=True)
        self.assertIn("CMAKE_CXX_FLAGS_RELEASE:STRING=-O2 -g1 -DNDEBUG\n", cache.read_text())

    def test_debug_asserts(self):
        self.assertIn("-DASHLAR_ASSERTIONS", flags("-DCMAKE_BUILD_TYPE=Debug")[0])
        self.assertNotIn("-DASHLAR_ASSERTIONS", flags("-DCMAKE_BUILD_TYPE=Debug", "-DASHLAR_ASSERTIONS=OFF")[0])


if __name__ == "__main__":
    unittest.main()
