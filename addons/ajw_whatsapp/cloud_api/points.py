"""The moments at which a sender may die without losing or doubling a message.

A test replaces :func:`reached` and ends the process there; in production nothing happens.
"""

CLAIMED = "claimed"  # taken out of the queue, not committed yet
CLAIM_COMMITTED = "claim_committed"  # nothing on the wire yet
BYTES_SENT = "bytes_sent"  # the message's request is out, its answer not read
ANSWER_READ = "answer_read"  # Meta's answer is known to this process only
RESULT_WRITTEN = "result_written"  # and committed

POINTS = (CLAIMED, CLAIM_COMMITTED, BYTES_SENT, ANSWER_READ, RESULT_WRITTEN)


def reached(point):
    """Note that the sender has come to one of :data:`POINTS`. Does nothing."""
