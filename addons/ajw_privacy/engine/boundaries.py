"""Where an identifier begins and ends in a text, and what may stand between its parts.

One table for Python, which says exactly, and one for PostgreSQL, which says at least as much: its
expressions must find every row that Python would redact. PostgreSQL reads HTML, JSON and addresses
as they are stored, with tags and escapes between any two words.
"""

from __future__ import annotations

from functools import cache

from . import forms
from .writing import PERCENT, marks

#: Stands between texts of neighbouring elements of HTML: no character of any text.
JOINT = "\ufdd0"

_LETTER = r"[^\W_]"
_SPACE = r"\s\u200b-\u200f\u202a-\u202e\u2060\ufeff" + JOINT
_BLANK = r" \t\u00a0\u2000-\u200f\u202f\u2060\u3000\ufeff" + JOINT
_DASH = r"\-\u2010-\u2015\u2212"
#: A space in an address, in JSON, in HTML.
_ESCAPED_SPACE = (
    rf"{PERCENT}(?:20|0[aAdD9]|[cC]2{PERCENT}[aA]0)|\\{{1,2}}[nrt]|\\{{1,2}}u00[aA]0"
    r"|&(?:amp;)?(?:nbsp|\#160|\#[xX][aA]0|\#32|NewLine|Tab);"
)
_SPACES = rf"(?:[{_SPACE}+]|{_ESCAPED_SPACE})"

#: An escaped sign or space just before: what looks like a letter there belongs to it.
_BEHIND_ESCAPE = (
    r"(?<=%[02-57][0-9A-Fa-f])|(?<=\\[nrtbf])|(?<=%252[0-9A-Fa-f])|(?<=%[Cc]2%[Aa]0)"
    r"|(?<=\\u[02]0[0-6aA][0-9A-Fa-f])"
)

#: Letters that Arabic and Hebrew put before a name: and, in, to, like, the.
_ARABIC = "\u0648\u0641\u0628\u0644\u0643"
_HEBREW = "\u05d5\u05d4\u05d1\u05dc\u05de\u05e9\u05db"
#: Words that Hindi, Marathi and Nepali write onto a name.
_INDIC = (
    "जी|ने|को|का|की|के|से|में|पर|ला|चा|ची|चे|च्या|ना|नी|शी|ले|लाई|बाट"
)  # fmt: skip


@cache
def python_left() -> dict[str, tuple[str, str]]:
    """Boundary before an identifier, by name, for Python's ``re``.

    :return: what several boundaries have in common, so that it is looked at once, and the rest
    """
    start = f"(?:(?<!{_LETTER})(?<![{marks()}])|{_BEHIND_ESCAPE})"
    number = rf"(?:(?<!\d)|{_BEHIND_ESCAPE})"
    # a dot, a plus sign and a dash between two letters are part of an address
    joined = rf"(?<!{_LETTER}[._+\-])(?<!%2[BDEbde])(?<!%5[Ff])"

    def behind(letters: str) -> str:
        one = f"(?<={letters})(?<!{_LETTER}{letters})"
        return f"(?:{start}|{one}|(?<={letters}{letters})(?<!{_LETTER}{letters}{letters}))"

    # the digits at home may be the end of a number of another country
    blank = rf"[{_BLANK}.{_DASH}()/]"
    abroad = "".join(
        rf"(?<!\+{digits}{blanks})"
        for digits in (r"\d", r"\d\d", r"\d\d\d")
        for blanks in ("", blank, blank * 2)
    )
    return {
        "word": (start, r"(?<!\w@)"),
        "email": (start, joined),
        "login": (start, joined + "(?<![_@])"),
        "code": (start, r"(?<!\d[.,])"),
        "abroad": (number, ""),
        "home": (number, abroad),
        "unspaced": ("", ""),
        "hangul": ("(?<![\uac00-\ud7a3])", ""),
        "katakana": ("(?<![\u30a1-\u30fa\u30fc])", ""),
        "arabic": (behind(f"[{_ARABIC}]"), r"(?<!\w@)"),
        "hebrew": (behind(f"[{_HEBREW}]"), r"(?<!\w@)"),
    }


@cache
def python_right() -> dict[str, str]:
    """Boundary behind an identifier, by name, for Python's ``re``."""
    # %C3 to %EF begin a letter; what goes on up to an @ is an address, and one word
    end = f"(?!{_LETTER}|[{marks()}]|%[d-eD-E][0-9a-fA-F]%|%[cC][3-9a-fA-F]%)"
    address = r"(?![._+\-][\w.+\-]{0,64}(?:@|%(?:25){0,2}40)|(?:@|%(?:25){0,2}40)\w)"
    return {
        "word": end + address,
        "unspaced": f"(?![{marks()}])",
        "katakana": "(?![\u30a1-\u30fa\u30fc])",
        "indic": f"(?:{end}|(?=(?:{_INDIC}){end})){address}",
        "email": f"{end}(?![_\\-]|\\.{_LETTER})",
        "login": rf"{end}(?![_\-@]|\.{_LETTER})",
        "code": rf"{end}(?![.,]\d)",
        # a last group that belongs to a desk: 030 12345-67 is not 030 12345
        "digits": r"(?!\d|-\d{1,4}(?!\d))",
    }


PYTHON_GAPS = {
    forms.WORDS: rf"(?:{_SPACES}{{1,16}}|[._{_DASH}]{_SPACES}{{0,4}})",
    forms.COMMA: rf"{_SPACES}{{0,2}}(?:[,\u060c\u3001]|{PERCENT}2[cC]|&\#44;|&comma;)"
    rf"{_SPACES}{{0,16}}",
    forms.HYPHEN: rf"(?:[ .'\u2018\u2019`\u02bc\u00b7{_DASH}+&]|{PERCENT}2[067dD]"
    r"|&(?:\#39|apos|amp|\#38);|\\{1,2}u2019)?",
    forms.LOOSE: rf"(?:[{_SPACE}\u30fb]|{_ESCAPED_SPACE}){{0,3}}",
    forms.LINES: rf"(?:[{_SPACE}+,;./\#()&'\"{_DASH}]|{_ESCAPED_SPACE}"
    rf"|{PERCENT}2[36789cCfF]|&(?:amp|\#38);){{1,8}}",
    forms.DIGITS: rf"(?:[{_BLANK}.()/{_DASH}]|{PERCENT}2[089dDfF]|&nbsp;|\\{{1,2}}u00[aA]0){{0,5}}",
    forms.CODE: rf"(?:[{_BLANK}./{_DASH}]|{PERCENT}2[0dD]|&nbsp;|\\{{1,2}}u00[aA]0){{0,4}}",
    forms.ABROAD: rf"(?:(?:[+\uff0b]|{PERCENT}2[bB]|\\{{1,2}}u002[bB]|00|011)"
    rf"(?:[{_BLANK}(]|{PERCENT}20){{0,2}})?",
    forms.TAG: rf"(?:(?:\+|{PERCENT}2[bB]|&plus;|&\#43;|\\{{1,2}}u002[bB])"
    r"[A-Za-z0-9._+=\-]{1,64})?",
}

#: A tag, and one with a > in a quoted attribute.
_TAGS = "<[^<>]*>(?:[^<>\"']*[\"'][^<>]*>)?"
ANYTHING = (
    rf"(?:[^a-zA-Z0-9]|%(?:25)*[0-9a-fA-F][0-9a-fA-F]|\\[nrtbf]|\\u[0-9a-fA-F]{{4}}"
    rf"|&[a-zA-Z0-9#]+;|{_TAGS})*"
)

SQL_GAPS = dict.fromkeys(
    (forms.WORDS, forms.COMMA, forms.HYPHEN, forms.LOOSE, forms.LINES, forms.DIGITS, forms.CODE),
    ANYTHING,
) | {
    forms.ABROAD: f"(?:(?:00|011){ANYTHING})?",
    forms.TAG: rf"(?:(?:[+]|{ANYTHING})[A-Za-z0-9._+=-]*)?",
}

#: Letters of ASCII and digits are letters to whatever collation a database has.
_SQL_WORD = r"(?:^|[^a-zA-Z0-9]|%(?:25)*[0-9a-fA-F][0-9a-fA-F]|\\[nrtbf]|\\u[0-9a-fA-F]{4})"
_SQL_NUMBER = r"(?:^|[^0-9]|%(?:25)*[0-9a-fA-F][0-9a-fA-F]|\\u[0-9a-fA-F]{4})"

SQL_LEFT = dict.fromkeys(("word", "login", "code"), _SQL_WORD) | {
    # other.asha@… is somebody else; a dash or a dot before which nothing stands is none of it
    "email": f"(?:{_SQL_WORD}[._+-]|{_SQL_WORD.replace('[^a-zA-Z0-9]', '[^a-zA-Z0-9._+-]')})",
    "abroad": _SQL_NUMBER,
    "home": _SQL_NUMBER,
}
SQL_RIGHT = dict.fromkeys(("word", "email", "login", "code"), "(?:[^a-zA-Z0-9]|$)") | {
    "digits": "(?:[^0-9]|$)"
}
