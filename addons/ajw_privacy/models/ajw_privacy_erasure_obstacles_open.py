from odoo import models
from odoo.fields import Domain

from ..engine.obstacles import OPEN, Obstacle, Open, shorten


class AjwPrivacyErasure(models.Model):
    """What is still under way with the person, and who else may be the same."""

    _inherit = "ajw.privacy.erasure"

    def _open_kinds(self):
        """Documents that may be open: Odoo's apps, and those that models name themselves."""
        yield from OPEN
        for name, model_class in self.env.registry.items():
            if own := getattr(model_class, "_ajw_open_documents", None):
                yield Open(name, *own)

    def _obstacles_of_documents(self, partners):
        _ = self.env._
        for kind in self._open_kinds():
            model = self.env.get(kind.model)
            fields_ = {*kind.links, *(leaf[0] for leaf in kind.domain if len(leaf) == 3)}
            if model is None or model._abstract or fields_ - model._fields.keys():
                continue
            domain = Domain.OR(Domain(name, "in", partners.ids) for name in kind.links)
            documents = model.sudo().search(domain & Domain(list(kind.domain)), order="id")
            if not documents:
                continue
            labels = documents.mapped(kind.label) if kind.label else ()
            numbers = list(dict.fromkeys(str(label) for label in labels if label))
            words = {
                "what": model._description,
                "which": shorten(numbers) or len(documents),
            }
            sentence = {
                "open": _(
                    "Still under way: %(what)s %(which)s. Finish or cancel it first, or say why "
                    "the person is erased all the same: nobody could be reached about it any "
                    "more.", **words,
                ),
                "unpaid": _(
                    "Not paid or not posted: %(what)s %(which)s. Have it paid, credited or written "
                    "off first, or say why the person is erased all the same: a claim against "
                    "somebody nobody knows is lost (see GDPR Art. 17(3)(e)).", **words,
                ),
                "credit": _(
                    "Not used up yet: %(what)s (%(which)s). What the person still has to their "
                    "credit is lost. Pay it out or let it be used first, or say why not.", **words,
                ),
            }[kind.kind]  # fmt: skip
            yield Obstacle(f"open:{kind.model}", "confirm", sentence, kind.model, documents._ids)

    # -- the same person twice -------------------------------------------------------------------

    def _obstacles_of_duplicates(self, partners):
        """Other contacts with an address or number of the person: they stay as they are."""
        _ = self.env._
        mine = partners | partners.commercial_partner_id | partners.child_ids
        near = Domain("id", "not in", mine.ids) & (
            Domain("company_id", "=", False) | Domain("company_id", "in", self._companies().ids)
        )
        words = {
            "email_normalized": ("duplicate_email", "confirm", _("email address")),
            "vat": ("duplicate_tax", "confirm", _("tax number")),
            "phone_sanitized": ("duplicate_phone", "note", _("telephone number")),
        }
        for name, (code, level, what) in words.items():
            values = [value for value in partners.mapped(name) if value]
            if not values:
                continue
            others = self.env["res.partner"].sudo().with_context(active_test=False).search(
                near & Domain(name, "in", values), limit=100
            )  # fmt: skip
            # contacts of one company share its tax number
            others = others.filtered(
                lambda one: one.commercial_partner_id not in partners.commercial_partner_id
            )
            if others:
                yield Obstacle(
                    code, level,
                    _("%(count)s other contacts have the same %(what)s. They stay as they are. "
                      "Where one is the same person, merge the two first (Contacts, Merge) and "
                      "plan again; otherwise say that these are others.",
                      count=len(others), what=what)
                    if level == "confirm"
                    else _("%(count)s other contacts have the same %(what)s, as a family or an "
                           "office has. They stay as they are; merge them first where one is the "
                           "same person.", count=len(others), what=what),
                    "res.partner", others._ids,
                )  # fmt: skip
