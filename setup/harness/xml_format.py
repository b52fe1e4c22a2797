"""The format of the XML files, checked and put right.

Runs as a program of its own too, on any Python 3.11 and without packages, so that an editor or
pre-commit can use it: ``python3 setup/harness/xml_format.py [--fix] FILE...``

- The declaration is the first line; indentation is four spaces a level; the file ends in one line
  break.
- A tag that does not fit into 100 columns has one attribute a line, and so has a tag with an
  attribute of several lines.
- At most one empty line in a row, none directly inside a tag.
- An element that holds text stays as it was written, since spaces in it can count: only its tags
  are spelled alike.

What is written is read again first: a file whose meaning would change is left alone.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

WIDTH = 100
INDENT = "    "
DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>'
TOKEN = re.compile(
    r"(?P<comment><!--.*?-->)"
    r"|(?P<cdata><!\[CDATA\[.*?\]\]>)"
    r"|(?P<instruction><\?.*?\?>)"
    r"|(?P<doctype><!DOCTYPE[^>]*>)"
    r"""|(?P<close></\s*[^\s>]+\s*>)"""
    r"""|(?P<open><[^\s>/!?]+(?:\s+[^\s=>/]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>)"""
    r"|(?P<text>[^<]+)",
    re.S,
)
ATTRIBUTE = re.compile(r"""([^\s=>/]+)\s*=\s*("[^"]*"|'[^']*')""", re.S)


class FormatError(ValueError):
    """The file cannot be formatted; the text says why."""


@dataclass
class Node:
    """A piece of a file.

    :param kind: ``element``, ``text`` or ``other`` (comment, CDATA, instruction).
    :param source: how it is written; of an element, its start tag.
    """

    kind: str
    source: str = ""
    name: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    empty: bool = False

    @property
    def blank(self) -> bool:
        return self.kind == "text" and not self.source.strip()

    @property
    def has_text(self) -> bool:
        """Whether text stands directly in the element, or would be joined to its neighbours."""
        return any(
            (child.kind == "text" and not child.blank) or child.source.startswith("<![CDATA[")
            for child in self.children
        )

    @property
    def one_line(self) -> bool:
        return "\n" not in inline(self)


def parse(text: str) -> list[Node]:
    """Return the pieces of a file at its top level.

    :raises FormatError: when the text is not well-formed.
    """
    root = Node("element")
    stack = [root]
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if not found:
            line = text.count("\n", 0, position) + 1
            raise FormatError(f"line {line} cannot be read as XML")
        position = found.end()
        source = found[0]
        kind = found.lastgroup
        if kind == "open":
            empty = source.endswith("/>")
            name = re.match(r"<([^\s>/]+)", source)[1]
            attributes = ATTRIBUTE.findall(source[len(name) + 1 :])
            node = Node("element", source, name, attributes, empty=empty)
            stack[-1].children.append(node)
            if not empty:
                stack.append(node)
        elif kind == "close":
            if len(stack) == 1 or source[2:-1].strip() != stack[-1].name:
                line = text.count("\n", 0, position) + 1
                raise FormatError(f"line {line}: {source} closes nothing")
            stack.pop()
        else:
            stack[-1].children.append(Node("text" if kind == "text" else "other", source))
    if len(stack) > 1:
        raise FormatError(f"<{stack[-1].name}> is not closed")
    return root.children


def start_tag(node: Node, closed: bool) -> str:
    """Return the start tag on one line, an attribute of several lines left as it is."""
    words = [node.name, *(f"{name}={value}" for name, value in node.attributes)]
    return f"<{' '.join(words)}{' />' if closed else '>'}"


def inline(node: Node) -> str:
    """Return a piece without any line break that it does not have already."""
    if node.kind != "element":
        return node.source
    if node.empty:
        return start_tag(node, closed=True)
    inner = "".join(map(inline, node.children))
    return f"{start_tag(node, closed=False)}{inner}</{node.name}>"


def opening(node: Node, level: int, closed: bool) -> str:
    """Return the start tag, its attributes below each other where they do not fit."""
    tag = start_tag(node, closed)
    if len(node.attributes) < 2 or ("\n" not in tag and len(INDENT) * level + len(tag) <= WIDTH):
        return tag
    inner = INDENT * (level + 1)
    lines = [f"{inner}{name}={value}" for name, value in node.attributes]
    return "\n".join([f"<{node.name}", *lines, f"{INDENT * level}{'/>' if closed else '>'}"])


def element(node: Node, level: int) -> str:
    """Return an element, its first line without indentation."""
    if node.empty or not node.children:
        # <p></p> and <p /> are the same in XML and not in HTML: as it was written.
        end = "" if node.empty else f"</{node.name}>"
        return opening(node, level, node.empty) + end
    tag = opening(node, level, closed=False)
    if node.has_text:
        return f"{tag}{''.join(map(inline, node.children))}</{node.name}>"
    line = inline(node)
    if "\n" not in line and len(INDENT) * level + len(line) <= WIDTH:
        return line
    inner = layout(node.children, level + 1)
    if not inner:
        return f"{tag}\n{INDENT * level}</{node.name}>"
    return f"{tag}\n{inner}\n{INDENT * level}</{node.name}>"


def layout(nodes: list[Node], level: int) -> str:
    """Return pieces below each other, each line indented."""
    lines: list[str] = []
    gap = False
    for node in nodes:
        if node.blank:
            gap = node.source.count("\n") > 1
            continue
        if gap and lines:
            lines.append("")
        gap = False
        text = element(node, level) if node.kind == "element" else node.source
        lines.append(f"{INDENT * level}{text}")
    return "\n".join(lines)


def formatted(text: str) -> str:
    """Return a file's text as it should be.

    :raises FormatError: when it is not well-formed.
    """
    nodes = parse(text.lstrip("\ufeff").replace("\r\n", "\n"))
    nodes = [node for node in nodes if not node.source.startswith("<?xml ")]
    result = f"{DECLARATION}\n{layout(nodes, 0)}\n"
    result = "\n".join(line if line.strip() else "" for line in result.split("\n"))
    if meaning(result) != meaning(text):
        raise FormatError("formatting would change its meaning; put the line breaks right by hand")
    return result


def meaning(text: str) -> tuple:
    """Return what a file says, spaces between elements aside.

    :raises FormatError: when it is not well-formed.
    """

    def part(node: ElementTree.Element) -> tuple:
        texts = [node.text, *(child.tail for child in node)]
        mixed = any(value and value.strip() for value in texts)
        spaces = [(value or "").strip(" ") if mixed else None for value in texts]
        return node.tag, node.attrib, spaces, [part(child) for child in node]

    try:
        return part(ElementTree.fromstring(text.encode()))  # noqa: S314
    except ElementTree.ParseError as error:
        raise FormatError(str(error)) from None


def treat(path: Path, fix: bool) -> str:
    """Check one file, and write it anew when ``fix`` is set.

    :return: what is or was wrong, empty when nothing.
    """
    text = path.read_text()
    try:
        result = formatted(text)
    except FormatError as error:
        return str(error)
    if result == text:
        return ""
    if fix:
        path.write_text(result)
        return ""
    pairs = zip([*text.split("\n"), ""], [*result.split("\n"), ""], strict=False)
    number = next((n for n, (old, new) in enumerate(pairs, 1) if old != new), 1)
    return f"line {number} is not formatted; setup/format puts it right"


def main(arguments: list[str]) -> int:
    """Check, or with ``--fix`` format, the named files; return the exit code."""
    fix = "--fix" in arguments
    code = 0
    for name in arguments:
        if not name.startswith("-"):
            problem = treat(Path(name), fix)
            if problem:
                code = 1
                print(f"{name}: {problem}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
