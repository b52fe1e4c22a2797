"""Templates: what Meta would reject is said first, and what Meta does is kept and told."""

from datetime import datetime
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import WhatsappCommon
from .fake_meta import WABA_ID, meta_error


@tagged("post_install", "-at_install")
class TestTemplateFollow(WhatsappCommon):
    stand_in = False

    def _news(self, field, **value):
        entry = {"id": WABA_ID, "time": 1, "changes": [{"field": field, "value": value}]}
        event = self._report({"object": "whatsapp_business_account", "entry": [entry]})
        self._run_webhooks()
        return event

    def _told(self, user=None):
        activities = self.account.activity_ids
        return activities.filtered(lambda a: a.user_id == (user or self.manager))

    # --- local checks ---

    def test_what_meta_would_reject_is_said_and_nothing_submitted(self):
        for values, sentence in (
            ({"header_type": "text", "header_text": "h" * 61}, "Header: longer than 60"),
            ({"header_type": "text", "header_text": "a\nb"}, "Header: it has to be one line"),
            ({"body": "Dear {{customer}},\tthere"}, "tabs are not allowed"),
            ({"body": "Dear {{customer}},     there"}, "more than 4 spaces"),
            ({"body": "Dear {{customer}},\n\n\nthere"}, "more than 2 line breaks"),
            ({"body": "Dear {{customer}}" + "x" * 1024}, "Text: longer than 1024"),
            ({"footer": "f" * 61}, "Footer: longer than 60"),
            (
                {"button_ids": [(0, 0, {"type": "PHONE_NUMBER", "text": "Call"})]},
                "the number is digits",
            ),
        ):
            with self.subTest(sentence=sentence):
                template = self._create_template(
                    name="checked", status="DRAFT", meta_template_id=False, **values
                )
                self.assertIn(sentence, template.problems)
                with self.assertRaisesRegex(UserError, sentence.split(":")[0]):
                    template.with_user(self.manager).action_submit()
                template.unlink()
        self.assertFalse(self.meta.calls)

    def test_what_meta_approved_is_not_judged_again(self):
        self.template.write({"footer": "f" * 61})
        self.assertEqual(self.template.status, "APPROVED")
        self.assertFalse(self.template.problems)

    def test_too_long_when_filled_in_is_said_and_nothing_is_cut(self):
        order = self.env["sale.order"].create(
            {"partner_id": self.partner.id, "company_id": self.company.id}
        )
        self.partner.name = "N" * 1100
        with self.assertRaisesRegex(UserError, "too long: Text takes 1024"):
            self.template._render(order)
        self.partner.name = "N" * 900
        self.assertIn("N" * 900, self.template._render(order).body_text)

    def test_a_day_is_the_recipients(self):
        template = self._create_template(
            name="dated",
            header_type="none",
            body="Ordered on {{day}} by you.",
            variable_ids=[(0, 0, {"name": "day", "source": "field", "field_path": "date_order"})],
        )
        days = {}
        for number, country in (("+919876501234", "in"), ("+12125550123", "us")):
            partner = self.env["res.partner"].create(
                {
                    "name": "Reader",
                    "phone": number,
                    "country_id": self.env.ref(f"base.{country}").id,
                }
            )
            order = self.env["sale.order"].create(
                {
                    "partner_id": partner.id,
                    "company_id": self.company.id,
                    "date_order": datetime(2026, 3, 10, 20, 0),
                }
            )
            days[country] = template._render(order).body_text
        self.assertIn("11", days["in"], "half past one in the morning there")
        self.assertIn("10", days["us"])

    # --- deleting ---

    def test_deleting_at_meta(self):
        self.template.with_user(self.manager).action_delete_at_meta()
        [call] = self.meta.of("delete")
        self.assertEqual(call["path"], f"{WABA_ID}/message_templates")
        self.assertEqual((call["query"]["name"], call["query"]["hsm_id"]), ("test_document", "555"))
        self.assertEqual(self.template.status, "DELETED")

    def test_a_template_that_is_gone_already_counts_as_deleted(self):
        self.meta.script("delete", meta_error(100, 400))
        self.template.with_user(self.manager).action_delete_at_meta()
        self.assertEqual(self.template.status, "DELETED")

    def test_deleting_is_refused_while_messages_need_it(self):
        order = self.env["sale.order"].create(
            {"partner_id": self.partner.id, "company_id": self.company.id}
        )
        self._enqueue(res_model="sale.order", res_id=order.id)
        with self.assertRaisesRegex(UserError, "1 messages in the queue need it"):
            self.template.with_user(self.manager).action_delete_at_meta()
        self.assertFalse(self.meta.calls)
        self.assertEqual(self.template.status, "APPROVED")

    def test_deleting_what_meta_does_not_know_or_refuses(self):
        draft = self._create_template(name="draft", status="DRAFT", meta_template_id=False)
        with self.assertRaisesRegex(UserError, "does not know"):
            draft.with_user(self.manager).action_delete_at_meta()
        with self.assertRaises(AccessError):
            self.template.with_user(self.user).action_delete_at_meta()
        self.assertFalse(self.meta.calls)
        self.meta.script("delete", meta_error(10, 403))
        with self.assertRaisesRegex(UserError, "permission"):
            self.template.with_user(self.manager).action_delete_at_meta()
        self.assertEqual(self.template.status, "APPROVED")

    # --- what Meta does ---

    def test_a_move_to_marketing_is_kept_and_told_once(self):
        for _time in range(2):
            self._news(
                "template_category_update",
                message_template_id=555,
                message_template_name="test_document",
                message_template_language="en",
                new_category="MARKETING",
            )
        [change] = self.template.category_change_ids
        self.assertEqual((change.category_from, change.category_to), ("UTILITY", "MARKETING"))
        self.assertTrue(change.changed_at)
        self.assertEqual(change.account_id, self.account)
        activity = self._told()
        self.assertEqual(len(activity), 1)
        self.assertIn("test_document", activity.summary)
        self.assertEqual(self.account.category_change_count, 1)
        action = self.account.with_user(self.user).action_view_category_changes()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), change)

    def test_a_pause_and_a_rejection_are_told_once(self):
        for _time in range(2):
            self._news("message_template_status_update", message_template_id=555, event="PAUSED")
        self.assertEqual(len(self._told()), 1)
        self._news(
            "message_template_status_update",
            message_template_id=555,
            event="REJECTED",
            reason="SCAM",
        )
        self.assertEqual(len(self._told()), 2)
        self.assertIn("SCAM", " ".join(self._told().mapped("note")))
        self._news("message_template_status_update", message_template_id=555, event="APPROVED")
        self.assertEqual(len(self._told()), 2)

    def test_that_a_template_is_gone_at_meta_is_told_once(self):
        for event in ("PENDING_DELETION", "DELETED", "DELETED"):
            self._news("message_template_status_update", message_template_id=555, event=event)
        activity = self._told()
        self.assertEqual(len(activity), 1)
        self.assertIn("test_document", activity.summary)
        self.assertIn("use another template", activity.note)

    def test_what_was_deleted_here_is_told_to_nobody(self):
        self.template.with_user(self.manager).action_delete_at_meta()
        for event in ("PENDING_DELETION", "DELETED"):
            self._news("message_template_status_update", message_template_id=555, event=event)
        self.assertEqual(self.template.status, "DELETED")
        self.assertFalse(self._told())

    def test_a_second_pause_is_told_though_the_first_was_dealt_with(self):
        for event in ("PAUSED", "APPROVED", "PAUSED"):
            self._news("message_template_status_update", message_template_id=555, event=event)
            if event == "PAUSED":
                self.assertEqual(len(self._told()), 1)
                self._settle()

    def _changed(self, element, **values):
        ids = {"message_template_id": 555, "message_template_name": "test_document"}
        return self._news(
            "message_template_components_update",
            **ids | {"message_template_element": element} | values,
        )

    def _settle(self):
        self._told().action_feedback()
        self.assertFalse(self._told())

    def test_a_changed_text_is_told_once_for_each_change(self):
        self._changed("Hello")
        activity = self._told()
        self.assertEqual(len(activity), 1)
        self.assertIn("test_document", activity.summary)
        self.assertIn("text or buttons", activity.summary)
        self._changed("Hello")
        self.assertEqual(self._told(), activity, "the same again is no news")
        self._settle()
        self._changed("Hello", message_template_name="renamed")
        self.assertFalse(self._told(), "nor is it when somebody has looked at it")
        self._changed("Hello there")
        self.assertEqual(len(self._told()), 1)
        self._changed("Hello to you")
        self.assertEqual(len(self._told()), 1, "nobody has looked yet")
        self._settle()
        buttons = [{"message_template_button_type": "URL", "message_template_button_text": "Pay"}]
        self._changed("Hello to you", message_template_buttons=buttons)
        self.assertEqual(len(self._told()), 1, "a button is a change as well")

    def test_changes_of_two_templates_are_told_of_each(self):
        other = self._create_template(name="other", status="APPROVED", meta_template_id="556")
        self._changed("Hello")
        self._changed("Hello", message_template_id=556)
        self.assertEqual(len(self._told()), 2)
        self.assertIn(other.display_name, " ".join(self._told().mapped("summary")))

    def test_reports_of_one_change_in_one_batch_are_told_once(self):
        change = {
            "field": "message_template_components_update",
            "value": {"message_template_id": 555, "message_template_element": "Hello"},
        }
        entry = {"id": WABA_ID, "time": 1, "changes": [change, change]}
        for _call in range(2):
            self._report({"object": "whatsapp_business_account", "entry": [entry, entry]})
        self._run_webhooks()
        self.assertEqual(len(self._told()), 1)

    def test_nobody_makes_a_template_deaf_to_what_meta_reports(self):
        for values in (
            {"reported_at": datetime(2999, 1, 1)},
            {"components_reported": "x"},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                self.template.with_user(self.manager).write(values)

    def test_a_draft_of_ones_own_is_no_news(self):
        draft = self._create_template(name="draft", status="DRAFT", meta_template_id=False)
        draft.with_user(self.manager).category = "MARKETING"
        self.assertFalse(draft.category_change_ids)
        self.assertFalse(self._told())

    def test_telling_fails_for_nobody_without_managers(self):
        with patch.object(type(self.account), "_managers", lambda self: self.env["res.users"]):
            self.template.category = "MARKETING"
        self.assertEqual(len(self.template.category_change_ids), 1)
