"""The one connection to Meta's Cloud API.

Source: Meta, WhatsApp Cloud API reference (Messages, Media, Templates, Phone Numbers) and Graph
API, "Resumable Upload" and "Securing API Requests" (``appsecret_proof``).
"""

import hashlib
import hmac
import json
import threading
from typing import NamedTuple
from urllib.parse import urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from . import answers
from .errors import ConnectionFailed, OutcomeUnknown
from .sanitize import phone_number
from .transport import MAX_ANSWER_BYTES, Transport

#: Seconds to connect, and between two bytes of an answer.
TIMEOUT = (5, 30)

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

_HTTP_ERRORS = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)

LIMIT_FIELDS = (
    "id,throughput,messaging_limit_tier,whatsapp_business_manager_messaging_limit,quality_rating"
)

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
        self._transport = Transport(self._root, timeout)

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
        self._transport.close()

    @property
    def usage(self):
        """How much of its limits Meta said in this thread's last answer is used up, 0 to 1;
        ``None`` if it did not say."""
        return getattr(self._local, "usage", None)

    @property
    def retry_after(self):
        """How many seconds to wait this thread's last answer asked for, whatever it was; ``None``
        if it did not."""
        return getattr(self._local, "retry_after", None)

    # Messages and media

    def send_message(self, payload):
        """Send a message.

        :param dict payload: see :mod:`.payload`
        :rtype: Sent
        """
        answer = self._call(
            "POST",
            f"{self._phone_number_id}/messages",
            json.dumps(payload).encode(),
            "application/json",
            announce=True,
        )
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
        body, content_type = urllib3.encode_multipart_formdata(
            {
                "messaging_product": "whatsapp",
                "type": mimetype,
                "file": (filename, content, mimetype),
            }
        )
        return self._required_id(
            self._call("POST", f"{self._phone_number_id}/media", body, content_type)
        )

    def delete_media(self, media_id):
        """Delete an uploaded file."""
        self._call("DELETE", media_id, params={"phone_number_id": self._phone_number_id})

    # Look-ups

    def get_phone_number(self):
        """Return ``display_phone_number``, ``verified_name`` and ``quality_rating``."""
        return self._request(
            "GET",
            self._phone_number_id,
            params={"fields": "id,display_phone_number,verified_name,quality_rating"},
        )

    def get_number_limits(self):
        """Return what Meta allows the number: ``throughput`` (``level``) and the portfolio's
        ``whatsapp_business_manager_messaging_limit``, formerly ``messaging_limit_tier``.
        """
        return self._request("GET", self._phone_number_id, params={"fields": LIMIT_FIELDS})

    def get_owner(self):
        """Return ``id`` and ``name`` of the business portfolio that the account belongs to."""
        answer = self._request("GET", self._waba_id, params={"fields": "id,owner_business_info"})
        return answer.get("owner_business_info") or {}

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

    def delete_template(self, name, template_id):
        """Delete one language of a template.

        Source: Meta, "Delete message template": by name and ``hsm_id`` only that one goes.

        :param str name: the template's name
        :param str template_id: Meta's id of it in this language
        """
        self._request(
            "DELETE",
            f"{self._waba_id}/message_templates",
            params={"name": name, "hsm_id": template_id},
        )

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
        except _HTTP_ERRORS as error:
            raise self._failure(error) from None
        return self._read(response.status_code, response.reason, response.headers, body)

    def _call(self, method, path, body=None, content_type=None, *, params=None, announce=False):
        """Make one of the calls of which there are many, and return the answer's JSON object.

        :param bytes body: of the request
        :param bool announce: see :meth:`.transport.Transport.call`
        """
        params = dict(params or {})
        if self._proof:
            params["appsecret_proof"] = self._proof
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*"}
        if content_type:
            headers["Content-Type"] = content_type
        if params:
            path = f"{path}?{urlencode(params)}"
        try:
            answer = self._transport.call(method, path, headers, body, announce)
        except _HTTP_ERRORS as error:
            raise self._failure(error) from None
        return self._read(*answer)

    def _failure(self, error):
        """Return the exception that says what a failed call means."""
        self._local.usage = self._local.retry_after = None
        # the error's own text may hold the address, with the proof of the app's secret
        failure = ConnectionFailed if answers.never_sent(error) else OutcomeUnknown
        return failure(type(error).__name__)

    def _read(self, status, reason, headers, body):
        self._local.usage = answers.usage(headers)
        self._local.retry_after = answers.retry_after(headers)
        return answers.parse_answer(status, reason, headers, body)

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
