# pylint: disable=invalid-commit  # nothing stays open while Meta is being waited for
import logging

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.ajw_consent.tools.log import log_failure

from ..cloud_api.dispatch import delete_media
from .selections import FINAL_STATES

_logger = logging.getLogger(__name__)

#: Documents deleted in one go, and connections at once.
BATCH_SIZE = 80
WORKERS = 32


class AjwWhatsappAccount(models.Model):
    """Documents at Meta are deleted once they have served."""

    _inherit = "ajw.whatsapp.account"

    def _media_problem(self, key):
        """Return (what is wrong with a document, what to do) for a person.

        :param str key: see :func:`..cloud_api.media_checks.problem`
        """
        sentences = {
            "too_big": self.env._("The document is larger than the 100 MB that WhatsApp takes."),
            "not_pdf": self.env._("The document is no PDF, and WhatsApp takes nothing else here."),
            "no_name": self.env._("The document has no file name."),
            "name_too_long": self.env._("The document's file name is longer than 240 characters."),
            "name_characters": self.env._(
                "The document's file name holds characters that a file name must not have."
            ),
        }
        return (
            sentences[key],
            self.env._("Open the document, put the file right and send it again."),
        )

    def _may_delete_documents(self):
        """Tell whether Meta may be asked: by an archived account too, though it sends nothing."""
        if self.active:
            return self._may_send()
        if self.state != "connected" or self.env["ajw.consent.keyring"]._check():
            return False
        try:
            self._get_client().close()
        except UserError:  # its secrets are gone
            return False
        return True

    def _delete_documents(self, lock, turn):
        """Delete documents at Meta that have served: they arrived, or never will.

        Each is asked for once a run, those asked for longest ago first, so that some which cannot
        be deleted do not keep the others.

        :param OutboxLock lock: the proof of being the only sender
        :param Turn turn: the time there is
        """
        tried = []
        while not turn.is_over() and lock.is_held() and self._may_delete_documents():
            messages = self._outbox.search(
                [
                    ("account_id", "=", self.id),
                    ("media_id", "!=", False),
                    ("state", "in", FINAL_STATES),
                    ("id", "not in", tried),
                ],
                order="media_tried_at nulls first, id",
                limit=BATCH_SIZE,
            )
            if not messages:
                return
            by_media = {message.media_id: message.id for message in messages}
            client = self._get_client()
            self.env.cr.commit()  # nothing stays open while Meta is being waited for
            try:
                with client:
                    deleted = delete_media(client, list(by_media), WORKERS)
            except Exception as error:  # tidying up must not keep the queue from being sent
                deleted = set()
                log_failure(
                    _logger, f"WhatsApp account {self.id}: deleting documents at Meta failed", error
                )
            kept = [message_id for media, message_id in by_media.items() if media not in deleted]
            # also those that share a document with one that was tried
            kept += set(messages.ids) - set(by_media.values())
            tried += kept
            self._in_fresh_transaction(
                self._forget_media,
                [by_media[media] for media in deleted],
                kept,
            )

    def _forget_media(self, message_ids, kept_ids):
        self._outbox.browse(message_ids).write({"media_id": False})
        self._outbox.browse(kept_ids).write({"media_tried_at": fields.Datetime.now()})
