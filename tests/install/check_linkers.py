#!/usr/bin/env python3
"""Links the archive with one linker, into a program, and into both a program and a library: check_linkers.py LINKER ARCHIVE
INCLUDE WORK CC

If both have the archive, one copy must serve all calls: the library's, or the program's if the archive comes first.
"""
import shutil
import subprocess
import sys
from pathlib import Path

LIBRARY = """
#include <stdlib.h>
void *lib_make(unsigned long n) { return malloc(n); }
void lib_drop(void *p) { free(p); }
"""
PROGRAM = """
#include <ashlar/ashlar.h>
#include <stdlib.h>
void *lib_make(unsigned long);
void lib_drop(void *);
int main(void) {
  for (unsigned long i = 0; i < 1000; ++i) {
    free(lib_make(i * 37));
    lib_drop(malloc(i * 91));
    ashlar_free(malloc(50));
    free(ashlar_malloc(70));
    lib_drop(ashlar_malloc(100));
  }
  return 0;
}
"""
ALONE = "#include <stdlib.h>\nint main(void) { void *volatile p = malloc(100); free(p); return 0; }\n"


def run(*command):
    print("$", *command, flush=True)
    subprocess.run(list(map(str, command)), check=True, timeout=100)


def main():
    linker, archive, include, work, cc = sys.argv[1:]
    work = Path(work)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name, text in {"lib.c": LIBRARY, "app.c": PROGRAM, "alone.c": ALONE}.items():
        (work / name).write_text(text)
    flags = ["-O1", f"-fuse-ld={linker}", "-I", include]
    link = [archive, "-Wl,--undefined=malloc"]
    run(cc, *flags, work / "alone.c", "-o", work / "alone", *link)
    run(work / "alone")
    library = work / "libmy.so"
    run(cc, *flags, "-shared", "-fPIC", work / "lib.c", "-o", library, *link)
    exported = subprocess.run(["nm", "-D", "--defined-only", str(library)], check=True, capture_output=True, text=True).stdout
    if "ashlar_root" in exported:
        sys.exit(f"libmy.so exports what is internal:\n{exported}")
    for order in ([library, *link], [*link, library]):
        run(cc, *flags, work / "app.c", "-o", work / "app", *order, f"-Wl,-rpath,{work}")
        run(work / "app")


if __name__ == "__main__":
    main()
