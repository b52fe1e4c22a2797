import logging
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.ajw_consent.tools.log import log_failure

from ..cloud_api import webhook
from .ajw_whatsapp_webhook_lookup import Failed, WebhookLookup, is_opt_out

_logger = logging.getLogger(__name__)

#: Items that failed are tried again, in minutes after each failure.
RETRY_MINUTES = (1, 5, 15, 60)

#: A report on a message we do not know waits this long for it, in minutes after each look.
PARK_MINUTES = (1, 5, 15, 60, 240, 720, 1440)


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
    payload = fields.Text(
        readonly=True, prefetch=False, help="As received. Emptied when no longer needed."
    )
    size = fields.Integer(readonly=True, aggregator=None, help="How many characters were received.")
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
    replayed = fields.Boolean(
        readonly=True,
        help="It is worked through again although all in it was done: news of templates and of the "
        "account, which are history by now, are passed over.",
    )

    _pending_index = models.Index("(id) WHERE state = 'pending'")

    @api.model
    def _receive(self, account, payload):
        """Store a verified call and wake the scheduled action.

        :param account: ajw.whatsapp.account the call came in for
        :param str payload: the JSON text
        """
        self.create({"account_id": account.id, "payload": payload, "size": len(payload)})
        self._wake_reader()

    # ------------------------------------------------------------------
    # Processing
    # ------------------------------------------------------------------

    def _process(self):
        """Work the events through: neither an event nor an item of one blocks any other."""
        parsed, clocks = {}, {}
        for event in self:
            if not event.payload:
                event._close("failed", self.env._("Its content was emptied before it was read."))
                continue
            clock = webhook.Clock(event.received_at)
            try:
                parsed[event] = webhook.parse(event.payload, clock=clock)
            except webhook.MalformedPayload as error:
                event._give_up(str(error))
            except Exception as error:  # noqa: BLE001 - a defect of ours; nobody knows what is in it
                event._log_failure(error)
                event._give_up(type(error).__name__)
            clocks.setdefault(event.account_id, []).append(clock)
        for account, dated in clocks.items():
            with self._isolated({}, "skew"):
                account._note_skew(max(dated, key=lambda clock: clock.ahead))
        lookup = self._try_prefetch(parsed)
        done = self._merge_reports(parsed, lookup) if lookup else {}
        whole = self.browse(
            event.id for event, items in parsed.items() if len(done.get(event, ())) == len(items)
        )
        whole.filtered("open_items").open_items = False
        whole._close("done")
        for event, items in parsed.items():
            if event in whole:
                continue
            try:
                with self.env.cr.savepoint():
                    event._process_items(
                        items, lookup or event._prefetch({event: items}), done.get(event, ())
                    )
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:  # noqa: BLE001 - the next event must not wait for it
                event._log_failure(error)
                with event._or_put_off():
                    event._conclude(items, dict.fromkeys(event._todo(items), failure(error)))

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

    def _process_items(self, items, lookup, done=()):
        """Work one event's items through, opt-outs first, each in a savepoint.

        :param done: indexes of those that are worked through already
        """
        self.ensure_one()
        again = set(self.open_items or ())
        results = dict.fromkeys(done)
        todo = [index for index in self._todo(items) if index not in results]
        for index in sorted(todo, key=lambda i: not is_opt_out(items[i])):
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
            results[key] = failure(error)

    def _log_failure(self, error):
        log_failure(_logger, f"WhatsApp webhook events {self.ids} failed", error)

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
        wamids = {item.wamid for item in statuses + inbound if item.wamid}
        wamids |= {item.key() for item in items if isinstance(item, webhook.Preference)}
        references = {item.callback_ref for item in statuses if item.callback_ref}
        messages = self.env["ajw.whatsapp.message"]._engine()
        return WebhookLookup(accounts, messages._find_known(accounts, wamids, references), messages)

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
            case webhook.MetaChange():
                return self._process_meta_change(item)
        account = lookup.account(self.account_id, item.phone_number_id)
        if not account:
            if is_opt_out(item):
                self._withdraw_unknown(item)
            return "unknown_number"
        if isinstance(item, webhook.Status):
            return self._process_status(account, item, lookup)
        item = account._recognise(item)
        match item:
            case webhook.Inbound():
                return self._process_inbound(account, item, lookup, again)
            case webhook.Preference():
                return self._process_preference(account, item, lookup)
            case webhook.AddressChange():
                return self._process_address_change(account, item)


def failure(error):
    """Return the result of an item that could not be worked through."""
    return Failed(type(error).__name__)
