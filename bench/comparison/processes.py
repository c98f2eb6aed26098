"""What /proc says of the measured processes, read lightly: while a run is timed, each read takes its time from it."""

import os

PAGE_KIB = os.sysconf("SC_PAGESIZE") // 1024


def _read(path):
    """The file's text, or nothing once the process is gone."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def resident_kib(pid):
    """Resident memory now; a few pages off, since the kernel counts per CPU. 0 if the process is gone."""
    words = _read(f"/proc/{pid}/statm").split()
    return int(words[1]) * PAGE_KIB if len(words) > 1 else 0


def resident_exactly_kib(pid):
    """Resident memory now, by walking the page tables (smaps_rollup). 0 if the process is gone."""
    return _field(_read(f"/proc/{pid}/smaps_rollup"), "Rss:")


def peak_kib(pid):
    """The resident high-water mark since exec. 0 if the process is gone."""
    return _field(_read(f"/proc/{pid}/status"), "VmHWM:")


def _field(text, name):
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def maps_library(pid, path):
    """Whether the process or one of its descendants has the library mapped."""
    pending = [pid]
    while pending:
        pid = pending.pop()
        if path in _read(f"/proc/{pid}/maps"):
            return True
        pending += [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]
    return False
