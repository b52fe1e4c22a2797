from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.orm.models import NO_ACCESS

from odoo.addons.ajw_consent.tools.keyring import KeyringError, get_keyring

from ..engine.identifiers import KINDS, Identifier


class AjwPrivacyErasureIdentifier(models.Model):
    """What the person of an erasure is looked for by: encrypted, and gone when it is done."""

    _name = "ajw.privacy.erasure.identifier"
    _description = "Identifier of an erasure"
    _log_access = False
    _rec_name = "kind"
    _order = "id"

    _ajw_encrypted_fields = ("cipher",)
    _ajw_personal_data = {
        "cipher": {"category": "identifier", "erase": "delete"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection([(kind, kind) for kind in KINDS], required=True, readonly=True)
    strength = fields.Selection(
        [("strong", "Theirs alone"), ("beside", "Theirs, where the text names them"),
         ("weak", "Others go by it as well"), ("own", "A word of their name, on rows of theirs")],
        required=True,
        readonly=True,
    )  # fmt: skip
    cipher = fields.Char(required=True, readonly=True, groups=NO_ACCESS)

    @api.model
    def _keyring(self):
        """The keys identifiers are encrypted with.

        :raises UserError: they are missing, or are not those of this database
        """
        if problem := self.env["ajw.consent.keyring"]._check():
            raise UserError(problem)
        return get_keyring()

    @api.model
    def _keep(self, erasure, identifiers):
        """Store the identifiers of an erasure in place of those it has."""
        keyring = self._keyring()
        self.search([("erasure_id", "=", erasure.id)]).unlink()
        self.create(
            [
                {
                    "erasure_id": erasure.id,
                    "kind": each.kind,
                    "strength": each.strength,
                    "cipher": keyring.encrypt(each.value),
                }
                for each in identifiers
            ]
        )

    @api.model
    def _read_all(self, erasure):
        """The identifiers of an erasure.

        :return: tuple of :class:`~..engine.identifiers.Identifier`
        :raises UserError: the keys are missing, or are not the ones they were encrypted with
        """
        keyring = self._keyring()
        self.flush_model()
        self.env.cr.execute(
            "SELECT kind, cipher, strength FROM ajw_privacy_erasure_identifier "
            "WHERE erasure_id = %s ORDER BY id",
            [erasure.id],
        )
        try:
            return tuple(
                Identifier(kind, keyring.decrypt(cipher), strength)
                for kind, cipher, strength in self.env.cr.fetchall()
            )
        except KeyringError as error:
            raise UserError(self.env["ajw.consent.keyring"]._message(error)) from None
