from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine.matcher import MARK
from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"


@tagged("post_install", "-at_install")
class TestErasureTables(ErasureCommon):
    """What lies outside of documents: wizards, notices, queues, logs, tables without a model."""

    def test_T7_a_table_without_a_model_is_redacted(self):
        cr = self.env.cr
        cr.execute(
            "CREATE TABLE x_bare (note text, more jsonb, tags varchar[], raw bytea, kept text)"
        )
        cr.execute(
            "INSERT INTO x_bare VALUES (%s, %s, %s, %s, 'Bruno'), ('none', '{}', '{}', '', 'x')",
            [f"call {self.PHONE}", f'{{"to": ["{self.EMAIL}", "bruno@example.com"]}}',
             [self.NAME, "Bruno"], f"by {self.EMAIL}.".encode()],
        )  # fmt: skip
        cr.execute("CREATE TABLE x_keyed (id serial PRIMARY KEY, note text NOT NULL)")
        cr.execute("INSERT INTO x_keyed (note) VALUES (%s), ('Bruno')", [self.OLD_NAME])
        erasure = self._planned()
        places = erasure.place_ids.filtered(lambda place: place.model_name.startswith("x_"))
        self.assertEqual(
            {(place.model_name, place.field_name, place.row_count) for place in places},
            {("x_bare", "note", 1), ("x_bare", "more", 1), ("x_bare", "tags", 1),
             ("x_bare", "raw", 1), ("x_keyed", "note", 1)},
        )  # fmt: skip
        self.assertTrue(all(place.display_name and place.model_label for place in places))
        erasure.with_user(self.second).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        rows = self._fetch("SELECT note, more, tags, raw, kept FROM x_bare ORDER BY kept")
        note, more, tags, raw, kept = rows[0]
        self.assertEqual((note, kept), (f"call {MARK}", "Bruno"))
        self.assertEqual(more, {"to": [MARK, "bruno@example.com"]})
        self.assertEqual((tags, bytes(raw)), ([MARK, "Bruno"], f"by {MARK}.".encode()))
        self.assertEqual(rows[1][0], "none")
        self.assertEqual(self._fetch("SELECT note FROM x_keyed ORDER BY id"), [(MARK,), ("Bruno",)])

    @mute_logger(STEPS)
    def test_a_row_that_refuses_is_told_and_its_neighbours_are_done(self):
        cr = self.env.cr
        cr.execute("CREATE TABLE x_unique (note varchar UNIQUE)")
        cr.execute(
            "INSERT INTO x_unique VALUES (%s), (%s), (%s)",
            [self.EMAIL, f" {self.EMAIL}", MARK],
        )
        erasure = self._erased()
        self.assertEqual(erasure.state, "failed")
        self.assertEqual(erasure.failed_count, 1)
        place = erasure.place_ids.filtered(lambda each: each.model_name == "x_unique")
        self.assertIn("x_unique", place.error)
        self.assertNotIn("quirina", place.error)
        left = self._fetch("SELECT note FROM x_unique WHERE note LIKE '%%quirina%%'")
        self.assertEqual(left, [(self.EMAIL,)])

    def test_T7_a_column_without_a_field_is_redacted(self):
        self.env.cr.execute("ALTER TABLE res_partner_category ADD COLUMN x_former text")
        category = self.env["res.partner.category"].create({"name": "Guests"})
        self.env.cr.execute(
            "UPDATE res_partner_category SET x_former = %s WHERE id = %s",
            [f"made for {self.NAME}", category.id],
        )
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        [[former]] = self._fetch(
            "SELECT x_former FROM res_partner_category WHERE id = %s", category.id
        )
        self.assertEqual(former, f"made for {MARK}")

    def test_T7_rows_of_wizards_that_name_the_person_go(self):
        composer = self.env["mail.compose.message"]
        linked = composer.create({"partner_ids": [Command.set(self.subject.ids)], "body": "Hello"})
        named = composer.create({"subject": f"About {self.NAME}", "body": "Hello"})
        other = composer.create({"subject": "About Bruno", "body": "Hello"})
        self.env["bus.bus"].create(
            [{"channel": "a", "message": f'{{"to": "{self.EMAIL}"}}'},
             {"channel": "b", "message": '{"to": "bruno@example.com"}'}]
        )  # fmt: skip
        self.env.flush_all()
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual((linked | named | other).exists(), other)
        messages = [message for [message] in self._fetch("SELECT message FROM bus_bus")]
        self.assertFalse([text for text in messages if "quirina" in text])
        self.assertTrue([text for text in messages if "bruno@example.com" in text])

    def test_T7_mail_in_every_state_and_every_log_forgets(self):
        mails = self.env["mail.mail"].create(
            [
                {
                    "email_to": f"bruno@example.com, {self.EMAIL}",
                    "subject": f"For {self.NAME}",
                    "body_html": f"<p>Dear {self.NAME}</p>",
                    "headers": f"{{'Reply-To': '{self.EMAIL}'}}",
                    "failure_reason": f"550 {self.EMAIL} unknown" if state == "exception" else "",
                    "state": state,
                }
                for state in ("outgoing", "sent", "received", "exception", "cancel")
            ]
        )
        late = self.env["mail.scheduled.message"].create(
            {
                "model": "res.partner", "res_id": self.colleague.id, "body": f"Call {self.PHONE}",
                "author_id": self.internal.partner_id.id, "scheduled_date": "2099-01-01",
                "partner_ids": [Command.set((self.subject | self.colleague).ids)],
            }
        )  # fmt: skip
        self.env.cr.execute(
            """INSERT INTO ir_logging (name, type, message, path, func, line)
               VALUES ('x', 'server', %s, 'p', 'f', '1')""",
            [f"mail to {self.EMAIL} failed"],
        )
        log = self.env["ir.logging"].search([], order="id desc", limit=1)
        self.env.flush_all()
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(len(mails.exists()), 5, "Bruno's mails are his")
        self.assertEqual({each.email_to.strip() for each in mails}, {"bruno@example.com"})
        self.assertIn(MARK, late.body)
        self.assertEqual(log.message, f"mail to {MARK} failed")
        self.assertEqual(self._where(), [])
