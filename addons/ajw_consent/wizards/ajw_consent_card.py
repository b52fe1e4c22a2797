import base64
import io

import qrcode

from odoo import api, fields, models
from odoo.exceptions import AccessError


class AjwConsentCard(models.TransientModel):
    """Print the card that stands at the till."""

    _name = "ajw.consent.card"
    _description = "Till Card"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    problem = fields.Text(compute="_compute_problem")
    size = fields.Selection(
        [("a6", "A6 (table stand)"), ("a5", "A5 (wall)")], required=True, default="a6"
    )

    @api.constrains("company_id")
    def _check_company(self):
        self.company_id._ajw_check_switched_on()

    @api.depends("company_id")
    def _compute_problem(self):
        for card in self:
            card.problem = card.company_id._ajw_card_problem()

    def action_print(self):
        """Print the card.

        :raises UserError: there can be no card now, with what to do
        """
        self._check()
        self.company_id._ajw_card_url()
        return self._print()

    def _print(self):
        report = self.env.ref(f"ajw_consent.report_card_{self.size}")
        return report.report_action(self.ids, config=False)

    def action_renew(self):
        """Make a new address for the card, so that cards printed before answer no more.

        :raises AccessError: the user is no data protection officer
        :raises UserError: there can be no card now, with what to do
        """
        self._check()
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(
                self.env._(
                    "Only a data protection officer makes the cards at the tills stop working."
                )
            )
        self.company_id._ajw_card_url(renew=True)
        return self._print()

    def _check(self):
        self.ensure_one()
        self.check_access("write")
        self.company_id._ajw_check_switched_on()

    def _qr(self):
        """Return the card's QR code as the address of an inline picture."""
        self.ensure_one()
        self.company_id._ajw_check_switched_on()
        # Reports are also read by GET, which makes nothing: printing has made the key.
        url = self.company_id._ajw_card_url(create=False)
        return self.env["ajw.consent.invitation"]._qr_image(url)


class AjwConsentInvitation(models.Model):
    _inherit = "ajw.consent.invitation"

    @api.model
    def _qr_image(self, url):
        """Return a QR code of an address as a ``data:`` address: nothing is fetched to print it.

        :param str url: what the code says
        """
        # Not by the reports' barcode method: its pictures need a library that reportlab 4 leaves
        # out, and an invoice must not fail for want of it. The two-factor app draws codes this way.
        code = qrcode.make(url, error_correction=qrcode.constants.ERROR_CORRECT_M, border=2)
        png = io.BytesIO()
        code.save(png, format="PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
