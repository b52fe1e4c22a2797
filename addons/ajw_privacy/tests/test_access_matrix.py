"""Who may do what with the privacy desk."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin, Row

from .common import PrivacyCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, PrivacyCommon):
    addon = "ajw_privacy"

    # c create, r read, w write, u unlink; roles that are not named may do nothing.
    MODELS = {
        "ajw.privacy.classification": {},
        # Which field holds what is the same in all companies.
        "ajw.privacy.data.line": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.data.map": {"officer": "r", "officer_b": "r"},
        "ajw.privacy.data.override": {"officer": "crwu", "officer_b": "crwu"},
        # Whose policy it is cannot be read in another company, nor then the dry run of it.
        "ajw.privacy.dry.run": {"officer": "crwu", "officer_b": "cwu"},
        "ajw.privacy.dry.run.line": {"officer": "crwu", "officer_b": "crwu"},
        "ajw.privacy.policy": {"officer": "crwu"},
        "ajw.privacy.run": {"officer": "r"},
    }
    WITHOUT_COMPANY_RULE = {"ajw.privacy.dry.run.line": "everybody counts for themselves"}
    METHODS = {
        "ajw.privacy.data.map.action_classify": "officer officer_b",
        "ajw.privacy.data.map.action_refresh": "officer officer_b",
        "ajw.privacy.policy.action_dry_run": "officer",
        "ajw.privacy.policy.action_run": "officer",
        "ajw.privacy.policy.action_view_runs": "officer",
    }
    CRONS = ("ajw_privacy.ir_cron_data_map", "ajw_privacy.ir_cron_retention")

    # -- rows ------------------------------------------------------------------------------------

    def row_ajw_privacy_data_line(self, company):
        values = {
            "model_name": "res.partner",
            "field_name": "matrix",
            "category": "name",
            "erase": "clear",
        }
        lines = self.env["ajw.privacy.data.line"]
        return Row(lines.create(values), {**values, "field_name": "other"}, {"law": "None"})

    def row_ajw_privacy_data_override(self, company):
        values = {
            "model_name": "res.partner.bank",
            "field_name": "sequence",
            "category": "technical",
            "erase": "none",
            "reason": "matrix",
        }
        override = self.env["ajw.privacy.data.override"].create(values)
        return Row(override, {**values, "field_name": "active"}, {"reason": "none"})

    def row_ajw_privacy_data_map(self, company):
        maps = self.env["ajw.privacy.data.map"]
        if not maps.search_count([], limit=1):
            maps._refresh()
        values = {
            "model_name": "res.partner",
            "field_name": "matrix",
            "source": "line",
            "level": "declared",
            "state": "open",
        }
        return Row(maps.search([], limit=1), values, {"state": "open"})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body")

    def _policy_values(self, company):
        return {
            "name": "Matrix",
            "model_name": "x.privacy.note",
            "clock_field": "happened_at",
            "max_age": 30,
            "field_names": "body",
            "domain": "[('state', '=', 'done')]",
            "company_id": company.id,
        }

    def row_ajw_privacy_policy(self, company):
        values = self._policy_values(company)
        policy = self.env["ajw.privacy.policy"].create(values)
        return Row(policy, {**values, "name": "Matrix 2"}, {"name": "Renamed"})

    def row_ajw_privacy_run(self, company):
        policy = self.env["ajw.privacy.policy"].create(self._policy_values(company))
        values = {
            "policy_id": policy.id,
            "company_id": company.id,
            "model_name": policy.model_name,
        }
        return Row(self.env["ajw.privacy.run"].create(values), values, {"rows_done": 7})

    def row_ajw_privacy_dry_run(self, company):
        policy = self.env["ajw.privacy.policy"].create(self._policy_values(company))
        values = {"policy_id": policy.id}
        return Row(self.env["ajw.privacy.dry.run"].create(values), values, {}, own=True)

    def row_ajw_privacy_dry_run_line(self, company):
        run = self.row_ajw_privacy_dry_run(company).record
        values = {"dry_run_id": run.id, "company_id": company.id}
        lines = self.env["ajw.privacy.dry.run.line"]
        return Row(lines.create(values), values, {"row_count": 5}, own=True)
