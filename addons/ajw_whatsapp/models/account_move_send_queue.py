import logging
from functools import partial

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tools.log import log_failure

from ..tools.transactions import repeat_on_collision
from .ajw_whatsapp_document_outcome import ACTIVITY_TYPE

_logger = logging.getLogger(__name__)

#: Where a transaction keeps the ids of the invoices that are queued once it is committed.
AFTER_COMMIT = "ajw_whatsapp_queue_after_commit"


class AccountMoveSend(models.AbstractModel):
    """From the PDF to the outbox."""

    _inherit = "account.move.send"

    def _ajw_whatsapp_queue_moves(self, moves, moves_data):
        """Queue the invoices; whatever goes wrong becomes an activity on the invoice.

        Nothing is raised: a rollback now would lose what e-invoicing has just registered with an
        authority. The gate is asked again here, because only the wizards show alerts.
        """
        templates = {
            move.id: move_data["ajw_whatsapp_template"]
            for move, move_data in moves_data.items()
            if move_data.get("ajw_whatsapp_template")
        }
        occasions = {
            move.id: move_data["ajw_whatsapp_occasion"]
            for move, move_data in moves_data.items()
            if move_data.get("ajw_whatsapp_occasion")
        }
        self.env.cr.flush()  # a collision over what was written before is the core's to handle
        try:
            problems = self._ajw_whatsapp_try_queue(moves, templates, occasions)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self._ajw_whatsapp_queue_after_commit(moves, templates, occasions)
            return
        self._ajw_whatsapp_complain_of(moves, problems)

    def _ajw_whatsapp_try_queue(self, moves, templates, occasions):
        """Queue together; if that fails, one by one, so that one invoice does not hold up the rest.

        :return: ``{move_id: sentence}`` for what was not queued
        :raises psycopg2.OperationalError: another transaction got in the way; none is queued
        """
        with self.env.cr.savepoint():
            return self._ajw_whatsapp_queue_each(moves, templates, occasions)

    def _ajw_whatsapp_queue_each(self, moves, templates, occasions):
        try:
            # the database's own error would print the row, text and number included
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                return moves._ajw_whatsapp_queue(templates, occasions)[1]
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except ConcurrencyError:
            if len(moves) == 1:
                return {}  # someone else is queueing the same message this moment: it is on its way
        except Exception as error:
            if len(moves) == 1:
                log_failure(_logger, f"Queueing invoices {moves.ids} for WhatsApp failed", error)
                return {
                    moves.id: self.env._(
                        "Queueing for WhatsApp failed. The server log has the details."
                    )
                }
        problems = {}
        for move in moves:
            problems |= self._ajw_whatsapp_queue_each(move, templates, occasions)
        return problems

    def _ajw_whatsapp_complain_of(self, moves, problems):
        for move in moves:
            if problem := problems.get(move.id):
                move._ajw_whatsapp_complain(problem, move.env.user)

    # -- once more, in a transaction of its own ----------------------------------------------------

    def _ajw_whatsapp_queue_after_commit(self, moves, templates, occasions):
        """Queue invoices once this transaction is committed, in one of its own.

        This one sees the database as it was when it began, and collides with what changed since in
        the rows a message refers to: however often it tried again. It must not be run again as a
        whole either, see :meth:`_ajw_whatsapp_queue_moves`.
        """
        # Should this process die before it comes to that, this is what is left.
        text = self.env._(
            "It could not be queued for WhatsApp at once. If this is still here in a minute, send "
            "the invoice again."
        )
        self._ajw_whatsapp_complain_of(moves, dict.fromkeys(moves.ids, text))
        postcommit = self.env.cr.postcommit
        postcommit.data.setdefault(AFTER_COMMIT, set()).update(moves.ids)
        chosen = {move_id: template.id for move_id, template in templates.items()}
        registry, call = self.env.registry, (moves.env.uid, dict(moves.env.context), moves.ids)
        postcommit.add(partial(_queue_apart, registry, *call, chosen, occasions))

    def _ajw_whatsapp_waits_for_commit(self, move):
        """Tell whether an invoice is queued once this transaction is committed."""
        return move.id in self.env.cr.postcommit.data.get(AFTER_COMMIT, ())


def _queue_apart(registry, uid, context, move_ids, templates, occasions):
    """Queue invoices in a transaction of its own; what goes wrong stays as an activity on them.

    Raises nothing: what the caller did is committed, and others wait for their turn after it.
    """
    try:
        with registry.cursor() as cr:
            # su: as the core hands the invoices to its hook, but in the sender's name
            env = api.Environment(cr, uid, context, su=True)
            repeat_on_collision(cr, _queue_again, env, move_ids, templates, occasions)
    except Exception as error:  # noqa: BLE001 - see above
        log_failure(_logger, f"Queueing invoices {move_ids} for WhatsApp failed", error)


def _queue_again(env, move_ids, templates, occasions):
    """Queue invoices, and put what is wrong now in place of the activity that was left."""
    send, moves = env["account.move.send"], env["account.move"].browse(move_ids).exists()
    chosen = {
        move_id: env["ajw.whatsapp.template"].browse(template_id)
        for move_id, template_id in templates.items()
    }
    problems = send._ajw_whatsapp_try_queue(moves, chosen, occasions)
    moves.activity_unlink([ACTIVITY_TYPE])
    send._ajw_whatsapp_complain_of(moves, problems)
