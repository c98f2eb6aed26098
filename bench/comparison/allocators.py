"""The allocators to compare: those that --alloc names, or the default set. Each must load before anything is measured."""

import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path

from .errors import CompareError, quoted_list
from .model import Allocator

# name, Debian package, library
SHIPPED = (
    ("jemalloc", "libjemalloc2", "libjemalloc.so.2"),
    ("mimalloc", "libmimalloc2.0", "libmimalloc.so.2"),
    ("tcmalloc", "libtcmalloc-minimal4", "libtcmalloc_minimal.so.4"),
)
PACKAGE_OF = {name: package for name, package, _ in SHIPPED}
SUBJECT = "ashlar"
DEFAULT_NAMES = ("glibc", SUBJECT, *PACKAGE_OF)


def expand(options):
    """Returns the words of --alloc as (name, path or "", with ?OPTIONS), in order and with distinct names. `default` is the default set."""
    words = []
    for option in options or ["default"]:
        words += DEFAULT_NAMES if option == "default" else [option]
    chosen = {}
    for word in words:
        name, separator, path = word.partition("=")
        if not re.fullmatch(r"[\w.+-]+", name) or (separator and path in ("", "?")):
            raise CompareError(f"--alloc {word!r}: expected NAME=PATH, as in --alloc mine=/usr/lib/libmine.so, "
                               "or NAME=?OPTIONS, as in --alloc harden=?harden")
        if not separator and name not in DEFAULT_NAMES:
            raise CompareError(f"--alloc {word!r}: not a known name ({quoted_list(DEFAULT_NAMES)}, default); "
                               "expected NAME=PATH for any other library")
        if name == "glibc" and separator:
            raise CompareError(f"--alloc {word!r}: glibc stands for no preloaded library and takes no path")
        if name in PACKAGE_OF and path.startswith("?"):
            raise CompareError(f"--alloc {word!r}: {name} has no ASHLAR_OPTIONS; expected another name")
        if chosen.get(name, path) != path:
            raise CompareError(f"--alloc {word!r}: the name {name} is given twice with different paths")
        chosen[name] = path
    return list(chosen.items())


def packages_for(choices):
    """Returns the Debian packages of the chosen allocators that have only a name."""
    return [PACKAGE_OF[name] for name, path in choices if not path and name in PACKAGE_OF]


def resolve(choices, ashlar_library):
    """Returns the allocators with absolute paths, versions and checksums. Raises CompareError for a missing library."""
    return [_resolve_one(name, path, ashlar_library) for name, path in choices]


def wants_own_library(choices):
    """Returns whether one of the choices is the library of this tree: by name, or with options and no path."""
    return any(name == SUBJECT and not path or path.startswith("?") for name, path in choices)


def _resolve_one(name, path, ashlar_library):
    if name == "glibc":
        return Allocator("glibc", "", " ".join(platform.libc_ver()), "", True)
    path, _, options = path.partition("?")
    shipped = not path and name in PACKAGE_OF
    if shipped:
        path = _shipped_path(name)
    elif not path:
        path = str(ashlar_library)
    file = Path(path)
    if not file.is_file():
        raise CompareError(f"--alloc {name}={path}: no such file; expected a shared library to preload")
    # Mappings show a library under its real path, so the real path is kept.
    real = file.resolve()
    digest = hashlib.sha256(real.read_bytes()).hexdigest()
    return Allocator(name, str(real), _version(real), digest, shipped, options)


def _shipped_path(name):
    library = next(file for known, _, file in SHIPPED if known == name)
    for folder in (f"/usr/lib/{platform.machine()}-linux-gnu", "/usr/lib64", "/usr/lib"):
        if os.path.exists(f"{folder}/{library}"):
            return f"{folder}/{library}"
    raise CompareError(f"--alloc {name}: {library} is not installed; expected the package {PACKAGE_OF[name]}, "
                       f"or give --alloc {name}=PATH")


def _version(real):
    """Returns the package's version for an installed library, and the file's date for any other."""
    query = subprocess.run(["dpkg-query", "-S", str(real)], capture_output=True, text=True, check=False)
    if query.returncode == 0:
        package = query.stdout.split(": ")[0].split(",")[0]
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", package],
                                 capture_output=True, text=True, check=False)
        return version.stdout.strip()
    return ""


def check_loads(allocator):
    """Preloads the library into a small program and looks for it in the mappings. Raises CompareError if it is not there."""
    if not allocator.path:
        return
    environment = dict(os.environ, LD_PRELOAD=allocator.path)
    if allocator.options:
        environment["ASHLAR_OPTIONS"] = allocator.options
    try:
        result = subprocess.run(["/bin/cat", "/proc/self/maps"], env=environment, capture_output=True, text=True,
                                errors="replace", timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise CompareError(f"--alloc {allocator.name}: {allocator.path}: `cat` under it hangs") from None
    if complaint := next((line for line in result.stderr.splitlines() if "ASHLAR_OPTIONS" in line), ""):
        raise CompareError(f"--alloc {allocator.name}: {complaint}")
    if result.returncode == 0 and allocator.path in result.stdout:
        return
    reason = result.stderr.strip().splitlines()
    detail = reason[0] if reason else f"`cat` under it ends with status {result.returncode}"
    raise CompareError(f"--alloc {allocator.name}: {allocator.path} cannot be preloaded: {detail}")
