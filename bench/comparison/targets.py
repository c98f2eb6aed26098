"""Compares the figures with the project's targets. Each is met or missed, with the rows that miss it."""

from dataclasses import dataclass, field

from .allocators import SUBJECT
from .cells import NOT_RUN
from .model import DEBIAN_PEERS

ROW_LIMITS = {"time": 1.15, "peak": 1.25}
DEBIAN_LIMITS = {"time": 1.00, "peak": 0.95}
OTHER_LIMITS = {"time": 0.95, "peak": 0.75}
IDLE_LIMIT = 1.00
NAMED_PEERS = ("snmalloc", "rpmalloc", "mimalloc", "jemalloc")      # in their newest versions, which Debian does not ship


@dataclass
class Verdict:
    """One target: figure <= limit."""
    what: str
    column: str
    limit: float
    figure: float               # the mean, or the worst row's ratio; None: cannot be judged
    met: bool
    misses: list = field(default_factory=list)      # [(row, ratio)]: rows above the limit, worst first
    note: str = ""


def _above(ratios, limit):
    found = [(row, ratio) for row, ratio in ratios.items() if round(ratio, 3) > limit]
    return sorted(found, key=lambda item: -item[1])


def _mean_verdict(figures, what, column, limit, among):
    mean = figures.mean(SUBJECT, column, among)
    if mean is None:
        return Verdict(what, column, limit, None, False, note="no row to compare")
    ratios = figures.ratios(SUBJECT, column, among)
    note = "within the noise" if mean.low <= limit <= mean.high else ""
    return Verdict(what, column, limit, mean.value, round(mean.value, 3) <= limit, _above(ratios, limit), note)


def _rows_verdict(figures, what, column, limit, among):
    ratios = figures.ratios(SUBJECT, column, among)
    if not ratios:
        return Verdict(what, column, limit, None, False, note="no row to compare")
    misses = _above(ratios, limit)
    noisy = [row for row, _ in misses if figures.cell(row, SUBJECT).noisy(column)]
    note = f"noisy: {', '.join(noisy)}" if noisy else ""
    return Verdict(what, column, limit, max(ratios.values()), not misses, misses, note)


def _failures_verdict(figures):
    failed = [cell.row for cell in figures.failures() if cell.allocator == SUBJECT and cell.error != NOT_RUN]
    return Verdict(f"every row runs under {SUBJECT}", "failures", 0, len(failed), not failed, [(row, None) for row in failed])


def unmeasured(figures):
    """Returns the allocators that the targets name and this comparison lacks."""
    names = [a.name for a in figures.session.allocators if not a.debian]
    return [peer for peer in NAMED_PEERS if not any(name.startswith(peer) for name in names)]


def judge(figures):
    """Returns all verdicts, or none if Ashlar is not among the allocators."""
    if SUBJECT not in figures.allocators:
        return []
    debian = [a.name for a in figures.session.allocators if a.debian and a.name in DEBIAN_PEERS]
    others = [a.name for a in figures.session.allocators if not a.debian and a.name != SUBJECT and not a.options]
    with_options = {a.name for a in figures.session.allocators if a.options}       # Ashlar itself is no peer
    peers = [name for name in figures.allocators if name != SUBJECT and name not in with_options]
    verdicts = [_failures_verdict(figures)]
    if debian:
        what = "best of each row among " + ", ".join(debian)
        verdicts += [_mean_verdict(figures, what, column, limit, debian) for column, limit in DEBIAN_LIMITS.items()]
    for peer in others:
        verdicts += [_mean_verdict(figures, f"{peer} alone", column, limit, [peer])
                     for column, limit in OTHER_LIMITS.items()]
    if peers:
        verdicts += [_rows_verdict(figures, "any single row against its best peer", column, limit, peers)
                     for column, limit in ROW_LIMITS.items()]
        if figures.has("idle"):
            verdicts.append(_rows_verdict(figures, "after idling: any row against its best peer", "idle", IDLE_LIMIT, peers))
    return verdicts
