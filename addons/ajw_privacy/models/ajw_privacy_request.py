from odoo import api, fields, models
from odoo.fields import Domain

from .selections import KINDS, KINDS_TO_VERIFY, KINDS_WITH_COPY, STATES

OFFICER_GROUP = "ajw_consent.group_officer"


class AjwPrivacyRequest(models.Model):
    """What a person asked of a controller about their data, and what became of it."""

    _name = "ajw.privacy.request"
    _description = "Privacy request"
    _inherit = ["ajw.privacy.thread", "mail.activity.mixin"]
    _order = "deadline, id"

    # Who asked is told again nowhere else: messages and activities name the reference only.
    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "a number; names nobody"},
        "partner_id": {"category": "link", "erase": "clear"},
        "requester_name": {"category": "name", "erase": "clear"},
        "requester_email": {"category": "email", "erase": "clear"},
        "requester_phone": {"category": "phone", "erase": "clear"},
        "message": {"category": "free_text", "erase": "clear"},
        "answer_note": {"category": "free_text", "erase": "redact"},
        "extension_reason": {"category": "free_text", "erase": "redact"},
        "verified_note": {"category": "free_text", "erase": "clear"},
        "manual_reason": {"category": "free_text", "erase": "redact"},
        "country_reason": {"category": "free_text", "erase": "redact"},
        "user_id": {"category": "link", "erase": "pseudonymise"},
        "verified_by_id": {"category": "link", "erase": "pseudonymise"},
        "portal_user_id": {"category": "link", "erase": "pseudonymise"},
    }

    name = fields.Char("Reference", readonly=True, copy=False, index="trigram")
    kind = fields.Selection(
        KINDS,
        "Request",
        required=True,
        tracking=True,
        help="Every kind is accepted, also where the law does not ask for it.",
    )
    state = fields.Selection(
        STATES, "Status", required=True, default="new", readonly=True, copy=False, index=True,
        tracking=True, group_expand=True,
    )  # fmt: skip
    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        ondelete="restrict",
        tracking=True,
        help="The company that was asked and has to answer.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        index=True,
        tracking=True,
        domain=lambda self: [("all_group_ids", "in", self.env.ref(OFFICER_GROUP).ids)],
        help="The data protection officer who answers; reminded before the deadline.",
    )
    source = fields.Selection(
        [
            ("portal", "Portal"),
            ("email", "Email"),
            ("post", "Letter"),
            ("phone", "Phone"),
            ("person", "In person"),
            ("other", "Other"),
        ],
        "Came by",
        required=True,
        default="email",
    )
    received_on = fields.Date(
        "Received",
        required=True,
        default=fields.Date.context_today,
        copy=False,
        tracking=True,
        help="The day it reached the company, by whatever way. The clock starts here.",
    )
    requester_name = fields.Char("Name", help="As the requester gave it.")
    requester_email = fields.Char("Email", help="As given. No code is ever sent to it.")
    requester_phone = fields.Char("Phone", help="As given.")
    message = fields.Text("What was asked", help="In the requester's words.")
    partner_id = fields.Many2one(
        "res.partner",
        "Contact concerned",
        index="btree_not_null",
        ondelete="set null",
        domain="['|', ('company_id', '=', False), ('company_id', 'child_of', company_id)]",
        help="The person whose data it is about. May be found out later.",
    )
    contact_merged = fields.Boolean(
        readonly=True,
        copy=False,
        help="The contact was merged with another one after the request was closed: no portal "
        "shows it any more, because it may be about either of them.",
    )
    has_email = fields.Boolean(compute="_compute_has_email")
    # -- who asked
    needs_verification = fields.Boolean(compute="_compute_needs_verification")
    is_verified = fields.Boolean(
        "Verified", compute="_compute_is_verified", store=True, tracking=True
    )
    verified_method = fields.Selection(
        [
            ("email_code", "Code sent to the email on file"),
            ("portal", "Logged in to the portal"),
            ("document", "In person or by document, seen by an officer"),
        ],
        "Verified by",
        readonly=True,
        copy=False,
    )
    verified_at = fields.Datetime("Verified on", readonly=True, copy=False)
    verified_by_id = fields.Many2one("res.users", "Verified with", readonly=True, copy=False)
    verified_note = fields.Text("What was seen", readonly=True, copy=False)
    portal_user_id = fields.Many2one("res.users", "Asked by user", readonly=True, copy=False)
    # -- the answer
    answer_note = fields.Text("Answer", readonly=True, copy=False)
    closed_at = fields.Datetime("Closed", readonly=True, copy=False)
    given_otherwise = fields.Boolean(
        "Given in another way",
        readonly=True,
        copy=False,
        help="The person got the data in another way than by the copy made here.",
    )
    closed_late = fields.Boolean(
        readonly=True,
        copy=False,
        help="Answered after the deadline, or refused after the first period.",
    )
    package_ids = fields.One2many("ajw.privacy.package", "request_id", "Exports")
    package_count = fields.Integer(compute="_compute_package_count")
    with_copy = fields.Boolean(compute="_compute_needs_verification")

    _name_uniq = models.UniqueIndex("(name)", "There is a request with this reference.")
    # Of two forms sent at once neither transaction sees the other's request.
    _portal_open_uniq = models.UniqueIndex(
        "(portal_user_id, kind, company_id) WHERE portal_user_id IS NOT NULL "
        "AND state IN ('new', 'verifying', 'progress', 'waiting')",
        "This person has an open request of this kind already: close one of them first.",
    )
    # -- computed --------------------------------------------------------------------------------

    @api.depends("name", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for request in self:
            request.display_name = f"{request.name or self.env._('New')} · " + kinds.get(
                request.kind, ""
            )

    @api.depends("partner_id.email_normalized")
    def _compute_has_email(self):
        for request in self:
            request.has_email = bool(request.partner_id.email_normalized)

    @api.depends("kind")
    def _compute_needs_verification(self):
        for request in self:
            request.needs_verification = request.kind in KINDS_TO_VERIFY
            request.with_copy = request.kind in KINDS_WITH_COPY

    @api.depends("verified_at")
    def _compute_is_verified(self):
        for request in self:
            request.is_verified = bool(request.verified_at)

    @api.depends("package_ids")
    def _compute_package_count(self):
        for request in self:
            request.package_count = len(request.package_ids)

    # -- rights ----------------------------------------------------------------------------------

    @api.model
    def _officers(self, company):
        """The data protection officers of a company, the first appointed first."""
        # sudo: whoever asks (a portal user) must not need to see users
        return self.env["res.users"].sudo().search(
            Domain("all_group_ids", "in", self.env.ref(OFFICER_GROUP).ids)
            & Domain("company_ids", "in", company.ids)
            & Domain("share", "=", False),
            order="id",
        )  # fmt: skip
