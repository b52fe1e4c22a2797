"""Erasing the people as officers do it."""

from __future__ import annotations

import time
import traceback
from typing import Any

from tests.canary.people import Person

#: Erasures end after so many runs of the scheduled action, or never.
MAX_RUNS = 20


class Erasing:
    """The part of a play that erases."""

    def erase(self) -> None:
        """One officer asks, another approves, the scheduled action does it."""
        with self._timed("erase"):
            for person in self.erased:
                self._erase(person)

    def _erase(self, person: Person) -> None:
        first, second = self.stage.officers
        company = {"allowed_company_ids": (self.stage.company | self.stage.other_company).ids}
        env = self.env(user=first, context=company)
        begun = time.monotonic()
        told = self.result["people"][person.key]
        try:
            erasure = env["ajw.privacy.erasure"].create(
                {"partner_id": person.partner.id, "note": "Canary",
                 "company_id": self.stage.company.id}
            )  # fmt: skip
            person.records["erasure"] = erasure
            erasure.action_plan()
            self._run(erasure)
            told["planned"] = (erasure.state, erasure.error or "")
            told["findings"] = [[each.level, each.code] for each in erasure.finding_ids]
            asked = erasure.finding_ids.filtered(lambda each: each.level == "confirm")
            asked.reason = "The canary leaves in the midst of everything."
            erasure.with_user(second).action_approve()
            self._run(erasure)
        except Exception:  # noqa: BLE001 - told with the others
            self.env.cr.rollback()
            self.env.invalidate_all()
            told["refused"] = traceback.format_exc(limit=-4)
            return
        erasure = erasure.sudo()
        told["seconds"] = round(time.monotonic() - begun, 1)
        told["state"], told["error"] = erasure.state, erasure.error or ""
        told["verdicts"] = erasure.certificate_ids.mapped("verdict")
        told["failed"] = [
            [place.model_name, place.field_name or "", place.action, place.error]
            for place in erasure.place_ids
            if place.failed_count
        ]
        told["kept"] = [
            [place.model_name, place.field_name or "", place.row_count, str(place.until or "")]
            for place in erasure.place_ids
            if place.action == "keep" and place.row_count
        ]

    def _run(self, erasure: Any) -> None:
        """Let the scheduled action run until it has nothing more to do."""
        self.env.cr.commit()
        cron = self.env.ref("ajw_privacy.ir_cron_erasure")
        for _run in range(MAX_RUNS):
            cron.method_direct_trigger()
            self.env.cr.commit()
            self.env.invalidate_all()
            if erasure.sudo().state not in ("planning", "approved", "erasing", "scanning"):
                return
