from odoo import fields, models

from .ajw_whatsapp_message import ENGINE_FIELDS, ERASABLE_FIELDS

ENGINE_FIELDS.update({"wa_user_id": False})
ERASABLE_FIELDS.add("wa_user_id")


class AjwWhatsappMessage(models.Model):
    """Who a message is from or to, where a user name stands in for the number.

    A person with a user name may hide the number from businesses. Meta then reports a
    business-scoped user id, which means this person for this business only, and which changes with
    the number. Source: Meta, "Business-scoped user IDs".
    """

    _inherit = "ajw.whatsapp.message"

    _ajw_personal_data = {
        "wa_user_id": {"category": "identifier", "erase": "clear"},
    }

    wa_user_id = fields.Char(
        "Business-scoped user id",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Meta's id of the person for your business. It stays when the number is hidden behind "
        "a user name, so messages without a number are matched by it.",
    )
