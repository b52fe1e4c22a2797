"""Who may do what in the consent ledger."""

import uuid
from datetime import timedelta

from odoo import fields
from odoo.orm.models import NO_ACCESS
from odoo.tests import tagged
from odoo.tests.common import HttpCase
from odoo.tools import hash_sign

from ..tools.invitation import new_token, token_digest
from . import access_rows_preference as preference
from .access_matrix import AccessMatrixMixin, Row
from .access_matrix_routes import Ask, Case, Route, RouteMatrixMixin
from .access_rows_life import LifeRows
from .access_rows_notice import NoticeAsks, NoticeRows
from .access_rows_proof import ProofRows
from .common import ConsentCommon, ConsentCommonMixin


@tagged("-at_install", "post_install")
class TestAccessMatrix(
    preference.PreferenceRows, ProofRows, NoticeRows, LifeRows, AccessMatrixMixin, ConsentCommon
):
    addon = "ajw_consent"

    # c create, r read, w write, u unlink; roles that are not named may do nothing.
    MODELS = preference.MODELS | {
        "ajw.consent.card": {"consent_user": "crwu", "officer": "crwu"},
        "ajw.consent.event": {"consent_user": "r", "officer": "r"},
        "ajw.consent.evidence": {"officer": "r"},
        "ajw.consent.gate": {},
        "ajw.consent.import": {"officer": "crwu"},
        "ajw.consent.import.problem": {"officer": "r"},
        "ajw.consent.invitation": {"consent_user": "r", "officer": "r"},
        "ajw.consent.invitation.batch": {"consent_user": "r", "officer": "r"},
        "ajw.consent.invite": {"consent_user": "crwu", "officer": "crwu"},
        "ajw.consent.invite.line": {"consent_user": "crwu", "officer": "crwu"},
        "ajw.consent.keyring": {},
        "ajw.consent.erasable": {},
        "ajw.consent.ledger.guard": {},
        "ajw.consent.own.defaults": {},
        "ajw.consent.announcement": {"consent_user": "r", "officer": "crwu"},
        "ajw.consent.announcement.recipient": {"officer": "r"},
        "ajw.consent.notice": {"consent_user": "r", "officer": "crwu"},
        "ajw.consent.notice.line": {"consent_user": "r", "officer": "crwu"},
        "ajw.consent.origin": {"consent_user": "cr", "officer": "cr"},
        "ajw.consent.origin.record": {
            "consent_user": "crwu",
            "officer": "crwu",
            "officer_b": "crwu",
            "manager_b": "crwu",
        },
        "ajw.consent.attestation": {"officer": "cr"},
        "ajw.consent.seal": {"officer": "r"},
        "ajw.consent.seal.line": {"officer": "r"},
        "ajw.consent.verification": {"officer": "r"},
        "ajw.consent.verification.finding": {"officer": "r"},
        "ajw.consent.verify": {"officer": "crwu", "officer_b": "crwu"},
        "ajw.consent.proof.export": {"officer": "crwu"},
        "ajw.consent.proof.export.line": {"officer": "r"},
        # What one may be asked for is the same in all companies.
        "ajw.consent.purpose": {
            "consent_user": "r",
            "officer": "crwu",
            "officer_b": "crwu",
            "manager_b": "r",
        },
        "ajw.consent.record": {
            "consent_user": "crwu",
            "officer": "crwu",
            "officer_b": "crwu",
            "manager_b": "crwu",
        },
        "ajw.consent.report": {"consent_user": "r", "officer": "r"},
        "ajw.consent.state": {"consent_user": "r", "officer": "r"},
        "ajw.consent.restriction": {"officer": "r"},
        "ajw.consent.subject": {"consent_user": "r", "officer": "r"},
        "ajw.consent.suppression": {"officer": "r"},
        # Whoever may use it works on forms of their own, in their own company.
        "ajw.consent.suppression.check": {"officer": "crwu", "officer_b": "crwu"},
    }
    LEDGER = (
        "ajw.consent.event",
        "ajw.consent.evidence",
        "ajw.consent.seal",
        "ajw.consent.seal.line",
        "ajw.consent.state",
        # Not the verification: a broken one carries something to do for the officer.
        "ajw.consent.verification.finding",
    )
    WITHOUT_COMPANY_RULE = preference.WITHOUT_COMPANY_RULE | {
        "ajw.consent.card": "everybody works on forms of their own",
        "ajw.consent.invite": "everybody works on forms of their own",
        "ajw.consent.origin.record": "everybody works on forms of their own",
        "ajw.consent.record": "everybody works on forms of their own",
        "ajw.consent.verify": "everybody works on forms of their own",
        "ajw.consent.suppression.check": "everybody works on forms of their own",
    }
    METHODS = preference.METHODS | {
        "ajw.consent.card.action_print": "consent_user officer",
        "ajw.consent.card.action_renew": "officer",
        "ajw.consent.import.action_check": "officer",
        "ajw.consent.import.action_import": "officer",
        "ajw.consent.import.action_open_problems": "officer",
        "ajw.consent.suppression.check.action_check": "officer",
        "ajw.consent.suppression.check.action_suppress": "officer",
        "ajw.consent.invitation.action_cancel": "consent_user officer",
        "ajw.consent.invitation.action_open_events": "consent_user officer",
        "ajw.consent.invitation.action_retry": "consent_user officer",
        "ajw.consent.invitation.batch.action_cancel_queued": "consent_user officer",
        "ajw.consent.invitation.batch.action_open_invitations": "consent_user officer",
        "ajw.consent.invitation.batch.action_retry_failed": "consent_user officer",
        "ajw.consent.invite.action_invite": "consent_user officer",
        "ajw.consent.origin.record.action_record": "consent_user officer",
        "ajw.consent.proof.export.action_confirm_stored": "officer",
        "ajw.consent.proof.export.action_download": "officer",
        "ajw.consent.proof.export.action_download_evidence": "officer",
        "ajw.consent.proof.export.action_export": "officer",
        "ajw.consent.event.action_verify": "officer officer_b",
        "ajw.consent.seal.action_mail": "officer",
        "ajw.consent.seal.action_open_events": "officer",
        "ajw.consent.seal.action_seal_now": "officer",
        "ajw.consent.seal.action_verify": "officer",
        "ajw.consent.verification.action_rebuild": "officer",
        "ajw.consent.verification.action_verify_again": "officer",
        "ajw.consent.verification.finding.action_open_event": "officer",
        "ajw.consent.verify.action_verify": "officer",
        "ajw.consent.announcement.action_cancel": "officer",
        "ajw.consent.announcement.action_open_recipients": "consent_user officer",
        "ajw.consent.announcement.action_open_untold": "consent_user officer",
        "ajw.consent.announcement.action_retry": "officer",
        "ajw.consent.announcement.action_start": "officer",
        "ajw.consent.announcement.recipient.action_told_otherwise": "officer",
        "ajw.consent.notice.action_announce": "officer",
        "ajw.consent.notice.action_ask_again": "consent_user officer",
        "ajw.consent.notice.action_new_version": "officer",
        "ajw.consent.notice.action_open_public": "consent_user officer",
        "ajw.consent.notice.action_preview": "consent_user officer",
        "ajw.consent.notice.action_publish": "officer",
        "ajw.consent.notice.action_review": "officer",
        "ajw.consent.notice.action_translate": "officer",
        "ajw.consent.record.action_record": "consent_user officer",
        "ajw.consent.state.action_invite_to_renew": "consent_user officer",
        "ajw.consent.state.action_open_events": "consent_user officer",
        "ajw.consent.state.action_withdraw": "consent_user officer",
        "res.partner.ajw_action_open_consents": "consent_user officer officer_b manager_b",
        "res.partner.ajw_action_record_consent": "consent_user officer officer_b manager_b",
        "res.partner.ajw_action_record_origin": "consent_user officer officer_b manager_b",
    }
    CLOSED = {
        "ajw.consent.proof.export.name_create": "the export itself writes what it found",
        "ajw.consent.proof.export.web_resequence": "the export itself writes what it found",
        "ajw.consent.invitation.copy_data": "it would tell the hash of the link",
    }
    OPEN_THREADS = {
        "ajw.consent.announcement": "tells of a change of policy, of no person",
        "ajw.consent.notice": "tells of wording, of no person",
        "ajw.consent.verification": "tells of hashes and numbers, of no person",
    }
    REFUSES = dict.fromkeys(
        (
            "ajw.consent.card.action_print",
            "ajw.consent.card.action_renew",
            "ajw.consent.invite.action_invite",
            "ajw.consent.origin.record.action_record",
            "ajw.consent.preference.send.action_hand_over",
        ),
        (r"^Switch to the company", "the form says which company to switch to"),
    )
    OVERRIDES = (
        "ir.module.module.button_uninstall",
        "ir.module.module.module_uninstall",
        "mail.mail.unlink",
        "mail.mail.write",
        "phone.blacklist.create",
        "phone.blacklist.write",
        "res.partner.create",
        "res.partner.write",
    )
    CRONS = (
        *preference.CRONS,
        "ajw_consent.ir_cron_announcement",
        "ajw_consent.ir_cron_import",
        "ajw_consent.ir_cron_invitation",
        "ajw_consent.ir_cron_seal",
        "ajw_consent.ir_cron_verification",
        "ajw_consent.ir_cron_verification_queue",
        "ajw_consent.ir_cron_life",
        "ajw_consent.ir_cron_suppression",
    )
    FIELDS = preference.FIELDS | {
        "base.module.uninstall.ajw_losses": "",
        "base.module.uninstall.ajw_problems": "",
        "res.company.ajw_consent_card_key": NO_ACCESS,
        "res.company.ajw_consent_controller_id": "",
        "res.company.ajw_consent_notice_key": NO_ACCESS,
        "res.company.ajw_consent_paper_requests": NO_ACCESS,
        **dict.fromkeys(
            (
                "res.company.ajw_consent_attestation_missing",
                "res.company.ajw_consent_seal_recipients",
                "res.config.settings.ajw_consent_attestation_missing",
                "res.config.settings.ajw_consent_seal_recipients",
            ),
            "base.group_system,ajw_consent.group_officer",
        ),
        "res.company.ajw_consent_invitation_interval": "",
        "res.company.ajw_consent_renewal_days": "",
        "res.company.ajw_consent_invitation_validity": "",
        "res.config.settings.ajw_consent_invitation_interval": "",
        "res.config.settings.ajw_consent_renewal_days": "",
        "res.config.settings.ajw_consent_invitation_validity": "",
        "res.partner.ajw_consent_count": "ajw_consent.group_user",
        "res.partner.ajw_consent_minor": "ajw_consent.group_user",
        "res.partner.ajw_consent_origin_id": "ajw_consent.group_user",
        "res.partner.ajw_consent_origin_ids": "ajw_consent.group_user",
        "res.partner.ajw_consent_origin_kind": "ajw_consent.group_user",
        "res.partner.ajw_consent_overview": "ajw_consent.group_user",
        "res.partner.ajw_consent_state_ids": "ajw_consent.group_user",
        "res.partner.ajw_consent_unproven": ".",
    }

    # -- rows ------------------------------------------------------------------------------------

    def _event_of(self, company, kind="refused"):
        partner = self._create_partner("Matrix Customer", self.number)
        return self.env["ajw.consent.event"]._record(
            company, partner, self.purpose_invoice, "whatsapp", self.number, kind, "spoken"
        )

    def row_ajw_consent_event(self, company):
        event = self._event_of(company)
        values = event.read(load=False)[0]
        values = {
            name: value
            for name, value in values.items()
            if event._fields[name].store and name != "id"
        }
        return Row(event, {**values, "uuid": str(uuid.uuid4())}, {"kind": "given"}, guarded=True)

    def row_ajw_consent_evidence(self, company):
        event = self._event_of(company)
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        values = {"event_id": event.id, "company_id": company.id, "subject_id": event.subject_id.id}
        return Row(evidence, values, {"name": "Another"}, guarded=True)

    def row_ajw_consent_report(self, company):
        event = self._event_of(company)
        self.env.flush_all()
        report = self.env["ajw.consent.report"].browse(event.id)
        return Row(report, {"company_id": company.id, "given": 1}, {"given": 1}, guarded=True)

    def row_ajw_consent_state(self, company):
        event = self._event_of(company)
        state = self.env["ajw.consent.state"].search([("event_id", "=", event.id)])
        values = {
            "company_id": company.id,
            "subject_id": event.subject_id.id,
            "purpose_id": self.purpose_order.id,
            "channel": "whatsapp",
            "status": "given",
            "event_id": event.id,
            "since": event.occurred_at,
        }
        return Row(state, values, {"status": "given"}, guarded=True)

    def row_ajw_consent_state_action_withdraw(self, company):
        self._opt_in(self.partner)
        return Row(self.partner.ajw_consent_state_ids, {}, {})

    def row_ajw_consent_subject(self, company):
        values = {"company_id": company.id, "partner_id": self.partner.id}
        subject = self.env["ajw.consent.subject"].create(dict(values))
        return Row(subject, values, {"revision": 9})

    def row_ajw_consent_purpose(self, company):
        purpose = self.env["ajw.consent.purpose"].create({"name": "Matrix", "code": "matrix"})
        return Row(purpose, {"name": "Matrix 2", "code": "matrix_2"}, {"name": "Renamed"})

    def row_ajw_consent_notice(self, company):
        values = {"company_id": company.id, "lang": "en_US", "title": "Messages"}
        return Row(self.env["ajw.consent.notice"].create(dict(values)), values, {"title": "Others"})

    def row_ajw_consent_record(self, company):
        values = {
            "partner_id": self.partner.id,
            "company_id": company.id,
            "decision": "refused",
            "address": self.number,
            "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
        }
        record = self.env["ajw.consent.record"].create(dict(values))
        return Row(record, values, {"note": "He said so."}, own=True)

    def row_res_partner(self, company):
        return Row(self.partner, {}, {})

    def row_res_company(self, company):
        return Row(company, {}, {})

    def row_ajw_consent_card(self, company):
        values = {"company_id": company.id}
        card = self.env["ajw.consent.card"].create(dict(values))
        return Row(card, values, {"size": "a5"}, guarded=True, own=True)

    def row_ajw_consent_card_action_print(self, company):
        # An addon that connects a WhatsApp number says which it is.
        companies = type(self.env["res.company"])
        self.patch(companies, "_ajw_card_number", lambda company: "919876543210")
        return self.row_ajw_consent_card(company)

    row_ajw_consent_card_action_renew = row_ajw_consent_card_action_print

    def row_ajw_consent_invitation(self, company, **values):
        values = {
            "company_id": company.id,
            "partner_id": self.partner.id,
            "email": "customer@example.com",
            "address": self.number,
            **values,
        }
        invitation = self.env["ajw.consent.invitation"].create(dict(values))
        return Row(invitation, {**values, "email": "x@example.com"}, {"failure_reason": "None"})

    def row_ajw_consent_invitation_action_retry(self, company):
        return self.row_ajw_consent_invitation(company, state="failed")

    def row_ajw_consent_invitation_batch(self, company):
        values = {"company_id": company.id, "user_id": self.consent_user.id}
        batch = self.env["ajw.consent.invitation.batch"].create(dict(values))
        return Row(batch, values, {"skipped": "1 × nobody"})

    def row_ajw_consent_invitation_batch_action_retry_failed(self, company):
        row = self.row_ajw_consent_invitation_batch(company)
        self.row_ajw_consent_invitation(company, state="failed", batch_id=row.record.id)
        return row

    def row_ajw_consent_invitation_batch_action_cancel_queued(self, company):
        row = self.row_ajw_consent_invitation_batch(company)
        self.row_ajw_consent_invitation(company, batch_id=row.record.id)
        return row

    def row_ajw_consent_invite(self, company):
        self.partner.email = "customer@example.com"
        values = {
            "company_id": company.id,
            "partner_ids": [(6, 0, self.partner.ids)],
            "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
        }
        invite = self.env["ajw.consent.invite"].create(dict(values))
        changes = {"purpose_ids": [(6, 0, self.purpose_order.ids)]}
        return Row(invite, values, changes, guarded=True, own=True)

    def row_ajw_consent_invite_line(self, company):
        row = self.row_ajw_consent_invite(company)

        def values(env):
            wizard = env["ajw.consent.invite"].create(row.values(env))
            env.flush_all()  # its own lines are made before another joins them
            return {"wizard_id": wizard.id, "email": "customer@example.com"}

        return Row(row.record.line_ids, values, {"remark": "None"}, guarded=True, own=True)

    def row_ajw_consent_origin(self, company):
        values = {"partner_id": self.partner.id, "company_id": company.id, "kind": "customer"}
        origin = self.env["ajw.consent.origin"].create(dict(values))
        return Row(origin, values, {"kind": "event"}, guarded=True)

    def row_ajw_consent_origin_record(self, company):
        values = {
            "company_id": company.id,
            "partner_ids": [(6, 0, self.partner.ids)],
            "kind": "customer",
        }
        record = self.env["ajw.consent.origin.record"].create(dict(values))
        return Row(record, values, {"kind": "event"}, own=True)

    def row_ajw_consent_proof_export(self, company):
        values = {"company_ids": [(6, 0, company.ids)]}
        export = self.env["ajw.consent.proof.export"].create(dict(values))
        return Row(export, values, {"with_evidence": True})

    def _exported(self, company):
        self._event_of(company)
        officer = self.users["officer" if company == self.company else "officer_b"]
        exports = self.env["ajw.consent.proof.export"].with_env(self._env_of(officer))
        export = exports.create({"company_ids": [(6, 0, company.ids)], "with_evidence": True})
        export.action_export()
        return Row(export.with_env(self.env), {}, {})

    row_ajw_consent_proof_export_action_confirm_stored = _exported
    row_ajw_consent_proof_export_action_download = _exported
    row_ajw_consent_proof_export_action_download_evidence = _exported

    def row_ajw_consent_proof_export_line(self, company):
        line = self._exported(company).record.line_ids
        values = {"export_id": line.export_id.id, "company_id": company.id, "event_count": 9}
        return Row(line, values, {"event_count": 9})


#: What everybody who asks on a public page is told: 200 and a sentence, or 404.
TOKENS = (
    Case("invitation", 200),
    Case("invitation_expired", 200),
    Case("invitation_cancelled", 200),
    Case("invoice_qr", 200),
    Case("invoice_qr_forged", 200),
    Case("invitation_unknown", 404),
)
CARDS = (Case("card", 200), Case("card_renewed", 404), Case("card_unknown", 404))


@tagged("-at_install", "post_install")
class TestRouteMatrix(
    preference.PreferenceAsks, NoticeAsks, RouteMatrixMixin, ConsentCommonMixin, HttpCase
):
    addon = "ajw_consent"
    # Whoever holds the link or stands before the card may answer, whoever they are; nobody else's
    # answer is touched, and what is no link of ours changes nothing.
    ROUTES = preference.ROUTES | {
        "GET /ajw/consent/notice/<string:key>": Route(
            "public",
            True,
            (
                Case("notices", 200),
                Case("notices_unknown", 404),
                Case("notices_no_such_version", 404),
            ),
        ),
        "GET /ajw_consent/notice/<int:notice_id>/preview": Route(
            "user",
            True,
            (
                # Whoever may read the notice; the others do not learn that there is one.
                Case(
                    "preview",
                    404,
                    {"anonymous": 303, "consent_user": 200, "officer": 200},
                    shows="consent_user wa_user manager officer",
                ),
                Case("preview_unknown", 404, {"anonymous": 303}),
            ),
        ),
        "GET /ajw_consent/card/<string:key>": Route("public", True, CARDS),
        "POST /ajw_consent/card/<string:key>": Route(
            "public",
            True,
            # It counts how often is asked, too.
            (CARDS[0]._replace(changes="*"), *CARDS[1:], Case("card_without_notice", 200)),
        ),
        "GET /ajw_consent/invitation/<string:token>": Route("public", True, TOKENS),
        "POST /ajw_consent/invitation/<string:token>": Route(
            "public",
            True,
            (
                TOKENS[0]._replace(changes="*"),
                Case("invoice_qr", 200, changes="*"),
                *(case for case in TOKENS[1:] if case.target != "invoice_qr"),
            ),
        ),
    }

    def setUp(self):
        super().setUp()
        # An addon that connects a WhatsApp number says which it is.
        companies = type(self.env["res.company"])
        self.patch(companies, "_ajw_card_number", lambda company: "919876543210")
        # The first use of the keys is noted in the database; here they were used before.
        self.env["ajw.consent.keyring"]._check()

    def _form(self, **values):
        return {"notice": self.notice.digest, "purpose": self.purpose_invoice.id, **values}

    def ask_card(self, **values):
        url = self.company._ajw_card_url().removeprefix(self.company.get_base_url())
        return Ask(url, self._form(number="+919876500007", name="Asha", **values))

    def ask_card_without_notice(self):
        return self.ask_card(notice="")

    def ask_card_renewed(self):
        """A card of before the last renewal."""
        ask = self.ask_card()
        self.company._ajw_card_url(renew=True)
        return ask

    def ask_card_unknown(self):
        return Ask("/ajw_consent/card/unknown", self._form(number="+919876500007"))

    def ask_invitation(self, **values):
        token = new_token()
        self.env["ajw.consent.invitation"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.partner.id,
                "email": "customer@example.com",
                "address": self.number,
                "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
                "state": "sent",
                "token_hash": token_digest(token),
                "expires_at": fields.Datetime.now() + timedelta(days=1),
                **values,
            }
        )
        return Ask(f"/ajw_consent/invitation/{token}", self._form(decision="agree"))

    def ask_invitation_expired(self):
        return self.ask_invitation(expires_at=fields.Datetime.now() - timedelta(seconds=1))

    def ask_invitation_cancelled(self):
        return self.ask_invitation(state="cancelled")

    def ask_invitation_unknown(self):
        return Ask(f"/ajw_consent/invitation/{new_token()}", self._form(decision="agree"))

    def ask_invoice_qr(self):
        token = self.env["ajw.consent.invitation"]._qr_token(
            self.company, self.partner, self.number
        )
        return Ask(f"/ajw_consent/invitation/{token}", self._form(decision="agree"))

    def ask_invoice_qr_forged(self):
        """Signed for something else, in the same database."""
        values = [self.partner.id, self.company.id, "0" * 16]
        token = hash_sign(self.env, "another scope", values, expiration_hours=24)
        return Ask(f"/ajw_consent/invitation/{token}", self._form(decision="agree"))
