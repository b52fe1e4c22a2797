from odoo import fields, models
from odoo.exceptions import UserError

from ..cloud_api.errors import UNKNOWN_OBJECT, CloudApiError
from .selections import WAITING_STATES

#: Statuses of Meta's in which a template is not sent until somebody acts.
TROUBLE_STATUSES = ("REJECTED", "PAUSED", "DISABLED", "LOCKED", "ARCHIVED")
#: Statuses of a template that does not come back; one follows the other, and is told once.
GONE_STATUSES = ("PENDING_DELETION", "DELETED")


class AjwWhatsappTemplate(models.Model):
    """What Meta does to a template is kept and told; what is not needed any more is deleted there.

    It comes by webhook, by the look before sending and by synchronising: all of them write here.
    """

    _inherit = "ajw.whatsapp.template"

    category_change_ids = fields.One2many(
        "ajw.whatsapp.category.change", "template_id", string="Category changes", readonly=True
    )

    def write(self, vals):
        # EXTENDS this model: what Meta changed is told once
        before = {}
        if self.env.su and vals.keys() & {"category", "status"}:
            known = self.filtered("meta_template_id")
            before = {template: (template.category, template.status) for template in known}
        result = super().write(vals)
        at = vals.get("reported_at") or fields.Datetime.now()
        for template, (category, status) in before.items():
            if template.category != category:
                template._note_category(category, at)
            if template._is_trouble(status):
                template._tell_trouble()
        return result

    def _is_trouble(self, former):
        """Tell whether the managers have to hear of the status.

        :param str former: the status before
        """
        self.ensure_one()
        if self.status in GONE_STATUSES:
            # what was deleted here is no news
            ours = self.env.context.get("ajw_whatsapp_deleted_here")
            return former not in GONE_STATUSES and not ours
        return self.status != former and self.status in TROUBLE_STATUSES

    def _note_category(self, former, at):
        """Keep that Meta moved the template to another category, and tell the managers.

        :param str former: the category before
        :param datetime at: when, naive UTC
        """
        self.ensure_one()
        self.env["ajw.whatsapp.category.change"].create(
            {
                "template_id": self.id,
                "changed_at": at,
                "category_from": former,
                "category_to": self.category,
            }
        )
        labels = dict(self._fields["category"]._description_selection(self.env))
        summary = self.env._(
            "Meta moved the template %(template)s to %(category)s",
            template=self.display_name,
            category=labels[self.category],
        )
        if self.category == "UTILITY":
            note = self.env._("It may be sent, and costs what such messages cost.")
        else:
            note = self.env._(
                "It is not sent any more: what people agreed to does not cover it, and messages in "
                "the queue are refused. Use another template, or ask Meta for a review in WhatsApp "
                "Manager."
            )
        self.account_id._alert_managers_once(summary, note)

    def _tell_trouble(self):
        """Tell the managers that Meta does not let the template be sent."""
        self.ensure_one()
        labels = dict(self._fields["status"]._description_selection(self.env))
        if self.status in GONE_STATUSES:
            todo = self.env._("Messages with it fail: use another template.")
        else:
            todo = self.env._(
                "Messages with it fail until it is approved again: use another one meanwhile, or "
                "change it and submit it again."
            )
        self.account_id._alert_managers_once(
            self.env._(
                "Template %(template)s: %(status)s by Meta",
                template=self.display_name,
                status=labels[self.status],
            ),
            f"{self.rejection_reason or ''} {todo}".strip(),
        )

    def action_delete_at_meta(self):
        """Delete the templates at Meta; here they stay on record, as deleted.

        :raises AccessError: the user is no manager
        :raises UserError: one was never submitted, is still needed, or Meta refuses
        """
        self.check_access("unlink")
        for template in self:
            if not template.meta_template_id:
                raise UserError(
                    self.env._(
                        "Meta does not know the template %s: delete or archive it here.",
                        template.display_name,
                    )
                )
        # sudo: messages that the user may not read would fail as well
        waiting = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            .search_count([("template_id", "in", self.ids), ("state", "in", WAITING_STATES)])
        )
        if waiting:
            raise UserError(
                self.env._(
                    "%s messages in the queue need it. Wait until they are sent, or cancel them.",
                    waiting,
                )
            )
        for account, templates in self.grouped("account_id").items():
            with account._get_client() as client:
                for template in templates:
                    account._call(template._delete_at_meta, client)
                    # sudo: what Meta did, not what the user says
                    template.sudo().with_context(ajw_whatsapp_deleted_here=True).write(
                        {"status": "DELETED", "category_checked_at": fields.Datetime.now()}
                    )
        return True

    def _delete_at_meta(self, client):
        try:
            client.delete_template(self.name, self.meta_template_id)
        except CloudApiError as error:
            if error.code != UNKNOWN_OBJECT:  # else somebody was faster
                raise
