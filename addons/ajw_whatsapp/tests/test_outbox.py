import os
from datetime import timedelta
from functools import partial
from unittest.mock import patch

from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..cloud_api.client import CloudApiClient
from ..cloud_api.dispatch import SendResult
from ..cloud_api.errors import CloudApiError, ConnectionFailed
from ..models import ajw_whatsapp_account_claim as claiming
from ..models import ajw_whatsapp_account_failure as failure
from ..models import ajw_whatsapp_account_media as deleting
from ..models import ajw_whatsapp_account_outbox as outbox
from ..models import ajw_whatsapp_account_send as sending
from ..models import ajw_whatsapp_account_writeback as writeback
from ..tools.transactions import MAX_TRIES
from .common import PDF, WhatsappCommon
from .fake_meta import meta_error

LOGGER = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_outbox"
WRITEBACK = writeback.__name__
FAILURE = failure.__name__


@tagged("post_install", "-at_install")
class TestOutbox(WhatsappCommon):
    # --- the way that works ---

    def test_A1_a_consented_message_is_sent_with_its_proof(self):
        message = self._enqueue()
        self.assertFalse(self.meta.calls, "nothing is called before the sender runs")
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertTrue(message.wamid and message.accepted_at and message.media_id)
        self.assertEqual(message.consent_event_id.kind, "given")
        self.assertEqual(message.attempts, 1)
        [upload], [send] = self.meta.of("upload"), self.meta.of("send")
        self.assertIn(PDF, upload["body"])
        self.assertEqual(send["json"]["to"], self.number)
        self.assertEqual(send["json"]["biz_opaque_callback_data"], message.callback_ref)
        header, body = send["json"]["template"]["components"]
        self.assertEqual(header["parameters"][0]["document"]["filename"], "INV-1.pdf")
        self.assertEqual(body["parameters"][0]["parameter_name"], "customer")

    def test_what_meta_holds_for_its_quality_check_is_accepted(self):
        """Meta has it, and says later what became of it: to send it again would send it twice."""
        for number, said in enumerate(("held_for_quality_assessment", "paused", "a_new_word")):
            with self.subTest(said=said):
                answer = {
                    "messaging_product": "whatsapp",
                    "contacts": [{"input": self.number, "wa_id": self.number.lstrip("+")}],
                    "messages": [{"id": f"wamid.held{number}", "message_status": said}],
                }
                self.meta.script("send", (200, answer, {}))
                message = self._enqueue(occasion=said)
                self._run_outbox()
                self._run_outbox()
                self.assertEqual(
                    (message.state, message.wamid), ("accepted", f"wamid.held{number}")
                )
                self.assertEqual(len(self.meta.of("send")), number + 1)
                self._report(self._status(message, "delivered"))
                self._run_webhooks()
                self.assertEqual(message.state, "delivered")

    def test_many_are_sent_once_each(self):
        partners = [self._create_partner(f"P{n}", f"+9198765{n:05}") for n in range(30)]
        for partner in partners:
            self._opt_in(partner)
        messages = self.env["ajw.whatsapp.message"]._enqueue(
            [self._message_vals(partner) for partner in partners]
        )
        with patch.multiple(sending, MIN_BATCH=4, MAX_BATCH=4):
            self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        references = [call["json"]["biz_opaque_callback_data"] for call in self.meta.of("send")]
        self.assertEqual(sorted(references), sorted(messages.mapped("callback_ref")))

    def test_the_documents_are_told_once_a_model(self):
        told = []
        self._add_hook(told.append)
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(told, [(self.partner.ids, ["accepted"])])
        self.assertFalse(message.outcome_pending)

    def _add_hook(self, tell):
        """Make contacts a document model that wants to know."""

        def hook(records, messages):
            tell((records.ids, messages.mapped("state")))

        model = self.env.registry["res.partner"]
        model._ajw_whatsapp_outcome = hook
        self.addCleanup(delattr, model, "_ajw_whatsapp_outcome")

    def test_a_failing_document_does_not_stop_the_sender(self):
        def fail(_told):
            raise ValueError("a defect of the document's code")

        self._add_hook(fail)
        message = self._enqueue()
        with mute_logger("odoo.addons.ajw_whatsapp.models.ajw_whatsapp_message_outcome"):
            self._run_outbox()
        self.assertEqual(message.state, "accepted")

    def test_a_sender_that_lost_its_lock_while_making_pdfs_claims_nothing(self):
        message = self._enqueue()
        held = [True]
        Account = self.env.registry["ajw.whatsapp.account"]

        def lose(account):
            held[0] = False
            return 0

        with (
            patch.object(Account, "_prepare_documents", lose),
            patch.object(outbox.OutboxLock, "is_held", lambda lock: held[0]),
        ):
            self._run_outbox()
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)

    # --- the gate ---

    def test_A1_A5_without_consent_nothing_is_called(self):
        partner = self._create_partner("Never Asked", "+919812345678")
        message = self._enqueue(partner)
        self._run_outbox()
        self.assertEqual((message.state, message.refusal_reason), ("refused", "no_opt_in"))
        self.assertTrue(message.refusal_label)
        self.assertFalse(self.meta.calls)

    def test_A1_a_restriction_after_queueing_is_respected(self):
        message = self._enqueue()
        restriction = self.env["ajw.consent.restriction"]._restrict(
            self.controller, self.partner, "Contests what we hold"
        )
        self.assertTrue(restriction)
        self._run_outbox()
        self.assertEqual((message.state, message.refusal_reason), ("refused", "restricted"))
        self.assertTrue(message.refusal_label)
        self.assertFalse(self.meta.calls)

    def test_A1_a_forged_row_meets_the_same_gate(self):
        partner = self._create_partner("Never Asked", "+919812345678")
        message = (
            self.env["ajw.whatsapp.message"]
            .with_user(self.manager)
            .create(self._manager_vals(partner))
        )
        self._run_outbox()
        self.assertEqual(message.state, "refused")
        self.assertFalse(self.meta.calls)

    def test_A9_a_withdrawal_after_the_click_counts(self):
        message = self._enqueue()
        self._withdraw(self.partner)
        self._run_outbox()
        self.assertEqual((message.state, message.refusal_reason), ("refused", "withdrawn"))
        self.assertFalse(self.meta.calls)

    def test_another_number_starts_without_consent(self):
        message = self._enqueue(number="+919812340000")
        self._run_outbox()
        self.assertEqual((message.state, message.refusal_reason), ("refused", "number_changed"))
        self.assertFalse(self.meta.calls)

    def test_A4_a_template_moved_to_marketing_is_not_covered(self):
        message = self._enqueue()
        self.template.category = "MARKETING"
        self._run_outbox()
        self.assertEqual(
            (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
        )
        self.assertFalse(self.meta.calls)

    def test_A4_marketing_is_not_sent_even_with_a_marketing_consent(self):
        self._opt_in(self.partner, self.purpose_marketing)
        template = self._create_template(
            name="promo", category="MARKETING", purpose_id=self.purpose_marketing.id
        )
        message = self._enqueue(template_id=template.id, purpose_id=self.purpose_marketing.id)
        self._run_outbox()
        self.assertEqual(
            (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
        )
        self.assertFalse(self.meta.calls)

    def test_a_row_cannot_borrow_the_consent_of_another_purpose(self):
        message = self._enqueue(purpose_id=self.purpose_order.id)
        self._opt_in(self.partner, self.purpose_order)
        self._run_outbox()
        self.assertEqual(
            (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
        )
        self.assertFalse(self.meta.calls)

    def test_the_gate_is_asked_with_the_subjects_locked(self):
        asked = []
        gate = self.env.registry["ajw.consent.gate"]
        original = gate._check

        def check(self, *args, lock=False):
            asked.append(lock)
            return original(self, *args, lock=lock)

        self.patch(gate, "_check", check)
        self._enqueue()
        self._run_outbox()
        self.assertEqual(asked, [True])

    def test_a_collision_is_decided_anew(self):
        """Consent was withdrawn between the first query and the lock: PostgreSQL says so, and the
        second look sees it."""
        message = self._enqueue()
        gate = self.env.registry["ajw.consent.gate"]
        original = gate._check
        tries = []

        def check(records, *args, **kwargs):
            tries.append(1)
            if len(tries) == 1:
                raise SerializationFailure
            if len(tries) == 2:
                self_._withdraw(self_.partner)
                self_.env.flush_all()
            return original(records, *args, **kwargs)

        self_ = self
        self.patch(gate, "_check", check)
        self._run_outbox()
        self.assertEqual(len(tries), 2)
        self.assertEqual(message.state, "refused")
        self.assertFalse(self.meta.calls)

    def test_collisions_are_bounded_and_lose_nothing(self):
        message = self._enqueue()
        tries = []

        def collide(*_args, **_kwargs):
            tries.append(1)
            raise SerializationFailure

        with (
            patch.object(self.env.registry["ajw.consent.gate"], "_check", collide),
            patch.object(outbox.time, "sleep"),
            mute_logger(LOGGER),
        ):
            self._run_outbox()
        self.assertEqual(len(tries), MAX_TRIES)
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)

    # --- what Meta holds of the template now ---

    def _forget_check(self):
        self.template.category_checked_at = False

    def _template_row(self, **values):
        row = {"id": "555", "name": "test_document", "language": "en"}
        return (200, row | {"status": "APPROVED", "category": "UTILITY"} | values, {})

    def test_A4_a_template_moved_at_meta_is_seen_without_a_report(self):
        for category in ("MARKETING", "A_NEW_CATEGORY"):
            with self.subTest(category=category):
                self._forget_check()
                self.template.category = "UTILITY"
                self.meta.script("template", self._template_row(category=category))
                message = self._enqueue(occasion=category)
                self._run_outbox()
                self.assertEqual(
                    (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
                )
                self.assertEqual(self.template.category, "MARKETING")
                self.assertIn(self.template.name, self.account.warning)
        self.assertEqual({call["kind"] for call in self.meta.calls}, {"template"})

    def test_A4_meta_is_asked_before_each_run_and_once_a_minute(self):
        self._forget_check()
        messages = self._enqueue()
        self._run_outbox()
        messages += self._enqueue(occasion="other")
        self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["accepted", "accepted"])
        [call] = self.meta.of("template")
        self.assertEqual((call["method"], call["path"]), ("GET", "555"))
        self.template.category_checked_at = fields.Datetime.now() - timedelta(seconds=61)
        messages += self._enqueue(occasion="third")
        self._run_outbox()
        self.assertEqual(len(self.meta.of("template")), 2)
        self.assertEqual(messages[2].state, "accepted")

    def test_what_is_claimed_before_the_next_look_is_not_held_back(self):
        """A run looks every minute; a batch that comes a little later must not wait for that."""
        for seconds, claimed in ((61, 1), (80, 1), (100, 0)):
            with self.subTest(seconds=seconds), self.enter_registry_test_mode():
                message = self._enqueue(occasion=str(seconds))
                self.template.category_checked_at = fields.Datetime.now() - timedelta(
                    seconds=seconds
                )
                self.assertEqual(len(self.account._claim_batch().jobs), claimed)
                self.assertEqual(bool(message.retry_at), not claimed)

    def test_A4_without_an_answer_about_the_template_nothing_is_sent(self):
        message = self._enqueue()
        for answer in ("drop", meta_error(130429, 429), (200, b"<html>", {})):
            with self.subTest(answer=answer):
                self._forget_check()
                self.account._end_pause()
                message._engine().retry_at = False
                self.meta.script("template", answer)
                self._run_outbox()
                self.assertEqual(message.state, "queued")
                self.assertTrue(self.account.paused_until)
                self._run_outbox()
        self.assertEqual([call["kind"] for call in self.meta.calls], ["template"] * 3)
        self.account._end_pause()
        message._engine().retry_at = False
        self._run_outbox()
        self.assertEqual(message.state, "accepted", "it is not kept for ever")

    def test_a_template_that_meta_tells_nothing_of_holds_up_no_other(self):
        other = self._create_template(name="other", meta_template_id="556")
        messages = self._enqueue() + self._enqueue(occasion="other", template_id=other.id)
        (self.template + other).category_checked_at = False
        self.meta.script("template", meta_error(100, 400))
        self.meta.script("template_list", meta_error(100, 400))
        self.meta.script("template", self._template_row(id="556", name="other"))
        self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["queued", "accepted"])
        wait = messages[0].retry_at - fields.Datetime.now()
        self.assertLessEqual(abs(wait.total_seconds() - 60), 5)
        self.assertEqual(self.template.status, "APPROVED")

    def test_a_rejected_token_while_looking_the_template_up(self):
        self._forget_check()
        message = self._enqueue()
        self.meta.script("template", meta_error(190, 401))
        with mute_logger(LOGGER, FAILURE):
            self._run_outbox()
        self.assertEqual((message.state, self.account.state), ("queued", "stopped"))

    def test_a_template_that_is_gone_or_another_one_is_not_sent(self):
        for answer, status in (
            (meta_error(100, 400, error_subcode=33), "DELETED"),
            (self._template_row(name="theirs"), "UNKNOWN"),
            (self._template_row(status="PAUSED"), "PAUSED"),
        ):
            with self.subTest(status=status):
                self._forget_check()
                self.template.status = "APPROVED"
                self.meta.script("template", answer)
                message = self._enqueue(occasion=status)
                self._run_outbox()
                self.assertEqual((message.state, self.template.status), ("failed", status))
        self.assertEqual(
            [call["kind"] for call in self.meta.calls],
            ["template", "template_list", "template", "template"],
            "that it is gone is confirmed",
        )

    def test_a_template_out_of_the_token_s_sight_is_not_taken_for_deleted(self):
        unseen = meta_error(100, 400, error_subcode=33)
        self._forget_check()
        self.meta.templates = [
            {"id": "554", "name": "test_document", "language": "en", "status": "REJECTED"},
            {"id": "555", "name": "test_document", "language": "en", "status": "APPROVED"}
            | {"category": "UTILITY"},
        ]
        self.meta.script("template", unseen)
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual((message.state, self.template.status), ("accepted", "APPROVED"))
        # nor where the list is out of sight as well
        self._forget_check()
        self.meta.calls.clear()
        self.meta.script("template", unseen)
        self.meta.script("template_list", unseen)
        message = self._enqueue(occasion="other")
        with mute_logger(FAILURE):
            self._run_outbox()
        self.assertEqual((message.state, self.template.status), ("queued", "APPROVED"))
        self.assertFalse(self.meta.of("send"))
        self.assertEqual(self.account.state, "stopped", "and not asked for ever")

    def test_a_number_out_of_the_token_s_sight_stops_the_account(self):
        messages = self._enqueue_many(5)
        self.meta.script("send", *[meta_error(100, 400, error_subcode=33)] * 5)
        with patch.object(sending, "WORKERS", 1), mute_logger(LOGGER, FAILURE):
            self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"queued"}, "none of them is at fault")
        self.assertEqual(set(messages.mapped("attempts")), {0})
        self.assertEqual(len(self.meta.of("send")), 1)
        self.assertEqual((self.account.state, self.account.stopped_code), ("stopped", 100))
        self.assertIn("whether the token may see", self.account.stopped_reason)
        self.assertIn(self.manager, self.account.activity_ids.user_id)
        self.meta._scripts.clear()
        self.account.with_user(self.manager).action_test_connection()
        self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})

    def test_a_message_queued_after_the_look_up_waits_for_the_next(self):
        self._forget_check()
        message = self._enqueue()
        with self.enter_registry_test_mode():
            claim = self.account._claim_batch()
        self.assertFalse(claim.jobs)
        self.assertEqual((message.state, bool(message.retry_at)), ("queued", True))

    def test_A4_a_template_of_another_document_is_refused(self):
        template = self._create_template(name="other")
        message = self._enqueue(template_id=template.id)
        template.model = "account.move"
        self._run_outbox()
        self.assertEqual(
            (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
        )
        self.assertFalse(self.meta.calls)

    # --- archived accounts ---

    def test_archiving_an_account_cancels_its_queue(self):
        told = []
        self._add_hook(told.append)
        message = self._enqueue()
        self.account.with_user(self.manager).active = False
        self.assertEqual(message.state, "cancelled")
        self.assertIn("archived", message.error_hint)
        self.assertEqual(told, [(self.partner.ids, ["cancelled"])])
        self._run_outbox()
        self.account.active = True
        self._run_outbox()
        self.assertEqual(message.state, "cancelled")
        self.assertFalse(self.meta.calls)

    def test_what_an_archived_account_still_holds_blocks_no_other(self):
        stuck = self._enqueue()
        self.account.active = False
        stuck._engine().state = "queued"  # as a sender at work puts it back
        other = self._create_account(phone_number_id="77")
        template = self._create_template(account_id=other.id)
        message = self._enqueue(account_id=other.id, template_id=template.id)
        self.assertNotEqual(message, stuck)
        self._run_outbox(other)
        self.assertEqual((stuck.state, message.state), ("cancelled", "accepted"))

    def test_the_sender_of_an_archived_account_empties_its_queue(self):
        stuck = self._enqueue()
        self.account.active = False
        stuck._engine().state = "queued"
        self._run_outbox()
        self.assertEqual(stuck.state, "cancelled")
        self.assertFalse(self.meta.calls)

    # --- errors ---

    def test_one_result_that_cannot_be_recorded_spoils_no_other(self):
        partners = [self._create_partner(f"P{n}", f"+9198765{n:05}") for n in range(3)]
        for partner in partners:
            self._opt_in(partner)
        messages = self.env["ajw.whatsapp.message"]._enqueue(
            [self._message_vals(partner) for partner in partners]
        )
        model = self.env.registry["ajw.whatsapp.account"]
        original = model._write_accepted

        def write(account, results, now):
            if messages[1].id in [result.message_id for result in results]:
                account.env.cr.execute("SELECT 1/0")
            return original(account, results, now)

        with patch.object(model, "_write_accepted", write), mute_logger(WRITEBACK, "odoo.sql_db"):
            self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["accepted", "sending", "accepted"])
        with mute_logger(LOGGER, WRITEBACK):
            self._run_outbox()
        self.assertEqual(messages[1].state, "uncertain")
        self.assertEqual(len(self.meta.of("send")), 3)

    def test_an_id_that_meta_gives_twice_spoils_nothing(self):
        answer = (200, {"messages": [{"id": "wamid.same"}]}, {})
        self.meta.script("send", answer, answer)
        messages = self._enqueue() + self._enqueue(occasion="other")
        self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["accepted", "accepted"])
        self.assertEqual(set(messages.mapped("wamid")), {"wamid.same", False})

    def test_a_passing_fault_is_tried_again_later(self):
        self.meta.script("send", meta_error(131000, 500))
        message = self._enqueue()
        before = fields.Datetime.now()
        self._run_outbox()
        self.assertEqual(
            (message.state, message.error_code, message.attempts), ("queued", 131000, 1)
        )
        self.assertGreater(message.retry_at, before)
        self.assertTrue(message.media_id, "the upload need not be done again")
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.account.cron_id.id), ("call_at", ">", before)]
        )
        self.assertEqual(triggers.call_at, message.retry_at)
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1, "not before its time")
        message._engine().retry_at = before
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertFalse(message.error_code or message.error_message)
        self.assertEqual(len(self.meta.of("upload")), 1)

    def test_pauses_grow_and_end(self):
        message = self._enqueue()
        pauses = []
        for _attempt in range(failure.MAX_ATTEMPTS):
            self.meta.script("send", meta_error(131000, 500))
            message._engine().retry_at = False
            now = fields.Datetime.now()
            self._run_outbox()
            if message.retry_at:
                pauses.append((message.retry_at - now).total_seconds())
        self.assertEqual(message.state, "failed")
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreater(pauses[-1], 10 * pauses[0])
        self.assertIn("Send it again later", message.error_hint)

    def test_a_throttled_number_pauses_as_a_whole(self):
        other = self._create_partner("Second", "+919812345678")
        self._opt_in(other)
        self.meta.script("send", meta_error(130429, 429, {"Retry-After": "120"}))
        with patch.object(sending, "WORKERS", 1):
            first, second = self._enqueue(), self._enqueue(other)
            self._run_outbox()
        self.assertEqual((first.state, second.state), ("queued", "queued"))
        self.assertGreater(
            self.account.paused_until, fields.Datetime.now() + timedelta(seconds=100)
        )
        self.assertEqual(second.attempts, 0)
        calls = len(self.meta.calls)
        self._run_outbox()
        self.assertEqual(len(self.meta.calls), calls)

    def test_a_pause_is_obeyed_whatever_asks_for_it(self):
        header = {"Retry-After": "120"}
        for name, answer, state in (
            ("page", (503, b"<html>Down</html>", header), "uncertain"),
            ("fault", meta_error(131016, 503, header), "queued"),
            ("address", meta_error(131026, 400, header), "failed"),
            ("taken", (200, {"messages": [{"id": "wamid.paused"}]}, header), "accepted"),
        ):
            with self.subTest(answer=name):
                self.account.paused_until = False
                self.env.cr.execute("DELETE FROM ajw_whatsapp_limit")
                self.meta.calls.clear()
                self.meta.script("send", answer)
                with patch.object(sending, "WORKERS", 1):
                    first = self._enqueue(occasion=f"first-{name}")
                    second = self._enqueue(occasion=f"second-{name}")
                    self._run_outbox()
                self.assertEqual((first.state, second.state), (state, "queued"))
                wait = self.account.paused_until - fields.Datetime.now()
                self.assertTrue(100 < wait.total_seconds() <= 120)
                self.assertEqual(len(self.meta.of("send")), 1)
                second._engine()._set_state("cancelled", retry_at=False)

    def test_a_later_answer_never_shortens_a_pause(self):
        messages = self._enqueue_many(3)
        messages._engine().write({"state": "sending", "attempts": 1})
        refusals = (
            CloudApiError(80007, http_status=400, retry_after=3600),
            CloudApiError(130429, http_status=429, retry_after=5),
            CloudApiError(130429, http_status=429),
        )
        for message, error in zip(messages, refusals, strict=True):
            self.account._write_back([SendResult(message.id, "error", error=error)])
        self.assertEqual(set(messages.mapped("state")), {"queued"})
        self.assertGreater(self.account.paused_until, fields.Datetime.now() + timedelta(minutes=55))

    def test_a_permanent_error_says_what_to_do(self):
        self.meta.script("send", meta_error(131026, 400, error_data={"details": "undeliverable"}))
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual((message.state, message.error_code), ("failed", 131026))
        self.assertIn("undeliverable", message.error_message)
        self.assertIn("another number", message.error_hint)
        self.assertTrue(message.failed_at)

    def test_unknown_template(self):
        self.meta.script("send", meta_error(132001, 404))
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(message.state, "failed")
        self.assertIn("Synchronise", message.error_hint)

    def test_a_template_that_is_not_approved_is_not_sent(self):
        message = self._enqueue()
        self.template.status = "PAUSED"
        self._run_outbox()
        self.assertEqual(message.state, "failed")
        self.assertIn("Paused", message.error_message)
        self.assertFalse(self.meta.calls)

    def test_a_missing_document_is_said(self):
        message = self._enqueue()
        message.attachment_id.unlink()
        self._run_outbox()
        self.assertEqual(message.state, "failed")
        self.assertIn("missing", message.error_message)
        self.assertFalse(self.meta.calls)

    def test_A9_131050_withdraws_marketing_only(self):
        self._opt_in(self.partner, self.purpose_marketing)
        self.meta.script("send", meta_error(131050, 400))
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(message.state, "failed")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.partner).allowed)

    # --- the account as a whole ---

    def test_a_rejected_token_stops_the_account_and_keeps_the_queue(self):
        self.meta.script("upload", meta_error(190, 401))
        message = self._enqueue()
        with mute_logger(LOGGER, FAILURE):
            self._run_outbox()
        self.assertEqual((message.state, message.attempts), ("queued", 0))
        self.assertEqual(self.account.state, "stopped")
        self.assertIn("access token", self.account.stopped_reason)
        self.assertIn(self.manager, self.account.activity_ids.user_id)
        self._run_outbox()
        self.assertEqual(len(self.meta.calls), 1, "a stopped account calls nobody")
        self.account.with_user(self.manager).action_test_connection()
        self.assertFalse(self.account.activity_ids)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")

    def test_accounts_out_of_service_send_nothing(self):
        message = self._enqueue()
        self.account.state = "draft"
        self._run_outbox()
        self.account.write(
            {"state": "connected", "paused_until": fields.Datetime.now() + timedelta(hours=1)}
        )
        self._run_outbox()
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)

    def test_missing_keys_keep_the_queue(self):
        message = self._enqueue()
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: ""}):
            self._run_outbox()
            self.assertIn("AJW_KEYS", self.account.stopped_reason)
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertFalse(self.account.stopped_reason)

    def test_two_accounts_send_only_their_own(self):
        other = self._create_account(phone_number_id="77")
        template = self._create_template(account_id=other.id)
        mine = self._enqueue()
        theirs = self._enqueue(account_id=other.id, template_id=template.id, occasion="other")
        self._run_outbox(other)
        self.assertEqual((mine.state, theirs.state), ("queued", "accepted"))
        self.assertEqual(self.meta.of("send")[0]["path"], "77/messages")

    # --- unknown outcomes ---

    def test_a_lost_answer_is_never_resent(self):
        self.meta.script("send", "drop")
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(message.state, "uncertain")
        self.assertIn("may have arrived", message.error_hint)
        for _run in range(3):
            self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)
        self.assertEqual(self._enqueue(), message, "pressing again does not send it again either")

    def test_a_report_settles_an_uncertain_message(self):
        self.meta.script("send", "drop")
        message = self._enqueue()
        self._run_outbox()
        self._report(self._status(message, "delivered"))
        self._run_webhooks()
        self.assertEqual(message.state, "delivered")
        self.assertTrue(message.wamid)
        self.assertFalse(message.error_message)

    def test_a_crashed_sender_leaves_uncertain_messages(self):
        message = self._enqueue()
        with self.enter_registry_test_mode():
            self.account._claim_batch()
        self.assertEqual(message.state, "sending")
        with mute_logger(LOGGER, WRITEBACK):
            self._run_outbox()
        self.assertEqual(message.state, "uncertain")
        self.assertFalse(self.meta.calls)

    def test_a_report_that_overtakes_the_answer_stays(self):
        message = self._enqueue()
        original = CloudApiClient.send_message

        def send_message(client, payload):
            answer = original(client, payload)
            sent.append(answer.wamid)
            return answer

        sent = []
        self.patch(CloudApiClient, "send_message", send_message)
        write_back = self.env.registry["ajw.whatsapp.account"]._write_back

        def late(account, results):
            account._outbox.browse(message.id)._merge_report("read")
            return write_back(account, results)

        self.patch(self.env.registry["ajw.whatsapp.account"], "_write_back", late)
        self._run_outbox()
        self.assertEqual(message.state, "read")
        self.assertEqual(message.wamid, sent[0])
        self.assertTrue(message.accepted_at)

    def test_nobody_listening_is_tried_again(self):
        message = self._enqueue()
        self.account.base_url = "http://127.0.0.1:9"
        self.account.write({"access_token": "x", "state": "connected"})
        self._run_outbox()
        self.assertEqual(message.state, "queued")
        self.assertTrue(message.retry_at)

    def test_another_sender_at_work_is_left_alone(self):
        message = self._enqueue()
        with self.env.registry.cursor() as cr:  # a session of its own
            cr.execute("SELECT pg_advisory_lock(%s, %s)", [outbox.LOCK_CLASS, self.account.id])
            try:
                self._run_outbox()
            finally:
                cr.execute(
                    "SELECT pg_advisory_unlock(%s, %s)", [outbox.LOCK_CLASS, self.account.id]
                )
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")

    def test_the_lock_is_given_back(self):
        self._enqueue()
        self._run_outbox()
        with self.env.registry.cursor() as cr:
            cr.execute("SELECT pg_try_advisory_lock(%s, %s)", [outbox.LOCK_CLASS, self.account.id])
            self.assertTrue(cr.fetchone()[0])
            cr.execute("SELECT pg_advisory_unlock(%s, %s)", [outbox.LOCK_CLASS, self.account.id])

    def test_a_document_that_arrived_is_deleted_at_meta(self):
        message, other = self._enqueue(), self._enqueue(occasion="other")
        self._run_outbox()
        media = message.media_id
        self.assertTrue(media and other.media_id)
        self.assertFalse(self.meta.of("delete"), "not before it arrived")
        message._engine()._merge_report("delivered")
        self._run_outbox()
        [call] = self.meta.of("delete")
        self.assertEqual((call["method"], call["path"]), ("DELETE", media))
        self.assertFalse(message.media_id)
        other._engine()._merge_report("failed")
        self.meta.script("delete", "drop", meta_error(100, 400, error_subcode=33))
        self._run_outbox()
        self.assertTrue(other.media_id, "it is tried again")
        self._run_outbox()
        self.assertFalse(other.media_id, "gone already is gone")

    def test_an_archived_account_leaves_no_document_at_meta(self):
        arrived, on_its_way = self._enqueue(), self._enqueue(occasion="other")
        self._run_outbox()
        media = [arrived.media_id, on_its_way.media_id]
        arrived._engine()._merge_report("delivered")
        self.account.with_user(self.manager).active = False
        self._run_outbox()
        self.assertEqual([call["path"] for call in self.meta.of("delete")], media[:1])
        self.assertFalse(arrived.media_id)
        on_its_way._engine()._merge_report("failed")
        self._run_outbox()
        self.assertEqual([call["path"] for call in self.meta.of("delete")], media)
        self.assertEqual(len(self.meta.of("send")), 2, "nothing else happens")

    def test_an_archived_account_without_secrets_is_wound_up_all_the_same(self):
        message = self._enqueue()
        self._run_outbox()
        message._engine()._merge_report("delivered")
        self.account.active = False
        self.account.access_token_cipher = False
        self._run_outbox()
        self.assertTrue(message.media_id)
        self.assertFalse(self.meta.of("delete"))

    def test_documents_that_cannot_be_deleted_do_not_keep_the_others(self):
        messages = self.env["ajw.whatsapp.message"]
        for n in range(5):
            messages |= self._enqueue(occasion=f"o{n}")
        self._run_outbox()
        self.assertTrue(all(messages.mapped("media_id")))
        messages._engine()._set_state("delivered")
        stuck = set(messages[:2].mapped("media_id"))
        delete = CloudApiClient.delete_media

        def delete_media(client, media_id):
            if media_id in stuck:
                raise ConnectionFailed("no")
            return delete(client, media_id)

        self.patch(CloudApiClient, "delete_media", delete_media)
        with patch.object(deleting, "BATCH_SIZE", 2):
            self._run_outbox()
        self.assertEqual(set(messages.filtered("media_id").mapped("media_id")), stuck)
        self.assertTrue(all(messages[:2].mapped("media_tried_at")))

    def test_a_defect_in_deleting_does_not_stop_the_sender(self):
        message = self._enqueue()
        self._run_outbox()
        message._engine()._set_state("delivered")

        def fail(*_args):
            raise ValueError(self.number)

        with (
            patch.object(deleting, "delete_media", fail),
            self.assertLogs(deleting.__name__, "ERROR") as log,
        ):
            self._run_outbox()
        self.assertNotIn("+91", log.output[0])
        self.assertTrue(message.media_id)
        self._run_outbox()
        self.assertFalse(message.media_id, "tried again in the next run")

    def test_a_database_error_prints_no_row(self):
        secret = "wamid.+919876543210"
        first, second = self._enqueue(), self._enqueue(occasion="other")
        first._engine().write({"wamid": secret, "state": "delivered"})
        self.env.flush_all()

        def collide(account):
            account._outbox.browse(second.id).wamid = secret
            account.env.flush_all()

        with (
            self.enter_registry_test_mode(),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
            self.assertRaises(UniqueViolation),
            self.env.registry.cursor() as cr,
        ):
            account = self.account.with_env(self.env(cr=cr))
            account._in_fresh_transaction(partial(collide, account))

    def test_A9_131050_withdraws_every_purpose_that_is_marketing(self):
        offers = self.purpose_marketing.copy({"code": "offers", "name": "Offers"})
        notice = self._publish_notice()
        self._opt_in(self.partner, self.purpose_marketing | offers, notice=notice)
        offers.active = False
        self.meta.script("send", meta_error(131050, 400))
        self._enqueue()
        self._run_outbox()
        offers.active = True
        for purpose in (self.purpose_marketing, offers):
            self.assertEqual(self._ask_gate(self.partner, purpose).reason, "withdrawn")

    def test_batches_stay_within_memory(self):
        for n in range(4):
            partner = self._create_partner(f"P{n}", f"+9198765{n:05}")
            self._opt_in(partner)
            self._enqueue(partner)
        with self.enter_registry_test_mode(), patch.object(claiming, "BATCH_BYTES", len(PDF) * 2):
            claim = self.account._claim_batch()
        self.assertEqual(len(claim.jobs), 2)

    def test_a_claim_costs_the_same_for_one_and_for_many(self):
        counts = []
        for start, size in ((0, 5), (100, 25)):
            for n in range(size):
                partner = self._create_partner(f"P{n}", f"+919876{start + n:06}")
                self._opt_in(partner)
                self._enqueue(partner)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            claim = self.account._claim_batch(limit=size)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(claim.jobs), size)
        self.assertLessEqual(counts[1], counts[0] + 2)
