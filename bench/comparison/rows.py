"""The sources of rows: bench/workloads/rows.json, bench/programs/NAME/run, bench/traces/rows.json, --run NAME=COMMAND, --trace FILE."""

import json
import os
import re
import shlex
from pathlib import Path

from .errors import CompareError, quoted_list
from .model import KINDS, Row


def load_workloads(rows_json, binaries):
    """Returns the rows of rows.json. Each program is looked for in the folder of binaries when it runs."""
    if not rows_json.exists():
        return []
    try:
        entries = json.loads(rows_json.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CompareError(f"{rows_json}: {error}") from None
    return [_workload(entry, binaries, rows_json) for entry in entries]


def _workload(entry, binaries, origin):
    try:
        name, program, kind = entry["name"], entry["program"], entry["kind"]
        arguments = [str(word) for word in entry.get("args", [])]
        idle = float(entry.get("idle_seconds") or 0)
    except (KeyError, TypeError, ValueError) as error:
        raise CompareError(f"{origin}: a row needs name, program, kind, args; wrong or missing: {error}") from None
    if kind not in KINDS:
        raise CompareError(f"{origin}: row {name!r} has kind {kind!r}, expected one of {quoted_list(KINDS)}")
    if kind == "idle" and idle <= 0:
        raise CompareError(f"{origin}: row {name!r} is of kind idle and needs idle_seconds")
    return Row(name, kind, entry.get("what", ""), [str(binaries / program), *arguments], "workload",
               idle, entry.get("figure", ""))


def load_programs(folder):
    """Returns a row for each bench/programs/NAME that has an executable `run`. `# what: TEXT` in that file describes the row."""
    rows = []
    for script in sorted(folder.glob("*/run")):
        if not os.access(script, os.X_OK):
            continue
        text = script.read_text(encoding="utf-8", errors="replace")
        what = re.search(r"^# what: *(.+)$", text, re.MULTILINE)
        figure = re.search(r"^# figure: *(\S+)$", text, re.MULTILINE)
        rows.append(Row(script.parent.name, "program", what.group(1) if what else "", [str(script)], "program",
                        0.0, figure.group(1) if figure else ""))
    return rows


def load_traces(rows_json, binaries):
    """Returns a row for each trace of bench/traces. Its command is the driver, the trace, and the command that makes a plan of it."""
    if not rows_json.exists():
        return []
    try:
        entries = json.loads(rows_json.read_text(encoding="utf-8"))
        return [_trace(entry["name"], rows_json.parent / entry["file"], entry["what"], binaries) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CompareError(f"{rows_json}: a row needs name, file, what; wrong or missing: {error}") from None


def _trace(name, file, what, binaries):
    return Row(name, "trace", what, [str(binaries / "ashlar-replay"), str(file), str(binaries / "ashlar")], "trace", figure="replay")


def own_traces(options, binaries):
    """Returns the rows of --trace [NAME=]FILE. Without NAME the name is the file's, without characters that a name cannot have."""
    rows = []
    for option in options:
        name, separator, file = option.partition("=")
        if not separator or not re.fullmatch(r"[\w.+-]+", name):
            file = option
            name = re.sub(r"[^\w.+-]+", "-", Path(file).stem) or "trace"
        path = Path(file).resolve()
        if not path.is_file():
            raise CompareError(f"--trace {option}: no such file; expected a trace that ashlar record wrote")
        rows.append(_trace(name, path, f"the recorded calls of {file}", binaries))
    return rows


def own_rows(options):
    """Returns the rows of --run NAME=COMMAND. The command is split like a shell does, and preloaded directly."""
    rows = []
    for option in options:
        name, separator, command = option.partition("=")
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise CompareError(f"--run {option!r}: the command cannot be split into words: {error}") from None
        if not separator or not re.fullmatch(r"[\w.+-]+", name) or not words:
            raise CompareError(f"--run {option!r}: expected NAME=COMMAND, as in --run parse='./parser big.txt'")
        rows.append(Row(name, "own", command, words, "own"))
    return rows


def check_unique(rows):
    names = [row.name for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CompareError(f"rows of the same name: {quoted_list(twice)}")


def select(rows, patterns):
    """Returns the rows that --rows names. Each pattern is a row's name, a kind, or a regular expression for the name."""
    if not patterns:
        return list(rows)
    chosen = set()
    for pattern in patterns:
        exact = {row.name for row in rows if pattern in (row.name, row.kind)}
        try:
            found = exact or {row.name for row in rows if re.search(pattern, row.name)}
        except re.error as error:
            raise CompareError(f"--rows {pattern!r}: no row has this name, and it is no regular expression: {error}") from None
        if not found:
            raise CompareError(f"--rows {pattern!r}: matches no row; known rows: {quoted_list([r.name for r in rows])}")
        chosen |= found
    return [row for row in rows if row.name in chosen]


def prepared_folder(row, out):
    return out / "prepared" / row.name


def command_line(row, settings, out):
    """Returns the command of a row under the given settings (scale, idle)."""
    if row.source == "program":
        return [row.command[0], "exec", str(prepared_folder(row, out))]
    if row.source == "own":
        return row.command
    if row.source == "trace":
        return [row.command[0], "--lines", str(prepared_folder(row, out) / "plan")]
    words = [*row.command, "--scale", f"{settings['scale']:g}"]
    if row.idles:
        words += ["--idle", f"{idle_seconds(row, settings):g}"]
    return words


def idle_seconds(row, settings):
    """Returns how long the row idles: its own figure, or the one of --idle."""
    if not row.idles:
        return 0.0
    return settings["idle"] if settings.get("idle") else row.idle_seconds
