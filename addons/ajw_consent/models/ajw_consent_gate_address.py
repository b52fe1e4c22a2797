from odoo import api, models

from ..tools.address import PHONE_CHANNELS

#: Answers that close the gate whether or not an opt-in is needed: the person said no, the address
#: is not the person's any more, the law says so, or nobody can tell.
ALWAYS_CLOSED = frozenset(
    {
        *("withdrawn", "refused", "suspended", "suppressed", "blacklisted", "restricted"),
        *("keyring", "purpose_not_covered"),
    }
)


class AjwConsentGate(models.AbstractModel):
    """The gate for channels that know addresses, and not always whose they are."""

    _inherit = "ajw.consent.gate"

    @api.model
    def _check_addresses(
        self, controller, purpose, channel, addressees, needs_opt_in=True, lock=False
    ):
        """Answer for messages to addresses; the number of queries does not grow with them.

        Where the contact is known it is asked for. Where not, whoever holds the address is: a yes
        of one of them counts, else a no.

        :param controller: res.company
        :param purpose: ``ajw.consent.purpose``, one record or none
        :param str channel: channel key
        :param dict addressees: any key → ``(partner id or False, normalised address)``
        :param bool needs_opt_in: ``False``: everybody may be contacted but who said no
            (:data:`ALWAYS_CLOSED`); ``allowed`` then goes with ``reason`` as the gate gave it
        :param bool lock: see :meth:`_check`
        :return: dict of key → :class:`GateAnswer`
        """
        unknown = {
            address for partner_id, address in addressees.values() if not partner_id and address
        }
        holders = self._holders(controller, channel, unknown)
        people = {
            key: [partner_id] if partner_id else holders.get(address, [False])
            for key, (partner_id, address) in addressees.items()
        }
        answers = self._check(
            controller,
            purpose,
            channel,
            [(person, addressees[key][1]) for key, persons in people.items() for person in persons],
            lock=lock,
        )
        unused = self._without_keys(controller, answers)
        result = {}
        for key, persons in people.items():
            answer = min(
                (answers[person, addressees[key][1]] for person in persons),
                key=lambda each: (not each.allowed, each.reason not in ALWAYS_CLOSED),
            )
            if unused and answer.reason == "keyring":
                answer = answer._replace(reason="no_opt_in")
            if not needs_opt_in and answer.reason not in ALWAYS_CLOSED:
                answer = answer._replace(allowed=True)
            result[key] = answer
        return result

    @api.model
    def _without_keys(self, controller, answers):
        """Whether keys are missing in a database where nobody ever said anything.

        Otherwise nobody knows without the keys who said no, or whose data is restricted.
        """
        if not any(answer.reason == "keyring" for answer in answers.values()):
            return False
        here = [("company_id", "=", controller.id)]
        # sudo: only whether there is one
        return not any(
            self.env[model].sudo().search_count([*here, *domain], limit=1)
            for model, domain in (
                ("ajw.consent.event", []),
                ("ajw.consent.suppression", []),
                ("ajw.consent.restriction", [("lifted_at", "=", False)]),
            )
        )

    @api.model
    def _holders(self, controller, channel, addresses):
        """Return address → ids of the contacts a controller can see that hold it.

        :param addresses: set of normalised addresses
        """
        if not addresses:
            return {}
        wanted = list(addresses)
        field = "phone_sanitized" if channel in PHONE_CHANNELS else "email_normalized"
        # sudo: whoever sends need not see them all
        companies = self.env["res.company"].sudo().search([("id", "child_of", controller.id)])
        partners = (
            self.env["res.partner"]
            .sudo()
            .search_fetch(
                [(field, "in", wanted), ("company_id", "in", [False, *companies.ids])], [field]
            )
        )
        states = (
            self.env["ajw.consent.state"]
            .sudo()
            .search_fetch(
                [
                    ("company_id", "=", controller.id),
                    ("channel", "=", channel),
                    ("address", "in", wanted),
                    ("partner_id", "!=", False),
                ],
                ["address", "partner_id"],
            )
        )
        found = {}
        for address, partner_id in [
            *((partner[field], partner.id) for partner in partners),
            *((state.address, state.partner_id.id) for state in states),
        ]:
            ids = found.setdefault(address, [])
            if partner_id not in ids:
                ids.append(partner_id)
        return found
