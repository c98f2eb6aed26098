"""Writes figures in the same way in every report."""

from .cells import NOT_RUN

MARK_NOISY = "~"
NONE = "–"


def seconds(value):
    """1.23 s, 45.6 ms: three significant digits."""
    for limit, factor, unit in ((1, 1, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "µs"), (0, 1e9, "ns")):
        if value >= limit:
            return f"{significant(value * factor)} {unit}"
    return "0 s"


def significant(value):
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def mebibytes(kib):
    return f"{significant(kib / 1024)} MiB"


def count(value):
    """12345 as 12.3 k."""
    for limit, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= limit:
            return f"{significant(value / unit)} {name}"
    return f"{value:.0f}"


def ratio(value):
    return NONE if value is None else f"{value:.2f}"


def cell_value(cell, column):
    """Returns a cell's figure with its unit, without marks."""
    value = cell.value(column)
    if value is None:
        return NONE
    if column in ("peak", "idle"):
        return mebibytes(value)
    if column == "faults":
        return count(value)
    if column == "time" and cell.rate:
        return f"{count(1 / value)} {cell.unit}"
    if column == "time" and cell.unit != "s":
        return f"{significant(value)} {cell.unit}"
    return seconds(value)


def cell_text(cell, column):
    """Returns a cell's figure as it is shown, with the mark of a noisy one, or the word for a failure."""
    if cell.error:
        return NOT_RUN if cell.error == NOT_RUN else "FAILED"
    return cell_value(cell, column) + (f" {MARK_NOISY}" if cell.noisy(column) else "")


def mean_text(mean, rows):
    """1.03 (1.01 to 1.06), with the number of rows if it is not all of them."""
    if mean is None:
        return NONE
    # Single runs say nothing about noise, so there is no range to show.
    text = f"{mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})" if mean.high - mean.low > 1e-6 else f"{mean.value:.2f}"
    return text if len(mean.rows) == rows else f"{text}, {len(mean.rows)} of {rows} rows"


def duration(value):
    """1:02:03 or 4:05, for the time left."""
    minutes, rest = divmod(int(value + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def verdict_figure(verdict):
    if verdict.figure is None:
        return NONE
    return f"{verdict.figure:.0f}" if verdict.column == "failures" else f"{verdict.figure:.3f}"


def verdict_limit(verdict):
    return "0" if verdict.column == "failures" else f"≤ {verdict.limit:.2f}"


def misses_text(verdict, most=99):
    """The rows above a target's limit: larson 1.31, xmalloc 1.20."""
    shown = [row if value is None else f"{row} {value:.2f}" for row, value in verdict.misses[:most]]
    rest = len(verdict.misses) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def how_measured(figures):
    """Returns one sentence on repeats and statistics."""
    settings = figures.session.settings
    fewest, most = figures.repeats()
    repeats = f"{most} repeat{'s' if most != 1 else ''}" if fewest == most else f"{fewest} to {most} repeats"
    warmup = f"{settings['warmup']} warm-up round{'s' if settings['warmup'] > 1 else ''}" if settings["warmup"] else "no warm-up"
    return (f"{repeats} after {warmup}, interleaved in rotating order, scale {settings['scale']:g}; "
            "best time, median of everything else.")


LEGEND = (
    "Time: wall time of the best run. For a program that idles, it ends when idling begins. If a program prints a rate or a time of "
    "its own, that figure is used.",
    "Peak RSS: the median of the largest resident set of any one process (ru_maxrss; for a server its VmHWM). A row that "
    "starts several programs, such as a compiler driver, counts the largest of them.",
    "RSS after idling: resident memory shortly before the program ends its pause, during which it does not call the allocator.",
    f"{MARK_NOISY} marks a noisy figure: the median time is more than 10 % above the best, or the interquartile range of memory "
    "more than 10 % of its median.",
    "Geometric means are over the rows in which the allocator succeeded, each against the best allocator of that row; in brackets "
    "the range that holds 95 % of 500 resamplings of the runs.",
)
