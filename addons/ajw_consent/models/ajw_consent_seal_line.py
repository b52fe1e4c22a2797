from odoo import api, fields, models
from odoo.tools import SQL


class AjwConsentSealLine(models.Model):
    """Which events a seal covers, and in which order: inserted once, never changed.

    An event belongs to the seal that found it first, never to one "with a greater id": ids are
    given before a transaction commits, so an event can appear later than others with greater ids.
    """

    _name = "ajw.consent.seal.line"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Sealed Event"
    _order = "seal_id desc, position"
    _rec_name = "position"
    _log_access = False

    seal_id = fields.Many2one("ajw.consent.seal", required=True, readonly=True, ondelete="restrict")
    event_id = fields.Many2one(
        "ajw.consent.event", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="seal_id.company_id", string="Controller")
    position = fields.Integer(
        required=True, readonly=True, aggregator=None, help="Place in the seal, from 1."
    )

    _place_unique = models.UniqueIndex("(seal_id, position)")
    _event_unique = models.UniqueIndex("(event_id)")

    def init(self):
        """Install the triggers that refuse every change of a membership, whoever asks."""
        # SQL: the guard must hold below the ORM
        self._install_guard(self._table)

    @api.model
    def _install_guard(self, table, columns=()):
        """Make PostgreSQL refuse changes of a table.

        :param str table: name of the table
        :param columns: columns that never change; all of them if not given
        """
        update = SQL("UPDATE")
        if columns:
            names = SQL(", ").join(SQL.identifier(column) for column in columns)
            update = SQL("UPDATE OF %s", names)
        table = SQL.identifier(table)
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION ajw_consent_seal_refuse() RETURNS trigger AS $$
                BEGIN
                    RAISE EXCEPTION 'Seals of the consent ledger never change: %% refused', TG_OP
                        USING ERRCODE = 'restrict_violation';
                END
                $$ LANGUAGE plpgsql;
                DROP TRIGGER IF EXISTS ajw_consent_seal_no_change ON %(table)s;
                CREATE TRIGGER ajw_consent_seal_no_change BEFORE %(update)s OR DELETE ON %(table)s
                    FOR EACH ROW EXECUTE FUNCTION ajw_consent_seal_refuse();
                DROP TRIGGER IF EXISTS ajw_consent_seal_no_truncate ON %(table)s;
                CREATE TRIGGER ajw_consent_seal_no_truncate BEFORE TRUNCATE ON %(table)s
                    FOR EACH STATEMENT EXECUTE FUNCTION ajw_consent_seal_refuse();
                """,
                table=table,
                update=update,
            )
        )

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("Seals are made over the ledger and never change.")
