from collections import defaultdict

from odoo import models

from ..ledger.fold import NEEDS_NEW_OPT_IN
from ..tools.address import address_variants, canonical_address
from .ajw_consent_import_contacts import RowError


class AjwConsentImport(models.Model):
    """Comparing rows with what people said: nothing that is closed is re-opened by a list."""

    _inherit = "ajw.consent.import"

    def _check_answers(self, rows, bad, cells):
        """Compare rows with what the people said before; see :meth:`_check_rows`."""
        partners = self.env["res.partner"].union(*(row.partner for row in rows))
        # sudo: what anybody said counts, of whatever branch
        states = self.env["ajw.consent.state"].sudo()
        said = defaultdict(list)
        for state in states.search(
            [("company_id", "=", self.company_id.id), ("partner_id", "in", partners.ids)]
        ):
            key = (state.partner_id.id, state.purpose_id.id, state.channel)
            # What ended by itself may have been given again before it did.
            ended = state.status == "expired" and state.opt_in_event_id
            since = state.opt_in_event_id.occurred_at if ended else state.since
            said[key].append((state.address or "", state.status, since))
        suppressed = set()
        by_purpose, by_channel = defaultdict(set), defaultdict(set)
        for row in rows:
            by_channel[row.channel].add(row.address)
            for purpose in row.purposes:
                by_purpose[purpose, row.channel].add(row.address)
        suppression = self.env["ajw.consent.suppression"]
        for (purpose, channel), addresses in by_purpose.items():
            for address in suppression._suppressed(self.company_id, purpose, channel, addresses):
                suppressed.add((purpose.id, channel, address))
        blacklisted = set()
        for channel, addresses in by_channel.items():
            blacklisted |= {
                (channel, address)
                for address in self.env["ajw.consent.gate"]._fetch_blacklisted(channel, addresses)
            }
        moved = self._changed_hands(by_channel)
        restricted = self.env["ajw.consent.restriction"]._restricted(self.company_id, partners)
        good = []
        for row in rows:
            try:
                if row.partner in restricted:
                    raise RowError(self.env._("Processing of this person's data is restricted."))
                if (row.channel, row.address) in blacklisted:
                    raise RowError(self.env._("The number is on the phone blacklist."))
                row = self._check_answer(row, said, suppressed)
                since = moved.get((row.channel, canonical_address(row.channel, row.address)))
                if since and not row.known and row.occurred_at <= since:
                    raise RowError(
                        self.env._(
                            "The number or address changed hands after the person is said to have "
                            "agreed: only whoever has it now can agree."
                        )
                    )
                good.append(row)
            except RowError as error:
                bad.append((row.number, str(error), cells[row.number]))
        return good, bad

    def _changed_hands(self, by_channel):
        """Return when addresses changed hands, whoever of the contacts had them.

        :param dict by_channel: channel → set of addresses
        :return: dict of ``(channel, canonical address)`` → datetime (UTC)
        """
        moved = {}
        # sudo: whose they were does not matter, of whatever branch
        states = self.env["ajw.consent.state"].sudo()
        for channel, addresses in by_channel.items():
            written = set().union(*(address_variants(channel, each) for each in addresses))
            found = states._read_group(
                [
                    ("company_id", "=", self.company_id.id),
                    ("channel", "=", channel),
                    ("address", "in", sorted(written)),
                    ("status", "=", "suspended"),
                ],
                ["address"],
                ["since:max"],
            )
            for address, since in found:
                key = channel, canonical_address(channel, address)
                moved[key] = max(since, moved.get(key, since))
        return moved

    def _check_answer(self, row, said, suppressed):
        missing = row.purposes.browse()
        asked = canonical_address(row.channel, row.address)
        for purpose in row.purposes:
            if (purpose.id, row.channel, row.address) in suppressed:
                raise RowError(
                    self.env._(
                        "The address is on the suppression list for %s: only the person can "
                        "agree again.",
                        purpose.name,
                    )
                )
            answers = [
                (status, since)
                for address, status, since in said[row.partner.id, purpose.id, row.channel]
                if address == row.address
                # A no is about every spelling, and without an address about every address.
                or status in NEEDS_NEW_OPT_IN
                and canonical_address(row.channel, address) in ("", asked)
            ]
            if any(status in NEEDS_NEW_OPT_IN for status, _since in answers):
                raise RowError(
                    self.env._(
                        "The person said no to %s, or the number changed hands: an import cannot "
                        "re-open that.",
                        purpose.name,
                    )
                )
            if all(since < row.occurred_at for _status, since in answers):
                missing |= purpose
        return row._replace(purposes=missing, known=not missing)
