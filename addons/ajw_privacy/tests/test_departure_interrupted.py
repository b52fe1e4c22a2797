import json
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models import ajw_privacy_departure_removing, ajw_privacy_departure_tasks
from ..models.ajw_privacy_departure_running import RUNNING
from .departure_common import TOKEN, DepartureCommon


class _Killed(Exception):
    """As when the process dies: nothing since the last commit happened."""


class _Rewound(Exception):
    """The run was one of two that are compared."""


class _Deadline:
    """An end of the step that comes after so many looks at the clock, however long they take."""

    def __init__(self, looks):
        self.looks = looks

    def __lt__(self, now):
        self.looks -= 1
        return self.looks <= 0


@tagged("post_install", "-at_install")
class TestDepartureInterrupted(DepartureCommon):
    """C4: a removal comes in small steps, and wherever it is killed it ends the same."""

    def _patched(self, looks):
        model = self.env.registry["ajw.privacy.departure"]
        return patch.object(model, "_until", lambda _self: _Deadline(looks))

    def _begun(self):
        departure = self._approved(**self._over()).with_user(self.keeper).sudo()
        departure._begin_removal()
        self.env.flush_all()
        return departure

    def _facts(self, departure, before):
        """What is there when it is over, without what differs by its nature."""
        self.assertIn(departure.state, ("done", "kept"), departure.error)
        content = json.loads(departure.certificate_ids.content)["certificate"]
        left = self._all_rows().keys() & before
        return {
            "state": departure.state,
            "left": {key for key in left if not key[0].startswith("ajw_privacy_departure")},
            "words": self._where(TOKEN),
            "staying": self._rows_of(self.staying),
            **{name: content[name] for name in ("places", "kept", "unattributed", "verdict")},
        }

    def _straight(self, departure, before):
        try:
            with self.env.cr.savepoint():
                self._advance(departure)
                facts = self._facts(departure, before)
                raise _Rewound
        except _Rewound:
            self.env.invalidate_all(flush=False)
            self.registry.clear_cache()
        return facts

    def test_C4_killed_in_every_step_it_ends_the_same(self):
        self.mine["invoice"].action_post()
        departure = self._begun()
        before = self._all_rows().keys()
        expected = self._straight(departure, before)
        steps = set()
        with (
            self._patched(40),
            patch.object(ajw_privacy_departure_tasks, "WINDOW", 5000),
            patch.object(ajw_privacy_departure_removing, "BATCH_SIZE", 20),
        ):
            while departure.state in RUNNING:
                self.assertLess(len(steps), 1000, "it goes round and round")
                try:
                    with self.env.cr.savepoint():
                        departure._advance({})
                        raise _Killed
                except _Killed:
                    self.env.invalidate_all(flush=False)
                    self.registry.clear_cache()
                here = departure.phase, departure.cursor, departure.round
                self.assertNotIn(here, steps, "a step that does not get further")
                steps.add(here)
                departure._advance({})
        self.assertEqual(
            {phase for phase, _cursor, _round in steps},
            {"collect", "keep", "count", "remove", "close", "check"},
        )
        self.assertGreater(len(steps), 20)
        self.assertEqual(self._facts(departure, before), expected)

    def test_C4_a_step_ends_when_its_time_is_over_and_the_next_goes_on(self):
        departure = self._begun()
        seen = []
        with self._patched(1):
            for _step in range(5):
                departure._advance({})
                seen.append((departure.phase, departure.cursor))
        self.assertEqual({phase for phase, _cursor in seen}, {"collect"})
        self.assertEqual(len(set(seen)), 5)
        work, known = departure, {}
        while work.phase == "collect":
            work._advance(known)
        with self._patched(1):
            departure._advance({})
            self.assertEqual(departure.phase, "keep")
            self.assertTrue(departure.cursor)
            self.assertFalse(departure.place_ids)

    def test_C4_no_statement_is_about_more_rows_than_a_window(self):
        """Of a table with ids far apart, each statement looks at a part."""
        partners = self.env["res.partner"].create(
            [{"name": f"{TOKEN} {at}", "company_id": self.leaving.id} for at in range(30)]
        )
        departure = self._begun()
        counts = []
        run = type(departure)._run

        def counted(mine, statement):
            count = run(mine, statement)
            counts.append(count)
            return count

        with (
            patch.object(ajw_privacy_departure_tasks, "WINDOW", 7),
            patch.object(self.env.registry["ajw.privacy.departure"], "_run", counted),
        ):
            column = departure._ground({})["columns"]["res_partner"]
            task = next(
                task for task in departure._seeds(departure._ground({}))
                if task.key == "own res_partner"
            )  # fmt: skip
            self.assertEqual(column, "company_id")
            self.assertGreaterEqual(departure._work_off([task], {}), 30)
        self.assertLessEqual(max(counts), 7)
        rows = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM ajw_privacy_departure_row WHERE departure_id = %s "
                "AND table_name = 'res_partner' AND res_id IN %s AND fate = 'go'",
                departure.id,
                partners._ids,
            )
        )
        self.assertEqual(rows, [(30,)])
