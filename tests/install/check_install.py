#!/usr/bin/env python3
"""Builds outside projects on an installed Ashlar and runs them: check_install.py WAY PREFIX WORK VERSION CMAKE CC CXX

WAY is cmake_shared, cmake_static, cmake_fully_static, pkg_config_shared, pkg_config_fully_static, moved, headers or contents.
PREFIX is the installation, WORK a scratch folder that is emptied first.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

OUTSIDE = Path(__file__).resolve().parent / "outside"
PROGRAMS = {"direct": "direct.c", "through_libc": "through_libc.c", "cplusplus": "cplusplus.cc"}
# The programs test the library that they are linked with, not one that happens to be preloaded.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_LIBRARY_PATH", "ASHLAR_OPTIONS")}


def run(*command, **environment):
    print("$", shlex.join(map(str, command)), flush=True)
    subprocess.run(list(map(str, command)), check=True, env={**ENVIRONMENT, **environment})


def output(*command, **environment):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, env={**ENVIRONMENT, **environment}).stdout


def needed(program):
    lines = output("readelf", "-dW", program).splitlines()
    return [line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line]


def expect_linkage(program, way):
    libraries = needed(program)
    print(program.name, "needs", libraries)
    shared = any(name.startswith("libashlar") for name in libraries)
    if shared != way.endswith("shared") or (way.endswith("fully_static") and libraries):
        sys.exit(f"{program.name} is not linked as {way} says")


def run_programs(folder, way, version, libdir):
    for name in PROGRAMS:
        expect_linkage(folder / name, way)
        # A program built by CMake finds the shared library by its run path. One built by pkg-config needs LD_LIBRARY_PATH.
        environment = {"LD_LIBRARY_PATH": str(libdir)} if way == "pkg_config_shared" else {}
        run(folder / name, version, **environment)


def with_cmake(way, prefix, work, version, cmake, cc, cxx):
    target = "ashlar::ashlar" if way == "cmake_shared" else "ashlar::static"
    # Ninja also builds Ashlar. A machine may lack make.
    run(cmake, "-G", "Ninja", "-S", OUTSIDE, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DTARGET={target}",
        f"-DCMAKE_C_COMPILER={cc}", f"-DCMAKE_CXX_COMPILER={cxx}",
        f"-DFULLY_STATIC={'ON' if way == 'cmake_fully_static' else 'OFF'}")
    run(cmake, "--build", work)
    run_programs(work, way, version, None)


def libdir_of(prefix):
    return next(prefix.rglob("ashlar.pc")).parent.parent


def with_pkg_config(way, prefix, work, version, cc, cxx):
    static = way == "pkg_config_fully_static"
    pc_path = libdir_of(prefix) / "pkgconfig"
    flags = shlex.split(output("pkg-config", *(["--static"] if static else []), "--cflags", "--libs", "ashlar", PKG_CONFIG_PATH=str(pc_path)))
    if output("pkg-config", "--modversion", "ashlar", PKG_CONFIG_PATH=str(pc_path)).strip() != version:
        sys.exit("pkg-config gives another version")
    for name, source in PROGRAMS.items():
        run(cxx if source.endswith(".cc") else cc, "-O2", OUTSIDE / source, "-o", work / name, *flags, *(["-static"] if static else []))
    run_programs(work, way, version, libdir_of(prefix))


def check_contents(prefix):
    wanted = ["include/ashlar/ashlar.h", "include/ashlar/throw.hpp", "libashlar.so", "libashlar.so.0", "libashlar.a", "pkgconfig/ashlar.pc",
              "cmake/ashlar/ashlarConfig.cmake", "cmake/ashlar/ashlarConfigVersion.cmake", "cmake/ashlar/ashlarTargets.cmake"]
    wanted += ["bin/ashlar", "libexec/ashlar/ashlar-replay", "bash-completion/completions/ashlar", "zsh/site-functions/_ashlar",
               "fish/vendor_completions.d/ashlar.fish"]
    # gdb looks below this folder for the library's real path
    library = next(prefix.rglob("libashlar.so")).resolve()
    wanted += [f"gdb/auto-load{library}-gdb.py"]
    man = Path(__file__).resolve().parents[2] / "man"
    wanted += [f"man{page.suffix[1:]}/{page.name}" for page in man.glob("*.[1357]")]
    # man finds each exported function by its name
    versions = (Path(__file__).resolve().parents[2] / "src/package/ashlar.map").read_text()
    wanted += [f"man3/{name}.3" for name in sorted(set(re.findall(r"^ +(ashlar_\w+);", versions, re.M)))]
    wanted += [f"man3/ashlar::{name}.3" for name in ("cache", "heap", "heap_scope", "cache_allocator", "allocator", "memory_resource")]
    present = [str(path.relative_to(prefix)) for path in prefix.rglob("*")]
    missing = [name for name in wanted if not any(path.endswith("/" + name) or path == name for path in present)]
    print("installed:", *sorted(present), sep="\n  ")
    if missing:
        sys.exit(f"not installed: {missing}")


# A program that uses the C++ headers, and asks about memory that it has not written.
USES = """
#include <vector>
#include <ashlar/allocator.hpp>
#include <ashlar/cache.hpp>
#include <ashlar/heap.hpp>
#include <ashlar/memory_resource.hpp>
#include <ashlar/nodes.h>
#include <ashlar/vmalloc.h>
struct Item { int value; explicit Item(int v) : value(v) {} };
int main() {
  ashlar::cache<Item> cache("item");
  ashlar::cache<Item>::unique_ptr item = cache.make_unique(3);
  ashlar::cache<Item> moved(static_cast<ashlar::cache<Item>&&>(cache));
  item.reset();
  Item* items[2];
  if (moved.make_bulk(std::nothrow, 2, items, 1)) moved.destroy_bulk(2, items);
  moved.make_bulk(2, items, 1);
  moved.destroy_bulk(2, items);
  moved.destroy(moved.make(std::nothrow, 5));
  std::vector<int, ashlar::allocator<int>> one(10);
  std::pmr::vector<int> two(10, ashlar::resource());
  void* const block = ashlar_malloc(100);
  ashlar_page_info info;
  const int node = ashlar_node_of(block) + ashlar_page_describe(block, &info) + ashlar_is_vmalloc_addr(block);
  return node + one[0] + two[0] + (ashlar_virt_to_page(block) == nullptr);
}
"""


def check_headers(prefix, work, cc, cxx):
    """Checks that each header compiles alone, in each language, without a warning. Those of C++ also without RTTI and exceptions."""
    include = prefix / "include"
    strict = ["-I", include, "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    for header in sorted((include / "ashlar").iterdir()):
        source = work / "one.c"
        source.write_text(f"#include <ashlar/{header.name}>\n")
        if header.suffix == ".h":
            run(cc, "-std=c99", *strict, "-fsyntax-only", source)
        run(cxx, "-x", "c++", "-std=c++17", *strict, "-fsyntax-only", source)
    program = work / "uses.cc"
    program.write_text(USES)
    for flags in ([], ["-fno-rtti"], ["-fno-exceptions"], ["-fno-rtti", "-fno-exceptions"]):
        for level in ("-O0", "-O2"):
            run(cxx, "-std=c++17", level, *flags, *strict, "-c", program, "-o", work / "uses.o")


def main():
    way, prefix, work, version, cmake, cc, cxx = sys.argv[1:]
    prefix, work = Path(prefix), Path(work)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if way == "contents":
        check_contents(prefix)
    elif way == "headers":
        check_headers(prefix, work, cc, cxx)
    elif way == "moved":  # an installation that was copied elsewhere still works
        shutil.copytree(prefix, work / "prefix", symlinks=True)
        maps = output(work / "prefix/bin/ashlar", "run", "cat", "/proc/self/maps")
        if str(work / "prefix") not in maps:
            sys.exit(f"ashlar run does not find the library of its own installation:\n{maps}")
        (work / "cmake").mkdir()
        with_cmake("cmake_static", work / "prefix", work / "cmake", version, cmake, cc, cxx)
        (work / "pkg_config").mkdir()
        with_pkg_config("pkg_config_shared", work / "prefix", work / "pkg_config", version, cc, cxx)
    elif way.startswith("cmake"):
        with_cmake(way, prefix, work, version, cmake, cc, cxx)
    else:
        with_pkg_config(way, prefix, work, version, cc, cxx)


if __name__ == "__main__":
    main()
