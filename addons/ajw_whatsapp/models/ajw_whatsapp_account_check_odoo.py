from datetime import timedelta

from odoo import fields, models

from odoo.addons.base.models.ir_actions_report import _wkhtml

from .ajw_whatsapp_account_self_test import BAD, OK, UNKNOWN
from .selections import SENDABLE_STATUSES


class AjwWhatsappAccount(models.Model):
    """The self-test: what has to be in order in Odoo itself.

    Each check returns its result, what was found, and what to do.
    """

    _inherit = "ajw.whatsapp.account"

    def _check_keys_state(self, _answers):
        problem = self.env["ajw.consent.keyring"]._check()
        if problem:
            return BAD, self.env._("The keys that encrypt secrets cannot be used."), problem
        return OK, self.env._("Secrets can be encrypted and read."), None

    def _check_sender_state(self, _answers):
        cron = self.sudo().cron_id  # sudo: managers of WhatsApp need no right on scheduled actions
        webhook = self.env.ref("ajw_whatsapp.ir_cron_webhook").sudo()  # sudo: as above
        off = (cron | webhook).filtered(lambda each: not each.active)
        if not cron or off:
            return (
                BAD,
                self.env._("Switched off: %s", ", ".join(off.mapped("name")) or "-"),
                self.env._("Have an administrator look at the server's log and switch it on."),
            )
        late = fields.Datetime.now() - timedelta(hours=1)
        if any(each.nextcall and each.nextcall < late for each in cron | webhook):
            return (
                BAD,
                self.env._("It should have run an hour ago."),
                self.env._("Scheduled actions do not run: see max_cron_threads in odoo.conf."),
            )
        return OK, self.env._("Switched on and on time."), None

    def _check_notice_state(self, _answers):
        controller = self.company_id.ajw_consent_controller_id
        # sudo: whether there is one, not what it says
        if self.env["ajw.consent.notice"].sudo()._get_published(controller):
            return OK, self.env._("A notice of %s is published.", controller.name), None
        return (
            BAD,
            self.env._("%s has not published a notice.", controller.name),
            self.env._(
                "Without it no customer can opt in. A data protection officer publishes one."
            ),
        )

    def _check_template_invoice_state(self, _answers):
        return self._template_state("account.move")

    def _check_template_order_state(self, _answers):
        return self._template_state("sale.order")

    def _template_state(self, model):
        templates = self.template_ids.filtered(lambda t: t.model == model)
        ready = templates.filtered(
            lambda t: t.status in SENDABLE_STATUSES and t.category == "UTILITY" and t.purpose_id
        )
        if ready:
            return OK, self.env._("Approved: %s", ", ".join(ready.mapped("display_name"))), None
        if templates.filtered(lambda t: t.status == "PENDING"):
            return (
                UNKNOWN,
                self.env._("Meta is reviewing it."),
                self.env._("Wait, then synchronise."),
            )
        return (
            BAD,
            self.env._("None is approved."),
            self.env._("Create the starter templates and submit them to Meta."),
        )

    def _check_pdf_state(self, _answers):
        engine = _wkhtml()
        if engine.state in ("install", "broken"):
            return (
                BAD,
                self.env._("wkhtmltopdf is missing or does not start."),
                self.env._("Install it, or set bin_path in odoo.conf; no PDF is made without it."),
            )
        if engine.state != "ok":
            return (
                BAD,
                self.env._("wkhtmltopdf cannot work properly: %s", engine.state),
                {
                    "upgrade": self.env._("Install version 0.12.5 or later with patched Qt."),
                    "workers": self.env._("Set workers in odoo.conf to 0, or to 2 and more."),
                }.get(engine.state),
            )
        if not engine.is_patched_qt:
            return (
                UNKNOWN,
                self.env._("wkhtmltopdf has no patched Qt: one PDF at a time, without header."),
                self.env._("Install version 0.12.5 or later with patched Qt and restart Odoo."),
            )
        return OK, self.env._("wkhtmltopdf with patched Qt: documents are made together."), None
