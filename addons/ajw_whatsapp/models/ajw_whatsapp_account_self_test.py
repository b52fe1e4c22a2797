from odoo import api, fields, models
from odoo.exceptions import UserError

from ..cloud_api.inspection import QUESTIONS, inspect, is_wrong_secret
from .ajw_whatsapp_account import OWN_FIELDS

#: Seconds to connect, and between two bytes of an answer: a person waits for it.
TIMEOUT = (5, 10)

OK, BAD, UNKNOWN = "ok", "bad", "unknown"

#: What is checked, in the order in which it is set up; which step of the set-up puts it right.
CHECKS = {
    "keys": "app",
    "business": "business",
    "app": "app",
    "official": "token",
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
            "official": self.env._("Official interface"),
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
