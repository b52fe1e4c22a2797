"""What becomes of a kept field: whether it still stays, and how it goes without anybody's name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from .keeping import Company, Dates, Keeping, decide
from .keeping_rules import Law

#: Duty of what the data map keeps without naming one.
DECLARED = "declared"
#: What an erasure means for a field once nothing asks for keeping it, by its category.
_ENDINGS = {"free_text": "redact", "name": "pseudonymise"}


def ending(category: str) -> str:
    """What erasing means for a kept field when its time is over: key of the data map.

    :param category: key of the data map
    """
    return _ENDINGS.get(category, "clear")


def still_kept(
    codes: Collection[str], law: Law, dates: Dates, company: Company, on: date, is_sealed: bool
) -> Keeping | None:
    """What keeps a row on a day.

    :param codes: of the duties that ask for it; none: the data map says so without a law
    :param is_sealed: whether a hash chain would break without the text, which outlives any law
    :return: None: nothing does any more
    :raises KeyError: a code names no duty
    """
    if not codes:
        return Keeping(DECLARED, "", None, "declared")
    answer = decide(codes, law, dates, company, on)
    if answer and not answer.is_over(on):
        return answer
    if is_sealed:
        return Keeping(answer.duty if answer else DECLARED, "", None, "sealed")
    return None


def cut(text: str, spans: Sequence, mark: str) -> str:
    """A kept text without the person.

    :param spans: length of the text when it was looked at, then (begin, end) of each identifier;
        empty where nobody could say
    :return: the mark alone where the text is not the one that was looked at
    """
    if not spans or len(text) != spans[0]:
        return mark
    parts, last = [], 0
    for begin, end in spans[1]:
        parts += [text[last:begin], mark]
        last = end
    return "".join([*parts, text[last:]])
