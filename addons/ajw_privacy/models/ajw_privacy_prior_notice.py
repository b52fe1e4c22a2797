from odoo import api, fields, models

#: Nothing was decided yet: the person may still come back.
OPEN = ("queued", "sent")


class AjwPrivacyPriorNotice(models.Model):
    """Who was told when that a policy will act, and what became of it.

    Written by the scheduled action alone. Whoever could not be told is listed here too, with why.
    """

    _name = "ajw.privacy.prior.notice"
    _description = "Prior notice of a policy"
    _order = "id desc"

    _ajw_personal_data = {
        "partner_id": {
            "category": "link", "erase": "clear", "role": "mention", "age": "delete",
        },
        "reason": {"erase": "none", "reason": "one of our own sentences, without anybody's data"},
        "res_id": {"erase": "none", "reason": "number of the row that was treated, no content"},
        "mail_id": {
            "category": "link",
            "erase": "none",
            "reason": "a mail on its way, deleted as soon as it is sent",
        },
    }  # fmt: skip

    policy_id = fields.Many2one(
        "ajw.privacy.policy", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company",
        "Controller",
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The company in whose name the person was told.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Person", readonly=True, index="btree_not_null", ondelete="set null"
    )
    model_name = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Row", required=True, readonly=True, model_field="model_name")
    state = fields.Selection(
        [
            ("queued", "On its way"),
            ("sent", "Told"),
            ("unreachable", "Could not be told"),
            ("failed", "Mail failed"),
            ("dropped", "No longer due"),
            ("acted", "Treated"),
        ],
        "Status",
        required=True,
        readonly=True,
        default="queued",
        index=True,
    )
    reason = fields.Char(readonly=True, help="Why not told, or no longer due.")
    mail_id = fields.Many2one(
        "mail.mail", readonly=True, index="btree_not_null", ondelete="set null"
    )
    sent_at = fields.Datetime("Told on", readonly=True)
    due_on = fields.Datetime(
        "Acts from", readonly=True, help="Nothing happens to the person before this moment."
    )
    ended_at = fields.Datetime("Settled", readonly=True)

    _open_uniq = models.UniqueIndex(
        "(policy_id, res_id) WHERE state IN ('queued', 'sent')",
        "This person was told already.",
    )
    _row_idx = models.Index("(policy_id, res_id)")

    @api.depends("policy_id", "state")
    def _compute_display_name(self):
        states = dict(self._fields["state"]._description_selection(self.env))
        for notice in self:
            notice.display_name = f"{notice.policy_id.name or ''}: {states.get(notice.state, '')}"

    def _settle(self, state, reason=False):
        """Note what became of the notices.

        :param str reason: without anybody's data
        """
        self.write({"state": state, "reason": reason, "ended_at": fields.Datetime.now()})

    def _follow_mails(self):
        """See what became of the mails; a mail that is through is deleted, it names the person."""
        # sudo: mails of the scheduled action are for nobody else to read
        for notice in self.sudo().filtered(lambda each: each.state == "queued"):
            mail = notice.mail_id
            if mail.state == "sent":
                sent = mail.write_date
                days = notice.policy_id.notice_days
                notice.write(
                    {
                        "state": "sent",
                        "sent_at": sent,
                        "due_on": fields.Datetime.add(sent, days=days),
                    }
                )
            elif not mail:
                notice._settle("failed", self.env._("The mail was deleted before it was sent."))
            elif mail.state in ("exception", "cancel"):
                notice._settle("failed", self.env._("The mail was refused, or it was stopped."))
            else:
                continue
            mail.unlink()
