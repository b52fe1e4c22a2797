import json

from odoo import api, models
from odoo.tools import SQL

from ..tools.keyring import KeyringError, get_keyring

PARAMETER = "ajw_consent.keyring_check"
CHECK_TEXT = "ajw_consent"


class AjwConsentKeyring(models.AbstractModel):
    """Tells whether the configured keys are the ones this database was used with."""

    _name = "ajw.consent.keyring"
    _description = "Consent Keyring"

    @api.model
    def _check(self):
        """Return ``None`` when the keys fit this database, else a sentence for the user.

        The first use stores a check value: a text encrypted, and a digest under each HMAC key. New
        keys are added to it; a missing HMAC key, or keys that do not open it, are reported. A
        request that may only read stores nothing: the next use that may write does.
        """
        try:
            keyring = get_keyring()
        except KeyringError as error:
            return self._message(error)
        # sudo: every sender needs the answer, nobody the value
        parameters = self.env["ir.config_parameter"].sudo()
        stored = json.loads(parameters.get_param(PARAMETER) or "{}")
        digests = dict(
            digest.partition(":")[::2] for digest in keyring.digests("keyring-check", CHECK_TEXT)
        )
        if stored:
            try:
                keyring.decrypt(stored["encryption"])
            except KeyringError as error:
                return self._message(error)
            if any(digests.get(key_id) != digest for key_id, digest in stored["hmac"].items()):
                return self._message(KeyringError("wrong", ""))
        if self.env.cr.readonly:
            return None
        if stored and not keyring.is_current(stored["encryption"]):
            self._rotate(keyring)
            stored = {}
        if stored.get("hmac") != digests:
            parameters.set_param(
                PARAMETER,
                json.dumps(
                    {"encryption": keyring.encrypt(CHECK_TEXT), "hmac": digests}, sort_keys=True
                ),
            )
        return None

    @api.model
    def _rotate(self, keyring):
        """Encrypt what is stored anew with the newest key.

        Models name their columns in ``_ajw_encrypted_fields``.
        """
        for model in self.env.values():
            names = getattr(model, "_ajw_encrypted_fields", ())
            if not names or model._abstract:
                continue
            model.flush_model()
            for name in names:
                column, table = SQL.identifier(name), SQL.identifier(model._table)
                # SQL: ciphertexts change without their values changing; nobody may read them
                rows = self.env.execute_query(
                    SQL("SELECT id, %s FROM %s WHERE %s IS NOT NULL", column, table, column)
                )
                for record_id, token in rows:
                    self.env.cr.execute(
                        SQL(
                            "UPDATE %s SET %s = %s WHERE id = %s",
                            table,
                            column,
                            keyring.rotate(token),
                            record_id,
                        )
                    )
            model.invalidate_model(list(names))

    @api.model
    def _message(self, error):
        """Translate a :class:`KeyringError` into what the user can do about it."""
        return {
            "missing": self.env._(
                "The keys of the consent ledger are missing. Ask your administrator to set "
                "AJW_KEYS or the "
                "section [ajw_keys] of the configuration file and to restart Odoo. Until then "
                "nothing is sent."
            ),
            "malformed": self.env._(
                "The keys of the consent ledger are malformed. Ask your administrator to correct "
                "AJW_KEYS or "
                "the section [ajw_keys] of the configuration file. Until then nothing is sent."
            ),
            "wrong": self.env._(
                "The keys of the consent ledger are not the ones this database was used with. Ask "
                "your "
                "administrator to put the former keys back. Until then nothing is sent."
            ),
        }[error.code]
