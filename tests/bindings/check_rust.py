#!/usr/bin/env python3
"""Checks bindings/rust without a compiler, or runs its own tests: check_rust.py ROOT names | tests LIBRARY_FOLDER WORK

names  checks that the public headers have each C function that the crate declares, with as many parameters, and that the crate
       depends on no other crate
tests  runs cargo test without a network, with the shared library and with the archive; exits with 77 if there is no cargo
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

KEPT = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "LANG")


def count(parameters):
    return 0 if parameters.strip() in ("", "void") else parameters.count(",") + 1


def names(root):
    header = "\n".join(path.read_text() for path in sorted((root / "include/ashlar").glob("*.h")))
    public = {name: count(given) for name, given in re.findall(r"^ASHLAR_API\s[^;]*?\b(ashlar_\w+)\(([^)]*)\)", header, re.M)}
    crate = root / "bindings/rust"
    used = {name: count(given) for name, given in re.findall(r"\bfn (ashlar_\w+)\(([^)]*)\)", (crate / "src/lib.rs").read_text())}
    problems = [f"src/lib.rs: {name} takes {given} parameters, the header's {public.get(name)}" for name, given in used.items()
                if public.get(name) != given]
    manifest = (crate / "Cargo.toml").read_text()
    problems += [f"Cargo.toml: {line}" for line in re.findall(r"^\[.*dependencies.*\]", manifest, re.M)]
    problems += [f"Cargo.toml: there is no {name}" for name in re.findall(r'"([^"]+)"', re.search(r"^include = \[(.*)\]$", manifest, re.M)[1])
                 if not (crate / name).exists()]
    print(f"{len(used)} functions", *problems, sep="\n")
    return 1 if problems or not used else 0


def tests(root, folder, work):
    # Debian's cargo comes before a user's, which may use another rustc.
    cargo = next(filter(None, (shutil.which("cargo", path="/usr/bin"), shutil.which("cargo"))), None)
    if not cargo:
        print("there is no cargo")
        return 77
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"ASHLAR_LIB_DIR": folder, "LD_LIBRARY_PATH": folder, "CARGO_TARGET_DIR": work, "CARGO_INCREMENTAL": "0",
                    "PATH": f"{Path(cargo).parent}:{environment['PATH']}"}
    for features in ([], ["--features", "static"]):
        command = [cargo, "test", "--offline", "--locked", "--manifest-path", str(root / "bindings/rust/Cargo.toml"), *features]
        print("$", *command, flush=True)
        if subprocess.run(command, env=environment, timeout=900).returncode != 0:
            return 1
    shutil.rmtree(work)  # 100 MB
    return 0


def main():
    root, what, *more = sys.argv[1:]
    return {"names": names, "tests": tests}[what](Path(root).resolve(), *more)


if __name__ == "__main__":
    sys.exit(main())
