"""Runs cmake and ninja: they configure, build and test a project of generated files, and then find nothing left to do."""

import harness

LIBRARIES, FILES = 6, 6


def write_project(side: harness.Side) -> None:
    lists = ["cmake_minimum_required(VERSION 3.20)", "project(many C)", "enable_testing()"]
    calls, declared = [], []
    for lib in range(LIBRARIES):
        folder = side.work / f"lib{lib}"
        folder.mkdir()
        for n in range(FILES):
            (folder / f"file{n}.c").write_text(f"#include <string.h>\nint f{lib}_{n}(const char *s) {{ return (int)strlen(s) + {n}; }}\n")
            calls.append(f'f{lib}_{n}("text")')
            declared.append(f"int f{lib}_{n}(const char *);")
        (folder / "CMakeLists.txt").write_text(f"file(GLOB sources *.c)\nadd_library(lib{lib} STATIC ${{sources}})\n")
        lists.append(f"add_subdirectory(lib{lib})")
    # The language itself at work: lists, regular expressions, JSON.
    lists += [
        "set(all)",
        "foreach(n RANGE 3000)", '  string(REGEX REPLACE "([0-9]+)" "<\\\\1>" item "item${n}")', "  list(APPEND all ${item})", "endforeach()",
        "list(SORT all)", 'string(SHA256 hash "${all}")', 'message(STATUS "list ${hash}")',
        """string(JSON found GET "{\\"a\\": [1, {\\"b\\": 7}]}" a 1 b)""", 'message(STATUS "json ${found}")',
        "add_executable(program main.c)",
        f"target_link_libraries(program {' '.join(f'lib{lib}' for lib in range(LIBRARIES))})",
        "add_test(NAME runs COMMAND program)",
    ]
    (side.work / "CMakeLists.txt").write_text("\n".join(lists) + "\n")
    (side.work / "main.c").write_text(
        "#include <stdio.h>\n" + "\n".join(declared) + f'\nint main(void) {{ printf("%d\\n", {" + ".join(calls)}); return 0; }}\n'
    )


def steps(text: str) -> str:
    """What ninja built, without the order in which the two jobs ended."""
    return "\n".join(sorted(line.split("] ", 1)[-1] for line in text.splitlines()))


def body(side: harness.Side) -> None:
    write_project(side)
    side.run(["cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Debug"])
    side.run(["ninja", "-C", "build", "-j2"], keep=steps)
    side.run(["ninja", "-C", "build", "-t", "targets", "all"], keep=steps)
    side.run(["ninja", "-C", "build", "-j2"])
    side.run(["ctest", "--test-dir", "build", "-j2"], keep=lambda text: "\n".join(line for line in text.splitlines() if "sec" not in line))
    side.run(["build/program"])


harness.main(body, ["cmake", "ninja", "ctest", "cc1", "ar", "program"])
