"""The whole ledger in one value, to hold before against after."""

from odoo.tools import SQL

#: What the proof consists of, and the answers that follow from it.
LEDGER = (
    "ajw.consent.event",
    "ajw.consent.evidence",
    "ajw.consent.seal",
    "ajw.consent.seal.line",
    "ajw.consent.state",
)


class LedgerBytesMixin:
    """For test classes that compare the ledger before and after."""

    def _ledger_bytes(self):
        """Return table → number of rows and a digest of every byte of them.

        The system column ``xmin`` is in it: a row that was written again, with the same values, is
        a changed row.
        """
        self.env.flush_all()
        found = {}
        for name in LEDGER:
            table = SQL.identifier(self.env[name]._table)
            self.env.cr.execute(
                SQL(
                    """SELECT count(*), md5(string_agg(
                              row.xmin::text || row.ctid::text || row::text, '|' ORDER BY id))
                         FROM %s row""",
                    table,
                )
            )
            found[name] = self.env.cr.fetchone()
        return found

    def assert_ledger_unchanged(self, before, what=None):
        """Fail if a byte of the ledger is another one than before."""
        self.assertEqual(self._ledger_bytes(), before, what)
