"""Free-form messages: answers inside the window that a person's own message opens.

Source: Meta, Cloud API reference "Text messages", and "Customer service windows": 24 hours from the
person's last message, not from ours.
"""

from datetime import timedelta

#: Meta's customer service window, less the time that a message may need on its way.
WINDOW = timedelta(hours=24) - timedelta(minutes=10)

#: Longest text that Meta takes.
MAX_TEXT = 4096


def text_message(body, callback_ref, *, to=None, recipient=None):
    """Return the body that sends a text.

    :param str body: at most :data:`MAX_TEXT` characters
    :param str callback_ref: comes back with every status (at most 512 characters)
    :param str to: number in E.164 with leading ``+``
    :param str recipient: business-scoped user id, for a person whose number is not known
    :raises ValueError: the text is empty or too long, or there is nobody to send it to
    """
    if not 0 < len(body) <= MAX_TEXT:
        raise ValueError("length of the text")
    if not (to or recipient):
        raise ValueError("nobody to send it to")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": to} if to else {"recipient": recipient}),
        "type": "text",
        "text": {"body": body, "preview_url": False},
        "biz_opaque_callback_data": callback_ref,
    }
