from collections import defaultdict

from odoo import models

from .selections import ARRIVED_STATES

ACTIVITY_TYPE = "ajw_whatsapp.mail_activity_type_not_sent"
#: Outcomes after which a person has to do something.
LOST_STATES = ("refused", "failed")
#: Refusals after which a document must not go out by itself in another way either.
NO_OTHER_WAY = ("restricted", "minor", "erased")


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """What became of a document, told to those who look after it."""

    _inherit = "ajw.whatsapp.document.mixin"

    def _ajw_whatsapp_outcome(self, messages):
        """Show on the documents what became of their messages.

        Called by the outbox and the webhook after a change of state, also as superuser.

        :param messages: ``ajw.whatsapp.message`` records of documents in ``self``
        """
        ids = set(self.ids)
        # of several messages of one document the last one counts
        decided = {
            message.res_id: message
            for message in messages
            if message.direction == "outbound"
            and message.res_id in ids
            and message.state in (*LOST_STATES, *ARRIVED_STATES)
        }
        # where it arrived, an earlier complaint is pointless now
        if decided:
            self.browse(decided).activity_unlink([ACTIVITY_TYPE])
        texts = {}  # many fail for one reason
        complaints = defaultdict(list)
        for res_id, message in decided.items():
            if message.state in LOST_STATES:
                key = (message.state, message.refusal_reason, message.error_hint)
                if key not in texts:
                    texts[key] = message._ajw_outcome_text()
                otherwise = message.refusal_reason not in NO_OTHER_WAY
                complaints[texts[key], message.create_uid, otherwise].append(res_id)
        for (text, user, otherwise), res_ids in complaints.items():
            documents = self.browse(res_ids)
            if otherwise:
                documents -= documents._ajw_whatsapp_send_instead(user)
            if documents:
                documents._ajw_whatsapp_complain(text, user)
        messages.mail_message_id._ajw_whatsapp_push()

    def _ajw_whatsapp_send_instead(self, user):
        """Have documents that WhatsApp did not deliver sent in another way, where that is wanted.

        :param res.users user: who sent them
        :return: those that nobody has to act on
        """
        return self.browse()

    def _ajw_whatsapp_complain(self, reason, user=None):
        """Raise activities that say why the documents did not reach the customers.

        :param str reason: for the user; never a name or number, because a finished activity stays
            in the chatter
        :param res.users user: who sent them
        """
        self.activity_unlink([ACTIVITY_TYPE])
        for told, records in self.grouped(lambda r: r._ajw_whatsapp_whom_to_tell(user)).items():
            records.with_context(lang=told.lang).activity_schedule(
                ACTIVITY_TYPE,
                note=reason,
                user_id=told.id,
            )

    def _ajw_whatsapp_whom_to_tell(self, user):
        """Return who looks after a document that did not arrive.

        :param res.users user: who sent it
        """
        for candidate in (user, self._ajw_whatsapp_responsible(), self.env.user):
            if candidate and candidate._is_internal() and candidate.active:
                return candidate
        return self.env.user
