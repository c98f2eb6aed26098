"""Computes figures from the cells: ratios within rows, and geometric means over rows with their uncertainty."""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from .cells import COLUMNS, NOT_RUN, make_cells

RESAMPLINGS = 500
CONFIDENCE = (2.5, 97.5)


@dataclass
class Mean:
    """A geometric mean of ratios. 95 % of resamplings of the runs lie between low and high, which shows how much may be noise."""
    value: float
    low: float
    high: float
    rows: list = field(default_factory=list)


class Figures:
    """A session with its cells, and functions over them. Everything in the reports comes from here."""

    def __init__(self, session):
        self.session = session
        self.cells = make_cells(session)
        self.rows = [row.name for row in session.rows]
        self.allocators = [allocator.name for allocator in session.allocators]
        self.resampled = _Resampled(self.cells)
        self._means = {}

    def cell(self, row, allocator):
        return self.cells[row, allocator]

    def has(self, column):
        return any(cell.value(column) is not None for cell in self.cells.values())

    def columns(self):
        """Returns the columns with at least one value, in the order of the reports."""
        return [column for column in COLUMNS if self.has(column)]

    def best(self, row, column, among):
        """Returns (value, allocator) of the best of some allocators in a row, or None if none has a value."""
        values = [(value, name) for name in among if (value := self.cells[row, name].value(column)) is not None]
        return min(values) if values else None

    def ratio(self, row, allocator, column, among):
        """Returns the ratio of the allocator's cost to the best of others in this row, or None."""
        own, best = self.cells[row, allocator].value(column), self.best(row, column, among)
        return own / best[0] if own is not None and best is not None else None

    def ratios(self, allocator, column, among):
        """Returns {row: ratio} over the rows that have one."""
        found = {row: self.ratio(row, allocator, column, among) for row in self.rows}
        return {row: ratio for row, ratio in found.items() if ratio is not None}

    def mean(self, allocator, column, among):
        """Returns the geometric mean of ratios(), or None without any row."""
        key = (allocator, column, tuple(among))
        if key not in self._means:
            self._means[key] = self._mean(allocator, column, among)
        return self._means[key]

    def _mean(self, allocator, column, among):
        ratios = self.ratios(allocator, column, among)
        if not ratios:
            return None
        drawn = []
        for row in ratios:
            peers = [self.resampled.draw(row, name, column) for name in among
                     if self.cells[row, name].value(column) is not None]
            drawn.append(np.log(self.resampled.draw(row, allocator, column)) - np.log(np.min(peers, axis=0)))
        low, high = np.exp(np.percentile(np.mean(drawn, axis=0), CONFIDENCE))
        value = float(stats.gmean(list(ratios.values())))
        return Mean(value, min(float(low), value), max(float(high), value), list(ratios))

    def noisy_cells(self):
        return [(cell, column) for cell in self.cells.values() for column in ("time", "peak", "idle") if cell.noisy(column)]

    def failures(self):
        return [cell for cell in self.cells.values() if cell.error]

    def failure_groups(self):
        """Returns [(row, reason, allocators)]. Allocators that failed for the same reason in one row are one entry."""
        found = {}
        for cell in self.failures():
            found.setdefault((cell.row, cell.error), []).append(cell.allocator)
        return [(row, reason, names) for (row, reason), names in found.items() if reason != NOT_RUN]

    def not_run(self):
        """Returns {row: allocators} of what was never measured, because of a time budget or an interruption."""
        found = {}
        for cell in self.failures():
            if cell.error == NOT_RUN:
                found.setdefault(cell.row, []).append(cell.allocator)
        return found

    def remarks(self):
        """Returns what the reader of any report must know first."""
        missing = [row if len(names) == len(self.allocators) else f"{row} under {', '.join(names)}"
                   for row, names in self.not_run().items()]
        return [*self.session.notes, *([f"Not measured: {', '.join(missing)}."] if missing else [])]

    def repeats(self):
        """Returns the minimum and the maximum number of successful runs of a cell."""
        done = [cell.done for cell in self.cells.values() if cell.ok] or [0]
        return min(done), max(done)

    def extra_metrics(self):
        """Returns [(row, metric, unit, better)] of all figures that programs printed beside the compared one."""
        found = {}
        for cell in self.cells.values():
            for name, (_, unit, better) in cell.extra.items():
                found.setdefault((cell.row, name), (unit, better))
        order = {row: index for index, row in enumerate(self.rows)}
        return [(row, name, *found[row, name]) for row, name in sorted(found, key=lambda key: (order[key[0]], key[1]))]


class _Resampled:
    """Returns, for the bootstrap, each cell's figure from runs that are drawn with replacement from its runs."""

    def __init__(self, cells):
        self.cells = cells
        self.random = np.random.default_rng(1)
        self.drawn = {}

    def draw(self, row, allocator, column):
        key = (row, allocator, column)
        if key not in self.drawn:
            values = np.asarray(self.cells[row, allocator].all[column], dtype=float)
            picks = values[self.random.integers(len(values), size=(RESAMPLINGS, len(values)))]
            self.drawn[key] = picks.min(axis=1) if column == "time" else np.median(picks, axis=1)
        return self.drawn[key]
