"""Bodies of the calls that send messages and submit templates.

Source: Meta, Cloud API reference "Messages" and "Message templates".
"""

import re
import unicodedata
from urllib.parse import quote

#: A place-holder: a name, or a number counted from 1.
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")

_WHITESPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
#: What only orders a text anew, up to its end if nobody ends it: of a name it would turn the amount
#: behind it round. The letters themselves say which way they run.
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: A percent sign that encodes nothing.
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: Halves of pairs, which no text may hold alone.
_SURROGATES = re.compile("[\ud800-\udfff]")

#: Kinds of characters that leave no mark: control, format, spaces.
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})

#: Meta's limits, in characters.
MAX_BODY = 1024
MAX_HEADER = 60
MAX_FOOTER = 60
#: Of a message with reply buttons.
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_BUTTON_ID = 256


def placeholders(text):
    """Return the names in a text, in order, each once.

    :rtype: list[str]
    """
    return list(dict.fromkeys(PLACEHOLDER.findall(text or "")))


def fill(text, values):
    """Return the text with its place-holders filled in; what has no value stays as it is.

    :param dict values: name → text
    """
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text or "")


def clean_parameter(text):
    """Return the text as Meta takes it for a variable: one line, no runs of spaces.

    Nothing is cut off: what is too long has to be said, see :mod:`.template_checks`. What nobody
    would see anything of is empty.
    """
    text = _SURROGATES.sub("", _DIRECTIONS.sub("", str(text)))
    text = _WHITESPACE.sub(" ", text).strip()
    if text.isascii() or any(unicodedata.category(char) not in _INVISIBLE for char in text):
        return text
    return ""


def clean_link(text):
    """Return the text as the end of an address: what may not stand in one is percent-encoded.

    :param str text: as of :func:`clean_parameter`; may be encoded already
    """
    return quote(_STRAY_PERCENT.sub("%25", text), safe="%/?#[]@!$&'()*+,;=:~")


def text_parameters(values, named):
    """Return Meta's parameters for one component.

    :param list values: (name, text) in order
    :param bool named: whether the template's place-holders are names
    """
    return [
        {"type": "text", "parameter_name": name, "text": text}
        if named
        else {"type": "text", "text": text}
        for name, text in values
    ]


def url_button(index, suffix):
    """Return the component that completes the address of a link button.

    :param int index: position among the template's buttons, from 0
    :param str suffix: what stands for the address's place-holder
    """
    return {
        "type": "button",
        "sub_type": "url",
        "index": str(index),
        "parameters": [{"type": "text", "text": suffix}],
    }


def document_header(media_id, filename):
    """Return the header component with an uploaded PDF."""
    return {
        "type": "header",
        "parameters": [
            {"type": "document", "document": {"id": media_id, "filename": filename}},
        ],
    }


def with_document(payload, media_id, filename):
    """Return the body of a template message with an uploaded PDF at its head.

    :param dict payload: see :func:`template_message`; is not changed
    """
    template = payload["template"]
    components = [document_header(media_id, filename), *template["components"]]
    return {**payload, "template": {**template, "components": components}}


def template_message(to, name, language, components, callback_ref):
    """Return the body that sends a template.

    :param str to: number in E.164 with leading ``+``
    :param str name: the template's name
    :param str language: the template's language code
    :param list components: header, body and button components
    :param str callback_ref: comes back with every status (at most 512 characters)
    """
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": language},
            "components": list(components),
        },
        "biz_opaque_callback_data": callback_ref,
    }


def reply_buttons_message(to, body, buttons, callback_ref):
    """Return the body that sends a text with up to three buttons to answer it by.

    It needs no template, and so goes only to somebody who wrote within the last 24 hours. Source:
    Meta, Cloud API reference "Interactive reply buttons messages".

    :param str to: number in E.164 with leading ``+``
    :param str body: the text, at most :data:`MAX_BODY` characters
    :param list buttons: (id, title) pairs; the id comes back with the answer
    :param str callback_ref: comes back with every status (at most 512 characters)
    :raises ValueError: longer or more than Meta takes
    """
    if not 0 < len(buttons) <= MAX_BUTTONS or not 0 < len(body) <= MAX_BODY:
        raise ValueError("text or number of buttons")
    if any(
        not 0 < len(key) <= MAX_BUTTON_ID or not 0 < len(title) <= MAX_BUTTON_TITLE
        for key, title in buttons
    ):
        raise ValueError("button")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": body},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": key, "title": title}}
                    for key, title in buttons
                ]
            },
        },
        "biz_opaque_callback_data": callback_ref,
    }


def template_definition(
    *,
    name,
    language,
    category,
    named,
    body,
    body_samples,
    header_text=None,
    header_samples=(),
    header_handle=None,
    footer=None,
    buttons=(),
):
    """Return the body that submits a template.

    :param list body_samples: (name, example) of the text's variables, in order
    :param list header_samples: the same for a text header
    :param str header_handle: handle of the example document, for a document header
    :param list buttons: dicts with ``type``, ``text`` and ``url`` + ``example`` or ``phone_number``
    """
    components = []
    if header_handle:
        components.append(
            {"type": "HEADER", "format": "DOCUMENT", "example": {"header_handle": [header_handle]}}
        )
    elif header_text:
        header = {"type": "HEADER", "format": "TEXT", "text": header_text}
        if header_samples:
            header["example"] = (
                {"header_text_named_params": _named_samples(header_samples)}
                if named
                else {"header_text": [sample for _name, sample in header_samples]}
            )
        components.append(header)
    text = {"type": "BODY", "text": body}
    if body_samples:
        text["example"] = (
            {"body_text_named_params": _named_samples(body_samples)}
            if named
            else {"body_text": [[sample for _name, sample in body_samples]]}
        )
    components.append(text)
    if footer:
        components.append({"type": "FOOTER", "text": footer})
    if buttons:
        components.append({"type": "BUTTONS", "buttons": [_button(button) for button in buttons]})
    return {
        "name": name,
        "language": language,
        "category": category,
        "parameter_format": "NAMED" if named else "POSITIONAL",
        "components": components,
    }


def _named_samples(samples):
    return [{"param_name": name, "example": sample} for name, sample in samples]


def _button(button):
    result = {"type": button["type"], "text": button["text"]}
    if button["type"] == "URL":
        result["url"] = button["url"]
        if button.get("example"):
            result["example"] = [button["example"]]
    elif button["type"] == "PHONE_NUMBER":
        result["phone_number"] = button["phone_number"]
    return result
