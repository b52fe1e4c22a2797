from odoo import models

from ..cloud_api import webhook


class AjwWhatsappAccount(models.Model):
    """Recognising people by what earlier messages say of them."""

    _inherit = "ajw.whatsapp.account"

    def _numbers_of_user(self, user_id):
        """Return the numbers that messages of this company name beside a business-scoped id.

        :param str user_id: or ``None``
        :rtype: set[str]
        """
        self.ensure_one()
        if not user_id:
            return set()
        rows = self._outbox._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("wa_user_id", "=", user_id),
                ("number", "!=", False),
            ],
            ["number"],
        )
        return {number for [number] in rows}

    def _recognise(self, item):
        """Return an event with the number of the person it is from, as far as that is certain.

        :param item: typed event with ``number`` and ``user_id``
        """
        if item.number or not item.user_id:
            return item
        numbers = sorted(self._numbers_of_user(item.user_id))
        if not numbers:
            return item
        # One number written in two ways is one person; two numbers may be two.
        if not set(numbers) <= self._addresses_of(numbers[0]):
            return item
        return item._replace(number=numbers[0])

    def _numbers_that_say_no(self, item):
        """Return every number that a person's no may be about: of two, both are closed.

        :param item: typed event with ``number`` and ``user_id``
        :rtype: list[str]
        """
        return [item.number] if item.number else sorted(self._numbers_of_user(item.user_id))

    def _hear_hidden_stops(self, user_ids):
        """Record what people said no to while nobody knew their numbers, now that a report does.

        :param user_ids: business-scoped ids that a report named beside a number
        """
        self.ensure_one()
        if not user_ids:
            return
        said = self._outbox.search(
            [
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "inbound"),
                ("wa_user_id", "in", list(user_ids)),
                ("number", "=", False),
            ]
        )
        for message in said:
            if not message._is_opt_out():
                continue
            marketing = message.inbound_type == webhook.PREFERENCE
            for number in self._numbers_of_user(message.wa_user_id):
                # What was agreed to since stays open: the no may be months old.
                if marketing:
                    self._withdraw_marketing(
                        number, "whatsapp_preference", message.sent_at, spare_later=True
                    )
                else:
                    method = (
                        "whatsapp_message" if message.inbound_type == "text" else "whatsapp_button"
                    )
                    self._withdraw(
                        number,
                        method,
                        message.sent_at,
                        evidence={"note": message.body or ""},
                        spare_later=True,
                    )
                message.write({"number": number, "opt_out": "heard"})
