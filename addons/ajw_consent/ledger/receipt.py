"""The receipt of one answer: a copy of its record, for the person and for machines.

Field names are those of ISO/IEC TS 27560:2023 (consent record information structure): record
header, PII processing with its purposes and PII information, party identification, event. The
standard fixes the names and leaves the arrangement open; everything of ours starts with ``x_``.
Beside them stand identifiers of the W3C community group's Data Privacy Vocabulary (DPV 2) and its
guide *Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV* (w3id.org/dpv), as
JSON-LD: a reader who knows either finds the same facts. The names of the standard were taken from
that guide and from published implementations of it, not from the ISO text.
"""

from datetime import UTC, datetime
from typing import NamedTuple

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"
CONFORMS_TO = "https://w3id.org/dpv/schema/dpv-27560#receipt"
CONTEXT = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "schema": "https://schema.org/",
}
#: Kind of an event → DPV consent status, event type and state of the standard.
EVENTS = {
    "given": ("dpv:ConsentGiven", "consent_given", "active"),
    "unconfirmed": ("dpv:ConsentRequested", "consent_given", "pending_confirmation"),
    "confirmed": ("dpv:ConsentGiven", "consent_confirmed", "active"),
    "renewed": ("dpv:RenewedConsentGiven", "consent_renewed", "active"),
    "refused": ("dpv:ConsentRefused", "consent_refused", "refused"),
    "withdrawn": ("dpv:ConsentWithdrawn", "consent_withdrawn", "withdrawn"),
    "expired": ("dpv:ConsentExpired", "consent_expired", "expired"),
    "suspended": ("dpv:ConsentInvalidated", "consent_suspended", "suspended"),
}
#: Legal basis of a purpose → DPV identifier.
BASES = {
    "consent": "dpv:Consent",
    "contract": "dpv:Contract",
    "legitimate_interest": "dpv:LegitimateInterest",
    "legal_obligation": "dpv:LegalObligation",
}
#: Code of a purpose → the nearest DPV purpose; another one is communication with the customer.
PURPOSES = {
    "invoice": "dpv:PaymentManagement",
    "order": "dpv:CustomerOrderManagement",
    "reminder": "dpv:PaymentManagement",
    "service": "dpv:CustomerCare",
    "marketing": "dpv:DirectMarketing",
}
OTHER_PURPOSE = "dpv:CommunicationForCustomerCare"
#: Channel → DPV personal data (extension PD) that it takes.
PERSONAL_DATA = {
    "whatsapp": "pd:TelephoneNumber",
    "sms": "pd:TelephoneNumber",
    "phone": "pd:TelephoneNumber",
    "email": "pd:EmailAddress",
    "post": "pd:PhysicalAddress",
}


class Party(NamedTuple):
    """The business that the answer was given to; texts, empty where unknown."""

    identifier: str
    name: str
    email: str = ""
    phone: str = ""
    url: str = ""
    address: str = ""
    country: str = ""


class Wording(NamedTuple):
    """The notice that the person saw, or that is named as not shown when all are empty."""

    digest: str = ""
    version: int = 0
    language: str = ""
    title: str = ""
    body: str = ""
    contact: str = ""
    recipients: str = ""
    transfer: str = ""
    how_to_withdraw: str = ""
    how_to_complain: str = ""
    published_at: datetime | None = None
    url: str = ""


class Answer(NamedTuple):
    """One event of the ledger as a receipt tells it.

    :param kind: ``given``, ``unconfirmed`` (given, to be confirmed), ``confirmed``, …
    :param method: how it was captured (key)
    :param purpose_code: code of the purpose; ``purpose`` and ``description`` are its texts
    :param legal_basis: key of the purpose's legal basis
    :param occurred_at: naive UTC; likewise ``recorded_at`` and ``expires_at`` (or ``None``)
    :param address: the number or address it is about, ``""`` when it was erased or is every one
    :param given_by: ``self`` or ``guardian``
    """

    uuid: str
    subject: str
    kind: str
    method: str
    purpose_code: str
    purpose: str
    description: str
    legal_basis: str
    is_marketing: bool
    channel: str
    address: str
    occurred_at: datetime
    recorded_at: datetime
    expires_at: datetime | None
    sequence: int
    hash_version: int
    prev_hash: str
    hash: str
    given_by: str = "self"


def _time(value):
    """``2026-01-31T09:30:00Z``; naive values are UTC."""
    if not value:
        return None
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def receipt(answer, party, wording, issued_at):
    """Return the receipt of an answer, ready for ``json.dumps``.

    :param Answer answer: the event
    :param Party party: the controller
    :param Wording wording: what the person saw
    :param datetime issued_at: now, naive UTC
    :rtype: dict
    :raises ValueError: the kind of the event is not one that a receipt tells
    """
    if answer.kind not in EVENTS:
        raise ValueError(f"No receipt tells of {answer.kind}")
    status, event_type, event_state = EVENTS[answer.kind]
    dpv_purpose = PURPOSES.get(
        answer.purpose_code, "dpv:Marketing" if answer.is_marketing else OTHER_PURPOSE
    )
    personal_data = PERSONAL_DATA.get(answer.channel, "dpv:PersonalData")
    return {
        "@context": CONTEXT,
        "@type": "dpv:ConsentReceipt",
        "@id": f"urn:uuid:{answer.uuid}",
        "dct:conformsTo": CONFORMS_TO,
        # Record header
        "schema_version": SCHEMA_VERSION,
        "receipt_id": answer.uuid,
        "record_id": answer.uuid,
        "pii_principal_id": answer.subject,
        "x_issued_at": _time(issued_at),
        "dpv:hasDataSubject": f"urn:uuid:{answer.subject}",
        "dpv:hasDataController": party.identifier,
        "dpv:hasConsentStatus": status,
        # PII processing
        "pii_processing": {
            "privacy_notice": wording.url or wording.digest or None,
            "language": wording.language or None,
            "x_notice": _notice(wording),
            "purposes": [
                {
                    "purpose": answer.purpose,
                    "x_purpose_code": answer.purpose_code,
                    "x_purpose_description": answer.description or None,
                    "purpose_type": dpv_purpose,
                    # What the person's answer is; the business may have another basis beside it.
                    "lawful_basis": "dpv:Consent",
                    "x_basis_of_the_purpose": BASES.get(answer.legal_basis),
                    "pii_information": [
                        {
                            "pii_type": personal_data,
                            "x_value": answer.address or None,
                            "pii_optional": True,
                            "sensitive_pii_category": False,
                        }
                    ],
                    "pii_controllers": [party.identifier],
                    "collection_method": answer.method,
                    "processing_method": f"messages:{answer.channel}",
                    "recipient_third_parties": [wording.recipients] if wording.recipients else [],
                    "x_transfer_and_safeguard": wording.transfer or None,
                    "retention_period": _time(answer.expires_at) or "until withdrawn",
                    "withdrawal_method": wording.how_to_withdraw or None,
                    "privacy_rights": wording.how_to_complain or None,
                    "dpv:hasPurpose": dpv_purpose,
                    "dpv:hasPersonalData": personal_data,
                    "dpv:hasLegalBasis": "dpv:Consent",
                }
            ],
        },
        # Party identification
        "party_identification": [
            {
                "party_id": party.identifier,
                "party_role": "PII controller",
                "party_type": "dpv:DataController",
                "party_name": party.name,
                "party_address": party.address or None,
                "party_country": party.country or None,
                "party_email": party.email or None,
                "party_phone": party.phone or None,
                "party_url": party.url or None,
                "party_contact": wording.contact or party.email or None,
            }
        ],
        # Event
        "event": {
            "event_time": _time(answer.occurred_at),
            "validity_duration": _time(answer.expires_at) or "until withdrawn",
            "entity_id": answer.subject,
            "event_type": event_type,
            "event_state": event_state,
            "x_recorded_at": _time(answer.recorded_at),
            "x_given_by": answer.given_by,
        },
        # What it is checked against
        "x_ledger": {
            "uuid": answer.uuid,
            "sequence": answer.sequence,
            "hash_algorithm": "SHA-256",
            "hash_version": answer.hash_version,
            "previous_hash": answer.prev_hash,
            "hash": answer.hash,
        },
    }


def _notice(wording):
    if not wording.digest:
        return None
    return {
        "title": wording.title,
        "version": wording.version,
        "published_at": _time(wording.published_at),
        "text": wording.body,
        "digest_sha256": wording.digest,
        "@type": "dpv:ConsentNotice",
    }
