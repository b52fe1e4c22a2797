"""Columns that no field knows: which of them may say something of a person."""

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
classify = importlib.import_module(_engine + ".classify")
schema = importlib.import_module(_engine + ".schema")
unmapped = importlib.import_module(_engine + ".unmapped")
vocabulary = importlib.import_module(_engine + ".vocabulary")

TABLES = schema.by_table(
    [
        ("known", "id", "int4", True),
        ("known", "create_uid", "int4", False),
        ("known", "email", "varchar", False),
        ("known", "old_email", "varchar", False),
        ("known", "owner", "int4", False),
        ("known", "rank", "int4", False),
        ("rel", "a_id", "int4", True),
        ("rel", "partner_id", "int4", True),
        ("rel", "extra", "text", False),
        ("gone", "id", "int4", True),
        ("gone", "create_uid", "int4", False),
        ("gone", "partner_id", "int4", False),
        ("gone", "day", "date", False),
        ("gone", "blob", "jsonb", False),
        ("gone", "scan", "bytea", False),
        ("gone", "tags", "_text", False),
        ("orm_signaling_registry", "note", "text", False),
    ]
)
LINKS = [
    ("known", "create_uid", "res_users"), ("known", "owner", "res_partner"),
    ("rel", "partner_id", "res_partner"), ("gone", "create_uid", "res_users"),
]  # fmt: skip


def found():
    return {
        each.key: each
        for each in unmapped.find(
            TABLES,
            {"known": ("x.known", {"email"})},
            {"rel": {"a_id", "partner_id"}},
            LINKS,
        )
    }


def test_only_columns_that_no_field_knows_and_that_may_name_somebody():
    assert {key: (each.suspicion.level, each.target) for key, each in found().items()} == {
        ("x.known", "old_email"): ("personal", ""),
        ("x.known", "owner"): ("link", "res.partner"),
        ("rel", "extra"): ("content", ""),
        ("gone", "create_uid"): ("link", "res.users"),
        ("gone", "partner_id"): ("link", ""),
        ("gone", "blob"): ("content", ""),
        ("gone", "scan"): ("content", ""),
        ("gone", "tags"): ("content", ""),
    }


def test_the_words_are_those_of_the_map():
    clues = dict(classify.CLUES)
    for each in found().values():
        assert each.suspicion.category in vocabulary.CATEGORY_KEYS
        assert each.suspicion.why in clues


@given(st.text(), st.sampled_from(["int4", "text", "jsonb", "bytea", "bool", "_varchar"]))
def test_no_name_of_a_column_breaks_it(name, kind):
    unmapped.judge(schema.Column("t", name, kind, False))


FACTS = classify.FieldFacts


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([FACTS("res_model", "char")], {"res_id", "x_source_id"}),
        ([FACTS("model", "char")], {"res_id", "x_source_id"}),
        ([FACTS("model_id", "many2one", "ir.model")], {"res_id", "x_source_id"}),
        ([FACTS("car_model", "many2one", "car.model")], {"res_id"}),
        ([], {"res_id"}),
    ],
)
def test_a_number_is_a_link_where_the_name_of_a_model_stands_beside_it(names, expected):
    numbers = [FACTS("res_id", "integer"), FACTS("x_source_id", "integer"),
               FACTS("sequence", "integer"), FACTS("source_count", "integer")]  # fmt: skip
    suspicions = classify.suspect_model([*numbers, *names])
    assert {name for name in suspicions if not name.endswith(("model", "model_id"))} == expected


def test_of_several_models_the_one_named_alike_is_the_pair():
    facts = [FACTS("model", "char"), FACTS("origin_model", "char"), FACTS("origin_id", "integer")]
    assert classify.pair_of(facts[2], facts) == "origin_model"
    assert classify.pair_of(FACTS("document_id", "integer"), facts) == "model"
    assert classify.pair_of(FACTS("document_id", "many2one", "x"), facts) == ""


def test_what_repeats_a_persons_field_is_personal_whatever_its_name():
    found = classify.suspect(FACTS("x_a", "char", copy_of="email"))
    assert found == ("personal", "email", "copy")
    assert classify.suspect(FACTS("x_a", "float", copy_of="address")) is None


def test_a_copied_address_does_not_make_the_name_a_persons():
    facts = [FACTS("name", "char"), FACTS("x_a", "char", copy_of="email")]
    assert set(classify.suspect_model(facts)) == {"x_a"}
    assert set(classify.suspect_model([facts[0], FACTS("email", "char")])) == {"name", "email"}
