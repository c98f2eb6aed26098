#!/usr/bin/env python3
"""Checks the budgets of the library's file: check_elf.py LIBRARY needed|tls|symbols|shadow_stack

needed        it needs libc only
tls           its TLS segment is at most 64 bytes, and is initial-exec (DF_STATIC_TLS), without calls of __tls_get_addr
symbols       it exports only malloc's family, operator new and delete, names that begin with ashlar_, and their versions
shadow_stack  it has the mark for shadow stacks, since one library without the mark switches them off for the process
"""
import re
import subprocess
import sys

TLS_BUDGET = 64
EXPORTS = re.compile(r"""(__libc_)?(malloc|free|calloc|realloc|reallocarray|aligned_alloc|memalign|posix_memalign|valloc|pvalloc|cfree)
    |malloc_usable_size|free_sized|free_aligned_sized|mallopt|mallinfo2?|malloc_info|malloc_stats|malloc_trim
    |_Zn[wa]\w+|_Zd[la]\w+|ashlar_\w+|ASHLAR_\d+\.\d+|dlopen""", re.X)


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def needed(library):
    names = re.findall(r"\(NEEDED\)\s+Shared library: \[(.*?)\]", readelf("-d", library))
    print("needed libraries:", *names)
    return names == ["libc.so.6"]


def tls(library):
    segment = re.search(r"^\s*TLS\s+(?:0x\w+\s+){4}(0x\w+)", readelf("-l", library), re.M)
    size = int(segment.group(1), 16) if segment else 0
    print(f"TLS segment: {size} bytes, budget {TLS_BUDGET} bytes")
    asks = "__tls_get_addr" in readelf("--dyn-syms", library)
    if asks:
        print("__tls_get_addr is called: the TLS model is not initial-exec")
    return size <= TLS_BUDGET and not asks


def symbols(library):
    rows = [line.split() for line in readelf("--dyn-syms", library).splitlines()]
    names = {row[7].split("@")[0] for row in rows if len(row) > 7 and row[4] in ("GLOBAL", "WEAK") and row[6] != "UND"}
    others = sorted(name for name in names if not EXPORTS.fullmatch(name))
    print(f"{len(names)} exported symbols; not of the interface:", *others or ["none"])
    return bool(names) and not others


def shadow_stack(library):
    notes = readelf("-n", library)
    print(notes)
    return "SHSTK" in notes


if __name__ == "__main__":
    sys.exit(0 if {"needed": needed, "tls": tls, "symbols": symbols, "shadow_stack": shadow_stack}[sys.argv[2]](sys.argv[1]) else 1)
