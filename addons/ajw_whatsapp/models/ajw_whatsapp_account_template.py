from odoo import models


class AjwWhatsappAccount(models.Model):
    _inherit = "ajw.whatsapp.account"
