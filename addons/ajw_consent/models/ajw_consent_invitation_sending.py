import psycopg2

from odoo import api, fields, models
from odoo.tools import mute_logger

from ..tools.collisions import COLLISIONS


class AjwConsentInvitation(models.Model):
    """Sending: a scheduled action hands queued invitations to Odoo's mail queue."""

    _inherit = "ajw.consent.invitation"

    @api.model
    def _queue_domain(self):
        return [("state", "=", "queued"), ("source", "=", "email"), ("handed_over_at", "=", False)]

    @api.model
    def _cron_send(self):
        """Send what is queued, in batches. The body of the scheduled action.

        Without the keys of the ledger nobody can be asked: everything stays queued, says so, and is
        tried again by the next run.
        """
        self._close_lost()
        cron = self.env["ir.cron"]
        if self._put_off_without_keys():
            cron._commit_progress(remaining=0)
            return
        time_left = cron._commit_progress(remaining=self.search_count(self._queue_domain()))
        _time_left, worked = self._work_off(self._queue_domain(), "_hand_over_apart", time_left)
        if worked:
            self._wake_mails()

    @api.model
    def _put_off_without_keys(self):
        """Tell whether the keys of the ledger cannot be used; the waiting rows then say so."""
        problem = self.env["ajw.consent.keyring"]._check()
        if problem:
            self.search(self._queue_domain()).write({"failure_reason": problem})
        return bool(problem)

    @api.model
    def _close_lost(self):
        """End invitations whose mail was deleted from the queue behind Odoo's back."""
        self.search(
            [("state", "=", "queued"), ("handed_over_at", "!=", False), ("mail_id", "=", False)]
        )._close("cancelled", self.env._("The email was deleted before it was sent."))

    def _hand_over_apart(self):
        """Hand over the rows of one controller; what goes wrong there holds up no other."""
        try:
            with self.env.cr.savepoint():
                self._hand_over()
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - said on the rows
            self._not_written(error)

    def _hand_over(self):
        """Ask once more whether these may go out, and hand the mails to the mail queue."""
        ready = self.browse()
        for purposes, rows in self.grouped("purpose_ids").items():
            partners = rows.with_context(active_test=False).partner_id
            screened = self._screen(self.company_id, partners, purposes, sending=True)
            for row in rows:
                if row._settle_apart(screened.get(row.partner_id.id)):
                    ready |= row
        ready._mail_apart()

    def _settle_apart(self, answer):
        """Settle one row in a savepoint of its own, so that it holds up no other.

        :param answer: ``Screened`` of the row's contact, ``None`` when there is none
        :return: whether the invitation goes out
        """
        try:
            # The database names the values that collide: they belong in no log.
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                return self._settle(answer)
        except COLLISIONS:
            raise
        except psycopg2.errors.UniqueViolation:
            self._close("cancelled", self._screen_label("open_twin"))
        except Exception as error:  # noqa: BLE001 - said on the row
            self._not_written(error)
        return False

    def _settle(self, answer):
        """Close the row when it must not go out, else bring its address and purposes up to date."""
        reason = answer.reason if answer else "archived"
        if reason == "duplicate":  # among contacts; whether there are two rows is asked below
            reason = ""
        if not reason and answer.address != self.address:
            reason = "number_changed"
        purposes = self.purpose_ids & answer.purposes if not reason else self.purpose_ids
        if not reason and not purposes:
            reason = "no_purpose"
        if not reason and answer.email != self.email and self._open_twin(self, answer.email):
            reason = "open_twin"
        if reason:
            self._close("cancelled", self._screen_label(reason))
            return False
        changes = {"email": answer.email} if answer.email != self.email else {}
        if purposes != self.purpose_ids:
            changes["purpose_ids"] = [(6, 0, purposes.ids)]
        self.write({**changes, "failure_reason": False})
        return True

    def _create_mails(self):
        # EXTENDS here: what is asked is the wording in force now
        if not self:
            return
        notices = self.env["ajw.consent.notice"]._latest_by_lang(
            self.company_id, purposes=self.purpose_ids
        )
        handed_over = {
            "expires_at": self._validity(self.company_id),
            "handed_over_at": fields.Datetime.now(),
        }
        for row in self:
            notice = self.env["ajw.consent.notice"]._pick(notices, row.partner_id.lang)
            row.write({**handed_over, "notice_id": notice.id})
        super()._create_mails()
