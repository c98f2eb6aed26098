#!/usr/bin/env python3
"""Tests the recipes for other package systems and the examples of docs/deploy: test_recipes.py ROOT LIBRARY PREFIX CMAKE

No recipe is built here. Each is run with stand-ins for the tools of its system, which show what it would build and with
which options; paths must be in the tree or in an installation (PREFIX), and options must be the project's.
"""
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

ROOT, LIBRARY, PREFIX = (Path(path).resolve() for path in sys.argv[1:4])
CMAKE = sys.argv[4]
del sys.argv[1:]
RECIPES, DEPLOY = ROOT / "scripts/recipes", ROOT / "docs/deploy"
TOP = (ROOT / "CMakeLists.txt").read_text()
OPTIONS = set(re.findall(r"^(?:option|set)\((ASHLAR_\w+)", TOP, re.M))
VERSION = re.search(r"^project\(ASHLAR VERSION (\S+)", TOP, re.M)[1]
MAJOR = VERSION.split(".", maxsplit=1)[0]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def expect_options(self, text):
        given = re.findall(r"-D(ASHLAR_\w+)", text)
        self.assertTrue(given)
        self.assertEqual(set(given) - OPTIONS, set(), "no such option")

    def expect_quiet(self, options):
        """The library takes the options without a word."""
        run = subprocess.run(["/bin/true"], env={"LD_PRELOAD": str(LIBRARY), "ASHLAR_OPTIONS": options}, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""), options)


class Alpine(Case):
    def test_builds_the_tree_and_installs_into_the_packages_folder(self):
        log = self.work / "log"
        fake = self.work / "cmake"
        fake.write_text(f'#!/bin/sh\necho "DESTDIR=$DESTDIR $*" >>{log}\n')
        fake.chmod(0o755)
        folder = RECIPES / "alpine"
        script = f'set -eu; startdir={folder} srcdir=/src pkgdir=/pkg; . {folder}/APKBUILD; build; package; echo "$pkgver|$license|$source|$arch|$depends_dev"'
        shell = shutil.which("dash") or "sh"
        run = subprocess.run([shell, "-c", script], env={"PATH": f"{self.work}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, f"{VERSION}|MIT||x86_64 aarch64 riscv64|ashlar-static={VERSION}-r0\n")
        configure, build, install = log.read_text().splitlines()
        self.expect_options(configure)
        source, binary = re.search(r"-S (\S+) -B (\S+)", configure).groups()
        self.assertEqual(Path(source).resolve(), ROOT)
        self.assertEqual((build, install), (f"DESTDIR= --build {binary}", f"DESTDIR=/pkg --install {binary}"))


class Vcpkg(Case):
    def test_the_manifest_names_version_and_platforms(self):
        manifest = json.loads((RECIPES / "vcpkg/ashlar/vcpkg.json").read_text())
        self.assertEqual((manifest["name"], manifest["version"], manifest["license"]), ("ashlar", VERSION, "MIT"))
        self.assertIn("linux", manifest["supports"])

    def test_the_port_configures_the_tree_and_moves_what_an_installation_has(self):
        stand_ins = """
set(CURRENT_PACKAGES_DIR "{0}/packages")
set(PORT ashlar)
macro(vcpkg_cmake_configure)
  file(APPEND "{0}/log" "configure ${{ARGV}}\\n")
endmacro()
foreach(name vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_install_copyright)
  cmake_language(EVAL CODE "macro(${{name}})
    file(APPEND \\"{0}/log\\" \\"${{name}} \\${{ARGV}}\\\\n\\")
  endmacro()")
endforeach()
include("{1}")
""".format(self.work, RECIPES / "vcpkg/ashlar/portfile.cmake")
        (self.work / "run.cmake").write_text(stand_ins)
        subprocess.run([CMAKE, "-P", self.work / "run.cmake"], check=True, capture_output=True, text=True)
        lines = dict(line.split(" ", 1) for line in (self.work / "log").read_text().splitlines())
        self.expect_options(lines["configure"])
        self.assertEqual(Path(re.search(r"SOURCE_PATH;([^;]+)", lines["configure"])[1]), ROOT)
        config = lines["vcpkg_cmake_config_fixup"].split(";")[1]
        self.assertTrue(list(PREFIX.glob(config.replace("lib/", "lib*/**/"))), config)
        self.assertTrue(Path(lines["vcpkg_install_copyright"].split(";")[1]).is_file())
        usage = (self.work / "packages/share/ashlar/usage").read_text()
        targets = "\n".join(path.read_text() for path in PREFIX.rglob("ashlarTargets.cmake"))
        for target in re.findall(r"ashlar::\w+", usage):
            self.assertIn(f"add_library({target} ", targets)


class Conan(Case):
    def recipe(self):
        """The recipe's class, with stand-ins for Conan's modules that note what it asks for."""
        asked = types.SimpleNamespace(copied=[], cached={}, calls=[])
        modules = {name: types.ModuleType(name) for name in ("conan", "conan.errors", "conan.tools", "conan.tools.cmake", "conan.tools.files")}
        modules["conan"].ConanFile = type("ConanFile", (), {"version": None})
        modules["conan.errors"].ConanInvalidConfiguration = type("ConanInvalidConfiguration", (Exception,), {})
        cmake = modules["conan.tools.cmake"]
        cmake.CMake = lambda recipe: types.SimpleNamespace(**{name: (lambda name=name: asked.calls.append(name)) for name in ("configure", "build", "install")})
        cmake.CMakeDeps = lambda recipe: types.SimpleNamespace(generate=lambda: asked.calls.append("deps"))
        cmake.CMakeToolchain = lambda recipe: types.SimpleNamespace(cache_variables=asked.cached, generate=lambda: asked.calls.append("toolchain"))
        cmake.cmake_layout = lambda recipe: asked.calls.append("layout")
        modules["conan.tools.files"].copy = lambda recipe, pattern, src, dst: asked.copied.append((pattern, Path(src)))
        names = {"__name__": "conanfile", "__file__": str(RECIPES / "conan/conanfile.py")}
        with mock.patch.dict(sys.modules, modules):
            exec(compile((RECIPES / "conan/conanfile.py").read_text(), names["__file__"], "exec"), names)  # pylint: disable=exec-used
        recipe = names["Ashlar"]()
        recipe.recipe_folder, recipe.export_sources_folder = str(RECIPES / "conan"), "/export"
        recipe.source_folder, recipe.package_folder = str(ROOT), "/package"
        recipe.settings = types.SimpleNamespace(os="Linux", arch="x86_64")
        recipe.options = types.SimpleNamespace(shared=True)
        recipe.cpp_info = types.SimpleNamespace(set_property=lambda *_: None, builddirs=[], libs=[])
        return recipe, asked, names

    def test_takes_the_version_and_the_sources_of_the_tree(self):
        recipe, asked, _ = self.recipe()
        recipe.set_version()
        recipe.export_sources()
        self.assertEqual(recipe.version, VERSION)
        for pattern, source in asked.copied:
            self.assertTrue(list(source.glob(pattern)), f"{pattern} is not in the tree")
        # A build needs each folder that the top level adds, except those that it leaves out.
        folders = set(re.findall(r"^\s*add_subdirectory\((\S+)\)", TOP, re.M)) - {"tests", "bench"}
        for folder in folders:
            self.assertTrue(any(folder.startswith(pattern.removesuffix("/*")) for pattern, _ in asked.copied), f"{folder} is not exported")

    def test_builds_and_packages_with_the_projects_options(self):
        recipe, asked, names = self.recipe()
        for step in ("validate", "layout", "generate", "build", "package", "package_info"):
            getattr(recipe, step)()
        self.assertEqual(set(asked.cached) - OPTIONS, set(), "no such option")
        self.assertEqual([call for call in asked.calls if call in ("configure", "build", "install")], ["configure", "build", "install"])
        self.assertTrue(list(PREFIX.glob(recipe.cpp_info.builddirs[0].replace("lib/", "lib*/**/"))))
        recipe.settings.os = "Windows"
        self.assertRaises(names["ConanInvalidConfiguration"], recipe.validate)


class Deploy(Case):
    def test_the_image_gets_what_the_first_stage_installs(self):
        text = (DEPLOY / "Dockerfile").read_text()
        self.expect_options(text)
        joined = text.replace("\\\n", " ")
        words = [line.split() for line in joined.splitlines() if line and line[0] != "#"]
        source, target = next(line[2:] for line in words if line[0] == "COPY" and line[1] == "--from=build")
        prefix = re.search(r"--prefix (\S+)", joined)[1]
        libdir = re.search(r"-DCMAKE_INSTALL_LIBDIR=(\S+)", joined)[1]
        self.assertEqual(source, f"{prefix}/{libdir}/libashlar.so.{MAJOR}")
        self.assertTrue(list(PREFIX.rglob(Path(source).name)))
        self.assertIn(f"ENV LD_PRELOAD={target}\n", text)
        self.assertEqual(sum(line[0] == "FROM" for line in words), 2)
        self.expect_quiet(re.search(r"ASHLAR_OPTIONS=(\S+)", text)[1])

    def test_the_drop_in_is_systemds_and_names_options_that_exist(self):
        text = (DEPLOY / "ashlar.conf").read_text()
        parser = configparser.ConfigParser(strict=False)
        parser.read_string(text)
        self.assertEqual(parser.sections(), ["Service"])
        variables = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.M))
        self.assertEqual(variables["LD_PRELOAD"], f"libashlar.so.{MAJOR}")
        self.expect_quiet(variables["ASHLAR_OPTIONS"])
        if shutil.which("systemd-analyze"):
            unit = self.work / "x.service"
            unit.write_text("[Service]\nExecStart=/bin/true\n")
            drop_in = self.work / "x.service.d"
            drop_in.mkdir()
            shutil.copy(DEPLOY / "ashlar.conf", drop_in)
            run = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True, text=True)
            self.assertEqual(run.stdout + run.stderr, "")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd")
    def test_a_service_may_have_systemds_common_filter(self):
        def calls(group):
            words = re.findall(r"^ +([@\w-]+)", subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout, re.M)
            return {word for word in words if word[0] != "@"}.union(*(calls(word) for word in words if word[0] == "@"))
        sources = [path.read_text() for top in ("src", "preload") for path in (ROOT / top).rglob("*.[ch]*") if "tool" not in path.parts]
        made = set(re.findall(r"\bSYS_(\w+)", "\n".join(sources)))
        self.assertIn("mmap", made)
        self.assertEqual(made - calls("@system-service") - calls("@default"), set())

    def test_the_pod_mounts_what_it_preloads(self):
        text = (DEPLOY / "pod.yaml").read_text()
        preloaded = re.search(r"name: LD_PRELOAD\n\s+value: (/\S+)", text)[1]
        image_has = re.search(r"^ENV LD_PRELOAD=(\S+)$", (DEPLOY / "Dockerfile").read_text(), re.M)[1]
        self.assertIn(f'command: ["cp", "{image_has}", "{preloaded}"]', text)
        self.assertEqual(set(re.findall(r"mountPath: (\S+)", text)), {str(Path(preloaded).parent)})
        self.expect_quiet(re.search(r"name: ASHLAR_OPTIONS\n\s+value: (\S+)", text)[1])
        try:
            import yaml
        except ImportError:
            return
        pod = yaml.safe_load(text)["spec"]
        for container in pod["initContainers"] + pod["containers"]:
            self.assertEqual(container["securityContext"]["capabilities"]["drop"], ["ALL"])
            self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)


if __name__ == "__main__":
    unittest.main()
