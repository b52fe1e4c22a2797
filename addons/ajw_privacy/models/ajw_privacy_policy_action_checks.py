from odoo import models

from ..engine import guard


class AjwPrivacyPolicy(models.Model):
    """Why what a policy wants done is not possible on its model."""

    _inherit = "ajw.privacy.policy"

    def _action_problems(self, model):
        """Why the action is not possible on the model."""
        if self.action == "delete":
            return self._deletion_problems(model)
        if self.action in ("archive", "erase"):
            return self._row_problems(model)
        return self._field_problems(model)

    def _deletion_problems(self, model):
        entries = self.env["ajw.privacy.data.map"]._entries(self.model_name)
        if guard.may_delete_rows(self.model_name, entries):
            return self._goes_along_problems()
        return [
            self.env._(
                "The data map does not allow rows of “%(model)s” to be deleted: its fields have to "
                "be classified “Delete the row”, and none of them “Keep”, “Redact” or "
                "“Pseudonymise”. Empty fields instead, or see the model in the data map.",
                model=self.model_name,
            )
        ]

    def _row_problems(self, model):
        """Why rows cannot be archived, or the person behind them erased."""
        _ = self.env._
        if self.action == "erase" and self.model_name != "res.partner":
            return [
                _(
                    "People are erased by their contact. Choose the model res.partner, or another "
                    "action for “%(model)s”.",
                    model=self.model_name,
                )
            ]
        active = model._fields.get(model._active_name or "")
        if self.action == "archive" and not (active and active.store):
            return [
                _(
                    "Rows of “%(model)s” cannot be archived. Delete them, or empty fields.",
                    model=self.model_name,
                )
            ]
        return []

    def _goes_along_problems(self):
        """Why deleting a row would delete more than the data map lets go."""
        problem = self.env["ajw.privacy.hold"]._goes_along_problem(self.model_name)
        if not problem:
            return []
        reason, name = problem
        if reason == "unknown":
            return [
                self.env._(
                    "The app of “%(model)s” has its own way of deleting, so that nobody can say "
                    "what else would go. Empty fields instead.",
                    model=name,
                )
            ]
        return [
            self.env._(
                "Deleting rows of “%(model)s” would also delete rows of “%(other)s”, which the "
                "data map does not allow. Empty fields instead.",
                model=self.model_name,
                other=name,
            )
        ]
