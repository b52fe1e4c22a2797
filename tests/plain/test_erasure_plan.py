"""What an erasure does with a field, and in which order rows go: decided without a database."""

import importlib

import pytest

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
graph = importlib.import_module(_engine + ".graph")
plan = importlib.import_module(_engine + ".plan")
namesakes = importlib.import_module(_engine + ".namesakes")
identifiers = importlib.import_module(_engine + ".identifiers")
OWN, SHARED, TEXT = graph.OWN, graph.SHARED, graph.TEXT


def decide(ownership, kind="char", erase="", **values):
    values = {"model": "sale.order", "name": "note", **values}
    return plan.decide(plan.Field(type=kind, erase=erase, **values), ownership)


@pytest.mark.parametrize(
    ("kind", "erase", "own", "others"),
    [
        ("char", "clear", "clear", "redact"),
        ("char", "delete", "clear", "redact"),
        ("char", "pseudonymise", "pseudonymise", "redact"),
        ("text", "redact", "redact", "redact"),
        ("html", "", "redact", "redact"),  # nobody classified it: it is not left alone
        ("char", "none", None, None),
        ("char", "keep", "keep", "keep"),
        ("float", "clear", "clear", None),
        ("float", "", None, None),
        ("many2one", "clear", "clear", "stay"),
        ("many2one", "pseudonymise", "stay", "stay"),
        ("many2one", "", "stay", "stay"),
        ("many2many", "delete", "unlink", "unlink"),
        ("many2many", "pseudonymise", "stay", "stay"),
        ("many2one_reference", "", None, None),
        ("one2many", "clear", None, None),
    ],
)
def test_a_value_goes_only_from_a_row_of_their_own(kind, erase, own, others):
    assert decide(OWN, kind, erase) == own
    assert decide(SHARED, kind, erase) == others
    assert decide(TEXT, kind, erase) == others


def test_files_that_lie_beside_the_row():
    assert decide(OWN, "binary", "clear", in_table=False) == "file"
    assert decide(SHARED, "binary", "clear", in_table=False) is None
    assert decide(OWN, "binary", "", in_table=False) is None


def test_a_list_of_addresses_loses_theirs_alone():
    assert decide(OWN, "char", "clear", name="email_cc") == "redact"
    assert plan.writing(plan.Field("m", "email_cc", "char")) == "list"


def test_a_link_that_may_not_be_empty_stays():
    assert decide(OWN, "many2one", "clear", required=True) == "stay"


def test_what_seals_or_runs_the_database_is_touched_only_where_it_says_so():
    for model in ("ir.ui.view", "ir.rule", "ajw.consent.event", "account.move.line"):
        assert decide(OWN, "char", "", model=model) is None, model
        assert decide(TEXT, "char", "", model=model) is None, model
        assert decide(TEXT, "char", "redact", model=model) == "redact", model


def test_columns_that_find_something_again_are_left_alone():
    for model, name in (("ir.attachment", "store_fname"), ("mail.message", "message_id"),
                        ("sale.order", "inalterable_hash")):  # fmt: skip
        assert decide(TEXT, "char", "", model=model, name=name) is None, name


def test_a_row_goes_whole_unless_something_of_it_is_kept():
    def fields(*erasures):
        return [plan.Field("m", f"f{i}", "char", erase=each) for i, each in enumerate(erasures)]

    assert plan.deletes_rows(fields("delete", "redact", ""))
    assert not plan.deletes_rows(fields("delete", "keep"))
    assert not plan.deletes_rows(fields("clear"))


@pytest.mark.parametrize(
    ("values", "role", "ownership"),
    [
        (("sale.order", "partner_id", "many2one", "res.partner"), "", OWN),
        (("sale.order", "user_id", "many2one", "res.users"), "", SHARED),
        (("mail.followers", "partner_id", "many2one", "res.partner", "cascade"), "", OWN),
        (("ajw.consent.origin", "introduced_by_id", "many2one", "res.partner", "", "clear"), "",
         SHARED),
        (("ajw.consent.evidence", "subject_id", "many2one", "ajw.consent.subject"), "", OWN),
        (("hr.leave", "employee_id", "many2one", "hr.employee"), "", OWN),
        (("hr.employee", "parent_id", "many2one", "hr.employee"), "", SHARED),
        (("hr.department", "manager_id", "many2one", "hr.employee"), "", SHARED),
        (("hr.job", "interviewer_ids", "many2many", "hr.employee"), "", SHARED),
        (("mail.message", "author_id", "many2one", "res.partner"), "", SHARED),
        (("mail.message", "author_id", "many2one", "res.partner"), "subject", OWN),
        (("mail.message", "partner_ids", "many2many", "res.partner"), "", SHARED),
        (("mail.message", "res_id", "many2one_reference"), "mention", SHARED),
        (("ir.attachment", "res_id", "many2one_reference"), "", OWN),
        (("auditlog.log", "res_id", "integer"), "mention pair:model_id.model", SHARED),
        (("x.log", "res_id", "integer"), "pair:model", OWN),
        (("card.campaign", "preview", "char"), "reference", OWN),
        (("res.partner", "parent_id", "many2one", "res.partner", "cascade"), "mention", SHARED),
    ],
)  # fmt: skip
def test_whose_a_row_is_by_the_link_that_leads_to_it(values, role, ownership):
    known = graph.FieldLink(*values)._replace(role=role)
    assert graph.is_link(known, {"ajw.consent.subject", "hr.employee"})
    link = graph.Link("x", "res.partner", "many2one", graph.role_of(known))
    assert link.ownership == ownership


def test_a_link_to_what_stands_for_nobody_is_none():
    assert not graph.is_link(graph.FieldLink("hr.leave", "employee_id", "many2one", "hr.employee"))
    assert not graph.is_link(graph.FieldLink("x.log", "res_id", "integer"))


def test_who_made_a_row_is_no_link():
    assert not graph.is_link(graph.FieldLink("m", "create_uid", "many2one", "res.users"))


def test_who_points_goes_before_what_is_pointed_to():
    links = {"line": {"order"}, "order": {"partner"}, "a": {"b"}, "b": {"a"}}
    order = graph.order_for_delete(["partner", "order", "line", "a", "b"], links)
    assert order.index("line") < order.index("order") < order.index("partner")
    assert sorted(order) == ["a", "b", "line", "order", "partner"]


def test_what_others_go_by_as_well_is_weak():
    mine = identifiers.identify(
        names=["Asha Rao"], emails=["asha@example.com"], phones=["+49 30 5550123"]
    )
    strong = {each.value for each in mine if each.is_strong}
    assert {"Asha Rao", "asha@example.com", "+49305550123"} <= strong
    weakened = namesakes.weaken_by(mine, ["Asha Rao Patel", "030 5550123", "b@example.com"])
    assert {each.value for each in weakened if each.is_strong} == {"asha@example.com"}
    assert [(each.kind, each.value) for each in weakened] == [
        (each.kind, each.value) for each in mine
    ]


def test_where_they_live_is_theirs_as_long_as_nobody_else_lives_there():
    mine = identifiers.identify(addresses=["12 High Street"])
    [alone] = namesakes.weaken_by(mine, ["14 High Street"])
    [shared] = namesakes.weaken_by(mine, ["12 High Street"])
    assert (alone.strength, shared.strength) == ("beside", "weak")
