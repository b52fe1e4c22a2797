from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import register
from .ajw_privacy_register import ENTER


class AjwPrivacyRegister(models.Model):
    """Companies that left, in the register of who keeps the record of it."""

    _inherit = "ajw.privacy.register"

    departure_id = fields.Many2one(
        "ajw.privacy.departure", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    @api.model
    def _enter_departure(self, departure):
        """Enter a company whose removal is certified; once only.

        :param departure: ajw.privacy.departure
        :return: the entry
        """
        # sudo: entries are written by this method alone
        self = self.sudo().with_context(ajw_register=ENTER)
        if known := self.search([("subject_ref", "=", departure.subject_ref)]):
            return known
        certificate = departure.sudo().certificate_ids.sorted("number")[-1:]
        facts = self._company_facts(departure._companies().ids)
        return self.create(
            {
                "reference": departure.name,
                "company_id": departure.operator_id.id,
                "departure_id": departure.id,
                "certificate_id": certificate.id,
                "subject_ref": departure.subject_ref,
                "scope": "tenant",
                "requested_by": departure.requested_by_id.id,
                "approved_by": departure.approved_by_id.id,
                "approved_at": departure.approved_at,
                "done_at": departure.ended_at or fields.Datetime.now(),
                "certificate_hash": certificate.hash,
                "digests": register.digest_facts(facts.values(), self._keyring()),
            }
        )

    @api.model
    def _company_facts(self, ids=None):
        """What companies are recognised by: the row and the moment it was made.

        :param ids: of companies, None: all
        :return: dict id → engine.register.Fact
        """
        self.env.flush_all()
        # SQL: the moment as precise as it is stored
        rows = self.env.execute_query(
            SQL(
                "SELECT id, create_date FROM res_company WHERE %s",
                SQL("TRUE") if ids is None else SQL("id = ANY(%s)", list(ids)),
            )
        )
        facts = {company: register.company_fact(company, created) for company, created in rows}
        return {company: fact for company, fact in facts.items() if fact}
