import re
import uuid

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from .ajw_whatsapp_message import ENGINE, ENGINE_CONTEXT_KEY, ENGINE_FIELDS, ERASABLE_FIELDS

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class AjwWhatsappMessage(models.Model):
    """What is on record cannot be forged, and what is queued can be sent."""

    _inherit = "ajw.whatsapp.message"

    @property
    def _is_engine(self):
        return self.env.context.get(ENGINE_CONTEXT_KEY) is ENGINE

    def _engine(self):
        """Return the records with the right to write what only the outbox decides."""
        # sudo: nobody's role includes writing the outbox; the engine acts for whoever pressed the
        # button
        return self.sudo().with_context(**{ENGINE_CONTEXT_KEY: ENGINE})

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_engine:
            self._check_not_forged(vals_list)
        # Said explicitly, so that neither the context nor a user-defined default says otherwise.
        start = {name: value for name, value in ENGINE_FIELDS.items() if name != "callback_ref"}
        start["occasion"] = "send"
        vals_list = [start | {"callback_ref": str(uuid.uuid4())} | vals for vals in vals_list]
        for vals in vals_list:
            if vals["direction"] == "outbound":
                self._check_sendable(vals)
        messages = super().create(vals_list)
        if not self._is_engine:
            messages._check_may_send()
        return messages

    def write(self, vals):
        if not self._is_engine:
            protected = {
                name
                for name in vals
                if name in ENGINE_FIELDS
                and not (name in ERASABLE_FIELDS and self.env.su and not vals[name])
            }
            if protected:
                raise AccessError(
                    self.env._(
                        "Only the outbox itself may change %s of a WhatsApp message.",
                        ", ".join(sorted(protected)),
                    )
                )
        return super().write(vals)

    @api.model
    def _check_not_forged(self, vals_list):
        """Refuse rows that claim to have gone through the outbox.

        :raises AccessError: a value differs from the one a new row starts with
        """
        for vals in vals_list:
            forged = sorted(
                name
                for name in vals.keys() & ENGINE_FIELDS.keys()
                if (vals[name] or False) != (ENGINE_FIELDS[name] or False)
            )
            if forged:
                raise AccessError(
                    self.env._(
                        "A WhatsApp message starts queued. Only the outbox itself sets %s.",
                        ", ".join(forged),
                    )
                )

    def _check_may_send(self):
        """Check that the user may read what the new rows would send.

        :raises AccessError: the document, the file or the contact is not the user's to read
        """
        if self.env.su:
            return
        self.attachment_id.check_access("read")
        self.partner_id.check_access("read")
        for res_model, messages in self.grouped("res_model").items():
            self.env[res_model].browse(messages.mapped("res_id")).check_access("read")

    @api.model
    def _check_sendable(self, vals):
        """Check that a new outbound row holds what sending needs.

        :raises ValidationError: says what is missing
        """
        number = vals.get("number")
        if not isinstance(number, str) or not _E164.fullmatch(number):
            raise ValidationError(
                self.env._("The number must be in international form: + and digits only.")
            )
        if not vals.get("template_id"):
            raise ValidationError(
                self.env._("A message that the business starts needs a template.")
            )
        if not vals.get("purpose_id") or not vals.get("res_id"):
            raise ValidationError(
                self.env._("A WhatsApp message needs a purpose and the document it is about.")
            )
        if vals.get("res_model") not in self.env:
            raise ValidationError(
                self.env._(
                    "A WhatsApp message needs a document: %s is unknown.", vals.get("res_model")
                )
            )
        components = vals.get("template_components") or []
        if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
            raise ValidationError(
                self.env._("The variables' values must be a list of Meta's components.")
            )
