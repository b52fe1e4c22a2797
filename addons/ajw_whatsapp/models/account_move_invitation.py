from odoo import api, fields, models

from odoo.addons.ajw_consent.models.ajw_consent_invitation_screening import AGREED, ASKABLE


class AccountMove(models.Model):
    """The opt-in code on the printed invoice."""

    _inherit = "account.move"

    ajw_opt_in_url = fields.Char(
        compute="_compute_ajw_opt_in_url",
        # sudo: who prints an invoice, the customer in the portal included, need not see consents
        compute_sudo=True,
        # A link for the paper alone: no role reads it.
        groups=fields.NO_ACCESS,
        help="Where the customer can agree to messages; empty when there is nothing to ask.",
    )

    @api.depends("partner_id", "company_id", "move_type")
    def _compute_ajw_opt_in_url(self):
        """Find who can still be asked, in a number of queries that does not grow with the batch.

        Nothing is written: the link is signed and says for whom it is.
        """
        self.ajw_opt_in_url = False
        asking = self.filtered(
            lambda move: (
                move.is_sale_document()
                and move.partner_id.active
                and move.company_id.ajw_consent_qr_on_invoice
            )
        )
        Invitation = self.env["ajw.consent.invitation"]
        purposes = Invitation._default_purposes()
        for company, moves in asking.grouped("company_id").items():
            controller = company.ajw_consent_controller_id
            # A message to the business confirms the answer: without its number none can.
            if not company._ajw_card_number():
                continue
            if not self.env["ajw.consent.notice"]._get_published(controller):
                continue
            addresses = moves.partner_id._ajw_invitation_addresses("whatsapp")
            answers = Invitation._ask_gate(controller, moves.partner_id, "whatsapp", addresses)
            for move in moves:
                pair = (move.partner_id.id, addresses[move.partner_id.id])
                said = [answers[purpose].get(pair) for purpose in answers]
                asked = {answers[purpose].get(pair) for purpose in purposes}
                if pair[1] and asked <= ASKABLE and not AGREED & set(said):
                    move.ajw_opt_in_url = Invitation._url_of(
                        Invitation._qr_token(company, move.partner_id, pair[1]), company
                    )

    def _ajw_opt_in_qr(self):
        """Return the opt-in code as an inline picture, or ``False``."""
        self.ensure_one()
        url = self.sudo().ajw_opt_in_url  # sudo: goes into the picture only
        return url and self.env["ajw.consent.invitation"]._qr_image(url)
