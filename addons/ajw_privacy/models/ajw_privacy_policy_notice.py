from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .ajw_privacy_prior_notice import OPEN

#: After so many days somebody whose mail failed is told again.
RETRY_DAYS = 7
PAGE = 1000


class AjwPrivacyPolicy(models.Model):
    """Telling people before something happens to them (W6; DPDP Rules 2025, rule 8(2))."""

    _inherit = "ajw.privacy.policy"

    notice_days = fields.Integer(
        "Tell people before (days)",
        tracking=True,
        help="So many days before, the person gets an email. Nothing happens to anybody who was "
        "not told, or who did something since. 0: nobody is told.",
    )
    notice_template_id = fields.Many2one(
        "mail.template",
        "Email",
        domain="[('model', '=', 'ajw.privacy.prior.notice')]",
        ondelete="restrict",
        default=lambda self: self.env.ref("ajw_privacy.mail_template_prior_notice", False),
        help="What people are told. It should say what goes, when, and how to prevent it.",
    )
    if_unreachable = fields.Selection(
        [("keep", "List them, do nothing"), ("act", "Act all the same")],
        "Who cannot be told",
        required=True,
        default="keep",
        tracking=True,
        help="Without an email address, or having forbidden emails. Whose data is restricted is "
        "left alone in any case.",
    )
    notice_ids = fields.One2many("ajw.privacy.prior.notice", "policy_id", "Prior notices")
    notice_count = fields.Integer("Told", compute="_compute_notice_count")

    _notice_days_range = models.Constraint(
        "CHECK(coalesce(notice_days, 0) BETWEEN 0 AND 365)",
        "People are told at most 365 days before.",
    )

    @api.depends("notice_ids.state")
    def _compute_notice_count(self):
        counts = {
            policy.id: count
            for policy, count in self.env["ajw.privacy.prior.notice"]._read_group(
                [("policy_id", "in", self.ids), ("state", "in", OPEN)], ["policy_id"], ["__count"]
            )
        }
        for policy in self:
            policy.notice_count = counts.get(policy.id, 0)

    @api.constrains("notice_days", "max_age", "max_age_unit", "notice_template_id")
    def _check_notice(self):
        for policy in self.filtered("notice_days"):
            if policy.notice_days >= policy._age_in_days():
                raise ValidationError(
                    self.env._(
                        "“%s” would tell people before the period has begun. Give fewer days, or "
                        "a longer period.",
                        policy.name,
                    )
                )
            if not policy.notice_template_id and not self.env.context.get("install_mode"):
                raise ValidationError(
                    self.env._("Choose the email that tells people before “%s”.", policy.name)
                )

    def _notice_problems(self, model):
        """Why nobody could be told."""
        if not self.notice_days or self._person_field(model):
            return []
        return [
            self.env._(
                "Rows of “%(model)s” do not say whose they are, so nobody can be told before. Set "
                "the days to 0, or choose a model with a contact.",
                model=self.model_name,
            )
        ]

    @api.model
    def _person_field(self, model):
        """Field that leads to the contact who is told: ``id`` on contacts; None where none does."""
        if model._name == "res.partner":
            return "id"
        field = model._fields.get("partner_id")
        if field is not None and field.store and field.comodel_name == "res.partner":
            return "partner_id"
        return None

    def _persons_of(self, records):
        """Contact of each row: id → res.partner."""
        # sudo: who is told need not be for the officer to see
        name = self._person_field(self.pool[self.model_name])
        return {record.id: record if name == "id" else record[name] for record in records.sudo()}

    def _candidates_cutoff(self, cutoff):
        """The moment before which somebody is told, so that they were when they are due."""
        return min(cutoff + timedelta(days=self.notice_days), fields.Datetime.now())

    # -- who may be treated ----------------------------------------------------------------------

    def _may_act(self, target, ids, cutoff, due_now, company):
        """Those of the rows of which the person was told long enough ago; others are told now.

        :param target: model the rows are of
        :param ids: rows about which somebody is to be told, holds and the law left aside
        :param cutoff: moment before which a row is due
        :param due_now: those of the ids that are due, not only to be told of
        :param company: res.company whose rows are treated
        :return: (ids that may be treated, dict of counts to add to the run)
        """
        notices = self.env["ajw.privacy.prior.notice"]
        known = notices.search([("policy_id", "=", self.id), ("res_id", "in", list(ids))])
        latest = {}
        for notice in known:  # the newest first
            latest.setdefault(notice.res_id, notice)
        now = fields.Datetime.now()
        again = now - timedelta(days=RETRY_DAYS)
        may, waiting, to_tell, left = [], 0, [], 0
        for row_id in ids:
            notice = latest.get(row_id, notices)
            if notice.state == "acted":
                left += 1  # somebody decided on them already: a plan was refused, or is under way
            elif notice.state == "sent":
                told = notice.due_on <= now and notice.sent_at + timedelta(self.notice_days) <= now
                if told and row_id in due_now:
                    may.append(row_id)
                else:
                    waiting += 1
            elif notice.state == "queued":
                waiting += 1
            elif notice.state in ("unreachable", "failed") and notice.create_date > again:
                if self.if_unreachable == "act" and row_id in due_now:
                    may.append(row_id)
                else:
                    left += 1
            else:
                to_tell.append(row_id)
        told, unreachable = self._tell(target.browse(to_tell), company)
        if self.if_unreachable == "act":
            may += [row_id for row_id in unreachable if row_id in due_now]
        counts = {
            "rows_told": told,
            "rows_waiting": waiting + told,
            "rows_unreached": left + (len(unreachable) if self.if_unreachable == "keep" else 0),
        }
        return may, counts

    def _tell(self, records, company):
        """Queue the email to the persons of some rows; list whom nobody can tell.

        :return: (number of people told, ids of the rows of the others)
        """
        if not records:
            return 0, []
        controller = self._controller(company)
        persons = self._persons_of(records)
        obstacles = self._obstacles(records.ids, persons, controller)
        notices = self.env["ajw.privacy.prior.notice"].create(
            [
                {
                    "policy_id": self.id,
                    "company_id": controller.id,
                    "partner_id": persons[record_id].id,
                    "model_name": self.model_name,
                    "res_id": record_id,
                    "state": "unreachable" if record_id in obstacles else "queued",
                    "reason": obstacles.get(record_id),
                    # shown in the mail; counted anew from when it was really sent
                    "due_on": fields.Datetime.now() + timedelta(days=self.notice_days),
                }
                for record_id in records.ids
            ]
        )
        queued = notices.filtered(lambda notice: notice.state == "queued")
        if queued:
            # sudo: an officer need not be allowed to send mail
            template = self.notice_template_id.sudo()
            mails = template.send_mail_batch(queued.ids, email_values={"auto_delete": False})
            by_notice = {mail.res_id: mail.id for mail in mails}
            for notice in queued:
                notice.mail_id = by_notice.get(notice.id, False)
        return len(queued), list(obstacles)

    def _obstacles(self, ids, persons, controller):
        """Why some people cannot be told.

        :param persons: id of a row → res.partner
        :return: id of a row → sentence
        """
        _ = self.env._
        addresses = {row_id: persons[row_id].email_normalized for row_id in ids}
        stopped, problem = set(), False
        purpose = self.env.ref("ajw_consent.purpose_service", raise_if_not_found=False)
        if not controller:
            problem = _("It belongs to no company: nobody can say in whose name to write.")
        elif purpose:
            keyring = self.env["ajw.consent.keyring"]
            # sudo: whoever writes to people must know, few may read the list
            suppressions = self.env["ajw.consent.suppression"].sudo()
            if suppressions.search_count([("company_id", "=", controller.id)], limit=1):
                if keyring._check():
                    problem = _("The keys are missing, so nobody can say who forbade emails.")
                else:
                    stopped = suppressions._suppressed(
                        controller, purpose, "email", addresses.values()
                    )
        found = {}
        for row_id, address in addresses.items():
            if problem:
                found[row_id] = problem
            elif not persons[row_id]:
                found[row_id] = _("Nobody is named on the row.")
            elif not address:
                found[row_id] = _("There is no valid email address.")
            elif address in stopped:
                found[row_id] = _("The person forbade emails.")
        return found

    def _drop_off(self, company):
        """Settle notices of people who became active again, or of rows no longer due.

        :return: number of notices dropped
        """
        notices = self.env["ajw.privacy.prior.notice"]
        controller = self._controller(company)
        domain = (
            Domain("policy_id", "=", self.id)
            & Domain("state", "in", OPEN)
            & Domain("company_id", "=", controller.id)
        )
        cutoff, after, dropped = self._candidates_cutoff(self._lawful_cutoff(company)), 0, 0
        # sudo: counts only; the officer need not be able to open the rows
        target = self.env[self.model_name].sudo().with_context(active_test=False)
        while page := notices.search(domain & Domain("id", ">", after), order="id", limit=PAGE):
            page._follow_mails()
            after = page[-1].id
            ids = set(page.mapped("res_id"))
            due = set(target.search(self._due(cutoff) & Domain("id", "in", list(ids))).ids)
            if self.clock == "activity":
                due -= self._still_active(self.model_name, due, cutoff)
            gone = page.filtered(lambda notice, due=due: notice.res_id not in due)
            gone = gone.filtered(lambda notice: notice.state in OPEN)
            # sudo: a mail that is still on its way is not needed any more
            gone.sudo().mail_id.unlink()
            gone._settle("dropped", self.env._("Something happened since, or it is due no longer."))
            dropped += len(gone)
        return dropped

    def action_view_notices(self):
        """Who was told, when, and what became of it."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_privacy.ajw_privacy_prior_notice_action"
        )
        return {**action, "domain": [("policy_id", "=", self.id)], "context": {}}
