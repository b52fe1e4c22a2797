"""Uploads and sends messages in plain threads.

Nothing here knows the ORM: jobs and results are plain data, so that no database transaction is open
while Meta is being waited for.
"""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import points
from .errors import (
    PAIR_CODE,
    SILENT_LIMIT,
    STOP_ACCOUNT,
    STOP_RUN_CODES,
    UNKNOWN_OBJECT,
    CloudApiError,
    ConnectionFailed,
    OutcomeUnknown,
)
from .payload import with_document

#: How much the newest answer counts in the mean time that one takes.
_NEWEST = 0.1
#: Bytes of a document that tell what it is.
HEAD_BYTES = 1024


class DocumentRef(NamedTuple):
    """A document to upload; its bytes are read when its turn comes.

    :param str path: the file; ``None`` when ``content`` holds the bytes
    :param bytes content: ``None`` when they stand in ``path``
    :param str filename: what the recipient sees
    :param str mimetype: for example ``application/pdf``
    :param int size: in bytes
    """

    path: str | None
    content: bytes | None
    filename: str
    mimetype: str
    size: int

    def read(self):  # pylint: disable=method-required-super  # no model
        """Return the document's bytes.

        :raises OSError: the file is gone, or cannot be read
        """
        return Path(self.path).read_bytes() if self.content is None else self.content

    def head(self):
        """Return the document's first bytes; none when it cannot be read."""
        if self.content is not None:
            return self.content[:HEAD_BYTES]
        try:
            with open(self.path, "rb") as file:
                return file.read(HEAD_BYTES)
        except OSError:
            return b""


#: Seconds: no batch takes so long.
LONGEST_WAIT = 24 * 3600.0


class SendJob(NamedTuple):
    """One message to send.

    :param int message_id: the outbox's own id
    :param dict payload: body of the call, see :mod:`.payload`; without the header of a document
    :param DocumentRef document: what stands at the message's head, ``None`` if nothing does
    :param str media_id: Meta's id of the document if it was uploaded before
    :param str claim: what marks this claim of the message; comes back with the result
    """

    message_id: int
    payload: dict
    document: DocumentRef | None = None
    media_id: str | None = None
    claim: str | None = None


class SendResult(NamedTuple):
    """What came of a job.

    :param str outcome: ``accepted``, ``error`` (see ``error``), ``unreached`` (nothing got to
        Meta), ``unreadable`` (the document could not be read, nothing was sent), ``unknown`` (it
        may have been sent) or ``not_started``
    :param str wa_id: see :class:`.client.Sent`
    :param float usage: how much of its limits Meta said is used up, 0 to 1; ``None`` if it did not
    :param float retry_after: seconds that the answer asked to wait, a page of a gateway's too;
        ``None`` if it did not
    :param str claim: the job's
    :param str connection: the dispatcher's
    """

    message_id: int
    outcome: str
    wamid: str | None = None
    media_id: str | None = None
    error: CloudApiError | None = None
    wa_id: str | None = None
    usage: float | None = None
    retry_after: float | None = None
    claim: str | None = None
    connection: str | None = None

    @property
    def from_meta(self):
        """Whether Meta works and answered, and nothing in its place: ``None`` when it was not
        asked."""
        if self.outcome in ("not_started", "unreadable"):
            return None
        return self.outcome == "accepted" or (self.error is not None and self.error.is_answer)

    @property
    def pause(self):
        """Seconds for which nothing more may be sent from the number, 0 for none.

        Too many messages to one recipient concern nobody else.
        """
        if self.error is not None and self.error.code == PAIR_CODE:
            return 0
        return self.retry_after or (self.error and self.error.retry_after) or 0


class Dispatcher:
    """Sends jobs, as many at once as it has threads; one for each run of a sender.

    An error that concerns the whole account, or Meta asking to slow down, keeps all jobs that have
    not started from starting. So do :data:`.errors.SILENT_LIMIT` results in a row that are not
    Meta's word: what a gateway answers, or nobody, may have been sent or not, and asking on would
    leave all of the queue uncertain.

    :param CloudApiClient client: shared by the threads
    :param Pace pace: spaces the messages out
    :param int workers: number of threads
    :param str connection: what tells this client's connection from another; goes into the results
    :param bool probing: whether Meta did not answer lately: one such result is enough then
    """

    def __init__(self, client, pace, workers, connection=None, probing=False):
        self._client = client
        #: see above
        self.connection = connection
        self._pace = pace
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ajw_whatsapp")
        self._results = queue.SimpleQueue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._silent = 0
        #: whether Meta's first answer is yet to come: one job at a time is enough until then
        self.probing = probing
        #: jobs whose results were not collected yet
        self.pending = 0
        #: mean seconds from a job's start to its result, without waiting for its turn
        self.seconds = 0.0

    @property
    def stopped(self):
        """Whether nothing more starts."""
        return self._stop.is_set()

    def submit(self, jobs, start_until):
        """Have jobs sent.

        :param list[SendJob] jobs: each is sent once, in about this order
        :param float start_until: value of ``time.monotonic()`` after which none of them starts
        """
        for job in jobs:
            self.pending += 1
            self._pool.submit(self._run, job, start_until)

    def collect(self, timeout, at_least=1):
        """Return results, each once.

        :param float timeout: seconds to wait
        :param int at_least: how many to wait for; never more than there can be
        :rtype: list[SendResult]
        """
        deadline = time.monotonic() + timeout
        results = []
        wanted = min(at_least, self.pending)
        while self.pending:
            try:
                if len(results) < wanted:
                    # A lock cannot wait for ever, as ``inf`` would have it.
                    wait = min(max(0.0, deadline - time.monotonic()), LONGEST_WAIT)
                    results.append(self._results.get(timeout=wait))
                else:
                    results.append(self._results.get_nowait())
            except queue.Empty:
                break
            self.pending -= 1
        return results

    def close(self):
        """Wait for what is on the wire, start nothing more, and return the remaining results."""
        self._stop.set()
        self._pool.shutdown(wait=True)
        return self.collect(0, self.pending)

    def _run(self, job, start_until):
        try:
            result = self._carry_out(job, start_until)
        except Exception:  # noqa: BLE001 - a defect of ours; what Meta got of it nobody knows
            result = SendResult(job.message_id, "unknown", media_id=job.media_id)
        self._listen(result)
        self._results.put(result._replace(claim=job.claim, connection=self.connection))

    def _listen(self, result):
        """Start nothing more where Meta does not answer."""
        answered = result.from_meta
        if answered is None:
            return
        with self._lock:
            if answered:
                self._silent, self.probing = 0, False
            else:
                self._silent += 1
            if self._silent >= (1 if self.probing else SILENT_LIMIT):
                self._stop.set()

    def _carry_out(self, job, start_until):
        def may_start():
            return not self._stop.is_set() and time.monotonic() <= start_until

        if not may_start():
            return SendResult(job.message_id, "not_started", media_id=job.media_id)
        begun = time.monotonic()
        media_id, failure = job.media_id, None
        if job.document is not None and not media_id:
            media_id, failure = _upload(self._client, job)
        uploaded = time.monotonic()
        if failure is None:
            # Uploads reach nobody and do not count: the turn is waited for with the document there.
            if not self._pace.acquire(start_until) or not may_start():
                return SendResult(job.message_id, "not_started", media_id=media_id)
        sending = time.monotonic()
        result = failure or _send(self._client, job, media_id)
        if result.outcome != "unreadable":  # else there was no call
            result = result._replace(retry_after=self._client.retry_after)
        taken = time.monotonic() - sending + uploaded - begun
        self.seconds += (taken - self.seconds) * (_NEWEST if self.seconds else 1)
        error = result.error
        if result.pause or (
            error is not None
            and (
                error.error_class == STOP_ACCOUNT
                or error.code in STOP_RUN_CODES
                or (error.http_status == 429 and error.code != PAIR_CODE)
            )
        ):
            self._stop.set()
        return result


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


def _upload(client, job):
    """Upload a job's document.

    :return: Meta's id of it, and the result to give up with where there is none
    :rtype: tuple[str | None, SendResult | None]
    """
    document = job.document
    try:
        content = document.read()
    except OSError:  # gone from the file store since it was claimed
        return None, SendResult(job.message_id, "unreadable")
    try:
        return client.upload_media(content, document.filename, document.mimetype), None
    except CloudApiError as error:
        return None, SendResult(job.message_id, "error", error=error, usage=client.usage)
    except (ConnectionFailed, OutcomeUnknown):
        # An upload reaches nobody: doing it twice is harmless.
        return None, SendResult(job.message_id, "unreached")
    except Exception:  # noqa: BLE001 - a defect of ours must not take the batch with it
        return None, SendResult(job.message_id, "unreached")


def _send(client, job, media_id):
    payload = job.payload
    if media_id and job.document is not None:
        payload = with_document(payload, media_id, job.document.filename)
    try:
        sent = client.send_message(payload)
    except CloudApiError as error:
        points.reached(points.ANSWER_READ)
        return SendResult(
            job.message_id, "error", media_id=media_id, error=error, usage=client.usage
        )
    except ConnectionFailed:
        return SendResult(job.message_id, "unreached", media_id=media_id)
    except OutcomeUnknown:
        return SendResult(job.message_id, "unknown", media_id=media_id)
    except Exception:  # noqa: BLE001 - a defect of ours; what Meta got of it nobody knows
        return SendResult(job.message_id, "unknown", media_id=media_id)
    points.reached(points.ANSWER_READ)
    return SendResult(
        job.message_id,
        "accepted",
        wamid=sent.wamid,
        media_id=media_id,
        wa_id=sent.wa_id,
        usage=client.usage,
    )
