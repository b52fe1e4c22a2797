"""Random histories, sealed on the way: the whole verification finds nothing, rebuilding nothing."""

from unittest import skipUnless

from freezegun import freeze_time

from odoo.tests import tagged

from .seal_common import SealCommon
from .test_histories import World, given, histories

#: What the answers of two controllers are compared by, before and after rebuilding them.
ANSWER = (
    *("subject_id", "partner_id", "company_id", "purpose_id", "channel", "address", "address_ref"),
    *("status", "event_id", "opt_in_event_id", "method", "given_by", "since", "expires_at"),
    "notice_id",
)


@skipUnless(given, "needs hypothesis")
@tagged("-at_install", "post_install")
class TestHistoriesVerified(SealCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.env["res.company"].create({"name": "Second Controller"})
        cls.second_notice = cls.env["ajw.consent.notice"].create(
            {
                "company_id": cls.second.id,
                "lang": "en_US",
                "legal_entity": "Second Controller",
                "officer_contact": "privacy@second.example",
            }
        )
        cls.second_notice.action_publish()

    def _answers(self):
        self.env.flush_all()
        self.env.invalidate_all()
        states = self.env["ajw.consent.state"].search(
            [("company_id", "in", (self.controller | self.second).ids)]
        )
        return sorted(str(row) for row in states.read(ANSWER, load=None) if row.pop("id"))

    def _verified(self, mailed, kind="verify"):
        """What is found in the ledgers of both controllers."""
        self.env.flush_all()
        self.env.invalidate_all()
        found = []
        for controller in (self.controller, self.second):
            run = self.env["ajw.consent.verification"]._start(
                controller, "command", mailed[controller.id], kind=kind
            )
            run._run()
            found += [(each.reason, each.event_uuid) for each in run.finding_ids]
        return found

    @histories
    def test_A2_no_history_looks_tampered_with(self, steps):
        with self.env.cr.savepoint() as undone:
            world = World(self)
            mailed = {self.controller.id: [], self.second.id: []}
            for number, step in enumerate(steps):
                world.step(*step)
                if number % 4 == 3:
                    with freeze_time(world.now):
                        for controller in (self.controller, self.second):
                            seal = self.env["ajw.consent.seal"]._seal(controller)
                            mailed[controller.id] += [each._file()[1] for each in seal]
            with freeze_time(world.now):
                self.assertEqual(self._verified(mailed), [])
                before = self._answers()
                self.assertEqual(self._verified(mailed, "rebuild"), [])
            self.assertEqual(self._answers(), before, "rebuilding gives the same answers")
            undone.rollback()
        self.env.invalidate_all()
