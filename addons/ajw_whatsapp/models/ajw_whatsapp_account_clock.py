from datetime import datetime, timedelta

from odoo import fields, models

from .ajw_whatsapp_account import OWN_FIELDS

OWN_FIELDS.update({"clock_behind": 0, "clock_noted_at": False})

#: What clocks differ by is not worth telling below this.
TOLERANCE = timedelta(minutes=1)


class AjwWhatsappAccount(models.Model):
    """How far this server's clock is behind the times that Meta reports."""

    _inherit = "ajw.whatsapp.account"

    clock_behind = fields.Integer(
        "Clock Behind (seconds)",
        readonly=True,
        copy=False,
        help="Meta reported something that happens so much later by this server's clock. Have the "
        "clock set: times in messages and consents would be wrong.",
    )

    clock_noted_at = fields.Datetime(readonly=True, copy=False)

    def _note_skew(self, clock):
        """Note how far our clock is behind, by a call that was read.

        :param Clock clock: what dated the call's reports
        """
        self.ensure_one()
        behind = round(clock.ahead.total_seconds()) if clock.ahead > TOLERANCE else 0
        now = fields.Datetime.now()
        if behind:
            news = abs(behind - self.clock_behind) > TOLERANCE.total_seconds()
        else:  # an hour later the clock has been set, or what was odd was the report
            noted = self.clock_noted_at or datetime.min
            news = self.clock_behind and now - noted > timedelta(hours=1)
        account = self.try_lock_for_update() if news else None
        if account:
            account.write({"clock_behind": behind, "clock_noted_at": now})
