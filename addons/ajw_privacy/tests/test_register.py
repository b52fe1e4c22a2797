import os
from contextlib import contextmanager
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method
from odoo.tests import tagged

from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE, generate_keys

from ..engine import register
from .erasure_common import ErasureCommon


class _Killed(BaseException):
    """As when the process dies."""


@tagged("post_install", "-at_install")
class TestRegister(ErasureCommon):
    """T8: who was erased is erased again after a backup was restored, and nobody else is."""

    def _export(self):
        self.env.flush_all()
        return self.env["ajw.privacy.register"].sudo()._export_command()[1]

    @contextmanager
    def _restored(self):
        """What happens inside is undone, as when a backup of before is restored.

        Yields a list; what is put into it survives.
        """
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT backup")
        kept = []
        yield kept
        self.env.cr.execute("ROLLBACK TO SAVEPOINT backup")
        self.env.invalidate_all(flush=False)
        self.registry.clear_cache()

    def _erased_and_restored(self, partner=None):
        """Erase, take the register, restore; returns the register and facts of the erasure."""
        with self._restored() as kept:
            erasure = self._erased(partner)
            self.assertIn(erasure.state, ("done", "kept"), erasure.error)
            kept += [
                self._export(), erasure.name, erasure.subject_ref,
                erasure.certificate_ids.hash, erasure.approved_at,
            ]  # fmt: skip
        return kept

    def _replay(self, data, **options):
        return self.env["ajw.privacy.replay"].sudo()._replay(data, **options)

    def _codes(self, outcomes):
        return [each.code for each in outcomes]

    # -- the register ----------------------------------------------------------------------------

    def test_T8_each_erasure_enters_itself_and_names_nobody(self):
        self._leave_traces()
        erasure = self._erased()
        entry = self.env["ajw.privacy.register"].search([("erasure_id", "=", erasure.id)])
        self.assertEqual(entry.reference, erasure.name)
        self.assertEqual(entry.subject_ref, erasure.subject_ref)
        self.assertEqual(entry.certificate_hash, erasure.certificate_ids.hash)
        self.assertEqual((entry.requested_by, entry.approved_by), (self.officer.id, self.second.id))
        kinds = {kind for kind, _digest in entry.digests}
        self.assertLessEqual({"row", "email", "phone", "bank", "login"}, kinds)
        self.assertLessEqual(kinds, register.SURE | register.TELLING)
        data = self._export().decode().lower()
        for token in (*self.TOKENS, "quirina", "370400440532"):
            self.assertNotIn(token.replace("[.-]", "."), data)

    def test_what_was_not_erased_is_not_in_it(self):
        before = self.env["ajw.privacy.register"].search_count([])
        self._approved()
        self._planned(self.colleague).action_cancel()
        self.assertEqual(self.env["ajw.privacy.register"].search_count([]), before)

    def test_register_is_only_added_to_by_erasures(self):
        self._erased()
        entry = self.env["ajw.privacy.register"].search([], limit=1)
        values = {
            "reference": "ER/FORGED", "company_id": self.company.id, "subject_ref": "F",
            "scope": "person", "done_at": "2026-01-01", "digests": [],
        }  # fmt: skip
        for user in (self.officer, self.lead_officer, self.admin, self.internal):
            mine = entry.with_user(user)
            for forge in (
                lambda mine=mine: mine.create(dict(values)),
                lambda mine=mine: mine.with_context(ajw_register=True).create(dict(values)),
                lambda mine=mine: mine.write({"digests": []}),
                mine.unlink,
            ):
                with self.assertRaises(UserError):  # or an AccessError, which is one
                    forge()
        for forge in (
            lambda: entry.sudo().create(dict(values)),
            lambda: entry.sudo().write({"digests": []}),
            entry.sudo().unlink,
        ):
            with self.assertRaisesRegex(UserError, "only added to"):
                forge()

    def test_officers_export_what_is_of_their_companies(self):
        self._erased()
        action = self.env["ajw.privacy.register"].with_user(self.officer).action_export()
        file = self.env["ir.attachment"].browse(int(action["url"].split("/")[3].split("?")[0]))
        _head, entries = register.read_file(file.raw, self.env["ajw.privacy.register"]._keyring())
        self.assertEqual({entry["controller"] for entry in entries}, {self.company.id})
        with self.assertRaises(AccessError):
            self.env["ajw.privacy.register"].with_user(self.internal).action_export()
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            file.with_user(self.internal).read(["raw"])

    def test_T8_officers_get_the_register_by_mail_once(self):
        self.officer.email = "officer@example.com"
        self._erased()
        mails = self.env["mail.mail"]
        known = mails.search([])
        registers = self.env["ajw.privacy.register"]
        self.assertTrue(registers._mail_new(self.company))
        mail = mails.search([]) - known
        self.assertIn("officer@example.com", mail.email_to)
        self.assertNotIn("Quirina", mail.body_html)
        _head, entries = register.read_file(mail.attachment_ids.raw, registers._keyring())
        self.assertEqual([entry["controller"] for entry in entries], self.company.ids)
        self.assertFalse(registers._mail_new(self.company))
        self.assertFalse(registers._mail_new(self.other_company))

    # -- after a restore -------------------------------------------------------------------------

    def test_T8_restored_person_is_erased_again(self):
        traces = self._leave_traces()
        others = self.namesake | self.person | self.colleague
        data, name, subject, certificate, approved_at = self._erased_and_restored()
        self.assertEqual(self.subject.name, self.NAME)
        untouched = self._rows_of(others)
        said = []
        [outcome] = self._replay(data, say=said.append)
        self.assertEqual((outcome.code, outcome.contact), ("erased", self.subject.id))
        self.assertIn(name, said[0])
        self.assertNotIn("Quirina", said[0])
        again = self.env["ajw.privacy.erasure"].search([("replay_of", "=", subject)])
        self.assertEqual(again.state, "done", again.error)
        self.assertEqual(again.replay_certificate, certificate)
        self.assertEqual(again.approved_by_id, self.second)
        notes = " ".join(again.message_ids.mapped("body"))
        self.assertIn(fields.Datetime.to_string(approved_at), notes)
        self.assertEqual(again.certificate_ids.verdict, "clean")
        self.assertTrue(again.certificate_ids.is_genuine)
        self.assertIn("needs no second approval", notes)
        self.assertNotIn("Zephyrsson", self.subject.name)
        self.assertFalse(self.subject.email)
        self.assertEqual(self._rows_of(others), untouched)
        self.assertTrue(traces["foreign"].exists())
        # once more: nothing
        before = self._checksums()
        self.assertEqual(self._codes(self._replay(data)), ["known"])
        self.assertEqual(self._checksums(), before)
        self.assertEqual(
            self.env["ajw.privacy.erasure"].search_count([("replay_of", "=", subject)]), 1
        )

    def test_on_the_live_system_it_does_nothing(self):
        self._erased()
        before = self._checksums()
        self.assertEqual(set(self._codes(self._replay(self._export()))), {"known"})
        self.assertEqual(self._checksums(), before)

    def test_looking_changes_nothing(self):
        data = self._erased_and_restored()[0]
        before = self._checksums()
        self.assertEqual(self._codes(self._replay(data, check=True)), ["found"])
        self.assertEqual(self._checksums(), before)
        self.assertFalse(self.env["ajw.privacy.erasure"].search([("replay_of", "!=", False)]))

    def test_killed_half_way_it_goes_on(self):
        self._leave_traces()
        data, _name, subject, *_rest = self._erased_and_restored()
        for after in (1, 3):
            steps = iter(range(after))

            def commit(steps=steps):
                if next(steps, None) is None:
                    raise _Killed

            with self.assertRaises(_Killed):
                self._replay(data, commit=commit)
        self.assertEqual(self._codes(self._replay(data)), ["erased"])
        again = self.env["ajw.privacy.erasure"].search([("replay_of", "=", subject)])
        self.assertEqual(again.mapped("state"), ["done"])
        self.assertNotIn("Zephyrsson", self.subject.name)

    def test_a_plan_of_before_the_backup_gives_way(self):
        old = self._planned()
        self.env.flush_all()
        with self._restored() as kept:
            self._give_reasons(old)
            old.with_user(self.second).action_approve()
            self._advance(old)
            kept.append(self._export())
        self.assertEqual(old.state, "planned")
        self.assertEqual(self._codes(self._replay(kept[0])), ["erased"])
        self.assertEqual(old.state, "cancelled")

    # -- who is not erased -----------------------------------------------------------------------

    def test_one_shared_number_is_not_enough(self):
        data = self._erased_and_restored()[0]
        family = self._person("Somebody Else", False, self.PHONE)
        row = self._rows_of(family)
        codes = {each.contact: each.code for each in self._replay(data)}
        self.assertEqual(codes, {self.subject.id: "erased", family.id: "doubtful"})
        self.assertEqual(self._rows_of(family), row)

    def test_two_things_find_the_person_under_another_row(self):
        data = self._erased_and_restored()[0]
        twin = self._person("Q. Z.", self.EMAIL, self.PHONE)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2020-01-01' WHERE id = %s", [twin.id]
        )
        self.env.invalidate_all()
        self.assertEqual(self._codes(self._replay(data)), ["erased", "erased"])
        self.assertFalse(twin.email)

    def test_who_came_back_is_not_erased(self):
        self._erased()
        data = self._export()
        back = self._person(self.NAME, self.EMAIL, self.PHONE)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = now() + interval '1 day' WHERE id = %s",
            [back.id],
        )
        self.env.invalidate_all()
        row = self._rows_of(back)
        codes = {each.contact: each.code for each in self._replay(data)}
        self.assertEqual(codes[back.id], "doubtful")
        self.assertEqual(self._rows_of(back), row)

    def test_what_stands_against_it_is_said(self):
        data = self._erased_and_restored()[0]
        hold = self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Case 5", "partner_id": self.subject.id, "reason": "A claim."}
        )  # fmt: skip
        [outcome] = self._replay(data)
        self.assertEqual(outcome.code, "refused")
        self.assertIn("Case 5", outcome.text)
        self.assertEqual(self.subject.name, self.NAME)
        self.assertFalse(self.env["ajw.privacy.erasure"].search([("replay_of", "!=", False)]))
        hold.active = False
        self.assertEqual(self._codes(self._replay(data)), ["erased"])

    # -- bad files -------------------------------------------------------------------------------

    def _refused(self, data, message, **options):
        before = self._checksums()
        with self.assertRaisesRegex(UserError, message):
            self._replay(data, **options)
        self.assertEqual(self._checksums(), before)
        self.assertEqual(self.subject.name, self.NAME)

    def test_wrong_keys_do_nothing(self):
        data = self._erased_and_restored()[0]
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: generate_keys()}):
            self._refused(data, "not the ones this database was used with")
            # a database that has used no keys yet
            self.env["ir.config_parameter"].search(
                [("key", "=", "ajw_consent.keyring_check")]
            ).unlink()
            with self.assertRaisesRegex(UserError, "made with other keys.*Nothing was done"):
                self._replay(data)
        self.assertEqual(self.subject.name, self.NAME)

    def test_changed_or_other_files_do_nothing(self):
        data = self._erased_and_restored()[0]
        self._refused(data.replace(b'"person"', b'"Person"'), "changed or cut off")
        self._refused(data[: len(data) // 2], "changed or cut off|no register")
        self._refused(b"name;email\n", "no register of erasures")

    def test_register_of_another_database_needs_a_word(self):
        data = self._erased_and_restored()[0]
        self.env["ir.config_parameter"].set_param(
            "database.uuid", "11111111-2222-3333-4444-555555555555"
        )
        self._refused(data, "of another database")
        self.assertEqual(self._codes(self._replay(data, copied=True)), ["erased"])

    def test_nobody_replays_over_rpc(self):
        for user in (self.officer, self.admin):
            for method in ("_replay", "_find", "_read"):
                with self.assertRaises(AccessError):
                    get_public_method(self.env["ajw.privacy.replay"].with_user(user), method)
