"""What can go wrong with a call of the Cloud API, and what it means for a message.

Source: Meta, "Error codes" of the WhatsApp Cloud API; the classes are this project's judgement. The
code decides, the HTTP status only where the code says nothing (Meta's own advice).
"""

import random
from typing import NamedTuple

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
NOT_META = "not_meta"  # a proxy, a gateway or a wrong address answered in Meta's place

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

#: Meta's own limit of the number is reached, or people complained: each further message is refused
#: as well, and counts against the number.
SPAM_CODE = 131048
#: Errors after which nothing more of a run starts.
STOP_RUN_CODES = THROTTLE_CODES | {SPAM_CODE}

#: Meta says that it does not work at the moment, where the HTTP status says so too.
DOWN_CODES = frozenset((2, 131016))

#: Errors after which an uploaded file cannot be used again.
MEDIA_CODES = frozenset((131052, 131053))

#: Code of an answer about something that does not exist (any more).
UNKNOWN_OBJECT = 100
#: With this subcode it may as well mean that the token may not see it: Meta says "does not exist,
#: cannot be loaded due to missing permissions, or does not support this operation".
UNSEEN_SUBCODE = 33

TOKEN_EXPIRED_SUBCODE = 463

#: HTTP status of a gateway for which one message is too large, and will be the next time.
TOO_LARGE = 413


def classify(code, http_status=None, subcode=None):
    """Return the class of an error.

    :param int code: Meta's error code; ``None`` when the answer was not Meta's
    :param int http_status: decides only when the code is none, or none that is known
    :param int subcode: Meta's; of one error it tells that no other message would fare better
    :rtype: str
    """
    if (code, subcode) == (UNKNOWN_OBJECT, UNSEEN_SUBCODE):
        # The number itself: it was removed, or taken from the token.
        return STOP_ACCOUNT
    if code in ERROR_CLASSES:
        return ERROR_CLASSES[code]
    if code is not None and 200 <= code <= 299:  # permissions, each with a code of its own
        return STOP_ACCOUNT
    if http_status == 429 or (http_status or 0) >= 500:
        return RETRY  # a code that Meta adds is no reason to give up what its status says passes
    if code is None and http_status is not None and http_status != TOO_LARGE:
        return NOT_META
    return FIX_REQUEST


def is_down(code, http_status):
    """Tell whether an answer is none: something in Meta's place gave it, or Meta is down.

    :param int code: Meta's error code; ``None`` when the answer was not Meta's
    :param int http_status: of the answer; ``None`` when there was none, as in a report
    """
    return code is None or (code in DOWN_CODES and (http_status or 0) >= 500)


class Plan(NamedTuple):
    """What to do about an error.

    :param str action: ``retry``, ``hold`` (later, without having failed), ``fail``, ``stop`` (the
        account) or ``opt_out``
    :param float delay: seconds until the next try, for ``retry`` and ``hold``
    :param str scope: what it concerns: ``message``, ``pair`` (this number and this recipient),
        ``number`` (the sending number) or ``account``
    :param bool counts: whether the try counts against the most that are made. One that failed for
        the sending number's or the account's sake says nothing about the message.
    """

    action: str
    delay: float
    scope: str
    counts: bool


#: Pauses between tries, in seconds: the first, and the longest.
FIRST_RETRY_SECONDS = 30
MAX_RETRY_SECONDS = 3600
#: Meta asks to wait a day before writing to such a person again.
HOLD_SECONDS = 24 * 3600
#: For so long a message is tried again without its tries being counted; what it says is too old
#: then.
HOLD_DAYS = 7
#: Of two who wait for the same thing, one waits so much longer at most, so that they do not come
#: back together.
JITTER = 0.25

#: Too many messages between this number and this one recipient.
PAIR_CODE = 131056
#: Meta itself looks into the number or the account: a person ought to know.
REVIEW_CODES = frozenset((SPAM_CODE, 131064))
#: A number that Meta holds back pauses for so long; then a few messages find out if it is over.
SPAM_PAUSE_SECONDS = 3600

_ACTIONS = {
    RETRY: "retry",
    NOT_META: "retry",
    HOLD: "hold",
    STOP_ACCOUNT: "stop",
    OPT_OUT: "opt_out",
}


def plan(
    code,
    http_status,
    attempts,
    retry_after=None,
    random=random.random,
    *,
    subcode=None,
    waited=0.0,
):
    """Say what to do about an error.

    Pauses double from :data:`FIRST_RETRY_SECONDS`; where tries are not counted each is as long as
    all before it together, which comes to the same; between one number and one recipient they are
    powers of four from one second, as Meta asks (Cloud API, "Throughput", pair rate limits). Each
    is drawn out at random, never cut below what Meta asked for.

    :param int code: Meta's error code; ``None`` when the answer was not Meta's, or nothing got to
        Meta
    :param int http_status: of the answer; ``None`` when there was none
    :param int attempts: tries so far, this one included
    :param float retry_after: seconds Meta asks to wait, or ``None``
    :param random: function that returns a number from 0 to 1
    :param int subcode: Meta's ``error_subcode`` or ``None``
    :param float waited: seconds since the message's first try, where that is known
    :rtype: Plan
    """
    error_class = RETRY
    if code is not None or http_status is not None:
        error_class = classify(code, http_status, subcode)
    action = _ACTIONS.get(error_class, "fail")
    if action == "stop":
        scope = "account"
    elif code == PAIR_CODE:
        scope = "pair"
    elif code == SPAM_CODE or (
        # What is not Meta's word is no message's fault, and who asks for a pause means all calls.
        action == "retry"
        and (
            is_down(code, http_status)
            or code in THROTTLE_CODES
            or http_status == 429
            or retry_after
        )
    ):
        scope = "number"
    else:
        scope = "message"
    counts = action not in ("stop", "hold") and scope != "number"
    delay = 0.0
    if action in ("retry", "hold"):
        # the exponent is bounded, so that a wrong count gives no number too big to reckon with
        step = min(max(attempts - 1, 0), 16)
        if action == "hold":
            delay = HOLD_SECONDS
        elif scope == "pair":
            delay = min(4**step, MAX_RETRY_SECONDS)
        elif not counts:
            delay = min(max(waited, FIRST_RETRY_SECONDS), MAX_RETRY_SECONDS)
        else:
            delay = min(FIRST_RETRY_SECONDS * 2**step, MAX_RETRY_SECONDS)
        delay = max(delay, retry_after or 0) * (1 + JITTER * random())
    return Plan(action, delay, scope, counts)


#: After so many results in a row that are not Meta's word nothing more is sent for the moment.
SILENT_LIMIT = 3
#: Pauses of an outage, in seconds: the first, and the longest before it is drawn out at random.
FIRST_OUTAGE_SECONDS = 15
MAX_OUTAGE_SECONDS = 240


def outage_pause(times, random=random.random):
    """Return the seconds after which one message finds out whether Meta answers again.

    :param int times: pauses of this outage before
    :param random: function that returns a number from 0 to 1
    :rtype: float
    """
    seconds = min(FIRST_OUTAGE_SECONDS * 2 ** min(times, 16), MAX_OUTAGE_SECONDS)
    return seconds * (1 + JITTER * random())


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
        return classify(self.code, self.http_status, self.subcode)

    @property
    def is_answer(self):
        """Whether Meta works, and said so itself."""
        return not is_down(self.code, self.http_status)


class ConnectionFailed(Exception):
    """Not one byte reached Meta: nothing has happened there, and trying again is safe."""


class OutcomeUnknown(Exception):
    """The call may have been carried out, but no usable answer came back.

    For a message this means: never send it again without knowing more.
    """
