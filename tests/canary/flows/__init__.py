"""What people do in each app: one small function a flow, which leaves real records behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Flow(NamedTuple):
    """Something that people do.

    :param run: called with the stage and the person
    :param modules: apps it needs; without them there is no such flow
    :param who: ``customer``, ``worker``, or ``""`` for both
    """

    name: str
    run: Callable[[Any, Any], None]
    modules: tuple[str, ...]
    who: str


FLOWS: list[Flow] = []


def flow(*modules: str, who: str = "customer") -> Callable:
    """Make a function a flow.

    :param modules: apps it needs
    :param who: who does that
    """

    def register(function: Callable) -> Callable:
        place = function.__module__.rpartition(".")[2]
        FLOWS.append(Flow(f"{place}.{function.__name__}", function, modules, who))
        return function

    return register


def for_modules(installed: set[str], who: str) -> list[Flow]:
    """The flows of some apps, in the order in which they are written down."""
    from tests.canary.flows import (  # noqa: F401, PLC0415 - they register themselves
        books,
        contacts,
        people_at_work,
        sales,
        shop,
        talking,
        website,
    )

    return [each for each in FLOWS if set(each.modules) <= installed and each.who in ("", who)]
