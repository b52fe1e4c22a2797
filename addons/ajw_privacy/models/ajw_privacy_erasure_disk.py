import logging

import psycopg2

from odoo import models
from odoo.http import root
from odoo.tools import SQL, mute_logger

from ..engine import files, schema
from ..engine.graph import KEPT, OWN
from ..engine.matcher import Matcher

_logger = logging.getLogger(__name__)

#: After so many tries the system's refusal is told.
MAX_TRIES = 3


class AjwPrivacyErasure(models.Model):
    """What lies on the disk: which files are the person's, and how they and their sessions go."""

    _inherit = "ajw.privacy.erasure"

    # -- which -----------------------------------------------------------------------------------

    def _walk_files(self, known):
        """Put the files of rows that are the person's own on the hit list.

        Those that belong to a field follow that field. What a person sent with a message is theirs,
        whatever document the message hangs on; what a colleague put into a conversation is the
        company's.
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO ajw_privacy_erasure_row (erasure_id, model_name, res_id, ownership)
                SELECT %(erasure)s, 'ir.attachment', a.id, %(OWN)s
                  FROM ajw_privacy_erasure_row h
                  JOIN ir_attachment a ON a.res_model = h.model_name AND a.res_id = h.res_id
                 WHERE h.erasure_id = %(erasure)s AND h.ownership = %(OWN)s
                   AND a.res_field IS NULL
                 UNION
                -- what was sent with a message on a document of theirs
                SELECT %(erasure)s, 'ir.attachment', a.id, %(OWN)s
                  FROM ajw_privacy_erasure_row h
                  JOIN mail_message m ON m.model = h.model_name AND m.res_id = h.res_id
                  JOIN ir_attachment a ON a.res_model = 'mail.message' AND a.res_id = m.id
                 WHERE h.erasure_id = %(erasure)s AND h.ownership = %(OWN)s
                   AND a.res_field IS NULL
                 UNION
                -- an invitation is a copy of the meeting with everybody's address, made by Odoo
                SELECT %(erasure)s, 'ir.attachment', a.id, %(OWN)s
                  FROM ajw_privacy_erasure_row h
                  JOIN ir_attachment a ON a.res_model = h.model_name AND a.res_id = h.res_id
                 WHERE h.erasure_id = %(erasure)s AND h.model_name = 'calendar.event'
                   AND a.mimetype = 'text/calendar' AND a.res_field IS NULL
                 UNION
                SELECT %(erasure)s, 'ir.attachment', r.attachment_id, %(OWN)s
                  FROM ajw_privacy_erasure_row h
                  JOIN message_attachment_rel r ON r.message_id = h.res_id
                  JOIN mail_message m ON m.id = h.res_id
                 WHERE h.erasure_id = %(erasure)s AND h.ownership = %(OWN)s
                   AND h.model_name = 'mail.message'
                   AND (m.message_type = 'email' OR NOT EXISTS (
                       SELECT FROM res_users u WHERE u.partner_id = m.author_id AND NOT u.share))
                    ON CONFLICT (erasure_id, model_name, res_id) DO UPDATE
                   SET ownership = EXCLUDED.ownership
                 WHERE ajw_privacy_erasure_row.ownership < EXCLUDED.ownership
                """,
                erasure=self.id,
                OWN=OWN,
            )
        )
        self._keep_files(known)
        self.env.cr.execute(
            SQL(
                """
                UPDATE ajw_privacy_erasure_row h SET ownership = %s
                  FROM ir_attachment a
                 WHERE h.erasure_id = %s AND h.model_name = 'ir.attachment' AND h.ownership = %s
                   AND a.id = h.res_id AND (%s)
                """,
                KEPT,
                self.id,
                OWN,
                self._kept_files(known),
            )
        )

    def _kept_files(self, known):
        """Condition on ``a``, an attachment of the person's own: it has to stay.

        Where a model keeps a file of its own, as the books keep the document of an entry, whatever
        else hangs on its rows stays as long. To be extended by what knows of more.

        :rtype: SQL
        """
        return SQL(
            "EXISTS (SELECT FROM ajw_privacy_kept k WHERE k.erasure_id = %s "
            "AND k.model_name = 'ir.attachment' AND k.field_name IS NULL AND k.res_id = a.id)",
            self.id,
        )

    # -- how -------------------------------------------------------------------------------------

    def _end_sessions(self, user_ids):
        """Have the sessions of some users end as soon as this transaction is committed."""
        # sudo: nobody has rights on what an erasure does
        self.env["ajw.privacy.erasure.spool"].sudo()._add(self.id, "sessions", user_ids)

    def _take_from_disk(self, commit=lambda: None):
        """Take from the disk what the transactions before let go of.

        To be called after a commit. What a crash interrupts is done by the next call.

        :param commit: called after each batch
        :return: whether nothing is left to be tried
        """
        self.ensure_one()
        # sudo: nobody has rights on what an erasure does
        spool = self.env["ajw.privacy.erasure.spool"].sudo()
        if users := spool._next(self.id, "sessions", 1000, MAX_TRIES):
            gone = self._remove_sessions({int(name) for name in users})
            spool._settle(self.id, "sessions", users if gone else (), () if gone else users)
            commit()
        while names := spool._next(self.id, "file", files.FILES, MAX_TRIES):
            tables = files.stores(
                schema.by_table(self.env.execute_query(schema.columns_statement()))
            )
            commit()  # the lock is to be the first thing of its transaction
            try:
                with self.env.cr.savepoint(flush=False), mute_logger("odoo.sql_db"):
                    found = files.collect(self.env.cr, names, tables, self._path_of)
            except psycopg2.errors.LockNotAvailable:
                return False
            spool._settle(self.id, "file", (*found.gone, *found.shared), found.stuck)
            commit()
            if found.stuck:
                _logger.warning("Erasure %s: the system keeps %s files", self.id, len(found.stuck))
        return True

    def _path_of(self, name):
        return self.env["ir.attachment"]._full_path(name)

    def _remove_sessions(self, user_ids):
        """End the sessions of some users; return whether none is left."""
        store = root.session_store
        if folder := getattr(store, "path", None):
            return files.remove_sessions(folder, self.env.cr.dbname, user_ids)
        # kept elsewhere by another program: it knows them by what the log of devices says
        identifiers = [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    "SELECT DISTINCT session_identifier FROM res_device_log WHERE user_id IN %s",
                    tuple(user_ids),
                )
            )
        ]
        store.delete_from_identifiers(identifiers)
        return True

    def _end_visits(self, known):
        """End sessions of a website that name the person though nobody is signed in.

        :return: whether none of them is left
        """
        self._wanted(known)
        matcher = Matcher([each for each in known["identifiers"] if each.is_strong], weak=False)
        folder = getattr(root.session_store, "path", None)
        if not folder or not matcher:
            return True  # kept elsewhere they cannot be read: they expire
        return files.remove_visits(folder, self.env.cr.dbname, matcher.found_in)

    def _try_disk_again(self):
        """Try again what the system did not let go of."""
        self.env.cr.execute(
            SQL("UPDATE ajw_privacy_erasure_spool SET tries = 0 WHERE erasure_id = %s", self.id)
        )

    def _with_spool(self):
        """Erasures of which something is to go from the disk, whatever their state."""
        return self.browse(
            each
            for [each] in self.env.execute_query(
                SQL(
                    "SELECT DISTINCT erasure_id FROM ajw_privacy_erasure_spool "
                    "WHERE COALESCE(tries, 0) < %s ORDER BY erasure_id",
                    MAX_TRIES,
                )
            )
        )

    def _count_on_disk(self):
        """What still waits to be taken from the disk: (to be tried, given up)."""
        [[waiting, stuck]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FILTER (WHERE COALESCE(tries, 0) < %(max)s), "
                "count(*) FILTER (WHERE tries >= %(max)s) "
                "FROM ajw_privacy_erasure_spool WHERE erasure_id = %(erasure)s",
                max=MAX_TRIES,
                erasure=self.id,
            )
        )
        return waiting, stuck
