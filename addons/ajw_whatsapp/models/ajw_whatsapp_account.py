import ipaddress
import re
import secrets
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.ajw_consent.tools.keyring import KeyringError, get_keyring

from ..cloud_api.client import CloudApiClient
from ..cloud_api.errors import CloudApiError, ConnectionFailed, OutcomeUnknown
from .selections import WAITING_STATES

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

_API_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_META_ID = re.compile(r"[0-9]{1,32}")


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
    access_token = fields.Char(
        string="Access token",
        compute="_compute_secrets",
        inverse="_inverse_access_token",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="The permanent token of your system user. Stored encrypted and never shown again; "
        "leave empty to keep the one that is stored.",
    )
    app_secret = fields.Char(
        string="App secret",
        compute="_compute_secrets",
        inverse="_inverse_app_secret",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="The app's secret: App settings › Basic. Without it nothing that Meta reports is "
        "believed. Stored encrypted and never shown again.",
    )
    verify_token = fields.Char(
        string="Verify token",
        compute="_compute_secrets",
        inverse="_inverse_verify_token",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="Any word of your choice; enter the same one in Meta's dashboard beside the webhook "
        "address. Stored encrypted and never shown again.",
    )
    access_token_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    app_secret_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    verify_token_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    has_access_token = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)
    has_app_secret = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)
    has_verify_token = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)
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
        readonly=True, copy=False, help="Meta asked to send nothing before this time."
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
        "subscribe to the fields messages, message_template_status_update, "
        "message_template_quality_update, template_category_update and user_preferences.",
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
    template_count = fields.Integer(compute="_compute_counts")
    message_count = fields.Integer(compute="_compute_counts")
    not_handled_count = fields.Integer(
        compute="_compute_not_handled_count", groups="ajw_whatsapp.group_manager"
    )

    _webhook_path_unique = models.UniqueIndex("(webhook_path)")
    _phone_number_id_unique = models.UniqueIndex(
        "(phone_number_id) WHERE active", "Another account already has this phone number ID."
    )

    # ------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------

    def _compute_secrets(self):
        """Show nothing, ever: these fields only take values in."""
        for name in SECRETS:
            self[name] = False

    @api.depends(*SECRETS.values())
    def _compute_has_secrets(self):
        for account in self:
            for name, column in SECRETS.items():
                account[f"has_{name}"] = bool(account[column])

    def _inverse_access_token(self):
        self._store_secret("access_token")

    def _inverse_app_secret(self):
        self._store_secret("app_secret")

    def _inverse_verify_token(self):
        self._store_secret("verify_token")

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

    def _compute_counts(self):
        for name, model in (
            ("template", "ajw.whatsapp.template"),
            ("message", "ajw.whatsapp.message"),
        ):
            counts = dict(
                self.env[model]._read_group(
                    [("account_id", "in", self.ids)], ["account_id"], ["__count"]
                )
            )
            for account in self:
                account[f"{name}_count"] = counts.get(account, 0)

    def _compute_not_handled_count(self):
        counts = dict(
            self.env["ajw.whatsapp.webhook.event"]._read_group(
                [("account_id", "in", self.ids), ("state", "in", ("failed", "not_handled"))],
                ["account_id"],
                ["__count"],
            )
        )
        for account in self:
            account.not_handled_count = counts.get(account, 0)

    # ------------------------------------------------------------------
    # Constraints
    # ------------------------------------------------------------------

    @api.constrains("base_url")
    def _check_base_url(self):
        for account in self:
            url = urlsplit(account.base_url or "")
            if (
                url.scheme not in ("https", "http")
                or not url.hostname
                or url.username is not None
                or url.query
                or url.fragment
            ):
                raise ValidationError(
                    self.env._(
                        "The API address reads https://host, without user, query or fragment."
                    )
                )
            if url.scheme == "http" and not _is_loopback(url.hostname):
                raise ValidationError(
                    self.env._(
                        "The API address must begin with https://, or the access token would "
                        "travel unencrypted. Only an address on this very machine may use http://."
                    )
                )

    @api.constrains("api_version")
    def _check_api_version(self):
        for account in self:
            if not _API_VERSION.fullmatch(account.api_version or ""):
                raise ValidationError(self.env._("The API version reads like v23.0."))

    @api.constrains("phone_number_id", "waba_id", "app_id")
    def _check_meta_ids(self):
        for account in self:
            for name in ("phone_number_id", "waba_id", "app_id"):
                if account[name] and not _META_ID.fullmatch(account[name]):
                    raise ValidationError(
                        self.env._(
                            "%s is a number of digits only, as Meta's dashboard shows it.",
                            account._fields[name].get_description(self.env)["string"],
                        )
                    )

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

    def _cancel_queue(self):
        """Take what is queued for archived accounts out of the queue, and tell the documents."""
        messages = self.env["ajw.whatsapp.message"]._engine()
        for account in self:
            # What the sender holds at this moment goes out; what it puts back is found later.
            queued = messages.search(
                [("account_id", "=", account.id), ("state", "in", WAITING_STATES)]
            ).try_lock_for_update()
            queued._set_state(
                "cancelled",
                retry_at=False,
                error_hint=self.env._(
                    "The WhatsApp account %s was archived. Send the document again.", account.name
                ),
            )
            queued._document_outcome()

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

    # ------------------------------------------------------------------
    # Secrets
    # ------------------------------------------------------------------

    def _store_secret(self, name):
        """Encrypt what was typed; an empty value keeps what is stored.

        :raises UserError: the keys are missing or are not this database's
        """
        labels = {
            "access_token": self.env._("The access token was changed."),
            "app_secret": self.env._("The app secret was changed."),
            "verify_token": self.env._("The verify token was changed."),
        }
        for account in self:
            value = (account[name] or "").strip()
            if not value:
                continue
            # sudo: the column is closed to every role
            account.sudo()[SECRETS[name]] = self._get_keyring().encrypt(value)
            account._message_log(body=labels[name])

    def _read_secret(self, name):
        """Return a stored secret in clear, or ``None`` when none is stored.

        :raises UserError: the keys are missing or wrong
        """
        self.ensure_one()
        # sudo: the column is closed to every role
        cipher = self.sudo()[SECRETS[name]]
        if not cipher:
            return None
        try:
            return self._get_keyring().decrypt(cipher)
        except KeyringError as error:
            raise UserError(self.env["ajw.consent.keyring"]._message(error)) from None

    def _get_keyring(self):
        message = self.env["ajw.consent.keyring"]._check()
        if message:
            raise UserError(message)
        return get_keyring()

    def _forget_secrets(self, body):
        for account in self:
            # sudo: the columns are closed to every role
            account.sudo().write(dict.fromkeys(SECRETS.values(), False) | {"state": "draft"})
            account._message_log(body=body)

    # ------------------------------------------------------------------
    # Client
    # ------------------------------------------------------------------

    def _get_client(self, **options):
        """Return the connection to Meta for this account.

        :param options: further arguments of the client, such as ``timeout``
        :rtype: CloudApiClient
        :raises UserError: no token is stored, or the keys are missing or wrong
        """
        self.ensure_one()
        token = self._read_secret("access_token")
        if not token:
            raise UserError(
                self.env._(
                    "The WhatsApp account %s has no access token. Enter one on the account.",
                    self.name,
                )
            )
        account_sudo = self.sudo()  # sudo: whoever sends needs the address, only managers see it
        return CloudApiClient(
            base_url=account_sudo.base_url,
            api_version=account_sudo.api_version,
            phone_number_id=self.phone_number_id,
            waba_id=self.waba_id,
            app_id=self.app_id or None,
            access_token=token,
            app_secret=self._read_secret("app_secret"),
            **options,
        )

    @api.model
    def _get_default(self, company):
        """Return the company's first account that is connected, else an empty record."""
        # sudo: users of WhatsApp may use the account of their company without seeing its settings
        accounts = self.sudo().search([("company_id", "=", company.id), ("state", "!=", "draft")])
        connected = accounts.filtered(lambda account: account.state == "connected")
        return (connected or accounts)[:1].with_env(self.env)

    # ------------------------------------------------------------------
    # Withdrawals
    # ------------------------------------------------------------------

    def _addresses_of(self, number):
        """Return every number a person was written to at, given one of them or his ``wa_id``.

        :param str number: with leading +
        :rtype: set[str]
        """
        self.ensure_one()
        messages = self.env["ajw.whatsapp.message"]._engine()
        ours = [("company_id", "=", self.company_id.id), ("direction", "=", "outbound")]
        wa_ids = messages._read_group(
            [*ours, ("number", "=", number), ("wa_id", "!=", False)], ["wa_id"]
        )
        known = {number, *(wa_id for [wa_id] in wa_ids)}
        numbers = messages._read_group(
            [*ours, ("wa_id", "in", list(known)), ("number", "!=", False)], ["number"]
        )
        return known | {each for [each] in numbers}

    def _withdraw(self, number, method, occurred_at, purposes=None, evidence=None):
        """Withdraw for everybody who holds a number, however it is written on record.

        :param str number: with leading +, as WhatsApp or we write it
        :param str method: see ``ajw.consent.event._withdraw_address``, as for what follows
        :param datetime occurred_at: when the person said so, naive UTC
        """
        self.ensure_one()
        self.env["ajw.consent.event"]._withdraw_address(
            self.company_id.ajw_consent_controller_id,
            "whatsapp",
            sorted(self._addresses_of(number)),
            method,
            purposes=purposes,
            evidence=evidence,
            occurred_at=min(occurred_at, fields.Datetime.now()),
        )

    def _alert_managers(self, summary, note, activity_type="mail.mail_activity_data_todo"):
        """Give the account's managers something to do.

        :param str summary: what happened, without personal data
        :param str note: what to do
        :param str activity_type: XML id of the kind of activity
        """
        self.ensure_one()
        managers = self.env.ref("ajw_whatsapp.group_manager").all_user_ids.filtered(
            lambda user: user.active and self.company_id in user.company_ids and not user.share
        )
        for manager in managers - self.env.ref("base.user_root"):
            self.activity_schedule(activity_type, user_id=manager.id, summary=summary, note=note)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_test_connection(self):
        """Look the number and the account up at Meta, and connect when both are found.

        :raises UserError: says what is wrong and what to do
        """
        self._check_manager()
        self._need_ids()
        with self._get_client() as client:
            number = self._call(client.get_phone_number)
            self._call(client.get_business_account)
            numbers = self._call(client.list_phone_numbers)
            if self.phone_number_id not in numbers:
                raise UserError(
                    self.env._(
                        "The number %(number)s does not belong to the business account %(waba)s. "
                        "Compare both ids with Meta's dashboard.",
                        number=number.get("display_phone_number") or self.phone_number_id,
                        waba=self.waba_id,
                    )
                )
            # Without it a verified webhook never receives anything.
            self._call(client.subscribe_app)
        # sudo: the state is read-only to every role; only a passed test sets it
        self.sudo().write(
            {
                "display_phone_number": number.get("display_phone_number"),
                "verified_name": number.get("verified_name"),
                "state": "connected",
                "stopped_reason": False,
                "paused_until": False,
            }
        )
        self.activity_unlink(["mail.mail_activity_data_warning"])
        self._wake_sender()
        message = self.env._(
            "Connected to %(name)s (%(number)s).",
            name=self.verified_name or self.name,
            number=self.display_phone_number or self.phone_number_id,
        )
        if not self.has_app_secret:
            message += " " + self.env._(
                "The app secret is missing: nothing that Meta reports will be believed until you "
                "enter it."
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if self.has_app_secret else "warning",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_remove_secrets(self):
        """Remove the stored secrets, for example before giving the number up."""
        self.check_access("write")
        self._forget_secrets(self.env._("The stored secrets were removed."))
        return True

    def _action_open(self, model, name, domain=()):
        self.check_access("read")
        self.env[model].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "domain": [("account_id", "in", self.ids), *domain],
            "context": {"default_account_id": self[:1].id},
        }

    def action_view_templates(self):
        """Open the account's templates."""
        return self._action_open("ajw.whatsapp.template", self.env._("Templates"))

    def action_view_messages(self):
        """Open the account's messages."""
        return self._action_open("ajw.whatsapp.message", self.env._("Messages"))

    def action_view_not_handled(self):
        """Open what Meta reported and nothing was done with."""
        return self._action_open(
            "ajw.whatsapp.webhook.event",
            self.env._("Not handled"),
            [("state", "in", ("failed", "not_handled"))],
        )

    def _call(self, function, *args):
        """Call Meta and turn its errors into sentences.

        :raises UserError: says what is wrong and what to do
        """
        try:
            return function(*args)
        except CloudApiError as error:
            raise UserError(self.env["ajw.whatsapp.error"]._sentence(error)) from None
        except (ConnectionFailed, OutcomeUnknown):
            raise UserError(
                self.env._(
                    "Meta could not be reached at %s. Check the API address and this server's "
                    "connection to the internet, then try again.",
                    self.sudo().base_url,  # sudo: only the address, no secret
                )
            ) from None


def _is_loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
