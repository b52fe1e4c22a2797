from functools import partial
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_format_date
from babel.numbers import format_currency, format_decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount, format_date

from ..cloud_api import payload
from .ajw_whatsapp_template import of_place


class RenderedTemplate(NamedTuple):
    """A template filled in for one document.

    :param list components: Meta's components, without the document header (the outbox adds it with
        the uploaded file's id)
    :param str header_text: header as the person reads it, ``""`` for none and for a document
    :param str body_text: text as the person reads it
    :param str footer_text: footer, ``""`` for none
    :param list buttons: dicts with ``type``, ``text`` and for links ``url``
    """

    components: list
    header_text: str
    body_text: str
    footer_text: str
    buttons: list


class Layout(NamedTuple):
    """What is the same for every document a template is filled in for."""

    named: bool
    header_text: str
    header_names: list
    body_names: list
    buttons: list


class AjwWhatsappTemplate(models.Model):
    """Filling templates in: what depends on the template alone is read once for all documents."""

    _inherit = "ajw.whatsapp.template"

    def _render(self, record, lang=None):
        """Fill the template in for a document, with amounts and dates as its readers write them.

        :param record: one record of the template's model
        :param str lang: Odoo language code for amounts and dates; by default the template's
            language
        :rtype: RenderedTemplate
        :raises UserError: the template does not fit the document, or a variable is empty on it
        """
        record.ensure_one()
        rendered, problems = self._render_many(record, lang)
        if problems:
            raise UserError(problems[record.id])
        return rendered[record.id]

    def _render_many(self, records, lang=None):
        """Fill the template in for many documents with a fixed number of queries.

        :param records: records of the template's model
        :param str lang: see :meth:`_render`
        :return: ``{record_id: RenderedTemplate}``, and ``{record_id: sentence}`` for those on which
            a variable is empty
        :rtype: tuple[dict, dict]
        :raises UserError: the template does not fit these documents, or is not in order
        """
        self._check_renders(records)
        if "portal_link" in self.variable_ids.mapped("source"):
            records._ajw_whatsapp_ensure_tokens()
        layout = self._layout()
        readers = [
            (variable, variable.place, variable.name, self._reader(variable, lang))
            for variable in self.variable_ids
        ]
        rendered, problems = {}, {}
        for record in records:
            values = {}
            for variable, place, name, reader in readers:
                text = payload.clean_parameter(reader(record) or "")
                if not text:
                    problems[record.id] = self._empty_sentence(variable, record)
                    break
                values[place, name] = payload.clean_link(text) if place == "button" else text
            else:
                filled = self._fill(layout, values)
                if sentence := self._filled_problem(filled, record):
                    problems[record.id] = sentence
                else:
                    rendered[record.id] = filled
        return rendered, problems

    def _find_empty(self, records):
        """Say for which documents a variable is empty; changes nothing and formats nothing.

        :return: ``{record_id: sentence}``
        :rtype: dict[int, str]
        :raises UserError: as :meth:`_render_many`
        """
        self._check_renders(records)
        problems = {}
        for variable in self.variable_ids.filtered(lambda v: v.source != "portal_link"):
            path = (variable.field_path or "").split(".")
            for record in records:
                if variable.source == "text":
                    value = (variable.text_value or "").strip()
                else:
                    value = self._raw_value(record, path)
                if not value:
                    problems.setdefault(record.id, self._empty_sentence(variable, record))
        return problems

    def _check_renders(self, records):
        self.ensure_one()
        if records._name != self.model:
            raise UserError(
                self.env._("The template %s is for other documents.", self.display_name)
            )
        if problems := self._find_problems():
            raise UserError("\n".join([self.display_name, *problems]))

    def _empty_sentence(self, variable, record):
        return self.env._(
            "%(field)s is empty on %(document)s, and the template %(template)s needs it.",
            field=variable.field_path or variable.name,
            document=record.display_name,
            template=self.display_name,
        )

    def _raw_value(self, record, path):
        """Return what a field holds as something true, or something false when it is empty."""
        for name in path[:-1]:
            record = record[name][:1]
        value = record[path[-1]]
        if isinstance(value, str):
            return value.strip()
        # a number is never empty: 0.00 is an amount
        return value or (record._fields[path[-1]].type in ("integer", "float", "monetary"))

    def _layout(self):
        header_text = self.header_text if self.header_type == "text" else ""
        return Layout(
            named=self.parameter_format == "NAMED",
            header_text=header_text,
            header_names=payload.placeholders(header_text),
            body_names=payload.placeholders(self.body),
            buttons=[
                (button.type, button.text, button.url, bool(payload.placeholders(button.url)))
                for button in self.button_ids
            ],
        )

    def _fill(self, layout, values):
        components = []
        for place, names in (("header", layout.header_names), ("body", layout.body_names)):
            if names:
                parameters = payload.text_parameters(
                    [(name, values[place, name]) for name in names], layout.named
                )
                components.append({"type": place, "parameters": parameters})
        buttons = []
        suffix = next((text for (place, _n), text in values.items() if place == "button"), "")
        for index, (kind, text, url, dynamic) in enumerate(layout.buttons):
            row = {"type": kind, "text": text}
            if kind == "URL":
                row["url"] = payload.fill(url, {"1": suffix})
                if dynamic:
                    components.append(payload.url_button(index, suffix))
            buttons.append(row)
        return RenderedTemplate(
            components=components,
            header_text=payload.fill(layout.header_text, of_place(values, "header")),
            body_text=payload.fill(self.body, of_place(values, "body")),
            footer_text=self.footer or "",
            buttons=buttons,
        )

    # -- variables ---------------------------------------------------------------------------------

    def _reader(self, variable, lang):
        """Return a function that gives what stands for a variable on a record."""
        if variable.source == "text":
            text = variable.text_value
            return lambda record: text
        if variable.source == "portal_link":
            return lambda record: record.get_portal_url().lstrip("/")
        return partial(
            self._field_text, variable.field_path.split("."), lang, self._active_lang(lang)
        )

    def _field_text(self, path, lang, code, document):
        record = document
        for name in path[:-1]:
            record = record[name][:1]
        last = path[-1]
        field = record._fields[last]
        value = record[last]
        if field.type in ("integer", "float", "monetary"):
            currency = (
                record[field.get_currency_field(record)] if field.type == "monetary" else None
            )
            return self._format_number(value, currency, lang, code)
        if not value:
            return ""
        if field.type == "date":
            return self._format_date(value, lang, code)
        if field.type == "datetime":
            return self._format_date(self._local_date(value, document), lang, code)
        if field.type == "selection":
            return dict(field._description_selection(record.env)).get(value, value)
        if field.relational:
            return value[:1].display_name
        return str(value)

    def _active_lang(self, lang):
        """Return the code of the installed language to write in, or ``None`` if there is none.

        Meta writes ``en`` and ``hi`` where Odoo writes ``en_US`` and ``hi_IN``.
        """
        wanted = lang or self.language
        installed = dict(self.env["res.lang"].get_installed())
        if wanted in installed:
            return wanted
        short = wanted.partition("_")[0]
        return next((code for code in installed if code.partition("_")[0] == short), None)

    def _locale(self, lang):
        try:
            return Locale.parse((lang or self.language).partition("@")[0])
        except (UnknownLocaleError, ValueError):
            return Locale.parse("en")

    def _format_number(self, value, currency, lang, code):
        if not currency:
            return format_decimal(value, locale=self._locale(code or lang))
        if code:
            return format_amount(self.env, value, currency, lang_code=code)
        return format_currency(currency.round(value), currency.name, locale=self._locale(lang))

    def _format_date(self, value, lang, code):
        if code:
            return format_date(self.env, value, lang_code=code)
        return babel_format_date(value, "medium", locale=self._locale(lang))

    def _local_date(self, value, document):
        """Return the day of a date-time where its reader is: its hour tells nobody anything.

        :param datetime value: naive UTC
        :param document: the record that is sent
        """
        partner = document._fields.get("partner_id") and document.partner_id
        partner = partner or self.env["res.partner"]
        number = partner._ajw_whatsapp_recipients()[partner.id].number if partner else None
        zone = self.account_id._recipient_zone(number or None, partner)
        return fields.Datetime.context_timestamp(self.with_context(tz=zone), value).date()
