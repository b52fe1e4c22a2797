from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestMinorTrace(ConsentCommon):
    """The flag leaves a trace: who set or removed it, and when."""

    def _trace(self, partner):
        """(author's login, before, after) of every change that the chatter tells, oldest first."""
        self.env.flush_all()
        self.env.cr.flush()
        values = self.env["mail.tracking.value"].search(
            [
                ("mail_message_id.model", "=", "res.partner"),
                ("mail_message_id.res_id", "=", partner.id),
                ("field_id.name", "=", "ajw_consent_minor"),
            ],
            order="id",
        )
        self.assertTrue(all(values.mapped("mail_message_id.date")))
        return [
            (
                value.mail_message_id.author_id.user_ids.login,
                bool(value.old_value_integer),
                bool(value.new_value_integer),
            )
            for value in values
        ]

    def test_setting_and_removing_is_on_record(self):
        groups = ("base.group_user", "base.group_partner_manager", "ajw_consent.group_user")
        clerk = self._create_user("clerk", *groups)
        other = self._create_user("colleague", *groups)
        self.env.cr.flush()
        self.partner.with_user(clerk).ajw_consent_minor = True
        self._trace(self.partner)
        self.partner.with_user(other).ajw_consent_minor = False
        self.assertEqual(
            self._trace(self.partner), [("clerk", False, True), ("colleague", True, False)]
        )
        self.partner.with_user(clerk).name = "Another Name"
        self.assertEqual(len(self._trace(self.partner)), 2)

    def test_who_is_a_minor_from_the_start(self):
        groups = ("base.group_user", "base.group_partner_manager", "ajw_consent.group_user")
        clerk = self._create_user("clerk", *groups)
        partners = self.env["res.partner"].with_user(clerk)
        young, old = partners.create(
            [{"name": "Young", "ajw_consent_minor": True}, {"name": "Grown Up"}]
        )
        self.assertEqual(self._trace(young), [("clerk", False, True)])
        self.assertEqual(self._trace(old), [])

    def test_who_may_not_see_the_flag_does_not_see_its_trace(self):
        plain = self._create_user("plain", "base.group_user")
        self.partner.ajw_consent_minor = True
        self.env.cr.flush()
        values = self.partner.message_ids.tracking_value_ids
        self.assertIn("ajw_consent_minor", values.mapped("field_id.name"))
        shown = values._filter_has_field_access(self.env(user=plain))
        self.assertNotIn("ajw_consent_minor", shown.mapped("field_id.name"))
