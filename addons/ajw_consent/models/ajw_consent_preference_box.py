import logging

from odoo import api, models
from odoo.http import request

from ..tools.collisions import COLLISIONS
from ..tools.invitation import mask_address
from ..tools.log import log_failure
from .ajw_consent_invitation_screening import ASKABLE

_logger = logging.getLogger(__name__)

#: What became of ticked boxes, for the page that follows.
FLASH = "ajw_consent_boxes"
MAX_BOXES = 50


class AjwConsentPreference(models.AbstractModel):
    """Boxes beside something else that a customer does: signing, paying.

    They start unticked, one a purpose, and what the customer came for works whether they are ticked
    or not. Who ticks none is on no record; who said no is not asked here again.
    """

    _inherit = "ajw.consent.preference"

    @api.model
    def _boxes(self, company, partner):
        """Return what the page of a document shows: boxes, wording, and what became of ticked ones.

        :param company: res.company of the document
        :param partner: res.partner whom the document is for, with sudo
        :return: dict for the template ``ajw_consent.portal_boxes``
        """
        values = {"ajw_boxes": [], **self._boxes_done()}
        controller = company.sudo().ajw_consent_controller_id  # sudo: see the class it extends
        if not self._boxes_for(partner):
            return values
        notice = self._notice(controller, request.env.lang, partner.lang)
        if not notice:
            return values
        return values | {
            "ajw_boxes": self._offered(controller, partner, notice),
            "ajw_boxes_by_link": self.env.user._is_public(),
            "ajw_mask": mask_address,
            "ajw_boxes_notice": notice,
            "ajw_channel_labels": self._channel_labels(),
        }

    @api.model
    def _boxes_done(self):
        """Return what became of ticked boxes, for ``ajw_consent.portal_boxes_done``; said once."""
        return {"ajw_boxes_done": request.session.pop(FLASH, "")}

    @api.model
    def _boxes_for(self, partner):
        """Whether the visitor can be the person whom the document is for.

        Consent is personal: neither a colleague nor an employee of ours who looks at the page is
        asked in somebody's place. A visitor without an account holds the document's secret link.
        """
        user = self.env.user
        return bool(partner.active) and (user._is_public() or user.partner_id == partner)

    @api.model
    def _offered(self, controller, partner, notice):
        """Return the boxes that a visitor sees.

        Who holds no more than a link sees the same ones whatever the customer answered: they learn
        nothing of that.

        :rtype: list[Choice]
        """
        choices = self._choices(controller, partner, notice=notice)
        if self.env.user._is_public():
            return [choice for choice in choices if choice.current and choice.covered]
        return [choice for choice in choices if self._open_to(choice)]

    @api.model
    def _open_to(self, choice):
        """Whether a yes is recorded: a no stands until the person opts in elsewhere."""
        return choice.can_give and choice.reason in ASKABLE

    @api.model
    def _tick(self, company, partner, keys, notice_digest, lang, note):
        """Record ticked boxes. What the customer came for does not fail with it.

        Only a collision of transactions is raised: Odoo then does all of it again.

        :param company: res.company of the document
        :param partner: res.partner whom the document is for, with sudo
        :param keys: values of the boxes that were ticked, as they came
        :param str notice_digest: digest of the wording the page showed
        :param str lang: language of that wording
        :param str note: what the customer did, for the evidence
        :return: ``""`` (nothing ticked), ``recorded``, ``confirm`` (waits for a confirmation),
            ``asked`` (the customer is asked, by a visitor with a link) or ``failed``; kept for
            the page that follows
        """
        if not keys:
            return ""
        try:
            with self.env.cr.savepoint():
                done = self._tick_or_raise(company, partner, keys, notice_digest, lang, note)
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - the signature or payment comes first
            log_failure(
                _logger, f"Ticked boxes of company {company.id} could not be recorded", error
            )
            done = "failed"
        request.session[FLASH] = done
        return done

    @api.model
    def _tick_or_raise(self, company, partner, keys, notice_digest, lang, note):
        """Record ticked boxes; see :meth:`_tick`."""
        controller = company.sudo().ajw_consent_controller_id  # sudo: see the class it extends
        well_formed = (
            isinstance(keys, list)
            and len(keys) <= MAX_BOXES
            and all(isinstance(key, str) for key in keys)
            and isinstance(notice_digest, str)
        )
        if not well_formed or not self._boxes_for(partner):
            return "failed"
        notice = self._seen_notice(controller, notice_digest, lang)
        if not notice:
            return "failed"
        offered = {choice.key: choice for choice in self._offered(controller, partner, notice)}
        if not set(keys) <= offered.keys():
            return "failed"
        by_link = self.env.user._is_public()
        keys = [key for key in keys if self._open_to(offered[key])]
        if by_link and not keys:
            return "asked"
        outcome = self._decide(
            controller,
            partner,
            "give",
            keys,
            # Of a link it is not known who holds it: the ledger has that confirmed.
            "document_link" if by_link else "portal",
            notice=notice,
            evidence={
                "ip": request.httprequest.remote_addr,
                "actor": self.env.user.login,
                "note": note,
            },
        )
        if outcome.problem:
            return "failed"
        if by_link:
            return "asked"
        return "confirm" if outcome.waiting else "recorded"
