import logging
import re
import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

MAX_LINK_DAYS = 365
#: A key as the address of a till card holds it.
_CARD_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ResCompany(models.Model):
    """How a controller invites people to opt in."""

    _inherit = "res.company"

    _ajw_personal_data = {
        "ajw_consent_card_key": {
            "category": "technical",
            "erase": "none",
            "reason": "Random; stands for the company on its till cards.",
        },
    }

    ajw_consent_invitation_interval = fields.Integer(
        "Invite Again After (days)",
        default=90,
        help="Nobody gets a second invitation before so many days have passed. At most 365.",
    )
    ajw_consent_invitation_validity = fields.Integer(
        "Links Valid for (days)",
        default=30,
        help="How long the link of an invitation can be answered. At most 365.",
    )
    ajw_consent_renewal_days = fields.Integer(
        "Ask to Renew Before (days)",
        help="So many days before a consent ends, the person is asked by email whether it may go "
        "on. 0: nobody is asked.",
    )
    # What stands in the code of the till card: public, and renewed when a card was lost.
    ajw_consent_card_key = fields.Char(groups=fields.NO_ACCESS, copy=False)

    # Grows with each request on paper; two at one moment are told apart by it.
    ajw_consent_paper_requests = fields.Integer(groups=fields.NO_ACCESS, copy=False)

    _ajw_consent_card_key_unique = models.UniqueIndex(
        "(ajw_consent_card_key) WHERE ajw_consent_card_key IS NOT NULL"
    )
    _ajw_consent_days = models.Constraint(
        "CHECK (ajw_consent_invitation_interval >= 1 AND ajw_consent_invitation_validity >= 1)",
        "Invitations need at least one day, for being repeated and for being answered.",
    )
    # Who was invited is deleted after that: a longer time could not be kept to.
    _ajw_consent_interval_limit = models.Constraint(
        "CHECK (ajw_consent_invitation_interval <= 365)",
        "Somebody can be invited again after 365 days at most: after that it is no longer known "
        "who was invited. Give a smaller figure.",
    )
    _ajw_consent_validity_limit = models.Constraint(
        "CHECK (ajw_consent_invitation_validity <= 365)",
        "Links can be valid for 365 days at most. Give a smaller figure.",
    )

    def _ajw_link_days(self):
        """Return for how many days a link of today can be answered."""
        self.ensure_one()
        # an earlier release knew no end
        return min(max(self.sudo().ajw_consent_invitation_validity, 1), MAX_LINK_DAYS)

    def _ajw_card_number(self):
        """Return the digits of the WhatsApp number that people confirm to, or ``False``.

        Addons that connect such a number override this.
        """
        self.ensure_one()
        return False

    def _ajw_card_problem(self):
        """Return the sentence that says why there can be no till card, or ``False``."""
        self.ensure_one()
        if not self._ajw_card_number():
            return self.env._(
                "A till card needs a connected WhatsApp account of %s: people confirm their "
                "number by writing to it. Connect one under WhatsApp > Configuration > Accounts.",
                self.name,
            )
        controller = self.ajw_consent_controller_id
        # sudo: asks only whether there is one
        if not self.env["ajw.consent.notice"].sudo()._get_published(controller):
            return self.env._(
                "There is no published notice for %s. A data protection officer publishes one "
                "under Consent Ledger > Notices.",
                controller.name,
            )
        return False

    def _ajw_check_switched_on(self):
        """Check that these are companies the user works in now.

        :raises UserError: one is not
        """
        # Computed fields run with all rights: what counts are the user's.
        for company in self - self.sudo(False).env.companies:
            # sudo: only the name
            raise UserError(self.env._("Switch to the company %s first.", company.sudo().name))

    def _ajw_card_url(self, renew=False, create=True):
        """Return the address in the QR code of the company's till card.

        :param bool renew: make a new one, so that cards printed before answer no more
        :param bool create: make one when there is none yet
        :raises UserError: there can be no till card now
        """
        self.ensure_one()
        if problem := self._ajw_card_problem():
            raise UserError(problem)
        company = self.sudo()  # sudo: users who print cards may not edit companies
        if not company.ajw_consent_card_key and not create:
            raise UserError(self.env._("Print the card under Consent Ledger > Till Card first."))
        if renew or not company.ajw_consent_card_key:
            company.ajw_consent_card_key = secrets.token_urlsafe(16)
            _logger.info(
                "Till card of company %s: new key, by user %s, former ones ended: %s",
                self.id,
                self.env.uid,
                renew,
            )
        return f"{self.get_base_url()}/ajw_consent/card/{company.ajw_consent_card_key}"

    @api.model
    def _ajw_find_by_card(self, key):
        """Return the company of a card's key, or an empty record."""
        if not key or not _CARD_KEY.fullmatch(key):
            return self.browse()
        # sudo: the key is public, companies are not
        return self.sudo().search([("ajw_consent_card_key", "=", key)], limit=1)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_invitation_interval = fields.Integer(
        related="company_id.ajw_consent_controller_id.ajw_consent_invitation_interval",
        readonly=False,
    )
    ajw_consent_renewal_days = fields.Integer(
        related="company_id.ajw_consent_controller_id.ajw_consent_renewal_days",
        readonly=False,
    )
    ajw_consent_invitation_validity = fields.Integer(
        related="company_id.ajw_consent_controller_id.ajw_consent_invitation_validity",
        readonly=False,
    )
