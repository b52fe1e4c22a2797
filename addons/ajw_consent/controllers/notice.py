from datetime import datetime, time

from markupsafe import Markup

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from .invitation import HEADERS

#: The preview shows the page in a frame of ours.
FRAME_HEADERS = [
    (name, value.replace("frame-ancestors 'none'", "frame-ancestors 'self'; frame-src 'self'"))
    for name, value in HEADERS
]


class NoticePages(http.Controller):
    """The public page of a controller's notices, and the preview of a draft. Both only read."""

    @http.route(
        "/ajw/consent/notice/<string:key>",
        type="http",
        auth="public",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def notices(self, key, lang=None, version=None, on=None, **_params):
        """Show the wording in force, a version of the archive, or what was in force on a day.

        :param str key: random, stands for the controller
        :param str lang: Odoo language code
        :param str version: number of a published version
        :param str on: a day, as YYYY-MM-DD
        """
        controller = request.env["res.company"]._ajw_find_by_notice_key(key)
        # sudo: published wordings are for everybody; drafts are not searched
        Notice = request.env["ajw.consent.notice"].sudo()
        if not controller:
            return self._render({"problem": "unknown", "closed": True}, 404)
        published = Notice.search(
            [("company_id", "=", controller.id), ("state", "=", "published")],
            order="version desc, lang",
        )
        moment = _end_of(on)
        current = Notice._latest_by_lang(controller, moment=moment)
        if version is not None or (on and not moment):
            notices = {
                notice.lang: notice for notice in published if str(notice.version) == version
            }
        else:
            notices = current
        notice = Notice._pick(notices, lang, request.env.lang, controller.partner_id.lang)
        problem = "" if notice else "no_version"
        names = dict(request.env["res.lang"].sudo().get_installed())  # sudo: names of languages
        values = {
            "kind": "notice",
            "problem": problem,
            "controller": controller,
            "company": controller,
            "notice": notice,
            "lang": notice.lang or request.env.lang or "en_US",
            "archive": _archive(published, names),
            "current": Notice._current(controller),
            "on": on if moment else "",
            "path": request.httprequest.path,
            "languages": [
                (code, names.get(code, code), notices[code].version) for code in sorted(notices)
            ],
        }
        return self._render(values, 404 if problem else 200)

    @http.route(
        "/ajw_consent/notice/<int:notice_id>/preview",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
        sitemap=False,
    )
    def preview(self, notice_id, frame=None, **_params):
        """Show a notice as people will see it, at the width of a desk and of a telephone."""
        notice = request.env["ajw.consent.notice"].browse(notice_id)
        try:
            notice.check_access("read")
            notice.fetch(["title"])
        except (AccessError, MissingError):
            raise request.not_found() from None
        controller = notice.company_id
        values = {
            "kind": "preview" if frame else "frames",
            "problem": "",
            "controller": controller.sudo(),  # sudo: its name and logo
            "company": controller.sudo(),
            "notice": notice,
            "lang": notice.lang,
            "offered": notice.line_ids,
            "path": request.httprequest.path,
        }
        return self._render(values, headers=FRAME_HEADERS)

    def _render(self, values, status=200, headers=None):
        values = {
            "controller": False,
            "company": False,
            "notice": False,
            "lang": request.env.lang or "en_US",
            "languages": [],
            "offered": [],
            "closed": False,
            **values,
        }
        html = (
            request.env["ir.qweb"]
            .with_context(lang=values["lang"])
            ._render("ajw_consent.public_notice_page", values)
        )
        return request.make_response(
            Markup("<!DOCTYPE html>\n") + html,
            headers=[("Content-Type", "text/html; charset=utf-8"), *(headers or HEADERS)],
            status=status,
        )


def _archive(published, names):
    """Return ``(version, [(notice, name of its language)])``, newest first."""
    versions = {}
    for notice in published:
        versions.setdefault(notice.version, []).append(
            (notice, names.get(notice.lang, notice.lang))
        )
    return sorted(versions.items(), reverse=True)


def _end_of(day):
    """Return the last moment (naive UTC) of a day given as YYYY-MM-DD, or ``None``."""
    try:
        return datetime.combine(fields.Date.to_date((day or "")[:10]), time.max)
    except (TypeError, ValueError):
        return None
