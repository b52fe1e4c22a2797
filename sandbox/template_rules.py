"""What Meta checks when a template is created or edited, and when one is sent.

Sources: Meta, "Template components", "Template fundamentals" and the error code list.
"""

import re

from .errors import MetaError, invalid

CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
MEDIA_FORMATS = ("DOCUMENT", "IMAGE", "VIDEO")
HEADER_FORMATS = (*MEDIA_FORMATS, "TEXT", "LOCATION")
BUTTON_TYPES = (
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "COPY_CODE",
    "OTP",
    "FLOW",
    "CATALOG",
    "MPM",
    "SPM",
    "VOICE_CALL",
)
# Buttons that take a parameter when the template is sent, and those that must have one.
_BUTTON_PARAMETER = {"QUICK_REPLY", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM", "SPM"}
_BUTTON_MUST = {"COPY_CODE", "OTP", "MPM", "SPM"}
BODY_LIMIT = 1024
HEADER_LIMIT = 60
FOOTER_LIMIT = 60
BUTTON_LIMIT = 25

_VARIABLE = re.compile(r"\{\{\s*([^{}\s]*)\s*\}\}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BAD_WHITESPACE = re.compile(r"[\n\r\t]| {5,}")


def variables(text):
    """Return the variables of a text, in order of first use: ["1", "2"] or ["name", …]."""
    return list(dict.fromkeys(_VARIABLE.findall(text or "")))


def substitute(text, values):
    """Put values into `{{…}}`; a variable without a value stays visible."""
    return _VARIABLE.sub(lambda match: str(values.get(match[1], match[0])), text or "")


def component(components, kind):
    """Return the component of a kind ("BODY", …), or None."""
    for item in components:
        if str(item.get("type", "")).upper() == kind:
            return item
    return None


def buttons_of(components):
    return (component(components, "BUTTONS") or {}).get("buttons") or []


def _refuse(title, message, subcode):
    raise MetaError(
        100,
        message="Invalid parameter",
        subcode=subcode,
        user_title=title,
        user_message=message,
    )


def check_new(values, known_handle):
    """Check a template that is to be created.

    :param dict values: the request.
    :param known_handle: function telling whether a `header_handle` was issued here.
    :return: dict with name, language, category, parameter_format, components.
    :raises MetaError: as Meta would answer.
    """
    name, language = values.get("name"), values.get("language")
    for field in ("name", "language", "category"):
        if not values.get(field):
            raise MetaError(100, message=f"(#100) The parameter {field} is required.")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        _refuse(
            "Invalid template name",
            "The name may hold lowercase letters, digits and underscores only.",
            2388072,
        )
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise invalid("Param language must be a supported language code, e.g. en or en_US")
    parameter_format = str(values.get("parameter_format") or "POSITIONAL").upper()
    if parameter_format not in ("POSITIONAL", "NAMED"):
        raise invalid("Param parameter_format must be one of {POSITIONAL, NAMED}")
    return {
        "name": name,
        "language": language,
        "category": check_category(values["category"]),
        "parameter_format": parameter_format,
        "components": check_components(
            values.get("components"), values["category"], parameter_format, known_handle
        ),
    }


def check_category(category):
    """Return the category in capitals, or refuse it."""
    if str(category).upper() not in CATEGORIES:
        raise invalid(f"Param category must be one of {{{', '.join(CATEGORIES)}}}")
    return str(category).upper()


def check_components(components, category, parameter_format, known_handle):
    """Check the components of a template; see `check_new`. Return them normalised."""
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise invalid("Param components must be an array of objects")
    checked, seen = [], set()
    for item in components:
        kind = str(item.get("type", "")).upper()
        if kind not in ("HEADER", "BODY", "FOOTER", "BUTTONS"):
            raise invalid(f"Param components has an unknown type: {item.get('type')!r}")
        if kind in seen:
            raise invalid(f"Component {kind} occurs more than once")
        seen.add(kind)
        checked.append({**item, "type": kind})
    if "BODY" not in seen:
        raise invalid("A BODY component is required")
    if str(category).upper() == "AUTHENTICATION":
        return checked
    for item in checked:
        if item["type"] == "HEADER":
            _check_header(item, parameter_format, known_handle)
        elif item["type"] == "BODY":
            _check_body(item, parameter_format)
        elif item["type"] == "FOOTER":
            _check_text(item.get("text"), FOOTER_LIMIT, "FOOTER")
            if variables(item["text"]):
                raise invalid("component of type FOOTER may not have variables")
        else:
            item["buttons"] = _check_buttons(item.get("buttons"))
    return checked


def _check_text(text, limit, place):
    if not isinstance(text, str) or not text.strip():
        raise invalid(f"component of type {place} is missing text")
    if len(text) > limit:
        _refuse("Text too long", f"The {place} may have up to {limit} characters.", 2388040)


def _check_variables(text, parameter_format):
    found = variables(text)
    if parameter_format == "POSITIONAL":
        if found != [str(number) for number in range(1, len(found) + 1)]:
            _refuse(
                "Variables are not in order",
                "Positional variables must be {{1}}, {{2}}, … in order, without gaps.",
                2388073,
            )
    elif not all(_PARAMETER_NAME.fullmatch(name) for name in found):
        _refuse(
            "Invalid variable name",
            "Named variables may hold lowercase letters, digits and underscores only.",
            2388073,
        )
    return found


def _check_example(item, key, found, parameter_format, place):
    """Every variable needs an example."""
    example = item.get("example") or {}
    if not isinstance(example, dict):
        raise invalid(f"example of {place} must be an object")
    if parameter_format == "NAMED":
        rows = example.get(f"{key}_named_params") or []
        given = {
            row.get("param_name") for row in rows if isinstance(row, dict) and row.get("example")
        }
        complete = set(found) <= given
    else:
        rows = example.get(key) or []
        if key == "body_text":
            rows = rows[0] if rows and isinstance(rows[0], list) else []
        complete = len(rows) == len(found) and all(str(row) for row in rows)
    if not complete:
        raise MetaError(
            100,
            message="Invalid parameter",
            subcode=2388043,
            user_title="Message template component is missing expected field(s)",
            user_message=f"component of type {place} is missing expected field(s) (example)",
        )


def _check_header(item, parameter_format, known_handle):
    kind = item["format"] = str(item.get("format", "")).upper()
    if kind not in HEADER_FORMATS:
        raise invalid(f"Param format of HEADER must be one of {{{', '.join(HEADER_FORMATS)}}}")
    if kind == "TEXT":
        _check_text(item.get("text"), HEADER_LIMIT, "HEADER")
        found = _check_variables(item["text"], parameter_format)
        if len(found) > 1:
            raise invalid("component of type HEADER may have one variable only")
        if found:
            _check_example(item, "header_text", found, parameter_format, "HEADER")
    elif kind in MEDIA_FORMATS:
        handles = (item.get("example") or {}).get("header_handle") or []
        if not handles:
            _refuse(
                "Message template component is missing expected field(s)",
                "component of type HEADER is missing expected field(s) (example)",
                2388043,
            )
        if not known_handle(handles[0]):
            _refuse(
                "Invalid sample",
                "header_handle must come from a finished Resumable Upload of this app.",
                2388273,
            )


def _check_body(item, parameter_format):
    _check_text(item.get("text"), BODY_LIMIT, "BODY")
    text = item["text"].strip()
    found = _check_variables(text, parameter_format)
    if text.startswith("{{") or text.endswith("}}"):
        _refuse(
            "Variables can't be at the start or end of the template",
            "This template has variables at its start or end. Put text around them.",
            2388299,
        )
    if found:
        _check_example(item, "body_text", found, parameter_format, "BODY")


def _check_buttons(buttons):
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 10:
        raise invalid("component of type BUTTONS must have 1 to 10 buttons")
    checked, counts = [], {}
    for button in buttons:
        if not isinstance(button, dict):
            raise invalid("buttons must be objects")
        kind = str(button.get("type", "")).upper()
        if kind not in BUTTON_TYPES:
            raise invalid(f"Unknown button type: {button.get('type')!r}")
        counts[kind] = counts.get(kind, 0) + 1
        button = {**button, "type": kind}
        if kind in ("QUICK_REPLY", "URL", "PHONE_NUMBER"):
            _check_text(button.get("text"), BUTTON_LIMIT, "BUTTONS")
        if kind == "URL":
            _check_url(button)
        if kind == "PHONE_NUMBER" and not str(button.get("phone_number") or ""):
            raise invalid("button of type PHONE_NUMBER is missing phone_number")
        checked.append(button)
    if counts.get("URL", 0) > 2 or counts.get("PHONE_NUMBER", 0) > 1:
        _refuse("Too many buttons", "Up to 2 URL buttons and 1 phone button.", 2388045)
    return checked


def _check_url(button):
    url = button.get("url")
    if not isinstance(url, str) or not re.match(r"https?://[^\s/]+", url) or len(url) > 2000:
        raise invalid("button of type URL needs an http or https address of up to 2000 characters")
    found = _VARIABLE.findall(url)
    if not found:
        return
    if found != ["1"] or not url.endswith("}}"):
        _refuse("Invalid button URL", "One variable {{1}} at the end of the URL only.", 2388047)
    if not button.get("example"):
        _refuse(
            "Message template component is missing expected field(s)",
            "button of type URL is missing expected field(s) (example)",
            2388043,
        )


# --- sending -------------------------------------------------------------------------------


def check_parameters(template, components, media_type):
    """Check what is sent against the approved template.

    :param template: the Template.
    :param components: `template.components` of the request, or None.
    :param media_type: function from a media id to its MIME type; raises MetaError when unknown.
    :raises MetaError: 100, 131008, 132000, 132005, 132012 or 132018.
    """
    components = [] if components is None else components
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise invalid("Param template['components'] must be an array of objects")
    header, body, sent_buttons = None, None, {}
    for item in components:
        kind = str(item.get("type", "")).lower()
        if kind == "header":
            header = _parameters(item)
        elif kind == "body":
            body = _parameters(item)
        elif kind == "button":
            index = str(item.get("index", ""))
            if not index.isdigit() or index in sent_buttons:
                raise invalid("Param index of a button must be its position, each once")
            sent_buttons[index] = item
        else:
            raise invalid(f"Param type of a component must be header, body or button, not {kind!r}")
    named = template.parameter_format == "NAMED"
    _check_sent_header(template, header, named, media_type)
    layout = component(template.components, "BODY") or {}
    values = _check_sent_texts("body", layout.get("text"), body, named, template.category)
    if len(substitute(layout.get("text"), values)) > BODY_LIMIT * 4:
        raise MetaError(132005, "body: translated text too long")
    _check_sent_buttons(buttons_of(template.components), sent_buttons)


def _parameters(item):
    parameters = item.get("parameters", [])
    if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
        raise invalid("Param parameters must be an array of objects")
    return parameters


def _check_sent_texts(place, text, parameters, named, category=""):
    """Check text parameters; return their values by variable."""
    expected = variables(text)
    parameters = parameters or []
    if category == "AUTHENTICATION" and not expected:
        expected = ["1"]
    if len(parameters) != len(expected):
        raise MetaError(
            132000,
            f"{place}: number of localizable_params ({len(parameters)}) does not match the "
            f"expected number of params ({len(expected)})",
        )
    values = {}
    for position, parameter in enumerate(parameters, start=1):
        name = str(position)
        if named:
            name = parameter.get("parameter_name")
            if not name:
                raise invalid("Parameter name is missing or empty")
            if name not in expected or name in values:
                raise invalid(f"{place}: parameter name {name!r} is not expected or occurs twice")
        values[name] = _text_value(place, parameter, named)
    return values


def _text_value(place, parameter, named):
    kind = str(parameter.get("type", "")).lower()
    if kind in ("currency", "date_time") and not named:
        fallback = (parameter.get(kind) or {}).get("fallback_value")
        if not fallback:
            raise MetaError(131008, f"{place}: {kind} is missing fallback_value")
        return fallback
    if kind != "text":
        raise MetaError(
            132012, f"{place}: Format mismatch, expected TEXT, received {kind.upper() or 'NONE'}"
        )
    return check_text_parameter(parameter.get("text"))


def check_text_parameter(text):
    """Return a text parameter, or refuse what Meta refuses in one."""
    if text is None or text == "":
        raise MetaError(131008, "Parameter of type text is missing text value")
    if not isinstance(text, str):
        raise invalid("Param text must be a string")
    if _BAD_WHITESPACE.search(text):
        raise MetaError(
            132018,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        )
    return text


def _check_sent_header(template, parameters, named, media_type):
    layout = component(template.components, "HEADER")
    kind = (layout or {}).get("format")
    if kind == "TEXT":
        _check_sent_texts("header", layout.get("text"), parameters, named)
        return
    if layout is None or kind is None:
        if parameters:
            raise MetaError(132000, "header: the template has no header with parameters")
        return
    if not parameters:
        raise MetaError(132012, f"header: Format mismatch, expected {kind}, received UNKNOWN")
    if len(parameters) != 1:
        raise MetaError(132000, f"header: expected 1 parameter, received {len(parameters)}")
    received = str(parameters[0].get("type", "")).upper()
    if received != kind:
        raise MetaError(
            132012, f"header: Format mismatch, expected {kind}, received {received or 'NONE'}"
        )
    if kind == "LOCATION":
        return
    key = kind.lower()
    check_media(parameters[0].get(key), key, media_type, in_template=True)


def check_media(media, key, media_type, in_template=False):
    """Check a media object `{id | link, filename?, caption?}`.

    :param str key: document, image, video, audio or sticker.
    """
    if not isinstance(media, dict):
        raise MetaError(131008, f"Parameter of type {key} is missing {key}")
    if bool(media.get("id")) == bool(media.get("link")):
        raise invalid(f"Param {key} must have either id or link")
    if in_template and "caption" in media:
        raise MetaError(100, message=f'(#100) Unexpected key "caption" on param "{key}".')
    if media.get("filename") is not None and not isinstance(media["filename"], str):
        raise invalid("Param filename must be a string")
    if media.get("link"):
        if not isinstance(media["link"], str) or not re.match(r"https?://", media["link"]):
            raise MetaError(131009, f"Param {key}['link'] is not a valid URI.")
        return
    received = media_type(media["id"], key)
    if key == "document":
        if in_template and received != "application/pdf":
            raise MetaError(
                132012, f"header: template documents must be application/pdf, not {received}"
            )
    elif not received.startswith("image/" if key == "sticker" else f"{key}/"):
        raise MetaError(131009, f"Param {key}['id'] is a file of type {received}")


def _check_sent_buttons(layout, sent):
    for index, item in sent.items():
        if int(index) >= len(layout):
            raise MetaError(132018, f"buttons: the template has no button at index {index}")
        kind = layout[int(index)]["type"]
        received = str(item.get("sub_type", "")).upper()
        parameters = _parameters(item)
        accepted = {kind, "URL"} if kind == "OTP" else {kind}
        if received not in accepted:
            raise MetaError(
                132018, f"buttons: Button at index {index} is of type {kind}, not {received}"
            )
        if kind == "URL" and not variables(layout[int(index)].get("url")):
            raise MetaError(
                132018, f"buttons: Button at index {index} of type Url does not take parameters"
            )
        if kind not in _BUTTON_PARAMETER and kind != "URL":
            raise MetaError(
                132018, f"buttons: Button at index {index} of type {kind} takes no parameters"
            )
        if len(parameters) != 1:
            raise MetaError(
                132000,
                f"buttons: Button at index {index} expects 1 parameter, got {len(parameters)}",
            )
        _check_button_value(index, kind, parameters[0])
    for position, button in enumerate(layout):
        needs = button["type"] in _BUTTON_MUST or (
            button["type"] == "URL" and variables(button.get("url"))
        )
        if needs and str(position) not in sent:
            raise MetaError(
                131008,
                f"buttons: Button at index {position} of type {button['type'].capitalize()} "
                "requires a parameter",
            )


def _check_button_value(index, kind, parameter):
    received = str(parameter.get("type", "")).lower()
    if kind == "QUICK_REPLY":
        if received not in ("payload", "text"):
            raise invalid(f"buttons: Button at index {index} needs a parameter of type payload")
        payload = parameter.get("payload", parameter.get("text"))
        if payload is None or len(str(payload)) > 256:
            raise invalid(f"buttons: payload at index {index} must have 1 to 256 characters")
    elif kind in ("URL", "OTP"):
        if received != "text":
            raise invalid(f"buttons: Button at index {index} needs a parameter of type text")
        check_text_parameter(parameter.get("text"))
