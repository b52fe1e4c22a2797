"""Errors in the shape of Meta's Graph API.

Source: Meta, "Error codes" of the WhatsApp Cloud API and "Handling errors" of the Graph API.
"""

import base64
import os
from dataclasses import dataclass

# code: (HTTP status, title). Clients should key on the code, never on the HTTP status.
CODES = {
    0: (401, "Authentication Error"),
    1: (500, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    3: (500, "Application does not have the capability to make this API call"),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    104: (400, "An access token is required to request this resource."),
    190: (401, "Invalid OAuth access token"),
    200: (403, "Permissions error"),
    368: (403, "Temporarily blocked for policies violations"),
    2200: (400, "Callback verification failed"),
    2500: (400, "Unknown path components"),
    80007: (400, "Rate limit issues"),
    130429: (429, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country."),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval needed before message can be sent"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (
        400,
        "This message was not delivered to maintain healthy ecosystem engagement.",
    ),
    131050: (
        400,
        "Unable to deliver the message. This recipient has chosen to stop receiving "
        "marketing messages on WhatsApp from your business",
    ),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped user id recipients are not supported for this message"),
    131063: (403, "Business account cannot send messages"),
    131064: (400, "Message held for review"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Template component missing"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "There was an issue with the parameters in your template"),
    133005: (400, "Two-step verification PIN mismatch"),
    133010: (400, "Phone number not registered"),
    133016: (400, "Account register deregister rate limit exceeded"),
    135000: (400, "Generic user error"),
}

UNKNOWN_OBJECT_SUBCODE = 33
TOKEN_EXPIRED_SUBCODE = 463


def trace_id():
    """Return a random identifier as in Meta's `fbtrace_id`."""
    return "A" + base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


@dataclass
class MetaError(Exception):
    """A refused call.

    :param code: Meta's error code.
    :param details: text for `error_data.details` (messaging errors), or None.
    :param message: replaces the title of `CODES`.
    :param subcode: `error_subcode`, or None.
    :param status: HTTP status; by default the one of `CODES`.
    :param type: Meta's exception type.
    :param headers: extra response headers (e.g. `Retry-After`).
    :param user_title: `error_user_title`, for errors shown to a person (templates).
    :param user_message: `error_user_msg`.
    """

    code: int
    details: str | None = None
    message: str | None = None
    subcode: int | None = None
    status: int | None = None
    type: str = "OAuthException"
    headers: dict | None = None
    user_title: str | None = None
    user_message: str | None = None

    def __post_init__(self):
        known_status, title = CODES.get(self.code, (400, "An error occurred"))
        self.http_status = self.status or known_status
        self.title = title

    def body(self):
        """Return the JSON-able answer."""
        error = {
            "message": self.message or f"(#{self.code}) {self.title}",
            "type": self.type,
            "code": self.code,
        }
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.user_title is not None:
            error["is_transient"] = False
            error["error_user_title"] = self.user_title
            error["error_user_msg"] = self.user_message or ""
        error["fbtrace_id"] = trace_id()
        return {"error": error}


def status_error(code, details=None):
    """Return the `errors` item of a `failed` status webhook."""
    title = CODES.get(code, (400, "An error occurred"))[1]
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def unknown_object(method, object_id):
    """Return the error for an object that does not exist or that the token may not see."""
    return MetaError(
        100,
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, "
            "cannot be loaded due to missing permissions, or does not support this operation. "
            "Please read the Graph API documentation at "
            "https://developers.facebook.com/docs/graph-api"
        ),
        subcode=UNKNOWN_OBJECT_SUBCODE,
        type="GraphMethodException",
    )


def required(name):
    """Return the error for a missing parameter."""
    return MetaError(100, message=f"(#100) The parameter {name} is required.")


def invalid(details):
    """Return the error for a parameter of the wrong form."""
    return MetaError(100, details=details)


def nonexisting_field(field, node_type):
    """Return the error for a field or edge that a node does not have."""
    return MetaError(
        100,
        message=f"(#100) Tried accessing nonexisting field ({field}) on node type ({node_type})",
    )
