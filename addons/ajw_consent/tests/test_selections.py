from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("-at_install", "post_install")
class TestSelections(TransactionCase):
    """What is chosen from shows words to users, in each model of the suite."""

    def test_each_choice_has_a_label(self):
        # a user with a language: for superuser without one Odoo reads the code, not the database
        user = new_test_user(self.env, "selections_user", "base.group_user", lang="en_US")
        env = self.env(user=user, context={"lang": "en_US"})
        empty = [
            f"{name}.{field.name}"
            for name, model in env.items()
            if (model._original_module or "").startswith("ajw_")
            for field in model._fields.values()
            if field.type == "selection" and field.selection and not callable(field.selection)
            if not field._description_selection(env)
        ]
        self.assertFalse(empty, "Odoo stores the labels of lists only")
