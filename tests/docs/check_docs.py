#!/usr/bin/env python3
"""Compares the documentation with the project: check_docs.py WHAT ROOT LIBRARY

WHAT is one of CHECKS. Prints one line for each problem. The exit status is 1 if there is one.
"""
import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pages
import platforms

LEAST_FRAGMENT = 4  # shorter pieces of a message are found anywhere


def block(text, name):
    """Returns the text between the marks NAME and /NAME of a Markdown or a man page."""
    found = re.search(rf'(?:<!-- {name} -->|\.\\" {name})\n(.*?)(?:<!-- /{name} -->|\.\\" /{name})', text, re.S)
    return found.group(1) if found else ""


# --- The report ------------------------------------------------------------------------------------------------------

def printed_labels(report):
    """Returns the names of the report's lines, which precede the figure and its unit."""
    return [match.group(1).strip() for match in re.finditer(r"^ashlar: ([a-z ]+?) +\d+ KiB  ", report, re.M)]


def compare_labels(printed, documented, page):
    problems = [f"{page}: the report's line '{name}' is not explained" for name in printed if name not in documented]
    problems += [f"{page}: explains '{name}', which is not in the report" for name in documented if name not in printed]
    return problems if printed else ["the report has no line that is understood"]


def check_report(root, library):
    environment = {**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": "stats"}
    report = subprocess.run(["perl", "-e", "1"], env=environment, capture_output=True, text=True, check=True).stderr
    page = re.findall(r"^\| `([^`]+)` \|", block((root / "docs/reports.md").read_text(), "report"), re.M)
    man = re.findall(r"^\.It (.+)$", block((root / "man/ashlar.7").read_text(), "report"), re.M)
    printed = printed_labels(report)
    return compare_labels(printed, page, "docs/reports.md") + compare_labels(printed, man, "man/ashlar.7")


# --- Messages --------------------------------------------------------------------------------------------------------

def literals(source):
    """Returns the string literals of a C++ source. Adjacent ones are joined."""
    joined = re.sub(r'"\s*\n\s*"', "", source)
    return [text.replace('\\"', '"') for text in re.findall(r'"((?:\\.|[^"\\\n])*)"', joined)]


def continues(rest, strings):
    """Returns whether literals, one after another, make up the rest: whole ones, and the beginning of the last."""
    reached, pending = {rest}, [rest]  # each rest once: the ways to it multiply
    while pending:
        left = pending.pop()
        for string in strings:
            if string.startswith(left):
                return True
            if string and left.startswith(string) and left[len(string):] not in reached:
                reached.add(left[len(string):])
                pending.append(left[len(string):])
    return False


def is_said(fragment, strings):
    """Returns whether a literal contains the fragment, or several successive literals do."""
    return any(fragment in string for string in strings) or any(
        any(string.endswith(fragment[:at]) for string in strings) and continues(fragment[at:], strings)
        for at in range(1, len(fragment)))


def compare_messages(page, strings):
    messages = re.findall(r"^\| `([^`]+)` \|", block(page, "messages"), re.M)
    problems = [] if messages else ["docs/messages.md: no message between the marks"]
    for message in messages:
        for fragment in message.split("…"):
            if len(fragment) >= LEAST_FRAGMENT and not is_said(fragment, strings):
                problems.append(f"docs/messages.md: no source says {fragment!r} (message {message!r})")
    return problems


def check_messages(root, _library):
    sources = [path for folder in ("src", "preload") for path in sorted((root / folder).rglob("*.cc"))]
    return compare_messages((root / "docs/messages.md").read_text(), [s for path in sources for s in literals(path.read_text())])


# --- The header ------------------------------------------------------------------------------------------------------

def uncommented(header):
    """Returns the functions of a header without a comment directly above them or above their group (without blank lines)."""
    names = []
    for group in re.split(r"\n\s*\n", header):
        declared = re.findall(r"^ASHLAR_API\s[^;]*?\b(ashlar_\w+)\(", group, re.M)
        if declared and not group.lstrip("\n").startswith("/*"):
            names += declared
    return names


def check_header(root, library):
    header = "\n\n".join(path.read_text() for path in sorted((root / "include/ashlar").glob("*.h")))
    man = "\n".join(path.read_text() for path in sorted((root / "man").iterdir()))
    problems = [f"include/ashlar: {name} has no comment" for name in uncommented(header)]
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = sorted(set(re.findall(r" [TWi] (ashlar_\w+)", symbols)))
    declared = re.findall(r"^ASHLAR_API\s[^;]*?\b(ashlar_\w+)\(", header, re.M)
    problems += [f"include/ashlar: {name} is exported but not declared" for name in exported if name not in declared]
    problems += [f"include/ashlar: {name} is declared but not exported" for name in declared if name not in exported]
    for name in declared:
        plain = name.removeprefix("ashlar_")
        if not re.search(rf"^\.Fn ({name}|{plain})\b", man, re.M):
            problems.append(f"man: does not name {name}")
    return problems if declared else ["include/ashlar: no function found"]


# --- What is replaced ------------------------------------------------------------------------------------------------

def compare_functions(page, exported):
    """Compares the list of replaced functions with the names that a library exports, without C++'s operators."""
    listed = re.findall(r"`(\w+)`", block(page, "replaced"))
    plain = {name for name in exported if not name.startswith(("ashlar_", "_Z"))}
    problems = [f"docs/functions.md: {name} is exported but not listed" for name in sorted(plain - set(listed))]
    return problems + [f"docs/functions.md: {name} is listed but not exported" for name in sorted(set(listed) - plain)]


def check_functions(root, library):
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = re.findall(r" [TWi] (\w+)", symbols)
    return compare_functions((root / "docs/functions.md").read_text(), exported) if exported else ["the library exports nothing"]


# --- Security --------------------------------------------------------------------------------------------------------

# A row of the table of defences, and the kinds in the table of misuse, which tests write, that show what it says.
SHOWN_BY = {
    "overflow into the next block": r"(over|under)flow ",
    "double free, invalid free": r"double free|free (?!noncanonical)",
    "wrong form or size of delete": r"new |malloc then|delete wrong",
    "write to a freed block": r"write after free",
    "old data in a new block": r"reuse shows",
}
PARTLY = ("default", "sampled", "large", "some", "where")  # a claim with such a word holds for some cases only


def table(text, name):
    """Returns a table between marks as {first cell: {header's cell: cell}}."""
    lines = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
             for line in block(text, name).splitlines() if line.startswith("|")]
    return {cells[0]: dict(zip(lines[0][1:], cells[1:])) for cells in lines[2:]} if lines else {}


def compare_defences(page):
    defended, misuse = table(page, "defended"), table(page, "misuse")
    if not misuse or not set(SHOWN_BY) <= set(defended):
        return ["the tables of defences and of misuse do not have the rows that are compared"]
    problems = []
    for against, pattern in SHOWN_BY.items():
        for mode, claim in defended[against].items():
            shown = [misuse[kind][mode] for kind in misuse if re.match(pattern, kind)]
            results = {result for cell in shown for result in cell.split(", ")}
            partly = any(word in claim for word in PARTLY)
            if claim == "no" and not results <= {"no", "harmless"}:
                problems.append(f"{against}, {mode}: the page says no, and the tests {sorted(results)}")
            elif claim != "no" and (results == {"no"} or ("no" in results and not partly)):
                problems.append(f"{against}, {mode}: the page says {claim!r}, and the tests {sorted(results)}")
    return problems


def check_security(root, _library):
    problems = compare_defences((root / "docs/security.md").read_text())
    manual = re.search(r"^\.Sh SECURITY$(.*?)^\.Sh ", (root / "man/ashlar.7").read_text(), re.S | re.M)
    for name in ("harden", "slab_debug", "guard_sample", "failslab", "debug_continue", "mismatch"):
        if manual is None or f"Cm {name}" not in manual.group(1):
            problems.append(f"man/ashlar.7: its section SECURITY does not speak of {name}")
    return problems


# --- The version -----------------------------------------------------------------------------------------------------

def latest_release(changelog):
    """Returns the version of the first section that has one."""
    found = re.search(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.M)
    return found.group(1) if found else None


def compare_versions(project, said):
    """Returns the files that name another version than CMakeLists.txt."""
    return [f"{where}: version {version}, expected {project}" for where, version in said.items() if version != project]


def check_version(root, library):
    project = re.search(r"^project\(ASHLAR VERSION (\S+)", (root / "CMakeLists.txt").read_text(), re.M).group(1)
    shared = ctypes.CDLL(library, mode=os.RTLD_LOCAL)
    shared.ashlar_version.restype = ctypes.c_char_p
    report = subprocess.run(["/bin/true"], env={**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": "stats"},
                            capture_output=True, text=True, check=True).stderr
    said = {"CHANGELOG.md": latest_release((root / "CHANGELOG.md").read_text()),
            "debian/changelog": re.match(r"ashlar \(([^)]+)\)", (root / "debian/changelog").read_text()).group(1),
            "ashlar_version()": shared.ashlar_version().decode(),
            "the report": "".join(re.findall(r"^ashlar: version ([^,\s]+),", report)),
            "the library's file": Path(library).resolve().name.removeprefix("libashlar.so.")}
    for page in sorted((root / "man").glob("*.[1-8]")):
        said[f"man/{page.name}"] = "".join(re.findall(r"^\.Os Ashlar (\S+)$", page.read_text(), re.M))
    tool = Path(library).parent / "bin/ashlar"
    if tool.is_file():
        said["ashlar --version"] = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout.strip()[len("ashlar "):]
    return compare_versions(project, said)


# --- The rest --------------------------------------------------------------------------------------------------------

def check_man(root, _library):
    problems = []
    for page in sorted((root / "man").glob("*.[1-8]")):
        run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True)
        problems += run.stdout.splitlines() if run.returncode else []
    return problems


def check_options(root, library):
    run = subprocess.run([str(root / "scripts/options-docs"), "--check", library], capture_output=True, text=True)
    return (run.stdout + run.stderr).splitlines() if run.returncode else []


CHECKS = {"options": check_options, "report": check_report, "messages": check_messages, "security": check_security,
          "header": check_header, "man": check_man, "version": check_version, "functions": check_functions,
          "platforms": platforms.check_platforms, **pages.CHECKS}


def main():
    what, root, library = sys.argv[1:]
    problems = CHECKS[what](Path(root), library)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
