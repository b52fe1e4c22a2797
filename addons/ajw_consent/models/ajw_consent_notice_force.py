from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .ajw_consent_notice import CHANNEL_FIELDS
from .ajw_consent_notice_checks import NOTICE_DAYS


class AjwConsentNotice(models.Model):
    """Which wording is in force: for asking, at a date, and for what was agreed to before."""

    _inherit = "ajw.consent.notice"

    stage = fields.Selection(
        [
            ("draft", "Draft"),
            ("unannounced", "To be announced"),
            ("scheduled", "Takes effect later"),
            ("in_force", "In force"),
            ("former", "Former version"),
        ],
        compute="_compute_stage",
    )

    @api.depends("state", "effective_at", "change", "announced_at")
    def _compute_stage(self):
        current = {controller.id: self._current(controller) for controller in self.company_id}
        for notice in self:
            if notice.state != "published":
                notice.stage = "draft"
            elif notice.change == "material" and not notice.announced_at:
                notice.stage = "unannounced"
            elif not notice.filtered_domain(self._in_force_domain(fields.Datetime.now())):
                notice.stage = "scheduled"
            else:
                notice.stage = "in_force" if notice in current[notice.company_id.id] else "former"

    @api.model
    def _in_force_domain(self, moment):
        """Domain of the versions that had taken effect at a moment (naive UTC).

        What was to be announced and was not, or less than 30 days before, has not.
        """
        return (
            Domain("state", "=", "published")
            & Domain("effective_at", "<=", moment)
            & (
                Domain("change", "!=", "material")
                | Domain("announced_at", "<=", moment - timedelta(days=NOTICE_DAYS))
            )
        )

    def _in_force_since(self):
        """Return when this version took effect (naive UTC), ``None`` if it has not yet."""
        self.ensure_one()
        if not self.filtered_domain(self._in_force_domain(fields.Datetime.now())):
            return None
        since = [self.published_at, *filter(None, [self.effective_at])]
        if self.change == "material":
            since.append(self.announced_at + timedelta(days=NOTICE_DAYS))
        return max(since)

    @api.model
    def _get_published(self, controller, lang=None, purposes=None):
        """Return the wording in force of a controller, in ``lang`` when there is one.

        :param controller: res.company
        :param str lang: Odoo language code
        :param purposes: ``ajw.consent.purpose`` it has to speak of, if that matters
        :return: a notice or an empty recordset
        """
        return self._pick(self._latest_by_lang(controller, purposes=purposes), lang)

    @api.model
    def _latest_by_lang(self, controller, moment=None, purposes=None):
        """Return language code → the wording in force of a controller, newest first.

        A language that has no translation of a newer version keeps the former one, unless the newer
        one changed what is done with the data or asks again: then the former is no more offered.

        :param controller: res.company
        :param datetime moment: naive UTC, now if not given
        :param purposes: ``ajw.consent.purpose`` to ask about; wordings that speak of all of them
            come first, then those that speak of some
        """
        return self._newest(self._effective(controller, moment), purposes)

    @api.model
    def _effective(self, controller, moment=None):
        """Return every version that has taken effect, newest first; see :meth:`_latest_by_lang`."""
        return self.search(
            Domain("company_id", "=", controller.id)
            & self._in_force_domain(moment or fields.Datetime.now()),
            order="version desc, id desc",
        )

    @api.model
    def _newest(self, effective, purposes=None):
        """Pick the newest wording of each language; see :meth:`_latest_by_lang`."""
        if purposes:
            covered = {
                notice: [notice._covers(purpose) for purpose in purposes] for notice in effective
            }
            effective = effective.filtered(lambda notice: all(covered[notice])) or (
                effective.filtered(lambda notice: any(covered[notice]))
            )
        breaks = max(
            (
                notice.version
                for notice in effective
                if not notice.source_id
                and (notice.change == "material" or any(notice.line_ids.mapped("ask_again")))
            ),
            default=0,
        )
        latest = {}
        for notice in effective:
            if notice.version >= breaks:
                latest.setdefault(notice.lang, notice)
        return latest

    @api.model
    def _current(self, controller, moment=None):
        """Return all wordings in force: for each purpose, the newest in each language."""
        effective = self._effective(controller, moment)
        # sudo: the public page asks as well
        purposes = self.env["ajw.consent.purpose"].sudo().search([])
        current = self.browse()
        for purpose in purposes:
            for notice in self._newest(effective, purpose).values():
                current |= notice
        return current

    @api.model
    def _pick(self, notices, *languages):
        """Return the notice in the first of the languages that there is one in, else the newest.

        :param dict notices: from :meth:`_latest_by_lang`
        :param languages: Odoo language codes, may be empty
        """
        for lang in languages:
            if lang in notices:
                return notices[lang]
        return next(iter(notices.values()), self.browse())

    def _in_lang(self, lang):
        """Return this version in a language it was published in, else the original."""
        self.ensure_one()
        source = self.source_id or self
        family = (source | source.translation_ids).filtered(lambda each: each.state == "published")
        return family.filtered(lambda each: each.lang == lang)[:1] or source

    @api.model
    def _required_versions(self, controller, purpose, channel, partner_ids):
        """Return partner id → the oldest version under which consent still counts.

        Two queries for a batch, one where no version asks again. What was announced asks only those
        again who were told, 30 days after that at the earliest; the others stay under the version
        they know.

        :param controller: res.company
        :param purpose: ``ajw.consent.purpose``
        :param str channel: channel key
        :param partner_ids: ids of res.partner
        """
        now = fields.Datetime.now()
        self.flush_model()
        self.env["ajw.consent.notice.line"].flush_model()
        # SQL: asked for each batch that is sent; whoever asks, and no row is returned to a user
        rows = self.env.execute_query(
            SQL(
                """SELECT notice.id, notice.version, notice.change
                     FROM ajw_consent_notice notice
                     JOIN ajw_consent_notice_line line ON line.notice_id = notice.id
                    WHERE notice.company_id = %s AND notice.state = 'published'
                      AND notice.source_id IS NULL AND notice.effective_at <= %s
                      AND line.purpose_id = %s AND line.ask_again AND %s
                      AND (notice.change <> 'material' OR notice.announced_at <= %s)""",
                controller.id,
                now,
                purpose.id,
                SQL.identifier("notice", CHANNEL_FIELDS[channel]),
                now - timedelta(days=NOTICE_DAYS),
            )
        )
        if not rows:
            return {}
        everybody = max(
            (version for _id, version, change in rows if change != "material"), default=0
        )
        required = dict.fromkeys(partner_ids, everybody) if everybody else {}
        announced = {id_: version for id_, version, change in rows if change == "material"}
        for partner_id, notice_id in self._told(announced, partner_ids, now):
            version = max(required.get(partner_id, 0), announced[notice_id])
            required[partner_id] = version
        return required

    @api.model
    def _told(self, notice_ids, partner_ids, now):
        """Return ``(partner id, notice id)`` of who was told of a version long enough ago."""
        if not notice_ids or not partner_ids:
            return []
        self.env["ajw.consent.announcement.recipient"].flush_model()
        # SQL: see _required_versions
        return self.env.execute_query(
            SQL(
                """SELECT recipient.partner_id, announcement.notice_id
                     FROM ajw_consent_announcement_recipient recipient
                     JOIN ajw_consent_announcement announcement
                       ON announcement.id = recipient.announcement_id
                    WHERE announcement.notice_id IN %s AND recipient.partner_id IN %s
                      AND announcement.state <> 'cancelled'
                      AND recipient.told_at <= %s AND recipient.effective_at <= %s""",
                tuple(notice_ids),
                tuple(partner_ids),
                now - timedelta(days=NOTICE_DAYS),
                now,
            )
        )

    def action_ask_again(self):
        """Open the wizard that invites those again whose consent this version ended.

        :raises UserError: there is nobody to ask
        """
        self.ensure_one()
        self.check_access("read")
        self.env["ajw.consent.invite"].check_access("create")
        source = self.source_id or self
        purposes = source.line_ids.filtered("ask_again").purpose_id
        partners = self.env["res.partner"]
        for purpose in purposes:
            states = self.env["ajw.consent.state"].search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("purpose_id", "=", purpose.id),
                    ("channel", "=", "whatsapp"),
                    ("status", "=", "given"),
                    ("partner_id", "!=", False),
                    ("notice_id.version", "<", source.version),
                ]
            )
            required = self._required_versions(
                self.company_id, purpose, "whatsapp", states.partner_id.ids
            )
            partners |= states.partner_id.filtered(
                lambda partner, versions=required: versions.get(partner.id, 0) >= source.version
            )
        if not partners:
            raise UserError(
                self.env._(
                    "There is nobody to ask again: this version ended no consent, or not yet."
                )
            )
        action = partners._ajw_action_invite()
        action["context"] |= {"default_purpose_ids": purposes.ids}
        return action
