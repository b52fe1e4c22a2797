import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tools import mute_logger

from .ajw_consent_notice import PUBLISHING
from .ajw_consent_notice_wording import DIGEST_VERSION


class AjwConsentNotice(models.Model):
    """From draft to published: who reviewed, who published, and what comes next."""

    _inherit = "ajw.consent.notice"

    def action_review(self):
        """Record that the user has read the wording and answers for it.

        :raises UserError: the user wrote it, and somebody else could review it
        """
        self._check_officer()
        for notice in self.filtered(lambda notice: notice.state == "draft"):
            if notice._has_better_reviewer():
                raise UserError(
                    self.env._(
                        "You edited this wording. Ask another data protection officer to review it."
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

    def _has_better_reviewer(self):
        """Whether the user had a hand in the wording and another officer is to review it.

        Whoever edited it since the last review does not review it, as long as there is an officer
        who did not. Where all of them did, it is not the one who edited it last. Code acts for
        nobody.
        """
        self.ensure_one()
        # sudo: asks only whether there is somebody; editors may have left
        editors = (self.sudo().editor_ids | self.sudo().written_by_id) & self.env.user
        if self.env.su or not editors:
            return False
        group = self.env.ref("ajw_consent.group_officer").sudo()  # sudo: as above
        others = (
            group.all_user_ids.filtered(
                lambda user: user.active and not user.share and self.company_id in user.company_ids
            )
            - self.env.user
        )
        return bool(others - self.sudo().editor_ids) or (
            bool(others) and self.written_by_id == self.env.user
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
