import hashlib
import hmac
import json
import os
import re
import socket
import threading
from datetime import datetime
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tests.common import BaseCase

from ..cloud_api import errors, keywords, limiter, payload, webhook
from ..cloud_api.client import CloudApiClient
from ..cloud_api.dispatch import Dispatcher, DocumentRef, SendJob
from .fake_meta import APP_ID, PHONE_NUMBER_ID, SECRET, TOKEN, WABA_ID, FakeMeta, meta_error


class Proxy:
    """An HTTP proxy on loopback that reads one request after another and lets each down.

    :param answer: bytes to answer with, or ``reset`` / ``close`` to hang up after the whole request
    """

    def __init__(self, answer):
        self.requests = []
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self):
        if self._thread.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._socket.close()

    def _serve(self):
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection:
                self.requests.append(self._read(connection))
                if isinstance(self._answer, bytes):
                    connection.sendall(self._answer)
                elif self._answer == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@tagged("post_install", "-at_install")
class TestCloudApi(BaseCase):
    """The part without Odoo, against real sockets."""

    def setUp(self):
        super().setUp()
        self.meta = FakeMeta()
        self.addCleanup(self.meta.close)

    def _client(self, **values):
        client = CloudApiClient(
            **{
                "base_url": self.meta.base_url,
                "api_version": "v23.0",
                "phone_number_id": PHONE_NUMBER_ID,
                "waba_id": WABA_ID,
                "app_id": APP_ID,
                "access_token": TOKEN,
                "app_secret": SECRET,
                "timeout": (2, 0.5),
                **values,
            }
        )
        self.addCleanup(client.close)
        return client

    def _payload(self):
        return payload.template_message("+919876543210", "t", "en", [], "ref")

    def _job(self, message_id=1, **values):
        body = payload.template_message("+919876543210", "t", "en", (), f"ref{message_id}")
        return SendJob(message_id, body, **values)

    def _document(self, filename="INV-1.pdf"):
        return DocumentRef(None, b"%PDF", filename, "application/pdf", 4)

    def _dispatch(self, *jobs, workers=1, start_until=float("inf"), client=None):
        dispatcher = Dispatcher(client or self._client(), limiter.Pace(1000), workers)
        dispatcher.submit(jobs, start_until)
        results = dispatcher.collect(30, len(jobs)) + dispatcher.close()
        return sorted(results, key=lambda result: result.message_id)

    # --- client ---

    def test_send_returns_the_wamid_and_proves_the_secret(self):
        sent = self._client().send_message(self._payload())
        self.assertEqual(sent, ("wamid.1", "+919876543210"))
        [call] = self.meta.calls
        self.assertEqual(call["path"], f"{PHONE_NUMBER_ID}/messages")
        self.assertEqual(call["headers"]["Authorization"], f"Bearer {TOKEN}")
        proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        self.assertEqual(call["query"]["appsecret_proof"], proof)
        self.assertEqual(call["json"]["biz_opaque_callback_data"], "ref")

    def test_an_error_keeps_what_meta_said(self):
        self.meta.script(
            "send",
            meta_error(
                131056,
                400,
                {"Retry-After": "17"},
                error_subcode=33,
                error_data={"details": "slow down"},
                fbtrace_id="trace",
            ),
        )
        with self.assertRaises(errors.CloudApiError) as caught:
            self._client().send_message(self._payload())
        error = caught.exception
        self.assertEqual(
            (error.code, error.subcode, error.details, error.fbtrace_id, error.retry_after),
            (131056, 33, "slow down", "trace", 17),
        )
        self.assertEqual(error.error_class, errors.RETRY)
        self.assertNotIn(TOKEN, str(error))

    def test_an_unreadable_answer_leaves_the_outcome_unknown(self):
        for answer in (
            (500, b"<html>bad gateway</html>", {}),
            (502, b"", {}),
            (200, b"not json", {}),
            (200, {"messages": []}, {}),
            (500, {"error": {"message": "no code"}}, {}),
            "drop",
            1.5,
        ):
            with self.subTest(answer=answer):
                self.meta.script("send", answer)
                with self.assertRaises(errors.OutcomeUnknown):
                    self._client().send_message(self._payload())

    def test_nobody_listening_means_nothing_was_sent(self):
        self.meta.close()
        self.addCleanup(setattr, self, "meta", FakeMeta())
        with self.assertRaises(errors.ConnectionFailed):
            self._client().send_message(self._payload())
        self.meta = FakeMeta()

    def _proxy(self, answer):
        proxy = Proxy(answer)
        self.addCleanup(proxy.close)
        names = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), proxy.url)
        # the loopback would be left out otherwise
        self.enterContext(patch.dict(os.environ, {**names, "NO_PROXY": "", "no_proxy": ""}))
        return proxy

    def _send_through_proxy(self, answer, base_url="http://127.0.0.1:1"):
        proxy = self._proxy(answer)
        [result] = self._dispatch(self._job(), client=self._client(base_url=base_url))
        return proxy, result

    def test_B1_a_proxy_that_hangs_up_after_the_request_leaves_the_outcome_unknown(self):
        for how in ("reset", "close"):
            with self.subTest(how=how):
                proxy, result = self._send_through_proxy(how)
                self.assertEqual(result.outcome, "unknown")
                [request] = proxy.requests
                self.assertIn(b"POST http://127.0.0.1:1/", request)
                self.assertIn(b"biz_opaque_callback_data", request)

    def test_B1_a_proxy_that_hangs_up_during_connect_is_not_trusted_either(self):
        proxy, result = self._send_through_proxy("reset", "https://127.0.0.1:1")
        self.assertEqual(result.outcome, "unknown")
        self.assertTrue(proxy.requests[0].startswith(b"CONNECT 127.0.0.1:1 "))

    def test_a_proxy_that_refuses_the_tunnel_has_sent_nothing(self):
        answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        _proxy, result = self._send_through_proxy(answer, "https://127.0.0.1:1")
        self.assertEqual(result.outcome, "unreached")

    def test_a_proxy_that_does_not_listen_has_sent_nothing(self):
        for base_url in ("http://127.0.0.1:1", "https://127.0.0.1:1"):
            with self.subTest(base_url=base_url):
                proxy = self._proxy("reset")
                proxy.close()
                with self.assertRaises(errors.ConnectionFailed):
                    self._client(base_url=base_url).send_message(self._payload())

    def test_an_answer_is_fit_for_a_database(self):
        self.meta.script(
            "send",
            (200, {"messages": [{"id": "wamid.\0a\ud800"}], "contacts": [{"wa_id": "x"}]}, {}),
            meta_error(131026, error_data={"details": "a\0b\udfff"}, error_user_title="\0c"),
        )
        self.assertEqual(self._client().send_message(self._payload()), ("wamid.a?", None))
        with self.assertRaises(errors.CloudApiError) as caught:
            self._client().send_message(self._payload())
        self.assertEqual((caught.exception.details, caught.exception.title), ("ab?", "c"))

    def test_the_token_does_not_follow_a_redirect(self):
        other = FakeMeta()
        self.addCleanup(other.close)
        self.meta.script("send", (307, {}, {"Location": f"{other.base_url}/v23.0/1/messages"}))
        with self.assertRaises(errors.CloudApiError):
            self._client().send_message(self._payload())
        self.assertFalse(other.calls)

    def test_lists_follow_every_page_but_never_another_address(self):
        self.meta.script(
            "template_list",
            (
                200,
                {
                    "data": [{"name": "a"}],
                    "paging": {"cursors": {"after": "c1"}, "next": "http://198.51.100.1/steal"},
                },
                {},
            ),
            (200, {"data": [{"name": "b"}], "paging": {"cursors": {"after": "c2"}}}, {}),
        )
        names = [row["name"] for row in self._client().list_templates()]
        self.assertEqual(names, ["a", "b"])
        self.assertEqual(self.meta.calls[1]["query"]["after"], "c1")

    def test_a_server_error_of_meta_itself_is_no_unknown_outcome(self):
        self.meta.script("send", meta_error(131016, 500))
        with self.assertRaises(errors.CloudApiError):
            self._client().send_message(self._payload())

    # --- classes of errors ---

    def test_classes_of_errors(self):
        for code, expected in (
            (130429, errors.RETRY),
            (131049, errors.HOLD),
            (131050, errors.OPT_OUT),
            (131026, errors.FIX_ADDRESS),
            (131047, errors.NEEDS_TEMPLATE),
            (132015, errors.FIX_TEMPLATE),
            (100, errors.FIX_REQUEST),
            (190, errors.STOP_ACCOUNT),
            (200, errors.STOP_ACCOUNT),
            (299, errors.STOP_ACCOUNT),
            (130472, errors.NEVER),
            (999999, errors.FIX_REQUEST),
        ):
            self.assertEqual(errors.classify(code), expected, code)
        self.assertEqual(errors.classify(None, 429), errors.RETRY)
        self.assertEqual(errors.classify(None, 404), errors.NOT_META)

    # --- dispatch ---

    def test_a_document_is_uploaded_and_named(self):
        [result] = self._dispatch(self._job(document=self._document()))
        self.assertEqual((result.outcome, result.media_id), ("accepted", "media1"))
        [send] = self.meta.of("send")
        self.assertEqual(
            send["json"]["template"]["components"][0]["parameters"][0]["document"],
            {"id": "media1", "filename": "INV-1.pdf"},
        )

    def test_a_lost_upload_is_no_unknown_outcome(self):
        self.meta.script("upload", "drop")
        [result] = self._dispatch(self._job(document=self._document()))
        self.assertEqual(result.outcome, "unreached")
        self.assertFalse(self.meta.of("send"))

    def test_an_account_error_keeps_the_rest_from_starting(self):
        self.meta.script("send", meta_error(190, 401))
        results = self._dispatch(*(self._job(n) for n in range(5)))
        self.assertEqual([r.outcome for r in results], ["error"] + ["not_started"] * 4)
        self.assertEqual(len(self.meta.calls), 1)

    def test_nothing_starts_after_the_deadline(self):
        [result] = self._dispatch(self._job(), start_until=0)
        self.assertEqual(result.outcome, "not_started")
        self.assertFalse(self.meta.calls)

    def test_threads_send_each_job_once(self):
        results = self._dispatch(*(self._job(n) for n in range(60)), workers=16)
        self.assertEqual([r.message_id for r in results], list(range(60)))
        self.assertEqual(len({r.wamid for r in results}), 60)
        references = [call["json"]["biz_opaque_callback_data"] for call in self.meta.of("send")]
        self.assertEqual(sorted(references), sorted(f"ref{n}" for n in range(60)))

    # --- payload ---

    def test_parameters_are_one_line(self):
        self.assertEqual(payload.clean_parameter(" a\n\tb     c "), "a b c")
        self.assertEqual(payload.placeholders("{{b}} {{ a }} {{b}}"), ["b", "a"])
        self.assertEqual(payload.fill("{{a}} {{c}}", {"a": "{{c}}"}), "{{c}} {{c}}")

    # --- webhook ---

    def test_the_signature_covers_the_raw_bytes(self):
        body = b'{"text":"\\u0928\\u092e"}'
        header = webhook.sign(body, SECRET)
        self.assertTrue(webhook.signature_is_valid(body, header, SECRET))
        rewritten = json.dumps(json.loads(body), ensure_ascii=False).encode()
        self.assertFalse(webhook.signature_is_valid(rewritten, header, SECRET))
        for bad in (None, "", "sha256=", header[:-1], header.replace("sha256", "sha1"), "sha256=é"):
            self.assertFalse(webhook.signature_is_valid(body, bad, SECRET), bad)
        self.assertFalse(webhook.signature_is_valid(body, webhook.sign(body, ""), ""))
        self.assertFalse(webhook.signature_is_valid(body, header, None))

    def test_bodies_that_are_no_object_are_refused(self):
        for body in (b"", b"\xff", b"[]", b"1", b"{", b"[" * 100000):
            with self.subTest(body=body[:5]), self.assertRaises(webhook.MalformedPayload):
                webhook.parse(webhook.decode(body))

    def test_every_change_of_every_entry_is_read(self):
        status = {"id": "wamid.1", "status": "sent", "timestamp": "1750000000"}
        change = {
            "field": "messages",
            "value": {"metadata": {"phone_number_id": "1"}, "statuses": [status] * 2},
        }
        events = webhook.parse(json.dumps({"entry": [{"changes": [change, change]}] * 3}))
        self.assertEqual(len(events), 12)

    def test_nonsense_stands_in_nobodys_way(self):
        good = {"id": "wamid.1", "status": "read", "timestamp": "1750000000"}
        bad = [None, 5, {}, {"id": 5, "status": "sent", "timestamp": "x"}, {"status": ["sent"]}]
        value = {
            "metadata": None,
            "statuses": [*bad, good],
            "messages": [{"id": []}],
            "contacts": 7,
        }
        events = webhook.parse(
            json.dumps(
                {
                    "entry": [
                        None,
                        {"changes": {"field": "messages"}},
                        {
                            "changes": [
                                {"field": "messages", "value": value},
                                {"field": 5, "value": []},
                            ]
                        },
                        {"changes": [{"field": "account_update", "value": {"event": "X"}}]},
                    ]
                }
            )
        )
        statuses = [event for event in events if isinstance(event, webhook.Status)]
        self.assertEqual([status.status for status in statuses], ["read"])
        self.assertIn("account_update", [e.field for e in events if type(e) is webhook.MetaChange])
        self.assertIn(webhook.NotHandled("5"), events)

    def test_characters_a_database_cannot_hold_are_taken_out(self):
        row = {
            "from": "919876543210",
            "id": "wamid.1",
            "type": "text",
            "timestamp": "1750000000",
            "text": {"body": "a\0b\ud800"},
        }
        value = {"metadata": {"phone_number_id": "1"}, "messages": [row]}
        [event] = webhook.parse(
            json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
        )
        self.assertEqual((event.text, event.number), ("ab?", "+919876543210"))

    def test_every_text_is_fit_for_a_database(self):
        odd = "a\0b\ud800"
        status = {
            "id": odd,
            "status": "failed",
            "timestamp": "1",
            "biz_opaque_callback_data": odd,
            "errors": [{"code": 1, "title": odd}],
            "pricing": {"category": odd},
        }
        inbound = {"id": odd, "type": odd, "timestamp": "1", "from": odd}
        value = {
            "metadata": {"phone_number_id": odd},
            "statuses": [status],
            "messages": [inbound],
        }
        template = {"message_template_id": odd, "event": odd, "reason": odd}
        events = webhook.parse(
            json.dumps(
                {
                    "entry": [
                        {
                            "changes": [
                                {"field": "messages", "value": value},
                                {"field": "message_template_status_update", "value": template},
                                {"field": odd, "value": None},
                            ]
                        }
                    ]
                }
            )
        )
        self.assertEqual(len(events), 4)
        for event in events:
            for text in (part for part in event if isinstance(part, str)):
                self.assertNotIn("\0", text)
                text.encode()

    def test_stop_is_heard_whatever_else_is_odd(self):
        for odd in ({}, {"id": "x" * 10000, "timestamp": "soon"}, {"id": 5, "timestamp": []}):
            row = {"from": "919876543210", "type": "text", "text": {"body": "STOP"}, **odd}
            value = {"metadata": {"phone_number_id": "1"}, "messages": [row]}
            [event] = webhook.parse(
                json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
            )
            self.assertEqual((event.text, event.wamid), ("STOP", None))
            self.assertTrue(event.at)

    def test_preferences_have_a_numeric_timestamp(self):
        value = {
            "metadata": {"phone_number_id": "1"},
            "user_preferences": [
                {
                    "wa_id": "919876543210",
                    "category": "marketing_messages",
                    "value": "stop",
                    "timestamp": 1750000000,
                }
            ],
        }
        [event] = webhook.parse(
            json.dumps({"entry": [{"changes": [{"field": "user_preferences", "value": value}]}]}),
            datetime(2025, 6, 16),
        )
        self.assertEqual((event.value, event.at.year), ("stop", 2025))

    # --- words ---

    def test_stop_is_a_whole_message(self):
        for text in (
            "STOP",
            " stop. ",
            "Stop!!",
            "«stop»",
            "opt-out",
            "बंद करें",
            "बंद करें।",
            "रोकें",
            "Unsubscribe\n",
        ):
            self.assertTrue(keywords.is_stop(text), text)
        for text in ("please stop by tomorrow", "non-stop", "START", "", None, "stopped", "बंद नहीं"):
            self.assertFalse(keywords.is_stop(text), text)
        self.assertTrue(keywords.is_stop("Enough", "STOP"), "a button's payload counts")
