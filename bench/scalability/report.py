"""Writes the figures as a table on the terminal, as Markdown, and as JSON."""

import json

from rich.console import Console
from rich.table import Table

AIM = 5.0                   # acquisitions of shared locks in 1000 pairs: one in 200
BUSY_AIM = 0.1              # of the time that a lock is held, at the processors of the aim

LEVELS = (("stock", ("from stock", "to stock")), ("depot", ("from depot", "to depot")),
          ("slabs", ("from slabs", "to slabs")), ("list", ("run from list", "run to list")),
          ("zone", ("run from zone", "run to zone", "slab from zone", "slab to zone")), ("map", ("run from map",)))
LEGEND = (
    "Counts are per 1000 pairs of malloc and free, of as many threads as processors; those of a row on one thread are of "
    "the row as it is.",
    "locks: acquisitions of locks that processors share; the aim is 5 at most. A row above it is in bold.",
    "lines: acquisitions of any lock after another thread had it: its cache line travels, and those that it protects.",
    "stock, depot, slabs: magazines that went from and to the processor's stock, the depot and the slabs. list, zone, map: "
    "runs of pages, and slabs, from and to the processor's list and the zone, and new mappings.",
    "busiest: the lock that is held most of the time, predicted; the aim is 10 % at most.",
    "speed-up: over one processor, predicted by a simulation of the locks as queues. What the program and the kernel do is "
    "taken to scale; only 2 processors could be compared with what was measured.",
)


def number(value):
    """Returns three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def header(chosen):
    """Returns the titles of the columns."""
    return ["row", "threads", "locks", "lines", *[name for name, _ in LEVELS], "busiest", "2 measured",
            *[f"speed-up {n}" for n in chosen.processors]]


def cells(result, chosen):
    """Returns a row of the table, or None if nothing was counted."""
    point = result.at(chosen.at)
    counted = point.counted if point else result.counted
    if counted is None:
        return None
    locks = counted.shared_locks()
    busiest, share = point.outcome.busiest() if point else ("", 0.0)
    speedups = {p.processors: number(p.speedup) for p in result.points}
    return [result.name, str(chosen.at if point else result.threads),
            f"**{number(locks)}**" if locks > AIM else number(locks),
            number(counted.moved_lines()), *[number(counted.per_thousand(*events)) for _, events in LEVELS],
            f"{busiest.rsplit(' ', 1)[0]} {100 * share:.1f} %" if busiest else "–",
            number(result.measured) if result.measured else "–", *[speedups.get(n, "–") for n in chosen.processors]]


def print_table(results, chosen):
    """Prints the table."""
    table = Table(header_style="bold", box=None)
    for title in header(chosen):
        table.add_column(title, justify="left" if title in ("row", "busiest") else "right")
    for result in results:
        if row := cells(result, chosen):
            table.add_row(*[cell.replace("**", "") for cell in row])
    Console(width=None if Console().is_terminal else 220).print(table)
    for line in summary(results, chosen):
        print(line)


def summary(results, chosen):
    """Returns how many rows meet the aims, and what was not measured."""
    judged = [(result, result.at(chosen.at)) for result in results if result.at(chosen.at)]
    many = [result.name for result, point in judged if point.counted.shared_locks() > AIM]
    busy = [result.name for result, point in judged if point.outcome.busiest()[1] > BUSY_AIM]
    lines = []
    for names, what in ((many, "take at most one shared lock in 200 pairs"),
                        (busy, f"hold no lock more than {100 * BUSY_AIM:.0f} % of the time")):
        if judged:
            lines.append(f"At {chosen.at} processors {len(judged) - len(names)} of {len(judged)} rows {what}"
                         + (f"; not {', '.join(names)}" if names else "") + ".")
    return lines + [f"{result.name}: {result.note}" for result in results if result.note]


def write_markdown(results, chosen, path, picture):
    """Writes the table as Markdown, with a link to the picture."""
    titles = header(chosen)
    lines = ["# Locks and predicted throughput", "", f"Written by `bench/scaling`, scale {chosen.scale:g}.", ""]
    lines += [f"![Predicted speed-up]({picture})", ""] if picture else []
    lines += ["| " + " | ".join(titles) + " |", "| --- |" + " ---: |" * (len(titles) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in (cells(result, chosen) for result in results) if row]
    lines += ["", *[f"- {line}" for line in (*summary(results, chosen), *LEGEND)]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _counts(counted):
    if counted is None:
        return None
    locks = [{"rank": lock.rank, "taken": lock.taken, "moved": lock.moved, "missed": lock.missed, "waited": lock.waited,
              "waited ns": lock.waited_ns, "mean ns": lock.mean_ns(counted.clock_ns)} for lock in counted.locks]
    return {"pairs": counted.pairs, "shared locks": counted.shared_locks(), "moved lines": counted.moved_lines(),
            "by rank": counted.by_rank(), "events": counted.events, "locks": locks}


def write_json(results, chosen, path):
    """Writes all counts and predictions."""
    rows = [{"row": result.name, "threads": result.threads, "note": result.note, "as it is": _counts(result.counted),
             "pair ns": result.one_pair_ns, "speed-up 2 measured": result.measured,
             "points": [{"processors": point.processors, "speed-up": point.speedup, "waited ns": point.outcome.waited_ns,
                         "busiest": point.outcome.busiest(), "counts": _counts(point.counted)} for point in result.points]}
            for result in results]
    settings = {"scale": chosen.scale, "processors": chosen.processors, "transfer ns": chosen.transfer}
    path.write_text(json.dumps({"schema": 1, "tool": "bench/scaling", "settings": settings, "rows": rows}), encoding="utf-8")
