"""Words that an add-on brought along: an example in a form is nobody's data."""

from __future__ import annotations

from .matcher import Matcher

#: Table → column that names the file of the add-on from which a row was read.
SOURCES = {"ir_ui_view": "arch_fs", "mail_template": "template_fs"}


def is_shipped(text: str, source: str, matcher: Matcher) -> bool:
    """Whether all that names the person in a text stands in the add-on's own file as well.

    :param text: of the row
    :param source: what the file says
    """
    return _named(text, matcher) <= _named(source, matcher)


def _named(text: str, matcher: Matcher) -> set[str]:
    return {" ".join(text[start:end].split()) for start, end in matcher.spans(text)}
