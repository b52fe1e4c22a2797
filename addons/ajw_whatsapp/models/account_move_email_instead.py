from odoo import models

#: Marks what is queued for email because WhatsApp did not deliver it.
EMAIL_INSTEAD = "ajw_whatsapp_email_instead"


class AccountMove(models.Model):
    """Invoices that WhatsApp did not deliver go out by email, where the company wants that."""

    _inherit = "account.move"

    def _ajw_whatsapp_send_instead(self, user):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        marked = self.filtered(lambda move: move._ajw_whatsapp_goes_by_email())
        wanted = self.filtered(
            lambda move: (
                move.company_id.ajw_whatsapp_email_instead
                and move.state == "posted"
                and move.is_sale_document()
                and move.partner_id.email
                # Without one it could not be made, or a network has not had it yet.
                and move.invoice_pdf_report_id
                and not move.sending_data  # it is on its way by itself
            )
        )
        wanted -= wanted._ajw_whatsapp_emailed() | wanted._ajw_whatsapp_of_the_protected()
        # sudo: the state of a scheduled action, and its triggers, are the scheduler's own
        cron = self.env.ref("account.ir_cron_account_move_send", raise_if_not_found=False)
        if not wanted or not cron or not cron.sudo().active:
            return marked
        for author, moves in wanted.grouped(
            lambda move: move._ajw_whatsapp_whom_to_tell(user)
        ).items():
            moves.sending_data = {
                "author_user_id": author.id,
                "author_partner_id": author.partner_id.id,
                EMAIL_INSTEAD: True,
            }
        cron.sudo()._trigger()
        return marked | wanted

    def _ajw_whatsapp_goes_by_email(self):
        """Tell whether an invoice is queued for email because WhatsApp did not deliver it."""
        self.ensure_one()
        return bool((self.sending_data or {}).get(EMAIL_INSTEAD))

    def _ajw_whatsapp_of_the_protected(self):
        """Return the invoices of people whose data is restricted, and of minors.

        What was said of the message does not tell: it may have failed for another reason.
        """
        protected = self.browse()
        for controller, moves in self.grouped(
            lambda move: move.company_id.ajw_consent_controller_id
        ).items():
            # sudo: every exit must know, few may see why
            people = (moves.partner_id | moves.commercial_partner_id).sudo()
            people = people.filtered("ajw_consent_minor") | self.env[
                "ajw.consent.restriction"
            ]._restricted(controller, people)
            protected |= moves.filtered(
                lambda move, ids=set(people.ids): (
                    ids & {move.partner_id.id, move.commercial_partner_id.id}
                )
            )
        return protected

    def _ajw_whatsapp_emailed(self):
        """Return the invoices that their customers got by email already, with a file."""
        if not self:
            return self
        # sudo: who was notified of what is each person's own, and only whether is asked
        notified = (
            self.env["mail.notification"]
            .sudo()
            .search(
                [
                    ("notification_type", "=", "email"),
                    ("notification_status", "not in", ("exception", "bounce", "canceled")),
                    ("res_partner_id", "child_of", self.commercial_partner_id.ids),
                    ("mail_message_id.model", "=", self._name),
                    ("mail_message_id.res_id", "in", self.ids),
                    ("mail_message_id.attachment_ids", "!=", False),
                ]
            )
        )
        customers = {
            (each.mail_message_id.res_id, each.res_partner_id.commercial_partner_id)
            for each in notified
        }
        return self.filtered(lambda move: (move.id, move.commercial_partner_id) in customers)
