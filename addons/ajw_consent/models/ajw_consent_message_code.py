from odoo import api, fields, models
from odoo.tools import hmac

from ..tools.address import address_variants
from ..tools.invitation import find_codes

#: How long a code may be used.
CODE_HOURS = 24


class AjwConsentMessageCode(models.AbstractModel):
    """A row that a WhatsApp message with a code confirms, from the very number."""

    _name = "ajw.consent.message.code"
    _description = "Code that a Message Confirms With"

    _ajw_personal_data = {
        "code_hash": {
            "category": "technical",
            "erase": "clear",
            "reason": "keyed digest of a random code; emptied when it was used or has expired",
        },
    }

    #: What the digests are for: a code of one model is none of another.
    _ajw_code_scope = ""
    #: Field with the end of the code.
    _ajw_code_until = "expires_at"

    code_hash = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    _code_index = models.Index("(company_id, code_hash) WHERE code_hash IS NOT NULL")

    @api.model
    def _code_digest(self, code):
        """Return what the database keeps of a code.

        :param str code: as :func:`..tools.invitation.new_code` makes it
        """
        # sudo: the secret of the database is nobody's to read
        return hmac(self.sudo().env, self._ajw_code_scope, code)

    @api.model
    def _find_by_code(self, controller, number, text, states):
        """Return the row that a message names, with sudo, or an empty record.

        :param controller: res.company that the message was written to
        :param str number: the sender's, with leading +
        :param str text: the message
        :param states: states in which a code still counts
        """
        rows = self.sudo()  # sudo: Meta reports without a user
        codes = find_codes(text)
        if not codes or not number:
            return rows.browse()
        return rows.search(
            [
                ("company_id", "=", controller.id),
                ("state", "in", states),
                ("code_hash", "in", [self._code_digest(code) for code in codes]),
            ],
            limit=1,
        )

    @api.model
    def _read_code(self, controller, number, text, occurred_at, states):
        """Find the row that a message confirms, and whether its code counts.

        :param controller: res.company that the message was written to
        :param str number: the sender's, with leading +
        :param str text: the message
        :param datetime occurred_at: when it was sent, naive UTC
        :param states: states in which a code still counts
        :return: ``(row with sudo, when it was confirmed, problem)``. The moment is never ahead of
            our clock. The problem is ``None`` when no row was found, ``""`` when the code counts,
            else ``code_expired`` or ``code_of_another_number``
        """
        occurred_at = min(occurred_at, fields.Datetime.now())
        row = self._find_by_code(controller, number, text, states)
        if not row:
            return row, occurred_at, None
        if row[self._ajw_code_until] <= occurred_at:
            return row, occurred_at, "code_expired"
        if row.address not in address_variants("whatsapp", number):
            return row, occurred_at, "code_of_another_number"
        return row, occurred_at, ""
