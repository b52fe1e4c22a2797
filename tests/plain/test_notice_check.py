"""What a notice must say, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load_module

check = load_module("ajw_consent", "tools/notice_check.py")
NoticeText, names, problems = check.NoticeText, check.names, check.problems

COMPLETE = NoticeText(
    title="Messages",
    body="I agree that Asha & Söhne writes to me over WhatsApp.",
    legal_entity="Asha & Söhne",
    officer_contact="privacy@example.com",
    recipients="Meta Platforms",
    transfer="Servers abroad, under standard clauses",
    how_to_withdraw="Reply STOP",
    how_to_complain="Write to the authority",
    channels=frozenset({"whatsapp"}),
    purposes=(("Invoices", "Your invoices", "Name, number"),),
)


def codes(**changes):
    return [code for code, _detail in problems(COMPLETE._replace(**changes))]


def test_complete():
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"body": " "}, ["no_body", "whatsapp_not_said"]),
        ({"body": "Asha & Söhne writes by WhatsApp"}, []),
        ({"body": "ASHA &  SÖHNE über WHATSAPP"}, []),
        ({"body": "Asha writes over WhatsApp"}, ["business_not_named"]),
        ({"body": "Asha & Söhne ruft an"}, ["whatsapp_not_said"]),
        ({"body": "Asha & Söhne ruft an", "channels": frozenset({"phone"})}, []),
        ({"recipients": "Metallurgy Ltd"}, ["meta_not_named"]),
        ({"recipients": "मेटा (Meta)"}, []),
        ({"recipients": "Nobody", "channels": frozenset({"email"})}, []),
        ({"officer_contact": "Asha"}, ["no_contact"]),
        ({"officer_contact": "+91 98765 43210"}, []),
        ({"officer_contact": "https://example.com/privacy"}, []),
        ({"officer_contact": None}, ["no_contact"]),
        ({"transfer": "", "how_to_complain": None}, ["no_transfer", "no_complain"]),
        ({"channels": frozenset()}, ["no_channel"]),
        ({"purposes": ()}, ["no_purpose"]),
        ({"purposes": (("A", "", ""),)}, ["no_purpose_text", "no_data_items"]),
    ],
)
def test_each_thing_that_can_be_missing(changes, expected):
    assert codes(**changes) == expected


def test_everything_missing_is_told_at_once():
    found = [code for code, _detail in problems(NoticeText())]
    assert {"no_body", "no_legal_entity", "no_contact", "no_recipients", "no_transfer"} < set(found)
    assert {"no_withdraw", "no_complain", "no_channel", "no_purpose"} < set(found)


def test_one_form_of_a_letter():
    # The same name, once with a composed letter and once with a combining mark.
    assert codes(legal_entity="Asha & So\u0308hne") == []


@given(st.text(max_size=40))
def test_never_fails(text):
    problems(NoticeText(*[text] * 8, frozenset({"whatsapp"}), ((text, text, text),)))
    assert not names("", text)
