"""What earlier releases allowed and this one does not is settled before it would be refused."""

from odoo.modules.migration import load_script
from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path

PREVIOUS = "19.0.1.1.0"


def run_migration(cr, script):
    """Run a script of an addon's migrations as an upgrade from the previous release does.

    :param cr: cursor
    :param str script: ``addon/migrations/version/name.py``
    """
    load_script(file_path(script), "ajw_tested_migration").migrate(cr, PREVIOUS)


@tagged("-at_install", "post_install")
class TestMigration(TransactionCase):
    def test_scripts_do_without_what_the_first_release_had_not(self):
        """19.0.1.0.0 knew no links and no requests; Odoo runs these before it makes columns."""
        for script, tables in (
            ("ajw_consent/migrations/19.0.1.2.0/pre-validity.py", ["res_company"]),
            ("ajw_privacy/migrations/19.0.1.2.0/pre-request.py", []),
            ("ajw_privacy/migrations/19.0.1.3.0/pre-map.py", []),
        ):
            with self.subTest(script=script):
                savepoint = self.env.cr.savepoint(flush=True)
                # A schema of its own stands for the older database; nothing real is locked.
                self.env.cr.execute("CREATE SCHEMA ajw_first_release")
                self.env.cr.execute("SET LOCAL search_path TO ajw_first_release")
                for table in tables:
                    self.env.cr.execute(f"CREATE TABLE {table} (id integer)")
                try:
                    run_migration(self.env.cr, script)
                finally:
                    savepoint.close(rollback=True)

    def test_a_validity_that_is_too_long_is_cut(self):
        long, short = self.env["res.company"].create([{"name": "Long"}, {"name": "Short"}])
        short.ajw_consent_invitation_validity = 90
        self.env.flush_all()
        self.env.cr.execute(
            "ALTER TABLE res_company DROP CONSTRAINT res_company_ajw_consent_validity_limit"
        )
        self.env.cr.execute(
            "UPDATE res_company SET ajw_consent_invitation_validity = 900 WHERE id = %s", [long.id]
        )
        run_migration(self.env.cr, "ajw_consent/migrations/19.0.1.2.0/pre-validity.py")
        self.env.invalidate_all()
        self.assertEqual((long | short).mapped("ajw_consent_invitation_validity"), [365, 90])
        # With what is there now, the constraint can be set.
        constraint = type(long)._table_objects["res_company_ajw_consent_validity_limit"]
        self.env.cr.execute(
            "ALTER TABLE res_company ADD CONSTRAINT res_company_ajw_consent_validity_limit "
            + constraint.get_definition(self.env.registry)
        )
