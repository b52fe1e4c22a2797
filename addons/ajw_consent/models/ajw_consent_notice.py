from odoo import api, fields, models
from odoo.fields import Command

from .selections import CHANNELS

#: What the digest of every notice covers: everything the person could read.
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
#: Channel key → field that says whether the wording covers it.
CHANNEL_FIELDS = {key: f"for_{key}" for key, _label in CHANNELS}
#: Editing one of these makes a wording that nobody has reviewed.
REVIEWED_FIELDS = frozenset(
    {*WORDING_FIELDS, *CHANNEL_FIELDS.values(), "lang", "source_id", "company_id", "line_ids"}
)
#: Only publishing and announcing write these.
SET_BY_PUBLISHING = frozenset(
    {
        "state",
        "version",
        "published_at",
        "published_by_id",
        "announced_at",
        "digest",
        "digest_version",
        "reviewed_at",
        "reviewed_by_id",
        "written_by_id",
        "editor_ids",
    }
)
#: What never changes any more once published.
FROZEN_FIELDS = REVIEWED_FIELDS | SET_BY_PUBLISHING | {"change", "minor_reason", "effective_at"}
# An object cannot arrive by RPC: only code of this addon can publish.
PUBLISHING = object()


class AjwConsentNotice(models.Model):
    """The exact wording a person saw when asked; published once, then unchangeable.

    A version exists in one language that it was written in, and in translations that point to it.
    """

    _name = "ajw.consent.notice"
    _description = "Consent Notice"
    _inherit = ["mail.thread"]
    _order = "company_id, version desc, lang, id desc"

    _ajw_personal_data = {
        "body": {"erase": "none", "reason": "wording shown to everybody; names no customer"},
        "officer_contact": {
            "category": "technical",
            "erase": "none",
            "reason": "contact of the business, part of what was published",
        },
        **{
            name: {
                "category": "link",
                "erase": "keep",
                "reason": "who answers for a published wording; part of the proof",
            }
            for name in ("written_by_id", "editor_ids", "reviewed_by_id", "published_by_id")
        },
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
    version = fields.Integer(
        readonly=True, copy=False, help="Given on publishing. Translations have their original's."
    )
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        "Language",
        required=True,
        default=lambda self: self.env.lang or "en_US",
    )
    source_id = fields.Many2one(
        "ajw.consent.notice",
        "Translation of",
        index="btree_not_null",
        copy=False,
        ondelete="restrict",
        domain="[('company_id', '=', company_id), ('source_id', '=', False), ('id', '!=', id)]",
        help="The notice whose wording this is in another language. Empty: this is an original.",
    )
    translation_ids = fields.One2many("ajw.consent.notice", "source_id", "Translations")
    state = fields.Selection(
        [("draft", "Draft"), ("reviewed", "Reviewed"), ("published", "Published")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        index=True,
        group_expand=True,
    )
    written_by_id = fields.Many2one("res.users", "Last Edited by", readonly=True, copy=False)
    editor_ids = fields.Many2many(
        "res.users",
        "ajw_consent_notice_editor_rel",
        string="Edited by",
        readonly=True,
        copy=False,
        help="Everybody who edited the wording since it was last reviewed: none of them reviews "
        "it.",
    )
    reviewed_by_id = fields.Many2one("res.users", "Reviewed by", readonly=True, copy=False)
    reviewed_at = fields.Datetime("Reviewed", readonly=True, copy=False)
    published_by_id = fields.Many2one("res.users", "Published by", readonly=True, copy=False)
    published_at = fields.Datetime("Published", readonly=True, copy=False)
    effective_at = fields.Datetime(
        "Takes Effect",
        copy=False,
        help="From then on people are asked with this wording. Empty: as soon as it is published.",
    )
    change = fields.Selection(
        [
            ("minor", "Clearer wording only"),
            ("material", "What is done with the data changes"),
        ],
        "What Changes",
        required=True,
        default="minor",
        copy=False,
        help="A material change is announced to everybody concerned and takes effect for each of "
        "them 30 days after the announcement reached them, at the earliest.",
    )
    minor_reason = fields.Char(
        "Why Nobody Is Told",
        copy=False,
        help="Needed where recipients, transfer, legal entity or the data used differ from the "
        "version in force, and the change is yet not announced. It is kept with the notice.",
    )
    announced_at = fields.Datetime(
        "Announced", readonly=True, copy=False, help="When the mailing of the announcement began."
    )
    digest = fields.Char(
        readonly=True, copy=False, help="SHA-256 of the wording; each consent records it."
    )
    digest_version = fields.Integer(readonly=True, copy=False)
    for_whatsapp = fields.Boolean("WhatsApp", default=True)
    for_email = fields.Boolean("Email")
    for_sms = fields.Boolean("SMS")
    for_phone = fields.Boolean("Phone call")
    for_post = fields.Boolean("Post")
    line_ids = fields.One2many(
        "ajw.consent.notice.line",
        "notice_id",
        "Purposes",
        copy=True,
        default=lambda self: self._default_lines(self.env.lang),
        help="What people are asked about, and the data that each purpose uses.",
    )
    purpose_ids = fields.Many2many(
        "ajw.consent.purpose",
        compute="_compute_purpose_ids",
        search="_search_purpose_ids",
        string="Covered Purposes",
    )
    body = fields.Text(
        "Wording",
        compute="_compute_from_company",
        store=True,
        readonly=False,
        precompute=True,
        help="What the person reads or hears. It must name the business and say that messages "
        "come over WhatsApp.",
    )
    legal_entity = fields.Char(
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
        default=lambda self: self.env._("Meta Platforms, which carries WhatsApp messages"),
        help="Who else receives the data. For WhatsApp that is Meta.",
    )
    transfer = fields.Char(
        "Transfer and safeguard",
        default=lambda self: self.env._(
            "Messages may pass through servers in other countries, under Meta's data processing "
            "terms."
        ),
    )
    how_to_withdraw = fields.Char(
        default=lambda self: self.env._(
            "Reply STOP to any message, or tell us. It takes effect at once."
        ),
    )
    how_to_complain = fields.Char(
        default=lambda self: self.env._(
            "Write to us, or to the data protection authority of your country."
        ),
    )

    _version_unique = models.UniqueIndex(
        "(company_id, lang, version) WHERE version > 0",
        "This version of the notice exists already in this language.",
    )
    # Releases before 19.0.1.2.0 counted versions per language.
    _original_unique = models.UniqueIndex(
        "(company_id, version) WHERE version > 0 AND source_id IS NULL AND digest_version >= 2",
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
            notice.body = notice.with_context(lang=notice.lang).env._(
                "I agree that %s sends me messages over WhatsApp for the purposes ticked, on the "
                "number I "
                "gave.",
                controller.name,
            )

    @api.depends("line_ids.purpose_id")
    def _compute_purpose_ids(self):
        for notice in self:
            notice.purpose_ids = notice.line_ids.purpose_id

    def _search_purpose_ids(self, operator, value):
        return [("line_ids.purpose_id", operator, value)]

    @api.depends("title", "version", "state", "lang")
    def _compute_display_name(self):
        states = dict(self._fields["state"]._description_selection(self.env))
        for notice in self:
            label = (
                self.env._("v%s", notice.version)
                if notice.state == "published"
                else (states.get(notice.state) or "").lower()
            )
            notice.display_name = f"{notice.title} ({notice.lang}, {label})"

    @api.model
    def _default_lines(self, lang):
        """Return the commands that itemise every purpose in use, for a new draft."""
        purposes = self.env["ajw.consent.purpose"].with_context(lang=lang).search([])
        return [
            Command.create({**line._values_of(purpose), "purpose_id": purpose.id})
            for line in [self.env["ajw.consent.notice.line"].with_context(lang=lang)]
            for purpose in purposes
        ]
