import json
import logging
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tests.common import BaseCase

from ..cloud_api import answers, errors, limiter, payload, points, transport
from ..cloud_api.client import CloudApiClient
from ..cloud_api.dispatch import Dispatcher, DocumentRef, SendJob
from .fake_meta import PHONE_NUMBER_ID, SECRET, TOKEN, WABA_ID, FakeMeta, meta_error


@tagged("post_install", "-at_install")
class TestDispatch(BaseCase):
    """The sender's threads, against real sockets."""

    def setUp(self):
        super().setUp()
        self.meta = FakeMeta()
        self.addCleanup(self.meta.close)
        self.client = CloudApiClient(
            base_url=self.meta.base_url,
            api_version="v23.0",
            phone_number_id=PHONE_NUMBER_ID,
            waba_id=WABA_ID,
            access_token=TOKEN,
            app_secret=SECRET,
            timeout=(2, 5),
        )
        self.addCleanup(self.client.close)

    def _dispatcher(self, workers=4, rate=1000):
        dispatcher = Dispatcher(self.client, limiter.Pace(rate), workers)
        self.addCleanup(dispatcher.close)
        return dispatcher

    def _job(self, message_id=1, **values):
        body = payload.template_message("+919876543210", "t", "en", (), f"ref{message_id}")
        return SendJob(message_id, body, **values)

    def _file(self, content):
        file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - read by a thread, removed at the end
        self.addCleanup(file.close)
        file.write(content)
        file.flush()
        return file.name

    def _reference(self, path, size=4):
        return DocumentRef(path, None, "INV-1.pdf", "application/pdf", size)

    # --- results ---

    def test_results_come_while_others_are_on_the_wire(self):
        self.meta.script("send", 0.5)
        dispatcher = self._dispatcher(workers=2)
        dispatcher.submit([self._job(1), self._job(2)], float("inf"))
        first = dispatcher.collect(5)
        self.assertEqual(len(first), 1)
        self.assertEqual(dispatcher.pending, 1)
        rest = dispatcher.collect(5, 10)
        self.assertEqual(dispatcher.pending, 0)
        self.assertEqual({r.message_id for r in first + rest}, {1, 2})
        self.assertFalse(dispatcher.collect(5), "nothing is waited for when nothing is to come")

    def test_waiting_ends_when_the_time_is_up(self):
        self.meta.script("send", 0.6)
        dispatcher = self._dispatcher()
        dispatcher.submit([self._job()], float("inf"))
        begun = time.monotonic()
        self.assertEqual(dispatcher.collect(0.05), [])
        self.assertLess(time.monotonic() - begun, 0.5)
        [result] = dispatcher.close()
        self.assertEqual(result.outcome, "accepted", "what is on the wire is waited for at the end")

    def test_what_has_not_started_at_the_end_never_starts(self):
        self.meta.script("send", 0.3)
        dispatcher = self._dispatcher(workers=1)
        dispatcher.submit([self._job(n) for n in range(4)], float("inf"))
        while not self.meta.calls:
            time.sleep(0.01)
        outcomes = [result.outcome for result in dispatcher.close()]
        self.assertEqual(outcomes, ["accepted", "not_started", "not_started", "not_started"])
        self.assertEqual(len(self.meta.of("send")), 1)

    def test_stopped_says_so_to_the_sender(self):
        self.meta.script("send", meta_error(130429, 429))
        dispatcher = self._dispatcher()
        self.assertFalse(dispatcher.stopped)
        dispatcher.submit([self._job()], float("inf"))
        dispatcher.collect(5)
        self.assertTrue(dispatcher.stopped)

    # --- an outage ---

    PAGE = (502, b"<html>Bad gateway</html>", {})

    def _outcomes(self, count, *answers, workers=1, **values):
        self.meta.script("send", *answers)
        dispatcher = Dispatcher(self.client, limiter.Pace(1000), workers, **values)
        self.addCleanup(dispatcher.close)
        dispatcher.submit([self._job(n) for n in range(count)], float("inf"))
        return [result.outcome for result in dispatcher.collect(30, count)], dispatcher

    def test_an_outage_ends_the_run_after_a_few_calls(self):
        for answer, outcome in (
            (self.PAGE, "unknown"),
            ((200, b"<html>Sign in to this network</html>", {}), "unknown"),
            ((403, b"<html>Blocked</html>", {}), "error"),
            ("drop", "unknown"),
        ):
            with self.subTest(answer=answer):
                self.meta.calls.clear()
                outcomes, dispatcher = self._outcomes(80, *[answer] * 80)
                self.assertEqual(outcomes, [outcome] * 3 + ["not_started"] * 77)
                self.assertEqual(len(self.meta.of("send")), 3)
                self.assertTrue(dispatcher.stopped)
                self.meta._scripts.clear()

    def test_in_an_outage_no_more_is_sent_than_was_on_the_wire(self):
        outcomes, _dispatcher = self._outcomes(80, *[self.PAGE] * 80, workers=8)
        self.assertLessEqual(outcomes.count("unknown"), 2 + 8)
        self.assertEqual(outcomes.count("unknown"), len(self.meta.of("send")))
        self.assertEqual(set(outcomes), {"unknown", "not_started"})

    def test_nobody_listening_ends_the_run_as_well(self):
        self.meta.close()
        outcomes, _dispatcher = self._outcomes(20)
        self.meta = FakeMeta()
        self.assertEqual(outcomes, ["unreached"] * 3 + ["not_started"] * 17)

    def test_single_faults_stop_nobody(self):
        taken = (200, {"messages": [{"id": "wamid.1"}]}, {})
        refused = meta_error(131026, 400)
        answers = [self.PAGE, "drop", taken, self.PAGE, "drop", refused] * 3
        outcomes, dispatcher = self._outcomes(len(answers), *answers)
        self.assertNotIn("not_started", outcomes)
        self.assertFalse(dispatcher.stopped)

    def test_one_call_finds_out_whether_an_outage_is_over(self):
        outcomes, dispatcher = self._outcomes(5, *[self.PAGE] * 5, probing=True)
        self.assertEqual(outcomes, ["unknown"] + ["not_started"] * 4)
        self.assertTrue(dispatcher.stopped)
        self.meta._scripts.clear()
        outcomes, dispatcher = self._outcomes(1, probing=True)
        self.assertEqual((outcomes, dispatcher.probing), (["accepted"], False))
        self.assertFalse(dispatcher.stopped)

    def test_too_many_to_one_recipient_stops_nobody_else(self):
        self.meta.script("send", meta_error(131056, 429))
        dispatcher = self._dispatcher(workers=1)
        dispatcher.submit([self._job(1, claim="c1"), self._job(2, claim="c2")], float("inf"))
        results = dispatcher.collect(5, 2)
        self.assertFalse(dispatcher.stopped)
        self.assertEqual(
            [(r.outcome, r.claim) for r in results], [("error", "c1"), ("accepted", "c2")]
        )

    def test_a_defect_of_ours_is_an_unknown_outcome_and_takes_nobody_along(self):
        dispatcher = self._dispatcher(workers=1)
        with patch.object(CloudApiClient, "send_message", side_effect=[ValueError, None]):
            dispatcher.submit([self._job(1)._replace(payload=None), self._job(2)], float("inf"))
            results = dispatcher.collect(5, 2)
        self.assertEqual([result.outcome for result in results], ["unknown", "unknown"])

    def test_the_time_on_the_wire_leaves_out_the_wait_for_the_turn(self):
        dispatcher = self._dispatcher(rate=5)
        self.meta.script("send", *[0.1] * 7)
        dispatcher.submit([self._job(n) for n in range(7)], float("inf"))
        begun = time.monotonic()
        dispatcher.collect(10, 7)
        self.assertGreater(time.monotonic() - begun, 0.9, "five a second")
        self.assertTrue(0.08 < dispatcher.seconds < 0.4, dispatcher.seconds)

    # --- documents ---

    def test_a_document_is_read_when_its_turn_comes(self):
        path = self._file(b"%PDF of the file store")
        dispatcher = self._dispatcher()
        dispatcher.submit([self._job(document=self._reference(path))], float("inf"))
        [result] = dispatcher.collect(5)
        self.assertEqual(result.outcome, "accepted")
        self.assertIn(b"%PDF of the file store", self.meta.of("upload")[0]["body"])

    def test_a_document_that_cannot_be_read_sends_nothing(self):
        dispatcher = self._dispatcher()
        dispatcher.submit([self._job(document=self._reference("/nowhere/x.pdf"))], float("inf"))
        [result] = dispatcher.collect(5)
        self.assertEqual(result.outcome, "unreadable")
        self.assertFalse(self.meta.calls)
        self.assertEqual(self._reference("/nowhere/x.pdf").head(), b"")

    def test_uploads_do_not_wait_for_the_turn(self):
        dispatcher = self._dispatcher(workers=4, rate=2)
        jobs = [
            self._job(n, document=DocumentRef(None, b"%PDF", "a.pdf", "application/pdf", 4))
            for n in range(4)
        ]
        dispatcher.submit(jobs, float("inf"))
        deadline = time.monotonic() + 5
        while len(self.meta.of("upload")) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(len(self.meta.of("upload")), 4)
        self.assertLessEqual(len(self.meta.of("send")), 2)

    def test_what_was_uploaded_is_not_uploaded_again(self):
        dispatcher = self._dispatcher()
        document = DocumentRef(None, b"", "INV-1.pdf", "application/pdf", 0)
        dispatcher.submit([self._job(document=document, media_id="media7")], float("inf"))
        dispatcher.collect(5)
        self.assertFalse(self.meta.of("upload"))
        [header] = self.meta.of("send")[0]["json"]["template"]["components"]
        self.assertEqual(
            header["parameters"][0]["document"], {"id": "media7", "filename": "INV-1.pdf"}
        )

    # --- the points ---

    def test_the_points_are_reached_in_order_and_only_for_messages(self):
        reached = []
        dispatcher = self._dispatcher(workers=1)
        document = DocumentRef(None, b"%PDF", "a.pdf", "application/pdf", 4)

        def note(point):
            reached.append((point, len(self.meta.of("upload")), threading.current_thread().name))

        with patch.object(points, "reached", note):
            dispatcher.submit([self._job(document=document)], float("inf"))
            dispatcher.collect(5)
        self.assertEqual([each[0] for each in reached], [points.BYTES_SENT, points.ANSWER_READ])
        self.assertEqual({each[1] for each in reached}, {1}, "not for the upload")

    # --- what the answers say ---

    def test_usage_is_read_from_every_answer(self):
        header = {"X-Business-Use-Case-Usage": json.dumps({"1": [{"call_count": 93}]})}
        success = (200, {"messages": [{"id": "wamid.1"}]}, header)
        self.meta.script("send", success, meta_error(131026, 400, header))
        dispatcher = self._dispatcher(workers=1)
        dispatcher.submit([self._job(1), self._job(2), self._job(3)], float("inf"))
        usages = {r.message_id: r.usage for r in dispatcher.collect(5, 3)}
        self.assertEqual(usages, {1: 0.93, 2: 0.93, 3: None})

    def test_odd_usage_headers_say_nothing(self):
        for value in ("", "{", "[]", "7", '{"1": 3}', '{"1": [3]}', '{"1": [{"call_count": "x"}]}'):
            with self.subTest(value=value):
                self.assertIsNone(answers.usage({"X-App-Usage": value}))
        self.assertEqual(answers.usage({"X-App-Usage": '{"call_count": 5, "total_time": 80}'}), 0.8)
        minutes = '{"1": [{"estimated_time_to_regain_access": 3}]}'
        self.assertEqual(answers.retry_after({"X-Business-Use-Case-Usage": minutes}), 180)

    def test_odd_pauses_say_nothing(self):
        for value in ("", "soon", "NaN", "-5", "Thu, 99 Nov 2026 10:00:00 GMT", "1e999", "0"):
            with self.subTest(value=value):
                self.assertIsNone(answers.retry_after({"Retry-After": value}))
        for minutes in ("NaN", "Infinity", "-Infinity", "-3", '"3"', "null", "0"):
            with self.subTest(minutes=minutes):
                value = f'{{"1": [{{"estimated_time_to_regain_access": {minutes}}}]}}'
                self.assertIsNone(answers.retry_after({"X-Business-Use-Case-Usage": value}))

    def test_a_pause_may_be_a_date(self):
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        self.assertTrue(80 < answers.retry_after({"Retry-After": at}) <= 90)
        self.assertIsNone(answers.retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}))
        self.assertEqual(answers.retry_after({"Retry-After": "9999999"}), 86400, "a day at most")

    def test_whoever_asks_for_a_pause_gets_it(self):
        header = {"Retry-After": "120"}
        for answer, outcome in (
            ((503, b"<html>Down</html>", header), "unknown"),
            ((403, b"<html>Too fast</html>", header), "error"),
            (meta_error(131016, 503, header), "error"),
            (meta_error(131026, 400, header), "error"),
            ((200, {"messages": [{"id": "wamid.1"}]}, header), "accepted"),
        ):
            with self.subTest(answer=answer):
                self.meta.script("send", answer)
                dispatcher = self._dispatcher(workers=1)
                dispatcher.submit([self._job(1), self._job(2)], float("inf"))
                first, second = dispatcher.collect(5, 2)
                self.assertEqual((first.outcome, first.pause), (outcome, 120))
                self.assertEqual((second.outcome, second.pause), ("not_started", 0))

    def test_a_pause_for_one_recipient_is_none_for_the_others(self):
        self.meta.script("send", meta_error(131056, 429, {"Retry-After": "120"}))
        dispatcher = self._dispatcher(workers=1)
        dispatcher.submit([self._job(1), self._job(2)], float("inf"))
        results = dispatcher.collect(5, 2)
        self.assertEqual([(r.outcome, r.pause) for r in results], [("error", 0), ("accepted", 0)])

    def test_an_answer_without_end_leaves_the_outcome_unknown(self):
        self.meta.script("send", (200, b"{" + b" " * 4096, {}))
        with (
            patch.object(transport, "MAX_ANSWER_BYTES", 1024),
            self.assertRaises(errors.OutcomeUnknown),
        ):
            self.client.send_message(self._job().payload)

    # --- connections ---

    def test_connections_are_kept_and_shared(self):
        dispatcher = self._dispatcher(workers=1)
        with patch.object(
            transport._Connection,
            "connect",
            autospec=True,
            side_effect=transport._Connection.connect,
        ) as connect:
            dispatcher.submit([self._job(n) for n in range(10)], float("inf"))
            dispatcher.collect(5, 10)
        self.assertEqual(len(self.meta.of("send")), 10)
        self.assertEqual(connect.call_count, 1)

    def test_neither_token_nor_proof_is_logged(self):
        with self.assertLogs("urllib3", logging.DEBUG) as log:
            self.client.send_message(self._job().payload)
            self.client.get_phone_number()
        text = "\n".join(log.output)
        self.assertIn("/messages", text)
        self.assertIn("appsecret_proof=…", text)
        self.assertNotIn(self.client._proof, text)
        self.assertNotIn(TOKEN, text)

    def test_the_environments_certificates_count(self):
        with patch.dict("os.environ", {"REQUESTS_CA_BUNDLE": self._file(b"")}):
            pool, _whole = transport._Adapter().pool_for("https://127.0.0.1:1")
        self.assertEqual(pool.cert_reqs, "CERT_REQUIRED")
        self.assertTrue(pool.ca_certs)
