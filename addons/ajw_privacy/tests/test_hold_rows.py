from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models import ajw_privacy_run
from .request_common import RequestCommon


class HoldCommon(RequestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "email")

    def _hold(self, **values):
        return self.env["ajw.privacy.hold"].create(
            {"name": "Case 12", "partner_id": self.person.id, "reason": "claim",
             "company_id": self.company.id, **values}
        )  # fmt: skip

    def _line(self, model, name, category):
        """Have the shipped data map know a field."""
        values = {"model_name": model, "field_name": name}
        lines = self.env["ajw.privacy.data.line"]
        lines.search([(key, "=", value) for key, value in values.items()]).unlink()
        lines.create({**values, "category": category, "erase": "clear"})

    def _is_held(self, records, company=None):
        """Whether each of the records is held in a company."""
        self.env.flush_all()
        company = self.company if company is None else company
        held = self.env["ajw.privacy.hold"]._held(records._name, company)
        found = records.with_context(active_test=False).search(held)
        return [record in found for record in records]


@tagged("post_install", "-at_install")
class TestHoldReach(HoldCommon):
    """What a hold finds."""

    def test_A8_links_of_the_message_behind_a_mail_count(self):
        mails = self.env["mail.mail"].create(
            [
                {"author_id": self.person.id, "body_html": "x"},
                {"author_id": self.namesake.id, "partner_ids": [(6, 0, self.person.ids)]},
                {"author_id": self.namesake.id, "body_html": "y"},
            ]
        )
        self._hold()
        self.assertEqual(self._is_held(mails), [True, True, False])

    def test_A8_every_number_and_address_of_the_contact_counts(self):
        self._line("res.partner", "ref", "phone")
        self.person.ref = "+49 170 5550001"
        notes = self._note(40, body="called 491705550001") + self._note(40, body="491705550002")
        if "ajw_whatsapp_number" in self.person._fields:
            self.person.ajw_whatsapp_number = "+49 171 5550003"
            notes += self._note(40, body="4971, then 491715550003")
        self._hold()
        self.assertEqual(self._is_held(notes), [True, False, True][: len(notes)])

    def test_A8_addresses_of_rows_linked_to_the_contact_count(self):
        self.env["ajw.privacy.data.override"].search([("field_name", "=", "email")]).unlink()
        self._line("x.privacy.note", "email", "email")
        self.company.email = "office@example.com"
        self._note(3, partner_id=self.person.id, email="Asha <asha.work@example.com>")
        self._note(3, partner_id=self.person.id, email=self.company.email)
        self._note(3, partner_id=self.person.id, email="both@example.com, two@example.com")
        subject = self.env["ajw.consent.subject"].create(
            {"partner_id": self.person.id, "company_id": self.company.id}
        )
        states = self.env["ajw.consent.state"]
        self.assertIn("address", self.env["ajw.privacy.data.map"]._declared_entries(states._name))
        notes = (
            self._note(40, body="asha.work@example.com wrote")
            + self._note(40, body="office@example.com wrote")
            + self._note(40, body="two@example.com wrote")
        )
        self._hold()
        self.assertTrue(subject)
        self.assertEqual(self._is_held(notes), [True, False, False])

    def test_A8_a_hold_of_the_head_company_protects_its_branches(self):
        branch = self.env["res.company"].create({"name": "Br", "parent_id": self.company.id})
        note = self._note(40, branch, partner_id=self.person.id)
        theirs = self._note(40, self.other_company, partner_id=self.person.id)
        hold = self._hold()
        self.assertEqual(self._is_held(note, branch), [True])
        self.assertEqual(self._is_held(theirs, self.other_company), [False])
        hold.company_id = branch
        self.assertEqual(self._is_held(note, branch), [True])

    def test_A8_an_own_classification_takes_nothing_from_a_hold(self):
        note = self._note(40, email="asha@example.com")
        self._hold()
        self.env["ajw.privacy.data.override"].search(
            [("model_name", "=", note._name), ("field_name", "=", "email")]
        ).erase = "none"
        self.assertEqual(self._is_held(note), [True])

    def test_own_classifications_are_made_by_officers_of_all_companies(self):
        values = {"model_name": "x.privacy.note", "field_name": "subject", "erase": "none",
                  "reason": "a label"}  # fmt: skip
        overrides = self.env["ajw.privacy.data.override"]
        for user in (self.officer, self.other_officer):
            with self.assertRaises(AccessError):
                overrides.with_user(user).create(values)
        override = overrides.with_user(self.lead_officer).create(values)
        override.reason = "a title"
        for user in (self.officer, self.other_officer):
            with self.assertRaises(AccessError):
                override.with_user(user).reason = "mine"
            with self.assertRaises(AccessError):
                override.with_user(user).unlink()
        override.unlink()

    def test_A8_logins_of_the_person_s_user_are_held(self):
        user = self._user("privacy_logs_in", "base.group_portal", self.company.ids)
        user.partner_id.parent_id = self.person
        logs = self.env["res.users.log"].with_user(user).sudo().create({})
        logs += self.env["res.users.log"].with_user(self.internal).sudo().create({})
        self._hold()
        self.assertEqual(self._is_held(logs, self.env["res.company"]), [True, False])

    def test_a_company_with_holds_is_not_deleted(self):
        self.env.cr.execute(
            "SELECT confdeltype FROM pg_constraint "
            "WHERE conname = 'ajw_privacy_hold_company_id_fkey'"
        )
        self.assertEqual(self.env.cr.fetchone()[0], "r")


@tagged("post_install", "-at_install")
class TestHoldPass(HoldCommon):
    """What holds cost while runs go on."""

    def _counted(self, after_step=None):
        """Run the cron over batches of two; how often who is held was worked out."""
        model = self.registry["ajw.privacy.hold"]
        found = model._held
        runs = self.registry["ajw.privacy.run"]
        step = runs._step
        calls = []

        def held(records, model_name, company):
            calls.append(model_name)
            return found(records, model_name, company)

        def step_then(run, *args):
            result = step(run, *args)
            if after_step:
                after_step()
            return result

        with (
            patch.object(model, "_held", held),
            patch.object(runs, "_step", step_then),
            patch.object(ajw_privacy_run, "BATCH_SIZE", 2),
        ):
            self._run_cron()
        return len(calls)

    def test_who_is_held_is_worked_out_once_a_pass(self):
        kept = self._note(40, partner_id=self.person.id)
        self._hold()
        policy = self._policy(self.officer, company_id=self.company.id)
        notes = [self._note(40) for _ in range(9)]
        self.assertEqual(self._counted(), 1)
        self.env.invalidate_all()
        self.assertEqual((any(note.body for note in notes), bool(kept.body)), (False, True))
        self.assertEqual(self._runs(policy).rows_held, 1)

    def test_A8_a_hold_placed_during_a_run_counts(self):
        self._hold(partner_id=self.namesake.id)
        self._policy(self.officer, company_id=self.company.id)
        first = [self._note(40) for _ in range(2)]
        kept = self._note(40, partner_id=self.person.id)
        placed = []

        def place():
            if not placed:
                placed.append(self._hold())

        self.assertEqual(self._counted(place), 2)
        self.env.invalidate_all()
        self.assertEqual(([bool(n.body) for n in first], bool(kept.body)), ([False, False], True))


@tagged("post_install", "-at_install")
class TestGoesAlong(HoldCommon):
    """What a deleted row takes with it."""

    def _delete(self, model, **values):
        return self._policy(model_name=model, action="delete", field_names=False, domain="[]",
                            clock_field="happened_at", **values)  # fmt: skip

    def test_A8_mails_are_not_deleted_because_their_message_goes_too(self):
        with self.assertRefused("mail.message"):
            self._policy(model_name="mail.mail", action="delete", field_names=False, domain="[]",
                         clock_field="create_date")  # fmt: skip

    def test_A8_chatter_and_files_of_a_held_person_keep_their_document(self):
        self._classify("body", model="x.privacy.thread", erase="delete")
        old = fields.Datetime.subtract(self.now, days=40)
        docs = self.env["x.privacy.thread"].create(
            [{"name": f"d{number}", "happened_at": old} for number in range(4)]
        )
        free, written, filed, told = docs
        message = written.message_post(body="hello", author_id=self.person.id)
        self.env["ir.attachment"].create(
            {"name": "a.txt", "res_model": filed._name, "res_id": filed.id,
             "description": "for asha@example.com"}
        )  # fmt: skip
        told.message_post(body="<p>asha@example.com called</p>", author_id=self.namesake.id)
        self._hold(company_id=False)
        policy = self._delete("x.privacy.thread")
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.held_count), (1, 3))
        self._run_cron()
        self.assertEqual(docs.exists(), written + filed + told)
        self.assertTrue(message.exists())
        self.assertFalse(free.exists())
        run = self._runs(policy)
        self.assertEqual((run.rows_done, run.rows_held, run.state), (1, 3, "done"))

    def _deletable(self):
        """The map lets notes and their rows go."""
        data_map = self.registry["ajw.privacy.data.map"]
        original = data_map._entries

        def entries(records, model_name):
            found = original(records, model_name)
            if model_name != "x.privacy.note":
                return found
            return {
                name: (entry._replace(erase="delete"), source)
                for name, (entry, source) in found.items()
            }

        self.patch(data_map, "_entries", entries)

    def test_A8_rows_that_go_by_foreign_key_are_asked_about(self):
        self._deletable()
        free, held = self._note(40), self._note(40)
        lines = self.env["x.privacy.line"].create(
            [{"note_id": held.id, "partner_id": self.person.id}, {"note_id": free.id}]
        )
        self._hold()
        policy = self._delete("x.privacy.note")
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.held_count), (1, 1))
        self._run_cron()
        self.assertEqual((free + held).exists(), held)
        self.assertEqual(lines.exists(), lines[0])

    def test_A8_rows_the_map_keeps_do_not_go_by_foreign_key(self):
        self._deletable()
        self._classify("text", model="x.privacy.line", erase="keep")
        with self.assertRefused("x.privacy.line"):
            self._delete("x.privacy.note")

    def test_A8_what_cannot_be_known_is_refused(self):
        self._deletable()
        self._delete("x.privacy.note")

        def unlink(records):
            return None

        unlink.__module__ = "odoo.addons.somebody.models.note"
        with (
            patch.object(self.registry["x.privacy.note"], "unlink", unlink),
            self.assertRefused("own way of deleting"),
        ):
            self._delete("x.privacy.note")
