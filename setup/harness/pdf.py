"""wkhtmltopdf: the patched one of the Python package, tried before it is trusted."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from .report import Reporter, SetupError
from .shell import output_of, run
from .stack import Stack

# Only the patched Qt takes several documents, and headers, in one call.
PATCHED = "wkhtmltopdf-pack"


def ensure_pdf(stack: Stack, reporter: Reporter) -> None:
    """Put a wkhtmltopdf where Odoo's ``bin_path`` looks and try it with two documents.

    :raises SetupError: when none works.
    """
    with reporter.step("wkhtmltopdf") as step:
        program = stack.venv / "bin" / PATCHED
        if not program.exists():
            found = shutil.which("wkhtmltopdf")
            if not found:
                raise SetupError(
                    "there is no wkhtmltopdf for this kind of machine",
                    "install one built with patched Qt, then start again",
                )
            program = Path(found)
        link = stack.bin / "wkhtmltopdf"
        if not link.is_symlink() or link.resolve() != program.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(program)
        state = hashlib.sha256(program.read_bytes()).hexdigest()
        version = (output_of([link, "--version"]) or "").strip()
        if stack.read("pdf").get("tried") != state:
            render(stack, link)
            stack.write("pdf", {"tried": state})
        step.note(version.removeprefix("wkhtmltopdf ") or "works")


def render(stack: Stack, program: Path) -> None:
    """Render two documents in one call.

    :raises SetupError: when that fails, with the libraries that are missing.
    """
    with tempfile.TemporaryDirectory(dir=stack.run) as folder:
        pages = []
        for number in (1, 2):
            page = Path(folder, f"{number}.html")
            page.write_text(f"<!DOCTYPE html><title>{number}</title><p>Document {number}</p>")
            pages.append(page)
        result = Path(folder, "result.pdf")
        libraries = output_of(["ldd", program.resolve()]) or ""
        missing = [line.split()[0] for line in libraries.splitlines() if "not found" in line]
        hint = f"install the libraries {', '.join(missing)}" if missing else "read the log"
        run(
            [program, "--quiet", *pages, result],
            "rendering two documents",
            stack.log("wkhtmltopdf"),
            hint,
            env=None,
        )
        if not result.read_bytes().startswith(b"%PDF"):
            raise SetupError("wkhtmltopdf wrote no PDF", "read the log", stack.log("wkhtmltopdf"))
