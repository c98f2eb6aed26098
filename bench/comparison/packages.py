"""Installs missing Debian packages by scripts/packages.sh."""

import subprocess
from pathlib import Path

from .errors import CompareError, quoted_list

ROOT = Path(__file__).resolve().parents[2]


def listed(*files):
    """Returns the packages that list files name, one per line; # starts a comment."""
    names = set()
    for file in files:
        if file.exists():
            names |= {line.split("#")[0].strip() for line in file.read_text().splitlines()}
    return sorted(names - {""})


def ensure(packages):
    """Installs those of the packages that are missing. Raises CompareError if that fails."""
    script = '. "$1/scripts/errors.sh"; . "$1/scripts/packages.sh"; shift; need_packages "$@"'
    command = ["bash", "-c", script, "bench/compare", str(ROOT), *packages]
    if packages and subprocess.run(command, check=False).returncode != 0:
        raise CompareError(f"could not install {quoted_list(packages)}; the reason is above")
