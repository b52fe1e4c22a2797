"""What a certificate may hold: the form of each of its values.

A certificate outlives the person's data, so it may hold none of it: models, fields and counts,
codes, laws and dates. Each text has a form that is checked before a certificate is issued, and
again when it is verified. Only the article of a law is free text; it comes from the rules that
officers keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from .certificate_form import FORMAT_1, FORMATS, GENESIS, plain, verdict_of
from .file_reading import kinds, limits
from .keeping import NO_END
from .keeping_rules import is_article

KINDS = ("person", "tenant")
ACTIONS = ("delete", "clear", "pseudonymise", "redact", "revoke")
#: Why something is kept without an end: what the law leaves open, or a legal hold.
NO_DATE = frozenset(key for key, _sentence in NO_END) | {"hold"}
#: Integers beyond this are not the same in every language (RFC 8785, RFC 7493).
MAX_COUNT = 2**53 - 1
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def problems_of(document: Any) -> list[str]:
    """What a document says that no certificate can say.

    :param document: see :func:`~.certificate_form.document_of`
    :return: sentences, which name the place and never the value
    """
    first = isinstance(document, dict) and document.get("format") == FORMAT_1
    problems = list(_misfits("certificate", document, _CONTENT_1 if first else _CONTENT))
    if problems:
        return problems
    for number, kept in enumerate(document["kept"]):
        if (kept["until"] is None) != bool(kept["reason"]):
            problems.append(f"certificate.kept.{number} needs either a date or why there is none")
        if kept["until"] and not kept["article"]:
            problems.append(f"certificate.kept.{number} has a date but no law")
    times = [document[name] for name in ("planned_at", "approved_at", "started_at", "ended_at")]
    times = [time for time in [*times, document["scan"]["at"]] if time]
    if times != sorted(times):
        problems.append("The times are out of order: planned, approved, started, ended, scanned.")
    if document["verdict"] != verdict_of(document):
        problems.append("The verdict is not what the facts say.")
    scan = document["scan"]
    if not first and (
        scan["files"] != sum(each["files"] for each in scan["kinds"])
        or scan["unreadable"] != sum(each["files"] for each in scan["unread"])
    ):
        problems.append("The numbers of files do not add up.")
    if (document["number"] == 1) != (document["previous"] == GENESIS):
        problems.append("Only the first certificate follows none.")
    return problems


def _misfits(path: str, value: Any, shape: Any) -> list[str]:
    """Where a value has not the form it should have."""
    if isinstance(shape, dict):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            return [f"{path} has not the fields of this version."]
        parts = [_misfits(f"{path}.{name}", value[name], shape[name]) for name in sorted(shape)]
        return [problem for part in parts for problem in part]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path} is no list."]
        parts = [_misfits(f"{path}.{at}", item, shape[0]) for at, item in enumerate(value)]
        return [problem for part in parts for problem in part]
    return [] if shape(value) else [f"{path} has not the form it should have."]


def _text(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and bool(compiled.fullmatch(value))


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT  # neither True nor 1.0


def _time(value: Any) -> bool:
    try:
        return plain(datetime.strptime(value, _TIME)) == value
    except (TypeError, ValueError):
        return False


def _day(value: Any) -> bool:
    try:
        return value is None or date.fromisoformat(value).isoformat() == value
    except (TypeError, ValueError):
        return False


_NAME = r"[A-Za-z_][A-Za-z0-9_.]{0,127}"
_name, _field, _code = _text(_NAME), _text(f"({_NAME})?"), _text(r"[a-z][a-z0-9_]{0,63}")
_reference, _hash = _text(r"[0-9A-Za-z-]{8,64}"), _text(r"[0-9a-f]{64}")
_CONTENT = {
    "format": FORMATS.__contains__,
    "previous": _hash,
    "verdict": _code,
    "database": _reference,
    "controller": _count,
    "number": lambda value: _count(value) and value > 0,
    "subject": _reference,
    "kind": KINDS.__contains__,
    "software": _text(r"[A-Za-z0-9_.+ -]{1,64}"),
    "requested_by": _count,
    "approved_by": _count,
    "planned_at": _time,
    "approved_at": lambda value: value is None or _time(value),
    "started_at": _time,
    "ended_at": _time,
    "completes": lambda value: value == "" or _hash(value),
    "places": [
        {"model": _name, "field": _field, "action": ACTIONS.__contains__, "rows": _count},
    ],
    "kept": [
        {
            "model": _name,
            "field": _field,
            "rows": _count,
            "duty": _code,
            "article": lambda value: value == "" or is_article(value),
            "until": _day,
            "reason": lambda value: value == "" or (isinstance(value, str) and value in NO_DATE),
        }
    ],
    "unattributed": [{"model": _name, "field": _field, "rows": _count}],
    "books": [
        {"company": _count, "chains": _count, "intact": lambda value: type(value) is bool},
    ],
    "scan": {
        "at": _time,
        "tables": _count,
        "columns": _count,
        "files": _count,
        "unreadable": _count,
        "residue": [{"table": _name, "column": _name, "kind": _code, "rows": _count}],
        "kinds": [{"kind": kinds.KINDS.__contains__, "files": _count}],
        "unread": [{"reason": limits.REASONS.__contains__, "files": _count}],
    },
}
#: What the first version says.
_CONTENT_1 = _CONTENT | {
    "scan": {
        name: shape for name, shape in _CONTENT["scan"].items() if name not in ("kinds", "unread")
    }
}
