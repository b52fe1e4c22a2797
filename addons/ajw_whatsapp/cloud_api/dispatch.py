"""Uploads and sends a batch in plain threads.

Nothing here knows the ORM: jobs and results are plain data, so that no database transaction is open
while Meta is being waited for.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .errors import (
    STOP_ACCOUNT,
    THROTTLE_CODES,
    UNKNOWN_OBJECT,
    CloudApiError,
    ConnectionFailed,
    OutcomeUnknown,
)
from .payload import document_header, template_message


class SendJob(NamedTuple):
    """One message to send.

    :param int message_id: the outbox's own id
    :param bytes document: the PDF to upload first, ``None`` if there is none or it is uploaded
        already
    :param str media_id: Meta's id of an uploaded document, ``None`` if there is none
    """

    message_id: int
    to: str
    template: str
    language: str
    components: tuple
    callback_ref: str
    document: bytes | None = None
    filename: str | None = None
    mimetype: str = "application/pdf"
    media_id: str | None = None


class SendResult(NamedTuple):
    """What came of a job.

    :param str outcome: ``accepted``, ``error`` (see ``error``), ``unreached`` (nothing got to
        Meta), ``unknown`` (it may have been sent) or ``not_started``
    :param str wa_id: see :class:`.client.Sent`
    """

    message_id: int
    outcome: str
    wamid: str | None = None
    media_id: str | None = None
    error: CloudApiError | None = None
    wa_id: str | None = None


def dispatch(client, jobs, limiter, workers, start_until=None):
    """Carry the jobs out and return one result for each, in order.

    An error that concerns the whole account, or Meta asking to slow down, keeps the jobs behind it
    from starting.

    :param CloudApiClient client: shared by the threads
    :param list[SendJob] jobs: the batch
    :param TokenBucket limiter: paces the sends
    :param int workers: number of threads
    :param float start_until: value of ``time.monotonic()`` after which no further job starts
    :rtype: list[SendResult]
    """
    stop = threading.Event()

    def run(job):
        if stop.is_set() or (start_until is not None and time.monotonic() > start_until):
            return SendResult(job.message_id, "not_started", media_id=job.media_id)
        limiter.acquire()
        if stop.is_set():  # while waiting for the turn
            return SendResult(job.message_id, "not_started", media_id=job.media_id)
        result = _send(client, job)
        error = result.error
        if error is not None and (
            error.error_class == STOP_ACCOUNT
            or error.code in THROTTLE_CODES
            or error.http_status == 429
        ):
            stop.set()
        return result

    if not jobs:
        return []
    with ThreadPoolExecutor(
        max_workers=min(workers, len(jobs)), thread_name_prefix="ajw_whatsapp"
    ) as pool:
        return list(pool.map(run, jobs))


def delete_media(client, media_ids, workers):
    """Delete uploaded files.

    :param list[str] media_ids: Meta's ids
    :return: the ids that are gone now, or were before
    :rtype: set[str]
    """

    def run(media_id):
        try:
            client.delete_media(media_id)
        except CloudApiError as error:
            return error.code == UNKNOWN_OBJECT
        except (ConnectionFailed, OutcomeUnknown):
            return False
        return True

    if not media_ids:
        return set()
    with ThreadPoolExecutor(
        max_workers=min(workers, len(media_ids)), thread_name_prefix="ajw_whatsapp"
    ) as pool:
        deleted = pool.map(run, media_ids)
        return {media_id for media_id, gone in zip(media_ids, deleted, strict=True) if gone}


def _send(client, job):
    media_id = job.media_id
    components = list(job.components)
    if job.document is not None:
        try:
            media_id = client.upload_media(job.document, job.filename, job.mimetype)
        except CloudApiError as error:
            return SendResult(job.message_id, "error", error=error)
        except (ConnectionFailed, OutcomeUnknown):
            # An upload reaches nobody: doing it twice is harmless.
            return SendResult(job.message_id, "unreached")
        except Exception:  # noqa: BLE001 - a defect of ours must not take the batch with it
            return SendResult(job.message_id, "unreached")
    if media_id:
        components.insert(0, document_header(media_id, job.filename))
    payload = template_message(job.to, job.template, job.language, components, job.callback_ref)
    try:
        sent = client.send_message(payload)
    except CloudApiError as error:
        return SendResult(job.message_id, "error", media_id=media_id, error=error)
    except ConnectionFailed:
        return SendResult(job.message_id, "unreached", media_id=media_id)
    except OutcomeUnknown:
        return SendResult(job.message_id, "unknown", media_id=media_id)
    except Exception:  # noqa: BLE001 - a defect of ours; what Meta got of it nobody knows
        return SendResult(job.message_id, "unknown", media_id=media_id)
    return SendResult(
        job.message_id, "accepted", wamid=sent.wamid, media_id=media_id, wa_id=sent.wa_id
    )
