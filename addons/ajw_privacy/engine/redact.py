"""Take a person's identifiers out of text, HTML, JSON and lists of addresses; leave the rest.

Each function gives back the very same object, and 0, where nothing of the person is in it; done
twice, the second time changes nothing. What is no text (``None``, ``False``, a number) stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree, html

from .boundaries import JOINT
from .matcher import MARK, Matcher

__all__ = ["MARK", "Matcher", "redact_html", "redact_json", "redact_list", "redact_text"]

#: Attributes that say how an element looks and works, never who somebody is.
_WORKING = frozenset("class id style type rel target for width height colspan rowspan dir".split())
#: Elements within a line: a name may begin in one and end in the next.
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike "
    "strong sub sup tt u var".split()
)
#: Characters that no document may hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:html|!doctype)\b", re.IGNORECASE)
#: Rounds until HTML that was mended by the parser stays as it is.
_ROUNDS = 5


def redact_text(text: Any, matcher: Matcher) -> tuple[Any, int]:
    """Replace each identifier in a plain text.

    :return: (text, number of replacements)
    """
    if not isinstance(text, str) or not text:
        return text, 0
    return matcher.replace(text)


def redact_html(text: Any, matcher: Matcher) -> tuple[Any, int]:
    """Replace each identifier in the texts, comments and attributes of HTML.

    Attributes that only say how an element looks and works are left alone, as are files inside
    addresses (``data:``). Markup that changes is written anew and is valid then.

    :param text: a fragment or a page; ``Markup`` stays ``Markup``
    :return: (text, number of replacements)
    """
    if not isinstance(text, str) or not text.strip() or not matcher:
        return text, 0
    if _SURROGATE.search(text):
        # the parser would stop there and lose the rest; no database holds such a text
        return redact_text(text, matcher)
    result, total = str(text), 0
    for _round in range(_ROUNDS):
        result, count = _redact_markup(result, matcher)
        total += count
        if not count:
            break
    return (type(text)(result), total) if total else (text, 0)


def _redact_markup(text: str, matcher: Matcher) -> tuple[str, int]:
    page = bool(_WHOLE_PAGE.match(text))
    try:
        if page:
            root = html.document_fromstring(text, parser=html.HTMLParser(huge_tree=True))
        else:
            root = html.fragment_fromstring(
                text, create_parent="div", parser=html.HTMLParser(huge_tree=True)
            )
    except (etree.LxmlError, ValueError, AssertionError):
        return matcher.replace(text)
    count = sum(_redact_attributes(node, matcher) for node in root.iter(etree.Element))
    count += sum(_redact_run(run, matcher) for run in _runs(root))
    # what the parser drops (a tag that never ends) is still in the source
    if not count and not matcher.found_in(text):
        return text, 0
    if page:
        kind = root.getroottree().docinfo.doctype
        result = html.tostring(root, encoding="unicode", doctype=kind or None)
    else:
        result = html.tostring(root, encoding="unicode")[len("<div>") : -len("</div>")]
    if count or not matcher.found_in(result):
        return result, count or 1
    return text, 0


def _redact_attributes(node: Any, matcher: Matcher) -> int:
    total = 0
    for name, value in node.attrib.items():
        if name in _WORKING or value.lstrip()[:5].lower() == "data:":
            continue
        changed, count = matcher.replace(value)
        if count:
            node.set(name, _CONTROL.sub("", changed))
            total += count
    return total


def _runs(root: Any) -> list[list[tuple[Any, str]]]:
    """Places of text, (element, ``text`` or ``tail``), grouped as they are read in one line."""
    runs: list[list[tuple[Any, str]]] = [[]]

    def add(node: Any, name: str, inline: bool) -> None:
        if not inline and runs[-1]:
            runs.append([])
        if getattr(node, name):
            runs[-1].append((node, name))

    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        inline = isinstance(node.tag, str) and node.tag in _INLINE
        if event in ("start", "comment", "pi"):
            add(node, "text", inline)
        if event != "start" and node is not root:
            add(node, "tail", inline)
    return runs


def _redact_run(run: list[tuple[Any, str]], matcher: Matcher) -> int:
    texts = [getattr(node, name) for node, name in run]
    total = 0
    while spans := list(matcher.spans(JOINT.join(texts))):
        total += len(spans)
        for start, end in reversed(spans):
            _cut(texts, start, end)
    if total:
        for (node, name), text in zip(run, texts, strict=True):
            setattr(node, name, _CONTROL.sub("", text))
    return total


def _cut(texts: list[str], start: int, end: int) -> None:
    """Put the mark where the span begins, and take the rest of it out of each text."""
    at, mark = 0, MARK
    for index, text in enumerate(texts):
        first, last = max(start - at, 0), min(end - at, len(text))
        if first < last:
            texts[index] = text[:first] + mark + text[last:]
            mark = ""
        at += len(text) + len(JOINT)


def redact_json(
    value: Any, matcher: Matcher, redact: Callable[[Any, Matcher], tuple[Any, int]] = redact_text
) -> tuple[Any, int]:
    """Replace each identifier in the strings of a JSON value; keys and numbers stay.

    :param value: as decoded; it is not changed itself, and may be nested as deep as it likes
    :param redact: what is done with each string: gives it back, and the number of replacements
    :return: (value, number of replacements)
    """
    box, total = [value], 0
    todo: list[tuple[Any, Any]] = [(box, 0)]
    while todo:
        holder, name = todo.pop()
        item = holder[name]
        if isinstance(item, str):
            holder[name], count = redact(item, matcher)
            total += count
        elif isinstance(item, dict):
            holder[name] = copy = dict(item)
            todo += [(copy, inner) for inner in copy]
        elif isinstance(item, list | tuple):
            holder[name] = copy = list(item)
            todo += [(copy, inner) for inner in range(len(copy))]
    return (box[0], total) if total else (value, 0)


_SIGN = re.compile(r'\\.|["<>,;\n]', re.DOTALL)


def _entries(text: str, *, quotes: bool = True) -> list[tuple[str, str]]:
    """Entries of a list, each with what separates it from the next.

    A comma in quotes or angles separates nothing, unless they are never closed.
    """
    found, start, inside = [], 0, ""
    for match in _SIGN.finditer(text):
        sign = match[0]
        if inside:
            inside = "" if sign == inside else inside
        elif quotes and sign in '"<':
            inside = '"' if sign == '"' else ">"
        elif sign in ",;\n":
            found.append((text[start : match.start()], sign))
            start = match.end()
    if inside:
        return _entries(text, quotes=False)
    return [*found, (text[start:], "")]


def redact_list(text: Any, matcher: Matcher) -> tuple[Any, int]:
    """Take the person's entries out of a list of email addresses.

    Entries of others stay byte by byte, with what separates them. A name of the person before the
    address of somebody else goes alone.

    :param text: addresses with or without names, between commas, semicolons or line breaks
    :return: (the rest of the list, ``""`` where nobody else is in it; number of entries)
    """
    if not isinstance(text, str) or not text.strip() or not matcher:
        return text, 0
    total = 0
    while True:
        # what an entry hid is looked at in turn
        text, count = _redact_entries(text, matcher)
        if not count:
            return text, total
        total += count


def _redact_entries(text: str, matcher: Matcher) -> tuple[str, int]:
    kept: list[list[str]] = []
    total = last = 0
    for entry, separator in _entries(text):
        changed, count = _redact_entry(entry, matcher)
        total += count
        last = count and not changed
        if changed or not count:
            kept.append([changed, separator])
    if not total:
        return text, 0
    if kept and last:
        # nothing follows the last separator any more
        kept[-1][1] = ""
    result = "".join(entry + separator for entry, separator in kept)
    return (result if text[:1] == " " else result.lstrip(" ")), total


def _redact_entry(entry: str, matcher: Matcher) -> tuple[str, int]:
    bare = entry.strip()
    at = bare.rfind("<") if bare.endswith(">") else -1
    name, address = (bare[:at], bare[at + 1 : -1]) if at >= 0 else ("", bare)
    address = re.sub("(?i)^mailto:", "", address.strip())
    if matcher.is_email(address) or (at < 0 and matcher.is_whole(bare)):
        return "", 1
    if name and matcher.found_in(name):
        return entry.replace(bare, bare[at:]), 1
    return matcher.replace(entry)
