import logging

import psycopg2

from odoo import api, fields, models
from odoo.tools import frozendict

from ..tools.invitation import new_token, token_digest

_logger = logging.getLogger(__name__)

BATCH_SIZE = 50


class AjwConsentInvitation(models.Model):
    """Sending: a scheduled action hands queued invitations to Odoo's mail queue."""

    _inherit = "ajw.consent.invitation"

    @api.model
    def _queue_domain(self):
        return [("state", "=", "queued"), ("source", "=", "email"), ("mail_id", "=", False)]

    @api.model
    def _cron_send(self):
        """Send what is queued, in batches. The body of the scheduled action."""
        cron = self.env["ir.cron"]
        time_left = cron._commit_progress(remaining=self.search_count(self._queue_domain()))
        worked = False
        while time_left > 0:
            rows = self.search(
                self._queue_domain(), order="id", limit=BATCH_SIZE
            ).try_lock_for_update()
            if not rows:
                break
            for controller, group in rows.grouped("company_id").items():
                group.with_company(controller)._hand_over_apart()
            worked = True
            time_left = cron._commit_progress(
                len(rows), remaining=self.search_count(self._queue_domain())
            )
        if worked:
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _hand_over_apart(self):
        """Hand over the rows of one controller; what goes wrong there holds up no other."""
        try:
            with self.env.cr.savepoint():
                self._hand_over()
        except psycopg2.OperationalError:
            raise  # a collision: the run is tried again
        except Exception as error:  # noqa: BLE001 - said on the rows
            _logger.warning(
                "Invitations of company %s failed: %s", self.company_id.id, type(error).__name__
            )
            self.write({"state": "failed", "failure_reason": str(error)[:200]})

    def _hand_over(self):
        """Ask once more whether these may go out, and hand the mails to the mail queue."""
        controller = self.company_id
        partners = self.with_context(active_test=False).partner_id
        screened = self._screen(controller, partners, self.purpose_ids, sending=True)
        ready = self.browse()
        for row in self:
            answer = screened.get(row.partner_id.id)
            reason = answer.reason if answer else "archived"
            if not reason and answer.address != row.address:
                reason = "number_changed"
            if reason and reason != "duplicate":
                row._close("cancelled", self._screen_label(reason))
                continue
            row.email = answer.email
            ready |= row
        try:
            with self.env.cr.savepoint():
                ready._create_mails()
        except Exception as error:  # noqa: BLE001 - one contact must not hold up the others
            _logger.info("Invitations one by one after %s", type(error).__name__)
            for row in ready:
                row._create_mail_alone()

    def _create_mail_alone(self):
        try:
            with self.env.cr.savepoint():
                self._create_mails()
        except Exception as error:  # noqa: BLE001 - said on the row
            _logger.warning("Invitation %s failed: %s", self.id, type(error).__name__)
            self.write({"state": "failed", "failure_reason": str(error)[:200]})

    def _create_mails(self):
        """Give each invitation a fresh link and a mail in the queue."""
        if not self:
            return
        tokens = frozendict({row.id: new_token() for row in self})
        notices = self.env["ajw.consent.notice"]._latest_by_lang(self.company_id)
        template = self.env.ref("ajw_consent.mail_template_invitation")
        expires_at = self._validity(self.company_id)
        for row in self:
            notice = self.env["ajw.consent.notice"]._pick(notices, row.partner_id.lang)
            row.write(
                {
                    "token_hash": token_digest(tokens[row.id]),
                    "notice_id": notice.id,
                    "expires_at": expires_at,
                }
            )
        mails = template.with_context(ajw_invitation_tokens=tokens).send_mail_batch(self.ids)
        by_row = {mail.res_id: mail for mail in mails}
        for row in self:
            row.mail_id = by_row[row.id]

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails.

        :param mails: mail.mail that were tried
        :param str failure_reason: what went wrong, in words
        :param str failure_type: Odoo's code for it; ``None`` when they were sent
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "=", "queued")])
        if failure_type:
            for row in rows:
                reason = failure_reason or row.mail_id.failure_reason or failure_type
                row.write({"state": "failed", "failure_reason": str(reason)[:200]})
        else:
            rows.write({"state": "sent", "sent_at": fields.Datetime.now()})


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        # sudo: whoever sends mails need not see invitations
        self.env["ajw.consent.invitation"].sudo()._mail_outcome(self, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )


class AjwConsentNotice(models.Model):
    _inherit = "ajw.consent.notice"

    @api.model
    def _latest_by_lang(self, controller):
        """Return language code → the latest published notice of a controller, newest first."""
        published = self.search(
            [("company_id", "=", controller.id), ("state", "=", "published")],
            order="published_at desc, id desc",
        )
        latest = {}
        for notice in published:
            latest.setdefault(notice.lang, notice)
        return latest

    @api.model
    def _pick(self, notices, *languages):
        """Return the notice in the first of the languages that there is one in, else the newest.

        :param dict notices: from :meth:`_latest_by_lang`
        :param languages: Odoo language codes, may be empty
        """
        for lang in languages:
            if lang in notices:
                return notices[lang]
        return next(iter(notices.values()), self.browse())
