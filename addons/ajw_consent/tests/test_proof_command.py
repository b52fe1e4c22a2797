import io
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

from odoo.cli.command import find_command
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..tools import command
from .seal_common import SealCommon


@tagged("-at_install", "post_install")
class TestProofCommand(SealCommon):
    """What the command line does; the process around it was tried by hand."""

    def setUp(self):
        super().setUp()
        self.event = self._opt_in(self.partner)
        self._seal()
        # A test's transaction must not be committed.
        self.startPatcher(patch.object(self.env.cr, "commit"))

    def _printed(self, model, method, *args):
        with redirect_stdout(io.StringIO()) as out:
            result = getattr(self.env[model], method)(*args)
        return result, out.getvalue()

    def _verify_command(self, files=(), controller=None):
        controller = controller or self.controller.id
        return self._printed("ajw.consent.verification", "_run_command", controller, files, True)

    def test_commands_are_found(self):
        for name in ("ajw_consent_verify", "ajw_consent_rebuild"):
            command = find_command(name)
            self.assertEqual(command.name, name)
        with redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as stopped:
            find_command("ajw_consent_verify")().run([])
        self.assertEqual(stopped.exception.code, 2)

    def _refused(self, name, database):
        """Run a command that refuses; what it says on the terminal."""
        # The settings are the server's, which goes on.
        self.startPatcher(patch.object(type(config), "parse_config"))
        with redirect_stderr(io.StringIO()) as said, mute_logger("odoo.sql_db"):
            with self.assertRaises(SystemExit) as stopped:
                find_command(name)().run(["-d", database])
        self.assertEqual(stopped.exception.code, 2)
        return said.getvalue()

    def test_a_missing_database_is_said_in_a_sentence(self):
        for name in ("ajw_consent_verify", "ajw_consent_rebuild"):
            said = self._refused(name, "ajw_there_is_none")
            self.assertIn("The database ajw_there_is_none cannot be opened. Check its name", said)
            self.assertIn("does not exist", said)
            self.assertNotIn("Traceback", said)

    def test_a_database_without_the_addon_is_said_in_a_sentence(self):
        nothing = SimpleNamespace(Environment=lambda *_arguments: {}, SUPERUSER_ID=1)
        self.startPatcher(patch.object(command, "Registry"))
        self.startPatcher(patch.object(command, "api", nothing))
        for name in ("ajw_consent_verify", "ajw_consent_rebuild"):
            said = self._refused(name, self.env.cr.dbname)
            self.assertIn(f"not installed in the database {self.env.cr.dbname}.", said)

    def test_A2_verify_names_the_first_broken_link(self):
        mailed = self._mailed()
        intact, text = self._verify_command(mailed)
        self.assertTrue(intact)
        self.assertIn("1 events in 1 chains, 1 seals", text)
        self.assertIn("the same", text)
        self._behind_the_triggers(
            "UPDATE ajw_consent_event SET method = 'paper' WHERE id = %s", self.event.id
        )
        self._recompute_everything()
        self.assertTrue(self._verify_command()[0], "the database alone cannot tell")
        intact, text = self._verify_command(mailed)
        self.assertFalse(intact)
        self.assertIn(self.event.uuid, text)
        self.assertIn("not the one that was emailed", text)

    def test_bad_calls_say_what_is_wrong(self):
        with self.assertRaisesRegex(ValueError, "no controller"):
            self._verify_command(controller=10**6)
        with self.assertRaisesRegex(ValueError, "no seal"):
            self._verify_command([b"{}"])
        other = self.env["res.company"].create({"name": "Other Controller"})
        with self.assertRaisesRegex(ValueError, "not verified"):
            self._verify_command(self._mailed(), other.id)

    def test_A9_rebuilding_checks_first_and_corrects_when_told(self):
        model, method = "ajw.consent.state", "_rebuild_command"
        self.env.cr.execute(
            "UPDATE ajw_consent_state SET status = 'withdrawn' WHERE event_id = %s", [self.event.id]
        )
        self.env.invalidate_all()
        different, text = self._printed(model, method, self.controller.id, True)
        self.assertEqual(different, 1)
        self.assertIn(self.event.uuid, text)
        state = self.env["ajw.consent.state"].search([("event_id", "=", self.event.id)])
        self.assertEqual(state.status, "withdrawn", "looking changes nothing")
        self.assertEqual(self._printed(model, method, self.controller.id, False)[0], 1)
        self.env.invalidate_all()
        self.assertEqual(state.status, "given")
        self.assertEqual(self._printed(model, method, self.controller.id, True)[0], 0)
