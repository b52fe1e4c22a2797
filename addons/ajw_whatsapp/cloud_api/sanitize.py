"""Makes what comes from outside fit for a database column."""


def clean_text(value):
    """Return text without what PostgreSQL cannot hold: NUL, and half of a surrogate pair.

    :param value: text; anything else counts as none
    :rtype: str
    """
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def clean_json(value):
    """Return decoded JSON with every text in it cleaned, however deep it stands.

    :param value: what ``json.loads`` returned; its lists and objects are changed in place
    """
    if isinstance(value, str):
        return clean_text(value)
    waiting = [value]
    while waiting:  # no recursion: what was nested too deep for it must not be lost
        node = waiting.pop()
        if isinstance(node, dict):
            pairs = node.items()
        elif isinstance(node, list):
            pairs = enumerate(node)
        else:
            continue
        for key, child in list(pairs):
            if isinstance(child, str):
                node[key] = clean_text(child)
            else:
                waiting.append(child)
    return value


def phone_number(value):
    """Return a ``wa_id`` (digits only) as a number with leading +, or ``None``.

    :param value: text or number
    :rtype: str
    """
    digits = str(value or "").lstrip("+")
    return f"+{digits}" if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
