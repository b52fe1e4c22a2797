import ipaddress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.ir_actions_report import _wkhtml

from ..cloud_api.inspection import (
    QUESTIONS,
    blocking_reasons,
    inspect,
    is_wrong_secret,
    missing_scopes,
)
from .ajw_whatsapp_account import OWN_FIELDS
from .selections import SENDABLE_STATUSES

#: Seconds to connect, and between two bytes of an answer: a person waits for it.
TIMEOUT = (5, 10)
#: Days a token has to hold for before it is worth a warning.
TOKEN_DAYS = 14
#: Days without a call of Meta's after which the webhook is looked at.
SILENT_DAYS = 7

OK, BAD, UNKNOWN = "ok", "bad", "unknown"

#: What is checked, in the order in which it is set up; which step of the set-up puts it right.
CHECKS = {
    "keys": "app",
    "business": "business",
    "app": "app",
    "token": "token",
    "permissions": "token",
    "number": "number",
    "registered": "register",
    "display_name": "register",
    "quality": "register",
    "review": "payment",
    "health": "payment",
    "payment": "payment",
    "subscribed": "webhook",
    "fields": "webhook",
    "address": "webhook",
    "callback": "webhook",
    "reports": "webhook",
    "app_secret": "app",
    "sender": "test",
    "notice": "templates",
    "template_invoice": "templates",
    "template_order": "templates",
    "pdf": "test",
}
#: Check → the questions to Meta it rests on.
ASKS = {
    "business": ("account",),
    "app": ("token",),
    "payment": ("account",),
    "token": ("number", "token"),
    "permissions": ("token",),
    "number": ("number", "numbers"),
    "registered": ("number",),
    "display_name": ("number",),
    "quality": ("number",),
    "review": ("account",),
    "health": ("account",),
    "subscribed": ("apps",),
    "callback": ("number",),
    "app_secret": ("number",),
}

OWN_FIELDS.update({"self_test": False, "self_test_at": False})


class AjwWhatsappAccount(models.Model):
    """The self-test: what is set up, what is missing, and where to put it right."""

    _inherit = "ajw.whatsapp.account"

    _ajw_personal_data = {
        "self_test": {
            "category": "technical",
            "erase": "none",
            "reason": "Results of checks of the business's own account.",
        },
    }

    self_test = fields.Json(
        readonly=True,
        copy=False,
        groups="ajw_whatsapp.group_manager",
        help="The last result: a list of checks, each with key, name, result, text and advice.",
    )
    self_test_at = fields.Datetime(
        string="Last self-test", readonly=True, copy=False, groups="ajw_whatsapp.group_manager"
    )

    def action_self_test(self):
        """Check everything that sending needs, and show what is missing."""
        self._check_manager()
        self._run_self_test(tuple(CHECKS))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Self-test of %s", self.name),
            "res_model": self._name,
            "res_id": self.id,
            "views": [
                (self.env.ref("ajw_whatsapp.ajw_whatsapp_account_view_form_self_test").id, "form")
            ],
            "target": "new",
        }

    def _run_self_test(self, keys):
        """Run checks and keep their results beside those of the other checks.

        :param keys: keys of :data:`CHECKS`
        :return: the rows of these checks
        :rtype: list[dict]
        """
        self.ensure_one()
        answers, problem = self._ask_meta(keys)
        labels = self._check_labels()
        rows = []
        for key in keys:
            if problem and key in ASKS:
                result, text, advice = UNKNOWN, self.env._("Meta was not asked."), problem
            else:
                result, text, advice = getattr(self, f"_check_{key}_state")(answers)
            rows.append(
                {
                    "key": key,
                    "step": CHECKS[key],
                    "name": labels[key],
                    "result": result,
                    "text": text,
                    "advice": advice or "",
                }
            )
        kept = {row["key"]: row for row in self.self_test or ()} | {row["key"]: row for row in rows}
        # sudo: only a check sets its result
        self.sudo().write(
            {
                "self_test": [kept[key] for key in CHECKS if key in kept],
                "self_test_at": fields.Datetime.now(),
            }
        )
        return rows

    def _ask_meta(self, keys):
        """Ask Meta what the checks rest on.

        :return: dict of question → Answer, and why Meta was not asked at all or ``None``
        """
        questions = {question for key in keys for question in ASKS.get(key, ())}
        if not questions:
            return {}, None
        try:
            self._need_ids()
            client = self._get_client(timeout=TIMEOUT)
        except UserError as error:
            return {}, str(error)
        with client:
            return inspect(client, [name for name in QUESTIONS if name in questions]), None

    @api.model
    def _check_labels(self):
        return {
            "keys": self.env._("Keys for secrets"),
            "business": self.env._("Business verification"),
            "app": self.env._("App at Meta"),
            "token": self.env._("Access token"),
            "permissions": self.env._("Permissions of the token"),
            "number": self.env._("Phone number"),
            "registered": self.env._("Number registered"),
            "display_name": self.env._("Display name"),
            "quality": self.env._("Quality"),
            "review": self.env._("Review of the business account"),
            "health": self.env._("Payment and limits"),
            "payment": self.env._("Payment method"),
            "subscribed": self.env._("App subscribed"),
            "fields": self.env._("Webhook fields"),
            "address": self.env._("Public address"),
            "callback": self.env._("Webhook verified"),
            "reports": self.env._("Reports from Meta"),
            "app_secret": self.env._("App secret"),
            "sender": self.env._("Scheduled action"),
            "notice": self.env._("Consent notice"),
            "template_invoice": self.env._("Template for invoices"),
            "template_order": self.env._("Template for orders"),
            "pdf": self.env._("PDF engine"),
        }

    def _not_answered(self, answer):
        """Return the row of a check whose question Meta did not answer.

        A refusal that concerns the token is the token's own row; others are unknown because of it.
        """
        if answer.refused:
            sentence = self._refusal_sentence(answer.error)
            return UNKNOWN, self.env._("Meta did not say."), sentence
        return (
            UNKNOWN,
            self.env._("Meta could not be reached."),
            self.env._("Check this server's connection to the internet and the API address."),
        )

    def _refusal_sentence(self, error):
        if is_wrong_secret(error):
            return self.env._(
                "The app secret does not belong to the app of this access token. Copy it once more "
                "from App settings › Basic."
            )
        return self.env["ajw.whatsapp.error"]._sentence(error)

    # ------------------------------------------------------------------
    # The checks: each returns (result, text, what to do)
    # ------------------------------------------------------------------

    def _check_keys_state(self, _answers):
        problem = self.env["ajw.consent.keyring"]._check()
        if problem:
            return BAD, self.env._("The keys that encrypt secrets cannot be used."), problem
        return OK, self.env._("Secrets can be encrypted and read."), None

    def _told_by_manager(self, done, advice):
        """Return the row of a step that only Meta's own pages show.

        :param bool done: whether the manager ticked it in the set-up
        :param str advice: where at Meta to look
        """
        if done:
            text = self.env._("A manager ticked it in the set-up; Meta does not tell Odoo.")
        else:
            text = self.env._("Nobody ticked it in the set-up, and Meta does not tell Odoo.")
        return UNKNOWN, text, advice

    def _check_business_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        advice = self.env._(
            "business.facebook.com › Settings › Security centre. Until it is done, Meta lets you "
            "write to few customers a day."
        )
        status = str(account.value.get("business_verification_status") or "").lower()
        if status == "verified":
            return OK, self.env._("Meta verified the business."), None
        if status in ("not_verified", "failed", "rejected", "revoked", "expired"):
            return BAD, self.env._("Meta has not verified the business: %s", status), advice
        if status:
            return UNKNOWN, self.env._("Meta has not decided yet: %s", status), advice
        return self._told_by_manager(self.setup_business_verified, advice)

    def _check_app_state(self, answers):
        if not self.app_id:
            return (
                BAD,
                self.env._("No App ID is entered."),
                self.env._(
                    "Create an app with the product WhatsApp at developers.facebook.com and copy "
                    "its App ID from App settings › Basic."
                ),
            )
        token = answers["token"]
        if not token.error and str(token.value.get("app_id") or "") == self.app_id:
            return OK, self.env._("Meta knows the app %s.", self.app_id), None
        return self._told_by_manager(
            self.setup_app_created,
            self.env._("developers.facebook.com › My apps: compare the App ID."),
        )

    def _check_payment_state(self, answers):
        account = answers["account"]
        if not account.error:
            reasons = blocking_reasons(account.value)
            said = [f"{what} {advice}".strip() for what, advice in reasons]
            named = [text for text in said if "payment" in text.lower()]
            if named:
                return BAD, self.env._("Meta asks for a payment method."), " ".join(named)
        return self._told_by_manager(
            self.setup_payment_added,
            self.env._(
                "business.facebook.com › Billing & payments: the WhatsApp Business account needs a "
                "payment method for messages that Meta charges."
            ),
        )

    def _check_fields_state(self, _answers):
        return self._told_by_manager(
            self.setup_fields_subscribed,
            self.env._(
                "Your app › WhatsApp › Configuration › Webhook fields: subscribe to %s",
                self.webhook_fields,
            ),
        )

    def _check_token_state(self, answers):
        number, token = answers["number"], answers["token"]
        for answer in (number, token):
            if answer.refused and answer.error.code in (0, 190):
                return (
                    BAD,
                    self.env._("Meta refuses the token."),
                    self._refusal_sentence(answer.error),
                )
        if token.error:
            if number.error:
                return self._not_answered(number)
            return OK, self.env._("Meta accepts it; until when was not said."), None
        if token.value.get("is_valid") is False:
            return (
                BAD,
                self.env._("Meta says that the token is not valid."),
                self.env._("Create a permanent token for your system user and enter it."),
            )
        if self.app_id and str(token.value.get("app_id") or self.app_id) != self.app_id:
            return (
                BAD,
                self.env._("The token belongs to another app."),
                self.env._("Create the token for the app whose App ID you entered."),
            )
        return self._token_age(token.value.get("expires_at"))

    def _token_age(self, expires_at):
        if not isinstance(expires_at, int) or expires_at <= 0:
            return OK, self.env._("Valid, and it does not expire."), None
        at = datetime.fromtimestamp(expires_at, UTC).replace(tzinfo=None)
        advice = self.env._(
            "Create one for a system user and choose “Never” as expiry, else sending stops then."
        )
        text = self.env._("Valid until %s UTC only.", fields.Datetime.to_string(at))
        soon = at - fields.Datetime.now() < timedelta(days=TOKEN_DAYS)
        return (BAD if soon else UNKNOWN), text, advice

    def _check_permissions_state(self, answers):
        token = answers["token"]
        if token.error:
            return self._not_answered(token)
        if "scopes" not in token.value or token.value.get("is_valid") is False:
            return UNKNOWN, self.env._("Meta did not say."), None
        missing = missing_scopes(token.value)
        if missing:
            return (
                BAD,
                self.env._("The token lacks: %s", ", ".join(missing)),
                self.env._(
                    "Generate the token again for your system user and tick these permissions."
                ),
            )
        return OK, self.env._("It may send messages and manage the account."), None

    def _check_number_state(self, answers):
        number, numbers = answers["number"], answers["numbers"]
        for answer in (number, numbers):
            if answer.refused and answer.error.code not in (0, 190):
                return (
                    BAD,
                    self.env._("Meta does not show the number to this token."),
                    self._refusal_sentence(answer.error),
                )
            if answer.error:
                return self._not_answered(answer)
        if self.phone_number_id not in numbers.value:
            return (
                BAD,
                self.env._("The number does not belong to this business account."),
                self.env._("Compare both ids with WhatsApp › API setup in Meta's dashboard."),
            )
        return (
            OK,
            self.env._(
                "%(number)s belongs to the business account.",
                number=number.value.get("display_phone_number") or self.phone_number_id,
            ),
            None,
        )

    def _check_registered_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        status = number.value.get("status")
        if status == "CONNECTED":
            return OK, self.env._("Registered with the Cloud API."), None
        if not status:
            return UNKNOWN, self.env._("Meta did not say."), None
        return (
            BAD,
            self.env._("Not registered with the Cloud API: %s", status),
            self.env._("Register it with a six-digit PIN."),
        )

    def _check_display_name_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        name, status = number.value.get("verified_name") or "", number.value.get("name_status")
        if status in ("APPROVED", "AVAILABLE_WITHOUT_REVIEW"):
            return OK, self.env._("Customers see “%s”.", name), None
        if status in ("PENDING_REVIEW", None):
            return (
                UNKNOWN,
                self.env._("Meta has not approved the name “%s” yet.", name),
                self.env._("Wait for the review; until then few messages may be sent."),
            )
        return (
            BAD,
            self.env._(
                "Meta has not approved the name “%(name)s”: %(status)s", name=name, status=status
            ),
            self.env._("Choose a name that names your business: WhatsApp Manager › Phone numbers."),
        )

    def _check_quality_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        rating = number.value.get("quality_rating")
        if rating == "RED":
            return (
                BAD,
                self.env._("Low: many people blocked or reported your messages."),
                self.env._("Send less, and only what people asked for; Meta may stop the number."),
            )
        if rating == "YELLOW":
            return (
                UNKNOWN,
                self.env._("Medium."),
                self.env._("Look at which messages are reported."),
            )
        if rating == "GREEN":
            return OK, self.env._("High."), None
        return OK, self.env._("Not rated yet; a new number starts like this."), None

    def _check_review_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        status = account.value.get("account_review_status")
        if status == "APPROVED":
            return OK, self.env._("Meta approved the business account."), None
        if status == "REJECTED":
            return (
                BAD,
                self.env._("Meta rejected the business account."),
                self.env._("Read why under Business Support Home and appeal there."),
            )
        return (
            UNKNOWN,
            self.env._("Not decided yet: %s", status or self.env._("Meta did not say")),
            self.env._("Finish the business verification and wait for Meta."),
        )

    def _check_health_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        health = account.value.get("health_status")
        can_send = health.get("can_send_message") if isinstance(health, dict) else None
        reasons = blocking_reasons(account.value)
        said = " ".join(f"{what} {advice}".strip() for what, advice in reasons)
        if can_send == "AVAILABLE":
            return OK, self.env._("Meta lets this account send."), None
        if can_send in ("BLOCKED", "LIMITED"):
            text = (
                self.env._("Meta blocks sending.")
                if can_send == "BLOCKED"
                else self.env._("Meta limits sending.")
            )
            return (
                BAD if can_send == "BLOCKED" else UNKNOWN,
                text,
                said or self.env._("Look at WhatsApp Manager › Account tools."),
            )
        return UNKNOWN, self.env._("Meta did not say."), None

    def _check_subscribed_state(self, answers):
        apps = answers["apps"]
        if apps.error:
            return self._not_answered(apps)
        if self.app_id in apps.value if self.app_id else apps.value:
            return OK, self.env._("Meta reports to your app."), None
        return (
            BAD,
            self.env._("The app is not subscribed to the business account."),
            self.env._("Without it Meta reports nothing. Press “Subscribe the app”."),
        )

    def _check_address_state(self, _answers):
        url = urlsplit(self.get_base_url())
        if not _is_public(url.hostname or ""):
            return (
                BAD,
                self.env._("%s can be reached from this machine or network only.", url.geturl()),
                self.env._(
                    "Meta has to reach Odoo: open it once by its public https address as "
                    "administrator, or set the parameter web.base.url."
                ),
            )
        if url.scheme != "https":
            return (
                BAD,
                self.env._("%s is not encrypted.", url.geturl()),
                self.env._("Meta calls https addresses only: set up a certificate at your proxy."),
            )
        return OK, self.env._("%s is public and encrypted.", url.geturl()), None

    def _check_callback_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        configuration = number.value.get("webhook_configuration")
        if not isinstance(configuration, dict):
            return UNKNOWN, self.env._("Meta did not say."), None
        known = {str(value) for value in configuration.values() if value}
        if self.sudo().webhook_url in known:  # sudo: managers only come here
            return OK, self.env._("Meta verified the address and calls it."), None
        if known:
            return (
                BAD,
                self.env._("Meta calls another address."),
                self.env._("Enter this account's callback address in your app at Meta."),
            )
        return (
            BAD,
            self.env._("Meta has no callback address."),
            self.env._("Enter callback address and verify token in your app at Meta."),
        )

    def _check_reports_state(self, _answers):
        last = self.webhook_received_at
        if not last:
            return (
                UNKNOWN,
                self.env._("Meta has not called yet."),
                self.env._("Send a test message, and subscribe to the field “messages”."),
            )
        if fields.Datetime.now() - last > timedelta(days=SILENT_DAYS):
            return (
                UNKNOWN,
                self.env._("The last call came on %s UTC.", fields.Datetime.to_string(last)),
                self.env._("If messages went out since, look at the webhook in your app at Meta."),
            )
        return (
            OK,
            self.env._("The last call came on %s UTC.", fields.Datetime.to_string(last)),
            None,
        )

    def _check_app_secret_state(self, answers):
        if not self.has_app_secret:
            return (
                BAD,
                self.env._("None is stored: nothing that Meta reports is believed."),
                self.env._("Enter it from App settings › Basic."),
            )
        if is_wrong_secret(answers["number"].error):
            return (
                BAD,
                self.env._("Meta does not accept it."),
                self._refusal_sentence(answers["number"].error),
            )
        refused, received = self.webhook_refused_at, self.webhook_received_at
        if refused and (not received or refused > received):
            return (
                BAD,
                self.env._(
                    "A call on %s UTC was refused: its signature did not fit.",
                    fields.Datetime.to_string(refused),
                ),
                self.env._("Enter the secret of the app that calls this address."),
            )
        if answers["number"].error:
            return self._not_answered(answers["number"])
        return OK, self.env._("Meta accepts what it vouches for."), None

    def _check_sender_state(self, _answers):
        cron = self.sudo().cron_id  # sudo: managers of WhatsApp need no right on scheduled actions
        webhook = self.env.ref("ajw_whatsapp.ir_cron_webhook").sudo()  # sudo: as above
        off = (cron | webhook).filtered(lambda each: not each.active)
        if not cron or off:
            return (
                BAD,
                self.env._("Switched off: %s", ", ".join(off.mapped("name")) or "-"),
                self.env._("Have an administrator look at the server's log and switch it on."),
            )
        late = fields.Datetime.now() - timedelta(hours=1)
        if any(each.nextcall and each.nextcall < late for each in cron | webhook):
            return (
                BAD,
                self.env._("It should have run an hour ago."),
                self.env._("Scheduled actions do not run: see max_cron_threads in odoo.conf."),
            )
        return OK, self.env._("Switched on and on time."), None

    def _check_notice_state(self, _answers):
        controller = self.company_id.ajw_consent_controller_id
        # sudo: whether there is one, not what it says
        if self.env["ajw.consent.notice"].sudo()._get_published(controller):
            return OK, self.env._("A notice of %s is published.", controller.name), None
        return (
            BAD,
            self.env._("%s has not published a notice.", controller.name),
            self.env._(
                "Without it no customer can opt in. A data protection officer publishes one."
            ),
        )

    def _check_template_invoice_state(self, _answers):
        return self._template_state("account.move")

    def _check_template_order_state(self, _answers):
        return self._template_state("sale.order")

    def _template_state(self, model):
        templates = self.template_ids.filtered(lambda t: t.model == model)
        ready = templates.filtered(
            lambda t: t.status in SENDABLE_STATUSES and t.category == "UTILITY" and t.purpose_id
        )
        if ready:
            return OK, self.env._("Approved: %s", ", ".join(ready.mapped("display_name"))), None
        if templates.filtered(lambda t: t.status == "PENDING"):
            return (
                UNKNOWN,
                self.env._("Meta is reviewing it."),
                self.env._("Wait, then synchronise."),
            )
        return (
            BAD,
            self.env._("None is approved."),
            self.env._("Create the starter templates and submit them to Meta."),
        )

    def _check_pdf_state(self, _answers):
        engine = _wkhtml()
        if engine.state in ("install", "broken"):
            return (
                BAD,
                self.env._("wkhtmltopdf is missing or does not start."),
                self.env._("Install it, or set bin_path in odoo.conf; no PDF is made without it."),
            )
        if engine.state != "ok":
            return (
                BAD,
                self.env._("wkhtmltopdf cannot work properly: %s", engine.state),
                {
                    "upgrade": self.env._("Install version 0.12.5 or later with patched Qt."),
                    "workers": self.env._("Set workers in odoo.conf to 0, or to 2 and more."),
                }.get(engine.state),
            )
        if not engine.is_patched_qt:
            return (
                UNKNOWN,
                self.env._("wkhtmltopdf has no patched Qt: one PDF at a time, without header."),
                self.env._("Install version 0.12.5 or later with patched Qt and restart Odoo."),
            )
        return OK, self.env._("wkhtmltopdf with patched Qt: documents are made together."), None


def _is_public(host):
    """Tell whether an address by its looks can be reached from the internet."""
    if not host or host == "localhost" or "." not in host and ":" not in host:
        return False
    if host.endswith((".local", ".localhost", ".internal", ".test", ".lan")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
