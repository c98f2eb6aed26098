"""Runs bench/compare, from the command line to the reports."""

import datetime
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import allocators, build, latency, machine, options, report_html, report_json, report_markdown, rows
from .errors import CompareError
from .figures import Figures
from .model import Session
from .packages import ROOT, ensure, listed
from .report_table import Live, print_report
from .schedule import Schedule

HERE = Path(__file__).resolve().parent
BINARIES = ROOT / "build" / "release" / "bin"


def known_rows(chosen):
    """Returns all rows that can be measured, in the order of the reports, with those of --run and --trace last."""
    found = rows.load_workloads(ROOT / "bench" / "workloads" / "rows.json", ROOT / "build" / "release" / "bench" / "workloads")
    found += rows.load_programs(ROOT / "bench" / "programs")
    found += rows.load_traces(ROOT / "bench" / "traces" / "rows.json", BINARIES)
    own = rows.own_rows(chosen.run) + rows.own_traces(chosen.trace, BINARIES)
    rows.check_unique(found + own)
    return found, own


def rows_to_measure(chosen):
    found, own = known_rows(chosen)
    if own and not chosen.rows:
        return own
    picked = rows.select(found + own, chosen.rows)
    return picked + [row for row in own if row not in picked]


def list_rows(chosen):
    found, own = known_rows(chosen)
    table = Table(header_style="bold", box=None)
    for title in ("row", "kind", "what it does"):
        table.add_column(title)
    for row in rows.select(found + own, chosen.rows):
        table.add_row(row.name, row.kind, row.what)
    Console().print(table)


def new_session(chosen):
    """Returns a session that can be measured: everything is built, and each allocator loads."""
    wanted = rows_to_measure(chosen)
    if not wanted:
        raise CompareError("there is no row to measure; expected bench/workloads/rows.json or --run NAME=COMMAND")
    choices = allocators.expand(chosen.alloc)
    packages = allocators.packages_for(choices)
    if any(row.source == "program" for row in wanted):
        packages += listed(ROOT / "bench" / "programs" / "packages.txt")
    has_traces = any(row.source == "trace" for row in wanted)
    if has_traces:
        packages += listed(ROOT / "src" / "tool" / "packages.txt")
    ensure(packages)
    own_library = allocators.wants_own_library(choices)
    if not chosen.no_build and (own_library or has_traces or any(row.source == "workload" for row in wanted)):
        print("bench/compare: building build/release", file=sys.stderr, flush=True)
        build.build_release(ROOT, *(["ashlar_tool"] if has_traces else []))
    columns = allocators.resolve(choices, ROOT / "build" / "release" / "libashlar.so")
    for allocator in columns:
        allocators.check_loads(allocator)
    return Session(date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"), machine=machine.machine_facts(),
                   project=machine.project_facts(ROOT), allocators=columns, rows=wanted,
                   settings={**options.settings(chosen), "environment": machine.tuning_variables()})


def run_latency(chosen):
    """Runs the other benchmark, of the time of every call. Returns the exit status like run."""
    if chosen.list:
        print("\n".join(latency.select(chosen.rows)))
        return 0
    choices = allocators.expand(chosen.alloc)
    ensure(allocators.packages_for(choices))
    if not chosen.no_build:
        print("bench/compare: building build/release", file=sys.stderr, flush=True)
        build.build_release(ROOT)
    columns = allocators.resolve(choices, ROOT / "build" / "release" / "libashlar.so")
    for allocator in columns:
        allocators.check_loads(allocator)
    program = ROOT / "build" / "release" / "bench" / "latency" / "latency"
    return latency.report(program, columns, chosen, options.settings(chosen), (chosen.out or ROOT / "build" / "compare").resolve())


def execute(session, out, json_file):
    """Runs everything. An interruption keeps what has been measured so far."""
    launcher = build.build_launcher(HERE / "launcher.cc", out)
    with Live() as live:
        last = None

        def on_step(step, *rest):
            nonlocal last
            if last is not None and (step.round, step.row.name) != last:
                report_json.save(session, json_file)
            last = (step.round, step.row.name)
            live.on_step(step, *rest)

        try:
            Schedule(session, out, launcher, on_step, live.on_run).execute()
        except KeyboardInterrupt:
            session.notes.append("The comparison was interrupted: rows may have fewer repeats than requested, or none.")
    session.machine["load at the end"] = machine.load()
    report_json.save(session, json_file)


def run(arguments):
    """Returns the exit status: 0, or 1 if an allocator failed in a row."""
    chosen = options.parse(arguments)
    if chosen.latency:
        return run_latency(chosen)
    if chosen.list:
        list_rows(chosen)
        return 0
    out = (chosen.out or ROOT / "build" / "compare").resolve()
    html, markdown = chosen.html, chosen.results_md
    if chosen.load:
        session = report_json.load(chosen.load)
        if chosen.json:
            report_json.save(session, chosen.json)
        if chosen.out:
            html, markdown = html or out / "results.html", markdown or out / "results.md"
    else:
        session = new_session(chosen)
        json_file = (chosen.json or out / "results.json").resolve()
        execute(session, out, json_file)
        html, markdown = html or out / "results.html", markdown or out / "results.md"
        print(f"bench/compare: wrote {json_file}")
    figures = Figures(session)
    print_report(figures)
    for path, writer in ((html, report_html), (markdown, report_markdown)):
        if path:
            writer.write(figures, path.resolve())
            print(f"bench/compare: wrote {path}")
    return 1 if any(cell.failed for cell in figures.failures()) else 0


def main(arguments):
    try:
        return run(arguments)
    except CompareError as error:
        print(f"bench/compare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
