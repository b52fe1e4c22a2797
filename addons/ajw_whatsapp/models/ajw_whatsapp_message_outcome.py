import logging

import psycopg2

from odoo import models

from odoo.addons.ajw_consent.tools.log import log_failure

from .ajw_whatsapp_message import ENGINE_CONTEXT_KEY

_logger = logging.getLogger(__name__)


class AjwWhatsappMessage(models.Model):
    """Telling the documents what became of their messages."""

    _inherit = "ajw.whatsapp.message"

    def _document_outcome(self, old_state=None):
        """Tell the documents what became of their messages, once per document model.

        A document model that wants to know has ``_ajw_whatsapp_outcome(messages)``; it is called on
        the documents, with all of their messages that changed. Its failure is logged and never
        stands in the way of sending.

        :param old_state: unused; the messages' state says it all
        """
        for res_model, messages in self.grouped("res_model").items():
            documents = self.env.get(res_model) if res_model else None
            if documents is not None and hasattr(documents, "_ajw_whatsapp_outcome"):
                messages._call_outcome_hook(documents)
        self._engine().write({"outcome_pending": False})

    def _call_outcome_hook(self, documents):
        """Call the document model's hook; on failure once more for each message alone."""
        # sudo: a report arrives without a user; the documents' code gets no engine right
        messages = self.with_context(**{ENGINE_CONTEXT_KEY: None})
        try:
            with self.env.cr.savepoint():
                records = documents.sudo().browse(dict.fromkeys(messages.mapped("res_id"))).exists()
                ids = set(records.ids)
                records._ajw_whatsapp_outcome(messages.filtered(lambda m: m.res_id in ids))
        except psycopg2.OperationalError:
            raise  # the transaction has to be run again
        except Exception as error:  # the messages are on their way, whatever it raises
            if len(self) > 1:
                for message in self:
                    message._call_outcome_hook(documents)
            else:
                told = f"Telling {documents._name} of WhatsApp message {self.id} failed"
                log_failure(_logger, told, error)
