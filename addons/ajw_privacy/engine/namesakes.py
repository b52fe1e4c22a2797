"""Which identifiers say less than they seem to, because others are called or reached the same."""

from __future__ import annotations

from collections.abc import Iterable

from .identifiers import Identifier
from .matcher import Matcher


def weaken_by(identifiers: Iterable[Identifier], values: Iterable[str]) -> tuple[Identifier, ...]:
    """The identifiers, with those weak that stand in a value of somebody else.

    "Asha Rao" is found in "Asha Rao Patel" too: a text about her must not lose half her name. An
    address is none by itself, since many towns have a Station Road 7; where nobody else is known to
    live there it goes along in texts that name her.

    :param values: names, addresses and numbers of others
    """
    matchers = {item: Matcher([item]) for item in identifiers}
    held: set[Identifier] = set()
    for value in values:
        for item, matcher in matchers.items():
            if item not in held and matcher.found_in(value):
                held.add(item)

    def graded(item: Identifier) -> Identifier:
        if item in held:
            return item._replace(strength="weak")
        return item._replace(strength="beside") if item.kind == "address" else item

    return tuple(graded(item) for item in matchers)


def nobody_elses(words: Iterable[Identifier], values: Iterable[str]) -> tuple[Identifier, ...]:
    """Those of some words that stand in no value of somebody or something else.

    :param words: from :func:`~.identifiers.single_words`
    :param values: names and addresses of others, names of things
    """
    # "rao textiles" is named so as well, however it is written
    matchers = {word: Matcher([word._replace(strength="weak")]) for word in words}
    for value in values:
        if not matchers:
            break
        matchers = {
            word: matcher for word, matcher in matchers.items() if not matcher.found_in(value)
        }
    return tuple(matchers)
