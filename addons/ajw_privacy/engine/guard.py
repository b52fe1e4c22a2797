"""What a retention policy may never touch, whatever an officer configures.

A policy writes below the access rules. Emptying the domain of a record rule or somebody's second
factor would be a way to rights nobody granted, so the machinery of Odoo is out of its reach.
"""

from __future__ import annotations

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

#: Models under such a prefix that hold content all the same.
CONTENT_MODELS = frozenset({"ir.attachment", "ir.logging", "res.users.log"})

#: Types of fields whose column can be set to NULL without changing what other rows mean.
EMPTIABLE_TYPES = frozenset(
    {
        "char", "text", "html", "json", "date", "datetime", "integer", "float", "many2one",
        "reference", "many2one_reference",
    }
)  # fmt: skip


def is_machinery(model_name: str) -> bool:
    """Whether the model carries rights, settings, code or proof rather than content."""
    if model_name in CONTENT_MODELS:
        return False
    return model_name.startswith(MACHINERY_PREFIXES)
