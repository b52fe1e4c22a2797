"""The duties to keep that are shipped: each names its law, and how sure anybody is of it."""

import importlib
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import date

import pytest

from tests.plain.packages import ADDONS, load

engine = load("ajw_privacy", "engine").__name__
words = importlib.import_module(engine + ".keeping_rules")
keeping = importlib.import_module(engine + ".keeping")
deadlines = importlib.import_module(engine + ".deadlines")

FILE = ADDONS / "ajw_privacy" / "data" / "ajw_privacy_keeping.xml"
DUTY = "ajw.privacy.keeping.duty"
RULE = "ajw.privacy.keeping.duty.rule"
INTEGERS = ("period", "year_end_month", "year_end_day", "due_months", "proceedings_months")
DATES = ("valid_from", "valid_to", "checked_on")
TEXTS = {"unit", "counted_from", "applies_to", "article", "source", "certainty", "verify"}
#: Where the name of Odoo's record is not the code of the country.
CODES = {"uk": "GB"}


def read(model):
    """The records of a model as a program would get them: id → {field: value}."""
    found = {}
    # our own file
    for record in ElementTree.parse(FILE).getroot().iterfind("record"):  # noqa: S314
        if record.get("model") != model:
            continue
        values = {}
        for field in record.iterfind("field"):
            name, text = field.get("name"), field.text
            if name == "country_ids":
                refs = re.findall(r"ref\('base\.(\w+)'\)", field.get("eval"))
                values[name] = frozenset(CODES.get(ref, ref.upper()) for ref in refs)
                assert len(refs) == field.get("eval").count("ref(") == len(values[name])
            elif name in INTEGERS:
                values[name] = int(text)
            elif name in DATES:
                values[name] = date.fromisoformat(text)
            elif field.get("eval"):
                values[name] = {"True": True, "False": False}[field.get("eval")]
            else:
                values[name] = field.get("ref") or text
        assert record.get("id") not in found
        found[record.get("id")] = values
    return found


DUTIES, RULES = read(DUTY), read(RULE)


def engine_rule(key):
    values = dict(RULES[key])
    duty = DUTIES[values.pop("duty_id")]["code"]
    for name in ("source", "certainty", "verify", "checked_on"):
        values.pop(name, None)
    return words.Rule(key, duty, countries=values.pop("country_ids"), **values)


LAW = words.Law(
    {
        values["code"]: words.Duty(
            values["code"],
            DUTIES[values["otherwise_id"]]["code"] if "otherwise_id" in values else "",
            values.get("expected", False),
        )
        for values in DUTIES.values()
    },
    [engine_rule(key) for key in RULES],
)


def longest(codes, country, year_end=(12, 31), on=date(2027, 6, 1), **dates):
    company = keeping.Company(country, year_end)
    answer = keeping.decide(codes, LAW, keeping.Dates(**dates), company, on)
    return answer and (answer.rule and answer.rule.key, answer.until)


def test_there_are_duties_and_rules():
    assert {"books", "tax", "audit", "payroll", "processing", "contract"} <= set(LAW.duties)
    assert len(LAW.duties) == len(DUTIES)
    assert {"IN", "ZA", "DE", "GB"} <= set().union(*(rule.countries for rule in LAW.rules))


@pytest.mark.parametrize("key", RULES)
def test_W4_every_rule_names_its_law_and_how_sure_it_is(key):
    values = RULES[key]
    assert set(values) <= {
        *("duty_id", "country_ids", "proceedings"),
        *TEXTS,
        *INTEGERS,
        *DATES,
    }
    assert words.problems_of(engine_rule(key)) == []
    assert values["duty_id"] in DUTIES
    assert values["article"].strip()
    assert values["country_ids"], "a law is that of countries"
    assert values["certainty"] in ("text", "secondary", "unverified")
    if values["certainty"] == "unverified":
        assert values["verify"].strip() and "checked_on" not in values
        assert "source" not in values, "what was looked up somewhere is not unverified"
    else:
        assert values["source"].strip()
        assert date(2026, 1, 1) <= values["checked_on"]
        assert values.get("valid_from", values["checked_on"]) <= date(2030, 1, 1)


def test_one_rule_a_duty_and_country_at_a_time():
    for rule in LAW.rules:
        for other in LAW.rules:
            if rule.key < other.key and rule.duty == other.duty:
                assert not (
                    rule.countries & other.countries
                    and deadlines.overlap(
                        (rule.valid_from, rule.valid_to), (other.valid_from, other.valid_to)
                    )
                ), f"{rule.key} and {other.key}"


def test_duties_count_like_one_that_every_country_has():
    for code in ("books", "vouchers", "tax", "audit", "payroll"):
        assert words.is_expected(LAW, code), code
    for code in ("processing", "contract"):
        assert not words.is_expected(LAW, code), code


def test_texts_are_no_advice_and_name_nobody():
    text = FILE.read_text()
    assert "no legal advice" in text and 'noupdate="1"' in text
    assert "@" not in text
    assert Counter(re.findall(r'id="([^"]+)"', text)).most_common(1)[0][1] == 1


INVOICE = date(2026, 6, 10)


@pytest.mark.parametrize(
    ("codes", "country", "year_end", "dates", "expected"),
    [
        (["books"], "IN", (3, 31), {}, ("keeping_rule_in_books", date(2035, 3, 31))),
        (["tax"], "IN", (3, 31), {}, ("keeping_rule_in_gst", date(2033, 12, 31))),
        (["tax", "books"], "IN", (3, 31), {}, ("keeping_rule_in_books", date(2035, 3, 31))),
        (["audit"], "IN", (3, 31), {}, ("keeping_rule_in_audit", date(2035, 3, 31))),
        (["books"], "ZA", (2, 28), {}, ("keeping_rule_za_books", date(2034, 2, 28))),
        (["tax"], "ZA", (2, 28), {}, ("keeping_rule_za_tax", date(2033, 2, 28))),
        (
            ["tax"],
            "ZA",
            (2, 28),
            {"annual_return": date(2027, 8, 15)},
            ("keeping_rule_za_tax", date(2032, 8, 15)),
        ),
        (["books"], "DE", (12, 31), {}, ("keeping_rule_de_books", date(2036, 12, 31))),
        (["books"], "DE", (3, 31), {}, ("keeping_rule_de_books", date(2037, 12, 31))),
        (["vouchers"], "DE", (3, 31), {}, ("keeping_rule_de_vouchers", date(2034, 12, 31))),
        (["vouchers"], "FR", (12, 31), {}, ("keeping_rule_fr_books", date(2036, 12, 31))),
        (["audit"], "DK", (12, 31), {}, ("keeping_rule_dk_books", date(2031, 12, 31))),
        (["payroll"], "GB", (12, 31), {}, ("keeping_rule_uk_payroll", date(2030, 4, 5))),
        (
            ["payroll"],
            "NL",
            (12, 31),
            {"employment_end": date(2026, 9, 30)},
            ("keeping_rule_nl_payroll", date(2031, 12, 31)),
        ),
        (["books"], "US", (12, 31), {}, (None, None)),  # no rule: kept, and said
        (["contract"], "IN", (3, 31), {}, None),
    ],
)
def test_W4_an_invoice_of_june_2026(codes, country, year_end, dates, expected):
    assert longest(codes, country, year_end, document=INVOICE, **dates) == expected


def test_W4_seven_years_are_too_short_for_indias_books():
    assert longest(["books"], "IN", (3, 31), document=INVOICE)[1] > date(2033, 6, 10)


def test_T7_a_year_of_logs_in_india_from_may_2027():
    row = {"document": INVOICE, "processed": date(2027, 2, 1)}
    assert longest(["processing"], "IN", on=date(2027, 5, 12), **row) is None
    assert longest(["processing"], "IN", on=date(2027, 5, 13), **row) == (
        "keeping_rule_in_processing",
        date(2028, 2, 1),
    )
    assert longest(["processing"], "DE", **row) is None
