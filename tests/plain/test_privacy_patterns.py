"""What PostgreSQL is asked for finds every row in which Python would redact something."""

import html
import importlib
import json
import re
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
holds = importlib.import_module(_engine + ".holds")
identifiers = importlib.import_module(_engine + ".identifiers")
patterns = importlib.import_module(_engine + ".patterns")
redact = importlib.import_module(_engine + ".redact")

PERSON = identifiers.identify(
    names=[
        "Asha Meera Rao",
        "José Müller-López",
        "田中 太郎",
        "राम कुमार",
        "أحمد علي",
        "İsmail Ürün",
    ],
    companies=["Rao & Sons (Pvt.) Ltd"],
    emails=["asha.rao@example.com", "asha@bücher.example", "info@x.example"],
    phones=["+91 98765 43210", "+49 30 1234567"],
    addresses=["12 High Street\n560001 Bengaluru"],
    tax=["DE 123 456 789", "ABCDE1234F"],
    bank=["DE89 3704 0044 0532 0130 00"],
    logins=["asha.r77"],
    ids=["IN.ABC123456"],
)
MATCHER = redact.Matcher(PERSON)


class Asked:
    """PostgreSQL's answers for a set of identifiers, by Python's ``re``."""

    def __init__(self, items, **options):
        self.exact = [re.compile(text) for text in patterns.patterns(items, **options)]
        self.rough = re.compile(patterns.prefilter(items, **options))
        self.likes = [like(text) for text in patterns.literals(items, **options)]

    def finds(self, text):
        return [
            any(pattern.search(text) for pattern in self.exact),
            bool(self.rough.search(text)),
            any(pattern.search(text) for pattern in self.likes),
        ]


def like(text):
    """A pattern of ``ILIKE`` under the collation C, as an expression of Python."""
    found = re.sub(
        r"\\(.)|(%)|(_)|(.)",
        lambda match: ".*" if match[2] else "." if match[3] else re.escape(match[1] or match[4]),
        text,
        flags=re.DOTALL,
    )
    # upper and lower case of ASCII alone
    found = re.sub(r"(?<!\\)[a-zA-Z]", lambda m: f"[{m[0].lower()}{m[0].upper()}]", found)
    return re.compile(f"^{found}$", re.DOTALL)


ASKED = Asked(PERSON)


def redacted(text):
    """How often Python finds somebody in a value of a text, HTML or JSON column."""
    count = redact.redact_text(text, MATCHER)[1] + redact.redact_html(text, MATCHER)[1]
    count += redact.redact_list(text, MATCHER)[1]
    try:
        return count + redact.redact_json(json.loads(text), MATCHER)[1]
    except (ValueError, RecursionError):
        return count


WRITINGS = {
    "plain": lambda text: text,
    "upper": str.upper,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "link": quote,
    "link in a link": lambda text: quote(quote(text, safe=""), safe=""),
    "html": lambda text: f"<p>{html.escape(text)}</p>",
    "numbers of html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal of html": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "json": lambda text: json.dumps({"x": [f"a\n{text}\t"]}),
    "json of letters": lambda text: json.dumps({"x": text}, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "tags": lambda text: "<b title='a > b'>" + text.replace(" ", "</b> <i>") + "</i>",
    "hard spaces": lambda text: text.replace(" ", "&nbsp;"),
    "attribute": lambda text: f'<a href="mailto:{quote(text)}">x</a>',
}


@pytest.mark.parametrize("item", PERSON, ids=lambda item: f"{item.kind}-{item.value}")
@pytest.mark.parametrize("way", WRITINGS)
def test_every_writing_is_found(item, way):
    text = WRITINGS[way](item.value)
    assert redacted(text)
    # by the expressions of this one identifier, not by those of another
    assert Asked([item]).finds(text) == [True] * 3


words = st.sampled_from(
    [item.value for item in PERSON]
    + [
        "Asha",
        "Rao",
        "98765",
        "43210",
        " ",
        "-",
        "(",
        "0",
        "+",
        "x",
        "é",
        "%20",
        "\\n",
        "&amp;",
        "<",
    ]
    + ["</b>", "<p>", "'", '"', ">", "@", ".", "_", "%", "田", "\u0301", "\u00a0", "\n", ","]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=8).map("".join), st.sampled_from(sorted(WRITINGS)))
def test_nothing_that_python_finds_is_passed_over(text, way):
    text = WRITINGS[way](text)
    assume(redacted(text))
    assert ASKED.finds(text) == [True] * 3


@settings(deadline=None)
@given(st.text(max_size=12), st.sampled_from(identifiers.KINDS))
def test_whatever_the_value(value, kind):
    text = identifiers.clean(value)
    item = identifiers.Identifier(kind, value, "strong")
    found = redact.redact_text(f"« {text} »", redact.Matcher([item]))[1]
    asked = Asked([item])
    assert not found or asked.finds(f"« {text} »") == [True] * 3


def test_strangers_are_not_asked_for():
    for text in (
        "Dear Ashara Raomi", "other.asha@bücher.example", "98765 4321", "<p>Asha</p> and Rao",
        "DE1234567", "100%", "Asha", "",
    ):  # fmt: skip
        assert not ASKED.finds(text)[0], text


def test_nothing_to_look_for():
    none = [identifiers.Identifier("name", "Li", "weak")]
    assert patterns.patterns(none) == patterns.literals(none) == patterns.literals([]) == []
    assert patterns.prefilter(none) == ""


def test_like_is_escaped():
    assert patterns.escape_like("50%_\\") == "50\\%\\_\\\\"
    item = identifiers.Identifier("login", "a_b%77", "strong")
    assert patterns.literals([item], html=False) == ["%a%b%77%"]


def test_holds_ask_for_addresses_as_whole_words():
    asked = [re.compile(text) for text in holds.patterns(["Asha@example.com"], ["+49 30 1234567"])]
    for text, expected in (
        ("wrote to ASHA@example.com", True),
        ("other.asha@example.com", False),
        ("asha@example.community", False),
        ("tel 49301234567", True),
        ("030/1234567", True),
        ("1493012345678", False),
    ):
        assert any(pattern.search(text) for pattern in asked) is expected, text
    assert holds.patterns([None, "", "x"], [None, "", "12-34"]) == []
