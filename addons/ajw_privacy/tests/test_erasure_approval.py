import os
from unittest.mock import patch

import psycopg2

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..models.ajw_privacy_erasure_guard import BEGINNING
from .erasure_common import ErasureCommon


@tagged("post_install", "-at_install")
class TestErasureApproval(ErasureCommon):
    """Two officers, and what stands against an erasure."""

    def test_officer_may_not_approve_own_plan(self):
        erasure = self._planned()
        with self.assertRaisesRegex(UserError, "another data protection officer"):
            erasure.action_approve()
        self.assertEqual(erasure.state, "planned")
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.CheckViolation):
            with self.env.cr.savepoint():
                self.env.cr.execute(
                    "UPDATE ajw_privacy_erasure SET approved_by_id = requested_by_id WHERE id = %s",
                    [erasure.id],
                )
        erasure.with_user(self.second).action_approve()
        self.assertEqual(erasure.approved_by_id, self.second)
        self.assertEqual(len(erasure.plan_digest), 64)

    def test_nothing_is_erased_without_approval(self):
        erasure = self._planned()
        self._advance(erasure)
        self.assertEqual(erasure.state, "planned")
        self.assertEqual(self.subject.name, self.NAME)

    def test_steps_cannot_be_forged(self):
        erasure = self._erasure()
        for values in ({"state": "approved"}, {"approved_by_id": self.second.id},
                       {"requested_by_id": self.second.id}, {"subject_ref": "X"}):  # fmt: skip
            with self.assertRaisesRegex(UserError, "steps of the erasure"):
                erasure.write(values)
            with self.assertRaisesRegex(UserError, "steps of the erasure"):
                self._erasure(**values)
        forged = self.env["ajw.privacy.erasure"].with_user(self.officer).with_context(
            default_state="approved", default_approved_by_id=self.second.id,
            default_requested_by_id=self.second.id,
        ).create({"partner_id": self.subject.id})  # fmt: skip
        self.assertEqual(forged.state, "draft")
        stored = {
            name
            for name, field in forged._fields.items()
            if field.readonly
            and field.store
            and not field.compute
            and name not in ("id", *models.MAGIC_COLUMNS)
            and field._modules == ("ajw_privacy",)
            and field.type != "one2many"
        }
        self.assertEqual(stored, {*BEGINNING, "name", "subject_ref", "requested_by_id"})
        self.assertFalse(forged.approved_by_id)
        self.assertEqual(forged.requested_by_id, self.officer)
        planned = self._planned()
        with self.assertRaisesRegex(UserError, "another person"):
            planned.partner_id = self.namesake

    def test_only_officers_of_the_company(self):
        erasure = self._planned()
        for user in (self.internal, self.admin, self.other_officer):
            with self.assertRaises(AccessError):
                erasure.with_user(user).action_approve()
            with self.assertRaises(AccessError):
                erasure.place_ids.with_user(user).read(["row_count"])
        for name in ("row", "identifier"):
            with self.assertRaises(AccessError):
                self.env[f"ajw.privacy.erasure.{name}"].with_user(self.officer).search([])

    def test_shared_contact_needs_an_officer_of_all_companies(self):
        self.subject.company_id = False
        erasure = self._planned()
        with self.assertRaisesRegex(AccessError, "All companies share"):
            erasure.with_user(self.second).action_approve()
        erasure.with_user(self.lead_officer).action_approve()
        self.assertEqual(erasure.state, "approved")

    def test_refusing_needs_a_reason_and_forgets(self):
        erasure = self._planned().with_user(self.second)
        with self.assertRaisesRegex(UserError, "why"):
            erasure.action_refuse()
        erasure.note = "Not the person who asked."
        erasure.action_refuse()
        self.assertEqual(erasure.state, "refused")
        self.assertFalse(erasure.partner_id)
        self.assertEqual(self.subject.name, self.NAME)
        with self.assertRaisesRegex(UserError, "not possible now"):
            erasure.action_approve()

    def test_a_merge_takes_plan_and_approval_back(self):
        erasure = self._approved()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.subject | self.colleague).ids, self.colleague)
        self.env.invalidate_all()
        self.assertEqual(erasure.state, "draft")
        self.assertFalse(erasure.approved_by_id)
        self.assertFalse(erasure.place_ids)
        self._advance(erasure)
        self.assertEqual(self.colleague.name, "Bruno Colleague")

    def test_who_is_being_erased_is_not_merged(self):
        self._advance(self._approved(), "erasing")
        with self.assertRaisesRegex(UserError, "being erased"):
            self.env["base.partner.merge.automatic.wizard"]._merge(
                (self.subject | self.colleague).ids, self.colleague
            )

    # -- bad input -------------------------------------------------------------------------------

    def _refused(self, message, partner=None, **values):
        erasure = self._erasure(partner, **values)
        with self.assertRaisesRegex(UserError, message):
            erasure.action_plan()
        self.assertEqual(erasure.state, "draft")

    def test_bad_input_company(self):
        self._refused("is a company of this database", self.company.partner_id)

    def test_bad_input_working_user(self):
        self._refused("Deactivate the user first", self.internal.partner_id)

    def test_bad_input_contacts_below(self):
        self._person("Somebody Else", "else@example.com", "+49 30 99", parent_id=self.subject.id)
        self._refused("contacts below this one")

    def test_bad_input_legal_hold(self):
        self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Case 7", "partner_id": self.subject.id, "reason": "A claim."}
        )
        self._refused("Case 7")

    def test_bad_input_other_controller(self):
        other = self._person("Far Away", "far@example.com", "+49 30 98", self.other_company)
        self._refused("another controller", other)

    def test_bad_input_request_not_verified(self):
        request = self._request(kind="deletion", partner_id=self.subject.id)
        self._refused("Verify it first", request_id=request.id)

    def test_bad_input_two_at_once(self):
        self._planned()
        self._refused("Another erasure of this person")

    def test_bad_input_keys_missing(self):
        with patch.dict(os.environ):
            del os.environ[ENVIRONMENT_VARIABLE]
            self._refused("keys of the consent ledger are missing")

    def test_hold_placed_after_approval_stops_it(self):
        erasure = self._approved()
        self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Case 8", "partner_id": self.subject.id, "reason": "A claim."}
        )
        with mute_logger("odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"):
            self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("Case 8", erasure.error)
        self.assertEqual(self.subject.name, self.NAME)

    # -- the request it answers ------------------------------------------------------------------

    def test_open_request_is_kept_until_it_is_answered(self):
        request = self._verified(
            kind="deletion", partner_id=self.subject.id, requester_email=self.EMAIL
        )
        erasure = self._erased(request_id=request.id)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(erasure.certificate_ids.verdict, "clean_but_kept")
        self.assertEqual(request.requester_email, self.EMAIL)
        kept = erasure.place_ids.filtered(lambda place: place.action == "keep")
        self.assertEqual(kept.mapped("model_name"), ["ajw.privacy.request"])
        # answered: nothing speaks for keeping it any more
        request._do_answer("Erased but for this request.")
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(request.requester_email)
        self.assertFalse(request.partner_id)
        first, last = erasure.certificate_ids.sorted("number")
        self.assertEqual(last.verdict, "clean")
        self.assertIn(first.hash, last.content)
