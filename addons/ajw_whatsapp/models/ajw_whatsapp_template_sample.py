from odoo import models

from ..cloud_api import payload


class AjwWhatsappTemplate(models.Model):
    """A template with its examples filled in: what a test message says."""

    _inherit = "ajw.whatsapp.template"

    def _sample_components(self):
        """Return Meta's components of the template with its examples filled in.

        The document header is left out: the outbox adds it with the uploaded file's id.

        :rtype: list[dict]
        """
        self.ensure_one()
        named = self.parameter_format == "NAMED"
        samples = {(v.place, v.name): v.sample or v.text_value or "-" for v in self.variable_ids}
        components = []
        for place, text in (
            ("header", self.header_text if self.header_type == "text" else ""),
            ("body", self.body),
        ):
            if names := payload.placeholders(text):
                values = [(name, samples.get((place, name), "-")) for name in names]
                parameters = payload.text_parameters(values, named)
                components.append({"type": place, "parameters": parameters})
        suffix = next((text for (place, _n), text in samples.items() if place == "button"), "-")
        for index, button in enumerate(self.button_ids):
            if button.type == "URL" and payload.placeholders(button.url):
                components.append(payload.url_button(index, suffix))
        return components
