"""Rows and requests of preferences, double opt-in and receipts for the matrices of rights."""

from datetime import timedelta

from odoo import fields

from ..tools.invitation import new_token, token_digest
from .access_matrix import Row
from .access_matrix_routes import Ask, Case, Route

MODELS = {
    "ajw.consent.confirmation": {"consent_user": "r", "officer": "r"},
    "ajw.consent.mail.queue": {},
    "ajw.consent.mailed.link": {},
    "ajw.consent.message.code": {},
    "ajw.consent.preference": {},
    "ajw.consent.preference.link": {"consent_user": "r", "officer": "r"},
    "ajw.consent.preference.send": {"consent_user": "crwu", "officer": "crwu"},
    "ajw.consent.receipt": {},
}
WITHOUT_COMPANY_RULE = {"ajw.consent.preference.send": "everybody works on forms of their own"}
METHODS = {
    "ajw.consent.confirmation.action_cancel": "consent_user officer",
    "ajw.consent.confirmation.action_open_events": "consent_user officer",
    "ajw.consent.confirmation.action_resend": "consent_user officer",
    "ajw.consent.event.action_download_receipt": "consent_user officer",
    "ajw.consent.event.action_download_receipt_json": "consent_user officer",
    "ajw.consent.preference.link.action_cancel": "consent_user officer",
    "ajw.consent.preference.send.action_hand_over": "consent_user officer",
    "res.partner.ajw_action_send_preferences": "consent_user officer officer_b manager_b",
}
CRONS = ("ajw_consent.ir_cron_confirmation",)
FIELDS = {
    f"{model}.{name}": ""
    for model in ("res.company", "res.config.settings")
    for name in ("ajw_consent_confirmation_validity", "ajw_consent_receipt_mail")
}


class PreferenceRows:
    """Factories for the matrix of models and methods."""

    def row_ajw_consent_confirmation(self, company):
        self.partner.email = "customer@example.com"
        event = self.env["ajw.consent.event"]._record(
            company, self.partner, self.purpose_order, "whatsapp", self.number, "refused", "spoken"
        )
        values = {
            "company_id": company.id,
            "subject_id": event.subject_id.id,
            "partner_id": self.partner.id,
            "channel": "whatsapp",
            "address": self.number,
            "email": "customer@example.com",
            "purpose_ids": [(6, 0, self.purpose_marketing.ids)],
            "state": "sent",
            "expires_at": fields.Datetime.now() + timedelta(days=1),
        }
        row = self.env["ajw.consent.confirmation"].create(dict(values))
        return Row(row, values, {"state": "confirmed"})

    def row_ajw_consent_preference_link(self, company):
        values = {
            "company_id": company.id,
            "partner_id": self.partner.id,
            "email": "customer@example.com",
            "state": "sent",
            "expires_at": fields.Datetime.now() + timedelta(days=1),
        }
        link = self.env["ajw.consent.preference.link"].create(dict(values))
        return Row(link, values, {"state": "answered"})

    def row_ajw_consent_preference_send(self, company):
        self.partner.email = "customer@example.com"
        values = {"partner_id": self.partner.id, "company_id": company.id, "way": "email"}
        wizard = self.env["ajw.consent.preference.send"].create(dict(values))
        return Row(wizard, values, {"way": "qr_code"}, guarded=True, own=True)


LINK_CASES = (
    Case("{0}", 200),
    Case("{0}_expired", 200),
    Case("{0}_cancelled", 200),
    Case("{0}_unknown", 404),
)


def _cases(target, changes=""):
    cases = [case._replace(target=case.target.format(target)) for case in LINK_CASES]
    return (cases[0]._replace(changes=changes), *cases[1:])


#: Whoever is logged in has a page of their own; only the customer has something on it.
LOGIN = {"anonymous": 303}
MINE = {"anonymous": 303, "customer": 200}
ROUTES = {
    "GET /my/consents": Route("user", True, (Case("my_consents", 200, LOGIN, shows="customer"),)),
    "POST /my/consents/answer": Route(
        "user", True, (Case("my_answer", 303, changes="customer"), Case("my_answer_foreign", 303))
    ),
    "POST /my/consents/confirmation": Route(
        "user", True, (Case("my_confirmation", 303, changes="customer"),)
    ),
    "GET /my/consents/receipt/<int:event_id>/<string:form>": Route(
        "user",
        True,
        (Case("my_receipt", 404, MINE, shows="customer"), Case("my_receipt_unknown", 404, LOGIN)),
    ),
    "GET /my/consents/wording/<int:event_id>": Route(
        "user",
        True,
        (Case("my_wording", 404, MINE, shows="customer"), Case("my_wording_unknown", 404, LOGIN)),
    ),
    "GET /ajw_consent/preferences/<string:token>": Route("public", True, _cases("preferences")),
    "POST /ajw_consent/preferences/<string:token>": Route(
        "public", True, _cases("preferences", "*")
    ),
    "GET /ajw_consent/confirm/<string:token>": Route("public", True, _cases("confirm")),
    "POST /ajw_consent/confirm/<string:token>": Route("public", True, _cases("confirm", "*")),
    "GET /ajw_consent/receipt/<string:token>": Route(
        "public", True, (Case("receipt", 200), Case("receipt_forged", 404))
    ),
    "GET /ajw_consent/receipt/<string:token>/<string:form>": Route(
        "public", True, (Case("receipt_json", 200), Case("receipt_json_forged", 404))
    ),
    "GET /ajw_consent/receipts.json": Route(
        "user",
        True,
        (Case("receipts", 403, {"anonymous": 303, "consent_user": 200, "officer": 200}),),
    ),
}


class PreferenceAsks:
    """Requests for the matrix of routes."""

    def _opted_in(self, partner=None, purpose=None):
        return self.env["ajw.consent.event"]._record(
            self.company,
            partner or self.partner,
            purpose or self.purpose_invoice,
            "whatsapp",
            self.number,
            "given",
            "in_person",
            notice=self.notice,
        )

    def _mine(self):
        """The customer's own contact, with a number."""
        partner = self.users["customer"].partner_id
        partner.write({"phone": self.number, "country_id": self.env.ref("base.in").id})
        self._note_changes()
        return partner

    def _note_changes(self):
        """Have contacts note their changes now, as at the end of a request."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def ask_my_consents(self):
        self._mine()
        return Ask("/my/consents", tells=self.number)

    def ask_my_answer(self):
        self._mine()
        form = {"company": self.company.id, "decision": "refuse"}
        return Ask("/my/consents/answer", {**form, "choice": f"{self.purpose_order.id}-whatsapp"})

    def ask_my_answer_foreign(self):
        """An answer of another contact, by its number."""
        state = self._opted_in().subject_id.state_ids
        form = {"company": self.company.id, "decision": "withdraw", "choice": f"s-{state.id}"}
        return Ask("/my/consents/answer", form)

    def ask_my_confirmation(self):
        partner = self._mine()
        partner.email = "customer@example.com"
        self._note_changes()
        self._opted_in(partner, self.purpose_marketing)
        row = self.env["ajw.consent.confirmation"].search([("partner_id", "=", partner.id)])
        return Ask("/my/consents/confirmation", {"confirmation": row.id, "way": "email"})

    def ask_my_receipt(self):
        event = self._opted_in(self._mine())
        return Ask(f"/my/consents/receipt/{event.id}/json", tells=event.hash)

    def ask_my_receipt_unknown(self):
        return Ask("/my/consents/receipt/999999999/json")

    def ask_my_wording(self):
        event = self._opted_in(self._mine())
        return Ask(f"/my/consents/wording/{event.id}", tells=self.notice.recipients)

    def ask_my_wording_unknown(self):
        return Ask("/my/consents/wording/999999999")

    def ask_preferences(self, **values):
        token = new_token()
        self.env["ajw.consent.preference.link"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.partner.id,
                "state": "sent",
                "token_hash": token_digest(token),
                "expires_at": fields.Datetime.now() + timedelta(days=1),
                **values,
            }
        )
        form = {"decision": "refuse", "choice": f"{self.purpose_order.id}-whatsapp"}
        return Ask(f"/ajw_consent/preferences/{token}", form)

    def ask_preferences_expired(self):
        return self.ask_preferences(expires_at=fields.Datetime.now() - timedelta(seconds=1))

    def ask_preferences_cancelled(self):
        return self.ask_preferences(state="cancelled")

    def ask_preferences_unknown(self):
        return Ask(f"/ajw_consent/preferences/{new_token()}", self.ask_preferences().form)

    def ask_confirm(self, **values):
        self._opted_in(purpose=self.purpose_marketing)
        row = self.env["ajw.consent.confirmation"].search([("partner_id", "=", self.partner.id)])
        token = new_token()
        row.write({"state": "sent", "token_hash": token_digest(token), **values})
        return Ask(f"/ajw_consent/confirm/{token}", {"decision": "confirm"})

    def ask_confirm_expired(self):
        return self.ask_confirm(expires_at=fields.Datetime.now() - timedelta(seconds=1))

    def ask_confirm_cancelled(self):
        return self.ask_confirm(state="cancelled")

    def ask_confirm_unknown(self):
        return Ask(f"/ajw_consent/confirm/{new_token()}", {"decision": "confirm"})

    def ask_receipt(self, ending="", forged=False):
        token = self.env["ajw.consent.receipt"]._token(self._opted_in())
        if forged:
            token = new_token()
        return Ask(f"/ajw_consent/receipt/{token}{ending}")

    def ask_receipt_forged(self):
        return self.ask_receipt(forged=True)

    def ask_receipt_json(self):
        return self.ask_receipt("/json")

    def ask_receipt_json_forged(self):
        return self.ask_receipt("/json", forged=True)

    def ask_receipts(self):
        event = self._opted_in()
        return Ask(f"/ajw_consent/receipts.json?ids={event.id}")
