from odoo import models


class AjwPrivacyDataLine(models.Model):
    """Classification of a field of somebody else's app, shipped as data.

    Model and field are text, so that one file covers apps that may not be installed.
    """

    _name = "ajw.privacy.data.line"
    _description = "Shipped classification"
    _inherit = "ajw.privacy.classification"

    _field_uniq = models.UniqueIndex(
        "(model_name, field_name)", "This field already has a shipped classification."
    )
