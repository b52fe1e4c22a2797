from contextlib import suppress
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..engine import certificate as certificates
from ..engine.matcher import MARK
from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"
LOCKED = "locked"


class Killed(BaseException):
    """The process ends here."""


@tagged("post_install", "-at_install")
class TestErasure(ErasureCommon):
    """One person, from the plan to the certificate, and nobody else."""

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_erasure").method_direct_trigger()
        self.env.invalidate_all()

    # -- end to end ------------------------------------------------------------------------------

    def test_T7_one_person_end_to_end(self):
        traces = self._leave_traces()
        self.assertGreater(len(self._where()), 10, "the traces are there to be found")
        erasure = self._erasure()
        erasure.action_plan()
        self._run_cron()
        self.assertEqual(erasure.state, "planned", erasure.error)
        erasure.with_user(self.second).action_approve()
        self._run_cron()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])

        reference = erasure.subject_ref
        self.assertEqual(self.subject.name, f"Erased person {reference}")
        self.assertFalse(self.subject.active)
        for name in ("email", "email_normalized", "phone", "phone_sanitized", "street", "comment"):
            self.assertFalse(self.subject[name], name)
        user = traces["user"]
        self.assertFalse(user.active)
        self.assertIn(reference.lower(), user.login)
        self.assertFalse(self._fetch("SELECT password FROM res_users WHERE id = %s", user.id)[0][0])
        self.assertIn(MARK, traces["written"].body)
        self.assertFalse(traces["written"].email_from)
        self.assertEqual(traces["written"].author_id, self.subject, "the link stays")
        self.assertIn("and Bruno.", traces["mention"].body)
        self.assertIn(MARK, traces["note"].body)
        self.assertFalse(traces["their_mail"].exists())
        self.assertEqual(traces["both_mail"].email_to.strip(), "bruno@example.com")
        self.assertFalse(traces["file"].exists())
        self.assertEqual(traces["other_file"].name, f"List with {MARK} and Bruno.txt")
        self.assertEqual(traces["other_file"].raw, b"of many")
        self.assertNotIn("3704", traces["bank"].acc_number)
        self.assertNotIn(self.subject, self.colleague.message_partner_ids)
        if message := traces.get("whatsapp"):
            for name in ("partner_id", "number", "wa_id", "wa_user_id", "wamid", "body"):
                self.assertFalse(message[name], name)

    def test_T7_the_certificate_tells_what_was_done_and_names_nobody(self):
        self._leave_traces()
        erasure = self._erased()
        certificate = erasure.certificate_ids
        self.assertEqual((len(certificate), certificate.verdict), (1, "clean"))
        self.assertTrue(certificate.is_genuine)
        said = certificates.read(certificate.content.encode()).document
        self.assertEqual(said["requested_by"], self.officer.id)
        self.assertEqual(said["approved_by"], self.second.id)
        self.assertIn(("res.partner", "email", "clear"), {
            (place["model"], place["field"], place["action"]) for place in said["places"]
        })  # fmt: skip
        self.assertGreater(said["scan"]["columns"], 500)
        for token in (*self.TOKENS, "bruno", "quirina"):
            self.assertNotIn(token, certificate.content.lower())
        # a byte changed below the guards
        self.env.cr.execute(
            "UPDATE ajw_privacy_certificate SET content = replace(content, %s, %s)",
            [f'"approved_by":{self.second.id}', '"approved_by":1'],
        )
        self.env.invalidate_all()
        self.assertFalse(certificate.is_genuine)

    def test_T7_what_was_looked_for_goes_when_it_is_done(self):
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(erasure.partner_id)
        for table in ("ajw_privacy_erasure_identifier", "ajw_privacy_erasure_row"):
            [[count]] = self._fetch(
                "SELECT count(*) FROM %s WHERE erasure_id = %s", SQL.identifier(table), erasure.id
            )
            self.assertFalse(count, table)

    def test_A2_a_blocked_address_stays_blocked_without_being_known(self):
        traces = self._leave_traces()
        self._erased()
        self.assertFalse(traces["blocked"].exists())
        suppression = self.env["ajw.consent.suppression"]
        controller = self.company.root_id
        [digests] = suppression._digests(controller, "email", {self.EMAIL}).values()
        self.assertTrue(
            suppression.search(
                [("company_id", "=", controller.id), ("channel", "=", "email"),
                 ("digest", "in", digests), ("lifted_at", "=", False)]
            )
        )  # fmt: skip

    def test_T7_consent_goes_and_its_chain_verifies(self):
        notice = self.env["ajw.consent.notice"].create(
            {
                "company_id": self.company.id, "lang": "en_US", "legal_entity": "Privacy A",
                "officer_contact": "privacy@example.com",
            }
        )  # fmt: skip
        notice.action_publish()
        number = self.subject.phone_sanitized
        self.env["ajw.consent.event"]._record(
            self.company.ajw_consent_controller_id, self.subject,
            self.env.ref("ajw_consent.purpose_invoice"), "whatsapp", number, "given", "in_person",
            notice=notice,
        )  # fmt: skip
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.subject.id)])
        mine = [("subject_id", "in", subject.ids)]
        events = self.env["ajw.consent.event"].search(mine)
        self.assertTrue(events)
        self.assertTrue(self.env["ajw.consent.evidence"].search_count(mine))
        self.assertTrue(self.env["ajw.consent.state"].search_count(mine))
        before = self._rows_of(events)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(self.env["ajw.consent.evidence"].search_count(mine))
        self.assertFalse(self.env["ajw.consent.state"].search_count(mine))
        self.assertFalse(subject.partner_id)
        self.assertEqual(self._rows_of(events), before)
        self.assertEqual(events._verify(), [])
        self.assertEqual(self._where(), [])

    # -- the scan --------------------------------------------------------------------------------

    @mute_logger(STEPS)
    def test_planted_token_fails_the_certificate(self):
        self._leave_traces()
        erasure = self._advance(self._approved(), "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        self.env.cr.execute("CREATE TABLE x_planted (note text, more jsonb)")
        self.env.cr.execute(
            "INSERT INTO x_planted VALUES (%s, '{}'), ('', %s), (%s, '[]')",
            ["call (030) 5550 123", '{"to": "quirina.zq7@example.com"}', "Quirinas Zephyrssons"],
        )
        self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertEqual(erasure.certificate_ids.verdict, "failed")
        self.assertEqual(erasure.certificate_ids.residue_count, 2)
        self.assertIn("x_planted.note", erasure.error)
        self.assertIn("x_planted.more", erasure.error)
        for token in self.TOKENS:
            self.assertNotIn(token, erasure.error.lower())
        # the cause is mended, and the same erasure ends well
        self.env.cr.execute("DROP TABLE x_planted")
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        last = erasure.certificate_ids.sorted("number")[-1]
        self.assertEqual((last.number, last.verdict), (2, "clean"))
        self.assertTrue(last.is_genuine)

    def test_what_is_written_while_it_runs_is_found_too(self):
        erasure = self._advance(self._approved(), "erasing")
        late = self.colleague.message_post(body=f"Just called: {self.PHONE}")
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertIn(MARK, late.body)

    # -- dry run ---------------------------------------------------------------------------------

    def test_plan_changes_nothing(self):
        self._leave_traces()
        before = self._checksums()
        erasure = self._planned()
        after = self._checksums()
        self.assertEqual([table for table in before if before[table] != after[table]], [])
        places = {
            (place.model_name, place.field_name, place.ownership): place
            for place in erasure.place_ids
        }
        self.assertEqual(places["res.partner", "email", "3"].action, "clear")
        self.assertEqual(places["res.partner", "name", "3"].action, "pseudonymise")
        self.assertEqual(places["mail.message", "body", "3"].action, "redact")
        self.assertEqual(places["mail.message", "body", "1"].action, "redact", "the mention")
        self.assertEqual(places["mail.mail", False, "3"].action, "delete")
        self.assertEqual(places["mail.message", "author_id", "3"].action, "stay")
        self.assertGreater(erasure.identifier_count, 4)
        self.assertFalse(sum(erasure.place_ids.mapped("done_count")))

    def test_former_names_are_looked_for(self):
        person = self.env["ajw.privacy.person"]
        found = {each.value for each in person._identifiers(person._resolve(self.subject))}
        self.assertLessEqual({self.NAME, self.OLD_NAME, self.EMAIL, "+49305550123"}, found)

    # -- nobody else -----------------------------------------------------------------------------

    def test_namesake_and_colleague_stay_byte_by_byte(self):
        post = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        theirs = self.namesake.message_post(body="Asha Rao asked for an offer.", **post)
        theirs |= self.colleague.message_post(
            author_id=self.namesake.id, body="Asha Rao, other.asha@example.com", **post
        )
        foreign = self._leave_traces()["foreign"]
        hers = self.colleague.message_post(
            author_id=self.person.id, body="Regards, Asha Rao. asha@example.com", **post
        )
        self.env.cr.flush()
        others = (self.namesake | self.colleague | self.subject, theirs | foreign)
        before = self._rows_of(*others)
        erasure = self._erased(self.person)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._rows_of(*others), before)
        self.assertEqual(hers.body.count(MARK), 2, "in her own text the name goes as well")
        self.assertTrue(erasure.shared_identifier_count)
        left = erasure.place_ids.filtered(lambda place: place.action == "leave")
        self.assertIn("mail.message", left.mapped("model_name"), "and the plan says so")

    # -- interrupted, and again ------------------------------------------------------------------

    def test_killed_in_the_middle_resumes(self):
        self._leave_traces()
        erasure = self._approved()
        model = self.registry["ajw.privacy.erasure"]
        real, calls = model._treat, []

        def treat(record, place, known):
            calls.append(place.id)
            if len(calls) == 6:
                real(record, place, known)  # the batch was treated and not committed
                raise Killed
            return real(record, place, known)

        # assertRaises would undo what was committed before
        with patch.object(model, "_treat", treat), suppress(Killed):
            self._advance(erasure)
        self.assertEqual(len(calls), 6)
        self.env.invalidate_all()
        self.assertEqual(erasure.state, "erasing")
        done = erasure.place_ids.filtered(lambda place: place.state == "done").ids
        self.assertTrue(set(calls[:5]) & set(done))
        self.assertNotIn(calls[5], done, "what was not committed is not said to be done")
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
        for place in erasure.place_ids.filtered(
            lambda place: place.action in ("clear", "delete", "pseudonymise", "unlink")
        ):
            self.assertEqual(place.done_count, place.row_count, place.display_name)

    def test_run_twice_is_once(self):
        self._leave_traces()
        erasure = self._advance(self._approved(), "scanning")
        once = self._checksums()
        done = {place.id: place.done_count for place in erasure.place_ids}
        erasure.sudo()._restart_erasing()
        self._advance(erasure, "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        self.assertFalse(erasure.round_done)
        again = {
            place.display_name: place.action
            for place in erasure.place_ids
            if place.done_count != done.get(place.id)
        }
        self.assertEqual(again, {})
        twice = self._checksums()
        self.assertEqual([table for table in once if once[table] != twice[table]], [])

    def test_one_undeletable_row_stops_no_other(self):
        traces = self._leave_traces()
        other = self.env["mail.mail"].create(
            {
                "recipient_ids": [Command.set(self.subject.ids)],
                "body_html": "Hello",
                "state": "sent",
            }
        )
        mails = self.registry["mail.mail"]
        real = mails.unlink

        def unlink(records):
            if traces["their_mail"] in records:
                raise UserError(LOCKED)
            return real(records)

        with patch.object(mails, "unlink", unlink), mute_logger(STEPS):
            erasure = self._erased()
        self.assertEqual(erasure.state, "failed")
        self.assertFalse(other.exists())
        self.assertTrue(traces["their_mail"].exists())
        self.assertEqual(erasure.failed_count, 1)
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
