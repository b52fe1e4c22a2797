from datetime import datetime, timedelta
from types import SimpleNamespace

from odoo.tests import BaseCase, tagged

from ..ledger import (
    GENESIS_HASH,
    EventContent,
    commit,
    event_hash,
    fold,
    matches,
    new_salt,
    verify_chain,
)

T0 = datetime(2026, 1, 31, 9, 30)


def content(**values):
    defaults = {
        "uuid": "6f1c1c9e-6b1e-4c53-9f6f-0c7f5d8a3b11",
        "controller": 1,
        "subject": "0b9e6a52-6f43-4c0e-8a55-2f1b6a0f9d77",
        "purpose": "invoice",
        "channel": "whatsapp",
        "sequence": 1,
        "kind": "given",
        "method": "paper",
        "occurred_at": T0,
        "recorded_at": T0,
        "needs_confirmation": False,
        "expires_at": None,
        "notice_digest": "",
        "address_ref": "a",
        "address_commitment": "",
        "name_commitment": "",
        "ip_commitment": "",
        "actor_commitment": "",
        "evidence_commitment": "",
        "given_by": "self",
    }
    return EventContent(**{**defaults, **values})


def event(number, kind, ref="a", minutes=None, needs_confirmation=False, expires_at=None):
    return SimpleNamespace(
        id=number,
        kind=kind,
        address_ref=ref,
        occurred_at=T0 + timedelta(minutes=number if minutes is None else minutes),
        expires_at=expires_at,
        needs_confirmation=needs_confirmation,
    )


@tagged("-at_install", "post_install")
class TestLedger(BaseCase):
    def test_hash_is_final(self):
        """The bytes that are hashed can never change: these were computed once and stay."""
        for version, given_by, digest in (
            (1, "", "add6dd2c26dd60e537db1e6451a7712de5c7690cea17fff0ac077dd9ba51e784"),
            (2, "self", "b5fe2e1cd1da03059e815c89ac1161860d8c7782deb27092455f98f0e996f161"),
            (2, "guardian", "0f7e11bf4f7b84e96b3a4a5b20c18a4bbbfff8ed78346da42239f932e10a98dd"),
        ):
            self.assertEqual(event_hash(content(given_by=given_by), GENESIS_HASH, version), digest)

    def test_version_1_protects_no_guardian(self):
        """What a form leaves out its hash would not protect: it must not be there at all."""
        for given_by in ("self", "guardian"):
            with self.assertRaises(ValueError):
                event_hash(content(given_by=given_by), GENESIS_HASH, 1)

    def test_every_field_counts(self):
        base = event_hash(content(), GENESIS_HASH)
        for name, value in content()._asdict().items():
            if isinstance(value, bool):
                other = not value
            elif isinstance(value, int):
                other = value + 1
            elif isinstance(value, datetime):
                other = value + timedelta(seconds=1)
            elif value is None:
                other = T0
            else:
                other = value + "x"
            self.assertNotEqual(event_hash(content(**{name: other}), GENESIS_HASH), base, name)
        self.assertNotEqual(event_hash(content(), "1" * 64), base)

    def test_unknown_version_is_refused(self):
        with self.assertRaises(ValueError):
            event_hash(content(), GENESIS_HASH, hash_version=3)

    def test_commitment_hides_and_proves(self):
        salt = new_salt()
        commitment = commit(salt, "+919876543210")
        self.assertTrue(matches(commitment, salt, "+919876543210"))
        self.assertFalse(matches(commitment, salt, "+919876543211"))
        self.assertFalse(matches(commitment, new_salt(), "+919876543210"))
        with self.assertRaises(ValueError):
            commit("ab", "too short a salt")

    def test_verify_names_the_first_broken_link(self):
        links, prev = [], GENESIS_HASH
        for sequence in (1, 2, 3):
            item = content(sequence=sequence)
            digest = event_hash(item, prev)
            links.append([sequence, item, prev, digest, 2])
            prev = digest
        self.assertIsNone(verify_chain(links))
        for position, change, reason in (
            (1, (1, links[1][1]._replace(kind="withdrawn")), "hash"),
            (1, (2, "0" * 64), "prev_hash"),
            (0, (1, links[0][1]._replace(sequence=2)), "sequence"),
            (2, (4, 9), "hash_version"),
        ):
            broken = [list(link) for link in links]
            broken[position][change[0]] = change[1]
            self.assertEqual(verify_chain(broken), (position + 1, reason))
        self.assertEqual(verify_chain(links[1:]), (2, "sequence"), "a removed event is missed")

    def test_withdrawal_is_sticky(self):
        events = [event(1, "given"), event(2, "withdrawn")]
        for number, kind in enumerate(("confirmed", "renewed", "expired", "suspended"), start=3):
            # None of these is an opt-in.
            self.assertEqual(fold([*events, event(number, kind)])["a"].status, "withdrawn", kind)
        self.assertEqual(fold([*events, event(3, "given")])["a"].status, "given")

    def test_a_number_that_changed_hands_needs_a_new_opt_in(self):
        events = [event(1, "given"), event(5, "suspended")]
        for late in (event(6, "renewed"), event(6, "confirmed"), event(6, "given", minutes=4)):
            self.assertEqual(fold([*events, late])["a"].status, "suspended", late.kind)
        self.assertEqual(fold([*events, event(6, "given")])["a"].status, "given")

    def test_older_form_does_not_undo_a_withdrawal(self):
        events = [event(1, "given"), event(5, "withdrawn"), event(6, "given", minutes=4)]
        self.assertEqual(fold(events)["a"].status, "withdrawn")

    def test_no_to_everything_reaches_every_address(self):
        events = [event(1, "given", "a"), event(2, "given", "b"), event(3, "withdrawn", "")]
        states = fold(events)
        self.assertEqual(
            {ref: state.status for ref, state in states.items()},
            dict.fromkeys(("a", "b", ""), "withdrawn"),
        )
        late = fold([*events, event(4, "given", "c", minutes=1)])
        self.assertEqual(late["c"].status, "withdrawn", "a later address inherits the no")
        self.assertEqual(fold([*events, event(4, "given", "c")])["c"].status, "given")

    def test_double_opt_in(self):
        events = [event(1, "given", needs_confirmation=True)]
        self.assertEqual(fold(events)["a"].status, "unconfirmed")
        self.assertEqual(fold([*events, event(2, "renewed")])["a"].status, "unconfirmed")
        confirmed = fold([*events, event(2, "confirmed")])["a"]
        self.assertEqual((confirmed.status, confirmed.opt_in_event), ("given", 1))

    def test_a_kind_that_only_tampering_makes_closes_the_answer(self):
        forged = fold([event(1, "given"), event(2, "forged")])["a"]
        self.assertEqual((forged.status, forged.event), ("suspended", 2))
