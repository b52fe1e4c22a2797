"""Read the filter of a policy from text, without evaluating anything."""

from __future__ import annotations

import ast


def parse_domain(text: str | None) -> list:
    """The list behind a domain written as text.

    :param text: a Python literal such as ``[('state', '=', 'done')]``; empty means all rows
    :raises ValueError: not a literal, or not a list
    """
    text = (text or "").strip()
    if not text:
        return []
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(
            "the filter is not a list of conditions such as [('state', '=', 'done')]; "
            "variables and function calls are not allowed"
        ) from None
    if not isinstance(value, list):
        raise ValueError("the filter must be a list of conditions, in square brackets")
    return value


def split_names(text: str | None) -> list[str]:
    """Field names out of text separated by commas or spaces, in order, each once."""
    return list(dict.fromkeys((text or "").replace(",", " ").split()))
