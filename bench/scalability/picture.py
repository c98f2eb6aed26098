"""Draws the predicted speed-up by processors as SVG, with a line for each row. The rows that fall behind most have names."""

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from comparison.palette import KNOWN, OTHERS
from comparison.picture import GRID, QUIET, SETTINGS

NAMED = 7                   # rows in colours: the ones that scale worst


def draw(results, path):
    """Writes the picture. Returns False if there is nothing to draw."""
    shown = [result for result in results if result.points]
    if not shown:
        return False
    shown.sort(key=lambda result: result.points[-1].speedup / result.points[-1].processors)
    colours = [colour for colour, _ in (*KNOWN.values(), *OTHERS)]
    with pyplot.rc_context(SETTINGS):
        canvas, axes = pyplot.subplots(figsize=(7.2, 4.8))
        ideal = sorted({point.processors for result in shown for point in result.points})
        axes.plot(ideal, ideal, color="#00835F", linewidth=1.2, linestyle="--", label="ideal")
        for place, result in reversed(list(enumerate(shown))):
            named = place < NAMED
            look = {"color": colours[place], "linewidth": 1.8, "marker": "o", "markersize": 3, "label": result.name} \
                if named else {"color": QUIET, "linewidth": 0.8, "alpha": 0.4}
            axes.plot([p.processors for p in result.points], [p.speedup for p in result.points], **look)
        _scales(axes, ideal)
        canvas.tight_layout()
        canvas.savefig(path, metadata={"Date": None, "Creator": "bench/scaling"})
        pyplot.close(canvas)
    return True


def _scales(axes, ticks):
    axes.set(xscale="log", yscale="log", xlabel="processors", ylabel="throughput, × one processor (predicted)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(ticks)
    axes.grid(color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
