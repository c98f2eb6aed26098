#!/usr/bin/env python3
"""Builds programs for another processor on an installation of a cross build, and runs them under its emulator:
check_install.py TREE TOOLCHAIN WORK VERSION CMAKE

TREE is the build of a preset, whose library and development files are installed into a folder that stands for the other machine's
root. The programs are those of tests/install, found by find_package and by pkg-config.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

OUTSIDE = Path(__file__).resolve().parents[1] / "install/outside"
PROGRAMS = {"direct": "direct.c", "through_libc": "through_libc.c", "cplusplus": "cplusplus.cc"}
KEPT = ("PATH", "HOME", "LANG", "CCACHE_DIR")
ENVIRONMENT = {name: os.environ[name] for name in KEPT if name in os.environ}


def run(*command, **environment):
    print("$", shlex.join(map(str, command)), flush=True)
    subprocess.run(list(map(str, command)), check=True, env={**ENVIRONMENT, **environment})


def output(*command, **environment):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, env={**ENVIRONMENT, **environment}).stdout


def cached(tree, name):
    found = re.search(rf"^{name}:\w+=(.*)$", (tree / "CMakeCache.txt").read_text(), re.M)
    return found[1] if found else ""


def toolchain_says(cmake, toolchain, work):
    """Returns the compilers and the emulator of a tool chain's file."""
    script = work / "say.cmake"
    script.write_text(f'include("{toolchain}")\nforeach(name C_COMPILER CXX_COMPILER CROSSCOMPILING_EMULATOR)\n'
                      '  message(STATUS "${CMAKE_${name}}")\nendforeach()\n')
    return [line.removeprefix("-- ").split(";") for line in output(cmake, "-P", script).splitlines()]


def main():
    tree, toolchain, work, version, cmake = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]
    shutil.rmtree(work, ignore_errors=True)
    root = work / "root"
    work.mkdir(parents=True)
    (c_compiler, cxx_compiler, emulator) = toolchain_says(cmake, toolchain, work)
    for component in ("library", "development"):
        run(cmake, "--install", tree, "--prefix", root / "usr", "--component", component)
    libdir = root / "usr" / (cached(tree, "CMAKE_INSTALL_LIBDIR") or "lib")
    machine = re.search(r"Machine: +(.*)", output("readelf", "-h", libdir / "libashlar.so"))[1]

    def use(program, static):
        if machine not in output("readelf", "-h", program):
            sys.exit(f"{program} is not for {machine}")
        # Neither this machine's dynamic linker nor the emulator itself must load the library.
        run(*emulator, *([] if static else ["-E", f"LD_LIBRARY_PATH={libdir}"]), program, version)

    for target in ("ashlar::ashlar", "ashlar::static"):
        build = work / target.replace("::", "_")
        run(cmake, "-G", "Ninja", "-S", OUTSIDE, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DCMAKE_STAGING_PREFIX={root}/usr",
            f"-DTARGET={target}")
        run(cmake, "--build", build)
        for name in PROGRAMS:
            use(build / name, target == "ashlar::static")
    own = {"PKG_CONFIG_SYSROOT_DIR": str(root), "PKG_CONFIG_LIBDIR": str(libdir / "pkgconfig")}
    for static in ([], ["--static"]):
        flags = shlex.split(output("pkg-config", *static, "--cflags", "--libs", "ashlar", **own))
        for name, source in PROGRAMS.items():
            compiler = cxx_compiler if source.endswith(".cc") else c_compiler
            program = work / f"{name}{'_static' if static else ''}"
            run(*compiler, "-O2", OUTSIDE / source, "-o", program, *flags, *(["-static"] if static else []))
            use(program, bool(static))


if __name__ == "__main__":
    main()
