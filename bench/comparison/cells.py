"""Condenses runs to one cell per row and allocator: best time, median memory, spread, or the failure."""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

NOISY_TIME = 0.10           # (median - best) / best
NOISY_MEMORY = 0.10         # interquartile range / median
UNVERIFIED_SECONDS = 0.1    # a run shorter than this may end before anyone looks at its mappings

NOT_RUN = "not run"
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

# A column of a cell: attribute, title, what it says, how values of it are written
COLUMNS = {
    "time": "time",
    "peak": "peak RSS",
    "idle": "RSS after idling",
    "cpu": "CPU time",
    "faults": "page faults",
}


@dataclass
class Cell:
    """The results of one allocator in one row. Lower costs are better. A column without a value holds None."""
    row: str
    allocator: str
    error: str = ""
    done: int = 0                   # successful counted runs
    failed: int = 0
    unit: str = "s"                 # of time: s, or a metric's own
    rate: bool = False              # time is 1 / a rate
    metric: str = ""                # the name of the metric that stands for time, if any
    values: dict = field(default_factory=dict)      # column -> the figure that is compared
    all: dict = field(default_factory=dict)         # column -> all runs' figures
    spread: dict = field(default_factory=dict)      # time, peak -> relative spread
    extra: dict = field(default_factory=dict)       # metric name -> (median, unit, better)

    @property
    def ok(self):
        return not self.error and self.done > 0

    def value(self, column):
        return self.values.get(column) if self.ok else None

    def noisy(self, column):
        limit = {"time": NOISY_TIME, "peak": NOISY_MEMORY, "idle": NOISY_MEMORY}.get(column)
        return limit is not None and self.ok and self.spread.get(column, 0) > limit


def primary_metric(row, runs):
    """Returns the metric that replaces wall time: the row's own choice, or the first that is a rate or a time, or None."""
    metrics = runs[0].metrics
    if row.figure:
        return next((m for m in metrics if m.name == row.figure), None)
    return next((m for m in metrics if m.unit in TIME_UNITS or "/s" in m.unit), None)


def _named(run, name):
    return next((m.value for m in run.metrics if m.name == name), None)


def _times(cell, row, runs):
    """Returns times of the runs, of which lower ones are better, and notes in the cell what they are."""
    metric = primary_metric(row, runs)
    if metric is None:
        return [run.active for run in runs]
    values = [_named(run, metric.name) for run in runs]
    cell.metric, cell.unit, cell.rate = metric.name, metric.unit, metric.better == "higher"
    if any(value is None or value <= 0 for value in values):
        return []
    return [1 / value if cell.rate else value for value in values]


def _idle_kib(run):
    return run.idle_kib or _named(run, "rss_after_idle") or 0


def relative_spread(column, values):
    """Measures how far apart the runs of a cell are: time by (median - best) / best, memory by its interquartile range."""
    median = float(np.median(values))
    if column == "time":
        best = min(values)
        return (median - best) / best if best > 0 else 0.0
    return float(stats.iqr(values)) / median if median > 0 else 0.0


def condense(column, values):
    """Returns one figure for all runs: the best time, and the median of everything else."""
    return float(min(values)) if column == "time" else float(np.median(values))


def make_cell(row, allocator, runs):
    """Returns the cell of a row under an allocator, from all of its runs. The warm-up is included, as a crash there counts."""
    cell = Cell(row.name, allocator.name)
    bad = [run for run in runs if not run.ok]
    good = [run for run in runs if run.ok and run.counted]
    cell.failed, cell.done = len(bad), len(good)
    if bad:
        cell.error = bad[0].error + (f" ({len(bad)} of {len(runs)} runs)" if len(bad) < len(runs) else "")
        return cell
    if not good:
        cell.error = NOT_RUN
        return cell
    if allocator.path and not any(run.mapped for run in runs) and max(run.wall for run in runs) > UNVERIFIED_SECONDS:
        cell.error = "the library was never among the program's mappings"
        return cell
    figures = {
        "time": _times(cell, row, good),
        "peak": [run.peak_kib for run in good],
        "cpu": [run.user + run.system for run in good],
        "faults": [run.minor_faults + run.major_faults for run in good],
    }
    if row.idles:
        figures["idle"] = [_idle_kib(run) for run in good]
    for column, values in figures.items():
        if values and min(values) > 0:
            cell.all[column] = values
            cell.values[column] = condense(column, values)
            cell.spread[column] = relative_spread(column, values)
    if "time" not in cell.values:
        cell.error = f"printed no usable value of its metric {cell.metric}"
    _add_extra(cell, good)
    return cell


def _add_extra(cell, runs):
    for metric in runs[0].metrics:
        values = [value for value in (_named(run, metric.name) for run in runs) if value is not None]
        if metric.name != cell.metric and values:
            cell.extra[metric.name] = (float(np.median(values)), metric.unit, metric.better)


def make_cells(session):
    """Returns all cells of a session: {(row, allocator): Cell}."""
    runs = {}
    for run in session.runs:
        runs.setdefault((run.row, run.allocator), []).append(run)
    return {(row.name, allocator.name): make_cell(row, allocator, runs.get((row.name, allocator.name), []))
            for row in session.rows for allocator in session.allocators}
