"""A company that leaves: the order in which tables are emptied, and the windows of statements."""

import importlib

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
departure = importlib.import_module(_engine + ".departure")
going = importlib.import_module(_engine + ".departure_going")
staying = importlib.import_module(_engine + ".departure_staying")
Link, Window = departure.Link, departure.Window


def test_what_points_goes_before_what_it_points_to():
    links = [
        Link("line", "order_id", "order", True, "c"),
        Link("order", "partner_id", "partner", True, "r"),
        Link("payment", "order_id", "order", False, "a"),
    ]
    tables, cut = going.order({"line", "order", "partner", "payment"}, links)
    assert tables.index("order") < tables.index("partner")
    assert tables.index("payment") < tables.index("order")
    assert cut == []


def test_a_circle_is_cut_where_a_column_may_be_empty():
    links = [
        Link("journal", "account_id", "account", False, "r"),
        Link("account", "journal_id", "journal", True, "r"),
        Link("partner", "parent_id", "partner", False, "r"),
    ]
    tables, cut = going.order({"journal", "account", "partner"}, links)
    assert tables.index("account") < tables.index("journal")
    assert {(link.table, link.column) for link in cut} == {
        ("journal", "account_id"),
        ("partner", "parent_id"),
    }


def test_only_columns_of_a_company_say_whose_a_row_is():
    links = [
        Link("sale_order", "company_id", "res_company", True, "r"),
        Link("res_users", "company_id", "res_company", True, "r"),
        Link("stock_route", "supplier_company_id", "res_company", False, "n"),
        Link("consent", "ajw_company_id", "res_company", False, "n"),
    ]
    assert departure.company_columns(links) == {
        "sale_order": "company_id",
        "res_users": "company_id",
        "consent": "ajw_company_id",
    }


def test_windows_meet_and_do_not_overlap():
    first, second = Window(0, 100).inside, Window(100, 200).inside
    assert first.params[-1] == second.params[0] == 100
    assert " > " in first.code and " <= " in first.code


def test_a_row_that_is_only_needed_keeps_no_more_than_it_cannot_be_without():
    kept = staying.needed_statement(1, Link("line", "tax_id", "tax", False, "n"), Window(0, 9))
    needed = staying.needed_statement(1, Link("line", "tax_id", "tax", True, "r"), Window(0, 9))
    assert ("kept",) in kept.params
    assert ("kept", "needed", "used") in needed.params
