"""What Meta would reject of a template, seen before it is submitted; and of one filled in.

Source: Meta, WhatsApp Business Management API, "Components" of templates and "Template guidelines".
Limits that Meta gives in characters are counted in UTF-16 units, of which an emoji takes two: what
passes here is not too long however Meta counts.
"""

import re
import unicodedata
from typing import NamedTuple

from .payload import MAX_BODY, MAX_FOOTER, MAX_HEADER, PLACEHOLDER

MAX_BUTTONS = 10
#: How many buttons of a kind a template has at most; replies are limited by all buttons together.
MAX_OF_KIND = {"URL": 2, "PHONE_NUMBER": 1}
MAX_BUTTON_TEXT = 25
MAX_PHONE = 20
MAX_URL = 2000
MAX_BLANK_LINES = 2
MAX_SPACES = 4

_PHONE = re.compile(r"\+?[0-9]{5,20}")
_URL = re.compile(r"https?://[^\s/]+\S*")
_BLANK_LINES = re.compile(rf"(?:\r?\n[ \t]*){{{MAX_BLANK_LINES + 1},}}")
_MARKUP = re.compile(r"[*_~`]")


class Problem(NamedTuple):
    """Something Meta would reject.

    :param str key: what is wrong
    :param str name: the part it concerns: ``header``, ``body``, ``footer`` or a button's text
    :param int limit: what is allowed, ``0`` where that is no number
    """

    key: str
    name: str
    limit: int = 0


def length(text):
    """Return how long a text is, in UTF-16 units.

    :rtype: int
    """
    return len((text or "").encode("utf-16-le", "surrogatepass")) // 2


def text_problems(header, body, footer):
    """Return what is wrong with the texts of a template.

    :param str header: ``None`` or empty for a template without text at its head
    :param str body: the text
    :param str footer: ``None`` or empty for none
    :rtype: list[Problem]
    """
    problems = []
    header, body, footer = header or "", body or "", footer or ""
    # What fills place-holders in is limited when it is known.
    fixed = PLACEHOLDER.sub("", header)
    if length(fixed) > MAX_HEADER:
        problems.append(Problem("too_long", "header", MAX_HEADER))
    if len(set(PLACEHOLDER.findall(header))) > 1:
        problems.append(Problem("header_variables", "header", 1))
    if _breaks_line(header):
        problems.append(Problem("newline", "header"))
    if _MARKUP.search(fixed) or any(map(is_emoji, fixed)):
        problems.append(Problem("header_plain", "header"))
    if length(body) > MAX_BODY:
        problems.append(Problem("too_long", "body", MAX_BODY))
    if "\t" in body:
        problems.append(Problem("tab", "body"))
    if " " * (MAX_SPACES + 1) in body:
        problems.append(Problem("spaces", "body", MAX_SPACES))
    if _BLANK_LINES.search(body):
        problems.append(Problem("newlines", "body", MAX_BLANK_LINES))
    if re.search(r"\}\}\s*\{\{", body):
        problems.append(Problem("adjacent", "body"))
    if length(footer) > MAX_FOOTER:
        problems.append(Problem("too_long", "footer", MAX_FOOTER))
    if PLACEHOLDER.search(footer):
        problems.append(Problem("variable", "footer"))
    if _breaks_line(footer):
        problems.append(Problem("newline", "footer"))
    return problems


def button_problems(buttons):
    """Return what is wrong with the buttons of a template.

    :param list buttons: in order, (kind, text, address, phone number); kinds are Meta's
    :rtype: list[Problem]
    """
    problems = []
    kinds = [kind for kind, *_rest in buttons]
    if len(buttons) > MAX_BUTTONS:
        problems.append(Problem("buttons", "", MAX_BUTTONS))
    for kind, most in MAX_OF_KIND.items():
        if kinds.count(kind) > most:
            problems.append(Problem(f"buttons_{kind}", "", most))
    groups = [kind == "QUICK_REPLY" for kind in kinds]
    if sum(one != two for one, two in zip(groups, groups[1:], strict=False)) > 1:
        problems.append(Problem("button_order", ""))
    texts = [(text or "").strip().casefold() for _kind, text, *_rest in buttons]
    for index, (kind, text, url, phone) in enumerate(buttons):
        name = text or ""
        if length(name) > MAX_BUTTON_TEXT:
            problems.append(Problem("too_long", name, MAX_BUTTON_TEXT))
        if PLACEHOLDER.search(name) or _breaks_line(name) or any(map(is_emoji, name)):
            problems.append(Problem("button_plain", name))
        if texts.index(texts[index]) != index:
            problems.append(Problem("button_twice", name))
        if kind == "URL":
            if length(url) > MAX_URL:
                problems.append(Problem("url_long", name, MAX_URL))
            if not _URL.fullmatch(PLACEHOLDER.sub("1", url or "")):
                problems.append(Problem("url", name))
        elif kind == "PHONE_NUMBER" and not (
            _PHONE.fullmatch(phone or "") and len(phone) <= MAX_PHONE
        ):
            problems.append(Problem("phone", name, MAX_PHONE))
    return problems


def filled_problems(header, body, urls=()):
    """Return what is wrong with a template that was filled in.

    :param str header: ``""`` where no text stands at its head
    :param str body: the text
    :param urls: addresses of its buttons
    :rtype: list[Problem]
    """
    problems = []
    for name, text, limit in (("header", header, MAX_HEADER), ("body", body, MAX_BODY)):
        if length(text) > limit:
            problems.append(Problem("too_long", name, limit))
    if any(length(url) > MAX_URL for url in urls):
        problems.append(Problem("too_long", "url", MAX_URL))
    return problems


def is_emoji(char):
    """Tell whether a character is a pictograph, or makes one of others."""
    code = ord(char)
    return (
        0x1F000 <= code <= 0x1FAFF
        or 0x2600 <= code <= 0x27BF
        or code in (0x200D, 0x20E3, 0xFE0F)
        or unicodedata.category(char) == "Cs"
    )


def _breaks_line(text):
    return bool(re.search(r"[\n\r\v\f\u2028\u2029]", text))
