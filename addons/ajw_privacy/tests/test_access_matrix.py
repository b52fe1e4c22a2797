"""Who may do what with the privacy desk."""

import base64
import os
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tests.common import HttpCase

from odoo.addons.ajw_consent.models.ajw_consent_keyring import PARAMETER
from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin, Row
from odoo.addons.ajw_consent.tests.access_matrix_routes import Ask, Case, Route, RouteMatrixMixin
from odoo.addons.ajw_consent.tests.common import TEST_KEYS, ConsentCommonMixin
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..models.ajw_privacy_certificate import ISSUE
from ..models.ajw_privacy_erasure_finding import CHECKED
from ..models.ajw_privacy_recipient_task import SETTLE
from ..models.ajw_privacy_register import ENTER
from ..models.ajw_privacy_request_guard import STEP
from ..models.ajw_privacy_statistic import BUILD
from .common import PrivacyCommon

#: Who is not logged in is sent to the login page.
LOGIN = {"anonymous": 303}
LOGGED_IN_A = "customer portal internal administrator consent_user officer wa_user manager"
LOGGED_IN = f"{LOGGED_IN_A} officer_b manager_b"


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, PrivacyCommon):
    addon = "ajw_privacy"

    # c create, r read, w write, u unlink; roles that are not named may do nothing.
    MODELS = {
        "ajw.privacy.certificate": {"officer": "r"},
        "ajw.privacy.classification": {},
        # Which field holds what is the same in all companies.
        "ajw.privacy.data.line": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.data.map": {"officer": "r", "officer_b": "r"},
        # It counts in every company; only an officer of all of them changes it.
        "ajw.privacy.data.override": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.data.sample": {"officer": "r", "officer_b": "r"},
        # A copy and the list of hits are written by the steps alone.
        "ajw.privacy.departure": {"officer": "crw"},
        "ajw.privacy.departure.package": {"officer": "r"},
        "ajw.privacy.departure.place": {"officer": "r"},
        "ajw.privacy.departure.row": {},
        # Whose policy it is cannot be read in another company, nor then the dry run of it.
        "ajw.privacy.dry.run": {"officer": "crwu", "officer_b": "cwu"},
        "ajw.privacy.dry.run.line": {"officer": "crwu", "officer_b": "crwu"},
        "ajw.privacy.erasure": {"officer": "crw"},
        # What a person is looked for by is for nobody to read, nor is the list of hits.
        "ajw.privacy.erasure.finding": {"officer": "rw"},
        "ajw.privacy.erasure.identifier": {},
        "ajw.privacy.erasure.place": {"officer": "r"},
        "ajw.privacy.erasure.row": {},
        "ajw.privacy.erasure.spool": {},
        "ajw.privacy.export": {},
        "ajw.privacy.filtered": {},
        "ajw.privacy.hold": {"officer": "crw"},
        # The law is the same for all companies; only an officer of all of them changes it.
        "ajw.privacy.jurisdiction": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.jurisdiction.rule": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.keeping.duty": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.keeping.duty.rule": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.kept": {"officer": "r"},
        "ajw.privacy.package": {"officer": "r"},
        "ajw.privacy.person": {},
        "ajw.privacy.policy": {"officer": "crwu"},
        # The list counts in every company; only an officer of all of them changes it.
        "ajw.privacy.recipient": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.recipient.task": {"officer": "rw"},
        "ajw.privacy.register": {"officer": "r"},
        "ajw.privacy.replay": {},
        "ajw.privacy.prior.notice": {"officer": "r"},
        "ajw.privacy.request": {"officer": "crw"},
        "ajw.privacy.run": {"officer": "r"},
        "ajw.privacy.statistic": {"officer": "r"},
        # It says only whether somebody was found.
        "ajw.privacy.statistic.proof": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.binding": {},
        "ajw.privacy.shared": {},
        "ajw.privacy.step": {"officer": "crwu"},
        "ajw.privacy.thread": {},
        "ajw.privacy.stepwise": {},
        "ajw.privacy.verification": {"officer": "r"},
    }
    WITHOUT_COMPANY_RULE = {"ajw.privacy.dry.run.line": "everybody counts for themselves"}
    METHODS = {
        "ajw.privacy.certificate.action_verify": "officer",
        "ajw.privacy.data.map.action_check_content": "officer officer_b",
        "ajw.privacy.data.map.action_classify": "officer officer_b",
        "ajw.privacy.data.map.action_refresh": "officer officer_b",
        "ajw.privacy.departure.action_approve": "officer",
        "ajw.privacy.departure.action_recall": "officer",
        "ajw.privacy.departure.action_resume": "officer",
        "ajw.privacy.departure.action_start": "officer",
        "ajw.privacy.departure.action_view_certificates": "officer",
        "ajw.privacy.departure.package.action_download": "officer",
        "ajw.privacy.erasure.action_approve": "officer",
        "ajw.privacy.erasure.action_cancel": "officer",
        "ajw.privacy.erasure.action_check": "officer",
        "ajw.privacy.erasure.action_plan": "officer",
        "ajw.privacy.erasure.action_refuse": "officer",
        "ajw.privacy.erasure.action_resume": "officer",
        "ajw.privacy.erasure.action_view_certificates": "officer",
        "ajw.privacy.erasure.action_view_kept": "officer",
        "ajw.privacy.erasure.action_view_places": "officer",
        "ajw.privacy.erasure.action_view_tasks": "officer",
        "ajw.privacy.erasure.finding.action_open_records": "officer",
        "ajw.privacy.policy.action_dry_run": "officer",
        "ajw.privacy.policy.action_run": "officer",
        "ajw.privacy.package.action_download": "officer",
        "ajw.privacy.policy.action_view_holds": "officer",
        "ajw.privacy.policy.action_view_notices": "officer",
        "ajw.privacy.policy.action_view_runs": "officer",
        "ajw.privacy.recipient.task.action_done": "officer",
        "ajw.privacy.recipient.task.action_not_needed": "officer",
        "ajw.privacy.recipient.task.action_reopen": "officer",
        "ajw.privacy.register.action_export": "officer",
        "ajw.privacy.request.action_answer": "officer",
        "ajw.privacy.request.action_answer_otherwise": "officer",
        "ajw.privacy.request.action_enter_code": "officer",
        "ajw.privacy.request.action_extend": "officer",
        "ajw.privacy.request.action_make_package": "officer",
        "ajw.privacy.request.action_open_contact": "officer",
        "ajw.privacy.request.action_refuse": "officer",
        "ajw.privacy.request.action_send_code": "officer",
        "ajw.privacy.request.action_start": "officer",
        "ajw.privacy.request.action_verify_document": "officer",
        "ajw.privacy.request.action_view_tasks": "officer",
        "ajw.privacy.request.action_wait": "officer",
        "ajw.privacy.request.action_withdraw": "officer",
        "ajw.privacy.statistic.action_check": "officer officer_b",
        "ajw.privacy.step.action_apply": "officer",
    }
    CLOSED = {
        "ajw.privacy.departure.package.copy_data": "it would tell the file",
        "ajw.privacy.package.copy_data": "it would tell the file",
        "ajw.privacy.verification.copy_data": "it would tell the hash of the code",
    }
    CONFIDENTIAL = (
        "ajw.privacy.departure", "ajw.privacy.erasure", "ajw.privacy.hold", "ajw.privacy.request",
    )  # fmt: skip
    OPEN_THREADS = {
        "ajw.privacy.data.override": "tells of fields, of no person",
        "ajw.privacy.jurisdiction": "tells of laws",
        "ajw.privacy.keeping.duty": "tells of laws",
        "ajw.privacy.policy": "tells of rules, of no person",
        "ajw.privacy.recipient": "tells of recipients, of no person",
    }
    # Whoever may write on contacts; what it leaves alone is for the system to know.
    OVERRIDES = ("res.partner.write",)
    CRONS = (
        "ajw_privacy.ir_cron_data_map",
        "ajw_privacy.ir_cron_data_sample",
        "ajw_privacy.ir_cron_departure",
        "ajw_privacy.ir_cron_erasure",
        "ajw_privacy.ir_cron_erasure_kept",
        "ajw_privacy.ir_cron_reminders",
        "ajw_privacy.ir_cron_retention",
        "ajw_privacy.ir_cron_statistic",
    )

    # -- rows ------------------------------------------------------------------------------------

    def row_ajw_privacy_data_line(self, company):
        values = {
            "model_name": "res.partner",
            "field_name": "matrix",
            "category": "name",
            "erase": "clear",
        }
        lines = self.env["ajw.privacy.data.line"]
        return Row(lines.create(dict(values)), {**values, "field_name": "other"}, {"law": "None"})

    def row_ajw_privacy_data_override(self, company):
        values = {
            "model_name": "res.partner.bank",
            "field_name": "sequence",
            "category": "technical",
            "erase": "none",
            "reason": "matrix",
        }
        override = self.env["ajw.privacy.data.override"].create(dict(values))
        return Row(override, {**values, "field_name": "active"}, {"reason": "none"})

    def row_ajw_privacy_data_map(self, company):
        maps = self.env["ajw.privacy.data.map"]
        if not maps.search_count([], limit=1):
            maps._refresh()
        values = {
            "model_name": "res.partner",
            "field_name": "matrix",
            "source": "line",
            "level": "declared",
            "state": "open",
        }
        return Row(maps.search([], limit=1), values, {"state": "open"})

    def row_ajw_privacy_data_sample(self, company):
        values = {"model_name": "res.partner", "field_name": "matrix"}
        samples = self.env["ajw.privacy.data.sample"]
        return Row(
            samples.create(dict(values)), {**values, "field_name": "other"}, {"hit_count": 7}
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.env["ir.config_parameter"].search([("key", "=", PARAMETER)]).unlink()
        cls._classify("body")
        cls.partner = cls.env["res.partner"].create(
            {"name": "Matrix Customer", "email": "matrix@example.com"}
        )

    def _policy_values(self, company):
        return {
            "name": "Matrix",
            "model_name": "x.privacy.note",
            "clock_field": "happened_at",
            "max_age": 30,
            "field_names": "body",
            "domain": "[('state', '=', 'done')]",
            "company_id": company.id,
        }

    def row_ajw_privacy_policy(self, company):
        values = self._policy_values(company)
        policy = self.env["ajw.privacy.policy"].create(dict(values))
        return Row(policy, {**values, "name": "Matrix 2"}, {"name": "Renamed"})

    def row_ajw_privacy_run(self, company):
        policy = self.env["ajw.privacy.policy"].create(self._policy_values(company))
        values = {
            "policy_id": policy.id,
            "company_id": company.id,
            "model_name": policy.model_name,
        }
        return Row(self.env["ajw.privacy.run"].create(dict(values)), values, {"rows_done": 7})

    def row_ajw_privacy_prior_notice(self, company):
        policy = self.env["ajw.privacy.policy"].create(self._policy_values(company))
        values = {
            "policy_id": policy.id,
            "company_id": company.id,
            "partner_id": self.partner.id,
            "model_name": "res.partner",
            "res_id": self.partner.id,
        }
        notices = self.env["ajw.privacy.prior.notice"]
        return Row(notices.create(dict(values)), {**values, "res_id": 1}, {"state": "acted"})

    def row_ajw_privacy_dry_run(self, company):
        policy = self.env["ajw.privacy.policy"].create(self._policy_values(company))
        values = {"policy_id": policy.id}
        return Row(self.env["ajw.privacy.dry.run"].create(dict(values)), values, {}, own=True)

    def row_ajw_privacy_dry_run_line(self, company):
        run = self.row_ajw_privacy_dry_run(company).record
        values = {"dry_run_id": run.id, "company_id": company.id}
        lines = self.env["ajw.privacy.dry.run.line"]
        return Row(lines.create(dict(values)), values, {"row_count": 5}, own=True)

    def row_ajw_privacy_jurisdiction(self, company):
        values = {"name": "Matrix Act", "code": "MATRIX"}
        jurisdiction = self.env["ajw.privacy.jurisdiction"].create(dict(values))
        return Row(jurisdiction, {**values, "code": "MATRIX2"}, {"source": "Nowhere"})

    def row_ajw_privacy_jurisdiction_rule(self, company):
        jurisdiction = self.row_ajw_privacy_jurisdiction(company).record
        values = {
            "jurisdiction_id": jurisdiction.id,
            "kind": "access",
            "right": "voluntary",
            "period": 30,
            "period_set_by": "own",
            "certainty": "unverified",
        }
        rule = self.env["ajw.privacy.jurisdiction.rule"].create(dict(values))
        return Row(rule, {**values, "kind": "portability"}, {"article": "1"})

    def row_ajw_privacy_keeping_duty(self, company):
        values = {"name": "Matrix duty", "code": "matrix"}
        duty = self.env["ajw.privacy.keeping.duty"].create(dict(values))
        return Row(duty, {**values, "code": "matrix_two"}, {"note": "Nothing."})

    def row_ajw_privacy_keeping_duty_rule(self, company):
        values = {
            "duty_id": self.row_ajw_privacy_keeping_duty(company).record.id,
            "article": "Matrix Act, s. 1",
            "period": 8,
        }
        rule = self.env["ajw.privacy.keeping.duty.rule"].create(dict(values))
        return Row(rule, values, {"period": 9})

    def row_ajw_privacy_hold(self, company):
        values = {
            "name": "Case 1",
            "partner_id": self.partner.id,
            "company_id": company.id,
            "reason": "A claim.",
        }
        return Row(
            self.env["ajw.privacy.hold"].create(dict(values)), values, {"reason": "Another."}
        )

    def _officer_of(self, company):
        return self._env_of(self.users["officer" if company == self.company else "officer_b"])

    def row_ajw_privacy_request(self, company):
        values = {"kind": "access", "company_id": company.id, "partner_id": self.partner.id}
        request = self.env["ajw.privacy.request"].with_context(tracking_disable=True)
        return Row(request.create(dict(values)), values, {"requester_phone": "1234"})

    def _verified(self, company):
        row = self.row_ajw_privacy_request(company)
        row.record.with_env(self._officer_of(company))._do_verify_document("Passport seen.")
        return row

    def row_ajw_privacy_request_action_answer(self, company):
        row = self._verified(company)
        row.record.with_env(self._officer_of(company)).action_make_package()
        return row

    row_ajw_privacy_request_action_answer_otherwise = _verified
    row_ajw_privacy_request_action_make_package = _verified

    def row_ajw_privacy_package(self, company):
        request = self._verified(company).record
        request.with_env(self._officer_of(company)).action_make_package()
        package = self.env["ajw.privacy.package"].search([("request_id", "=", request.id)])
        return Row(package, {"request_id": request.id}, {"filename": "x.zip"})

    def row_ajw_privacy_verification(self, company):
        request = self.row_ajw_privacy_request(company).record
        request.with_env(self._officer_of(company)).action_send_code()
        code = self.env["ajw.privacy.verification"].search([("request_id", "=", request.id)])
        values = {"request_id": request.id, "expires_at": code.expires_at}
        return Row(code, values, {"tries": 0})

    def row_ajw_privacy_request_action_enter_code(self, company):
        request = self.row_ajw_privacy_verification(company).record.request_id
        return Row(request, {}, {})

    def row_ajw_privacy_erasure(self, company):
        # asked for by somebody else, so that every officer may approve
        partner = self.env["res.partner"].create({"name": "Matrix Gone", "company_id": company.id})
        values = {"partner_id": partner.id, "company_id": company.id}
        erasure = self.env["ajw.privacy.erasure"].with_context(tracking_disable=True)
        return Row(erasure.create(dict(values)), values, {"note": "Asked by letter."})

    def _erasure_in(self, company, state, **values):
        row = self.row_ajw_privacy_erasure(company)
        row.record._step(state=state, **values)
        return row

    def row_ajw_privacy_erasure_action_approve(self, company):
        return self._erasure_in(company, "planned")

    def row_ajw_privacy_erasure_action_refuse(self, company):
        return self._erasure_in(company, "planned", note="Somebody else.")

    def row_ajw_privacy_erasure_action_resume(self, company):
        return self._erasure_in(company, "failed")

    def row_ajw_privacy_departure(self, company):
        # recalled, so that another one can begin; asked for by somebody else
        return self._departure_in(company, "recalled")

    def _departure_in(self, company, state):
        values = {"company_id": company.id}
        departure = self.env["ajw.privacy.departure"].with_context(tracking_disable=True)
        departure = departure.create(dict(values))
        departure._step(state=state)
        self.env.flush_all()
        return Row(departure, values, {"note": "Asked by letter."})

    def row_ajw_privacy_departure_action_approve(self, company):
        row = self._departure_in(company, "exported")
        row.record._step(exported_at=row.record._now())
        self.env["ajw.privacy.departure.package"].create(
            {"departure_id": row.record.id, "number": 1,
             "valid_until": fields.Datetime.now() + timedelta(days=1)}
        )  # fmt: skip
        return row

    def row_ajw_privacy_departure_action_recall(self, company):
        return self._departure_in(company, "exported")

    def row_ajw_privacy_departure_action_resume(self, company):
        return self._departure_in(company, "failed")

    def row_ajw_privacy_departure_action_start(self, company):
        return self._departure_in(company, "draft")

    def row_ajw_privacy_departure_place(self, company):
        values = {
            "departure_id": self.row_ajw_privacy_departure(company).record.id,
            "table_name": "res_partner",
            "model_name": "res.partner",
            "fate": "go",
        }
        place = self.env["ajw.privacy.departure.place"].create(dict(values))
        return Row(place, values, {"done_count": 7})

    def row_ajw_privacy_departure_row(self, company):
        values = {
            "departure_id": self.row_ajw_privacy_departure(company).record.id,
            "table_name": "res_partner",
            "res_id": 1,
        }
        row = self.env["ajw.privacy.departure.row"].create(dict(values))
        return Row(row, {**values, "res_id": 2}, {"fate": "used"})

    def row_ajw_privacy_departure_package(self, company):
        values = {
            "departure_id": self.row_ajw_privacy_departure(company).record.id,
            "number": 1,
            "valid_until": fields.Datetime.now() + timedelta(days=1),
        }
        package = self.env["ajw.privacy.departure.package"].create(dict(values))
        return Row(package, {**values, "number": 2}, {"filename": "x.zip"})

    def row_ajw_privacy_statistic(self, company):
        values = {
            "company_id": company.id,
            "month": "2026-01-01",
            "model_name": "sale.order",
            "kind": "all",
            "least_persons": 10,
        }
        numbers = self.env["ajw.privacy.statistic"].with_context(ajw_build=BUILD)
        number = numbers.create(dict(values)).with_env(self.env)
        return Row(number, {**values, "kind": "sale"}, {"row_count": 7}, guarded=True)

    def row_ajw_privacy_statistic_proof(self, company):
        values = {"checked_at": fields.Datetime.now(), "state": "clean"}
        proofs = self.env["ajw.privacy.statistic.proof"]
        return Row(proofs.create(dict(values)), values, {"state": "failed"})

    def row_ajw_privacy_erasure_place(self, company):
        values = {
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "model_name": "res.partner",
            "field_name": "email",
            "ownership": "3",
            "action": "clear",
        }
        place = self.env["ajw.privacy.erasure.place"].create(dict(values))
        return Row(place, {**values, "field_name": "phone"}, {"done_count": 7})

    def row_ajw_privacy_erasure_row(self, company):
        erasure = self.row_ajw_privacy_erasure(company).record
        values = {
            "erasure_id": erasure.id,
            "model_name": "res.partner",
            "res_id": erasure.partner_id.id,
            "ownership": 3,
        }
        row = self.env["ajw.privacy.erasure.row"].create(dict(values))
        return Row(row, {**values, "res_id": 1}, {"ownership": 1})

    def row_ajw_privacy_erasure_spool(self, company):
        values = {
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "kind": "file",
            "name": "ab/abc",
        }
        spool = self.env["ajw.privacy.erasure.spool"]
        return Row(spool.create(dict(values)), {**values, "name": "ab/abd"}, {"tries": 2})

    def row_ajw_privacy_erasure_identifier(self, company):
        values = {
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "kind": "email",
            "strength": "strong",
            "cipher": "matrix",
        }
        identifiers = self.env["ajw.privacy.erasure.identifier"]
        return Row(identifiers.create(dict(values)), values, {"strength": "weak"})

    def row_ajw_privacy_kept(self, company):
        values = {
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "company_id": company.id,
            "model_name": "res.partner",
            "field_name": "email",
            "ownership": "3",
            "res_id": 1,
        }
        kept = self.env["ajw.privacy.kept"]
        return Row(kept.create(dict(values)), {**values, "res_id": 2}, {"duty": "books"})

    def row_ajw_privacy_certificate(self, company):
        values = {
            "number": 1,
            "company_id": company.id,
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "issued_at": fields.Datetime.now(),
            "verdict": "clean",
            "content": "{}",
            "hash": "0" * 64,
            "previous_hash": "0" * 64,
        }
        certificates = self.env["ajw.privacy.certificate"].with_context(ajw_issue=ISSUE)
        certificate = certificates.create(dict(values)).with_env(self.env)
        return Row(certificate, {**values, "number": 2}, {"verdict": "failed"}, guarded=True)

    def row_ajw_privacy_erasure_finding(self, company):
        values = {
            "erasure_id": self._erasure_in(company, "planned").record.id,
            "code": "matrix",
            "level": "confirm",
            "text": "Still under way.",
            "model_name": "res.partner",
            "res_ids": self.partner.ids,
        }
        findings = self.env["ajw.privacy.erasure.finding"].with_context(ajw_checked=CHECKED)
        finding = findings.create(dict(values)).with_env(self.env)
        return Row(finding, {**values, "code": "other"}, {"reason": "Written off."})

    def row_ajw_privacy_recipient(self, company):
        values = {"name": "Matrix Inc.", "model_names": "res.partner", "how_to": "Write to them."}
        recipient = self.env["ajw.privacy.recipient"].create(dict(values))
        return Row(recipient, values, {"days": 9})

    def row_ajw_privacy_recipient_task(self, company):
        values = {
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "recipient_id": self.row_ajw_privacy_recipient(company).record.id,
            "name": "Matrix Inc.",
            "due_date": fields.Date.today(),
        }
        tasks = self.env["ajw.privacy.recipient.task"].with_context(ajw_settle=SETTLE)
        task = tasks.create({**values, "note": "Asked."}).with_env(self.env)
        other = self.row_ajw_privacy_recipient(company).record
        return Row(task, {**values, "recipient_id": other.id}, {"note": "They answered."})

    def row_ajw_privacy_register(self, company):
        values = {
            "reference": "ER/MATRIX",
            "company_id": company.id,
            "erasure_id": self.row_ajw_privacy_erasure(company).record.id,
            "subject_ref": f"MATRIX{company.id}",
            "scope": "person",
            "done_at": fields.Datetime.now(),
            "digests": [["email", "k1:0"]],
        }
        entries = self.env["ajw.privacy.register"].with_context(ajw_register=ENTER)
        entry = entries.create(dict(values)).with_env(self.env)
        return Row(entry, {**values, "subject_ref": "OTHER"}, {"scope": "person"}, guarded=True)

    def row_ajw_privacy_step(self, company):
        request = self.row_ajw_privacy_request(company).record
        values = {"request_id": request.id, "step": "withdraw", "note": "By telephone."}
        return Row(
            self.env["ajw.privacy.step"].create(dict(values)), values, {"note": "No"}, own=True
        )


@tagged("-at_install", "post_install")
class TestRouteMatrix(RouteMatrixMixin, ConsentCommonMixin, HttpCase):
    addon = "ajw_privacy"
    # Who is not logged in is sent to the login page; a customer finds only what is their own, an
    # officer only copies of their company.
    ROUTES = {
        "GET /my/privacy": Route(
            "user",
            csrf=True,
            cases=(Case("own_page", 200, LOGIN, shows="customer"), Case("impostor", 200, LOGIN)),
        ),
        "POST /my/privacy/new": Route(
            "user",
            csrf=True,
            cases=(
                Case("new", 303, changes=LOGGED_IN),
                # of a company that is none of theirs
                Case(
                    "new_of_company",
                    303,
                    {"officer_b": 200, "manager_b": 200},
                    changes=LOGGED_IN_A,
                ),
                Case("new_without_kind", 200, LOGIN),
            ),
        ),
        "POST /my/privacy/<int:request_id>/withdraw": Route(
            "user",
            csrf=True,
            cases=(
                Case("withdraw", 404, LOGIN | {"customer": 303}, changes="customer"),
                # made by an officer: shown once verified, and not theirs to take back
                Case("withdraw_verified", 404, LOGIN | {"customer": 303}),
                Case("withdraw_impostor", 404, LOGIN),
                Case("withdraw_unknown", 404, LOGIN),
            ),
        ),
        "POST /my/privacy/<int:request_id>/download": Route(
            "user",
            csrf=True,
            cases=(
                Case("download", 404, LOGIN | {"customer": 200}, changes="customer"),
                Case("download_open", 404, LOGIN),
                Case("download_expired", 404, LOGIN),
                Case("download_unknown", 404, LOGIN),
            ),
        ),
        "POST /ajw_privacy/departure/<int:package_id>": Route(
            "user",
            csrf=True,
            cases=(
                Case("volume", 404, LOGIN | {"officer": 200}, changes="officer"),
                Case("volume_b", 404, LOGIN | {"officer_b": 200}, changes="officer_b"),
                Case("volume_expired", 404, LOGIN),
                Case("volume_unknown", 404, LOGIN),
            ),
        ),
        "POST /ajw_privacy/package/<int:package_id>": Route(
            "user",
            csrf=True,
            cases=(
                Case("package", 404, LOGIN | {"officer": 200}, changes="officer"),
                Case("package_b", 404, LOGIN | {"officer_b": 200}, changes="officer_b"),
                Case("package_expired", 404, LOGIN),
                Case("package_unknown", 404, LOGIN),
            ),
        ),
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.users["customer"]

    def _request(self, state="new", company=None, **values):
        """A request about the customer, in company A if not told."""
        company = company or self.company
        steps = {"ajw_step": STEP, "tracking_disable": True}
        request = self.env["ajw.privacy.request"].with_context(**steps)
        request = request.create(
            {
                "kind": "access",
                "company_id": company.id,
                "partner_id": self.customer.partner_id.id,
                "portal_user_id": self.customer.id,
                "verified_method": "portal",
                "verified_at": fields.Datetime.now(),
                "verified_by_id": self.customer.id,
                **values,
            }
        )
        if state != "new":
            officer = self.users["officer" if company == self.company else "officer_b"]
            request = request.with_user(officer)
            request.action_make_package()
            request._do_answer("given in the portal")
        return request

    def _impostor(self):
        """Asked by somebody in the customer's name, and not verified."""
        values = {"portal_user_id": False, "requester_email": "impostor@example.net"}
        not_verified = {"verified_method": False, "verified_at": False, "verified_by_id": False}
        return self._request(**values, **not_verified)

    def ask_own_page(self):
        return Ask("/my/privacy", tells=self._request().name)

    def ask_impostor(self):
        return Ask("/my/privacy", tells=self._impostor().name)

    def ask_new(self, **values):
        form = {"kind": "correction", "message": "My name is spelled with an h."}
        return Ask("/my/privacy/new", {**form, **values})

    def ask_new_of_company(self):
        return self.ask_new(company_id=self.company.id)

    def ask_new_without_kind(self):
        return self.ask_new(kind="everything")

    def _withdraw_of(self, request_id):
        return Ask(f"/my/privacy/{request_id}/withdraw")

    def ask_withdraw(self):
        return self._withdraw_of(self._request().id)

    def ask_withdraw_verified(self):
        return self._withdraw_of(self._request(portal_user_id=False).id)

    def ask_withdraw_impostor(self):
        return self._withdraw_of(self._impostor().id)

    def ask_withdraw_unknown(self):
        return self._withdraw_of(999999999)

    def _download_of(self, request_id):
        return Ask(f"/my/privacy/{request_id}/download")

    def ask_download(self):
        return self._download_of(self._request("answered").id)

    def ask_download_open(self):
        request = self._request()
        request.with_user(self.users["officer"]).action_make_package()
        return self._download_of(request.id)

    def ask_download_expired(self):
        return self._download_of(self._expired().request_id.id)

    def ask_download_unknown(self):
        return self._download_of(999999999)

    def _expired(self):
        package = self._request("answered").package_ids.sudo()
        package.valid_until = fields.Datetime.now() - timedelta(seconds=1)
        return package

    def _package(self, package_id):
        return Ask(f"/ajw_privacy/package/{package_id}")

    def ask_package(self):
        return self._package(self._request("answered").package_ids.id)

    def ask_package_b(self):
        return self._package(self._request("answered", self.company_b).package_ids.id)

    def ask_package_expired(self):
        return self._package(self._expired().id)

    def ask_package_unknown(self):
        return self._package(999999999)

    def _volume_of(self, company, **values):
        departure = self.env["ajw.privacy.departure"].create({"company_id": company.id})
        keyring = self.env["ajw.privacy.package"]._keyring()
        volume = self.env["ajw.privacy.departure.package"].create(
            {
                "departure_id": departure.id,
                "number": 1,
                "filename": "volume.zip",
                "archive": base64.b64encode(keyring.encrypt_bytes(b"rows")),
                "valid_until": fields.Datetime.now() + timedelta(days=1),
                **values,
            }
        )
        return Ask(f"/ajw_privacy/departure/{volume.id}")

    def ask_volume(self):
        return self._volume_of(self.company)

    def ask_volume_b(self):
        return self._volume_of(self.company_b)

    def ask_volume_expired(self):
        return self._volume_of(
            self.company, valid_until=fields.Datetime.now() - timedelta(seconds=1)
        )

    def ask_volume_unknown(self):
        return Ask("/ajw_privacy/departure/999999999")
