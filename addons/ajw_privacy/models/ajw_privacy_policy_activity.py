from typing import NamedTuple

from odoo import api, models
from odoo.fields import Domain

from .ajw_privacy_export import STAND_INS

#: Where a contact is followed to others who act for it; deeper nobody nests contacts.
MOST_LEVELS = 10


class Trace(NamedTuple):
    """Where it shows that a person did something.

    :param model: name of a model, which may not be installed
    :param person: field that points to a contact, user or consent subject
    :param moment: date or datetime field that says when
    :param domain: which rows count
    """

    model: str
    person: str
    moment: str
    domain: tuple = ()


class AjwPrivacyPolicy(models.Model):
    """When something happened last: of a person, or on any other row."""

    _inherit = "ajw.privacy.policy"

    @api.model
    def _person_traces(self):
        """Where it shows that a person is active. Apps add theirs by extending this.

        What colleagues write about a person is not the person's doing, but documents made for them
        are: who is served is no inactive customer.

        :return: list of :class:`Trace`; those of apps that are not installed count for nothing
        """
        return [
            Trace("mail.message", "author_id", "date"),
            Trace("res.users.log", "create_uid", "create_date"),
            Trace("res.device.log", "user_id", "last_activity"),
            Trace("ajw.consent.event", "subject_id", "occurred_at",
                  (("kind", "not in", ("expired", "suspended")),)),
            Trace("ajw.privacy.request", "partner_id", "create_date"),
            Trace("ajw.whatsapp.message", "partner_id", "create_date",
                  (("direction", "=", "inbound"),)),
            Trace("sale.order", "partner_id", "create_date"),
            Trace("sale.order", "partner_id", "date_order"),
            Trace("account.move", "partner_id", "create_date"),
            Trace("account.move", "partner_id", "invoice_date"),
            Trace("account.payment", "partner_id", "create_date"),
            Trace("payment.transaction", "partner_id", "create_date"),
            Trace("pos.order", "partner_id", "date_order"),
            Trace("purchase.order", "partner_id", "create_date"),
            Trace("stock.picking", "partner_id", "create_date"),
            Trace("repair.order", "partner_id", "create_date"),
            Trace("helpdesk.ticket", "partner_id", "create_date"),
            Trace("project.task", "partner_id", "create_date"),
            Trace("crm.lead", "partner_id", "create_date"),
            Trace("event.registration", "partner_id", "create_date"),
            Trace("calendar.attendee", "partner_id", "create_date"),
            Trace("survey.user_input", "partner_id", "create_date"),
            Trace("rating.rating", "partner_id", "write_date"),
            Trace("website.visitor", "partner_id", "last_connection_datetime"),
        ]  # fmt: skip

    @api.model
    def _still_active(self, model_name, ids, since):
        """Those of some rows on which, or by whom, something happened since a moment.

        In a number of queries that does not grow with the rows.

        :param since: UTC, naive datetime
        :return: set of ids
        """
        if not ids:
            return set()
        if model_name == "res.partner":
            return self._active_people(ids, since)
        return self._active_documents(model_name, ids, since)

    @api.model
    def _active_documents(self, model_name, ids, since):
        """Rows with a message or activity since then; changes are asked for with the clock."""
        # sudo: whoever reads the policy need not be able to read conversations
        env = self.sudo().with_context(active_test=False).env
        hung = (("mail.message", "model", "date"), ("mail.activity", "res_model", "create_date"))
        found = set()
        for name, by, moment in hung:
            rows = env[name].search_fetch(
                Domain(by, "=", model_name)
                & Domain("res_id", "in", list(ids))
                & Domain(moment, ">=", since),
                ["res_id"],
                order="id",
            )
            found.update(rows.mapped("res_id"))
        return found

    @api.model
    def _active_people(self, ids, since):
        """Contacts who did something since then, or somebody below them did."""
        # sudo: whoever reads the policy need not be able to read what people did
        env = self.sudo().with_context(active_test=False).env
        roots = {partner_id: {partner_id} for partner_id in ids}
        level = list(roots)
        for _level in range(MOST_LEVELS):
            below = env["res.partner"].search_fetch([("parent_id", "in", level)], ["parent_id"])
            level = []
            for child in below:
                known = roots.setdefault(child.id, set())
                more = roots[child.parent_id.id] - known
                if more:
                    known |= more
                    level.append(child.id)
            if not level:
                break
        found = set()
        everybody = list(roots)
        for trace in self._person_traces():
            for partner_id in self._traced(env, trace, everybody, since):
                found |= roots.get(partner_id, set())
        return found & set(ids)

    def _traced(self, env, trace, partner_ids, since):
        """Ids of those of the contacts of whom one kind of trace is found."""
        model = env.get(trace.model)
        if model is None or not model._auto:
            return []
        link, moment = (model._fields.get(name) for name in (trace.person, trace.moment))
        if not (link and link.store and moment and moment.store):
            return []
        when = since if moment.type == "datetime" else since.date()
        owners = {partner_id: [partner_id] for partner_id in partner_ids}
        if link.comodel_name != "res.partner":
            through = STAND_INS.get(link.comodel_name) or "partner_id"
            stand_ins = env[link.comodel_name].search_fetch(
                [(through, "in", partner_ids)], [through]
            )
            owners = {one.id: [one[through].id] for one in stand_ins}
        if not owners:
            return []
        rows = model._read_group(
            Domain(list(trace.domain))
            & Domain(trace.person, "in", list(owners))
            & Domain(trace.moment, ">=", when),
            [trace.person],
        )
        return [partner_id for [record] in rows for partner_id in owners.get(record.id, ())]
