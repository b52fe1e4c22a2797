"""Rows for the access matrix: notices and announcements."""

from datetime import timedelta

from odoo import fields

from .access_matrix import Row
from .access_matrix_routes import Ask


class NoticeRows:
    """Makes rows of notices and announcements; goes with the matrix of models."""

    def _draft(self, company, **values):
        return self.env["ajw.consent.notice"].create(
            {
                "company_id": company.id,
                "lang": "en_US",
                "officer_contact": "privacy@matrix.example",
                **values,
            }
        )

    def _published(self, company, **values):
        notice = self._draft(company, **values)
        notice.action_publish()
        return notice

    def _material(self, company):
        return self._published(
            company,
            change="material",
            effective_at=fields.Datetime.now() + timedelta(days=40),
        )

    def row_ajw_consent_notice_action_publish(self, company):
        return Row(self._draft(company), {}, {})

    row_ajw_consent_notice_action_review = row_ajw_consent_notice_action_publish

    def row_ajw_consent_notice_action_open_public(self, company):
        return Row(self._published(company), {}, {})

    def row_ajw_consent_notice_action_announce(self, company):
        return Row(self._material(company), {}, {})

    def row_ajw_consent_notice_action_translate(self, company):
        self.env["res.lang"]._activate_lang("fr_FR")
        return Row(self._published(company), {}, {})

    def row_ajw_consent_notice_action_ask_again(self, company):
        self._opt_in(self.partner)
        notice = self._draft(company)
        notice.line_ids.ask_again = True
        notice.action_publish()
        return Row(notice, {}, {})

    def row_ajw_consent_notice_line(self, company):
        notice = self._draft(company)
        line = notice.line_ids[0]
        last = notice.line_ids[-1]
        values = {"notice_id": notice.id, "purpose_id": last.purpose_id.id, "name": "Another"}
        last.unlink()
        return Row(line, values, {"name": "Renamed"})

    def row_ajw_consent_announcement(self, company):
        values = {
            "company_id": company.id,
            "name": "Matrix",
            "summary": "What changes",
            "policy_url": "https://example.com/policy",
        }
        announcement = self.env["ajw.consent.announcement"].create(dict(values))
        return Row(announcement, values, {"summary": "Something else"})

    def row_ajw_consent_announcement_action_retry(self, company):
        self.env["ajw.consent.subject"]._find_or_create(company, self.partner)
        row = self.row_ajw_consent_announcement(company)
        row.record.action_start()
        return row

    def row_ajw_consent_announcement_recipient(self, company):
        record = self.row_ajw_consent_announcement(company).record
        values = {
            "announcement_id": record.id,
            "company_id": company.id,
            "partner_id": self.partner.id,
            "state": "no_email",
        }
        recipient = self.env["ajw.consent.announcement.recipient"].create(dict(values))
        return Row(
            recipient, {**values, "partner_id": company.partner_id.id}, {"note": "Told by post"}
        )


class NoticeAsks:
    """Requests for the public page and the preview; goes with the matrix of routes."""

    def ask_notices(self):
        url = self.company._ajw_notice_url().removeprefix(self.company.get_base_url())
        return Ask(url)

    def ask_notices_unknown(self):
        return Ask("/ajw/consent/notice/unknown")

    def ask_notices_no_such_version(self):
        return Ask(self.ask_notices().url + "?version=99")

    def ask_preview(self):
        draft = self.notice.copy({"title": "Matrix draft"})
        return Ask(f"/ajw_consent/notice/{draft.id}/preview", tells="Matrix draft")

    def ask_preview_unknown(self):
        return Ask("/ajw_consent/notice/999999999/preview")
