from odoo import fields, models

from .ajw_whatsapp_template import META_FIELDS

# Dated ahead by hand, a template would hear of nothing that Meta does to it.
META_FIELDS.update({"reported_at": False, "components_reported": False})


class AjwWhatsappTemplate(models.Model):
    """When Meta last reported on a template: reports come twice, late, and in any order."""

    _inherit = "ajw.whatsapp.template"

    reported_at = fields.Datetime(
        "Last Report",
        readonly=True,
        copy=False,
        help="When Meta last reported on this template by itself. An older report changes nothing.",
    )
    components_reported = fields.Char(
        "Last Reported Text",
        readonly=True,
        copy=False,
        help="Tells the text and buttons that Meta last reported from any others. The same ones "
        "reported again are no news.",
    )

    def _note_components(self, fingerprint):
        """Tell the managers that Meta changed the text or buttons; once for each change.

        :param str fingerprint: of what they are now, from a ``TemplateUpdate``
        """
        changed = self.filtered(lambda template: template.components_reported != fingerprint)
        changed.components_reported = fingerprint
        for template in changed:
            template.account_id._alert_managers_once(
                self.env._(
                    "Meta changed the text or buttons of the template %s", template.display_name
                ),
                self.env._("Open the template, synchronise, and compare it with yours."),
            )
