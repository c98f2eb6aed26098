#!/usr/bin/env python3
"""Checks a library that must run with an old glibc: check_glibc.py LIBRARY VERSION WORK [RELEASE...]

LIBRARY must need no version of a glibc symbol above VERSION, and no library except glibc's. For each Debian RELEASE,
programs of the release run with its own glibc under LIBRARY. They are downloaded into WORK. If that fails, the exit status
is 77 (skipped).

check_glibc.py --self-test checks that a version that is too new is found.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

LIBRARIES = {"libc.so.6", "libdl.so.2", "libpthread.so.0"}
# The packages of perl and of a program with threads (sort).
PACKAGES = ["libc6", "libcrypt1", "perl-base", "coreutils", "libacl1", "libattr1", "libgmp10", "libselinux1", "libpcre2-8-0"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
STRINGS = ('my %h; $h{$_} = "x" x ($_ % 5000) for 1..30000; delete $h{$_} for 1..20000; my $child = fork // die; exit 7 if $child == 0;'
           'waitpid $child, 0; die "the child ended with $?" if $? != 7 << 8; print scalar(grep { $h{$_} eq "x" x ($_ % 5000) } keys %h)')
OPTIONS = ["", "harden", "slab_debug=FZP", "slob", "guard_sample=50"]


def number(version):
    return tuple(int(part) for part in version.split("."))


def problems_of(dynamic, versions, oldest):
    """Compares the needed libraries and versions by readelf with those that may be needed."""
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    yield from (f"needs {name}" for name in sorted(needed - LIBRARIES))
    for version in sorted(set(re.findall(r"Name: GLIBC_(\S+)", versions)), key=lambda each: number(each) if each[0].isdigit() else (99,)):
        if not version[0].isdigit() or number(version) > number(oldest):
            yield f"needs GLIBC_{version}, which is not in {oldest}"
    if "Name: GLIBC_" not in versions:
        yield "needs no version of glibc at all: readelf says something else than expected"


def readelf(option, library):
    return subprocess.run(["readelf", "-W", option, library], capture_output=True, text=True, check=True).stdout


def fetch(release, work):
    """Unpacks the packages of a Debian release into a folder, with settings of apt under which no package is installed."""
    state = work / f"apt-{release}"
    for folder in ["lists/partial", "cache/archives/partial", "packages", "root"]:
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {release} main\n")
    (state / "apt.conf").write_text(f'Dir::Etc::sourcelist "{state}/sources.list"; Dir::Etc::sourceparts "-";'
                                    f'Dir::State::lists "{state}/lists"; Dir::State::status "{state}/status"; Dir::Cache "{state}/cache";'
                                    'APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "2";\n')
    environment = {**os.environ, "APT_CONFIG": f"{state}/apt.conf"}
    for command in (["update"], ["download", *PACKAGES]):
        done = subprocess.run(["apt-get", "-qq", *command], cwd=state / "packages", env=environment, capture_output=True, text=True)
        if done.returncode != 0 or "Failed to fetch" in done.stderr:
            print(f"SKIP: the packages of {release} cannot be fetched: {done.stderr.strip()}")
            sys.exit(77)
    for package in (state / "packages").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, state / "root"], check=True)
    return state / "root"


def files(root, pattern):
    """Returns files below lib and usr/lib, which are one folder in newer releases."""
    return [path for folder in ("lib", "usr/lib") for path in sorted(root.glob(f"{folder}/{pattern}"))]


def run(root, library, options, program, *arguments, text="", errors=False):
    """Runs a program of a folder with that folder's dynamic linker and libraries. Returns its output."""
    linker = [path for path in files(root, "*-linux-gnu/ld-*.so*") if not path.is_symlink()]
    folders = ":".join(str(path) for path in files(root, "*-linux-gnu"))
    done = subprocess.run([linker[0], "--library-path", folders, root / program, *arguments], input=text, capture_output=True, text=True,
                          env={"LD_PRELOAD": str(library), "ASHLAR_OPTIONS": options, "LC_ALL": "C"}, check=False)
    if done.returncode != 0 or (done.stderr and not errors):
        sys.exit(f"{program} with {options or 'no option'} ended with {done.returncode}: {done.stderr}")
    return done.stderr if errors else done.stdout


def check_release(release, library, work):
    root = fetch(release, work)
    lines = "".join(f"{i}\n" for i in range(50000))
    for options in OPTIONS:
        if (kept := run(root, library, options, "usr/bin/perl", "-e", STRINGS)) != "10000":
            sys.exit(f"{release}: perl has {kept} strings of 10000")
        output = run(root, library, options, "usr/bin/sort", "-nr", "--parallel=4", text=lines)
        if output.splitlines() != [str(i) for i in reversed(range(50000))]:
            sys.exit(f"{release}: sort with {options or 'no option'} gives another order")
    # The programs run without the library too.
    if "ashlar: live" not in run(root, library, "stats", "usr/bin/perl", "-e", "1", errors=True):
        sys.exit(f"{release}: the library is not in the programs")
    print(f"ran with {release}'s glibc")


def self_test():
    needed = "0x1 (NEEDED) Shared library: [libc.so.6]"
    assert not list(problems_of(needed, "Name: GLIBC_2.17  Flags\nName: GLIBC_2.3.4 ", "2.17"))
    assert list(problems_of(needed, "Name: GLIBC_2.2.5 \nName: GLIBC_2.34 ", "2.17")) == ["needs GLIBC_2.34, which is not in 2.17"]
    assert list(problems_of(needed, "Name: GLIBC_2.2.5 \nName: GLIBC_ABI_DT_RELR ", "2.36")) != []
    assert list(problems_of(needed + "\n(NEEDED) x [libgcc_s.so.1]", "Name: GLIBC_2.17 ", "2.17")) == ["needs libgcc_s.so.1"]
    assert list(problems_of(needed, "", "2.17")) != []


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    library, oldest, work, *releases = sys.argv[1:]
    problems = list(problems_of(readelf("-d", library), readelf("-V", library), oldest))
    if problems:
        sys.exit("\n".join(f"{library} {problem}" for problem in problems))
    for release in releases:
        check_release(release, Path(library).resolve(), Path(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
