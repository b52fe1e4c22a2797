from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..tools.address import PHONE_CHANNELS, canonical_address
from .selections import FROM_NUMBER, SELF_SERVICE


class AjwConsentSuppression(models.Model):
    """Numbers whose STOP is somebody else's.

    Whoever said STOP held the number then. A contact that comes by the number afterwards may have
    it by a typing error: what is agreed to on its pages must not undo a stranger's no. It waits for
    a message from the number, or for somebody who answers for it: paper, by word of mouth, in
    person.
    """

    _inherit = "ajw.consent.suppression"

    @api.model
    def _foreign_stops(self, places):
        """Return those of some places at which the number was somebody else's when it said STOP.

        Somebody held a number if they, or a contact that was merged into theirs, answered about it
        before the STOP or were withdrawn by it, or if a message from it was an opt-in of theirs
        since.

        :param places: iterable of ``(ajw.consent.subject id, channel, address)``
        :rtype: set[tuple]
        """
        places = {place for place in places if place[1] in PHONE_CHANNELS and place[2]}
        if not places or self.env["ajw.consent.keyring"]._check():
            return set()
        # sudo: whoever answers is nobody's user
        subjects = self.env["ajw.consent.subject"].sudo().browse({place[0] for place in places})
        company_of = {subject.id: subject.company_id for subject in subjects}
        digests = self._digests_of(
            (company_of[subject_id], channel, address) for subject_id, channel, address in places
        )
        stops = {
            (row.company_id.id, row.channel, row.digest): row.since
            for row in self.sudo()
            .search(
                [
                    ("company_id", "in", subjects.company_id.ids),
                    ("channel", "in", sorted({place[1] for place in places})),
                    ("digest", "in", [each for found in digests.values() for each in found]),
                    ("reason", "=", "stop"),
                    ("lifted_at", "=", False),
                ]
            )
            .sorted("since")
        }
        stopped = {}
        for place in places:
            key = (company_of[place[0]].id, *place[1:])
            moments = [stops[*key[:2], each] for each in digests[key] if (*key[:2], each) in stops]
            if moments:
                stopped[place] = max(moments)
        return self._not_held(stopped)

    @api.model
    def _not_held(self, moments):
        """Return the places whose number was not yet the person's at a moment, as far as known.

        :param dict moments: place, see :meth:`_foreign_stops` → moment (UTC)
        :rtype: set[tuple]
        """
        if not moments:
            return set()
        # sudo: see _foreign_stops
        subjects = self.env["ajw.consent.subject"].sudo()
        persons = self._persons(subjects.browse({place[0] for place in moments}))
        named = self._first_named(
            subjects.browse({each for ids in persons.values() for each in ids})
        )

        def held(place, moment):
            number = canonical_address(*place[1:])
            return any(
                was_own(named[subject_id, place[1], number], moment)
                for subject_id in persons[place[0]]
            )

        return {place for place, moment in moments.items() if not held(place, moment)}

    @api.model
    def _strangers(self, turns, by_id, addresses):
        """Return the ids of the events that lift no STOP: the number was somebody else's then.

        :param turns: those that lift; see :meth:`_follow` for the others
        """
        place_of = {
            turn.event_id: (
                *(turn.subject_id, turn.channel),
                addresses.get((turn.subject_id, turn.address_ref)),
            )
            for turn in turns
            if by_id[turn.event_id].method in SELF_SERVICE
        }
        foreign = self._foreign_stops(place_of.values())
        return {event_id for event_id, place in place_of.items() if place in foreign}

    @api.model
    def _persons(self, subjects):
        """Return subject id → ids of all subjects of the same person, itself among them."""
        # sudo: see _foreign_stops
        everyone = subjects.sudo().search([("partner_id", "in", subjects.partner_id.ids)])
        same = everyone.grouped(lambda subject: (subject.company_id, subject.partner_id))
        return {
            subject.id: {
                subject.id,
                *same.get((subject.company_id, subject.partner_id), subject).ids,
            }
            for subject in subjects.sudo()
        }

    @api.model
    def _first_named(self, subjects):
        """Return when some subjects named their numbers first, and when one last proved itself.

        :return: dict of ``(subject id, channel, canonical number)`` → ``(moment, moment or None)``,
            see :func:`was_own`; ``(None, None)`` for a number that was not named
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT event.subject_id, event.channel, known.address, min(event.occurred_at),
                          max(event.occurred_at) FILTER (
                              WHERE event.method = ANY(%s) AND event.kind = ANY(%s))
                     FROM %s
                 GROUP BY 1, 2, 3""",
                sorted(FROM_NUMBER),
                ["given", "confirmed"],
                self._named(subjects),
            )
        )
        found = defaultdict(lambda: (None, None))
        for subject_id, channel, address, first, proven in rows:
            key = (subject_id, channel, canonical_address(channel, address))
            known, last = found[key]
            found[key] = (
                min(filter(None, (known, first))),
                max(filter(None, (last, proven)), default=None),
            )
        return found

    @api.model
    def _named(self, subjects):
        """Return the events of some subjects with the addresses that they name.

        :param subjects: ``ajw.consent.subject``
        :return: what follows FROM in a query (SQL), with ``event`` and ``known.address``
        """
        for model in ("event", "evidence", "state"):
            self.env[f"ajw.consent.{model}"].flush_model()
        # SQL: addresses are beside the ledger, or with an answer whose evidence was erased
        return SQL(
            """ajw_consent_event event
                     JOIN (SELECT event.subject_id, event.address_ref, evidence.address
                             FROM ajw_consent_evidence evidence
                             JOIN ajw_consent_event event ON event.id = evidence.event_id
                            WHERE evidence.subject_id = ANY(%s)
                            UNION
                           SELECT subject_id, address_ref, address
                             FROM ajw_consent_state WHERE subject_id = ANY(%s)) known
                       ON known.subject_id = event.subject_id
                      AND known.address_ref = event.address_ref
                    WHERE event.subject_id = ANY(%s) AND event.address_ref <> ''
                      AND known.address <> ''""",
            *[subjects.ids] * 3,
        )


def was_own(known, moment):
    """Whether a number was a person's at a moment, as far as known.

    It was if they had named it by then, or if they proved since that they hold it.

    :param known: ``(when it was named first, when it last proved itself)``, each ``None`` for never
    :param datetime moment: as in ``known``, naive UTC
    """
    first, proven = known
    return bool((first and first <= moment) or (proven and proven >= moment))
