import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .selections import CERTAINTIES


class AjwPrivacyRecipient(models.Model):
    """Somebody else, or a place below Odoo, that has data which erasing here does not reach.

    Data: editable. What an erasure finds says whether the person's data got there.
    """

    _name = "ajw.privacy.recipient"
    _description = "Recipient of personal data"
    _inherit = ["ajw.privacy.binding", "mail.thread"]
    _order = "sequence, id"

    _ajw_personal_data = {
        "how_to": {"erase": "none", "reason": "what to do about a kind of recipient; names nobody"},
        "verify": {"erase": "none", "reason": "remarks on a source; names nobody"},
    }

    name = fields.Char(required=True, translate=True, tracking=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True, tracking=True)
    always = fields.Boolean(
        "For everybody", tracking=True, help="Whoever is erased: backups hold all of the database."
    )
    model_names = fields.Char(
        "Models",
        tracking=True,
        help="Technical names, with commas. It concerns a person if the plan found rows of one of "
        "them. Those of apps that are not installed are passed over.",
    )
    module_name = fields.Char(
        "Only with the app",
        tracking=True,
        help="Technical name of an app without which nothing gets there.",
    )
    how_to = fields.Text("What to do", required=True, translate=True)
    days = fields.Integer(
        default=30, required=True, tracking=True,
        help="In how many days after the approval it should be done.",
    )  # fmt: skip
    article = fields.Char(tracking=True, help="The law that asks for it.")
    source = fields.Char(tracking=True)
    certainty = fields.Selection(
        CERTAINTIES,
        "How sure",
        required=True,
        default="unverified",
        tracking=True,
    )
    verify = fields.Char("To verify")

    _days_positive = models.Constraint("CHECK(days > 0)", "Give at least one day.")

    def _scope_sentence(self):
        # EXTENDS this addon
        return self.env._(
            "The list of recipients counts in every company, and you do not act for all of them. "
            "Ask an officer of all companies."
        )

    @api.constrains("always", "model_names")
    def _check_reachable(self):
        for recipient in self:
            names = recipient._models()
            if not recipient.always and not names:
                raise ValidationError(
                    self.env._(
                        "Name the models that tell whether “%s” concerns a person, or tick “For "
                        "everybody”.",
                        recipient.name,
                    )
                )
            for name in names:
                if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", name):
                    raise ValidationError(
                        self.env._(
                            "“%s” is no name of a model: write for example sale.order.", name
                        )
                    )

    def _models(self):
        """The models that tell whether it concerns a person."""
        self.ensure_one()
        return [name.strip() for name in (self.model_names or "").split(",") if name.strip()]

    def _concerned(self, model_names):
        """Which of all recipients have data of somebody with rows of these models.

        :param model_names: set of names of models of which a plan found rows
        :return: ajw.privacy.recipient
        """
        # sudo: asks only which apps are installed
        modules = self.env["ir.module.module"].sudo()
        recipients = self.sudo().search([])
        wanted = list(filter(None, recipients.mapped("module_name")))
        installed = set(
            modules.search([("name", "in", wanted), ("state", "=", "installed")]).mapped("name")
        )
        return recipients.filtered(
            lambda one: (
                (not one.module_name or one.module_name in installed)
                and (one.always or not model_names.isdisjoint(one._models()))
            )
        )
