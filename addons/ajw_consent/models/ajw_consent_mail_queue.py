import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.collisions import COLLISIONS
from ..tools.log import log_failure

_logger = logging.getLogger(__name__)

#: Models with a mail for each of their rows.
QUEUED = (
    "ajw.consent.announcement.recipient",
    "ajw.consent.confirmation",
    "ajw.consent.invitation",
    "ajw.consent.preference.link",
)
BATCH_SIZE = 50
MAX_REASON = 200


class AjwConsentMailQueue(models.AbstractModel):
    """A row that is told to a person by a mail.

    A scheduled action hands rows to Odoo's mail queue, in batches; what becomes of the mail comes
    back to its row.
    """

    _name = "ajw.consent.mail.queue"
    _description = "Told by Email"

    _ajw_personal_data = {
        "email": {"category": "email", "erase": "delete"},
        "failure_reason": {"category": "free_text", "erase": "clear"},
    }

    #: Template of the mail, and the scheduled action that hands rows over (``ajw_consent.…``).
    _ajw_template_name = ""
    _ajw_cron_name = ""
    #: States in which the mail may leave.
    _ajw_mailable = ("queued", "failed")

    email = fields.Char(readonly=True)
    failure_reason = fields.Char("Remark", readonly=True)
    mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        groups=fields.NO_ACCESS,
    )

    # ------------------------------------------------------------------
    # Handing over
    # ------------------------------------------------------------------

    @api.model
    def _wake(self):
        """Have the scheduled action run soon."""
        # sudo: whoever may queue a row may wake the sender
        self.env.ref(f"ajw_consent.{self._ajw_cron_name}").sudo()._trigger()

    @api.model
    def _wake_mails(self):
        """Have Odoo's mail queue run soon; its own turn comes once an hour."""
        # sudo: as above
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    @api.model
    def _work_off(self, domain, work, time_left, size=BATCH_SIZE, remaining=None):
        """Treat rows in batches while there is time, those of each controller in that company.

        Each batch is committed: it can stop anywhere and go on later.

        :param domain: of the rows; a treated one is none of them any more
        :param str work: name of the method that treats rows of one controller
        :param float time_left: seconds
        :param int size: rows in a batch
        :param domain remaining: of the rows that remain to be treated afterwards; ``domain`` if not
            given
        :return: ``(seconds left, whether a row was treated)``
        """
        cron = self.env["ir.cron"]
        worked = False
        while time_left > 0:
            rows = self.search(domain, order="id", limit=size).try_lock_for_update()
            if not rows:
                break
            for controller, group in rows.grouped("company_id").items():
                getattr(group.with_company(controller), work)()
            worked = True
            time_left = cron._commit_progress(
                len(rows), remaining=self.search_count(domain if remaining is None else remaining)
            )
        return time_left, worked

    def _ajw_template(self):
        """Return the template of the mail, which people may edit."""
        return self.env.ref(f"ajw_consent.{self._ajw_template_name}")

    def _mail_apart(self):
        """Give each row its mail; what goes wrong with one is said on it and holds up no other."""
        try:
            with self.env.cr.savepoint():
                self._create_mails()
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - said on the row
            if len(self) == 1:
                self._not_written(error)
                return
            _logger.info("%s: one by one after %s", self._description, type(error).__name__)
            for row in self:
                row._mail_apart()

    def _create_mails(self):
        """Give each row a mail in Odoo's queue."""
        if not self:
            return
        mails = self._ajw_template().send_mail_batch(self.ids)
        by_row = {mail.res_id: mail for mail in mails}
        for row in self:
            row.mail_id = by_row[row.id]

    def _not_written(self, error):
        """Note that mails could not be written: a sentence, never the text of the database.

        :param Exception error: what went wrong
        """
        if isinstance(error, UserError):
            self._fail(str(error))
            return
        log_failure(_logger, f"{self._description} {self.ids} failed", error)
        self._fail(
            self.env._("The email could not be written. Your administrator finds why in the log.")
        )

    def _fail(self, reason):
        """Note that mails did not leave.

        :param str reason: a sentence for the user
        """
        self.write({"state": "failed", "failure_reason": short(reason)})

    def _drop_mails(self):
        """Take the mails of these rows out of Odoo's queue."""
        self.mail_id.filtered(lambda mail: mail.state in ("outgoing", "exception")).unlink()

    # ------------------------------------------------------------------
    # What became of the mail
    # ------------------------------------------------------------------

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails, also when somebody sent a failed one again.

        :param mails: mail.mail that were tried
        :param str failure_reason: what went wrong, in words
        :param str failure_type: Odoo's code for it; ``None`` when they were sent
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", self._ajw_mailable)])
        if not failure_type:
            rows._mail_sent()
            return
        for row in rows:
            row._mail_failed(str(failure_reason or row.mail_id.failure_reason or failure_type))

    def _mail_sent(self):
        """Note that the mails left."""
        self.write({"state": "sent", "sent_at": fields.Datetime.now(), "failure_reason": False})

    def _mail_failed(self, reason):
        """Note that the mails were tried and did not leave.

        :param str reason: a sentence for the user
        """
        self._fail(reason)

    @api.model
    def _mail_gone(self, mails, states, reason):
        """Say of rows that their mails will not leave.

        :param mails: mail.mail
        :param states: states of the rows it concerns
        :param str reason: a sentence for the user
        """
        self.search([("mail_id", "in", mails.ids), ("state", "in", states)])._mail_dropped(reason)

    def _mail_dropped(self, reason):
        """Note that somebody took the mails out of Odoo's queue: each kind of row on its own.

        :param str reason: a sentence for the user
        """
        raise NotImplementedError(self._name)


def short(reason):
    """Return a reason on one line, as long as a list can show it.

    :param str reason: a sentence, may be empty
    """
    return " ".join((reason or "").split())[:MAX_REASON]


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _ajw_queued(self):
        """Yield these mails by the model whose rows wait for them, that model in sudo mode."""
        # sudo: whoever sends, cancels or deletes mails need not see who is told what
        for model, mails in self.sudo().grouped("model").items():
            if model in QUEUED:
                yield self.env[model].sudo(), mails

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        for rows, mails in self._ajw_queued():
            rows._mail_outcome(mails, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("state") == "cancel":
            reason = self.env._("The email was cancelled before it was sent.")
            for rows, mails in self._ajw_queued():
                rows._mail_gone(mails, rows._ajw_mailable, reason)
        return result

    def unlink(self):
        # EXTENDS 'mail': what failed stays, it can be sent again
        reason = self.env._("The email was deleted before it was sent.")
        for rows, mails in self._ajw_queued():
            rows._mail_gone(mails, ("queued",), reason)
        return super().unlink()
