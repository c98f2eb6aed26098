"""The command line: its options, and errors that name the option and what was expected."""

import argparse
import sys
from pathlib import Path

from .errors import CompareError

DESCRIPTION = """\
Compares memory allocators: runs the same programs under each of them, in turns, and reports time, CPU time, peak
memory, memory after idling, and page faults. Without options it measures all rows under glibc, Ashlar, and Debian's
jemalloc, mimalloc and tcmalloc, and writes build/compare/results.html, .json and .md.
"""
EXAMPLES = """\
examples:
  bench/compare --list                                          what can be measured
  bench/compare --quick                                         a first answer in less than 5 minutes
  bench/compare --rows larson,xmalloc --repeats 10              two rows, more repeats
  bench/compare --alloc glibc --alloc mine=/opt/lib/libmine.so  other allocators (`default` stands for the default set)
  bench/compare --alloc ashlar --alloc harden='?harden'         Ashlar with ASHLAR_OPTIONS=harden beside it
  bench/compare --run parse='./parser big.txt'                  a program of your own, under each allocator
  bench/compare --trace my.trace                                a trace of your own program, by `ashlar record`
  bench/compare --latency --rows steady,fork                    the longest times that single calls take
  bench/compare --load old.json --html old.html                 the reports of an earlier run; runs nothing
"""
QUICK = {"scale": 0.1, "repeats": 3, "warmup": 0, "idle": 2.0, "budget": 240.0}
FULL = {"scale": 1.0, "repeats": 5, "warmup": 1, "idle": 0.0, "budget": 0.0}


class Parser(argparse.ArgumentParser):
    """Raises each error as a CompareError with one line."""

    def error(self, message):
        raise CompareError(message.removeprefix("argument ") + "; see --help")


def _number(kind, least, expected, strictly=False):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not value < float("inf") or value < least or (strictly and value == least):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value
    return parse


def _parser():
    parser = Parser(prog="bench/compare", description=DESCRIPTION, epilog=EXAMPLES, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_argument_group("what to measure")
    what.add_argument("--alloc", action="append", metavar="NAME=PATH", default=[],
                      help="an allocator: a library to preload, or glibc (preloads none), ashlar, jemalloc, mimalloc or tcmalloc, or "
                           "default for all of these; PATH?OPTIONS sets ASHLAR_OPTIONS, and without PATH this tree's "
                           "library is used; may be repeated")
    what.add_argument("--rows", action="append", metavar="NAMES", default=[],
                      help="rows to measure, separated by commas: names, kinds or regular expressions; may be repeated")
    what.add_argument("--run", action="append", metavar="NAME=COMMAND", default=[],
                      help="a row of your own; without --rows only these are measured; may be repeated")
    what.add_argument("--trace", action="append", metavar="[NAME=]FILE", default=[],
                      help="a row that replays a trace of `ashlar record`; without --rows only these are measured; may be "
                           "repeated")
    what.add_argument("--latency", action="store_true",
                      help="measure the time of each single call instead (bench/latency): percentiles and maxima, as a table and in "
                           "latency.md, .svg and .json; --rows names the cases")
    what.add_argument("--list", action="store_true", help="list the rows and stop")
    how = parser.add_argument_group("how")
    whole = "a whole number of at least"
    how.add_argument("--repeats", type=_number(int, 1, f"{whole} 1"), metavar="N", help="counted runs of each row (default 5)")
    how.add_argument("--warmup", type=_number(int, 0, f"{whole} 0"), metavar="N", help="runs before these, not counted (default 1)")
    how.add_argument("--quick", action="store_true",
                     help="take less than 5 minutes: scale 0.1, 3 repeats, no warm-up, 2 s of idling, time budget 240 s")
    how.add_argument("--scale", type=_number(float, 0, "a number above 0", True), metavar="X",
                     help="multiply the work of the workloads by this (default 1)")
    how.add_argument("--idle", type=_number(float, 0, "seconds above 0", True), metavar="S",
                     help="how long idling programs idle (default: each row's own, mostly 5 s)")
    how.add_argument("--budget", type=_number(float, 0, "seconds above 0", True), metavar="S",
                     help="begin no further round after this time")
    how.add_argument("--timeout", type=_number(int, 1, "whole seconds of at least 1"), metavar="S", default=600,
                     help="count a run that takes longer as failed (default 600)")
    how.add_argument("--no-build", action="store_true", help="use build/release as it is")
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="folder of the results (default build/compare)")
    output.add_argument("--json", type=Path, metavar="FILE", help="all raw figures (default DIR/results.json)")
    output.add_argument("--html", type=Path, metavar="FILE", help="the page (default DIR/results.html)")
    output.add_argument("--results-md", type=Path, metavar="FILE",
                        help="the results as Markdown, with a picture of the same name in .svg beside it (default DIR/results.md)")
    output.add_argument("--load", type=Path, metavar="FILE", help="report from the JSON file of an earlier run; run nothing")
    return parser


def parse(arguments):
    """Returns the options, with --quick's and the default settings filled in. Raises CompareError for bad input."""
    options = _parser().parse_args(arguments)
    defaults = QUICK if options.quick else FULL
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.rows = [name for group in options.rows for name in group.split(",") if name]
    for name in ("json", "html", "results_md"):
        path = getattr(options, name)
        if path is not None and path.is_dir():
            raise CompareError(f"--{name.replace('_', '-')} {path}: is a folder; expected a file to write")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise CompareError(f"--out {options.out}: is a file; expected a folder")
    if options.latency:
        _reject_with_latency(options)
    if options.load is not None:
        _reject_with_load(options, arguments)
    return options


def _reject_with_load(options, arguments):
    """Refuses options beside --load that matter only for runs."""
    words = {word.split("=")[0] for word in arguments}
    clash = [name for name in ("--alloc", "--rows", "--run", "--trace", "--list", "--repeats", "--warmup", "--quick", "--scale", "--idle",
                               "--budget", "--timeout") if name in words]
    if clash:
        raise CompareError(f"--load {options.load}: nothing is run, so {clash[0]} cannot be given with it")


def _reject_with_latency(options):
    """Refuses options that --latency does not support."""
    given = {"--load": options.load, "--run": options.run, "--trace": options.trace, "--json": options.json, "--html": options.html,
             "--results-md": options.results_md}
    clash = [name for name, value in given.items() if value]
    if clash:
        raise CompareError(f"--latency: {clash[0]} cannot be given with it; its reports are latency.json, .md and .svg in --out")


def settings(options):
    """Returns the options that a session records."""
    return {"repeats": options.repeats, "warmup": options.warmup, "scale": options.scale, "idle": options.idle,
            "budget": options.budget, "timeout": options.timeout, "quick": options.quick,
            "command": " ".join(["bench/compare", *sys.argv[1:]])}
