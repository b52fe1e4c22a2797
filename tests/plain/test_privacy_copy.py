"""Codes are guessed by nobody; a copy says nothing of others and nothing that grants access."""

import html.parser
import importlib
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
codes = importlib.import_module(_engine + ".codes")
export = importlib.import_module(_engine + ".export")


def test_codes():
    seen = {codes.generate() for _ in range(200)}
    assert len(seen) > 190
    assert all(len(code) == 8 and code.isdigit() for code in seen)
    code = codes.generate()
    sealed = codes.seal(code)
    assert code not in sealed and sealed != codes.seal(code)
    assert codes.matches(f" {code[:4]} {code[4:]} ", sealed)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for entered, stored in (
        (wrong, sealed), ("", sealed), (None, sealed), (code, None), (code, ""), (code, code),
        (code, "scrypt$$"), (code, "md5$a$b"), ("", codes.seal("")), (sealed, sealed),
    ):  # fmt: skip
        assert not codes.matches(entered, stored)


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_only_the_code_matches(first, second):
    same = codes.normalize(first) == codes.normalize(second) != ""
    assert codes.matches(second, codes.seal(codes.normalize(first))) == same


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "access_token", "signup_token", "totp_secret", "api_key", "apikey",
     "api_keys", "token_hash", "secret", "name_salt", "address_commitment", "oauth_access_token",
     "app_secret_cipher", "privatekey", "private_key", "entry_hash", "pin"],
)  # fmt: skip
def test_secrets_are_never_given(name):
    assert export.handling(name, "char", "identifier", "clear", False) == "skip"


@pytest.mark.parametrize("name", ["login", "email", "phone", "shipping", "opinion", "tokenizer"])
def test_no_secret(name):
    assert export.handling(name, "char", "email", "clear", False) == "owned"


def test_handling():
    assert export.handling("email", "char", "email", "clear", True) == "skip"
    for category, erase, field_type in (
        ("free_text", "clear", "char"), ("file", "clear", "binary"), ("email", "clear", "json"),
        ("email", "", "char"), ("name", "clear", "text"),
    ):  # fmt: skip
        assert export.handling("x_field", field_type, category, erase, False) == "review"


def test_whose_a_value_is():
    known = export.identifiers(["Asha Rao", "asha@example.com", "+91 98765 43210", None, ""])
    for value in ("asha  rao", "ASHA@example.com", "+919876543210", "919876543210"):
        assert export.theirs(value, known) == (value, False)
    for value in ("Asha Raom", "asha@example.co", "9876543210", 5):
        assert export.theirs(value, known) == (None, True)
    for value in ("", None, False):
        assert export.theirs(value, known) == (value, False)


def test_a_list_of_addresses_is_looked_at_one_by_one():
    known = export.identifiers(["Asha Rao", "asha@example.com"])
    for value, expected in (
        ("asha@example.com, third@example.com", ("asha@example.com", True)),
        ("third@example.com; ASHA@example.com", ("ASHA@example.com", True)),
        ("Asha Rao <asha@example.com>", ("Asha Rao <asha@example.com>", False)),
        ("Third Party <asha@example.com>", ("asha@example.com", True)),
        ("third@example.com", (None, True)),
    ):
        assert export.theirs(value, known) == expected


def test_who_did_something_for_us_is_looked_at_by_an_officer():
    assert export.handling("actor", "char", "name", "delete", False) == "review"
    assert export.handling("factory", "char", "name", "delete", False) == "owned"


class Elements(html.parser.HTMLParser):
    """The elements of a page, and their attributes."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text(max_size=20)), max_size=5))
def test_a_package_holds_what_was_put_in_and_is_escaped(rows):
    file = io.BytesIO()
    words = {"lang": "en", "title": "<T>", "rows_left": "%s more", "left_out": "L", "nothing": "-"}
    package = export.Package(file, {"Who": "<script>x</script>"}, words)
    package.section("Things <i>", "x.thing", {"a": "A", "b": "B"}, "kept")
    for row in rows:
        package.row({**row, "b": "<img src=x>"})
    package.finish([{"place": "P<b>", "what": "w", "rows": 1, "why": "y"}])
    archive = zipfile.ZipFile(file)
    data = json.loads(archive.read("data.json"))
    assert [{**row, "b": "<img src=x>"} for row in rows] == data["places"][0]["rows"]
    assert package.row_count == len(rows)
    page = archive.read("summary.html").decode()
    seen = Elements()
    seen.feed(page)
    assert not seen.tags & {"script", "img", "i", "b", "a", "link"}
    assert not seen.attributes & {"href", "src", "srcset", "action", "onerror"}


def test_a_long_place_is_cut_in_the_summary_only():
    file = io.BytesIO()
    words = {"lang": "en", "title": "T", "rows_left": "%s more", "left_out": "L", "nothing": "-"}
    package = export.Package(file, {}, words)
    package.section("Things", "x.thing", {"a": "A"})
    for number in range(export.SUMMARY_ROWS + 7):
        package.row({"a": f"value-{number}"})
    package.finish([])
    archive = zipfile.ZipFile(file)
    assert len(json.loads(archive.read("data.json"))["places"][0]["rows"]) == 207
    page = archive.read("summary.html").decode()
    assert "7 more" in page and "value-206" not in page
