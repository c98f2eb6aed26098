"""Draws the picture for the README, as SVG: time against memory, both relative to the best of each row, and a bar for each."""

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

from .palette import MATPLOTLIB_MARKERS, styles  # noqa: E402

INK, QUIET, GRID = "#1F2933", "#52606D", "#E4E7EB"
SETTINGS = {"font.family": "DejaVu Sans", "font.size": 10, "svg.fonttype": "path", "svg.hashsalt": "ashlar",
            "axes.edgecolor": "#9AA5B1", "text.color": INK, "axes.labelcolor": INK, "xtick.color": QUIET, "ytick.color": QUIET}


def points(figures):
    """Returns [(name, time mean, memory mean)] of the allocators that have both."""
    found = [(name, figures.mean(name, "time", figures.allocators), figures.mean(name, "peak", figures.allocators))
             for name in figures.allocators]
    return [(name, time, peak) for name, time, peak in found if time and peak]


def draw(figures, path):
    """Writes the SVG. Returns False if there is nothing to draw."""
    data = points(figures)
    if not data:
        return False
    with pyplot.rc_context(SETTINGS):
        canvas, (left, right) = pyplot.subplots(1, 2, figsize=(10.4, 4.6), gridspec_kw={"width_ratios": [1.25, 1]})
        _scatter(left, data)
        _bars(right, data)
        canvas.tight_layout(w_pad=3)
        canvas.savefig(path, metadata={"Date": None, "Creator": "bench/compare"})
        pyplot.close(canvas)
    return True


def _scatter(axes, data):
    look = styles([name for name, _, _ in data])
    right = max(time.high for _, time, _ in data) * 1.16
    top = max(peak.high for _, _, peak in data) * 1.16
    axes.set(xscale="log", yscale="log", xlim=(0.93, max(right, 1.3)), ylim=(0.88, max(top, 1.3)))
    for product in (1.25, 1.5, 2, 3, 4, 6, 8):      # lines of equal time × memory
        axes.plot([product * 100, product / 100], [0.01, 100], color=GRID, linewidth=1, zorder=0)
    axes.axvspan(0.5, 1.0, color="#E3F4EC", zorder=-1)
    axes.axhspan(0.5, 1.0, color="#E3F4EC", zorder=-1)
    axes.plot(1, 1, marker="o", markersize=13, markerfacecolor="none", markeredgecolor="#00835F", markeredgewidth=1.8)
    axes.annotate("best: fastest and smallest in every row", (1, 1), xytext=(22, -26), textcoords="offset points", color="#00694C",
                  fontsize=9, arrowprops={"arrowstyle": "->", "color": "#00835F", "shrinkB": 7})
    for name, time, peak in data:
        colour, marker = look[name]
        axes.errorbar(time.value, peak.value, xerr=[[time.value - time.low], [time.high - time.value]],
                      yerr=[[peak.value - peak.low], [peak.high - peak.value]], fmt="none", ecolor=colour, alpha=0.5)
        axes.plot(time.value, peak.value, marker=MATPLOTLIB_MARKERS[marker], color=colour, linestyle="none",
                  markersize=15 if marker == "star" else 10, markeredgecolor="white")
        axes.annotate(name, (time.value, peak.value), xytext=(9, 7), textcoords="offset points", color=colour, weight="bold")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xticks([t for t in (1, 1.1, 1.2, 1.3, 1.5, 1.75, 2, 2.5, 3, 4) if t <= axes.get_xlim()[1]])
    axes.set_yticks([t for t in (1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8) if t <= axes.get_ylim()[1]])
    axes.set_xlabel("time (1 = fastest of each row), geometric mean")
    axes.set_ylabel("peak memory (1 = smallest of each row)")
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes, data):
    look = styles([name for name, _, _ in data])
    ordered = sorted(data, key=lambda item: item[1].value * item[2].value, reverse=True)
    for index, (name, time, peak) in enumerate(ordered):
        colour = look[name][0]
        axes.barh(index + 0.2, time.value, height=0.36, color=colour)
        axes.barh(index - 0.2, peak.value, height=0.36, color=colour, alpha=0.55)
        axes.text(time.value, index + 0.2, f" {time.value:.2f} time", va="center", fontsize=9)
        axes.text(peak.value, index - 0.2, f" {peak.value:.2f} memory", va="center", fontsize=9)
    axes.axvline(1, color="#00835F", linewidth=1.2, linestyle="--")
    axes.set_yticks(range(len(ordered)), [name for name, _, _ in ordered])
    axes.set_xlim(0, max(max(t.value, p.value) for _, t, p in ordered) * 1.3)
    axes.set_xlabel("against the best of each row (shorter is better)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
