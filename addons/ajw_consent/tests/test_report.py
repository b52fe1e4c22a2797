from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestReport(ConsentCommon):
    """Figures follow the fold of the ledger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = fields.Datetime.now()
        cls.others = [
            cls._create_partner(f"C{index}", f"+9198765001{index:02}") for index in range(4)
        ]

    def _event(self, kind, days, partner=None, method="in_person", **values):
        partner = partner or self.partner
        return self.env["ajw.consent.event"]._record(
            values.pop("controller", self.controller),
            partner,
            values.pop("purposes", self.purpose_invoice),
            "whatsapp",
            values.pop("address", partner.phone_sanitized),
            kind,
            method,
            notice=self.notice if kind in ("given", "renewed") else None,
            occurred_at=self.now - timedelta(days=days),
            **values,
        )

    def _sums(self, *domain, groupby=()):
        self.env.flush_all()
        rows = (
            self.env["ajw.consent.report"]
            .with_user(self.consent_user)
            .with_company(self.company)
            ._read_group(
                [("purpose_id", "=", self.purpose_invoice.id), *domain],
                groupby,
                ["given:sum", "refused:sum", "withdrawn:sum", "lapsed:sum", "net:sum", "rate:avg"],
            )
        )
        return rows if groupby else rows[0]

    def _in_force(self):
        return self.env["ajw.consent.state"].search_count(
            [
                ("company_id", "=", self.controller.id),
                ("purpose_id", "=", self.purpose_invoice.id),
                ("status", "=", "given"),
            ]
        )

    def test_given_refused_withdrawn(self):
        for partner in self.others[:3]:
            self._event("given", 20, partner)
        self._event("refused", 20, self.others[3])
        self._event("withdrawn", 5, self.others[0])
        self.assertEqual(self._sums(), (3, 1, 1, 0, 2, 75.0))
        self.assertEqual(self._in_force(), 2)

    def test_what_changes_nothing_counts_nothing(self):
        self._event("withdrawn", 30)
        self._event("given", 20)
        self._event("given", 19)
        self._event("withdrawn", 10)
        self._event("withdrawn", 9)
        given, _refused, withdrawn, _lapsed, net, _rate = self._sums()
        self.assertEqual((given, withdrawn, net), (1, 1, 0))
        self.assertEqual(self._in_force(), 0)

    def test_no_to_every_address_ends_all_of_them(self):
        self._event("given", 20)
        self._event("given", 19, address="+919876500099")
        self._event("withdrawn", 10, address=None)
        self.assertEqual(self._sums()[2], 2)
        self._event("given", 5)
        given, _refused, withdrawn, _lapsed, net, _rate = self._sums()
        self.assertEqual((given, withdrawn, net), (3, 2, 1))
        self.assertEqual(self._in_force(), 1)

    def test_unconfirmed_counts_once_confirmed(self):
        self.purpose_invoice.double_opt_in = True
        self._event("given", 20)
        self.assertEqual(self._sums()[:1], (0,))
        self._event("confirmed", 19)
        self.assertEqual((self._sums()[0], self._in_force()), (1, 1))

    def test_lapsed_and_renewed(self):
        self._event("given", 20)
        self._event("renewed", 15)
        self._event("expired", 10)
        self.assertEqual(self._sums(), (1, 0, 0, 1, 0, 100.0))

    def test_rate_by_method(self):
        self._event("given", 9, self.others[0], "web_form")
        self._event("refused", 9, self.others[1], "web_form")
        self._event("given", 9, self.others[2], "paper")
        rates = {method: rate for method, *_sums, rate in self._sums(groupby=["method"])}
        self.assertEqual(rates, {"web_form": 50.0, "paper": 100.0})

    def test_W2_own_company_only(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self._event("refused", 3, controller=other)
        self.assertEqual(self._sums()[1], 0)
        clerk = self._create_user("report_clerk", "base.group_user")
        with self.assertRaises(AccessError):
            self.env["ajw.consent.report"].with_user(clerk).search([])

    def test_names_no_person(self):
        personal = {"res.partner", "ajw.consent.subject", "ajw.consent.state", "res.users"}
        for field in self.env["ajw.consent.report"]._fields.values():
            if field.name not in ("create_uid", "write_uid"):
                self.assertNotIn(field.comodel_name, personal, field.name)

    def test_invite_to_renew_what_expires(self):
        self.partner.email = "customer@example.com"
        self.purpose_invoice.validity_months = 12
        self._event("given", 350)
        action = self.env.ref("ajw_consent.ajw_consent_state_action_expiry")
        states = self.env["ajw.consent.state"].with_user(self.consent_user)
        soon = states.search([("expires_at", ">=", "now"), ("expires_at", "<", "+30d")])
        self.assertEqual(soon.partner_id, self.partner)
        self.assertEqual(action.res_model, "ajw.consent.state")
        wizard = soon.action_invite_to_renew()
        form = Form(
            self.env["ajw.consent.invite"]
            .with_user(self.consent_user)
            .with_context(**wizard["context"])
        )
        self.assertEqual((form.invitee_count, form.skipped_count), (1, 0))
        form.save().action_invite()
        invitation = self.env["ajw.consent.invitation"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self.assertEqual(invitation.purpose_ids, self.purpose_invoice)
