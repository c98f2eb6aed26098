"""Writes the report on the terminal: progress while measuring, then tables of cells, means, targets and failures."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from . import wording
from .cells import COLUMNS, NOT_RUN
from .targets import judge, unmeasured


def make_console():
    """Returns a console that does not shrink its tables when it writes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


class Live:
    """A progress bar with the time left. If the output is no terminal, a line for each row of each round instead."""

    def __init__(self, console=None):
        self.console = console or make_console()
        self.progress = Progress(TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn(),
                                 TextColumn("{task.fields[left]} left"), console=self.console, transient=True,
                                 disable=not self.console.is_terminal)
        self.task = self.progress.add_task("", total=None, left="")
        self.last = None

    def __enter__(self):
        self.progress.start()
        return self

    def __exit__(self, *_):
        self.progress.stop()

    def on_step(self, step, position, total, left):
        name = f"round {step.round}" if step.round > 0 else "warm-up"
        text = wording.duration(left)
        self.progress.update(self.task, description=f"{name}  {step.row.name}  {step.allocator.name}", completed=position,
                             total=total, left=text)
        if not self.console.is_terminal and (step.round, step.row.name) != self.last:
            self.console.print(f"{name}: {step.row.name}  [{position}/{total}, {text} left]", markup=False, highlight=False)
        self.last = (step.round, step.row.name)

    def on_run(self, step, run):
        if not run.ok:
            self.console.print(f"FAILED {step.row.name} under {step.allocator.name}: {run.error}", style="bold red",
                               markup=False, highlight=False)


def _cell(figures, cell, column):
    text = wording.cell_text(cell, column)
    if cell.error:
        return Text(text, style="dim" if cell.error == NOT_RUN else "bold red")
    best = figures.best(cell.row, column, figures.allocators)
    if best and cell.value(column) is not None and cell.value(column) <= best[0] * 1.005:
        return Text(text, style="bold green")
    return Text(text)


def cells_table(figures, column):
    table = Table(title=COLUMNS[column], title_justify="left", header_style="bold")
    table.add_column("row")
    for name in figures.allocators:
        table.add_column(name, justify="right")
    for row in figures.rows:
        cells = [figures.cell(row, name) for name in figures.allocators]
        if any(cell.value(column) is not None or (cell.error and column in ("time", "peak")) for cell in cells):
            table.add_row(row, *[_cell(figures, cell, column) for cell in cells])
    return table


def means_table(figures):
    columns = [column for column in ("time", "peak", "idle", "cpu") if figures.has(column)]
    table = Table(title="Geometric means, each row against its best allocator", title_justify="left", header_style="bold")
    table.add_column("allocator")
    for column in columns:
        table.add_column(COLUMNS[column], justify="right")
    for name in figures.allocators:
        means = [figures.mean(name, column, figures.allocators) for column in columns]
        totals = [sum(1 for row in figures.rows if figures.best(row, column, figures.allocators)) for column in columns]
        table.add_row(name, *[wording.mean_text(mean, total) for mean, total in zip(means, totals)])
    return table


def targets_table(verdicts):
    table = Table(title="Targets", title_justify="left", header_style="bold")
    for title in ("against", "column", "target", "measured", "", "rows above the limit"):
        table.add_column(title)
    for verdict in verdicts:
        result = Text("met", style="bold green") if verdict.met else Text("missed", style="bold red")
        rest = "; ".join(part for part in (wording.misses_text(verdict, 8), verdict.note) if part)
        table.add_row(verdict.what, COLUMNS.get(verdict.column, verdict.column), wording.verdict_limit(verdict),
                      wording.verdict_figure(verdict), result, rest)
    return table


def print_report(figures, console=None):
    """Prints everything, with the details first and the most important last."""
    console = console or make_console()
    for column in figures.columns():
        if column not in ("cpu", "faults"):
            console.print(cells_table(figures, column))
    console.print(means_table(figures))
    console.print(wording.how_measured(figures), f"{wording.MARK_NOISY} noisy.", highlight=False)
    _print_targets(figures, console)
    for row, reason, names in figures.failure_groups():
        console.print(f"FAILED {row} under {', '.join(names)}: {reason}", style="bold red", markup=False, highlight=False)
    for note in figures.remarks():
        console.print(note, style="yellow", markup=False, highlight=False)


def _print_targets(figures, console):
    verdicts = judge(figures)
    if not verdicts:
        return
    console.print(targets_table(verdicts))
    missing = unmeasured(figures)
    if missing:
        console.print(f"Not compared with, because not measured: {', '.join(missing)} in their newest versions "
                      "(--alloc default --alloc NAME=PATH).", style="dim", highlight=False)
