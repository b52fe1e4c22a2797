import logging
import random
import time
import traceback
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import mute_logger

from ..cloud_api import errors, webhook
from ..cloud_api.keywords import is_stop
from .selections import TEMPLATE_CATEGORIES, TEMPLATE_STATUSES

_logger = logging.getLogger(__name__)

BATCH_SIZE = 100
MAX_TRIES = 6

#: Items that failed are tried again, in minutes after each failure.
RETRY_MINUTES = (1, 5, 15, 60)

#: A report on a message we do not know waits this long for it, in minutes after each look.
PARK_MINUTES = (1, 5, 15, 60, 240, 720, 1440)

PARKED = "parked"


class Failed(NamedTuple):
    """A result: the item has to be worked through again; ``name`` is the kind of error."""

    name: str


class AjwWhatsappWebhookEvent(models.Model):
    """One call of Meta's webhook, kept as it came until it has been worked through.

    Working one through twice, or in another order, gives the same result: reports only move
    messages forward, and a received message is stored once.
    """

    _name = "ajw.whatsapp.webhook.event"
    _description = "WhatsApp Webhook Event"
    _order = "id desc"
    _rec_name = "received_at"

    _ajw_personal_data = {
        "payload": {"category": "free_text", "erase": "clear"},
        "open_items": {
            "category": "technical",
            "erase": "none",
            "reason": "Positions in the payload that are still to be worked through.",
        },
        "error": {
            "category": "technical",
            "erase": "none",
            "reason": "Names no person; written by us.",
        },
    }

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    received_at = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now, index=True
    )
    payload = fields.Text(readonly=True, help="As received. Emptied when no longer needed.")
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("not_handled", "Not handled"),
        ],
        required=True,
        default="pending",
        readonly=True,
        help="Pending: waiting to be read, or for the message it is about. Not handled: a kind of "
        "event that this software does nothing with.",
    )
    error = fields.Char(string="Remark", readonly=True)
    attempts = fields.Integer(readonly=True, aggregator=None)
    retry_at = fields.Datetime(string="Next try", readonly=True)
    open_items = fields.Json(
        readonly=True, help="Which of the items in it are still to be worked through; empty: all."
    )
    processed_at = fields.Datetime(readonly=True)

    _pending_index = models.Index("(id) WHERE state = 'pending'")

    @api.model
    def _receive(self, account, payload):
        """Store a verified call and wake the scheduled action.

        :param account: ajw.whatsapp.account the call came in for
        :param str payload: the JSON text
        """
        self.create({"account_id": account.id, "payload": payload})
        # sudo: Meta calls without a user
        self.env.ref("ajw_whatsapp.ir_cron_webhook").sudo()._trigger()

    def action_process_again(self):
        """Put failed or unhandled events back, for example after an upgrade that knows more."""
        self.check_access("read")
        # sudo: the log is read-only to every role; putting an event back changes no content
        self.sudo().filtered(lambda e: e.payload and e.state in ("failed", "not_handled")).write(
            {"state": "pending", "attempts": 0, "retry_at": False, "error": False}
        )
        self.env.ref("ajw_whatsapp.ir_cron_webhook").sudo()._trigger()  # sudo: as above
        return True

    # ------------------------------------------------------------------
    # Processing
    # ------------------------------------------------------------------

    @api.model
    def _ready_domain(self):
        return Domain("state", "=", "pending") & (
            Domain("retry_at", "=", False) | Domain("retry_at", "<=", fields.Datetime.now())
        )

    @api.model
    def _cron_process(self):
        """Work through what Meta reported, in batches. The body of the scheduled action."""
        cron = self.env["ir.cron"]
        time_left = cron._commit_progress()
        accounts = self.env["ajw.whatsapp.account"]
        collisions = 0
        while time_left > 0 and collisions < MAX_TRIES:
            try:
                events = self.search(
                    self._ready_domain(), order="id", limit=BATCH_SIZE
                ).try_lock_for_update()
                if not events:
                    break
                # the database's own error would print the rows, texts and numbers included
                with mute_logger("odoo.sql_db"):
                    events._process()
                    self.env.flush_all()
                accounts |= events.account_id
                time_left = cron._commit_progress(
                    len(events), remaining=self.search_count(self._ready_domain(), limit=1)
                )
                collisions = 0
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # A sender or a user changed the same message: look again at what is there now.
                self.env.cr.rollback()
                collisions += 1
                time.sleep(random.uniform(0, 0.05 * 2**collisions))  # noqa: S311 - no secret
        for account in accounts:
            account._tell_all_documents()
        waiting = self.search(
            [("state", "=", "pending"), ("retry_at", ">", fields.Datetime.now())],
            order="retry_at",
            limit=1,
        )
        if waiting:
            self.env.ref("ajw_whatsapp.ir_cron_webhook")._trigger(waiting.retry_at)
        cron._commit_progress()

    def _process(self):
        """Work the events through: neither an event nor an item of one blocks any other."""
        parsed = {}
        for event in self:
            try:
                parsed[event] = webhook.parse(event.payload or "")
            except webhook.MalformedPayload as error:
                event._close("failed", str(error))
            except Exception as error:  # noqa: BLE001 - a defect of ours; nobody knows what is in it
                event._log_failure(error)
                event._give_up(type(error).__name__)
        lookup = self._try_prefetch(parsed)
        for event, items in parsed.items():
            try:
                with self.env.cr.savepoint():
                    event._process_items(items, lookup or event._prefetch({event: items}))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:  # noqa: BLE001 - the next event must not wait for it
                event._log_failure(error)
                event._conclude(items, dict.fromkeys(event._todo(items), _failed(error)))

    def _try_prefetch(self, parsed):
        """Return the look-up of the batch; ``None`` when one of the events spoils it for all."""
        try:
            with self.env.cr.savepoint():
                return self._prefetch(parsed)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - each event is looked up alone then
            self._log_failure(error)
            return None

    def _todo(self, items):
        """Return the indexes of the items to work through."""
        return [index for index in self.open_items or () if index < len(items)] or range(len(items))

    def _process_items(self, items, lookup):
        """Work one event's items through, opt-outs first, each in a savepoint."""
        self.ensure_one()
        again = set(self.open_items or ())
        results = {}
        for index in sorted(self._todo(items), key=lambda i: not _is_opt_out(items[i])):
            with self._isolated(results, index):
                results[index] = self._process_item(items[index], lookup, index in again)
        self._conclude(items, results)

    @contextmanager
    def _isolated(self, results, key):
        """Run a block in a savepoint; what it raises becomes a result."""
        try:
            with self.env.cr.savepoint():
                yield
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not wait
            self._log_failure(error)
            results[key] = _failed(error)

    def _log_failure(self, error):
        _logger.error(  # without the error's text, which may hold personal data
            "WhatsApp webhook events %s failed: %s\n%s",
            self.ids,
            type(error).__name__,
            "".join(traceback.format_tb(error.__traceback__)),
        )

    def _prefetch(self, parsed):
        """Look the accounts and messages of a batch up at once.

        :param dict parsed: event → list of typed events
        """
        items = [item for rows in parsed.values() for item in rows]
        statuses = [item for item in items if isinstance(item, webhook.Status)]
        inbound = [item for item in items if isinstance(item, webhook.Inbound)]
        Account = self.env["ajw.whatsapp.account"].with_context(active_test=False)
        numbers = {item.phone_number_id for item in items if hasattr(item, "phone_number_id")}
        accounts = self.account_id | Account.search([("phone_number_id", "in", list(numbers))])
        wamids = [item.wamid for item in statuses + inbound if item.wamid]
        references = [item.callback_ref for item in statuses if item.callback_ref]
        messages = self.env["ajw.whatsapp.message"]._engine()
        found = messages.search(
            Domain("account_id", "in", accounts.ids)
            & (Domain("wamid", "in", wamids) | Domain("callback_ref", "in", references))
        )
        return _Lookup(accounts, found)

    def _process_item(self, item, lookup, again=False):
        """Act on one typed event.

        :param bool again: it was tried before, and failed or had to wait
        :return: ``None`` when done, :data:`PARKED`, :class:`Failed`, or the name of what was not
            handled
        """
        match item:
            case webhook.NotHandled():
                return item.what
            case webhook.TemplateUpdate():
                return self._process_template(item)
        account = lookup.account(self.account_id, item.phone_number_id)
        if not account:
            if _is_opt_out(item):
                self._withdraw_unknown(item)
            return "unknown_number"
        match item:
            case webhook.Status():
                return self._process_status(account, item, lookup)
            case webhook.Inbound():
                return self._process_inbound(account, item, lookup, again)
            case webhook.Preference():
                return self._process_preference(account, item)

    def _withdraw_unknown(self, item):
        """A no to a number of ours that is not set up here: believed, for the account's company."""
        if item.number and isinstance(item, webhook.Inbound):
            self.account_id._withdraw(
                item.number,
                "whatsapp_message" if item.type == "text" else "whatsapp_button",
                item.at,
                evidence={"note": item.text},
            )
        elif item.number:
            self.account_id._withdraw_marketing(item.number, "whatsapp_preference", item.at)
        self._alert(
            self.env._("Someone said STOP to a WhatsApp number that is not set up here"),
            self.env._(
                "The withdrawal was recorded and the sender's number is on the suppression list."
            )
            if item.number
            else self.env._("Record the withdrawal on the contact."),
        )

    def _process_status(self, account, status, lookup):
        message = lookup.message(account, status)
        if not message:
            return PARKED
        changes = {}
        if not message.wamid:
            changes["wamid"] = status.wamid
        if status.pricing_category and not message.pricing_category:
            changes["pricing_category"] = status.pricing_category
            changes["pricing_billable"] = bool(status.pricing_billable)
        if status.wa_id and not message.wa_id and message.number:  # an erased one stays empty
            changes["wa_id"] = status.wa_id
        if changes:
            message.write(changes)
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
                account._stop(status.error_code, status.error_message or "")
        return None

    def _process_inbound(self, account, inbound, lookup, again):
        """Store a received message once; a STOP withdraws everything on that number.

        Neither of the two fails with the other. START records nothing: an opt-in needs the notice a
        person has seen and an explicit act, and a word in a chat proves neither. A new opt-in is
        recorded where those are shown.
        """
        received = lookup.received(account, inbound.wamid)
        remark = None
        results = {}
        # A call that Meta repeats must not undo what the person agreed to since.
        if _is_opt_out(inbound) and (again or not received):
            if inbound.number:
                with self._isolated(results, "stop"):
                    account._withdraw(
                        inbound.number,
                        "whatsapp_message" if inbound.type == "text" else "whatsapp_button",
                        inbound.at,
                        evidence={"note": inbound.text},
                    )
            else:
                remark = "stop_without_number"
                self._alert(
                    self.env._("Someone without a visible number said STOP on WhatsApp"),
                    self.env._("Find out who it was and record the withdrawal on the contact."),
                )
        if not received:
            with self._isolated(results, "store"):
                message = (
                    self.env["ajw.whatsapp.message"]
                    ._engine()
                    .create(
                        {
                            "direction": "inbound",
                            "state": "received",
                            "company_id": account.company_id.id,
                            "account_id": account.id,
                            "partner_id": account._find_partner(inbound.number).id,
                            "number": inbound.number,
                            "inbound_type": inbound.type,
                            "body": inbound.text,
                            "wamid": inbound.wamid,
                            "occasion": False,
                        }
                    )
                )
            if "store" not in results:
                lookup.add(message)
        return next(iter(results.values()), remark)

    def _process_preference(self, account, preference):
        """Meta's own "stop marketing" is a withdrawal; its "resume" is no opt-in with us."""
        if preference.value == "stop":
            account._withdraw_marketing(preference.number, "whatsapp_preference", preference.at)
        return None

    def _process_template(self, update):
        templates = (
            self.env["ajw.whatsapp.template"]
            .with_context(active_test=False)
            .search(
                [
                    ("meta_template_id", "=", update.meta_template_id),
                    ("company_id", "=", self.company_id.id),
                    ("account_id.waba_id", "=", self.account_id.waba_id),
                ]
            )
        )
        if not templates:
            return "unknown_template"
        vals = {}
        if update.status:
            known = update.status in dict(TEMPLATE_STATUSES)
            vals["status"] = update.status if known else "UNKNOWN"
            vals["rejection_reason"] = update.reason if update.status == "REJECTED" else False
        if update.category:
            known = update.category in dict(TEMPLATE_CATEGORIES)
            # A category this software does not know must not pass for one that may be sent.
            vals["category"] = update.category if known else "MARKETING"
        if update.quality:
            vals["quality"] = (
                update.quality if update.quality in ("GREEN", "YELLOW", "RED") else "UNKNOWN"
            )
        templates.write(vals)
        return None

    def _conclude(self, items, results):
        """Close the event, or put it off until its failures and reports may be worked through.

        :param list items: the typed events in it
        :param dict results: index → result of :meth:`_process_item`
        """
        self.ensure_one()
        failed = {index: row.name for index, row in results.items() if isinstance(row, Failed)}
        parked = [index for index, row in results.items() if row == PARKED]
        self.open_items = sorted([*failed, *parked]) or False
        if failed:
            remark = ", ".join(sorted(set(failed.values())))[:200]
            if self.attempts < len(RETRY_MINUTES):
                self._put_off(RETRY_MINUTES[self.attempts], remark)
            else:
                heard = webhook.Inbound | webhook.Preference
                self._give_up(remark, any(isinstance(items[index], heard) for index in failed))
            return
        others = sorted({row for row in results.values() if row not in (None, PARKED)})
        remark = ", ".join(others)[:200] or False
        if parked:
            if self.attempts < len(PARK_MINUTES):
                self._put_off(
                    PARK_MINUTES[self.attempts],
                    self.env._("Waiting for the message it reports on."),
                )
                return
            self._close("not_handled", self.env._("It reports on a message that is not ours."))
        elif others and None not in results.values():
            self._close("not_handled", remark)
        else:
            self._close("done", remark)

    def _put_off(self, minutes, remark):
        self.write(
            {
                "attempts": self.attempts + 1,
                "retry_at": fields.Datetime.now() + timedelta(minutes=minutes),
                "error": remark,
            }
        )

    def _give_up(self, remark, alert=True):
        """Close the event as failed.

        :param bool alert: something a person said may be in it, so somebody has to look
        """
        self._close("failed", remark)
        if alert:
            self._alert(
                self.env._("Something a person said on WhatsApp could not be worked through"),
                self.env._("It may be a STOP. Read it, and process it again."),
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

    def _close(self, state, remark=False):
        self.write(
            {
                "state": state,
                "error": remark,
                "attempts": self.attempts + 1,
                "retry_at": False,
                "processed_at": fields.Datetime.now(),
            }
        )


def _failed(error):
    return Failed(type(error).__name__)


def _is_opt_out(item):
    """Tell whether an item is a person saying no."""
    if isinstance(item, webhook.Inbound):
        return is_stop(item.text, item.payload)
    return isinstance(item, webhook.Preference) and item.value == "stop"


class _Lookup:
    """The accounts and messages of one batch.

    Only messages of the account that signed are found: an app's secret says nothing about the
    messages of another account.
    """

    def __init__(self, accounts, messages):
        self._accounts = accounts
        self._by_reference = {}
        self._by_wamid = {}
        for message in messages:
            self.add(message)

    def add(self, message):
        """Make a message known to the rest of the batch."""
        account_id = message.account_id.id
        self._by_reference[account_id, message.callback_ref] = message
        if message.wamid:
            self._by_wamid[account_id, message.wamid] = message

    def account(self, signer, phone_number_id):
        """Return the account of a number: the one that was called, or one of the same app."""
        if phone_number_id in ("", signer.phone_number_id):
            return signer
        return self._accounts.filtered(
            lambda account: (
                account.phone_number_id == phone_number_id
                and account.company_id == signer.company_id
                and account.app_id
                and account.app_id == signer.app_id
            )
        )[:1]

    def message(self, account, status):
        """Return the message a status is about, or ``None``."""
        message = self._by_reference.get((account.id, status.callback_ref)) or self._by_wamid.get(
            (account.id, status.wamid)
        )
        return message if message and message.direction == "outbound" else None

    def received(self, account, wamid):
        """Tell whether a received message is stored already."""
        return (account.id, wamid) in self._by_wamid
