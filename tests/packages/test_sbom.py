#!/usr/bin/env python3
"""Tests the licences: .reuse/dep5 agrees with debian/copyright, and scripts/sbom lists all sources: test_sbom.py ROOT WORK"""
import hashlib
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
del sys.argv[1:]


def stated(text):
    """The licence of each pattern of files. Debian calls MIT Expat."""
    paragraphs = re.findall(r"^Files: (.*)\n(?:Copyright: (?:.*\n)(?: .*\n)*)License: (.*)$", text, re.M)
    return {files: licence.replace("Expat", "MIT") for files, licence in paragraphs}


class Sbom(unittest.TestCase):
    def test_reuse_and_debian_state_the_same_licences(self):
        reuse, debian = (stated((ROOT / name).read_text(encoding="utf-8")) for name in (".reuse/dep5", "debian/copyright"))
        self.assertEqual(reuse, debian)
        self.assertEqual(reuse["*"], "MIT")

    def test_has_the_texts_of_the_licences(self):
        """REUSE wants each in LICENSES. Debian wants it in debian/copyright, with a space before each line."""
        text = {name: (ROOT / f"LICENSES/{name}.txt").read_text(encoding="utf-8") for name in ("MIT", "ISC", "BSD-3-Clause")}
        self.assertEqual(text["MIT"], (ROOT / "LICENSE").read_text(encoding="utf-8"))
        debian = (ROOT / "debian/copyright").read_text(encoding="utf-8")
        for name in ("ISC", "BSD-3-Clause"):
            self.assertIn(f"\nLicense: {name}\n" + re.sub("(?m)^(?=.)", " ", text[name]).replace("\n\n", "\n .\n"), debian)

    def test_lists_the_sources_with_their_licences(self):
        WORK.mkdir(parents=True, exist_ok=True)
        file = WORK / "ashlar.spdx"
        run = subprocess.run([ROOT / "scripts/sbom", file], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        text = file.read_text(encoding="utf-8")
        files = {block.split("\n")[0]: re.findall(r"^LicenseInfoInFile: (.*)$", block, re.M)
                 for block in re.split(r"^FileName: \./", text, flags=re.M)[1:]}
        self.assertEqual(files["preload/malloc.cc"], ["MIT"])
        self.assertEqual(sorted(files["src/tool/third_party/flame_graph.js"]), ["Apache-2.0", "BSD-3-Clause", "ISC"])
        # What the specification says of a package whose files are listed (SPDX 2.3, 7.9).
        sums = sorted(re.findall(r"^FileChecksum: SHA1: (\w+)$", text, re.M))
        self.assertIn(f"\nPackageVerificationCode: {hashlib.sha1(''.join(sums).encode()).hexdigest()}\n", text)
        self.assertEqual(len(sums), len(files))
        for word in ("SPDXVersion: SPDX-2.3", "DataLicense: CC0-1.0", "DocumentNamespace: https://", "Created: 20",
                     "Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-ashlar"):
            self.assertRegex(text, f"(?m)^{word}")


if __name__ == "__main__":
    unittest.main()
