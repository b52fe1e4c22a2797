from datetime import date, datetime
from types import SimpleNamespace

from odoo.tests import BaseCase, tagged

from ..engine import batch, columns, filters


@tagged("post_install", "-at_install")
class TestBatch(BaseCase):
    def _halve(self, size, bad, **kwargs):
        calls = []

        def work(part):
            calls.append(len(part))
            if bad & set(part):
                raise ValueError("bad row")
            return len(part)

        return batch.halve_on_failure(list(range(size)), work, (ValueError,), **kwargs), calls

    def test_no_failure_is_one_call(self):
        result, calls = self._halve(1000, set())
        self.assertEqual((result.done, calls), (1000, [1000]))

    def test_empty(self):
        self.assertEqual(batch.halve_on_failure([], None), (0, [], []))

    def test_one_bad_row_does_not_stop_the_rest(self):
        result, calls = self._halve(1000, {617})
        self.assertEqual(result.done, 999)
        self.assertEqual([i for i, _error in result.failures], [617])
        self.assertLess(len(calls), 25)

    def test_many_bad_rows_end_it(self):
        result, calls = self._halve(1000, set(range(1000)), max_failures=5)
        self.assertEqual(len(result.failures), 5)
        self.assertEqual(len(result.untried), 995)
        self.assertLess(len(calls), 40)

    def test_other_exceptions_pass(self):
        def work(part):
            raise KeyError

        with self.assertRaises(KeyError):
            batch.halve_on_failure([1, 2], work, (ValueError,))

    def test_minimum_wins_over_maximum(self):
        now = datetime(2026, 3, 31, 12)
        self.assertEqual(batch.cutoff(now, 1, "month"), datetime(2026, 2, 28, 12))
        self.assertEqual(batch.cutoff(now, 1, "month", 10), datetime(2026, 2, 28, 12))
        self.assertEqual(batch.cutoff(now, 1, "month", 365), datetime(2025, 3, 31, 12))
        self.assertEqual(batch.age_in_days(date(2026, 3, 31), 1, "year"), 365)

    def test_statement_quotes_identifiers_and_passes_ids(self):
        sql = columns.empty_statement("note", ["body", "order"], [1, 2])
        self.assertIn('"body" = NULL, "order" = NULL', sql.code)
        self.assertEqual(sql.params, [(1, 2)])
        for table, name in (('no"te', "body"), ("note", 'body" = NULL; --')):
            with self.assertRaises(AssertionError):
                columns.empty_statement(table, [name], [1])

    def test_errors_are_described_without_content(self):
        error = ValueError("Failing row contains (+919876543210, secret)")
        error.pgcode = "23514"
        error.diag = SimpleNamespace(
            constraint_name="must_stay", column_name=None, table_name="note"
        )
        self.assertEqual(
            columns.describe_error(error),
            "ValueError, SQLSTATE 23514, constraint must_stay, table note",
        )

    def test_filters_are_literals_only(self):
        self.assertEqual(filters.parse_domain("[('a', '=', 1)]"), [("a", "=", 1)])
        self.assertEqual(filters.parse_domain(" "), [])
        for text in ("[('a', '=', uid)]", "__import__('os')", "{'a': 1}", "[(", "()"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                filters.parse_domain(text)
        self.assertEqual(filters.split_names("a, b a"), ["a", "b"])
