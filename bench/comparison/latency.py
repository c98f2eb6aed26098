"""Runs bench/compare --latency: the distribution of the time of every single call, under each allocator, by bench/latency.

Each case runs as often as --repeats says, with the allocators in turns. The histograms of all runs are added up. "machine" is
an empty loop that runs between the calls for as long as they took. Its delays are not the allocator's.
"""

import json
import os
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from .errors import CompareError, quoted_list
from .palette import styles

SCHEMA = 1
CASES = ("steady", "free-heap", "aged", "growth", "threads", "fork", "limit")
CALLS = ("malloc", "free", "calloc", "realloc", "fork", "machine")
PERCENTILES = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999))


class Histogram:
    """Counts by the minimum nanoseconds of a bucket."""

    def __init__(self, buckets=(), most=0):
        self.buckets, self.most = {}, 0
        self.add(buckets, most)

    def add(self, buckets, most):
        for low, count in buckets:
            self.buckets[low] = self.buckets.get(low, 0) + count
        self.most = max(self.most, most)

    @property
    def count(self):
        return sum(self.buckets.values())

    def percentile(self, share):
        """Returns the lowest bucket such that this share of all calls is in it or below."""
        wanted, seen = share * self.count, 0
        for low in sorted(self.buckets):
            seen += self.buckets[low]
            if seen >= wanted:
                return low
        return self.most

    def figures(self):
        return [self.percentile(share) for _, share in PERCENTILES] + [self.most]


def select(patterns):
    """Returns the cases that --rows names, or all if it names none."""
    unknown = [name for name in patterns if name not in CASES]
    if unknown:
        raise CompareError(f"--rows {unknown[0]!r}: no case of --latency has this name; known cases: {quoted_list(CASES)}")
    return [case for case in CASES if not patterns or case in patterns]


def run_case(program, case, allocator, scale, timeout):
    """Returns {call: (buckets, max)} of one run. Raises CompareError if it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "ASHLAR_OPTIONS")}
    if allocator.path:
        environment["LD_PRELOAD"] = allocator.path
    if allocator.options:
        environment["ASHLAR_OPTIONS"] = allocator.options
    try:
        done = subprocess.run([str(program), case, "--scale", f"{scale:g}", "--json"], env=environment, capture_output=True,
                              text=True, errors="replace", timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise CompareError(f"latency {case} under {allocator.name}: timed out after {timeout} s") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise CompareError(f"latency {case} under {allocator.name}: {reason}")
    return {line["call"]: (line["buckets"], line["max"]) for line in map(json.loads, done.stdout.splitlines())}


def measure(program, cases, allocators, settings, say):
    """Returns {case: {call: {allocator: Histogram}}}, and what failed."""
    found, notes = {}, []
    for repeat in range(settings["repeats"]):
        for case in cases:
            turn = repeat % len(allocators)
            for allocator in allocators[turn:] + allocators[:turn]:
                say(f"latency {case}, {allocator.name}, {repeat + 1} of {settings['repeats']}")
                try:
                    calls = run_case(program, case, allocator, settings["scale"], settings["timeout"])
                except CompareError as error:
                    notes.append(str(error))
                    continue
                for call, (buckets, most) in calls.items():
                    cells = found.setdefault(case, {}).setdefault(call, {})
                    cells.setdefault(allocator.name, Histogram()).add(buckets, most)
    return found, notes


def time_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:g} ns"


def lines(found):
    """Yields (case, call, allocator, count, figures) in the order of the reports."""
    for case in (name for name in CASES if name in found):
        for call in (name for name in CALLS if name in found[case]):
            for allocator, histogram in found[case][call].items():
                yield case, call, allocator, histogram.count, histogram.figures()


TITLES = ["case", "call", "allocator", "calls", *(name for name, _ in PERCENTILES), "max"]


def print_table(found):
    table = Table(header_style="bold", box=None)
    for title in TITLES:
        table.add_column(title, justify="left" if title in TITLES[:3] else "right")
    for case, call, allocator, count, figures in lines(found):
        table.add_row(case, call, allocator, str(count), *map(time_text, figures))
    Console().print(table)


def write_markdown(found, notes, path):
    rows = ["| " + " | ".join(TITLES) + " |", "|" + " --- |" * 3 + " ---: |" * (len(TITLES) - 3)]
    for case, call, allocator, count, figures in lines(found):
        rows.append("| " + " | ".join([case, call, allocator, str(count), *map(time_text, figures)]) + " |")
    rows += ["", "machine: rounds of an empty loop between the calls; such stalls are not the allocator's.", "",
             f"![percentiles]({path.with_suffix('.svg').name})", *(f"\n- {note}" for note in notes)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def draw(found, path):
    """Draws a panel for each case: time by percentile of its allocations and frees together, on logarithmic scales."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    cases = [case for case in CASES if case in found]
    if not cases:
        return False
    names = list(dict.fromkeys(name for calls in found.values() for cells in calls.values() for name in cells))
    look = styles(names)
    columns = min(len(cases), 4)
    rows = (len(cases) + columns - 1) // columns
    canvas, panels = pyplot.subplots(rows, columns, figsize=(3.4 * columns, 3 * rows), squeeze=False)
    for panel, case in zip(panels.flat, cases):
        for name in names:
            _curve(panel, found[case], name, look[name][0])
        panel.set(title=case, xscale="log", yscale="log", xlabel="one call in", ylabel="ns")
    for panel in list(panels.flat)[len(cases):]:
        panel.axis("off")
    panels.flat[0].legend(fontsize=8)
    canvas.tight_layout()
    canvas.savefig(path, metadata={"Date": None, "Creator": "bench/compare"})
    pyplot.close(canvas)
    return True


def _curve(panel, calls, name, colour):
    for machine in (False, True):
        sum_of = Histogram()
        for call, cells in calls.items():
            if (call == "machine") == machine and call != "fork" and name in cells:
                sum_of.add(cells[name].buckets.items(), cells[name].most)
        if sum_of.count == 0:
            continue
        seen, x, y = 0, [], []
        for low in sorted(sum_of.buckets):
            x.append(sum_of.count / (sum_of.count - seen))
            y.append(max(low, 1))
            seen += sum_of.buckets[low]
        if machine:
            panel.plot(x, y, color=colour, linewidth=0.7, linestyle=":")
        else:
            panel.plot(x, y, color=colour, linewidth=1.5, label=name)


def to_dict(found, allocators, settings, notes):
    return {"schema": SCHEMA, "tool": "bench/compare --latency", "settings": settings, "notes": notes,
            "allocators": [{"name": a.name, "path": a.path, "version": a.version, "options": a.options} for a in allocators],
            "cases": {case: {call: {name: {"max": h.most, "buckets": sorted(h.buckets.items())} for name, h in cells.items()}
                             for call, cells in calls.items()} for case, calls in found.items()}}


def report(program, allocators, chosen, settings, out):
    """Measures, prints the table, and writes latency.json, .md and .svg. Returns the exit status, which is 1 if a case failed."""
    found, notes = measure(program, select(chosen.rows), allocators, settings,
                           lambda text: print(f"bench/compare: {text}", file=sys.stderr, flush=True))
    out.mkdir(parents=True, exist_ok=True)
    data = to_dict(found, allocators, settings, notes)
    (out / "latency.json").write_text(json.dumps(data), encoding="utf-8")
    print_table(found)
    write_markdown(found, notes, out / "latency.md")
    draw(found, out / "latency.svg")
    for name in ("latency.json", "latency.md", "latency.svg"):
        print(f"bench/compare: wrote {out / name}")
    for note in notes:
        print(f"bench/compare: {note}", file=sys.stderr)
    return 1 if notes else 0
