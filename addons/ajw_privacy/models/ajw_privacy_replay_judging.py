from odoo import fields, models
from odoo.tools import SQL

from ..engine import register
from ..engine.graph import KEPT, OWN


class AjwPrivacyReplay(models.AbstractModel):
    """Whether a contact of the register was erased here already, or is for somebody to look at."""

    _inherit = "ajw.privacy.replay"

    def _done_here(self):
        """Who was erased in this database already.

        :return: (digests of rows in its own register, ids of contacts of which something is kept)
        """
        # SQL: two columns of every entry
        rows = self.env.execute_query(
            SQL(
                "SELECT d ->> 1 FROM ajw_privacy_register r "
                "CROSS JOIN LATERAL jsonb_array_elements(r.digests) d WHERE d ->> 0 = 'row'"
            )
        )
        kept = self.env.execute_query(
            SQL(
                "SELECT h.res_id FROM ajw_privacy_erasure_row h "
                "JOIN ajw_privacy_erasure e ON e.id = h.erasure_id AND e.state = 'kept' "
                "WHERE h.model_name = 'res.partner' AND h.ownership IN %s",
                (OWN, KEPT),
            )
        )
        return {digest for [digest] in rows}, {contact for [contact] in kept}

    def _judge(self, match, entry, done):
        """Whether a contact was erased here already, or why an officer has to look at it.

        Who comes back after an erasure is a customer again: their new data is not erased by it.

        :param done: from :meth:`_done_here`
        :return: (whether nothing is to be done, sentence or ``""``)
        """
        rows, kept = done
        [[created]] = self.env.execute_query(
            SQL("SELECT create_date FROM res_partner WHERE id = %s", match.contact)
        )
        own = register.row_fact(match.contact, created)
        ring = self.env["ajw.privacy.register"]._keyring()
        here = own and not rows.isdisjoint(ring.digests(register.CONTEXT, own.text))
        if here and (match.contact in kept or not match.kinds & register.TELLING):
            return True, ""
        if here:
            return False, self.env._(
                "It was erased here, and what the person goes by stands there again."
            )
        if not match.is_sure:
            return False, self.env._(
                "Only one thing (%s) is the same, which somebody else may have too.",
                ", ".join(sorted(match.kinds)),
            )
        if "row" not in match.kinds and created and created >= fields.Datetime.to_datetime(
            entry["done_at"]
        ):  # fmt: skip
            return False, self.env._("It was made after the erasure, so the person came back.")
        return False, ""
