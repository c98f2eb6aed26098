"""Builds what is measured, by CMake the library and the workloads, and the launcher."""

import fcntl
import os
import subprocess

from .errors import CompareError
from .packages import ensure, listed


def build_release(root, *more):
    """Configures build/release and builds libashlar.so, the workloads and more targets."""
    bench = root / "bench"
    ensure(["g++", "cmake", "ninja-build", "libc6-dev",
            *listed(bench / "packages.txt", bench / "micro" / "packages.txt", bench / "workloads" / "packages.txt")])
    folder = root / "build" / "release"
    configure = ["cmake", "--preset", "release", "-DASHLAR_BENCH=ON"]
    if not (folder / "CMakeCache.txt").exists():
        configure.append("-DASHLAR_TESTS=OFF")      # a tree that has its tests keeps them
    (root / "build").mkdir(exist_ok=True)
    with open(root / "build" / ".run.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)            # as scripts/run does: one build at a time
        _run(configure, root)
        _run(["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1),
              "--target", "ashlar", "latency", "bench/workloads/all", *more], root)


def build_launcher(source, out):
    """Returns the launcher's path, after compiling it if it is missing or older than its source."""
    binary = out / "launcher"
    if binary.exists() and binary.stat().st_mtime >= source.stat().st_mtime:
        return binary
    ensure(["g++", "libc6-dev"])
    out.mkdir(parents=True, exist_ok=True)
    # Linked statically, so that nothing can be preloaded into it and it has few pages of its own.
    fresh = out / f"launcher.{os.getpid()}"
    _run(["c++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-static", "-o", str(fresh), str(source)], out)
    fresh.replace(binary)
    return binary


def _run(command, folder):
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace",
                            check=False)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-25:])
        raise CompareError(f"building failed: {' '.join(command)}\n{tail}")
