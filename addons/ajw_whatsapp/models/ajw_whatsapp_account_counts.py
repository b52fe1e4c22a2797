from odoo import fields, models


class AjwWhatsappAccount(models.Model):
    """How much belongs to an account, and where to see it."""

    _inherit = "ajw.whatsapp.account"

    template_count = fields.Integer(compute="_compute_counts")
    message_count = fields.Integer(compute="_compute_counts")
    not_handled_count = fields.Integer(
        compute="_compute_not_handled_count", groups="ajw_whatsapp.group_manager"
    )

    def _compute_counts(self):
        for name, model in (
            ("template", "ajw.whatsapp.template"),
            ("message", "ajw.whatsapp.message"),
        ):
            counts = dict(
                self.env[model]._read_group(
                    [("account_id", "in", self.ids)], ["account_id"], ["__count"]
                )
            )
            for account in self:
                account[f"{name}_count"] = counts.get(account, 0)

    def _compute_not_handled_count(self):
        counts = dict(
            self.env["ajw.whatsapp.webhook.event"]._read_group(
                [("account_id", "in", self.ids), ("state", "in", ("failed", "not_handled"))],
                ["account_id"],
                ["__count"],
            )
        )
        for account in self:
            account.not_handled_count = counts.get(account, 0)

    def _action_open(self, model, name, domain=()):
        self.check_access("read")
        self.env[model].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "domain": [("account_id", "in", self.ids), *domain],
            "context": {"default_account_id": self[:1].id},
        }

    def action_view_templates(self):
        """Open the account's templates."""
        return self._action_open("ajw.whatsapp.template", self.env._("Templates"))

    def action_view_messages(self):
        """Open the account's messages."""
        return self._action_open("ajw.whatsapp.message", self.env._("Messages"))

    def action_view_not_handled(self):
        """Open what Meta reported and nothing was done with."""
        return self._action_open(
            "ajw.whatsapp.webhook.event",
            self.env._("Not handled"),
            [("state", "in", ("failed", "not_handled"))],
        )
