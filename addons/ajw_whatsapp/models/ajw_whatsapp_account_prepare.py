import logging
import os
import re

from odoo import models

from ..cloud_api import media_checks
from ..cloud_api.dispatch import DocumentRef, SendJob
from ..cloud_api.payload import template_message
from .ajw_whatsapp_account_writeback import NOT_OURS
from .selections import SENDABLE_STATUSES

_logger = logging.getLogger(__name__)


class AjwWhatsappAccount(models.Model):
    """Making claimed messages ready for the sender's threads, or saying why one cannot be sent."""

    _inherit = "ajw.whatsapp.account"

    def _prepare(self, message, document_problem):
        """Make a message ready.

        :param str document_problem: see :meth:`_content_problem`
        :return: :class:`SendJob`, or (what is wrong, what to do)
        """
        problem = self._content_problem(message, document_problem)
        if problem:
            return problem
        job = self._prepare_job(message)
        if job.document and not job.media_id:
            return self._file_problem(job.document) or job
        return job

    def _complete_jobs(self, jobs, messages, now):
        """Add to jobs what is made for messages that leave now only.

        :param dict jobs: message id → :class:`SendJob`; replaced in it
        :param messages: those that have a place in every limit
        :return: the messages that can leave; the places of the others are free again
        """
        completed = self._each_alone(
            lambda message: self._complete_job(message, jobs[message.id]), messages
        )
        going = messages.browse()
        for message, job in completed.items():
            if not self._is_problem(message, job, now):
                jobs[message.id] = job
                going += message
        self._give_back_places((messages - going).ids)
        return going

    def _each_alone(self, function, messages):
        """Call a function for each message; one that breaks it must not keep the others.

        Together at first, which costs one savepoint; each in one of its own when that fails.

        :param function: takes a message, and may raise anything
        :param messages: records, or a list of them
        :return: message → result; where the function raised, what is wrong and what to do
        :rtype: dict
        """
        try:
            with self.env.cr.savepoint():
                return {message: function(message) for message in messages}
        except NOT_OURS:
            raise
        except Exception:  # noqa: BLE001 - found out below whose it is
            results = {}
        for message in messages:
            try:
                with self.env.cr.savepoint():
                    results[message] = function(message)
            except NOT_OURS:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                _logger.error(  # without the error's text, which may hold personal data
                    "WhatsApp account %s: message %s cannot be made ready: %s",
                    self.id,
                    message.id,
                    type(error).__name__,
                )
                results[message] = (
                    self.env._("The message could not be made ready for sending."),
                    self.env._("Look at its document and its contact, and send it again."),
                )
        return results

    def _is_problem(self, message, job, now):
        """Fail a message that there is no job for.

        :param job: :class:`SendJob`, or (what is wrong, what to do)
        :return: whether there is none
        :rtype: bool
        """
        if isinstance(job, SendJob):
            return False
        message._set_state("failed", failed_at=now, error_message=job[0], error_hint=job[1])
        return True

    def _content_problem(self, message, document_problem):
        """Return (what is wrong, what to do) when a message cannot be sent, else ``None``.

        :param str document_problem: why the document itself must not go, see
            ``ajw.whatsapp.message._document_problems``
        """
        template = message.template_id
        if document_problem:
            # It was cancelled, set back to draft or deleted after someone pressed the button.
            return (
                document_problem,
                self.env._("Nothing was sent. Send the document again once it is in order."),
            )
        if template.account_id != self or not template.active:
            return (
                self.env._("The template is not one of this account's any more."),
                self.env._("Open the document and send it again with another template."),
            )
        if template.status not in SENDABLE_STATUSES:
            status = dict(template._fields["status"]._description_selection(self.env))[
                template.status
            ]
            return (
                self.env._(
                    "Meta has not approved the template %(name)s: %(status)s.",
                    name=template.name,
                    status=status,
                ),
                self.env._("Synchronise the templates, or use an approved one."),
            )
        return None

    def _file_problem(self, document):
        """Return (what is wrong, what to do) when a file cannot be sent, else ``None``.

        :param DocumentRef document: the file
        """
        if not document.size:
            return (
                self.env._("The document to send is missing."),
                self.env._("Open the document and send it again."),
            )
        key = media_checks.problem(
            document.filename, document.mimetype, document.size, document.head()
        )
        return self._media_problem(key) if key else None

    def _prepare_job(self, message):
        """Return what the sender's threads need to know of a message.

        :rtype: SendJob
        """
        template = message.template_id
        document = None
        if template.header_type == "document":
            document = self._document_ref(message)
        return SendJob(
            message_id=message.id,
            payload=template_message(
                message.number,
                template.name,
                template.language,
                message.template_components or (),
                message.callback_ref,
            ),
            document=document,
            media_id=message.media_id or None,
        )

    def _complete_job(self, message, job):
        """Add to a message's job what is made when the message leaves, and not before.

        :param SendJob job: the message's
        :rtype: SendJob
        """
        return job

    def _document_ref(self, message):
        """Return where the threads find a message's document.

        They read it from the file store when its turn comes, so that a claim holds no documents in
        memory; only what stands in the database, or in a store of another kind, is read here.

        :rtype: DocumentRef
        """
        attachment = message.attachment_id
        path = attachment.store_fname and attachment._full_path(attachment.store_fname)
        if path and not os.path.isfile(path):
            path = None
        content = None
        if not path and not message.media_id:
            # alone: reading the bytes of one of many would read those of all of them
            content = attachment.with_prefetch(attachment.ids).raw or b""
        return DocumentRef(
            path=path or None,
            content=content,
            # a number such as SO/2026/7 is no path
            filename=re.sub(r"[/\\]", "_", message.filename or attachment.name or ""),
            mimetype=attachment.mimetype or "application/pdf",
            size=os.path.getsize(path) if path else len(content or b""),
        )
