"""What a column is to the person it leads to, as the data map says it in the word ``role``.

A role is up to three words, each of a kind of its own::

    subject                what the row is to the person: see ROLES
    mention pair:model     beside it, how the link is stored
    source                 or what the text is
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: What a row is to the person its link names: (key, label).
ROLES = (
    ("subject", "It is about the person"),
    ("standin", "It stands for the person: what points to it concerns them, too"),
    ("party", "A document of theirs"),
    ("actor", "They did something with it"),
    ("recipient", "They are one of several"),
    ("mention", "They are named in it"),
)

#: What a text is to an erasure: (key, label).
TEXTS = (
    ("source", "Former values: they tell what the person was known by"),
    ("json", "JSON in a text column: its keys stay"),
    ("value", "The row is nothing but this address or number"),
)

ROLE_KEYS = frozenset(key for key, _label in ROLES)
TEXT_KEYS = frozenset(key for key, _label in TEXTS)

#: The name of a column with a model's name, or of a link to ir.model.
_PAIR = re.compile(r"pair:[a-z_][a-z0-9_]*(\.model)?")


class Role(NamedTuple):
    """A role taken apart; empty where nothing is said.

    :param kind: key of :data:`ROLES`
    :param pair: column with the model beside this one with the id, ``link.model`` through a link
        to ``ir.model``
    :param reference: whether the column holds ``model,id``
    :param text: key of :data:`TEXTS`
    """

    kind: str = ""
    pair: str = ""
    reference: bool = False
    text: str = ""


def problems_of(role: str) -> list[str]:
    """What is wrong with a role.

    :return: sentences, empty when it can be used
    """
    kinds: list[str] = []
    problems = []
    for word in role.split():
        if word in ROLE_KEYS:
            kinds.append("what the row is to the person")
        elif word in TEXT_KEYS:
            kinds.append("what the text is")
        elif word == "reference" or _PAIR.fullmatch(word):
            kinds.append("how the link is stored")
        else:
            problems.append(f"role is {word!r}: use {_choices()}")
    problems += [f"role says twice {kind}" for kind in sorted(set(kinds)) if kinds.count(kind) > 1]
    if not problems and "what the text is" in kinds and len(kinds) > 1:
        problems.append("role says that it is a text and a link")
    return problems


def parse(role: str) -> Role:
    """The :class:`Role` of a valid one; words that are not known count for nothing."""
    found = {}
    for word in role.split():
        if word in ROLE_KEYS:
            found["kind"] = word
        elif word in TEXT_KEYS:
            found["text"] = word
        elif word == "reference":
            found["reference"] = True
        elif word.startswith("pair:"):
            found["pair"] = word.removeprefix("pair:")
    return Role(**found)


def _choices() -> str:
    words = [*(key for key, _label in ROLES), "pair:<column>", "reference"]
    return ", ".join([*words, *(key for key, _label in TEXTS)])
