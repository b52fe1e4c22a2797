from odoo import api, fields, models

from ..engine import certificate as certificates
from ..engine.certificate_form import GENESIS
from .ajw_privacy_certificate import ISSUE


class AjwPrivacyCertificate(models.Model):
    """Certificates of companies that left, in the chain of the company that keeps the record."""

    _inherit = "ajw.privacy.certificate"

    erasure_id = fields.Many2one(required=False)
    departure_id = fields.Many2one(
        "ajw.privacy.departure", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    _of_one = models.Constraint(
        "CHECK((erasure_id IS NULL) <> (departure_id IS NULL))",
        "A certificate is of the erasure of a person or of the removal of a company.",
    )

    @api.model
    def _issue_departure(self, departure):
        """Issue the certificate of a company that left, in the chain of the operator.

        :param departure: ajw.privacy.departure
        :return: the certificate
        :raises ValueError: the content says what no certificate can say
        """
        # sudo: certificates are written by this method alone
        self = self.sudo().with_context(ajw_issue=ISSUE)
        company = departure.operator_id
        last = self.search([("company_id", "=", company.id)], order="number desc", limit=1)
        previous = last.hash or GENESIS
        database = self.env["ir.config_parameter"].get_param("database.uuid")
        content = departure._certify(database, last.number + 1)
        data = certificates.issue(content, previous, self._keys())
        parts = certificates.read(data)
        return self.create(
            {
                "number": content.number,
                "company_id": company.id,
                "departure_id": departure.id,
                "subject_ref": content.subject,
                "issued_at": fields.Datetime.now(),
                "verdict": parts.document["verdict"],
                "residue_count": sum(each.rows for each in content.scan.residue),
                "kept_count": sum(each.rows for each in content.kept),
                "content": data.decode(),
                "hash": parts.hash,
                "previous_hash": previous,
            }
        )
