"""The calls of which there are thousands: messages, documents to upload, documents to delete.

``requests`` takes about twice the processor time of urllib3 on which it stands, and at some hundred
messages a second that is what the sender would be waiting for. So ``requests`` is asked once which
proxy and which certificates the environment wants, and urllib3 makes the calls.
"""

import threading
from typing import NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter

from . import points

#: No answer of the API is longer; one that is comes from something else.
MAX_ANSWER_BYTES = 10 * 1024 * 1024

#: Connections that are kept open; more may be open at once.
KEPT_CONNECTIONS = 128

_thread = threading.local()


class Answer(NamedTuple):
    """What came back, read to its end.

    :param int status: HTTP's
    :param str reason: HTTP's
    :param headers: mapping; upper and lower case are the same
    :param bytes body: at most :data:`MAX_ANSWER_BYTES`
    """

    status: int
    reason: str
    headers: dict
    body: bytes


class AnswerTooLong(urllib3.exceptions.HTTPError):
    """The answer is none of Meta's."""


class _Announcing:
    """Tells when a message's request is out and its answer is yet to come."""

    def getresponse(self):
        if getattr(_thread, "announce", False):
            points.reached(points.BYTES_SENT)
        return super().getresponse()


class _Connection(_Announcing, urllib3.connection.HTTPConnection):
    pass


class _SecureConnection(_Announcing, urllib3.connection.HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    """Knows how ``requests`` would connect."""

    def pool_for(self, address):
        """Return urllib3's connections to an address, and whether they take whole addresses.

        :param str address: for example ``https://graph.facebook.com``
        :raises requests.exceptions.RequestException: the address, or that of the proxy, is no good
        """
        request = requests.Request("POST", address).prepare()
        with requests.Session() as session:
            settings = session.merge_environment_settings(address, {}, None, None, None)
        proxies, verify, cert = settings["proxies"], settings["verify"], settings["cert"]
        pool = self.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        self.cert_verify(pool, address, verify, cert)
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        # through a proxy without a tunnel
        return pool, not self.request_url(request, proxies).startswith("/")


class Transport:
    """Connections to one address, shared by threads.

    :param str root: what all addresses begin with
    :param tuple timeout: seconds to connect, and between two bytes of an answer
    """

    def __init__(self, root, timeout):
        self._root = root
        self._timeout = urllib3.Timeout(connect=timeout[0], read=timeout[1])
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=KEPT_CONNECTIONS)
        self._pool = None
        self._prefix = None
        self._lock = threading.Lock()

    def close(self):
        """Close the connections that nobody uses."""
        self._adapter.close()

    def call(self, method, path, headers, body=None, announce=False):
        """Make a call and return the answer.

        :param str method: HTTP's
        :param str path: what comes after the root, with its query
        :param dict headers: all of them
        :param bytes body: of the request
        :param bool announce: whether :data:`.points.BYTES_SENT` is reached on the way
        :rtype: Answer
        :raises urllib3.exceptions.HTTPError: no answer, or not all of it
        :raises requests.exceptions.RequestException: no connection was even tried
        """
        pool = self._connect()
        _thread.announce = announce
        response = pool.urlopen(
            method,
            f"{self._prefix}/{path}",
            body=body,
            headers=headers,
            retries=False,
            redirect=False,  # the token must not follow to another address
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=False,
        )
        content = response.read(MAX_ANSWER_BYTES + 1)
        if len(content) > MAX_ANSWER_BYTES:
            response.close()
            raise AnswerTooLong("answer too long")
        response.release_conn()
        return Answer(response.status, response.reason or "", response.headers, content)

    def _connect(self):
        if self._pool is None:
            with self._lock:
                if self._pool is None:
                    pool, whole = self._adapter.pool_for(self._root)
                    path = urllib3.util.parse_url(self._root).path or ""
                    self._prefix = self._root if whole else path
                    self._pool = pool
        return self._pool
