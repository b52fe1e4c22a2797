import re
import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..cloud_api.errors import CloudApiError, ConnectionFailed, OutcomeUnknown
from .ajw_whatsapp_account_self_test import BAD, CHECKS, OK

#: The steps of the set-up in the order a newcomer to Meta takes them.
SETUP_STEPS = [
    ("business", "1. Business"),
    ("app", "2. App"),
    ("number", "3. Number"),
    ("token", "4. Token"),
    ("register", "5. Register"),
    ("webhook", "6. Webhook"),
    ("payment", "7. Payment"),
    ("templates", "8. Templates"),
    ("test", "9. Test"),
    ("done", "Done"),
]

#: What each step's button checks; steps that only Meta's pages show have none.
STEP_CHECKS = {
    "business": ("business",),
    "app": ("keys", "app"),
    "number": ("keys",),
    "token": ("official", "token", "permissions", "number"),
    "register": ("registered", "display_name", "quality"),
    "webhook": ("subscribed", "fields", "address", "callback", "reports", "app_secret"),
    "payment": ("review", "health", "payment"),
    "templates": ("notice", "template_invoice", "template_order"),
    "test": ("sender", "pdf", "reports"),
}

#: Steps that are only known to be done once they were checked.
CHECKED_STEPS = ("token", "register", "webhook", "templates", "test")

#: Fields of the webhook to subscribe to at Meta.
WEBHOOK_FIELDS = (
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
    "message_template_components_update",
    "user_preferences",
    "user_id_update",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
)

_PIN = re.compile(r"[0-9]{6}")

#: Errors of Meta's registration call. Source: Cloud API, "Error codes".
PIN_MISMATCH, TOO_MANY_TRIES, WAIT_FIRST, NOT_VERIFIED = 133005, 133016, 133015, 133006


class AjwWhatsappAccount(models.Model):
    """The guided set-up: one step after the other, left and taken up again at any time."""

    _inherit = "ajw.whatsapp.account"

    setup_step = fields.Selection(
        SETUP_STEPS,
        string="Set-up",
        default="business",
        required=True,
        copy=False,
        help="Where the guided set-up of this account was left.",
    )
    setup_done = fields.Boolean(compute="_compute_setup_done")
    setup_business_verified = fields.Boolean(
        string="The business verification is done, or under review at Meta", copy=False
    )
    setup_app_created = fields.Boolean(
        string="The app exists and has the product WhatsApp", copy=False
    )
    setup_payment_added = fields.Boolean(
        string="A payment method is on the WhatsApp Business account", copy=False
    )
    setup_fields_subscribed = fields.Boolean(
        string="The webhook fields are subscribed to in the app", copy=False
    )
    setup_checks = fields.Json(compute="_compute_setup_checks", groups="ajw_whatsapp.group_manager")
    webhook_fields = fields.Char(
        string="Webhook fields", compute="_compute_webhook_fields", help="Subscribe to all of them."
    )

    @api.depends("setup_step", "state")
    def _compute_setup_done(self):
        for account in self:
            account.setup_done = account.setup_step == "done"

    @api.depends("setup_step", "self_test")
    def _compute_setup_checks(self):
        for account in self:
            keys = STEP_CHECKS.get(account.setup_step, ())
            rows = account.self_test or ()
            account.setup_checks = [row for row in rows if row["key"] in keys]

    def _compute_webhook_fields(self):
        self.webhook_fields = ", ".join(WEBHOOK_FIELDS)

    # ------------------------------------------------------------------
    # Going through the steps
    # ------------------------------------------------------------------

    def action_setup(self):
        """Open the guided set-up where it was left."""
        self._check_manager()
        return self._setup_action()

    def _setup_action(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Set up %s", self.name),
            "res_model": self._name,
            "res_id": self.id,
            "views": [
                (self.env.ref("ajw_whatsapp.ajw_whatsapp_account_view_form_setup").id, "form")
            ],
            "target": "current",
        }

    def action_setup_next(self):
        """Go to the next step, once what this one needs is there; warn of what is left behind.

        Much at Meta takes days, so only what the next steps cannot do without stops anybody.

        :return: a warning, or ``True`` when there is nothing to warn of
        :raises UserError: says what is missing
        """
        self._check_manager()
        if missing := self._setup_missing():
            raise UserError(missing)
        warning = self._setup_warning()
        self._move_setup(1)
        return self._notify(warning, "warning") if warning else True

    def _setup_warning(self):
        """Say what of this step is known to be wrong, or was not looked at; ``False`` for none."""
        step = dict(self._fields["setup_step"]._description_selection(self.env))[self.setup_step]
        rows = self.setup_checks or []
        wrong = [row["name"] for row in rows if row["result"] == BAD]
        if wrong:
            return self.env._(
                "%(step)s is not in order yet: %(checks)s. Come back to it before you send.",
                step=step,
                checks=", ".join(wrong),
            )
        if not rows and self.setup_step in CHECKED_STEPS:
            return self.env._(
                "%s was not checked. Come back and press “Check this step” before you send.", step
            )
        return False

    def action_setup_back(self):
        """Go back one step."""
        self._check_manager()
        self._move_setup(-1)
        return True

    def _move_setup(self, by):
        steps = [key for key, _label in SETUP_STEPS]
        index = steps.index(self.setup_step) + by
        self.setup_step = steps[max(0, min(index, len(steps) - 1))]

    def _setup_missing(self):
        """Say what this step still needs before the next makes sense; ``False`` for nothing."""
        match self.setup_step:
            case "app" if not (self.app_id and self.has_app_secret):
                return self.env._("Enter the App ID and the app secret first.")
            case "number" if not (self.phone_number_id and self.waba_id):
                return self.env._("Enter the phone number ID and the business account ID first.")
            case "token" if not self.has_access_token:
                return self.env._("Enter the access token first.")
            case "webhook" if not self.has_verify_token:
                return self.env._("Generate the verify token and enter it at Meta first.")
            case "test" if self.state != "connected":
                return self.env._(
                    "The account is not connected, so nothing can be sent: go back to the token "
                    "and check that step."
                )
        return False

    def action_setup_check(self):
        """Check this step and say what was found."""
        self._check_manager()
        keys = STEP_CHECKS.get(self.setup_step, ())
        if not keys:
            raise UserError(self.env._("Only Meta's own pages show whether this step is done."))
        rows = self._run_self_test(keys)
        if self.setup_step == "token" and all(row["result"] != BAD for row in rows):
            return self._connect_in_setup(rows)
        wrong = [row for row in rows if row["result"] == BAD]
        unknown = [row for row in rows if row["result"] not in (OK, BAD)]
        if wrong:
            names = ", ".join(row["name"] for row in wrong)
            return self._notify(self.env._("Missing or wrong, see below: %s", names), "danger")
        if unknown:
            names = ", ".join(row["name"] for row in unknown)
            return self._notify(self.env._("Not known yet, see below: %s", names), "warning")
        return self._notify(self.env._("This step is in order."))

    def _connect_in_setup(self, rows):
        if any(row["result"] != OK for row in rows if row["key"] == "number"):
            return self._notify("\n".join(row["text"] for row in rows), "warning")
        return self.action_test_connection()

    # ------------------------------------------------------------------
    # Buttons that call Meta
    # ------------------------------------------------------------------

    def action_subscribe_app(self):
        """Subscribe the app to the business account, and look whether Meta has it.

        :raises UserError: says what is wrong and what to do
        """
        self._check_manager()
        self._need_ids()
        with self._get_client() as client:
            self._call(client.subscribe_app)
            apps = self._call(client.list_subscribed_apps)
        if not apps or (self.app_id and self.app_id not in apps):
            raise UserError(
                self.env._(
                    "Meta took the call, but does not list the app %s as subscribed. Compare the "
                    "App ID with the app that the access token was made for.",
                    self.app_id or "",
                )
            )
        self._run_self_test(("subscribed",))
        return self._notify(self.env._("Meta reports to your app now."))

    def action_register_number(self, pin):
        """Register the number with the Cloud API. The PIN goes to Meta and is kept nowhere.

        :param str pin: six digits, chosen by the user or the number's present PIN
        :return: what happened, for the browser: ``{"ok": bool, "text": str}``
        :rtype: dict
        """
        self._check_manager()
        if not isinstance(pin, str) or not _PIN.fullmatch(pin):
            return self._register_answer(False, self.env._("The PIN has exactly six digits."))
        try:
            self._need_ids()
            with self._get_client() as client:
                client.register_number(pin)
        except CloudApiError as error:
            return self._register_answer(False, self._register_sentence(error))
        except (ConnectionFailed, OutcomeUnknown):
            text = self.env._(
                "Meta did not answer, so the number may be registered or not. Press “Check this "
                "step” before you try again: Meta allows 10 tries in 72 hours."
            )
            return self._register_answer(False, text)
        except UserError as error:
            return self._register_answer(False, str(error))
        self._message_log(body=self.env._("The number was registered with the Cloud API."))
        self._run_self_test(("registered",))
        return self._register_answer(
            True,
            self.env._(
                "Registered. Keep the PIN in a safe place: Meta asks for it to register again."
            ),
        )

    @api.model
    def _register_answer(self, ok, text):
        return {"ok": ok, "text": text}

    def _register_sentence(self, error):
        sentences = {
            PIN_MISMATCH: self.env._(
                "This is not the PIN of the number. It has one already: enter that one, or change "
                "it in WhatsApp Manager › Phone numbers › Two-step verification. Meta allows 10 "
                "tries in 72 hours."
            ),
            TOO_MANY_TRIES: self.env._(
                "Meta takes no more tries for now: 10 in 72 hours are allowed. Wait, or reset the "
                "PIN in WhatsApp Manager, and try again then."
            ),
            WAIT_FIRST: self.env._(
                "The number was removed from Meta a moment ago. Wait five minutes and try again."
            ),
            NOT_VERIFIED: self.env._(
                "Meta has not verified the number yet: have the code sent by SMS or call in "
                "WhatsApp Manager › Phone numbers and enter it there."
            ),
        }
        return sentences.get(error.code) or self._refusal_sentence(error)

    def action_generate_verify_token(self):
        """Make a verify token, store it encrypted, and return it this once.

        :return: the token, to be shown and copied to Meta's dashboard
        :rtype: str
        """
        self._check_manager()
        token = secrets.token_urlsafe(24)
        self.verify_token = token
        return token

    # ------------------------------------------------------------------
    # From a check to the place where it is put right
    # ------------------------------------------------------------------

    def action_open_check(self, key):
        """Open the place where a check is put right.

        :param str key: key of :data:`..ajw_whatsapp_account_self_test.CHECKS`
        """
        self._check_manager()
        if key not in CHECKS:
            raise UserError(self.env._("This check does not exist."))
        if key == "notice":
            return self._open_xmlid("ajw_consent.ajw_consent_notice_action")
        if key in ("template_invoice", "template_order"):
            return self._with_views(self.action_view_templates())
        if key == "reports":
            return self._with_views(self.action_view_webhook_log())
        if key == "sender" and self.env["ir.cron"].has_access("write"):
            return self._open_xmlid("base.ir_cron_act") | {
                "domain": [("id", "in", self.cron_id.ids + self._webhook_cron().ids)]
            }
        if key == "address" and self.env["ir.config_parameter"].has_access("write"):
            return self._open_xmlid("base.ir_config_list_action") | {
                "domain": [("key", "=", "web.base.url")]
            }
        if CHECKS[key] != "test":
            self.setup_step = CHECKS[key]
            return self._setup_action()
        raise UserError(self.env._("Only an administrator of this server can put this right."))

    def _webhook_cron(self):
        return self.env.ref("ajw_whatsapp.ir_cron_webhook")

    def _open_xmlid(self, xmlid):
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        return action | {"target": "current"}
