from . import (
    ajw_consent_event,
    mail_blacklist,
    mail_mail,
    mail_notification,
    mail_thread,
    mailing_mailing,
    mailing_subscription,
    mailing_trace,
)
