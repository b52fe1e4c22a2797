from markupsafe import Markup

from odoo import http
from odoo.http import request

from ..models.ajw_consent_invitation_screening import AGREED, ASKABLE, SAID_NO
from ..tools.invitation import mask

#: Nothing but this server's own style sheet and logo is loaded, no script runs, no address leaks.
HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow, noarchive"),
    ("X-Content-Type-Options", "nosniff"),
]


class ConsentPages(http.Controller):
    """The public pages on which people answer. Reading changes nothing; only POST does."""

    # ------------------------------------------------------------------
    # Invitations
    # ------------------------------------------------------------------

    @http.route(
        "/ajw_consent/invitation/<string:token>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def invitation(self, token, lang=None, **_params):
        """Show what is asked, or what was answered."""
        return self._show_invitation(token, lang)

    @http.route(
        "/ajw_consent/invitation/<string:token>",
        type="http",
        auth="public",
        methods=["POST"],
        sitemap=False,
    )
    def answer(self, token, decision="", notice="", lang=None, **_params):
        """Record an answer and show the receipt."""
        decision, notice, lang = _text(decision), _text(notice), _text(lang)
        Invitation = request.env["ajw.consent.invitation"]
        ticked = _ids(request.httprequest.form.getlist("purpose"))
        ip = request.httprequest.remote_addr
        if Invitation._resolve(token).source == "invoice_qr":
            problem, code = Invitation._request_by_invoice(token, ticked, notice, lang, ip)
            return self._show_invitation(token, lang, problem, code=code)
        problem = Invitation._answer(
            token, decision, purpose_ids=ticked, notice_digest=notice, lang=lang, ip=ip
        )
        return self._show_invitation(token, lang, problem, done="" if problem else decision)

    def _show_invitation(self, token, lang, problem="", done="", code=""):
        asked = request.env["ajw.consent.invitation"]._resolve(token)
        if asked.problem:
            problem = asked.problem
        values = self._page_values(
            asked.controller,
            asked.company,
            lang,
            asked.partner and asked.partner.lang,
            purposes=asked.by_reason(ASKABLE),
        )
        notice = values["notice"]
        values |= {
            "kind": "invitation",
            "problem": problem,
            "closed": bool(asked.problem),
            "answered": asked.answered,
            "done": done,
            "number": mask(asked.address),
            "on_paper": asked.source == "invoice_qr",
            "code": code,
            "business_number": asked.company._ajw_card_number() if code else "",
            "offered": [
                purpose
                for purpose in asked.by_reason(ASKABLE)
                if not notice or notice._covers(purpose)
            ],
            "agreed": asked.by_reason({"ok"}),
            "waiting": asked.by_reason({"unconfirmed"}),
            "withdrawable": asked.by_reason(AGREED),
            "said_no": asked.by_reason(SAID_NO),
            "invitation": asked.invitation,
        }
        if not asked.problem and not values["notice"]:
            values |= {"problem": "unavailable", "closed": True}
        return self._render(values)

    # ------------------------------------------------------------------
    # Till cards
    # ------------------------------------------------------------------

    @http.route(
        "/ajw_consent/card/<string:key>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def card(self, key, lang=None, **_params):
        """Show what the card asks."""
        return self._show_card(key, lang)

    @http.route(
        "/ajw_consent/card/<string:key>",
        type="http",
        auth="public",
        methods=["POST"],
        sitemap=False,
    )
    def card_request(self, key, number="", name="", notice="", lang=None, **_params):
        """Keep what was typed, and show how to confirm it."""
        number, name, notice, lang = _text(number), _text(name), _text(notice), _text(lang)
        company = request.env["res.company"]._ajw_find_by_card(key)
        if not company:
            return self._show_card(key, lang)
        ticked = _ids(request.httprequest.form.getlist("purpose"))
        problem, code = request.env["ajw.consent.invitation"]._request_by_card(
            company, number, name, ticked, notice, lang, request.httprequest.remote_addr
        )
        typed = {"number": number[:40], "name": name[:100], "ticked": ticked} if problem else {}
        return self._show_card(key, lang, problem, code, **typed)

    def _show_card(self, key, lang, problem="", code="", number="", name="", ticked=()):
        company = request.env["res.company"]._ajw_find_by_card(key)
        controller = company.ajw_consent_controller_id
        # sudo: the texts of the purposes are what the page is for
        purposes = request.env["ajw.consent.invitation"].sudo()._default_purposes()
        values = self._page_values(controller, company, lang, request.env.lang, purposes=purposes)
        if notice := values["notice"]:
            purposes = purposes.filtered(notice._covers)
        business = company._ajw_card_number() if company else False
        if not company:
            problem = "unknown"
        elif not values["notice"] or not business:
            problem = "unavailable"
        values |= {
            "kind": "card",
            "problem": problem,
            "closed": problem in ("unknown", "unavailable"),
            "offered": list(purposes),
            "code": code,
            "business_number": business,
            "number": number,
            "name": name,
            "ticked": list(ticked),
        }
        return self._render(values)

    # ------------------------------------------------------------------
    # Page
    # ------------------------------------------------------------------

    def _page_values(self, controller, company, wanted, *others, purposes=None):
        """Return what every page shows: the business, and its wording in a language it has."""
        # sudo: the published wording is what the page is for
        Notice = request.env["ajw.consent.notice"].sudo()
        notices = Notice._latest_by_lang(controller, purposes=purposes) if controller else {}
        notice = Notice._pick(notices, wanted, *others, controller and controller.partner_id.lang)
        names = dict(request.env["res.lang"].sudo().get_installed())  # sudo: names of languages
        return {
            "controller": controller,
            "company": company or controller,
            "notice": notice,
            "lang": notice.lang or request.env.lang or "en_US",
            "languages": [(code, names.get(code, code)) for code in notices],
            "csrf_token": request.csrf_token(),
            "path": request.httprequest.path,
        }

    def _render(self, values):
        """Render in the language of the notice, which is the one that somebody reviewed."""
        lang = values["lang"]
        for name in ("offered", "agreed", "waiting", "withdrawable", "said_no"):
            values[name] = [each.with_context(lang=lang) for each in values.get(name) or ()]
        html = (
            request.env["ir.qweb"]
            .with_context(lang=lang)
            ._render("ajw_consent.public_page", values)
        )
        status = 404 if values["problem"] == "unknown" and values["closed"] else 200
        return request.make_response(
            Markup("<!DOCTYPE html>\n") + html,
            headers=[("Content-Type", "text/html; charset=utf-8"), *HEADERS],
            status=status,
        )


def _text(value):
    """Return what was typed; a file in its place is nothing, and PostgreSQL knows no NUL."""
    return value.replace("\0", "") if isinstance(value, str) else ""


def _ids(texts):
    """Return the numbers among some texts; what is none becomes 0, which fits nothing."""
    return [
        int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0 for text in texts
    ]
