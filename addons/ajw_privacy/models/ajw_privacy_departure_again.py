from odoo import api, models

from .ajw_privacy_departure import OVER


class AjwPrivacyDeparture(models.Model):
    """Removes a company again that came back with a restored backup."""

    _inherit = "ajw.privacy.departure"

    @api.model
    def _begin_again(self, company, entry):
        """Begin the removal of a company, as the register says it was approved.

        The register was kept outside of the backup and is signed, so nobody approves a second time.
        A removal that was under way, or that the backup knows as not yet due, is gone on with.

        :param company: res.company, the root of those that left
        :param dict entry: what the register says of the first time
        :return: the departure
        :raises UserError: no other company could keep the record
        """
        # sudo: run by who restored the backup
        self = self.sudo().with_context(active_test=False)
        departure = self.search(
            [("company_id", "=", company.id), ("state", "not in", OVER)], limit=1
        ) or self.create({"company_id": company.id})  # fmt: skip
        if departure.state == "removing" and departure.subject_ref == entry["subject"]:
            return departure
        users = self.env["res.users"]
        operator = self.env["res.company"].browse(entry["controller"]).exists()
        requested, approved = (
            users.browse(entry[name]).exists() for name in ("requested_by", "approved_by")
        )
        if requested == approved:
            approved = users
        departure._step(
            subject_ref=entry["subject"],
            operator_id=(operator - departure._companies() or departure.operator_id).id,
            requested_by_id=(requested or self.env.user).id,
            approved_by_id=approved.id if approved != self.env.user else False,
            # when it takes effect here; the first time is in the note and on the first certificate
            approved_at=self._now(),
            # no copy is made a second time: it was handed out before the first removal
            exported_at=departure.exported_at or self._now(),
            removing_at=self._now(),
        )
        departure._begin("removing")
        departure.message_post(
            body=self.env._(
                "Done again after a backup was restored: %(departure)s was approved on %(day)s and "
                "done on %(done)s. It needs no second approval.",
                departure=f"{entry['erasure']} ({entry['certificate'][:12]})",
                day=entry["approved_at"],
                done=entry["done_at"],
            ),
            subtype_xmlid="mail.mt_note",
        )
        return departure
