"""What earlier releases allowed and this one does not is settled before it would be refused."""

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tests.test_migration import run_migration

from .request_common import RequestCommon

INDEX = "ajw_privacy_request_portal_open_uniq"


@tagged("-at_install", "post_install")
class TestMigration(RequestCommon):
    def _drop_index(self):
        """Take the index away, and return what makes it again."""
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [INDEX])
        definition = self.env.cr.fetchone()[0]
        self.env.cr.execute(f"DROP INDEX {INDEX}")
        return definition

    def test_of_requests_sent_twice_the_first_stays_the_persons(self):
        definition = self._drop_index()
        user = self.officer
        requests = self.env["ajw.privacy.request"]
        for kind, state in (
            ("access", "new"),
            ("access", "new"),
            ("access", "progress"),
            ("deletion", "new"),
            ("access", "answered"),
        ):
            request = self._request(kind=kind)
            request.flush_recordset()
            self.env.cr.execute(
                "UPDATE ajw_privacy_request SET portal_user_id = %s, state = %s WHERE id = %s",
                [user.id, state, request.id],
            )
            requests |= request
        with (
            self.assertRaises(psycopg2.errors.UniqueViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(definition)
        run_migration(self.env.cr, "ajw_privacy/migrations/19.0.1.2.0/pre-request.py")
        self.env.cr.execute(definition)
        self.env.invalidate_all()
        self.assertEqual(
            [request.portal_user_id.id for request in requests],
            [user.id, False, False, user.id, user.id],
        )
        self.assertEqual(
            requests.mapped("state"),
            ["new", "new", "progress", "new", "answered"],
            "none was closed",
        )
