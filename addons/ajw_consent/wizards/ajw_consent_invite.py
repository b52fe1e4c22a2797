from collections import Counter

import psycopg2

from odoo import Command, api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import mute_logger

from ..tools.chosen import with_chosen_contacts


class AjwConsentInvite(models.TransientModel):
    """Invite contacts by email to opt in, after showing who will be asked and who will not."""

    _name = "ajw.consent.invite"
    _description = "Invite to Opt In"

    _ajw_personal_data = {
        "partner_ids": {"category": "link", "erase": "delete"},
    }

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    controller_id = fields.Many2one(related="company_id.ajw_consent_controller_id")
    partner_ids = fields.Many2many(
        "res.partner", string="Contacts", context={"active_test": False}, required=True
    )
    purpose_ids = fields.Many2many(
        "ajw.consent.purpose",
        string="Ask about",
        required=True,
        default=lambda self: self.env["ajw.consent.invitation"]._default_purposes(),
    )
    has_notice = fields.Boolean(compute="_compute_has_notice")
    line_ids = fields.One2many(
        "ajw.consent.invite.line",
        "wizard_id",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
    )
    invitee_count = fields.Integer("Will be invited", compute="_compute_counts")
    skipped_count = fields.Integer("Will not be invited", compute="_compute_counts")
    skipped_summary = fields.Text(compute="_compute_counts")

    @api.model
    def default_get(self, fields_list):
        # EXTENDS 'base'
        return with_chosen_contacts(self, fields_list, super().default_get(fields_list))

    @api.constrains("company_id")
    def _check_company(self):
        self.company_id._ajw_check_switched_on()

    @api.depends("company_id")
    def _compute_has_notice(self):
        for wizard in self:
            wizard.has_notice = bool(
                self.env["ajw.consent.notice"]._get_published(wizard.controller_id)
            )

    @api.depends("partner_ids", "purpose_ids", "company_id")
    def _compute_line_ids(self):
        for wizard in self:
            screened = wizard._screen()
            wizard.line_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "partner_id": partner_id,
                            "reason": answer.reason or False,
                            "email": answer.email,
                            "address": answer.address,
                            "remark": wizard.env["ajw.consent.invitation"]._screen_label(
                                answer.reason
                            )
                            if answer.reason
                            else ", ".join(answer.purposes.mapped("name")),
                        }
                    )
                    for partner_id, answer in screened.items()
                ),
            ]

    @api.depends("line_ids.reason")
    def _compute_counts(self):
        for wizard in self:
            skipped = wizard.line_ids.filtered("reason")
            wizard.invitee_count = len(wizard.line_ids) - len(skipped)
            wizard.skipped_count = len(skipped)
            wizard.skipped_summary = self._summary(Counter(skipped.mapped("remark")))

    @api.model
    def _summary(self, counts):
        return "\n".join(f"{count} × {remark}" for remark, count in counts.most_common())

    def _screen(self):
        """Screen the contacts as they stand now; see ``ajw.consent.invitation._screen``."""
        self.ensure_one()
        self.company_id._ajw_check_switched_on()
        partners = self.with_context(active_test=False).partner_ids._origin
        partners.check_access("read")
        screened = self.env["ajw.consent.invitation"]._screen(
            self.controller_id, partners, self.purpose_ids._origin
        )
        if not self.has_notice:
            screened = {
                partner_id: answer._replace(reason=answer.reason or "no_notice")
                for partner_id, answer in screened.items()
            }
        return screened

    def action_invite(self):
        """Queue the invitations and show how they get on.

        Everything is screened again first: minutes may have passed since the list was shown.

        :raises UserError: nobody can be invited, or the company is not the user's
        :raises AccessError: the user may not see one of the contacts
        :raises ConcurrencyError: another user invited the same people at this moment; Odoo then
            tries again and finds them invited
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ajw_check_switched_on()
        if not self.has_notice:
            raise UserError(
                self.env._(
                    "There is no published notice for %s. A data protection officer publishes one "
                    "under Consent Ledger > Notices.",
                    self.controller_id.name,
                )
            )
        screened = self._screen()
        ready = {pid: answer for pid, answer in screened.items() if not answer.reason}
        if not ready:
            raise UserError(self.env._("None of these contacts can be invited."))
        Invitation = self.env["ajw.consent.invitation"]
        skipped = Counter(
            Invitation._screen_label(answer.reason) for answer in screened.values() if answer.reason
        )
        # sudo: rounds and invitations are read-only to every role; the user may invite
        batch = (
            self.env["ajw.consent.invitation.batch"]
            .sudo()
            .create(
                {
                    "company_id": self.controller_id.id,
                    "user_id": self.env.uid,
                    "purpose_ids": [Command.set(self.purpose_ids.ids)],
                    "skipped": self._summary(skipped),
                }
            )
        )
        self._create_invitations(batch, ready)
        Invitation._wake()
        return {
            "type": "ir.actions.act_window",
            "res_model": "ajw.consent.invitation.batch",
            "res_id": batch.id,
            "view_mode": "form",
            "name": self.env._("Invitations"),
        }

    def _create_invitations(self, batch, ready):
        """Create the queued rows of a round; what an earlier round left open ends."""
        rows = self.env["ajw.consent.invitation"].sudo()  # sudo: see action_invite
        pairs = {(answer.email, answer.address) for answer in ready.values()}
        rows.search(
            [
                ("company_id", "=", batch.company_id.id),
                ("source", "=", "email"),
                ("state", "in", ("sent", "failed")),
                "|",
                ("email", "in", [email for email, _address in pairs]),
                ("partner_id", "in", list(ready)),
            ]
        ).filtered(
            lambda row: (row.email, row.address) in pairs or row.partner_id.id in ready
        )._close("cancelled", self.env._("A newer invitation took its place."))
        try:
            # The database names the values that collide: they belong in no log.
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                rows.create(
                    [
                        {
                            "company_id": batch.company_id.id,
                            "batch_id": batch.id,
                            "partner_id": partner_id,
                            "email": answer.email,
                            "address": answer.address,
                            "purpose_ids": [Command.set(answer.purposes.ids)],
                        }
                        for partner_id, answer in ready.items()
                    ]
                )
        except psycopg2.errors.UniqueViolation as error:
            raise ConcurrencyError("invited by another user at this moment") from error


class AjwConsentInviteLine(models.TransientModel):
    """What will happen to one contact."""

    _name = "ajw.consent.invite.line"
    _description = "Invite to Opt In: Contact"
    _order = "reason desc, id"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "email": {"category": "email", "erase": "delete"},
        "address": {"category": "phone", "erase": "delete"},
        "remark": {
            "category": "technical",
            "erase": "none",
            "reason": "Names no person; written by us.",
        },
    }

    wizard_id = fields.Many2one("ajw.consent.invite", required=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner",
        "Contact",
        readonly=True,
        ondelete="cascade",
        context={"active_test": False},
    )
    reason = fields.Char(readonly=True)
    email = fields.Char(readonly=True)
    address = fields.Char("Number", readonly=True)
    remark = fields.Char("Asked about / why not", readonly=True)
