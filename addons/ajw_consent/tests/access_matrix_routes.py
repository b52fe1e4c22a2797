"""Who may ask for which address, told by a table and tried with real requests.

A test class has a line for each route, ``"<METHOD> <path as declared>"``, and in it the cases to
try, each with the status that every role gets::

    "POST /shop/<string:token>": Route(
        "public",
        csrf=True,
        cases=(
            # everybody who holds the token gets 200, and the answer is recorded
            Case("token", 200, changes="*"),
            # a token that has expired changes nothing
            Case("token_expired", 200),
            Case("token_unknown", 404),
        ),
    ),
    "GET /my/orders/<int:order_id>": Route(
        "user",
        csrf=True,
        cases=(
            # 404 but for the customer whose order it is; the answer shows them ``Ask.tells``
            Case("order", 404, {"customer": 200, "anonymous": 303}, shows="customer"),
            Case("order_unknown", 404, {"anonymous": 303}),
        ),
    ),

Each ``Case`` names a method of the test class: ``ask_order`` makes real rows (of company A, of
``self.users["customer"]`` where rows belong to a portal user) and returns an :class:`Ask`: the
address, what the form sends, and a text that only some may see. It is called once, all roles try
the same rows, and nothing stays. A ``GET`` is sent the form as a query, so that a page that would
act on it is found out. All roles are tried, with Odoo's token where the route wants it.

Refused or not: tables of ours and of :data:`.access_roles.WATCHED` change for the roles in
``changes`` and for nobody else. Beside the table's cases, every form is also tried without the
token, and every address with the HTTP methods it does not answer.
"""

import re
from typing import NamedTuple

from odoo import http
from odoo.tools import mute_logger

from .access_registry import routes_of
from .access_roles import ROLES, MatrixBase, Role, without_trace

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: The portal user the rows belong to, beside another one, ``portal``.
ROUTE_ROLES = {"customer": Role("base.group_portal")}
#: Those whom a missing token or another HTTP method is tried with.
SOME = ("anonymous", "customer", "officer")


class Ask(NamedTuple):
    """A request that a role makes.

    :param str url: path, with a query if need be
    :param dict form: fields of the form, without Odoo's token
    :param bytes body: sent instead of a form
    :param dict headers: HTTP headers
    :param str tells: a text of the answer that tells of the row: only ``Case.shows`` get to see it
    """

    url: str
    form: dict = {}  # noqa: RUF012 - never changed
    body: bytes = b""
    headers: dict = {}  # noqa: RUF012 - never changed
    tells: str = ""


class Case(NamedTuple):
    """One way to ask a route.

    :param str target: name of the method that makes the rows, without ``ask_``
    :param int status: HTTP status for every role that is not in ``instead``
    :param dict instead: role → another HTTP status
    :param str changes: roles, separated by spaces, for whom rows change; ``*`` for all
    :param tuple tables: the only tables that change, where that has to be said; needed when a
        refused request leaves something behind
    :param str shows: roles whose answer contains ``Ask.tells``; ``*`` for all
    """

    target: str
    status: int
    instead: dict = {}  # noqa: RUF012 - never changed
    changes: str = ""
    tables: tuple = ()
    shows: str = ""


class Route(NamedTuple):
    """What a route is meant to be.

    :param str auth: ``public`` or ``user``
    :param bool csrf: whether a form must carry Odoo's token
    :param cases: tuple of :class:`Case`
    """

    auth: str
    csrf: bool
    cases: tuple


class RouteMatrixMixin(MatrixBase):
    """Tests of one addon's routes; goes with ``HttpCase``."""

    #: ``"GET /path"`` → :class:`Route`.
    ROUTES = {}

    @classmethod
    def setUpClass(cls):
        cls.roles = cls.roles | ROUTE_ROLES
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.sessions = {}

    # -- asking ----------------------------------------------------------------------------------

    def _become(self, role):
        """Log in as a role, once; later take up its session again."""
        if role not in self.sessions:
            user = self.users[role]
            login = None if user == self.env.ref("base.public_user") else user.login
            self.session = None  # or the session of the role before would be deleted
            self.authenticate(login, login)
            self.sessions[role] = (self.session, self.opener)
        self.session, self.opener = self.sessions[role]

    def _send(self, role, method, ask, token=None):
        """Send a request as a role.

        :param str token: Odoo's token for forms; ``None``: without
        """
        self._become(role)
        form = dict(ask.form)
        if token is not None:
            form["csrf_token"] = token
        return self.opener.request(
            method,
            self.base_url() + ask.url,
            params=form if method in ("GET", "HEAD") else None,
            data=None if method in ("GET", "HEAD") else ask.body or form,
            headers=ask.headers,
            timeout=30,
            allow_redirects=False,
        )

    def _ask(self, target, path):
        """Make the rows of a case; the address it gives has to be one of the route."""
        ask = getattr(self, f"ask_{target}")()
        self.env.flush_all()
        pattern = "[^/?]+".join(map(re.escape, re.split(r"<[^>]+>", path)))
        self.assertRegex(ask.url, rf"^{pattern}(\?.*)?$", f"ask_{target} is for another route")
        return ask

    def _try(self, role, method, route, case, ask, before):
        """Ask as a role, and return what is not as the table says.

        :param dict before: fingerprint of the rows of the case
        """
        with without_trace(self.env.cr):
            outside = self._outside()
            token = None
            if route.csrf and method != "GET":
                self._become(role)
                token = http.Request.csrf_token(self)
            answer = self._send(role, method, ask, token)
            self.env.invalidate_all()
            changed = self._changed(before)
            reached_out = self._outside() != outside
            problems = []
            status = self._of_role(case.instead, role, case.status)
            if answer.status_code != status:
                problems.append(f"answers {answer.status_code}, not {status}")
            may_change = case.changes == "*" or role in case.changes.split()
            if bool(changed or reached_out) != may_change:
                problems.append(f"changes {changed or 'nothing'}")
            if case.tables and may_change and changed != sorted(case.tables):
                problems.append(f"changes {changed}, not {case.tables}")
            if ask.tells:
                shown = case.shows == "*" or role in case.shows.split()
                if (ask.tells in answer.text) != shown:
                    problems.append(f"{'hides' if shown else 'shows'} “{ask.tells}”")
        return problems

    # -- the table is complete -------------------------------------------------------------------

    def test_A6_table_names_every_route(self):
        reality = routes_of(self.registry, self.addon)
        self.assertEqual(sorted(reality), sorted(self.ROUTES))
        for key, routing in reality.items():
            expected = self.ROUTES[key]
            self.assertEqual(routing["auth"], expected.auth, key)
            csrf = routing.get("csrf", routing["type"] == "http")
            self.assertEqual(csrf, expected.csrf, key)
            self.assertFalse(key.startswith("ANY "), f"{key}: say which methods")

    def test_A6_every_route_is_tried_with_real_rows(self):
        for key, route in self.ROUTES.items():
            statuses = {status for case in route.cases for status in
                        (case.status, *case.instead.values())}  # fmt: skip
            self.assertTrue(any(status < 400 for status in statuses), f"{key}: nobody gets in")
            if "<" in key:
                refusals = [case for case in route.cases if case.status >= 400]
                self.assertGreater(len(route.cases), 1, f"{key}: try one that does not exist")
                self.assertTrue(refusals, f"{key}: whom does it refuse?")
            for case in route.cases:
                named = {*case.instead, *case.changes.split(), *case.shows.split()} - {"*"}
                self.assertLessEqual(named, {*self.roles, *ROLES}, f"{key} {case.target}")
                if key.startswith("GET "):
                    self.assertFalse(case.changes, f"{key}: a GET changes nothing")
                refused = {role for role in self.users
                           if self._of_role(case.instead, role, case.status) >= 400}  # fmt: skip
                leaves = refused if case.changes == "*" else refused & {*case.changes.split()}
                if leaves and not case.tables:
                    self.fail(f"{key}, {case.target}: refused, and changes: say which tables")

    # -- the table is true -----------------------------------------------------------------------

    def test_A6_routes_answer_as_the_table_says(self):
        differences = []
        for key, route in self.ROUTES.items():
            method, _space, path = key.partition(" ")
            for case in route.cases:
                with without_trace(self.env.cr):
                    ask = self._ask(case.target, path)
                    before = self._fingerprint()
                    for role in self.users:
                        differences += [
                            f"{key}, {case.target}, as {role}: {problem}"
                            for problem in self._try(role, method, route, case, ask, before)
                        ]
        self.assertFalse(differences, "\n" + "\n".join(differences))

    def test_A6_only_the_methods_named_are_answered(self):
        named = {}
        for key, route in self.ROUTES.items():
            method, _space, path = key.partition(" ")
            named.setdefault(path, (route.cases[0].target, set()))[1].add(method)
        for path, (target, methods) in named.items():
            with without_trace(self.env.cr):
                ask = self._ask(target, path)
                before, outside = self._fingerprint(), self._outside()
                for role in SOME:
                    for method in sorted({*METHODS, "HEAD"} - methods):
                        # what answers GET answers HEAD
                        statuses = (404, 405)
                        if method == "HEAD" and "GET" in methods:
                            statuses = (200, 303, 403, 404)
                        with self.subTest(path=path, method=method, role=role):
                            status = self._send(role, method, ask).status_code
                            self.assertIn(status, statuses)
                self.assertFalse(self._changed(before), path)
                self.assertEqual(self._outside(), outside, path)

    def test_A6_forms_need_the_token(self):
        for key, route in self.ROUTES.items():
            method, _space, path = key.partition(" ")
            if not route.csrf or method == "GET":
                continue
            with mute_logger("odoo.http"), without_trace(self.env.cr):
                ask = self._ask(route.cases[0].target, path)
                before, outside = self._fingerprint(), self._outside()
                for role in SOME:
                    self._become("portal")
                    foreign = http.Request.csrf_token(self)
                    for token in (None, "", "f" * 40 + "o9999999999", foreign):
                        with self.subTest(route=key, role=role, token=token):
                            status = self._send(role, method, ask, token).status_code
                            login = role == "anonymous" and route.auth == "user"
                            self.assertEqual(status, 303 if login else 400)
                self.assertFalse(self._changed(before), key)
                self.assertEqual(self._outside(), outside, key)
