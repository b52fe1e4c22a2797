from odoo import models


class AjwConsentEvent(models.Model):
    """What the person read when they answered: purposes are renamed later, wordings are not."""

    _inherit = "ajw.consent.event"

    def _ajw_notices(self):
        """Return event id → the wording the person saw, of the opt-in a later event rests on, too.

        :rtype: dict[int, ajw.consent.notice]
        """
        later = self.filtered(lambda event: not event.notice_id)
        opt_ins = self.browse()
        if later:
            opt_ins = self.search(
                [
                    ("subject_id", "in", later.subject_id.ids),
                    ("purpose_code", "in", later.mapped("purpose_code")),
                    ("kind", "in", ("given", "renewed")),
                    ("notice_id", "!=", False),
                ],
                order="sequence",
            )
        by_chain = opt_ins.grouped(
            lambda event: (event.subject_id, event.purpose_code, event.channel)
        )
        found = {}
        for event in self:
            before = by_chain.get(
                (event.subject_id, event.purpose_code, event.channel), opt_ins[:0]
            )
            fitting = before.filtered(
                lambda opt_in, event=event: (
                    opt_in.sequence < event.sequence
                    and (not event.address_ref or opt_in.address_ref == event.address_ref)
                )
            )
            found[event.id] = event.notice_id or fitting[-1:].notice_id
        return found

    def _ajw_lines(self):
        """Return event id → the line with which that wording asked about the purpose, may be none.

        :rtype: dict[int, ajw.consent.notice.line]
        """
        notices = self._ajw_notices()
        return {event.id: notices[event.id]._line_of(event.purpose_id) for event in self}

    def _ajw_shown_names(self):
        """Return event id → the purpose as the person read it, else as it is called now.

        :rtype: dict[int, str]
        """
        lines = self._ajw_lines()
        return {
            event.id: lines[event.id].name or event.purpose_id.name or event.purpose_code
            for event in self
        }
