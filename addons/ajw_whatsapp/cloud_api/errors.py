"""What can go wrong with a call of the Cloud API, and what it means for a message.

Source: Meta, "Error codes" of the WhatsApp Cloud API; the classes are this project's judgement. The
code decides, never the HTTP status or the subcode (Meta's own advice).
"""

# Classes of errors.
RETRY = "retry"  # passes by itself: try again with growing pauses
HOLD = "hold"  # Meta holds messages to this person back: try again after a day
OPT_OUT = "opt_out"  # the person told Meta to stop marketing from this business
FIX_ADDRESS = "fix_address"  # this number cannot be reached on WhatsApp
NEEDS_TEMPLATE = "needs_template"  # outside the 24 h window only templates may be sent
FIX_TEMPLATE = "fix_template"  # the template or its variables are at fault
FIX_REQUEST = "fix_request"  # the call itself is at fault
STOP_ACCOUNT = "stop_account"  # nothing of this account will go through until a person acts
NEVER = "never"  # Meta will not deliver it, and must not be asked again

ERROR_CLASSES = {
    **dict.fromkeys((1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057), RETRY),
    **dict.fromkeys((131048, 131049, 131064), HOLD),
    131050: OPT_OUT,
    **dict.fromkeys((131021, 131026, 131030, 131062), FIX_ADDRESS),
    131047: NEEDS_TEMPLATE,
    **dict.fromkeys(
        (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018), FIX_TEMPLATE
    ),
    **dict.fromkeys((100, 131008, 131009, 131051, 131052, 131053), FIX_REQUEST),
    **dict.fromkeys(
        (0, 10, 190, 368, 130497, 131005, 131031, 131037, 131042, 131045, 131063, 133010),
        STOP_ACCOUNT,
    ),
    130472: NEVER,
}

#: Errors that concern the whole number: what follows in the same run would only add to them.
THROTTLE_CODES = frozenset((4, 80007, 130429, 131057))

#: Errors after which an uploaded file cannot be used again.
MEDIA_CODES = frozenset((131052, 131053))

#: Code of an answer about something that does not exist (any more).
UNKNOWN_OBJECT = 100

TOKEN_EXPIRED_SUBCODE = 463


def classify(code, http_status=None):
    """Return the class of an error.

    :param int code: Meta's error code; ``None`` when the answer was not Meta's
    :param int http_status: decides only when there is no code
    :rtype: str
    """
    if code in ERROR_CLASSES:
        return ERROR_CLASSES[code]
    if code is not None and 200 <= code <= 299:  # permissions, each with a code of its own
        return STOP_ACCOUNT
    if code is None and (http_status == 429 or (http_status or 0) >= 500):
        return RETRY
    return FIX_REQUEST


class CloudApiError(Exception):
    """Meta answered, and refused.

    :param int code: Meta's code; ``None`` when what answered was not Meta (a proxy, a wrong
        address)
    :param int subcode: Meta's ``error_subcode`` or ``None``
    :param str title: short text
    :param str message: Meta's message, in English
    :param str details: ``error_data.details`` or the text meant for users, or ``None``
    :param str fbtrace_id: what Meta's support asks for
    :param float retry_after: seconds Meta asks to wait, or ``None``
    :param int http_status: status of the answer
    """

    def __init__(
        self,
        code,
        subcode=None,
        title="",
        message="",
        details=None,
        fbtrace_id=None,
        retry_after=None,
        http_status=None,
    ):
        super().__init__(
            f"({code if code is not None else f'HTTP {http_status}'}) {message or title}"
        )
        self.code = code
        self.subcode = subcode
        self.title = title
        self.message = message
        self.details = details
        self.fbtrace_id = fbtrace_id
        self.retry_after = retry_after
        self.http_status = http_status

    @property
    def error_class(self):
        """One of the classes above."""
        return classify(self.code, self.http_status)


class ConnectionFailed(Exception):
    """Not one byte reached Meta: nothing has happened there, and trying again is safe."""


class OutcomeUnknown(Exception):
    """The call may have been carried out, but no usable answer came back.

    For a message this means: never send it again without knowing more.
    """
