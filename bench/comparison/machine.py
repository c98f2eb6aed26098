"""Collects the facts without which results cannot be compared: machine, kernel, settings, and the project's commit."""

import os
import platform
import re
import subprocess
from pathlib import Path

import psutil

TUNING = re.compile(r"^(MALLOC_|MIMALLOC_|TCMALLOC_|ASHLAR_|GLIBC_TUNABLES|_RJEM|SNMALLOC_|RPMALLOC_)")


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _cpu_model():
    match = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return match.group(1) if match else platform.processor() or platform.machine()


def _chosen(path):
    """Returns the bracketed word of a file such as `always [madvise] never`."""
    match = re.search(r"\[(\w+)\]", _text(path))
    return match.group(1) if match else "unknown"


def _system():
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text("/etc/os-release"), re.MULTILINE)
    return match.group(1) if match else platform.system()


def load():
    """Returns the machine's load average over a minute. A load much above 0 at the start disturbs the figures."""
    return f"{os.getloadavg()[0]:.2f}"


def machine_facts():
    """Returns what is printed with each result, in this order."""
    memory = psutil.virtual_memory().total / 2**30
    governor = _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "none"
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cpu governor": governor,
        "memory": f"{memory:.1f} GiB",
        "swap": f"{psutil.swap_memory().total / 2**30:.1f} GiB",
        "system": _system(),
        "kernel": platform.release(),
        "glibc": os.confstr("CS_GNU_LIBC_VERSION") or "unknown",
        "page size": f"{os.sysconf('SC_PAGESIZE')} bytes",
        "transparent huge pages": _chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        "overcommit": _text("/proc/sys/vm/overcommit_memory"),
        "address randomisation": _text("/proc/sys/kernel/randomize_va_space"),
        "load at the start": load(),
    }


def tuning_variables():
    """Returns the environment variables that change how an allocator behaves. The measured programs inherit them."""
    return {name: value for name, value in sorted(os.environ.items()) if TUNING.match(name)}


def project_facts(root):
    """Returns the measured commit, and whether files differ from it."""
    def git(*arguments):
        result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        return result.stdout.strip() if result.returncode == 0 else ""
    commit = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "preload", "include", "bench", "CMakeLists.txt")
    return {"commit": commit or "unknown", "changed": bool(changed)}
