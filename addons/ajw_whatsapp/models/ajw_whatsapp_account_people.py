from odoo import fields, models


class AjwWhatsappAccount(models.Model):
    """The people of an account: those it writes to, and those who manage it."""

    _inherit = "ajw.whatsapp.account"

    def _addresses_of(self, number):
        """Return every number a person was written to at, given one of them or his ``wa_id``.

        :param str number: with leading +
        :rtype: set[str]
        """
        self.ensure_one()
        messages = self.env["ajw.whatsapp.message"]._engine()
        ours = [("company_id", "=", self.company_id.id), ("direction", "=", "outbound")]
        wa_ids = messages._read_group(
            [*ours, ("number", "=", number), ("wa_id", "!=", False)], ["wa_id"]
        )
        known = {number, *(wa_id for [wa_id] in wa_ids)}
        numbers = messages._read_group(
            [*ours, ("wa_id", "in", list(known)), ("number", "!=", False)], ["number"]
        )
        return known | {each for [each] in numbers}

    def _withdraw(
        self, number, method, occurred_at, purposes=None, evidence=None, spare_later=False
    ):
        """Withdraw for everybody who holds a number, however it is written on record.

        :param str number: with leading +, as WhatsApp or we write it
        :param str method: see ``ajw.consent.event._withdraw_address``, as for what follows
        :param datetime occurred_at: when the person said so, naive UTC
        """
        self.ensure_one()
        self.env["ajw.consent.event"]._withdraw_address(
            self.company_id.ajw_consent_controller_id,
            "whatsapp",
            sorted(self._addresses_of(number)),
            method,
            purposes=purposes,
            evidence=evidence,
            occurred_at=min(occurred_at, fields.Datetime.now()),
            spare_later=spare_later,
        )

    def _alert_managers(self, summary, note, activity_type="mail.mail_activity_data_todo"):
        """Give the account's managers something to do.

        :param str summary: what happened, without personal data
        :param str note: what to do
        :param str activity_type: XML id of the kind of activity
        """
        for manager in self._managers():
            self.activity_schedule(activity_type, user_id=manager.id, summary=summary, note=note)

    def _managers(self):
        """Return the users who manage WhatsApp in the account's company."""
        self.ensure_one()
        managers = self.env.ref("ajw_whatsapp.group_manager").all_user_ids.filtered(
            lambda user: user.active and self.company_id in user.company_ids and not user.share
        )
        return managers - self.env.ref("base.user_root")
