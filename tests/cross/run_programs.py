#!/usr/bin/env python3
"""Runs real programs of another processor under the emulator, with the library preloaded and without: run_programs.py TREE TOOLCHAIN
ARCHITECTURE RELEASE WORK CMAKE

The programs are those of a Debian release for ARCHITECTURE, which are fetched into WORK. So exits with 77 (skipped) where that fails. Each
prints the same with the library as without, says nothing on standard error, and has the library in it.
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from check_install import toolchain_says

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The packages of the programs and of the libraries that they need.
PACKAGES = ["perl-base", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "sqlite3", "gawk", "bash", "coreutils",
            "lua5.4", "jq", "xz-utils", "zstd", "bc", "tar", "findutils", "grep", "sed", "git"]
LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "libcrypt1", "libacl1", "libattr1", "libgmp10", "libselinux1", "libpcre2-8-0", "libsqlite3-0",
             "libreadline8", "libtinfo6", "libsigsegv2", "libmpfr6", "libjq1", "libonig5", "liblzma5", "libzstd1", "zlib1g", "liblz4-1", "libexpat1",
             "libffi8", "libbz2-1.0", "libxxhash0"]
STRINGS = 'my %h; $h{$_} = "x" x ($_ % 500) for 1..20000; delete $h{$_} for 1..15000; print scalar(keys %h), " ", length(join "", values %h), "\\n"'
OBJECTS = """
import json, re, threading
def work(seed):
    kept = [{'n': i, 'text': 'x' * (i * seed % 700), 'of': [i] * (i % 9)} for i in range(4000)]
    results.append((seed, len(json.dumps(kept)), len(re.findall('x+', json.dumps(kept[::3])))))
results = []
threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(results))
"""
TABLES = """
create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i, printf('%0*d', i % 200, i) from n;
create index of_b on t(b); delete from t where a % 3 = 0; select count(*), sum(length(b)), max(b) from t; vacuum; pragma integrity_check;
"""
TABLE_OF_LUA = "local t = {} for i = 1, 60000 do t[i] = {i, tostring(i) .. 'x'} end local n = 0 for _, v in ipairs(t) do n = n + #v[2] end print(n)"
LOOP = "declare -A a; for ((i = 0; i < 4000; i++)); do a[$i]=$(( i * i ))x; done; s=; for k in ${!a[@]}; do s+=${a[$k]}; done; echo ${#s}; (exit 3); echo $?"
NUMBERS = "".join(f"{i * 7919 % 50000} line {i}\n" for i in range(50000))
# name: (program, arguments, standard input)
PROGRAMS = {
    "perl": ("perl", ["-e", STRINGS], ""),
    "python": ("python3.11", ["-S", "-E", "-c", OBJECTS], ""),
    "sqlite": ("sqlite3", [":memory:"], TABLES),
    "awk": ("gawk", ["{ n[$1 % 997] = n[$1 % 997] $3 } END { for (i = 0; i < 997; i++) print i, length(n[i]) }"], NUMBERS),
    "bash": ("bash", ["-c", LOOP], ""),
    "sort": ("sort", ["-n", "--parallel=4"], NUMBERS),
    "lua": ("lua5.4", ["-e", TABLE_OF_LUA], ""),
    "jq": ("jq", ["-R", "-s", "-c", 'split("\n") | map(select(length > 0) | split(" ")[0] | tonumber) | [length, add, (unique | length)]'],
           NUMBERS[:200000]),
    "xz": ("xz", ["-2", "--check=crc32", "--threads=2", "-c"], NUMBERS),
    "zstd": ("zstd", ["-q", "-5", "-T2", "-c"], NUMBERS),
    "bc": ("bc", ["-q", "-l"], "scale = 600\n4 * a(1)\ne(1)\n2 ^ 3000\n"),
    "grep": ("grep", ["-E", "-c", "^(12|3.4)[0-9]* line .*(7|9)$"], NUMBERS),
    "sed": ("sed", ["-E", "s/([0-9]+) line ([0-9]+)/\\2:\\1/; /0$/d"], NUMBERS),
    "git": ("git", ["hash-object", "--stdin"], NUMBERS),
}


def fetch(architecture, release, work):
    """Unpacks the packages into a folder, with settings of apt under which no package is installed."""
    for folder in ["lists/partial", "cache/archives/partial", "packages", "root"]:
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {release} main\n")
    (work / "apt.conf").write_text(f'APT::Architecture "{architecture}"; APT::Architectures {{ "{architecture}"; }};'
                                   f'Dir::Etc::sourcelist "{work}/sources.list"; Dir::Etc::sourceparts "-";'
                                   f'Dir::State::lists "{work}/lists"; Dir::State::status "{work}/status"; Dir::Cache "{work}/cache";'
                                   'APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "2";\n')
    environment = {**os.environ, "APT_CONFIG": f"{work}/apt.conf"}
    for command in (["update"], ["download", *PACKAGES, *LIBRARIES]):
        done = subprocess.run(["apt-get", "-qq", *command], cwd=work / "packages", env=environment, capture_output=True, text=True)
        if done.returncode != 0 or "Failed to fetch" in done.stderr:
            print(f"SKIP: the packages of {release} for {architecture} cannot be fetched: {done.stderr.strip()}")
            sys.exit(77)
    for package in (work / "packages").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, work / "root"], check=True)
    return work / "root"


def run(emulator, root, library, options, name):
    """Returns what a program prints on standard output and on standard error."""
    program, arguments, text = PROGRAMS[name]
    found = next(path for path in (root / "usr/bin" / program, root / "bin" / program) if path.exists())
    preload = ["-E", f"LD_PRELOAD={library}", "-E", f"ASHLAR_OPTIONS={options}"] if library else []
    done = subprocess.run([*emulator, "-L", root, *preload, found, *arguments], input=text.encode(), capture_output=True,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent"}, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout, done.stderr.decode()


def problems_of(emulator, root, library, name):
    try:
        expected, _ = run(emulator, root, None, "", name)
        for options in ("", "harden"):
            output, errors = run(emulator, root, library, options, name)
            if output != expected or errors:
                yield f"{name} with {options or 'no option'} prints something else than without the library: {output[:200]!r} {errors}"
        _, errors = run(emulator, root, library, "stats", name)
        if not re.search(r"ashlar: live", errors):
            yield f"{name}: the library is not in it: {errors}"
        if not expected:
            yield f"{name} prints nothing"
    except (RuntimeError, OSError, StopIteration, subprocess.TimeoutExpired) as error:
        yield f"{name}: {error!r}"


def main():
    tree, toolchain, architecture, release, work, cmake = sys.argv[1:]
    work = Path(work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    emulator = toolchain_says(cmake, toolchain, work)[2][:1]
    library = (Path(tree) / "libashlar.so").resolve()
    root = fetch(architecture, release, work)
    with ThreadPoolExecutor(2) as pool:
        problems = [problem for found in pool.map(lambda name: list(problems_of(emulator, root, library, name)), PROGRAMS) for problem in found]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(PROGRAMS)} programs of {release} for {architecture} ran: {', '.join(PROGRAMS)}")


if __name__ == "__main__":
    main()
