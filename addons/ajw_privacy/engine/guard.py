"""What a retention policy may never touch, whatever an officer configures.

A policy writes below the access rules. Emptying the domain of a record rule or somebody's second
factor would be a way to rights nobody granted; emptying a posted entry or a hash would falsify the
books. So the machinery of Odoo, the books, and everything that proves something are out of reach.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import roles, vocabulary

#: Prefixes of models that hold rights, settings, code, or proof.
MACHINERY_PREFIXES = (
    "ir.",
    "res.groups",
    "res.users",
    "res.config",
    "res.company",
    "base.",
    "auth.",
    "auth_",
    "ajw.consent.",
    "ajw.privacy.",
)

#: Prefixes of models that are the books, or what the books and their audit trail rest on. How long
#: those are kept is a matter of law, and their entries are chained by hashes.
BOOKS_PREFIXES = (
    "account.",
    "account_",
    "payment.",
    "pos.",
    "stock.",
    "product.value",
    "l10n_",
    "mail.tracking.value",
)

#: Models under such a prefix that hold content all the same.
CONTENT_MODELS = frozenset(
    {
        "ir.attachment", "ir.logging", "res.users.log", "ajw.consent.confirmation",
        "ajw.consent.invitation", "ajw.consent.preference.link", "ajw.privacy.verification",
        "ajw.privacy.package", "ajw.privacy.prior.notice",
    }
)  # fmt: skip

#: The only fields of a model a policy may empty, where the others say what the row belongs to.
ONLY_FIELDS = {"ir.attachment": frozenset({"description", "index_content"})}

#: Fields without which a row proves nothing or belongs to nothing.
PROTECTED_FIELDS = {
    "mail.message": frozenset({"model", "res_id", "message_id", "parent_id", "date"}),
    "ajw.whatsapp.message": frozenset({"consent_event_id", "callback_ref", "state", "res_model"}),
}

#: Digests of what was given away to be answered with: they seal nothing, and expire.
EXPIRING_FIELDS = {
    "ajw.consent.confirmation": frozenset({"token_hash", "code_hash"}),
    "ajw.consent.invitation": frozenset({"token_hash", "code_hash"}),
    "ajw.consent.preference.link": frozenset({"token_hash"}),
}

#: Names of fields that seal other fields, wherever they stand.
PROOF_NAME = re.compile(r"hash|secure_sequence|(^|_)(checksum|digest|hmac|inalterable)(_|$)")

#: Types of fields whose column can be set to NULL without changing what other rows mean.
EMPTIABLE_TYPES = frozenset(
    {
        "char", "text", "html", "json", "date", "datetime", "integer", "float", "many2one",
        "reference", "many2one_reference",
    }
)  # fmt: skip

#: Of our own models only wording goes: links, dates and states are the record of what was done.
OWN_EMPTIABLE_TYPES = frozenset({"char", "text", "html", "json"})
OWN_PREFIX = "ajw."


def is_machinery(model_name: str) -> bool:
    """Whether the model carries rights, settings, code or proof rather than content."""
    if model_name in CONTENT_MODELS:
        return False
    return model_name.startswith(MACHINERY_PREFIXES)


def is_out_of_reach(model_name: str) -> bool:
    """Whether no policy may touch rows of the model: machinery, the books, or proof."""
    return is_machinery(model_name) or model_name.startswith(BOOKS_PREFIXES)


def is_proof(model_name: str) -> bool:
    """Whether rows of the model are the books or proof, so that a link to them has to stay."""
    return model_name.startswith((*BOOKS_PREFIXES, "ajw.consent."))


def is_protected_field(model_name: str, field_name: str) -> bool:
    """Whether the field seals, proves or anchors its row, so that it is never emptied."""
    if field_name not in ONLY_FIELDS.get(model_name, (field_name,)):
        return True
    if field_name in PROTECTED_FIELDS.get(model_name, ()):
        return True
    if field_name in EXPIRING_FIELDS.get(model_name, ()):
        return False
    return bool(PROOF_NAME.search(field_name))


def may_delete_rows(model_name: str, entries: Mapping[str, tuple[vocabulary.Entry, str]]) -> bool:
    """Whether the data map allows whole rows of a model to be deleted by age.

    It has to say *Delete the row* of at least one field, on erasure or by age, and of none that it
    has to survive. Of our own models only the app's declaration counts. A list of addresses is for
    as long as they are on it: there the map has to name the age.

    :param entries: field name → (classification, source key), as the data map gives them
    """
    return not has_to_stay(entries) and any(
        (entry.age == "delete" or (entry.erase == "delete" and not _is_list(entry)))
        and (source == "declaration" or not model_name.startswith(OWN_PREFIX))
        for entry, source in entries.values()
        if source != "rule"
    )


def has_to_stay(entries: Mapping[str, tuple[vocabulary.Entry, str]]) -> bool:
    """Whether the data map wants something of a row to survive.

    Where it lets rows go by age, what an erasure would leave of them goes as well, but for what is
    kept, and what an officer wants to survive.

    :param entries: field name → (classification, source key), as the data map gives them
    """
    goes_by_age = any(entry.age == "delete" for entry, _source in entries.values())
    return any(
        vocabulary.SURVIVES[entry.erase] > 1 and entry.erase != "none"
        for entry, source in entries.values()
        if source != "rule" and (not goes_by_age or entry.erase == "keep" or source == "override")
    )


def may_empty(entry: vocabulary.Entry) -> bool:
    """Whether the data map allows a field to be emptied by age."""
    return entry.age == "clear" or entry.erase in vocabulary.EMPTIABLE


def may_pseudonymise(entry: vocabulary.Entry) -> bool:
    """Whether the data map allows a text to be replaced by a random word by age.

    Nothing less survives than where the field may be emptied, so that is enough.
    """
    return may_empty(entry) or entry.erase == "pseudonymise"


#: What a person goes by, and what they are reached at.
_CALLED = frozenset({"name"})
_REACHED = frozenset({"email", "phone"})


def is_about_people(entries: Mapping[str, tuple[vocabulary.Entry, str]]) -> bool:
    """Whether rows of a model are people: they have a name, and an address or number.

    :param entries: field name → (classification, source key), as the data map gives them
    """
    found = {entry.category for entry, _source in entries.values()}
    return bool(found & _CALLED and found & _REACHED)


def _is_list(entry: vocabulary.Entry) -> bool:
    return roles.parse(entry.role).text == "value"


def emptiable_types(model_name: str) -> frozenset[str]:
    """The field types a policy may empty on the model."""
    return OWN_EMPTIABLE_TYPES if model_name.startswith(OWN_PREFIX) else EMPTIABLE_TYPES
