"""Writes the results as Markdown (bench/RESULTS.md): machine, how to reproduce, means, targets, all cells, failures."""

import re

from . import picture, wording
from .cells import COLUMNS
from .errors import CompareError
from .targets import judge, unmeasured


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _escape(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def _portable(text):
    """Keeps only the name of a library, as its path on the measuring machine means nothing elsewhere."""
    return re.sub(r"(?<!\w)/(?!usr/)[^\s`=]*/([^/\s`]+)", r"DIR/\1", str(text))


def _machine(session):
    lines = [f"- {name}: {_escape(value)}" for name, value in session.machine.items()]
    changed = " with uncommitted changes" if session.project.get("changed") else ""
    lines.append(f"- Ashlar: commit {session.project.get('commit', 'unknown')}{changed}")
    for name, value in session.settings.get("environment", {}).items():
        lines.append(f"- environment: `{name}={value}`")
    return lines


def _allocators(session):
    rows = [[a.name, _escape(a.version or "–"), f"`{_portable(a.path)}{'?' + a.options if a.options else ''}`" if a.path else "–", a.sha256[:12] or "–"]
            for a in session.allocators]
    return _table(["allocator", "version", "library", "sha256"], rows)


def _means(figures):
    columns = [column for column in ("time", "peak", "idle", "cpu") if figures.has(column)]
    rows = []
    for name in figures.allocators:
        means = [figures.mean(name, column, figures.allocators) for column in columns]
        totals = [sum(1 for row in figures.rows if figures.best(row, column, figures.allocators)) for column in columns]
        rows.append([name, *[wording.mean_text(mean, total) for mean, total in zip(means, totals)]])
    return _table(["allocator", *[COLUMNS[column] for column in columns]], rows)


def _targets(figures):
    verdicts = judge(figures)
    if not verdicts:
        return []
    rows = []
    for verdict in verdicts:
        rest = "; ".join(part for part in (wording.misses_text(verdict), verdict.note) if part)
        rows.append([_escape(verdict.what), COLUMNS.get(verdict.column, verdict.column), wording.verdict_limit(verdict),
                     wording.verdict_figure(verdict), "met" if verdict.met else "**missed**", rest])
    lines = ["## Targets", "", *_table(["Ashlar against", "column", "target", "measured", "", "rows above the limit"], rows), ""]
    missing = unmeasured(figures)
    if missing:
        lines += [f"Not compared with, because not measured here: {', '.join(missing)} in their newest versions.", ""]
    return lines


def _cell(figures, row, name, column):
    cell = figures.cell(row, name)
    text = wording.cell_text(cell, column)
    if cell.error:
        return f"**{text}**"
    best = figures.best(row, column, figures.allocators)
    return f"**{text}**" if best and cell.value(column) is not None and cell.value(column) <= best[0] * 1.005 else text


def _cells(figures, column):
    rows = [[row, *[_cell(figures, row, name, column) for name in figures.allocators]] for row in figures.rows
            if figures.best(row, column, figures.allocators) or column in ("time", "peak")]
    return [f"### {COLUMNS[column][0].upper()}{COLUMNS[column][1:]}", "", *_table(["row", *figures.allocators], rows), ""]


def _extras(figures):
    metrics = figures.extra_metrics()
    if not metrics:
        return []
    rows = []
    for row, name, unit, better in metrics:
        values = [figures.cell(row, allocator).extra.get(name) for allocator in figures.allocators]
        rows.append([row, f"{name} ({unit}, {better} is better)",
                     *[wording.significant(value[0]) if value else wording.NONE for value in values]])
    return ["### What the programs report themselves", "", *_table(["row", "figure", *figures.allocators], rows), ""]


def _failures(figures):
    groups = figures.failure_groups()
    if not groups:
        return ["None: every allocator ran every row.", ""]
    return [*[f"- {row} under {', '.join(names)}: {_escape(reason)}" for row, reason, names in groups], ""]


def render(figures, picture_name):
    """Returns the whole document."""
    session = figures.session
    lines = ["# Results", "", f"Written by `bench/compare` on {session.date}; not edited by hand. Lower is better, except for rates. "
             "Only figures within one row may be compared.", ""]
    if picture_name:
        lines += [f"![Time against memory, geometric means]({picture_name})", ""]
    lines += ["## Geometric means", "", "Each figure is a ratio to the best allocator of its row. An allocator that is the best in every row would have 1.00.", "",
              *_means(figures), "", *_targets(figures)]
    lines += ["## All rows", "", f"{wording.how_measured(figures)} Best of a row in bold.", ""]
    for column in figures.columns():
        lines += _cells(figures, column)
    lines += _extras(figures)
    lines += ["## Failures", "", *_failures(figures)]
    if figures.remarks():
        lines += ["## Notes", "", *[f"- {note}" for note in figures.remarks()], ""]
    lines += ["## The rows", "", *_table(["row", "kind", "what it does"],
                                         [[row.name, row.kind, _escape(row.what)] for row in session.rows]), ""]
    lines += ["## How to read this", "", *[f"- {text}" for text in wording.LEGEND], ""]
    lines += ["## Machine and versions", "", *_machine(session), "", *_allocators(session), ""]
    lines += ["## How to reproduce", "", "On Debian 12, in a clone of this repository at the commit above:", "", "```",
              _portable(session.settings.get("command", "bench/compare")), "```", ""]
    return "\n".join(lines)


def write(figures, path):
    """Writes the document, and the picture of the same name in lower case as .svg beside it."""
    svg = path.with_name(path.stem.lower() + ".svg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = picture.draw(figures, svg)
        path.write_text(render(figures, svg.name if drawn else ""), encoding="utf-8")
    except OSError as error:
        raise CompareError(f"--results-md {path}: cannot write: {error.strerror}") from None
