"""Every kind of link in every way it can be dead: a clear sentence and an unchanged ledger."""

import base64
import re
from typing import NamedTuple
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools.invitation import new_token
from .ledger_bytes import LedgerBytesMixin
from .preference_common import PreferenceHttpCommon

#: What scanners of mail, previews of messengers and browsers that fetch ahead send.
READERS = (
    ("GET", {}),
    ("HEAD", {}),
    ("GET", {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "X-Moz": "prefetch"}),
    ("GET", {"User-Agent": "Mozilla/5.0 (compatible; BarracudaCentral; link scanner)"}),
    ("GET", {"User-Agent": "WhatsApp/2.23.20.0", "Range": "bytes=0-65535"}),
    ("HEAD", {"User-Agent": "Microsoft Office Protocol Discovery"}),
)


#: Of the business, without which paper asks for nothing.
NUMBER = "918800000000"


class Handed(NamedTuple):
    """A link in somebody's hands.

    :param str path: of its page
    :param row: what keeps it, an empty record where the link is signed and kept nowhere
    :param dict answer: what the form on its page sends, without what is hidden in it
    """

    path: str
    row: object
    answer: dict


@tagged("-at_install", "post_install")
class TestDeadLinks(LedgerBytesMixin, PreferenceHttpCommon):
    KINDS = ("invitation", "paper", "preferences", "confirmation", "receipt")

    def setUp(self):
        super().setUp()
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: NUMBER)
        self.other = self._create_partner(
            "Same Person", "+919876540321", email="second@example.com"
        )
        # Something to lose: an answer of both.
        self._opt_in(self.partner, self.purpose_order)
        self._withdraw(self.other, self.purpose_order)

    # -- links -----------------------------------------------------------------------------------

    def _link(self, kind):
        """Hand a link of a kind to the customer."""
        return getattr(self, f"_{kind}_link")()

    def _invitation_link(self):
        row, token = self._invite_and_send()
        answer = {"decision": "agree", "purpose": self.purpose_invoice.id}
        return Handed(f"/ajw_consent/invitation/{token}", row, answer)

    def _paper_link(self):
        token = self.Invitation._qr_token(self.company, self.partner, self.number)
        answer = {"decision": "agree", "purpose": self.purpose_invoice.id}
        return Handed(f"/ajw_consent/invitation/{token}", self.Invitation, answer)

    def _preferences_link(self):
        row, token = self._hand_over()
        answer = {"decision": "give", "choice": self._key(self.purpose_invoice)}
        return Handed(f"/ajw_consent/preferences/{token}", row, answer)

    def _confirmation_link(self):
        self._opt_in(self.partner, self.purpose_marketing)
        self._run_confirmations()
        row = self.Confirmation.search([("partner_id", "=", self.partner.id)], limit=1)
        token = self._link_in("/ajw_consent/confirm")
        return Handed(f"/ajw_consent/confirm/{token}", row, {})

    def _receipt_link(self):
        event = self._opt_in(self.partner, self.purpose_invoice)
        token = self.env["ajw.consent.receipt"]._token(event)
        return Handed(f"/ajw_consent/receipt/{token}", self.env["ajw.consent.receipt"], {})

    # -- what ends them --------------------------------------------------------------------------

    def _expired(self, handed):
        if handed.row:
            self._past(handed.row)

    def _merged(self, _handed):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | self.other).ids, self.other)

    def _archived(self, _handed):
        self.customer.active = False
        self.partner.active = False

    def _deleted(self, _handed):
        self.customer.unlink()
        self.partner.unlink()

    # -- asking ----------------------------------------------------------------------------------

    def _opened(self, handed):
        """What the page held when it was opened, before the link ended."""
        self.env.flush_all()
        page = self.url_open(handed.path)
        self.assertEqual(page.status_code, 200, handed.path)
        self.assertEqual(self._problem(page), [], "the link works to begin with")
        hidden = r'<input type="hidden" name="(\w+)" value="([^"]*)"'
        return dict(re.findall(hidden, page.text))

    def _assert_dead(self, handed, hidden, problems, status=200):
        """Reading and answering say what is wrong and change nothing.

        :param status: HTTP status; ``None``: 404, or 200 where the link is said to have expired
        """
        self.env.flush_all()
        before = self._ledger_bytes()
        if status is None:
            with mute_logger("odoo.http"):
                expired = self._told(self.url_open(handed.path)) == "expired"
            status = 200 if expired else 404
        with mute_logger("odoo.http"):
            for method, headers in READERS:
                page = self.opener.request(
                    method, self.base_url() + handed.path, headers=headers, timeout=30
                )
                self.assertEqual(page.status_code, status)
            told = self._told(self.url_open(handed.path))
            self.assertIn(told, problems)
            if handed.answer or "confirm" in handed.path:
                answered = self.url_open(handed.path, data={**hidden, **handed.answer})
                self.assertEqual(answered.status_code, status)
                self.assertIn(self._told(answered), problems)
        self.env.invalidate_all()
        self.assert_ledger_unchanged(before)

    def _told(self, page):
        """The code of the problem, which a sentence for people stands with."""
        self.assertNotIn("Traceback", page.text)
        alert = re.search(r'data-problem="(\w+)"[^>]*>(.*?)</div>', page.text, re.S)
        self.assertTrue(alert, page.text[:2000])
        words = re.sub(r"<[^>]+>|\s+", " ", alert[2]).split()
        self.assertGreater(len(words), 3, "a sentence")
        self.assertNotIn("<form", page.text, "nothing can be answered there")
        return alert[1]

    # -- tests -----------------------------------------------------------------------------------

    def test_A9_reading_a_working_link_changes_nothing(self):
        for kind in self.KINDS:
            handed = self._link(kind)
            self.env.flush_all()
            before = (self._ledger_bytes(), self._preference_counts())
            query = "&".join(f"{name}={value}" for name, value in handed.answer.items())
            for path in (handed.path, f"{handed.path}?{query}", f"{handed.path}?lang=fr_FR"):
                for method, headers in READERS:
                    with self.subTest(kind=kind, method=method, headers=headers):
                        page = self.opener.request(
                            method, self.base_url() + path, headers=headers, timeout=30
                        )
                        self.assertEqual(page.status_code, 200)
            self.env.invalidate_all()
            self.assertEqual((self._ledger_bytes(), self._preference_counts()), before, kind)

    def test_A9_expired(self):
        for kind in self.KINDS:
            with self.subTest(kind=kind), self._undone():
                handed = self._link(kind)
                hidden = self._opened(handed)
                self._expired(handed)
                if handed.row:
                    self._assert_dead(handed, hidden, ("expired",))
                    continue
                later = fields.Datetime.add(fields.Datetime.now(), days=400)
                with (
                    freeze_time(later, tick=True),
                    patch.object(type(self.env.cr), "now", lambda _cr, at=later: at),
                ):
                    receipt = kind == "receipt"
                    self._assert_dead(
                        handed._replace(answer={}),  # Odoo's token of the form is older still
                        hidden,
                        ("receipt_gone",) if receipt else ("expired",),
                        404 if receipt else 200,
                    )

    def test_A9_of_a_contact_that_was_merged(self):
        """The link was given to one of two; what the other one said is not theirs to change."""
        for kind in self.KINDS:
            with self.subTest(kind=kind), self._undone():
                handed = self._link(kind)
                hidden = self._opened(handed)
                self._merged(handed)
                if kind == "receipt":
                    continue  # it still tells of the answer it was made for, and of no other
                problems = {
                    "invitation": ("cancelled",),
                    "paper": ("contact_gone", "cancelled", "number_changed"),
                    "preferences": ("cancelled",),
                    "confirmation": ("nothing_to_confirm",),
                }
                self._assert_dead(handed, hidden, problems[kind])

    def test_A9_of_a_contact_that_was_archived(self):
        for kind in self.KINDS:
            with self.subTest(kind=kind), self._undone():
                handed = self._link(kind)
                hidden = self._opened(handed)
                self._archived(handed)
                receipt = kind == "receipt"
                self._assert_dead(
                    handed,
                    hidden,
                    ("receipt_gone",) if receipt else ("contact_gone",),
                    404 if receipt else 200,
                )

    def test_A9_of_a_contact_that_was_deleted(self):
        for kind in self.KINDS:
            with self.subTest(kind=kind), self._undone():
                handed = self._link(kind)
                hidden = self._opened(handed)
                self._deleted(handed)
                problems = ("unknown", "contact_gone", "receipt_gone")
                status = self.url_open(handed.path).status_code
                self.assertIn(status, (200, 404))
                self._assert_dead(handed, hidden, problems, status)

    def test_A9_used_before(self):
        """The same form sent again, as a browser's *back* and *reload* do."""
        for kind in ("invitation", "paper", "preferences", "confirmation"):
            with self.subTest(kind=kind), self._undone():
                handed = self._link(kind)
                hidden = self._opened(handed)
                self.url_open(handed.path, data={**hidden, **handed.answer})
                self.env.invalidate_all()
                if kind == "paper":
                    # It waits for a message from the number: nothing was given by the page alone.
                    self.assertFalse(self._ask_gate(self.partner).allowed)
                before = self._ledger_bytes()
                for _time in range(2):
                    again = self.url_open(handed.path, data={**hidden, **handed.answer})
                    self.assertEqual(again.status_code, 200)
                    self.env.invalidate_all()
                    self.assert_ledger_unchanged(before)

    def test_A9_foreign_links(self):
        """Of another kind, of another database, made up, cut off, or with a letter exchanged."""
        tokens = {kind: self._link(kind).path.rpartition("/")[2] for kind in self.KINDS}
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "another-database")
        for kind in ("paper", "receipt"):
            tokens[f"{kind} of another database"] = tokens[kind]
        paths = {
            "invitation": "/ajw_consent/invitation",
            "preferences": "/ajw_consent/preferences",
            "confirmation": "/ajw_consent/confirm",
            "receipt": "/ajw_consent/receipt",
        }
        own = {"invitation": ("invitation",), "preferences": ("preferences",)}
        own |= {"confirmation": ("confirmation",)}
        self.env.flush_all()
        for place, path in paths.items():
            for name, token in tokens.items():
                if name in own.get(place, ()):
                    token = token[:-1] if len(token) % 2 else f"{token}A"
                for wrong in (token, new_token(), token.swapcase(), "A" * 900):
                    with self.subTest(place=place, token=name):
                        handed = Handed(f"{path}/{wrong}", None, {})
                        # Whoever forges a signature is told no more than that it expired.
                        problems = ("unknown", "receipt_gone", "expired")
                        self._assert_dead(handed, {}, problems, None)

    def test_A9_of_a_row_that_is_gone_and_begins_like_a_signed_one(self):
        """One in 256 random tokens does."""
        token = base64.urlsafe_b64encode(b"\x01" * 32).decode().rstrip("=")
        handed = Handed(f"/ajw_consent/invitation/{token}", None, {})
        self._assert_dead(handed, {}, ("unknown",), 404)

    def _undone(self):
        """What the block does is undone: each kind of link starts from the same."""
        return _Undone(self)


class _Undone:
    def __init__(self, test):
        self._test = test

    def __enter__(self):
        self._test.env.flush_all()
        self._test.outbox.clear()
        self._savepoint = self._test.env.cr.savepoint()
        self._savepoint.__enter__()

    def __exit__(self, *_error):
        self._savepoint.rollback()
        self._savepoint.close()
        self._test.env.invalidate_all()
        self._test.registry.clear_all_caches()
