"""Which stored fields look as if they held personal data.

The self-check compares the answer with what is classified. It errs on the side of asking: a field
wrongly suspected costs an officer one line ("not personal, because …"), a field missed is a hole in
every later erasure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

#: Models whose records are people.
PERSON_MODELS = frozenset({"res.partner", "res.users", "mail.guest"})

#: Columns of every table that name the acting user: classified once for all models.
MAGIC_LINKS = frozenset({"create_uid", "write_uid"})

TEXT_TYPES = frozenset({"char", "text", "html", "json", "properties"})

#: Word in a field's name -> category. Words are the parts between underscores.
WORDS = {
    "ip": {"ip", "ipaddr", "ipaddress", "useragent"},
    "email": {"email", "mail", "emails"},
    "phone": {"phone", "mobile", "fax", "whatsapp", "msisdn", "telephone", "tel"},
    "address": {
        "street", "street2", "city", "zip", "postcode", "address", "latitude", "longitude",
        "geolocation",
    },
    "name": {"firstname", "lastname", "surname", "nickname", "fullname", "birthname", "salutation"},
    "identifier": {
        "vat", "passport", "ssn", "sin", "pan", "aadhaar", "gstin", "login", "barcode", "username",
        "birthday", "birthdate", "birth", "gender", "sex", "marital", "nationality", "registry",
        "oauth",
    },
    "financial": {"iban", "acc", "bic", "salary", "wage", "card"},
    "free_text": {
        "comment", "comments", "note", "notes", "body", "message", "feedback", "remark", "remarks",
        "payload", "summary", "subject", "narration", "memo", "transcript",
    },
    "file": {"signature", "photo", "avatar", "selfie", "scan"},
}  # fmt: skip

#: Sequences of words that mean something only together.
PHRASES = {
    ("user", "agent"): "ip",
    ("acc", "number"): "financial",
    ("account", "number"): "financial",
    ("signed", "by"): "name",
    ("reply", "to"): "email",
    ("record", "name"): "name",
    ("res", "name"): "name",
    ("display", "name"): "name",
    ("complete", "name"): "name",
    ("index", "content"): "free_text",
}

#: Whole names of fields that say enough.
NAMES = {
    "number": "phone",
    "function": "name",
    "website": "address",
    "old_value_char": "free_text",
    "new_value_char": "free_text",
}

#: Last words that make a field a setting about personal data, not personal data itself.
SETTINGS_WORDS = frozenset({"mode", "color", "format", "xmlid", "widget", "type", "count", "salt"})

#: Words before ``name`` that say whose name it is.
PERSON_WORDS = frozenset(
    {
        "partner", "customer", "contact", "person", "user", "author", "first", "last", "middle",
        "holder", "visitor", "guest", "employee", "applicant", "attendee", "candidate", "owner",
        "sender", "recipient", "responsible", "member", "subscriber", "father", "mother", "spouse",
        "child", "nominee", "verified",
    }
)  # fmt: skip

#: Categories of what may hold anything.
CONTENTS = frozenset({"free_text", "file"})

#: Categories that show that the model describes people, so its bare ``name`` is a person's.
CONTACT_CATEGORIES = frozenset({"email", "phone"})

#: Words in the name of a field with addresses of whoever else got or gets the message.
OF_OTHERS = re.compile(r"(^|_)(to|cc|bcc|reply)(_|$)")


#: What gave a field away: (key, label).
CLUES = (
    ("comodel", "Points to contacts, users or guests"),
    ("inverse", "Says what the person belongs to"),
    ("reference", "Points to any record"),
    ("pair", "A record's number beside the name of a model"),
    ("foreign_key", "A foreign key of the database points to people"),
    ("name", "Its name"),
    ("copy", "Repeats a person's field"),
    ("type", "Its type: it may hold anything"),
    ("sample", "What it holds"),
)

#: A number by this name is that of a record of any model, if the model stands beside it.
_RECORD_ID = re.compile(r"(?:\w+_)?(?:res|record|document|object|related|source|origin|target)_id")
_MODEL_NAME = re.compile(r"(?:\w+_)?(?:res_)?model(?:_name|_id)?")


class FieldFacts(NamedTuple):
    """What the classifier needs to know about a stored field.

    :param name: name of the field
    :param type: Odoo's field type
    :param comodel: name of the model pointed to, for relational fields
    :param translate: the text is the same for everybody (a label), translated
    :param copy_of: category of the personal field this one repeats, ``""`` if none
    :param is_inverse: a person's row points from here to rows that are to know of it
    """

    name: str
    type: str
    comodel: str | None = None
    translate: bool = False
    copy_of: str = ""
    is_inverse: bool = False


class Suspicion(NamedTuple):
    """Why a field needs a classification.

    :param level: ``link`` (points to a person), ``personal`` (named like personal data),
        ``content`` (may hold anything, people included) or ``sampled`` (holds what looks personal)
    :param category: suggested key of :data:`~.vocabulary.CATEGORIES`
    :param why: key of :data:`CLUES`
    """

    level: str
    category: str
    why: str


def suspect(field: FieldFacts) -> Suspicion | None:
    """Judge one field on its own.

    :return: the suspicion, None when nothing points to personal data
    """
    if field.name in MAGIC_LINKS:
        return None
    if field.type in ("many2one", "many2many", "one2many"):
        if field.type != "one2many" and field.comodel in PERSON_MODELS:
            return Suspicion("link", "link", "comodel")
        return Suspicion("link", "link", "inverse") if field.is_inverse else None
    if field.type in ("reference", "many2one_reference"):
        return Suspicion("link", "link", "reference")
    if field.type == "integer" and field.name in ("res_id", "record_id"):
        return Suspicion("link", "link", "reference")
    if field.type in ("boolean", "selection", "monetary") and not _is_personal_choice(field):
        return None
    if field.type == "binary" or field.type == "image":
        return Suspicion("content", "file", "type")
    if field.copy_of and field.type in TEXT_TYPES:
        return Suspicion("personal", field.copy_of, "copy")
    category = _category_of_name(field.name)
    if category in CONTENTS:
        return Suspicion("content", category, "name") if field.type in TEXT_TYPES else None
    if category and (field.type in TEXT_TYPES or _is_personal_value(field, category)):
        # a translated label such as "Email subject" is configuration, not somebody's data
        return None if field.translate else Suspicion("personal", category, "name")
    if field.type in ("text", "html", "json", "properties") and not field.translate:
        return Suspicion("content", "free_text", "type")
    return None


def suspect_model(
    fields: Iterable[FieldFacts], not_personal: Collection[str] = ()
) -> dict[str, Suspicion]:
    """Judge the stored fields of a model together.

    A bare ``name`` is suspected only beside somebody's email or phone, a number named like a
    record's only beside the name of a model.

    :param not_personal: fields known to hold no personal data, such as a business's own number
    :return: suspicions by field name
    """
    fields = list(fields)
    found = {}
    for field in fields:
        suspicion = suspect(field)
        if suspicion:
            found[field.name] = suspicion
        elif pair_of(field, fields):
            found[field.name] = Suspicion("link", "link", "pair")
    if any(
        # what is copied from a person is no sign that the row describes one
        suspicion.category in CONTACT_CATEGORIES and suspicion.why != "copy"
        for name, suspicion in found.items()
        if name not in not_personal
    ):
        for field in fields:
            if field.name == "name" and field.type == "char" and not field.translate:
                found.setdefault("name", Suspicion("personal", "name", "name"))
    return found


def pair_of(field: FieldFacts, fields: Iterable[FieldFacts]) -> str:
    """The field with the name of the model whose record an integer field names, ``""`` if none."""
    if field.type != "integer" or not _RECORD_ID.fullmatch(field.name):
        return ""
    names = [
        each.name
        for each in fields
        if _MODEL_NAME.fullmatch(each.name)
        and (each.type in ("char", "selection") or each.comodel == "ir.model")
    ]
    # "source_id" goes with "source_model", if there are several
    stem = field.name.removesuffix("_id")
    return next((name for name in names if name.startswith(stem)), names[0] if names else "")


def is_of_others(name: str) -> bool:
    """Whether a field, by its name, holds addresses of others than the row is about."""
    return bool(OF_OTHERS.search(name))


def _category_of_name(name: str) -> str | None:
    if name in NAMES:
        return NAMES[name]
    words = name.lower().lstrip("_").split("_")
    if words[-1] in SETTINGS_WORDS:
        return None
    while words and words[0] in ("x", "ajw"):
        words.pop(0)
    for start in range(len(words) - 1):
        pair = (words[start], words[start + 1])
        if pair in PHRASES:
            return PHRASES[pair]
        if pair[1] == "name" and pair[0] in PERSON_WORDS:
            return "name"
    present = set(words)
    if "id" in present or "ids" in present:
        # "mail_id" is a row, not an address
        present -= WORDS["email"] | WORDS["phone"] | WORDS["free_text"] | WORDS["file"]
    for category, vocabulary in WORDS.items():
        # contents are named by their last word: a "subject_ref" is not the subject of a message
        if (present & {words[-1]} if category in CONTENTS else present) & vocabulary:
            return category
    return None


def _is_personal_choice(field: FieldFacts) -> bool:
    words = set(field.name.split("_"))
    return field.type == "selection" and bool(words & {"gender", "sex", "marital"})


def _is_personal_value(field: FieldFacts, category: str) -> bool:
    if field.type in ("date", "datetime"):
        return bool(set(field.name.split("_")) & {"birthday", "birthdate", "birth"})
    if field.type in ("float", "integer"):
        return bool(set(field.name.split("_")) & {"latitude", "longitude", "phone", "mobile"})
    return field.type == "selection" and category == "identifier"
