"""Files go from the filestore only when no row names them; sessions end for one user alone."""

import importlib
import json

import pytest

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
files = importlib.import_module(_engine + ".files")
schema = importlib.import_module(_engine + ".schema")
tables = importlib.import_module(_engine + ".tables")
matcher = importlib.import_module(_engine + ".matcher")
identifiers = importlib.import_module(_engine + ".identifiers")
accounts = importlib.import_module(_engine + ".accounts")


class Cursor:
    """Remembers what was asked, and answers which files are in use."""

    def __init__(self, used=(), error=None):
        self.used, self.error, self.queries = used, error, []

    def execute(self, query, log_exceptions=True):
        self.queries.append(getattr(query, "code", query))
        if self.error and "LOCK" in self.queries[-1]:
            raise self.error

    def fetchall(self):
        return [(name,) for name in self.used]


def make(folder, *names):
    for name in names:
        (folder / name).write_text(name)
    return lambda name: str(folder / name)


def test_only_what_nobody_names_goes(tmp_path):
    path_of = make(tmp_path, "mine", "shared")
    cursor = Cursor(used=["shared"])
    found = files.collect(cursor, ["mine", "shared", "gone"], ["ir_attachment"], path_of)
    assert (found.gone, found.shared, found.stuck) == (["mine", "gone"], ["shared"], [])
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_the_lock_comes_before_the_question(tmp_path):
    """Else a row committed between the two would not be seen, and its file would go."""
    cursor = Cursor()
    files.collect(cursor, ["mine"], ["ir_attachment", "x_more"], make(tmp_path))
    assert "lock_timeout" in cursor.queries[0]
    assert cursor.queries[1].startswith("LOCK") and "SHARE MODE" in cursor.queries[1]
    assert cursor.queries[2].startswith("SELECT")


def test_without_the_lock_nothing_goes(tmp_path):
    path_of = make(tmp_path, "mine")
    with pytest.raises(TimeoutError):
        files.collect(Cursor(error=TimeoutError()), ["mine"], ["ir_attachment"], path_of)
    assert (tmp_path / "mine").exists()


def test_what_the_system_keeps_is_told(tmp_path):
    (tmp_path / "mine").mkdir()  # what cannot be unlinked
    found = files.collect(Cursor(), ["mine"], ["ir_attachment"], lambda name: str(tmp_path / name))
    assert (found.gone, found.stuck) == ([], ["mine"])


def test_every_table_that_names_files_is_asked():
    def column(table, kind):
        return {"store_fname": schema.Column(table, "store_fname", kind, False)}

    known = {"ir_attachment": column("ir_attachment", "varchar"), "b": column("b", "text"),
             "c": column("c", "int4"), "d": {}}  # fmt: skip
    assert files.stores(known) == ["b", "ir_attachment"]


def session(folder, name, **values):
    path = folder / name[:2] / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
    return str(path)


def test_sessions_of_one_user_in_one_database(tmp_path):
    mine = session(tmp_path, "ab1", db="here", uid=7, login="x")
    half = session(tmp_path, "cd1", db="here", uid=None, pre_uid=7)
    for number, values in enumerate(
        ({"db": "here", "uid": 8}, {"db": "there", "uid": 7}, {"uid": 7}, {"db": "here"})
    ):
        session(tmp_path, f"ef{number}", **values)
    (tmp_path / "ab" / "broken").write_text("{")
    (tmp_path / "ab" / "list").write_text("[]")
    assert sorted(files.sessions(str(tmp_path), "here", {7})) == sorted([mine, half])
    assert list(files.sessions(str(tmp_path), "here", set())) == []
    assert files.remove_sessions(str(tmp_path), "here", {7}) is True
    assert list(files.sessions(str(tmp_path), "here", {7})) == []
    assert len(list(tmp_path.rglob("ef?"))) == 4
    assert files.remove_sessions(str(tmp_path / "none"), "here", {7}) is True


# -- tables without a model -----------------------------------------------------------------------

WHO = matcher.Matcher(
    identifiers.identify(names=["Quirina Zephyrsson"], emails=["quirina.zq7@example.com"])
)
MARK = matcher.MARK


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        ("text", "to Quirina Zephyrsson!", f"to {MARK}!"),
        ("varchar", "<p>Quirina <b>Zephyrsson</b></p>", f"<p>{MARK}<b></b></p>"),
        ("_text", ["quirina.zq7@example.com", "bruno", None], [MARK, "bruno", None]),
        ("bytea", b"\xff\x00 quirina.zq7@example.com", b"\xff\x00 " + MARK.encode()),
        ("bytea", memoryview(b"by quirina.zq7@example.com"), b"by " + MARK.encode()),
    ],
)
def test_a_value_of_any_column_is_redacted(kind, value, left):
    changed, count = tables.redact_value(kind, value, WHO)
    assert (changed, count) == (left, 1)
    again, none = tables.redact_value(kind, changed, WHO)
    assert (again, none) == (left, 0)


def test_json_keeps_its_keys_and_numbers():
    changed, count = tables.redact_value("jsonb", {"to": ["Quirina Zephyrsson", 7]}, WHO)
    assert (changed.adapted, count) == ({"to": [MARK, 7]}, 1)


@pytest.mark.parametrize(("kind", "value"), [("text", None), ("_text", None), ("bytea", None)])
def test_an_empty_column_stays_empty(kind, value):
    assert tables.redact_value(kind, value, WHO) == (value, 0)


def test_tables_of_models_and_our_own_are_left_to_others():
    def table(name, kind="text"):
        return {"note": schema.Column(name, "note", kind, False)}

    known = {name: table(name) for name in ("res_partner", "ajw_privacy_erasure", "x_bare")}
    known["x_numbers"] = table("x_numbers", "int4")
    assert list(tables.modelless(known, {"res_partner"})) == ["x_bare"]


# -- accounts -------------------------------------------------------------------------------------


def test_only_tables_and_columns_there_are_asked():
    known = {"res_users_apikeys": {"user_id": None}, "mail_presence": {"guest_id": None}}
    people = {"res.users": (4, 5), "mail.guest": ()}
    [statement] = accounts.delete_statements(accounts.TRACES, people, known)
    assert statement.code == 'DELETE FROM "res_users_apikeys" WHERE "user_id" IN %s'
    assert statement.params == [(4, 5)]


def test_secrets_of_services_that_are_not_installed_are_no_columns():
    statement = accounts.lock_statement({"password", "login"}, (4,))
    assert "totp_secret" not in statement.code and '"password" = NULL' in statement.code
