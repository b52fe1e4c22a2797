"""The texts of an add-on, written once: ``readme/*.md`` become its README and its page in Apps.

Pictures in the fragments are named as seen from ``readme/``: ``../static/description/name.png``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from .database import all_addons

#: File name of a fragment, and the heading it gets; the first has none.
SECTIONS = {
    "DESCRIPTION": "",
    "CONTEXT": "When to use it",
    "INSTALL": "Installation",
    "CONFIGURE": "Configuration",
    "USAGE": "Usage",
    "ROADMAP": "Known limits",
    "HISTORY": "Changes",
}
REQUIRED = ("DESCRIPTION", "CONTEXT", "CONFIGURE", "USAGE", "ROADMAP", "HISTORY")
PICTURES = "static/description/"


@dataclass(frozen=True)
class Texts:
    """What is made from the fragments of one add-on.

    :param readme: Markdown for people who look at the files, and for the wheel's page.
    :param page: HTML that Odoo shows in *Apps*; nothing in it is loaded from elsewhere.
    """

    readme: str
    page: str


def fragments(folder: Path) -> dict[str, str]:
    """Return the fragments of an add-on in their order, by name."""
    paths = {name: folder / "readme" / f"{name}.md" for name in SECTIONS}
    return {name: path.read_text().strip() for name, path in paths.items() if path.exists()}


def texts(folder: Path) -> Texts:
    """Return README and page of an add-on as its fragments make them."""
    import markdown

    manifest = ast.literal_eval((folder / "__manifest__.py").read_text())
    name, summary = manifest["name"], manifest["summary"]
    lines = [f"# {name}", f"*{summary}.*"]
    parts = []
    for key, text in fragments(folder).items():
        heading = SECTIONS[key]
        if heading:
            lines.append(f"## {heading}")
        lines.append(text.replace(f"](../{PICTURES}", f"]({PICTURES}"))
        body = markdown.markdown(
            text.replace(f"](../{PICTURES}", "]("),
            extensions=["tables", "fenced_code", "sane_lists"],
            output_format="html",
        )
        body = re.sub(r"<img ", '<img class="img-fluid border rounded" ', body)
        body = re.sub(r"<table>", '<table class="table table-sm">', body)
        title = f"<h2>{heading}</h2>\n" if heading else ""
        parts.append(f'<section class="oe_container">\n{title}{body}\n</section>\n')
    head = (
        '<section class="oe_container">\n'
        f'<h1>{name}</h1>\n<p class="lead">{summary}.</p>\n</section>\n'
    )
    return Texts("\n\n".join(lines) + "\n", head + "".join(parts))


def places(folder: Path) -> dict[str, Path]:
    """Return where the texts of an add-on are kept, by attribute of :class:`Texts`."""
    return {"readme": folder / "README.md", "page": folder / PICTURES / "index.html"}


def outdated() -> list[Path]:
    """Return the files that do not say what the fragments say."""
    found = []
    for addon in all_addons():
        made = texts(addon.folder)
        for attribute, path in places(addon.folder).items():
            if not path.exists() or path.read_text() != getattr(made, attribute):
                found.append(path)
    return found


def write_all() -> list[Path]:
    """Write what is outdated and return it."""
    found = outdated()
    for addon in all_addons():
        made = texts(addon.folder)
        for attribute, path in places(addon.folder).items():
            if path in found:
                path.write_text(getattr(made, attribute))
    return found
