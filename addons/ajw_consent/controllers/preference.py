from odoo import http
from odoo.http import request

from ..tools.invitation import mask_address
from .invitation import ConsentPages, _ids, _text
from .portal import receipt_response


class PreferencePages(ConsentPages):
    """Public pages of a link: managing one's consents, confirming one, receipts.

    Reading changes nothing; only POST does.
    """

    # ------------------------------------------------------------------
    # Managing one's consents
    # ------------------------------------------------------------------

    @http.route(
        "/ajw_consent/preferences/<string:token>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def preferences(self, token, lang=None, **_params):
        """Show what the person chose and can choose."""
        return self._show_preferences(token, lang)

    @http.route(
        "/ajw_consent/preferences/<string:token>",
        type="http",
        auth="public",
        methods=["POST"],
        sitemap=False,
    )
    def preferences_answer(self, token, decision="", notice="", lang=None, **_params):
        """Record what the person decided, and show that."""
        decision, notice, lang = _text(decision), _text(notice), _text(lang)
        opened = request.env["ajw.consent.preference.link"]._open(token)
        if opened.problem:
            return self._show_preferences(token, lang)
        link = opened.link
        preference = request.env["ajw.consent.preference"]
        wording = preference._seen_notice(link.company_id, notice, lang)
        if decision == "give" and not wording:
            return self._show_preferences(token, lang, "notice_changed")
        outcome = link._answer(
            decision,
            request.httprequest.form.getlist("choice"),
            wording,
            request.httprequest.remote_addr,
        )
        return self._show_preferences(token, lang, outcome.problem, decision, outcome)

    def _show_preferences(self, token, lang, problem="", decision="", outcome=None):
        opened = request.env["ajw.consent.preference.link"]._open(token)
        link, preference = opened.link, request.env["ajw.consent.preference"]
        # Whoever holds an ended link learns no more than that it ended.
        controller = link.company_id if link else request.env["res.company"]
        partner = link.partner_id if link and not opened.problem else request.env["res.partner"]
        values = self._page_values(controller, controller, lang, partner and partner.lang)
        lang = values["lang"]
        choices = [
            choice._replace(purpose=choice.purpose.with_context(lang=lang))
            for choice in (
                preference._choices(controller, partner, notice=values["notice"]) if partner else ()
            )
        ]
        values |= {
            "content": "ajw_consent.public_preferences",
            "problem": opened.problem or problem,
            "closed": bool(opened.problem),
            "message": outcome.message if outcome else "",
            "done": "" if problem or not outcome else decision,
            "waiting_now": bool(outcome and outcome.waiting),
            "receipt_url": self._receipt_path(outcome.events if outcome else None),
            "answered_link": bool(link) and link.state == "answered",
            "choices": choices,
            "mask_address": mask_address,
            "statements": preference.with_context(lang=lang)._statements(),
            "channel_labels": preference.with_context(lang=lang)._channel_labels(),
        }
        if not opened.problem and not values["notice"]:
            values |= {"problem": "unavailable", "closed": True}
        return self._render(values)

    # ------------------------------------------------------------------
    # Double opt-in
    # ------------------------------------------------------------------

    @http.route(
        "/ajw_consent/confirm/<string:token>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def confirmation(self, token, **_params):
        """Show what is to be confirmed."""
        asked = request.env["ajw.consent.confirmation"]._resolve(token)
        return self._show_confirmation(asked, asked.problem)

    @http.route(
        "/ajw_consent/confirm/<string:token>",
        type="http",
        auth="public",
        methods=["POST"],
        sitemap=False,
    )
    def confirm(self, token, **_params):
        """Record the confirmation and show that."""
        asked = request.env["ajw.consent.confirmation"]._confirm_by_link(
            token, request.httprequest.remote_addr
        )
        return self._show_confirmation(asked, asked.problem, done=not asked.problem)

    def _show_confirmation(self, asked, problem, done=False):
        row = asked.row
        controller = row.company_id if row else request.env["res.company"]
        values = self._page_values(controller, controller, row and row.notice_id.lang)
        if row and row.notice_id:
            # What is confirmed is the wording of the opt-in, not a newer one.
            values |= {"notice": row.notice_id, "lang": row.notice_id.lang, "languages": []}
        lang = values["lang"]
        values |= {
            "content": "ajw_consent.public_confirmation",
            "problem": problem,
            "closed": bool(problem),
            "done": done,
            "row": row,
            "number": mask_address(row.address) if row else "",
            "purposes": row.with_context(lang=lang)._purpose_names() if row else [],
            "receipt_url": self._receipt_path(row.confirming_event_ids if done else None),
        }
        return self._render(values)

    # ------------------------------------------------------------------
    # Receipts
    # ------------------------------------------------------------------

    def _receipt_path(self, events):
        if not events:
            return ""
        return f"/ajw_consent/receipt/{request.env['ajw.consent.receipt']._token(events)}"

    @http.route(
        "/ajw_consent/receipt/<string:token>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def receipt(self, token, **_params):
        """Show what the receipts of a link say, and offer them."""
        events = request.env["ajw.consent.receipt"]._events_of(token)
        controller = events.company_id[:1]
        values = self._page_values(controller, controller, events.notice_id[:1].lang)
        values |= {
            "content": "ajw_consent.public_receipts",
            "problem": "" if events else "receipt_gone",
            "closed": not events,
            "events": events.with_context(lang=values["lang"]),
            "names": events.with_context(lang=values["lang"])._ajw_shown_names(),
            "languages": [],
            "token": token,
        }
        response = self._render(values)
        if not events:
            response.status_code = 404
        return response

    @http.route(
        "/ajw_consent/receipt/<string:token>/<string:form>",
        type="http",
        auth="public",
        methods=["GET"],
        sitemap=False,
    )
    def receipt_download(self, token, form, **_params):
        """Download the receipts of a link as ``pdf`` or ``json``."""
        events = request.env["ajw.consent.receipt"]._events_of(token)
        return receipt_response(events, form, masked=True)

    @http.route("/ajw_consent/receipts.json", type="http", auth="user", methods=["GET"])
    def receipts(self, ids="", **_params):
        """Download receipts as somebody who may see the ledger.

        :raises AccessError: the user may not see one of the events
        """
        numbers = _ids(_text(ids).split(","))
        events = request.env["ajw.consent.event"].browse(numbers).exists()
        events.check_access("read")
        return receipt_response(events.sudo(), "json")  # sudo: their evidence; the user may see
