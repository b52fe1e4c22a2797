from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tools import format_date, mute_logger

from ..tools.notice_check import NoticeText, fold, problems
from .ajw_consent_notice import CHANNEL_FIELDS, PUBLISHING, WORDING_FIELDS
from .ajw_consent_notice_wording import DIGEST_VERSION

#: So long before it takes effect is a material change announced (promises W8 and C6).
NOTICE_DAYS = 30


class AjwConsentNotice(models.Model):
    """From draft to published: what is checked, who reviewed, who published."""

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
        sentences += self._date_problems()
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

    # -- buttons -----------------------------------------------------------------------------------

    def action_review(self):
        """Record that the user has read the wording and answers for it.

        :raises UserError: the user wrote it, and somebody else could review it
        """
        self._check_officer()
        for notice in self.filtered(lambda notice: notice.state == "draft"):
            if notice.written_by_id == self.env.user and notice._has_other_officer():
                raise UserError(
                    self.env._(
                        "You edited this wording last. Ask another data protection officer to "
                        "review it."
                    )
                )
            notice.with_context(ajw_publishing=PUBLISHING).write(
                {
                    "state": "reviewed",
                    "reviewed_by_id": self.env.uid,
                    "reviewed_at": fields.Datetime.now(),
                }
            )
        return True

    def _has_other_officer(self):
        """Whether another officer of the controller could review; code acts for nobody."""
        if self.env.su:
            return False
        # sudo: asks only whether there is one
        group = self.env.ref("ajw_consent.group_officer").sudo()
        return bool(
            group.all_user_ids.filtered(
                lambda user: user.active and not user.share and self.company_id in user.company_ids
            )
            - self.env.user
        )

    def action_publish(self):
        """Give the wording its version, date and digest; from now on it cannot change.

        :raises UserError: something is missing; the message lists everything
        :raises ConcurrencyError: another officer published a version at this moment; Odoo tries
            again
        """
        self._check_officer()
        if self and all(notice.state == "published" for notice in self):
            raise UserError(
                self.env._("This notice is published already, perhaps by somebody else.")
            )
        # Originals first: translations take their version.
        for notice in self.sorted(lambda notice: bool(notice.source_id)):
            if notice.state == "published":
                continue
            if found := notice._publishing_problems():
                raise UserError(
                    "\n".join(
                        [
                            self.env._("“%s” cannot be published yet:", notice.title),
                            *(f"• {sentence}" for sentence in found),
                        ]
                    )
                )
            notice._publish_once()
            notice.company_id._ajw_notice_url()
        return True

    def _publish_once(self):
        now = fields.Datetime.now()
        source = self.source_id
        vals = {
            "state": "published",
            "version": source.version if source else self._next_version(),
            "published_at": now,
            "published_by_id": self.env.uid,
            "effective_at": max(source.effective_at if source else self.effective_at or now, now),
            "digest_version": DIGEST_VERSION,
        }
        if source:
            vals |= {"change": source.change, "announced_at": source.announced_at}
        publishing = self.with_context(ajw_publishing=PUBLISHING)
        try:
            # The index decides which of two officers was first.
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                publishing.write({**vals, "digest": self._digest_of(vals["version"])})
                self.flush_recordset()
        except psycopg2.errors.UniqueViolation as error:
            raise ConcurrencyError("published by another user at this moment") from error

    def _next_version(self):
        """Return the number after the highest of the controller, in any language."""
        # sudo: a number, and the index that guards it knows no record rule
        last = self.sudo().search(
            [("company_id", "=", self.company_id.id), ("version", ">", 0)],
            order="version desc",
            limit=1,
        )
        return last.version + 1

    def _check_officer(self):
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer publishes notices."))

    def action_new_version(self):
        """Open a draft of the next version, with drafts of its translations.

        :raises AccessError: the user may not write notices
        """
        self.ensure_one()
        self._check_officer()
        source = self.source_id or self
        draft = source.copy()
        for translation in source.translation_ids:
            translation.copy({"source_id": draft.id})
        return draft._open_form()

    def action_translate(self):
        """Open a draft in another language, which starts as a copy of this wording.

        :raises UserError: there is no language left to translate into
        """
        self.ensure_one()
        self._check_officer()
        source = self.source_id or self
        taken = {source.lang, *source.translation_ids.mapped("lang")}
        left = [code for code, _name in self.env["res.lang"].get_installed() if code not in taken]
        if not left:
            raise UserError(
                self.env._(
                    "There is a text in every installed language. Add a language under Settings > "
                    "Languages first."
                )
            )
        return source.copy({"source_id": source.id, "lang": left[0]})._open_form()

    def action_preview(self):
        """Open the wording as people will see it, at the width of a desk and of a telephone."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_url",
            "url": f"/ajw_consent/notice/{self.id}/preview",
            "target": "new",
        }

    def action_open_public(self):
        """Open the public page at this version."""
        self.ensure_one()
        self.check_access("read")
        if self.state != "published":
            raise UserError(self.env._("Only published notices have a public page. Preview it."))
        return {
            "type": "ir.actions.act_url",
            "url": self.company_id._ajw_notice_url(self),
            "target": "new",
        }

    def _open_form(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "name": self.env._("Notice"),
        }

    @api.model
    def _create_missing_drafts(self):
        """Create a draft for each controller that has no notice yet."""
        controllers = self.env["res.company"].search([("parent_id", "=", False)])
        with_notice = self.search([("company_id", "in", controllers.ids)]).company_id
        for controller in controllers - with_notice:
            self.with_company(controller).create({})
