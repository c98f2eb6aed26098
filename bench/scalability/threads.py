"""Runs a row with another number of threads. Each has the work of one thread of the row."""

# Programs without an option for the number of threads. They run unchanged.
SINGLE = ("bigint", "minimiser", "phases")
# The defaults of programs for the option, if not 1. xmalloc counts pairs of threads.
DEFAULT = {"broker": 4, "cache_scratch": 2, "cache_thrash": 2, "idle_threads": 64, "json": 4, "larson": 8, "lsm": 4, "mixed": 2, "mleak": 8,
           "mstress": 4, "rptest": 4, "server": 4, "threadtest": 2, "web": 4}
PAIRS = {"xmalloc"}


def program(row):
    return row.command[0].rsplit("/", 1)[-1]


def _option(row):
    return "--pairs" if program(row) in PAIRS else "--threads"


def threads_of(row):
    """Returns how many threads the row runs."""
    words = row.command
    given = int(words[words.index(_option(row)) + 1]) if _option(row) in words else DEFAULT.get(program(row), 1)
    return given * (2 if program(row) in PAIRS else 1)


def scales(row):
    """Returns whether the row's program can run on more threads."""
    return program(row) not in SINGLE


def command(row, scale, threads=None):
    """Returns the command of the row: unchanged, or on this many threads with as much more work. It does not idle long."""
    words = list(row.command)
    if threads is not None and scales(row):
        scale *= threads / threads_of(row)
        number = max(threads // 2, 1) if program(row) in PAIRS else threads
        if _option(row) in words:
            words[words.index(_option(row)) + 1] = str(number)
        else:
            words += [_option(row), str(number)]
    words += ["--scale", f"{scale:g}"]
    return words + ["--idle", "0.01"] if row.idles else words
