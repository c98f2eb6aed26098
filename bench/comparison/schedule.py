"""Runs everything in order: round after round, in each round row after row, in each row one allocator after the other.

The runs that are compared within a row are therefore close in time, and a disturbance of minutes affects one round of five, not all
runs of a row. The order of the allocators rotates from round to round, so that none always runs first.
"""

import subprocess
import time
from dataclasses import dataclass

from . import rows as rows_module
from .measure import measure
from .model import Run

BUDGET_RESERVE = 20.0
GUESS_SECONDS = 4.0
GIVE_UP_AFTER = 2           # failed runs of one row under one allocator


@dataclass(frozen=True)
class Step:
    """A future run."""
    round: int              # counted rounds are 1, 2, ...; warm-up is 0, -1, ...
    row: object
    allocator: object


def plan(rows, allocators, repeats, warmup):
    """Returns all runs in order."""
    steps = []
    for number in range(1 - warmup, repeats + 1):
        for index, row in enumerate(rows):
            turn = (number + warmup - 1 + index) % len(allocators)
            steps += [Step(number, row, allocator) for allocator in allocators[turn:] + allocators[:turn]]
    return steps


class Durations:
    """Records how long runs took, to estimate how long the next ones will take."""

    def __init__(self):
        self.by_cell, self.by_row, self.all = {}, {}, []

    def add(self, row, allocator, seconds):
        self.by_cell.setdefault((row, allocator), []).append(seconds)
        self.by_row.setdefault(row, []).append(seconds)
        self.all.append(seconds)

    def expect(self, row, allocator):
        seen = self.by_cell.get((row, allocator)) or self.by_row.get(row) or self.all
        return sum(seen) / len(seen) if seen else GUESS_SECONDS

    def left(self, steps):
        return sum(self.expect(step.row.name, step.allocator.name) for step in steps)


class Schedule:
    """Executes the plan of a session, and adds each run to session.runs."""

    def __init__(self, session, out, launcher, on_step=None, on_run=None):
        self.session, self.settings = session, session.settings
        self.out, self.launcher = out, launcher
        self.on_step, self.on_run = on_step or (lambda *_: None), on_run or (lambda *_: None)
        self.durations = Durations()
        self.failures = {}
        self.broken = {}            # row: why it cannot be prepared
        self.started = time.monotonic()

    def execute(self):
        steps = plan(self.session.rows, self.session.allocators, self.settings["repeats"], self.settings["warmup"])
        skipped, left_out = {}, 0
        for position, step in enumerate(steps):
            key = (step.round, step.row.name)
            if key not in skipped:
                skipped[key] = not self._affordable(step.row)
            if skipped[key] or self._overdrawn():
                left_out += 1
                continue
            self.on_step(step, position, len(steps), self.durations.left(self._open(steps[position:])))
            self._run(step)
        if left_out:
            self.session.notes.append(f"The time budget of {self.settings['budget']:g} s was used up: {left_out} of {len(steps)} "
                                      "runs were left out.")

    def _open(self, steps):
        return [step for step in steps if not self._given_up(step)]

    def _given_up(self, step):
        return self.failures.get((step.row.name, step.allocator.name), 0) >= GIVE_UP_AFTER

    def _affordable(self, row):
        """Returns whether another round of this row fits into --budget."""
        budget = self.settings.get("budget")
        if not budget:
            return True
        need = sum(self.durations.expect(row.name, allocator.name) for allocator in self.session.allocators)
        return time.monotonic() - self.started + need <= budget

    def _overdrawn(self):
        """Returns whether a row that took longer than expected has used up even the reserve. It is then left incomplete."""
        budget = self.settings.get("budget")
        return bool(budget) and time.monotonic() - self.started > budget + BUDGET_RESERVE

    def _run(self, step):
        if self._given_up(step):
            return
        reason = self._prepare(step.row)
        began = time.monotonic()
        run = Run(step.row.name, step.allocator.name, step.round, error=reason) if reason else self._measure(step)
        self.session.runs.append(run)
        if run.ok:
            self.durations.add(step.row.name, step.allocator.name, time.monotonic() - began)
        else:
            key = (step.row.name, step.allocator.name)
            self.failures[key] = self.failures.get(key, 0) + 1
        self.on_run(step, run)

    def _measure(self, step):
        first = step.round == 1 - self.settings["warmup"]
        return measure(self.launcher, rows_module.command_line(step.row, self.settings, self.out), step.row,
                       step.allocator, self.settings, step.round, rows_module.idle_seconds(step.row, self.settings),
                       trace=first and (step.round < 1 or step.row.idles))

    def _prepare(self, row):
        """Makes the input of a program of bench/programs, or the plan of a trace, once. Returns why that failed, or nothing."""
        if row.source not in ("program", "trace"):
            return ""
        if row.name not in self.broken:
            folder = rows_module.prepared_folder(row, self.out)
            folder.mkdir(parents=True, exist_ok=True)
            command = [row.command[0], "prepare", str(folder)]
            if row.source == "trace":
                command = [row.command[2], "replay", row.command[1], "--plan", str(folder / "plan")]
            result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                    text=True, errors="replace", check=False)
            tail = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            self.broken[row.name] = (f"prepare: exit status {result.returncode}: {' '.join(tail)}"
                                     if result.returncode else "")
        return self.broken[row.name]
