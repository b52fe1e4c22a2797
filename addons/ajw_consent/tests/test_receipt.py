import json
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .preference_common import PreferenceCommon, PreferenceHttpCommon


@tagged("-at_install", "post_install")
class TestReceipt(PreferenceCommon):
    """What a person can keep of an answer."""

    def setUp(self):
        super().setUp()
        self.event = self._opt_in(self.partner)
        self.Receipt = self.env["ajw.consent.receipt"]

    def test_W7_it_matches_the_ledger(self):
        content = self.Receipt._content(self.event)
        self.assertEqual(content["x_ledger"]["hash"], self.event.hash)
        self.assertEqual(content["x_ledger"]["previous_hash"], self.event.prev_hash)
        self.assertEqual(content["pii_principal_id"], self.event.subject_uuid)
        self.assertEqual(content["pii_processing"]["x_notice"]["digest_sha256"], self.notice.digest)
        purpose = content["pii_processing"]["purposes"][0]
        self.assertEqual(purpose["pii_information"][0]["x_value"], self.number)
        self.assertEqual(content["dpv:hasConsentStatus"], "dpv:ConsentGiven")
        self.assertEqual(content["party_identification"][0]["party_name"], "Ledger Trading")

    def test_a_withdrawal_names_the_wording_of_its_opt_in(self):
        withdrawal = self._withdraw(self.partner)
        content = self.Receipt._content(withdrawal)
        self.assertEqual(content["dpv:hasConsentStatus"], "dpv:ConsentWithdrawn")
        self.assertEqual(content["pii_processing"]["x_notice"]["digest_sha256"], self.notice.digest)

    def test_C2_it_names_the_purpose_as_the_person_read_it(self):
        read = self.notice._line_of(self.purpose_invoice).name
        withdrawal = self._withdraw(self.partner)
        self.purpose_invoice.name = "Renamed since"
        names = (self.event | withdrawal)._ajw_shown_names()
        self.assertEqual(names, dict.fromkeys((self.event.id, withdrawal.id), read))
        for event in (self.event, withdrawal):
            purpose = self.Receipt._content(event)["pii_processing"]["purposes"][0]
            self.assertEqual(purpose["purpose"], read)
        # Who said no without having read a wording answered to what it is called now.
        no = self.env["ajw.consent.event"]._record(
            self.company,
            self.partner,
            self.purpose_order,
            "whatsapp",
            self.number,
            "refused",
            "spoken",
        )
        self.purpose_order.name = "Orders, renamed"
        self.assertEqual(no._ajw_shown_names(), {no.id: "Orders, renamed"})

    def test_names_of_many_answers_cost_as_many_queries_as_of_one(self):
        withdrawal = self._withdraw(self.partner)
        others = self.env["ajw.consent.event"].browse()
        for index in range(5):
            partner = self._create_partner(f"Customer {index}", f"+9198765437{index:02}")
            others |= self._opt_in(partner) | self._withdraw(partner)

        def queries(events):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            events._ajw_shown_names()
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(queries(others), queries(withdrawal))

    def test_erased_evidence_leaves_a_receipt_without_the_address(self):
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", self.event.id)])
        self.env.cr.execute("DELETE FROM ajw_consent_evidence WHERE id = %s", [evidence.id])
        self.env.invalidate_all()
        content = self.Receipt._content(self.event)
        purpose = content["pii_processing"]["purposes"][0]
        self.assertIsNone(purpose["pii_information"][0]["x_value"])
        self.assertNotIn(self.number, json.dumps(content))

    def test_pdf_says_the_same(self):
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("ajw_consent.report_receipt", self.event.ids)[0]
            .decode()
        )
        for text in (self.event.uuid, self.event.hash, self.number, self.notice.recipients):
            self.assertIn(text, html)

    def test_W2_users_get_those_of_their_company_only(self):
        other = self.env["res.company"].create({"name": "Foreign Trading"})
        outsider = self._create_user(
            "foreign_officer",
            "ajw_consent.group_officer",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for method in ("action_download_receipt", "action_download_receipt_json", "_ajw_receipt"):
            with self.assertRaises(AccessError):
                getattr(self.event.with_user(outsider), method)()
            self.assertTrue(getattr(self.event.with_user(self.consent_user), method)())

    def test_link_is_signed_for_these_events_and_ends(self):
        token = self.Receipt._token(self.event)
        self.assertEqual(self.Receipt._events_of(token), self.event)
        for forged in (token[:-3] + "AAA", "x" * 43, "", token[1:]):
            self.assertFalse(self.Receipt._events_of(forged))
        with patch.object(type(self.Receipt), "_scope", lambda self: "another.database"):
            self.assertFalse(self.Receipt._events_of(token))
        self.customer.active = False
        self.partner.active = False
        self.assertFalse(self.Receipt._events_of(token), "an archived person's link is dead")

    def test_mail_confirms_giving_and_withdrawing_and_not_refusing(self):
        decide = self.env["ajw.consent.preference"]._decide

        def mails(decision, purpose):
            before = self.env["mail.mail"].search([])
            arguments = (self.controller, self.partner, decision, [self._key(purpose)], "portal")
            outcome = decide(*arguments, notice=self.notice)
            self.assertFalse(outcome.problem)
            return self.env["mail.mail"].search([]) - before

        given = mails("give", self.purpose_order)
        self.assertEqual(given.email_to, self.partner.email_formatted)
        self.assertIn("/ajw_consent/receipt/", given.body_html)
        self.assertEqual(len(mails("withdraw", self.purpose_order)), 1)
        service = self.env.ref("ajw_consent.purpose_service")
        self.assertFalse(mails("refuse", service))
        # What waits for a confirmation has a mail of its own.
        self.assertFalse(mails("give", self.purpose_marketing))
        self.company.ajw_consent_receipt_mail = False
        self.assertFalse(mails("give", self.env.ref("ajw_consent.purpose_reminder")))

    def test_C2_the_email_names_the_purpose_as_the_person_read_it(self):
        read = self.notice._line_of(self.purpose_order).name
        self.purpose_order.name = "Renamed since"
        before = self.env["mail.mail"].search([])
        self.env["ajw.consent.preference"]._decide(
            *(self.controller, self.partner, "give", [self._key(self.purpose_order)], "portal"),
            notice=self.notice,
        )
        mail = self.env["mail.mail"].search([]) - before
        self.assertIn(read, mail.body_html)
        self.assertNotIn("Renamed since", mail.body_html)

    def test_an_answer_stands_without_its_email(self):
        template = type(self.env["mail.template"])
        with (
            patch.object(template, "send_mail", side_effect=ValueError("customer@example.com")),
            self.assertLogs("odoo.addons.ajw_consent", "WARNING") as logs,
        ):
            outcome = self.env["ajw.consent.preference"]._decide(
                self.controller,
                self.partner,
                "give",
                [self._key(self.purpose_order)],
                "portal",
                notice=self.notice,
            )
        self.assertEqual(outcome.events.kind, "given")
        self.assertNotIn("customer@example.com", str(logs.output))


@tagged("-at_install", "post_install")
class TestReceiptPage(PreferenceHttpCommon):
    """The page of a receipt's link."""

    def test_download(self):
        event = self._opt_in(self.partner)
        token = self.env["ajw.consent.receipt"]._token(event)
        self.env.flush_all()
        before = self._preference_counts()
        page = self.url_open(f"/ajw_consent/receipt/{token}").text
        self.assertIn(event.hash, page)
        self.assertNotIn(self.number, page)
        receipt = self.url_open(f"/ajw_consent/receipt/{token}/json")
        self.assertEqual(receipt.json()["record_id"], event.uuid)
        self.assertIn("attachment", receipt.headers["Content-Disposition"])
        with mute_logger("odoo.http"):
            for path in (f"{token}/exe", f"{token[:-2]}AA/json", "x/pdf"):
                page = self.url_open(f"/ajw_consent/receipt/{path}")
                self.assertEqual(page.status_code, 404)
            dead = self.url_open(f"/ajw_consent/receipt/{token[:-2]}AA")
        self.assertEqual(self._problem(dead), ["receipt_gone"])
        self.assertEqual(self._preference_counts(), before)

    def test_users_download_json(self):
        event = self._opt_in(self.partner)
        self.env.flush_all()
        self.authenticate("consent_user", "consent_user")
        url = f"/ajw_consent/receipts.json?ids={event.id}"
        self.assertEqual(self.url_open(url).json()["record_id"], event.uuid)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open("/ajw_consent/receipts.json?ids=x").status_code, 404)
            self.authenticate("preference_customer", "preference_customer")
            self.assertEqual(self.url_open(url).status_code, 403)
