"""What Meta says about the token, the number and the account is kept, shown and told."""

import time
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import WhatsappCommon
from .fake_meta import APP_ID, meta_error


@tagged("post_install", "-at_install")
class TestVitals(WhatsappCommon):
    def _script(self, quality="GREEN", **token):
        number = {
            "id": "1",
            "quality_rating": quality,
            "throughput": {"level": "HIGH"},
            "messaging_limit_tier": "TIER_10K",
        }
        data = {"is_valid": True, "app_id": APP_ID, "expires_at": 0, **token}
        self.meta.script("number", (200, number, {}))
        self.meta.script("token", (200, {"data": data}, {}))

    def _told(self):
        return self.account.activity_ids.filtered(lambda a: a.user_id == self.manager)

    def test_the_card_shows_token_quality_tier_and_throughput(self):
        self._script(quality="YELLOW", issued_at=int(time.time()) - 10 * 86400 - 60)
        self.account.with_user(self.manager).action_refresh_limits()
        card = self.account.with_user(self.user)
        self.assertEqual((card.quality_rating, card.token_days), ("YELLOW", 10))
        self.assertEqual((card.messages_per_second, card.daily_limit), (1000, 10000))
        self.assertFalse(card.token_expires_at)
        self.assertTrue(card.vitals_checked_at)
        self.assertEqual(card.health, "good")

    def test_a_token_that_expires_soon_is_told_once(self):
        for _day in range(2):
            self._script(expires_at=int(time.time()) + 5 * 86400)
            self.assertTrue(self.account._refresh_limits())
        self.assertEqual(len(self._told()), 1)
        self.assertEqual(self.account.health, "attention")
        self.assertIn("expires soon", self.account.health_advice)
        self.account.with_user(self.manager).access_token = "another-token"
        self.assertFalse(self.account.token_expires_at, "nothing is known of the new one")

    def test_low_quality_is_told(self):
        self._script(quality="RED")
        self.account._refresh_limits()
        self.assertEqual(len(self._told()), 1)
        self.assertEqual(self.account.health, "attention")

    def test_what_meta_does_not_say_stays_as_it_was(self):
        self._script(quality="YELLOW", issued_at=1700000000)
        self.account._refresh_limits()
        self.meta.script("number", meta_error(2, 500))
        self.assertFalse(self.account._refresh_limits())
        self.meta.script("token", (503, b"down", {}))
        self.account._refresh_token()
        self.assertEqual(self.account.quality_rating, "YELLOW")
        self.assertEqual(str(self.account.token_issued_at), "2023-11-14 22:13:20")

    def test_nonsense_is_no_time(self):
        for value in (None, "soon", -5, True, 10**20, [1]):
            with self.subTest(value=value):
                self._script(expires_at=value, issued_at=value)
                self.account._refresh_limits()
                self.assertFalse(self.account.token_expires_at or self.account.token_issued_at)

    def test_nobody_sets_them_but_meta(self):
        for name, value in (
            ("quality_rating", "GREEN"),
            ("token_expires_at", fields.Datetime.now() + timedelta(days=999)),
            ("vitals_checked_at", fields.Datetime.now()),
            ("stopped_code", 5),
        ):
            with self.subTest(name=name), self.assertRaisesRegex(Exception, name):
                self.account.with_user(self.manager).write({name: value})

    # --- what Meta reports ---

    def _note(self, field, **value):
        return self.account._note_meta_change(field, value, fields.Datetime.now())

    def test_news_of_the_account_are_told_once(self):
        for event in ("ACCOUNT_RESTRICTION", "DISABLED_UPDATE", "ACCOUNT_VIOLATION"):
            for _time in range(2):
                self.assertTrue(self._note("account_update", event=event))
        self.assertEqual(len(self._told()), 3)
        self.assertTrue(self._note("account_update", event="VERIFIED_ACCOUNT"))
        self.assertTrue(self._note("account_review_update", decision="REJECTED"))
        self.assertTrue(
            self._note("account_alerts", alert_type="OBA_APPROVED", alert_severity="INFORMATIONAL")
        )
        self.assertEqual(len(self._told()), 4)

    def test_news_of_the_number_go_to_that_number(self):
        self.account.display_phone_number = "+91 44 0000 0000"
        other = self._create_account(phone_number_id="77")
        other.display_phone_number = "+91 44 1111 1111"
        self.assertTrue(
            self._note(
                "phone_number_quality_update",
                display_phone_number="914411111111",
                event="FLAGGED",
            )
        )
        self.assertEqual(other.quality_rating, "RED")
        self.assertFalse(self.account.quality_rating)
        self.assertTrue(
            self._note(
                "phone_number_name_update",
                display_phone_number="914400000000",
                decision="APPROVED",
                requested_verified_name="New Name",
            )
        )
        self.assertEqual(self.account.verified_name, "New Name")

    def test_what_is_not_understood_is_counted_as_not_handled(self):
        for field, value in (
            ("account_update", {"event": "SOMETHING_NEW"}),
            ("account_update", {}),
            ("account_update", {"event": ["x"]}),
            ("phone_number_quality_update", {"event": None}),
            ("message_echoes", {}),
        ):
            with self.subTest(field=field, value=value):
                self.assertFalse(
                    self.account._note_meta_change(field, value, fields.Datetime.now())
                )
        self.assertFalse(self.account._note_meta_change("account_update", [], None))
