from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import WhatsappCommon
from .document_common import OwnAndForeignOrder


@tagged("post_install", "-at_install")
class TestDesk(WhatsappCommon):
    def _message(self, state, occasion="send", **values):
        message = self._enqueue(occasion=occasion)
        message._engine()._set_state(state, **values)
        return message

    def _many(self, *states):
        messages = self.env["ajw.whatsapp.message"]
        for index, state in enumerate(states):
            partner = self._create_partner(f"Customer {index}", f"+9198765432{index:02d}")
            self._opt_in(partner)
            message = self._enqueue(partner)
            message._engine()._set_state(state)
            messages |= message
        return messages

    # --- cancel and retry of a selection ---

    def test_cancelling_a_mixed_selection_says_how_many_were_left(self):
        messages = self._many("queued", "queued", "sent", "delivered", "failed")
        action = messages.with_user(self.manager).action_desk_cancel()
        self.assertEqual(
            messages.mapped("state"), ["cancelled", "cancelled", "sent", "delivered", "failed"]
        )
        self.assertIn("2 cancelled", action["params"]["message"])
        self.assertIn("3 left as they are", action["params"]["message"])
        self.assertEqual(action["params"]["type"], "warning")

    def test_cancelling_waits_for_whoever_holds_a_message(self):
        """What is held this moment is not called on its way: the press is done again after it."""
        messages = self._many("queued", "sent")
        Message = self.env.registry["ajw.whatsapp.message"]

        def collide(_messages):
            raise SerializationFailure

        with (
            patch.object(Message, "_lock_waiting", collide),
            patch.object(Message, "try_lock_for_update", lambda held, **_options: held.browse()),
            self.assertRaises(SerializationFailure),
        ):
            messages.with_user(self.manager).action_desk_cancel()
        self.assertEqual(messages.mapped("state"), ["queued", "sent"])

    def test_nothing_to_cancel_is_an_error_and_changes_nothing(self):
        messages = self._many("sent", "read")
        with self.assertRaisesRegex(UserError, "only what is still queued"):
            messages.with_user(self.manager).action_desk_cancel()
        self.assertEqual(messages.mapped("state"), ["sent", "read"])

    def test_retrying_a_mixed_selection_queues_only_what_was_lost(self):
        messages = self._many("failed", "refused", "uncertain", "delivered", "queued")
        before = self.env["ajw.whatsapp.message"].search_count(
            [("account_id", "=", self.account.id)]
        )
        action = messages.with_user(self.manager).action_desk_retry()
        created = self.env["ajw.whatsapp.message"].search(
            [("account_id", "=", self.account.id), ("id", "not in", messages.ids)]
        )
        self.assertEqual(len(created), 2)
        self.assertEqual(set(created.mapped("number")), set(messages[:2].mapped("number")))
        self.assertEqual(before, 5)
        self.assertIn("2 queued again", action["params"]["message"])
        self.assertIn("3 left out", action["params"]["message"])
        self.assertEqual(messages[2].state, "uncertain", "never without being asked")
        with self.assertRaisesRegex(UserError, "sent again already"):
            messages[:2].with_user(self.manager).action_desk_retry()

    def test_what_was_erased_is_said_and_keeps_no_other(self):
        messages = self._many("failed", "failed")
        messages[0].sudo().write({"body": False, "template_components": False})
        action = messages.with_user(self.manager).action_desk_retry()
        self.assertIn("1 queued again", action["params"]["message"])
        self.assertIn("content was erased", action["params"]["message"])

    def test_an_uncertain_one_is_sent_again_on_a_persons_word(self):
        message = self._message("uncertain")
        with self.assertRaises(UserError):
            message.with_user(self.manager).action_desk_retry()
        message.with_user(self.manager).action_desk_retry_uncertain()
        self.assertEqual(message.state, "failed")
        again = self._enqueue()
        self.assertNotEqual(again, message)
        self.assertEqual(again.state, "queued")
        self.assertFalse(self.meta.calls, "pressing a button calls nobody")

    # --- a person decides about an uncertain one ---

    def test_marked_as_arrived(self):
        message = self._message("uncertain")
        message.with_user(self.manager).action_mark_arrived()
        self.assertEqual((message.state, message.settled_as), ("sent", "arrived"))
        self.assertEqual(message.settled_by_id, self.manager)
        self.assertTrue(message.settled_at)
        self.assertFalse(message.sent_at, "no report said so")
        self.assertEqual(self._enqueue(), message, "its place stays taken")

    def test_a_late_report_corrects_arrived(self):
        message = self._message("uncertain")
        message.with_user(self.manager).action_mark_arrived()
        message._engine()._merge_report("failed", error_message="(131026) x", error_code=131026)
        self.assertEqual(message.state, "failed")
        self.assertEqual(message.error_code, 131026)
        self.assertTrue(message.settled_overruled)
        self.assertEqual(message.settled_by_id, self.manager, "who decided stays on record")

    def test_a_late_report_corrects_not_arrived(self):
        for state in ("sent", "delivered", "read", "accepted"):
            message = self._message("uncertain", occasion=state)
            message.with_user(self.manager).action_mark_not_arrived()
            self.assertEqual((message.state, message.settled_as), ("failed", "not_arrived"))
            message._engine()._merge_report(state)
            self.assertEqual(message.state, state)
            self.assertTrue(message.settled_overruled)
            self.assertFalse(message.error_hint)

    def test_metas_own_failure_replaces_a_persons_reason(self):
        message = self._message("uncertain")
        message.with_user(self.manager).action_mark_not_arrived()
        message._engine()._merge_report("failed", error_code=131026, error_message="(131026) x")
        self.assertEqual((message.state, message.error_code), ("failed", 131026))

    def test_a_late_report_after_sending_again_takes_the_new_one_out(self):
        message = self._message("uncertain")
        message.with_user(self.manager).action_mark_not_arrived()
        again = self._enqueue()
        self.assertEqual(again.state, "queued")
        message._engine()._merge_report("sent")
        self.assertEqual((message.state, again.state), ("sent", "cancelled"))

    def test_only_uncertain_ones_can_be_decided(self):
        messages = self._many("uncertain", "delivered", "queued")
        action = messages.with_user(self.manager).action_mark_arrived()
        self.assertEqual(messages.mapped("state"), ["sent", "delivered", "queued"])
        self.assertIn("2 left as they are", action["params"]["message"])
        with self.assertRaises(UserError):
            messages.with_user(self.manager).action_mark_not_arrived()

    def test_A6_a_decision_cannot_be_forged(self):
        message = self._message("uncertain")
        for values in (
            {"settled_as": "arrived"},
            {"settled_by_id": self.env.uid},
            {"settled_overruled": True},
        ):
            with self.assertRaises(AccessError):
                message.write(values)
            with self.assertRaises(AccessError):
                self.env["ajw.whatsapp.message"].with_user(self.manager).create(
                    self._manager_vals(occasion="forged", **values)
                )

    # --- views ---

    def test_every_view_loads_for_whoever_sends(self):
        self._many("failed", "uncertain", "queued")
        Message = self.env["ajw.whatsapp.message"].with_user(self.user)
        views = Message.get_views(
            [(False, kind) for kind in ("kanban", "list", "form", "graph", "pivot", "search")]
        )["views"]
        self.assertIn('records_draggable="0"', views["kanban"]["arch"])
        for name in ("action_desk_retry", "action_desk_cancel"):
            for kind in ("kanban", "list", "form"):
                self.assertIn(name, views[kind]["arch"], kind)

    def test_columns_of_the_desk_begin_with_what_needs_somebody(self):
        self._many("read", "queued", "failed", "uncertain")
        groups = (
            self.env["ajw.whatsapp.message"]
            .with_user(self.manager)
            .with_context(read_group_expand=True)
            .formatted_read_group([("account_id", "=", self.account.id)], ["state"], ["__count"])
        )
        self.assertEqual(
            [group["state"] for group in groups], ["uncertain", "failed", "queued", "read"]
        )

    def test_is_latest_leaves_out_what_was_sent_again(self):
        old = self._message("failed")
        self.assertTrue(old.is_latest)
        new = self._enqueue()
        old.invalidate_recordset(["is_latest"])
        self.assertFalse(old.is_latest)
        self.assertTrue(new.is_latest)
        found = self.env["ajw.whatsapp.message"].search(
            [("id", "in", (old | new).ids), ("is_latest", "=", True)]
        )
        self.assertEqual(found, new)
        not_latest = self.env["ajw.whatsapp.message"].search(
            [("id", "in", (old | new).ids), ("is_latest", "=", False)]
        )
        self.assertEqual(not_latest, old)

    def test_another_occasion_hides_no_failure(self):
        failed = self._message("failed")
        other = self._enqueue(occasion="reminder")
        failed.invalidate_recordset(["is_latest"])
        self.assertTrue(failed.is_latest)
        action = failed.with_user(self.manager).action_desk_retry()
        self.assertIn("1 queued again", action["params"]["message"])
        again = self._enqueue()
        self.assertNotIn(again, failed | other)

    def test_a_decision_about_a_test_message_is_the_managers(self):
        message = self._message("uncertain")
        account = self.env["ajw.whatsapp.message"]._enqueue(
            [
                self._message_vals(
                    res_model="ajw.whatsapp.account", res_id=self.account.id, occasion="test-1"
                )
            ]
        )
        account._engine()._set_state("uncertain")
        self.assertFalse(account.with_user(self.user).has_access("read"))
        for messages in (message, account):
            for name in ("action_mark_arrived", "action_mark_not_arrived"):
                with self.subTest(name=name), self.assertRaises(AccessError):
                    getattr(messages.with_user(self.user), name)()
            self.assertEqual(messages.state, "uncertain")
        account.with_user(self.manager).action_mark_arrived()
        self.assertEqual(account.settled_by_id, self.manager)

    def test_the_default_filter_keeps_what_is_not_settled(self):
        self.env.flush_all()
        old = self._many("uncertain", "delivered")
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET create_date = %s WHERE id IN %s",
            [fields.Datetime.subtract(fields.Datetime.now(), days=30), tuple(old.ids)],
        )
        old.invalidate_recordset(["create_date"])
        arch = self.env.ref("ajw_whatsapp.ajw_whatsapp_message_view_search").arch
        self.assertIn(
            "search_default_recent",
            self.env.ref("ajw_whatsapp.ajw_whatsapp_message_action").context,
        )
        self.assertIn('name="recent"', arch)
        domain = [
            "|",
            ("create_date", ">=", "-7d"),
            ("state", "in", ("preparing", "queued", "sending", "uncertain")),
        ]
        found = self.env["ajw.whatsapp.message"].search([("id", "in", old.ids), *domain])
        self.assertEqual(found, old[0])

    def test_the_desk_costs_the_same_for_many(self):
        counts = []
        for states in (("failed",) * 2, ("failed",) * 8):
            messages = self._many(*states)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            messages.with_user(self.manager).read(["state", "advice", "document_name", "is_latest"])
            counts.append(self.env.cr.sql_log_count - before)
            messages._engine()._set_state("cancelled")
        self.assertLessEqual(counts[1], counts[0])


@tagged("post_install", "-at_install")
class TestDeskAccess(OwnAndForeignOrder):
    """Salespeople at the desk: each decides about own documents only."""

    def test_M1_the_desk_shows_and_changes_own_documents_only(self):
        Message = self.env["ajw.whatsapp.message"].with_user(self.seller)
        (self.mine | self.theirs)._engine()._set_state("uncertain")
        action = self.env.ref("ajw_whatsapp.ajw_whatsapp_message_action_uncertain").sudo()
        self.assertEqual(action.res_model, Message._name)
        self.assertEqual(Message.search([("state", "=", "uncertain")]), self.mine)
        for name in (
            "action_desk_retry",
            "action_desk_retry_uncertain",
            "action_desk_cancel",
            "action_mark_arrived",
            "action_mark_not_arrived",
        ):
            with self.subTest(name=name), self.assertRaises(AccessError):
                getattr(self.theirs.with_user(self.seller), name)()
        self.assertEqual(self.theirs.state, "uncertain")
        self.mine.with_user(self.seller).action_mark_arrived()
        self.assertEqual(self.mine.settled_by_id, self.seller)

    def test_A6_without_its_document_only_a_manager_decides(self):
        self.mine._engine()._set_state("uncertain")
        self.own.sudo()._action_cancel()
        self.own.sudo().unlink()
        everything = self._create_user("desk_everything", "account.group_account_manager")
        for user in (self.seller, self.billing, everything):
            for name in ("action_mark_arrived", "action_mark_not_arrived"):
                with self.subTest(user=user.login, name=name), self.assertRaises(AccessError):
                    getattr(self.mine.with_user(user), name)()
        self.assertEqual(self.mine.state, "uncertain")
        self.mine.with_user(self.manager).action_mark_not_arrived()
        self.assertEqual((self.mine.state, self.mine.settled_by_id), ("failed", self.manager))

    def test_an_order_is_sent_again_with_its_own_problem_said(self):
        self.mine._engine()._set_state("failed")
        action = self.mine.with_user(self.seller).action_desk_retry()
        self.assertIn("1 queued again", action["params"]["message"])
        again = self._messages(self.own) - self.mine
        self.assertEqual(again.state, "queued")
        again._engine()._set_state("failed")
        self._withdraw(self.partner, self.purpose_order)
        with self.assertRaisesRegex(UserError, "withdrawn"):
            again.with_user(self.seller).action_desk_retry()
        self.assertEqual(len(self._messages(self.own)), 2)
