from odoo import models

from ..cloud_api import webhook
from .ajw_whatsapp_webhook_lookup import is_opt_out


class AjwWhatsappWebhookEvent(models.Model):
    """What people said: messages, and their choice about marketing."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_inbound(self, account, inbound, lookup, again):
        """Store a received message once; a STOP withdraws everything on that number.

        Neither of the two fails with the other.

        :param ajw.whatsapp.account account: whom the person wrote to
        :param Inbound inbound: the message
        :param WebhookLookup lookup: the batch's messages
        :param bool again: it was tried before, and failed
        :return: as :meth:`_process_item`
        """
        received = lookup.received(account, inbound.wamid)
        known = lookup.inbound(account, inbound.wamid)
        ended, remark, results = self.env["ajw.consent.event"], None, {}
        opt_out = "said" if is_opt_out(inbound) else False
        # A call that Meta repeats must not undo what the person agreed to since; nor must one that
        # is tried again for another reason, such as an answer that failed.
        if opt_out and (not received or again and not (known and known.opt_out == "heard")):
            with self._isolated(results, "stop"):
                ended, remark = self._hear_stop(account, inbound)
                if known and not remark:  # stored before, when recording failed
                    links = [(4, event_id) for event_id in ended.ids]
                    known.write({"opt_out": "heard", "ended_consent_ids": links})
            if "stop" not in results and not remark:
                opt_out = "heard"
        if not received:
            with self._isolated(results, "store"):
                message = self._store(
                    account,
                    {
                        "number": inbound.number,
                        "wa_user_id": inbound.user_id,
                        "inbound_type": inbound.type,
                        "body": inbound.text,
                        "wamid": inbound.wamid,
                        "sent_at": inbound.at,
                        "opt_out": opt_out,
                        "ended_consent_ids": [(6, 0, ended.ids)],
                    },
                )
            if "store" not in results:
                lookup.add(message)
        return next(iter(results.values()), remark)

    def _store(self, account, values):
        """Keep what a person said.

        :param dict values: columns of the message
        :return: the message
        """
        messages = self.env["ajw.whatsapp.message"]._engine()
        return messages.create(
            {
                "direction": "inbound",
                "state": "received",
                "company_id": account.company_id.id,
                "account_id": account.id,
                "partner_id": account._find_partner(values["number"]).id,
                "occasion": False,
                **values,
            }
        )

    def _hear_stop(self, account, inbound):
        """Withdraw everything for every number that the person may be known by.

        :return: the consents' ledger entries that it ended, and a remark for the log or ``None``
        """
        numbers = account._numbers_that_say_no(inbound)
        if not numbers:
            self._alert(
                self.env._("Someone without a visible number said STOP on WhatsApp"),
                self.env._(
                    "Find out who it was and record the withdrawal on the contact. If a message "
                    "to this person's number is reported on later, it is recorded by itself."
                ),
            )
            return self.env["ajw.consent.event"], "stop_without_number"
        ended = self.env["ajw.consent.event"]
        for number in numbers:
            open_before = account._open_consents(number)
            account._withdraw(
                number,
                "whatsapp_message" if inbound.type == "text" else "whatsapp_button",
                inbound.at,
                evidence={"note": inbound.text},
            )
            ended |= open_before.filtered(lambda state: state.status == "withdrawn").event_id
        return ended, None

    def _process_preference(self, account, preference, lookup):
        """Meta's own "stop marketing" is a withdrawal; its "resume" is no opt-in with us.

        Each is stored as a message is, so that a call that Meta repeats after a new opt-in does not
        undo that.
        """
        key = preference.key()
        if lookup.received(account, key):
            return None
        if self.replayed:
            # An earlier release kept none: what the person agreed to since must stand.
            return None
        remark = None
        if preference.value == "stop":
            numbers = account._numbers_that_say_no(preference)
            for number in numbers:
                account._withdraw_marketing(number, "whatsapp_preference", preference.at)
            if not numbers:
                remark = "stop_without_number"
                self._alert(
                    self.env._("Someone without a visible number stopped marketing on WhatsApp"),
                    self.env._(
                        "Find out who it was and record the withdrawal on the contact. If a "
                        "message to this person's number is reported on later, it is recorded by "
                        "itself."
                    ),
                )
        message = self._store(
            account,
            {
                "number": preference.number,
                "wa_user_id": preference.user_id,
                "inbound_type": webhook.PREFERENCE,
                "body": preference.value,
                "wamid": key,
                "opt_out": preference.value == "stop" and ("said" if remark else "heard"),
                "sent_at": preference.at,
            },
        )
        lookup.add(message)
        return remark

    def _withdraw_unknown(self, item):
        """A no to a number of ours that is not set up here: believed, for the account's company.

        It is not stored, so when it is worked through again, what was agreed to since stays open.
        """
        numbers = self.account_id._numbers_that_say_no(item)
        again = bool(self.processed_at or self.attempts)
        for number in numbers:
            if isinstance(item, webhook.Inbound):
                self.account_id._withdraw(
                    number,
                    "whatsapp_message" if item.type == "text" else "whatsapp_button",
                    item.at,
                    evidence={"note": item.text},
                    spare_later=again,
                )
            else:
                self.account_id._withdraw_marketing(
                    number, "whatsapp_preference", item.at, spare_later=again
                )
        self._alert(
            self.env._("Someone said STOP to a WhatsApp number that is not set up here"),
            self.env._(
                "The withdrawal was recorded and the sender's number is on the suppression list."
            )
            if numbers
            else self.env._("Record the withdrawal on the contact."),
        )

    def _alert(self, summary, what_to_do):
        self.account_id._alert_managers(
            summary,
            self.env._(
                "%(what_to_do)s See the webhook event %(number)s of %(time)s UTC.",
                what_to_do=what_to_do,
                number=self.id,
                time=self.received_at,
            ),
        )

    def _process_address_change(self, account, change):
        """A person has another business-scoped id from now on, and perhaps another number."""
        return self._suspend_number(account, change)
