from odoo import api, models
from odoo.fields import Domain

#: Rows that one statement puts back.
BATCH = 1000


class AjwWhatsappWebhookEvent(models.Model):
    """Working through again what was received before.

    For example after an upgrade that knows more, or when the messages were restored from a backup
    and the log was not. Reports only move messages forward and what a person said is stored once,
    so working everything through again changes nothing that is in order. Only what the retention
    policy has not emptied can be read again.
    """

    _inherit = "ajw.whatsapp.webhook.event"

    def action_process_again(self):
        """Put the chosen calls back, whatever became of them the first time."""
        self.check_access("read")
        # sudo: the log is read-only to every role; putting an event back changes no content
        self.sudo()._put_back()
        return True

    @api.model
    def _replay(self, accounts, since=None, until=None, states=("done", "failed", "not_handled")):
        """Put back what was received in a range of time.

        :param accounts: ajw.whatsapp.account records
        :param datetime since: naive UTC; from the beginning if not given
        :param datetime until: naive UTC; to the end if not given
        :param states: of the calls to put back
        :return: how many were put back
        :rtype: int
        """
        domain = Domain("account_id", "in", accounts.ids) & Domain("state", "in", list(states))
        domain &= Domain("payload", "!=", False)
        if since:
            domain &= Domain("received_at", ">=", since)
        if until:
            domain &= Domain("received_at", "<=", until)
        ids = self.search(domain, order="id").ids
        for start in range(0, len(ids), BATCH):
            self.browse(ids[start : start + BATCH])._put_back()
        return len(ids)

    def _put_back(self):
        """Have what is closed worked through again."""
        # searched for, so that no payload is read here
        closed = self.search(
            [("id", "in", self.ids), ("state", "!=", "pending"), ("payload", "!=", False)]
        )
        values = {"state": "pending", "attempts": 0, "retry_at": False, "error": False}
        done = closed.filtered(lambda event: event.state == "done")
        done.write({**values, "replayed": True})
        (closed - done).write(values)
        if closed:
            self._wake_reader()
