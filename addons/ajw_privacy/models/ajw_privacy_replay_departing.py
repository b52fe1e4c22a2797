from odoo import api, models
from odoo.exceptions import UserError

from ..engine import register
from .ajw_privacy_departure import OVER
from .ajw_privacy_departure_running import RUNNING
from .ajw_privacy_replay import Outcome, _NotNow, entry_name


class AjwPrivacyReplay(models.AbstractModel):
    """After a backup was restored: remove again which companies the register says have left."""

    _inherit = "ajw.privacy.replay"

    @api.model
    def _replay(self, data, check=False, copied=False, commit=lambda: None, say=lambda _text: None):
        # EXTENDS this addon: companies go first, with everybody who is theirs alone
        outcomes = []
        for entry in self._read(data, copied):
            if entry["scope"] != "tenant":
                continue
            if outcome := self._depart(entry, check, commit):
                outcomes.append(outcome)
                say(outcome.text)
        return outcomes + super()._replay(data, check, copied, commit, say)

    def _depart(self, entry, check, commit):
        """Remove one company again, as far as it gets.

        :rtype: Outcome or None, where the company is not in this database
        """
        _ = self.env._
        companies = self._left(entry)
        if not companies:
            return None
        root = companies.filtered(lambda each: each.parent_id not in companies)[:1]
        words = {"company": root.id, "departure": entry_name(entry)}
        departures = self.env["ajw.privacy.departure"]
        # it is over here too: the backup is of after the removal, or this is the live database
        if departures.search_count(
            [("subject_ref", "=", entry["subject"]), ("state", "in", OVER),
             ("removing_at", "!=", False)]
        ):  # fmt: skip
            return Outcome(
                "known", root.id, entry,
                _("Company %(company)s: %(departure)s is done here, nothing to do.", **words),
            )  # fmt: skip
        if check:
            return Outcome(
                "found", root.id, entry,
                _("Company %(company)s: would be removed again, as in %(departure)s.", **words),
            )  # fmt: skip
        try:
            with self.env.cr.savepoint():
                departure = departures._begin_again(root, entry)
                if problems := departure._blockers():
                    raise _NotNow(" ".join(problems))
        except (_NotNow, UserError) as error:
            self.env.invalidate_all()
            return Outcome(
                "refused", root.id, entry,
                _("Company %(company)s: not removed again, as in %(departure)s. %(why)s",
                  why=str(error), **words),
            )  # fmt: skip
        commit()
        for _rows in departure._steps({}):  # if none, the scheduled action does it just now
            commit()
        words["again"] = departure.name
        if departure.state in OVER:
            text = _(
                "Company %(company)s: removed again as %(again)s, as approved with %(departure)s.",
                **words,
            )
            if departure.state == "kept":
                text = f"{text} {_('Something is kept by law: see there.')}"
            return Outcome("erased", root.id, entry, text)
        if departure.state in RUNNING:
            return Outcome(
                "elsewhere", root.id, entry,
                _("Company %(company)s: %(again)s is under way in the background.", **words),
            )  # fmt: skip
        return Outcome(
            "failed", root.id, entry,
            _("Company %(company)s: %(again)s stopped. %(why)s",
              why=departure.error or "", **words),
        )  # fmt: skip

    def _left(self, entry):
        """The companies an entry is about: the very rows."""
        ring = self.env["ajw.privacy.register"]._keyring()
        wanted = {digest for _kind, digest in entry["digests"]}
        facts = self.env["ajw.privacy.register"]._company_facts()
        return self.env["res.company"].browse(
            company
            for company, fact in sorted(facts.items())
            if not wanted.isdisjoint(ring.digests(register.CONTEXT, fact.text))
        )
