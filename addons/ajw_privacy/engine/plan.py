"""What an erasure does with a field, by whose the row is: decided here, without a database.

* A row that is the person's **own**: what the data map says counts for the whole value.
* A row **shared** with others, or one that only names the person in a **text**: no row is deleted
  and no value emptied; the person's identifiers are taken out of it.
* What the map does not know is not left alone: its text is redacted, and the scan looks at it.
"""

from __future__ import annotations

from typing import NamedTuple

from .accounts import TOKENS
from .classify import is_of_others
from .graph import KEPT, OWN, SHARED
from .guard import is_protected_field

#: What is done in a place: (key, label).
ACTIONS = (
    ("delete", "Delete the rows"),
    ("unlink", "Take the person off"),
    ("file", "Delete the files"),
    ("clear", "Empty the field"),
    ("pseudonymise", "Put a pseudonym"),
    ("redact", "Redact known identifiers"),
    ("stay", "The link stays, the person is pseudonymous"),
    ("keep", "Keep"),
    ("leave", "Leave alone: may be somebody else's"),
)
#: Actions that change something.
WORKING = frozenset({"delete", "unlink", "file", "clear", "pseudonymise", "redact"})
#: In which order places of one model are worked through: rows that go need nothing else.
ORDER = ("delete", "unlink", "file", "clear", "redact", "pseudonymise")

TEXT_TYPES = frozenset({"char", "text", "html", "json", "properties"})
LINK_TYPES = frozenset({"many2one", "many2one_reference", "reference", "many2many"})
FILE_TYPES = frozenset({"binary", "image"})

#: Parts of Odoo whose texts are its settings and code: nobody's data is redacted there unless the
#: map says so, because a view or a rule with a hole in it stops the database. The scan looks.
_SETTINGS = (
    "ir.actions", "ir.asset", "ir.config_parameter", "ir.cron", "ir.model", "ir.module", "ir.rule",
    "ir.sequence", "ir.ui", "ir.mail_server", "ir.demo", "ir.embedded", "ir.access", "res.groups",
    "res.lang", "res.currency", "res.country", "res.company", "res.config", "base.language",
    "base.module", "report.", "web_tour.", "theme.", "website.page", "website.menu",
)  # fmt: skip
#: Models whose rows seal something, so that only what they declare is touched.
_SEALED = (
    "ajw.consent.", "ajw.privacy.", "account.move.line", "account.lock", "account.account",
    "account.journal", "account.tax",
)  # fmt: skip


#: Columns that find a file, a record or a right again: what looks like a number there is none.
_TECHNICAL = frozenset(
    {
        "access_token", "checksum", "mimetype", "model", "model_name", "res_field", "res_model",
        "store_fname", "token", "uuid",
    }
)  # fmt: skip


class Field(NamedTuple):
    """What the registry and the data map know of a field.

    :param type: Odoo's field type
    :param in_table: whether the model's table has a column of this name
    :param as_json: whether the column holds the value as JSON (translated, company-dependent)
    :param required: whether the column may not be empty
    :param category: key of the data map, ``""`` if it is not classified
    :param erase: key of the data map, ``""`` if it is not classified
    :param law: article that asks for keeping it
    :param reason: why it is kept
    :param role: what the data map says of it, see :mod:`.roles`
    :param duty: codes of the duties that ask for keeping it, separated by spaces
    """

    model: str
    name: str
    type: str
    in_table: bool = True
    as_json: bool = False
    required: bool = False
    category: str = ""
    erase: str = ""
    law: str = ""
    reason: str = ""
    role: str = ""
    duty: str = ""


def is_searched(field: Field) -> bool:
    """Whether the person's identifiers are looked for in the field."""
    if field.type not in TEXT_TYPES or not field.in_table or field.erase == "none":
        return False
    if field.erase:
        return True
    if field.name in _TECHNICAL or is_protected_field(field.model, field.name):
        return False
    return not field.model.startswith((*_SETTINGS, *_SEALED))


def deletes_rows(fields: list[Field]) -> bool:
    """Whether a row that is the person's own goes as a whole."""
    erasures = {field.erase for field in fields}
    return "delete" in erasures and "keep" not in erasures


def decide(field: Field, ownership: int) -> str | None:
    """What is done with a field of a row that stays.

    :param ownership: ``OWN``, ``SHARED`` or ``TEXT`` of :mod:`.graph`
    :return: key of :data:`ACTIONS`, None: nothing is to be done and nothing to be said
    """
    if ownership == OWN and field.name in TOKENS and field.type == "char" and field.in_table:
        # it opens a document of theirs to whoever has the link, whatever the map says of it
        return "pseudonymise" if field.required else "clear"
    if field.erase == "none" or field.type == "one2many":
        return None
    if field.erase == "keep":
        return _decide_kept(field, ownership)
    if field.type in LINK_TYPES:
        return _decide_link(field, ownership)
    if ownership != OWN:
        return "redact" if is_searched(field) else None
    return _decide_own(field)


def _decide_kept(field: Field, ownership: int) -> str | None:
    """Texts are kept where they name the person, whoever's they are; values on their own rows."""
    if field.type in TEXT_TYPES:
        return "keep" if field.in_table else None
    if field.type in ("many2one_reference", "reference"):
        return None  # says where a row belongs, and of the person nothing
    if ownership != OWN or field.type == "many2many":
        return None
    return "keep" if field.in_table or field.type in FILE_TYPES else None


def _decide_link(field: Field, ownership: int) -> str | None:
    if field.type in ("many2one_reference", "reference"):
        return None
    removes = field.erase in ("delete", "clear")
    if field.type == "many2many":
        return "unlink" if removes else "stay"
    if removes and ownership == OWN and field.in_table and not field.required:
        return "clear"
    return "stay" if field.in_table else None


def _decide_own(field: Field) -> str | None:
    if field.type in FILE_TYPES and not field.in_table:
        return "file" if field.erase in ("delete", "clear", "redact", "pseudonymise") else None
    if not field.in_table:
        return None
    if field.type in TEXT_TYPES:
        if is_of_others(field.name) and field.erase in ("clear", "delete"):
            return "redact"  # a list in which others stand as well
        if field.erase == "pseudonymise" and not field.as_json:
            return "pseudonymise"
        if field.erase in ("clear", "delete", "pseudonymise"):
            return "clear"
        return "redact" if is_searched(field) else None
    return "clear" if field.erase in ("clear", "delete", "pseudonymise") else None


def writing(field: Field) -> str:
    """How identifiers stand in the field: ``json``, ``html``, ``list`` (of addresses), ``text``."""
    if field.as_json or field.type in ("json", "properties"):
        return "json"
    if field.type == "html":
        return "html"
    if field.type in ("char", "text") and (
        is_of_others(field.name)
        # where a pseudonym is to stand, the value must not become empty
        or (field.category == "email" and field.erase not in ("", "pseudonymise"))
    ):
        return "list"
    return "text"


def uses_weak(ownership: int) -> bool:
    """Whether identifiers that others hold as well are taken out, too."""
    return ownership in (OWN, SHARED, KEPT)
