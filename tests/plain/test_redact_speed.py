"""However long or odd a text, finding somebody in it takes as long as reading it a few times."""

import importlib
import re
import time

import pytest

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
identify = importlib.import_module(_engine + ".identifiers").identify
redact = importlib.import_module(_engine + ".redact")

MANY = redact.Matcher(
    identify(
        names=[f"Qor{chr(97 + at)}vex Zan{chr(97 + at)}thal" for at in range(20)],
        emails=[f"user{at}@example{at}.com" for at in range(15)],
        phones=[f"+9198765432{at:02d}" for at in range(15)],
        bank=[f"DE8937040044053201{at:04d}" for at in range(10)],
    )
)


def seconds(function, *args):
    """The shortest of three tries."""
    took = []
    for _try in range(3):
        start = time.perf_counter()
        function(*args)
        took.append(time.perf_counter() - start)
    return min(took)


@pytest.mark.parametrize(
    "unit",
    ["lorem Zander 98765, dolor@example.com DE89 ", "9 ", "9", "Qor", "a.b+", "%20", " ", "(((9",
     "&#", "Qoravex ", "user1+", "<b>", "\u0301", "00", "+91 987654321 "],
)  # fmt: skip
def test_a_long_text_takes_as_long_as_it_is_long(unit):
    long = unit * (1_000_000 // len(unit))
    plain = seconds(re.compile(r"\w+|\W").findall, "lorem ipsum, " * 76_000)
    # measured: 1 to 6 times the time of a plain scan of words; a slow expression takes thousands
    assert seconds(MANY.replace, long) < 60 * plain


@pytest.mark.parametrize("unit", ["<", '"', '"\\', "<a@b.example>", " ", "Asha Rao <", ", ", "<b>"])
def test_so_do_markup_and_lists(unit):
    short, long = unit * (20_000 // len(unit)), unit * (160_000 // len(unit))
    for function in (redact.redact_html, redact.redact_list):
        # eight times the text: in proportion, where a square would be sixty-four
        assert seconds(function, long, MANY) < 30 * seconds(function, short, MANY) + 0.01
