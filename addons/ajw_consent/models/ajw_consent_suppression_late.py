from odoo import api, models

from ..tools.address import canonical_address
from .ajw_consent_suppression import Refusal
from .ajw_consent_suppression_following import EXPLICIT_METHODS, YES_KINDS
from .ajw_consent_suppression_stops import was_own
from .selections import SELF_SERVICE


class AjwConsentSuppression(models.Model):
    """A no that is learnt of late: what the person said yes to after it stands."""

    _inherit = "ajw.consent.suppression"

    @api.model
    def _outlasting(self, states, moment):
        """Return those of some answers that take an address off the list, if a no came before.

        Not an import, and no answer on a page about a number that the person had not named before:
        then the no may be that of somebody who had it. Merged contacts are not asked for: the
        number stays closed then.

        :param states: ``ajw.consent.state``, as they are before the no is recorded
        :param datetime moment: of the no, naive UTC
        """
        explicit = states.filtered(
            lambda state: (
                state.status == "given"
                and state.address
                and state.event_id.kind in YES_KINDS
                and state.event_id.method in EXPLICIT_METHODS
            )
        )
        if not explicit:
            return explicit
        named = self._first_named(explicit.subject_id)

        def is_own(state):
            number = canonical_address(state.channel, state.address)
            return was_own(named[state.subject_id.id, state.channel, number], moment)

        return explicit.filtered(
            lambda state: state.event_id.method not in SELF_SERVICE or is_own(state)
        )

    @api.model
    def _lift_for(self, states):
        """Take off the list again what an older no put on it.

        :param states: ``ajw.consent.state``, see :meth:`_outlasting`
        """
        if not states or self.env["ajw.consent.keyring"]._check():
            return
        self._lift(
            [
                (
                    state.event_id.id,
                    Refusal(
                        *(state.company_id, state.channel, state.address),
                        *(state.purpose_id.code, state.status, state.since),
                    ),
                )
                for state in states
            ]
        )
