import json

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.ajw_consent.tools.keyring import get_keyring

from ..engine import certificate as certificates
from ..engine.certificate_form import GENESIS

#: An object cannot arrive by RPC: only an erasure issues a certificate.
ISSUE = object()


class AjwPrivacyCertificate(models.Model):
    """What an erasure did and what the scan found afterwards; sealed, and never changed.

    It names models, fields, counts and laws, and no person.
    """

    _name = "ajw.privacy.certificate"
    _description = "Certificate of erasure"
    _order = "company_id, number desc"
    _rec_name = "number"

    _ajw_personal_data = {
        "content": {"erase": "none", "reason": "names of columns, counts and laws; names nobody"},
        "subject_ref": {"erase": "none", "reason": "random; stands for nobody any more"},
    }

    number = fields.Integer(required=True, readonly=True, aggregator=None)
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_ref = fields.Char("Person", readonly=True, help="Random; names nobody.")
    issued_at = fields.Datetime("Issued", required=True, readonly=True)
    verdict = fields.Selection(
        [
            ("clean", "Nothing left"),
            ("clean_but_kept", "Nothing left but what the law keeps"),
            ("failed", "Something is left"),
        ],
        required=True,
        readonly=True,
    )
    residue_count = fields.Integer("Rows left", readonly=True)
    kept_count = fields.Integer("Rows kept", readonly=True)
    unread_count = fields.Integer(
        "Files not read",
        compute="_compute_unread_count",
        help="Files that could not be looked into, or not wholly; the certificate says why.",
    )
    content = fields.Text(required=True, readonly=True, help="The certificate, in canonical form.")
    pretty = fields.Text("Certificate", compute="_compute_pretty")
    hash = fields.Char(required=True, readonly=True, help="SHA-256 of what the certificate says.")
    previous_hash = fields.Char("Hash before", required=True, readonly=True)
    is_genuine = fields.Boolean(
        "Verified",
        compute="_compute_is_genuine",
        help="Form, hash, key and place in the chain fit.",
    )

    _number_uniq = models.UniqueIndex("(company_id, number)")

    @api.depends("number", "subject_ref")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.number} · {row.subject_ref}"

    @api.depends("content")
    def _compute_pretty(self):
        for row in self:
            try:
                row.pretty = json.dumps(json.loads(row.content)["certificate"], indent=2)
            except (ValueError, KeyError, TypeError):
                row.pretty = row.content

    @api.depends("content")
    def _compute_unread_count(self):
        for row in self:
            try:
                scan = json.loads(row.content)["certificate"]["scan"]
                row.unread_count = int(scan["unreadable"])
            except (ValueError, KeyError, TypeError):
                row.unread_count = 0

    @api.depends("content", "hash", "previous_hash", "verdict", "number", "subject_ref",
                 "kept_count", "residue_count")  # fmt: skip
    def _compute_is_genuine(self):
        for row in self:
            row.is_genuine = not row._problems()

    @api.model_create_multi
    def create(self, vals_list):
        self._check_issue()
        return super().create(vals_list)

    def write(self, vals):
        self._check_issue()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        self._check_issue(remove=True)

    def _check_issue(self, remove=False):
        if remove or self.env.context.get("ajw_issue") is not ISSUE:
            raise UserError(
                self.env._(
                    "A certificate is issued by an erasure and stays as it is. Run the erasure "
                    "again to get a new one."
                )
            )

    @api.model
    def _keys(self):
        """Keys that sign certificates, by id, the newest first.

        :raises UserError: they are missing, or are not those of this database
        """
        if problem := self.env["ajw.consent.keyring"]._check():
            raise UserError(problem)
        return certificates.keys_of(get_keyring().digests(certificates.KEY_CONTEXT, "key"))

    @api.model
    def _issue(self, erasure, make):
        """Issue the next certificate of a controller.

        :param erasure: ajw.privacy.erasure
        :param make: called with (identifier of the database, number), returns the
            :class:`~..engine.certificate_form.Content`
        :return: the certificate
        :raises ValueError: the content says what no certificate can say
        """
        # sudo: certificates are written by this method alone
        self = self.sudo().with_context(ajw_issue=ISSUE)
        last = self.search(
            [("company_id", "=", erasure.company_id.id)], order="number desc", limit=1
        )
        previous = last.hash or GENESIS
        database = self.env["ir.config_parameter"].get_param("database.uuid")
        content = make(database, last.number + 1)
        data = certificates.issue(content, previous, self._keys())
        parts = certificates.read(data)
        return self.create(
            {
                "number": content.number,
                "company_id": erasure.company_id.id,
                "erasure_id": erasure.id,
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

    def _problems(self):
        """What does not fit in the certificate.

        :return: list of sentences
        """
        self.ensure_one()
        data = (self.content or "").encode()
        problems = certificates.verify(data, self.previous_hash, self._known_keys())
        return problems or self._differences()
