import re

from odoo import http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from .invitation import _text

PAGE = 20
#: What an answer may leave in the session for the page that follows.
FLASH = "ajw_consent_flash"


class ConsentPortal(CustomerPortal):
    """Where customers see and change what they agreed to: ``/my/consents``.

    Everything is about the user's own contact and nobody else's, not even others of the same firm.
    """

    @http.route("/my/consents", type="http", auth="user", website=True, methods=["GET"])
    def ajw_consents(self, company=None, page=1, lang=None, **_params):
        """Show what the customer chose and can choose towards one company."""
        return self._ajw_show(company, page, lang)

    @http.route("/my/consents/answer", type="http", auth="user", website=True, methods=["POST"])
    def ajw_consents_answer(self, company=None, decision="", notice="", lang=None, **_params):
        """Record what the customer decided, and show that."""
        decision, notice, lang = _text(decision), _text(notice), _text(lang)
        partner = request.env.user.partner_id
        controller = self._ajw_controller(partner, company)
        if not controller:
            return request.redirect("/my/consents", code=303)
        preference = request.env["ajw.consent.preference"]
        wording = preference._seen_notice(controller, notice, lang)
        if decision == "give" and not wording:
            self._ajw_flash(problem="notice_changed")
        else:
            outcome = preference._decide(
                controller,
                partner,
                decision,
                request.httprequest.form.getlist("choice"),
                "portal",
                notice=wording,
                evidence={
                    "ip": request.httprequest.remote_addr,
                    "actor": request.env.user.login,
                    "note": request.env._("Preference centre of the customer portal"),
                },
            )
            self._ajw_flash(
                problem=outcome.problem,
                message=outcome.message,
                done="" if outcome.problem else decision,
                events=outcome.events.ids,
                waiting=outcome.waiting,
            )
        return request.redirect(f"/my/consents?company={controller.id}", code=303)

    @http.route(
        "/my/consents/confirmation", type="http", auth="user", website=True, methods=["POST"]
    )
    def ajw_consents_confirmation(self, confirmation="", way="", **_params):
        """Send the email that confirms once more, or show the code to confirm by WhatsApp with."""
        confirmation, way = _text(confirmation), _text(way)
        partner = request.env.user.partner_id
        # sudo: no customer reads them; only one of their own is found
        row = request.env["ajw.consent.confirmation"].sudo()
        if confirmation.isascii() and confirmation.isdigit() and len(confirmation) < 10:
            row = row.search(
                [("id", "=", int(confirmation)), ("partner_id", "=", partner.id)], limit=1
            )
        if not row:
            return request.redirect("/my/consents", code=303)
        code = row._new_code() if way == "whatsapp" else ""
        if code:
            return self._ajw_show(row.company_id.id, code=code)
        problem = row._resend() if way == "email" else "closed"
        self._ajw_flash(
            problem="resend" if problem else "",
            message=row._resend_label(problem) if problem else "",
            done="" if problem else "resend",
        )
        return request.redirect(f"/my/consents?company={row.company_id.id}", code=303)

    @http.route(
        "/my/consents/receipt/<int:event_id>/<string:form>",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def ajw_consents_receipt(self, event_id, form, **_params):
        """Download the receipt of one's own answer as ``pdf`` or ``json``."""
        partner = request.env.user.partner_id
        event = request.env["ajw.consent.preference"]._own_event(partner, event_id)
        return receipt_response(event, form)

    @http.route(
        "/my/consents/wording/<int:event_id>",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def ajw_consents_wording(self, event_id, **_params):
        """Show the wording that one's own answer was given under."""
        partner = request.env.user.partner_id
        event = request.env["ajw.consent.preference"]._own_event(partner, event_id)
        if not event.notice_id:
            raise request.not_found()
        return request.render(
            "ajw_consent.portal_wording",
            {**self._ajw_layout_values(), "event": event, "notice": event.notice_id},
        )

    # ------------------------------------------------------------------
    # Page
    # ------------------------------------------------------------------

    def _ajw_controller(self, partner, company):
        """Return the company asked for if the customer has dealings with it, else their first."""
        controllers = partner._ajw_consent_controllers()
        wanted = controllers.filtered(lambda each: str(each.id) == str(company))
        return wanted or (controllers[:1] if company is None else controllers.browse())

    def _ajw_layout_values(self):
        return {**self._prepare_portal_layout_values(), "page_name": "ajw_consents"}

    def _ajw_flash(self, **values):
        request.session[FLASH] = values

    def _ajw_show(self, company=None, page=1, lang=None, code=""):
        partner = request.env.user.partner_id
        controllers = partner._ajw_consent_controllers()
        controller = self._ajw_controller(partner, company) or controllers[:1]
        flash = request.session.pop(FLASH, {})
        preference = request.env["ajw.consent.preference"]
        notice = (
            preference._notice(controller, _text(lang), request.env.lang) if controller else None
        )
        values = {
            **self._ajw_layout_values(),
            "controllers": controllers,
            "controller": controller,
            "flash": flash,
            "code": code,
            "business_number": controller._ajw_card_number() if code else "",
            "choices": preference._choices(controller, partner, notice=notice)
            if controller
            else [],
            "notice": notice,
            "keyring_problem": bool(request.env["ajw.consent.keyring"]._check()),
            "waiting": self._ajw_waiting(controller, partner),
            "statements": preference._statements(),
            "channel_labels": preference._channel_labels(),
        }
        page = max(int(page), 1) if re.fullmatch(r"[0-9]{1,6}", str(page)) else 1
        events, count = preference._history(controller, partner, PAGE, (page - 1) * PAGE)
        values |= {
            "events": events,
            "names": events._ajw_shown_names(),
            "pager": pager(
                url="/my/consents",
                total=count,
                page=page,
                step=PAGE,
                url_args={"company": controller.id},
            ),
        }
        response = request.render("ajw_consent.portal_my_consents", values)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _ajw_waiting(self, controller, partner):
        """Return what waits for the customer's confirmation, with sudo."""
        # sudo: no customer reads them; only their own are found
        rows = request.env["ajw.consent.confirmation"].sudo()
        return rows.search(
            [
                ("company_id", "=", controller.id),
                ("partner_id", "=", partner.id),
                ("state", "in", rows._ajw_open),
            ]
        )


def receipt_response(events, form, masked=False):
    """Return the receipts of some events as a download; 404 when there is none of that form.

    :param events: ``ajw.consent.event`` with sudo that the caller found to be the reader's
    :param str form: ``pdf`` or ``json``
    :param bool masked: the reader holds a link and need not be the person: no address in full
    """
    events = events.with_context(ajw_receipt_masked=masked)
    Receipt = request.env["ajw.consent.receipt"].with_context(ajw_receipt_masked=masked)
    events = Receipt._can_tell(events)
    if not events or form not in ("pdf", "json"):
        raise request.not_found()
    if form == "pdf" and not Receipt._take_turn(events, request.httprequest.remote_addr):
        # Making a PDF takes a process of its own for seconds.
        return request.make_response(
            request.env._("Another receipt is being made. Please try again in a few seconds."),
            headers=[("Retry-After", "5"), ("Content-Type", "text/plain; charset=utf-8")],
            status=429,
        )
    content = Receipt._pdf(events) if form == "pdf" else Receipt._json(events)
    mime = "application/pdf" if form == "pdf" else "application/json; charset=utf-8"
    return request.make_response(
        content,
        headers=[
            ("Content-Type", mime),
            ("Content-Length", len(content)),
            ("Content-Disposition", f'attachment; filename="consent-receipt.{form}"'),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )
