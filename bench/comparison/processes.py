"""Reads /proc for the measured processes, as little as possible, since each read takes time from a timed run."""

import os

PAGE_KIB = os.sysconf("SC_PAGESIZE") // 1024


def _read(path):
    """Returns the file's text, or nothing if the process has ended."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def resident_kib(pid):
    """Returns the resident memory, which is a few pages off, since the kernel counts per CPU. 0 if the process has ended."""
    words = _read(f"/proc/{pid}/statm").split()
    return int(words[1]) * PAGE_KIB if len(words) > 1 else 0


def resident_exactly_kib(pid):
    """Returns the resident memory by a walk of the page tables (smaps_rollup). 0 if the process has ended."""
    return _field(_read(f"/proc/{pid}/smaps_rollup"), "Rss:")


def peak_kib(pid):
    """Returns the resident high-water mark since exec. 0 if the process has ended."""
    return _field(_read(f"/proc/{pid}/status"), "VmHWM:")


def _field(text, name):
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def maps_library(pid, path):
    """Returns whether the process or one of its descendants has the library mapped."""
    pending = [pid]
    while pending:
        pid = pending.pop()
        if path in _read(f"/proc/{pid}/maps"):
            return True
        pending += [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]
    return False
