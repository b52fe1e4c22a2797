# pylint: disable=invalid-commit  # nothing stays open while Meta is being waited for
from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain

from ..cloud_api.errors import (
    RETRY,
    STOP_ACCOUNT,
    THROTTLE_CODES,
    UNKNOWN_OBJECT,
    CloudApiError,
    ConnectionFailed,
    OutcomeUnknown,
)
from .ajw_whatsapp_account_failure import PAUSE_SECONDS
from .selections import TEMPLATE_CATEGORIES, TEMPLATE_STATUSES

#: Messages at the head of the queue whose templates are looked at. What comes after them is looked
#: at before its turn; what comes in between waits some seconds.
LOOK_AHEAD = 1000


class AjwWhatsappAccount(models.Model):
    """What Meta holds of the templates in the queue is looked at again before sending."""

    _inherit = "ajw.whatsapp.account"

    def _refresh_templates(self):
        """Ask Meta what has become of the templates in the queue, unless it was asked just now.

        Meta may move a template to another category at any time, and its report on that may get
        lost. To be called by the sender before it claims, outside of any transaction that matters.
        Messages of a template that Meta did not tell about wait a minute; where Meta does not
        answer or asks for a pause, the account does.
        """
        stale = self._in_fresh_transaction(self._stale_templates)
        if not stale:
            return
        client, connection = self._get_client(), self._connection_mark()
        self.env.cr.commit()  # nothing stays open while Meta is being waited for
        rows, error, answered = {}, None, True
        with client:
            for key, meta_id, name, language in stale:
                try:
                    rows[key] = _look_up(client, meta_id, name, language)
                except CloudApiError as caught:
                    error, answered = caught, caught.is_answer
                    if not answered or caught.error_class in (STOP_ACCOUNT, RETRY):
                        break  # the next one would be answered the same
                except (ConnectionFailed, OutcomeUnknown):
                    answered = False
                    break
        # Where Meta does not answer the account waits, and not each message.
        unknown = [key for key, *_rest in stale if answered and key not in rows]
        self._in_fresh_transaction(self._write_refreshed, rows, unknown, error, connection)
        if not answered:
            self._in_fresh_transaction(self._note_silence, fields.Datetime.now())

    def _stale_templates(self):
        """Return (id, Meta's id, name, language) of the templates to ask Meta about."""
        if not self._may_send():
            return []
        next_ones = Domain("id", "in", self._next_messages(LOOK_AHEAD).ids)
        return [
            (template.id, template.meta_template_id, template.name, template.language)
            for [template] in self._outbox._read_group(next_ones, ["template_id"])
            if self._must_look_up(template)
        ]

    def _must_look_up(self, template):
        """Tell whether Meta has to be asked about a template before it is sent."""
        # Of a draft Meta has another text, or none.
        ours = template.account_id == self and template.status != "DRAFT"
        return ours and not template._is_checked()

    def _write_refreshed(self, rows, unknown, error, connection):
        """Take in what Meta said.

        :param dict rows: template id → Meta's row, ``None`` when there is no such template there
        :param list unknown: ids of the templates of which Meta did not tell
        :param CloudApiError error: the last refusal
        :param str connection: mark of the one that Meta was asked over
        """
        now = fields.Datetime.now()
        # sudo: what Meta says, not what the user says
        templates = self.env["ajw.whatsapp.template"].sudo()
        for key, row in rows.items():
            template = templates.browse(key).exists()
            vals = {"status": "DELETED"}
            if row is not None:
                status, category = row.get("status"), row.get("category")
                same = (row.get("name"), row.get("language")) == (template.name, template.language)
                vals = {
                    "status": status if same and status in dict(TEMPLATE_STATUSES) else "UNKNOWN",
                    "category": category if category in dict(TEMPLATE_CATEGORIES) else "MARKETING",
                }
            changed = {name: value for name, value in vals.items() if template[name] != value}
            template.write(changed | {"category_checked_at": now})
        if unknown:
            self._outbox.search(self._ready_domain() & Domain("template_id", "in", unknown)).write(
                {"retry_at": now + timedelta(minutes=1)}
            )
        if not error:
            return
        if error.retry_after or error.code in THROTTLE_CODES:
            self._pause(now, error.retry_after or PAUSE_SECONDS)
        if error.error_class == STOP_ACCOUNT:
            said = self.env["ajw.whatsapp.error"]._said(error)
            self._stop(error.code, said, error.subcode, connection)


def _look_up(client, meta_id, name, language):
    """Return Meta's row of a template, ``None`` if there is none.

    :param str meta_id: Meta's id; without one the template is looked for by name and language
    """
    if meta_id:
        try:
            return client.get_template(meta_id)
        except CloudApiError as error:
            if error.code != UNKNOWN_OBJECT:
                raise
            # Gone, or out of this token's sight: the list tells. Where that is refused as well
            # nothing is known of the template.
    for row in client.list_templates(name):
        same = (row.get("name"), row.get("language")) == (name, language)
        # One that was made anew under the same name is another, with a text of its own.
        if same and (not meta_id or str(row.get("id")) == meta_id):
            return row
    return None
