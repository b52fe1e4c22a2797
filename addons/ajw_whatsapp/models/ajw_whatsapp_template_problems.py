import re

from odoo import models

from ..cloud_api import payload

_NAMED = re.compile(r"[a-z][a-z0-9_]*")


class AjwWhatsappTemplate(models.Model):
    """What Meta would refuse in how place-holders, variables and buttons go together."""

    _inherit = "ajw.whatsapp.template"

    def _find_problems(self):
        """Return sentences on what Meta would refuse, or what no variable fills in.

        :rtype: list[str]
        """
        self.ensure_one()
        named = self.parameter_format == "NAMED"
        problems = []
        places = [("body", self.env._("Text"), self.body)]
        if self.header_type == "text":
            places.append(("header", self.env._("Header"), self.header_text))
            if not self.header_text:
                problems.append(self.env._("The header is empty."))
        for place, label, text in places:
            names = payload.placeholders(text)
            defined = self.variable_ids.filtered(lambda v, p=place: v.place == p).mapped("name")
            for name in names:
                if name not in defined:
                    problems.append(
                        self.env._(
                            "%(place)s: nothing fills in {{%(name)s}}.", place=label, name=name
                        )
                    )
            for name in defined:
                if name not in names:
                    problems.append(
                        self.env._(
                            "%(place)s: {{%(name)s}} does not occur.", place=label, name=name
                        )
                    )
            if named and not all(_NAMED.fullmatch(name) for name in names):
                problems.append(
                    self.env._("%s: names have lower-case letters, digits and underscores.", label)
                )
            if not named and names != [str(n) for n in range(1, len(names) + 1)]:
                problems.append(self.env._("%s: numbers run 1, 2, 3… in order.", label))
        stripped = (self.body or "").strip()
        if stripped.startswith("{{") or stripped.endswith("}}"):
            problems.append(
                self.env._("Meta refuses a text that begins or ends with a place-holder.")
            )
        return problems + self._find_button_problems()

    def _find_button_problems(self):
        problems = []
        dynamic = self._dynamic_buttons()
        defined = self.variable_ids.filtered(lambda v: v.place == "button")
        if len(dynamic) > 1:
            problems.append(self.env._("Only one button may have an address with a place-holder."))
        if bool(dynamic) != bool(defined) or len(defined) > 1:
            problems.append(
                self.env._(
                    "A link that ends with {{1}} needs exactly one variable, and no other link any."
                )
            )
        for button in self.button_ids:
            names = payload.placeholders(button.url)
            if button.type == "URL" and not button.url:
                problems.append(self.env._("The link %s has no address.", button.text))
            if names and (names != ["1"] or not button.url.endswith("{{1}}")):
                problems.append(
                    self.env._(
                        "In a link the place-holder is {{1}} and stands at the end: %s", button.text
                    )
                )
        return problems

    def _dynamic_buttons(self):
        return self.button_ids.filtered(lambda b: b.type == "URL" and payload.placeholders(b.url))
