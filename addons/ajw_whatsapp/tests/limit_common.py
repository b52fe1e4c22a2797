"""Bases for tests of limits and times: a queue, and a clock that stands where it is put."""

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_allot import _FULL
from odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_limits import (
    AjwWhatsappAccount as Limits,
)

from .common import WhatsappCommon

#: 12:00 in India, where the company and its customers are.
NOON = datetime(2026, 11, 23, 6, 30)


class LimitCommon(WhatsappCommon):
    """Messages in the queue, claimed at times of the test's choice."""

    def setUp(self):
        super().setUp()
        self.now = NOON
        _FULL.clear()
        patcher = patch.object(Limits, "_limit_now", lambda account, clock: self._seconds())
        patcher.start()
        self.addCleanup(patcher.stop)

    def _seconds(self):
        return (self.now - datetime(1970, 1, 1)).total_seconds()

    def _later(self, **delta):
        self.now += timedelta(**delta)

    def _queue(self, *numbers, partner=None, **values):
        """Queue one message to each number, whatever the consent gate would say."""
        messages = self.env["ajw.whatsapp.message"]._engine()
        start = messages.search_count([])
        return messages.create(
            [
                self._message_vals(
                    partner or self.partner,
                    number=number,
                    attachment_id=False,
                    occasion=f"occasion {start + index}",
                    **values,
                )
                for index, number in enumerate(numbers)
            ]
        )

    def _numbers(self, count, start=0):
        return [f"+9198{start + index:08d}" for index in range(count)]

    def _allot(self, messages, account=None):
        allotment = (account or self.account)._allot(messages)
        self.env.cr.postcommit.run()  # the cursor of tests leaves it out
        return allotment

    def _send(self, messages, account=None):
        """Claim as the sender does, and have Meta accept what may go."""
        allotment = self._allot(messages, account)
        messages.browse(allotment.now).write({"state": "accepted", "accepted_at": self.now})
        for message_id, (at, reason) in allotment.later.items():
            messages.browse(message_id).write({"retry_at": at, "wait_reason": reason})
        return allotment

    def _reasons(self, allotment):
        return {reason for _at, reason in allotment.later.values()}
