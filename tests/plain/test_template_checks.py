"""What Meta would reject of templates, variables and documents is found, whatever is typed."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

load("ajw_whatsapp", "cloud_api")
from ajw_whatsapp_cloud_api import media_checks as media  # noqa: E402
from ajw_whatsapp_cloud_api import payload, sanitize  # noqa: E402
from ajw_whatsapp_cloud_api import template_checks as checks  # noqa: E402

#: Everything people paste: any character, halves of pairs included, and what Meta minds most.
texts = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\n\r\t\v\f\x00\x1b\x85\u00a0\u2028\u2029\u202e\u2066\u2069\u200f{}*_ "),
        st.sampled_from("😀👩‍👩‍👧🇮🇳שלוםمرحبا₹"),
    ),
    max_size=2000,
)


def keys(problems):
    return [problem.key for problem in problems]


# --- variables ---


@given(texts)
def test_a_variable_is_one_line_without_runs_of_spaces(text):
    cleaned = payload.clean_parameter(text)
    assert not set(cleaned) & set("\n\r\t\v\f\x00\u2028\u2029")
    assert "  " not in cleaned
    assert cleaned == cleaned.strip()
    cleaned.encode()  # no half of a pair is left
    assert payload.clean_parameter(cleaned) == cleaned


@given(texts)
def test_no_letter_of_a_variable_is_lost(text):
    def letters(value):
        return [char for char in value if char.isalnum()]

    assert letters(payload.clean_parameter(text)) == letters(text)


@given(texts)
def test_a_variable_never_turns_round_what_follows(text):
    cleaned = payload.clean_parameter(text)
    assert not any("\u202a" <= char <= "\u202e" for char in cleaned)
    assert not any("\u2066" <= char <= "\u2069" for char in cleaned)


def test_right_to_left_and_emoji_stay_as_they_are():
    for text in ("مرحبا بالعالم", "שלום", "नमस्ते", "👩‍👩‍👧 🇮🇳", "A\u200fB"):
        assert payload.clean_parameter(text) == text


def test_what_nobody_would_see_is_empty():
    for text in ("\u200b", "\u200f\u2060", "\ufeff \u00a0", "\u202e", " \n\t"):
        assert payload.clean_parameter(text) == ""
    for text in ("-", "\u200b.", "\U0001fae8", "\ue000"):
        assert payload.clean_parameter(text) == text


@given(texts)
def test_the_end_of_an_address_stays_what_it_is(text):
    cleaned = payload.clean_parameter(text)
    link = payload.clean_link(cleaned)
    assert link.isascii() and " " not in link
    assert unquote(link) == unquote(cleaned)
    assert payload.clean_link(link) == link
    assert not re.search(r"%(?![0-9A-Fa-f]{2})", link), "strict servers refuse such an address"


def test_a_percent_sign_that_encodes_nothing_is_encoded():
    assert payload.clean_link("Rao 50% off") == "Rao%2050%25%20off"
    assert payload.clean_link("a%20b%zz%") == "a%20b%25zz%25"


def test_a_long_variable_is_not_cut():
    assert len(payload.clean_parameter("x" * 5000)) == 5000


@given(texts, texts)
def test_a_value_is_filled_in_once_and_stays_whole(before, value):
    before = before.replace("{", "").replace("}", "")
    assert payload.fill(before + "{{name}}", {"name": value}) == before + value


@given(texts)
def test_what_is_too_long_when_filled_in_is_said(text):
    found = checks.filled_problems("", text)
    assert bool(found) == (len(text.encode("utf-16-le", "surrogatepass")) > 2 * 1024)
    assert set(keys(found)) <= {"too_long"}


@pytest.mark.parametrize(
    ("header", "body", "url", "name"),
    [
        ("h" * 61, "b", "https://x", "header"),
        ("", "b" * 1025, "https://x", "body"),
        ("", "😀" * 513, "https://x", "body"),
        ("", "b", "https://x/" + "u" * 2000, "url"),
    ],
)
def test_each_part_has_its_limit(header, body, url, name):
    [problem] = checks.filled_problems(header, body, [url])
    assert (problem.key, problem.name) == ("too_long", name)


def test_just_at_the_limit_is_fine():
    assert not checks.filled_problems("h" * 60, "😀" * 512, ["https://x/" + "u" * 1990])


# --- texts of templates ---


@pytest.mark.parametrize(
    ("header", "body", "footer", "expected"),
    [
        ("h" * 61, "b", "", "too_long"),
        ("two\nlines", "b", "", "newline"),
        ("{{a}} and {{b}}", "b", "", "header_variables"),
        ("*bold*", "b", "", "header_plain"),
        ("party 🎉", "b", "", "header_plain"),
        ("", "b" * 1025, "", "too_long"),
        ("", "a\tb", "", "tab"),
        ("", "a     b", "", "spaces"),
        ("", "a\n\n\nb", "", "newlines"),
        ("", "a\n \n\n b", "", "newlines"),
        ("", "dear {{a}} {{b}}, hello", "", "adjacent"),
        ("", "b", "f" * 61, "too_long"),
        ("", "b", "by {{name}}", "variable"),
        ("", "b", "two\nlines", "newline"),
    ],
)
def test_each_rule_of_texts(header, body, footer, expected):
    assert keys(checks.text_problems(header, body, footer)) == [expected]


def test_good_texts_pass():
    assert not checks.text_problems(
        "About {{order_no}}", "Hello {{a}},\n\nhere    it is: {{b}}.", "Reply STOP to end"
    )


@given(texts, texts, texts)
def test_any_text_is_judged_without_failing(header, body, footer):
    for problem in checks.text_problems(header, body, footer):
        assert problem.name in ("header", "body", "footer")


# --- buttons ---

LINK = ("URL", "Open", "https://example.com/{{1}}", None)
REPLY = ("QUICK_REPLY", "Yes", None, None)
CALL = ("PHONE_NUMBER", "Call", None, "+914400000000")


@pytest.mark.parametrize(
    ("buttons", "expected"),
    [
        ([("QUICK_REPLY", f"Reply {n}", None, None) for n in range(11)], "buttons"),
        ([("URL", f"Link {n}", "https://example.com", None) for n in range(3)], "buttons_URL"),
        ([CALL, ("PHONE_NUMBER", "Ring", None, "+914400000001")], "buttons_PHONE_NUMBER"),
        ([REPLY, LINK, ("QUICK_REPLY", "No", None, None)], "button_order"),
        ([REPLY, ("QUICK_REPLY", "yes ", None, None)], "button_twice"),
        ([("QUICK_REPLY", "t" * 26, None, None)], "too_long"),
        ([("QUICK_REPLY", "Yes 👍", None, None)], "button_plain"),
        ([("QUICK_REPLY", "For {{1}}", None, None)], "button_plain"),
        ([("URL", "Open", "ftp://example.com", None)], "url"),
        ([("URL", "Open", "https://exa mple.com", None)], "url"),
        ([("URL", "Open", None, None)], "url"),
        ([("URL", "Open", "https://example.com/" + "x" * 2000, None)], "url_long"),
        ([("PHONE_NUMBER", "Call", None, "044 0000")], "phone"),
        ([("PHONE_NUMBER", "Call", None, None)], "phone"),
        ([("PHONE_NUMBER", "Call", None, "+" + "9" * 20)], "phone"),
    ],
)
def test_each_rule_of_buttons(buttons, expected):
    assert keys(checks.button_problems(buttons)) == [expected]


@pytest.mark.parametrize("buttons", [[], [LINK], [REPLY, LINK, CALL], [LINK, CALL, REPLY], [CALL]])
def test_good_buttons_pass(buttons):
    assert not checks.button_problems(buttons)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["URL", "QUICK_REPLY", "PHONE_NUMBER"]),
            st.none() | st.text(max_size=40),
            st.none() | st.text(max_size=40),
            st.none() | st.text(max_size=40),
        ),
        max_size=12,
    )
)
def test_any_buttons_are_judged_without_failing(buttons):
    found = keys(checks.button_problems(buttons))
    assert ("buttons" in found) == (len(buttons) > 10)


# --- numbers ---


@given(st.one_of(st.none(), st.integers(), st.floats(), texts, st.booleans(), st.lists(texts)))
def test_a_number_of_meta_is_digits_or_none(value):
    number = sanitize.phone_number(value)
    assert number is None or (number[0] == "+" and number[1:].isdigit() and len(number) <= 16)


# --- documents ---

PDF = b"%PDF-1.7 ..."


@pytest.mark.parametrize(
    ("filename", "mimetype", "size", "head", "expected"),
    [
        ("INV-1.pdf", "application/pdf", 100_000_000, PDF, None),
        ("INV-1.pdf", "application/pdf", 100_000_001, PDF, "too_big"),
        ("INV-1.pdf", "application/pdf", 10, b"\n\n%PDF-1.4", None),
        ("INV-1.pdf", "application/pdf", 10, b"<html>", "not_pdf"),
        ("INV-1.pdf", "application/pdf", 10, b"", "not_pdf"),
        ("INV-1.pdf", "text/html", 10, PDF, "not_pdf"),
        ("", "application/pdf", 10, PDF, "no_name"),
        ("  ", "application/pdf", 10, PDF, "no_name"),
        ("x" * 237 + ".pdf", "application/pdf", 10, PDF, "name_too_long"),
        ("रसीद 😀.pdf", "application/pdf", 10, PDF, None),
        ("INV/1.pdf", "application/pdf", 10, PDF, "name_characters"),
        ("INV\n1.pdf", "application/pdf", 10, PDF, "name_characters"),
        ("fdp.\u202eexe", "application/pdf", 10, PDF, "name_characters"),
    ],
)
def test_documents(filename, mimetype, size, head, expected):
    assert media.problem(filename, mimetype, size, head) == expected


@given(texts, texts, st.integers(0, 2**40), st.binary(max_size=200))
def test_any_document_is_judged_without_failing(filename, mimetype, size, head):
    assert media.problem(filename, mimetype, size, head)  # not a PDF by name at least


def test_a_document_without_its_mark_never_passes():
    for head in (b"PK\x03\x04", b"%pdf-1.4", b"x" * 1025 + PDF):
        assert media.problem("a.pdf", "application/pdf", 10, head) == "not_pdf"
