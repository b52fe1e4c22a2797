from odoo import api, fields, models
from odoo.exceptions import UserError

from .ledger_guard import LEDGER_SENTINEL


class AjwConsentRestriction(models.Model):
    """A person's data may be stored, and nothing else (GDPR art. 18, POPIA s. 14(6)).

    An open row closes the gate for the person towards one controller. Rows are lifted, never
    deleted. Who may restrict, and what has to be told to whom, is the privacy desk's.
    """

    _name = "ajw.consent.restriction"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Restriction of Processing"
    _order = "since desc, id desc"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "clear"},
        "reason": {"category": "free_text", "erase": "clear"},
        "reference": {
            "category": "technical",
            "erase": "none",
            "reason": "number of the request it follows from",
        },
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_id = fields.Many2one(
        "ajw.consent.subject", required=True, readonly=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")
    reason = fields.Text(readonly=True)
    reference = fields.Char(readonly=True, help="The request that it follows from.")
    since = fields.Datetime(required=True, readonly=True)
    lifted_at = fields.Datetime("Lifted", readonly=True)

    _open_index = models.Index("(subject_id) WHERE lifted_at IS NULL")

    @api.depends("partner_id", "since", "lifted_at")
    def _compute_display_name(self):
        for row in self:
            who = row.partner_id.name or self.env._("Person without contact")
            row.display_name = f"{who} · {row.since}"

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._(
            "A restriction is set and lifted with a request of the person, and never changed or "
            "deleted."
        )

    @api.model
    def _restrict(self, controller, partner, reason, reference=""):
        """Close the gate for a person at once.

        The caller has checked that the user may do that.

        :param controller: res.company
        :param partner: res.partner, one record
        :param str reason: why, in words; required
        :param str reference: number of the request it follows from
        :return: the open restriction; one that was open already stays as it is
        :raises UserError: no reason is given
        """
        partner.ensure_one()
        if not (reason or "").strip():
            raise UserError(self.env._("Say why this person's data is restricted."))
        # sudo: whoever handles requests may not write the ledger's tables
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        subjects = self.env["ajw.consent.subject"]._find_or_create(controller, partner)[partner.id]
        subjects._bump()
        row = rows.search(
            [("subject_id", "in", subjects.ids), ("lifted_at", "=", False)], limit=1
        ) or rows.create(
            {
                "company_id": controller.id,
                "subject_id": subjects[:1].id,
                "reason": reason.strip(),
                "reference": reference or False,
                "since": fields.Datetime.now(),
            }
        )
        return row.with_env(self.env)

    @api.model
    def _lift(self, controller, partner):
        """Open the gate again, as far as restrictions go. The caller has checked the right.

        :param controller: res.company
        :param partner: res.partner
        :return: the restrictions that were lifted
        """
        # sudo: see _restrict
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        found = rows.search(
            [
                ("company_id", "=", controller.id),
                ("subject_id.partner_id", "in", partner.ids),
                ("lifted_at", "=", False),
            ]
        )
        found.write({"lifted_at": fields.Datetime.now()})
        found.subject_id._bump()
        return found.with_env(self.env)

    @api.model
    def _restricted(self, controller, partners):
        """Return those of some contacts whose data is restricted.

        :param controller: res.company
        :param partners: res.partner
        """
        # sudo: every exit must know, few may see why
        rows = self.sudo().search(
            [
                ("company_id", "=", controller.id),
                ("subject_id.partner_id", "in", partners.ids),
                ("lifted_at", "=", False),
            ]
        )
        return partners.browse(rows.subject_id.partner_id.ids)
