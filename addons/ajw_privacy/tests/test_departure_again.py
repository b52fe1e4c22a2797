from odoo.exceptions import UserError
from odoo.tests import tagged

from ..engine import register
from .departure_common import TOKEN, DepartureCommon


class _Killed(BaseException):
    """As when the process dies."""


class _Restored(Exception):
    """Everything since the savepoint never happened."""


@tagged("post_install", "-at_install")
class TestDepartureAgain(DepartureCommon):
    """T8: a company that left is removed again after a backup was restored, and no other is."""

    def _export(self):
        self.env.flush_all()
        return self.env["ajw.privacy.register"].sudo()._export_command()[1]

    def _left_and_restored(self, departure=None):
        """Remove the company, take the register, restore; returns the register's file.

        :param departure: begun before the backup
        """
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                if departure:
                    departure._begin_removal()
                    self._advance(departure)
                else:
                    departure = self._removed()
                self.assertEqual(departure.state, "done", departure.error)
                data = self._export()
                raise _Restored
        except _Restored:
            self.env.invalidate_all(flush=False)
            self.registry.clear_cache()
        return data

    def _replay(self, data, **options):
        return self.env["ajw.privacy.replay"].sudo()._replay(data, **options)

    def _codes(self, outcomes):
        return [each.code for each in outcomes]

    def test_T8_a_company_that_left_enters_the_register_and_names_nobody(self):
        departure = self._removed()
        entry = self.env["ajw.privacy.register"].search([("departure_id", "=", departure.id)])
        self.assertEqual((entry.scope, entry.reference), ("tenant", departure.name))
        self.assertEqual(entry.company_id, departure.operator_id)
        self.assertEqual(entry.certificate_hash, departure.certificate_ids.hash)
        self.assertEqual((entry.requested_by, entry.approved_by), (self.officer.id, self.second.id))
        self.assertEqual({kind for kind, _digest in entry.digests}, {"company"})
        self.assertNotIn(TOKEN.lower(), self._export().decode().lower())
        # who keeps the record has it in their exports and mails
        self.assertTrue(entry.with_user(self.keeper).has_access("read"))
        self.assertEqual(self._codes(self._replay(self._export())), ["known"])

    def test_T8_what_did_not_leave_is_not_in_it(self):
        self._approved().action_recall()
        entries = self.env["ajw.privacy.register"].search([("scope", "=", "tenant")])
        self.assertFalse(entries)

    def test_T8_a_restored_company_is_removed_again(self):
        data = self._left_and_restored()
        self.assertTrue(self.mine["customer"].exists())
        before = self._rows_of(self.staying)
        self.assertEqual(self._codes(self._replay(data, check=True)), ["found"])
        self.assertTrue(self.mine["customer"].exists())
        with self.assertRaisesRegex(UserError, "changed or cut off"):
            self._replay(data.replace(b'"tenant"', b'"Tenant"'))
        [outcome] = self._replay(data)
        self.assertEqual(outcome.code, "erased", outcome.text)
        self.assertNotIn("Leaving", outcome.text)
        self.env.invalidate_all()
        self.assertFalse(self.mine["customer"].exists())
        self.assertEqual(self._where(TOKEN), [])
        self.assertEqual(self._rows_of(self.staying), before)
        departure = self.env["ajw.privacy.departure"].search(
            [("company_id", "=", self.leaving.id)]
        )  # fmt: skip
        self.assertEqual(departure.approved_by_id, self.second)
        self.assertTrue(departure.certificate_ids.is_genuine)
        _head, [entry] = register.read_file(data, self.env["ajw.privacy.register"]._keyring())
        self.assertEqual(departure.subject_ref, entry["subject"])
        # once more: nothing
        self.assertEqual(self._codes(self._replay(data)), ["known"])
        self.assertEqual(len(departure.certificate_ids), 1)

    def test_T8_killed_half_way_it_goes_on(self):
        data = self._left_and_restored()
        for after in (1, 3):
            steps = iter(range(after))

            def commit(steps=steps):
                if next(steps, None) is None:
                    raise _Killed

            with self.assertRaises(_Killed):
                self._replay(data, commit=commit)
        self.assertEqual(self._codes(self._replay(data)), ["erased"])
        self.assertEqual(self._where(TOKEN), [])

    def test_T8_a_departure_of_before_the_backup_is_gone_on_with(self):
        departure = self._approved(**self._over()).with_user(self.keeper).sudo()
        data = self._left_and_restored(departure)
        self.assertEqual(departure.state, "waiting")
        self.assertEqual(self._codes(self._replay(data)), ["erased"])
        self.assertEqual(departure.state, "done")

    def test_T8_what_stands_against_it_is_said_and_nothing_goes(self):
        data = self._left_and_restored()
        self.env["ajw.privacy.hold"].create(
            {"name": "Case 7", "company_id": self.leaving.id, "reason": "A claim.",
             "partner_id": self.mine["customer"].id}
        )  # fmt: skip
        [outcome] = self._replay(data)
        self.assertEqual(outcome.code, "refused")
        self.assertIn("Case 7", outcome.text)
        self.assertTrue(self.mine["customer"].exists())
        self.assertFalse(
            self.env["ajw.privacy.departure"].search([("company_id", "=", self.leaving.id)])
        )

    def test_T8_a_company_of_another_row_is_left_alone(self):
        data = self._left_and_restored()
        self.env.cr.execute(
            "UPDATE res_company SET create_date = create_date + interval '1 second' WHERE id = %s",
            [self.leaving.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self._replay(data), [])
        self.assertTrue(self.mine["customer"].exists())
