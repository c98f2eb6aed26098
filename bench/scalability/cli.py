"""Runs bench/scaling, from the command line to the reports."""

import argparse
import sys
from pathlib import Path

from comparison import build
from comparison import rows as known_rows
from comparison.errors import CompareError
from comparison.options import Parser
from comparison.packages import ROOT

from . import picture, report, rows
from .model import TRANSFER_NS

DESCRIPTION = """\
Counts how often the workloads take Ashlar's locks, how long each lock is held, and which level magazines and runs of
pages come from. A library that is built for this purpose counts (libashlar-counting.so). Threads are assigned to
simulated processors (cpus_fake). From the counts, a simulation of the locks as queues predicts the throughput on more
processors. Writes build/scaling/scaling.md, .svg and .json.
"""
EXAMPLES = """\
examples:
  bench/scaling                                        all rows, on 2 to 256 processors
  bench/scaling --rows threads --processors 2,16,64    the rows of a kind
  bench/scaling --rows rptest-16t --scale 0.1          one row, with more work
"""
MOST = 1024                 # of cpus_fake


def _processors(text):
    try:
        numbers = sorted({int(word) for word in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or not 1 <= numbers[0] <= numbers[-1] <= MOST:
        raise argparse.ArgumentTypeError(f"expected whole numbers from 1 to {MOST}, separated by commas, got {text!r}")
    return numbers


def _positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def parse(arguments):
    """Returns the options. Raises CompareError for bad input."""
    parser = Parser(prog="bench/scaling", description=DESCRIPTION, epilog=EXAMPLES, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", action="append", metavar="NAMES", default=[],
                        help="rows of bench/workloads/rows.json, separated by commas: names, kinds or regular expressions; "
                             "may be repeated")
    parser.add_argument("--processors", type=_processors, metavar="N,N,…", default=[2, 4, 8, 16, 32, 64, 128, 256],
                        help="numbers of processors to simulate and to predict for (default 2,4,8,16,32,64,128,256)")
    parser.add_argument("--at", type=int, metavar="N",
                        help="the number of processors whose counts the table shows (default 64, if it is one of --processors)")
    parser.add_argument("--scale", type=_positive, metavar="X", default=0.02,
                        help="multiply the work by this; each thread then has the work of one thread of the row (default 0.02)")
    parser.add_argument("--transfer", type=_positive, metavar="NS", default=TRANSFER_NS,
                        help="how much more a lock costs if another processor held it last, in nanoseconds "
                             f"(default {TRANSFER_NS:g})")
    parser.add_argument("--timeout", type=_positive, metavar="S", default=120,
                        help="count a run that takes longer as failed (default 120)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=ROOT / "build" / "scaling",
                        help="folder of the results (default build/scaling)")
    parser.add_argument("--no-build", action="store_true", help="use build/release as it is")
    chosen = parser.parse_args(arguments)
    chosen.rows = [name for group in chosen.rows for name in group.split(",") if name]
    if chosen.at is None:
        chosen.at = 64 if 64 in chosen.processors else chosen.processors[-1]
    if chosen.at not in chosen.processors:
        raise CompareError(f"--at {chosen.at}: expected one of --processors")
    return chosen


def _say(text):
    print(f"bench/scaling: {text}", file=sys.stderr, flush=True)


def run(arguments):
    """Returns the exit status: 0, or 1 if nothing of a row could be counted."""
    chosen = parse(arguments)
    release, workloads = ROOT / "build" / "release", Path("bench") / "workloads"
    known = known_rows.load_workloads(ROOT / workloads / "rows.json", release / workloads)
    picked = known_rows.select(known, chosen.rows)
    if not chosen.no_build:
        _say("building build/release")
        build.build_release(ROOT, "ashlar_counting")
    libraries = release / "libashlar.so", release / "libashlar-counting.so"
    results = [rows.measure(row, *libraries, chosen, _say) for row in picked]
    out = chosen.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    report.print_table(results, chosen)
    drawn = picture.draw(results, out / "scaling.svg")
    report.write_markdown(results, chosen, out / "scaling.md", "scaling.svg" if drawn else "")
    report.write_json(results, chosen, out / "scaling.json")
    for name in ("scaling.md", *(["scaling.svg"] if drawn else []), "scaling.json"):
        print(f"bench/scaling: wrote {out / name}")
    return 1 if any(result.counted is None for result in results) else 0


def main(arguments):
    """Returns the exit status."""
    try:
        return run(arguments)
    except CompareError as error:
        print(f"bench/scaling: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
