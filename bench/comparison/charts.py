"""The page's pictures, as plotly figures: the time-against-memory map, bars by row, memory over time."""

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from . import wording
from .allocators import SUBJECT
from .palette import styles

INK, QUIET, GRID, GOOD = "#1F2933", "#52606D", "#E4E7EB", "#00835F"
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 13, "color": INK}
BAR_LIMIT = 3.0         # longer bars are cut, their text says how long they are


def _layout(figure, **options):
    figure.update_layout(font=FONT, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="white", hoverlabel={"font": FONT},
                         margin={"l": 70, "r": 20, "t": 20, "b": 60}, **options)
    return figure


def _positions(figures, row):
    """Returns {name: (time, memory, time range, memory range)}: the means, or one row's ratios."""
    found = {}
    for name in figures.allocators:
        if row is None:
            time, peak = (figures.mean(name, column, figures.allocators) for column in ("time", "peak"))
            if time and peak:
                found[name] = (time.value, peak.value, (time.low, time.high), (peak.low, peak.high))
        else:
            time, peak = (figures.ratio(row, name, column, figures.allocators) for column in ("time", "peak"))
            if time and peak:
                found[name] = (time, peak, (time, time), (peak, peak))
    return found


def _axis_range(values):
    """Returns a range of log10 from a little below 1 to beyond the worst value."""
    return [math.log10(0.87), math.log10(max(*values, 1.25) * 1.13)]


def map_chart(figures):
    """Draws time against memory on logarithmic axes, with the best corner at the lower left. A menu shows single rows."""
    look = styles(figures.allocators)
    figure = go.Figure()
    views = [("all rows, geometric mean", None), *[(row, row) for row in figures.rows if _positions(figures, row)]]
    spots = {title: _positions(figures, row) for title, row in views}
    spots = {title: found for title, found in spots.items() if found}
    for name in figures.allocators:
        colour, marker = look[name]
        figure.add_trace(go.Scatter(name=name, mode="markers+text", textposition="top right", hoverinfo="text",
                                    textfont={"color": colour, "size": 15},
                                    marker={"color": colour, "symbol": marker, "size": 22 if name == SUBJECT else 15,
                                            "line": {"color": "white", "width": 1.5}}))
    buttons = []
    for title, found in spots.items():
        update = _map_view(figures, found)
        layout = {"xaxis.range": _axis_range([f[0] for f in found.values()] + [f[2][1] for f in found.values()]),
                  "yaxis.range": _axis_range([f[1] for f in found.values()] + [f[3][1] for f in found.values()])}
        buttons.append({"label": title, "method": "update", "args": [update, layout]})
    if not buttons:
        return None
    figure.update_xaxes(_map_axis("time, 1× = the fastest allocator of each row   (further left is faster)"),
                        range=buttons[0]["args"][1]["xaxis.range"])
    figure.update_yaxes(_map_axis("peak memory, 1× = the smallest   (lower is smaller)"),
                        range=buttons[0]["args"][1]["yaxis.range"])
    for index, name in enumerate(figures.allocators):
        figure.data[index].update({key: values[index] for key, values in buttons[0]["args"][0].items()})
    menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.1, "yanchor": "top", "bgcolor": "white", "bordercolor": "#CBD2D9"}
    _layout(figure, height=560, showlegend=False, updatemenus=[menu] if len(buttons) > 1 else [], shapes=_map_shapes(),
            annotations=_map_notes())
    figure.update_layout(margin={"t": 60})
    return figure


def _map_view(figures, found):
    """Returns what a menu entry sets on all points."""
    view = {"x": [], "y": [], "text": [], "hovertext": [], "error_x": [], "error_y": []}
    for name in figures.allocators:
        time, peak, time_range, peak_range = found.get(name, (None, None, (None, None), (None, None)))
        shown = time is not None
        view["x"].append([time] if shown else [])
        view["y"].append([peak] if shown else [])
        view["text"].append([f"  <b>{name}</b>"] if shown else [])
        view["hovertext"].append([f"<b>{name}</b><br>time {time:.3f}×<br>memory {peak:.3f}×<br>product {time * peak:.3f}"]
                                 if shown else [])
        view["error_x"].append(_error(time, time_range))
        view["error_y"].append(_error(peak, peak_range))
    return view


def _error(value, ends):
    if value is None or ends[0] == ends[1]:
        return {"visible": False}
    return {"type": "data", "symmetric": False, "array": [ends[1] - value], "arrayminus": [value - ends[0]], "thickness": 1.2,
            "width": 3, "visible": True}


def _map_axis(title):
    ticks = [1, 1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100]
    return {"title": title, "type": "log", "tickvals": ticks, "ticktext": [f"{t:g}×" for t in ticks], "showgrid": False,
            "zeroline": False, "linecolor": "#9AA5B1", "showline": True}


def _map_shapes():
    """Returns the shapes of the best corner, shaded in steps, and of lines of equal time × memory."""
    shapes = []
    for product, opacity in ((1.1, 0.30), (1.25, 0.22), (1.5, 0.14), (2, 0.08)):
        # On logarithmic axes, a line of equal product is straight.
        shapes.append({"type": "path", "layer": "below", "fillcolor": "#34A77A", "opacity": opacity, "line": {"width": 0},
                       "path": f"M 0.1 {product / 0.1} L {product / 0.1} 0.1 L 0.1 0.1 Z"})
    shapes.append({"type": "line", "x0": 1, "x1": 1, "y0": 0.01, "y1": 1000, "layer": "below", "line": {"color": GOOD, "width": 1}})
    shapes.append({"type": "line", "y0": 1, "y1": 1, "x0": 0.01, "x1": 1000, "layer": "below", "line": {"color": GOOD, "width": 1}})
    for product in (1.25, 1.5, 2, 3, 5, 8, 12):
        shapes.append({"type": "line", "layer": "below", "x0": product * 20, "y0": 0.05, "x1": 0.05, "y1": product * 20,
                       "line": {"color": "#CBD2D9", "width": 1, "dash": "dot"}})
    return shapes


def _map_notes():
    # On logarithmic axes, an annotation's position is the logarithm of the value: 1× is at 0.
    return [{"x": 0, "y": 0, "xref": "x", "yref": "y", "ax": 60, "ay": 34, "text": "<b>best corner</b>: fastest and smallest",
             "showarrow": True, "arrowhead": 2, "arrowwidth": 2, "arrowcolor": GOOD, "font": {"color": GOOD, "size": 14},
             "standoff": 9, "xanchor": "left"}]


TITLES = {"time": "time", "peak": "peak RSS", "idle": "RSS after idling"}


def bars_chart(figures, columns):
    """Draws a bar for each row and allocator against the best allocator of the row, in a panel for each column."""
    columns = [column for column in columns if figures.has(column)]
    rows = [row for row in figures.rows if any(figures.best(row, column, figures.allocators) for column in columns)]
    if not rows:
        return None
    look = styles(figures.allocators)
    figure = make_subplots(1, len(columns), shared_yaxes=True, horizontal_spacing=0.025,
                           subplot_titles=[f"<b>{TITLES[c]}</b>, × the best of the row" for c in columns])
    for place, column in enumerate(columns, 1):
        for name in figures.allocators:
            bars = _bars(figures, name, column, rows)
            figure.add_trace(go.Bar(name=name, legendgroup=name, showlegend=place == 1, marker={"color": look[name][0]}, **bars),
                             1, place)
        figure.add_vline(x=1, line={"color": GOOD, "width": 1.5, "dash": "dash"}, row=1, col=place)
    figure.update_xaxes(range=[0, BAR_LIMIT * 1.16], gridcolor=GRID, zeroline=False, ticksuffix="×")
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    height = 150 + len(rows) * (15 * len(figures.allocators) + 14)
    _layout(figure, height=height, barmode="group", bargap=0.18,
            legend={"orientation": "h", "y": 1 + 34 / (height - 130), "yanchor": "bottom", "x": 0, "traceorder": "normal"})
    figure.update_layout(margin={"t": 90, "l": 130, "b": 40})
    return figure


def _bars(figures, name, column, rows):
    """Draws one allocator's bars of a panel."""
    ratios = [figures.ratio(row, name, column, figures.allocators) for row in rows]
    cells = [figures.cell(row, name) for row in rows]
    return {"orientation": "h", "y": rows, "x": [min(ratio, BAR_LIMIT) if ratio else None for ratio in ratios],
            "text": [_bar_text(cell, ratio, column) for cell, ratio in zip(cells, ratios)], "textposition": "outside",
            "textfont": {"size": 11, "color": QUIET}, "constraintext": "none", "cliponaxis": False, "hoverinfo": "text",
            "hovertext": [_bar_hover(cell, ratio, column) for cell, ratio in zip(cells, ratios)]}


def _bar_text(cell, ratio, column):
    if ratio is None:
        return ""
    text = f"{ratio:.2f}" + (f" {wording.MARK_NOISY}" if cell.noisy(column) else "")
    return f"{text} →" if ratio > BAR_LIMIT else text


def _bar_hover(cell, ratio, column):
    if ratio is None:
        return ""
    noisy = f"<br>noisy: spread {cell.spread[column]:.0%}" if cell.noisy(column) else ""
    return f"<b>{cell.allocator}</b>, {cell.row}<br>{wording.cell_value(cell, column)}<br>{ratio:.3f}× the best{noisy}"


def traces(session):
    """Returns {row: {allocator: run}} of the runs with memory over time, for the rows that are about it."""
    shown = {row.name for row in session.rows if row.idles or "long-lived" in row.what.lower()}
    found = {}
    for run in session.runs:
        if run.ok and (run.server or run.row in shown) and len(run.samples) >= 8:
            found.setdefault(run.row, {}).setdefault(run.allocator, run)
    return {row.name: found[row.name] for row in session.rows if row.name in found}


def memory_chart(figures):
    """Draws resident memory over time, in a small picture for each row that idles or lives long."""
    rows = traces(figures.session)
    if not rows:
        return None
    look, across = styles(figures.allocators), 1 if len(rows) == 1 else 2
    down = -(-len(rows) // across)
    figure = make_subplots(down, across, subplot_titles=[f"<b>{row}</b>" for row in rows], horizontal_spacing=0.07,
                           vertical_spacing=0.36 / down if down > 1 else 0)
    seen = set()
    for index, runs in enumerate(rows.values()):
        place = {"row": index // across + 1, "col": index % across + 1}
        for name in figures.allocators:
            if name not in runs:
                continue
            run = runs[name]
            figure.add_trace(go.Scatter(
                name=name, legendgroup=name, showlegend=name not in seen, mode="lines", x=[t for t, _ in run.samples],
                y=[kib / 1024 for _, kib in run.samples], hovertemplate=f"{name}: %{{y:.1f}} MiB at %{{x:.2f}} s<extra></extra>",
                line={"color": look[name][0], "width": 3 if name == SUBJECT else 1.7}), **place)
            _idle_mark(figure, run, look[name][0], place)
            seen.add(name)
        figure.update_xaxes(title_text="seconds", gridcolor=GRID, zeroline=False, **place)
        figure.update_yaxes(title_text="RSS, MiB", rangemode="tozero", gridcolor=GRID, zeroline=False, **place)
    height = 340 * down + 90
    return _layout(figure, height=height, legend={"orientation": "h", "y": 1 + 34 / (height - 150), "yanchor": "bottom", "x": 0}).update_layout(
        margin={"t": 90})


def _idle_mark(figure, run, colour, place):
    """Draws a dot where the program began to idle."""
    start = next((at for at, name in run.phases if name == "idle"), None)
    if start is None:
        return
    nearest = min(run.samples, key=lambda sample: abs(sample[0] - start))
    figure.add_trace(go.Scatter(x=[nearest[0]], y=[nearest[1] / 1024], mode="markers", showlegend=False,
                                legendgroup=run.allocator, hovertext=[f"{run.allocator} begins to idle"], hoverinfo="text",
                                marker={"color": "white", "size": 9, "line": {"color": colour, "width": 2.5}}), **place)
