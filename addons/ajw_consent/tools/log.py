"""Errors in the log without what they are about."""

import traceback


def log_failure(logger, message, error):
    """Log where something failed, and the type of the error.

    Its text is left out: it may quote a name or an address, as PostgreSQL's errors do.

    :param logger: ``logging.Logger``
    :param str message: what failed
    :param error: the exception
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s\n%s", message, type(error).__name__, frames)
