from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .erasure_common import ErasureCommon


@tagged("post_install", "-at_install")
class TestErasureAccounts(ErasureCommon):
    """What lets the person in goes first, and what their account left behind goes at the end."""

    def _keys(self, user):
        """Whatever opens something to a user or tells when they were there."""
        self.env.cr.execute(
            """INSERT INTO res_users_apikeys (name, user_id, index, key)
               VALUES ('mine', %(user)s, '12345678', 'k');
               INSERT INTO res_device_log (session_identifier, user_id, ip_address, city)
               VALUES (%(session)s, %(user)s, '203.0.113.9', 'Berlin');
               INSERT INTO res_users_log (create_uid, create_date) VALUES (%(user)s, now());
               UPDATE res_users SET password = 'hash', totp_secret = 'secret'
                WHERE id = %(user)s""",
            {"user": user.id, "session": "s" * 42 + str(user.id)},
        )
        if "auth.passkey.key" in self.env:
            self.env.cr.execute(
                """INSERT INTO auth_passkey_key
                          (name, credential_identifier, public_key, sign_count, create_uid)
                   VALUES ('key', %s, 'p', 0, %s)""",
                [f"credential {user.id}", user.id],
            )
        if "auth_totp.device" in self.env:
            self.env.cr.execute(
                """INSERT INTO auth_totp_device (name, user_id, index, key)
                   VALUES ('browser', %s, '87654321', 'k')""",
                [user.id],
            )
        self.env["mail.push.device"].create(
            {"endpoint": f"https://push.example.com/{user.id}", "keys": "{}",
             "partner_id": user.partner_id.id}
        )  # fmt: skip
        self.env["res.users.settings"]._find_or_create_for_user(user)
        self.env["mail.presence"].create({"user_id": user.id, "status": "online"})
        self.env.flush_all()

    def _left(self, user):
        """Tables in which something of the account is left."""
        rows = {
            "res_users_apikeys": "user_id", "res_device_log": "user_id",
            "res_users_log": "create_uid", "res_users_settings": "user_id",
            "mail_presence": "user_id", "res_groups_users_rel": "uid",
            "mail_push_device": "partner_id", "auth_passkey_key": "create_uid",
            "auth_totp_device": "user_id",
        }  # fmt: skip
        found = []
        for table, column in rows.items():
            value = user.partner_id.id if column == "partner_id" else user.id
            if not self._fetch("SELECT to_regclass(%s)", table)[0][0]:
                continue
            [[count]] = self._fetch(
                "SELECT count(*) FROM %s WHERE %s = %s",
                SQL.identifier(table),
                SQL.identifier(column),
                value,
            )
            if count:
                found.append(table)
        return found

    def test_T7_nothing_of_an_account_is_left(self):
        user = self._leave_traces()["user"]
        self.subject.signup_type = "reset"
        self._keys(user)
        self._keys(self.internal)
        others, other = self._left(self.internal), self._rows_of(self.internal)
        self.assertEqual(len(self._left(user)), len(others))
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._left(user), [])
        [[login, password, secret, active]] = self._fetch(
            "SELECT login, password, totp_secret, active FROM res_users WHERE id = %s", user.id
        )
        self.assertEqual(login, f"erased-{erasure.subject_ref.lower()}-{user.id}")
        self.assertEqual((password, secret, active), (None, None, False))
        self.assertFalse(self.subject.signup_type)
        self.assertEqual((self._left(self.internal), self._rows_of(self.internal)), (others, other))

    def test_T7_keys_are_gone_before_the_search_begins_anew(self):
        user = self._leave_traces()["user"]
        self._keys(user)
        erasure = self._advance(self._approved(), "erasing")
        self.assertEqual(erasure.state, "erasing", erasure.error)
        left = self._left(user)
        for table in ("res_users_apikeys", "mail_push_device", "auth_passkey_key"):
            self.assertNotIn(table, left)
        self.assertFalse(user.active)
        with self.assertRaises(Exception):  # noqa: B017 - whatever Odoo says to a wrong password
            user.with_user(user)._check_credentials(
                {"type": "password", "login": user.login, "password": "portal"},
                {"interactive": False},
            )

    def test_T7_links_to_their_documents_open_nothing(self):
        if "sale.order" not in self.env:
            self.skipTest("no documents with links")
        orders = self.env["sale.order"].create(
            [
                {"partner_id": partner.id, "company_id": self.company.id}
                for partner in (self.subject, self.colleague)
            ]
        )
        for order in orders:
            order._portal_ensure_token()
        mine, other = orders
        token = other.access_token
        guest = self.env["mail.guest"].create({"name": "Visitor"})
        secret = guest.access_token
        self.env.flush_all()
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(mine.access_token)
        self.assertEqual((other.access_token, guest.access_token), (token, secret))
        place = erasure.place_ids.filtered(
            lambda each: (each.model_name, each.field_name) == ("sale.order", "access_token")
        )
        self.assertEqual((place.action, place.done_count), ("clear", 1))

    def test_a_colleague_of_the_same_groups_keeps_them(self):
        user = self._leave_traces()["user"]
        other = self._user("portal_other", "base.group_portal", self.company.ids)
        before = other.group_ids
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(user.with_context(active_test=False).group_ids)
        self.assertEqual(other.group_ids, before)
        self.assertEqual(other.company_ids, self.company)
        other.write({"group_ids": [Command.set(before.ids)]})
