"""A certificate of erasure for tests: of a person, with rows kept, and what it was made with."""

import importlib
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.plain.packages import load

engine = load("ajw_privacy", "engine").__name__
certificates = importlib.import_module(engine + ".certificate")
form = importlib.import_module(engine + ".certificate_form")

KEYS = {"k2": b"2" * 32, "k1": b"1" * 32}
PLANNED = datetime(2027, 6, 1, 9, 0, 0)
CONTENT = form.Content(
    database="5a0e7a4c-9d0f-11f1-8000-0242ac110002",
    controller=1,
    number=1,
    subject="d41d8cd98f00",
    kind="person",
    software="ajw_privacy 19.0.1.3.0",
    requested_by=7,
    approved_by=8,
    planned_at=PLANNED,
    approved_at=PLANNED + timedelta(hours=1),
    started_at=PLANNED + timedelta(hours=2),
    ended_at=PLANNED + timedelta(hours=2, minutes=1),
    places=(
        form.Place("res.partner", "email", "clear", 1),
        form.Place("mail.message", "body", "redact", 12),
        form.Place("bus.bus", "", "delete", 3),
    ),
    kept=(
        form.Kept("account.move", "", 4, "books", "HGB § 257(1) no. 1", date(2037, 12, 31)),
        form.Kept("mail.message", "body", 2, "hold", "", None, "hold"),
    ),
    scan=form.Scan(
        PLANNED + timedelta(hours=3),
        604,
        5210,
        31,
        2,
        kinds=(form.FileKind("text", 11), form.FileKind("pdf", 20)),
        unread=(form.Unread("encrypted", 1), form.Unread("picture", 1)),
    ),
    unattributed=(form.Unattributed("project.task", "description", 14),),
    books=(form.Books(1, 3, True),),
)
DATA = certificates.issue(CONTENT, certificates.GENESIS, KEYS)
#: A certificate of the first version, as it was issued then with the same keys.
DATA_1 = Path(__file__).with_name("certificate_1.json").read_bytes().rstrip()
