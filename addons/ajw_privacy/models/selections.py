"""Choices that several models share."""

#: What a person can ask for: (key, label). All are accepted, whatever the law.
KINDS = [
    ("access", "Access"),
    ("portability", "Portability"),
    ("correction", "Correction"),
    ("deletion", "Deletion"),
    ("restriction", "Restriction"),
    ("objection", "Objection"),
    ("withdrawal", "Consent withdrawal"),
    ("nomination", "Nomination"),
    ("grievance", "Grievance"),
]

#: Kinds answered with data, or that change data: nobody gets that without showing who they are. A
#: "no" (objection, withdrawal) and a complaint need no proof: to insist on it would hinder them.
KINDS_TO_VERIFY = frozenset(
    {"access", "portability", "correction", "deletion", "restriction", "nomination"}
)

#: Kinds answered with a copy of the data.
KINDS_WITH_COPY = frozenset({"access", "portability"})

#: How sure it is what a law says.
CERTAINTIES = [
    ("text", "Text of the law seen"),
    ("secondary", "Looked up, second-hand"),
    ("unverified", "Not verified"),
]

STATES = [
    ("new", "New"),
    ("verifying", "Verifying"),
    ("progress", "In progress"),
    ("waiting", "Waiting"),
    ("answered", "Answered"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
]

OPEN_STATES = ("new", "verifying", "progress", "waiting")
CLOSED_STATES = ("answered", "refused", "withdrawn")
