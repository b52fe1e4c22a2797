"""The person's own page about their data, and the two ways a copy of it leaves the database.

A login is the proof of identity here, so every route needs one, and each works on the caller's own
requests only. What changes something is a POST with Odoo's CSRF token.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg2

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.fields import Domain
from odoo.http import content_disposition, request
from odoo.tools import mute_logger

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.ajw_privacy_request_guard import STEP
from ..models.selections import KINDS, OPEN_STATES

#: Longest text a person can send; a letter has less.
MAX_MESSAGE = 5000
#: Open requests one login can have at a time, so that a script cannot flood the officer.
MAX_OPEN = 10
#: Rows of the list.
PAGE_SIZE = 80


def _text(value):
    """What was typed; a file in its place is nothing, and PostgreSQL knows no NUL."""
    return value.replace("\0", "") if isinstance(value, str) else ""


class PrivacyPortal(CustomerPortal):
    def _prepare_home_portal_values(self, counters):
        # EXTENDS 'portal'
        values = super()._prepare_home_portal_values(counters)
        if "privacy_count" in counters:
            values["privacy_count"] = self._own().search_count(self._own_domain())
        return values

    def _own(self):
        """Requests, above the access rules: a person sees own ones through these pages only."""
        # sudo: portal users have no access to the model; every caller filters by _own_domain
        return request.env["ajw.privacy.request"].sudo()

    def _own_domain(self):
        """Requests this login made, and verified ones about its contact.

        Not what others asked in the contact's name: that would show them who they pretended to be.
        """
        user = request.env.user
        return Domain("portal_user_id", "=", user.id) | (
            Domain("partner_id", "=", user.partner_id.id)
            & Domain("verified_at", "!=", False)
            & Domain("contact_merged", "=", False)
        )

    def _find(self, request_id):
        """One own request.

        :raises MissingError: it does not exist, or is somebody else's: the caller cannot tell
        """
        found = self._own().search(Domain("id", "=", request_id) & self._own_domain(), limit=1)
        if not found:
            raise MissingError(request.env._("There is no such request."))
        return found

    def _companies(self):
        # sudo: a portal user may not read companies
        return request.env.user.sudo().company_ids.filtered("active")

    def _received_on(self, company):
        """The day the request reached the company: by its clock or the person's, the earlier."""
        # sudo: a portal user may not read the company's contact
        name = company.sudo().partner_id.tz or "UTC"
        try:
            there = datetime.now(UTC).astimezone(ZoneInfo(name)).date()
        except (ZoneInfoNotFoundError, ValueError):
            there = datetime.now(UTC).date()
        return min(there, fields.Date.context_today(self._own()))

    def _kind_texts(self):
        """What a person can ask for, in words of theirs."""
        _ = request.env._
        texts = {
            "access": _("See which data you hold about me"),
            "portability": _("Get my data in a form machines can read"),
            "correction": _("Correct something about me"),
            "deletion": _("Delete my data"),
            "restriction": _("Stop using my data for now"),
            "objection": _("Object to a use of my data"),
            "withdrawal": _("Withdraw a consent"),
            "nomination": _("Name somebody to act for me"),
            "grievance": _("Complain about how my data is handled"),
        }
        return [(key, texts[key]) for key, _label in KINDS]

    def _page(self, **values):
        companies = self._companies()
        labels = dict(self._own()._fields["state"]._description_selection(request.env))
        kinds = dict(self._own()._fields["kind"]._description_selection(request.env))
        requests = self._own().search(
            self._own_domain(), order="received_on desc, id desc", limit=PAGE_SIZE
        )
        return request.render(
            "ajw_privacy.portal_my_privacy",
            {
                **self._prepare_portal_layout_values(),
                "page_name": "privacy",
                "requests": requests,
                "state_labels": labels,
                "kind_labels": kinds,
                "kinds": self._kind_texts(),
                "companies": companies,
                "open_states": OPEN_STATES,
                "max_message": MAX_MESSAGE,
                "error": False,
                "form": {},
                **values,
            },
        )

    def _asked_already(self):
        return request.env._("You have asked for this already. We are on it: see below.")

    @http.route("/my/privacy", type="http", auth="user", website=True, methods=["GET"])
    def portal_my_privacy(self, **kw):
        """Own requests, and a form for a new one."""
        return self._page(sent=kw.get("sent"))

    @http.route("/my/privacy/new", type="http", auth="user", website=True, methods=["POST"])
    def portal_new_request(self, kind="", message="", company_id="", **kw):
        """Make a request; the login says who asks."""
        _ = request.env._
        kind, message, company_id = _text(kind), _text(message), _text(company_id)
        form = {"kind": kind, "message": message, "company_id": company_id}
        companies = self._companies()
        company = companies.filtered(lambda one: str(one.id) == company_id)
        if not company and len(companies) == 1 and not company_id:
            company = companies
        message = message.strip()
        user = request.env.user
        open_ones = self._own().search(
            Domain("portal_user_id", "=", user.id) & Domain("state", "in", OPEN_STATES)
        )
        error = None
        if kind not in dict(KINDS):
            error = _("Choose what you ask for.")
        elif not company:
            error = _("Choose the company you ask.")
        elif len(message) > MAX_MESSAGE:
            error = _("Please use at most %s characters.", MAX_MESSAGE)
        elif kind != "access" and kind != "portability" and not message:
            error = _("Say in a few words what it is about, so that we can act on it.")
        elif open_ones.filtered(lambda one: one.kind == kind and one.company_id == company):
            error = self._asked_already()
        elif len(open_ones) >= MAX_OPEN:
            error = _("You have %s open requests. Please wait for the answers.", MAX_OPEN)
        if error:
            return self._page(error=error, form=form)
        partner = user.partner_id
        values = {
            "kind": kind,
            "message": message or False,
            "company_id": company.id,
            "source": "portal",
            "received_on": self._received_on(company),
            "partner_id": partner.id,
            "requester_name": partner.name,
            "requester_email": partner.email,
            "portal_user_id": user.id,
            "verified_method": "portal",
            "verified_at": fields.Datetime.now(),
            "verified_by_id": user.id,
        }
        requests = self._own().with_company(company)
        try:
            # The database names the values that collide: they belong in no log.
            with mute_logger("odoo.sql_db"), request.env.cr.savepoint():
                new = requests.with_context(ajw_step=STEP, tracking_disable=True).create(values)
        except psycopg2.errors.UniqueViolation:  # sent twice at one moment
            return self._page(error=self._asked_already(), form=form)
        except ValidationError:
            # the login's contact belongs to another company
            error = _(
                "Your login belongs to another company than the one you ask. Choose the company "
                "that knows you, or write to %s.",
                company.email or company.name,
            )
            return self._page(error=error, form=form)
        new._log_step(_("Asked and verified through the portal login."))
        return request.redirect(f"/my/privacy?sent={new.id}", code=303)

    @http.route(
        "/my/privacy/<int:request_id>/withdraw",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_withdraw(self, request_id, **kw):
        """Take an open request back."""
        try:
            own = self._find(request_id)
        except MissingError:
            raise request.not_found() from None
        if own.portal_user_id == request.env.user and own.state in OPEN_STATES:
            own._close("withdrawn", request.env._("Taken back through the portal."))
        return request.redirect("/my/privacy", code=303)

    @http.route(
        "/my/privacy/<int:request_id>/download",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_download(self, request_id, **kw):
        """Hand the latest valid copy to the person; only once the officer answered with it."""
        try:
            own = self._find(request_id)
        except MissingError:
            raise request.not_found() from None
        package = own.package_ids[:1]
        if not (own.is_verified and own.state == "answered" and own.with_copy and package):
            raise request.not_found()
        if own.partner_id != request.env.user.partner_id:
            raise request.not_found()
        return self._send(package, "portal")

    @http.route("/ajw_privacy/package/<int:package_id>", type="http", auth="user", methods=["POST"])
    def officer_download(self, package_id, **kw):
        """Hand a copy to an officer of the company, and note it on the request."""
        package = request.env["ajw.privacy.package"]
        try:
            package = package.search([("id", "=", package_id)])
            package.request_id.check_access("write")
        except (AccessError, UserError):
            package = package.browse()
        if not package:
            raise request.not_found()
        return self._send(package, "officer")

    def _send(self, package, through):
        content = package._hand_out(through)
        if content is None:
            raise request.not_found()
        return request.make_response(
            content,
            headers=[
                ("Content-Type", "application/zip"),
                ("Content-Disposition", content_disposition(package.filename)),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
