from contextlib import contextmanager
from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.orm.model_classes import add_to_registry
from odoo.tests import TransactionCase, new_test_user


class PrivacyCommon(TransactionCase):
    """Two companies, their officers, and a model of an app that nobody heard of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # other policies must not join the runs of these tests
        cls.env["ajw.privacy.policy"].with_context(active_test=False).search([]).active = False
        cls._add_models()
        cls.company = cls.env["res.company"].create({"name": "Privacy A"})
        cls.other_company = cls.env["res.company"].create({"name": "Privacy B"})
        both = (cls.company | cls.other_company).ids
        officer = "base.group_user,ajw_consent.group_officer"
        cls.officer = cls._user("privacy_officer", officer, cls.company.ids)
        cls.other_officer = cls._user("privacy_officer_b", officer, cls.other_company.ids)
        cls.lead_officer = cls._user(
            "privacy_officer_all", officer, cls.env["res.company"].search([]).ids + both
        )
        cls.admin = cls._user("privacy_admin", "base.group_system", cls.company.ids)
        cls.internal = cls._user("privacy_internal", "base.group_user", cls.company.ids)
        cls.note = cls.env["x.privacy.note"]
        cls.now = fields.Datetime.now()
        cls.cron = cls.env.ref("ajw_privacy.ir_cron_retention")

    @classmethod
    def _add_models(cls):
        from .fake_models import (  # noqa: PLC0415
            XPrivacyBooks,
            XPrivacyLine,
            XPrivacyNote,
            XPrivacyThread,
        )

        classes = (XPrivacyNote, XPrivacyThread, XPrivacyBooks, XPrivacyLine)
        names = [model._name for model in classes]
        for model in classes:
            add_to_registry(cls.registry, model)
        cls.registry._setup_models__(cls.env.cr, names)
        cls.registry.init_models(cls.env.cr, names, {"module": "ajw_privacy"})

        def remove():
            for name in names:
                cls.registry.__delitem__(name)
            cls.registry._setup_models__(cls.env.cr)

        cls.addClassCleanup(remove)

    @classmethod
    def _user(cls, login, groups, company_ids):
        return new_test_user(
            cls.env,
            login,
            groups,
            company_id=company_ids[-1],
            company_ids=[fields.Command.set(company_ids)],
        )

    @classmethod
    def _classify(cls, *names, model="x.privacy.note", erase="clear"):
        return cls.env["ajw.privacy.data.override"].create(
            [
                {
                    "model_name": model,
                    "field_name": name,
                    "category": "free_text",
                    "erase": erase,
                    "reason": "test",
                }
                for name in names
            ]
        )

    @contextmanager
    def assertRefused(self, message):
        """A ValidationError that matches, and nothing left of the attempt."""
        with self.assertRaises(ValidationError) as caught:  # Odoo's takes a savepoint
            yield
        self.assertRegex(str(caught.exception), message)

    def _policy(self, user=None, **values):
        policies = self.env["ajw.privacy.policy"]
        return policies.with_user(user or self.lead_officer).create(
            {
                "name": "Old notes",
                "model_name": "x.privacy.note",
                "clock_field": "happened_at",
                "max_age": 30,
                "field_names": "body",
                "domain": "[('state', '=', 'done')]",
                **values,
            }
        )

    def _note(self, age, company=None, **values):
        return self.note.create(
            {
                "name": "note",
                "body": "what was said",
                "subject": "kept",
                "state": "done",
                "happened_at": self.now - timedelta(days=age),
                "company_id": (company or self.company).id,
                **values,
            }
        )

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def _runs(self, policy):
        return self.env["ajw.privacy.run"].search([("policy_id", "=", policy.id)])
