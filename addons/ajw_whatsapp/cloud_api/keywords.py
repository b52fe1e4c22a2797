"""Words by which a person says over WhatsApp that messages shall stop.

Only a whole message counts: "please stop by tomorrow" stops nothing. The words are English and
Hindi, in both scripts. There is no such list for starting again: consent needs a notice and an
explicit act, and one word typed into a chat proves neither.
"""

import unicodedata

STOP_WORDS = frozenset(
    (
        "stop",
        "stop all",
        "stopall",
        "unsubscribe",
        "opt out",
        "optout",
        "stop messages",
        "stop promotions",
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
    )
)


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


_NORMALIZED = frozenset(_normalize(word) for word in STOP_WORDS)


def is_stop(*texts):
    """Tell whether one of the texts, as a whole, asks to stop.

    :param texts: what was written, or a button's text and payload; ``None`` counts as nothing
    :rtype: bool
    """
    return any(_normalize(text) in _NORMALIZED for text in texts if text)
