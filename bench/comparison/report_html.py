"""Writes the page: one HTML file that contains plotly's library and needs no network."""

from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from . import charts, wording
from .cells import COLUMNS, NOT_RUN
from .errors import CompareError
from .palette import styles
from .targets import judge, unmeasured

TEMPLATE = Path(__file__).with_name("page.html.j2")


def _chart(figure):
    if figure is None:
        return ""
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False,
                                 config={"displayModeBar": False, "responsive": True}))


def _cards(figures):
    look = styles(figures.allocators)
    cards = []
    for name in figures.allocators:
        means = []
        for column, title in (("time", "time"), ("peak", "memory"), ("idle", "after idle")):
            if figures.has(column):
                total = sum(1 for row in figures.rows if figures.best(row, column, figures.allocators))
                means.append((title, figures.mean(name, column, figures.allocators), total))
        failed = sum(1 for cell in figures.failures() if cell.allocator == name and cell.error != NOT_RUN)
        cards.append({"name": name, "colour": look[name][0], "means": means, "failed": failed})
    return cards


def _failures(figures):
    found = []
    for row, reason, names in figures.failure_groups():
        words = next((run.stderr.strip() for run in figures.session.runs
                      if run.row == row and run.allocator in names and not run.ok and run.stderr.strip()), "")
        found.append({"row": row, "reason": reason, "names": names, "stderr": words})
    return found


def _verdicts(figures):
    return [{"what": v.what, "column": COLUMNS.get(v.column, v.column), "limit": wording.verdict_limit(v),
             "figure": wording.verdict_figure(v), "met": v.met, "misses": wording.misses_text(v), "note": v.note}
            for v in judge(figures)]


def _shade(ratio):
    """Returns white to orange between 1× and 3×, for readers who cannot tell red from green."""
    strength = min(max((ratio - 1.02) / 2, 0), 1) ** 0.7
    return f"rgba(224, 130, 20, {0.42 * strength:.2f})" if strength > 0.02 else ""


def _cell(figures, row, name, column):
    cell = figures.cell(row, name)
    view = {"text": wording.cell_text(cell, column), "kind": "", "order": "", "title": "", "ratio": "", "shade": ""}
    ratio = figures.ratio(row, name, column, figures.allocators)
    if cell.error:
        return view | {"kind": "" if cell.error == NOT_RUN else "failed", "title": cell.error}
    if ratio is None:
        return view
    runs = ", ".join(f"{value:.4g}" for value in cell.all[column]) if not cell.rate or column != "time" else ""
    unit = {"peak": " KiB", "idle": " KiB", "faults": ""}.get(column, f" {cell.unit}")
    title = f"{cell.done} runs: {runs}{unit}" if runs else f"{cell.done} runs"
    return view | {"kind": "best" if ratio <= 1.005 else "", "order": cell.value(column), "title": title,
                   "ratio": f"{ratio:.2f}×", "shade": _shade(ratio)}


def _tables(figures):
    whats = {row.name: row.what for row in figures.session.rows}
    tables = []
    for column in figures.columns():
        lines = [{"row": row, "what": whats[row], "cells": [_cell(figures, row, name, column) for name in figures.allocators]}
                 for row in figures.rows if column in ("time", "peak") or figures.best(row, column, figures.allocators)]
        tables.append({"title": COLUMNS[column], "head": figures.allocators, "lines": lines})
    extras = _extra_lines(figures)
    if extras:
        tables.append({"title": "the programs' own figures", "head": figures.allocators, "lines": extras})
    return tables


def _extra_lines(figures):
    lines = []
    for row, metric, unit, better in figures.extra_metrics():
        values = [figures.cell(row, name).extra.get(metric) for name in figures.allocators]
        known = [value[0] for value in values if value]
        best = max(known) if better == "higher" else min(known)
        cells = [{"text": wording.significant(value[0]) if value else wording.NONE, "order": value[0] if value else "",
                  "kind": "best" if value and value[0] == best else "", "title": "", "ratio": "", "shade": ""} for value in values]
        lines.append({"row": f"{row}: {metric}, {unit}", "what": f"{better} is better", "cells": cells})
    return lines


def render(figures):
    """Returns the page's text."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    drawn = {"map": _chart(charts.map_chart(figures)), "bars": _chart(charts.bars_chart(figures, ("time", "peak"))),
             "idle": _chart(charts.bars_chart(figures, ("idle",))), "memory": _chart(charts.memory_chart(figures))}
    return template.render(session=figures.session, rows=figures.rows, remarks=figures.remarks(), how=wording.how_measured(figures),
                           plotly=Markup(get_plotlyjs()), cards=_cards(figures), failures=_failures(figures),
                           charts=drawn, verdicts=_verdicts(figures), unmeasured=unmeasured(figures), tables=_tables(figures),
                           legend=wording.LEGEND, noisy=wording.MARK_NOISY)


def write(figures, path):
    text = render(figures)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CompareError(f"--html {path}: cannot write: {error.strerror}") from None
