"""One colour and one marker for each allocator, the same in every picture, after Okabe and Ito for colour-blind readers."""

from .allocators import SUBJECT

KNOWN = {
    SUBJECT: ("#D55E00", "star"),
    "glibc": ("#6B7280", "circle"),
    "jemalloc": ("#0072B2", "square"),
    "mimalloc": ("#E0A100", "diamond"),
    "tcmalloc": ("#009E73", "triangle-up"),
}
OTHERS = (("#CC79A7", "triangle-down"), ("#56B4E9", "hexagon"), ("#7A4B9A", "cross"), ("#8C564B", "x"),
          ("#1B4F72", "pentagon"), ("#7F8C1F", "triangle-left"))
MATPLOTLIB_MARKERS = {"star": "*", "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v",
                      "hexagon": "h", "cross": "P", "x": "X", "pentagon": "p", "triangle-left": "<"}


def styles(names):
    """{name: (colour, marker)}"""
    others = [name for name in names if name not in KNOWN]
    return {name: KNOWN.get(name) or OTHERS[others.index(name) % len(OTHERS)] for name in names}
