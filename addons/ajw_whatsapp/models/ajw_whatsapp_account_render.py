import logging
from datetime import timedelta
from typing import NamedTuple

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.ajw_consent.tools.log import log_failure
from odoo.addons.base.models.ir_actions_report import _wkhtml

from .ajw_whatsapp_message import ENGINE_CONTEXT_KEY
from .selections import WAITING_STATES

_logger = logging.getLogger(__name__)

#: Documents rendered in one call: starting the renderer is what costs, and a crash or Odoo's time
#: limit throws no more than this away.
RENDER_BATCH = 25
#: A document during whose rendering the server died this often is given up.
MAX_RENDER_ATTEMPTS = 3
#: A document that is being sent by other ways first is looked at again after this long.
BUSY_MINUTES = 1


class Rendered(NamedTuple):
    """What was made for one message.

    :param int attachment_id: the PDF; 0 when it could not be made
    :param dict values: what the message holds with it
    :param str problem: why it cannot go
    """

    attachment_id: int = 0
    values: dict = {}
    problem: str = ""


class AjwWhatsappAccount(models.Model):
    """The sender makes the PDFs that messages wait for, before it sends.

    Three transactions a round: note the attempt, render, queue or give up. A server that dies while
    rendering leaves the attempt on record: what it worked on is next tried one by one, so that a
    document that kills it is found out and stands alone.

    Rendering takes long, and e-invoicing may commit in the midst of it. So no message is locked
    meanwhile, and which of them still wait is looked up anew afterwards: a message that was
    cancelled while its PDF was being made stays cancelled.
    """

    _inherit = "ajw.whatsapp.account"

    def _prepare_documents(self):
        """Render documents that messages wait for, one batch of them.

        :return: number of messages that were decided: made ready, refused, failed or cancelled
        :rtype: int
        """
        self.ensure_one()
        if not self.active or self.state != "connected" or not self._has_documents_to_prepare():
            return 0
        taken = self._in_fresh_transaction(self._take_for_rendering)
        if taken is None:
            return 0
        message_ids, done = taken
        if message_ids:
            self._render_or_split(message_ids)
            # what was rendered is in the file store now, not to be kept in memory as well
            self.env.invalidate_all()
        return done + len(message_ids)

    def _has_documents_to_prepare(self):
        return bool(self._outbox.search_count(self._preparing_domain(), limit=1))

    def _preparing_domain(self):
        return Domain(
            [
                ("account_id", "=", self.id),
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "outbound"),
                ("state", "=", "preparing"),
            ]
        ) & (Domain("retry_at", "=", False) | Domain("retry_at", "<=", fields.Datetime.now()))

    def _render_batch_size(self):
        # a renderer built with unpatched Qt refuses more than one document in a call
        return RENDER_BATCH if _wkhtml().is_patched_qt else 1

    def _take_for_rendering(self):
        """Choose what is rendered next and note the attempt; nothing is made for who said no.

        :return: message ids to render, and how many others were decided
        :rtype: tuple[list[int], int]
        """
        done = len(self._drop_cancelled())
        messages = self._outbox.search(
            self._preparing_domain(), order="render_attempts, id", limit=self._render_batch_size()
        ).try_lock_for_update()
        problems = messages._document_problems()
        busy = messages._being_sent_otherwise()
        for documents in busy._documents_by_model():
            documents._ajw_whatsapp_send_otherwise()
        now = fields.Datetime.now()
        chosen = self._outbox
        for message, (reason, answer) in self._decide(messages).items():
            if reason == "keyring":
                message.retry_at = now + timedelta(minutes=10)
            elif reason:
                message._refuse(reason, answer)
            elif message.id in problems:
                message._set_state(
                    "failed",
                    failed_at=now,
                    error_message=problems[message.id],
                    error_hint=self.env._(
                        "Nothing was sent. Send the document again once it is in order."
                    ),
                )
            elif message in busy:
                if not message.retry_at:  # whoever looks at the document is told what it waits for
                    message.outcome_pending = True
                message.retry_at = now + timedelta(minutes=BUSY_MINUTES)
            elif message.render_attempts >= MAX_RENDER_ATTEMPTS:
                self._fail_rendering(
                    message, self.env._("The server stopped each time the PDF was being made.")
                )
            else:
                chosen += message
                continue
            done += 1
        fresh = chosen.filtered(lambda message: not message.render_attempts)
        chosen = fresh or chosen[:1]
        for message in chosen:
            message.render_attempts += 1
        return chosen.ids, done

    def _drop_cancelled(self):
        """Cancel what belongs to batches that were cancelled while the sender held it."""
        # first the batches: few are cancelled, and many messages may be waiting
        cancelled = self.env["ajw.whatsapp.batch"].sudo()  # sudo: the sender is nobody's user
        cancelled = cancelled.search([("cancel_requested", "=", True)])
        if not cancelled:
            return self._outbox
        messages = self._outbox.search(
            [
                ("account_id", "=", self.id),
                ("state", "in", WAITING_STATES),
                ("batch_id", "in", cancelled.ids),
            ]
        ).try_lock_for_update()
        messages._set_state("cancelled", retry_at=False)
        return messages

    def _render_or_split(self, message_ids):
        """Render together; when that fails by halves, so that one document holds up no other."""
        try:
            rendered = self._in_fresh_transaction(self._render, message_ids)
        except Exception as error:  # noqa: BLE001 - whatever a report raises, the others go on
            self.env.cr.rollback()
            if len(message_ids) > 1:
                middle = len(message_ids) // 2
                self._render_or_split(message_ids[:middle])
                self._render_or_split(message_ids[middle:])
                return
            if isinstance(error, UserError):
                said = str(error)
            else:
                said = self.env._("The server log has the details.")
                task = f"making the PDF for message {message_ids}"
                log_failure(_logger, f"WhatsApp account {self.id}: {task} failed", error)
            self._in_fresh_transaction(self._give_up_rendering, message_ids, said)
        else:
            if rendered is not None:
                rendered = self._in_fresh_transaction(self._queue_rendered, rendered)
            if rendered is None:  # too many collisions are not the documents' fault
                self._in_fresh_transaction(self._give_back, message_ids)

    def _render(self, message_ids):
        """Make the PDFs, each in the name of who sent it. Writes nothing to the messages.

        :return: ``{message_id: Rendered}`` for those that still wait
        """
        messages = self._outbox.search([("id", "in", message_ids), ("state", "=", "preparing")])
        rendered = {}
        for (res_model, author), same in messages.grouped(
            lambda message: (message.res_model, message.create_uid)
        ).items():
            context = {
                "lang": author.lang,
                "allowed_company_ids": self.company_id.ids,
                ENGINE_CONTEXT_KEY: None,  # the documents' code gets no engine right
            }
            # sudo: whoever sent them could read them; what the core renders them with needs more
            documents = (
                self.env[res_model]
                .with_context(**context)
                .with_user(author)
                .sudo()
                .with_company(self.company_id)
                .browse(dict.fromkeys(same.mapped("res_id")))
            )
            files, problems = documents._ajw_whatsapp_make_files()
            rendered |= {
                message.id: Rendered(problem=problems.get(message.res_id, ""))
                for message in same
                if message.res_id not in files
            }
            ready = same.filtered(lambda message, files=files: message.res_id in files)
            rendered |= self._render_texts(ready, documents, files)
        return rendered

    def _render_texts(self, messages, documents, files):
        """Fill the templates in again, so that a text says what its PDF says.

        :param documents: the documents of the messages, as they were rendered
        :param dict files: ``{res_id: ir.attachment}``
        :return: ``{message_id: Rendered}``
        """
        rendered = {}
        for template, same in messages.grouped("template_id").items():
            used = documents.browse(dict.fromkeys(same.mapped("res_id")))
            texts, problems = used._ajw_whatsapp_render_many(template.with_env(used.env))
            for message in same:
                values = {}
                if text := texts.get(message.res_id):
                    values = {
                        "template_components": text.components,
                        "body": text.body_text,
                        "filename": documents.browse(message.res_id)._ajw_whatsapp_filename(),
                    }
                rendered[message.id] = Rendered(
                    files[message.res_id].id, values, problems.get(message.res_id, "")
                )
        return rendered

    def _queue_rendered(self, rendered):
        """Queue the messages that wait for what was made; others were decided meanwhile.

        To be called in a transaction that has just begun.

        :param dict rendered: ``{message_id: Rendered}``
        :return: ``True``
        :raises psycopg2.errors.SerializationFailure: a message changed this moment
        """
        if self.active:
            self._drop_cancelled()
        else:
            self._cancel_queue()
        messages = self._outbox.search(
            [("id", "in", list(rendered)), ("state", "=", "preparing")]
        )._lock_waiting()
        unsent = set()
        for message_id, made in rendered.items():
            message = self._outbox.browse(message_id)
            if message in messages and made.attachment_id and not made.problem:
                message._set_state(
                    "queued", attachment_id=made.attachment_id, retry_at=False, **made.values
                )
                continue
            unsent.add(made.attachment_id)
            if message in messages and made.attachment_id:
                message._set_state(
                    "failed",
                    failed_at=fields.Datetime.now(),
                    retry_at=False,
                    error_message=made.problem,
                    error_hint=self.env._(
                        "Nothing was sent. Send the document again once it is in order."
                    ),
                )
            elif message in messages:
                self._fail_rendering(message, made.problem)
        self._drop_files(unsent - {0})
        return True

    def _drop_files(self, attachment_ids):
        """Delete PDFs that were made for nothing, where their documents do not need them."""
        used = self._outbox.search([("attachment_id", "in", list(attachment_ids))]).attachment_id
        files = self.env["ir.attachment"].browse(attachment_ids - set(used.ids)).exists()
        for res_model, same in files.grouped("res_model").items():
            self.env[res_model]._ajw_whatsapp_disposable_files(same).unlink()

    def _give_up_rendering(self, message_ids, said):
        messages = self._outbox.search([("id", "in", message_ids), ("state", "=", "preparing")])
        self._fail_rendering(messages, said)
        return True

    def _give_back(self, message_ids):
        for message in self._outbox.browse(message_ids).exists():
            message.render_attempts -= 1

    def _fail_rendering(self, messages, said):
        """Fail messages whose PDF cannot be made.

        :param str said: what the report said; may name the customer, so only the message keeps it
        """
        messages._set_state(
            "failed",
            failed_at=fields.Datetime.now(),
            retry_at=False,
            error_message=" ".join(
                filter(None, [self.env._("The PDF could not be made."), said or ""])
            ),
            error_hint=self.env._(
                "The PDF of this document could not be made. Print the document to see why, "
                "then send it again."
            ),
        )
