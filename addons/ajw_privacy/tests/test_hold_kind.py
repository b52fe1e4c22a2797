import itertools
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .erasure_common import ErasureCommon
from .request_common import RequestCommon

NOTE = "x.privacy.note"
RUNNING_LOG = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"


def place(test, user=None, **values):
    return test.env["ajw.privacy.hold"].with_user(user or test.officer).create(
        {"name": "Case 21", "reason": "A claim.", "company_id": test.company.id, **values}
    )  # fmt: skip


@tagged("post_install", "-at_install")
class TestHoldKind(RequestCommon):
    """A8: a hold on a document, or on what matches a filter, wins over every policy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "email")

    def _left(self, *notes):
        self.env.invalidate_all()
        return [bool(note.body) for note in notes]

    def test_A8_a_hold_on_a_document_keeps_it_and_no_other(self):
        held, free = self._note(40), self._note(40)
        place(self, kind="record", model_name=NOTE, res_id=held.id)
        policy = self._policy(self.officer, company_id=self.company.id)
        self.assertEqual(policy.hold_count, 1)
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.held_count), (1, 1))
        self._run_cron()
        self.assertEqual(self._left(held, free), [True, False])
        run = self._runs(policy)
        self.assertEqual((run.rows_done, run.rows_held, run.rows_back), (1, 1, 1))

    def test_A8_a_filter_is_read_anew_at_every_run(self):
        first, second = self._note(40, subject="Case"), self._note(40)
        hold = place(self, kind="filter", model_name=NOTE, domain="[('subject', '=', 'Case')]")
        policy = self._policy(self.officer, company_id=self.company.id)
        self._run_cron()
        self.assertEqual(self._left(first, second), [True, False])
        second.write({"body": "again", "subject": "Case"})
        first.subject = "Settled"
        policy.next_run = fields.Date.today()
        self._run_cron()
        self.assertEqual(self._left(first, second), [False, True])
        hold.active = False
        self.assertEqual(hold.lifted_on, fields.Date.today())
        policy.next_run = fields.Date.today()
        self._run_cron()
        self.assertEqual(self._left(second), [False])
        hold.active = True
        self.assertFalse(hold.lifted_on)

    def test_A8_what_holds_keep_adds_up(self):
        """Whatever holds are in force together: kept is what one of them keeps, nothing else."""
        notes = [
            self._note(40, subject=subject, partner_id=partner)
            for subject, partner in itertools.product(
                ("Case", "Other"), (self.person.id, self.namesake.id)
            )
        ]
        kinds = {
            "person": (
                {"partner_id": self.person.id}, [True, False, True, False],
            ),
            "record": (
                {"kind": "record", "model_name": NOTE, "res_id": notes[3].id},
                [False, False, False, True],
            ),
            "filter": (
                {"kind": "filter", "model_name": NOTE, "domain": "[('subject', '=', 'Case')]"},
                [True, True, False, False],
            ),
            "elsewhere": (
                {"kind": "filter", "model_name": "crm.team" if "crm.team" in self.env else
                 "res.partner.category"},
                [False] * 4,
            ),
        }  # fmt: skip
        holds = {name: place(self, **values) for name, (values, _kept) in kinds.items()}
        for on in itertools.product((True, False), repeat=len(kinds)):
            chosen = {name for name, is_on in zip(kinds, on, strict=True) if is_on}
            for name, hold in holds.items():
                hold.active = name in chosen
            held = self.note.search(self.env["ajw.privacy.hold"]._held(NOTE, self.company))
            expected = [any(kinds[name][1][at] for name in chosen) for at in range(4)]
            with self.subTest(chosen):
                self.assertEqual([note in held for note in notes], expected)

    def test_A8_what_hangs_on_it_and_its_parts_are_held(self):
        held, free = self._note(40), self._note(40)
        place(self, kind="record", model_name=NOTE, res_id=held.id)
        models = {
            "x.privacy.line": [{"note_id": note.id} for note in held + free],
            "ir.attachment": [
                {"name": "f", "res_model": NOTE, "res_id": note.id} for note in held + free
            ],
            "mail.message": [{"model": NOTE, "res_id": note.id} for note in held + free],
        }
        for name, values in models.items():
            rows = self.env[name].create(values)
            domain = self.env["ajw.privacy.hold"]._held(name, self.company)
            with self.subTest(name):
                self.assertEqual(rows.filtered_domain([("id", "in", rows.search(domain).ids)]),
                                 rows[0])  # fmt: skip
        on_message = self.env["ir.attachment"].create(
            [
                {"name": "m", "res_model": "mail.message", "res_id": message.id}
                for message in self.env["mail.message"].search([("model", "=", NOTE)], order="id")
            ]
        )
        domain = self.env["ajw.privacy.hold"]._held("ir.attachment", self.company)
        self.assertEqual(on_message & on_message.search(domain), on_message[0])

    def test_A8_a_broken_filter_holds_everything_and_says_so(self):
        notes = self._note(40, subject="Case"), self._note(40)
        hold = place(self, kind="filter", model_name=NOTE, domain="[('subject', '=', 'Case')]")
        policy = self._policy(self.officer, company_id=self.company.id)
        self.assertFalse(hold.problem)
        self.env.flush_all()
        # SQL: as after the app dropped a field
        self.env.cr.execute("UPDATE ajw_privacy_hold SET domain = %s", ["[('no_longer', '=', 1)]"])
        self.env.invalidate_all()
        self.assertIn("“no_longer”, which", hold.problem)
        self.assertRegex(policy.conflicts, "Case 21. Place a new hold")
        self._run_cron()
        self.assertEqual(self._left(*notes), [True, True])
        self.assertEqual(self._runs(policy).rows_held, 2)

    def test_A8_an_app_that_is_gone_leaves_what_hung_on_its_rows_held(self):
        hung = self.env["mail.message"].create({"model": NOTE, "res_id": self._note(40).id})
        hold = place(self, kind="filter", model_name=NOTE)
        self.env.flush_all()
        # SQL: as after its app was uninstalled
        self.env.cr.execute("UPDATE ajw_privacy_hold SET model_name = 'x.gone'")
        self.env.cr.execute("UPDATE mail_message SET model = 'x.gone' WHERE id = %s", [hung.id])
        self.env.invalidate_all()
        self.assertIn("There is no model “x.gone”", hold.problem)
        self.assertEqual(hold.target, "x.gone by a filter")
        domain = self.env["ajw.privacy.hold"]._held("mail.message", self.company)
        self.assertEqual(hung.search(domain), hung)
        domain = self.env["ajw.privacy.hold"]._held(NOTE, self.company)
        self.assertFalse(self._note(40) & self.note.search(domain))

    def test_W2_a_filter_of_one_company_keeps_nothing_of_another(self):
        mine, theirs = self._note(40), self._note(40, self.other_company)
        place(self, kind="filter", model_name=NOTE)
        self._policy()
        self._run_cron()
        self.assertEqual(self._left(mine, theirs), [True, False])

    def test_what_cannot_be_held_is_refused_with_what_to_do(self):
        theirs = self._note(40, self.other_company)
        row = {"kind": "record", "model_name": NOTE}
        rows = {"kind": "filter", "model_name": NOTE}
        for values, message in (
            ({**rows, "domain": "[('nobody', '=', 1)]"}, "Check the spelling"),
            ({**rows, "domain": "no list"}, "cannot be read"),
            ({**rows, "domain": "[('id', '=', 'x')]"}, "The filter"),
            ({**rows, "domain": "[('secret', '=', 'x')]"}, "not for you to read"),
            ({**rows, "domain": "[('settings_only', '=', 'x')]"}, "not for you to read"),
            ({**rows, "domain": "[('seller_id.login', '=', 'x')]"}, "cannot look into"),
            ({"kind": "filter", "model_name": "no.model"}, "no model “no.model”"),
            ({**row, "model_name": "no.model", "res_id": 1}, "no model “no.model”"),
            ({**row, "res_id": 2**30}, "Look the number up"),
            ({**row, "res_id": theirs.id}, "in this company"),
            ({**row, "model_name": "ir.rule", "res_id": 1}, "nothing to hold"),
            ({**row, "model_name": "ajw.privacy.dry.run", "res_id": 1}, "nothing to hold"),
            ({**row, "model_name": "res.partner", "res_id": self.person.id}, "choose the kind"),
            ({**rows, "partner_id": self.person.id}, "keeps one thing"),
            ({"partner_id": self.person.id, "model_name": NOTE}, "names no model"),
        ):
            with self.subTest(values), mute_logger("odoo.sql_db"), self.assertRefused(message):
                place(self, **values)
        with mute_logger("odoo.sql_db"), self.assertRaises(ValidationError):
            place(self, **row)

    def test_it_is_placed_by_officers_and_stays_what_it_is(self):
        note = self._note(40)
        form = Form(self.env["ajw.privacy.hold"].with_user(self.officer))
        form.name, form.reason, form.kind = "Case 22", "A claim.", "record"
        form.model_name, form.res_id = NOTE, note.id
        hold = form.save()
        self.assertEqual((hold.state, hold.company_id), ("force", self.company))
        self.assertFalse(hold.partner_id)
        # whoever may not open the document sees its number alone
        self.assertEqual(hold.target, f"Note of an unknown app {note.id}")
        for values in ({"res_id": self._note(40).id}, {"kind": "filter"}, {"model_name": "x"},
                       {"domain": "[]"}, {"lifted_on": "2020-01-01"}):  # fmt: skip
            with self.subTest(values), self.assertRaises(UserError):
                hold.write(values)
        for user in (self.internal, self.admin):
            with self.assertRaises(AccessError):
                place(self, user, kind="record", model_name=NOTE, res_id=note.id)
        with self.assertRaises(AccessError):
            place(self, self.other_officer, kind="record", model_name=NOTE, res_id=note.id)
        with self.assertRaises(AccessError):
            place(self, kind="record", model_name=NOTE, res_id=note.id, company_id=False)
        with self.assertRaises(UserError):
            hold.unlink()


@tagged("post_install", "-at_install")
class TestHoldDelete(RequestCommon):
    """A8: what a deletion would take along is held with it."""

    def test_A8_a_held_line_keeps_the_note_it_hangs_on(self):
        notes = self._note(40) + self._note(40)
        lines = self.env["x.privacy.line"].create([{"note_id": note.id} for note in notes])
        place(self, kind="record", model_name="x.privacy.line", res_id=lines[0].id)
        allowed = patch.object(
            self.registry["ajw.privacy.policy"], "_action_problems", lambda self, model: []
        )
        with allowed:
            policy = self._policy(
                self.officer, company_id=self.company.id, action="delete", field_names=False
            )
            self._run_cron()
        self.assertEqual(notes.exists(), notes[0])
        self.assertEqual(lines.exists(), lines[0])
        self.assertEqual(self._runs(policy).rows_done, 1)


@tagged("post_install", "-at_install")
class TestHoldErasure(ErasureCommon):
    """A8: nobody is erased while a hold keeps rows the plan found, and the plan says which."""

    def _message(self):
        return self.colleague.message_post(
            body=f"{self.NAME} was here.", message_type="comment",
            author_id=self.internal.partner_id.id,
        )  # fmt: skip

    def test_A8_a_held_row_stops_the_erasure_until_the_hold_ends(self):
        message = self._message()
        hold = place(self, kind="record", model_name="mail.message", res_id=message.id)
        before = self._rows_of(message, self.subject)
        erasure = self._planned()
        finding = erasure.finding_ids.filtered(lambda finding: finding.code == f"hold:{hold.id}")
        self.assertEqual(finding.level, "refuse")
        self.assertRegex(finding.text, "“Case 21” is in force.*Message.*End it first, or wait")
        self.assertEqual(finding.action_open_records()["domain"], [("id", "in", hold.ids)])
        kept = erasure.place_ids.filtered(
            lambda place: place.model_name == "mail.message" and place.action == "keep"
        )
        self.assertEqual((kept.row_count, kept.reason), (1, "Legal hold: Case 21"))
        self._give_reasons(erasure)
        with self.assertRaisesRegex(UserError, "Case 21"):
            erasure.with_user(self.second).action_approve()
        self.assertEqual(self._rows_of(message, self.subject), before)
        hold.active = False
        erasure.with_user(self.second).action_approve()
        with mute_logger(RUNNING_LOG):
            self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])

    def test_A8_a_hold_placed_while_erasing_stops_it(self):
        message = self._message()
        erasure = self._approved()
        self._advance(erasure, "erasing")
        hold = place(
            self, kind="filter", model_name="mail.message", domain=f"[('id', '=', {message.id})]"
        )
        before = self._rows_of(message)
        with mute_logger(RUNNING_LOG):
            self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("Case 21", erasure.error)
        self.assertEqual(self._rows_of(message), before)
        with self.assertRaisesRegex(UserError, "Case 21"):
            erasure.action_resume()
        hold.active = False
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])

    def test_A8_a_hold_on_contacts_by_a_filter_refuses_the_plan_at_once(self):
        place(self, kind="filter", model_name="res.partner",
              domain=f"[('email', '=', '{self.EMAIL}')]")  # fmt: skip
        with self.assertRaisesRegex(UserError, "“Case 21” is in force.*Contact"):
            self._erasure().action_plan()

    def test_A8_a_hold_on_other_rows_stops_nobody(self):
        other = self.colleague.message_post(body="Of nobody.", message_type="comment")
        place(self, kind="record", model_name="mail.message", res_id=other.id)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
