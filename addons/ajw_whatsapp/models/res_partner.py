from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.ajw_consent.tools.address import PHONE_CHANNELS

from ..cloud_api.payload import clean_parameter
from ..tools.recipient import Recipient, RecipientError, choose_recipient, whatsapp_number

#: No number has more characters, however it is written.
MAX_TYPED = 200


class ResPartner(models.Model):
    _inherit = "res.partner"

    _ajw_personal_data = {
        "ajw_whatsapp_number": {"category": "phone", "erase": "clear"},
    }

    invoice_sending_method = fields.Selection(selection_add=[("ajw_whatsapp", "by WhatsApp")])
    ajw_also_by_whatsapp = fields.Boolean(
        string="Also by WhatsApp",
        company_dependent=True,
        help="Invoices are sent by WhatsApp as well as by the method chosen above. "
        "Only if the customer opted in.",
    )
    ajw_whatsapp_number = fields.Char(
        string="WhatsApp Number",
        copy=False,
        index="btree_not_null",
        help="The mobile number that receives this contact's WhatsApp messages. "
        "Left empty, the phone number is used. Consent belongs to a number: a new one "
        "starts without.",
    )

    @api.onchange("ajw_whatsapp_number", "country_id")
    def _onchange_ajw_whatsapp_number(self):
        if self.ajw_whatsapp_number:
            try:
                self.ajw_whatsapp_number = whatsapp_number(
                    self.ajw_whatsapp_number, self.country_id.code
                )
            except RecipientError:  # pylint: disable=except-pass
                pass  # said clearly on saving; the person may still be typing

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._ajw_check_whatsapp_number(vals)
        partners = super().create(vals_list)
        partners._ajw_normalize_whatsapp_number()
        return partners

    def write(self, vals):
        self._ajw_check_whatsapp_number(vals)
        result = super().write(vals)
        if vals.get("ajw_whatsapp_number"):
            self._ajw_normalize_whatsapp_number()
        return result

    def _ajw_check_whatsapp_number(self, vals):
        """Refuse what the database itself would not take for a number.

        :param dict vals: what is about to be written
        :raises ValidationError: it is no number, with what to do about it
        """
        typed = str(vals.get("ajw_whatsapp_number") or "")
        if len(typed) > MAX_TYPED or "\0" in typed:
            partner = self[:1] or self.new({"name": vals.get("name")})
            recipient = Recipient("", "ajw_whatsapp_number", typed, "phone")
            raise ValidationError(partner._ajw_whatsapp_number_problem(recipient))

    def _ajw_normalize_whatsapp_number(self):
        """Store the WhatsApp number in E.164, so that consent is found whichever way it was typed.

        :raises ValidationError: the number cannot be used, with what to do about it
        """
        for partner in self.filtered("ajw_whatsapp_number"):
            recipient = choose_recipient(
                [("ajw_whatsapp_number", partner.ajw_whatsapp_number)], partner.country_id.code
            )
            if recipient.error:
                raise ValidationError(partner._ajw_whatsapp_number_problem(recipient))
            if recipient.number != partner.ajw_whatsapp_number:
                partner.ajw_whatsapp_number = recipient.number

    def _ajw_whatsapp_recipients(self):
        """Find the number that WhatsApp messages to each contact go to.

        The contact's own WhatsApp number wins over the phone number. A number without country
        prefix is read in the contact's country, never in the company's: a guess could send one
        customer's invoice to another person.

        :return: ``{partner_id: Recipient}``
        :rtype: dict[int, odoo.addons.ajw_whatsapp.tools.recipient.Recipient]
        """
        return {
            partner.id: choose_recipient(
                [
                    ("ajw_whatsapp_number", partner.ajw_whatsapp_number),
                    ("phone", partner.phone),
                ],
                partner.country_id.code,
            )
            for partner in self
        }

    def _ajw_whatsapp_number_problem(self, recipient):
        """Say what is wrong with a number and what to do.

        :param Recipient recipient: an answer of :meth:`_ajw_whatsapp_recipients`
        :return: a sentence for the user, or ``False`` when there is nothing wrong
        """
        self.ensure_one()
        # what was pasted may hold anything, and be of any length
        names = {"number": clean_parameter(recipient.raw)[:60], "name": self.display_name}
        match recipient.error:
            case "":
                return False
            case "country":
                return self.env._(
                    "The number %(number)s has no country prefix and the contact %(name)s has no "
                    "country. Write the number with its prefix (for example +91) or set the "
                    "contact's country.",
                    **names,
                )
            case "landline":
                return self.env._(
                    "%(number)s is a landline, which WhatsApp cannot reach. Enter a mobile number "
                    "as WhatsApp number of the contact %(name)s.",
                    **names,
                )
            case "phone":
                return self.env._(
                    "%(number)s is not a valid phone number. Correct it on the contact %(name)s: "
                    "one number, in digits, without extension or words.",
                    **names,
                )
            case _:
                return self.env._(
                    "The contact %(name)s has no phone number. Enter a WhatsApp number on the "
                    "contact.",
                    name=self.display_name,
                )

    def _ajw_default_address(self, channel):
        # EXTENDS 'ajw_consent': consent for WhatsApp is asked for the number WhatsApp will use
        if channel == "whatsapp" and self:
            recipient = self._ajw_whatsapp_recipients()[self.id]
            if recipient.number:
                return recipient.number
        return super()._ajw_default_address(channel)

    @api.model
    def _ajw_number_fields(self):
        # EXTENDS 'ajw_consent'
        return [*super()._ajw_number_fields(), "ajw_whatsapp_number"]

    @api.model
    def _ajw_address_fields(self):
        # EXTENDS 'ajw_consent'
        return super()._ajw_address_fields() | {"ajw_whatsapp_number"}

    def _ajw_raw_addresses(self):
        # EXTENDS 'ajw_consent'
        yield from super()._ajw_raw_addresses()
        for channel in PHONE_CHANNELS:
            yield channel, self.ajw_whatsapp_number
