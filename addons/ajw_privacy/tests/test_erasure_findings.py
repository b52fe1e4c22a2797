from unittest.mock import patch

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.orm.model_classes import add_to_registry
from odoo.tests import tagged
from odoo.tools import mute_logger

from .erasure_common import ErasureCommon

RUNNING_LOG = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"


@tagged("post_install", "-at_install")
class TestErasureFindings(ErasureCommon):
    """What stands against an erasure: said before the approval, and asked again when it begins."""

    def _refused(self, message, partner=None, **values):
        erasure = self._erasure(partner, **values)
        with self.assertRaisesRegex(UserError, message):
            erasure.action_plan()
        self.assertEqual(erasure.state, "draft")

    def _codes(self, erasure):
        return {finding.code: finding.level for finding in erasure.finding_ids}

    def _open_notes(self):
        """An app that says which of its documents are open."""
        return patch.object(
            self.registry["x.privacy.note"],
            "_ajw_open_documents",
            (("partner_id",), (("state", "=", "open"),), "name"),
            create=True,
        )

    def _hold(self):
        return self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Case 9", "partner_id": self.subject.id, "reason": "A claim."}
        )  # fmt: skip

    # -- who is not erased -----------------------------------------------------------------------

    def test_bad_input_contacts_of_odoo_itself(self):
        for name in ("base.user_root", "base.public_user", "base.template_portal_user_id"):
            self._refused("contact of Odoo itself", self.env.ref(name).partner_id)

    def test_bad_input_last_administrator(self):
        system = self.env.ref("base.group_system")
        others = self.env["res.users"].search(
            [("all_group_ids", "in", system.ids), ("id", "!=", self.admin.id)]
        )
        self._refused("Deactivate the user first", self.admin.partner_id)
        # SQL: everybody else loses the right, whichever group gave it
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_users SET active = FALSE WHERE id = ANY(%s)", [others.ids])
        self.env.invalidate_all()
        self._refused("last administrator", self.admin.partner_id)

    def test_bad_input_employee(self):
        """An employee is refused while employed, and needs a reason afterwards."""
        if "hr.employee" not in self.env:
            self._add_employees()
        employee = self.env["hr.employee"].create({"name": "E", "work_contact_id": self.subject.id})
        self._refused("employed here")
        employee.active = False
        erasure = self._erasure()
        erasure.action_check()
        self.assertEqual(self._codes(erasure), {"former_employee": "confirm"})

    def _add_employees(self):
        """What we ask of the app Employees, where it is not installed."""

        class HrEmployee(models.Model):
            _name = "hr.employee"
            _description = "Employee"
            _module = "ajw_privacy"

            name = fields.Char()
            active = fields.Boolean(default=True)
            work_contact_id = fields.Many2one("res.partner")
            user_id = fields.Many2one("res.users")

        add_to_registry(self.registry, HrEmployee)
        self.registry._setup_models__(self.env.cr, ["hr.employee"])
        self.registry.init_models(self.env.cr, ["hr.employee"], {"module": "ajw_privacy"})

        def remove():
            self.env.invalidate_all()  # with what is written yet
            self.registry.__delitem__("hr.employee")
            self.registry._setup_models__(self.env.cr)

        self.addCleanup(remove)

    def test_bad_input_request_taken_back(self):
        request = self._verified(
            kind="deletion", partner_id=self.subject.id, requester_email=self.EMAIL
        )
        request._do_withdraw("Wants to stay.")
        self._refused("took it back", request_id=request.id)

    # -- who is, after a word about it -----------------------------------------------------------

    def test_portal_user_is_told_of_and_erased(self):
        self.env["res.users"].with_context(no_reset_password=True).create(
            {
                "login": self.EMAIL,
                "partner_id": self.subject.id,
                "company_id": self.company.id,
                "company_ids": [Command.set(self.company.ids)],
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        erasure = self._planned()
        self.assertEqual(self._codes(erasure), {"portal": "note"})
        erasure.with_user(self.second).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)

    def test_archived_parent_stays(self):
        parent = self._person("Gone Ltd.", False, False, is_company=True, active=False)
        self.subject.parent_id = parent
        erasure = self._planned()
        self.assertEqual(self._codes(erasure), {"parent": "note"})
        self.assertIn("archived", erasure.finding_ids.text)
        row = self._rows_of(parent)
        self._give_reasons(erasure)
        erasure.with_user(self.second).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._rows_of(parent), row)

    def test_duplicates_are_listed_and_need_a_word(self):
        twin = self._person("Q. Zephyrsson", self.EMAIL, False)
        self._person("Family", False, self.PHONE)
        erasure = self._planned()
        self.assertEqual(
            self._codes(erasure), {"duplicate_email": "confirm", "duplicate_phone": "note"}
        )
        finding = erasure.finding_ids.filtered(lambda one: one.level == "confirm")
        self.assertEqual(finding.res_ids, twin.ids)
        self.assertIn("merge the two first", finding.text)
        self.assertNotIn("Zephyrsson", finding.text)
        action = finding.with_user(self.officer).action_open_records()
        self.assertEqual(self.env["res.partner"].search(action["domain"]), twin)
        with self.assertRaisesRegex(UserError, "same email address"):
            erasure.with_user(self.second).action_approve()
        self.assertEqual(erasure.state, "planned")
        finding.with_user(self.officer).reason = "Her brother uses her mailbox."
        self.assertEqual(finding.confirmed_by_id, self.officer)
        erasure.with_user(self.second).action_approve()
        self.assertEqual(erasure.state, "approved")

    def test_bad_input_open_document(self):
        with self._open_notes():
            note = self._note(1, partner_id=self.subject.id, state="open", name="N 17")
            erasure = self._planned()
            self.assertEqual(self._codes(erasure), {"open:x.privacy.note": "confirm"})
            self.assertIn("N 17", erasure.finding_ids.text)
            with self.assertRaisesRegex(UserError, "N 17"):
                erasure.with_user(self.second).action_approve()
            note.state = "done"
            erasure.with_user(self.second).action_approve()
            self.assertEqual(erasure.state, "approved")
            self.assertFalse(erasure.finding_ids)

    def test_bad_input_open_order(self):
        if "sale.order" not in self.env:
            return  # its own app's; the open document above is the same check
        order = self.env["sale.order"].create(
            {"partner_id": self.subject.id, "company_id": self.company.id}
        )
        erasure = self._planned()
        self.assertEqual(self._codes(erasure), {"open:sale.order": "confirm"})
        self.assertIn(order.name, erasure.finding_ids.text)
        order.action_cancel()
        erasure.action_check()
        self.assertFalse(erasure.finding_ids)

    def test_bad_input_unpaid_invoice(self):
        if "account.move" not in self.env:
            return  # as above
        journal = self.env["account.journal"].create(
            {"name": "Sales", "code": "SLS", "type": "sale", "company_id": self.company.id}
        )
        self.env["account.move"].with_company(self.company).create(
            {
                "move_type": "out_invoice",
                "partner_id": self.subject.id,
                "journal_id": journal.id,
            }
        )
        erasure = self._planned()
        self.assertEqual(self._codes(erasure), {"open:account.move": "confirm"})
        self.assertIn("written off", erasure.finding_ids.text)
        with self.assertRaisesRegex(UserError, "written off"):
            erasure.with_user(self.second).action_approve()

    def test_other_requests_of_the_person_come_first(self):
        self._request(kind="access", partner_id=self.subject.id)
        erasure = self._planned()
        self.assertEqual(self._codes(erasure), {"other_requests": "confirm"})

    # -- nobody forges a finding -----------------------------------------------------------------

    def test_findings_cannot_be_forged(self):
        self._person("Q. Zephyrsson", self.EMAIL, False)
        erasure = self._planned()
        finding = erasure.finding_ids.with_user(self.officer)
        for values in ({"level": "note"}, {"text": "x"}, {"confirmed_by_id": self.second.id},
                       {"reason": "x", "confirmed_at": "2026-01-01"}):  # fmt: skip
            with self.assertRaisesRegex(UserError, "come from the checks"):
                finding.write(values)
            with self.assertRaisesRegex(UserError, "come from the checks"):
                erasure.write({"finding_ids": [Command.update(finding.id, values)]})
        for command in (Command.clear(), Command.delete(finding.id),
                        Command.create({"code": "x", "level": "note"})):  # fmt: skip
            with self.assertRaises(UserError):  # or an AccessError, which is one
                erasure.write({"finding_ids": [command]})
        with self.assertRaises(AccessError):
            finding.unlink()
        with self.assertRaises(AccessError):
            finding.create({"erasure_id": erasure.id, "code": "x", "level": "note"})
        with self.assertRaisesRegex(UserError, "come from the checks"):
            finding.sudo().unlink()
        for user in (self.internal, self.admin, self.other_officer):
            with self.assertRaises(AccessError):
                finding.with_user(user).write({"reason": "Because."})
            with self.assertRaises(AccessError):
                finding.with_user(user).read(["text"])
        # through the form of the erasure a reason is given
        erasure.write({"finding_ids": [Command.update(finding.id, {"reason": "Known."})]})
        self.assertEqual(finding.confirmed_by_id, self.officer)
        finding.reason = "  "
        self.assertFalse(finding.confirmed_by_id)

    # -- at the moment of erasing ----------------------------------------------------------------

    @mute_logger(RUNNING_LOG)
    def test_what_came_after_the_approval_stops_it(self):
        with self._open_notes():
            self._note(1, partner_id=self.subject.id, state="open", name="N 17")
            erasure = self._planned()
            self._give_reasons(erasure)
            erasure.with_user(self.second).action_approve()
            self._note(1, partner_id=self.subject.id, state="open", name="N 18")
            self._advance(erasure)
            self.assertEqual(erasure.state, "failed")
            self.assertIn("N 18", erasure.error)
            self.assertFalse(erasure.started_at)
            self.assertEqual(self.subject.name, self.NAME)
            # the reason was given for the first one only
            self.assertFalse(erasure.finding_ids.reason)
            self._give_reasons(erasure)
            erasure.action_resume()
            self._advance(erasure)
            self.assertEqual(erasure.state, "done", erasure.error)

    @mute_logger(RUNNING_LOG)
    def test_hold_placed_while_erasing_stops_it_and_it_goes_on_afterwards(self):
        self._leave_traces()
        erasure = self._approved()
        work = erasure.with_user(self.env.ref("base.user_root")).sudo()
        known = {}
        while not sum(work.place_ids.mapped("done_count")):
            work._advance(known)
        self.assertEqual(work.state, "erasing")
        hold = self._hold()
        self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("Case 9", erasure.error)
        self.assertTrue(self._where())
        left = self._where()
        with self.assertRaisesRegex(UserError, "Case 9"):
            erasure.action_resume()
        self.assertEqual(self._where(), left)
        hold.active = False
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertNotEqual(self._where(), left)
