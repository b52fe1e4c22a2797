from collections import defaultdict

from odoo import api, models

METHOD = "ajw_whatsapp"


class CollectedErrors:
    """What went wrong with which invoice, handed through the context to whoever asked for it.

    Compared by identity: an empty dict would equal the one of an earlier context.
    """

    def __init__(self):
        self.by_move = {}


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _get_default_sending_methods(self, move):
        # EXTENDS 'account'
        methods = super()._get_default_sending_methods(move)
        partner = move.commercial_partner_id.with_company(move.company_id)
        if partner.ajw_also_by_whatsapp and partner.invoice_sending_method != "manual":
            methods = {*methods, METHOD}
        return methods

    @api.model
    def _get_default_sending_settings(self, move, from_cron=False, **custom_settings):
        # EXTENDS 'account': carry the template the user chose, and what he saw as sent before
        settings = super()._get_default_sending_settings(move, from_cron, **custom_settings)
        for name in ("ajw_whatsapp_template", "ajw_whatsapp_occasion"):
            if value := custom_settings.get(name):
                settings[name] = value
        return settings

    # -- alerts ------------------------------------------------------------------------------------

    @api.model
    def _get_alerts(self, moves, moves_data):
        # EXTENDS 'account'
        alerts = super()._get_alerts(moves, moves_data)
        chosen = moves.filtered(lambda m: METHOD in moves_data[m]["sending_methods"])
        plans = chosen._ajw_whatsapp_plan()
        refused = chosen.filtered(lambda m: plans[m.id].problem)
        if not refused:
            return alerts
        if len(moves) == 1:
            message = self.env._("Not by WhatsApp: %(reason)s", reason=plans[refused.id].problem)
        else:
            message = self.env._(
                "These invoices will not be sent by WhatsApp: %(names)s",
                names=", ".join(refused.mapped("name")),
            )
        alerts["ajw_whatsapp_refused"] = {
            "level": "danger" if len(moves) == 1 else "warning",
            "message": message,
            "action_text": self.env._("View Invoice(s)") if len(moves) > 1 else False,
            "action": (
                refused._get_records_action(name=self.env._("Not Sent by WhatsApp"))
                if len(moves) > 1
                else False
            ),
        }
        return alerts

    # -- sending methods ---------------------------------------------------------------------------

    @api.model
    def _is_applicable_to_company(self, method, company):
        # EXTENDS 'account'
        if method == METHOD:
            return self.env.user.has_group("ajw_whatsapp.group_user") and bool(
                self.env["ajw.whatsapp.account"]._get_default(company)
            )
        return super()._is_applicable_to_company(method, company)

    @api.model
    def _is_applicable_to_move(self, method, move, **move_data):
        # EXTENDS 'account'
        if method == METHOD:
            return not move._ajw_whatsapp_plan()[move.id].problem
        return super()._is_applicable_to_move(method, move, **move_data)

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        # EXTENDS 'account': tell the outbox which invoice has no PDF, and why
        errors = self.env.context.get("ajw_whatsapp_errors")
        if isinstance(errors, CollectedErrors):
            for move, move_data in moves_data.items():
                error = move_data["error"]
                # some networks give a sentence, others its parts
                errors.by_move[move.id] = (
                    error if isinstance(error, str) else self._format_error_text(error)
                )
        return super()._hook_if_errors(moves_data, allow_raising=allow_raising)

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        # EXTENDS 'account'
        by_author = defaultdict(list)
        for move, move_data in moves_data.items():
            if METHOD in move_data["sending_methods"]:
                by_author[move_data.get("author_user_id") or self.env.uid].append(move)
        for author_id, moves in by_author.items():
            # sudo: as the core hands the invoices to this hook, but in the sender's name
            self._ajw_whatsapp_queue_moves(
                self.env["account.move"].concat(*moves).with_user(author_id).sudo(), moves_data
            )
        return super()._hook_if_success(moves_data, from_cron)
