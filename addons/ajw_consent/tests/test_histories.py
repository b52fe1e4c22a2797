"""Random histories: whatever happens in whatever order, a no is never lost."""

from collections import defaultdict
from datetime import timedelta
from itertools import groupby
from types import SimpleNamespace
from unittest import skipUnless
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from ..ledger import fold
from ..models import ajw_consent_event_writing
from ..models.ajw_consent_event_writing import Entry
from .common import ConsentCommon

try:
    from hypothesis import HealthCheck, Phase, example, given, settings
    from hypothesis import strategies as st
except ImportError:  # a plain Odoo; the project's own environment has it
    given = None

NUMBERS = ("+919876543210", "+919876543211")
#: Each is some dozen statements of several seconds; the fold alone is tried hundreds of times in
#: the suite's plain tests.
EXAMPLES = 6
KINDS = ("give", "give", "confirm", "withdraw", "stop", "expire", "number", "merge")

#: Histories that found something, tried each time.
KNOWN = (
    # A no to all moved the date of one row of the suppression list and made another one.
    [
        ("withdraw", 2, 0, 1, 1),
        ("give", 2, 1, 0, 1),
        ("stop", 2, 0, 1, 0),
        ("withdraw", 2, 0, 1, 0),
        ("stop", 2, 0, 0, 0),
        ("give", 1, 0, 0, 1),
    ],
    # A STOP from a number that one of two who become one never had.
    [
        ("stop", 2, 1, 1, 0),
        ("give", 0, 1, 1, 0),
        ("give", 2, 0, 1, 0),
        ("merge", 1, 0, 0, 0),
        ("number", 2, 0, 1, 1),
        ("expire", 1, 0, 1, 1),
        ("merge", 2, 0, 0, 1),
    ],
)

if given:
    STEPS = st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.integers(0, 2),  # person
            st.integers(0, 1),  # purpose: invoices, offers (with confirmation, for two years)
            st.integers(0, 1),  # controller
            st.integers(0, 1),  # number
        ),
        min_size=3,
        max_size=14,
    )

    def histories(test):
        test = given(STEPS)(test)
        for steps in KNOWN:
            test = example(steps)(test)
        return settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A failing example is shown as it is: making it smaller takes minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        )(test)
else:

    def histories(test):
        return test


class World:
    """A few people and two controllers, and what a bystander noted down."""

    def __init__(self, test):
        self.test, self.env = test, test.env
        self.purposes = (test.purpose_invoice, test.purpose_marketing)
        self.controllers = (test.controller, test.second)
        self.notices = (test.notice, test.second_notice)
        self.people = [
            test._create_partner(f"Person {number}", NUMBERS[number % 2]) for number in range(3)
        ]
        self.now = fields.Datetime.now().replace(microsecond=0)
        #: (controller, person, purpose, number) → when it was last said, by the bystander's notes
        self.yes, self.no = {}, {}
        #: (controller, person, number) that the person answered about
        self.named = set()
        self.events = set()

    def record(self, who, what, whom, number, kind, method, **kwargs):
        return self.env["ajw.consent.event"]._record(
            self.controllers[whom],
            self.people[who],
            self.purposes[what],
            "whatsapp",
            NUMBERS[number],
            kind,
            method,
            **kwargs,
        )

    def step(self, kind, who, what, whom, number):
        """Do one thing, a minute after the last one."""
        self.now += timedelta(minutes=1)
        if kind == "expire":
            self.now += timedelta(days=3 * 366)
        with freeze_time(self.now):
            getattr(self, kind)(who, what, whom, number)
        self.env.flush_all()
        self.env.invalidate_all()

    def give(self, who, what, whom, number):
        self.record(who, what, whom, number, "given", "paper", notice=self.notices[whom])
        self.named.add((whom, self.people[who].id, number))
        self.yes[whom, self.people[who].id, what, number] = self.now

    def confirm(self, who, what, whom, number):
        self.record(who, what, whom, number, "confirmed", "whatsapp_message")

    def withdraw(self, who, what, whom, number):
        self.record(who, what, whom, number, "withdrawn", "spoken")
        self.named.add((whom, self.people[who].id, number))
        self.no[whom, self.people[who].id, what, number] = self.now

    def stop(self, _who, _what, whom, number):
        """Whoever has the number says no for all who have it, by their contact or an answer."""
        self.env["ajw.consent.event"]._withdraw_address(
            self.controllers[whom], "whatsapp", NUMBERS[number], "whatsapp_message"
        )
        for person in self.people:
            # To others it is somebody else's no: the list keeps the number closed for them too.
            if person.phone_sanitized == NUMBERS[number]:
                self.named.add((whom, person.id, number))
            if (whom, person.id, number) in self.named:
                for what in range(2):
                    self.no[whom, person.id, what, number] = self.now

    def expire(self, _who, _what, whom, _number):
        states = self.env["ajw.consent.state"].sudo()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *a, **k: 60):
            states._expire(self.controllers[whom], 60)

    def number(self, who, _what, _whom, number):
        self.people[who].phone = NUMBERS[number]

    def merge(self, who, _what, _whom, _number):
        other = (who + 1) % 3
        source, target = self.people[who], self.people[other]
        if source == target:
            return
        closed = {
            key for key in self.keys() if key[1] in (source.id, target.id) and self.said_no(key)
        }
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source | target).ids, target)
        self.env.invalidate_all()
        self.people = [target if person == source else person for person in self.people]
        for notes in (self.yes, self.no):
            for key, moment in list(notes.items()):
                if key[1] == source.id:
                    merged = (key[0], target.id, *key[2:])
                    notes[merged] = max(moment, notes.get(merged, moment))
                    del notes[key]
        self.named |= {
            (whom, target.id, number) for whom, person, number in self.named if person == source.id
        }
        merged = {(whom, target.id, what, number) for whom, _person, what, number in closed}
        self.test.assertFalse(self.allowed(merged), "merging widened a consent")

    def keys(self):
        return [
            (whom, person.id, what, number)
            for whom in range(2)
            for person in dict.fromkeys(self.people)
            for what in range(2)
            for number in range(2)
        ]

    def said_no(self, key):
        no, yes = self.no.get(key), self.yes.get(key)
        return bool(no) and (not yes or yes <= no)

    def allowed(self, keys):
        """Return those of some keys that the gate allows."""
        groups = defaultdict(list)
        for whom, person, what, number in keys:
            groups[whom, what].append((person, NUMBERS[number]))
        found = set()
        for (whom, what), pairs in groups.items():
            answers = self.env["ajw.consent.gate"]._check(
                self.controllers[whom], self.purposes[what], "whatsapp", pairs
            )
            found |= {
                (whom, person, what, NUMBERS.index(number))
                for (person, number), answer in answers.items()
                if answer.allowed
            }
        return found

    def check(self):
        """What holds at every moment."""
        test = self.test
        with freeze_time(self.now):
            for key in self.allowed(self.keys()):
                test.assertIn(key, self.yes, "nobody agreed, or to another controller")
                test.assertFalse(self.said_no(key), "allowed after a withdrawal")
        ledger = self.env["ajw.consent.event"].search(
            [("company_id", "in", [company.id for company in self.controllers])]
        )
        test.assertLessEqual(self.events, set(ledger.ids), "an event is gone")
        self.events = set(ledger.ids)
        test.assert_states_are_the_fold(ledger)


@skipUnless(given, "needs hypothesis")
@tagged("-at_install", "post_install")
class TestHistories(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.env["res.company"].create({"name": "Second Controller"})
        cls.second_notice = cls._published_notice(cls.second)

    @classmethod
    def _published_notice(cls, company):
        notice = cls.env["ajw.consent.notice"].create(
            {
                "company_id": company.id,
                "lang": "en_US",
                "legal_entity": company.name,
                "officer_contact": "privacy@second.example",
            }
        )
        notice.action_publish()
        return notice

    def assert_states_are_the_fold(self, ledger):
        """The stored answers are what a fold of the events gives, read by another way."""
        expected = {}
        events = ledger.sorted(
            lambda event: (event.subject_id.id, event.purpose_code, event.channel, event.sequence)
        )
        for chain, group in groupby(  # pylint: disable=bad-builtin-groupby  # sorted above
            events, lambda event: (event.subject_id.id, event.purpose_code, event.channel)
        ):
            rows = [
                SimpleNamespace(
                    id=event.id,
                    kind=event.kind,
                    address_ref=event.address_ref or "",
                    occurred_at=event.occurred_at,
                    expires_at=event.expires_at or None,
                    needs_confirmation=event.needs_confirmation,
                )
                for event in group
            ]
            for ref, state in fold(rows).items():
                expected[(*chain, ref)] = (
                    state.status,
                    state.event,
                    state.opt_in_event or False,
                    state.since,
                    state.expires_at or False,
                )
        states = self.env["ajw.consent.state"].search([("subject_id", "in", ledger.subject_id.ids)])
        stored = {
            (
                state.subject_id.id,
                state.purpose_id.code,
                state.channel,
                state.address_ref or "",
            ): (
                state.status,
                state.event_id.id,
                state.opt_in_event_id.id,
                state.since,
                state.expires_at,
            )
            for state in states
        }
        self.assertEqual(stored, expected)

    @histories
    def test_A9_no_history_loses_a_no(self, steps):
        with self._undone():
            world = World(self)
            for step in steps:
                world.step(*step)
                world.check()
            self.assertEqual(
                self.env["ajw.consent.event"]._verify(self.controller | self.second), []
            )

    @histories
    def test_one_by_one_or_all_at_once_is_the_same(self, steps):
        """The path of the import and that of a single answer write the same."""
        alone, together = [], []
        for batch, found in ((1, alone), (5, together)):
            with self._undone(), patch.object(ajw_consent_event_writing, "BATCH", batch):
                people = [self._create_partner(f"Person {n}", NUMBERS[n % 2]) for n in range(3)]
                subjects = [
                    self.env["ajw.consent.subject"]._find_or_create(self.controller, each)[each.id]
                    for each in people
                ]
                entries = [
                    self._entry(subjects[who].id, *rest)
                    for _kind, who, *rest in (
                        (kind, who, kind, *rest) for kind, who, *rest in steps
                    )
                ]
                ledger = self.env["ajw.consent.event"]
                if batch == 1:
                    events = ledger.union(*(ledger._append_entries([entry]) for entry in entries))
                else:
                    events = ledger._append_entries(entries)
                self.assert_states_are_the_fold(events)
                found += self._described(events, subjects)
        self.assertEqual(alone, together)

    def _entry(self, subject_id, kind, what, whom, number):
        recorded = {
            "give": ("given", ("import", "portal")[whom]),
            "confirm": ("confirmed", "whatsapp_message"),
            "expire": ("expired", "automatic"),
            "number": ("suspended", "back_office"),
            "merge": ("renewed", "portal"),
        }
        recorded, method = recorded.get(kind, ("withdrawn", "spoken"))
        purpose = (self.purpose_invoice, self.purpose_marketing)[what]
        address = "" if kind == "stop" else NUMBERS[number]
        moment = fields.Datetime.now().replace(microsecond=0) - timedelta(hours=number)
        return Entry(
            *(subject_id, purpose, "whatsapp", address, recorded, method, self.notice),
            *({"name": "Somebody", "note": "At the counter"}, moment),
        )

    def _described(self, events, subjects):
        """The canonical contents, answers and suppressions, without what is random or a clock."""
        numbers = {subject.id: number for number, subject in enumerate(subjects)}
        refs, found = defaultdict(lambda: len(refs)), []
        for event in events.sorted("id"):
            content = event._content()._asdict()
            for name in ("uuid", "subject", "recorded_at", "occurred_at", "expires_at"):
                del content[name]
            for name, value in content.items():
                if name.endswith("_commitment"):
                    content[name] = bool(value)
            content["address_ref"] = refs[content["address_ref"]]
            evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
            self.assertTrue(evidence.is_intact)
            found.append((numbers[event.subject_id.id], content, evidence.address, evidence.note))
        states = self.env["ajw.consent.state"].search(
            [("subject_id", "in", [subject.id for subject in subjects])]
        )
        found.append(
            sorted(
                (
                    numbers[state.subject_id.id],
                    state.purpose_id.code,
                    state.address or "",
                    state.status,
                    state.method,
                    events.ids.index(state.event_id.id),
                    state.is_suppressed,
                )
                for state in states
            )
        )
        suppressions = self.env["ajw.consent.suppression"].search(
            [("company_id", "=", self.company.id)]
        )
        found.append(
            sorted(
                (row.purpose_code or "", row.digest, row.reason, bool(row.lifted_at))
                for row in suppressions
            )
        )
        return found

    def _undone(self):
        return _Undone(self.env.cr)


class _Undone:
    """Runs a block and undoes what it wrote."""

    def __init__(self, cr):
        self._savepoint = cr.savepoint(flush=True)

    def __enter__(self):
        self._savepoint.__enter__()
        return self

    def __exit__(self, kind, value, trace):
        self._savepoint.close(rollback=True)
        return False
