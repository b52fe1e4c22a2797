"""The words of the data map: what a declaration may say, and its validation.

A model declares its personal data in a class attribute::

    _ajw_personal_data = {
        "email": {"category": "email", "erase": "clear"},
        "vat": {"category": "identifier", "erase": "keep", "reason": "Art. 17(3)(b) GDPR"},
        "product_ids": {"erase": "none", "reason": "Products are not personal data"},
    }

An add-on that shall not know of ours says the same in a file: see :mod:`.mapfile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from . import roles

#: What kind of personal data a field holds: (key, label).
CATEGORIES = (
    ("link", "Link to a person"),
    ("name", "Name"),
    ("phone", "Phone number"),
    ("email", "Email address"),
    ("address", "Postal address or place"),
    ("identifier", "Identifier"),
    ("ip", "IP address or device"),
    ("free_text", "Free text"),
    ("file", "File"),
    ("financial", "Financial data"),
    ("technical", "Technical data"),
)

#: What erasing a person means for a field: (key, label).
ERASURES = (
    ("delete", "Delete the row"),
    ("clear", "Empty the field"),
    ("pseudonymise", "Pseudonymise"),
    ("redact", "Redact known identifiers"),
    ("keep", "Keep"),
    ("none", "Not personal data"),
)

#: What a retention policy may do by age, where erasing a person means something else: (key, label).
AGES = (("delete", "Delete the row"), ("clear", "Empty the field"))

#: Codes of the duties to keep that a field may name; the laws themselves are data.
DUTIES = ("books", "vouchers", "tax", "audit", "payroll", "processing", "contract")

CATEGORY_KEYS = frozenset(key for key, _label in CATEGORIES)
ERASURE_KEYS = frozenset(key for key, _label in ERASURES)
AGE_KEYS = frozenset(key for key, _label in AGES)

#: Erasures that say nothing of the value need survive, so a retention policy may empty it. Not
#: ``delete``: there the row goes, and what an emptied row would mean nobody has said.
EMPTIABLE = frozenset({"clear"})

#: How much survives an erasure. What an app declares from ``pseudonymise`` upwards is a minimum.
SURVIVES = {"delete": 0, "clear": 1, "pseudonymise": 2, "redact": 3, "keep": 4, "none": 4}

#: Erasures that leave the value in place and therefore must say why.
NEEDS_REASON = frozenset({"keep", "none"})

ALLOWED_KEYS = frozenset({"category", "erase", "reason", "law", "until", "role", "duty", "age"})


class Entry(NamedTuple):
    """How one field is classified.

    :param category: key of :data:`CATEGORIES`, or ``""`` where ``erase`` is ``none``
    :param erase: key of :data:`ERASURES`
    :param reason: why it is kept or not personal; free text
    :param law: article that asks for keeping it; free text
    :param role: what the column is to the person it leads to: see :mod:`.roles`
    :param duty: codes of :data:`DUTIES`, separated by spaces
    :param age: key of :data:`AGES`, ``""`` where nothing is said
    """

    category: str
    erase: str
    reason: str = ""
    law: str = ""
    role: str = ""
    duty: str = ""
    age: str = ""

    def over(self, weaker: Entry) -> Entry:
        """This entry, and of what it leaves open what a weaker source says.

        Whoever classifies a field anew says what shall happen to it, seldom where it leads. Who
        wants more to survive does not mean it to go by age.
        """
        survives = SURVIVES[self.erase] > SURVIVES[weaker.erase]
        return self._replace(
            role=self.role or weaker.role,
            duty=self.duty or weaker.duty,
            age=self.age or ("" if survives else weaker.age),
        )


def loosens(declared: str, erase: str) -> bool:
    """Whether ``erase`` would let go of more than was declared has to stay.

    :param declared: key of :data:`ERASURES` the app or a shipped line gives
    :param erase: key of :data:`ERASURES` an officer gives instead
    """
    return SURVIVES[declared] > SURVIVES["clear"] and SURVIVES[erase] < SURVIVES[declared]


def problems_of(spec: object) -> list[str]:
    """What is wrong with the declaration of one field.

    :param spec: the mapping given for the field
    :return: sentences, empty when the declaration is valid
    """
    if not isinstance(spec, Mapping):
        return ["must be a mapping with the keys category and erase"]
    problems = []
    unknown = sorted(str(key) for key in spec if key not in ALLOWED_KEYS)
    if unknown:
        problems.append(f"unknown key {', '.join(unknown)}: use {', '.join(sorted(ALLOWED_KEYS))}")
    erase = spec.get("erase")
    if erase not in ERASURE_KEYS:
        problems.append(f"erase is {erase!r}: use {', '.join(key for key, _ in ERASURES)}")
    category = spec.get("category")
    # a field that is not personal has no category of personal data
    if not (erase == "none" and not category) and category not in CATEGORY_KEYS:
        problems.append(f"category is {category!r}: use {', '.join(key for key, _ in CATEGORIES)}")
    why = [spec.get("reason"), spec.get("law"), erase == "keep" and spec.get("duty")]
    if erase in NEEDS_REASON and not any(str(text or "").strip() for text in why):
        problems.append(f"erase is {erase!r}: give the reason (the law, or why it is not personal)")
    problems += roles.problems_of(str(spec.get("role") or ""))
    unknown = [code for code in str(spec.get("duty") or "").split() if code not in DUTIES]
    if unknown:
        problems.append(f"duty is {' '.join(unknown)!r}: use {', '.join(DUTIES)}")
    age = spec.get("age") or ""
    if age and age not in AGE_KEYS:
        problems.append(f"age is {age!r}: use {', '.join(sorted(AGE_KEYS))}, or nothing")
    return problems


def parse(spec: Mapping) -> Entry:
    """The :class:`Entry` of a valid declaration.

    :raises ValueError: if :func:`problems_of` finds any
    """
    problems = problems_of(spec)
    if problems:
        raise ValueError("; ".join(problems))
    return Entry(
        category=spec.get("category") or "",
        erase=spec["erase"],
        reason=str(spec.get("reason") or "").strip(),
        law=str(spec.get("law") or "").strip(),
        **{key: " ".join(str(spec.get(key) or "").split()) for key in ("role", "duty", "age")},
    )


def collect(model_class: type) -> tuple[dict[str, Entry], dict[str, list[str]]]:
    """Add up the declarations found along the method resolution order of a model class.

    Python would let the last extension hide the attribute of those before it; here every class
    contributes its own fields, and for one field the most derived class wins.

    :param model_class: the class of the model in the registry
    :return: (valid entries by field name, problems by field name); the key ``""`` holds a problem
        of the attribute as a whole
    """
    specs: dict[str, object] = {}
    problems: dict[str, list[str]] = {}
    for cls in reversed(model_class.__mro__):
        declared = cls.__dict__.get("_ajw_personal_data")
        if declared is None:
            continue
        if not isinstance(declared, Mapping):
            problems.setdefault("", []).append("_ajw_personal_data must map names to mappings")
            continue
        specs.update(declared)
    entries = {}
    for name, spec in specs.items():
        found = problems_of(spec)
        if found:
            problems[name] = found
        else:
            entries[name] = parse(spec)
    return entries, problems
