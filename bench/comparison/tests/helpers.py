"""Sessions made of a few figures, for the tests."""

from comparison.model import Allocator, Metric, Row, Run, Session

SETTINGS = {"repeats": 3, "warmup": 0, "scale": 1.0, "idle": 0.0, "budget": 0.0, "timeout": 30, "command": "bench/compare",
            "environment": {}}


def session(times, peaks=None, idle_rows=()):
    """times: {row: {allocator: [seconds, ...]}}; peaks alike in KiB, 1000 where not given. An allocator that is not glibc
    has a library, and was seen mapped."""
    names = list(dict.fromkeys(name for cells in times.values() for name in cells))
    allocators = [Allocator(name, "" if name == "glibc" else f"/lib/{name}.so", debian=name != "ashlar") for name in names]
    rows = [Row(name, "idle" if name in idle_rows else "single", f"what {name} does", ["true"],
                idle_seconds=5.0 if name in idle_rows else 0.0) for name in times]
    runs = []
    for row, cells in times.items():
        for name, seconds in cells.items():
            memory = (peaks or {}).get(row, {}).get(name, [1000] * len(seconds))
            for number, (second, kib) in enumerate(zip(seconds, memory), 1):
                runs.append(Run(row, name, number, wall=second, active=second, user=second, peak_kib=kib, minor_faults=10,
                                idle_kib=kib / 2 if row in idle_rows else 0, mapped=name != "glibc"))
    return Session("2025-01-02T03:04:05+00:00", {"cpu": "test", "cores": 2, "kernel": "6", "glibc": "2.36",
                                                 "transparent huge pages": "madvise"},
                   {"commit": "abc", "changed": False}, dict(SETTINGS), allocators, rows, runs)


def with_metric(made, name, unit, better, values):
    """Gives the runs of the session, in order, a metric of these values."""
    for run, value in zip(made.runs, values):
        run.metrics.append(Metric(name, value, unit, better))
    return made
