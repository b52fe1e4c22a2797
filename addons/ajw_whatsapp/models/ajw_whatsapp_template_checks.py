from odoo import api, models
from odoo.tools.translate import LazyTranslate

from ..cloud_api import template_checks
from .selections import SENDABLE_STATUSES

_lt = LazyTranslate(__name__)

#: What is wrong → what Meta wants.
_SENTENCES = {
    "too_long": _lt("%(part)s: longer than %(limit)s characters."),
    "newline": _lt("%(part)s: it has to be one line."),
    "newlines": _lt("%(part)s: more than %(limit)s line breaks in a row."),
    "tab": _lt("%(part)s: tabs are not allowed; write spaces."),
    "spaces": _lt("%(part)s: more than %(limit)s spaces in a row."),
    "adjacent": _lt("%(part)s: put words between place-holders that follow each other."),
    "variable": _lt("%(part)s: place-holders are not allowed there."),
    "header_variables": _lt("%(part)s: only one place-holder is allowed there."),
    "header_plain": _lt("%(part)s: emoji and the marks * _ ~ ` are not allowed there."),
    "buttons": _lt("More than %(limit)s buttons."),
    "buttons_URL": _lt("More than %(limit)s buttons with a link."),
    "buttons_PHONE_NUMBER": _lt("More than %(limit)s button that calls a number."),
    "button_order": _lt("Quick replies stand together, before or after the other buttons."),
    "button_plain": _lt("%(part)s: place-holders, emoji and line breaks are not allowed there."),
    "button_twice": _lt("%(part)s: another button has the same text."),
    "url": _lt("%(part)s: the address has to begin with https:// and hold no spaces."),
    "url_long": _lt("%(part)s: the address is longer than %(limit)s characters."),
    "phone": _lt(
        "%(part)s: the number is digits, with a + in front of the country code, %(limit)s "
        "characters at most."
    ),
}


class AjwWhatsappTemplate(models.Model):
    """What Meta would reject is said before it is submitted, and before it is sent."""

    _inherit = "ajw.whatsapp.template"

    @api.depends("status", "button_ids.text", "button_ids.phone_number", "button_ids.sequence")
    def _compute_problems(self):
        # EXTENDS this model: what else problems depend on
        return super()._compute_problems()

    def _find_problems(self):
        # EXTENDS this model: what Meta approved it does not reject, whatever we think of it
        problems = super()._find_problems()
        if self.status in SENDABLE_STATUSES:
            return problems
        header = self.header_text if self.header_type == "text" else None
        found = template_checks.text_problems(header, self.body, self.footer)
        found += template_checks.button_problems(
            [
                (button.type, button.text, button.url, button.phone_number)
                for button in self.button_ids
            ]
        )
        return problems + [self._check_sentence(problem) for problem in found]

    def _filled_problem(self, rendered, record):
        """Say why the template, filled in for a document, is none that Meta takes.

        :param RenderedTemplate rendered: the template with the document's values
        :param record: the document
        :return: a sentence, ``None`` when there is nothing wrong
        :rtype: str | None
        """
        urls = [button["url"] for button in rendered.buttons if button.get("url")]
        found = template_checks.filled_problems(rendered.header_text, rendered.body_text, urls)
        if not found:
            return None
        return self.env._(
            "Filled in for %(document)s, the template %(template)s is too long: %(part)s takes "
            "%(limit)s characters. Shorten the template, or what fills its variables in.",
            document=record.display_name,
            template=self.display_name,
            part=self._part_label(found[0].name),
            limit=found[0].limit,
        )

    @api.model
    def _part_label(self, name):
        labels = {
            "header": self.env._("Header"),
            "body": self.env._("Text"),
            "footer": self.env._("Footer"),
            "url": self.env._("Link of the button"),
        }
        return labels.get(name) or self.env._("Button %s", name)

    @api.model
    def _check_sentence(self, problem):
        """Return what is wrong, and what Meta wants, for a person.

        :param Problem problem: see :mod:`..cloud_api.template_checks`
        """
        values = {"part": self._part_label(problem.name), "limit": problem.limit}
        sentence = self.env._(_SENTENCES[problem.key])
        return sentence % values
