from itertools import permutations

from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..models.ajw_whatsapp_message import ENGINE_CONTEXT_KEY, ENGINE_FIELDS
from ..models.selections import STATE_RANK
from .common import WhatsappCommon, WhatsappCommonMixin


@tagged("post_install", "-at_install")
class TestMessage(WhatsappCommon):
    # --- what cannot be forged ---

    def test_A6_a_row_cannot_claim_a_state(self):
        messages = self.env["ajw.whatsapp.message"].with_user(self.manager)
        forged = {
            "state": "accepted",
            "direction": "inbound",
            "wamid": "wamid.x",
            "attempts": 3,
            "consent_event_id": self.env["ajw.consent.event"].search([], limit=1).id,
            "sent_at": fields.Datetime.now(),
            "refusal_reason": "x",
            "callback_ref": "x",
            "media_id": "x",
        }
        for name, value in forged.items():
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, name):
                messages.create(self._manager_vals(**{name: value}))
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, name):
                messages.sudo().create(self._manager_vals(**{name: value}))
        self.assertFalse(
            self.env["ajw.whatsapp.message"].search([("company_id", "=", self.company.id)])
        )

    def test_A6_neither_context_nor_default_decides(self):
        self.env["ir.default"].set("ajw.whatsapp.message", "state", "accepted")
        messages = self.env["ajw.whatsapp.message"].with_user(self.manager)
        context = {f"default_{name}": "delivered" for name in ("state", "wamid")}
        context[ENGINE_CONTEXT_KEY] = True
        message = messages.with_context(**context).create(self._manager_vals())
        self.assertEqual(
            (message.state, message.wamid, message.direction), ("queued", False, "outbound")
        )

    def test_A6_nobody_chooses_the_note_of_a_message(self):
        note = self.partner.message_post(body="Somebody else's")
        messages = self.env["ajw.whatsapp.message"].with_user(self.manager)
        with self.assertRaises(AccessError):
            messages.create(self._manager_vals(mail_message_id=note.id))
        message = messages.with_context(default_mail_message_id=note.id).create(
            self._manager_vals()
        )
        self.assertFalse(message.mail_message_id)
        message = messages.with_context(default_mail_message_id=note.id)._enqueue(
            [self._message_vals(occasion="again")]
        )
        self.assertNotEqual(message.mail_message_id, note)

    def test_A6_a_row_cannot_be_changed_afterwards(self):
        message = self._enqueue()
        for name in ENGINE_FIELDS:
            with self.subTest(name=name), self.assertRaises(AccessError):
                message.write({name: "1"})
        for user in (self.user, self.manager):
            with self.assertRaises(AccessError):
                message.with_user(user).write({"number": "+919999999999"})
            with self.assertRaises(AccessError):
                message.with_user(user).unlink()

    def test_an_erasure_may_empty_what_is_personal(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.1")
        message.sudo().write(
            {
                "body": False,
                "template_components": False,
                "number": False,
                "wamid": False,
                "partner_id": False,
            }
        )
        self.assertFalse(message.wamid or message.number or message.body)

    def test_users_cannot_create_rows(self):
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.message"].with_user(self.user).create(self._message_vals())

    def test_a_row_cannot_carry_a_file_the_user_may_not_read(self):
        secret = self.env["ir.attachment"].create({"name": "payroll.pdf", "raw": b"x"})
        messages = self.env["ajw.whatsapp.message"].with_user(self.manager)
        with self.assertRaises(AccessError):
            messages.create(self._manager_vals(attachment_id=secret.id))
        with self.assertRaises(AccessError):
            messages.with_user(self.user)._enqueue([self._message_vals(attachment_id=secret.id)])

    def test_a_row_needs_what_sending_needs(self):
        messages = self.env["ajw.whatsapp.message"].sudo()
        for values in (
            {"template_id": False},
            {"number": "9876543210"},
            {"number": False},
            {"res_model": "no.such.model"},
            {"template_components": 5},
            {"template_components": [1]},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                messages.create(self._message_vals(**values))

    # --- business key ---

    def test_pressing_twice_queues_once(self):
        first = self._enqueue()
        self.assertEqual(self._enqueue(), first)
        messages = self.env["ajw.whatsapp.message"]._enqueue(
            [self._message_vals(), self._message_vals()]
        )
        self.assertEqual(messages, first)
        other = self._enqueue(occasion="reminder")
        self.assertNotEqual(other, first)
        for state in ("sending", "accepted", "uncertain", "sent", "delivered", "read"):
            first._engine()._set_state(state)
            self.assertEqual(self._enqueue(), first)
        for state in ("failed", "refused", "cancelled"):
            first._engine()._set_state(state)
            again = self._enqueue()
            self.assertNotEqual(again, first)
            first = again

    def test_pressing_at_once_asks_for_another_run(self):
        """The other transaction's row cannot be seen yet, only collided with."""
        self._enqueue()
        messages = self.env["ajw.whatsapp.message"]
        find_active = type(messages)._find_active

        def find(records, keys):
            return {} if records.env.cr is self.env.cr else find_active(records, keys)

        self.patch(type(messages), "_find_active", find)
        vals = self._message_vals()
        with (
            self.enter_registry_test_mode(),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
            self.assertRaises(ConcurrencyError),
        ):
            messages._enqueue([vals])

    def test_the_database_keeps_the_key_too(self):
        message = self._enqueue()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.env.cr.savepoint(),
        ):
            message._engine().create(self._message_vals())

    def test_the_engine_right_does_not_leak(self):
        message = (
            self.env["ajw.whatsapp.message"].with_user(self.user)._enqueue([self._message_vals()])
        )
        self.assertNotIn(ENGINE_CONTEXT_KEY, message.env.context)
        self.assertFalse(message.env.su)
        self.assertEqual(message.create_uid, self.user)

    def test_queueing_wakes_the_account_and_calls_nobody(self):
        self._enqueue()
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.account.cron_id.id)])
        self.assertTrue(triggers)
        self.assertFalse(self.meta.calls)

    # --- reports ---

    def test_reports_give_the_same_result_in_any_order(self):
        times = {
            "accepted": "2026-01-01 10:00:00",
            "sent": "2026-01-01 10:00:01",
            "failed": "2026-01-01 10:00:02",
            "delivered": "2026-01-01 10:00:03",
            "read": "2026-01-01 10:00:04",
        }
        for count in range(2, len(times) + 1):
            names = list(times)[-count:]
            results = set()
            for order in permutations(names):
                message = self._enqueue(occasion="-".join(order))._engine()
                for name in order:
                    message._merge_report(name, fields.Datetime.to_datetime(times[name]))
                results.add((message.state, *(message[f"{name}_at"] for name in times)))
            self.assertEqual(len(results), 1, names)

    def test_status_only_moves_forward(self):
        message = self._enqueue()._engine()
        now = fields.Datetime.now()
        message._merge_report("delivered", now)
        for late in ("accepted", "sent", "failed"):
            self.assertFalse(message._merge_report(late, now, error_message="x"))
        self.assertEqual(message.state, "delivered")
        self.assertFalse(message.error_message)
        self.assertTrue(message.sent_at and message.failed_at, "each keeps its own time")
        self.assertTrue(message._merge_report("read", now))
        self.assertEqual(max(STATE_RANK, key=STATE_RANK.get), "read")

    # --- actions ---

    def test_cancel_and_send_again(self):
        message = self._enqueue().with_user(self.manager)
        message.action_cancel()
        self.assertEqual(message.state, "cancelled")
        with self.assertRaises(UserError):
            message.action_cancel()
        message.action_retry()
        again = self._enqueue()
        self.assertNotEqual(again, message)
        self.assertEqual(
            (again.state, again.body, again.template_components),
            ("queued", message.body, message.sudo().template_components),
        )
        self.assertNotEqual(again.callback_ref, message.callback_ref)
        with self.assertRaises(UserError):
            again.with_user(self.manager).action_retry()

    def test_sending_an_uncertain_one_again_closes_it(self):
        message = self._enqueue()
        message._engine()._set_state("uncertain")
        message.with_user(self.manager).action_retry()
        self.assertEqual(message.state, "failed")
        again = self._enqueue()
        self.assertNotEqual(again, message)
        message._engine()._merge_report("delivered")
        self.assertEqual(message.state, "delivered", "the late report still tells the truth")
        self.assertEqual(again.state, "cancelled", "what arrived is not sent once more")

    def test_a_late_report_on_a_message_sent_again_meanwhile(self):
        message = self._enqueue()
        message._engine()._set_state("failed")
        again = self._enqueue()
        again._engine()._set_state("accepted")
        message._engine()._merge_report("read")
        self.env.flush_all()
        self.assertEqual((message.state, again.state), ("read", "accepted"))

    def test_an_erased_message_cannot_be_sent_again(self):
        message = self._enqueue()
        message._engine()._set_state("failed")
        message.sudo().body = False
        with self.assertRaisesRegex(UserError, "erased"):
            message.with_user(self.manager).action_retry()


@tagged("post_install", "-at_install")
class TestMessageRpc(WhatsappCommonMixin, HttpCase):
    def _rpc(self, login, model, method, *args, **kwargs):
        self.authenticate(login, login)
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs},
        )

    def _refused(self, *args, **kwargs):
        with self.assertRaises(Exception) as caught, mute_logger("odoo.http"):
            self._rpc(*args, **kwargs)
        return str(caught.exception)

    def test_portal_user_gets_nowhere(self):
        self._create_user("wa_portal", "base.group_portal")
        message = self._enqueue()
        for model, method, args in (
            ("ajw.whatsapp.message", "read", [message.ids, ["number"]]),
            ("ajw.whatsapp.message", "search_read", [[]]),
            ("ajw.whatsapp.message", "create", [self._message_vals()]),
            ("ajw.whatsapp.message", "action_cancel", [message.ids]),
            ("ajw.whatsapp.message", "action_retry", [message.ids]),
            ("ajw.whatsapp.account", "read", [self.account.ids, ["name"]]),
            ("ajw.whatsapp.account", "action_test_connection", [self.account.ids]),
            ("ajw.whatsapp.account", "action_sync_templates", [self.account.ids]),
            ("ajw.whatsapp.template", "action_submit", [self.template.ids]),
            ("ajw.whatsapp.webhook.event", "search_read", [[]]),
        ):
            with self.subTest(model=model, method=method):
                self.assertIn("Access", self._refused("wa_portal", model, method, *args))
        self.assertFalse(self.meta.calls)

    def test_private_methods_are_not_reachable(self):
        for model, method in (
            ("ajw.whatsapp.message", "_enqueue"),
            ("ajw.whatsapp.message", "_engine"),
            ("ajw.whatsapp.account", "_read_secret"),
            ("ajw.whatsapp.account", "_ajw_run_outbox"),
        ):
            with self.subTest(method=method):
                self.assertIn("AccessError", self._refused("wa_manager", model, method, []))

    def test_a_context_over_rpc_is_no_sentinel(self):
        answer = self._refused(
            "wa_manager",
            "ajw.whatsapp.message",
            "create",
            self._manager_vals(state="accepted"),
            context={ENGINE_CONTEXT_KEY: True},
        )
        self.assertIn("AccessError", answer)
        self.assertFalse(
            self.env["ajw.whatsapp.message"].search([("company_id", "=", self.company.id)])
        )
        message_id = self._rpc(
            "wa_manager", "ajw.whatsapp.message", "create", self._manager_vals(state="queued")
        )
        message = self.env["ajw.whatsapp.message"].browse(message_id)
        self.assertEqual(message.state, "queued")
