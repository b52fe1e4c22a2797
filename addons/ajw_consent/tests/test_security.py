from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tests.common import HttpCase

from .common import ConsentCommon, ConsentCommonMixin

MODELS = ("notice", "subject", "event", "state", "evidence")


@tagged("-at_install", "post_install")
class TestSecurity(ConsentCommon):
    def test_W2_other_companies_see_nothing(self):
        self._opt_in(self.partner)
        other = self.env["res.company"].create({"name": "Other Controller"})
        stranger = self._create_user(
            "stranger",
            "ajw_consent.group_officer",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for name in MODELS:
            model = self.env[f"ajw.consent.{name}"].with_user(stranger)
            ours = self.env[f"ajw.consent.{name}"].search([("company_id", "=", self.company.id)])
            self.assertTrue(ours, name)
            self.assertFalse(model.search([("id", "in", ours.ids)]), name)
            with self.assertRaises(AccessError):
                model.browse(ours.ids).read(["company_id"])
        with self.assertRaises(AccessError):
            self.partner.ajw_consent_state_ids.with_user(stranger).action_withdraw()

    def test_branches_share_the_consent_of_their_head(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.assertEqual(branch.ajw_consent_controller_id, self.company)
        self._opt_in(self.partner)
        clerk = self._create_user(
            "clerk",
            "ajw_consent.group_user",
            company_id=branch.id,
            company_ids=[(6, 0, branch.ids)],
        )
        self.assertEqual(branch.with_user(clerk).ajw_consent_controller_id.id, self.company.id)
        self.assertTrue(self.partner.with_user(clerk).ajw_consent_state_ids)

    def test_A6_rights_by_role(self):
        self._opt_in(self.partner)
        internal = self._create_user("internal_only", "base.group_user")
        portal = self._create_user("portal_only", "base.group_portal")
        for name in MODELS:
            for user in (internal, portal, self.env.ref("base.public_user")):
                with self.assertRaises(AccessError, msg=f"{name} {user.login}"):
                    self.env[f"ajw.consent.{name}"].with_user(user).search([])
        with self.assertRaises(AccessError):
            self.env["ajw.consent.evidence"].with_user(self.consent_user).search([])
        self.assertTrue(self.env["ajw.consent.evidence"].with_user(self.officer).search([]))
        for user in (self.consent_user, self.officer):
            for name in ("subject", "event", "state", "evidence"):
                records = self.env[f"ajw.consent.{name}"].sudo().search([], limit=1).with_user(user)
                for operation in (lambda r=records: r.write({"company_id": False}), records.unlink):
                    with self.assertRaises(UserError):
                        operation()
        with self.assertRaises(AccessError):
            self.env["ajw.consent.event"].with_user(self.consent_user).action_verify()
        action = self.env["ajw.consent.event"].with_user(self.officer).action_verify()
        self.assertEqual(action["res_model"], "ajw.consent.verify")

    def test_nobody_is_officer_by_implication(self):
        officer = self.env.ref("ajw_consent.group_officer")
        self.assertFalse(self.env["res.groups"].search([("implied_ids", "in", officer.ids)]))


@tagged("-at_install", "post_install")
class TestRpc(ConsentCommonMixin, HttpCase):
    def rpc(self, model, method, args, kwargs=None):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs or {}},
        )

    def test_ledger_cannot_be_written_over_rpc(self):
        self._opt_in(self.partner)
        count = self.env["ajw.consent.event"].search_count([])
        state = self.partner.ajw_consent_state_ids
        self.authenticate("consent_officer", "consent_officer")
        forged_context = {"context": {"ajw_ledger": {}, "ajw_publishing": True}}
        for model, method, args in (
            ("ajw.consent.event", "create", [[{"uuid": "x"}]]),
            ("ajw.consent.event", "write", [state.event_id.ids, {"kind": "renewed"}]),
            ("ajw.consent.event", "unlink", [state.event_id.ids]),
            ("ajw.consent.event", "_record", [1, 1, 1, "whatsapp", self.number, "given", "paper"]),
            (
                "ajw.consent.event",
                "_append",
                [[], [], "whatsapp", "", "given", "paper", None, {}, None],
            ),
            ("ajw.consent.state", "write", [state.ids, {"status": "withdrawn"}]),
            ("ajw.consent.state", "_rebuild", [[]]),
            ("ajw.consent.evidence", "write", [[1], {"name": "x"}]),
            ("ajw.consent.gate", "_check", [1, 1, "whatsapp", []]),
            ("ajw.consent.notice", "write", [self.notice.ids, {"body": "x"}]),
        ):
            with self.subTest(model=model, method=method):
                with self.assertRaises(Exception) as raised:
                    self.rpc(model, method, args, forged_context)
                self.assertIn(
                    "odoo.exceptions", str(raised.exception) + repr(raised.exception.args)
                )
        self.assertEqual(self.env["ajw.consent.event"].search_count([]), count)
        self.assertEqual(state.status, "given")
