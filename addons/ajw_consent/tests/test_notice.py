import hashlib
import importlib.util
import json
from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import file_path, mute_logger

from .common import ConsentCommon


class NoticeCommon(ConsentCommon):
    """Two officers, drafts and translations."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.reviewer = cls._create_user("consent_reviewer", "ajw_consent.group_officer")
        cls.Notice = cls.env["ajw.consent.notice"]

    def _draft(self, user=None, **values):
        return self.Notice.with_user(user or self.officer).create(
            {
                "company_id": self.company.id,
                "lang": "en_US",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
                **values,
            }
        )

    def _french(self, source, user=None, **values):
        return source.with_user(user or self.officer).copy(
            {
                "source_id": source.id,
                "lang": "fr_FR",
                "title": "Factures par WhatsApp",
                "body": "J'accepte que Ledger Trading m'écrive par WhatsApp.",
                **values,
            }
        )


@tagged("-at_install", "post_install")
class TestNotice(NoticeCommon):
    # -- published is published --------------------------------------------------------------------

    def test_published_wording_never_changes(self):
        notice = self.notice.with_user(self.officer)
        for vals in (
            {"body": "x"},
            {"state": "draft"},
            {"recipients": "x"},
            {"version": 9},
            {"digest": "x"},
            {"for_email": True},
            {"effective_at": "2020-01-01 00:00:00"},
            {"announced_at": "2020-01-01 00:00:00"},
            {"reviewed_by_id": self.officer.id},
            {"line_ids": [(1, self.notice.line_ids[0].id, {"data_items": "x"})]},
        ):
            with self.assertRaises(UserError, msg=str(vals)):
                notice.write(vals)
        with self.assertRaises(UserError):
            notice.with_context(ajw_publishing=True).write({"body": "x"})
        with self.assertRaises(UserError):
            notice.unlink()

    def test_published_purposes_never_change(self):
        lines = self.notice.line_ids.with_user(self.officer)
        with self.assertRaises(UserError):
            lines[0].description = "Something else"
        with self.assertRaises(UserError):
            lines[0].unlink()
        with self.assertRaises(UserError):
            lines.create({"notice_id": self.notice.id, "purpose_id": self.purpose_invoice.id})
        draft = self._draft()
        with self.assertRaises(UserError):
            draft.line_ids[0].notice_id = self.notice

    def test_database_refuses_what_the_orm_is_not_asked_for(self):
        self.env.flush_all()
        line = self.notice.line_ids[0]
        for statement, ids in (
            ("UPDATE ajw_consent_notice SET body = 'x' WHERE id = %s", self.notice.id),
            ("UPDATE ajw_consent_notice SET state = 'draft' WHERE id = %s", self.notice.id),
            ("UPDATE ajw_consent_notice SET digest = 'x' WHERE id = %s", self.notice.id),
            ("DELETE FROM ajw_consent_notice WHERE id = %s", self.notice.id),
            ("TRUNCATE ajw_consent_notice CASCADE", None),
            ("UPDATE ajw_consent_notice_line SET data_items = 'x' WHERE id = %s", line.id),
            ("DELETE FROM ajw_consent_notice_line WHERE id = %s", line.id),
            (
                "INSERT INTO ajw_consent_notice_line (notice_id, purpose_id) "
                "SELECT %s, id FROM ajw_consent_purpose LIMIT 1",
                self.notice.id,
            ),
        ):
            with (
                self.assertRaises(psycopg2.errors.RestrictViolation, msg=statement),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                self.cr.execute(statement, ids and [ids])

    def test_digests_of_earlier_releases_still_verify(self):
        """A notice as release 19.0.1.1.0 published it: no purposes, no digest version."""
        old = self._draft()
        old.line_ids.unlink()
        self.env.flush_all()
        # Its digest, written down as that release computes it.
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET state = 'published', version = 7, "
            "published_at = now(), effective_at = now(), digest_version = NULL WHERE id = %s",
            [old.id],
        )
        old.invalidate_recordset()
        self.assertEqual(
            sorted(old._wording()),
            sorted(
                ["title", "body", "legal_entity", "officer_contact", "recipients", "transfer"]
                + ["how_to_withdraw", "how_to_complain", "lang"]
            ),
        )
        self.assertTrue(old._covers(self.purpose_marketing, "sms"), "it itemised nothing")
        texts = {
            "title": "Messages about your orders and invoices over WhatsApp",
            "body": "I agree that Ledger Trading sends me messages over WhatsApp for the purposes "
            "ticked, on the number I gave.",
            "legal_entity": "Ledger Trading",
            "officer_contact": "privacy@ledger-trading.example",
            "recipients": "Meta Platforms, which carries WhatsApp messages",
            "transfer": "Messages may pass through servers in other countries, under Meta's data "
            "processing terms.",
            "how_to_withdraw": "Reply STOP to any message, or tell us. It takes effect at once.",
            "how_to_complain": "Write to us, or to the data protection authority of your country.",
            "lang": "en_US",
        }
        form = json.dumps(texts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.assertEqual(old._wording_digest(), hashlib.sha256(form.encode()).hexdigest())

    def test_upgrade_from_19_0_1_1_0(self):
        """What that release published stays in force, unchanged; its drafts can be published."""
        old, draft = self._draft(title="Old"), self._draft(title="Begun")
        (old | draft).line_ids.unlink()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET state = 'published', version = 7, digest = 'kept', "
            "published_at = now() - interval '1 year', digest_version = NULL WHERE id = %s",
            [old.id],
        )
        self.env.invalidate_all()
        self.company.sudo().ajw_consent_notice_key = False
        script = file_path("ajw_consent/migrations/19.0.1.2.0/post-notice.py")
        spec = importlib.util.spec_from_file_location("post_notice", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for _time in range(2):
            self.env.flush_all()
            module.migrate(self.env.cr, "19.0.1.1.0")
            self.env.invalidate_all()
        self.assertEqual(old.effective_at, old.published_at)
        self.assertEqual((old.digest, old.digest_version, old.version), ("kept", 0, 7))
        self.assertFalse(old.line_ids)
        self.assertEqual(self.Notice._get_published(self.controller), old)
        self.assertTrue(self.company.sudo().ajw_consent_notice_key)
        self.assertFalse(draft.missing)
        draft.action_publish()
        self.assertEqual(draft.version, 8)

    def test_digest_covers_purposes_channels_and_version(self):
        one, two, three = (self._draft() for _index in range(3))
        two.line_ids[0].data_items = "Another kind of data"
        three.for_sms = True
        self.assertEqual(len({each._digest_of(5) for each in (one, two, three)}), 3)
        self.assertNotEqual(one._digest_of(5), one._digest_of(6))
        one.action_publish()
        self.assertEqual(one.digest, one._wording_digest())

    # -- versions ----------------------------------------------------------------------------------

    def test_next_version(self):
        draft = self.notice.with_user(self.officer).copy(
            {"body": "I agree that Ledger Trading writes over WhatsApp."}
        )
        self.assertEqual((draft.state, draft.version), ("draft", 0))
        draft.action_publish()
        self.assertEqual((draft.state, draft.version), ("published", 2))
        self.assertEqual(draft.published_by_id, self.officer)
        self.assertNotEqual(draft.digest, self.notice.digest)
        self.assertEqual(self.Notice._get_published(self.controller, "en_US"), draft)
        self.assertEqual((draft.stage, self.notice.stage), ("in_force", "former"))

    def test_version_that_takes_effect_later(self):
        later = fields.Datetime.now() + timedelta(days=3)
        draft = self._draft(effective_at=later)
        draft.action_publish()
        self.assertEqual(draft.stage, "scheduled")
        self.assertEqual(self.Notice._get_published(self.controller), self.notice)
        after = self.Notice._latest_by_lang(self.controller, moment=later)
        self.assertEqual(after["en_US"], draft)

    def test_pressing_publish_twice(self):
        draft = self._draft()
        draft.action_publish()
        with self.assertRaisesRegex(UserError, "published already"):
            draft.action_publish()

    def test_W8_a_change_of_what_is_done_is_no_clearer_wording(self):
        for values in (
            {"recipients": "Meta Platforms, and a carrier of ours"},
            {"transfer": "To another continent, without a safeguard."},
        ):
            draft = self._draft(**values)
            with self.assertRaisesRegex(UserError, "differs from the version in force"):
                draft.action_publish()
        draft = self._draft()
        line = draft.line_ids.filtered(lambda each: each.purpose_id == self.purpose_invoice)
        line.data_items = "Your name, your number and where you are"
        with self.assertRaisesRegex(UserError, "data used for"):
            draft.action_publish()
        draft.minor_reason = "The place was always part of the invoice."
        draft.action_publish()
        self.assertEqual(draft.stage, "in_force")
        with self.assertRaisesRegex(UserError, "never changes"):
            draft.minor_reason = "Something else"

    def test_a_new_purpose_changes_nothing_for_anybody_yet(self):
        draft = self._draft()
        draft.line_ids -= draft.line_ids[-1:]
        draft.action_publish()
        again = self._draft()
        again.action_publish()
        self.assertGreater(len(again.line_ids), len(draft.line_ids))

    def test_two_originals_cannot_have_one_version(self):
        draft = self._draft(user=self.env.user)
        self.patch(type(draft), "_next_version", lambda notice: 1)
        with self.assertRaisesRegex(Exception, "at this moment"):
            draft.action_publish()
        self.assertEqual(draft.state, "draft")

    def test_new_version_takes_its_translations_along(self):
        french = self._french(self.notice)
        french.with_user(self.reviewer).action_review()
        french.action_publish()
        self.assertEqual(french.version, self.notice.version)
        action = self.notice.with_user(self.officer).action_new_version()
        draft = self.Notice.browse(action["res_id"])
        self.assertEqual(draft.translation_ids.mapped("lang"), ["fr_FR"])
        self.assertEqual(draft.translation_ids.state, "draft")
        self.assertFalse(draft.translation_ids.reviewed_by_id)

    # -- checks ------------------------------------------------------------------------------------

    def test_A13_all_that_is_missing_is_listed_at_once(self):
        draft = self._draft(
            body="Please agree.",
            officer_contact="Asha",
            recipients="Carriers",
            transfer=False,
            how_to_withdraw=" ",
            how_to_complain=False,
        )
        draft.line_ids[0].data_items = False
        draft.line_ids[1].description = False
        with self.assertRaises(UserError) as caught:
            draft.action_publish()
        message = str(caught.exception)
        for part in (
            "name the business (Ledger Trading)",
            "over WhatsApp",
            "officer's contact",
            "name Meta",
            "Transfer and safeguard",
            "how consent is withdrawn",
            "to whom one can complain",
            f"data that the purpose “{draft.line_ids[0].name}”",
            f"what the purpose “{draft.line_ids[1].name}”",
        ):
            self.assertIn(part, message)
            self.assertIn(part, draft.missing)
        self.assertEqual((draft.state, draft.version), ("draft", 0))

    def test_A13_whatsapp_is_asked_for_where_it_is_covered(self):
        draft = self._draft(
            body="I agree that Ledger Trading calls me.",
            recipients="Nobody else",
            for_whatsapp=False,
            for_phone=True,
        )
        self.assertFalse(draft.missing)
        draft.for_whatsapp = True
        self.assertIn("over WhatsApp", draft.missing)
        self.assertIn("Meta", draft.missing)
        draft.write({"for_whatsapp": False, "for_phone": False})
        self.assertIn("at least one channel", draft.missing)

    def test_a_branch_publishes_nothing(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        draft = self._draft(user=self.env.user, company_id=branch.id)
        with self.assertRaisesRegex(UserError, "head company"):
            draft.action_publish()

    def test_it_cannot_take_effect_in_the_past(self):
        draft = self._draft(effective_at=fields.Datetime.now() - timedelta(days=1))
        with self.assertRaisesRegex(UserError, "in the past"):
            draft.action_publish()

    def test_an_opt_in_needs_a_wording_that_speaks_of_it(self):
        draft = self._draft()
        (draft.line_ids.filtered(lambda line: line.purpose_id == self.purpose_marketing)).unlink()
        draft.action_publish()
        with self.assertRaisesRegex(ValidationError, "does not cover"):
            self.env["ajw.consent.event"]._record(
                *(self.controller, self.partner, self.purpose_marketing, "whatsapp"),
                *(self.number, "given", "in_person"),
                notice=draft,
            )
        latest = self.Notice._latest_by_lang(self.controller, purposes=self.purpose_marketing)
        self.assertEqual(latest["en_US"], self.notice)

    # -- translations ------------------------------------------------------------------------------

    def test_A10_a_translation_nobody_reviewed_cannot_be_published(self):
        french = self._french(self.notice)
        with self.assertRaisesRegex(UserError, "Nobody has reviewed"):
            french.action_publish()
        with self.assertRaisesRegex(UserError, "another data protection officer"):
            french.action_review()
        french.with_user(self.reviewer).action_review()
        self.assertEqual((french.state, french.reviewed_by_id), ("reviewed", self.reviewer))
        self.assertTrue(french.reviewed_at)
        french.action_publish()
        self.assertEqual((french.state, french.version), ("published", self.notice.version))

    def test_A10_editing_ends_the_review(self):
        french = self._french(self.notice)
        for change in (
            lambda: french.write({"body": "J'accepte que Ledger Trading écrive par WhatsApp !"}),
            lambda: french.line_ids[0].write({"description": "Autre chose"}),
            lambda: french.write({"line_ids": [(1, french.line_ids[0].id, {"name": "Factures"})]}),
        ):
            french.with_user(self.reviewer).action_review()
            change()
            self.assertEqual((french.state, french.reviewed_at), ("draft", False))
            with self.assertRaisesRegex(UserError, "Nobody has reviewed"):
                french.action_publish()

    def test_A10_whoever_edited_before_somebody_else_did_not_review_it(self):
        french = self._french(self.notice)
        third = self._create_user("consent_third", "ajw_consent.group_officer")
        french.with_user(self.officer).body += " Premier."
        french.with_user(self.reviewer).body += " Second."
        for editor in (self.officer, self.reviewer):
            with self.subTest(editor.login), self.assertRaisesRegex(UserError, "You edited"):
                french.with_user(editor).action_review()
            self.assertEqual(french.state, "draft")
        french.with_user(third).action_review()
        self.assertEqual(french.reviewed_by_id, third)
        # What was reviewed since, its writers need not be kept away from.
        french.with_user(third).body += " Troisième."
        self.assertEqual(french.editor_ids, third)
        french.with_user(self.reviewer).action_review()
        self.assertEqual(french.reviewed_by_id, self.reviewer)

    def test_A10_where_all_edited_it_is_not_the_last_one_who_reviews(self):
        french = self._french(self.notice)
        self._only_officers(self.officer | self.reviewer)
        french.with_user(self.officer).body += " Premier."
        french.with_user(self.reviewer).body += " Second."
        with self.assertRaisesRegex(UserError, "You edited"):
            french.with_user(self.reviewer).action_review()
        french.with_user(self.officer).action_review()
        self.assertEqual(french.reviewed_by_id, self.officer)

    def test_A10_leaving_out_the_original_does_not_escape_the_review(self):
        french = self._french(self.notice, source_id=False)
        with self.assertRaisesRegex(UserError, "Nobody has reviewed"):
            french.action_publish()

    def test_translation_says_the_same(self):
        french = self._french(self.notice, body=self.notice.body)
        french.line_ids[0].unlink()
        self.assertIn("Translate it", french.missing)
        self.assertIn("purposes and channels of its original", french.missing)
        draft = self._draft()
        self.assertIn("Publish the original first", self._french(draft).missing)

    def test_family_holds_together(self):
        french = self._french(self.notice)
        for values, message in (
            ({"source_id": french.id, "lang": "en_US"}, "not of other translations"),
            ({"source_id": self.notice.id, "lang": "en_US"}, "another language"),
            ({"source_id": self.notice.id, "lang": "fr_FR"}, "translation of this notice"),
        ):
            with self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                self._draft(**values)

    def _only_officers(self, users):
        others = self.env.ref("ajw_consent.group_officer").all_user_ids - users
        others.filtered(lambda user: self.company in user.company_ids).active = False

    def test_the_only_officer_may_review(self):
        french = self._french(self.notice)
        self._only_officers(self.officer)
        french.with_user(self.officer).action_review()
        self.assertEqual(french.state, "reviewed")

    # -- asking again ------------------------------------------------------------------------------

    def _ask_again(self, **values):
        draft = self._draft(**values)
        draft.line_ids.filtered(
            lambda line: line.purpose_id == self.purpose_invoice
        ).ask_again = True
        draft.action_publish()
        return draft

    def test_A10_consent_under_an_older_version_counts_no_more(self):
        self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        later = fields.Datetime.now() + timedelta(days=2)
        draft = self._ask_again(effective_at=later)
        self.assertTrue(self._ask_gate(self.partner).allowed, "not before it takes effect")
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET effective_at = now() - interval '1 hour' WHERE id = %s",
            [draft.id],
        )
        draft.invalidate_recordset()
        answer = self._ask_gate(self.partner)
        self.assertEqual((answer.allowed, answer.reason), (False, "notice_changed"))
        self.assertIn("Ask again", self.env["ajw.consent.gate"]._reason_label(answer.reason))
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.env["ajw.consent.event"]._record(
            *(self.controller, self.partner, self.purpose_invoice, "whatsapp", self.number),
            *("given", "in_person"),
            notice=draft,
        )
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A10_asking_again_by_email(self):
        self.partner.email = "customer@example.com"
        self._opt_in(self.partner)
        draft = self._ask_again().with_user(self.officer)
        action = draft.action_ask_again()
        wizard = (
            self.env["ajw.consent.invite"]
            .with_user(self.officer)
            .with_context(**action["context"])
            .create({"company_id": self.company.id})
        )
        self.assertEqual(wizard.partner_ids, self.partner)
        self.assertEqual(wizard.purpose_ids, self.purpose_invoice)
        self.assertFalse(wizard.line_ids.reason)
        wizard.action_invite()
        row = self.env["ajw.consent.invitation"].search([("partner_id", "=", self.partner.id)])
        self.assertEqual((row.state, row.purpose_ids), ("queued", self.purpose_invoice))

    def test_nobody_to_ask_again(self):
        with self.assertRaisesRegex(UserError, "nobody to ask again"):
            self._ask_again().with_user(self.officer).action_ask_again()

    def test_former_translation_is_not_offered_where_consent_is_asked_again(self):
        french = self._french(self.notice)
        french.with_user(self.reviewer).action_review()
        french.action_publish()
        minor = self._draft()
        minor.action_publish()
        self.assertEqual(
            self.Notice._latest_by_lang(self.controller), {"en_US": minor, "fr_FR": french}
        )
        draft = self._ask_again()
        self.assertEqual(self.Notice._latest_by_lang(self.controller), {"en_US": draft})

    def test_gate_asks_a_fixed_number_of_queries(self):
        self._ask_again()
        partners = self.env["res.partner"]
        for index in range(12):
            partners |= self._create_partner(f"Customer {index}", f"+9198765430{index:02}")
        for partner in partners:
            self._opt_in(partner)
        counts = []
        for batch in (partners[:2], partners):
            pairs = [(partner.id, partner.phone_sanitized) for partner in batch]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            answers = self.env["ajw.consent.gate"]._check(
                self.controller, self.purpose_invoice, "whatsapp", pairs
            )
            counts.append(self.cr.sql_log_count - before)
            self.assertEqual({each.reason for each in answers.values()}, {"notice_changed"})
        self.assertLessEqual(counts[1], counts[0])

    # -- rights ------------------------------------------------------------------------------------

    def test_only_officers_write_notices(self):
        draft = self.notice.copy()
        with self.assertRaises(AccessError):
            draft.with_user(self.consent_user).action_publish()
        with self.assertRaises(AccessError):
            draft.with_user(self.consent_user).write({"body": "x"})
        with self.assertRaises(UserError):
            self.notice.with_user(self.officer).create({"state": "published"})
        with self.assertRaises(UserError):
            self.notice.with_user(self.officer).create({"reviewed_by_id": self.officer.id})

    def test_W2_notices_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        foreign = self.Notice.create({"company_id": other.id})
        with self.assertRaises(AccessError):
            foreign.with_user(self.officer).action_publish()
        self.assertFalse(self.Notice._latest_by_lang(other))

    def test_each_controller_gets_a_draft(self):
        company = self.env["res.company"].create({"name": "New Controller"})
        self.Notice._create_missing_drafts()
        draft = self.Notice.search([("company_id", "=", company.id)])
        self.assertEqual((draft.state, draft.legal_entity), ("draft", "New Controller"))
        self.assertIn("New Controller", draft.body)
        self.assertEqual(draft.purpose_ids, self.env["ajw.consent.purpose"].search([]))

    def test_purpose_code_is_fixed_once_used(self):
        self._opt_in(self.partner)
        with self.assertRaises(UserError):
            self.purpose_invoice.with_user(self.officer).write({"code": "bill"})
        with self.assertRaises(UserError):
            self.purpose_invoice.with_user(self.officer).unlink()
        self.purpose_invoice.with_user(self.officer).write({"name": "Bills"})
