import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError

#: What the digest of a notice covers: everything the person could read.
WORDING_FIELDS = (
    "title",
    "body",
    "legal_entity",
    "officer_contact",
    "recipients",
    "transfer",
    "how_to_withdraw",
    "how_to_complain",
)


class AjwConsentNotice(models.Model):
    """The exact wording a person saw when asked; published once, then unchangeable."""

    _name = "ajw.consent.notice"
    _description = "Consent Notice"
    _inherit = ["mail.thread"]
    _order = "company_id, lang, version desc, id desc"

    _ajw_personal_data = {
        "body": {"erase": "none", "reason": "wording shown to everybody; names no customer"},
    }

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        default=lambda self: self.env.company.ajw_consent_controller_id,
        ondelete="restrict",
        help="The company that the consent is given to.",
    )
    title = fields.Char(
        required=True,
        default=lambda self: self.env._("Messages about your orders and invoices over WhatsApp"),
    )
    version = fields.Integer(readonly=True, copy=False, help="Given on publishing, per language.")
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        "Language",
        required=True,
        default=lambda self: self.env.lang or "en_US",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    published_at = fields.Datetime(readonly=True, copy=False)
    digest = fields.Char(
        readonly=True, copy=False, help="SHA-256 of the wording; each consent records it."
    )
    body = fields.Text(
        "Wording",
        required=True,
        compute="_compute_from_company",
        store=True,
        readonly=False,
        precompute=True,
        help="What the person reads or hears. It must name the business and say that messages "
        "come over WhatsApp.",
    )
    legal_entity = fields.Char(
        required=True,
        compute="_compute_from_company",
        store=True,
        readonly=False,
        precompute=True,
        help="Name of the business as its customers know it.",
    )
    officer_contact = fields.Char(
        compute="_compute_from_company",
        store=True,
        readonly=False,
        precompute=True,
        help="How to reach the person who answers for data protection.",
    )
    recipients = fields.Char(
        required=True,
        default=lambda self: self.env._("Meta Platforms, which carries WhatsApp messages"),
    )
    transfer = fields.Char(
        "Transfer and safeguard",
        required=True,
        default=lambda self: self.env._(
            "Messages may pass through servers in other countries, under Meta's data processing "
            "terms."
        ),
    )
    how_to_withdraw = fields.Char(
        required=True,
        default=lambda self: self.env._(
            "Reply STOP to any message, or tell us. It takes effect at once."
        ),
    )
    how_to_complain = fields.Char(
        required=True,
        default=lambda self: self.env._(
            "Write to us, or to the data protection authority of your country."
        ),
    )

    _version_unique = models.UniqueIndex(
        "(company_id, lang, version) WHERE version > 0",
        "This version of the notice exists already.",
    )

    @api.depends("company_id")
    def _compute_from_company(self):
        for notice in self:
            # A later change of company name or email is a new version, never a change of this one.
            if notice.state == "published":
                continue
            controller = notice.company_id
            notice.legal_entity = controller.name
            notice.officer_contact = controller.email
            notice.body = self.env._(
                "I agree that %s sends me messages over WhatsApp for the purposes ticked, on the "
                "number I "
                "gave.",
                controller.name,
            )

    @api.depends("title", "version", "state", "lang")
    def _compute_display_name(self):
        for notice in self:
            label = (
                self.env._("draft")
                if notice.state == "draft"
                else self.env._("v%s", notice.version)
            )
            notice.display_name = f"{notice.title} ({notice.lang}, {label})"

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("state", "draft") != "draft":
                raise UserError(
                    self.env._("A notice starts as a draft. Publish it with the button.")
                )
        return super().create(vals_list)

    def write(self, vals):
        protected = {
            *WORDING_FIELDS,
            "company_id",
            "lang",
            "version",
            "published_at",
            "digest",
            "state",
        }
        if protected & vals.keys() and self.env.context.get("ajw_publishing") is not _PUBLISHING:
            if "state" in vals or self.filtered(lambda notice: notice.state == "published"):
                raise UserError(
                    self.env._(
                        "A published notice never changes. Duplicate it and publish the new "
                        "version."
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.filtered(lambda notice: notice.state == "published"):
            raise UserError(
                self.env._("A published notice is part of the proof and cannot be deleted.")
            )

    def action_publish(self):
        """Give the wording its version, date and digest; from now on it cannot change.

        :raises UserError: the wording does not name the business or WhatsApp (Meta, *Get opt-in*)
        """
        self.check_access("write")
        for notice in self.filtered(lambda notice: notice.state == "draft"):
            wording = " ".join(filter(None, (notice[name] for name in WORDING_FIELDS))).casefold()
            if notice.legal_entity.casefold() not in (notice.body or "").casefold():
                raise UserError(
                    self.env._(
                        "The wording must name the business (%s): Meta requires it.",
                        notice.legal_entity,
                    )
                )
            if "whatsapp" not in wording:
                raise UserError(
                    self.env._("The wording must say that messages come over WhatsApp.")
                )
            last = self.search(
                [
                    ("company_id", "=", notice.company_id.id),
                    ("lang", "=", notice.lang),
                    ("version", ">", 0),
                ],
                order="version desc",
                limit=1,
            )
            notice.with_context(ajw_publishing=_PUBLISHING).write(
                {
                    "state": "published",
                    "version": last.version + 1,
                    "published_at": fields.Datetime.now(),
                    "digest": notice._wording_digest(),
                }
            )
        return True

    def _wording_digest(self):
        """SHA-256 (hex) of what the person could read, in canonical JSON."""
        self.ensure_one()
        wording = {name: self[name] or "" for name in WORDING_FIELDS}
        wording["lang"] = self.lang
        canonical = json.dumps(wording, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @api.model
    def _get_published(self, controller, lang=None):
        """Return the latest published notice of a controller, in ``lang`` when there is one.

        :param controller: res.company
        :param str lang: Odoo language code
        :return: a notice or an empty recordset
        """
        published = self.search(
            [("company_id", "=", controller.id), ("state", "=", "published")],
            order="published_at desc, id desc",
        )
        return (published.filtered(lambda notice: notice.lang == lang) or published)[:1]

    @api.model
    def _create_missing_drafts(self):
        """Create a draft for each controller that has no notice yet."""
        controllers = self.env["res.company"].search([("parent_id", "=", False)])
        with_notice = self.search([("company_id", "in", controllers.ids)]).company_id
        for controller in controllers - with_notice:
            self.with_company(controller).create({})


# An object cannot arrive by RPC: only code of this module can publish.
_PUBLISHING = object()
