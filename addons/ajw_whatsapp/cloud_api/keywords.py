"""Words by which a person says over WhatsApp that messages shall stop, or may start again.

Only a whole message counts: "please stop by tomorrow" stops nothing. The words are English and
Hindi, in both scripts, as people write them and as our own texts name them.

A STOP is believed without question. A START only takes a STOP back: consent needs a notice and an
explicit act, so it opens nothing that was not open before.
"""

import unicodedata

STOP_WORDS = {
    "en": (
        "stop",
        "stop all",
        "stopall",
        "unsubscribe",
        "opt out",
        "optout",
        "stop messages",
        "stop promotions",
    ),
    "hi": (
        "रोकें",
        "रोको",
        "रुकें",
        "रुको",
        "बंद",
        "बंद करें",
        "बंद करो",
        "बन्द करें",
        "बन्द करो",
        "स्टॉप",
        "सदस्यता समाप्त करें",
        "band karo",
        "band karen",
        "roko",
    ),
}

START_WORDS = {
    "en": (
        "start",
        "restart",
        "unstop",
        "resume",
        "subscribe",
        "resubscribe",
        "opt in",
        "optin",
        "start messages",
    ),
    "hi": (
        "शुरू",
        "शुरू करें",
        "शुरू करो",
        "शुरु करें",
        "शुरु करो",
        "चालू करें",
        "चालू करो",
        "स्टार्ट",
        "सदस्यता लें",
        "shuru karo",
        "shuru karen",
        "chalu karo",
        "chalu karen",
    ),
}


def _normalize(text):
    """Return the text in one form: case folded, without punctuation, single spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    # Marks (M*) are part of Hindi letters and stay.
    text = "".join(
        char if unicodedata.category(char)[0] in "LMN" else " "
        for char in text
        if char not in "\u200c\u200d"
    )
    return " ".join(text.split())


def _by_word(words):
    return {_normalize(word): lang for lang, each in words.items() for word in each}


_STOP = _by_word(STOP_WORDS)
_START = _by_word(START_WORDS)


def stop_language(*texts):
    """Return the language in which one of the texts, as a whole, asks to stop, or ``None``.

    :param texts: what was written, or a button's text and payload; ``None`` counts as nothing
    :rtype: str
    """
    return _language(_STOP, texts)


def start_language(*texts):
    """Return the language in which one of the texts, as a whole, asks to start, or ``None``.

    A text or payload that asks to stop wins.

    :param texts: see :func:`stop_language`
    :rtype: str
    """
    return None if stop_language(*texts) else _language(_START, texts)


def is_stop(*texts):
    """Tell whether one of the texts, as a whole, asks to stop; see :func:`stop_language`.

    :rtype: bool
    """
    return stop_language(*texts) is not None


def is_start(*texts):
    """Tell whether one of the texts, as a whole, asks to start; see :func:`start_language`.

    :rtype: bool
    """
    return start_language(*texts) is not None


def _language(words, texts):
    for text in texts:
        language = words.get(_normalize(text)) if text else None
        if language:
            return language
    return None
