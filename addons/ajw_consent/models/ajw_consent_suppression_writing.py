from collections import defaultdict

from odoo import api, fields, models

from ..tools.address import address_variants
from .ledger_guard import LEDGER_SENTINEL


class AjwConsentSuppression(models.Model):
    """Writing the list: putting addresses on it and taking them off, many at a time."""

    _inherit = "ajw.consent.suppression"

    @api.model
    def _digests_of(self, keys):
        """Return ``(company id, channel, address)`` → digests, for every key the newest first.

        :param keys: iterable of ``(res.company, channel, address)``
        """
        groups = defaultdict(set)
        for controller, channel, address in keys:
            groups[controller, channel].add(address)
        return {
            (controller.id, channel, address): digests
            for (controller, channel), addresses in groups.items()
            for address, digests in self._digests(controller, channel, addresses).items()
        }

    @api.model
    def _keep(self, refusals):
        """Put addresses on the list, in a number of queries that does not grow with them.

        What is on it already only moves its date forward.

        :param refusals: iterable of :class:`~.ajw_consent_suppression.Refusal`
        :raises UserError: the keys of the ledger cannot be used
        """
        refusals = [each for each in refusals if each.address]
        if not refusals:
            return
        # sudo: whoever says no is nobody's user
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        digests = self._digests_of(each[:3] for each in refusals)
        known = rows._active_by_digest(digests, {each.code for each in refusals})
        to_create = {}
        uid, now = self.env.uid, self.env.cr.now()
        for each in sorted(refusals, key=lambda refusal: refusal.since):
            place = (each.controller.id, each.channel, each.code)
            found = digests[each.controller.id, each.channel, each.address]
            row = next((known[key] for d in found if (key := (*place, d)) in known), None)
            if row is None:
                to_create[*place, found[0]] = (
                    *(*place, found[0], each.reason, each.since),
                    *(uid, now, uid, now),
                )
            elif row.since < each.since:
                row.write({"since": each.since, "reason": each.reason})
        if to_create:
            # SQL: where somebody else puts the same address on the list just now, PostgreSQL says
            # so with a serialization failure, after which Odoo tries again
            self.env.cr.execute_values(
                """INSERT INTO ajw_consent_suppression
                       (company_id, channel, purpose_code, digest, reason, since,
                        create_uid, create_date, write_uid, write_date)
                   VALUES %s ON CONFLICT DO NOTHING""",
                list(to_create.values()),
                page_size=1000,
            )
            # With the dates that were moved above: unwritten, they would be lost with the cache.
            rows.invalidate_model()
        self._bump_holders(refusals)

    @api.model
    def _active_by_digest(self, digests, codes):
        """Return ``(company id, channel, code, digest)`` → row that is not lifted.

        :param dict digests: see :meth:`_digests_of`
        :param codes: iterable of codes of purposes
        """
        active = self.search(
            [
                ("company_id", "in", sorted({key[0] for key in digests})),
                ("channel", "in", sorted({key[1] for key in digests})),
                ("purpose_code", "in", sorted(codes)),
                ("digest", "in", [each for found in digests.values() for each in found]),
                ("lifted_at", "=", False),
            ]
        )
        return {
            (row.company_id.id, row.channel, row.purpose_code or "", row.digest): row
            for row in active
        }

    @api.model
    def _bump_holders(self, refusals):
        """Make a sender that decided before decide again, however the address is written there."""
        groups = defaultdict(set)
        for each in refusals:
            groups[each.controller.id, each.channel] |= address_variants(each.channel, each.address)
        # sudo: see _keep
        states = self.env["ajw.consent.state"].sudo()
        for (company_id, channel), variants in groups.items():
            states |= states.search(
                [
                    ("company_id", "=", company_id),
                    ("channel", "=", channel),
                    ("address", "in", sorted(variants)),
                ]
            )
        states.subject_id._bump()

    @api.model
    def _lift(self, yeses, strangers=frozenset()):
        """Take addresses off the list for one purpose each: the person said yes after the no.

        The no to everything else stands: beside it goes a lifted row of the purpose, an exception;
        one that holds already is enough.

        :param yeses: list of ``(event id, Refusal)``, which is what is lifted if it is older; its
            ``reason`` says nothing
        :param strangers: ids of those events that lift no STOP
        """
        # sudo: the person is nobody's user
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        digests = self._digests_of(each[:3] for _event_id, each in yeses)
        found = rows.search(
            [
                ("company_id", "in", sorted({key[0] for key in digests})),
                ("channel", "in", sorted({key[1] for key in digests})),
                ("digest", "in", [each for keyed in digests.values() for each in keyed]),
                ("purpose_code", "in", ["", *sorted({each.code for _event_id, each in yeses})]),
            ]
        ).grouped(lambda row: (row.company_id.id, row.channel, row.digest, row.purpose_code or ""))
        now, exceptions, excepted = fields.Datetime.now(), [], set()
        for event_id, yes in yeses:
            place = (yes.controller.id, yes.channel)
            lifting = {"lifted_at": now, "lifted_event_id": event_id}
            for digest in digests[*place, yes.address]:
                own = found.get((*place, digest, yes.code), rows.browse())
                general = found.get((*place, digest, ""), rows.browse())
                if event_id in strangers:
                    own = own.filtered(lambda row: row.reason != "stop")
                    general = general.filtered(lambda row: row.reason != "stop")
                own.filtered(lambda row, at=yes.since: not row.lifted_at and row.since < at).write(
                    lifting
                )
                for row in general:
                    if row.lifted_at or row.since >= yes.since:
                        continue
                    key = (row, yes.code)
                    if key in excepted or any(
                        other.lifted_at and other.since >= row.since for other in own
                    ):
                        continue
                    excepted.add(key)
                    exceptions.append(
                        {
                            **lifting,
                            "company_id": row.company_id.id,
                            "channel": row.channel,
                            "purpose_code": yes.code,
                            "digest": row.digest,
                            "reason": row.reason,
                            "since": row.since,
                        }
                    )
        rows.create(exceptions)
