from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.ajw_consent.tools.keyring import get_keyring

from ..engine import register, register_rows
from .ajw_privacy_request import OFFICER_GROUP

#: An object cannot arrive by RPC: only an erasure enters itself.
ENTER = object()


class AjwPrivacyRegister(models.Model):
    """The register of erasures: who was erased, as keyed digests, never as a value.

    Kept outside of the database (*Export*, or the command ``ajw_privacy_register``), it lets what a
    restored backup brought back be erased again (``ajw_privacy_replay``). Entries are only added.
    """

    _name = "ajw.privacy.register"
    _description = "Register of erasures"
    _order = "id desc"
    _rec_name = "reference"

    _ajw_personal_data = {
        "reference": {"erase": "none", "reason": "number of the erasure; names nobody"},
        "subject_ref": {"erase": "none", "reason": "random; stands for nobody any more"},
        "digests": {
            "erase": "none",
            "reason": "keyed digests: without the key they say nothing, and tell whom to erase "
            "again after a backup was restored",
        },
        "requested_by": {"erase": "none", "reason": "id of the officer who answers for it"},
        "approved_by": {"erase": "none", "reason": "id of the officer who answers for it"},
    }

    reference = fields.Char("Erasure", required=True, readonly=True, index=True)
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", "Open erasure", readonly=True, index=True, ondelete="restrict"
    )
    certificate_id = fields.Many2one(
        "ajw.privacy.certificate", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    subject_ref = fields.Char("Pseudonym", required=True, readonly=True)
    replay_of = fields.Char("Repeats", readonly=True, help="The erasure that it did again.")
    scope = fields.Selection(
        [("person", "Person"), ("tenant", "Company")], "Who", required=True, readonly=True
    )
    requested_by = fields.Integer("Asked for by (id)", readonly=True, aggregator=None)
    approved_by = fields.Integer("Approved by (id)", readonly=True, aggregator=None)
    approved_at = fields.Datetime("Approved", readonly=True)
    done_at = fields.Datetime("Erased", required=True, readonly=True)
    certificate_hash = fields.Char(readonly=True)
    digests = fields.Json(
        required=True, readonly=True, help="Kind and keyed digest (HMAC) of what tells the person."
    )
    digest_count = fields.Integer("Recognised by", compute="_compute_digest_count")

    _subject_uniq = models.UniqueIndex("(subject_ref)", "This erasure is in the register.")

    @api.depends("digests")
    def _compute_digest_count(self):
        for entry in self:
            entry.digest_count = len(entry.digests or ())

    # -- append only -----------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("ajw_register") is not ENTER:
            raise self._only_added()
        return super().create(vals_list)

    def write(self, vals):  # pylint: disable=method-required-super  # always refused
        raise self._only_added()

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise self._only_added()

    def _only_added(self):
        return UserError(
            self.env._(
                "The register of erasures is only added to, by erasures themselves: it tells whom "
                "to erase again when a backup was restored."
            )
        )

    # -- entries ---------------------------------------------------------------------------------

    @api.model
    def _keyring(self):
        """The keys of the digests.

        :raises UserError: they are missing, or are not those of this database
        """
        if problem := self.env["ajw.consent.keyring"]._check():
            raise UserError(problem)
        return get_keyring()

    @api.model
    def _anchors(self, partner):
        """Digests of the contact's own row and of its external ids.

        To be taken before anything is erased: external ids go.

        :param partner: res.partner
        :return: list of [kind, digest]
        """
        # sudo: what tells a contact apart does not depend on who asks
        partner = partner.sudo()
        self.env.flush_all()  # external ids are read below the ORM
        [[created]] = self.env.execute_query(
            SQL("SELECT create_date FROM res_partner WHERE id = %s", partner.id)
        )
        facts = [
            register.external_fact(name)
            for _id, name in register_rows.externals(self.env.execute_query, partner._ids)
        ]
        if own := register.row_fact(partner.id, created):
            facts.append(own)
        return register.digest_facts(facts, self._keyring())

    @api.model
    def _digests(self, erasure):
        """Digests of what an erasure looked for, and nobody else goes by.

        :param erasure: ajw.privacy.erasure, before it forgets it
        :return: list of [kind, digest]
        """
        # sudo: nobody has rights on identifiers
        identifiers = self.env["ajw.privacy.erasure.identifier"].sudo()._read_all(erasure)
        return register.digest_facts(register.facts_of(identifiers), self._keyring())

    @api.model
    def _enter(self, erasure, digests):
        """Enter an erasure whose certificate is clean; once only.

        :param erasure: ajw.privacy.erasure
        :param digests: from :meth:`_digests`
        :return: the entry
        """
        # sudo: entries are written by this method alone
        self = self.sudo().with_context(ajw_register=ENTER)
        if known := self.search([("subject_ref", "=", erasure.subject_ref)]):
            return known
        certificate = erasure.sudo().certificate_ids.sorted("number")[-1:]
        return self.create(
            {
                "reference": erasure.name,
                "company_id": erasure.company_id.id,
                "erasure_id": erasure.id,
                "certificate_id": certificate.id,
                "subject_ref": erasure.subject_ref,
                "replay_of": erasure.replay_of,
                "scope": "person",
                "requested_by": erasure.requested_by_id.id,
                "approved_by": erasure.approved_by_id.id,
                "approved_at": erasure.approved_at,
                "done_at": erasure.ended_at or fields.Datetime.now(),
                "certificate_hash": certificate.hash,
                "digests": sorted([*(erasure.sudo().anchors or ()), *digests]),
            }
        )

    # -- the file --------------------------------------------------------------------------------

    def _plain(self):
        """The entries as plain values, as they stand in a file."""
        moment = fields.Datetime.to_string
        return [
            {
                "erasure": entry.reference,
                "controller": entry.company_id.id,
                "subject": entry.subject_ref,
                "replay_of": entry.replay_of or "",
                "scope": entry.scope,
                "requested_by": entry.requested_by,
                "approved_by": entry.approved_by,
                "approved_at": moment(entry.approved_at) or "",
                "done_at": moment(entry.done_at),
                "certificate": entry.certificate_hash or "",
                "digests": entry.digests,
            }
            for entry in self.sorted("id")
        ]

    def _file(self):
        """These entries as a file: JSON lines, signed.

        :return: (name, bytes)
        :raises UserError: the keys are missing or wrong
        """
        now = fields.Datetime.now()
        # sudo: asks only which database it is
        database = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        content = register.write_file(
            self._plain(), database, f"{now.isoformat()}Z", self._keyring()
        )
        return f"erasures-{now:%Y%m%d-%H%M%S}.jsonl", content

    def action_export(self):
        """Download the register of the companies the officer acts for: all their entries."""
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer exports the register."))
        self.check_access("read")
        name, content = self.search([])._file()
        # of no document: whoever made it, and nobody else, may read it
        file = self.env["ir.attachment"].create(
            {"name": name, "raw": content, "mimetype": "application/octet-stream"}
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{file.id}?download=1",
            "target": "download",
        }

    @api.model
    def _export_command(self):
        """All entries of all controllers, as the command writes them.

        :return: (number of entries, bytes)
        """
        entries = self.search([])
        return len(entries), entries._file()[1]
