"""Who may ask for which address, told by a table and tried with real requests."""

from typing import NamedTuple

from .access_matrix import MatrixBase
from .access_registry import routes_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """What a route is meant to be, and what a stranger gets from it.

    :param auth: ``public`` or ``user``
    :param csrf: whether a form must carry Odoo's token
    :param sample: an address that leads to it, which knows nobody's secret
    :param anonymous: HTTP status for who is not logged in
    :param portal: HTTP status for a logged-in customer
    """

    auth: str
    csrf: bool
    sample: str
    anonymous: int
    portal: int


class RouteMatrixMixin(MatrixBase):
    """Tests of one addon's routes; goes with ``HttpCase``."""

    #: ``"GET /path"`` → :class:`Route`.
    ROUTES = {}

    def _ask(self, method, url):
        """Ask as a browser or program would that knows the address and nothing more."""
        return self.opener.request(
            method, self.base_url() + url, timeout=30, allow_redirects=False
        ).status_code

    def _visitors(self):
        """Log in as each visitor in turn."""
        self.authenticate(None, None)
        yield "anonymous"
        login = self.users["portal"].login
        self.authenticate(login, login)
        yield "portal"

    def test_A6_table_names_every_route(self):
        reality = routes_of(self.registry, self.addon)
        self.assertEqual(sorted(reality), sorted(self.ROUTES))
        for key, routing in reality.items():
            expected = self.ROUTES[key]
            self.assertEqual(routing["auth"], expected.auth, key)
            csrf = routing.get("csrf", routing["type"] == "http")
            self.assertEqual(csrf, expected.csrf, key)
            self.assertFalse(key.startswith("ANY "), f"{key}: say which methods")

    def test_A6_strangers_change_nothing(self):
        for visitor in self._visitors():
            before, outside = self._fingerprint(), self._outside()
            for key, route in self.ROUTES.items():
                with self.subTest(route=key, visitor=visitor):
                    status = self._ask(key.partition(" ")[0], route.sample)
                    self.assertEqual(status, getattr(route, visitor))
            self.assertEqual(self._fingerprint(), before, visitor)
            self.assertEqual(self._outside(), outside, visitor)

    def test_A6_only_the_methods_named_are_answered(self):
        named = {}
        for key, route in self.ROUTES.items():
            method, _space, path = key.partition(" ")
            named.setdefault(path, (route.sample, set()))[1].add(method)
        before = self._fingerprint()
        for path, (sample, methods) in named.items():
            for method in METHODS:
                if method not in methods:
                    with self.subTest(path=path, method=method):
                        self.assertIn(self._ask(method, sample), (404, 405))
        self.assertEqual(self._fingerprint(), before)

    def test_A6_forms_need_the_token(self):
        before = self._fingerprint()
        for visitor in self._visitors():
            for key, route in self.ROUTES.items():
                if route.csrf and not key.startswith("GET "):
                    with self.subTest(route=key, visitor=visitor):
                        status = self._ask(key.partition(" ")[0], route.sample)
                        self.assertIn(status, (303, 400) if route.auth == "user" else (400,))
        self.assertEqual(self._fingerprint(), before)
