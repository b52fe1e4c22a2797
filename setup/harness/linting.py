"""The checks that run no code of ours: style, Odoo's idioms, XML, texts.

``setup/test`` runs all of them; ``setup/lint`` runs them alone, and ``setup/format`` puts right
what can be put right by a program.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from . import xml_format
from .report import Reporter
from .shell import clean_environment, output_of
from .stack import ROOT, Stack

PLACES = {Path("addons"), Path("addons_oca")}
#: Endings of files that people write, for the checks of plain text.
TEXTS = {
    *(".cfg", ".conf", ".css", ".csv", ".in", ".js", ".json", ".lock", ".md", ".py", ".rst"),
    *(".sample", ".scss", ".sh", ".sql", ".svg", ".toml", ".txt", ".xml", ".yaml", ".yml"),
}


def our_files() -> list[Path]:
    """Return the files of the checkout that git keeps or would keep, relative to its root.

    Without git (an export) all files count but those of ignored folders.
    """
    listed = output_of(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    )
    if listed is None:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        paths = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    else:
        paths = [Path(name) for name in listed.split("\0") if name]
    return sorted(path for path in set(paths) if (ROOT / path).is_file())


def addon_folders() -> list[str]:
    """Return the folders of our add-ons, relative to the checkout's root."""
    return [
        str(path.parent.relative_to(ROOT))
        for place in sorted(PLACES)
        for path in (ROOT / place).glob("*/__manifest__.py")
    ]


def xml_files() -> list[Path]:
    return [
        path for path in our_files() if path.suffix == ".xml" and PLACES.intersection(path.parents)
    ]


def text_problems(path: Path) -> list[str]:
    """Return what is wrong with the plain text of a file."""
    try:
        text = (ROOT / path).read_bytes().decode()
    except UnicodeDecodeError:
        return [f"{path}: is not UTF-8"]
    problems = []
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        problems.append(f"{path}: does not end in one line break")
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            problems.append(f"{path}:{number}: trailing space or carriage return")
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            problems.append(f"{path}:{number}: mark of a merge conflict")
    return problems


def put_right(path: Path) -> None:
    """Remove trailing spaces and end the file in one line break."""
    text = (ROOT / path).read_text()
    result = "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")
    if result:
        result += "\n"
    if result != text:
        (ROOT / path).write_text(result)


def texts() -> list[Path]:
    return [path for path in our_files() if path.suffix in TEXTS]


def check_texts() -> list[str]:
    return [problem for path in texts() for problem in text_problems(path)]


def check_xml() -> list[str]:
    found = ((path, xml_format.treat(ROOT / path, fix=False)) for path in xml_files())
    return [f"{path}: {problem}" for path, problem in found if problem]


def commands(stack: Stack) -> list[tuple[str, list[str]]]:
    """Return the programs that check, each with its title."""
    tools = stack.python.parent
    addons = addon_folders()
    catalogues = [str(path) for path in our_files() if path.suffix in (".po", ".pot")]
    ruff = [str(stack.python), "-m", "ruff"]
    quiet = ["--quiet", "--output-format=concise", "."]
    found = [
        ("ruff check", [*ruff, "check", *quiet]),
        ("ruff format", [*ruff, "format", "--check", *quiet]),
        (
            "pylint-odoo",
            [str(stack.python), "-m", "pylint", "--rcfile=.pylintrc", "--jobs=2", *addons],
        ),
        ("OCA checks of add-ons", [str(tools / "oca-checks-odoo-module"), *addons]),
    ]
    if catalogues:
        found.append(("OCA checks of translations", [str(tools / "oca-checks-po"), *catalogues]))
    return found


def run(stack: Stack, reporter: Reporter) -> bool:
    """Run all checks; tell whether all are clean."""
    reporter.line("\n--- checks ---")
    clean = True

    def conclude(title: str, good: bool, started: float) -> None:
        nonlocal clean
        clean = clean and good
        took = time.monotonic() - started
        reporter.line(f"{title}: {'clean' if good else 'see above'} ({took:.1f} s)")

    for title, command in commands(stack):
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False)
        conclude(title, done.returncode == 0, started)
    inside: list[tuple[str, Callable[[], list[str]]]] = [
        ("XML format", check_xml),
        ("texts", check_texts),
    ]
    for title, check in inside:
        started = time.monotonic()
        problems = check()
        for problem in problems:
            reporter.line(problem)
        conclude(title, not problems, started)
    if not clean:
        reporter.line("setup/format puts right what a program can put right.")
    return clean


def put_all_right(stack: Stack, reporter: Reporter) -> bool:
    """Format everything; tell whether that worked. What needs thought is left to the person."""
    ruff = [str(stack.python), "-m", "ruff"]
    subprocess.run([*ruff, "check", "--fix", "--quiet", "."], cwd=ROOT, check=False)
    subprocess.run([*ruff, "format", "--quiet", "."], cwd=ROOT, check=False)
    subprocess.run(
        [str(stack.python.parent / "oca-checks-odoo-module"), "--fix", *addon_folders()],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    good = True
    for path in texts():
        put_right(path)
    for path in xml_files():
        problem = xml_format.treat(ROOT / path, fix=True)
        if problem:
            reporter.line(f"{path}: {problem}")
            good = False
    return good
