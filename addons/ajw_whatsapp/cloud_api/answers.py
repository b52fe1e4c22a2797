"""Reads what Meta answers, and what it means when no answer comes."""

import json
import logging
import math
import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from .errors import CloudApiError, OutcomeUnknown
from .sanitize import clean_json, clean_text

#: Headers in which Meta tells, in per cent, how much of its limits is used up.
#: Source: Meta, Graph API, "Rate limits".
USAGE_HEADERS = ("X-Business-Use-Case-Usage", "X-App-Usage")
#: HTTP status of a proxy that gave up waiting: for the request, or for who should have answered.
REQUEST_TIMEOUT = 408
_SHARES = ("call_count", "total_cputime", "total_time")

#: Failures of opening a connection: to Meta, or to the proxy on the way there.
_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError
    | urllib3.exceptions.ConnectTimeoutError
    | urllib3.exceptions.NameResolutionError
)

_PROOF = re.compile(r"(appsecret_proof=)[0-9a-f]+")


class _HideProof(logging.Filter):
    """Keeps the proof of the app's secret, which stands in addresses, out of urllib3's log."""

    def filter(self, record):
        if record.args and isinstance(record.args, tuple):
            record.args = tuple(
                _PROOF.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_HideProof())


def never_sent(error):
    """Tell whether a failed request failed before any byte of it was sent.

    What is not known to be such a failure counts as sent.

    :param Exception error: raised by ``requests`` or by urllib3
    """
    if isinstance(
        error,
        requests.exceptions.ConnectTimeout
        | requests.exceptions.InvalidURL
        | requests.exceptions.InvalidSchema
        | requests.exceptions.MissingSchema
        | urllib3.exceptions.LocationValueError,
    ):
        return True
    cause = error
    if isinstance(error, requests.exceptions.RequestException):
        cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, urllib3.exceptions.MaxRetryError) else cause
    if isinstance(reason, urllib3.exceptions.ProxyError):
        # urllib3 says "unable to connect to proxy" even when the proxy hung up after it had read
        # the whole request; only the original error tells.
        reason = reason.original_error
        if isinstance(reason, OSError) and str(reason).startswith("Tunnel connection failed:"):
            return True  # the proxy refused CONNECT, and nothing goes out before that
    if isinstance(reason, urllib3.exceptions.SSLError | ssl.SSLError):
        # A certificate is checked before anything is sent; other TLS errors come at any time.
        return any(
            isinstance(part, ssl.SSLCertVerificationError) for part in (reason, *reason.args)
        )
    return isinstance(reason, _NOT_CONNECTED)


def parse_answer(status, reason, headers, body):
    """Return the answer's JSON object, or raise what it says.

    :param int status: HTTP's
    :param str reason: HTTP's
    :param headers: mapping; upper and lower case are the same
    :param bytes body: what came
    :rtype: dict
    :raises CloudApiError: Meta refused, or something on the way there did (without a code)
    :raises OutcomeUnknown: the call may have been carried out
    """
    try:
        answer = clean_json(json.loads(body))
    except (ValueError, RecursionError):
        answer = None
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and _integer(error.get("code")) is not None:
        raise _meta_error(error, status, headers)
    if 200 <= status < 300 and isinstance(answer, dict):
        return answer
    if status >= 500 or 200 <= status < 300 or status == REQUEST_TIMEOUT:
        # Behind the gateway that gave up, Meta may have carried the call out.
        raise OutcomeUnknown(f"HTTP {status} without an answer of Meta's")
    # A redirection, or a refusal: 4xx says that the request was not carried out, by whoever sent it
    # (RFC 9110, 15.5), and Meta tells of what it took with 200 and an id. So this is no unknown
    # outcome: nothing was sent, and trying again is safe.
    raise CloudApiError(
        None, title=clean_text(reason), retry_after=retry_after(headers), http_status=status
    )


def _meta_error(error, status, headers):
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return CloudApiError(
        _integer(error.get("code")),
        subcode=_integer(error.get("error_subcode")),
        title=str(error.get("error_user_title") or error.get("type") or ""),
        message=str(error.get("message") or ""),
        details=str(details or error.get("error_user_msg") or "") or None,
        fbtrace_id=error.get("fbtrace_id"),
        retry_after=retry_after(headers),
        http_status=status,
    )


def _integer(value):
    """Return the value as an integer a database column can hold, or ``None``."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def retry_after(headers):
    """Return the seconds that an answer asks to wait, a day at most; ``None`` if it does not.

    ``Retry-After`` says them, or the date when to come back (RFC 9110, 10.2.3); Meta's usage header
    says minutes.
    """
    seconds = _retry_after_seconds(headers.get("Retry-After"))
    if seconds is None:
        minutes = [row.get("estimated_time_to_regain_access") for row in _usage_rows(headers)]
        seconds = 60 * max((m for m in minutes if _is_amount(m)), default=0)
    return min(seconds, 86400) or None


def _retry_after_seconds(value):
    seconds = _integer(value)
    if seconds is not None:
        return max(0, seconds)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if at.tzinfo is None:  # "-0000", which is UTC as well
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _is_amount(value):
    """Tell whether a value of JSON is a number to reckon with: there is NaN, and infinity."""
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def usage(headers):
    """Return how much of its limits Meta says is used up: the highest share, 0 to 1 and above.

    ``None`` when it does not say.
    """
    shares = [row.get(name) for row in _usage_rows(headers) for name in _SHARES]
    shares = [share for share in shares if _is_amount(share)]
    return max(shares) / 100 if shares else None


def _usage_rows(headers):
    """Return the objects that hold figures in the headers about usage."""
    rows = []
    for name in USAGE_HEADERS:
        try:
            value = json.loads(headers.get(name) or "null")
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict):
            continue
        rows.append(value)
        rows += [row for part in value.values() if isinstance(part, list) for row in part]
    return [row for row in rows if isinstance(row, dict)]
