import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: Written, never read back: field → column with the ciphertext.
SECRETS = {
    "access_token": "access_token_cipher",
    "app_secret": "app_secret_cipher",
    "verify_token": "verify_token_cipher",
}

#: What this software keeps about an account; a new one starts with these values.
OWN_FIELDS = {
    "state": "draft",
    "stopped_reason": False,
    "paused_until": False,
    "cron_id": False,
    "display_phone_number": False,
    "verified_name": False,
}


class AjwWhatsappAccount(models.Model):
    """One phone number on Meta's Cloud API, with the Meta app it is reached through."""

    _name = "ajw.whatsapp.account"
    _description = "WhatsApp Account"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "sequence, id"
    _check_company_auto = True
    # re-encrypted by the keyring when its newest key changes
    _ajw_encrypted_fields = tuple(SECRETS.values())

    _ajw_personal_data = {
        "display_phone_number": {
            "category": "phone",
            "erase": "none",
            "reason": "The business's own number.",
        },
        "verified_name": {
            "category": "name",
            "erase": "none",
            "reason": "The business's own name.",
        },
    }

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        tracking=True,
    )
    phone_number_id = fields.Char(
        string="Phone number ID",
        tracking=True,
        help="Meta's id of the number: WhatsApp › API setup in Meta's app dashboard.",
    )
    waba_id = fields.Char(
        string="Business account ID",
        tracking=True,
        help="Meta's id of the WhatsApp Business account (WABA), on the same page.",
    )
    app_id = fields.Char(
        string="App ID",
        tracking=True,
        help="Meta's id of your own app. Needed to submit templates with a document.",
    )
    api_version = fields.Char(
        string="API version",
        required=True,
        default="v23.0",
        tracking=True,
        groups="ajw_whatsapp.group_manager",
    )
    base_url = fields.Char(
        string="API address",
        required=True,
        default="https://graph.facebook.com",
        tracking=True,
        groups="ajw_whatsapp.group_manager",
        help="Changing it removes the stored secrets, for they belong to the former address.",
    )
    display_phone_number = fields.Char(string="Number", readonly=True, copy=False)
    verified_name = fields.Char(string="Shown name", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Not connected"), ("connected", "Connected"), ("stopped", "Stopped")],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        tracking=True,
        help="Stopped: Meta rejected the account as a whole. Nothing is sent and the queue is kept "
        "until the connection test passes again.",
    )
    stopped_reason = fields.Char(readonly=True, copy=False)
    paused_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="Nothing is sent before this time: Meta asked for it, or does not answer.",
    )
    webhook_path = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: secrets.token_urlsafe(24),
        groups="ajw_whatsapp.group_manager",
    )
    webhook_url = fields.Char(
        string="Webhook address",
        compute="_compute_webhook_url",
        groups="ajw_whatsapp.group_manager",
        help="Enter it as callback URL in Meta's app dashboard (WhatsApp › Configuration) and "
        "subscribe to the fields that the guided set-up lists.",
    )
    cron_id = fields.Many2one(
        "ir.cron",
        readonly=True,
        copy=False,
        ondelete="restrict",
        groups="ajw_whatsapp.group_manager",
        help="The scheduled action that sends this account's queue.",
    )
    warning = fields.Text(
        compute="_compute_warning",
        compute_sudo=True,
        help="What keeps messages from going out although the account is connected.",
    )
    template_ids = fields.One2many("ajw.whatsapp.template", "account_id")

    _webhook_path_unique = models.UniqueIndex("(webhook_path)")
    _phone_number_id_unique = models.UniqueIndex(
        "(phone_number_id) WHERE active", "Another account already has this phone number ID."
    )

    # ------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------

    @api.depends("webhook_path")
    def _compute_webhook_url(self):
        for account in self:
            account.webhook_url = (
                f"{account.get_base_url()}/ajw_whatsapp/webhook/{account.webhook_path}"
            )

    @api.depends("active", "cron_id.active", "template_ids.category", "template_ids.model")
    def _compute_warning(self):
        for account in self:
            lines = []
            if account.active and account.cron_id and not account.cron_id.active:
                lines.append(
                    self.env._(
                        "The scheduled action that sends the queue is switched off; Odoo does so "
                        "after repeated failures. Have an administrator look at the server's log "
                        "and switch “%s” on again.",
                        account.cron_id.name,
                    )
                )
            moved = account.template_ids.filtered(lambda t: t.model and t.category == "MARKETING")
            if moved:
                lines.append(
                    self.env._(
                        "Meta holds these templates for marketing, so they are not sent: %s",
                        ", ".join(moved.mapped("display_name")),
                    )
                )
            account.warning = "\n".join(lines) or False

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            # Said explicitly, so that the context does not say otherwise.
            self._check_own_fields(set().union(*vals_list))
            vals_list = [
                OWN_FIELDS | {"webhook_path": secrets.token_urlsafe(24)} | vals
                for vals in vals_list
            ]
        accounts = super().create(vals_list)
        accounts.invalidate_recordset(list(SECRETS))
        for account in accounts:
            account._create_cron()
        return accounts

    def write(self, vals):
        if not self.env.su:
            self._check_own_fields(vals.keys())
        if "base_url" in vals:
            moved = self.filtered(lambda account: account.base_url != vals["base_url"])
            moved._forget_secrets(
                self.env._("The API address changed: the stored secrets were removed.")
            )
        if vals.get("company_id"):
            self._check_company_unused(vals["company_id"])
        archived = self.filtered("active") if vals.get("active") is False else self.browse()
        result = super().write(vals)
        archived._cancel_queue()
        if vals.keys() & SECRETS.keys():
            # What was typed must not be read back, not even from this transaction's cache.
            self.invalidate_recordset(list(SECRETS))
        if vals.get("active"):
            self._wake_sender()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_messages(self):
        """Keep the record of what was sent: an account that has messages is archived instead."""
        # sudo: messages that the user may not read would be lost as well
        messages = self.env["ajw.whatsapp.message"].sudo()
        for account in self:
            if messages.search_count([("account_id", "=", account.id)], limit=1):
                raise UserError(
                    self.env._(
                        "The WhatsApp account %s has messages, and some may still be on their way. "
                        "Archive it instead: the queue is cancelled, reports on what was sent "
                        "still come in, and the record stays.",
                        account.name,
                    )
                )

    def unlink(self):
        # sudo: managers of WhatsApp need no right on scheduled actions
        crons = self.sudo().cron_id
        result = super().unlink()
        crons.unlink()
        return result

    def _check_own_fields(self, names):
        """Keep what only this software decides from being set from outside.

        Somebody else's scheduled action, for one, would go with the account.

        :param names: names of the fields to be written
        :raises AccessError: one of them is not the user's to write
        """
        own = sorted(names & (OWN_FIELDS.keys() | {"webhook_path"}))
        if own:
            raise AccessError(
                self.env._("These fields of a WhatsApp account set themselves: %s", ", ".join(own))
            )

    def _check_company_unused(self, company_id):
        changed = self.filtered(lambda account: account.company_id.id != company_id)
        if changed and self.env[
            "ajw.whatsapp.message"
        ].sudo().search_count(  # sudo: all companies count
            [("account_id", "in", changed.ids)], limit=1
        ):
            raise UserError(
                self.env._(
                    "This account has messages and stays with its company. Create another account."
                )
            )

    def _create_cron(self):
        """Give the account the scheduled action that sends its queue."""
        self.ensure_one()
        # sudo: managers of WhatsApp need no right on scheduled actions
        self.sudo().cron_id = (
            self.env["ir.cron"]
            .sudo()
            .create(
                {
                    "name": self.env._("WhatsApp: send the queue of %s", self.name),
                    "model_id": self.env["ir.model"]._get_id(self._name),
                    "state": "code",
                    "code": f"model.browse({self.id})._ajw_run_outbox()",
                    "user_id": self.env.ref("base.user_root").id,
                    # Messages wake it; the interval only picks up what a crash left behind.
                    "interval_number": 5,
                    "interval_type": "minutes",
                    "priority": 4,
                }
            )
        )

    @api.model
    def _get_default(self, company):
        """Return the company's first account that is connected, else an empty record."""
        # sudo: users of WhatsApp may use the account of their company without seeing its settings
        accounts = self.sudo().search([("company_id", "=", company.id), ("state", "!=", "draft")])
        connected = accounts.filtered(lambda account: account.state == "connected")
        return (connected or accounts)[:1].with_env(self.env)
