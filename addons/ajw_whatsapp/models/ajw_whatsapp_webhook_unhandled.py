from collections import Counter

from odoo import api, fields, models
from odoo.tools import SQL


class AjwWhatsappWebhookUnhandled(models.Model):
    """How often Meta reported something that this software does nothing with, for each kind.

    A call may hold many things, and one that is not handled leaves the others alone: so they are
    counted here, and not by the calls.
    """

    _name = "ajw.whatsapp.webhook.unhandled"
    _description = "WhatsApp Report Not Handled"
    _order = "last_at desc, id desc"
    _rec_name = "kind"

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    kind = fields.Char(
        required=True,
        readonly=True,
        help="Meta's word for it: the field of the webhook, and where there are several kinds what "
        "kind it was.",
    )
    count = fields.Integer("Times", readonly=True)
    first_at = fields.Datetime("First", readonly=True)
    last_at = fields.Datetime("Last", readonly=True)

    _kind_unique = models.UniqueIndex("(account_id, kind)")

    @api.model
    def _add(self, account, kinds):
        """Count.

        :param ajw.whatsapp.account account: whom Meta called
        :param kinds: iterable of words, one for each thing that was not handled
        """
        now = fields.Datetime.now()
        # in order, so that two that wait for each other are rare
        for kind, times in sorted(Counter(kinds).items()):
            # SQL: the ORM cannot count up in one statement
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO ajw_whatsapp_webhook_unhandled
                           (account_id, company_id, kind, count, first_at, last_at, create_date,
                            write_date, create_uid, write_uid)
                    VALUES (%(account)s, %(company)s, %(kind)s, %(times)s, %(now)s, %(now)s,
                            %(now)s, %(now)s, %(uid)s, %(uid)s)
                    ON CONFLICT (account_id, kind) DO UPDATE
                       SET count = ajw_whatsapp_webhook_unhandled.count + EXCLUDED.count,
                           last_at = EXCLUDED.last_at, write_date = EXCLUDED.write_date
                    """,
                    account=account.id,
                    company=account.company_id.id,
                    kind=kind,
                    times=times,
                    now=now,
                    uid=self.env.uid,
                )
            )
        self.invalidate_model()

    def action_view_events(self):
        """Open the webhook log at the calls in which this kind came."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_whatsapp.ajw_whatsapp_webhook_event_action"
        )
        action["domain"] = [
            ("account_id", "=", self.account_id.id),
            ("error", "ilike", self.kind),
        ]
        return action


class AjwWhatsappWebhookEvent(models.Model):
    _inherit = "ajw.whatsapp.webhook.event"

    def _count_unhandled(self, kinds):
        """Count what was not handled; not once more when a call is worked through again.

        :param list kinds: a word for each
        """
        if kinds and not self.processed_at:
            self.env["ajw.whatsapp.webhook.unhandled"]._add(self.account_id, kinds)
