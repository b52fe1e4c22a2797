from odoo import api, fields, models
from odoo.exceptions import UserError


class AjwConsentNoticeLine(models.Model):
    """One purpose as a notice words it: what for, and with which data."""

    _name = "ajw.consent.notice.line"
    _description = "Consent Notice: Purpose"
    _order = "notice_id, sequence, id"
    _rec_name = "name"

    _ajw_personal_data = {
        name: {"erase": "none", "reason": "wording shown to everybody; names no customer"}
        for name in ("description", "data_items")
    }

    notice_id = fields.Many2one("ajw.consent.notice", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="notice_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)
    purpose_id = fields.Many2one(
        "ajw.consent.purpose", required=True, index=True, ondelete="restrict"
    )
    name = fields.Char("Name Shown", help="The purpose in the language of the notice.")
    description = fields.Text("What for", help="In a sentence the person understands.")
    data_items = fields.Text(
        "Data Used", help="Every kind of data that this purpose uses, for example: name, number."
    )
    ask_again = fields.Boolean(
        copy=False,
        help="From the day the notice takes effect, consent given under an older version counts no "
        "more for this purpose: people are asked again, by email.",
    )

    _purpose_unique = models.Constraint(
        "UNIQUE (notice_id, purpose_id)", "A notice names each purpose once."
    )

    @api.model
    def _values_of(self, purpose):
        """Return what a new line says about a purpose, in the language of the environment."""
        return {
            "sequence": purpose.sequence,
            "name": purpose.name,
            "description": purpose.description,
            "data_items": self.env._(
                "Your name, your number, and the documents and messages we send you"
            ),
        }

    @api.onchange("purpose_id")
    def _onchange_purpose_id(self):
        if self.purpose_id:
            purpose = self.purpose_id.with_context(lang=self.notice_id.lang or self.env.lang)
            self.update(self.with_context(lang=purpose.env.lang)._values_of(purpose))

    @api.model_create_multi
    def create(self, vals_list):
        notices = self.env["ajw.consent.notice"].browse(
            [vals["notice_id"] for vals in vals_list if vals.get("notice_id")]
        )
        self._check_draft(notices)
        lines = super().create(vals_list)
        for line in lines.filtered(lambda line: not line.name):
            line.name = line.purpose_id.with_context(lang=line.notice_id.lang).name
        lines.notice_id._mark_written()
        return lines

    def write(self, vals):
        notices = self.notice_id
        if vals.get("notice_id"):
            notices |= notices.browse(vals["notice_id"])
        self._check_draft(notices)
        result = super().write(vals)
        notices._mark_written()
        return result

    def unlink(self):
        self._check_draft(self.notice_id)
        self.notice_id._mark_written()
        return super().unlink()

    def _check_draft(self, notices):
        """Refuse to change what was published.

        :raises UserError: one of the notices is published
        """
        if notices.filtered(lambda notice: notice.state == "published"):
            raise UserError(notices._frozen_sentence())
