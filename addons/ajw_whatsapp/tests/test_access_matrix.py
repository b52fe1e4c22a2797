"""Who may do what with WhatsApp."""

import json

from odoo import Command, fields
from odoo.orm.models import NO_ACCESS
from odoo.tests import tagged
from odoo.tests.common import HttpCase

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin, Row
from odoo.addons.ajw_consent.tests.access_matrix_routes import Ask, Case, Route, RouteMatrixMixin
from odoo.addons.ajw_consent.tests.access_roles import ROLES, Role

from .common import WhatsappCommon, WhatsappCommonMixin

WHATSAPP_ROLES = ROLES | {
    "wa_user": Role("ajw_whatsapp.group_user"),
    "manager": Role("ajw_whatsapp.group_manager"),
    "billing": Role("account.group_account_invoice"),
    "seller": Role("sales_team.group_sale_salesman"),
}
USERS = "wa_user manager billing seller"
#: Everybody who sends may look at what sending needs.
READ_BY_USERS = {"wa_user": "r", "billing": "r", "seller": "r"}


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, WhatsappCommon):
    addon = "ajw_whatsapp"
    roles = WHATSAPP_ROLES
    stand_in = False

    # c create, r read, w write, u unlink; roles that are not named may do nothing.
    MODELS = {
        "ajw.whatsapp.account": {**READ_BY_USERS, "manager": "crwu"},
        # A batch is as private as the messages in it.
        "ajw.whatsapp.batch": {**READ_BY_USERS, "manager": "r"},
        # Meta's doing, kept by the software.
        "ajw.whatsapp.category.change": {**READ_BY_USERS, "manager": "r"},
        # The forms of sending serve whoever may read the document, here a quotation.
        "ajw.whatsapp.batch.wizard": {"billing": "crwu", "seller": "crwu"},
        "ajw.whatsapp.batch.wizard.line": {"billing": "crwu", "seller": "crwu"},
        "ajw.whatsapp.batch.wizard.reason": {"billing": "crwu", "seller": "crwu"},
        "ajw.whatsapp.composer": {"billing": "crw", "seller": "crw"},
        "ajw.whatsapp.coverage": dict.fromkeys(USERS.split(), "crwu"),
        "ajw.whatsapp.coverage.line": dict.fromkeys(USERS.split(), "crwu"),
        "ajw.whatsapp.document.mixin": {},
        "ajw.whatsapp.error": {},
        # The outbox alone writes. A manager may queue a row about a document they may read.
        "ajw.whatsapp.message": {"billing": "r", "seller": "r", "manager": "r"},
        # Rows come from the sender and from Meta; only the limit itself is a manager's to lower.
        "ajw.whatsapp.limit": {"manager": "r"},
        "ajw.whatsapp.portfolio": {"manager": "rw"},
        # What Meta charges is the same for all companies.
        "ajw.whatsapp.rate": {**READ_BY_USERS, "manager": "crwu", "manager_b": "crwu"},
        "ajw.whatsapp.template": {**READ_BY_USERS, "manager": "crwu"},
        "ajw.whatsapp.template.button": {**READ_BY_USERS, "manager": "crwu"},
        "ajw.whatsapp.template.part": {},
        "ajw.whatsapp.template.variable": {**READ_BY_USERS, "manager": "crwu"},
        "ajw.whatsapp.test.message": {"manager": "crw", "manager_b": "cw"},
        "ajw.whatsapp.webhook.event": {"manager": "r"},
        "ajw.whatsapp.webhook.unhandled": {"manager": "r"},
    }
    WITHOUT_COMPANY_RULE = {
        "ajw.whatsapp.coverage": "everybody works on forms of their own",
        "ajw.whatsapp.batch.wizard.line": "everybody works in wizards of their own",
    }
    FORMS_ON_FOREIGN_ROWS = dict.fromkeys(
        (
            "ajw.whatsapp.batch.wizard",
            "ajw.whatsapp.batch.wizard.line",
            "ajw.whatsapp.batch.wizard.reason",
        ),
        "the form leaves out documents that its user may not read",
    )
    ARGUMENTS = {
        "ajw.whatsapp.account.action_open_check": ("reports",),
        "ajw.whatsapp.account.action_register_number": ("123456",),
    }
    METHODS = {
        "ajw.whatsapp.account.action_generate_verify_token": "manager",
        "ajw.whatsapp.account.action_open_check": "manager",
        "ajw.whatsapp.account.action_refresh_limits": "manager",
        "ajw.whatsapp.account.action_register_number": "manager",
        "ajw.whatsapp.account.action_self_test": "manager",
        "ajw.whatsapp.account.action_setup": "manager",
        "ajw.whatsapp.account.action_setup_back": "manager",
        "ajw.whatsapp.account.action_setup_check": "manager",
        "ajw.whatsapp.account.action_setup_next": "manager",
        "ajw.whatsapp.account.action_subscribe_app": "manager",
        "ajw.whatsapp.account.action_test_message": "manager",
        "ajw.whatsapp.account.action_view_webhook_log": "manager",
        "ajw.whatsapp.account.action_view_accepted": USERS,
        "ajw.whatsapp.account.action_view_category_changes": USERS,
        "ajw.whatsapp.account.action_view_failures": USERS,
        "ajw.whatsapp.account.action_view_queue": USERS,
        "ajw.whatsapp.account.action_view_templates_approved": USERS,
        "ajw.whatsapp.account.action_view_templates_blocked": USERS,
        "ajw.whatsapp.account.action_view_templates_review": USERS,
        "ajw.whatsapp.account.action_view_uncertain": USERS,
        "ajw.whatsapp.batch.action_cancel": "manager",
        "ajw.whatsapp.batch.action_open_documents": USERS,
        "ajw.whatsapp.batch.action_open_failures": USERS,
        "ajw.whatsapp.batch.action_open_messages": USERS,
        "ajw.whatsapp.batch.wizard.action_open_lines": "billing seller",
        "ajw.whatsapp.batch.wizard.action_refresh": "billing seller",
        "ajw.whatsapp.batch.wizard.action_send": "billing seller",
        "ajw.whatsapp.batch.wizard.line.action_fix": "billing seller",
        "ajw.whatsapp.batch.wizard.line.action_invite": "billing seller",
        "ajw.whatsapp.batch.wizard.line.action_open_document": "billing seller",
        "ajw.whatsapp.batch.wizard.reason.action_fix": "billing seller",
        "ajw.whatsapp.batch.wizard.reason.action_invite": "billing seller",
        "ajw.whatsapp.batch.wizard.reason.action_show": "billing seller",
        "ajw.whatsapp.message.action_desk_cancel": "billing seller manager",
        "ajw.whatsapp.message.action_desk_retry": "billing seller",
        "ajw.whatsapp.message.action_desk_retry_uncertain": "billing seller",
        "ajw.whatsapp.message.action_mark_arrived": "billing seller",
        "ajw.whatsapp.message.action_mark_not_arrived": "billing seller",
        "ajw.whatsapp.message.action_open_where": "billing seller manager",
        "account.move.action_ajw_whatsapp_batch": "billing",
        "sale.order.action_ajw_whatsapp_batch": "seller billing",
        "ajw.whatsapp.document.mixin.action_ajw_whatsapp_batch": "",
        "ajw.whatsapp.test.message.action_finish": "manager",
        "ajw.whatsapp.test.message.action_send": "manager",
        "account.move.action_ajw_whatsapp_compose": "billing",
        "account.move.action_ajw_whatsapp_messages": "billing",
        "ajw.whatsapp.account.action_create_starter_templates": "manager",
        "ajw.whatsapp.account.action_remove_secrets": "manager",
        "ajw.whatsapp.account.action_sync_templates": "manager",
        "ajw.whatsapp.account.action_test_connection": "manager",
        "ajw.whatsapp.account.action_view_messages": USERS,
        "ajw.whatsapp.account.action_view_not_handled": "manager",
        "ajw.whatsapp.account.action_view_templates": USERS,
        "ajw.whatsapp.coverage.action_invite": USERS,
        "ajw.whatsapp.coverage.action_open_lines": USERS,
        "ajw.whatsapp.coverage.line.action_invite": USERS,
        "ajw.whatsapp.composer.action_record_consent": "seller billing",
        "ajw.whatsapp.composer.action_send": "seller billing",
        "ajw.whatsapp.document.mixin.action_ajw_whatsapp_compose": "",
        "ajw.whatsapp.document.mixin.action_ajw_whatsapp_messages": "",
        "ajw.whatsapp.message.action_cancel": "billing seller manager",
        "ajw.whatsapp.message.action_open_document": "billing seller manager",
        "ajw.whatsapp.message.action_retry": "billing seller",
        "ajw.whatsapp.template.action_delete_at_meta": "manager",
        "ajw.whatsapp.template.action_submit": "manager",
        "ajw.whatsapp.template.action_sync": "manager",
        "ajw.whatsapp.webhook.event.action_process_again": "manager",
        "ajw.whatsapp.webhook.unhandled.action_view_events": "manager",
        "sale.order.action_ajw_whatsapp_compose": "seller billing",
        "sale.order.action_ajw_whatsapp_messages": "seller billing",
    }
    CLOSED = {
        "ajw.whatsapp.account.copy_data": "it would tell what the server alone reads",
        "ajw.whatsapp.message.copy_data": "it would tell what the server alone reads",
    }
    OPEN_THREADS = {
        "ajw.whatsapp.account": "tells of the account, of no customer",
        "ajw.whatsapp.template": "tells of wording, of no person",
    }
    STOPPED = {"ajw.whatsapp.coverage.action_invite": "nobody was invoiced"}
    REFUSES = dict.fromkeys(
        (
            "ajw.whatsapp.coverage.action_invite",
            "ajw.whatsapp.coverage.action_open_lines",
            "ajw.whatsapp.coverage.line.action_invite",
        ),
        (r"Switch to the company", "says what to do instead, where the company is another one"),
    ) | dict.fromkeys(
        (
            "ajw.whatsapp.message.action_desk_retry",
            "ajw.whatsapp.message.action_desk_retry_uncertain",
        ),
        (r"You may not change the document", "one sentence says what became of many messages"),
    )
    OVERRIDES = (
        "account.move.button_cancel",
        "account.move.button_draft",
        "account.move.write",
        "ajw.consent.purpose.write",
        "ajw.consent.record.action_record",
        "res.company.write",
        "res.partner.create",
        "res.partner.write",
        "sale.order.action_draft",
    )
    FIELDS = {
        "account.move.ajw_opt_in_url": NO_ACCESS,
        "res.company.ajw_consent_qr_on_invoice": "",
        "res.config.settings.ajw_consent_qr_on_invoice": "",
        "ajw.consent.purpose.whatsapp_cap": "",
        "ajw.consent.purpose.whatsapp_cap_days": "",
        "ajw.consent.purpose.whatsapp_quiet_hours": "",
        "res.company.ajw_whatsapp_quiet_from": "",
        "res.company.ajw_whatsapp_quiet_to": "",
        "res.config.settings.ajw_whatsapp_quiet_from": "",
        "res.config.settings.ajw_whatsapp_quiet_to": "",
        "res.company.ajw_whatsapp_renew_in_chat": "",
        "res.config.settings.ajw_whatsapp_renew_in_chat": "",
        "res.company.ajw_whatsapp_email_instead": "",
        "res.config.settings.ajw_whatsapp_email_instead": "",
        "account.move.ajw_whatsapp_message_count": "ajw_whatsapp.group_user",
        "account.move.ajw_whatsapp_state": "ajw_whatsapp.group_user",
        "res.partner.ajw_also_by_whatsapp": "",
        "res.partner.ajw_whatsapp_number": "",
        "sale.order.ajw_whatsapp_message_count": "ajw_whatsapp.group_user",
        "sale.order.ajw_whatsapp_state": "ajw_whatsapp.group_user",
    }
    CRONS = ("ajw_whatsapp.ir_cron_webhook", "ajw_whatsapp.ir_cron_limits")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=cls.company, install_demo=False
        )
        cls._opt_in(cls.partner, cls.purpose_order)

    def _outside(self):
        return len(self.meta.calls)

    def _account_of(self, company):
        if company == self.company:
            return self.account
        accounts = self.env["ajw.whatsapp.account"]
        return accounts.search([("company_id", "=", company.id)]) or self._create_account(
            company_id=company.id, phone_number_id="900200300"
        )

    def _template_of(self, company):
        templates = self.env["ajw.whatsapp.template"]
        account = self._account_of(company)
        return templates.search(
            [("account_id", "=", account.id), ("name", "=", "matrix")]
        ) or self._create_template(
            account_id=account.id,
            name="matrix",
            meta_template_id=False,
            purpose_id=self.purpose_order.id,
        )

    def row_ajw_whatsapp_account_action_setup_check(self, company):
        account = self._account_of(company)
        account.setup_step = "token"
        return Row(account, {}, {})

    # -- rows ------------------------------------------------------------------------------------

    def row_ajw_whatsapp_account(self, company):
        values = {
            "name": "Matrix",
            "company_id": company.id,
            "phone_number_id": "777",
            "waba_id": "888",
        }
        account = self._account_of(company)
        account.message_ids.unlink()
        return Row(account, values, {"name": "Renamed"})

    def _limit_of(self, company):
        account = self._account_of(company)
        account._find_portfolio({"id": f"{company.id}"})
        limits = self.env["ajw.whatsapp.limit"]
        limit = limits.search([("account_id", "=", account.id)])
        return limit or limits.create({"account_id": account.id})

    def row_ajw_whatsapp_limit(self, company):
        limit = self._limit_of(company)
        return Row(limit, {"account_id": limit.account_id.id}, {"slow_factor": 0.5})

    def row_ajw_whatsapp_portfolio(self, company):
        portfolio = self._limit_of(company).account_id.portfolio_id
        return Row(portfolio, {"name": "Other", "meta_id": "9"}, {"daily_limit": 100})

    def row_ajw_whatsapp_template(self, company):
        template = self._template_of(company)
        values = {
            "account_id": template.account_id.id,
            "name": "matrix_2",
            "language": "en",
            "body": "Hello.",
            "model": "sale.order",
            "purpose_id": self.purpose_invoice.id,
        }
        return Row(template, values, {"footer": "Bye"})

    def row_ajw_whatsapp_category_change(self, company):
        values = {
            "template_id": self._template_of(company).id,
            "changed_at": "2026-01-02 03:04:05",
            "category_from": "UTILITY",
            "category_to": "MARKETING",
        }
        change = self.env["ajw.whatsapp.category.change"].create(dict(values))
        return Row(change, values, {"category_to": "UTILITY"})

    def row_ajw_whatsapp_template_button(self, company):
        values = {
            "template_id": self._template_of(company).id,
            "type": "QUICK_REPLY",
            "text": "Thanks",
        }
        button = self.env["ajw.whatsapp.template.button"].create(dict(values))
        return Row(button, {**values, "text": "Call me"}, {"text": "Hello"})

    def row_ajw_whatsapp_template_variable(self, company):
        template = self._template_of(company)
        values = {
            "template_id": template.id,
            "name": "second",
            "source": "field",
            "field_path": "name",
        }
        return Row(template.variable_ids, values, {"sample": "Asha"})

    def _message_of(self, company, **values):
        account = self._account_of(company)
        return self._enqueue(
            company_id=company.id,
            account_id=account.id,
            attachment_id=False,
            res_model="sale.order",
            res_id=self._order(company).id,
            template_id=self._template_of(company).id,
            **values,
        )

    def row_ajw_whatsapp_message(self, company):
        message = self._message_of(company)
        values = self._manager_vals(
            company_id=company.id,
            account_id=message.account_id.id,
            template_id=message.template_id.id,
            partner_id=self._create_partner("Another", "+919876543211").id,
            number="+919876543211",
            attachment_id=False,
            res_model="sale.order",
            res_id=message.res_id,
        )
        return Row(message, values, {"body": "Forged"})

    def _message_in(self, company, state):
        message = self._message_of(company)
        message._engine()._set_state(state)
        return Row(message, {}, {})

    def row_ajw_whatsapp_template_action_delete_at_meta(self, company):
        template = self._template_of(company)
        template.meta_template_id = "555"
        return Row(template, {}, {})

    def row_ajw_whatsapp_message_action_retry(self, company):
        self._template_of(company).category_checked_at = fields.Datetime.now()
        return self._message_in(company, "failed")

    row_ajw_whatsapp_message_action_desk_retry = row_ajw_whatsapp_message_action_retry

    def row_ajw_whatsapp_message_action_mark_arrived(self, company):
        return self._message_in(company, "uncertain")

    row_ajw_whatsapp_message_action_mark_not_arrived = row_ajw_whatsapp_message_action_mark_arrived
    row_ajw_whatsapp_message_action_desk_retry_uncertain = (
        row_ajw_whatsapp_message_action_mark_arrived
    )

    def row_ajw_whatsapp_batch(self, company):
        message = self._message_of(company)
        values = {"company_id": company.id, "res_model": "sale.order"}
        batch = self.env["ajw.whatsapp.batch"].create(dict(values))
        message._engine().batch_id = batch
        return Row(batch, values, {"left_out": 3})

    def row_ajw_whatsapp_batch_wizard(self, company):
        self._template_of(company)
        values = {"res_model": "sale.order", "selected_ids": self._order(company).ids}
        wizard = self.env["ajw.whatsapp.batch.wizard"].create(dict(values))
        return Row(wizard, values, {"send_again": True}, own=True)

    def _line_values(self, row, env):
        wizard = env["ajw.whatsapp.batch.wizard"].create(row.values(env))
        return {
            "wizard_id": wizard.id,
            "res_model": "sale.order",
            "res_id": wizard.selected_ids[0],
            "partner_id": self.partner.id,
            "status": "blocked",
            "code": "no_opt_in",
            "fix": "contact",
        }

    def row_ajw_whatsapp_batch_wizard_line(self, company):
        row = self.row_ajw_whatsapp_batch_wizard(company)
        lines = self.env["ajw.whatsapp.batch.wizard.line"]

        def values(env):
            return self._line_values(row, env)

        return Row(lines.create(values(self.env)), values, {}, own=True)

    def row_ajw_whatsapp_batch_wizard_reason(self, company):
        row = self.row_ajw_whatsapp_batch_wizard(company)
        reasons = self.env["ajw.whatsapp.batch.wizard.reason"]

        def values(env):
            line = env["ajw.whatsapp.batch.wizard.line"].create(self._line_values(row, env))
            return {"wizard_id": line.wizard_id.id, "code": "no_opt_in", "fix": "document"}

        return Row(reasons.create(values(self.env)), values, {}, own=True)

    def row_ajw_whatsapp_coverage(self, company):
        values = {"company_id": company.id}
        return Row(
            self._surveyed(self.env, values),
            values,
            {"month": "2026-01-01"},
            guarded=True,
            own=True,
        )

    def _surveyed(self, env, values):
        """A coverage of which nobody was invoiced: who reads invoices is the other app's affair."""
        companies = env.user.company_ids.ids
        forms = env["ajw.whatsapp.coverage"].with_context(allowed_company_ids=companies)
        coverage = forms.create(dict(values))
        coverage.line_ids.unlink()
        coverage.flush_recordset()
        return coverage

    def row_ajw_whatsapp_coverage_line(self, company):
        lines = self.env["ajw.whatsapp.coverage.line"]

        def values(env):
            coverage = self._surveyed(env, {"company_id": company.id})
            return {
                **{"coverage_id": coverage.id, "partner_id": self.partner.id},
                **{"reason": "Not asked", "askable": True},
            }

        record = lines.create(values(self.env))
        return Row(record, values, {"number": "1"}, guarded=True, own=True)

    def row_ajw_whatsapp_rate(self, company):
        values = {
            "market": "Matrix",
            "country_ids": [(6, 0, self.env.ref("base.in").ids)],
            "category": "UTILITY",
            "currency_id": self.env.ref("base.USD").id,
            "price": 0.01,
            "valid_from": "2020-01-01",
            "source": "Nowhere",
        }
        rate = self.env["ajw.whatsapp.rate"].create(dict(values))
        return Row(rate, {**values, "valid_from": "2020-02-01"}, {"price": 0.02})

    def row_ajw_whatsapp_test_message(self, company):
        self._template_of(company)
        values = {
            "account_id": self._account_of(company).id,
            "number": "+919876500001",  # nobody has it
            "agreed": True,
        }
        wizard = self.env["ajw.whatsapp.test.message"].create(dict(values))
        return Row(wizard, values, {"agreed": False}, own=True)

    def row_ajw_whatsapp_webhook_event(self, company):
        account = self._account_of(company)
        values = {"account_id": account.id, "payload": json.dumps(self._inbound("Hello"))}
        event = self.env["ajw.whatsapp.webhook.event"].create(dict(values))
        event.state = "failed"
        return Row(event, values, {"error": "Nothing"})

    def row_ajw_whatsapp_webhook_unhandled(self, company):
        account = self._account_of(company)
        values = {"account_id": account.id, "company_id": company.id, "kind": "history"}
        unhandled = self.env["ajw.whatsapp.webhook.unhandled"].create(dict(values))
        return Row(unhandled, {**values, "kind": "flows"}, {"count": 7})

    def row_ajw_whatsapp_composer(self, company):
        self._template_of(company)
        order = self._order(company)
        values = {"res_model": "sale.order", "res_id": order.id}
        return Row(self.env["ajw.whatsapp.composer"].create(dict(values)), values, {}, own=True)

    def _order(self, company):
        """A quotation of the seller's."""
        product = self.env["product.product"].create({"name": "Rice", "list_price": 1250})
        return self.env["sale.order"].create(
            {
                "company_id": company.id,
                "partner_id": self.partner.id,
                "user_id": self.users["seller"].id if company == self.company else False,
                "order_line": [Command.create({"product_id": product.id, "tax_ids": []})],
            }
        )

    def row_sale_order(self, company):
        return Row(self._order(company), {}, {})

    def row_account_move(self, company):
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": company.id,
                "partner_id": self.partner.id,
                "invoice_date": "2026-11-02",
                "invoice_line_ids": [
                    Command.create({"name": "Rice", "price_unit": 1250, "tax_ids": []})
                ],
            }
        )
        move.action_post()
        return Row(move, {}, {})

    # -- groups ----------------------------------------------------------------------------------

    def test_who_invoices_or_sells_is_a_whatsapp_user(self):
        user = self.env.ref("ajw_whatsapp.group_user")
        for group in ("account.group_account_invoice", "sales_team.group_sale_salesman"):
            self.assertIn(user, self.env.ref(group).all_implied_ids, group)
        manager = self.env.ref("ajw_whatsapp.group_manager")
        others = self.env["res.groups"].search([]) - manager
        self.assertFalse(others.filtered(lambda group: manager in group.all_implied_ids))

    def test_accounts_scheduled_actions_are_run_by_odoo_itself(self):
        cron = self.account.cron_id
        self.assertEqual(cron.user_id, self.env.ref("base.user_root"))


@tagged("-at_install", "post_install")
class TestRouteMatrix(RouteMatrixMixin, WhatsappCommonMixin, HttpCase):
    addon = "ajw_whatsapp"
    roles = WHATSAPP_ROLES
    # Meta signs what it posts, so no token of Odoo's goes with it. Who is logged in counts not.
    ROUTES = {
        "GET /ajw_whatsapp/webhook/<string:path>": Route(
            "public",
            csrf=False,
            cases=(
                Case("handshake", 200, shows="*"),
                Case("handshake_of_another_account", 403),
                Case("call_unsigned", 403),
                Case("webhook_unknown", 404),
            ),
        ),
        "POST /ajw_whatsapp/webhook/<string:path>": Route(
            "public",
            csrf=False,
            cases=(
                Case("call", 200, changes="*"),
                # That a call was refused is noted on the account, and nothing else.
                Case("call_unsigned", 403, changes="*", tables=("ajw_whatsapp_account",)),
                Case("call_of_another_account", 403, changes="*", tables=("ajw_whatsapp_account",)),
                Case("handshake", 403, changes="*", tables=("ajw_whatsapp_account",)),
                Case("webhook_unknown", 404),
            ),
        ),
    }

    def _outside(self):
        return len(self.meta.calls)

    def _path(self, account=None):
        return f"/ajw_whatsapp/webhook/{(account or self.account).webhook_path}"

    def ask_handshake(self, account=None):
        form = {
            "hub.mode": "subscribe",
            "hub.verify_token": "verify-for-tests",
            "hub.challenge": "1158201444",
        }
        return Ask(self._path(account), form, tells="1158201444")

    def _another_account(self):
        values = {"phone_number_id": "77", "app_secret": "another", "verify_token": "another"}
        return self._create_account(company_id=self.company_b.id, **values)

    def ask_handshake_of_another_account(self):
        return self.ask_handshake(self._another_account())

    def ask_call(self, account=None):
        body = json.dumps(self._inbound("Hello")).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": self._sign(body)}
        return Ask(self._path(account), body=body, headers=headers)

    def ask_call_unsigned(self):
        return self.ask_call()._replace(headers={"Content-Type": "application/json"})

    def ask_call_of_another_account(self):
        """The signature of the one, at the address of the other."""
        return self.ask_call(self._another_account())

    def ask_webhook_unknown(self):
        return self.ask_call()._replace(url="/ajw_whatsapp/webhook/unknown")
