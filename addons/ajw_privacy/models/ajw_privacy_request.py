from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..engine import deadlines
from .selections import CLOSED_STATES, KINDS, KINDS_TO_VERIFY, KINDS_WITH_COPY, OPEN_STATES, STATES

OFFICER_GROUP = "ajw_consent.group_officer"

#: Set by the steps of the request, never by a form, an import or a call from outside.
PROTECTED_FIELDS = frozenset(
    {
        "name", "state", "verified_method", "verified_at", "verified_by_id", "verified_note",
        "extension_told_on", "extension_reason", "answer_note", "closed_at", "portal_user_id",
        "reminder", "deadline", "base_deadline", "right", "jurisdiction_id", "rule_id",
        "is_verified", "given_otherwise", "closed_late",
    }
)  # fmt: skip

#: What stays once a request is closed, beside what only steps write.
FROZEN_FIELDS = frozenset(
    {
        "kind", "company_id", "source", "received_on", "requester_name", "requester_email",
        "requester_phone", "message", "partner_id", "country_id", "country_reason",
        "manual_jurisdiction_id", "manual_reason",
    }
)  # fmt: skip

#: What a new request begins with, whatever defaults the caller's context or settings name. What is
#: computed (deadline, right, …) is computed anew on creation anyway.
BEGINNING = {
    "state": "new",
    "verified_method": False,
    "verified_at": False,
    "verified_by_id": False,
    "verified_note": False,
    "extension_told_on": False,
    "extension_reason": False,
    "answer_note": False,
    "closed_at": False,
    "portal_user_id": False,
    "reminder": "none",
    "given_otherwise": False,
    "closed_late": False,
}

#: An object cannot arrive by RPC: only code of this addon can take a step.
STEP = object()


class AjwPrivacyRequest(models.Model):
    """What a person asked of a controller about their data, and what became of it."""

    _name = "ajw.privacy.request"
    _description = "Privacy request"
    _inherit = ["mail.thread", "mail.activity.mixin"]
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
    has_email = fields.Boolean(compute="_compute_has_email")
    # -- the clock
    country_id = fields.Many2one(
        "res.country",
        "Country of the person",
        compute="_compute_country_id",
        store=True,
        readonly=False,
        tracking=True,
        help="Follows the contact while the request is open. Another country needs a reason.",
    )
    country_reason = fields.Char(
        "Reason for the country",
        copy=False,
        help="Why the person's country is another than the contact's.",
    )
    manual_jurisdiction_id = fields.Many2one(
        "ajw.privacy.jurisdiction",
        "Decided otherwise",
        tracking=True,
        help="Another law than the countries say. Needs a reason.",
    )
    manual_reason = fields.Char("Reason", help="Why another law applies.")
    jurisdiction_id = fields.Many2one(
        "ajw.privacy.jurisdiction", compute="_compute_deadline", store=True, tracking=True
    )
    rule_id = fields.Many2one(
        "ajw.privacy.jurisdiction.rule", compute="_compute_deadline", store=True
    )
    right = fields.Selection(
        [("statutory", "Statutory"), ("voluntary", "Voluntary")],
        compute="_compute_deadline",
        store=True,
        help="Whether a law gives the person this right, or the company answers of its own will.",
    )
    base_deadline = fields.Date(
        "Tell of an extension until",
        compute="_compute_deadline",
        store=True,
        help="The end of the first period.",
    )
    deadline = fields.Date(
        compute="_compute_deadline", store=True, index=True, tracking=True,
        help="The last day for the answer. It is not put off to the next working day.",
    )  # fmt: skip
    clock_note = fields.Text("Why this deadline", compute="_compute_clock_note")
    urgency = fields.Selection(
        [("overdue", "Overdue"), ("soon", "Due soon"), ("ok", "In time")],
        compute="_compute_urgency",
    )
    days_left = fields.Integer(compute="_compute_urgency")
    extension_told_on = fields.Date(
        "Told of extension", readonly=True, copy=False, tracking=True,
        help="The day the person was told, with the reasons, that the answer takes longer.",
    )  # fmt: skip
    extension_reason = fields.Text("Reasons for extension", readonly=True, copy=False)
    reminder = fields.Selection(
        [("none", "None"), ("soon", "Due soon"), ("overdue", "Overdue")],
        default="none",
        readonly=True,
        copy=False,
        help="The last reminder that was given.",
    )
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

    # -- computed --------------------------------------------------------------------------------

    @api.depends("name", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for request in self:
            request.display_name = f"{request.name or self.env._('New')} · " + kinds.get(
                request.kind, ""
            )

    @api.depends("partner_id.country_id")
    def _compute_country_id(self):
        for request in self:
            # what was closed, and what somebody decided with a reason, stays
            stays = request.state in CLOSED_STATES or request.country_reason
            theirs = not stays and request.partner_id.country_id
            request.country_id = theirs or request.country_id

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

    def _laws(self):
        """The rules that may set the clock: one for each law that applies on the day of receipt."""
        self.ensure_one()
        laws = self.manual_jurisdiction_id or self.env["ajw.privacy.jurisdiction"]._applicable(
            self.company_id.country_id | self.country_id
        )
        received = self.received_on or fields.Date.context_today(self)
        return self.env["ajw.privacy.jurisdiction.rule"]._in_force(laws, self.kind, received)

    def _decision(self, told=None):
        """The engine's answer for this request; None where no rule is known.

        :param date told: assume the person was told of an extension on this day
        """
        self.ensure_one()
        return deadlines.decide(
            self.received_on or fields.Date.context_today(self),
            [rule._clock() for rule in self._laws()],
            told or self.extension_told_on or None,
        )

    @api.depends(
        "kind", "received_on", "company_id.partner_id.country_id", "country_id",
        "manual_jurisdiction_id", "extension_told_on",
    )  # fmt: skip
    def _compute_deadline(self):
        for request in self:
            if request.state in CLOSED_STATES:
                # what was answered keeps the clock it was answered under
                for name in ("rule_id", "jurisdiction_id", "right", "base_deadline", "deadline"):
                    request[name] = request[name]
                continue
            decision = request._decision() if request.kind else None
            rule = self.env["ajw.privacy.jurisdiction.rule"].browse(
                decision.rule.key if decision else ()
            )
            request.rule_id = rule
            request.jurisdiction_id = rule.jurisdiction_id
            request.right = decision and ("statutory" if decision.statutory else "voluntary")
            request.base_deadline = decision and decision.base
            request.deadline = decision and decision.deadline

    @api.model
    def _follow_rules(self):
        """Compute the clocks of all open requests anew, because the rules of a law changed."""
        # sudo: who may change the rules need not see every company's requests
        requests = self.sudo().search([("state", "in", OPEN_STATES)])
        before = {request: (request.deadline, request.right) for request in requests}
        for name in ("rule_id", "jurisdiction_id", "right", "base_deadline", "deadline"):
            self.env.add_to_compute(self._fields[name], requests)
        requests.flush_recordset()
        for request in requests:
            if before[request] != (request.deadline, request.right):
                request._log_step(
                    self.env._(
                        "The rules of the law changed. Deadline before: %(before)s, now: %(now)s.",
                        before=before[request][0] or "–",
                        now=request.deadline or "–",
                    )
                )

    @api.depends("rule_id", "country_id", "manual_jurisdiction_id", "kind", "received_on")
    def _compute_clock_note(self):
        _ = self.env._
        right = self._fields["right"]
        labels = dict(right._description_selection(self.env))
        for request in self:
            lines = []
            for rule in request._laws() if request.kind else ():
                last = deadlines.extend(request.received_on or fields.Date.today(), rule._clock())
                end = deadlines.add_period(
                    request.received_on or fields.Date.today(), rule.period, rule.unit
                )
                line = _(
                    "%(law)s (%(right)s): until %(end)s",
                    law=f"{rule.jurisdiction_id.name}, {rule.article}"
                    if rule.article
                    else rule.jurisdiction_id.name,
                    right=labels[rule.right],
                    end=end,
                )
                if rule.extension:
                    line += _(", or %s if the person is told within the first period", last)
                if rule.period_set_by == "own":
                    line += _(". The law names no period: our own standard, a target only")
                if rule.certainty == "unverified":
                    line += _(". Not verified: %s", rule.verify or _("have it checked"))
                lines.append(line + ".")
            request.clock_note = "\n".join(lines) or _(
                "No jurisdiction has a rule for this. Add one under Configuration, Jurisdictions."
            )

    @api.depends("deadline", "state")
    def _compute_urgency(self):
        today = fields.Date.context_today(self)
        for request in self:
            is_open = request.deadline and request.state in OPEN_STATES
            request.urgency = is_open and deadlines.urgency(today, request.deadline)
            request.days_left = (request.deadline - today).days if is_open else 0

    # -- validation ------------------------------------------------------------------------------

    @api.constrains("manual_jurisdiction_id", "manual_reason")
    def _check_manual_reason(self):
        for request in self:
            if request.manual_jurisdiction_id and not (request.manual_reason or "").strip():
                raise ValidationError(
                    self.env._("Give the reason why another law applies than the countries say.")
                )

    @api.constrains("country_id", "country_reason")
    def _check_country_reason(self):
        for request in self:
            # sudo: a contact the officer does not see
            theirs = request.sudo().partner_id.country_id
            if (
                theirs
                and theirs != request.country_id
                and request.state in OPEN_STATES
                and not (request.country_reason or "").strip()
            ):
                raise ValidationError(
                    self.env._(
                        "The contact's country is %s. Correct it on the contact, or give the "
                        "reason why another one counts for this request.",
                        theirs.name,
                    )
                )

    @api.constrains("received_on")
    def _check_received_on(self):
        for request in self:
            if request.received_on > fields.Date.context_today(self):
                raise ValidationError(
                    self.env._("A request cannot be received in the future. Correct the date.")
                )

    @api.constrains("partner_id", "company_id")
    def _check_partner_company(self):
        for request in self:
            theirs = request.partner_id.company_id
            if theirs and theirs.root_id != request.company_id.root_id:
                raise ValidationError(
                    self.env._(
                        "The contact belongs to another company. Choose the company's own contact, "
                        "or the company that was asked."
                    )
                )

    @api.constrains("user_id", "company_id")
    def _check_responsible(self):
        for request in self:
            user = request.user_id
            if user and not (
                user.has_group(OFFICER_GROUP) and request.company_id in user.company_ids
            ):
                raise ValidationError(
                    self.env._(
                        "The responsible must be a data protection officer of %s.",
                        request.company_id.name,
                    )
                )

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

    def _check_step(self, vals):
        if PROTECTED_FIELDS & vals.keys() and self.env.context.get("ajw_step") is not STEP:
            raise UserError(
                self.env._(
                    "Reference, status, verification, deadline and answer follow from the steps "
                    "of the request. Use its buttons."
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_step(vals)
        # Said explicitly, so that no default says otherwise.
        vals_list = [BEGINNING | vals for vals in vals_list]
        for vals in vals_list:
            company = self.env["res.company"].browse(vals.get("company_id") or self.env.company.id)
            if "user_id" not in vals:
                officers = self._officers(company)
                vals["user_id"] = (officers & self.env.user or officers[:1]).id
            # sudo: officers may not read sequences
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code(self._name)
        # nobody but the officer learns of it by following
        requests = super(AjwPrivacyRequest, self.with_context(mail_create_nosubscribe=True)).create(
            vals_list
        )
        requests._announce()
        return requests

    def _check_open(self, vals):
        """What was closed stays as it was: it is the proof of what was asked and answered.

        :raises UserError: otherwise
        """
        if not FROZEN_FIELDS & vals.keys() or self.env.context.get("ajw_step") is STEP:
            return
        for request in self:
            if request.state in CLOSED_STATES:
                raise UserError(
                    self.env._(
                        "%s is closed and stays as it is. Only the responsible can be changed; "
                        "record a new request if the person asks again.",
                        request.name,
                    )
                )

    def write(self, vals):
        self._check_step(vals)
        self._check_open(vals)
        if {"partner_id", "company_id"} & vals.keys():
            self._forget_verification(vals)
        result = super().write(vals)
        if vals.get("user_id"):
            self._hand_over()
        return result

    def _forget_verification(self, vals):
        """Who was verified is not who it is about now: the check has to be made again."""
        changed = self.filtered(
            lambda request: any(
                name in vals and request[name].id != (vals[name] or False)
                for name in ("partner_id", "company_id")
            )
        )
        changed._drop_verification(self.env._("The contact changed, so verification starts again."))

    def _drop_verification(self, text):
        """Nobody is verified any more: copies, codes and the record of it go.

        :param str text: why; noted where somebody was verified
        """
        # sudo: users cannot write codes and exports
        self.sudo().package_ids.unlink()
        self.env["ajw.privacy.verification"].sudo().search(
            [("request_id", "in", self.ids), ("state", "=", "sent")]
        ).write({"state": "void", "code_hash": False})
        verified = self.filtered("verified_at")
        verified._step(verified_method=False, verified_at=False, verified_by_id=False,
                       verified_note=False)  # fmt: skip
        for request in verified:
            request._log_step(text)

    @api.model
    def _contacts_merged(self, partners):
        """Contacts become one: who was verified as one of them was not as the others.

        :param partners: res.partner, all that are merged
        """
        self.search(
            Domain("partner_id", "in", partners.ids)
            & Domain("state", "in", (*OPEN_STATES, "answered"))
        )._drop_verification(
            self.env._(
                "The contact was merged with another one: the copy of the data and the "
                "verification were dropped."
            )
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._(
                "A request is the proof that it was answered in time. Close it as withdrawn or "
                "refused, with the reason."
            )
        )
