from odoo import api, fields, models
from odoo.tools import SQL, split_every

KINDS = [("file", "File"), ("sessions", "Sessions")]


class AjwPrivacyErasureSpool(models.Model):
    """What is to go from the disk as soon as the transaction that let go of it is committed.

    Written in that very transaction and by SQL alone: a crash between the two loses nothing.
    """

    _name = "ajw.privacy.erasure.spool"
    _description = "What an erasure takes from the disk"
    _log_access = False
    _rec_name = "kind"
    _order = "id"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "a checksum or an id; gone when it is done"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, ondelete="cascade"
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    name = fields.Char(
        required=True,
        readonly=True,
        help="Of a file, its name in the filestore; of sessions, the id of the user.",
    )
    tries = fields.Integer(readonly=True, help="How often the system did not let go of it.")

    _spool_uniq = models.UniqueIndex("(erasure_id, kind, name)")

    @api.model
    def _add(self, erasure_id, kind, names):
        """Note what is to go.

        :param int erasure_id: the erasure that lets go of it
        :param str kind: of :data:`KINDS`
        :param names: what it is called, see ``name``
        """
        for some in split_every(1000, dict.fromkeys(map(str, names))):
            self.env.cr.execute(
                SQL(
                    "INSERT INTO ajw_privacy_erasure_spool (erasure_id, kind, name, tries) "
                    "VALUES %s ON CONFLICT (erasure_id, kind, name) DO UPDATE SET tries = 0",
                    SQL(", ").join(SQL("(%s, %s, %s, 0)", erasure_id, kind, name) for name in some),
                )
            )

    @api.model
    def _next(self, erasure_id, kind, limit, max_tries):
        """The next names that are to go."""
        return [
            name
            for [name] in self.env.execute_query(
                SQL(
                    "SELECT name FROM ajw_privacy_erasure_spool WHERE erasure_id = %s "
                    "AND kind = %s AND COALESCE(tries, 0) < %s ORDER BY tries, id LIMIT %s",
                    erasure_id, kind, max_tries, limit,
                )
            )
        ]  # fmt: skip

    @api.model
    def _settle(self, erasure_id, kind, done, stuck=()):
        """Note what became of some names.

        :param done: those that need nothing more
        :param stuck: those the system did not let go of
        """
        mine = SQL("erasure_id = %s AND kind = %s", erasure_id, kind)
        if done:
            self.env.cr.execute(
                SQL(
                    "DELETE FROM ajw_privacy_erasure_spool WHERE %s AND name IN %s",
                    mine,
                    tuple(map(str, done)),
                )
            )
        if stuck:
            self.env.cr.execute(
                SQL(
                    "UPDATE ajw_privacy_erasure_spool SET tries = COALESCE(tries, 0) + 1 "
                    "WHERE %s AND name IN %s",
                    mine,
                    tuple(map(str, stuck)),
                )
            )
