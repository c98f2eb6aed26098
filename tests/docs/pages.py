"""Checks the Markdown pages: links, names of files, the order of README.md, walks through the code, and terms."""
import re

README_LINES = 200
README_ORDER = ("Ashlar", "Results", "Status, platforms, limits", "Two commands", "Install", "Use", "Look into a process", "Options",
                "Read on")
LAYERS_LINES = 80
CODE = (".cc", ".h", ".hpp", ".c")
ROOTS = ("src", "tests", "scripts", "bench", "docs", "man", "include", "preload", "bindings", "debian")


def all_pages(root):
    found = [*root.glob("*.md"), *root.glob("src/*.md"), *root.glob("bench/*.md"), *root.glob("docs/**/*.md"), *root.glob("bindings/*/*.md")]
    return sorted(str(path.relative_to(root)) for path in found)


def prose_of(text):
    """Returns the text without blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)


# --- Links -----------------------------------------------------------------------------------------------------------

def anchor(heading):
    """Returns the anchor of a Markdown heading (by GitHub's rule)."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(page, root):
    problems = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of((root / page).read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, section = target.partition("#")
        file = (root / page).parent / name if name else root / page
        if not file.exists():
            problems.append(f"{page}: the link to {target} leads nowhere")
        elif section and section not in [anchor(line.lstrip("#")) for line in file.read_text().split("\n") if line[:1] == "#"]:
            problems.append(f"{page}: {target}: no such section")
    return problems


def check_links(root, _library):
    return [problem for page in all_pages(root) for problem in broken_links(page, root)]


# --- Names of files --------------------------------------------------------------------------------------------------

def is_kept(path):
    return not {"build", ".git", "__pycache__"} & set(path.parts)


def missing_files(text, where, root, names):
    """Returns paths from a top folder, and names of sources, in backquotes, that do not exist."""
    problems = []
    for quoted in re.findall(r"`([^`\s]+)`", prose_of(text)):
        top = quoted.split("/")[0]
        if re.search(r"[<>*…{}]", quoted):
            continue
        if "/" in quoted and top in ROOTS and not (root / quoted).exists() and not (root / "tests" / quoted).exists():
            problems.append(f"{where}: there is no {quoted}")
        elif "/" not in quoted and quoted.endswith(CODE) and quoted not in names:
            problems.append(f"{where}: there is no file {quoted}")
    return problems


def missing_sources(text, where, root):
    """Returns sources that comments name by layer and file, as in (heap/slow.cc)."""
    named = re.findall(r"(?<![\w/.])((?:base|os|page|slab|vmalloc|heap|check|stats|api|tool|preload)/[\w/]+\.(?:h|cc))\b", text)
    return [f"{where}: there is no {name}" for name in sorted(set(named))
            if not (root / "src" / name).exists() and not (root / name).exists() and not (root / "tests/unit" / name).exists()
            and not (root / "tests/fuzz" / name).exists()]


def check_names(root, _library):
    names = {path.name for top in ROOTS for path in (root / top).rglob("*") if path.suffix in CODE and is_kept(path)}
    pages = [page for page in all_pages(root) if page not in ("CHANGELOG.md", "bench/JOURNAL.md", "bench/RESULTS.md")]
    problems = [problem for page in pages for problem in missing_files((root / page).read_text(), page, root, names)]
    for top in ("src", "preload", "tests"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in CODE and is_kept(path):
                comments = "\n".join(re.findall(r"//.*|/\*.*?\*/", path.read_text(), re.S if path.suffix == ".c" else 0))
                problems += missing_sources(comments, path.relative_to(root), root)
    return problems


# --- README.md and src/ARCHITECTURE.md -------------------------------------------------------------------------------

def compare_readme(text):
    headings = re.findall(r"^##? (.+)$", prose_of(text), re.M)
    problems = [] if headings == list(README_ORDER) else [f"README.md: sections {headings}, expected {list(README_ORDER)}"]
    lines = text.count("\n")
    return problems + ([f"README.md: {lines} lines, at most {README_LINES}"] if lines > README_LINES else [])


def check_readme(root, _library):
    lines = (root / "src/ARCHITECTURE.md").read_text().count("\n")
    problems = [f"src/ARCHITECTURE.md: {lines} lines, at most {LAYERS_LINES}"] if lines > LAYERS_LINES else []
    readme = (root / "README.md").read_text()
    problems += [f"README.md: does not lead to {page}" for page in all_pages(root)
                 if re.fullmatch(r"docs/[\w-]+\.md", page) and f"]({page})" not in readme]
    return problems + compare_readme(readme)


# --- Walks through the code ------------------------------------------------------------------------------------------

def steps_of(text):
    """Returns pairs of function and file: `name` (file), `one` and `two` (file), (`name`, file)."""
    text = " ".join(text.split())
    for match in re.finditer(r"((?:`[\w:]+`(?:,| and| or)? )*)\(((?:`[\w:]+`(?:,| and| or)? )*)([a-z]+/[a-z_]+\.(?:h|cc))\)", text):
        for name in re.findall(r"`([\w:]+)`", match.group(2) or match.group(1)):
            yield name, match.group(3)


def wrong_steps(text, where, root):
    problems = []
    for name, file in steps_of(text):
        path = root / "src" / file
        if not path.exists():
            problems.append(f"{where}: there is no src/{file}")
        elif not re.search(rf"\b{name.split('::')[-1]}\b", path.read_text()):
            problems.append(f"{where}: src/{file} has no {name}")
    return problems


def check_walks(root, _library):
    problems = []
    for page in ("docs/life-of-a-malloc.md", "docs/life-of-a-page.md"):
        text = (root / page).read_text()
        problems += wrong_steps(text, page, root) if list(steps_of(text)) else [f"{page}: no step names a function"]
    return problems


# --- Terms -----------------------------------------------------------------------------------------------------------

def rows(text, name):
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.S)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in (found.group(1) if found else "").splitlines()]
    return lines[2:]


def words_of(identifier):
    """Returns the words of an identifier: (recent, max, live) for both recent_max_live_ and kRecentMaxLive."""
    return tuple(re.findall(r"[a-z]+|[0-9]+", re.sub(r"([A-Z])", r"_\1", identifier).lower()))


def uses_of(term, code):
    """Returns the identifiers of the code that contain the words of the term, one after another. A * stands for any words. A term
    with a capital is a whole identifier."""
    identifiers = set(re.findall(r"[A-Za-z_]\w*", code))
    if term != term.lower():
        return sorted(identifiers & {term})
    wanted = re.compile("(?:^|_)" + "_(?:[a-z0-9_]+_)?".join("_".join(words_of(part)) for part in term.split("*")) + "(?:_|$)")
    return sorted(identifier for identifier in identifiers if wanted.search("_".join(words_of(identifier))))


def compare_terms(text, code):
    terms = [row[0] for row in rows(text, "terms")]
    problems = [] if terms else ["docs/glossary.md: no terms"]
    problems += [f"docs/glossary.md: {term} stands twice" for term in sorted({t for t in terms if terms.count(t) > 1})]
    if terms != sorted(terms):
        problems.append("docs/glossary.md: the terms are not in alphabetical order")
    for old, new in (row[:2] for row in rows(text, "settled")):
        for identifier in uses_of(old.strip("`"), code):
            problems.append(f"docs/glossary.md: the code says {identifier}; the settled word is {new}, not {old}")
    return problems


def without_text(code):
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", code, flags=re.S)


def check_glossary(root, _library):
    code = "\n".join(without_text(path.read_text()) for top in ("src", "preload") for path in sorted((root / top).rglob("*"))
                     if path.suffix in CODE)
    return compare_terms((root / "docs/glossary.md").read_text(), code)


CHECKS = {"links": check_links, "names": check_names, "readme": check_readme, "walks": check_walks, "glossary": check_glossary}
