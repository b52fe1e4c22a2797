from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from ..tools.notice_check import NoticeText, fold, problems
from .ajw_consent_notice import CHANNEL_FIELDS, WORDING_FIELDS

#: So long before it takes effect is a material change announced (promises W8 and C6).
NOTICE_DAYS = 30


class AjwConsentNotice(models.Model):
    """All that stands against publishing, told at once."""

    _inherit = "ajw.consent.notice"

    missing = fields.Text(
        compute="_compute_missing", help="All that has to be done before it can be published."
    )
    needs_review = fields.Boolean(compute="_compute_needs_review")

    @api.depends(
        *WORDING_FIELDS,
        *CHANNEL_FIELDS.values(),
        "state",
        "lang",
        "company_id",
        "source_id.state",
        "source_id.body",
        "change",
        "minor_reason",
        "effective_at",
        "line_ids.name",
        "line_ids.description",
        "line_ids.data_items",
        "line_ids.purpose_id",
    )
    def _compute_missing(self):
        for notice in self:
            found = notice._publishing_problems() if notice.state != "published" else []
            notice.missing = "\n".join(f"• {sentence}" for sentence in found)

    @api.depends("source_id", "lang", "company_id", "state")
    def _compute_needs_review(self):
        for notice in self:
            notice.needs_review = notice.state != "published" and notice._is_translation()

    def _is_translation(self):
        """Whether this is another language than the one the controller writes its notices in.

        A text that does not say what it translates does not escape the review by that.
        """
        self.ensure_one()
        if self.source_id:
            return True
        # sudo: asks only whether there are any
        published = self.sudo().search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "published"),
                ("source_id", "=", False),
            ]
        )
        return bool(published) and self.lang not in published.mapped("lang")

    # -- checks ------------------------------------------------------------------------------------

    def _publishing_problems(self):
        """Return all that stands against publishing, as sentences that say what to do."""
        self.ensure_one()
        codes = problems(
            NoticeText(
                **{name: self[name] or "" for name in WORDING_FIELDS},
                channels=frozenset(key for key, name in CHANNEL_FIELDS.items() if self[name]),
                purposes=tuple(
                    (line.name or line.purpose_id.name, line.description, line.data_items)
                    for line in self.line_ids
                ),
            )
        )
        sentences = [self._problem_sentence(code, detail) for code, detail in codes]
        if self.company_id != self.company_id.ajw_consent_controller_id:
            sentences.append(
                self.env._("Choose the head company: consent is given to it, not to a branch.")
            )
        sentences += self._date_problems()
        sentences += self._change_problems()
        if self.source_id:
            sentences += self._translation_problems()
        if self._is_translation() and self.state != "reviewed":
            sentences.append(
                self.env._(
                    "Nobody has reviewed this translation. Somebody who knows the language and "
                    "did not write it reads it and presses “Reviewed”."
                )
            )
        return sentences

    def _problem_sentence(self, code, detail):
        """Return the sentence for a code of :func:`notice_check.problems`."""
        return {
            "no_body": self.env._("The wording is empty. Write what the person agrees to."),
            "no_legal_entity": self.env._(
                "The legal entity is missing. Enter the name of the business."
            ),
            "no_recipients": self.env._(
                "The recipients are missing. Say who else receives the data; for WhatsApp that is "
                "Meta."
            ),
            "no_transfer": self.env._(
                "Transfer and safeguard are missing. Say whether data leaves the country, and what "
                "protects it there."
            ),
            "no_withdraw": self.env._("Say how consent is withdrawn."),
            "no_complain": self.env._("Say how and to whom one can complain."),
            "no_contact": self.env._(
                "The officer's contact is missing or cannot be used. Enter an email address, a "
                "telephone number or a link."
            ),
            "no_channel": self.env._("Choose at least one channel that the notice covers."),
            "business_not_named": self.env._(
                "The wording must name the business (%s): Meta requires it.", detail
            ),
            "whatsapp_not_said": self.env._(
                "The wording must say that messages come over WhatsApp, written like this."
            ),
            "meta_not_named": self.env._(
                "The recipients must name Meta, which carries WhatsApp messages."
            ),
            "no_purpose": self.env._("Add at least one purpose that people are asked about."),
            "no_purpose_text": self.env._("Say what the purpose “%s” is for.", detail),
            "no_data_items": self.env._("List the data that the purpose “%s” uses.", detail),
        }[code]

    def _date_problems(self):
        if self.source_id:
            return []  # a translation takes effect with its original
        now = fields.Datetime.now()
        sentences = []
        # A minute's grace: what is chosen as "now" is past when the button is pressed.
        if self.effective_at and self.effective_at < now - timedelta(minutes=1):
            sentences.append(
                self.env._("It cannot take effect in the past. Choose a later date, or none.")
            )
        if self.change == "material" and (
            not self.effective_at or self.effective_at < now + timedelta(days=NOTICE_DAYS)
        ):
            sentences.append(
                self.env._(
                    "A material change takes effect 30 days after it was announced, on %s at the "
                    "earliest. Choose that date or a later one.",
                    format_date(self.env, self._earliest().date()),
                )
            )
        return sentences

    def _change_problems(self):
        """Return why this is no mere clearer wording of the version in force, if it is not.

        What people agreed to under the older version would change without their being told
        (promises W8 and C6). A purpose or channel that is new changes nothing for anybody yet.
        """
        if self.source_id or self.change != "minor" or (self.minor_reason or "").strip():
            return []
        before = self._effective(self.company_id).filtered(
            lambda notice: (
                notice.lang == self.lang
                and any(self[name] and notice[name] for name in CHANNEL_FIELDS.values())
            )
        )[:1]
        if not before:
            return []
        changed = [
            self._fields[name]._description_string(self.env)
            for name in ("legal_entity", "recipients", "transfer")
            if fold(self[name]) != fold(before[name])
        ]
        data_before = {line.purpose_id: fold(line.data_items) for line in before.line_ids}
        changed += [
            self.env._("data used for “%s”", line.name or line.purpose_id.name)
            for line in self.line_ids
            if fold(line.data_items) != data_before.get(line.purpose_id, fold(line.data_items))
        ]
        if not changed:
            return []
        return [
            self.env._(
                "This differs from the version in force: %s. Choose “What is done with the data "
                "changes”, so that people are told 30 days before, or say why nobody has to be "
                "told.",
                ", ".join(changed),
            )
        ]

    @api.model
    def _earliest(self):
        """Return the earliest start (naive UTC) of what is announced now: a full day is added, so
        that mails that wait in the queue for a night do not come too late."""
        day = fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return day + timedelta(days=NOTICE_DAYS + 1)

    def _translation_problems(self):
        source = self.source_id
        sentences = []
        if source.state != "published":
            sentences.append(self.env._("Publish the original first (%s).", source.display_name))
        if fold(self.body) and fold(self.body) == fold(source.body):
            sentences.append(self.env._("The wording is still that of the original. Translate it."))
        if self.line_ids.purpose_id != source.line_ids.purpose_id or any(
            self[name] != source[name] for name in CHANNEL_FIELDS.values()
        ):
            sentences.append(
                self.env._("A translation covers the purposes and channels of its original.")
            )
        return sentences
