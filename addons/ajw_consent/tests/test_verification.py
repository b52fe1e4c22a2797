import base64
import importlib.util
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL
from odoo.tools.misc import file_path

from ..models import ajw_consent_verification_run as running
from ..models.ledger_guard import LEDGER_SENTINEL
from .seal_common import SealCommon


@tagged("-at_install", "post_install")
class TestVerification(SealCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = [cls._create_partner(f"Customer {n}", f"+91987654330{n}") for n in range(3)]

    def setUp(self):
        super().setUp()
        self.events = self.env["ajw.consent.event"]
        for customer in self.customers:
            self.events |= self._opt_in(customer, evidence={"ip": "192.0.2.7", "note": "Till"})
        self._seal()
        self.events |= self._withdraw(self.customers[0])
        self._seal()
        self.events |= self._opt_in(self.customers[1], self.purpose_order)
        self.first, self.second, self.third, self.no, self.unsealed = self.events
        self.mailed = self._mailed()

    def _event_sql(self, change, event, *args):
        self._behind_the_triggers(
            f"UPDATE ajw_consent_event SET {change} WHERE id = %s",  # noqa: S608 - written here
            *(*args, event.id),
        )

    # -- what is found ---------------------------------------------------------------------------

    def test_A2_a_whole_ledger_verifies(self):
        run = self._verify(self.mailed)
        self.assertEqual(run.state, "intact")
        self.assertEqual((run.event_count, run.chain_count, run.seal_count), (5, 4, 2))
        self.assertEqual((run.unsealed_count, run.evidence_count, run.answer_count), (1, 5, 3))
        self.assertEqual(run.compared_with.count("the same"), 2)

    def test_C1_a_ledger_of_the_release_before_verifies_once_it_is_upgraded(self):
        """Its answers did not say who gave them."""
        self.env.cr.execute("UPDATE ajw_consent_state SET given_by = NULL")
        self.assertEqual({reason for reason, *_rest in self._problems()}, {"answer"})
        script = file_path("ajw_consent/migrations/19.0.1.2.0/post-state.py")
        spec = importlib.util.spec_from_file_location("post_state", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, "19.0.1.1.0")
        self.assertEqual(self._problems(self.mailed), [])

    def test_A2_a_history_rewritten_with_every_hash_and_seal_fails_against_a_mailed_seal(self):
        self._event_sql("kind = 'given', method = 'paper'", self.third)
        self._recompute_everything()
        self.assertEqual(self._problems(), [], "the database alone cannot tell")
        problems = self._problems(self.mailed[:1])
        self.assertEqual(problems, [("seal_mailed", self.third.uuid, 1)])
        run = self._verify(self.mailed)
        self.assertEqual(run.finding_ids.mapped("seal_sequence"), [1, 2], "the chain of seals")
        self.assertIn("differs", run.compared_with)

    def test_A2_the_last_events_of_a_chain_cut_off(self):
        self._remove(self.no, lines=False)
        for _batch in self.env["ajw.consent.state"]._rebuild_all(self.controller):
            pass
        self.assertEqual(self._problems(), [("seal_event", False, 2)])

    def _remove(self, event, lines=True):
        """Remove an event, and what refers to it, as the owner of the tables can."""
        self.env.flush_all()
        self.env.cr.execute(
            "ALTER TABLE ajw_consent_seal_line"
            " DROP CONSTRAINT IF EXISTS ajw_consent_seal_line_event_id_fkey"
        )
        for column in ("event_id", "opt_in_event_id"):
            self._behind_the_triggers(
                "DELETE FROM ajw_consent_state WHERE %s = %s", SQL.identifier(column), event.id
            )
        self._behind_the_triggers("DELETE FROM ajw_consent_evidence WHERE event_id = %s", event.id)
        if lines:
            self._behind_the_triggers(
                "DELETE FROM ajw_consent_seal_line WHERE event_id = %s", event.id
            )
        self._behind_the_triggers("DELETE FROM ajw_consent_event WHERE id = %s", event.id)

    def test_A2_events_cut_off_with_everything_recomputed(self):
        self._remove(self.no)
        self._recompute_everything()
        self.assertEqual(self._reasons(), set())
        self.assertEqual(self._reasons(self.mailed), {"seal_mailed"})

    def _reasons(self, mailed=()):
        return {reason for reason, _event, _seal in self._problems(mailed)}

    def test_A2_a_whole_chain_removed(self):
        self._remove(self.third)
        self.assertIn(("seal_members", False, 1), self._problems())
        self._recompute_everything()
        self.assertEqual(self._reasons(self.mailed), {"seal_mailed"})

    def test_A2_a_seal_removed(self):
        seal = self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])[-1]
        self.assertEqual(seal.sequence, 1)
        self._behind_the_triggers("DELETE FROM ajw_consent_seal_line WHERE seal_id = %s", seal.id)
        self._behind_the_triggers("DELETE FROM ajw_consent_seal WHERE id = %s", seal.id)
        self.assertEqual(self._problems()[0], ("seal_sequence", False, 2))
        self.assertIn(("seal_missing", False, 1), self._problems(self.mailed))

    def test_A2_the_last_seal_removed_and_made_again(self):
        seal = self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])[0]
        self._behind_the_triggers("DELETE FROM ajw_consent_seal_line WHERE seal_id = %s", seal.id)
        self._behind_the_triggers("DELETE FROM ajw_consent_seal WHERE id = %s", seal.id)
        self.assertEqual(self._problems(self.mailed), [("seal_missing", False, 2)])
        self._seal()
        self.assertEqual(self._reasons(), set())
        self.assertEqual(self._reasons(self.mailed), {"seal_mailed"})

    def test_A2_memberships_removed_or_moved(self):
        line = self.env["ajw.consent.seal.line"].search([("event_id", "=", self.second.id)])
        with self.env.cr.savepoint() as undone:
            self._behind_the_triggers("DELETE FROM ajw_consent_seal_line WHERE id = %s", line.id)
            self.assertEqual(self._problems()[0][::2], ("seal_members", 1))
            undone.rollback()
        self._behind_the_triggers(
            "UPDATE ajw_consent_seal_line SET event_id = %s WHERE id = %s",
            *(self.unsealed.id, line.id),
        )
        self.assertEqual(self._problems(), [("seal_root", self.unsealed.uuid, 1)])

    def test_A2_an_event_put_in_after_the_fact(self):
        late = self._opt_in(self.customers[2], self.purpose_marketing)
        self._event_sql("recorded_at = %s", late, late.recorded_at - timedelta(days=40))
        self._recompute_everything()
        self.assertEqual(self._problems(), [("late", late.uuid, 0)])
        self._seal()
        self.assertEqual(self._problems(), [("late", late.uuid, 0)], "sealing does not heal it")

    def test_A2_evidence_exchanged(self):
        self._behind_the_triggers(
            "UPDATE ajw_consent_evidence SET address = '+919999999999' WHERE event_id = %s",
            self.second.id,
        )
        self.assertEqual(self._problems(), [("evidence", self.second.uuid, 0)])

    def test_A8_erased_evidence_breaks_nothing(self):
        rows = self.env["ajw.consent.evidence"].search([("event_id", "=", self.second.id)])
        rows.with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
        self.assertEqual(self._problems(self.mailed), [])

    def test_A2_an_event_hung_to_another_person(self):
        self._event_sql("subject_id = %s", self.unsealed, self.third.subject_id.id)
        self.assertEqual(self._problems()[0][:2], ("subject", self.unsealed.uuid))

    def test_A2_another_wording(self):
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET title = 'Other' WHERE id = %s", [self.notice.id]
        ) if not self._notice_guarded() else self._behind_notice_triggers()
        self.env.invalidate_all()
        self.assertEqual({problem[0] for problem in self._problems()}, {"notice"})

    def _notice_guarded(self):
        self.env.cr.execute(
            "SELECT 1 FROM pg_trigger WHERE tgrelid = 'ajw_consent_notice'::regclass"
            " AND NOT tgisinternal"
        )
        return bool(self.env.cr.fetchall())

    def _behind_notice_triggers(self):
        self.env.cr.execute("ALTER TABLE ajw_consent_notice DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET title = 'Other' WHERE id = %s", [self.notice.id]
        )

    def test_A2_every_column_of_event_and_seal_counts(self):
        """Each column in turn is changed a little; verification finds each and names the row."""
        seal = self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])[-1]
        # Follow from the ledger, or lead to it; see the tests above.
        apart = {"id", "notice_id", "subject_id", "mail_state", "mailed_at", "mailed_to"}
        for record, place in ((self.second, 1), (seal, 2)):
            for name, field in sorted(record._fields.items()):
                if not field.store or not field.column_type or name in apart | {"mail_error"}:
                    continue
                with self.subTest(f"{record._name}.{name}"), self.env.cr.savepoint() as undone:
                    value = self._changed(record, field)
                    self._behind_the_triggers(
                        "UPDATE %s SET %s = %s WHERE id = %s",
                        *(SQL.identifier(record._table), SQL.identifier(name), value, record.id),
                    )
                    found = [problem[place] for problem in self._problems()]
                    if name in ("company_id", "purpose_code", "channel", "sequence"):
                        self.assertTrue(found)  # it stands in another chain, or is missed
                    elif name == "uuid":
                        self.assertIn(value, found)
                    else:
                        self.assertIn(record.uuid if place == 1 else record.sequence, found)
                    undone.rollback()
                self.env.invalidate_all()

    def _changed(self, record, field):
        value = record[field.name]
        if field.type == "many2one":
            # One without seals: a number there may be taken already.
            return self.env["res.company"].create({"name": f"Another {record._table}"}).id
        if field.type in ("integer", "float"):
            return value + 10
        if field.type == "boolean":
            return not value
        if field.type == "datetime":
            return (value or record.recorded_at) + timedelta(seconds=1)
        return f"{value[:-1]}{'0' if value[-1] != '0' else '1'}" if value else "x"

    # -- running ---------------------------------------------------------------------------------

    def test_chunks_lose_nothing_and_name_the_same(self):
        self._event_sql("ip_commitment = 'ab'", self.no)
        whole = self._verify(self.mailed)
        again = self.env["ajw.consent.verification"]._start(
            self.controller, "command", self.mailed
        ).with_context(ajw_ledger=LEDGER_SENTINEL)  # fmt: skip
        steps = 0
        while again.state in ("waiting", "running"):
            again._advance(1, 1)
            steps += 1
            again.invalidate_recordset()
        self.assertGreater(steps, 8)
        names = ("event_count", "chain_count", "seal_count", "evidence_count", "answer_count")
        for name in (*names, "problem_count", "state", "compared_with"):
            self.assertEqual(again[name], whole[name], name)
        self.assertEqual(again.finding_ids.mapped("reason"), whole.finding_ids.mapped("reason"))
        self.assertEqual(again.finding_ids[0].event_uuid, self.no.uuid)

    def test_A2_seals_are_verified_step_by_step_and_the_steps_add_up(self):
        """A ledger of many years: no step looks at all its seals."""
        self._event_sql("kind = 'given', method = 'paper'", self.third)
        self._recompute_everything()
        self._seal()
        whole = self._verify(self.mailed)
        run = self.env["ajw.consent.verification"]._start(self.controller, "command", self.mailed)
        run = run.with_context(ajw_ledger=LEDGER_SENTINEL)
        seen = []
        members = type(self.env["ajw.consent.seal"])._members
        self.startPatcher(
            patch.object(
                type(self.env["ajw.consent.seal"]),
                "_members",
                lambda seal: seen.append(seal.sequence) or members(seal),
            )
        )
        steps = []
        while run.state in ("waiting", "running"):
            del seen[:]
            run._advance(1, 1)
            run.invalidate_recordset()
            steps.append(set(seen))
        self.assertEqual([each for each in steps if each], [{1}, {2}, {3}], "one at a time")
        self.assertEqual(run.finding_ids.mapped("reason"), whole.finding_ids.mapped("reason"))
        self.assertEqual(run.finding_ids.mapped("seal_sequence"), [1, 2])
        self.assertEqual(run.compared_with, whole.compared_with)
        self.assertEqual(run.compared_with.count("differs"), 2, "found in steps before the last")

    def test_the_first_broken_link_of_each_chain_is_named(self):
        self._event_sql("ip_commitment = 'ab'", self.first)
        self._event_sql("ip_commitment = 'ab'", self.no)
        self._event_sql("ip_commitment = 'ab'", self.second)
        found = self._problems()
        self.assertEqual(
            [problem[:2] for problem in found],
            [("hash", self.first.uuid), ("hash", self.second.uuid)],
        )

    def test_officers_verify_with_the_files_of_the_email(self):
        self._event_sql("method = 'paper'", self.third)
        self._recompute_everything()
        wizard = self._wizard(self.mailed)
        action = wizard.action_verify()
        run = self.env["ajw.consent.verification"].browse(action["res_id"])
        self.assertEqual((run.state, run.user_id, run.origin), ("broken", self.officer, "user"))
        self.assertEqual(run.finding_ids[0].event_uuid, self.third.uuid)
        self.assertEqual(run.activity_ids.user_id, self.officer)
        self.assertIn("emailed", run.finding_ids[0].with_user(self.officer).explanation)

    def _wizard(self, files, user=None):
        wizards = self.env["ajw.consent.verify"].with_user(user or self.officer)
        files = [
            (0, 0, {"name": f"seal-{n}.json", "datas": base64.b64encode(data)})
            for n, data in enumerate(files)
        ]
        return wizards.create({"company_id": self.controller.id, "attachment_ids": files})

    def test_bad_files_are_refused_and_nothing_is_recorded(self):
        before = self.env["ajw.consent.verification"].search_count([])
        good = self.mailed[0]
        for data, message in (
            (b"", "no seal"),
            (b"{}", "no seal"),
            (b"\x89PNG", "no seal"),
            (b"[" * 100_000, "no seal"),
            (b" " * (2 << 20), "too large"),
            (good.replace(b'"count": 3', b'"count": 2'), "was changed"),
            (good.replace(b'"level": 0', b'"level": 1'), "was changed"),
            (good.replace(b'"version": 1', b'"version": 2'), "no seal"),
        ):
            with self.subTest(data[:20]), self.assertRaisesRegex(UserError, message):
                self._wizard([data]).action_verify()
        other = self.env["res.company"].create({"name": "Other Controller"})
        self.officer.company_ids += other
        wizard = self._wizard(self.mailed)
        wizard.company_id = other
        with self.assertRaisesRegex(UserError, "another company"):
            wizard.action_verify()
        self.assertEqual(self.env["ajw.consent.verification"].search_count([]), before)

    def test_W2_nobody_verifies_for_a_company_of_others(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        wizard = self._wizard([])
        wizard.sudo().company_id = other
        with self.assertRaises(AccessError):
            wizard.action_verify()

    def test_the_weekly_run_verifies_every_company_in_the_background(self):
        self._event_sql("ip_commitment = 'ab'", self.third)
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_verification").method_direct_trigger()
            self.env.ref("ajw_consent.ir_cron_verification_queue").method_direct_trigger()
        run = self.env["ajw.consent.verification"].search(
            [("company_id", "=", self.controller.id)], limit=1
        )
        self.assertEqual((run.state, run.origin), ("broken", "cron"))
        self.assertEqual(run.finding_ids.event_uuid, self.third.uuid)
        self.assertEqual(run.activity_ids.user_id, self.officer)

    def test_what_was_verified_stays_on_record(self):
        run = self._verify()
        for record in (run, run.sudo()):
            with self.assertRaises(UserError):
                record.write({"state": "intact"})
            with self.assertRaises(UserError):
                record.unlink()
        self.assertEqual(running.KEPT, 500)

    # -- answers ---------------------------------------------------------------------------------

    def _answers(self):
        self.env.invalidate_all()
        states = self.env["ajw.consent.state"].search([("company_id", "=", self.controller.id)])
        names = ("subject_id", "purpose_id", "address", "address_ref", "status", "event_id")
        return sorted(str([state[name] for name in names]) for state in states)

    def test_A9_rebuilding_all_answers_gives_the_same(self):
        before = self._answers()
        self.assertEqual(self._verify().problem_count, 0)
        run = self._verify(kind="rebuild")
        self.assertTrue(run.display_name.startswith("Rebuilding"), run.display_name)
        self.assertEqual((run.state, run.problem_count, run.answer_count), ("intact", 0, 3))
        self.assertEqual(self._answers(), before)

    def test_A9_answers_that_differ_are_named_and_rebuilt(self):
        before = self._answers()
        self.env.cr.execute(
            "UPDATE ajw_consent_state SET status = 'given', event_id = %s WHERE event_id = %s",
            [self.first.id, self.no.id],
        )
        self.env.cr.execute("DELETE FROM ajw_consent_state WHERE event_id = %s", [self.second.id])
        tampered = self._answers()
        found = self._problems()
        self.assertEqual(found, [("answer", self.no.uuid, 0), ("answer", self.second.uuid, 0)])
        self.assertEqual(self._answers(), tampered, "looking changes nothing")
        run = self._verify(kind="rebuild")
        self.assertEqual((run.state, run.problem_count), ("intact", 2))
        self.assertEqual(self._answers(), before)
        self.assertEqual(self._ask_gate(self.customers[0]).reason, "withdrawn")

    def test_A8_rebuilding_brings_back_no_erased_address(self):
        evidence = self.env["ajw.consent.evidence"].search(
            [("subject_id", "=", self.third.subject_id.id)]
        )
        states = self.env["ajw.consent.state"].search(
            [("subject_id", "=", self.third.subject_id.id)]
        )
        for rows in (states, evidence):
            rows.with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
        before = self._answers()
        self.assertEqual(self._problems(), [])
        self._verify(kind="rebuild")
        self.assertEqual(self._answers(), before)
        self.assertFalse(self._ask_gate(self.customers[2]).allowed)
