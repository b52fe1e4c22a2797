from collections import defaultdict

from odoo import models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..cloud_api import errors, status_fold, webhook
from .ajw_whatsapp_webhook_lookup import PARKED
from .selections import ACTIVE_STATES


class AjwWhatsappWebhookEvent(models.Model):
    """What became of our messages."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _merge_reports(self, parsed, lookup):
        """Take in the plain reports of a whole batch at once: sent, delivered, read.

        All of a message's reports go this way or none: a failure, or one on a message that was
        given up, is worked through alone. So is everything when one of them cannot be stored.

        :param dict parsed: event → list of typed events
        :param WebhookLookup lookup: the batch's messages
        :return: event → set of the indexes that are done
        :rtype: dict
        """
        reports, taken, alone, owners = [], {}, set(), {}
        for event, items in parsed.items():
            signer, accounts = event.account_id, {}
            for index in event._todo(items):
                item = items[index]
                if not isinstance(item, webhook.Status):
                    continue
                number_id = item.phone_number_id
                if number_id not in accounts:
                    accounts[number_id] = lookup.account(signer, number_id)
                known = lookup.known(accounts[number_id], item)
                if not known:
                    continue
                if item.status not in status_fold.FOLDED or known.state not in ACTIVE_STATES:
                    alone.add(known.id)
                reports.append((known.id, item))
                taken.setdefault(known.id, []).append((event, index))
                owners[known.id] = accounts[number_id]
        changes = status_fold.fold(pair for pair in reports if pair[0] not in alone)
        if not changes:
            return {}
        messages = self.env["ajw.whatsapp.message"]._engine()
        try:
            with self.env.cr.savepoint():
                messages._merge_folded(changes)
                named = defaultdict(set)
                for message_id, change in changes.items():
                    if change.user_id:
                        named[owners[message_id]].add(change.user_id)
                for account, user_ids in named.items():
                    account._hear_hidden_stops(user_ids)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - each is worked through alone then
            self._log_failure(error)
            messages.invalidate_model()
            return {}
        done = {}
        for message_id in changes:
            for event, index in taken[message_id]:
                done.setdefault(event, set()).add(index)
        return done

    def _process_status(self, account, status, lookup):
        message = lookup.message(account, status)
        if not message:
            return PARKED
        changes = {}
        if not message.wamid and (message.number or message.wa_user_id):  # as below
            changes["wamid"] = status.wamid
        if status.pricing_category and not message.pricing_category:
            changes["pricing_category"] = status.pricing_category
            changes["pricing_billable"] = bool(status.pricing_billable)
        if status.wa_id and not message.wa_id and message.number:  # an erased one stays empty
            changes["wa_id"] = status.wa_id
        if status.user_id and not message.wa_user_id and message.number:
            changes["wa_user_id"] = status.user_id
        if changes:
            message.write(changes)
        if "wa_user_id" in changes:
            account._hear_hidden_stops([status.user_id])
        failure = {}
        if status.status == "failed":
            code = status.error_code
            said = f"({code}) {status.error_message or ''}" if code else status.error_message
            failure = account._failure_values(code, said)
        moved = message._merge_report(status.status, status.at, **failure)
        if status.status == "failed" and moved:
            error_class = errors.classify(status.error_code)
            if error_class == errors.OPT_OUT:
                account._withdraw_marketing(message.number or status.wa_id, "meta_error", status.at)
            elif error_class == errors.STOP_ACCOUNT and status.error_code:
                account._stop_by_report(message, status.error_code, status.error_message or "")
        return None
