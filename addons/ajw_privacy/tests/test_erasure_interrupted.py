from contextlib import ExitStack, suppress
from unittest.mock import patch

import psycopg2

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..engine import erase
from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"
#: What changes something in a batch: a process may end behind any of them.
WORK = ("_do_sql", "_do_delete", "_do_file", "_treat_table", "_lock_accounts", "_close_accounts")


class Killed(BaseException):
    """The process ends here."""


class Undone(Exception):
    """Everything since the savepoint is to be taken back."""


class Conflict(psycopg2.errors.SerializationFailure):
    """Somebody else wrote the same row."""

    pgcode = "40001"


@tagged("post_install", "-at_install")
class TestErasureInterrupted(ErasureCommon):
    """An erasure that is broken off anywhere comes to the same end as one that is not."""

    def _interrupted(self, number, error):
        """Patches after which the n-th piece of work is done, and then the error raised.

        :return: (patches, list that grows with each piece of work)
        """
        model = self.registry["ajw.privacy.erasure"]
        calls, patches = [], ExitStack()

        def broken(name):
            real = getattr(model, name)

            def work(record, *args, **kwargs):
                calls.append(name)
                result = real(record, *args, **kwargs)
                if len(calls) == number:
                    raise error
                return result

            return work

        for name in WORK:
            patches.enter_context(patch.object(model, name, broken(name)))
        return patches, calls

    def _prepared(self):
        traces = self._leave_traces()
        traces["blocked"].unlink()  # a suppression has the time it was made
        self.env.cr.execute("CREATE TABLE x_bare (note text)")
        self.env.cr.execute("INSERT INTO x_bare VALUES (%s)", [self.NAME])
        return self._advance(self._approved(), "erasing")

    def _undisturbed(self, erasure):
        """What the database looks like when nothing interrupts: (checksums, pieces of work)."""
        patches, calls = self._interrupted(0, None)
        with suppress(Undone), self.env.cr.savepoint():
            with patches:
                self._advance(erasure, "scanning")
            self.assertEqual(erasure.state, "scanning", erasure.error)
            found = self._checksums()
            raise Undone
        self.env.invalidate_all()
        self.assertEqual(erasure.state, "erasing")
        return found, len(calls)

    def _differing(self, one, other):
        return [table for table in one if one[table] != other.get(table)]

    def test_T7_a_kill_behind_any_piece_of_work_changes_nothing_of_the_end(self):
        erasure = self._prepared()
        expected, pieces = self._undisturbed(erasure)
        self.assertGreater(pieces, 20)
        for number in (1, 2, pieces // 3, pieces // 2, pieces - 1, pieces):
            with suppress(Undone), self.env.cr.savepoint():
                patches, calls = self._interrupted(number, Killed())
                # each step is a transaction: what raises in it takes all of it back
                with patches, suppress(Killed):
                    self._advance(erasure, "scanning")
                self.assertEqual(len(calls), number)
                self.env.invalidate_all()
                self.assertEqual(erasure.state, "erasing", f"killed behind {calls[-1]}")
                self._advance(erasure, "scanning")
                self.assertEqual(erasure.state, "scanning", erasure.error)
                self.assertEqual(self._differing(expected, self._checksums()), [], calls[-1])
                raise Undone
            self.env.invalidate_all()

    @mute_logger("odoo.sql_db")
    def test_T7_a_conflict_with_somebody_else_is_done_again(self):
        erasure = self._prepared()
        expected, pieces = self._undisturbed(erasure)
        patches, calls = self._interrupted(pieces // 2, Conflict())
        with patches, self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_erasure").method_direct_trigger()
        self.env.invalidate_all()
        self.assertGreater(len(calls), pieces // 2)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
        self.assertFalse(sum(erasure.place_ids.mapped("failed_count")))
        self.assertTrue(expected)

    def test_T7_doing_it_all_twice_changes_no_byte(self):
        erasure = self._prepared()
        self._advance(erasure, "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        once = self._checksums()
        done = {place.id: place.done_count for place in erasure.place_ids}
        erasure.sudo()._restart_erasing()
        self._advance(erasure, "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        self.assertEqual(self._differing(once, self._checksums()), [])
        self.assertEqual({place.id: place.done_count for place in erasure.place_ids}, done)

    @mute_logger(STEPS)
    def test_T7_one_undeletable_row_in_a_thousand(self):
        mails = self.env["mail.mail"].create(
            [
                {
                    "recipient_ids": [Command.set(self.subject.ids)],
                    "body_html": f"Dear {self.NAME}",
                    "state": "sent",
                }
                for _number in range(1000)
            ]
        )
        self.env.flush_all()
        bad = mails[617]
        self.env.cr.execute(
            SQL(
                """
                CREATE FUNCTION x_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF OLD.id = %s THEN RAISE EXCEPTION 'kept: %%', OLD.body_html; END IF;
                    RETURN OLD;
                END $$;
                CREATE TRIGGER x_refuse BEFORE DELETE ON mail_mail
                    FOR EACH ROW EXECUTE FUNCTION x_refuse()
                """,
                bad.id,
            )
        )
        erasure = self._erased()
        self.assertEqual(mails.exists(), bad)
        self.assertEqual(erasure.state, "failed")
        place = erasure.place_ids.filtered("failed_count")
        self.assertEqual(
            (place.model_name, place.failed_count, place.failed_ids, place.done_count),
            ("mail.mail", 1, bad.ids, 999),
        )
        certificate = erasure.certificate_ids.sorted("number")[-1:]
        for text in (erasure.error, place.error, certificate.content or ""):
            self.assertNotIn("zephyrsson", text.lower())
        # the cause is mended: the one that was left goes, and nothing else is said to fail
        self.env.cr.execute("DROP TRIGGER x_refuse ON mail_mail")
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(bad.exists())
        self.assertFalse(place.failed_ids)

    @mute_logger(STEPS)
    def test_rows_that_others_have_in_hand_are_not_forgotten(self):
        """PostgreSQL passes over rows that another transaction holds: here, one message."""
        message = self._leave_traces()["written"]
        real, held = erase.next_statement, [message.id]

        def next_statement(erasure_id, model, table, ownership, after, condition, *args):
            if model == "mail.message" and held:
                condition = SQL("%s AND t.id <> ALL(%s)", condition, held)
            return real(erasure_id, model, table, ownership, after, condition, *args)

        erasure = self._approved()
        with patch.object(erase, "next_statement", next_statement):
            self._advance(erasure)
            self.assertEqual(erasure.state, "failed")
            place = erasure.place_ids.filtered(
                lambda each: (
                    (each.model_name, each.field_name) == ("mail.message", "email_from")
                    and each.failed_count
                )
            )
            self.assertEqual(place.failed_count, 1)
            self.assertTrue(message.email_from)
            held.clear()
            erasure.action_resume()
            self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(message.email_from)
