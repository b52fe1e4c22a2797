from odoo import fields, models
from odoo.exceptions import UserError


class AjwPrivacyPolicy(models.Model):
    """The buttons: try it, run it, see what it did."""

    _inherit = "ajw.privacy.policy"

    def action_dry_run(self):
        """Count what the policy would do now. Changes nothing."""
        self.ensure_one()
        self.check_access("read")
        self._ensure_ready()
        wizard = self.env["ajw.privacy.dry.run"]._count(self)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Dry run"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_run(self):
        """Make the policy due and wake the scheduled action."""
        self.ensure_one()
        self.check_access("write")
        self._check_scope()
        self._ensure_ready()
        self.next_run = fields.Date.today()
        # sudo: an officer is not an administrator, and only this one action is woken
        self.env.ref("ajw_privacy.ir_cron_retention").sudo()._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("The policy runs in the background. See its runs."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_view_runs(self):
        """The runs of this policy."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("ajw_privacy.ajw_privacy_run_action")
        return {**action, "domain": [("policy_id", "=", self.id)], "context": {}}

    def _ensure_ready(self):
        if self.status != "ready":
            raise UserError(self.status_message)
