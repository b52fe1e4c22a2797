"""The one connection to Meta's Cloud API.

Source: Meta, WhatsApp Cloud API reference (Messages, Media, Templates, Phone Numbers) and Graph
API, "Resumable Upload" and "Securing API Requests" (``appsecret_proof``).
"""

import hashlib
import hmac
import json
import ssl
import threading
from typing import NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from .errors import CloudApiError, ConnectionFailed, OutcomeUnknown
from .sanitize import clean_json, clean_text, phone_number

#: Seconds to connect, and between two bytes of an answer.
TIMEOUT = (5, 30)

#: No answer of the API is longer; one that is comes from something else.
MAX_ANSWER_BYTES = 10 * 1024 * 1024

#: A list of templates or numbers that takes more pages than this does not end.
MAX_PAGES = 200

TEMPLATE_FIELDS = (
    "id,name,language,status,category,quality_score,parameter_format,components,rejected_reason"
)

NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,name_status,status,"
    "code_verification_status,webhook_configuration"
)

ACCOUNT_FIELDS = "id,name,account_review_status,business_verification_status,health_status"

#: Ids of Meta's are far shorter; a longer one would not fit into an index.
MAX_ID = 512


class Sent(NamedTuple):
    """Meta's answer to a message.

    :param str wamid: Meta's id of the message
    :param str wa_id: the recipient as WhatsApp knows him, with leading + like a number; ``None``
        when Meta left it out. In some countries it differs from the number that was written to.
    """

    wamid: str
    wa_id: str | None


class _BearerAuth(AuthBase):
    """Sets the token; as an auth object it also keeps ``.netrc`` from replacing it."""

    def __init__(self, token, scheme="Bearer"):
        self._header = f"{scheme} {token}"

    def __call__(self, request):
        request.headers["Authorization"] = self._header
        return request


class _TimeoutAdapter(HTTPAdapter):
    """Gives every request a timeout, so that none can be forgotten."""

    def __init__(self, timeout):
        self._timeout = timeout
        super().__init__(max_retries=0)

    def send(self, request, timeout=None, **kwargs):
        return super().send(request, timeout=self._timeout, **kwargs)


class CloudApiClient:
    """Calls for one phone number. May be shared by threads: each gets a connection of its own.

    :param str base_url: for example ``https://graph.facebook.com``
    :param str api_version: for example ``v23.0``
    :param str phone_number_id: Meta's id of the number
    :param str waba_id: Meta's id of the WhatsApp Business account
    :param str access_token: the system user's token
    :param str app_secret: adds ``appsecret_proof`` to every call when given
    :param str app_id: needed only for :meth:`upload_sample`
    :param tuple timeout: seconds to connect and to wait for an answer

    Every call raises :class:`CloudApiError` when Meta refuses, :class:`ConnectionFailed` when
    nothing reached Meta and :class:`OutcomeUnknown` when the answer was lost.
    """

    def __init__(
        self,
        *,
        base_url,
        api_version,
        phone_number_id,
        waba_id,
        access_token,
        app_secret=None,
        app_id=None,
        timeout=TIMEOUT,
    ):
        self._root = f"{base_url.rstrip('/')}/{api_version}"
        self._phone_number_id = phone_number_id
        self._waba_id = waba_id
        self._app_id = app_id
        self._app_secret = app_secret
        self._token = access_token
        self._timeout = timeout
        self._proof = None
        if app_secret:
            self._proof = hmac.new(
                app_secret.encode(), access_token.encode(), hashlib.sha256
            ).hexdigest()
        self._local = threading.local()
        self._sessions = []
        self._sessions_lock = threading.Lock()

    @property
    def _has_app_token(self):
        return bool(self._app_id and self._app_secret)

    def __repr__(self):
        return f"<CloudApiClient {self._root} number {self._phone_number_id}>"

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """Close the connections of all threads."""
        with self._sessions_lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    # Messages and media

    def send_message(self, payload):
        """Send a message.

        :param dict payload: see :mod:`.payload`
        :rtype: Sent
        """
        answer = self._request("POST", f"{self._phone_number_id}/messages", json_body=payload)
        wamid = _first(answer, "messages").get("id")
        if not isinstance(wamid, str) or not 0 < len(wamid) <= MAX_ID:
            raise OutcomeUnknown("The answer names no message.")
        return Sent(wamid, phone_number(_first(answer, "contacts").get("wa_id")))

    def upload_media(self, content, filename, mimetype):
        """Upload a file for messages of this number; it stays at Meta for 30 days.

        :param bytes content: the file
        :param str filename: name in the upload; the recipient sees the one in the message
        :param str mimetype: for example ``application/pdf``
        :return: Meta's id of the file
        :rtype: str
        """
        return self._required_id(
            self._request(
                "POST",
                f"{self._phone_number_id}/media",
                data={"messaging_product": "whatsapp", "type": mimetype},
                files={"file": (filename, content, mimetype)},
            )
        )

    def delete_media(self, media_id):
        """Delete an uploaded file."""
        self._request("DELETE", media_id, params={"phone_number_id": self._phone_number_id})

    # Look-ups

    def get_phone_number(self):
        """Return ``display_phone_number``, ``verified_name`` and ``quality_rating``."""
        return self._request(
            "GET",
            self._phone_number_id,
            params={"fields": "id,display_phone_number,verified_name,quality_rating"},
        )

    def get_business_account(self):
        """Return the business account's ``id`` and ``name``."""
        return self._request("GET", self._waba_id, params={"fields": "id,name"})

    def list_phone_numbers(self):
        """Return the ids of the business account's numbers.

        :rtype: set[str]
        """
        return {
            str(row.get("id"))
            for row in self._pages(f"{self._waba_id}/phone_numbers", {"fields": "id"})
        }

    def get_number_status(self):
        """Return what Meta says of the number: ``status`` (``CONNECTED`` once registered),
        ``name_status``, ``quality_rating``, ``webhook_configuration`` and its names.
        """
        return self._request("GET", self._phone_number_id, params={"fields": NUMBER_FIELDS})

    def get_account_status(self):
        """Return what Meta says of the business account: ``account_review_status``,
        ``business_verification_status`` and ``health_status``.

        Source: Meta, WhatsApp Business Management API, "Messaging Health Status".
        """
        return self._request("GET", self._waba_id, params={"fields": ACCOUNT_FIELDS})

    def get_token_status(self):
        """Return what Meta says of the access token: ``is_valid``, ``scopes``, ``expires_at`` (0
        for never), ``app_id``.

        Asked with the app's own token where id and secret are known, as Meta wants it; else the
        token is shown to itself. The token goes in the body of a POST that Meta reads as a GET, for
        addresses end up in logs.

        Source: Meta, Graph API reference, ``/debug_token``; "Read" by ``POST`` with ``method=GET``.
        """
        auth = _BearerAuth(f"{self._app_id}|{self._app_secret}") if self._has_app_token else None
        answer = self._request(
            "POST",
            "debug_token",
            data={"method": "GET", "input_token": self._token},
            auth=auth,
            proof=auth is None,
        )
        data = answer.get("data")
        return data if isinstance(data, dict) else {}

    def subscribe_app(self):
        """Have the account's webhooks sent to the app; doing it again changes nothing."""
        self._request("POST", f"{self._waba_id}/subscribed_apps")

    def list_subscribed_apps(self):
        """Return the ids of the apps that get the account's webhooks.

        :rtype: set[str]
        """
        answer = self._request("GET", f"{self._waba_id}/subscribed_apps")
        rows = [row for row in answer.get("data") or () if isinstance(row, dict)]
        apps = (row.get("whatsapp_business_api_data") for row in rows)
        return {str(app.get("id")) for app in apps if isinstance(app, dict)}

    def register_number(self, pin):
        """Register the number with the Cloud API; Meta allows 10 tries in 72 hours.

        Source: Meta, Cloud API, "Registration". A number without two-step verification takes the
        PIN as its new one.

        :param str pin: six digits
        """
        self._request(
            "POST",
            f"{self._phone_number_id}/register",
            json_body={"messaging_product": "whatsapp", "pin": pin},
        )

    # Templates

    def list_templates(self, name=None):
        """Yield every template of the business account, all pages.

        :param str name: only those whose names contain it
        :rtype: Iterator[dict]
        """
        params = {"fields": TEMPLATE_FIELDS, "limit": "100"}
        if name:
            params["name"] = name
        yield from self._pages(f"{self._waba_id}/message_templates", params)

    def get_template(self, template_id):
        """Return a template's ``id``, ``name``, ``language``, ``status`` and ``category``.

        :param str template_id: Meta's id of the template
        :rtype: dict
        """
        return self._request(
            "GET", template_id, params={"fields": "id,name,language,status,category"}
        )

    def create_template(self, payload):
        """Submit a new template.

        :return: dict with ``id``, ``status`` and ``category``
        """
        return self._request("POST", f"{self._waba_id}/message_templates", json_body=payload)

    def edit_template(self, template_id, payload):
        """Submit a changed template."""
        return self._request("POST", template_id, json_body=payload)

    def upload_sample(self, content, filename, mimetype):
        """Upload an example file for a template under review.

        :return: the handle that goes into ``example.header_handle``
        :rtype: str
        """
        session_id = self._required_id(
            self._request(
                "POST",
                f"{self._app_id}/uploads",
                params={
                    "file_name": filename,
                    "file_length": str(len(content)),
                    "file_type": mimetype,
                },
            )
        )
        answer = self._request(
            "POST",
            session_id,
            data=content,
            headers={"file_offset": "0", "Content-Type": "application/octet-stream"},
            auth=_BearerAuth(self._token, "OAuth"),
        )
        handle = answer.get("h")
        if not isinstance(handle, str):
            raise OutcomeUnknown("The answer holds no file handle.")
        return handle

    # The one HTTP method

    def _session(self):
        session = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            adapter = _TimeoutAdapter(self._timeout)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._local.session = session
            with self._sessions_lock:
                self._sessions.append(session)
        return session

    def _request(
        self,
        method,
        path,
        *,
        params=None,
        json_body=None,
        data=None,
        files=None,
        headers=None,
        auth=None,
        proof=True,
    ):
        """Call the API and return the answer's JSON object."""
        params = dict(params or {})
        if self._proof and proof:
            params["appsecret_proof"] = self._proof
        try:
            response = self._session().request(
                method,
                f"{self._root}/{path}",
                params=params,
                json=json_body,
                data=data,
                files=files,
                headers=headers,
                auth=auth or _BearerAuth(self._token),
                # the token must not follow to another address
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = _read_limited(response)
        except requests.exceptions.RequestException as error:
            if _never_sent(error):
                raise ConnectionFailed(type(error).__name__) from None
            raise OutcomeUnknown(type(error).__name__) from None
        except urllib3.exceptions.HTTPError as error:  # while reading the answer
            raise OutcomeUnknown(type(error).__name__) from None
        return _parse_answer(response, body)

    def _pages(self, path, params):
        """Yield the rows of a list, following ``paging.cursors.after`` to the end."""
        params = dict(params)
        for _page in range(MAX_PAGES):
            answer = self._request("GET", path, params=params)
            yield from (row for row in answer.get("data") or () if isinstance(row, dict))
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            # The cursor, never the address in "next": the token goes only where it was meant to go.
            if not paging.get("next") or not after or after == params.get("after"):
                return
            params["after"] = after

    @staticmethod
    def _required_id(answer):
        value = answer.get("id")
        if not isinstance(value, str | int) or not value:
            raise OutcomeUnknown("The answer holds no id.")
        return str(value)


def _read_limited(response):
    chunks, size = [], 0
    for chunk in response.iter_content(64 * 1024):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("answer too long")
        chunks.append(chunk)
    return b"".join(chunks)


def _first(answer, key):
    """Return the first object of a list in an answer, an empty one if there is none."""
    rows = answer.get(key)
    row = rows[0] if isinstance(rows, list) and rows else None
    return row if isinstance(row, dict) else {}


#: Failures of opening a connection: to Meta, or to the proxy on the way there.
_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError
    | urllib3.exceptions.ConnectTimeoutError
    | urllib3.exceptions.NameResolutionError
)


def _never_sent(error):
    """Tell whether a failed request failed before any byte of it was sent.

    What is not known to be such a failure counts as sent.
    """
    if isinstance(
        error,
        requests.exceptions.ConnectTimeout
        | requests.exceptions.InvalidURL
        | requests.exceptions.InvalidSchema
        | requests.exceptions.MissingSchema,
    ):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
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


def _parse_answer(response, body):
    """Return the answer's JSON object, or raise what it says."""
    try:
        answer = clean_json(json.loads(body))
    except (ValueError, RecursionError):
        answer = None
    status = response.status_code
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and _integer(error.get("code")) is not None:
        raise _meta_error(error, status, response.headers)
    if 200 <= status < 300 and isinstance(answer, dict):
        return answer
    if status >= 500 or 200 <= status < 300:
        # Behind the gateway that gave up, Meta may have carried the call out.
        raise OutcomeUnknown(f"HTTP {status} without an answer of Meta's")
    raise CloudApiError(
        None,
        title=clean_text(response.reason),
        retry_after=_retry_after(response.headers),
        http_status=status,
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
        retry_after=_retry_after(headers),
        http_status=status,
    )


def _integer(value):
    """Return the value as an integer a database column can hold, or ``None``."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def _retry_after(headers):
    """Return the seconds Meta asks to wait: ``Retry-After`` (s) or the usage header (minutes)."""
    seconds = _integer(headers.get("Retry-After"))
    if seconds is not None:
        return max(0, min(seconds, 86400))
    try:
        usage = json.loads(headers.get("X-Business-Use-Case-Usage") or "{}")
        minutes = max(
            (
                entry.get("estimated_time_to_regain_access") or 0
                for entries in usage.values()
                for entry in entries
            ),
            default=0,
        )
    except (ValueError, AttributeError, TypeError):
        return None
    return min(minutes * 60, 86400) or None
