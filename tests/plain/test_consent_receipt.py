"""The receipt of an answer: the fields of ISO/IEC TS 27560, DPV identifiers, and the ledger's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load_module

receipts = load_module("ajw_consent", "ledger/receipt.py")

NOW = datetime(2026, 11, 22, 10, 30)
#: Section → field → type, as the guide of the vocabulary's group lists them.
SCHEMA = {
    "": {
        "schema_version": str,
        "receipt_id": str,
        "record_id": str,
        "pii_principal_id": str,
        "@context": dict,
        "@type": str,
        "dct:conformsTo": str,
        "dpv:hasConsentStatus": str,
        "dpv:hasDataController": str,
        "dpv:hasDataSubject": str,
    },
    "pii_processing": {
        "privacy_notice": (str, type(None)),
        "language": (str, type(None)),
        "purposes": list,
    },
    "event": {
        "event_time": str,
        "validity_duration": str,
        "entity_id": str,
        "event_type": str,
        "event_state": str,
    },
    "x_ledger": {
        "uuid": str,
        "sequence": int,
        "hash_algorithm": str,
        "hash_version": int,
        "previous_hash": str,
        "hash": str,
    },
}
PURPOSE = {
    "purpose": str,
    "purpose_type": str,
    "lawful_basis": str,
    "pii_information": list,
    "pii_controllers": list,
    "collection_method": str,
    "processing_method": str,
    "recipient_third_parties": list,
    "retention_period": str,
    "withdrawal_method": (str, type(None)),
    "privacy_rights": (str, type(None)),
}
PARTY = {"party_id": str, "party_role": str, "party_type": str, "party_name": str}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def answer(**values):
    values = {
        "uuid": "0f0e9bd5-98a4-4f5e-a7c6-0a3bb1ac3c2e",
        "subject": "5b1e6e5c-28e0-4f8f-8f63-8c9f3e1f0f7d",
        "kind": "given",
        "method": "portal",
        "purpose_code": "invoice",
        "purpose": "Invoices",
        "description": "Your invoices, as a PDF.",
        "legal_basis": "contract",
        "is_marketing": False,
        "channel": "whatsapp",
        "address": "+919876543210",
        "occurred_at": NOW,
        "recorded_at": NOW,
        "expires_at": None,
        "sequence": 1,
        "hash_version": 2,
        "prev_hash": "0" * 64,
        "hash": "a" * 64,
        **values,
    }
    return receipts.Answer(**values)


PARTY_OF = receipts.Party("https://shop.example#company-1", "The Shop", email="desk@shop.example")
WORDING = receipts.Wording(digest="b" * 64, version=3, language="en-US", title="T", body="B")


def build(**values):
    return receipts.receipt(answer(**values), PARTY_OF, WORDING, NOW)


def check(document, schema):
    for field, kind in schema.items():
        assert field in document, field
        assert isinstance(document[field], kind), field


@pytest.mark.parametrize("kind", sorted(receipts.EVENTS))
def test_every_kind_has_the_fields_of_the_standard(kind):
    document = build(kind=kind)
    for section, schema in SCHEMA.items():
        check(document[section] if section else document, schema)
    (purpose,) = document["pii_processing"]["purposes"]
    check(purpose, PURPOSE)
    (party,) = document["party_identification"]
    check(party, PARTY)
    assert party["party_id"] in purpose["pii_controllers"]
    assert json.loads(json.dumps(document)) == document
    assert document["dpv:hasConsentStatus"].startswith("dpv:")
    assert TIME.fullmatch(document["event"]["event_time"])


def test_every_field_of_ours_says_so():
    known = {*SCHEMA[""], "@id", *SCHEMA, "party_identification"}
    assert {name for name in build() if name not in known and not name.startswith("x_")} == set()


def test_the_prefixes_used_are_declared():
    document = build(purpose_code="marketing", is_marketing=True)
    used = set(re.findall(r'"([a-z]+):[A-Za-z]', json.dumps(document))) - {
        "https",
        "urn",
        "messages",
    }
    assert used <= set(document["@context"]), used


def test_an_opt_in_that_waits_is_not_told_as_given():
    document = build(kind="unconfirmed")
    assert document["event"]["event_state"] == "pending_confirmation"
    assert document["dpv:hasConsentStatus"] != "dpv:ConsentGiven"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="No receipt"):
        build(kind="forgotten")


def test_without_wording_nothing_is_made_up():
    document = receipts.receipt(answer(), PARTY_OF, receipts.Wording(), NOW)
    assert document["pii_processing"]["x_notice"] is None
    assert document["pii_processing"]["privacy_notice"] is None


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(-12, 14),
    st.text(max_size=40),
)
def test_times_are_utc_and_texts_survive(moment, offset, text):
    aware = moment.replace(tzinfo=timezone(timedelta(hours=offset)))
    document = build(occurred_at=aware, purpose=text, expires_at=moment)
    told = datetime.strptime(document["event"]["event_time"], "%Y-%m-%dT%H:%M:%SZ")
    assert told.replace(tzinfo=UTC) == aware.replace(microsecond=0)
    again = json.loads(json.dumps(document))
    assert again["pii_processing"]["purposes"][0]["purpose"] == text
