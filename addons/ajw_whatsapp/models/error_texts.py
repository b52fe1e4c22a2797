"""What Meta's errors mean to a user, what to do about them, and where.

Source: Meta, Cloud API, "Error codes"; WhatsApp Business Management API, "Template rejected" and
"Messaging health status". The wording is ours.
"""

from typing import NamedTuple

from odoo.tools.translate import LazyTranslate

from ..cloud_api import errors

_lt = LazyTranslate(__name__)

# Pages at Meta.
SYSTEM_USERS = "https://business.facebook.com/settings/system-users"
NUMBERS = "https://business.facebook.com/wa/manage/phone-numbers/"
BILLING = "https://business.facebook.com/billing_hub/accounts"
SUPPORT_HOME = "https://business.facebook.com/business-support-home/"
APPS = "https://developers.facebook.com/apps/"
STATUS = "https://metastatus.com/whatsapp-business-api"
# Forms in Odoo.
CONTACT, TEMPLATE, ACCOUNT, DOCUMENT = "contact", "template", "account", "document"


class Advice(NamedTuple):
    """Help with an error.

    :param sentence: what it means
    :param todo: what to do
    :param str where: where to do it: an address at Meta, or the form of the ``contact``,
        ``template``, ``account`` or ``document``; ``None`` when there is nothing to be done
    """

    sentence: object
    todo: object
    where: str | None


_WAIT = _lt("It is tried again by itself.")
_TOKEN = _lt("Enter the permanent token of your system user on the WhatsApp account.")
_PERMISSION = Advice(
    _lt("The access token lacks a permission."),
    _lt("Give your system user whatsapp_business_messaging and whatsapp_business_management."),
    SYSTEM_USERS,
)
_REPORT = _lt("Tell whoever looks after this software, with the number of the message.")
_VARIABLES = _lt("Synchronise the templates and check the variables.")

EXPIRED_TOKEN = Advice(
    _lt("The access token has expired."),
    _lt("Create a permanent token for your system user and enter it on the WhatsApp account."),
    SYSTEM_USERS,
)

BY_CODE = {
    # passes by itself
    1: Advice(_lt("Meta had a fault it does not explain."), _WAIT, STATUS),
    2: Advice(_lt("Meta's service is down for the moment."), _WAIT, STATUS),
    4: Advice(_lt("The app made too many calls in a short time."), _WAIT, None),
    80007: Advice(_lt("The business account made too many calls in a short time."), _WAIT, None),
    130429: Advice(_lt("The number sent faster than Meta allows it."), _WAIT, None),
    131000: Advice(_lt("Meta could not send it and does not say why."), _WAIT, STATUS),
    131016: Advice(_lt("Meta's service is overloaded for the moment."), _WAIT, STATUS),
    131056: Advice(
        _lt("Too many messages went to this one number in a short time."),
        _lt("It is tried again by itself, with growing pauses."),
        None,
    ),
    131057: Advice(_lt("Meta is doing maintenance on the account."), _WAIT, STATUS),
    # held
    131048: Advice(
        _lt("Meta holds the number's messages back: people blocked or reported it."),
        _lt(
            "It is tried again in a day. Meanwhile look at the number's quality, and send only "
            "what people asked for."
        ),
        NUMBERS,
    ),
    131049: Advice(
        _lt("Meta did not deliver it, so that this person gets no more messages for now."),
        _lt("It is tried again in a day; use another channel if it is urgent."),
        None,
    ),
    131064: Advice(
        _lt("Meta holds the account's messages back while it looks into the account."),
        _lt("It is tried again in a day. Meanwhile see what Meta asks of you."),
        SUPPORT_HOME,
    ),
    131050: Advice(
        _lt("This person told Meta to stop marketing messages from you."),
        _lt("Nothing: it was recorded as a withdrawal."),
        None,
    ),
    # the address
    131021: Advice(
        _lt("Sender and recipient are the same number."),
        _lt("Enter the customer's own number on the contact."),
        CONTACT,
    ),
    131026: Advice(
        _lt("This number cannot receive it: it is not on WhatsApp, or has not accepted its terms."),
        _lt("Ask the customer for another number."),
        CONTACT,
    ),
    131030: Advice(
        _lt("Meta's test number writes only to the numbers allowed in the app dashboard."),
        _lt("Add this one under WhatsApp › API setup."),
        APPS,
    ),
    131062: Advice(
        _lt("This message cannot go to a user name without a number."),
        _lt("Ask the customer for a number."),
        CONTACT,
    ),
    131047: Advice(
        _lt("The customer has not written in the last 24 hours, so only a template can be sent."),
        _lt("Send the document again with an approved template."),
        DOCUMENT,
    ),
    # the template
    132000: Advice(
        _lt("The number of variables differs from what Meta approved."), _VARIABLES, TEMPLATE
    ),
    132001: Advice(
        _lt("Meta does not know this template in this language."),
        _lt("Synchronise the templates."),
        TEMPLATE,
    ),
    132005: Advice(
        _lt("With the variables filled in, the text is longer than Meta takes."),
        _lt("Shorten the template or what fills its variables in."),
        TEMPLATE,
    ),
    132007: Advice(
        _lt("The text breaks a rule of WhatsApp."),
        _lt("Change the template, and submit it again."),
        TEMPLATE,
    ),
    132008: Advice(
        _lt("A variable's value is of a form that Meta does not take."), _VARIABLES, TEMPLATE
    ),
    132012: Advice(_lt("A variable is of another kind than Meta approved."), _VARIABLES, TEMPLATE),
    132015: Advice(
        _lt("Meta paused this template for low quality."),
        _lt("Use another one meanwhile, or change it and submit it again."),
        TEMPLATE,
    ),
    132016: Advice(
        _lt("Meta disabled this template for low quality."),
        _lt("Use another one; this one does not come back."),
        TEMPLATE,
    ),
    132018: Advice(
        _lt("A part of the template was filled in as Meta does not allow it."),
        _VARIABLES,
        TEMPLATE,
    ),
    # the call
    100: Advice(
        _lt("Meta does not know what was asked for."),
        _lt(
            "Check the phone number ID and the business account ID, and whether the token may see "
            "them."
        ),
        ACCOUNT,
    ),
    131008: Advice(_lt("The message lacks something that Meta wants."), _REPORT, None),
    131009: Advice(
        _lt("A value of the message is none that Meta takes."),
        _lt("Check the number on the contact and the template's variables."),
        CONTACT,
    ),
    131051: Advice(_lt("Meta does not take this kind of message."), _REPORT, None),
    131052: Advice(
        _lt("Meta could not fetch the document."), _lt("Send the document again."), DOCUMENT
    ),
    131053: Advice(
        _lt("Meta could not take the document: its size or kind is not allowed."),
        _lt("Put the PDF right and send the document again."),
        DOCUMENT,
    ),
    # the account
    0: Advice(
        _lt("Meta does not accept the access token."),
        _lt("Enter a valid one on the account."),
        SYSTEM_USERS,
    ),
    190: Advice(_lt("Meta does not accept the access token."), _TOKEN, SYSTEM_USERS),
    10: _PERMISSION,
    131005: _PERMISSION,
    368: Advice(
        _lt("Meta blocked the account for a time because it broke a rule."),
        _lt("Read what Meta says, and ask for a review if it is wrong."),
        SUPPORT_HOME,
    ),
    130497: Advice(
        _lt("Meta does not let the account write to people of this country."),
        _lt("Read what Meta says about your business, and use another channel meanwhile."),
        SUPPORT_HOME,
    ),
    131031: Advice(
        _lt("Meta locked the account: it broke a rule, or its data could not be verified."),
        _lt("Read what Meta says, and ask for a review if it is wrong."),
        SUPPORT_HOME,
    ),
    131037: Advice(
        _lt("Meta has not approved the number's display name."),
        _lt("Choose a name that names your business, and wait for the approval."),
        NUMBERS,
    ),
    131042: Advice(
        _lt("Meta sends nothing until the payment method of the business account is in order."),
        _lt("Enter or renew the payment method, and pay what is due."),
        BILLING,
    ),
    131045: Advice(
        _lt("The number could not be used: its registration at Meta is not in order."),
        _lt("Register the number again with its PIN."),
        ACCOUNT,
    ),
    131063: Advice(
        _lt("Meta does not let the account send this kind of message."),
        _lt("Read what Meta says about your account."),
        SUPPORT_HOME,
    ),
    133010: Advice(
        _lt("This number is not registered with the Cloud API yet."),
        _lt("Register it first."),
        ACCOUNT,
    ),
    130472: Advice(
        _lt("Meta left this person out of marketing messages for an experiment of its own."),
        _lt("Use another channel: sending it again does not help."),
        DOCUMENT,
    ),
}

BY_CLASS = {
    errors.RETRY: Advice(_lt("A passing fault at Meta."), _WAIT, STATUS),
    errors.NOT_META: Advice(
        _lt("Not Meta answered, but something on the way there: a proxy, a firewall, a gateway."),
        _lt(
            "It is tried again by itself. If it goes on, look at the proxy. Check the API address "
            "and version of the account."
        ),
        ACCOUNT,
    ),
    errors.HOLD: Advice(
        _lt("Meta holds messages to this person back."), _lt("It is tried again in a day."), None
    ),
    errors.OPT_OUT: BY_CODE[131050],
    errors.FIX_ADDRESS: Advice(
        _lt("This number cannot be reached on WhatsApp."),
        _lt("Ask the customer for another one."),
        CONTACT,
    ),
    errors.NEEDS_TEMPLATE: BY_CODE[131047],
    errors.FIX_TEMPLATE: Advice(
        _lt("The template or its variables do not fit what Meta approved."), _VARIABLES, TEMPLATE
    ),
    errors.FIX_REQUEST: Advice(
        _lt("Meta did not understand the call."),
        _lt("Check the API address and version of the account."),
        ACCOUNT,
    ),
    errors.STOP_ACCOUNT: Advice(
        _lt("Meta sends nothing for this account until someone acts."),
        _lt("Look into Meta's Business Manager, then test the connection again."),
        SUPPORT_HOME,
    ),
    errors.NEVER: Advice(
        _lt("Meta will not deliver this message."), _lt("Use another channel."), DOCUMENT
    ),
}
