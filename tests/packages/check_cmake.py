#!/usr/bin/env python3
"""Checks that the build requires the CMake of the oldest supported distribution and uses nothing newer: check_cmake.py ROOT
| --self-test

That version is 3.22, of Ubuntu 22.04. Newer features are searched for by name, since no old CMake is available where the
tests run.
"""
import json
import re
import sys
from pathlib import Path

VERSION, PRESETS = (3, 22), 3
# Commands, arguments, variables and properties since 3.23, of those that such a build might use.
NEWER = re.compile(r"""\b(?:block|endblock|cmake_pkg_config|cmake_instrumentation)\( | \breturn\(PROPAGATE | \bcmake_language\((?:GET|SET|EXIT)
    | \b(?:FILE_SET|HEADER_SETS|COMPILE_WARNING_AS_ERROR|CXX_MODULE_STD|CXX_SCAN_FOR_MODULES|LINKER_TYPE|IMPORTED_NO_SYSTEM|EXPORT_BUILD_DATABASE
    |TEST_LAUNCHER|JOB_SERVER_AWARE|DEPENDS_EXPLICIT_ONLY|LINK_LIBRARIES_STRATEGY|VERIFY_INTERFACE_HEADER_SETS|CROSSCOMPILING_EMULATOR_LAUNCHER
    |DISCOVERY_EXTRA_ARGS|IS_EXECUTABLE|IS_READABLE|IS_WRITABLE|PATH_EQUAL|EXPORT_FIND_PACKAGE_NAME|CONFIGURE_LOG|FETCHCONTENT_TRY_FIND_PACKAGE_MODE)\b
    | \bCMAKE_(?:COMPILE_WARNING_AS_ERROR|LINKER_TYPE|COLOR_DIAGNOSTICS|FIND_PACKAGE_REDIRECTS_DIR|ADD_CUSTOM_COMMAND_DEPENDS_EXPLICIT_ONLY
    |EXPORT_BUILD_DATABASE|HIP_PLATFORM|TLS_VERSION)\b
    | \$<(?:BUILD_LOCAL_INTERFACE|COMPILE_ONLY|LINK_LIBRARY|LINK_GROUP|PATH|PATH_EQUAL|QUOTE|LIST|TARGET_RUNTIME_DLL_DIRS|TARGET_OBJECT_FILES):""", re.X)
SKIPPED = {"build", "node_modules", ".git"}


def problems_of(name, text):
    plain = re.sub(r"#.*", "", text)
    for major, minor in re.findall(r"cmake_minimum_required\(VERSION (\d+)\.(\d+)", plain):
        if (int(major), int(minor)) != VERSION:
            yield f"{name}: asks for CMake {major}.{minor}, not {VERSION[0]}.{VERSION[1]}"
    yield from (f"{name}: {found.strip()} needs a newer CMake" for found in NEWER.findall(plain))


def preset_problems(presets):
    least = presets["cmakeMinimumRequired"]
    if (least["major"], least["minor"]) != VERSION or presets["version"] > PRESETS:
        yield f"CMakePresets.json: version {presets['version']} and {least}, expected {PRESETS} and CMake {VERSION}"
    if presets["version"] < 4 and "include" in presets:
        yield "CMakePresets.json: include needs version 4"


def self_test():
    for wrong in ("cmake_minimum_required(VERSION 3.25)", "block()\nendblock()", "return(PROPAGATE x)", "$<BUILD_LOCAL_INTERFACE:x>",
                  "target_sources(x PUBLIC FILE_SET HEADERS)", "set(CMAKE_COMPILE_WARNING_AS_ERROR ON)"):
        assert list(problems_of("x", wrong)), wrong
    assert not list(problems_of("x", "cmake_minimum_required(VERSION 3.22)\n# block()\nset(block 1)\ncmake_path(GET a STEM b)"))
    assert list(preset_problems({"version": 6, "cmakeMinimumRequired": {"major": 3, "minor": 22}}))
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = Path(sys.argv[1])
    files = [path for pattern in ("CMakeLists.txt", "*.cmake", "*.cmake.in") for path in sorted(root.rglob(pattern))
             if not SKIPPED & set(path.relative_to(root).parts)]
    problems = [problem for path in files for problem in problems_of(path.relative_to(root), path.read_text(encoding="utf-8"))]
    problems += preset_problems(json.loads((root / "CMakePresets.json").read_text(encoding="utf-8")))
    print(f"{len(files)} files", *problems, sep="\n")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
