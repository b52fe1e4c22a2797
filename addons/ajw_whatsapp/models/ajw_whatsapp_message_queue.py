import zlib

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain

from .selections import ACTIVE_STATES, WAITING_STATES

#: First key, and number, of the locks that keep two transactions from queueing one message.
_RESERVATION_LOCK_CLASS = 0x616A7732
_RESERVATIONS = 64


class AjwWhatsappMessage(models.Model):
    """Queueing: each message once, whoever asks for it, and however many do at once."""

    _inherit = "ajw.whatsapp.message"

    @api.model
    def _enqueue(self, vals_list):
        """Queue messages, each once, and wake the senders after the commit.

        :param list[dict] vals_list: per message ``company_id``, ``account_id``, ``partner_id``,
            ``number`` (E.164 with +), ``res_model``, ``res_id``, ``purpose_id``, ``template_id``,
            ``language``, ``template_components``, ``body``, optionally ``attachment_id``,
            ``filename`` and ``occasion`` (default ``send``)
        :return: the queued messages, in the order asked for; where the same message is on its way
            already, that one
        :raises ConcurrencyError: another transaction queued the same message this moment. Odoo then
            runs the request again, and it finds that message.
        :raises AccessError: the user may not read the document, the file or the contact
        """
        if not vals_list:
            return self.browse()
        engine = self._engine()
        # The engine right must not leak into the records the caller goes on with.
        keys = [self._business_key(vals) for vals in vals_list]
        found = engine._find_active(keys)
        missing = {key: vals for key, vals in zip(keys, vals_list, strict=True) if key not in found}
        if missing:
            engine._cancel_orphans(missing)
            self._reserve(missing)
            created = engine.create(list(missing.values()))
            created.with_env(self.env)._check_may_send()
            found.update(zip(missing, created, strict=True))
            created.account_id._wake_sender()
        return self.browse(dict.fromkeys(found[key].id for key in keys))

    @api.model
    def _cancel_orphans(self, keys):
        """Free business keys that queued messages of archived accounts hold."""
        companies, _models, res_ids, *_rest = zip(*keys, strict=True)
        queued = self.search(
            Domain("state", "in", WAITING_STATES)
            & Domain("account_id.active", "=", False)
            & Domain("company_id", "in", companies)
            & Domain("res_id", "in", res_ids)
        )
        orphans = queued.filtered(lambda message: message._key() in keys)
        orphans._set_state("cancelled", retry_at=False)
        orphans.flush_recordset()

    @api.model
    def _reserve(self, keys):
        """Make sure that nobody else queues the same messages until this transaction ends.

        The unique index alone would do, but its error puts the whole row into the server's log,
        text and number included.

        :param keys: business keys that this transaction sees as free
        :raises ConcurrencyError: another transaction took one since this one began
        """
        buckets = sorted({zlib.crc32(repr(key).encode()) % _RESERVATIONS for key in keys})
        # in order, so that two batches do not wait for each other
        self.env.cr.execute(
            "SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) bucket",
            [_RESERVATION_LOCK_CLASS, buckets],
        )
        # This transaction sees the database as of its first query, a new one as it is now.
        with self.env.registry.cursor() as cr:
            if self.with_env(self.env(cr=cr))._engine()._find_active(list(keys)):
                raise ConcurrencyError(
                    self.env._("The same message was queued by someone else this moment.")
                )

    @api.model
    def _business_key(self, vals):
        return (
            vals["company_id"],
            vals["res_model"],
            vals["res_id"],
            vals["purpose_id"],
            vals["number"],
            vals.get("occasion") or "send",
        )

    @api.model
    def _find_active(self, keys):
        """Return business key → message, for the keys that are taken."""
        companies, res_models, res_ids, purposes, numbers, occasions = zip(*keys, strict=True)
        domain = Domain(
            [
                ("direction", "=", "outbound"),
                ("state", "in", ACTIVE_STATES),
                ("company_id", "in", companies),
                ("res_model", "in", res_models),
                ("res_id", "in", res_ids),
                ("purpose_id", "in", purposes),
                ("number", "in", numbers),
                ("occasion", "in", occasions),
            ]
        )
        wanted = set(keys)
        found = {}
        for message in self.search(domain):
            if message.state in WAITING_STATES and not message.account_id.active:
                continue  # it would never leave, see _cancel_orphans
            key = message._key()
            if key in wanted:
                found[key] = message
        return found

    def _key(self):
        """Return this message's business key, see :meth:`_business_key`."""
        self.ensure_one()
        return (
            self.company_id.id,
            self.res_model,
            self.res_id,
            self.purpose_id.id,
            self.number,
            self.occasion,
        )
