"""python3 -m ashlar [--options LIST] [--library FILE] [--objects] PROGRAM [ARGUMENT...]: runs a program under Ashlar."""
import argparse
import os
import shutil
import sys
import sysconfig
from pathlib import Path

SONAME = "libashlar.so.0"
NO_LIBRARY, NOT_FOUND = 125, 127


def fail(status, message):
    print(f"python3 -m ashlar: {message}", file=sys.stderr)
    sys.exit(status)


def folders():
    """Where libraries are, in the order in which the dynamic linker and a user look for them."""
    yield from filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    for prefix in dict.fromkeys((sys.prefix, "/usr/local", "/usr")):
        yield from (f"{prefix}/lib/{triplet}", f"{prefix}/lib64", f"{prefix}/lib")


def find_library():
    for folder in folders():
        candidate = Path(folder, SONAME)
        if candidate.is_file():
            return candidate
    return fail(NO_LIBRARY, f"{SONAME} is in none of the library folders; name one with --library")


def command_of(words):
    """The file to execute, and its arguments. Python's own files run by the interpreter that runs this."""
    if words[0].endswith(".py") and os.path.isfile(words[0]):
        return sys.executable, [sys.executable, *words]
    program = shutil.which(words[0])
    return program or fail(NOT_FOUND, f"{words[0]}: no such program"), words


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python3 -m ashlar", description="Runs a program under Ashlar.")
    parser.add_argument("--options", metavar="LIST", help="options for Ashlar, as in ASHLAR_OPTIONS (ashlar(7))")
    parser.add_argument("--library", metavar="FILE", type=Path, help=f"the library to use, if not the {SONAME} that is installed")
    parser.add_argument("--objects", action="store_true", help="have Python take its small objects from malloc as well (PYTHONMALLOC=malloc)")
    parser.add_argument("words", metavar="PROGRAM [ARGUMENT...]", nargs=argparse.REMAINDER, help="a command, or a .py file")
    settings = parser.parse_args(arguments)
    if settings.words[:1] == ["--"]:
        del settings.words[0]
    if not settings.words:
        parser.error("no program is named")
    return settings


def main(arguments=None):
    settings = parse(arguments)
    library = (settings.library or find_library()).absolute()
    if not library.is_file():
        fail(NO_LIBRARY, f"{library}: no such file")
    if set(": ") & set(str(library)):
        fail(NO_LIBRARY, f"LD_PRELOAD cannot name a path with a space or a colon: {library}")
    program, words = command_of(settings.words)
    environment = {**os.environ, "LD_PRELOAD": ":".join(filter(None, (str(library), os.environ.get("LD_PRELOAD"))))}
    if settings.options is not None:
        environment["ASHLAR_OPTIONS"] = settings.options
    if settings.objects:
        environment["PYTHONMALLOC"] = "malloc"
    try:
        os.execve(program, words, environment)
    except OSError as error:
        fail(NOT_FOUND, f"{program}: {error.strerror}")


if __name__ == "__main__":
    main()
