"""Selections that several models and the engine share."""

MESSAGE_STATES = [
    ("preparing", "PDF is being made"),
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("accepted", "Accepted by Meta"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("read", "Read"),
    ("failed", "Failed"),
    ("uncertain", "Uncertain"),
    ("refused", "Refused"),
    ("cancelled", "Cancelled"),
    ("received", "Received"),
]

#: States in which a message has left and nobody knows yet whether it arrives.
ON_ITS_WAY_STATES = ("preparing", "queued", "sending", "accepted", "uncertain")

#: States in which a message has not left yet and can still be taken back.
WAITING_STATES = ("preparing", "queued")

#: States in which the sender still has something to do.
QUEUE_STATES = (*WAITING_STATES, "sending")

#: States that say that a message went out for certain.
ARRIVED_STATES = ("sent", "delivered", "read")

#: States in which a second message for the same document, purpose, number and occasion is the same
#: message: the business key is unique over them. Only what never went out leaves its place free.
ACTIVE_STATES = (*ON_ITS_WAY_STATES, *ARRIVED_STATES)

#: States after which an uploaded document is of no more use. Uncertain is none of them.
FINAL_STATES = ("delivered", "read", "failed", "refused", "cancelled")

#: How far a message is known to have come. A report moves it only upwards, so the order in which
#: reports arrive makes no difference. ``failed`` stands above ``sent`` (a late "sent" does not hide
#: a failure) and below ``delivered`` (what has arrived has not failed).
STATE_RANK = {
    "preparing": 0,
    "queued": 0,
    "cancelled": 0,
    "refused": 0,
    "sending": 1,
    "uncertain": 2,
    "accepted": 3,
    "sent": 4,
    "failed": 5,
    "delivered": 6,
    "read": 7,
}

TEMPLATE_CATEGORIES = [
    ("UTILITY", "Utility"),
    ("MARKETING", "Marketing"),
    ("AUTHENTICATION", "Authentication"),
]

#: Meta's own words in capitals; DRAFT is ours (never submitted), UNKNOWN is for words Meta adds.
TEMPLATE_STATUSES = [
    ("DRAFT", "Draft"),
    ("PENDING", "In review"),
    ("APPROVED", "Approved"),
    ("REJECTED", "Rejected"),
    ("PAUSED", "Paused"),
    ("DISABLED", "Disabled"),
    ("IN_APPEAL", "In appeal"),
    ("FLAGGED", "Flagged"),
    ("REINSTATED", "Reinstated"),
    ("LIMIT_EXCEEDED", "Limit exceeded"),
    ("PENDING_DELETION", "Being deleted"),
    ("DELETED", "Deleted"),
    ("LOCKED", "Locked"),
    ("ARCHIVED", "Archived by Meta"),
    ("UNARCHIVED", "Unarchived"),
    ("UNKNOWN", "Unknown"),
]

#: Statuses in which Meta lets a template be sent.
SENDABLE_STATUSES = ("APPROVED", "REINSTATED", "FLAGGED", "UNARCHIVED")

DOCUMENT_MODELS = [("account.move", "Invoice"), ("sale.order", "Sales order")]
