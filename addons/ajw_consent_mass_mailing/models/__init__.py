from . import (
    mail_blacklist,
    mail_mail,
    mail_thread,
    mailing_mailing,
    mailing_subscription,
    mailing_trace,
)
