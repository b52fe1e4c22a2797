from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from .ajw_consent_notice import FROZEN_FIELDS, PUBLISHING, REVIEWED_FIELDS, SET_BY_PUBLISHING


class AjwConsentNotice(models.Model):
    """What may change when; PostgreSQL guards the same once more (``init`` of the wording)."""

    _inherit = "ajw.consent.notice"

    @api.constrains("source_id", "company_id", "lang")
    def _check_source(self):
        for notice in self:
            source = notice.source_id
            if not source:
                continue
            if source.company_id != notice.company_id:
                raise ValidationError(
                    self.env._("A translation belongs to the company of its original.")
                )
            if source.source_id or source == notice or notice.translation_ids:
                raise ValidationError(
                    self.env._(
                        "Translations are made of originals, not of other translations. Choose "
                        "the original under “Translation of”."
                    )
                )
            if source.lang == notice.lang:
                raise ValidationError(
                    self.env._("Choose another language than that of the original.")
                )
            if len((source.translation_ids - notice).filtered_domain([("lang", "=", notice.lang)])):
                raise ValidationError(
                    self.env._(
                        "There is a translation of this notice into this language already. Edit "
                        "that one, or delete it if it is a draft."
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("state", "draft") != "draft" or SET_BY_PUBLISHING & {
                name for name, value in vals.items() if value and name != "state"
            }:
                raise UserError(
                    self.env._("A notice starts as a draft. Publish it with the button.")
                )
            if "line_ids" not in vals:
                vals["line_ids"] = self._default_lines(vals.get("lang") or self.env.lang)
        notices = super().create(vals_list)
        notices._mark_written()
        return notices

    def write(self, vals):
        publishing = self.env.context.get("ajw_publishing") is PUBLISHING
        if not publishing:
            if SET_BY_PUBLISHING & vals.keys() or (
                FROZEN_FIELDS & vals.keys()
                and self.filtered(lambda notice: notice.state == "published")
            ):
                raise UserError(self._frozen_sentence())
        result = super().write(vals)
        if not publishing and REVIEWED_FIELDS & vals.keys():
            self._mark_written()
        return result

    def _frozen_sentence(self):
        return self.env._(
            "A published notice never changes. Press “New version”, change that, and publish it."
        )

    def _mark_written(self):
        """Note who edited the wording; a review of an earlier text counts no more."""
        drafts = self.filtered(lambda notice: notice.state != "published")
        publishing = drafts.with_context(ajw_publishing=PUBLISHING)
        # What was written before the review, somebody else has read.
        publishing.filtered("reviewed_by_id").write({"editor_ids": [Command.clear()]})
        publishing.write(
            {
                "written_by_id": self.env.uid,
                "editor_ids": [Command.link(self.env.uid)],
                "state": "draft",
                "reviewed_by_id": False,
                "reviewed_at": False,
            }
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.filtered(lambda notice: notice.state == "published"):
            raise UserError(
                self.env._("A published notice is part of the proof and cannot be deleted.")
            )
